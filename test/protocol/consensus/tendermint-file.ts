/**
 * The published light-client files, in the words of this project.
 *
 * A file is in Tendermint's wire encoding. What matters about each block in it is found out in that encoding, byte for
 * byte: whether the header has the hash that was signed, whether the sets have the hashes that the header names, and
 * whose signatures are good. Then the block is made anew in our encoding, with the same virtues and the same faults.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { addressFromBytes } from '../../../src/protocol/codec/address.ts';
import { merkleRoot } from '../../../src/protocol/codec/merkle.ts';
import type { Trusted } from '../../../src/protocol/consensus/light-block.ts';
import {
  type CommitSignature,
  type Validator,
  type ValueId,
  valueIdOf,
  voteOfCommit,
  voteSignBytes,
} from '../../../src/protocol/consensus/types.ts';
import { compareValidators, ValidatorSet } from '../../../src/protocol/consensus/validator-set.ts';
import { type Header, idOf, type Light, scheme } from './light-support.ts';

interface FileSet {
  readonly validators:
    | readonly { address: string; pub_key: { type: string; value: string }; voting_power: string | null }[]
    | null;
}

interface FileSigned {
  readonly header: {
    readonly version: { readonly block: string; readonly app: string };
    readonly chain_id: string;
    readonly height: string;
    readonly time: string;
    readonly last_block_id: FileBlockId | null;
    readonly last_commit_hash: string | null;
    readonly data_hash: string | null;
    readonly validators_hash: string;
    readonly next_validators_hash: string;
    readonly consensus_hash: string;
    readonly app_hash: string;
    readonly last_results_hash: string | null;
    readonly evidence_hash: string | null;
    readonly proposer_address: string;
  };
  readonly commit: {
    readonly height: string;
    readonly round: number;
    readonly block_id: FileBlockId;
    readonly signatures:
      | readonly {
          readonly block_id_flag: number;
          readonly validator_address: string | null;
          readonly timestamp: string | null;
          readonly signature: string | null;
        }[]
      | null;
  };
}

interface FileBlockId {
  readonly hash: string;
  readonly part_set_header: { readonly total: number; readonly hash: string };
}

export interface LightFile {
  readonly description: string;
  readonly initial: {
    readonly signed_header: FileSigned;
    readonly next_validator_set: FileSet;
    /** nanoseconds */
    readonly trusting_period: string;
    readonly now: string;
  };
  readonly input:
    | readonly {
        readonly block: {
          readonly signed_header: FileSigned;
          readonly validator_set: FileSet | null;
          readonly next_validator_set: FileSet | null;
        };
        readonly now: string;
        readonly verdict: string;
      }[]
    | null;
}

/** What was found in the original encoding. */
export interface Original {
  readonly isHeaderHashed: boolean;
  readonly isSetNamed: boolean;
  readonly isNextSetNamed: boolean;
  readonly signatures: { good: number; bad: number };
}

const unhex = (digits: string | null) => new Uint8Array(Buffer.from(digits ?? '', 'hex'));
const unbase64 = (text: string | null) => new Uint8Array(Buffer.from(text ?? '', 'base64'));
const isSame = (left: Uint8Array, right: Uint8Array) => Buffer.from(left).equals(right);

// Protocol buffers, as far as they are needed: fields are left out when zero.
function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}
const integer = (field: number, value: bigint) =>
  value === 0n ? [] : [...varint(BigInt(field << 3)), ...varint(value)];
const message = (field: number, bytes: ArrayLike<number>) => [
  ...varint(BigInt((field << 3) | 2)),
  ...varint(BigInt(bytes.length)),
  ...Array.from(bytes),
];
const bytes = (field: number, value: ArrayLike<number>) => (value.length === 0 ? [] : message(field, value));
const fixed = (field: number, value: bigint) =>
  value === 0n ? [] : [(field << 3) | 1, ...Buffer.from(new BigInt64Array([value]).buffer)];

/** Seconds and nanoseconds of an RFC 3339 time in UTC. */
function instant(time: string): { seconds: bigint; nanos: bigint } {
  const match = /^(\d+-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(time);
  if (match === null) throw new Error(`the time ${time}`);
  return { seconds: BigInt(Date.parse(`${match[1]}Z`) / 1000), nanos: BigInt((match[2] ?? '').padEnd(9, '0')) };
}
const timestamp = (time: string) => {
  const { seconds, nanos } = instant(time);
  return [...integer(1, seconds), ...integer(2, nanos)];
};

export function microseconds(time: string): number {
  const { seconds, nanos } = instant(time);
  return Number(seconds * 1_000_000n + nanos / 1000n);
}

const parts = (id: FileBlockId) => [
  ...integer(1, BigInt(id.part_set_header.total)),
  ...bytes(2, unhex(id.part_set_header.hash)),
];

function headerHash(one: FileSigned['header']): Uint8Array {
  const last = one.last_block_id;
  const leaves = [
    [...integer(1, BigInt(one.version.block)), ...integer(2, BigInt(one.version.app))],
    bytes(1, Buffer.from(one.chain_id)),
    integer(1, BigInt(one.height)),
    timestamp(one.time),
    last === null ? message(2, []) : [...bytes(1, unhex(last.hash)), ...message(2, parts(last))],
    ...[
      one.last_commit_hash,
      one.data_hash,
      one.validators_hash,
      one.next_validators_hash,
      one.consensus_hash,
      one.app_hash,
      one.last_results_hash,
      one.evidence_hash,
      one.proposer_address,
    ].map(hash => bytes(1, unhex(hash))),
  ];
  return merkleRoot(leaves.map(leaf => Uint8Array.from(leaf)));
}

function setHash(set: FileSet | null): Uint8Array {
  const sorted = [...(set?.validators ?? [])].sort((left, right) => {
    const byPower = Number(right.voting_power ?? 0) - Number(left.voting_power ?? 0);
    return byPower || Buffer.compare(unhex(left.address), unhex(right.address));
  });
  return merkleRoot(
    sorted.map(one => {
      const key = message(1, bytes(1, unbase64(one.pub_key.value)));
      return Uint8Array.from([...key, ...integer(2, BigInt(one.voting_power ?? 0))]);
    }),
  );
}

function signBytes(signed: FileSigned, time: string, isForBlock: boolean): Uint8Array {
  const { commit, header } = signed;
  const body = [
    ...integer(1, 2n),
    ...fixed(2, BigInt(commit.height)),
    ...fixed(3, BigInt(commit.round)),
    ...(isForBlock
      ? message(4, [...bytes(1, unhex(commit.block_id.hash)), ...message(2, parts(commit.block_id))])
      : []),
    ...message(5, timestamp(time)),
    ...bytes(6, Buffer.from(header.chain_id)),
  ];
  return Uint8Array.from([...varint(BigInt(body.length)), ...body]);
}

/** Key pairs of our own for the validators of a file, by their addresses there. */
const keysOf = (address: string) => scheme.keyPair(sha256(unhex(address)));

function membersOf(set: FileSet | null): Validator[] {
  return (set?.validators ?? []).map(one => ({
    address: addressFromBytes(unhex(one.address)),
    consensusKey: keysOf(one.address).publicKey,
    power: Number(one.voting_power ?? 0),
  }));
}

/** The hash of our set, or of nothing where there is nobody. */
const ourHash = (members: readonly Validator[]) =>
  members.length === 0 ? sha256(unhex('')) : new ValidatorSet(members).hash();
const NOWHERE = sha256(Buffer.from('not what is said'));

/** What a file trusts at first. */
export function trustedOf(file: LightFile): Trusted {
  const { header } = file.initial.signed_header;
  return {
    height: Number(header.height),
    time: microseconds(header.time),
    value: valueIdOf(unhex(file.initial.signed_header.commit.block_id.hash)),
    nextValidators: new ValidatorSet(membersOf(file.initial.next_validator_set)),
  };
}

/** A block of a file in our encoding, and what was found about it in the original one. */
export function translate(one: NonNullable<LightFile['input']>[number]): { block: Light; original: Original } {
  const { signed_header: signed, validator_set: set, next_validator_set: next } = one.block;
  const { header, commit } = signed;
  const isSetNamed = isSame(setHash(set), unhex(header.validators_hash));
  const isNextSetNamed = isSame(setHash(next), unhex(header.next_validators_hash));
  const isHeaderHashed = isSame(headerHash(header), unhex(commit.block_id.hash));
  const validators = membersOf(set);
  const nextValidators = membersOf(next);
  const ours: Header = {
    chainId: header.chain_id,
    height: Number(header.height),
    time: microseconds(header.time),
    validators: isSetNamed ? ourHash(validators) : NOWHERE,
    nextValidators: isNextSetNamed ? ourHash(nextValidators) : NOWHERE,
    appHash: sha256(unhex(header.app_hash)),
  };
  const value: ValueId = isHeaderHashed ? idOf(ours) : valueIdOf(NOWHERE);
  const about = { height: Number(commit.height), round: commit.round, value };
  const originalKeys = new Map((set?.validators ?? []).map(each => [each.address, unbase64(each.pub_key.value)]));
  const counts = { good: 0, bad: 0 };
  const signatures: CommitSignature[] = [];
  for (const { block_id_flag: flag, validator_address: address, timestamp: time, signature } of commit.signatures ??
    []) {
    if (flag === 1 || address === null || time === null) continue;
    const forValue = flag === 2;
    const key = originalKeys.get(address);
    const isGood = key !== undefined && scheme.verify(key, signBytes(signed, time, forValue), unbase64(signature));
    if (isGood) counts.good++;
    else counts.bad++;
    const unsigned = {
      validator: addressFromBytes(unhex(address)),
      forValue,
      time: microseconds(time),
      signature: new Uint8Array(64),
    };
    const message = voteSignBytes(header.chain_id, voteOfCommit({ ...about, signatures: [] }, unsigned));
    signatures.push(isGood ? { ...unsigned, signature: scheme.sign(keysOf(address), message) } : unsigned);
  }
  // Commits there are in the order of their sets, too, but by other addresses.
  const powers = new Map(validators.map(each => [each.address, each]));
  const stranger = (who: string): Validator => ({ address: who, consensusKey: NOWHERE, power: 0 });
  signatures.sort((left, right) =>
    compareValidators(
      powers.get(left.validator) ?? stranger(left.validator),
      powers.get(right.validator) ?? stranger(right.validator),
    ),
  );
  return {
    block: { header: ours, commit: { ...about, signatures }, validators, nextValidators },
    original: { isHeaderHashed, isSetNamed, isNextSetNamed, signatures: counts },
  };
}
