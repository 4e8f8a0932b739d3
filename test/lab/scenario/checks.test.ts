/** Rules that join several parts of a scenario. */

import { describe, expect, it } from 'vitest';
import { BASE, errorsOf, load, variant } from './fixture.ts';

const US = ['region: eu', 'region: [eu, us]'] as const;
const top = (text: string) => ['horizon: 2d', `horizon: 2d\n${text}`] as const;
const tenant = (text: string) => ['    balance: 100 akash', `    balance: 100 akash\n    ${text}`] as const;
const fault = (text: string) => top(`faults: [{at: 1h, ${text}}]`);
const only = (lines: readonly string[]): string => {
  expect(lines).toHaveLength(1);
  return lines[0]!;
};

describe('times', () => {
  it.each([
    ['a warm-up as long as the run', top('warmup: 48h'), 'warmup: found "48h", expected less than the horizon, 2d'],
    [
      'arrivals behind the horizon',
      tenant('last: 3d'),
      'tenants.web.last: found "3d", expected at most the horizon, 2d',
    ],
    [
      'a window that ends before it begins',
      tenant('first: 5h\n    last: 5h'),
      'tenants.web.first: found "5h", expected less than `last`',
    ],
    [
      'a window that begins at the horizon',
      tenant('first: 2d'),
      'tenants.web.first: found "2d", expected less than `last`',
    ],
    [
      'a listed time outside',
      ['{poisson: {every: 10m}}', '{at: [1h, 3d]}'] as const,
      'tenants.web.arrivals.at.1: found "3d", expected a time from `first`',
    ],
    [
      'a fault behind the horizon',
      top('faults: [{at: 2d, kind: restart, target: cheap-0}]'),
      'faults.0.at: found "2d", expected less than the horizon, 2d',
    ],
    [
      'renewals without end',
      ['{poisson: {every: 10m}}', '{every: {exponential: 10us}}'] as const,
      'tenants.web.arrivals: found about 17,280,000,000 arrivals',
    ],
  ])('%s', (_, change, message) => {
    expect(only(errorsOf(variant(change)))).toContain(message);
  });

  it('a warm-up one microsecond shorter than the run will do', () => {
    expect(load(variant(top('warmup: 172799999999us'))).scenario.warmup).toBe(172_799_999_999);
  });
});

describe('totals', () => {
  const twice = (count: number) =>
    variant(
      ['count: 4', `count: ${count}`],
      [
        'tenants:',
        `  other:\n    count: 500000\n    region: eu\n    capacity: {cpu: 1, memory: 1Gi}\n    cost: {}\n    strategy: zeroIntelligence\n    balance: 1 akash\ntenants:`,
      ],
    );

  it('at most a million providers in all', () => {
    expect(load(twice(500_000)).scenario.providers).toHaveLength(2);
    expect(only(errorsOf(twice(500_001)))).toBe(
      's.yaml:4:1: providers: found 1,000,001 providers in all, expected at most 1,000,000',
    );
  });

  it('at most ten million hosts in all', () => {
    expect(only(errorsOf(variant(['count: 4', 'count: 1000\n    hosts: 10001'])))).toContain(
      'providers: found 10,001,000 hosts in all, expected at most 10,000,000',
    );
  });

  it('a name is for providers or for tenants', () => {
    expect(only(errorsOf(variant(['web:', 'cheap:'])))).toContain(
      'tenants.cheap: found the name "cheap" for providers and tenants, expected a name of its own',
    );
  });
});

describe('regions', () => {
  it.each([
    [
      'that no provider is in, asked for',
      ['- groups', '- region: mars\n        groups'] as const,
      'tenants.web.deployment.0.region: found the region "mars", expected a region that has a provider: eu',
    ],
    [
      'misspelt',
      ['- groups', '- region: eur\n        groups'] as const,
      'expected a region that has a provider: "eu" perhaps (eu)',
    ],
    [
      'in weights',
      ['- groups', '- region: {weights: {eu: 1, mars: 2}}\n        groups'] as const,
      'found the region "mars"',
    ],
    [
      'that a tenant sits in alone',
      tenant('region: mars'),
      'tenants.web.region: found the region "mars", expected a region of a provider or a link: eu',
    ],
    [
      'that nobody is in, hit by a fault',
      fault('kind: partition, target: "region:mars"'),
      'faults.0.target: found "region:mars", expected a region that somebody is in: eu',
    ],
  ])('%s', (_, change, message) => {
    expect(only(errorsOf(variant(change)))).toContain(message);
  });

  it('each pair in use needs a link, unless there is a latency for the others', () => {
    const links = 'regions: [{from: eu, to: asia, p50: 200ms, p90: 300ms}]';
    expect(only(errorsOf(variant(US, top(`network: {${links}}`))))).toContain(
      'network.regions: found no link between eu and us, expected a link for each pair',
    );
    expect(load(variant(US, top(`network: {latency: 50ms, ${links}}`))).scenario.network.latency).toMatchObject({
      value: 50_000,
    });
    expect(
      load(variant(US, top('network: {regions: [{from: us, to: eu, p50: 80ms, p90: 90ms}]}'))).scenario.network.regions,
    ).toHaveLength(2);
  });

  it('are not judged while a class of providers cannot be read', () => {
    const lines = errorsOf(variant(['count: 4', 'count: x'], ['- groups', '- region: mars\n        groups']));
    expect(only(lines)).toContain('providers.cheap.count');
  });
});

describe('faults', () => {
  it.each([
    ['of an unknown kind', 'kind: crush, target: cheap-0', 'faults.0.kind: found "crush", expected "crash" perhaps'],
    ['of no kind', 'target: cheap-0', 'faults.0.kind: found nothing, expected one of crash, restart'],
    [
      'on an unknown class',
      'kind: crash, target: chep-0',
      'faults.0.target: found "chep-0", expected a participant, class or region:<name>: "cheap" perhaps',
    ],
    [
      'on a member too many',
      'kind: crash, target: cheap-4',
      'faults.0.target: found "cheap-4", expected cheap-0 to cheap-3',
    ],
    [
      'on a tenant too many',
      'kind: crash, target: web-20',
      'faults.0.target: found "web-20", expected web-0 to web-19',
    ],
    [
      'on a validator too many',
      'kind: crash, target: validator-1',
      'faults.0.target: found "validator-1", expected validator-0',
    ],
    [
      'on a host too many',
      'kind: hostOutage, target: cheap-0/1',
      'faults.0.target: found "cheap-0/1", expected host 0',
    ],
    [
      'on a host, which cannot crash',
      'kind: crash, target: cheap-0/0',
      'faults.0.target: found "cheap-0/0", expected a participant: only hostOutage',
    ],
    ['on hosts of tenants', 'kind: hostOutage, target: web-0', 'faults.0.target: found "web-0", expected a provider'],
    [
      'on something odd',
      'kind: crash, target: "cheap 0"',
      'faults.0.target: found "cheap 0", expected cheap-0 (a participant)',
    ],
    [
      'on the host of a class',
      'kind: hostOutage, target: cheap/0',
      'faults.0.target: found "cheap/0", expected cheap-0 (a participant)',
    ],
    [
      'between unknown ends',
      'kind: cut, target: cheap-0, to: wbe-0',
      'faults.0.to: found "wbe-0", expected a participant, class or region:<name>: "web" perhaps',
    ],
    [
      'without an end that it needs',
      'kind: pause, target: cheap-0',
      'faults.0.for: found nothing, expected a duration',
    ],
    [
      'without an amount that it needs',
      'kind: clockStep, target: cheap-0',
      'faults.0.by: found nothing, expected a duration',
    ],
    [
      'with an amount that it has no use for',
      'kind: crash, target: cheap-0, by: 1s',
      'faults.0.by: found the key "by", expected one of at, kind, target, for, silent',
    ],
    ['for no time', 'kind: crash, target: cheap-0, for: 0s', 'faults.0.for: found "0s", expected a duration'],
    [
      'of a partition without groups',
      'kind: partition',
      'faults.0: found a map, expected exactly one of target and groups',
    ],
    [
      'of a partition into one group',
      'kind: partition, groups: [cheap]',
      'faults.0.groups: found a list of 1, expected a list of 2 to 1,000 groups',
    ],
    [
      'with nobody in a group',
      'kind: partition, groups: [cheap, [web, wbe]]',
      'faults.0.groups.1.1: found "wbe", expected a participant, class or region:<name>: "web" perhaps',
    ],
    [
      'on a list with somebody unknown in it',
      'kind: swizzle, target: [cheap, chaep-0], for: 1m',
      'faults.0.target.1: found "chaep-0", expected a participant, class or region:<name>: "cheap" perhaps',
    ],
    ['on an empty list', 'kind: crash, target: []', 'faults.0.target: found an empty list, expected 1 to 1000 targets'],
    [
      'with a list in a list',
      'kind: crash, target: [[cheap]]',
      'faults.0.target: found a list of 1, expected cheap-0 (a',
    ],
    [
      'that takes a disk into the future',
      'kind: diskRollback, target: cheap-0, to: 2h',
      'faults.0.to: found "2h", expected a time that is not later than `at`',
    ],
    [
      'on workloads of tenants',
      'kind: crashLoop, target: web-0',
      'faults.0.target: found "web-0", expected a provider, because only they have what crashLoop hits',
    ],
    [
      'that makes a processor faster',
      'kind: slowCpu, target: cheap-0, factor: 50%',
      'faults.0.factor: found "50%", expected a number from 1 to 1,000,000',
    ],
    [
      'with a drift beyond all clocks',
      'kind: clockDrift, target: cheap-0, ppm: 200000',
      'faults.0.ppm: found 200000, expected a whole number from -100,000 to 100,000',
    ],
    [
      'with an unknown fate of messages',
      'kind: break, target: cheap-0, inFlight: alte',
      'faults.0.inFlight: found "alte", expected "late" perhaps',
    ],
    [
      'of what no disk has',
      'kind: bitRot, target: cheap-0, of: files',
      'faults.0.of: found "files", expected one of log, store',
    ],
    [
      'on a link to nobody',
      'kind: break, target: cheap-0, to: wbe',
      'faults.0.to: found "wbe", expected a participant',
    ],
    ['with a factor of 0', 'kind: slowDisk, target: cheap-0, factor: 0', 'faults.0.factor: found 0, expected a number'],
  ])('%s', (_, text, message) => {
    expect(only(errorsOf(variant(fault(text))))).toContain(message);
  });

  it('name the last member of a class with dashes in its name', () => {
    const { faults } = load(
      variant(['cheap:', 'cheap-and-old:'], fault('kind: crash, target: cheap-and-old-3')),
    ).scenario;
    expect(faults[0]!.target).toEqual({ kind: 'participant', class: 'cheap-and-old', index: 3 });
  });
});

describe('traces', () => {
  const pods = 'workload: {format: openb, pods: p.csv, nodes: n.csv, timeScale: 1}';
  const replay = ['{poisson: {every: 10m}}', '{trace: openb}'] as const;
  const bare = ['{cpu: 1, memory: 2Gi, price: 9 uakt/h}', '{price: 9 uakt/h}'] as const;

  it.each([
    [
      'arrivals of a trace without a workload',
      [replay, bare],
      'tenants.web.arrivals.trace: found "openb", expected a workload section to replay',
    ],
    ['a workload that nobody replays', [top(pods)], 'workload: found a workload that nobody replays'],
    [
      'both timeScale and targetLoad',
      [replay, bare, top(pods.replace('}', ', targetLoad: 0.7}'))],
      'workload: found a map, expected exactly one of timeScale and targetLoad',
    ],
    [
      'neither timeScale nor targetLoad',
      [replay, bare, top(pods.replace(', timeScale: 1', ''))],
      'workload: found a map, expected exactly one of timeScale and targetLoad',
    ],
    [
      'a target load of providers that are not the trace',
      [replay, bare, top(pods.replace('timeScale: 1', 'targetLoad: 0.7'))],
      'workload.targetLoad: found 0.7, expected a class of providers with fromTrace',
    ],
    [
      'a group that says what the pods say',
      [replay, top(pods), ['memory: 2Gi, ', ''] as const],
      'groups.0.cpu: found 1, expected nothing: the pods of the trace say it',
    ],
    [
      'a lifetime that the pods have',
      [replay, bare, top(pods), tenant('lifetime: 1h')],
      'tenants.web.lifetime: found "1h", expected nothing: the pods',
    ],
    [
      'an unknown format',
      [replay, bare, top(pods.replace('format: openb', 'format: swf'))],
      'workload.format: found "swf", expected openb',
    ],
    [
      'a time scale of 0',
      [replay, bare, top(pods.replace('timeScale: 1', 'timeScale: 0'))],
      'workload.timeScale: found 0, expected a number',
    ],
    [
      'counted providers from a trace',
      [replay, bare, top(pods), ['count: 4', 'count: 4\n    fromTrace: openb'] as const],
      'providers.cheap.count: found 4, expected nothing: beside fromTrace',
    ],
  ] as const)('%s', (_, changes, message) => {
    expect(errorsOf(variant(...changes)).join('\n')).toContain(message);
  });

  it('providers are counted or made from a trace', () => {
    expect(
      errorsOf(variant(['    count: 4\n', ''], ['    capacity: {cpu: 16, memory: 64Gi, disk: 1Ti, gpu: 2}\n', ''])),
    ).toEqual([
      's.yaml:5:3: providers.cheap.count: found nothing, expected a whole number from 1 to 1,000,000 (or fromTrace)',
      's.yaml:5:3: providers.cheap.capacity: found nothing, expected a map of cpu, memory, disk, gpu, bandwidth (or fromTrace)',
    ]);
  });
});

it('the base itself has no errors', () => {
  expect(load(BASE).scenario.name).toBe('base');
});
