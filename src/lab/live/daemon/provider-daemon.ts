/** A provider as a daemon: what of its configuration becomes what of the actor, and what its API sees of it. */
import { createHash } from 'node:crypto';
import { Provider, type ProviderOptions } from '../../../actors/provider/provider.ts';
import type { Registration } from '../../../actors/provider/registrar.ts';
import type { ProviderReport } from '../../../actors/provider/report.ts';
import { cleanUp } from '../../../worlds/live/docker/clean-up.ts';
import { DockerContainers } from '../../../worlds/live/docker/containers.ts';
import type { DockerOwner } from '../../../worlds/live/docker/options.ts';
import type { TlsIdentity } from '../../../worlds/live/identity/identity.ts';
import type { ParticipantPorts } from '../../../worlds/live/participant.ts';
import type { ContainerEvents, Containers } from '../../../worlds/live/ports.ts';
import { freshSeed, randomStream } from '../../../worlds/live/random.ts';
import { RandomStreams } from '../../../worlds/simulated/streams.ts';
import { bidderOf, conductOf } from '../../experiment/bidders.ts';
import { drawRates } from '../../experiment/population.ts';
import { sampler } from '../../scenario/distributions.ts';
import { startProviderApi } from '../api/provider-api.ts';
import type { ProviderView } from '../api/views.ts';
import type { ProviderConfig } from '../home/config-types.ts';
import { peerText } from '../home/endpoints.ts';
import { UnusableHome } from '../home/files.ts';
import type { OpenHome } from '../home/open-home.ts';
import { chainOptions } from './client.ts';
import { type Daemon, type Onlooker, type RoleParts, type StartOptions, startParts } from './daemon.ts';
import { IdleContainers } from './idle-containers.ts';
import type { Log } from './log.ts';
import { timedContainers } from './timed-containers.ts';

/** Nobody asks a provider anything but how it is, which needs no request. */
type NoRequest = never;

export function startProviderDaemon(home: OpenHome<'provider'>, options: StartOptions): Promise<Daemon> {
  return startParts<NoRequest>(home, (tls, log) => providerParts(home, tls, log, options.onlooker ?? {}), options);
}

function providerParts(
  home: OpenHome<'provider'>,
  tls: TlsIdentity,
  log: Log,
  onlooker: Onlooker,
): RoleParts<NoRequest> {
  const { config } = home;
  const registrar = registrarOf(home, tls);
  let provider: Provider | null = null;
  const report = (): ProviderReport => {
    if (provider === null) throw new Error('found no provider yet, expected one that was started');
    return provider.report();
  };
  const owner: DockerOwner = {
    network: home.genesis.chainId,
    provider: config.address,
    run: config.containers.kind === 'docker' ? config.containers.run : null,
  };
  return {
    directory: config.nodes,
    listen: config.listen,
    start: ports => {
      provider = new Provider(providerOptions(home, ports, registrar));
      return provider;
    },
    containers: events =>
      timedContainers(
        events,
        inner => openContainers(config, owner, inner, log),
        ({ workload, image, start_us, stop_us }) => onlooker.workload?.(workload, image, start_us, stop_us),
      ),
    stopWorkloads: async () => {
      const { containers } = config;
      if (containers.kind === 'docker')
        log.info('stopped workloads', { ...(await cleanUp(owner, containers.options.engine ?? null)) });
    },
    api: (_ask, options) => startProviderApi(viewOf(config, report), options),
  };
}

async function openContainers(
  { containers, hosts, name }: ProviderConfig,
  owner: DockerOwner,
  events: ContainerEvents,
  log: Log,
): Promise<Containers> {
  if (containers.kind === 'none') {
    log.warn('nothing runs here', { name, containers: 'none' });
    return new IdleContainers(events);
  }
  const shares = hosts.map(({ cpu, memory, disk, gpus }) => ({ cpu, memory, disk, gpu: gpus * 1_000 }));
  const problem = (text: string): void => log.warn('containers', { problem: text });
  try {
    return await DockerContainers.open({ ...containers.options, owner, hosts: shares, problem }, events);
  } catch (error) {
    const { name: kind, message } = error as Error;
    if (kind !== 'EngineError' && kind !== 'IsolationError' && kind !== 'RangeError') throw error;
    const expected = 'a Docker engine that runs containers apart from each other, or {kind: none}';
    throw new UnusableHome(`containers: found none that can be used (${message}), expected ${expected}`, {
      cause: error,
    });
  }
}

/** How it gets into the register; undefined where somebody else sees to that. */
function registrarOf({ paths, config, genesis }: OpenHome<'provider'>, tls: TlsIdentity): ProviderOptions['registrar'] {
  if (!config.register) return undefined;
  const place = config.endpoint ?? config.listen;
  if (place.port === 0) {
    const expected = 'a fixed port, because its place stands in the register (or register: false)';
    throw new UnusableHome(`${paths.config}: listen: found port 0, expected ${expected}`);
  }
  if (place.host === '0.0.0.0' || place.host === '::') {
    const expected = 'the host:port under which tenants reach it';
    throw new UnusableHome(
      `${paths.config}: endpoint: found none beside listen on all addresses, expected ${expected}`,
    );
  }
  const { region, attributes, address } = config;
  const wanted: Registration = {
    region,
    attributes,
    certificate: tls.rootHash,
    endpoint: peerText({ ...place, address }),
  };
  const known = genesis.providers.find(one => one.address === address);
  if (known === undefined) return { wanted, genesis: null };
  const { address: _, ...registered } = known;
  return { wanted, genesis: registered };
}

/** What was drawn once for it stays the same over restarts. */
function drawsOf({ config, identity }: OpenHome<'provider'>): RandomStreams {
  const own = createHash('sha256').update('orrery/draws').update(identity.keys.secretKey).digest('hex');
  return new RandomStreams(config.seed ?? own);
}

function providerOptions(
  home: OpenHome<'provider'>,
  ports: ParticipantPorts,
  registrar: ProviderOptions['registrar'],
): ProviderOptions {
  const { config } = home;
  const { name, region, attributes, hosts, strategy, reserve, bidProbability, bidDelay } = config;
  const streams = drawsOf(home);
  const rings = new Map(strategy.kind === 'ring' ? [[strategy.name, config.ringMembers]] : []);
  return {
    ...chainOptions(home),
    region,
    attributes,
    hosts,
    costs: drawRates(config.cost, streams, 'cost', name),
    bidder: bidderOf(config, { name }, rings, streams),
    reservesBids: reserve === 'bids',
    bidProbability,
    think_us: sampler(bidDelay, ports.random('think')),
    random: ports.random('bids'),
    conduct: conductOf(config, purpose => ports.random(purpose)),
    registrar,
    // A seed that stands in a configuration decides about bids, never about what nobody may foresee.
    challenges: randomStream(freshSeed(), 'challenges'),
  };
}

function viewOf({ name, address, region }: ProviderConfig, report: () => ProviderReport): ProviderView {
  return {
    status: () => {
      const { height, node, isRegistered, capacity, used, openBids } = report();
      const shown = { height, node: node === '' ? null : node, registered: isRegistered, capacity, used, openBids };
      return { name, address, region, ...shown };
    },
    leases: () =>
      report().leases.map(({ lease, state, price, isServed }) => ({ lease, state, price, served: isServed })),
    workloads: () =>
      report().leases.flatMap(({ lease, workloads }) =>
        workloads.map(({ id, image, host, state, addresses }) => ({ id, lease, image, host, state, addresses })),
      ),
  };
}
