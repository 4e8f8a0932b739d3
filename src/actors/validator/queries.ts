/** What a node answers about the state of its chain. */
import type { Chain } from '../../protocol/chain/chain.ts';
import { partsOfLeaf } from '../../protocol/chain/leaves.ts';
import type { Answer, Query } from '../wire.ts';

/** Null for a question that nobody should ask: for what is no leaf, or for a proof where nothing is committed to. */
export function answerQuery(chain: Chain, query: Query): Answer | null {
  if (query.what === 'leaf') return answerLeaf(chain, query.leaf);
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

function answerLeaf(chain: Chain, leaf: string): Answer | null {
  if (!chain.hasCommitment || !leaf.isWellFormed() || partsOfLeaf(leaf) === undefined) return null;
  // Asked for first: whatever is staged on the newest block is no part of what is committed to.
  const { height } = chain;
  const { commitment } = chain;
  return { what: 'leaf', height, value: { leaf, bytes: commitment.leaf(leaf), proof: commitment.prove(leaf) } };
}
