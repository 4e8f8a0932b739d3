/**
 * Names and labels of everything that is made at the engine. They are all that a restarted provider has to know its own
 * containers by, so whatever it needs for them stands here: what they hold of their host, which ports they were given.
 *
 * Names of the market are long and free; those at the engine are hashes of them, cut to what fits.
 */

import { createHash } from 'node:crypto';
import type { WorkloadPort, WorkloadSpec } from '../../../actors/actor.ts';
import type { DockerOwner } from './options.ts';

export const LABELS = {
  network: 'orrery.network',
  provider: 'orrery.provider',
  run: 'orrery.run',
  lease: 'orrery.lease',
  workload: 'orrery.workload',
  service: 'orrery.service',
  /** JSON of a `Demands`. */
  demands: 'orrery.demands',
  /** JSON of a list of `GivenPort`. */
  ports: 'orrery.ports',
  /** Under which isolation a network was made. */
  isolation: 'orrery.isolation',
  /** Bytes that a volume may hold. */
  size: 'orrery.size',
  /** The private network that a relay is in; on nothing else. */
  relay: 'orrery.relay',
} as const;

/** What a workload holds of its host. */
export interface Demands {
  readonly host: number;
  readonly cpu: number;
  readonly memory: number;
  readonly disk: number;
  readonly gpu: number;
}

/** What labels tell of a container. */
export interface Claim extends Demands {
  readonly id: string;
  /** The private network (WorkloadService.network) that it is in; null: cut off from all. */
  readonly network: string | null;
}

/** A port with the one that it was given on the host. */
export interface GivenPort extends WorkloadPort {
  readonly hostPort: number;
}

type Labels = Readonly<Record<string, string>>;

function hash(length: number, ...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, length);
}

/** Tells this owner's things from all others on the same engine. */
function scopeOf({ network, provider, run }: DockerOwner): string {
  return hash(12, network, provider, run ?? '');
}

export function containerName(owner: DockerOwner, workload: string): string {
  return `orrery-${scopeOf(owner)}-${hash(20, workload)}`;
}

export function networkName(owner: DockerOwner, network: string): string {
  return `orrery-${scopeOf(owner)}-${hash(20, network)}`;
}

export function relayName(owner: DockerOwner, network: string): string {
  return `orrery-${scopeOf(owner)}-${hash(20, 'relay', network)}`;
}

export function volumeName(owner: DockerOwner, workload: string, mount: string): string {
  return `orrery-${scopeOf(owner)}-${hash(20, workload, mount)}`;
}

/** How the names of all bridges of an owner begin, and of nobody else's. */
export function bridgePrefix(owner: DockerOwner): string {
  return `or${scopeOf(owner).slice(0, 6)}`;
}

/** The network interface of a private network: 15 characters are the most that Linux takes. */
export function bridgeName(owner: DockerOwner, network: string): string {
  return `${bridgePrefix(owner)}${hash(7, network)}`;
}

/** The labels that say whose it is. Given a part of an owner, those of that part. */
export function ownerLabels(owner: Partial<DockerOwner>): Record<string, string> {
  const labels: Record<string, string> = {};
  if (owner.network !== undefined) labels[LABELS.network] = owner.network;
  if (owner.provider !== undefined) labels[LABELS.provider] = owner.provider;
  if (owner.run !== undefined && owner.run !== null) labels[LABELS.run] = owner.run;
  return labels;
}

/** The engine's filter for what carries these labels. */
export function labelFilters(owner: Partial<DockerOwner>): string[] {
  return Object.entries(ownerLabels(owner)).map(([name, value]) => `${name}=${value}`);
}

/** Whether labels are this very owner's: a filter cannot ask for the absence of a run. */
export function isOwn(labels: Labels | null | undefined, owner: DockerOwner): boolean {
  return (
    labels?.[LABELS.network] === owner.network &&
    labels[LABELS.provider] === owner.provider &&
    (labels[LABELS.run] ?? null) === owner.run
  );
}

export function workloadLabels(owner: DockerOwner, spec: WorkloadSpec, ports: readonly GivenPort[]): Labels {
  const { host, cpu, memory, disk, gpu, service } = spec;
  const demands: Demands = { host, cpu, memory, disk, gpu };
  return {
    ...ownerLabels(owner),
    [LABELS.workload]: spec.id,
    [LABELS.demands]: JSON.stringify(demands),
    ...(service === null
      ? {}
      : {
          [LABELS.lease]: service.network,
          [LABELS.service]: service.name,
          [LABELS.ports]: JSON.stringify(ports),
        }),
  };
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null; // Not what this backend writes: the caller takes the container for an orphan.
  }
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What the labels of a container claim; null when they are not such as this backend writes. */
export function claimOf(labels: Labels): Claim | null {
  const id = labels[LABELS.workload];
  const demands = parsed(labels[LABELS.demands]) as Partial<Demands> | null;
  if (id === undefined || demands === null || typeof demands !== 'object') return null;
  const { host, cpu, memory, disk, gpu } = demands;
  if (!isWhole(host) || !isWhole(cpu) || !isWhole(memory) || !isWhole(disk) || !isWhole(gpu)) return null;
  return { id, host, cpu, memory, disk, gpu, network: labels[LABELS.lease] ?? null };
}

/** The ports that labels name; empty when there are none, or none such as this backend writes. */
export function portsOf(labels: Labels): GivenPort[] {
  const ports = parsed(labels[LABELS.ports]);
  if (!Array.isArray(ports)) return [];
  return ports.filter(
    ({ port, externalPort, hostPort, protocol }: Partial<GivenPort>) =>
      isWhole(port) && isWhole(externalPort) && isWhole(hostPort) && (protocol === 'TCP' || protocol === 'UDP'),
  );
}

/** Whose a firewall rule is, to find it again: hashes, because a comment has little room. */
export function ruleComment(owner: DockerOwner): string {
  return `orrery ${ruleMarks(owner).join(' ')}`;
}

/** The parts of a rule's comment that stand for a part of an owner. */
export function ruleMarks(owner: Partial<DockerOwner>): string[] {
  const { network, provider, run } = owner;
  return [
    ...(network === undefined ? [] : [`n:${hash(12, network)}`]),
    ...(provider === undefined ? [] : [`p:${hash(12, provider)}`]),
    ...(run === undefined || run === null ? [] : [`r:${hash(12, run)}`]),
  ];
}
