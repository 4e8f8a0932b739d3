/**
 * The signer: signs a validator's votes and proposals, and never two different ones for the same height, round and step.
 *
 * Its record (what was signed last, and the signature) is put into the store and synced before a signature leaves the
 * node. After a crash the record decides: the same statement gets the same signature again, also if only the time
 * differs; another statement for a step that was signed is not signed at all, and the node goes on without.
 */
import type { KeyPair, SignatureScheme } from '../../protocol/codec/signature.ts';
import { decode, encode, oneOf, struct, tagged } from '../../protocol/codec/struct.ts';
import {
  type Proposal,
  proposal,
  proposalSignBytes,
  type Vote,
  vote,
  voteSignBytes,
} from '../../protocol/consensus/types.ts';
import type { Effects } from '../actor.ts';
import type { Wire } from '../wire.ts';

/** Where the store keeps the record. */
export const SIGNER_KEY = 'signer';

type Signed =
  | { readonly type: 'proposal'; readonly statement: Proposal }
  | { readonly type: 'vote'; readonly statement: Vote };

const record = tagged('type', {
  proposal: [1, struct({ version: oneOf('1'), statement: proposal })],
  vote: [2, struct({ version: oneOf('1'), statement: vote })],
});

/** The order of steps within a round: what a later one signed forbids every earlier one. */
function stepOf(signed: Signed): number {
  if (signed.type === 'proposal') return 0;
  return signed.statement.kind === 'prevote' ? 1 : 2;
}

/** Negative when `left` comes before `right` in height, round and step. */
function compareSteps(left: Signed, right: Signed): number {
  const a = left.statement;
  const b = right.statement;
  return a.height - b.height || a.round - b.round || stepOf(left) - stepOf(right);
}

export class Signer {
  readonly address: string;
  readonly #chainId: string;
  readonly #keys: KeyPair;
  readonly #scheme: SignatureScheme;
  #last: Signed | null = null;
  #isSaved = true;

  constructor(address: string, chainId: string, keys: KeyPair, scheme: SignatureScheme) {
    this.address = address;
    this.#chainId = chainId;
    this.#keys = keys;
    this.#scheme = scheme;
  }

  /** Takes up the record that the store kept. Throws DecodeError when it is not one. */
  restore(bytes: Uint8Array): void {
    this.#last = decode(record, bytes) as Signed;
  }

  /**
   * Signs a vote; the caller saves the record and syncs before it sends.
   * @returns the signed vote, which is the earlier one when this step was signed with the same value before; null when
   * this statement must not be signed
   */
  signVote(unsigned: Omit<Vote, 'signature' | 'validator'>): Vote | null {
    const whole = { ...unsigned, validator: this.address };
    const signature = this.#scheme.sign(this.#keys, voteSignBytes(this.#chainId, whole));
    const signed = this.#admit({ type: 'vote', statement: { ...whole, signature } });
    return signed?.type === 'vote' ? signed.statement : null;
  }

  /** Signs a proposal: as `signVote`. */
  signProposal(unsigned: Omit<Proposal, 'signature' | 'proposer'>): Proposal | null {
    const whole = { ...unsigned, proposer: this.address };
    const signature = this.#scheme.sign(this.#keys, proposalSignBytes(this.#chainId, whole));
    const signed = this.#admit({ type: 'proposal', statement: { ...whole, signature } });
    return signed?.type === 'proposal' ? signed.statement : null;
  }

  /**
   * Puts the record into the store, unless it is there; returns whether it did. To be synced before any signature leaves
   * the node. A signature that is seen only in the commit of a stored block needs no record: that height is over.
   */
  save(out: Effects<Wire>): boolean {
    if (this.#isSaved || this.#last === null) return false;
    out.put(SIGNER_KEY, encode(record, { version: '1', ...this.#last } as never));
    this.#isSaved = true;
    return true;
  }

  #admit(fresh: Signed): Signed | null {
    const last = this.#last;
    if (last !== null) {
      const order = compareSteps(fresh, last);
      if (order < 0) return null;
      if (order === 0) return sameStatement(fresh, last) ? last : null;
    }
    this.#last = fresh;
    this.#isSaved = false;
    return fresh;
  }
}

/** Whether two statements of one step say the same; when they were made does not matter. */
function sameStatement(left: Signed, right: Signed): boolean {
  if (left.type === 'vote') return right.type === 'vote' && left.statement.value === right.statement.value;
  return (
    right.type === 'proposal' &&
    left.statement.value === right.statement.value &&
    left.statement.polRound === right.statement.polRound
  );
}
