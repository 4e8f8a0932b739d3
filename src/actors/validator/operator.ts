/**
 * What the operator of a validator does when nobody is at the keyboard: one that is to become a validator registers as a
 * candidate and stakes as soon as its account can, and one that was jailed for signing too few blocks asks to come back
 * as soon as it may.
 *
 * It asks after a block, so that only a node that keeps up asks, and again when some blocks have passed without an
 * answer: the transaction may have been lost with a node. It does not ask for what the chain would refuse, which costs a
 * fee each time: a tombstoned validator is out for good, and one without a whole AKASH of its own has to stake first.
 */
import type { Chain } from '../../protocol/chain/chain.ts';
import { payAndSign, type Transaction } from '../../protocol/chain/transaction.ts';
import type { KeyPair, SignatureScheme } from '../../protocol/codec/signature.ts';
import { MICRO_PER_AKASH } from '../../protocol/ledger/money.ts';
import type { Message } from '../../protocol/model/messages.ts';
import { Delegation } from '../../protocol/model/stake-rows.ts';
import { possessionBytes } from '../../protocol/stake/candidates.ts';

/** Blocks after which a request that had no effect is made again. */
const PATIENCE_BLOCKS = 10;

/** With what an account becomes a candidate. */
export interface CandidateOffer {
  /** micro-AKASH of its own, at least */
  readonly stake: bigint;
  /** parts per million */
  readonly commission: number;
}

export interface OperatorOptions {
  readonly address: string;
  readonly keys: KeyPair;
  readonly scheme: SignatureScheme;
  readonly unjails: boolean;
  /** Null: it becomes no candidate by itself. */
  readonly joins: CandidateOffer | null;
}

/** Room for the fees of what it asks, micro-AKASH beyond the stake itself. */
const FEES = 100_000n;

export class Operator {
  readonly #options: OperatorOptions;
  /** Height after which it last asked for each thing. */
  readonly #askedAt = new Map<Message['type'], number>();

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  /** The transaction that is called for after the chain's newest block, or null. */
  afterBlock(chain: Chain): Transaction | null {
    const { state, chainId } = chain;
    const message = this.#joining(chain) ?? this.#unjailing(chain);
    if (message === null) return null;
    const { type } = message;
    if (state.height < (this.#askedAt.get(type) ?? -PATIENCE_BLOCKS) + PATIENCE_BLOCKS) return null;
    this.#askedAt.set(type, state.height);
    const { address: account, keys, scheme } = this.#options;
    const nonce = state.accounts.get(account)?.nonce ?? 0;
    return payAndSign(state.params, { chainId, account, nonce, grant: '', message }, keys, scheme);
  }

  /** First the candidate, then its stake: the one makes sense without the other, and not the other way round. */
  #joining({ state, chainId }: Chain): Message | null {
    const { address, joins, keys, scheme } = this.#options;
    if (joins === null) return null;
    const balance = state.accounts.get(address)?.balance ?? 0n;
    const missing = joins.stake - (state.delegations.get(Delegation.key(address, address))?.amount ?? 0n);
    if (!state.candidates.has(address)) {
      if (balance < (missing > 0n ? missing : 0n) + FEES) return null;
      const { commission } = joins;
      const possession = scheme.sign(keys, possessionBytes(chainId, address));
      return { type: 'RegisterCandidate', consensusKey: keys.publicKey, commission, possession };
    }
    // Stake that was lost to a slash is not made good: whoever had it taken decides about more.
    if (missing < joins.stake || balance < missing + FEES) return null;
    return { type: 'Stake', amount: missing };
  }

  #unjailing({ state }: Chain): Message | null {
    const { address, unjails } = this.#options;
    const candidate = state.candidates.get(address);
    if (!unjails || candidate === undefined || !candidate.jailed || candidate.tombstoned) return null;
    if (state.time < candidate.jailedUntil) return null;
    const own = state.delegations.get(Delegation.key(address, address))?.amount ?? 0n;
    return own < MICRO_PER_AKASH ? null : { type: 'Unjail' };
  }
}
