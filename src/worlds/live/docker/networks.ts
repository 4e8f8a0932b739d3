/**
 * The private networks: one for the services of a lease and group, a bridge of their own. What keeps them from all else
 * is said by the isolation (isolation.ts) under which they are made, and stands on their labels: a network from an
 * earlier start with another isolation is not used.
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type Docker from 'dockerode';
import { type Engine, EngineError, isMissing } from './engine.ts';
import { bridgeName, isOwn, LABELS, labelFilters, networkName, ownerLabels } from './labels.ts';
import type { DockerSettings } from './options.ts';
import { subnets } from './subnets.ts';

/** `firewall`: the host end of a bridge has an address, and rules guard it. `isolated`: it has none. `weak`: neither. */
export type IsolationMode = 'firewall' | 'isolated' | 'weak';

/** From here on an engine leaves the host end of a bridge without address when told so by this name. */
const API_WITH_GATEWAY_MODE = 1048;

/** How many pieces of the pool are tried until one is free. */
const MAX_SUBNET_TRIES = 256;

/** What engines say of a piece of the pool that is taken. */
const TAKEN = /overlap|conflicts with|invalid pool|address already in use/i;

/** The options of a bridge under an isolation. */
export function bridgeOptions(
  mode: IsolationMode,
  egress: 'deny' | 'allow',
  bridge: string,
  api: number,
): Record<string, string> {
  const options: Record<string, string> = {
    'com.docker.network.bridge.name': bridge,
    'com.docker.network.bridge.enable_icc': 'true',
    'com.docker.network.bridge.enable_ip_masquerade': String(egress === 'allow'),
  };
  if (mode !== 'isolated') return options;
  if (api >= API_WITH_GATEWAY_MODE) options['com.docker.network.bridge.gateway_mode_ipv4'] = 'isolated';
  else options['com.docker.network.bridge.inhibit_ipv4'] = 'true';
  return options;
}

/** Whether the host end of a bridge has an IPv4 address; null when this machine has no such interface. */
function hasHostAddress(bridge: string): boolean | null {
  if (!existsSync(`/sys/class/net/${bridge}`)) return null;
  // An address brings a route to its subnet; the platform's list of addresses leaves out bridges that nobody is on yet.
  const routes = readFileSync('/proc/net/route', 'latin1').split('\n');
  return routes.some(route => route.split('\t')[0] === bridge);
}

export class Networks {
  readonly #engine: Engine;
  readonly #settings: DockerSettings;
  readonly #mode: IsolationMode;
  readonly #api: number;

  constructor(engine: Engine, settings: DockerSettings, mode: IsolationMode, api: number) {
    this.#engine = engine;
    this.#settings = settings;
    this.#mode = mode;
    this.#api = api;
  }

  /** What stands on the label of a network that is made now. */
  get isolation(): string {
    return `${this.#mode}/${this.#settings.egress}`;
  }

  /** The engine's name of a private network, which is made when it is not there. */
  async ensure(network: string): Promise<string> {
    const name = networkName(this.#settings.owner, network);
    const present = await this.#inspect(name);
    if (present !== null) {
      if (this.isSound(present)) return name;
      // Nothing can be in it: containers in such networks are not adopted.
      await this.remove(network);
    }
    await this.#create(name, network);
    return name;
  }

  /** Whether a network is this owner's and was made under the isolation that is in force. */
  isSound(info: Docker.NetworkInspectInfo): boolean {
    return isOwn(info.Labels, this.#settings.owner) && info.Labels?.[LABELS.isolation] === this.isolation;
  }

  /** Removes a private network; one that is not there is none. */
  async remove(network: string): Promise<void> {
    const name = networkName(this.#settings.owner, network);
    try {
      await this.#engine.call(`remove the network of ${network}`, docker => docker.getNetwork(name).remove());
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /** All networks of this owner: what they are called on the market, and whether they are as they should be. */
  async list(): Promise<readonly { readonly network: string; readonly name: string; readonly isSound: boolean }[]> {
    const { owner } = this.#settings;
    const filters = { label: labelFilters(owner) };
    const found = await this.#engine.call('list the networks', (docker, abortSignal) =>
      docker.listNetworks({ filters, abortSignal }),
    );
    return found
      .filter(info => isOwn(info.Labels, owner))
      .map(info => ({
        network: info.Labels?.[LABELS.lease] ?? '',
        name: info.Name,
        isSound: this.isSound(info),
      }));
  }

  async #inspect(name: string): Promise<Docker.NetworkInspectInfo | null> {
    try {
      return await this.#engine.call(`look for the network ${name}`, docker => docker.getNetwork(name).inspect());
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async #create(name: string, network: string): Promise<void> {
    const { owner, egress, subnetPool, subnetBits } = this.#settings;
    const bridge = bridgeName(owner, network);
    const seed = createHash('sha256').update(name).digest().readUInt32BE(0);
    let last: unknown = new Error(`the pool ${subnetPool} has no pieces`);
    for (const subnet of subnets(subnetPool, subnetBits, seed, MAX_SUBNET_TRIES)) {
      try {
        await this.#engine.call(`create the network of ${network}`, (docker, abortSignal) =>
          docker.createNetwork({
            Name: name,
            CheckDuplicate: true,
            Driver: 'bridge',
            Internal: this.#mode !== 'weak' && egress === 'deny',
            EnableIPv6: false,
            IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
            Options: bridgeOptions(this.#mode, egress, bridge, this.#api),
            Labels: { ...ownerLabels(owner), [LABELS.lease]: network, [LABELS.isolation]: this.isolation },
            abortSignal,
          }),
        );
      } catch (error) {
        last = error;
        if (error instanceof EngineError && error.status !== null && TAKEN.test(error.message)) continue;
        throw error;
      }
      await this.#verify(network, bridge);
      return;
    }
    throw last;
  }

  /** Looks at what was made, from this side: an engine that ignores an option must not be believed. */
  async #verify(network: string, bridge: string): Promise<void> {
    const hasAddress = hasHostAddress(bridge);
    let fault: string | null = null;
    if (this.#mode === 'firewall' && hasAddress !== true) {
      const found = hasAddress === null ? 'is not on this machine' : 'has no address on this machine';
      fault = `its bridge ${bridge} ${found}, so that neither firewall nor proxies of this machine are of any use`;
    } else if (this.#mode === 'isolated' && hasAddress === true) {
      fault = `its bridge ${bridge} should have no address on this machine, and has one`;
    }
    if (fault === null) return;
    await this.remove(network);
    throw new Error(`the network of ${network} is not as it should be: ${fault}`);
  }
}
