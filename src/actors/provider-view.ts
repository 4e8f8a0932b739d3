/** What a provider holds according to a state: its leases, and its bids on orders that stand. */
import type { State } from '../protocol/model/state.ts';
import type { ProviderView } from './wire.ts';

/** Reads whole tables: meant for a provider that asks once after a restart, not per block. */
export function providerViewOf(state: State, address: string): ProviderView {
  const leases = state.leases.sorted().filter(lease => lease.provider === address);
  const bids = state.fulfillments.sorted().filter(bid => bid.provider === address && state.orders.has(bid.order));
  return {
    leases: leases.map(({ id, deployment, state: stage, resources, collateral }) => ({
      lease: id,
      state: stage,
      resources,
      collateral,
      version: state.deployments.need(deployment).version,
    })),
    bids: bids.map(({ order, resources }) => ({ order, resources })),
  };
}
