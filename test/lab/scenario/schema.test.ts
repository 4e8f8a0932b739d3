import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { scenarioJsonSchemaText } from '../../../src/lab/scenario/json-schema.ts';
import { InvalidScenario } from '../../../src/lab/scenario/problem.ts';
import { BASE, errorsOf, load, variant } from './fixture.ts';

/** What `validators` says where nothing is said. */
const VALIDATOR = {
  count: 1,
  stake: 1_000_000_000_000n,
  commission: 100_000,
  region: null,
  unjail: true,
  behaviour: { kind: 'honest' },
};
const ONE_VALIDATOR = [VALIDATOR];

describe('a small scenario', () => {
  it('has its defaults filled in and its units gone', () => {
    const { scenario, trace, sources } = load(BASE);
    expect(trace).toBeNull();
    expect(sources.map(({ path }) => path)).toEqual(['s.yaml']);
    expect(scenario).toMatchObject({
      name: 'base',
      finding: null,
      horizon: 172_800_000_000,
      warmup: 0,
      chain: {
        blockInterval: 6_000_000,
        validators: ONE_VALIDATOR,
        topology: { kind: 'mesh' },
        commitments: null,
        signatures: 'keyed-hash',
        invariants: { every: 1 },
        params: {},
      },
      network: { latency: { kind: 'constant', value: 40_000 }, regions: [] },
      workload: null,
      faults: [],
      observe: { every: 600_000_000, files: [] },
      expect: [],
    });
    expect(scenario.providers).toHaveLength(1);
    expect(scenario.providers[0]).toMatchObject({
      name: 'cheap',
      supply: {
        kind: 'counted',
        count: 4,
        hosts: 1,
        capacity: { cpu: 16_000, memory: 64 * 2 ** 30, disk: 2 ** 40, gpu: 2_000, bandwidth: 0 },
      },
      region: { kind: 'cycle', regions: ['eu'] },
      cost: { cpu: { quantity: 'rate', kind: 'constant', value: 556 }, gpu: { value: 0 } },
      strategy: { kind: 'costPlus', margin: { quantity: 'number', kind: 'constant', value: 0.2 } },
      reserve: 'bids',
      bidProbability: 1,
      stake: 0n,
      balance: 10_000_000n,
      containers: { failure: 0, lifetime: null },
      behaviour: { kind: 'honest' },
    });
    expect(scenario.tenants[0]).toMatchObject({
      name: 'web',
      count: 20,
      region: null,
      arrivals: { kind: 'poisson', every: 600_000_000 },
      first: 0,
      last: 172_800_000_000,
      lifetime: null,
      escrow: { kind: 'periods', periods: 2 },
      refill: null,
      waitDuration: 2,
      openFor: 60_000_000,
      deployment: [
        { region: null, persist: false, reputationAtLeast: 0, groups: [{ count: 1, cpu: { value: 1_000 } }] },
      ],
    });
  });

  it('travels by structured clone and cannot be changed', () => {
    const { scenario } = load(BASE);
    expect(structuredClone(scenario)).toEqual(scenario);
    expect(() => {
      (scenario.providers[0]!.supply as { count: number }).count = 9;
    }).toThrow(TypeError);
  });
});

describe('sections', () => {
  it('chain', () => {
    const text = `${BASE}chain: {blockInterval: 1s, commitments: {every: 12}, invariants: end, signatures: ed25519, params: {leaseTax: 1000, rule: x, on: true}}\n`;
    expect(load(text).scenario.chain).toEqual({
      blockInterval: 1_000_000,
      validators: ONE_VALIDATOR,
      topology: { kind: 'mesh' },
      timeouts: {
        propose: { base: 3_000_000, delta: 500_000 },
        prevote: { base: 1_000_000, delta: 500_000 },
        precommit: { base: 1_000_000, delta: 500_000 },
      },
      keepBlocks: 200,
      snapshotEvery: 5_000,
      commitments: { every: 12 },
      clients: 'trusting',
      signatures: 'ed25519',
      invariants: null,
      params: { leaseTax: 1000, rule: 'x', on: true },
    });
    expect(load(`${BASE}chain: {commitments: every_block}\n`).scenario.chain.commitments).toEqual({ every: 1 });
  });

  it('clients believe their node where there is one alone, and else what is proven', () => {
    const read = (chain: string) => load(`${BASE}chain: {${chain}}\n`).scenario.chain;
    expect(read('validators: 1').clients).toBe('trusting');
    expect(read('validators: 4').clients).toBe('light');
    expect(read('validators: 4, clients: trusting').clients).toBe('trusting');
    expect(read('validators: 4, commitments: {every: 10}').clients).toBe('trusting');
    expect(read('validators: 1, clients: light')).toMatchObject({ clients: 'light', commitments: { every: 1 } });
  });

  it('classes of validators', () => {
    const text = `${BASE}chain: {validators: [{count: 2, stake: 5 akash, region: [eu]}, {unjail: false, commission: 5%}]}\n`;
    const { validators, commitments } = load(text).scenario.chain;
    expect(commitments).toEqual({ every: 1 });
    expect(validators).toEqual([
      { ...VALIDATOR, count: 2, stake: 5_000_000n, region: { kind: 'cycle', regions: ['eu'] } },
      { ...VALIDATOR, commission: 50_000, unjail: false },
    ]);
  });

  it('how validators behave', () => {
    const of = (behaviour: string): unknown =>
      load(`${BASE}chain: {validators: [{count: 3}, {behaviour: ${behaviour}}]}\n`).scenario.chain.validators[1]
        ?.behaviour;
    expect(of('twins')).toEqual({ kind: 'twins' });
    expect(of('{equivocate: {}}')).toEqual({ kind: 'equivocate', of: ['votes', 'proposals'] });
    expect(of('{withhold: {share: 0.5, of: [parts]}}')).toEqual({ kind: 'withhold', share: 0.5, of: ['parts'] });
    const mutations = { kind: 'mutate', share: 0.1, fields: ['round'], signed: true };
    expect(of('{mutate: {signed: true, fields: [round]}}')).toEqual(mutations);
    expect(of('{favour: {providers: cheap}}')).toEqual({ kind: 'favour', providers: 'cheap' });
    expect(() => of('{lie: {about: [answers, answers]}}')).toThrow(InvalidScenario);
    expect(() => of('{favour: {providers: nobody}}')).toThrow(InvalidScenario);
    // A fault can name the second instance, and only where there is one.
    const split = (target: string): unknown =>
      load(
        `${BASE}chain: {validators: [{count: 3}, {behaviour: twins}]}\nfaults: [{at: 1h, kind: crash, target: ${target}}]\n`,
      );
    expect(() => split('validator-3-twin')).not.toThrow();
    expect(() => split('validator-2-twin')).toThrow(InvalidScenario);
  });

  it('delegators: steps in the order of time', () => {
    const script =
      '[{at: 2h, kind: redelegate, from: validator-0, to: validator-1, amount: 2 akash}, {at: 1h, kind: delegate, to: validator-0, amount: 3 akash}]';
    const text = `${BASE}chain: {validators: 2}\ndelegators: {fund: {balance: 9 akash, region: eu, script: ${script}}}\n`;
    expect(load(text).scenario.delegators).toEqual([
      {
        name: 'fund',
        count: 1,
        balance: 9_000_000n,
        region: { kind: 'cycle', regions: ['eu'] },
        script: [
          { at: 3_600_000_000, kind: 'delegate', to: 0, amount: 3_000_000n },
          { at: 7_200_000_000, kind: 'redelegate', from: 0, to: 1, amount: 2_000_000n },
        ],
      },
    ]);
    expect(load(BASE).scenario.delegators).toEqual([]);
  });

  it('network: links go both ways unless both are given', () => {
    const one = load(`${BASE}network: {regions: [{from: eu, to: us, p50: 80ms, p90: 110ms}]}\n`).scenario.network;
    expect(one.regions).toEqual([
      { from: 'eu', to: 'us', p50: 80_000, p90: 110_000 },
      { from: 'us', to: 'eu', p50: 80_000, p90: 110_000 },
    ]);
    expect(one.latency).toMatchObject({ value: 500 });
    const both = load(
      `${BASE}network: {regions: [{from: eu, to: us, p50: 80ms, p90: 110ms}, {from: us, to: eu, p50: 1ms, p90: 1ms}, {from: eu, to: eu, p50: 1ms, p90: 2ms}]}\n`,
    ).scenario.network;
    expect(both.regions).toHaveLength(3);
  });

  it.each([
    [
      '{costPlus: {margin: {uniform: [0.1, 20%]}}}',
      { kind: 'costPlus', margin: { kind: 'uniform', min: 0.1, max: 0.2 } },
    ],
    ['{utilisation: {base: 0.1, slope: 1}}', { kind: 'utilisation', base: 0.1, slope: 1, exponent: 1 }],
    ['{undercut: {step: 0.02, floor: 0.05, start: 0.5}}', { kind: 'undercut', step: 0.02, floor: 0.05, start: 0.5 }],
    ['{fixed: {price: {cpu: 3.6 uakt/h}}}', { kind: 'fixed', price: { cpu: { value: 1_000 } } }],
    ['zeroIntelligence', { kind: 'zeroIntelligence' }],
    ['{zeroIntelligence: {}}', { kind: 'zeroIntelligence' }],
    ['{bestResponse: {step: 0.01}}', { kind: 'bestResponse', step: 0.01 }],
    ['{sniper: {margin: 0.1, lead: 6s}}', { kind: 'sniper', lead: 6_000_000 }],
    [
      '{expression: {price: "cost * (1 + 0.5 * utilization^2)"}}',
      { kind: 'expression', price: 'cost * (1 + 0.5 * utilization^2)' },
    ],
    ['{ring: {name: five, margin: 0.5}}', { kind: 'ring', name: 'five', margin: 0.5, floor: 0 }],
  ])('strategy %s', (text, strategy) => {
    expect(load(variant(['{costPlus: {margin: 0.2}}', text])).scenario.providers[0]!.strategy).toMatchObject(strategy);
  });

  it.each([
    ['freeRider', { kind: 'freeRider' }],
    ['noShow', { kind: 'noShow' }],
    [
      '{defaulter: {offers: {every: {exponential: 2h}}, gain: {exponential: 3.6 uakt/h}, discount: 3.6/h}}',
      { kind: 'defaulter', every: { mean: 7_200_000_000 }, gain: { mean: 1_000 }, discount: 0.001 },
    ],
    ['{exitScammer: {after: 5 akash}}', { kind: 'exitScammer', after: 5_000_000n }],
    [
      '{bidAndCancel: {probability: 50%, after: 3s}}',
      { kind: 'bidAndCancel', probability: 0.5, after: { value: 3_000_000 } },
    ],
    ['{washTrader: {every: 1h, lifetime: 1d, price: 1 uakt/s}}', { kind: 'washTrader', price: { value: 1_000_000 } }],
  ])('behaviour of a provider: %s', (text, behaviour) => {
    const changed = variant(['    balance: 10 akash', `    balance: 10 akash\n    behaviour: ${text}`]);
    expect(load(changed).scenario.providers[0]!.behaviour).toMatchObject(behaviour);
  });

  it.each([
    ['{diurnal: {every: 10m, amplitude: 0.6, peak: 14h}}', { kind: 'diurnal', amplitude: 0.6, peak: 50_400_000_000 }],
    ['{every: 1h}', { kind: 'renewal', every: { kind: 'constant', value: 3_600_000_000 } }],
    ['{every: {pareto: {min: 1m, alpha: 1.5}}}', { kind: 'renewal', every: { kind: 'pareto' } }],
    ['{at: [10s, 1d]}', { kind: 'at', times: [10_000_000, 86_400_000_000] }],
  ])('arrivals %s', (text, arrivals) => {
    expect(load(variant(['{poisson: {every: 10m}}', text])).scenario.tenants[0]!.arrivals).toMatchObject(arrivals);
  });

  it.each([
    ['{periods: 4}', { kind: 'periods', periods: 4 }],
    ['{duration: 2d}', { kind: 'duration', duration: 172_800_000_000 }],
    ['12 akash', { kind: 'money', amount: 12_000_000n }],
  ])('escrow %s', (text, escrow) => {
    expect(
      load(variant(['    balance: 100 akash', `    balance: 100 akash\n    escrow: ${text}`])).scenario.tenants[0]!
        .escrow,
    ).toEqual(escrow);
  });

  it.each([
    ['9 uakt/s', { kind: 'rate', rate: { kind: 'constant', value: 9_000_000 } }],
    ['{uniform: [1 uakt/s, 2 uakt/s]}', { kind: 'rate', rate: { kind: 'uniform', min: 1_000_000, max: 2_000_000 } }],
    ['{perUnit: {cpu: 1 uakt/s}}', { kind: 'perUnit', rates: { cpu: { value: 1_000_000 }, gpu: { value: 0 } } }],
    ['{expression: "3*cpu + memory"}', { kind: 'expression', expression: '3*cpu + memory' }],
  ])('price %s', (text, price) => {
    expect(load(variant(['9 uakt/h', text])).scenario.tenants[0]!.deployment[0]!.groups[0]!.price).toMatchObject(price);
  });

  it.each([
    ['[eu, us]', { kind: 'cycle', regions: ['eu', 'us'] }],
    ['{weights: {eu: 2, us: 1}}', { kind: 'weights', regions: ['eu', 'us'], weights: [2, 1] }],
  ])('region %s', (text, region) => {
    expect(load(variant(['region: eu', `region: ${text}`])).scenario.providers[0]!.region).toEqual(region);
  });

  it('faults, by time and then in the order of the file', () => {
    const text = `${BASE}faults:
  - {at: 5h, kind: crash, target: cheap-0, for: 1h, silent: true}
  - {at: 1h, kind: partition, target: "region:eu", for: 1m}
  - {at: 1h, kind: hostOutage, target: cheap-3/0}
  - {at: 1h, kind: clog, target: cheap, by: 200ms, for: 1m}
  - {at: 1h, kind: cut, target: cheap-0, to: web-19, oneWay: true}
  - {at: 1h, kind: slowDisk, target: validator-0, factor: 10}
  - {at: 1h, kind: clockStep, target: web, by: 2s, back: true}
`;
    expect(load(text).scenario.faults).toEqual([
      { at: 3_600_000_000, kind: 'partition', target: { kind: 'region', region: 'eu' }, for: 60_000_000 },
      { at: 3_600_000_000, kind: 'hostOutage', target: { kind: 'host', class: 'cheap', index: 3, host: 0 }, for: null },
      {
        at: 3_600_000_000,
        kind: 'clog',
        target: { kind: 'class', class: 'cheap' },
        to: null,
        by: 200_000,
        for: 60_000_000,
      },
      {
        at: 3_600_000_000,
        kind: 'cut',
        target: { kind: 'participant', class: 'cheap', index: 0 },
        to: { kind: 'participant', class: 'web', index: 19 },
        oneWay: true,
        for: null,
      },
      {
        at: 3_600_000_000,
        kind: 'slowDisk',
        target: { kind: 'participant', class: 'validator', index: 0 },
        factor: 10,
        for: null,
      },
      { at: 3_600_000_000, kind: 'clockStep', target: { kind: 'class', class: 'web' }, by: -2_000_000, for: null },
      {
        at: 18_000_000_000,
        kind: 'crash',
        target: { kind: 'participant', class: 'cheap', index: 0 },
        for: 3_600_000_000,
        silent: true,
      },
    ]);
  });
});

describe('faults of every kind', () => {
  const faultOf = (text: string) => {
    const { at: _, ...fault } = load(`${BASE}faults: [{at: 1h, ${text}}]\n`).scenario.faults[0]!;
    return fault;
  };
  const cheap = { kind: 'class', class: 'cheap' };
  const first = { kind: 'participant', class: 'cheap', index: 0 };
  const validator = { kind: 'participant', class: 'validator', index: 0 };
  const eu = { kind: 'region', region: 'eu' };
  const web = { kind: 'class', class: 'web' };

  it.each([
    [
      'kind: partition, groups: [[cheap-0, validator], "region:eu", web]',
      {
        kind: 'partition',
        target: {
          kind: 'several',
          of: [{ kind: 'several', of: [first, { kind: 'class', class: 'validator' }] }, eu, web],
        },
        groups: [{ kind: 'several', of: [first, { kind: 'class', class: 'validator' }] }, eu, web],
        for: null,
      },
    ],
    [
      'kind: swizzle, target: [cheap, web], for: 1m',
      { kind: 'swizzle', target: { kind: 'several', of: [cheap, web] }, for: 60_000_000 },
    ],
    [
      'kind: break, target: cheap',
      { kind: 'break', target: cheap, to: null, inFlight: 'lost', late: 1_000_000, for: null },
    ],
    [
      'kind: break, target: cheap, to: validator-0, inFlight: repeated, late: 5s',
      { kind: 'break', target: cheap, to: validator, inFlight: 'repeated', late: 5_000_000, for: null },
    ],
    ['kind: refuse, target: validator-0, for: 1m', { kind: 'refuse', target: validator, for: 60_000_000 }],
    [
      'kind: clog, target: cheap, to: web, oneWay: true, for: 1m',
      { kind: 'clog', target: cheap, to: web, oneWay: true, by: null, for: 60_000_000 },
    ],
    ['kind: slowCpu, target: cheap-0, factor: 20', { kind: 'slowCpu', target: first, factor: 20, for: null }],
    ['kind: clockDrift, target: cheap-0, ppm: -80', { kind: 'clockDrift', target: first, ppm: -80, for: null }],
    [
      'kind: diskRollback, target: validator-0, to: 30m, for: 1m',
      { kind: 'diskRollback', target: validator, to: 1_800_000_000, for: 60_000_000 },
    ],
    ['kind: bitRot, target: validator-0', { kind: 'bitRot', target: validator, of: 'store', count: 1, for: null }],
    [
      'kind: bitRot, target: validator-0, of: log, count: 3',
      { kind: 'bitRot', target: validator, of: 'log', count: 3, for: null },
    ],
    [
      'kind: crashLoop, target: cheap, for: 10m',
      { kind: 'crashLoop', target: cheap, after: 5_000_000, outOfMemory: false, for: 600_000_000 },
    ],
    ['kind: ioError, target: "region:eu", for: 10m', { kind: 'ioError', target: eu, for: 600_000_000 }],
  ])('%s', (text, fault) => {
    expect(faultOf(text)).toEqual(fault);
  });
});

describe('bad input', () => {
  const at = (line: number, column: number, rest: string) => `s.yaml:${line}:${column}: ${rest}`;

  it('points at the value, says what was found and what was expected', () => {
    expect(errorsOf(variant(['count: 4', 'count: abc']))).toEqual([
      at(6, 12, 'providers.cheap.count: found "abc", expected a whole number from 1 to 1,000,000'),
    ]);
  });

  it.each([
    [
      '10^12 providers',
      ['count: 4', 'count: 1000000000000'],
      'providers.cheap.count: found 1000000000000, expected a whole number from 1 to 1,000,000',
    ],
    [
      'no providers of a class',
      ['count: 4', 'count: 0'],
      'providers.cheap.count: found 0, expected a whole number from 1',
    ],
    ['half a provider', ['count: 4', 'count: 2.5'], 'providers.cheap.count: found 2.5, expected a whole number'],
    ['NaN providers', ['count: 4', 'count: .nan'], 'providers.cheap.count: found NaN, expected a whole number'],
    [
      'infinitely many providers',
      ['count: 4', 'count: .inf'],
      'providers.cheap.count: found Infinity, expected a whole number',
    ],
    [
      'a horizon of 0',
      ['horizon: 2d', 'horizon: 0s'],
      'horizon: found "0s", expected a duration such as 5s, 250ms, 1h30m or 30d (units us, ms, s, m, h, d, w), above 0',
    ],
    ['a horizon of a century', ['horizon: 2d', 'horizon: 36500d'], 'horizon: found "36500d", expected a duration'],
    ['a negative horizon', ['horizon: 2d', 'horizon: -2d'], 'horizon: found "-2d", expected a duration'],
    ['a horizon without a unit', ['horizon: 2d', 'horizon: 2'], 'horizon: found 2, expected a duration'],
    ['no horizon', ['horizon: 2d\n', ''], 'horizon: found nothing, expected a duration'],
    [
      'an unknown section',
      ['horizon: 2d', 'horizon: 2d\nfualts: []'],
      'fualts: found the key "fualts", expected "faults" perhaps',
    ],
    [
      'an unknown key of a class',
      ['count: 4', 'count: 4\n    strtegy: {}'],
      'providers.cheap.strtegy: found the key "strtegy", expected "strategy" perhaps',
    ],
    [
      'an unknown key in a capacity',
      ['gpu: 2', 'gpus: 2'],
      'providers.cheap.capacity.gpus: found the key "gpus", expected "gpu" perhaps',
    ],
    [
      'a wrong unit',
      ['64Gi', '64 uakt'],
      'providers.cheap.capacity.memory: found "64 uakt", expected a size such as 64Gi',
    ],
    ['a negative size', ['64Gi', '-64Gi'], 'providers.cheap.capacity.memory: found "-64Gi", expected a size'],
    ['a rate without a time', ['2 uakt/h', '2 uakt'], 'providers.cheap.cost.cpu: found "2 uakt", expected a rate'],
    [
      'money without a unit',
      ['10 akash', '10'],
      'providers.cheap.balance: found 10, expected an amount such as 12 akash',
    ],
    [
      'an unknown strategy',
      ['costPlus', 'costPlsu'],
      'providers.cheap.strategy.costPlsu: found the key "costPlsu", expected "costPlus" perhaps',
    ],
    [
      'an unknown strategy by name',
      ['{costPlus: {margin: 0.2}}', 'greedy'],
      'providers.cheap.strategy: found "greedy", expected a strategy: one of zeroIntelligence, costPlus',
    ],
    [
      'two strategies',
      ['{costPlus: {margin: 0.2}}', '{costPlus: {margin: 0.2}, ring: {}}'],
      'providers.cheap.strategy: found both costPlus and ring, expected a strategy: one of',
    ],
    [
      'a negative margin',
      ['margin: 0.2', 'margin: -0.2'],
      'providers.cheap.strategy.costPlus.margin: found -0.2, expected a number such as 0.2, 3 or 20%, not negative',
    ],
    [
      'a forbidden expression',
      ['{costPlus: {margin: 0.2}}', '{expression: {price: "import({}, {})"}}'],
      'providers.cheap.strategy.expression.price: found a call in "import({}, {})"',
    ],
    [
      'an assignment',
      ['{costPlus: {margin: 0.2}}', '{expression: {price: "cost = 1"}}'],
      'providers.cheap.strategy.expression.price: found an assignment in "cost = 1"',
    ],
    [
      'an unknown variable',
      ['9 uakt/h', '{expression: "cpus * 2"}'],
      'deployment.0.groups.0.price.expression: found the name "cpus", expected "cpu" perhaps',
    ],
    ['a price of nothing', ['9 uakt/h', '0 uakt/h'], 'groups.0.price: found "0 uakt/h", expected a rate such as'],
    [
      'a price of nothing per unit',
      ['9 uakt/h', '{perUnit: {}}'],
      'groups.0.price.perUnit: found an empty map, expected a price above 0',
    ],
    [
      'arrivals without time between',
      ['every: 10m', 'every: 0s'],
      'tenants.web.arrivals.poisson.every: found "0s", expected a duration',
    ],
    [
      'arrivals that never end',
      ['{poisson: {every: 10m}}', '{poisson: {every: 1us}}'],
      'tenants.web.arrivals: found about 172,800,000,000 arrivals, expected at most 100,000,000',
    ],
    [
      'arrivals out of order',
      ['{poisson: {every: 10m}}', '{at: [2h, 1h]}'],
      'tenants.web.arrivals.at: found a list of 2, expected times in ascending order',
    ],
    [
      'a text for a list',
      ['{poisson: {every: 10m}}', '{at: 2h}'],
      'tenants.web.arrivals.at: found "2h", expected a list of 1 to 100,000 times',
    ],
    [
      'no deployment',
      ['      - groups:\n          - {cpu: 1, memory: 2Gi, price: 9 uakt/h}\n', '      []\n'],
      'tenants.web.deployment: found an empty list, expected a list of 1 to 32 infrastructures',
    ],
    ['a group without memory', ['memory: 2Gi, ', ''], 'groups.0.memory: found nothing, expected a size such as 2Gi'],
    ['a group without cpu', ['{cpu: 1, ', '{'], 'groups.0.cpu: found nothing, expected a number of vCPUs'],
    [
      'a group for no cpu',
      ['{cpu: 1, ', '{cpu: 0, '],
      'groups.0.cpu: found 0, expected a number of vCPUs such as 4, 0.5 or 250m (thousandths), above 0',
    ],
    [
      'a number as an attribute',
      ['      - groups:', '      - attributes: {tier: 1}\n        groups:'],
      'deployment.0.attributes.tier: found 1, expected text of 1 to 256 characters (quote what looks like a number)',
    ],
    [
      'a share above 1',
      ['      - groups:', '      - reputationAtLeast: 1.5\n        groups:'],
      'deployment.0.reputationAtLeast: found 1.5, expected a number from 0 to 1',
    ],
    [
      'a share below 0',
      ['      - groups:', '      - reputationAtLeast: -0.1\n        groups:'],
      'deployment.0.reputationAtLeast: found -0.1, expected a number from 0 to 1',
    ],
    [
      'a word for a truth',
      ['      - groups:', '      - persist: yes\n        groups:'],
      'deployment.0.persist: found "yes", expected true or false',
    ],
    [
      'a bad class name',
      ['cheap:', 'Cheap:'],
      'providers.Cheap: found the name "Cheap", expected a class name such as spot-eu',
    ],
    [
      'a class name that looks like a participant',
      ['cheap:', 'cheap-1:'],
      'providers.cheap-1: found the name "cheap-1", expected a class name',
    ],
    [
      'the name of the validators',
      ['cheap:', 'validator:'],
      'providers.validator: found the name "validator", expected a class name',
    ],
    [
      'a bad scenario name',
      ['name: base', 'name: Base Case'],
      'name: found "Base Case", expected a name of lower case letters',
    ],
    [
      'a class that is no map',
      ['web:\n', 'web: 5\n  other:\n'],
      'tenants.web: found 5, expected a map of count, balance',
    ],
    [
      'several validators without commitments',
      ['horizon: 2d', 'horizon: 2d\nchain: {validators: 4, commitments: off}'],
      'chain.commitments: found off with 4 validators, expected every_block or {every: 10}',
    ],
    [
      'light clients of a chain that does not commit to every block',
      ['horizon: 2d', 'horizon: 2d\nchain: {validators: 4, clients: light, commitments: {every: 10}}'],
      'chain.commitments: found {every: 10}, expected every_block: light clients believe what each block commits to',
    ],
    [
      'validators of whom nobody can be elected',
      ['horizon: 2d', 'horizon: 2d\nchain: {validators: [{count: 2, stake: 10 uakt}]}'],
      'chain.validators: found nobody with a stake of 1 AKASH, expected somebody who can be elected',
    ],
    [
      'a validator where there is no link to',
      [
        'horizon: 2d',
        'horizon: 2d\nchain: {validators: [{region: us}, {region: ue}]}\nnetwork: {latency: 1ms, regions: [{from: eu, to: us, p50: 1ms, p90: 1ms}]}',
      ],
      'chain.validators.1.region: found the region "ue", expected a region of a provider or a link',
    ],
    [
      'a delegator with a validator that there is not',
      [
        'horizon: 2d',
        'horizon: 2d\nchain: {validators: 2}\ndelegators: {fund: {balance: 1 akash, script: [{at: 1h, kind: withdraw, from: validator-2}]}}',
      ],
      'delegators.fund.script.0.from: found "validator-2", expected validator-0 to validator-1',
    ],
    [
      'a step after the end',
      [
        'horizon: 2d',
        'horizon: 2d\ndelegators: {fund: {balance: 1 akash, script: [{at: 2d, kind: withdraw, from: validator-0}]}}',
      ],
      'delegators.fund.script.0.at: found "2d", expected less than the horizon, 2d',
    ],
    [
      'a delegator by the name of a tenant',
      [
        'horizon: 2d',
        'horizon: 2d\ndelegators: {web: {balance: 1 akash, script: [{at: 1h, kind: withdraw, from: validator-0}]}}',
      ],
      'delegators.web: found the name "web" for delegators and others, expected a name of its own',
    ],
    [
      'an unknown step',
      [
        'horizon: 2d',
        'horizon: 2d\ndelegators: {fund: {balance: 1 akash, script: [{at: 1h, kind: delegat, to: validator-0, amount: 1 akash}]}}',
      ],
      'delegators.fund.script.0.kind: found "delegat", expected "delegate" perhaps',
    ],
    [
      'no validators',
      ['horizon: 2d', 'horizon: 2d\nchain: {validators: 0}'],
      'chain.validators: found 0, expected a whole number from 1 to 150',
    ],
    [
      'a p90 below the p50',
      ['horizon: 2d', 'horizon: 2d\nnetwork: {regions: [{from: eu, to: us, p50: 80ms, p90: 10ms}]}'],
      'network.regions.0.p90: found "10ms", expected a p90 that is not below the p50',
    ],
    [
      'a link twice',
      ['horizon: 2d', 'horizon: 2d\nnetwork: {regions: [&l {from: eu, to: us, p50: 1ms, p90: 1ms}, *l]}'],
      'network.regions.1: found the link from eu to us a second time, expected each link once',
    ],
    [
      'a parameter that is a list',
      ['horizon: 2d', 'horizon: 2d\nchain: {params: {x: [1]}}'],
      'chain.params.x: found a list of 1, expected a number, text or true/false',
    ],
    [
      'an unknown file',
      ['horizon: 2d', 'horizon: 2d\nobserve: {files: [order]}'],
      'observe.files.0: found "order", expected "orders" perhaps',
    ],
    [
      'a file twice',
      ['horizon: 2d', 'horizon: 2d\nobserve: {files: [orders, orders]}'],
      'observe.files: found a list of 2, expected each file once',
    ],
    [
      'a forbidden expectation',
      ['horizon: 2d', 'horizon: 2d\nexpect: ["f(x) = x"]'],
      'expect.0: found a function definition in "f(x) = x"',
    ],
    [
      'a refill downwards',
      ['    balance: 100 akash', '    balance: 100 akash\n    refill: {below: 4, to: 1}'],
      'tenants.web.refill.to: found 1, expected not less than `below`',
    ],
    [
      'an unknown behaviour',
      ['    balance: 100 akash', '    balance: 100 akash\n    behaviour: griefer'],
      'tenants.web.behaviour: found "griefer", expected a behaviour: "griefer" perhaps',
    ],
  ] as const)('%s', (_, [from, to], message) => {
    const lines = errorsOf(variant([from, to]));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^s\.yaml:\d+:\d+: /);
    expect(lines[0]).toContain(message);
  });

  it('33 infrastructures and 65 groups', () => {
    const group = '{cpu: 1, memory: 1Gi, price: 1 uakt/s}';
    const groups = `${Array(65).fill(group).join(', ')}`;
    const block = '      - groups:\n          - {cpu: 1, memory: 2Gi, price: 9 uakt/h}\n';
    expect(errorsOf(variant([block, `      - groups: [${groups}]\n`]))[0]).toContain(
      'groups: found a list of 65, expected a list of 1 to 64 groups',
    );
    const many = `      - groups: [${group}]\n`.repeat(33);
    expect(errorsOf(variant([block, many]))[0]).toContain(
      'deployment: found a list of 33, expected a list of 1 to 32 infrastructures',
    );
    expect(
      load(variant([block, `      - groups: [${group}]\n`.repeat(32)])).scenario.tenants[0]!.deployment,
    ).toHaveLength(32);
  });

  it('a file that is no map', () => {
    expect(errorsOf('- 1\n- 2\n')).toEqual([
      's.yaml:1:1: found a list of 2, expected a map with name, question, horizon, providers, tenants...',
    ]);
    expect(errorsOf('hello\n')).toEqual([
      's.yaml:1:1: found "hello", expected a map with name, question, horizon, providers, tenants...',
    ]);
  });

  it('reports everything that is wrong, in the order of the file, each once', () => {
    const lines = errorsOf(`name: Bad Name
question: ""
horizon: 0s
warmup: -5s
extra: 1
providers:
  cheap:
    count: many
    region: eu
    capacity: {cpu: lots, memory: -1}
    cost: {cpu: 2 akash/y}
    strategy: {costPlus: {margin: x}}
    balance: .nan
tenants:
  web:
    count: 2.5
    balance: 1
    arrivals: {at: []}
    deployment: []
faults:
  - {at: 2d, kind: crush, target: cheap-0}
  - {at: 1h, kind: crash, target: chep-0}
  - {at: 1h, kind: crash, target: cheap-0, by: 2s}
expect: [a = 3, "x >"]
`);
    expect(lines.map(line => line.split(': ').slice(0, 2).join(' '))).toEqual([
      's.yaml:1:7 name',
      's.yaml:2:11 question',
      's.yaml:3:10 horizon',
      's.yaml:4:9 warmup',
      's.yaml:5:1 extra',
      's.yaml:8:12 providers.cheap.count',
      's.yaml:10:21 providers.cheap.capacity.cpu',
      's.yaml:10:35 providers.cheap.capacity.memory',
      's.yaml:11:17 providers.cheap.cost.cpu',
      's.yaml:12:35 providers.cheap.strategy.costPlus.margin',
      's.yaml:13:14 providers.cheap.balance',
      's.yaml:16:12 tenants.web.count',
      's.yaml:17:14 tenants.web.balance',
      's.yaml:18:20 tenants.web.arrivals.at',
      's.yaml:19:17 tenants.web.deployment',
      's.yaml:21:20 faults.0.kind',
      's.yaml:22:35 faults.1.target',
      's.yaml:23:44 faults.2.by',
      's.yaml:24:10 expect.0',
      's.yaml:24:17 expect.1',
    ]);
  });
});

describe('any input', () => {
  /** Paths to every value of the base. */
  const pathsIn = (value: unknown, path: readonly string[] = []): (readonly string[])[] =>
    typeof value === 'object' && value !== null
      ? [path, ...Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...path, key]))]
      : [path];
  const replaced = (value: unknown, path: readonly string[], by: unknown): unknown => {
    const [step, ...rest] = path;
    if (step === undefined) return by;
    if (Array.isArray(value)) return value.with(Number(step), replaced(value[Number(step)], rest, by));
    const map = value as Record<string, unknown>;
    return { ...map, [step]: replaced(map[step], rest, by) };
  };

  it('in the place of any value loads, or is refused with a place; it never fails otherwise', () => {
    const base: unknown = parse(BASE);
    const text = fc.constantFrom(
      '5s',
      '64Gi',
      '3 uakt/h',
      '12 akash',
      'eu',
      'any',
      'honest',
      'cost * 2',
      '-1s',
      '20%',
      '',
    );
    const key = fc.constantFrom(
      'uniform',
      'exponential',
      'choice',
      'values',
      'weights',
      'every',
      'poisson',
      'price',
      'toString',
      'kind',
    );
    const { value } = fc.letrec(tie => ({
      value: fc.oneof(
        { maxDepth: 4 },
        text,
        fc.double(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 3 }),
      ),
    }));
    let loaded = 0;
    fc.assert(
      fc.property(fc.constantFrom(...pathsIn(base)), value, (path, by) => {
        const changed = stringify(replaced(base, path, by));
        try {
          load(changed);
          loaded += 1;
        } catch (error) {
          if (!(error instanceof InvalidScenario)) throw error;
          expect(error.errors.length).toBeGreaterThan(0);
          for (const { line, found, expected } of error.errors)
            expect(line > 0 && found !== '' && expected !== '').toBe(true);
        }
      }),
      { numRuns: 1_000, seed: 20_231_105 },
    );
    expect(loaded).toBeGreaterThan(10);
    expect(loaded).toBeLessThan(900);
  });
});

describe('the JSON Schema', () => {
  it('stands beside the scenarios as the format has it', () => {
    const written = readFileSync(new URL('../../../scenarios/scenario.schema.json', import.meta.url), 'utf8');
    expect(written, 'scenarios/scenario.schema.json is behind the format: see json-schema.ts').toBe(
      scenarioJsonSchemaText(),
    );
  });

  it('refers to nothing that it does not define, and defines nothing in vain', () => {
    const text = scenarioJsonSchemaText();
    const referred = new Set([...text.matchAll(/"#\/definitions\/([^"]+)"/g)].map(match => match[1]));
    expect([...referred].sort()).toEqual(Object.keys((JSON.parse(text) as { definitions: object }).definitions).sort());
  });
});
