/**
 * What the backend is asked to run for a lease: from the services of its manifest, or, for a lease that none will ever
 * come for, a plain unit that holds what is leased.
 *
 * A workload is called by its lease, the unit of the lease and the host, so that a restarted provider knows where one
 * that it finds belongs. Its name does not tell what runs in it: with a new manifest another one takes its place under
 * the same name, and finds the volumes that outlast it.
 */

import { isPersistent } from '../../protocol/manifest/rules.ts';
import type { ManifestService } from '../../protocol/manifest/types.ts';
import type { ComputeUnit, ResourceGroup } from '../../protocol/model/objects.ts';
import type { WorkloadMount, WorkloadPort, WorkloadService, WorkloadSpec } from '../actor.ts';

/** What a unit runs for which no manifest will come. */
const STANDARD_IMAGE = 'workload';

/** What the units of a lease run. */
export interface UnitPlan {
  /** Of the manifest that says so. */
  readonly version: Uint8Array;
  /** By unit. */
  readonly services: readonly ManifestService[];
}

/** Whether a deployment has a version at all: without one, no manifest will ever come. */
export function hasVersion(version: Uint8Array): boolean {
  return version.some(byte => byte !== 0);
}

/** `lease#unit@host` */
export function workloadId(lease: string, unit: number, host: number): string {
  return `${lease}#${unit}@${host}`;
}

/** The lease that a workload belongs to. */
export function leaseOfWorkload(id: string): string {
  return id.slice(0, id.lastIndexOf('#'));
}

/** The unit of its lease that a workload is, and the host that it is on. */
export function placeOfWorkload(id: string): { readonly unit: number; readonly host: number } {
  const [unit, host] = id
    .slice(id.lastIndexOf('#') + 1)
    .split('@')
    .map(Number) as [number, number];
  return { unit, host };
}

/** What a unit that was placed somewhere runs. `service`: null for a plain unit. */
export function specOf(
  lease: string,
  index: number,
  { host, unit }: { readonly host: number; readonly unit: ComputeUnit },
  service: ManifestService | null,
): WorkloadSpec {
  const { cpu, memory, disk, gpu } = unit;
  const image = service?.image ?? STANDARD_IMAGE;
  return {
    id: workloadId(lease, index, host),
    host,
    image,
    cpu,
    memory,
    disk,
    gpu,
    service: service === null ? null : workloadService(lease, service),
  };
}

function workloadService(lease: string, service: ManifestService): WorkloadService {
  const { name, command, args, env, credentials } = service;
  return {
    // Services of other leases of the deployment run elsewhere and are reached from outside.
    network: lease,
    name,
    command,
    args,
    env,
    ports: portsOf(service),
    mounts: mountsOf(service),
    credentials:
      credentials === null
        ? null
        : { host: credentials.host, username: credentials.username, password: credentials.password },
  };
}

/** What is exposed to everybody, each port once. */
function portsOf({ expose }: ManifestService): WorkloadPort[] {
  const ports = new Map<string, WorkloadPort>();
  for (const { global, port, externalPort, proto } of expose) {
    if (!global) continue;
    const external = externalPort === 0 ? port : externalPort;
    ports.set(`${port}/${external}/${proto}`, { port, externalPort: external, protocol: proto });
  }
  return [...ports.values()];
}

/** Volumes that are mounted. A volume is its service's own, also where another service takes the unit over. */
function mountsOf({ name: service, params, resources }: ManifestService): WorkloadMount[] {
  const mounts: WorkloadMount[] = [];
  for (const { name, mount, readOnly } of params?.storage ?? []) {
    const volume = resources.storage.find(one => one.name === name);
    if (mount === '' || volume === undefined) continue;
    const persistent = isPersistent(volume.attributes.find(one => one.key === 'persistent')?.value ?? '');
    mounts.push({ name: `${service}/${name}`, path: mount, size: Number(volume.bytes), readOnly, persistent });
  }
  return mounts;
}

/**
 * The services of a new plan, by unit, such that each unit goes on with its service if that has instances left: its
 * volumes are there. Within a resource group all units are alike, so that any may run any of its services.
 * @param before names of services by unit, as they were
 */
export function assignUnits(
  services: readonly ManifestService[],
  before: readonly string[],
  resources: readonly ResourceGroup[],
): ManifestService[] {
  const assigned: ManifestService[] = [];
  let start = 0;
  for (const { count } of resources) {
    const left = services.slice(start, start + count);
    const own: (ManifestService | undefined)[] = [];
    for (let i = 0; i < count; i++) {
      const at = left.findIndex(one => one.name === before[start + i]);
      own.push(at < 0 ? undefined : left.splice(at, 1)[0]);
    }
    for (const one of own) assigned.push(one ?? (left.shift() as ManifestService));
    start += count;
  }
  return assigned;
}
