/**
 * Executes a fault schedule: puts it on the world's agenda, and translates each fault into what begins it and what takes
 * it back.
 */
import type { PeerName } from '../../actors/actor.ts';
import type { DiskSnapshot } from './disk.ts';
import {
  type ContainerFault,
  type CrashLoop,
  type DiskFault,
  type Fault,
  type FaultPort,
  faultText,
  type NetworkFault,
  type ProcessFault,
  whenText,
} from './faults.ts';
import type { Who } from './moments.ts';
import { swizzle } from './swizzle.ts';

/** How late what was in flight arrives, unless the fault says it. */
const LATE_US = 1_000_000;

/** Puts a schedule on the world's agenda. Check it first. */
export function scheduleFaults(faults: readonly Fault[], port: FaultPort): void {
  for (const [index, fault] of faults.entries()) {
    const label = `fault ${index}: ${faultText(fault)}`;
    const [begin, end] = actions(fault, port);
    const lasts = 'for' in fault ? fault.for : undefined;
    const { at } = fault;
    if (typeof at === 'number') {
      port.at(at, label, begin);
      if (end !== null && lasts !== undefined) port.at(at + lasts, `end of ${label}`, end);
      continue;
    }
    const strike = (): void => {
      begin();
      if (end !== null && lasts !== undefined) port.at(port.now + lasts, `end of ${label}`, end);
    };
    const { after_us } = at;
    if (after_us === undefined) port.atMoment(at, label, strike);
    else port.atMoment(at, `moment of ${label}`, () => port.at(port.now + after_us, label, strike));
  }
}

type Action = () => void;
type Actions = readonly [begin: Action, end: Action | null];
type Pair = readonly [PeerName, PeerName];

/** What a fault does, and what takes it back. */
function actions(fault: Fault, port: FaultPort): Actions {
  switch (fault.kind) {
    case 'partition':
    case 'cut':
    case 'clog':
    case 'swizzle':
    case 'break':
    case 'refuse':
      return networkActions(fault, port);
    case 'diskLoss':
    case 'diskRollback':
    case 'slowDisk':
    case 'fullDisk':
    case 'ioError':
    case 'bitRot':
      return diskActions(fault, port);
    case 'hostOutage':
    case 'workloadCrash':
    case 'crashLoop':
      return containerActions(fault, port);
    default:
      return processActions(fault, port);
  }
}

function processActions(fault: ProcessFault, port: FaultPort): Actions {
  const { target } = fault;
  switch (fault.kind) {
    case 'crash': {
      const silent = fault.silent === true;
      return [() => port.crash(target, { silent }), () => port.restart(target)];
    }
    case 'restart':
      return [
        () => {
          port.crash(target);
          port.restart(target);
        },
        null,
      ];
    case 'pause':
      return [() => port.pause(target), () => port.resume(target)];
    case 'slowCpu':
      return [() => port.slowCpu(target, fault.factor, true), () => port.slowCpu(target, fault.factor, false)];
    case 'clockStep':
      return [() => port.stepClock(target, fault.by_us), () => port.stepClock(target, -fault.by_us)];
    case 'clockDrift':
      return [() => port.driftClock(target, fault.ppm), () => port.driftClock(target, -fault.ppm)];
  }
}

function diskActions(fault: DiskFault, port: FaultPort): Actions {
  const { target } = fault;
  switch (fault.kind) {
    case 'diskLoss':
      return [
        () => {
          port.crash(target);
          port.loseDisk(target);
        },
        () => port.restart(target),
      ];
    case 'diskRollback': {
      let snapshot: DiskSnapshot | null = null;
      port.at(fault.to, `snapshot of ${target}`, () => {
        snapshot = port.snapshotDisk(target);
      });
      return [
        () => {
          port.crash(target);
          if (snapshot === null) port.loseDisk(target);
          else port.rollBackDisk(target, snapshot);
          if (fault.for === undefined) port.restart(target);
        },
        () => port.restart(target),
      ];
    }
    case 'slowDisk':
      return [() => port.slowDisk(target, fault.factor, true), () => port.slowDisk(target, fault.factor, false)];
    case 'fullDisk':
      return [() => port.fillDisk(target, true), () => port.fillDisk(target, false)];
    case 'ioError':
      return [() => port.breakDisk(target, true), () => port.breakDisk(target, false)];
    case 'bitRot':
      return [() => port.rotDisk(target, fault.of, fault.count ?? 1), null];
  }
}

function containerActions(fault: ContainerFault, port: FaultPort): Actions {
  const { target } = fault;
  switch (fault.kind) {
    case 'hostOutage':
      return [() => port.hostDown(target, fault.host), () => port.hostUp(target, fault.host)];
    case 'workloadCrash':
      return [() => port.crashWorkload(target, fault.id ?? null, fault.outOfMemory === true), null];
    case 'crashLoop': {
      const { id, after_us, outOfMemory } = fault;
      const loop: CrashLoop = { id: id ?? null, after_us, outOfMemory: outOfMemory === true };
      return [() => port.crashLoop(target, loop, true), () => port.crashLoop(target, loop, false)];
    }
  }
}

function networkActions(fault: NetworkFault, port: FaultPort): Actions {
  switch (fault.kind) {
    case 'partition':
      return cutting(() => partitionPairs(fault.groups, port), port);
    case 'cut':
      return cutting(() => pairsBetween(fault.from, fault.to, fault.oneWay !== true, port), port);
    case 'clog':
      return clogging(fault, port);
    case 'swizzle':
      return [
        () => {
          const names = port.members(fault.of);
          const key = `${names.join(' ')} ${whenText(fault.at)} for ${fault.for}`;
          const clogs = swizzle(port.draws('fault.swizzle', key), names, port.now, port.now + fault.for);
          scheduleFaults(clogs, port);
        },
        null,
      ];
    case 'break': {
      const { inFlight, late_us } = fault;
      return [
        () => {
          const others = fault.to ?? port.names();
          for (const [from, to] of pairsBetween(fault.from, others, false, port)) {
            port.breakConnections(from, to, inFlight ?? 'lost', late_us ?? LATE_US);
          }
        },
        null,
      ];
    }
    case 'refuse':
      return [() => port.refuseConnections(fault.target, true), () => port.refuseConnections(fault.target, false)];
  }
}

/** Who is there when it begins is cut off, and the same links are healed when it ends. */
function cutting(pairsNow: () => readonly Pair[], port: FaultPort): Actions {
  let pairs: readonly Pair[] = [];
  return [
    () => {
      pairs = pairsNow();
      for (const [from, to] of pairs) port.cut(from, to);
    },
    () => {
      for (const [from, to] of pairs) port.heal(from, to);
    },
  ];
}

function clogging(fault: Extract<NetworkFault, { readonly kind: 'clog' }>, port: FaultPort): Actions {
  const delay = fault.delay_us ?? null;
  let pairs: readonly Pair[] = [];
  return [
    () => {
      const { from, to, bothWays } = fault;
      pairs =
        to === undefined
          ? pairsBetween(from, port.names(), true, port)
          : pairsBetween(from, to, bothWays === true, port);
      for (const [source, target] of pairs) port.clog(source, target, delay);
    },
    () => {
      for (const [source, target] of pairs) port.unclog(source, target, delay);
    },
  ];
}

/** Each directed pair once, in the order of the names. */
function pairsBetween(from: Who, to: Who, back: boolean, port: FaultPort): readonly Pair[] {
  const sources = port.members(from);
  const targets = port.members(to);
  const seen = new Set<string>();
  const pairs: Pair[] = [];
  const add = (source: PeerName, target: PeerName): void => {
    const key = `${source}>${target}`;
    if (seen.has(key)) return;
    seen.add(key);
    pairs.push([source, target]);
  };
  for (const source of sources) {
    for (const target of targets) {
      if (source === target) continue;
      add(source, target);
      if (back) add(target, source);
    }
  }
  return pairs;
}

function partitionPairs(groups: readonly (readonly PeerName[])[], port: FaultPort): readonly Pair[] {
  const members = groups.map(group => port.members(group));
  const pairs: Pair[] = [];
  for (const [index, group] of members.entries()) {
    for (const other of members.slice(index + 1).flat()) {
      for (const member of group) pairs.push([member, other], [other, member]);
    }
  }
  return pairs;
}
