/**
 * What the operator of a validator does when nobody is at the keyboard: a validator that was jailed for signing too few
 * blocks asks to come back as soon as it may.
 *
 * It asks after a block, so that only a node that keeps up asks, and again when some blocks have passed without an
 * answer: the transaction may have been lost with a node. It does not ask for what the chain would refuse, which costs a
 * fee each time: a tombstoned validator is out for good, and one without a whole AKASH of its own has to stake first.
 */
import type { Chain } from '../../protocol/chain/chain.ts';
import { payAndSign, type Transaction } from '../../protocol/chain/transaction.ts';
import type { KeyPair, SignatureScheme } from '../../protocol/codec/signature.ts';
import { MICRO_PER_AKASH } from '../../protocol/ledger/money.ts';
import { Delegation } from '../../protocol/model/stake-rows.ts';

/** Blocks after which a request that had no effect is made again. */
const PATIENCE_BLOCKS = 10;

export class Operator {
  readonly #address: string;
  readonly #keys: KeyPair;
  readonly #scheme: SignatureScheme;
  /** Height after which it last asked; 0 = never. */
  #askedAt = 0;

  constructor(address: string, keys: KeyPair, scheme: SignatureScheme) {
    this.#address = address;
    this.#keys = keys;
    this.#scheme = scheme;
  }

  /** The transaction that is called for after the chain's newest block, or null. */
  afterBlock(chain: Chain): Transaction | null {
    const { state, chainId } = chain;
    const account = this.#address;
    const candidate = state.candidates.get(account);
    if (candidate === undefined || !candidate.jailed || candidate.tombstoned) return null;
    if (state.time < candidate.jailedUntil) return null;
    if (this.#askedAt > 0 && state.height < this.#askedAt + PATIENCE_BLOCKS) return null;
    const own = state.delegations.get(Delegation.key(account, account))?.amount ?? 0n;
    if (own < MICRO_PER_AKASH) return null;
    this.#askedAt = state.height;
    const nonce = state.accounts.get(account)?.nonce ?? 0;
    const body = { chainId, account, nonce, grant: '', message: { type: 'Unjail' } } as const;
    return payAndSign(state.params, body, this.#keys, this.#scheme);
  }
}
