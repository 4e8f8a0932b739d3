/** A provider as a daemon: its actor, what runs its workloads, and what its API sees of it. */
import type { Provider } from '../../../actors/provider/provider.ts';
import type { ProviderReport } from '../../../actors/provider/report.ts';
import { cleanUp } from '../../../worlds/live/docker/clean-up.ts';
import { DockerContainers } from '../../../worlds/live/docker/containers.ts';
import type { DockerOwner } from '../../../worlds/live/docker/options.ts';
import type { TlsIdentity } from '../../../worlds/live/identity/identity.ts';
import type { ContainerEvents, Containers } from '../../../worlds/live/ports.ts';
import { startProviderApi } from '../api/provider-api.ts';
import type { ProviderView } from '../api/views.ts';
import type { ProviderConfig } from '../home/config-types.ts';
import { UnusableHome } from '../home/files.ts';
import type { OpenHome } from '../home/open-home.ts';
import { type Daemon, type Onlooker, type RoleParts, type StartOptions, startParts } from './daemon.ts';
import { IdleContainers } from './idle-containers.ts';
import type { Log } from './log.ts';
import { logged } from './logged-containers.ts';
import { providerActor, registrarOf } from './provider-actor.ts';
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
  const registrar = registrarOf(home, tls.rootHash);
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
      provider = providerActor(home, ports, registrar);
      return provider;
    },
    containers: events =>
      timedContainers(
        logged(events, log),
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
