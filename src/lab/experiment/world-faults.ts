/** Faults as a scenario names them, as what the world executes: classes, regions and hosts become participants. */
import type { Fault } from '../../worlds/simulated/faults.ts';
import type { FaultTarget, Fault as WrittenFault } from '../scenario/types.ts';
import { type Population, VALIDATOR_NAME } from './population.ts';

interface Place {
  readonly name: string;
  /** One host of it, or null for all. */
  readonly host: number | null;
}

/** Who takes part, by name, with the number of container hosts. */
type Roster = ReadonlyMap<string, number>;

function rosterOf(population: Population): Roster {
  const roster = new Map<string, number>([[VALIDATOR_NAME, 0]]);
  for (const { members } of population.providers) for (const one of members) roster.set(one.name, one.hosts.length);
  for (const { members } of population.tenants) for (const one of members) roster.set(one.name, 0);
  return roster;
}

function placesOf(target: FaultTarget, population: Population): Place[] {
  switch (target.kind) {
    case 'participant':
      return [{ name: `${target.class}-${target.index}`, host: null }];
    case 'host':
      return [{ name: `${target.class}-${target.index}`, host: target.host }];
    case 'class': {
      const group = [...population.providers, ...population.tenants].find(one => one.spec.name === target.class);
      return (group?.members ?? []).map(one => ({ name: one.name, host: null }));
    }
    case 'region':
      return population.providers.flatMap(({ members }) =>
        members.filter(one => one.region === target.region).map(one => ({ name: one.name, host: null })),
      );
  }
}

/** The faults of a scenario, in its order. */
export function worldFaults(faults: readonly WrittenFault[], population: Population): Fault[] {
  const roster = rosterOf(population);
  return faults.flatMap(fault => {
    const places = placesOf(fault.target, population);
    if (fault.kind === 'partition') {
      const inside = places.map(one => one.name);
      const outside = [...roster.keys()].filter(name => !inside.includes(name));
      return [{ at: fault.at, kind: 'partition', groups: [inside, outside], ...lasting(fault) } satisfies Fault];
    }
    return places.flatMap(place => onePlace(fault, place, roster, population));
  });
}

function lasting(fault: WrittenFault): { for?: number } {
  return fault.for === null ? {} : { for: fault.for };
}

/** For faults that must end: at the end of any run. */
function ending(fault: WrittenFault): { for: number } {
  return { for: fault.for ?? Number.MAX_SAFE_INTEGER - fault.at };
}

function onePlace(fault: WrittenFault, { name, host }: Place, roster: Roster, population: Population): Fault[] {
  const { at } = fault;
  switch (fault.kind) {
    case 'crash':
      return [{ at, kind: 'crash', target: name, silent: fault.silent, ...lasting(fault) }];
    case 'restart':
      return [{ at, kind: 'restart', target: name }];
    case 'pause':
      return [{ at, kind: 'pause', target: name, ...ending(fault) }];
    case 'hostOutage': {
      const hosts = host === null ? Array.from({ length: roster.get(name) ?? 0 }, (_, i) => i) : [host];
      return hosts.map(one => ({ at, kind: 'hostOutage', target: name, host: one, ...lasting(fault) }));
    }
    case 'cut': {
      const { oneWay } = fault;
      return placesOf(fault.to, population).map(to => ({
        at,
        kind: 'cut',
        from: name,
        to: to.name,
        oneWay,
        ...lasting(fault),
      }));
    }
    case 'clog': {
      const slower = fault.by === null ? {} : { delay_us: fault.by };
      const others = fault.to === null ? [{}] : placesOf(fault.to, population).map(to => ({ to: to.name }));
      return others.map(to => ({ at, kind: 'clog', from: name, ...to, ...slower, ...ending(fault) }));
    }
    case 'slowDisk':
      return [{ at, kind: 'slowDisk', target: name, factor: fault.factor, ...lasting(fault) }];
    case 'clockStep':
      return [{ at, kind: 'clockStep', target: name, by_us: fault.by, ...lasting(fault) }];
    case 'workloadCrash':
      return [{ at, kind: 'workloadCrash', target: name, outOfMemory: fault.outOfMemory }];
    case 'diskLoss':
    case 'fullDisk':
    case 'ioError':
      return [{ at, kind: fault.kind, target: name, ...lasting(fault) }];
    case 'partition':
      throw new Error('a partition concerns all of its places at once');
  }
}
