/**
 * What several answers want to know of a state at once: orders and leases in order of creation, and what each provider
 * has taken on. Made once per block, when the first of them asks.
 */
import type { Chain } from '../../../protocol/chain/chain.ts';
import type { Lease, Order } from '../../../protocol/model/market-rows.ts';
import type { ComputeUnit, ResourceGroup } from '../../../protocol/model/objects.ts';
import type { State } from '../../../protocol/model/state.ts';

export interface Survey {
  /** Open orders, newest first. */
  readonly orders: readonly Readonly<Order>[];
  /** Leases that are not closed, newest first. */
  readonly leases: readonly Readonly<Lease>[];
  readonly leasesOf: ReadonlyMap<string, readonly Readonly<Lease>[]>;
  readonly counts: { readonly pending: number; readonly active: number; readonly closing: number };
}

const NOTHING: ComputeUnit = { cpu: 0, memory: 0, disk: 0, bandwidth: 0, gpu: 0 };

/** All that some resource groups take together. */
export function sumOf(groups: Iterable<ResourceGroup>): ComputeUnit {
  const sum = { ...NOTHING };
  for (const { compute, count } of groups) {
    sum.cpu += compute.cpu * count;
    sum.memory += compute.memory * count;
    sum.disk += compute.disk * count;
    sum.bandwidth += compute.bandwidth * count;
    sum.gpu += compute.gpu * count;
  }
  return sum;
}

/** The share of its scarcest resource that is used, parts per million; what a provider has none of does not count. */
export function utilisation(used: ComputeUnit, capacity: ComputeUnit): number {
  let most = 0;
  for (const name of ['cpu', 'memory', 'disk', 'gpu'] as const) {
    if (capacity[name] > 0) most = Math.max(most, used[name] / capacity[name]);
  }
  return Math.round(1_000_000 * Math.min(1, most));
}

function make(state: State): Survey {
  const newestFirst = (a: { sequence: number }, b: { sequence: number }): number => b.sequence - a.sequence;
  const orders = [...state.orders.unordered()].sort(newestFirst);
  const leases = [...state.leases.unordered()].sort(newestFirst);
  const leasesOf = new Map<string, Readonly<Lease>[]>();
  const counts = { pending: 0, active: 0, closing: 0 };
  for (const lease of leases) {
    counts[lease.state] += 1;
    const list = leasesOf.get(lease.provider);
    if (list === undefined) leasesOf.set(lease.provider, [lease]);
    else list.push(lease);
  }
  return { orders, leases, leasesOf, counts };
}

/** Keeps the survey of one state, the newest that was asked for. */
export class Surveyor {
  #made: { readonly chain: Chain; readonly height: number; readonly survey: Survey } | null = null;

  of(chain: Chain): Survey {
    const { state, height } = chain;
    if (this.#made?.chain !== chain || this.#made.height !== height) {
      this.#made = { chain, height, survey: make(state) };
    }
    return this.#made.survey;
  }
}
