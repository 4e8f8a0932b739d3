/**
 * The grammar of a home's config.yaml, one for each role. It speaks the language of scenario files: the same units, the
 * same distributions, and for a provider the same words as a class of providers. What a file leaves out has a default.
 */
import type { z } from 'zod';
import type { HostCapacity } from '../../../actors/provider/capacity.ts';
import type { ValidatorConduct } from '../../../actors/validator/conduct.ts';
import { isAddress } from '../../../protocol/codec/address.ts';
import { GRANTABLE_CAPABILITIES } from '../../../worlds/live/docker/options.ts';
import { distribution } from '../../scenario/distribution-fields.ts';
import {
  byKind,
  choice,
  flag,
  list,
  mapOf,
  matching,
  money,
  oneOf,
  quantity,
  shape,
  share,
  text,
  whole,
} from '../../scenario/fields.ts';
import { expectedName } from '../../scenario/problem.ts';
import { timeouts } from '../../scenario/schema.ts';
import { attributes, duration, given, rates, regionName } from '../../scenario/schema-common.ts';
import { hostCapacity, providerBehaviour, strategy } from '../../scenario/schema-providers.ts';
import { asSdlWorkload, DEFAULT_TERMS, sdlWorkload, termFields, written } from '../../scenario/schema-sdl.ts';
import { escrow, refill } from '../../scenario/schema-tenants.ts';
import { behaviours } from '../../scenario/schema-validators.ts';
import { show } from '../../scenario/units.ts';
import {
  type ConfigOf,
  type ContainersConfig,
  type DockerConfig,
  LOG_LEVELS,
  type LogConfig,
  type NodeConfig,
  type ProviderConfig,
  type TenantConfig,
} from './config-types.ts';
import { endpoint, peer } from './endpoints.ts';
import type { Role } from './folder.ts';

/** Most participants that a configuration may name. */
const MAX_PEERS = 1_000;
/** Parts per million in a whole. */
const PPM = 1_000_000;
const US_PER_S = 1_000_000;

const NAME = 'a name such as alpha or validator-0 (letters, digits, dots, dashes)';
export const participantName = matching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, NAME);
const account = matching(/^akash1[a-z0-9]{1,80}$/, 'an account such as akash1...').refine(isAddress, {
  error: 'an account whose checksum is right',
});
const directory = mapOf(peer, participantName, MAX_PEERS, 'names and places');
const nodes = directory.refine(all => Object.keys(all).length > 0, {
  error: 'at least one node, as a map such as {alpha: akash1...@10.0.0.2:26600}',
});

const log: z.ZodType<LogConfig> = shape({
  level: oneOf(LOG_LEVELS).prefault('info'),
  size: given(quantity('bytes', { positive: true, max: 2 ** 30 }), '8Mi'),
  files: whole(1, 100).prefault(4),
});

const common = {
  name: participantName,
  address: account,
  api: endpoint,
  seed: text(200, 'a seed').nullable().prefault(null),
  log: given(log, {}),
};

const favoured = list(account, 1, 10_000, 'accounts');
const conduct = choice<ValidatorConduct>('validator-conduct', 'a behaviour', {
  words: behaviours.words,
  tagged: {
    ...behaviours.tagged,
    favour: shape({ accounts: favoured }).transform(b => ({ kind: 'favour' as const, ...b })),
  },
});

const HASH = 'a block hash of 64 hexadecimal digits';
const stateSync = choice<NodeConfig['stateSync']>('state-sync', 'what is trusted', {
  words: { off: null, genesis: 'genesis' },
  tagged: {
    block: shape({ height: whole(1, Number.MAX_SAFE_INTEGER), hash: matching(/^[0-9a-f]{64}$/, HASH) }),
  },
});

const candidate = choice<NodeConfig['candidate']>('candidate', 'what a candidate offers', {
  words: { off: null },
  tagged: {
    offer: shape({
      stake: money({ positive: true }),
      commission: given(
        share().transform(part => Math.round(part * PPM)),
        '10%',
      ),
    }),
  },
});

const nodeFields = shape({
  role: oneOf(['node']),
  ...common,
  listen: endpoint,
  peers: directory.prefault({}),
  dials: list(participantName, 0, MAX_PEERS, 'names of peers').nullable().prefault(null),
  votes: flag().prefault(true),
  candidate: given(candidate, 'off'),
  unjail: flag().prefault(true),
  timeouts: given(timeouts, {}),
  keepBlocks: whole(1, 10_000_000).prefault(10_000),
  snapshotEvery: whole(0, 10_000_000).prefault(1_000),
  keepEvents: whole(0, 1_000_000).prefault(1_000),
  stateSync: given(stateSync, 'off'),
  mempool: given(
    shape({
      count: whole(1, 10_000_000).prefault(20_000),
      size: given(quantity('bytes', { positive: true, max: 2 ** 34 }), '64Mi'),
    }),
    {},
  ),
  behaviour: given(conduct, 'honest'),
});

const node: z.ZodType<NodeConfig> = nodeFields.transform(({ mempool, dials, ...rest }, context): NodeConfig => {
  const known = Object.keys(rest.peers);
  dials?.forEach((name, i) => {
    if (known.includes(name)) return;
    const params = { found: show(name) };
    context.addIssue({ code: 'custom', path: ['dials', i], message: expectedName(name, known), params });
  });
  const { count, size } = mempool;
  return { ...rest, dials: dials ?? known, mempool: { count, bytes: size } };
});

// A GPU is a device in a host: there is no half of one, though workloads may share it.
const capacity = hostCapacity
  .refine(({ gpu }) => (gpu ?? 0) % 1_000 === 0, { error: 'whole GPUs', path: ['gpu'] })
  .transform(({ gpu, ...rest }): HostCapacity => ({ ...rest, gpus: (gpu ?? 0) / 1_000 }));

const MAX_HOSTS = 1_000;
const hosts = choice<number | HostCapacity[]>('hosts', 'a number of hosts that are alike, or a list of capacities', {
  tagged: {},
  plain: whole(1, MAX_HOSTS),
  list: list(capacity, 1, MAX_HOSTS, 'hosts'),
});

const MAX_PIDS = 1_000_000;
const port = whole(1, 65_535).optional();
const dockerFields = shape({
  kind: oneOf(['docker']),
  run: text(200, 'a name').nullable().prefault(null),
  engine: text(1_024, 'an address such as unix:///var/run/docker.sock').optional(),
  images: list(text(300, 'the name of an image'), 1, 10_000, 'images').optional(),
  pull: oneOf(['missing', 'always', 'never']).optional(),
  isolation: oneOf(['auto', 'firewall', 'isolated', 'weak']).optional(),
  egress: oneOf(['deny', 'allow']).optional(),
  dns: list(text(64, 'an address'), 0, 16, 'addresses').optional(),
  subnets: shape({ pool: text(64, 'a network such as 10.223.0.0/16'), bits: whole(16, 29) }).optional(),
  capabilities: list(oneOf(GRANTABLE_CAPABILITIES), 0, GRANTABLE_CAPABILITIES.length, 'capabilities').optional(),
  readOnlyRoot: flag().optional(),
  disk: oneOf(['best-effort', 'enforce']).optional(),
  pids: whole(8, MAX_PIDS).optional(),
  ports: shape({
    host: text(255, 'an address').optional(),
    advertised: text(255, 'a host').optional(),
    from: port,
    to: port,
  })
    .refine(({ from, to }) => from === undefined || to === undefined || to >= from, {
      error: 'not less than `from`',
      path: ['to'],
    })
    .optional(),
  stopGrace: duration().optional(),
  unhealthy: oneOf(['restart', 'ignore']).optional(),
});

const docker = dockerFields.transform((fields): ContainersConfig => {
  const { kind, run, engine, images, subnets, ports, stopGrace, ...rest } = fields;
  const options: DockerConfig['options'] = written({
    ...rest,
    engine,
    allowedImages: images,
    subnetPool: subnets?.pool,
    subnetBits: subnets?.bits,
    portHost: ports?.host,
    advertisedHost: ports?.advertised,
    portFrom: ports?.from,
    portTo: ports?.to,
    stopGrace_s: stopGrace === undefined ? undefined : Math.ceil(stopGrace / US_PER_S),
  });
  return { kind: kind as 'docker', run, options };
});

const containers = byKind<ContainersConfig>('live-containers', {
  none: shape({ kind: oneOf(['none']) }),
  docker,
});

const providerFields = shape({
  role: oneOf(['provider']),
  ...common,
  listen: endpoint,
  nodes,
  endpoint: endpoint.nullable().prefault(null),
  register: flag().prefault(true),
  region: regionName,
  attributes: attributes.prefault({}),
  hosts: given(hosts, 1),
  capacity: capacity.optional(),
  cost: rates,
  strategy,
  ringMembers: list(participantName, 0, 10_000, 'names').prefault([]),
  reserve: oneOf(['bids', 'none']).prefault('bids'),
  bidProbability: given(share(), 1),
  bidDelay: given(distribution('duration'), '0s'),
  behaviour: given(providerBehaviour, 'honest'),
  containers: given(containers, { kind: 'docker' }),
});

const provider: z.ZodType<ProviderConfig> = providerFields.transform((fields, context): ProviderConfig => {
  const { hosts: found, capacity: each, ...rest } = fields;
  const refuse = (path: string[], message: string): void => {
    context.addIssue({ code: 'custom', path, message });
  };
  if (typeof found === 'number' && each === undefined) {
    refuse(['capacity'], 'a map of cpu, memory, disk, gpu, bandwidth, of each host');
  }
  if (typeof found !== 'number' && each !== undefined) {
    refuse(['capacity'], 'nothing: beside a list of hosts each says its own');
  }
  if (rest.strategy.kind === 'ring' && !rest.ringMembers.includes(rest.name)) {
    refuse(['ringMembers'], `names of the ring's members, ${show(rest.name)} among them`);
  }
  if (rest.endpoint?.port === 0) refuse(['endpoint'], 'a port from 1 to 65,535');
  const all = typeof found !== 'number' ? found : each === undefined ? [] : Array.from({ length: found }, () => each);
  return { ...rest, hosts: all };
});

const { sdlSecondsPerBlock, denominations } = sdlWorkload.shape;
const tenantFields = shape({
  role: oneOf(['tenant']),
  ...common,
  nodes,
  terms: given(shape(termFields), {}),
  escrow: given(escrow, { periods: 2 }),
  refill: refill.nullable().prefault(null),
  waitDuration: whole(0, 100_000).prefault(2),
  openFor: given(duration({ positive: true }), '60s'),
  sdlSecondsPerBlock,
  denominations,
});

const tenant: z.ZodType<TenantConfig> = tenantFields.transform(
  ({ terms, sdlSecondsPerBlock: seconds, denominations: worth, ...rest }): TenantConfig => ({
    ...rest,
    terms: { ...DEFAULT_TERMS, ...written(terms) },
    conversion: asSdlWorkload({ sdl: '', sdlSecondsPerBlock: seconds, denominations: worth }).conversion,
  }),
);

export const CONFIG_SCHEMAS: { readonly [R in Role]: z.ZodType<ConfigOf<R>> } = { node, provider, tenant };
