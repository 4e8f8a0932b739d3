/**
 * The commitment of a block to its events: a Merkle tree over its topics in byte order, each with the number and hash
 * of its events. A subscriber is given the events of a topic with a proof that this is all of them, or a proof that the
 * topic is not among the block's: so a withheld event is a provable gap.
 */
import { ByteWriter, equalBytes } from '../codec/bytes.ts';
import { MerkleTree, merkleRoot, verifyInclusion } from '../codec/merkle.ts';
import { sha256 } from '../codec/sha256.ts';
import { byteString, decode, encode, struct, text, uint } from '../codec/struct.ts';
import { compareTexts } from '../codec/utf8.ts';
import { type Event, event, topicsOf } from '../model/events.ts';

const topicLeaf = struct({ topic: text(256), count: uint, hash: byteString(32) });

/** A block's events by topic, topics in byte order, events in the order in which they happened. */
export function eventsByTopic(events: readonly Event[]): Map<string, Event[]> {
  const lists = new Map<string, Event[]>();
  for (const one of events) {
    for (const topic of topicsOf(one)) {
      const list = lists.get(topic);
      if (list === undefined) lists.set(topic, [one]);
      else list.push(one);
    }
  }
  return lists;
}

function leafOf(topic: string, events: readonly Event[]): Uint8Array {
  const writer = new ByteWriter(1024);
  for (const one of events) event.write(writer, one);
  return encode(topicLeaf, { topic, count: events.length, hash: sha256(writer.view()) });
}

export interface TopicProof {
  /** Number of topics in the block. */
  readonly size: number;
  /** The leaf at `index`, with its path: the topic's own, or the last one before where it would stand. */
  readonly index: number;
  readonly path: readonly Uint8Array[];
  /** For absence: the leaves on both sides of the gap, with the path of the one after it. */
  readonly before: Uint8Array | null;
  readonly after: { readonly leaf: Uint8Array; readonly path: readonly Uint8Array[] } | null;
}

export class EventCommitment {
  readonly #lists: ReadonlyMap<string, readonly Event[]>;
  readonly #topics: readonly string[];
  readonly #leaves: readonly Uint8Array[];
  /** Made for the first proof: who only commits needs none. */
  #tree: MerkleTree | null = null;

  constructor(events: readonly Event[]) {
    const lists = eventsByTopic(events);
    this.#lists = lists;
    this.#topics = [...lists.keys()].sort(compareTexts);
    this.#leaves = this.#topics.map(topic => leafOf(topic, lists.get(topic) as Event[]));
  }

  /** All events of a topic, in the order in which they happened. */
  eventsOf(topic: string): readonly Event[] {
    return this.#lists.get(topic) ?? [];
  }

  root(): Uint8Array {
    return merkleRoot(this.#leaves);
  }

  /** Proof of all events of a topic, or that there are none. */
  prove(topic: string): TopicProof {
    this.#tree ??= new MerkleTree(this.#leaves);
    const tree = this.#tree;
    const { size } = tree;
    const next = this.#placeOf(topic);
    if (this.#topics[next] === topic) return { size, index: next, path: tree.proof(next), before: null, after: null };
    const before = next === 0 ? null : (this.#leaves[next - 1] as Uint8Array);
    const path = next === 0 ? [] : tree.proof(next - 1);
    const after = next === size ? null : { leaf: this.#leaves[next] as Uint8Array, path: tree.proof(next) };
    return { size, index: next - 1, path, before, after };
  }

  /** Where a topic stands or would stand. */
  #placeOf(topic: string): number {
    let low = 0;
    let high = this.#topics.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareTexts(this.#topics[middle] as string, topic) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Whether `events` are all events of the topic in the block with this root; no events means that it has none. */
export function verifyTopic(root: Uint8Array, topic: string, events: readonly Event[], proof: TopicProof): boolean {
  if (events.length > 0) {
    return verifyInclusion(root, leafOf(topic, events), proof.index, proof.size, proof.path);
  }
  const { before, after, size, index } = proof;
  if (before === null ? index !== -1 : !verifyInclusion(root, before, index, size, proof.path)) return false;
  if (after === null ? index !== size - 1 : !verifyInclusion(root, after.leaf, index + 1, size, after.path))
    return false;
  if (before === null && after === null) return size === 0 && equalBytes(root, merkleRoot([]));
  if (before !== null && compareTexts(decode(topicLeaf, before).topic, topic) >= 0) return false;
  return after === null || compareTexts(decode(topicLeaf, after.leaf).topic, topic) > 0;
}
