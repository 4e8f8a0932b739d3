/**
 * The live world, as the conformance suite sees it: participants in one process, each with real files in a folder of its
 * own, real TLS between them over wires that can be cut, and a time that passes only when the test lets it.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Actor, PeerName } from '../../src/actors/actor.ts';
import { WallClock } from '../../src/worlds/live/clock.ts';
import { type TlsIdentity, tlsIdentity } from '../../src/worlds/live/identity/identity.ts';
import { type Ended, Participant, type ParticipantPorts } from '../../src/worlds/live/participant.ts';
import type { MessageCodec, PeerAddress, TransportEvents } from '../../src/worlds/live/ports.ts';
import type { Recorder } from '../../src/worlds/live/recorder.ts';
import { StorageFailure } from '../../src/worlds/live/storage/failure.ts';
import { LiveTransport } from '../../src/worlds/live/transport/transport.ts';
import { MemoryEngine, type WorkloadEngine } from './live-world/engine.ts';
import { FaultyDisk } from './live-world/faulty-disk.ts';
import { Wires } from './live-world/wires.ts';
import { DEFAULT_STEP_MS, StoppableScheduler, WorldTime } from './live-world/world-time.ts';
import type { Note, TestWorld, TestWorldOptions, WorldUnderTest } from './world-under-test.ts';

/** What the live world lets a test do beside what the suite asks for. */
interface LiveWorldUnderTest extends WorldUnderTest {
  open(options: TestWorldOptions): Promise<LiveTestWorld>;
}

export interface LiveWorldOptions {
  /** Real milliseconds for each of the world's, at least. */
  readonly step_ms: number;
  /** Makes what runs the workloads of a provider with so many hosts. */
  readonly engine: (hosts: number, time: WorldTime) => WorkloadEngine;
}

export function liveWorld(world: LiveWorldOptions): LiveWorldUnderTest {
  return {
    name: 'the live world',
    storeSurvives: 'together',
    concurrent: true,
    open: async options => new LiveTestWorld(options, world),
  };
}

export const live = liveWorld({
  step_ms: DEFAULT_STEP_MS,
  engine: (hosts, time) => new MemoryEngine(hosts, time),
});

/**
 * How much slower than the world the transport's own limits of time are: on a busy machine it must not give up what the
 * world would still wait for.
 */
const TRANSPORT_SLOWNESS = 1.5;

/** Notes as JSON, filled up with zeros where they say how long they are. */
export const notes: MessageCodec<Note> = {
  encode(note) {
    const text = Buffer.from(JSON.stringify(note));
    return Buffer.concat([text, Buffer.alloc(Math.max(0, (note.bytes ?? 0) - text.length))]);
  },
  decode(bytes) {
    const end = bytes.indexOf(0);
    return JSON.parse(Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString());
  },
};

/** What lasts under a participant's name while its processes come and go. */
interface Home {
  readonly name: PeerName;
  readonly start: (ports: ParticipantPorts) => Actor<Note, string>;
  readonly recorder: Recorder<Note, string> | null;
  readonly identity: TlsIdentity;
  readonly disk: FaultyDisk;
  readonly engine: WorkloadEngine | null;
  process: Participant<Note, string> | null;
  scheduler: StoppableScheduler;
}

class LiveTestWorld implements TestWorld {
  readonly replies: { actor: PeerName; answer: unknown }[] = [];
  readonly halts: { actor: PeerName; reason: string }[] = [];
  readonly observations: { actor: PeerName; metric: string; value: number }[] = [];
  private readonly options: TestWorldOptions;
  private readonly folder = mkdtempSync(join(tmpdir(), 'orrery-conformance-'));
  private readonly homes = new Map<PeerName, Home>();
  private readonly wires = new Wires(name => this.homes.get(name)?.process?.port ?? null);
  private readonly world: LiveWorldOptions;
  private readonly time: WorldTime;
  private draws = 0;
  /** What tests ask for happens one after the other. */
  private doing: Promise<void> = Promise.resolve();
  private failure: unknown = null;

  constructor(options: TestWorldOptions, world: LiveWorldOptions) {
    this.options = options;
    this.world = world;
    this.time = new WorldTime(world.step_ms);
  }

  add(
    name: PeerName,
    start: (ports: ParticipantPorts) => Actor<Note, string>,
    { hosts = 0, recorder = null }: { readonly hosts?: number; readonly recorder?: Recorder<Note, string> | null } = {},
  ): void {
    this.do(async () => {
      const home: Home = {
        name,
        start,
        recorder,
        identity: await tlsIdentity(createHash('sha256').update(name).digest()),
        disk: new FaultyDisk(join(this.folder, name), this.time, () => this.draw()),
        engine: hosts > 0 ? this.world.engine(hosts, this.time) : null,
        process: null,
        scheduler: new StoppableScheduler(this.time),
      };
      for (const other of this.homes.keys()) {
        await this.wires.lay(name, other);
        await this.wires.lay(other, name);
      }
      this.homes.set(name, home);
      await this.start(home);
    });
  }

  async run(ms: number): Promise<void> {
    await this.doing;
    await this.time.pass(ms);
    await this.doing;
    if (this.failure !== null) throw this.failure;
  }

  request(name: PeerName, request: string): void {
    this.withProcess(name, process => {
      process.request(request).then(
        answer => void this.replies.push({ actor: name, answer }),
        // The process ended: its client learns that, and the suite does not ask for it.
        () => {},
      );
    });
  }

  crash(name: PeerName): void {
    this.withHome(name, async home => {
      await this.kill(home);
      home.disk.crash();
    });
  }

  restart(name: PeerName): void {
    this.withHome(name, async home => {
      await home.process?.ended;
      if (home.process !== null) home.disk.crash();
      await this.start(home);
    });
  }

  pause(name: PeerName): void {
    this.withHome(name, async home => home.scheduler.stop());
  }

  resume(name: PeerName): void {
    this.withHome(name, async home => home.scheduler.goOn());
  }

  cut(from: PeerName, to: PeerName): void {
    this.do(async () => this.wires.setCut(from, to, true));
  }

  heal(from: PeerName, to: PeerName): void {
    this.do(async () => this.wires.setCut(from, to, false));
  }

  breakConnections(from: PeerName, to: PeerName): void {
    this.do(async () => this.wires.break(from, to));
  }

  failDisk(name: PeerName, on: boolean): void {
    this.withHome(name, async ({ disk }) => {
      disk.isErroring = on;
    });
  }

  fillDisk(name: PeerName, on: boolean): void {
    this.withHome(name, async ({ disk }) => {
      disk.isFull = on;
    });
  }

  damage(name: PeerName, what: 'log' | 'store'): void {
    this.withHome(name, async ({ disk }) => (what === 'log' ? disk.damageLog() : disk.damageStore()));
  }

  crashWorkload(name: PeerName, id: string): void {
    this.withHome(name, async ({ engine }) => engine!.crash(id));
  }

  hostDown(name: PeerName, host: number): void {
    this.withHome(name, async ({ engine }) => engine!.setHost(host, false));
  }

  hostUp(name: PeerName, host: number): void {
    this.withHome(name, async ({ engine }) => engine!.setHost(host, true));
  }

  async close(): Promise<void> {
    await this.doing;
    for (const home of this.homes.values()) {
      await this.kill(home);
      await home.engine?.close();
    }
    await this.wires.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async start(home: Home): Promise<void> {
    const { name, disk, engine } = home;
    const { sync_ms = 2, programs } = this.options;
    const scheduler = new StoppableScheduler(this.time);
    home.scheduler = scheduler;
    home.process = null;
    try {
      home.process = await Participant.start<Note, string>({
        name,
        start: home.start,
        codec: notes,
        clock: new WallClock(0, this.time.machine),
        scheduler,
        storage: await disk.open(sync_ms),
        transport: events => this.openTransport(home, events),
        ...(engine === null ? {} : { containers: events => engine.attach(events) }),
        ...(programs === undefined ? {} : { programs }),
        ...(home.recorder === null ? {} : { recorder: home.recorder }),
        observe: (metric, value) => void this.observations.push({ actor: name, metric, value }),
        log: line => {
          this.failure ??= new Error(`trouble of ${name}: ${line}`);
        },
      });
    } catch (error) {
      if (!(error instanceof StorageFailure)) throw error;
      this.halts.push({ actor: name, reason: error.message });
      return;
    }
    void home.process.ended.then(ended => this.heard(name, ended));
  }

  private openTransport(home: Home, events: TransportEvents): Promise<LiveTransport> {
    const { keepAlive_ms = 1_000, connectTimeout_ms = 1_000, queueMessages = 1_000 } = this.options;
    const real = this.world.step_ms * TRANSPORT_SLOWNESS;
    return LiveTransport.open({
      identity: home.identity,
      events,
      resolve: peer => this.addressOf(home.name, peer),
      nameOf: address => [...this.homes.values()].find(one => one.identity.address === address)?.name ?? null,
      log: event => {
        if (event.what === 'own-trouble') this.failure ??= new Error(event.reason);
      },
      listen: { port: 0 },
      acceptsUnknown: false,
      limits: {
        keepAlive_ms: keepAlive_ms * real,
        connectTimeout_ms: connectTimeout_ms * real,
        queueMessages,
      },
    });
  }

  private addressOf(from: PeerName, to: PeerName): PeerAddress | null {
    const port = this.wires.port(from, to);
    const home = this.homes.get(to);
    return port === null || home === undefined ? null : { host: '127.0.0.1', port, address: home.identity.address };
  }

  private heard(actor: PeerName, ended: Ended): void {
    if (ended.how === 'halted') this.halts.push({ actor, reason: ended.reason });
    if (ended.how === 'failed') this.failure ??= new Error(ended.reason, { cause: ended.error });
  }

  private async kill(home: Home): Promise<void> {
    await home.process?.kill();
    home.process = null;
  }

  private withHome(name: PeerName, action: (home: Home) => Promise<void>): void {
    this.do(async () => {
      const home = this.homes.get(name);
      if (home === undefined) throw new RangeError(`there is no participant ${name}`);
      await action(home);
    });
  }

  private withProcess(name: PeerName, action: (process: Participant<Note, string>) => void): void {
    this.withHome(name, async ({ process }) => {
      if (process !== null) action(process);
    });
  }

  private do(action: () => Promise<void>): void {
    this.doing = this.doing.then(action).catch((error: unknown) => {
      this.failure ??= error;
    });
  }

  /** From 0 up to 1, by the world's seed and how often it was asked. */
  private draw(): number {
    const digest = createHash('sha256')
      .update(`${this.options.seed}/${this.draws++}`)
      .digest();
    return digest.readUInt32LE(0) / 2 ** 32;
  }
}
