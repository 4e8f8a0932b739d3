/**
 * Evidence that a validator has come by and that the chain has not yet punished.
 *
 * What the chain has done about an offence is read off its state, not off the reports in its blocks: anybody can report
 * an offence with signatures that do not hold, and must not thereby spare the offender the true report.
 */
import type { Chain } from '../../protocol/chain/chain.ts';
import { payAndSign, type Transaction } from '../../protocol/chain/transaction.ts';
import type { KeyPair, SignatureScheme } from '../../protocol/codec/signature.ts';
import { type Evidence, offenceOf } from '../../protocol/consensus/evidence.ts';
import { MAX_VALIDATORS } from '../../protocol/consensus/types.ts';
import type { State } from '../../protocol/model/state.ts';

/** Offenders that are remembered at a time: no set has more members. */
const MAX_PENDING = MAX_VALIDATORS;
/** Reports in one block; others follow in those after it. */
const MAX_REPORTS = 64;

export class EvidencePool {
  /** By validator the earliest offence, which is the one that counts (protocol/stake/offences.ts). */
  readonly #pending = new Map<string, Evidence>();

  get size(): number {
    return this.#pending.size;
  }

  add(one: Evidence): void {
    const { validator, height } = offenceOf(one);
    const known = this.#pending.get(validator);
    if (known === undefined ? this.#pending.size < MAX_PENDING : height < offenceOf(known).height)
      this.#pending.set(validator, one);
  }

  /** After a block: what it has punished, or what nobody hears any more, is not reported again. */
  settle(state: State): void {
    for (const [validator, evidence] of this.#pending)
      if (isSettled(state, validator, offenceOf(evidence).height)) this.#pending.delete(validator);
  }

  /** Reports for the next block, from the account of the validator that makes it. */
  reports(chain: Chain, address: string, keys: KeyPair, scheme: SignatureScheme): Transaction[] {
    const { state, chainId } = chain;
    let nonce = state.accounts.get(address)?.nonce ?? 0;
    return [...this.#pending.values()].slice(0, MAX_REPORTS).map(evidence => {
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

/** Whether a report of an offence of this height would be refused, whatever it proves. */
function isSettled(state: State, validator: string, height: number): boolean {
  const candidate = state.candidates.get(validator);
  if (candidate === undefined || height < state.chainwide.evidenceFrom) return true;
  return candidate.tombstoned && height >= candidate.doubleSignedAt;
}
