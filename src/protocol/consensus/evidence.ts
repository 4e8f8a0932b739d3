/**
 * Evidence: two signatures of one validator that no honest one gives, which is to say two votes of the same height,
 * round and kind for different values, or two proposals of the same height and round for different values.
 *
 * The same value signed twice, at different times or with different signatures, is no offence. Nor is what only looks
 * bad beside other rounds (precommitting one value and prevoting another later): from outside it cannot be told from
 * having seen a newer polka. Evidence proves itself to whoever knows the validator set of its height and the chain id,
 * which is part of what was signed, so that signatures of one chain accuse nobody on another.
 */

import { sha256 } from '../codec/sha256.ts';
import type { SignatureScheme } from '../codec/signature.ts';
import { type Codec, type CodecType, encode, struct, tagged } from '../codec/struct.ts';
import { compareTexts } from '../codec/utf8.ts';
import { bytesOrNull, voteBytesOrNull } from './commit.ts';
import { type Commit, type Proposal, proposal, proposalSignBytes, type Vote, vote, voteOfCommit } from './types.ts';
import type { ValidatorSet } from './validator-set.ts';

const votes = struct({ first: vote, second: vote });
const proposals = struct({ first: proposal, second: proposal });

const variants = tagged('kind', { 'duplicate-vote': [1, votes], 'duplicate-proposal': [2, proposals] });

/** Two votes or two proposals, the one for the smaller value first, nil before all. */
export type Evidence = CodecType<typeof variants>;

/** Canonical bytes of evidence; usable as a part of a transaction's message. */
export const evidence: Codec<Evidence> = variants;

/** The three ways to offend, each once in a round. */
export type OffenceKind = 'prevote' | 'precommit' | 'proposal';

/** Who did what, whatever pair of signatures shows it. */
export interface Offence {
  readonly validator: string;
  readonly height: number;
  readonly round: number;
  readonly kind: OffenceKind;
}

/** The evidence that two votes are, or null if they do not contradict each other. Signatures are not looked at. */
export function evidenceOfVotes(left: Vote, right: Vote): Evidence | null {
  const [first, second] = compareValues(left.value, right.value) < 0 ? [left, right] : [right, left];
  return faultOfVotes(first, second) === null ? { kind: 'duplicate-vote', first, second } : null;
}

/** The evidence that two proposals are, or null if they do not contradict each other. */
export function evidenceOfProposals(left: Proposal, right: Proposal): Evidence | null {
  const [first, second] = compareValues(left.value, right.value) < 0 ? [left, right] : [right, left];
  return faultOfProposals(first, second) === null ? { kind: 'duplicate-proposal', first, second } : null;
}

/**
 * What two commits of one height and round show about those who signed both, in the order of the first. Commits of
 * different rounds show nothing about anybody.
 */
export function evidenceOfCommits(left: Commit, right: Commit): Evidence[] {
  const others = new Map(right.signatures.map(one => [one.validator, one]));
  const found: Evidence[] = [];
  for (const one of left.signatures) {
    const other = others.get(one.validator);
    if (other === undefined) continue;
    const shown = evidenceOfVotes(voteOfCommit(left, one), voteOfCommit(right, other));
    if (shown !== null) found.push(shown);
  }
  return found;
}

/** The offence that evidence is of. */
export function offenceOf(one: Evidence): Offence {
  const { height, round } = one.first;
  return one.kind === 'duplicate-vote'
    ? { validator: one.first.validator, height, round, kind: one.first.kind }
    : { validator: one.first.proposer, height, round, kind: 'proposal' };
}

/**
 * The name of an offence: `validator/height/round/kind`. All evidence of one offence has the same name, whichever of
 * three or more contradicting signatures it holds, and an offence is punished once.
 */
export function offenceKey(one: Evidence | Offence): string {
  const { validator, height, round, kind } = 'first' in one ? offenceOf(one) : one;
  return `${validator}/${height}/${round}/${kind}`;
}

/** SHA-256 of the canonical bytes of evidence. */
export function evidenceHash(one: Evidence): Uint8Array {
  return sha256(encode(evidence, one));
}

/**
 * Why evidence does not prove its offence, or null if it does. `setAtHeight` is the validator set of the height of the
 * offence (`offenceOf`), undefined where that is not known. Whether it is too old, or the offence already punished, is
 * not asked here. Never throws because of what the evidence holds.
 */
export function faultOfEvidence(
  chainId: string,
  one: Evidence,
  setAtHeight: ValidatorSet | undefined,
  scheme: SignatureScheme,
): string | null {
  const fault =
    one.kind === 'duplicate-vote' ? faultOfVotes(one.first, one.second) : faultOfProposals(one.first, one.second);
  if (fault !== null) return fault;
  const { validator, height } = offenceOf(one);
  if (setAtHeight === undefined) return `the validator set of height ${height} is not known`;
  const accused = setAtHeight.get(validator);
  if (accused === undefined) return `${validator} is not in the set of height ${height}`;
  for (const [which, signed, bytes] of signedBytes(chainId, one)) {
    if (bytes === null || !scheme.verify(accused.consensusKey, bytes, signed.signature)) {
      return `the signature of the ${which} one does not verify`;
    }
  }
  return null;
}

type Signed = readonly [which: string, signed: { readonly signature: Uint8Array }, bytes: Uint8Array | null];

/** Both halves of evidence with what their signatures are over. */
function signedBytes(chainId: string, one: Evidence): readonly Signed[] {
  if (one.kind === 'duplicate-vote') {
    return [
      ['first', one.first, voteBytesOrNull(chainId, one.first)],
      ['second', one.second, voteBytesOrNull(chainId, one.second)],
    ];
  }
  return [
    ['first', one.first, bytesOrNull(() => proposalSignBytes(chainId, one.first))],
    ['second', one.second, bytesOrNull(() => proposalSignBytes(chainId, one.second))],
  ];
}

function faultOfVotes(first: Vote, second: Vote): string | null {
  if (first.kind !== second.kind) return `a ${first.kind} and a ${second.kind}`;
  return faultOfPair(first, second, first.validator, second.validator);
}

function faultOfProposals(first: Proposal, second: Proposal): string | null {
  return faultOfPair(first, second, first.proposer, second.proposer);
}

interface Half {
  readonly height: number;
  readonly round: number;
  readonly value: string | null;
}

/** Why two halves are not a contradiction of one signer in canonical order, or null. */
function faultOfPair(first: Half, second: Half, signer: string, other: string): string | null {
  if (signer !== other) return `two validators, ${signer} and ${other}`;
  if (first.height !== second.height) return `two heights, ${first.height} and ${second.height}`;
  if (first.round !== second.round) return `two rounds, ${first.round} and ${second.round}`;
  const order = compareValues(first.value, second.value);
  if (order === 0) return 'the same value twice, which is no offence';
  return order < 0 ? null : 'the two are not in canonical order';
}

/** Nil first, then by value id. */
function compareValues(left: string | null, right: string | null): number {
  if (left === null || right === null) return left === right ? 0 : left === null ? -1 : 1;
  return compareTexts(left, right);
}
