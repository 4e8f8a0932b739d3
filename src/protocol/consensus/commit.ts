/**
 * Commits: building them from precommits, checking them against a validator set, and the time that they give.
 *
 * A commit is data from somebody else wherever it is checked, so a bad one is an answer (a reason in words), never an
 * exception. Signatures stand in the order of the set, each validator at most once, and each is over bytes that hold
 * its validator's address: a signature that is moved, doubled or lent to another place does not verify, and so cannot
 * bend the time of the next block.
 */

import { equalBytes } from '../codec/bytes.ts';
import { EncodeError } from '../codec/errors.ts';
import { sha256 } from '../codec/sha256.ts';
import type { SignatureScheme } from '../codec/signature.ts';
import { encode } from '../codec/struct.ts';
import { compareTexts } from '../codec/utf8.ts';
import {
  type Commit,
  type CommitSignature,
  commit as commitCodec,
  type Validator,
  type ValueId,
  type Vote,
  voteOfCommit,
  voteSignBytes,
} from './types.ts';
import type { ValidatorSet } from './validator-set.ts';

/** A share of voting power, exact. */
export interface Fraction {
  readonly numerator: number;
  readonly denominator: number;
}

/** What a commit is expected to be about. */
export interface CommitSubject {
  readonly height: number;
  readonly value: ValueId;
}

/**
 * Why this commit does not hold, or null if it does: more than two thirds of the set's power signed for its value, and
 * every signature in it, for the value or for nil, is good. Whoever takes times from a commit needs this check, because
 * it is the one that looks at all of them. Give `subject` to have height and value compared as well.
 */
export function verifyCommit(
  chainId: string,
  set: ValidatorSet,
  commit: Commit,
  scheme: SignatureScheme,
  subject?: CommitSubject,
): string | null {
  const fault = faultOfForm(set, commit, subject);
  if (fault !== null) return fault;
  const known = good.get(commit);
  if (known?.scheme === scheme && known.chainId === chainId && equalBytes(known.set, set.hash())) return null;
  for (const one of commit.signatures) {
    if (!isSignedBy(chainId, set.get(one.validator)!, commit, one, scheme)) return badSignature(one);
  }
  good.set(commit, { chainId, set: set.hash(), scheme });
  return null;
}

/** Commits whose signatures were all found good, and under what: like statements, they never change (see holds.ts). */
const good = new WeakMap<
  Commit,
  { readonly chainId: string; readonly set: Uint8Array; readonly scheme: SignatureScheme }
>();

/**
 * The same, but stops looking at signatures as soon as more than two thirds of the power are found good, and looks at
 * none for nil. Enough to know that the value was decided; not enough to trust the times.
 */
export function verifyCommitLight(
  chainId: string,
  set: ValidatorSet,
  commit: Commit,
  scheme: SignatureScheme,
  subject?: CommitSubject,
): string | null {
  const fault = faultOfForm(set, commit, subject);
  if (fault !== null) return fault;
  let power = 0;
  for (const one of commit.signatures) {
    if (!one.forValue) continue;
    const validator = set.get(one.validator)!;
    if (!isSignedBy(chainId, validator, commit, one, scheme)) return badSignature(one);
    power += validator.power;
    if (set.isQuorum(power)) break;
  }
  return null;
}

/**
 * Whether validators of a trusted set with more than `level` of its power signed for the commit's value. The commit may
 * be of a height with another set: members are found by address, those unknown here count nothing, and what they
 * signed must verify under the key that the trusted set has for them, because an address alone is easily claimed. A
 * signature that does not is not counted; whether it makes the commit bad is for the commit's own set to say.
 */
export function verifyTrusting(
  chainId: string,
  set: ValidatorSet,
  commit: Commit,
  level: Fraction,
  scheme: SignatureScheme,
): boolean {
  const needed = BigInt(level.numerator) * BigInt(set.totalPower);
  const isEnough = (power: number) => BigInt(level.denominator) * BigInt(power) > needed;
  const known = new Map<string, CommitSignature>();
  let claimed = 0;
  for (const one of commit.signatures) {
    if (!one.forValue || known.has(one.validator)) continue;
    known.set(one.validator, one);
    claimed += set.get(one.validator)?.power ?? 0;
  }
  // Counting is cheap and signatures are not: no look at any of them where all of them would not do.
  if (!isEnough(claimed)) return false;
  let power = 0;
  for (const validator of set.members) {
    const one = known.get(validator.address);
    if (one === undefined || !isSignedBy(chainId, validator, commit, one, scheme)) continue;
    power += validator.power;
    if (isEnough(power)) return true;
  }
  return false;
}

/** What is wrong with a commit before any signature is looked at, or null. */
function faultOfForm(set: ValidatorSet, commit: Commit, subject: CommitSubject | undefined): string | null {
  if (subject !== undefined) {
    if (commit.height !== subject.height) return `a commit of height ${commit.height}, not of ${subject.height}`;
    if (commit.value !== subject.value) return `a commit for ${commit.value}, not for ${subject.value}`;
  }
  let last = -1;
  let power = 0;
  for (const one of commit.signatures) {
    const place = set.place(one.validator);
    if (place < 0) return `${one.validator} signed and is not in the set`;
    // Strictly rising places leave no room for signing twice.
    if (place === last) return `${one.validator} signed twice`;
    if (place < last) return `the signature of ${one.validator} is out of the order of the set`;
    last = place;
    if (one.forValue) power += set.members[place]!.power;
  }
  if (!set.isQuorum(power)) return `a power of ${power} out of ${set.totalPower} signed, two thirds are not exceeded`;
  return null;
}

function badSignature(one: CommitSignature): string {
  return `the signature of ${one.validator} does not verify`;
}

/** Whether a precommit in a commit carries the signature of this validator. */
function isSignedBy(
  chainId: string,
  validator: Validator,
  commit: Commit,
  one: CommitSignature,
  scheme: SignatureScheme,
): boolean {
  const bytes = voteBytesOrNull(chainId, voteOfCommit(commit, one));
  return bytes !== null && scheme.verify(validator.consensusKey, bytes, one.signature);
}

/**
 * What a vote's signature is over, or null where its fields have no encoding at all (a value id that is no hash, a
 * fractional height): nobody can have signed such a thing.
 */
export function voteBytesOrNull(chainId: string, vote: Vote): Uint8Array | null {
  return bytesOrNull(() => voteSignBytes(chainId, vote));
}

/** The bytes that `make` encodes, or null if what it encodes has none. Passes every other error on. */
export function bytesOrNull(make: () => Uint8Array): Uint8Array | null {
  try {
    return make();
  } catch (error) {
    if (error instanceof EncodeError || error instanceof RangeError) return null;
    throw error;
  }
}

/**
 * The commit that precommits of one round make: those for the value with more than two thirds of the power, and those
 * for nil, in the order of the set. Precommits for yet another value are left out, and of somebody who signed two the
 * one for the value is taken. Throws RangeError for votes of different rounds, votes of strangers, prevotes, and where
 * no value has its two thirds: votes are verified before they come here, so that these are defects of the caller.
 */
export function commitOf(votes: Iterable<Vote>, set: ValidatorSet): Commit {
  const all = [...votes];
  const first = all[0];
  if (first === undefined) throw new RangeError('a commit of no votes');
  const voters = new Map<ValueId, Map<string, Vote>>();
  const nil = new Map<string, Vote>();
  for (const one of all) {
    if (one.kind !== 'precommit') throw new RangeError(`a ${one.kind} in a commit`);
    if (one.height !== first.height || one.round !== first.round) {
      throw new RangeError(`votes of ${first.height}/${first.round} and ${one.height}/${one.round} in one commit`);
    }
    if (!set.has(one.validator)) throw new RangeError(`${one.validator} voted and is not in the set`);
    let group = nil;
    if (one.value !== null) {
      const known = voters.get(one.value);
      if (known === undefined) voters.set(one.value, (group = new Map()));
      else group = known;
    }
    if (!group.has(one.validator)) group.set(one.validator, one);
  }
  // With equivocators below a third at most one value gets there; values in order, so that a worse case is still one.
  for (const value of [...voters.keys()].sort(compareTexts)) {
    const signers = voters.get(value)!;
    let power = 0;
    for (const address of signers.keys()) power += set.get(address)!.power;
    if (!set.isQuorum(power)) continue;
    const signatures: CommitSignature[] = [];
    for (const { address } of set.members) {
      const one = signers.get(address) ?? nil.get(address);
      if (one === undefined) continue;
      const { validator, time, signature } = one;
      signatures.push({ validator, forValue: one.value !== null, time, signature });
    }
    return { height: first.height, round: first.round, value, signatures };
  }
  throw new RangeError(`no value of ${first.height}/${first.round} has more than two thirds of the power`);
}

/**
 * The median of the precommit times in a commit, weighted by power: the earliest time by which at least half of the
 * power that signed had signed. In microseconds. As in the BFT time of Tendermint, precommits for nil count too: their
 * voters have clocks like everybody else, and with less than a third of all power faulty, faulty clocks are less than
 * half of any commit, so that the median lies between two honest ones. Unlike Tendermint's code, half is not rounded
 * down, by which one faulty vote out of three of equal power would be the median.
 *
 * Who votes for nil may not know the block, and so cannot date its vote after it: the next block's time must be moved
 * past the committed block's, or such voters and a few faulty ones together could leave the chain without a valid one.
 *
 * The commit must have passed `verifyCommit`. Throws RangeError if none of its signers is in the set.
 */
export function medianTime(commit: Commit, set: ValidatorSet): number {
  const times: { time: number; power: number }[] = [];
  let total = 0;
  for (const { validator, time } of commit.signatures) {
    const power = set.get(validator)?.power;
    if (power === undefined) continue;
    times.push({ time, power });
    total += power;
  }
  times.sort((left, right) => left.time - right.time);
  let before = 0;
  for (const { time, power } of times) {
    before += power;
    if (2 * before >= total) return time;
  }
  throw new RangeError('the time of a commit that nobody signed');
}

const hashes = new WeakMap<Commit, Uint8Array>();

/** SHA-256 of a commit's canonical bytes: what the header of the next block holds as `lastCommit`. Each hashed once. */
export function commitHash(commit: Commit): Uint8Array {
  let hash = hashes.get(commit);
  if (hash === undefined) hashes.set(commit, (hash = sha256(encode(commitCodec, commit))));
  return hash;
}
