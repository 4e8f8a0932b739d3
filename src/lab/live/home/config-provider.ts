/** The grammar of a provider's config.yaml: the same words as a class of providers has in a scenario, for one of them. */
import type { z } from 'zod';
import type { HostCapacity } from '../../../actors/provider/capacity.ts';
import { GRANTABLE_CAPABILITIES } from '../../../worlds/live/docker/options.ts';
import { distribution } from '../../scenario/distribution-fields.ts';
import { byKind, choice, flag, list, oneOf, shape, share, text, whole } from '../../scenario/fields.ts';
import { hostCapacity } from '../../scenario/schema-capacity.ts';
import { attributes, duration, given, rates, regionName } from '../../scenario/schema-common.ts';
import { providerBehaviour, strategy } from '../../scenario/schema-providers.ts';
import { written } from '../../scenario/schema-sdl.ts';
import { show } from '../../scenario/units.ts';
import { common, nodes, participantName } from './config-fields.ts';
import type { ContainersConfig, DockerConfig, ProviderConfig } from './config-types.ts';
import { endpoint } from './endpoints.ts';

const US_PER_S = 1_000_000;

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
  relayImage: text(300, 'the name of an image').optional(),
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

export const providerSchema: z.ZodType<ProviderConfig> = providerFields.transform((fields, context): ProviderConfig => {
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
