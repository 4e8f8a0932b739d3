/** What a node answers about the state of its chain. */
import type { Chain } from '../../protocol/chain/chain.ts';
import type { Answer, Query } from '../wire.ts';

export function answerQuery(chain: Chain, query: Query): Answer {
  const { state, chainId } = chain;
  if (query.what === 'status') {
    return { what: 'status', value: { chainId, height: state.height, time: state.time, params: state.params } };
  }
  const { address } = query;
  if (query.what === 'account') {
    const row = state.accounts.get(address);
    return { what: 'account', value: { address, nonce: row?.nonce ?? 0, balance: row?.balance ?? 0n } };
  }
  // Whole tables are read here: a provider asks this once after a restart, not per block.
  const leases = state.leases.sorted().filter(lease => lease.provider === address);
  const bids = state.fulfillments.sorted().filter(bid => bid.provider === address && state.orders.has(bid.order));
  return {
    what: 'provider',
    value: {
      leases: leases.map(({ id, state: stage, resources, collateral }) => ({
        lease: id,
        state: stage,
        resources,
        collateral,
      })),
      bids: bids.map(({ order, resources }) => ({ order, resources })),
    },
  };
}
