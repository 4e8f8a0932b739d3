/** Evidence that a validator has come by and that the chain has not yet punished. */
import type { Chain } from '../../protocol/chain/chain.ts';
import { payAndSign, type Transaction } from '../../protocol/chain/transaction.ts';
import type { KeyPair, SignatureScheme } from '../../protocol/codec/signature.ts';
import { type Evidence, offenceKey } from '../../protocol/consensus/evidence.ts';

/** Offences that are remembered: an equivocator can commit many, and each is punished once. */
const MAX_PENDING = 64;

export class EvidencePool {
  readonly #pending = new Map<string, Evidence>();
  /** Reported by this node already, or refused by the chain. */
  readonly #settled = new Set<string>();

  add(one: Evidence): void {
    const key = offenceKey(one);
    if (this.#settled.has(key) || this.#pending.size >= MAX_PENDING) return;
    this.#pending.set(key, one);
  }

  /** Whoever put it there, this offence stands in a block. */
  settle(one: Evidence): void {
    const key = offenceKey(one);
    this.#pending.delete(key);
    this.#settled.add(key);
  }

  /** Reports for the next block, from the account of the validator that makes it. */
  reports(chain: Chain, address: string, keys: KeyPair, scheme: SignatureScheme): Transaction[] {
    const { state, chainId } = chain;
    let nonce = state.accounts.get(address)?.nonce ?? 0;
    return [...this.#pending.values()].map(evidence => {
      const body = {
        chainId,
        account: address,
        nonce: nonce++,
        grant: '',
        message: { type: 'SubmitEvidence', evidence },
      };
      return payAndSign(state.params, body as Parameters<typeof payAndSign>[1], keys, scheme);
    });
  }
}
