/**
 * How that which light clients are told travels: commits, validator sets, and proofs of events and of leaves.
 *
 * Commits and sets stand in few messages and are large there: with a thousand validators, and another set at the next
 * height, a light block has two hundred kilobytes. With the addresses as text, as they are hashed and stored, it would
 * not fit into a message, so here they are the 20 bytes that they stand for.
 */
import { type Header, header } from '../protocol/chain/block.ts';
import type { TopicProof } from '../protocol/chain/event-commitment.ts';
import { addressPayload } from '../protocol/codec/address.ts';
import { HASH_BYTES } from '../protocol/codec/sha256.ts';
import { stateProof } from '../protocol/codec/state-proof.ts';
import {
  bool,
  byteString,
  type Codec,
  fixedBytes,
  list,
  optional,
  struct,
  text,
  uint,
} from '../protocol/codec/struct.ts';
import type { LightBlock } from '../protocol/consensus/light-block.ts';
import { type Commit, MAX_VALIDATORS, type Validator, valueId } from '../protocol/consensus/types.ts';
import { event } from '../protocol/model/events.ts';
import { MAX_LARGE_BYTES, type ProvenLeaf, type TopicBatch } from './wire.ts';

/** Bytes of the name of a topic or of a leaf of the state. */
const MAX_NAME_BYTES = 256;
/** Topics that a client may follow. */
const MAX_TOPICS = 256;
/** Events of one message, in pieces or not: hostile bytes cannot have more of them made. */
const MAX_EVENTS = 1_000_000;
/** Hashes of a proof in a tree over a list: no list is longer than a safe integer counts. */
const MAX_PATH = 53;
/** A topic's leaf: its name, a count and a hash, each with its length. */
const MAX_TOPIC_LEAF_BYTES = 2 + MAX_NAME_BYTES + 8 + 1 + HASH_BYTES;

/** A value or null. */
export function nullable<T>(codec: Codec<T>): Codec<T | null> {
  const inner = optional(codec);
  return {
    write: (w, value) => inner.write(w, value ?? undefined),
    read: r => inner.read(r) ?? null,
  };
}

/** An integer from -1 on, moved up by one so that it is never negative. */
export const fromMinusOne: Codec<number> = {
  write: (w, value) => w.uint(value + 1),
  read: r => r.uint() - 1,
};

export const hash = fixedBytes(HASH_BYTES);
export const topic = text(MAX_NAME_BYTES);
export const topics = list(topic, MAX_TOPICS);
export const events = list(event, MAX_EVENTS);
export const leafName = text(MAX_NAME_BYTES);

export const commit: Codec<Commit> = struct({
  height: uint,
  round: uint,
  value: valueId,
  signatures: list(
    struct({ validator: addressPayload, forValue: bool, time: uint, signature: byteString(64) }),
    MAX_VALIDATORS,
  ),
});

/** What is read is a list like any other: only `ValidatorSet` makes sure that it is a set. */
export const members: Codec<readonly Validator[]> = list(
  struct({ address: addressPayload, consensusKey: fixedBytes(32), power: uint }),
  MAX_VALIDATORS,
);

export const lightBlock: Codec<LightBlock<Header>> = struct({
  header,
  commit,
  validators: members,
  nextValidators: optional(members),
});

const path = list(hash, MAX_PATH);
const topicLeaf = byteString(MAX_TOPIC_LEAF_BYTES);

const topicProof: Codec<TopicProof> = struct({
  size: uint,
  index: fromMinusOne,
  path,
  before: nullable(topicLeaf),
  after: nullable(struct({ leaf: topicLeaf, path })),
});

export const topicBatches: Codec<readonly TopicBatch[]> = list(
  struct({ topic, events, proof: topicProof }),
  MAX_TOPICS,
);

export const provenLeaf: Codec<ProvenLeaf> = struct({
  leaf: leafName,
  bytes: nullable(byteString(MAX_LARGE_BYTES)),
  proof: stateProof,
});

/** At most one for each topic that is an account's. */
export const provenLeaves: Codec<readonly ProvenLeaf[]> = list(provenLeaf, MAX_TOPICS);
