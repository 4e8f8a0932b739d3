/**
 * What validators sign, made for tests: candidacies, commits of the newest block, and double votes and proposals. The
 * consensus key of a named account is that of `NAME/consensus`, as in the genesis of a chain driver.
 */
import { keyedHashScheme } from '../../src/protocol/codec/signature.ts';
import { commitOf } from '../../src/protocol/consensus/commit.ts';
import { type Evidence, evidenceOfProposals, evidenceOfVotes } from '../../src/protocol/consensus/evidence.ts';
import {
  type Commit,
  NO_ROUND,
  type Proposal,
  proposalSignBytes,
  type ValueId,
  type Vote,
  type VoteKind,
  valueIdOf,
  voteSignBytes,
} from '../../src/protocol/consensus/types.ts';
import type { Message } from '../../src/protocol/model/messages.ts';
import { possessionBytes } from '../../src/protocol/stake/candidates.ts';
import { addressOfName, type ChainDriver, hashOf, keysOf } from './chain-driver.ts';

const CHAIN_ID = 'test';

/** The consensus key pair of a name. */
export function consensusKeysOf(name: string): ReturnType<typeof keysOf> {
  return keysOf(`${name}/consensus`);
}

export interface Candidacy {
  /** parts per million; 0 when not given */
  readonly commission?: number;
  /** Whose consensus key is registered; the account's own name when not given. */
  readonly keyOf?: string;
  /** Whose key signs, for which account, on which chain: departures from an honest candidacy. */
  readonly signedBy?: string;
  readonly signedFor?: string;
  readonly chainId?: string;
}

/** RegisterCandidate for a named account. */
export function candidacy(name: string, changes: Candidacy = {}): Message {
  const { commission = 0, keyOf = name, signedBy = keyOf, signedFor = name, chainId = CHAIN_ID } = changes;
  return {
    type: 'RegisterCandidate',
    consensusKey: consensusKeysOf(keyOf).publicKey,
    commission,
    possession: keyedHashScheme.sign(consensusKeysOf(signedBy), possessionBytes(chainId, addressOfName(signedFor))),
  };
}

export interface Offending {
  readonly kind?: VoteKind | 'proposal';
  readonly round?: number;
  /** Seeds of the two values; `one` and `two` when not given. */
  readonly values?: readonly [string, string];
  readonly chainId?: string;
  /** Whose key signs; the offender's own when not given. */
  readonly signedBy?: string;
}

function vote(name: string, height: number, value: ValueId | null, time: number, how: Offending = {}): Vote {
  const { kind = 'precommit', round = 0, chainId = CHAIN_ID, signedBy = name } = how;
  const body = { kind: kind as VoteKind, height, round, value, time, validator: addressOfName(name) };
  return { ...body, signature: keyedHashScheme.sign(consensusKeysOf(signedBy), voteSignBytes(chainId, body)) };
}

function proposal(name: string, height: number, value: ValueId, how: Offending): Proposal {
  const { round = 0, chainId = CHAIN_ID, signedBy = name } = how;
  const body = {
    height,
    round,
    polRound: NO_ROUND,
    value,
    parts: 1,
    partsRoot: hashOf(value),
    proposer: addressOfName(name),
  };
  return { ...body, signature: keyedHashScheme.sign(consensusKeysOf(signedBy), proposalSignBytes(chainId, body)) };
}

/** Proof that a named validator signed two values at a height; two precommits of round 0 when not said otherwise. */
export function doubleSign(name: string, height: number, how: Offending = {}): Evidence {
  const [one, two] = (how.values ?? ['one', 'two']).map(seed => valueIdOf(hashOf(seed))) as [ValueId, ValueId];
  const made =
    how.kind === 'proposal'
      ? evidenceOfProposals(proposal(name, height, one, how), proposal(name, height, two, how))
      : evidenceOfVotes(vote(name, height, one, 1, how), vote(name, height, two, 2, how));
  if (made === null) throw new Error('the two values are the same');
  return made;
}

/** SubmitEvidence of `doubleSign`. */
export function accusation(name: string, height: number, how: Offending = {}): Message {
  return { type: 'SubmitEvidence', evidence: doubleSign(name, height, how) };
}

/**
 * The commit of a driver's newest block, signed by all of its validators but the absent ones.
 * Throws RangeError when those present have no quorum.
 */
export function commitWithout(driver: ChainDriver, absent: readonly string[] = []): Commit | null {
  const { chain, height, time } = driver;
  const set = chain.lastValidators;
  if (set === null) return null;
  const value = valueIdOf(driver.last.hash);
  const votes = set.members
    .map(one => driver.name(one.address))
    .filter(name => !absent.includes(name))
    .map(name => vote(name, height, value, time + 1));
  return commitOf(votes, set);
}
