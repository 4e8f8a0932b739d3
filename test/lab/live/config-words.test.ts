import { describe, expect, it } from 'vitest';
import { galleryFile, galleryNames } from '../../../src/cli/gallery.ts';
import { loadFromDisk } from '../../../src/lab/experiment/results-source.ts';
import { parseConfig } from '../../../src/lab/live/home/config-file.ts';
import { CONFIG_SCHEMAS } from '../../../src/lab/live/home/config-schema.ts';
import { nodeConfigText, providerConfigText, tenantConfigText } from '../../../src/lab/live/home/config-text.ts';
import type { NodeConfig, ProviderConfig, TenantConfig } from '../../../src/lab/live/home/config-types.ts';
import { durationWords, moneyWords, rateWords } from '../../../src/lab/live/home/config-words.ts';
import { distribution } from '../../../src/lab/scenario/distribution-fields.ts';
import type { Distribution } from '../../../src/lab/scenario/types.ts';
import { parseDuration, parseMoney, parseRate } from '../../../src/lab/scenario/units.ts';
import { addressOfSeed, GIB, tenantHome } from './support.ts';

const HEADING = { chainId: 'c', genesisHash: '00'.repeat(32) };
const address = addressOfSeed(1);
const node = { alpha: { host: '::1', port: 1, address } };

const ANY = { name: 'n', address, api: '127.0.0.1:1' };
const nodeConfig = CONFIG_SCHEMAS.node.parse({ role: 'node', ...ANY, listen: '0.0.0.0:0' });
const tenantConfig = CONFIG_SCHEMAS.tenant.parse({ role: 'tenant', ...ANY, nodes: { a: `${address}@h:1` } });
const providerConfig = CONFIG_SCHEMAS.provider.parse({
  role: 'provider',
  ...ANY,
  listen: '0.0.0.0:1',
  nodes: { a: `${address}@h:1` },
  region: 'eu',
  capacity: { cpu: 1, memory: '1Gi' },
  cost: {},
  strategy: 'zeroIntelligence',
});

const again = {
  node: (config: NodeConfig) => parseConfig('node', 'x', nodeConfigText(config, HEADING)),
  provider: (config: ProviderConfig) => parseConfig('provider', 'x', providerConfigText(config, HEADING)),
  tenant: (config: TenantConfig) => parseConfig('tenant', 'x', tenantConfigText(config, HEADING)),
};

describe('the words of a value', () => {
  it('are read as the same value', () => {
    for (const us of [1, 999, 1_000, 1_500_000, 60_000_000, 3_600_000_000, 86_400_000_000, 90_061_000_001]) {
      expect(parseDuration(durationWords(us))).toBe(us);
    }
    for (const uakt of [0n, 1n, 1_000_000n, 123_456_789n]) expect(parseMoney(moneyWords(uakt))).toBe(uakt);
    for (const rate of [0n, 1n, 277n, 278n, 250_000n, 1_000_000n, 10n ** 17n + 1n]) {
      expect(parseRate(rateWords(rate))).toBe(rate);
    }
    expect(rateWords(parseRate('900 uakt/h'))).toBe('900 uakt/h');
    expect(durationWords(90_000_000)).toBe('90s');
  });

  it('hold for every law of chance', () => {
    const of = distribution('duration');
    const laws: Distribution<'duration'>[] = [
      { quantity: 'duration', kind: 'uniform', min: 0, max: 1_500 },
      { quantity: 'duration', kind: 'normal', mean: 10, sd: 0 },
      { quantity: 'duration', kind: 'lognormal', median: 5_000, sigma: 0.25 },
      { quantity: 'duration', kind: 'pareto', min: 7, alpha: 1.5 },
      { quantity: 'duration', kind: 'weibull', scale: 60_000_000, shape: 0.5 },
      { quantity: 'duration', kind: 'gamma', scale: 3, shape: 2 },
      { quantity: 'duration', kind: 'choice', values: [1, 2_000], weights: [0.5, 0] },
      { quantity: 'duration', kind: 'empirical', values: [0, 3_600_000_000] },
      { quantity: 'duration', kind: 'exponential', mean: 12_345 },
    ];
    for (const law of laws) {
      const config = again.provider({ ...providerConfig, bidDelay: law });
      expect(config.bidDelay).toEqual(law);
      expect(of.parse('3us')).not.toEqual(law);
    }
  });
});

describe('a configuration', () => {
  it('is read as it was written', () => {
    expect(again.node(nodeConfig)).toEqual(nodeConfig);
    expect(again.tenant(tenantConfig)).toEqual(tenantConfig);
    expect(again.provider(providerConfig)).toEqual(providerConfig);
    const peers = { alpha: { host: '::1', port: 9, address }, beta: { host: 'b.example', port: 2, address } };
    const capacity = { cpu: 4_000, memory: 3 * GIB, disk: 0, gpu: 2_000, bandwidth: 1_000_000 };
    const other: NodeConfig = {
      ...nodeConfig,
      known: { iron: { account: address, capacity }, web: { account: addressOfSeed(2), capacity: null } },
      listen: { host: '::', port: 0 },
      peers,
      dials: ['beta'],
      votes: false,
      candidate: { stake: 1_500_000n, commission: 33_333 },
      unjail: false,
      timeouts: { ...nodeConfig.timeouts, propose: { base: 250_000, delta: 1 } },
      stateSync: { height: 7, hash: 'ab'.repeat(32) },
      mempool: { count: 3, bytes: 1_000_001 },
      behaviour: { kind: 'favour', accounts: [address] },
      seed: '17',
      log: { level: 'debug', size: 4_096, files: 2 },
    };
    expect(again.node(other)).toEqual(other);
    for (const behaviour of [
      { kind: 'twins' } as const,
      { kind: 'withhold', share: 0.5, of: ['votes'] } as const,
      { kind: 'mutate', share: 0.1, fields: ['round'], signed: true } as const,
    ]) {
      expect(again.node({ ...nodeConfig, behaviour, stateSync: 'genesis' })).toEqual({
        ...nodeConfig,
        behaviour,
        stateSync: 'genesis',
      });
    }
  });

  it('holds what Docker may do', () => {
    const containers: ProviderConfig['containers'] = {
      kind: 'docker',
      run: 'run-1',
      options: {
        engine: 'unix:///tmp/d.sock',
        allowedImages: ['nginx:*', 'library/**'],
        pull: 'never',
        relayImage: 'node:22',
        egress: 'allow',
        subnetPool: '10.9.0.0/16',
        subnetBits: 27,
        capabilities: ['SETUID'],
        readOnlyRoot: true,
        pids: 64,
        portHost: '0.0.0.0',
        advertisedHost: 'my.host',
        portFrom: 1_000,
        portTo: 2_000,
        stopGrace_s: 3,
        unhealthy: 'ignore',
      },
    };
    expect(again.provider({ ...providerConfig, containers }).containers).toEqual(containers);
    expect(
      again.provider({ ...providerConfig, containers: { kind: 'docker', run: null, options: {} } }).containers,
    ).toEqual({ kind: 'docker', run: null, options: {} });
  });

  it('of hosts that differ lists them', () => {
    const host = { cpu: 500, memory: GIB, disk: 0, gpus: 2, bandwidth: 1_000_000_000 };
    const hosts = [host, { ...host, cpu: 64_000, gpus: 0 }];
    expect(again.provider({ ...providerConfig, hosts }).hosts).toEqual(hosts);
    expect(providerConfigText({ ...providerConfig, hosts: [host, host] }, HEADING)).toContain('hosts: 2\n');
    expect(again.provider({ ...providerConfig, hosts: [host, host] }).hosts).toEqual([host, host]);
  });

  it('of a tenant holds its terms', () => {
    const config: TenantConfig = {
      ...tenantConfig,
      nodes: node,
      terms: {
        region: { kind: 'weights', regions: ['eu', 'us'], weights: [2, 1] },
        persist: true,
        reputationAtLeast: 0.25,
        collateral: 5n,
        datacenters: 3,
      },
      escrow: { kind: 'money', amount: 7_000_000n },
      refill: { below: 2, to: 5.5 },
      conversion: { sdlBlock_us: 6_117_000, denominations: { uakt: 10n ** 12n, uact: 1_500_000_000_001n } },
    };
    expect(again.tenant(config)).toEqual(config);
    expect(tenantHome('x').nodes).toBeDefined();
  });

  it('of every class of providers in the gallery is read as that class', () => {
    let count = 0;
    for (const name of galleryNames()) {
      for (const spec of loadFromDisk(galleryFile(name), []).scenario.providers) {
        const { cost, strategy, reserve, bidProbability, bidDelay, behaviour, attributes } = spec;
        const own = { cost, strategy, reserve, bidProbability, bidDelay, behaviour, attributes, ringMembers: ['n'] };
        expect(again.provider({ ...providerConfig, ...own })).toEqual({ ...providerConfig, ...own });
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(10);
  });

  it('has no line that is too long to read, but for values', () => {
    for (const text of [
      nodeConfigText(nodeConfig, HEADING),
      providerConfigText(providerConfig, HEADING),
      tenantConfigText(tenantConfig, HEADING),
    ]) {
      const comments = text.split('\n').filter(line => line.startsWith('#'));
      expect(comments.length).toBeGreaterThan(10);
      expect(Math.max(...comments.map(line => line.length))).toBeLessThanOrEqual(100);
    }
  });
});
