/**
 * The Docker backend of one provider: starts what the provider asks for, tells what becomes of it, and finds its own
 * again after a restart.
 *
 * The book (book.ts) is what this process believes, the engine is what is. Each workload's operations happen one after
 * the other; whatever they begin with, they look at the book again after everything that took time. Events of the engine
 * only say where to look, and the engine's list is compared with the book whenever events may have been missed, and from
 * time to time anyway.
 *
 * An engine that does not answer for a while is a host that is down: its workloads are told as lost. Those that turn out
 * to have survived are kept for a while, and whoever starts them again finds them running.
 */
import type Docker from 'dockerode';
import type { WorkloadAddress, WorkloadEvent, WorkloadSpec } from '../../../actors/actor.ts';
import type { ContainerEvents, Containers } from '../ports.ts';
import type { Access } from './access.ts';
import { Book, type Entry } from './book.ts';
import { Engine, isMissing, reasonOf } from './engine.ts';
import { Images } from './images.ts';
import { accessUnder, decideIsolation, type Isolation } from './isolation.ts';
import { isOwn, LABELS, labelFilters } from './labels.ts';
import { Launcher } from './launch.ts';
import { readLog } from './log-reader.ts';
import type { IsolationMode } from './networks.ts';
import { type DockerOptions, type DockerSettings, settle } from './options.ts';
import { NO_PORTS, Publisher } from './publisher.ts';
import { pause, Slots, Turns } from './turns.ts';
import { UNHEALTHY, Upkeep } from './upkeep.ts';
import { Volumes } from './volumes.ts';
import { type ContainerEvent, EngineWatch } from './watch.ts';

/** Exit code of a process that was killed. */
const KILLED = 137;

/** How much later than the end of a container the engine may learn that the kernel's killer was at it. */
const OOM_LAG_MS = 300;

/** How often a stop is tried, and the longest wait between two tries. */
const STOP_TRIES = 8;
const STOP_LONGEST_WAIT_MS = 10_000;

/** Most log readings at a time. */
const LOG_READERS = 4;

/** Most workloads that are to go and could not be removed yet. */
const MAX_DOOMED = 10_000;

interface Parts {
  readonly engine: Engine;
  readonly settings: DockerSettings;
  readonly isolation: Isolation;
  readonly access: Access;
  readonly launcher: Launcher;
  readonly volumes: Volumes;
}

export class DockerContainers implements Containers {
  readonly #parts: Parts;
  readonly #events: ContainerEvents;
  readonly #book: Book;
  readonly #watch: EngineWatch;
  readonly #upkeep: Upkeep;
  /** Operations on one workload, by its id. */
  readonly #turns = new Turns();
  readonly #startSlots: Slots;
  readonly #stopSlots: Slots;
  readonly #logSlots = new Slots(LOG_READERS);
  readonly #timers: NodeJS.Timeout[] = [];
  /** Ids of workloads that were stopped and whose containers may still be there. */
  readonly #doomed = new Set<string>();
  #isUp = true;
  #isClosed = false;

  private constructor(parts: Parts, events: ContainerEvents) {
    const { settings, engine } = parts;
    this.#parts = parts;
    this.#events = events;
    this.#book = new Book(settings.hosts);
    this.#startSlots = new Slots(settings.concurrency);
    this.#stopSlots = new Slots(settings.concurrency);
    this.#upkeep = new Upkeep({
      ...parts,
      book: this.#book,
      doomed: this.#doomed,
      isBusy: id => this.#turns.isBusy(id),
      queue: (id, what, work) => this.#do(id, what, work),
      checkEnd: entry => this.#checkEnd(entry),
      condemn: (entry, verdict) => this.#condemn(entry, verdict),
    });
    const { owner, ping_ms, misses, problem } = settings;
    this.#watch = new EngineWatch(
      engine,
      { labels: labelFilters(owner), ping_ms, misses, problem },
      {
        event: event => this.#onEvent(event),
        opened: wasDown => this.#onOpened(wasDown),
        down: reason => this.#onDown(reason),
      },
    );
  }

  /**
   * Finds the engine, decides how containers are kept apart, and adopts what runs for this provider. Throws an
   * EngineError when no engine answers, an IsolationError when containers cannot be kept apart, a RangeError for options
   * that are out of bounds.
   */
  static async open(options: DockerOptions, events: ContainerEvents): Promise<DockerContainers> {
    const settings = settle(options);
    const engine = new Engine(settings.engine);
    let access: Access | null = null;
    try {
      const facts = await engine.facts();
      const isolation = await decideIsolation(engine, settings, facts);
      const volumes = await Volumes.open(engine, settings);
      const images = new Images(engine, settings);
      access = accessUnder(isolation.mode, engine, settings, facts, images);
      const publisher = new Publisher(settings);
      const launcher = new Launcher({ engine, settings, facts, isolation, access, images, volumes, publisher });
      const containers = new DockerContainers({ engine, settings, isolation, access, launcher, volumes }, events);
      await containers.#upkeep.reconcile(true);
      containers.#begin();
      return containers;
    } catch (error) {
      engine.close();
      await access?.close();
      throw error;
    }
  }

  /** How containers are kept apart. */
  get isolation(): IsolationMode {
    return this.#parts.isolation.mode;
  }

  /** Whether the storage driver itself holds containers, and volumes, to their size. */
  get enforcesDisk(): { readonly containers: boolean; readonly volumes: boolean } {
    return { containers: this.#parts.launcher.limitsDisk, volumes: this.#parts.volumes.hasQuota };
  }

  async list(): Promise<readonly string[]> {
    if (this.#isUp && !this.#isClosed) {
      try {
        await this.#upkeep.reconcile(true);
      } catch (error) {
        this.#problem('compare with the engine', error);
      }
    }
    const alive = this.#book.all().filter(entry => entry.state === 'starting' || entry.state === 'running');
    return alive.map(entry => entry.claim.id);
  }

  start(spec: WorkloadSpec): void {
    const present = this.#book.get(spec.id);
    if (present !== undefined && present.state !== 'ended') {
      if (present.state === 'stopping') this.#tell(spec.id, 'start-failed', 'still being stopped');
      if (present.state !== 'running') return;
      present.isClaimed = true;
      this.#tell(spec.id, 'started', 'already running', present.ports.addresses);
      return;
    }
    const refusal = this.#refusal(spec);
    if (refusal !== null) {
      this.#tell(spec.id, 'start-failed', refusal);
      return;
    }
    this.#doomed.delete(spec.id);
    const { id, host, cpu, memory, disk, gpu, service } = spec;
    const claim = { id, host, cpu, memory, disk, gpu, network: service?.network ?? null };
    const entry = this.#book.enter(claim, 'starting', present?.given ?? [], null);
    this.#do(id, 'start', () => this.#launch(entry, spec));
  }

  stop(id: string): void {
    const entry = this.#book.get(id);
    if (entry?.state === 'stopping') return;
    const wasAlive = entry !== undefined && entry.state !== 'ended';
    if (wasAlive) {
      entry.state = 'stopping';
      entry.abort.abort(new Error('stopped'));
    }
    this.#do(id, 'stop', () => this.#stopSlots.run(() => this.#halt(id, entry ?? null, wasAlive)));
  }

  readLog(id: string, lines: number): void {
    const container = this.#book.get(id)?.container ?? null;
    const answer = (text: readonly string[] | null): void => this.#later(() => this.#events.log(id, text));
    if (container === null) {
      answer(null);
      return;
    }
    this.#logSlots
      .run(() => readLog(this.#parts.engine, container, lines))
      .then(answer, error => {
        if (!isMissing(error)) this.#problem(`read the log of ${id}`, error);
        answer(null);
      });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#parts.engine.close();
    for (const entry of this.#book.all()) entry.abort.abort(new Error('the backend was closed'));
    await this.#parts.access.close();
    await this.#watch.close();
    await this.#turns.idle();
    await this.#upkeep.idle();
    await Promise.all(this.#book.all().map(entry => entry.ports.close()));
    if (this.#book.all().length > 0) return;
    // Where nothing is left to guard, nothing stays of the guard.
    try {
      await this.#parts.isolation.firewall?.remove();
    } catch (error) {
      this.#problem('take the rules of the firewall away', error);
    }
  }

  #begin(): void {
    const { keepEnded_ms, diskCheck_ms } = this.#parts.settings;
    this.#watch.start();
    this.#every(Math.max(100, Math.min(15_000, keepEnded_ms / 4)), 'put in order', () => this.#upkeep.putInOrder());
    const { containers, volumes } = this.enforcesDisk;
    if (!containers || !volumes) this.#every(diskCheck_ms, 'measure disks', () => this.#upkeep.checkDisks());
  }

  /** Does something every so often, never twice at a time. */
  #every(ms: number, what: string, work: () => Promise<void>): void {
    let isBusy = false;
    const timer = setInterval(async () => {
      if (isBusy || !this.#isUp || this.#isClosed) return;
      isBusy = true;
      try {
        await work();
      } catch (error) {
        this.#problem(what, error);
      } finally {
        isBusy = false;
      }
    }, ms);
    this.#timers.push(timer);
  }

  #refusal(spec: WorkloadSpec): string | null {
    if (!this.#book.hasHost(spec.host)) return `there is no host ${spec.host}`;
    if (!this.#isUp) return `host ${spec.host} is down`;
    return this.#book.refusal(spec) ?? this.#parts.launcher.objection(spec);
  }

  async #launch(entry: Entry, spec: WorkloadSpec): Promise<void> {
    const { launcher } = this.#parts;
    const { signal } = entry.abort;
    try {
      // The last container of this id, kept for its log.
      await launcher.removeWorkload(spec.id);
      const image = await launcher.image(spec, signal);
      await this.#startSlots.run(async () => {
        signal.throwIfAborted();
        const { container, ports } = await launcher.launch(spec, image, entry.given, signal);
        entry.container = container;
        entry.ports = ports;
        entry.given = ports.given;
      });
    } catch (error) {
      if (entry.state !== 'starting' || this.#isClosed) return;
      this.#book.end(entry);
      this.#tell(spec.id, 'start-failed', reasonOf(error));
      return;
    }
    if (entry.state === 'gone') await entry.ports.close();
    if (entry.state !== 'starting') return; // To be stopped: that comes next in its queue.
    entry.state = 'running';
    this.#tell(spec.id, 'started', '', entry.ports.addresses);
    if (entry.sawEnd) await this.#checkEnd(entry);
  }

  /** Stops a workload and removes its container; tried again for a while when the engine does not do it. */
  async #halt(id: string, entry: Entry | null, wasAlive: boolean): Promise<void> {
    const { launcher, settings } = this.#parts;
    let reason = wasAlive ? 'stopped' : 'was not running';
    for (let attempt = 1; ; attempt += 1) {
      if (wasAlive && entry?.state !== 'stopping') return; // Told already, when its host went away.
      try {
        if (!this.#isUp) throw new Error('its host is down');
        if (wasAlive && entry?.container) await launcher.stop(entry.container, settings.stopGrace_s);
        await launcher.removeWorkload(id);
        break;
      } catch (error) {
        if (this.#isClosed) return;
        if (attempt < STOP_TRIES && this.#isUp) {
          await pause(Math.min(STOP_LONGEST_WAIT_MS, 250 * 2 ** attempt));
          continue;
        }
        reason = `not confirmed by the engine, and tried on: ${reasonOf(error)}`;
        if (this.#doomed.size < MAX_DOOMED) this.#doomed.add(id);
        this.#problem(`stop ${id}`, error);
        break;
      }
    }
    if (entry !== null) {
      await entry.ports.close();
      if (wasAlive && entry.state !== 'stopping') return;
      this.#book.remove(entry);
    }
    this.#tell(id, 'stopped', reason);
    const network = entry?.claim.network ?? null;
    if (network !== null && this.#isUp && !this.#book.hasMembers(network)) {
      await this.#parts.launcher.removeNetwork(network, () => this.#book.hasMembers(network));
    }
  }

  /** Looks whether a workload's container has ended, and tells so. */
  async #checkEnd(entry: Entry): Promise<void> {
    if (entry.state !== 'running' || entry.container === null) return;
    let info = await this.#inspect(entry.container);
    if (info?.State.Running === true) return;
    const mayBeLate = info?.State.ExitCode === KILLED && !info.State.OOMKilled && !entry.sawOutOfMemory;
    if (mayBeLate && entry.verdict === null) {
      await pause(OOM_LAG_MS);
      info = await this.#inspect(entry.container);
    }
    // The book may have moved on meanwhile.
    if ((entry.state as Entry['state']) !== 'running') return;
    await entry.ports.close();
    entry.ports = NO_PORTS;
    if ((entry.state as Entry['state']) !== 'running') return;
    this.#book.end(entry);
    if (!entry.isClaimed) return;
    const { event, reason } = endOf(info, entry);
    this.#tell(entry.claim.id, event, reason);
  }

  async #inspect(container: string): Promise<Docker.ContainerInspectInfo | null> {
    try {
      return await this.#parts.launcher.inspect(container);
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  #onEvent({ container, action, labels }: ContainerEvent): void {
    const entry = this.#book.get(labels[LABELS.workload] ?? '');
    if (entry === undefined || !isOwn(labels, this.#parts.settings.owner)) return;
    if (entry.state === 'starting') {
      if (action === 'die') entry.sawEnd = true;
      if (action === 'oom') entry.sawOutOfMemory = true;
      return;
    }
    if (entry.state !== 'running' || entry.container !== container) return;
    if (action === 'oom') entry.sawOutOfMemory = true;
    if (action === 'die' || action === 'destroy') this.#do(entry.claim.id, 'end', () => this.#checkEnd(entry));
    if (action.startsWith('health_status') && action.endsWith('unhealthy')) {
      if (this.#parts.settings.unhealthy === 'restart') this.#condemn(entry, UNHEALTHY);
    }
  }

  /** Ends a workload that may not go on; its end is then told as any other, with this reason. */
  #condemn(entry: Entry, verdict: string): void {
    if (entry.verdict !== null) return;
    entry.verdict = verdict;
    this.#do(entry.claim.id, 'kill', async () => {
      if (entry.state !== 'running' || entry.container === null) return;
      try {
        await this.#parts.launcher.kill(entry.container);
      } catch (error) {
        // It may have ended by itself; else the next look at it condemns it again.
        entry.verdict = null;
        if (!isMissing(error)) this.#problem(`kill ${entry.claim.id}`, error);
      }
      await this.#checkEnd(entry);
    });
  }

  async #onOpened(wasDown: boolean): Promise<void> {
    if (wasDown) await this.#parts.isolation.firewall?.ensure();
    await this.#upkeep.reconcile(!wasDown);
    if (!wasDown || this.#isClosed) return;
    this.#isUp = true;
    this.#tellHosts(true);
  }

  #onDown(reason: string): void {
    if (!this.#isUp || this.#isClosed) return;
    this.#isUp = false;
    this.#parts.settings.problem(`the engine is away: ${reason}`);
    this.#tellHosts(false);
    for (const entry of this.#book.all()) {
      const { state, claim, isClaimed } = entry;
      this.#book.remove(entry);
      entry.abort.abort(new Error('host lost'));
      void entry.ports.close();
      if (state !== 'ended' && isClaimed) this.#tell(claim.id, state === 'stopping' ? 'stopped' : 'lost', 'host lost');
    }
  }

  #tellHosts(up: boolean): void {
    this.#parts.settings.hosts.forEach((_, host) => {
      this.#later(() => this.#events.host(host, up));
    });
  }

  /** Queues work on a workload. What it cannot do is told to the operator; whoever waits was told by the work itself. */
  #do(id: string, what: string, work: () => Promise<void>): void {
    if (this.#isClosed) return;
    this.#turns.run(id, work).catch(error => this.#problem(`${what} ${id}`, error));
  }

  #problem(what: string, error: unknown): void {
    if (!this.#isClosed) this.#parts.settings.problem(`${what}: ${reasonOf(error)}`);
  }

  #tell(id: string, event: WorkloadEvent, reason: string, addresses: readonly WorkloadAddress[] = []): void {
    this.#later(() => this.#events.workload(id, event, reason, addresses));
  }

  /** Calls back from the event loop, in order. */
  #later(call: () => void): void {
    setImmediate(() => {
      if (!this.#isClosed) call();
    });
  }
}

/** How a container's end is told. */
function endOf(
  info: Docker.ContainerInspectInfo | null,
  entry: Entry,
): { readonly event: WorkloadEvent; readonly reason: string } {
  if (entry.verdict !== null) return { event: 'exited', reason: entry.verdict };
  if (info === null) return { event: 'exited', reason: 'its container was removed' };
  const { ExitCode, OOMKilled, Error: error } = info.State;
  if (ExitCode !== 0 && (OOMKilled || entry.sawOutOfMemory)) {
    return { event: 'out-of-memory', reason: `exit code ${ExitCode}, killed for using more than its memory` };
  }
  return { event: 'exited', reason: `exit code ${ExitCode}${error ? `: ${reasonOf(error)}` : ''}` };
}
