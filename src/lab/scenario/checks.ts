/**
 * Rules of a scenario that join several of its parts: a warm-up shorter than the run, faults that hit somebody who
 * exists, regions that are somewhere, tenants that ask for something.
 *
 * They are checked on whatever parts could be read, so that an error in one place does not hide those in another. A rule
 * whose parts could not be read is passed over: the error in the part has been reported, and guessing would add noise.
 */

import { twinOf } from '../../actors/validator/conduct.ts';
import { MICRO_PER_AKASH } from '../../protocol/ledger/money.ts';
import { meanOf } from './distributions.ts';
import type { FieldIssue } from './fields.ts';
import { isRecord } from './fields.ts';
import { MAX_MEMBERS, MAX_VALIDATORS } from './limits.ts';
import type { Step } from './problem.ts';
import { expectedName } from './problem.ts';
import type { WrittenFault } from './schema-faults.ts';
import { COMPUTE_KEYS } from './schema-tenants.ts';
import type {
  ChainOptions,
  DelegatorClass,
  FaultKind,
  FaultTarget,
  NetworkOptions,
  ProviderClass,
  RegionChoice,
  SdlWorkload,
  TenantClass,
  Workload,
} from './types.ts';
import { grouped, parseQuantity, show } from './units.ts';

/** Most deployments that a class may be expected to make; more is a slip of the unit. */
const MAX_ARRIVALS = 100_000_000;
/** Kinds of faults that hit what only providers have. */
const OF_PROVIDERS: ReadonlySet<FaultKind> = new Set(['hostOutage', 'workloadCrash', 'crashLoop']);
/** The class of the chain's own participants, which scenarios do not declare. */
export const VALIDATOR_CLASS = 'validator';

export type ReadTenant = Omit<TenantClass, 'last'> & { readonly last: number | null };

/** A fault and which of the list it is. */
export type ReadFault = WrittenFault & { readonly index: number };

/** What could be read of a scenario. A section that is undefined had an error (or, in lists, the missing items had). */
export interface Parts {
  /** The plain data of the file, for what a section's reading does not keep. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly horizon: number | undefined;
  readonly warmup: number | undefined;
  readonly chain: ChainOptions | undefined;
  readonly network: NetworkOptions | undefined;
  readonly providers: readonly ProviderClass[];
  readonly tenants: readonly ReadTenant[];
  readonly delegators: readonly DelegatorClass[];
  /** Names of all classes that the file declares, read or not. */
  readonly providerNames: readonly string[];
  readonly tenantNames: readonly string[];
  readonly delegatorNames: readonly string[];
  readonly workload: Workload | null | undefined;
  readonly sdl: SdlWorkload | null | undefined;
  readonly faults: readonly ReadFault[];
}

/** Every rule that is broken. */
export function checkParts(parts: Parts): FieldIssue[] {
  const issues: FieldIssue[] = [];
  const report: Report = (path, found, expected, atKey = false) => issues.push({ path, found, expected, atKey });
  checkTimes(parts, report);
  checkTotals(parts, report);
  checkChain(parts, report);
  checkScripts(parts, report);
  checkRegions(parts, report);
  checkTrace(parts, report);
  checkSdl(parts, report);
  checkGroups(parts, report);
  for (const fault of parts.faults) checkFault(parts, fault, report);
  return issues;
}

type Report = (path: readonly Step[], found: string | null, expected: string, atKey?: boolean) => void;

function checkTimes({ horizon, warmup, tenants, data }: Parts, report: Report): void {
  if (horizon === undefined) return;
  if (warmup !== undefined && warmup >= horizon)
    report(['warmup'], null, `less than the horizon, ${shown(data.horizon)}`);
  for (const tenant of tenants) {
    const path = ['tenants', tenant.name];
    const last = tenant.last ?? horizon;
    if (last > horizon) report([...path, 'last'], null, `at most the horizon, ${shown(data.horizon)}`);
    if (tenant.first >= last) report([...path, 'first'], null, 'less than `last` (by default the horizon)');
    const { arrivals } = tenant;
    if (arrivals.kind === 'poisson' || arrivals.kind === 'diurnal' || arrivals.kind === 'renewal') {
      const mean = typeof arrivals.every === 'number' ? arrivals.every : meanOf(arrivals.every);
      const expected = mean === null ? 0 : (last - tenant.first) / mean;
      if (expected > MAX_ARRIVALS) {
        const found = `about ${grouped(Math.round(expected))} arrivals`;
        report([...path, 'arrivals'], found, `at most ${grouped(MAX_ARRIVALS)}`);
      }
    } else if (arrivals.kind === 'at') {
      const late = arrivals.times.findIndex(time => time >= last || time < tenant.first);
      if (late >= 0) report([...path, 'arrivals', 'at', late], null, 'a time from `first` to before `last`');
    }
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : show(value);
}

function checkTotals(parts: Parts, report: Report): void {
  const { providers, tenants, delegators, providerNames, tenantNames, delegatorNames } = parts;
  let providerCount = 0;
  let hostCount = 0;
  for (const { supply } of providers) {
    providerCount += supply.kind === 'counted' ? supply.count : 0;
    hostCount += supply.kind === 'counted' ? supply.count * supply.hosts : 0;
  }
  const tenantCount = tenants.reduce((sum, tenant) => sum + tenant.count, 0);
  const limit = `at most ${grouped(MAX_MEMBERS)}`;
  if (providerCount > MAX_MEMBERS) report(['providers'], `${grouped(providerCount)} providers in all`, limit, true);
  if (hostCount > 10 * MAX_MEMBERS) {
    report(['providers'], `${grouped(hostCount)} hosts in all`, `at most ${grouped(10 * MAX_MEMBERS)}`, true);
  }
  if (tenantCount > MAX_MEMBERS) report(['tenants'], `${grouped(tenantCount)} tenants in all`, limit, true);
  const delegatorCount = delegators.reduce((sum, one) => sum + one.count, 0);
  if (delegatorCount > MAX_MEMBERS) {
    report(['delegators'], `${grouped(delegatorCount)} delegators in all`, limit, true);
  }
  for (const name of delegatorNames) {
    if (providerNames.includes(name) || tenantNames.includes(name)) {
      report(['delegators', name], `the name ${show(name)} for delegators and others`, 'a name of its own', true);
    }
  }
  for (const name of tenantNames) {
    if (providerNames.includes(name)) {
      report(['tenants', name], `the name ${show(name)} for providers and tenants`, 'a name of its own', true);
    }
  }
}

/** Over all classes. */
function validatorCount(chain: ChainOptions): number {
  return chain.validators.reduce((sum, one) => sum + one.count, 0);
}

function checkChain({ chain, providerNames }: Parts, report: Report): void {
  if (chain === undefined) return;
  chain.validators.forEach(({ behaviour }, i) => {
    if (behaviour.kind !== 'favour' || providerNames.includes(behaviour.providers)) return;
    const path = ['chain', 'validators', i, 'behaviour', 'favour', 'providers'];
    report(path, null, `a class of providers: ${expectedName(behaviour.providers, providerNames)}`);
  });
  const count = validatorCount(chain);
  if (count > MAX_VALIDATORS) report(['chain', 'validators'], `${count} validators`, `at most ${MAX_VALIDATORS}`, true);
  if (count > 1 && chain.commitments === null) {
    report(
      ['chain', 'commitments'],
      `off with ${count} validators`,
      'every_block or {every: 10}: off is for one alone',
    );
  }
  if (chain.clients === 'light' && chain.commitments?.every !== 1) {
    const found = chain.commitments === null ? 'off' : `{every: ${chain.commitments.every}}`;
    report(['chain', 'commitments'], found, 'every_block: light clients believe what each block commits to');
  }
  if (chain.validators.every(one => one.stake < MICRO_PER_AKASH)) {
    report(['chain', 'validators'], 'nobody with a stake of 1 AKASH', 'somebody who can be elected');
  }
}

/** Steps of delegators come within the run and name validators that there are. */
function checkScripts({ delegators, chain, horizon, data }: Parts, report: Report): void {
  const count = chain === undefined ? Number.POSITIVE_INFINITY : validatorCount(chain);
  const written = data.delegators as Record<string, { script: Record<string, unknown>[] }> | undefined;
  for (const { name } of delegators) {
    written?.[name]?.script.forEach((step, i) => {
      const path = ['delegators', name, 'script', i];
      for (const key of ['from', 'to']) {
        const index = typeof step[key] === 'string' ? Number(step[key].replace('validator-', '')) : 0;
        if (index >= count) report([...path, key], null, `validator-0 to validator-${count - 1}`);
      }
      if (horizon !== undefined && timeOf(step.at) >= horizon)
        report([...path, 'at'], null, `less than the horizon, ${shown(data.horizon)}`);
    });
  }
}

/** A time as it stands in a file that could be read. */
function timeOf(written: unknown): number {
  return parseQuantity('duration', written);
}

/** All regions that providers may be in; null when some class could not be read. */
function providerRegions({ providers, providerNames }: Parts): ReadonlySet<string> | null {
  if (providers.length < providerNames.length) return null;
  return new Set(providers.flatMap(({ region }) => [...region.regions]));
}

/** Regions of all who are not providers. */
function otherRegions({ tenants, delegators, chain }: Parts): string[] {
  return [...tenants, ...delegators, ...(chain?.validators ?? [])].flatMap(({ region }) => [
    ...(region?.regions ?? []),
  ]);
}

function checkRegions(parts: Parts, report: Report): void {
  const supplied = providerRegions(parts);
  if (supplied === null || parts.network === undefined) return;
  const linked = new Set(parts.network.regions.flatMap(({ from, to }) => [from, to]));
  const check = (
    choice: RegionChoice | null,
    path: readonly Step[],
    known: ReadonlySet<string>,
    whose: string,
  ): void => {
    for (const region of new Set(choice?.regions ?? [])) {
      if (!known.has(region)) {
        report(path, `the region ${show(region)}`, `a region ${whose}: ${expectedName(region, [...known])}`);
      }
    }
  };
  for (const { name, region } of parts.delegators) {
    check(region, ['delegators', name, 'region'], new Set([...supplied, ...linked]), 'of a provider or a link');
  }
  // Validators may be where nobody else is; beside a table of links a region without any is a slip.
  for (const [i, { region }] of linked.size === 0 ? [] : (parts.chain?.validators ?? []).entries()) {
    const path = ['chain', 'validators', i, 'region'];
    check(region, path, new Set([...supplied, ...linked]), 'of a provider or a link');
  }
  for (const tenant of parts.tenants) {
    const path = ['tenants', tenant.name];
    check(tenant.region, [...path, 'region'], new Set([...supplied, ...linked]), 'of a provider or a link');
    tenant.deployment.forEach(({ region }, i) => {
      check(region, [...path, 'deployment', i, 'region'], supplied, 'that has a provider');
    });
    const asked = tenant.sdl?.terms.region ?? null;
    check(asked, [...path, 'deployment', 'sdl', 'region'], supplied, 'that has a provider');
  }
  checkLinks(parts, supplied, linked, report);
}

/** With a table of links and no latency for the others, each pair of regions in use must be in the table. */
function checkLinks(parts: Parts, supplied: ReadonlySet<string>, linked: ReadonlySet<string>, report: Report): void {
  const { network, data } = parts;
  if (network === undefined || linked.size === 0) return;
  if (isRecord(data.network) && data.network.latency !== undefined) return;
  const pairs = new Set(network.regions.map(({ from, to }) => `${from} ${to}`));
  const used = [...new Set([...supplied, ...otherRegions(parts)])];
  used.forEach((from, i) => {
    for (const to of used.slice(i + 1)) {
      if (pairs.has(`${from} ${to}`)) continue;
      const expected = 'a link for each pair of regions in use, or a latency for those not listed';
      report(['network', 'regions'], `no link between ${from} and ${to}`, expected, true);
    }
  });
}

function checkTrace({ providers, tenants, workload }: Parts, report: Report): void {
  const replaying = tenants.filter(({ arrivals }) => arrivals.kind === 'trace');
  const supplied = providers.filter(({ supply }) => supply.kind === 'trace');
  for (const { name } of replaying.slice(1)) {
    report(['tenants', name, 'arrivals'], 'a second class that replays the trace', 'one class at most');
  }
  for (const { name } of supplied.slice(1)) {
    report(['providers', name, 'fromTrace'], 'a second class made from the trace', 'one class at most');
  }
  if (workload === null) {
    for (const { name } of replaying)
      report(['tenants', name, 'arrivals', 'trace'], null, 'a workload section to replay');
    for (const { name } of supplied)
      report(['providers', name, 'fromTrace'], null, 'a workload section to take nodes from');
  } else if (workload !== undefined) {
    if (replaying.length === 0 && tenants.length > 0) {
      report(['workload'], 'a workload that nobody replays', 'a class of tenants with arrivals: {trace: openb}', true);
    }
    if (workload.scale.kind === 'targetLoad' && supplied.length === 0) {
      report(['workload', 'targetLoad'], null, 'a class of providers with fromTrace, whose load it is', true);
    }
  }
}

function checkSdl({ tenants, sdl }: Parts, report: Report): void {
  const deploying = tenants.filter(tenant => tenant.sdl !== null);
  for (const { name, arrivals } of deploying) {
    const path = ['tenants', name, 'deployment', 'sdl'];
    if (sdl === null) report(path, null, 'a workload section with the folder of the files, sdl', true);
    if (arrivals.kind === 'trace') report(path, null, 'infrastructures: the pods of the trace are what arrives', true);
  }
  if (sdl !== null && sdl !== undefined && deploying.length === 0 && tenants.length > 0) {
    report(['workload', 'sdl'], null, 'a class of tenants with deployment: {sdl: {}}', true);
  }
}

/** Whether a class says what its groups need, which stands in the trace instead when it replays one. */
function checkGroups({ tenants, data }: Parts, report: Report): void {
  for (const tenant of tenants) {
    if (tenant.sdl !== null) continue;
    const written = (data.tenants as Record<string, { deployment: { groups: Record<string, unknown>[] }[] }>)[
      tenant.name
    ]!;
    const replays = tenant.arrivals.kind === 'trace';
    written.deployment.forEach(({ groups }, i) => {
      groups.forEach((group, j) => {
        const path = ['tenants', tenant.name, 'deployment', i, 'groups', j];
        if (replays) {
          for (const key of COMPUTE_KEYS) {
            if (group[key] !== undefined) report([...path, key], null, 'nothing: the pods of the trace say it', true);
          }
        } else {
          if (group.cpu === undefined) report([...path, 'cpu'], null, 'a number of vCPUs such as 4, 0.5 or 250m');
          if (group.memory === undefined) report([...path, 'memory'], null, 'a size such as 2Gi');
        }
      });
      if (replays && (groups.length !== 1 || written.deployment.length !== 1)) {
        report(
          ['tenants', tenant.name, 'deployment', i],
          null,
          'one infrastructure with one group, for a pod of the trace',
        );
      }
    });
    if (replays && tenant.lifetime !== null) {
      report(['tenants', tenant.name, 'lifetime'], null, 'nothing: the pods of the trace say it', true);
    }
  }
}

function checkFault(parts: Parts, fault: ReadFault, report: Report): void {
  const path = ['faults', fault.index];
  if (parts.horizon !== undefined && fault.at >= parts.horizon) {
    report([...path, 'at'], null, `less than the horizon, ${shown(parts.data.horizon)}`);
  }
  const groups = fault.kind === 'partition' ? fault.groups : undefined;
  if (groups === undefined) checkTarget(parts, fault.target, fault.kind, [...path, 'target'], report);
  else groups.forEach((group, i) => void checkTarget(parts, group, fault.kind, [...path, 'groups', i], report));
  if (fault.kind === 'diskRollback' && fault.to > fault.at) {
    report([...path, 'to'], null, 'a time that is not later than `at`');
  }
  if (fault.kind === 'cut' || fault.kind === 'clog' || fault.kind === 'break') {
    if (fault.to !== null) checkTarget(parts, fault.to, fault.kind, [...path, 'to'], report);
  }
}

/** Second instances of validators, which faults hit by name. */
function twinNames(chain: ChainOptions | undefined): string[] {
  const behaviours = (chain?.validators ?? []).flatMap(one => new Array<string>(one.count).fill(one.behaviour.kind));
  return behaviours.flatMap((kind, i) => (kind === 'twins' ? [twinOf(`${VALIDATOR_CLASS}-${i}`)] : []));
}

function checkTarget(parts: Parts, target: FaultTarget, kind: FaultKind, path: readonly Step[], report: Report): void {
  if (target.kind === 'several') {
    target.of.forEach((one, i) => void checkTarget(parts, one, kind, [...path, i], report));
    return;
  }
  if (target.kind === 'region') {
    const supplied = providerRegions(parts);
    if (supplied === null) return;
    const known = new Set([...supplied, ...otherRegions(parts)]);
    if (known.has(target.region)) return;
    report(path, null, `a region that somebody is in: ${expectedName(target.region, [...known])}`);
    return;
  }
  const twins = twinNames(parts.chain);
  const names = [...parts.providerNames, ...parts.tenantNames, ...parts.delegatorNames, VALIDATOR_CLASS, ...twins];
  if (!names.includes(target.class)) {
    report(path, null, `a participant, class or region:<name>: ${expectedName(target.class, names)}`);
    return;
  }
  if (target.kind === 'host' && kind !== 'hostOutage') {
    report(path, null, `a participant: only hostOutage hits a host, not ${kind}`);
  }
  if (OF_PROVIDERS.has(kind) && !parts.providerNames.includes(target.class)) {
    report(path, null, `a provider, because only they have what ${kind} hits`);
  }
  if (target.kind !== 'class') checkMember(parts, target, path, report);
}

/** Whether a class has the member, and the member the host, that a fault names. Trace nodes are not known here. */
function checkMember(
  parts: Parts,
  target: Extract<FaultTarget, { index: number }>,
  path: readonly Step[],
  report: Report,
): void {
  const provider = parts.providers.find(({ name }) => name === target.class);
  const supply = provider?.supply.kind === 'counted' ? provider.supply : null;
  const other = [...parts.tenants, ...parts.delegators].find(({ name }) => name === target.class);
  const members =
    target.class === VALIDATOR_CLASS ? parts.chain && validatorCount(parts.chain) : (supply?.count ?? other?.count);
  if (members !== undefined && target.index >= members) {
    const all = members === 1 ? '' : ` to ${target.class}-${members - 1}`;
    report(path, null, `${target.class}-0${all}`);
  } else if (target.kind === 'host' && supply !== null && target.host >= supply.hosts) {
    report(path, null, supply.hosts === 1 ? 'host 0' : `host 0 to ${supply.hosts - 1}`);
  }
}
