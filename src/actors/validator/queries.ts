/** What a node answers about the state of its chain. */
import type { Chain } from '../../protocol/chain/chain.ts';
import { partsOfLeaf } from '../../protocol/chain/leaves.ts';
import { deploymentViewOf } from '../deployment-view.ts';
import { inMessages } from '../pieces.ts';
import { providerViewOf } from '../provider-view.ts';
import type { Answer, Query, Wire } from '../wire.ts';

/** The messages that answer a question; null for one that nobody should ask, or that no messages can hold the answer to. */
export function answerInMessages(chain: Chain, query: Query): readonly Wire[] | null {
  const answer = answerQuery(chain, query);
  return answer === null ? null : inMessages({ type: 'answer', answer });
}

/** Null for a question that nobody should ask: for what is no leaf, or for a proof where nothing is committed to. */
export function answerQuery(chain: Chain, query: Query): Answer | null {
  if (query.what === 'leaf') return answerLeaf(chain, query.leaf);
  const { state, chainId } = chain;
  if (query.what === 'status') {
    return { what: 'status', value: { chainId, height: state.height, time: state.time, params: state.params } };
  }
  if (query.what === 'deployment') {
    const { id } = query;
    return { what: 'deployment', value: { id, height: state.height, view: deploymentViewOf(state, id) } };
  }
  const { address } = query;
  if (query.what === 'endpoint') {
    return { what: 'endpoint', value: { address, endpoint: state.providers.get(address)?.endpoint ?? null } };
  }
  if (query.what === 'account') {
    const row = state.accounts.get(address);
    return { what: 'account', value: { address, nonce: row?.nonce ?? 0, balance: row?.balance ?? 0n } };
  }
  return { what: 'provider', value: providerViewOf(state, address) };
}

function answerLeaf(chain: Chain, leaf: string): Answer | null {
  if (!chain.hasCommitment || !leaf.isWellFormed() || partsOfLeaf(leaf) === undefined) return null;
  // Asked for first: whatever is staged on the newest block is no part of what is committed to.
  const { height } = chain;
  const { commitment } = chain;
  return { what: 'leaf', height, value: { leaf, bytes: commitment.leaf(leaf), proof: commitment.prove(leaf) } };
}
