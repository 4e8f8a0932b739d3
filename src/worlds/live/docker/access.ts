/**
 * How this process reaches what containers listen on, so that its proxies can publish it: which way there is depends on
 * how containers are kept apart (isolation.ts), and on where the engine is.
 *
 *  - Through the bridge, where the host has an address on it and the firewall keeps containers from using that.
 *  - Through the engine, which publishes ports on its own loopback address: where the operator keeps nobody apart and the
 *    engine is here.
 *  - Through a relay in each network (relay-access.ts), wherever the host cannot reach containers: bridges have no
 *    address, the engine is in a virtual machine or on another one.
 */
import type Docker from 'dockerode';
import type { WorkloadPort } from '../../../actors/actor.ts';
import { enginePort } from './container-config.ts';
import { networkName } from './labels.ts';
import type { DockerOwner } from './options.ts';
import { directWay, type Way } from './way.ts';

export interface Access {
  /** Whether the engine has to publish the ports of containers. */
  readonly enginePublishes: boolean;
  /** Why a port cannot be reached here; null when it can. */
  objection(port: WorkloadPort): string | null;
  /**
   * The ways to the ports of a container, once they are open. A port has none (null) when the container has ended.
   * @param network the private network that it is in
   * Throws when they cannot be opened.
   */
  ways(network: string, container: Docker.ContainerInspectInfo): Promise<(port: WorkloadPort) => Way | null>;
  /** Whether a container that is no workload is in use by this. */
  uses(container: Docker.ContainerInfo): boolean;
  /** Lets go of a private network that is about to be removed. */
  leave(network: string): Promise<void>;
  /** Lets go of everything. */
  close(): Promise<void>;
}

/** What has nothing of its own at the engine. */
const NOTHING_THERE = {
  objection: () => null,
  uses: () => false,
  leave: async () => {},
  close: async () => {},
} as const;

/** The address of a container in a private network; null when it has ended. */
export function addressIn(owner: DockerOwner, network: string, container: Docker.ContainerInspectInfo): string | null {
  return container.NetworkSettings.Networks[networkName(owner, network)]?.IPAddress || null;
}

/** Straight, through the bridge. */
export function bridgeAccess(owner: DockerOwner): Access {
  return {
    ...NOTHING_THERE,
    enginePublishes: false,
    ways: async (network, container) => {
      const host = addressIn(owner, network, container);
      return ({ port }) => (host === null ? null : directWay({ host, port }));
    },
  };
}

/** Through ports that the engine publishes on this machine's loopback address. */
export function engineAccess(): Access {
  return {
    ...NOTHING_THERE,
    enginePublishes: true,
    ways: async (_network, { NetworkSettings }) => {
      return port => {
        const published = NetworkSettings.Ports[enginePort(port)]?.find(one => one.HostIp === '127.0.0.1');
        return published === undefined ? null : directWay({ host: '127.0.0.1', port: Number(published.HostPort) });
      };
    },
  };
}
