/**
 * Checks a fault schedule against a world before anything of it happens, and names every problem at once.
 */
import { MAX_DRIFT_PPM } from './clock.ts';
import { EFFECT_NAMES } from './effect-codes.ts';
import { type Fault, FaultError, type FaultPort, namesIn, whenText } from './faults.ts';
import { isEffectMoment, type Moment, REGION_PREFIX, type Who } from './moments.ts';

type Problem = (text: string) => void;

/** Most that a factor may slow something down. */
const MAX_FACTOR = 1e6;

/** Checks a schedule against a world. Throws one `FaultError` that names every problem. */
export function checkFaults(faults: readonly Fault[], port: FaultPort): void {
  const problems: string[] = [];
  for (const [index, fault] of faults.entries()) {
    const problem: Problem = text => {
      problems.push(`fault ${index} (${fault.kind} ${whenText(fault.at)}): ${text}`);
    };
    if (typeof fault.at !== 'number') checkMoment(fault.at, port, problem);
    else duration(fault.at, 'at', problem);
    const lasts = 'for' in fault ? fault.for : undefined;
    if (lasts !== undefined) duration(lasts, 'for', problem);
    else if (fault.kind === 'pause' || fault.kind === 'clog' || fault.kind === 'swizzle') problem('needs `for`');
    for (const name of namesIn(fault)) checkName(name, fault, port, problem);
    checkValues(fault, port, problem);
  }
  if (problems.length > 0) throw new FaultError(problems);
}

function checkName(name: string, fault: Fault, port: FaultPort, problem: Problem): void {
  if (name.startsWith(REGION_PREFIX)) {
    if ('target' in fault && fault.target === name) problem(`strikes one participant, found ${name}`);
    else if (port.members(name).length === 0) problem(`nobody is in ${name}`);
  } else if (!port.knows(name)) {
    problem(`there is no participant ${name}`);
  }
}

function checkMoment(moment: Moment, port: FaultPort, problem: Problem): void {
  const { nth, after_us } = moment;
  if (nth !== undefined && !(Number.isSafeInteger(nth) && nth >= 1)) problem(`\`nth\` counts from 1, found ${nth}`);
  if (after_us !== undefined) duration(after_us, 'after_us', problem);
  if (!isEffectMoment(moment)) {
    if (!port.describesMessages) problem('a moment of a message needs the world to be told `describe`');
    return;
  }
  if (moment.effect !== 'any' && !EFFECT_NAMES.includes(moment.effect)) {
    problem(`there is no effect ${String(moment.effect)}`);
  }
}

function checkValues(fault: Fault, port: FaultPort, problem: Problem): void {
  switch (fault.kind) {
    case 'hostOutage': {
      const hosts = port.knows(fault.target) ? port.hostCount(fault.target) : Number.POSITIVE_INFINITY;
      if (!Number.isSafeInteger(fault.host) || fault.host < 0 || fault.host >= hosts) {
        problem(`${fault.target} has ${hosts} hosts, found host ${fault.host}`);
      }
      return;
    }
    case 'workloadCrash':
    case 'crashLoop':
      if (port.knows(fault.target) && port.hostCount(fault.target) === 0) {
        problem(`${fault.target} has no container hosts`);
      }
      if (fault.kind === 'crashLoop') duration(fault.after_us, 'after_us', problem);
      return;
    case 'partition':
      disjoint(fault.groups, port, problem);
      return;
    case 'clog':
      if (fault.delay_us !== undefined) duration(fault.delay_us, 'delay_us', problem);
      return;
    case 'break':
      if (fault.late_us !== undefined) duration(fault.late_us, 'late_us', problem);
      return;
    case 'slowDisk':
      if (!(fault.factor > 0 && fault.factor <= MAX_FACTOR)) {
        problem(`\`factor\` must be above 0 and at most a million, found ${fault.factor}`);
      }
      return;
    case 'slowCpu':
      if (!(fault.factor >= 1 && fault.factor <= MAX_FACTOR)) {
        problem(`\`factor\` must be from 1 to a million, found ${fault.factor}`);
      }
      return;
    case 'clockStep':
      if (!Number.isSafeInteger(fault.by_us)) {
        problem(`\`by_us\` must be a whole number of microseconds, found ${fault.by_us}`);
      }
      return;
    case 'clockDrift':
      if (!(Math.abs(fault.ppm) <= MAX_DRIFT_PPM)) {
        problem(`\`ppm\` must be from -${MAX_DRIFT_PPM} to ${MAX_DRIFT_PPM}, found ${fault.ppm}`);
      }
      return;
    case 'diskRollback':
      duration(fault.to, 'to', problem);
      if (fault.to < port.now) problem(`\`to\` is over: it is ${port.now} us already`);
      if (typeof fault.at === 'number' && !(fault.to <= fault.at)) problem(`\`to\` must not be later than \`at\``);
      return;
    case 'bitRot':
      if (fault.count !== undefined && !(Number.isSafeInteger(fault.count) && fault.count >= 1)) {
        problem(`\`count\` must be a whole number above 0, found ${fault.count}`);
      }
      return;
    case 'swizzle':
      room(fault.of, fault.for, port, problem);
      return;
    case 'crash':
    case 'restart':
    case 'pause':
    case 'diskLoss':
    case 'cut':
    case 'fullDisk':
    case 'ioError':
    case 'refuse':
      return;
    default: {
      const unknown: never = fault;
      problem(`there is no such kind of fault: ${String((unknown as { kind: unknown }).kind)}`);
    }
  }
}

function disjoint(groups: readonly (readonly string[])[], port: FaultPort, problem: Problem): void {
  const names = groups.flatMap(group => port.members(group));
  if (new Set(names).size !== names.length) problem('a participant is listed in two groups');
}

function room(of: Who, lasts: number, port: FaultPort, problem: Problem): void {
  const half = Math.ceil(port.members(of).length / 2);
  if (half > 0 && lasts < 2 * half + 1) problem(`\`for\` is too short to swizzle ${half} of them, found ${lasts}`);
}

function duration(value: number, what: string, problem: Problem): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    problem(`\`${what}\` must be a whole number of microseconds, found ${value}`);
  }
}
