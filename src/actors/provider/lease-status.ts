/** How a lease's services are, as its tenant is told. */
import type { WorkloadAddress } from '../actor.ts';
import { type LeaseStatus, MAX_STATUS_ADDRESSES, MAX_STATUS_SERVICES } from '../lease-wire.ts';
import type { Workload } from './workload-set.ts';
import type { UnitPlan } from './workload-specs.ts';

/**
 * The status of a lease; with more services or addresses than a message holds, of the first ones.
 * @param workloads by unit; fewer than units while its capacity is not there
 */
export function leaseStatusOf(lease: string, plan: UnitPlan | null, workloads: readonly Workload[]): LeaseStatus {
  if (plan === null) return { lease, version: null, services: [] };
  interface Tally {
    readonly name: string;
    wanted: number;
    running: number;
    readonly addresses: WorkloadAddress[];
  }
  const services = new Map<string, Tally>();
  let addresses = 0;
  for (const [unit, { name }] of plan.services.entries()) {
    let service = services.get(name);
    if (service === undefined) {
      if (services.size >= MAX_STATUS_SERVICES) continue;
      service = { name, wanted: 0, running: 0, addresses: [] };
      services.set(name, service);
    }
    service.wanted += 1;
    const workload = workloads[unit];
    if (workload?.running !== true) continue;
    service.running += 1;
    const shown = workload.addresses.slice(0, MAX_STATUS_ADDRESSES - addresses);
    service.addresses.push(...shown);
    addresses += shown.length;
  }
  return { lease, version: plan.version, services: [...services.values()] };
}
