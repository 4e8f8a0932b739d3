/**
 * Whether a group of a manifest is what a lease holds resources for, and which service each unit of the lease runs.
 *
 * Resource groups of a lease stand in the order of the numbers that the manifest gives to resources, from 1. A group of
 * so many units runs the services that share its number, in the order of the manifest, each as often as it has instances.
 */
import type { ComputeUnit, ResourceGroup } from '../model/objects.ts';
import { quantitiesOf } from './market.ts';
import type { ManifestGroup, ManifestService } from './types.ts';

export type LeaseUnits =
  /** The service of each unit, in the order in which a datacenter places units. */
  | { readonly ok: true; readonly units: readonly ManifestService[] }
  /** `found ..., expected ...` */
  | { readonly ok: false; readonly reason: string };

/** What the units of a lease run. Bandwidth is not compared: no manifest speaks of it. */
export function unitsOfLease({ name, services }: ManifestGroup, resources: readonly ResourceGroup[]): LeaseUnits {
  const wrong = (reason: string): LeaseUnits => ({ ok: false, reason: `group ${name}: ${reason}` });
  const names = new Set<string>();
  for (const service of services) {
    if (names.has(service.name)) return wrong(`found two services ${service.name}, expected one of a name`);
    names.add(service.name);
    const { id } = service.resources;
    if (id > resources.length) return wrong(`found resources ${id}, expected at most ${resources.length}`);
  }
  const units: ManifestService[] = [];
  for (const [at, { compute, count }] of resources.entries()) {
    const own = services.filter(service => service.resources.id === at + 1);
    const total = own.reduce((sum, service) => sum + service.count, 0);
    if (total !== count) return wrong(`found ${total} instances with resources ${at + 1}, expected ${count}`);
    for (const service of own) {
      const fault = faultOfCompute(service, compute);
      if (fault !== null) return wrong(fault);
      for (let i = 0; i < service.count; i++) units.push(service);
    }
  }
  return { ok: true, units };
}

function faultOfCompute({ name, resources }: ManifestService, compute: ComputeUnit): string | null {
  const wanted = quantitiesOf(resources);
  for (const kind of ['cpu', 'memory', 'disk', 'gpu'] as const) {
    if (wanted[kind] === BigInt(compute[kind])) continue;
    return `found service ${name} with ${wanted[kind]} of ${kind}, expected ${compute[kind]} as leased`;
  }
  return null;
}
