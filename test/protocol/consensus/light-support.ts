/** Validators with keys, commits, and whole chains of headers, true ones and forged ones. */

import { sha256 } from '@noble/hashes/sha2.js';
import { addressOf } from '../../../src/protocol/codec/address.ts';
import { type KeyPair, memoised, type SignatureScheme } from '../../../src/protocol/codec/signature.ts';
import { type CodecType, encode, fixedBytes, struct, text, uint } from '../../../src/protocol/codec/struct.ts';
import { commitOf } from '../../../src/protocol/consensus/commit.ts';
import {
  type LightBlock,
  lightBlockOf,
  ONE_THIRD,
  type VerifyOptions,
} from '../../../src/protocol/consensus/light-block.ts';
import {
  type Commit,
  type Validator,
  type ValueId,
  type Vote,
  valueIdOf,
  voteSignBytes,
} from '../../../src/protocol/consensus/types.ts';
import { ValidatorSet } from '../../../src/protocol/consensus/validator-set.ts';
import { ed25519Scheme } from '../../../src/worlds/live/ed25519.ts';

export const CHAIN = 'orrery-test';
export const SECOND = 1_000_000;
/** Real signatures, remembered: the same ones are verified in many cases. */
export const scheme: SignatureScheme = memoised(ed25519Scheme, 65_536);

const keyPairs = new Map<string, KeyPair>();

/** The key pair of a name. */
export function keysOf(name: string): KeyPair {
  let pair = keyPairs.get(name);
  if (pair === undefined) keyPairs.set(name, (pair = scheme.keyPair(sha256(Buffer.from(name)))));
  return pair;
}

const owners = new Map<string, string>();

/** The validator of a name. Its address is of an account key, not of the key that it votes with. */
export function validator(name: string, power: number): Validator {
  const address = addressOf(Buffer.from(`account of ${name}`));
  owners.set(address, name);
  return { address, consensusKey: keysOf(name).publicKey, power };
}

/** A set of named validators. */
export function setOf(powers: Readonly<Record<string, number>>): ValidatorSet {
  return new ValidatorSet(Object.entries(powers).map(([name, power]) => validator(name, power)));
}

/** A set of validators called by numbers. */
export function numbered(powers: readonly number[], prefix = 'v'): ValidatorSet {
  return setOf(Object.fromEntries(powers.map((power, i) => [`${prefix}${i}`, power])));
}

export const valueNamed = (name: string): ValueId => valueIdOf(sha256(Buffer.from(name)));

/** A signed vote; a precommit for `value` in height 5, round 0, unless told otherwise. */
export function voteBy(address: string, over: Partial<Vote> = {}, chainId = CHAIN, name = owners.get(address)!): Vote {
  const unsigned = {
    kind: 'precommit' as const,
    height: 5,
    round: 0,
    value: valueNamed('value'),
    time: 1_000 * SECOND,
    validator: address,
    ...over,
  };
  return { ...unsigned, signature: over.signature ?? scheme.sign(keysOf(name), voteSignBytes(chainId, unsigned)) };
}

/** A commit of those members of a set that `voteFor` gives a vote of. */
export function commitBy(
  set: ValidatorSet,
  voteFor: (place: number, one: Validator) => Partial<Vote> | null = () => ({}),
  chainId = CHAIN,
): Commit {
  const votes: Vote[] = [];
  for (const [place, one] of set.members.entries()) {
    const over = voteFor(place, one);
    if (over !== null) votes.push(voteBy(one.address, over, chainId));
  }
  return commitOf(votes, set);
}

export const header = struct({
  chainId: text(64),
  height: uint,
  time: uint,
  validators: fixedBytes(32),
  nextValidators: fixedBytes(32),
  appHash: fixedBytes(32),
});
export type Header = CodecType<typeof header>;
export type Light = LightBlock<Header>;
export const idOf = (one: Header): ValueId => valueIdOf(sha256(encode(header, one)));

/** Options with a trusting period of 1,000 seconds and no drift. */
export function optionsWith(over: Partial<VerifyOptions<Header>> = {}): VerifyOptions<Header> {
  return {
    chainId: CHAIN,
    trustingPeriod: 1_000 * SECOND,
    trustLevel: ONE_THIRD,
    clockDrift: 0,
    scheme,
    idOf,
    ...over,
  };
}

/** A light block that its whole set signed, or those for whom `isSigning` holds. */
export function lightOf(
  height: number,
  set: ValidatorSet,
  next: ValidatorSet,
  over: Partial<Header> = {},
  isSigning: (place: number, one: Validator) => boolean = () => true,
  round = 0,
): Light {
  const head: Header = {
    chainId: CHAIN,
    height,
    time: height * SECOND,
    validators: set.hash(),
    nextValidators: next.hash(),
    appHash: sha256(Buffer.from(`state ${height}`)),
    ...over,
  };
  return lightBlockOf(head, commitFor(head, set, isSigning, round), set, next);
}

/** A commit for a header. It may be by too few, which `commitOf` would not make. */
export function commitFor(
  head: Header,
  set: ValidatorSet,
  isSigning: (place: number, one: Validator) => boolean = () => true,
  round = 0,
): Commit {
  const value = idOf(head);
  const signatures = set.members
    .filter((one, place) => isSigning(place, one))
    .map(one => {
      const over = { height: head.height, round, value, time: head.time + SECOND };
      const { time, signature } = voteBy(one.address, over, head.chainId);
      return { validator: one.address, forValue: true, time, signature };
    });
  return { height: head.height, round, value, signatures };
}

/** A chain from height 1 on with these sets; the last set is only the next one of the last block. */
export function chainOf(sets: readonly ValidatorSet[]): Light[] {
  return sets.slice(0, -1).map((set, i) => lightOf(i + 1, set, sets[i + 1]!));
}
