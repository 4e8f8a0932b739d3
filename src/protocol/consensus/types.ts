/**
 * The words of consensus: votes, proposals, commits, and the exact bytes that a validator signs.
 *
 * The core of consensus (round state machine, vote keeper, driver) knows a value only by its id, and a validator only by
 * its address and power. What a value is, and whether a signature holds, is settled before an input reaches it.
 */
import { address } from '../codec/address.ts';
import { EncodeError } from '../codec/errors.ts';
import { bool, byteString, type Codec, encode, fixedBytes, list, oneOf, struct, text, uint } from '../codec/struct.ts';

/** Names a value: the lower-case hex of the hash of a block's header. */
export type ValueId = string;

/** Voting in a round has two steps. */
export type VoteKind = 'prevote' | 'precommit';

/** A place in the validator set. */
export interface Validator {
  readonly address: string;
  readonly consensusKey: Uint8Array;
  /** floor(stake / 1 AKASH) */
  readonly power: number;
}

/** No round: the proof-of-lock round of a fresh proposal, the locked round of who holds no lock. */
export const NO_ROUND = -1;

/** Most validators of a set. */
export const MAX_VALIDATORS = 1_000;

/** One validator's word in one step of one round. */
export interface Vote {
  readonly kind: VoteKind;
  readonly height: number;
  readonly round: number;
  /** null votes for nil. */
  readonly value: ValueId | null;
  /** Microseconds on the voter's clock, above its parent block's time; the median of precommits dates the next block. */
  readonly time: number;
  readonly validator: string;
  readonly signature: Uint8Array;
}

/** What a proposer offers in a round. The value itself travels apart, in parts under a Merkle root. */
export interface Proposal {
  readonly height: number;
  readonly round: number;
  /** The earlier round in which the value had a polka, or NO_ROUND. */
  readonly polRound: number;
  readonly value: ValueId;
  /** Number of parts of the encoded block, and the Merkle root over them. */
  readonly parts: number;
  readonly partsRoot: Uint8Array;
  readonly proposer: string;
  readonly signature: Uint8Array;
}

/** A precommit as it stands in a commit; height and round are the commit's. */
export interface CommitSignature {
  readonly validator: string;
  /** Whether it was for the committed value; else for nil. */
  readonly forValue: boolean;
  readonly time: number;
  readonly signature: Uint8Array;
}

/** Why a block is the chain's: precommits of one round, in the order of the validator set, absentees left out. */
export interface Commit {
  readonly height: number;
  readonly round: number;
  readonly value: ValueId;
  readonly signatures: readonly CommitSignature[];
}

const VALUE_ID = /^[0-9a-f]{64}$/;

/** The value id that was asked for last, with its bytes: what is written of a height is nearly all about one value. */
let recent: { readonly value: ValueId; readonly bytes: Uint8Array } | null = null;

/** The bytes of a value id, not to be changed. Throws RangeError unless it is 64 lower-case hex digits. */
export function valueBytes(value: ValueId): Uint8Array {
  if (recent?.value === value) return recent.bytes;
  if (!VALUE_ID.test(value)) throw new RangeError(`found the value id ${value}, expected 64 lower-case hex digits`);
  recent = { value, bytes: Uint8Array.fromHex(value) };
  return recent.bytes;
}

/** The value id of a header's hash. */
export function valueIdOf(hash: Uint8Array): ValueId {
  return hash.toHex();
}

/** A value id as its 32 bytes. */
export const valueId: Codec<ValueId> = {
  write: (w, value) => {
    if (typeof value !== 'string' || value.length !== 64) throw new EncodeError(String(value), '64 hex digits');
    w.raw(valueBytes(value));
  },
  read: r => valueIdOf(r.raw(32)),
};

/** A value id or nil. */
const valueOrNil: Codec<ValueId | null> = {
  write: (w, value) => {
    w.bool(value !== null);
    if (value !== null) valueId.write(w, value);
  },
  read: r => (r.bool() ? valueId.read(r) : null),
};

/** NO_ROUND or a round, moved up by one so that it is never negative. */
const roundOrNone: Codec<number> = {
  write: (w, round) => w.uint(round + 1),
  read: r => r.uint() - 1,
};

const kind = oneOf('prevote', 'precommit');
const signature = byteString(64);
const hash = fixedBytes(32);

export const vote: Codec<Vote> = struct({
  kind,
  height: uint,
  round: uint,
  value: valueOrNil,
  time: uint,
  validator: address,
  signature,
});

export const proposal: Codec<Proposal> = struct({
  height: uint,
  round: uint,
  polRound: roundOrNone,
  value: valueId,
  parts: uint,
  partsRoot: hash,
  proposer: address,
  signature,
});

const commitSignature = struct({ validator: address, forValue: bool, time: uint, signature });

export const commit: Codec<Commit> = struct({
  height: uint,
  round: uint,
  value: valueId,
  signatures: list(commitSignature, MAX_VALIDATORS),
});

/**
 * The voter's address is among the signed bytes, so that no signature of a commit can be moved to another place in the
 * set, where it would bend the block's time.
 */
const signedVote = struct({
  domain: oneOf('orrery/vote/1'),
  chainId: text(64),
  kind,
  height: uint,
  round: uint,
  value: valueOrNil,
  time: uint,
  validator: address,
});

const signedProposal = struct({
  domain: oneOf('orrery/proposal/1'),
  chainId: text(64),
  height: uint,
  round: uint,
  polRound: roundOrNone,
  value: valueId,
  parts: uint,
  partsRoot: hash,
  proposer: address,
});

/** What a vote's signature is over. */
export function voteSignBytes(chainId: string, one: Omit<Vote, 'signature'>): Uint8Array {
  return encode(signedVote, { domain: 'orrery/vote/1', chainId, ...one });
}

/** What a proposal's signature is over. */
export function proposalSignBytes(chainId: string, one: Omit<Proposal, 'signature'>): Uint8Array {
  return encode(signedProposal, { domain: 'orrery/proposal/1', chainId, ...one });
}

/** The vote that a signature in a commit is. */
export function voteOfCommit(of: Commit, one: CommitSignature): Vote {
  return {
    kind: 'precommit',
    height: of.height,
    round: of.round,
    value: one.forValue ? of.value : null,
    time: one.time,
    validator: one.validator,
    signature: one.signature,
  };
}
