/**
 * The faults of a scenario, made for real: a crash is the SIGKILL of a process, a pause its SIGSTOP, a partition closes
 * connections and refuses new ones, a container is killed by its engine. What only a model can do is refused by name.
 */
import { rmSync } from 'node:fs';
import type { Who, Fault as WorldFault } from '../../../worlds/simulated/faults.ts';
import type { Population } from '../../experiment/population.ts';
import { worldFaults } from '../../experiment/world-faults.ts';
import type { Scenario } from '../../scenario/types.ts';

/** One thing that is done at one moment of the run, microseconds from its beginning. */
export interface Strike {
  readonly at: number;
  readonly what: string;
  readonly do: (field: Field) => void;
}

/** What faults are done to. */
export interface Field {
  kill(name: string): void;
  /** Starts a participant that was killed. */
  revive(name: string): void;
  pause(name: string): void;
  resume(name: string): void;
  /** Where a participant keeps what it may not forget. */
  dataOf(name: string): string;
  /** The two do not talk (or talk again); both directions. Separations add up. */
  separate(left: readonly string[], right: readonly string[], on: boolean): void;
  breakConnections(left: readonly string[], right: readonly string[]): void;
  /** Kills one container that runs for a provider. */
  killWorkload(provider: string): void;
  readonly everybody: readonly string[];
}

/** Why a scenario cannot run live, one line each; empty when it can. */
export function impossibleLive(scenario: Scenario, population: Population): string[] {
  const problems: string[] = [];
  const kinds = new Set<string>();
  for (const fault of worldFaults(scenario.faults, population)) {
    const problem = problemOf(fault);
    if (problem !== null && !kinds.has(problem)) problems.push(problem);
    if (problem !== null) kinds.add(problem);
  }
  if (scenario.workload !== null)
    problems.push('workload: found a trace of the past, which only the simulated world can run through');
  if (scenario.delegators.length > 0) problems.push('delegators: found some, which only the simulated world has');
  for (const { name, behaviour } of scenario.providers)
    if (behaviour.kind === 'washTrader')
      problems.push(`providers.${name}.behaviour: found washTrader, which only the simulated world has`);
  return problems;
}

const MODELLED: { readonly [kind: string]: string } = {
  clog: 'delays packets',
  swizzle: 'delays packets',
  slowCpu: 'slows processors',
  slowDisk: 'slows disks',
  clockStep: 'sets clocks',
  clockDrift: 'bends clocks',
  diskRollback: 'turns disks back',
  bitRot: 'rots disks',
  fullDisk: 'fills disks',
  ioError: 'breaks disks',
  crashLoop: 'keeps containers from staying up',
  hostOutage: 'takes hosts of containers away',
  refuse: 'refuses new connections and keeps those that stand',
};

function problemOf(fault: WorldFault): string | null {
  if (typeof fault.at !== 'number')
    return 'faults: found one at a moment of the protocol, which only the simulated world can wait for';
  if (Object.hasOwn(MODELLED, fault.kind))
    return `faults: found ${fault.kind}: only the simulated world ${MODELLED[fault.kind]}`;
  if (fault.kind === 'crash' && fault.silent === true)
    return 'faults: found a silent crash: only the simulated world has machines that are off and tell nobody';
  if (fault.kind === 'cut' && fault.oneWay === true)
    return 'faults: found a cut of one direction: a real connection closes in both';
  if (fault.kind === 'break' && (fault.inFlight ?? 'lost') !== 'lost')
    return `faults: found a break with inFlight: ${fault.inFlight}, which only the simulated world can arrange`;
  return null;
}

/**
 * What has to be done when, in order of time.
 * @throws Error for a fault that `impossibleLive` names
 */
export function strikesOf(scenario: Scenario, population: Population): Strike[] {
  const strikes = worldFaults(scenario.faults, population).flatMap(fault => strikesOfOne(fault));
  // A stable order: what begins before what ends at the same moment, as written.
  return strikes
    .map((strike, i) => ({ strike, i }))
    .sort((a, b) => a.strike.at - b.strike.at || a.i - b.i)
    .map(one => one.strike);
}

function strikesOfOne(fault: WorldFault): Strike[] {
  const problem = problemOf(fault);
  if (problem !== null) throw new Error(problem);
  const at = fault.at as number;
  const lasts = 'for' in fault && typeof fault.for === 'number' ? fault.for : null;
  const between = (what: string, begin: Strike['do'], end: Strike['do']): Strike[] => [
    { at, what, do: begin },
    ...(lasts === null ? [] : [{ at: at + lasts, what: `end of ${what}`, do: end }]),
  ];
  switch (fault.kind) {
    case 'crash': {
      const { target } = fault;
      return between(
        `crash of ${target}`,
        field => field.kill(target),
        field => field.revive(target),
      );
    }
    case 'restart': {
      const { target } = fault;
      const again = (field: Field): void => {
        field.kill(target);
        field.revive(target);
      };
      return [{ at, what: `restart of ${target}`, do: again }];
    }
    case 'pause': {
      const { target } = fault;
      return between(
        `pause of ${target}`,
        field => field.pause(target),
        field => field.resume(target),
      );
    }
    case 'diskLoss': {
      const { target } = fault;
      const lose = (field: Field): void => {
        field.kill(target);
        rmSync(field.dataOf(target), { recursive: true, force: true });
      };
      return between(`loss of the disk of ${target}`, lose, field => field.revive(target));
    }
    case 'partition': {
      const { groups } = fault;
      const apart =
        (on: boolean) =>
        (field: Field): void => {
          for (let i = 0; i < groups.length; i++)
            for (let j = i + 1; j < groups.length; j++) field.separate(groups[i]!, groups[j]!, on);
        };
      return between(`partition of ${groups.map(few).join(' from ')}`, apart(true), apart(false));
    }
    case 'cut': {
      const { from, to } = fault;
      return between(
        `cut between ${few(listOf(from))} and ${few(listOf(to))}`,
        field => field.separate(listOf(from), listOf(to), true),
        field => field.separate(listOf(from), listOf(to), false),
      );
    }
    case 'break': {
      const { from, to } = fault;
      return [
        {
          at,
          what: `break of the connections of ${few(listOf(from))} with ${to === undefined ? 'everybody' : few(listOf(to))}`,
          do: field => field.breakConnections(listOf(from), to === undefined ? field.everybody : listOf(to)),
        },
      ];
    }
    case 'workloadCrash': {
      const { target } = fault;
      return [{ at, what: `kill of a container of ${target}`, do: field => field.killWorkload(target) }];
    }
    default:
      throw new Error(`found the fault ${fault.kind}, expected one that can be done live`);
  }
}

/** Names, as far as a line has room for them. */
function few(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.length} participants`;
}

/** Faults of scenarios name participants one by one. */
function listOf(who: Who): readonly string[] {
  return typeof who === 'string' ? [who] : who;
}
