/**
 * Faults as data: a list of (when, what, whom, how long) that a world executes. A schedule is drawn or written first
 * and executed then, so that it can be read, edited and shrunk. *When* is a time, or a moment of the protocol
 * (moments.ts). This file defines the kinds; fault-check.ts checks a schedule, fault-run.ts executes it.
 *
 * What a fault draws (which half is clogged, which bytes rot) comes from a stream keyed by the fault's own content, so
 * that a schedule from which another fault was removed draws the same.
 */
import type { PeerName, RandomStream, Time } from '../../actors/actor.ts';
import type { DiskSnapshot } from './disk.ts';
import { isEffectMoment, type Moment, momentText, type Who, whoText } from './moments.ts';

export type { EffectMoment, MessageMoment, Moment, Who } from './moments.ts';

interface Timed {
  /** True time in microseconds, or a moment. */
  readonly at: Time | Moment;
}

interface Lasting extends Timed {
  /** For how long, in microseconds. */
  readonly for: number;
}

interface Open extends Timed {
  /** For how long, in microseconds; absent: until the end of the run. */
  readonly for?: number;
}

/** What becomes of messages that are under way when their connection breaks. */
export type InFlight =
  /** They are gone. */
  | 'lost'
  /** They arrive over the old connection, long after its sender was told of its end and may have opened a new one. */
  | 'late'
  /** The same, and the sender's transport sends them once more over its next connection to that peer. */
  | 'repeated';

export type ProcessFault =
  /** The process dies, unsynced writes are in doubt; `silent`: its machine is off and tells nobody. Then it restarts. */
  | (Open & { readonly kind: 'crash'; readonly target: PeerName; readonly silent?: boolean })
  /** The process dies and starts again at once, or starts when it was down. */
  | (Timed & { readonly kind: 'restart'; readonly target: PeerName })
  /** The process stands still; what comes in waits. */
  | (Lasting & { readonly kind: 'pause'; readonly target: PeerName })
  /** Inputs are handled one after the other, each taking `factor` times what an input costs (`input_us`). */
  | (Open & { readonly kind: 'slowCpu'; readonly target: PeerName; readonly factor: number })
  /** The node's clock is moved by so much, forward or back; `for` moves it back afterwards. */
  | (Open & { readonly kind: 'clockStep'; readonly target: PeerName; readonly by_us: number })
  /** The node's clock runs so many parts per million faster, or slower if negative. */
  | (Open & { readonly kind: 'clockDrift'; readonly target: PeerName; readonly ppm: number });

export type DiskFault =
  /** The process dies and its disk is replaced by an empty one. Then it restarts. */
  | (Open & { readonly kind: 'diskLoss'; readonly target: PeerName })
  /**
   * The process dies, and its disk is put back to what was durable at time `to`. Then it restarts; without `for`, at
   * once. Struck before `to`, it finds the empty disk that the node began with.
   */
  | (Open & { readonly kind: 'diskRollback'; readonly target: PeerName; readonly to: Time })
  /** The disk takes `factor` times as long. */
  | (Open & { readonly kind: 'slowDisk'; readonly target: PeerName; readonly factor: number })
  | (Open & { readonly kind: 'fullDisk'; readonly target: PeerName })
  | (Open & { readonly kind: 'ioError'; readonly target: PeerName })
  /**
   * Some of what is stored can no longer be read: `count` (default 1) entries of the log, or values of the store, that
   * are drawn. A damaged value fails its reads until it is overwritten, a damaged log entry fails the next start.
   */
  | (Timed & {
      readonly kind: 'bitRot';
      readonly target: PeerName;
      readonly of: 'log' | 'store';
      readonly count?: number;
    });

export type NetworkFault =
  /** No packet passes between members of different groups. Whom no group lists, sees everybody. */
  | (Open & { readonly kind: 'partition'; readonly groups: readonly (readonly PeerName[])[] })
  /** No packet passes from one to the other; and back neither, unless `oneWay`. */
  | (Open & { readonly kind: 'cut'; readonly from: Who; readonly to: Who; readonly oneWay?: boolean })
  /**
   * Packets wait until it is over, or take `delay_us` longer. Without `to`: on all links from and to `from`. With it: on
   * those from `from` to `to`, and back too if `bothWays`.
   */
  | (Lasting & {
      readonly kind: 'clog';
      readonly from: Who;
      readonly to?: Who;
      readonly bothWays?: boolean;
      readonly delay_us?: number;
    })
  /** Clogs a random half of them one after the other, and releases them in a different random order. */
  | (Lasting & { readonly kind: 'swizzle'; readonly of: Who })
  /**
   * Every connection between `from` and `to` (absent: anybody) breaks, and both sides are told `disconnected`. Unless
   * what is in flight is `lost`, the side of `to` is told after `late_us` (default 1 s) only, after what arrives late.
   */
  | (Timed & {
      readonly kind: 'break';
      readonly from: Who;
      readonly to?: Who;
      readonly inFlight?: InFlight;
      readonly late_us?: number;
    })
  /** The node refuses new connections; those that it has stay. */
  | (Open & { readonly kind: 'refuse'; readonly target: PeerName });

export type ContainerFault =
  /** A container host of a provider goes away with everything on it. */
  | (Open & { readonly kind: 'hostOutage'; readonly target: PeerName; readonly host: number })
  /** A workload ends; without `id`, one that is drawn. */
  | (Timed & {
      readonly kind: 'workloadCrash';
      readonly target: PeerName;
      readonly id?: string;
      readonly outOfMemory?: boolean;
    })
  /** A workload, without `id` each, ends `after_us` after every start; what runs already, so long after the beginning. */
  | (Open & {
      readonly kind: 'crashLoop';
      readonly target: PeerName;
      readonly id?: string;
      readonly after_us: number;
      readonly outOfMemory?: boolean;
    });

export type Fault = ProcessFault | DiskFault | NetworkFault | ContainerFault;

export type FaultKind = Fault['kind'];

/** What a world can do to its inhabitants. */
export interface FaultPort {
  readonly now: Time;
  knows(name: PeerName): boolean;
  names(): readonly PeerName[];
  /** The participants that are meant: themselves, or those of a region. */
  members(who: Who): readonly PeerName[];
  /** Whether messages can be told apart, which moments of messages need. */
  readonly describesMessages: boolean;
  hostCount(name: PeerName): number;
  /** A fault's own stream. */
  draws(purpose: string, entity: string): RandomStream;
  at(time: Time, label: string, action: () => void): void;
  /** Runs an action once, within the moment. */
  atMoment(moment: Moment, label: string, action: () => void): void;
  crash(name: PeerName, options?: { readonly silent?: boolean }): void;
  restart(name: PeerName): void;
  pause(name: PeerName): void;
  resume(name: PeerName): void;
  /** Changes a processor; each `on` is taken back by one `off`. */
  slowCpu(name: PeerName, factor: number, on: boolean): void;
  loseDisk(name: PeerName): void;
  /** What is durable on a disk now. */
  snapshotDisk(name: PeerName): DiskSnapshot;
  rollBackDisk(name: PeerName, to: DiskSnapshot): void;
  rotDisk(name: PeerName, of: 'log' | 'store', count: number): void;
  /** Changes a disk; each `on` is taken back by one `off`. */
  slowDisk(name: PeerName, factor: number, on: boolean): void;
  fillDisk(name: PeerName, on: boolean): void;
  breakDisk(name: PeerName, on: boolean): void;
  hostDown(name: PeerName, host: number): void;
  hostUp(name: PeerName, host: number): void;
  crashWorkload(name: PeerName, id: string | null, outOfMemory: boolean): void;
  crashLoop(name: PeerName, loop: CrashLoop, on: boolean): void;
  cut(from: PeerName, to: PeerName): void;
  heal(from: PeerName, to: PeerName): void;
  clog(from: PeerName, to: PeerName, delay_us: number | null): void;
  unclog(from: PeerName, to: PeerName, delay_us: number | null): void;
  breakConnections(from: PeerName, to: PeerName, inFlight: InFlight, late_us: number): void;
  refuseConnections(name: PeerName, on: boolean): void;
  stepClock(name: PeerName, by_us: number): void;
  driftClock(name: PeerName, by_ppm: number): void;
}

/** Workloads that do not stay up. The same object begins and ends it. */
export interface CrashLoop {
  /** null: every workload. */
  readonly id: string | null;
  /** How long each life is, in microseconds. */
  readonly after_us: number;
  readonly outOfMemory: boolean;
}

/** A schedule that cannot be executed, with every reason why. */
export class FaultError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the fault schedule cannot be executed:\n${problems.map(problem => `  ${problem}`).join('\n')}`);
    this.name = 'FaultError';
    this.problems = problems;
  }
}

/** Everyone whom a fault hits, as it names them: participants, or `region:` and a region's name. */
export function targetsOf(fault: Fault): readonly PeerName[] {
  switch (fault.kind) {
    case 'partition':
      return fault.groups.flat();
    case 'cut':
      return [...listed(fault.from), ...listed(fault.to)];
    case 'clog':
    case 'break':
      return fault.to === undefined ? listed(fault.from) : [...listed(fault.from), ...listed(fault.to)];
    case 'swizzle':
      return listed(fault.of);
    default:
      return [fault.target];
  }
}

/** Everyone whom a fault names, those included that it only waits for. */
export function namesIn(fault: Fault): readonly PeerName[] {
  const { at } = fault;
  if (typeof at === 'number') return targetsOf(fault);
  const awaited = isEffectMoment(at) ? [at.actor] : [...listed(at.from ?? []), ...listed(at.to ?? [])];
  return [...targetsOf(fault), ...awaited];
}

/** When a fault strikes, in words. */
export function whenText(at: Time | Moment): string {
  return typeof at === 'number' ? `at ${at} us` : momentText(at);
}

/** A fault in words; its beginning's label on the agenda, but for its number. */
export function faultText(fault: Fault): string {
  return `${fault.kind} ${whoText(targetsOf(fault))}`;
}

function listed(who: Who): readonly PeerName[] {
  return typeof who === 'string' ? [who] : who;
}
