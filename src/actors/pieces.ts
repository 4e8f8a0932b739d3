/**
 * What a node tells a client, where it may be larger than a message: the events of a block that is full of them, a leaf
 * of the state, all that a provider holds. Such a message goes out as it is if it fits, and else its bytes in pieces.
 *
 * A connection keeps the order and may lose something, so pieces are put together only if they come without a gap. What
 * is lost with one of them is lost as any message is: whoever misses it asks again.
 */
import { ByteWriter } from '../protocol/codec/bytes.ts';
import { DecodeError } from '../protocol/codec/errors.ts';
import { type Event, event } from '../protocol/model/events.ts';
import { MAX_MESSAGE_BYTES } from './actor.ts';
import { PART_BYTES } from './gossip.ts';
import { type Answer, MAX_LARGE_BYTES, type Piece, type ProvenLeaf, type TopicBatch, type Wire } from './wire.ts';
import { decodeLarge, encodeLarge } from './wire-bytes.ts';

export type Large = Extract<Wire, { readonly type: 'events' | 'header' | 'answer' }>;

/**
 * Bounds of what has no length of its own, in bytes: a header with everything around it, a signature of a commit, a
 * member of a set, a name, a lease or bid without its resources, a resource group, an event.
 */
const ENVELOPE = 1_024;
const SIGNATURE = 96;
const MEMBER = 64;
const NAME = 258;
const HELD = 320;
const GROUP = 64;
const EVENT = 20_000;
/** Lists of so many events are taken to be of the largest; longer ones are measured. */
const FEW_EVENTS = 2;

const scratch = new ByteWriter(EVENT);
const measured = new WeakMap<readonly Event[], number>();

/**
 * The messages to be sent for one: itself, or its pieces. Null for one beyond all limits, which cannot be told.
 * Encodes it only where a bound, which is quickly reckoned, says that it may be too large.
 */
export function inMessages(message: Large): readonly Wire[] | null {
  if (boundOf(message) <= MAX_MESSAGE_BYTES) return [message];
  const bytes = encodeLarge(message);
  if (bytes.length <= MAX_MESSAGE_BYTES) return [message];
  if (bytes.length > MAX_LARGE_BYTES) return null;
  const total = Math.ceil(bytes.length / PART_BYTES);
  return Array.from({ length: total }, (_, index) =>
    Object.freeze({
      type: 'piece',
      index,
      total,
      bytes: bytes.subarray(index * PART_BYTES, (index + 1) * PART_BYTES),
    } as const),
  );
}

/** Puts together what comes in pieces over one connection. */
export class Pieces {
  #held: Uint8Array[] = [];
  #total = 0;

  /** Takes a piece: the message when it was the last one, null while something is missing, or why no honest node sends it. */
  take({ index, total, bytes }: Piece): Large | string | null {
    const isWhole = bytes.length === PART_BYTES || (index === total - 1 && bytes.length > 0);
    if (total < 2 || index >= total || !isWhole) return `piece ${index} of ${total} with ${bytes.length} bytes`;
    if (index === 0) this.clear(total);
    else if (index !== this.#held.length || total !== this.#total) {
      // Something between was lost.
      this.clear();
      return null;
    }
    this.#held.push(bytes);
    if (this.#held.length < total) return null;
    const whole = new Uint8Array((total - 1) * PART_BYTES + bytes.length);
    for (const [at, piece] of this.#held.entries()) whole.set(piece, at * PART_BYTES);
    this.clear();
    return readLarge(whole);
  }

  /** Forgets what has come so far. */
  clear(total = 0): void {
    this.#held = [];
    this.#total = total;
  }
}

function readLarge(bytes: Uint8Array): Large | string {
  try {
    const message = decodeLarge(bytes);
    const isLarge = message.type === 'events' || message.type === 'header' || message.type === 'answer';
    return isLarge ? message : `${message.type} in pieces`;
  } catch (error) {
    if (error instanceof DecodeError) return `pieces of no message: ${error.message}`;
    throw error;
  }
}

/** Bytes that a message has at the most. */
function boundOf(message: Large): number {
  if (message.type === 'events') return ENVELOPE + bytesOfEvents(message.events);
  if (message.type === 'answer') return boundOfAnswer(message.answer);
  const { commit, nextValidators, batches, leaves } = message;
  let bound = ENVELOPE + SIGNATURE * commit.signatures.length + MEMBER * (nextValidators?.length ?? 0);
  for (const batch of batches) bound += boundOfBatch(batch);
  for (const leaf of leaves) bound += boundOfLeaf(leaf);
  return bound;
}

function boundOfAnswer(answer: Answer): number {
  switch (answer.what) {
    case 'leaf':
      return ENVELOPE + boundOfLeaf(answer.value);
    case 'provider': {
      let bound = ENVELOPE;
      for (const { resources } of answer.value.leases) bound += HELD + GROUP * resources.length;
      for (const { resources } of answer.value.bids) bound += HELD + GROUP * resources.length;
      return bound;
    }
    case 'status':
    case 'account':
      return 0;
    default:
      // Seldom asked: it is encoded to see how large it is.
      return Number.POSITIVE_INFINITY;
  }
}

function boundOfBatch({ events, proof }: TopicBatch): number {
  const { path, after } = proof;
  return 4 * NAME + 32 * (path.length + (after?.path.length ?? 0)) + bytesOfEvents(events);
}

function boundOfLeaf({ bytes, proof }: ProvenLeaf): number {
  return 2 * NAME + (bytes?.length ?? 0) + 32 * proof.siblings.length;
}

/** Bytes of these events, or more where they are few. The same list is measured once, for all who are told of it. */
function bytesOfEvents(events: readonly Event[]): number {
  if (events.length <= FEW_EVENTS) return EVENT * events.length;
  let bytes = measured.get(events);
  if (bytes === undefined) {
    bytes = 0;
    for (const one of events) {
      scratch.reset();
      event.write(scratch, one);
      bytes += scratch.length;
    }
    measured.set(events, bytes);
  }
  return bytes;
}
