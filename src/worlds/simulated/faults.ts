/**
 * Faults as data: a list of (when, what, whom, how long) that a world executes. A schedule is drawn or written first
 * and executed then, so that it can be read, edited and shrunk. This file defines the kinds, checks a schedule, and
 * translates it into calls on a port that the world implements.
 */
import type { PeerName, RandomStream, Time } from '../../actors/actor.ts';
import { drawInteger } from './streams.ts';

interface Timed {
  /** True time in microseconds. */
  readonly at: Time;
}

interface Lasting extends Timed {
  /** For how long, in microseconds. */
  readonly for: number;
}

interface Open extends Timed {
  /** For how long, in microseconds; absent: until the end of the run. */
  readonly for?: number;
}

export type Fault =
  /** The process dies, unsynced writes are in doubt; `silent`: its machine is off and tells nobody. Then it restarts. */
  | (Open & { readonly kind: 'crash'; readonly target: PeerName; readonly silent?: boolean })
  /** The process dies and starts again at once, or starts when it was down. */
  | (Timed & { readonly kind: 'restart'; readonly target: PeerName })
  /** The process stands still; what comes in waits. */
  | (Lasting & { readonly kind: 'pause'; readonly target: PeerName })
  /** The process dies and its disk is replaced by an empty one. Then it restarts. */
  | (Open & { readonly kind: 'diskLoss'; readonly target: PeerName })
  /** A container host of a provider goes away with everything on it. */
  | (Open & { readonly kind: 'hostOutage'; readonly target: PeerName; readonly host: number })
  /** No packet passes between members of different groups. Whom no group lists, sees everybody. */
  | (Open & { readonly kind: 'partition'; readonly groups: readonly (readonly PeerName[])[] })
  /** No packet passes from one to the other; and back neither, unless `oneWay`. */
  | (Open & { readonly kind: 'cut'; readonly from: PeerName; readonly to: PeerName; readonly oneWay?: boolean })
  /** Packets wait until it is over, or take `delay_us` longer. Without `to`: all links from and to `from`. */
  | (Lasting & {
      readonly kind: 'clog';
      readonly from: PeerName;
      readonly to?: PeerName;
      readonly delay_us?: number;
    })
  /** The disk takes `factor` times as long. */
  | (Open & { readonly kind: 'slowDisk'; readonly target: PeerName; readonly factor: number })
  | (Open & { readonly kind: 'fullDisk'; readonly target: PeerName })
  | (Open & { readonly kind: 'ioError'; readonly target: PeerName })
  /** The node's clock is moved by so much, forward or back; `for` moves it back afterwards. */
  | (Open & { readonly kind: 'clockStep'; readonly target: PeerName; readonly by_us: number })
  /** A workload ends; without `id`, one that is drawn. */
  | (Timed & {
      readonly kind: 'workloadCrash';
      readonly target: PeerName;
      readonly id?: string;
      readonly outOfMemory?: boolean;
    });

export type FaultKind = Fault['kind'];

/** What a world can do to its inhabitants. */
export interface FaultPort {
  knows(name: PeerName): boolean;
  names(): readonly PeerName[];
  hostCount(name: PeerName): number;
  at(time: Time, label: string, action: () => void): void;
  crash(name: PeerName, options?: { readonly silent?: boolean }): void;
  restart(name: PeerName): void;
  pause(name: PeerName): void;
  resume(name: PeerName): void;
  loseDisk(name: PeerName): void;
  hostDown(name: PeerName, host: number): void;
  hostUp(name: PeerName, host: number): void;
  cut(from: PeerName, to: PeerName): void;
  heal(from: PeerName, to: PeerName): void;
  clog(from: PeerName, to: PeerName, delay_us: number | null): void;
  unclog(from: PeerName, to: PeerName, delay_us: number | null): void;
  /** Changes a disk; each `on` is taken back by one `off`. */
  slowDisk(name: PeerName, factor: number, on: boolean): void;
  fillDisk(name: PeerName, on: boolean): void;
  breakDisk(name: PeerName, on: boolean): void;
  stepClock(name: PeerName, by_us: number): void;
  crashWorkload(name: PeerName, id: string | null, outOfMemory: boolean): void;
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

/** Checks a schedule against a world. Throws one `FaultError` that names every problem. */
export function checkFaults(faults: readonly Fault[], port: FaultPort): void {
  const problems: string[] = [];
  for (const [index, fault] of faults.entries()) {
    const problem = (text: string): void => {
      problems.push(`fault ${index} (${fault.kind} at ${fault.at} us): ${text}`);
    };
    if (!isDuration(fault.at)) problem('`at` must be a whole number of microseconds');
    const lasts = 'for' in fault ? fault.for : undefined;
    if (lasts !== undefined && !isDuration(lasts)) {
      problem(`\`for\` must be a whole number of microseconds, found ${lasts}`);
    }
    if (lasts === undefined && (fault.kind === 'pause' || fault.kind === 'clog')) problem('needs `for`');
    for (const name of targetsOf(fault)) if (!port.knows(name)) problem(`there is no participant ${name}`);
    checkValues(fault, port, problem);
  }
  if (problems.length > 0) throw new FaultError(problems);
}

function checkValues(fault: Fault, port: FaultPort, problem: (text: string) => void): void {
  switch (fault.kind) {
    case 'hostOutage': {
      const hosts = port.knows(fault.target) ? port.hostCount(fault.target) : Number.POSITIVE_INFINITY;
      if (!Number.isSafeInteger(fault.host) || fault.host < 0 || fault.host >= hosts) {
        problem(`${fault.target} has ${hosts} hosts, found host ${fault.host}`);
      }
      return;
    }
    case 'partition': {
      const names = fault.groups.flat();
      if (new Set(names).size !== names.length) problem('a participant is listed in two groups');
      return;
    }
    case 'clog':
      if (fault.delay_us !== undefined && !isDuration(fault.delay_us)) {
        problem(`\`delay_us\` must be a whole number of microseconds, found ${fault.delay_us}`);
      }
      return;
    case 'slowDisk':
      if (!(fault.factor > 0 && fault.factor <= 1e6)) {
        problem(`\`factor\` must be above 0 and at most a million, found ${fault.factor}`);
      }
      return;
    case 'clockStep':
      if (!Number.isSafeInteger(fault.by_us)) {
        problem(`\`by_us\` must be a whole number of microseconds, found ${fault.by_us}`);
      }
      return;
    case 'crash':
    case 'restart':
    case 'pause':
    case 'diskLoss':
    case 'cut':
    case 'fullDisk':
    case 'ioError':
    case 'workloadCrash':
      return;
    default: {
      const unknown: never = fault;
      problem(`there is no such kind of fault: ${String((unknown as { kind: unknown }).kind)}`);
    }
  }
}

/** Everyone whom a fault names. */
export function targetsOf(fault: Fault): readonly PeerName[] {
  if (fault.kind === 'partition') return fault.groups.flat();
  if (fault.kind === 'cut') return [fault.from, fault.to];
  if (fault.kind === 'clog') return fault.to === undefined ? [fault.from] : [fault.from, fault.to];
  return [fault.target];
}

/** Puts a schedule on the world's agenda. Check it first. */
export function scheduleFaults(faults: readonly Fault[], port: FaultPort): void {
  for (const [index, fault] of faults.entries()) {
    const label = `fault ${index}: ${fault.kind} ${targetsOf(fault).join(' ')}`;
    const [begin, end] = actions(fault, port);
    port.at(fault.at, label, begin);
    if (end !== null && 'for' in fault && fault.for !== undefined) {
      port.at(fault.at + fault.for, `end of ${label}`, end);
    }
  }
}

type Action = () => void;

/** What a fault does, and what takes it back. */
function actions(fault: Fault, port: FaultPort): readonly [Action, Action | null] {
  switch (fault.kind) {
    case 'crash': {
      const silent = fault.silent === true;
      return [() => port.crash(fault.target, { silent }), () => port.restart(fault.target)];
    }
    case 'restart':
      return [
        () => {
          port.crash(fault.target);
          port.restart(fault.target);
        },
        null,
      ];
    case 'pause':
      return [() => port.pause(fault.target), () => port.resume(fault.target)];
    case 'diskLoss':
      return [
        () => {
          port.crash(fault.target);
          port.loseDisk(fault.target);
        },
        () => port.restart(fault.target),
      ];
    case 'hostOutage':
      return [() => port.hostDown(fault.target, fault.host), () => port.hostUp(fault.target, fault.host)];
    case 'partition':
    case 'cut': {
      const pairs = fault.kind === 'cut' ? cutPairs(fault) : partitionPairs(fault.groups);
      return [
        () => {
          for (const [from, to] of pairs) port.cut(from, to);
        },
        () => {
          for (const [from, to] of pairs) port.heal(from, to);
        },
      ];
    }
    case 'clog': {
      const delay = fault.delay_us ?? null;
      // Who is there when the clog begins is clogged, and the same links are opened when it ends.
      let pairs: readonly (readonly [PeerName, PeerName])[] = [];
      return [
        () => {
          pairs = clogPairs(fault.from, fault.to, port.names());
          for (const [from, to] of pairs) port.clog(from, to, delay);
        },
        () => {
          for (const [from, to] of pairs) port.unclog(from, to, delay);
        },
      ];
    }
    default:
      return localActions(fault, port);
  }
}

type LocalFault = Extract<
  Fault,
  { readonly kind: 'slowDisk' | 'fullDisk' | 'ioError' | 'clockStep' | 'workloadCrash' }
>;

function localActions(fault: LocalFault, port: FaultPort): readonly [Action, Action | null] {
  switch (fault.kind) {
    case 'slowDisk':
      return [
        () => port.slowDisk(fault.target, fault.factor, true),
        () => port.slowDisk(fault.target, fault.factor, false),
      ];
    case 'fullDisk':
      return [() => port.fillDisk(fault.target, true), () => port.fillDisk(fault.target, false)];
    case 'ioError':
      return [() => port.breakDisk(fault.target, true), () => port.breakDisk(fault.target, false)];
    case 'clockStep':
      return [() => port.stepClock(fault.target, fault.by_us), () => port.stepClock(fault.target, -fault.by_us)];
    case 'workloadCrash':
      return [() => port.crashWorkload(fault.target, fault.id ?? null, fault.outOfMemory === true), null];
  }
}

function cutPairs(fault: Extract<Fault, { readonly kind: 'cut' }>): readonly (readonly [PeerName, PeerName])[] {
  const there = [fault.from, fault.to] as const;
  return fault.oneWay === true ? [there] : [there, [fault.to, fault.from]];
}

function partitionPairs(groups: readonly (readonly PeerName[])[]): (readonly [PeerName, PeerName])[] {
  const pairs: (readonly [PeerName, PeerName])[] = [];
  for (const [index, group] of groups.entries()) {
    for (const other of groups.slice(index + 1).flat()) {
      for (const member of group) pairs.push([member, other], [other, member]);
    }
  }
  return pairs;
}

function clogPairs(
  from: PeerName,
  to: PeerName | undefined,
  names: readonly PeerName[],
): readonly (readonly [PeerName, PeerName])[] {
  if (to !== undefined) return [[from, to]];
  return names.filter(name => name !== from).flatMap(name => [[from, name] as const, [name, from] as const]);
}

function isDuration(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/**
 * Swizzle: clogs a random half of the nodes one after the other and lets them go again in a different random order.
 * Finds bugs that neither a partition nor a clog finds.
 * @param from when the first clog begins
 * @param until when the last one is over
 */
export function swizzle(stream: RandomStream, nodes: readonly PeerName[], from: Time, until: Time): Fault[] {
  const half = shuffled(stream, nodes).slice(0, Math.ceil(nodes.length / 2));
  const step = Math.floor((until - from) / (2 * half.length + 1));
  if (!(half.length > 0 && step > 0)) {
    throw new RangeError(`no room to swizzle ${nodes.length} nodes from ${from} us until ${until} us`);
  }
  const released = shuffled(stream, half);
  return half.map((name, index) => {
    const at = from + index * step;
    const end = from + (half.length + released.indexOf(name) + 1) * step;
    return { at, kind: 'clog', from: name, for: end - at };
  });
}

function shuffled<T>(stream: RandomStream, items: readonly T[]): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = drawInteger(stream, i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
