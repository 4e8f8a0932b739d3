/**
 * A validator that says what its time goes into: the program of a launcher's child with counters around the calls that
 * cost something. Each counts what it takes itself, without the others that it calls; what none of them counts of the
 * time in which the main thread is busy is the rest: TLS, sockets, HTTP, whatever belongs to the engine.
 *
 * The sums so far are written into `costs.jsonl` of the home, a line a time, so that whoever measures takes differences.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { PerformanceObserver } from 'node:perf_hooks';
import { startDaemon } from '../src/lab/live/daemon/start.ts';
import { leadOf } from '../src/lab/live/run/led.ts';
import { Chain } from '../src/protocol/chain/chain.ts';
import { ed25519Scheme } from '../src/worlds/live/ed25519.ts';
import { Participant } from '../src/worlds/live/participant.ts';
import { Performer } from '../src/worlds/live/performer.ts';
import { LiveStorage } from '../src/worlds/live/storage/storage.ts';
import { FramedSocket } from '../src/worlds/live/transport/framed-socket.ts';

/** What is counted, microseconds of the main thread on the clock: where processors are too few, what it waits for one. */
export const KINDS = ['actor', 'execution', 'admission', 'signatures', 'encoding', 'storage', 'sending'] as const;
export type Kind = (typeof KINDS)[number];

/** Sums since the process began. */
export interface Costs {
  /** When, microseconds since 1970. */
  readonly at_us: number;
  /** Time in which the main thread was not waiting for anything to come, microseconds. */
  readonly busy_us: number;
  /** Processor time of the process, all threads, microseconds. */
  readonly cpu_us: number;
  readonly self_us: Readonly<Record<Kind, number>>;
  readonly signed: number;
  readonly verified: number;
  /** Commits to the disk, and the time from asking for them until they are durable, microseconds. */
  readonly syncs: number;
  readonly syncing_us: number;
  /** Collection of garbage that held the main thread up, microseconds; part of whatever it interrupts. */
  readonly garbage_us: number;
}

export const COSTS_FILE = 'costs.jsonl';
const EVERY_MS = 200;
const US_PER_MS = 1_000;

// biome-ignore lint/suspicious/noExplicitAny: what is wrapped has any arguments, and keeps them.
type AnyCall = (this: any, ...args: any[]) => any;

class Counters {
  readonly self_us = Object.fromEntries(KINDS.map(kind => [kind, 0])) as Record<Kind, number>;
  /** What is under way, innermost last. */
  readonly #stack: Kind[] = [];
  #since = performance.now();

  /** Puts a counter around a method. Throws when there is no such method. */
  wrap(target: object, method: string, kind: Kind, called: () => void = () => undefined): void {
    const methods = target as Record<string, AnyCall>;
    const inner = methods[method];
    if (typeof inner !== 'function') throw new Error(`found no method ${method}, expected one to count`);
    const counters = this;
    methods[method] = function (...args) {
      called();
      counters.#enter(kind);
      try {
        return inner.apply(this, args);
      } finally {
        counters.#leave();
      }
    };
  }

  #enter(kind: Kind): void {
    this.#charge();
    this.#stack.push(kind);
  }

  #leave(): void {
    this.#charge();
    this.#stack.pop();
  }

  #charge(): void {
    const now = performance.now();
    const kind = this.#stack.at(-1);
    if (kind !== undefined) this.self_us[kind] += (now - this.#since) * US_PER_MS;
    this.#since = now;
  }
}

function count(): () => Costs {
  const counters = new Counters();
  let [signed, verified, syncs, syncing_us, garbage_us] = [0, 0, 0, 0, 0];
  counters.wrap(Participant.prototype, 'hand', 'actor');
  for (const method of ['propose', 'faultOfBlock', 'apply']) counters.wrap(Chain.prototype, method, 'execution');
  counters.wrap(Chain.prototype, 'faultOfTransaction', 'admission');
  counters.wrap(ed25519Scheme, 'sign', 'signatures', () => void signed++);
  counters.wrap(ed25519Scheme, 'verify', 'signatures', () => void verified++);
  // What these do themselves is to encode and to decode: what becomes of it is counted apart.
  counters.wrap(Performer.prototype, 'send', 'encoding');
  counters.wrap(Participant.prototype, 'handMessage', 'encoding');
  for (const method of ['append', 'put', 'get', 'truncateLog', 'commit'])
    counters.wrap(LiveStorage.prototype, method, 'storage');
  counters.wrap(FramedSocket.prototype, 'send', 'sending');
  const { commit } = LiveStorage.prototype;
  LiveStorage.prototype.commit = async function () {
    const began = performance.now();
    try {
      await commit.call(this);
    } finally {
      syncs++;
      syncing_us += (performance.now() - began) * US_PER_MS;
    }
  };
  new PerformanceObserver(list => {
    for (const { duration } of list.getEntries()) garbage_us += duration * US_PER_MS;
  }).observe({ entryTypes: ['gc'] });
  return () => {
    const { user, system } = process.cpuUsage();
    const at_us = Date.now() * US_PER_MS;
    const busy_us = performance.eventLoopUtilization().active * US_PER_MS;
    return {
      at_us,
      busy_us,
      cpu_us: user + system,
      self_us: { ...counters.self_us },
      signed,
      verified,
      syncs,
      syncing_us,
      garbage_us,
    };
  };
}

async function main([, home]: readonly string[]): Promise<void> {
  const lead = leadOf(process);
  if (home === undefined || lead === null) throw new Error(`found the home ${home} and no launcher, expected both`);
  const costs = count();
  const file = openSync(join(home, COSTS_FILE), 'w');
  const timer = setInterval(() => writeSync(file, `${JSON.stringify(costs())}\n`), EVERY_MS);
  try {
    const daemon = await startDaemon(home, 'node', { onlooker: lead.onlooker });
    lead.attach(daemon);
    await daemon.ended;
  } finally {
    clearInterval(timer);
    closeSync(file);
    lead.detach();
  }
}

if (import.meta.main) await main(process.argv.slice(2));
