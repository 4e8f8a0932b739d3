/** Faults as a scenario names them, as what the world executes: classes, regions and hosts become participants. */
import { twinOf } from '../../actors/validator/conduct.ts';
import type { Fault } from '../../worlds/simulated/faults.ts';
import { VALIDATOR_CLASS } from '../scenario/checks.ts';
import type { FaultTarget, Fault as WrittenFault } from '../scenario/types.ts';
import type { Population } from './population.ts';

interface Place {
  readonly name: string;
  /** One host of it, or null for all. */
  readonly host: number | null;
}

interface Resident {
  readonly name: string;
  /** Under which name targets mean all of its kind. */
  readonly className: string;
  readonly region: string;
  /** Container hosts. */
  readonly hosts: number;
}

/** Everybody, in the order of validators, providers, tenants, delegators. */
function residentsOf(population: Population): Resident[] {
  const residents: Resident[] = population.validators.flatMap(({ name, region, spec }) => {
    const first = { name, className: VALIDATOR_CLASS, region, hosts: 0 };
    // A twin is struck by name only, or with its region.
    return spec.behaviour.kind === 'twins'
      ? [first, { ...first, name: twinOf(name), className: twinOf(name) }]
      : [first];
  });
  for (const { spec, members } of population.providers) {
    for (const { name, region, hosts } of members) {
      residents.push({ name, className: spec.name, region, hosts: hosts.length });
    }
  }
  for (const { spec, members } of [...population.tenants, ...population.delegators]) {
    for (const { name, region } of members) residents.push({ name, className: spec.name, region, hosts: 0 });
  }
  return residents;
}

function placesOf(target: FaultTarget, residents: readonly Resident[]): Place[] {
  const all = (of: (one: Resident) => boolean): Place[] =>
    residents.filter(of).map(({ name }) => ({ name, host: null }));
  switch (target.kind) {
    case 'participant':
      return [{ name: `${target.class}-${target.index}`, host: null }];
    case 'host':
      return [{ name: `${target.class}-${target.index}`, host: target.host }];
    case 'class':
      return all(one => one.className === target.class);
    case 'region':
      return all(one => one.region === target.region);
    case 'several': {
      const places = new Map<string, Place>();
      for (const place of target.of.flatMap(one => placesOf(one, residents))) {
        places.set(`${place.name}/${place.host ?? ''}`, place);
      }
      return [...places.values()];
    }
  }
}

function namesOf(target: FaultTarget, residents: readonly Resident[]): string[] {
  return placesOf(target, residents).map(({ name }) => name);
}

/** The faults of a scenario, in its order. */
export function worldFaults(faults: readonly WrittenFault[], population: Population): Fault[] {
  const residents = residentsOf(population);
  return faults.flatMap(fault => groupFault(fault, residents) ?? singleFaults(fault, residents));
}

function lasting(fault: WrittenFault): { for?: number } {
  return fault.for === null ? {} : { for: fault.for };
}

/** For faults that must end: at the end of any run. */
function ending(fault: WrittenFault): { for: number } {
  return { for: fault.for ?? Number.MAX_SAFE_INTEGER - fault.at };
}

/** A fault that concerns all of its places at once; null for one that strikes each by itself. */
function groupFault(fault: WrittenFault, residents: readonly Resident[]): Fault[] | null {
  const { at } = fault;
  const names = (target: FaultTarget): string[] => namesOf(target, residents);
  switch (fault.kind) {
    case 'partition': {
      if (fault.groups !== undefined) {
        return [{ at, kind: 'partition', groups: fault.groups.map(names), ...lasting(fault) }];
      }
      const inside = names(fault.target);
      const members = new Set(inside);
      const outside = residents.flatMap(({ name }) => (members.has(name) ? [] : [name]));
      return [{ at, kind: 'partition', groups: [inside, outside], ...lasting(fault) }];
    }
    case 'cut': {
      const { oneWay } = fault;
      return [{ at, kind: 'cut', from: names(fault.target), to: names(fault.to), oneWay, ...lasting(fault) }];
    }
    case 'clog': {
      const slower = fault.by === null ? {} : { delay_us: fault.by };
      const to = fault.to ?? (fault.oneWay === true ? everybody(residents) : null);
      const others = to === null ? {} : { to: names(to), bothWays: fault.oneWay !== true };
      return [{ at, kind: 'clog', from: names(fault.target), ...others, ...slower, ...ending(fault) }];
    }
    case 'swizzle':
      return [{ at, kind: 'swizzle', of: names(fault.target), ...ending(fault) }];
    case 'break': {
      const others = fault.to === null ? {} : { to: names(fault.to) };
      const { inFlight, late } = fault;
      return [{ at, kind: 'break', from: names(fault.target), ...others, inFlight, late_us: late }];
    }
    default:
      return null;
  }
}

function everybody(residents: readonly Resident[]): FaultTarget {
  const classes = [...new Set(residents.map(({ className }) => className))];
  return { kind: 'several', of: classes.map(name => ({ kind: 'class', class: name })) };
}

type GroupKind = 'partition' | 'cut' | 'clog' | 'swizzle' | 'break';
type SingleFault = Exclude<WrittenFault, { readonly kind: GroupKind }>;

function singleFaults(written: WrittenFault, residents: readonly Resident[]): Fault[] {
  const fault = written as SingleFault;
  const hosts = new Map(residents.map(one => [one.name, one.hosts]));
  const { kind } = fault;
  // Of a region, only those are struck who have what the fault strikes.
  const ofContainers = kind === 'hostOutage' || kind === 'crashLoop' || kind === 'workloadCrash';
  return placesOf(fault.target, residents)
    .filter(({ name }) => !ofContainers || (hosts.get(name) ?? 0) > 0)
    .flatMap(place => onePlace(fault, place, hosts.get(place.name) ?? 0));
}

function onePlace(fault: SingleFault, { name, host }: Place, hostCount: number): Fault[] {
  const { at } = fault;
  const base = { at, target: name, ...lasting(fault) };
  switch (fault.kind) {
    case 'crash':
      return [{ ...base, kind: 'crash', silent: fault.silent }];
    case 'restart':
      return [{ at, kind: 'restart', target: name }];
    case 'pause':
      return [{ at, kind: 'pause', target: name, ...ending(fault) }];
    case 'hostOutage': {
      const hosts = host === null ? Array.from({ length: hostCount }, (_, i) => i) : [host];
      return hosts.map(one => ({ ...base, kind: 'hostOutage', host: one }));
    }
    case 'slowCpu':
    case 'slowDisk':
      return [{ ...base, kind: fault.kind, factor: fault.factor }];
    case 'clockStep':
      return [{ ...base, kind: 'clockStep', by_us: fault.by }];
    case 'clockDrift':
      return [{ ...base, kind: 'clockDrift', ppm: fault.ppm }];
    case 'diskRollback':
      return [{ ...base, kind: 'diskRollback', to: fault.to }];
    case 'bitRot':
      return [{ at, kind: 'bitRot', target: name, of: fault.of, count: fault.count }];
    case 'workloadCrash':
      return [{ at, kind: 'workloadCrash', target: name, outOfMemory: fault.outOfMemory }];
    case 'crashLoop':
      return [{ ...base, kind: 'crashLoop', after_us: fault.after, outOfMemory: fault.outOfMemory }];
    case 'diskLoss':
    case 'fullDisk':
    case 'ioError':
    case 'refuse':
      return [{ ...base, kind: fault.kind }];
  }
}
