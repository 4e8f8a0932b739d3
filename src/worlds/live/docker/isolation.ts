/**
 * How containers are kept from the host, from other leases and from the internet, decided once at the start.
 *
 * An internal network is not enough. In engines of old and new versions alike the host end of its bridge has an address,
 * through which a container reaches whatever listens on the host. There are two sound ways:
 *
 *  - `firewall`: the machine's firewall drops what comes from the bridges (firewall.ts). It wants root, and the engine on
 *    this very machine. The provider reaches its containers, so ports are published by its own proxies.
 *  - `isolated`: the bridge is made without an address (`gateway_mode_ipv4=isolated`, before Engine 28 `inhibit_ipv4`).
 *    It wants nothing, but the host does not reach the containers either: ports are published through a relay in each
 *    network (relay.ts).
 *
 * `auto` takes the first that works and refuses to start when none does. `weak` says that the operator knows: networks
 * are ordinary bridges. How containers are reached then, so that their ports can be published, is in access.ts.
 *
 * Whichever it is, the engine must hold containers to their limits and filter their system calls.
 */
import { type Access, bridgeAccess, engineAccess } from './access.ts';
import type { Engine, EngineFacts } from './engine.ts';
import { reasonOf } from './engine.ts';
import { Firewall } from './firewall.ts';
import type { Images } from './images.ts';
import { type IsolationMode, Networks } from './networks.ts';
import type { DockerSettings } from './options.ts';
import { relayAccess } from './relay-access.ts';

/** From here on bridges can be made without an address: Engine 20.10. */
const API_WITH_BARE_BRIDGES = 1041;

/** A network that is made and removed to see whether networks are what they should be. */
const TRIAL_NETWORK = 'a trial of the isolation';

export interface Isolation {
  readonly mode: IsolationMode;
  readonly firewall: Firewall | null;
  readonly networks: Networks;
}

/** No sound isolation: the backend does not start. */
export class IsolationError extends Error {
  constructor(reasons: readonly string[]) {
    super(
      `containers cannot be kept apart here: ${reasons.join('; ')}. An operator who wants to go without sets the ` +
        'isolation to "weak"',
    );
    this.name = 'IsolationError';
  }
}

/** What an engine lacks that every isolation needs. */
export function engineObjections({ limits, securityOptions }: EngineFacts): string[] {
  const objections: string[] = [];
  for (const limit of ['memory', 'cpu', 'pids'] as const) {
    if (!limits[limit]) objections.push(`the engine does not enforce limits of ${limit}`);
  }
  const seccomp = securityOptions.find(option => option.startsWith('name=seccomp'));
  if (seccomp === undefined || seccomp.includes('unconfined')) {
    objections.push(`the engine does not filter system calls (seccomp), found ${seccomp ?? 'no such option'}`);
  }
  return objections;
}

/** How containers are reached from here under an isolation. */
export function accessUnder(
  mode: IsolationMode,
  engine: Engine,
  settings: DockerSettings,
  facts: EngineFacts,
  images: Images,
): Access {
  if (mode === 'firewall') return bridgeAccess(settings.owner);
  // An engine's loopback address is another one where the engine is elsewhere.
  if (mode === 'weak' && engine.isNear) return engineAccess();
  return relayAccess(engine, settings, facts, images);
}

/** Finds the isolation to work under. Throws an IsolationError when there is none that is sound. */
export async function decideIsolation(
  engine: Engine,
  settings: DockerSettings,
  facts: EngineFacts,
): Promise<Isolation> {
  if (settings.isolation === 'weak') {
    return { mode: 'weak', firewall: null, networks: new Networks(engine, settings, 'weak', facts.api) };
  }
  const objections = engineObjections(facts);
  if (objections.length > 0) throw new IsolationError(objections);
  const modes: IsolationMode[] = settings.isolation === 'auto' ? ['firewall', 'isolated'] : [settings.isolation];
  const reasons: string[] = [];
  for (const mode of modes) {
    const firewall = mode === 'firewall' ? new Firewall(settings.owner, settings.egress) : null;
    const networks = new Networks(engine, settings, mode, facts.api);
    const reason = await whyNot(mode, firewall, networks, settings, facts);
    if (reason === null) return { mode, firewall, networks };
    reasons.push(`${mode}: ${reason}`);
  }
  throw new IsolationError(reasons);
}

async function whyNot(
  mode: IsolationMode,
  firewall: Firewall | null,
  networks: Networks,
  settings: DockerSettings,
  facts: EngineFacts,
): Promise<string | null> {
  if (mode === 'isolated') {
    if (settings.egress === 'allow') return 'a network without a way out cannot let anybody reach the internet';
    if (facts.api < API_WITH_BARE_BRIDGES) return `wants Engine 20.10 or newer, found ${facts.version}`;
  } else if (process.getuid?.() !== 0) {
    return 'wants root, to set rules of the firewall';
  }
  try {
    await firewall?.ensure();
    await networks.ensure(TRIAL_NETWORK);
    await networks.remove(TRIAL_NETWORK);
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}
