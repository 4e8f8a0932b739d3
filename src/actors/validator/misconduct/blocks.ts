/** Blocks as a dishonest proposer makes them: invalid ones, ones with wrong matches, ones that favour somebody. */
import type { Block } from '../../../protocol/chain/block.ts';
import type { Chain } from '../../../protocol/chain/chain.ts';
import { payAndSign } from '../../../protocol/chain/transaction.ts';
import type { Facilitation } from '../../../protocol/model/messages.ts';
import type { BlockFault, MatchFault } from '../conduct.ts';
import type { BlockDistortion } from './bad-proposer.ts';
import { type Forger, withContent } from './forger.ts';

type Lease = Extract<Facilitation, { readonly type: 'SubmitLease' }>;

/** Each of the faults in turn, by height. One for which a block has no room leaves it as it is. */
export function invalidBlocks(faults: readonly BlockFault[], forger: Forger): BlockDistortion {
  return {
    distort(block, chain) {
      const fault = faults[block.header.height % faults.length]!;
      const bad = spoil(block, fault, chain, forger);
      return bad === null ? null : { block: bad, what: `invalid-block/${fault}` };
    },
  };
}

function spoil(block: Block, fault: BlockFault, chain: Chain, forger: Forger): Block | null {
  const { header, facilitation, transactions } = block;
  switch (fault) {
    case 'appHash': {
      const appHash = header.appHash.slice();
      appHash[0]! ^= 1;
      return { ...block, header: { ...header, appHash } };
    }
    case 'time':
      return { ...block, header: { ...header, time: header.time + 1 } };
    case 'transaction': {
      const nonce = (chain.state.accounts.get(forger.address)?.nonce ?? 0) + 1_000;
      const message = { type: 'Transfer', to: forger.address, amount: 1n } as const;
      const body = { chainId: forger.chainId, account: forger.address, nonce, grant: '', message };
      const tx = payAndSign(chain.state.params, body, forger.keys, forger.scheme);
      return withContent(block, { transactions: [...transactions, tx] });
    }
    case 'facilitation':
      return facilitation.length === 0 ? null : withContent(block, { facilitation: facilitation.slice(1) });
  }
}

/** Each of the faults in turn, over the blocks that have a match to spoil. */
export function wrongMatches(faults: readonly MatchFault[]): BlockDistortion {
  let turn = 0;
  let stale: Lease | null = null;
  return {
    distort(block, chain) {
      const fault = faults[turn % faults.length]!;
      const facilitation = mismatch(block.facilitation, fault, chain, stale);
      if (facilitation === null) return null;
      turn += 1;
      return { block: withContent(block, { facilitation }), what: `wrong-match/${fault}` };
    },
    onExecuted(block) {
      stale = block.facilitation.findLast(isLease) ?? stale;
    },
  };
}

function mismatch(
  due: readonly Facilitation[],
  fault: MatchFault,
  chain: Chain,
  stale: Lease | null,
): readonly Facilitation[] | null {
  const at = due.findIndex(isLease);
  if (fault === 'stale') return stale === null ? null : [...due, stale];
  if (at < 0) return null;
  if (fault === 'withheld') return due.filter((_, i) => i !== at);
  const right = due[at] as Lease;
  const others = chain.state.fulfillments.sorted().filter(one => one.order === right.order);
  const other = others.find(one => one.id !== right.fulfillment);
  return other === undefined ? null : due.map((one, i) => (i === at ? { ...right, fulfillment: other.id } : one));
}

function isLease(one: Facilitation): one is Lease {
  return one.type === 'SubmitLease';
}

/**
 * As partial as a valid block can be: whose transactions stand first is the proposer's choice, and whose are left out,
 * until another's block has them. What is due cannot be touched.
 */
export function favouring(proposer: string, accounts: readonly string[]): BlockDistortion {
  const favoured = new Set(accounts);
  return {
    distort(block, chain) {
      const own = block.transactions.filter(({ body }) => favoured.has(body.account));
      const others = block.transactions.filter(({ body }) => !favoured.has(body.account));
      // What an account has sent after a bid that is left out has to wait with it.
      const held = new Set<string>();
      const allowed = others.filter(({ body }) => {
        if (body.message.type === 'SubmitFulfillment') held.add(body.account);
        return !held.has(body.account);
      });
      const candidates = [...own, ...allowed];
      if (candidates.every((tx, i) => tx === block.transactions[i]) && candidates.length === block.transactions.length)
        return null;
      const { time } = block.header;
      return { block: chain.propose(time, proposer, candidates, block.lastCommit), what: 'favour' };
    },
  };
}
