/**
 * A validator's log of one height: every input of consensus that counted, and what was signed, in order.
 *
 * After a crash the entries of the unfinished height are fed through consensus again. What was signed then answers what
 * would be signed now, so that a restarted validator proposes and votes as it did.
 *
 * Entries wait in memory until something is about to become visible: then they are written and synced first. What was
 * never acted upon in public needs no log, so a validator that decides alone writes none.
 */
import { byteString, decode, encode, list, oneOf, struct, tagged, uint } from '../../protocol/codec/struct.ts';
import {
  type Commit,
  commit,
  type Proposal,
  proposal,
  type ValueId,
  type Vote,
  valueId,
  vote,
} from '../../protocol/consensus/types.ts';
import type { Effects } from '../actor.ts';
import { PART_BYTES } from '../gossip.ts';
import type { Wire } from '../wire.ts';
import type { HeldValue } from './values.ts';

const kind = oneOf('propose', 'prevote', 'precommit');

const entry = tagged('type', {
  /** Everything that follows is of this height. */
  height: [1, struct({ height: uint })],
  /** The height's first round begins. */
  start: [2, struct({ at: uint })],
  proposal: [3, struct({ at: uint, proposal })],
  vote: [4, struct({ at: uint, vote })],
  timeout: [5, struct({ at: uint, kind, round: uint })],
  commit: [6, struct({ at: uint, commit })],
  /** A piece of an encoded block, own or received; `last` when it is whole. Own ones were asked for in `round`. */
  piece: [
    7,
    struct({
      at: uint,
      value: valueId,
      bytes: byteString(PART_BYTES),
      last: oneOf('no', 'received', 'own'),
      round: uint,
    }),
  ],
  signedVote: [8, struct({ vote })],
  signedProposal: [9, struct({ proposal })],
});

/** Entries that are written together stand in one entry of the log: a crash leaves all of them or none. */
const MAX_TOGETHER = 4_096;
const together = list(entry, MAX_TOGETHER);
/** Blocks travel and are logged in pieces; whatever comes behind one begins a new entry of the log. */
const MAX_TOGETHER_BYTES = PART_BYTES;

export type LogEntry =
  | { readonly type: 'height'; readonly height: number }
  | { readonly type: 'start'; readonly at: number }
  | { readonly type: 'proposal'; readonly at: number; readonly proposal: Proposal }
  | { readonly type: 'vote'; readonly at: number; readonly vote: Vote }
  | {
      readonly type: 'timeout';
      readonly at: number;
      readonly kind: 'propose' | 'prevote' | 'precommit';
      readonly round: number;
    }
  | { readonly type: 'commit'; readonly at: number; readonly commit: Commit }
  | {
      readonly type: 'piece';
      readonly at: number;
      readonly value: ValueId;
      readonly bytes: Uint8Array;
      readonly last: 'no' | 'received' | 'own';
      readonly round: number;
    }
  | { readonly type: 'signedVote'; readonly vote: Vote }
  | { readonly type: 'signedProposal'; readonly proposal: Proposal };

export class InputLog {
  /** Number of the next entry. */
  #next = 0;
  /** Entries found after a start, until they were fed again. */
  #found: LogEntry[] = [];
  /** Not yet written. */
  #waiting: LogEntry[] = [];
  /** The height of the entries, and whether that is written. */
  #height = 0;
  #begun = true;
  /** Entries before this one are of no use any more. */
  #cut = 0;

  /** Takes an entry that a start brought back. Throws DecodeError when it is none. */
  recover(index: number, bytes: Uint8Array): void {
    this.#next = index + 1;
    this.#found.push(...(decode(together, bytes) as LogEntry[]));
  }

  /** The entries of a height that a start brought back; all others are forgotten. */
  takeRecovered(height: number): readonly LogEntry[] {
    let current = -1;
    const wanted = this.#found.filter(one => {
      if (one.type === 'height') current = one.height;
      return one.type !== 'height' && current === height;
    });
    this.#found = [];
    return wanted;
  }

  append(one: LogEntry): void {
    this.#waiting.push(one);
  }

  /** Logs an encoded block in pieces. */
  appendBlock(at: number, held: HeldValue, whose: 'received' | 'own', round: number): void {
    const { value, bytes } = held;
    for (let from = 0; from < bytes.length; from += PART_BYTES) {
      const isLast = from + PART_BYTES >= bytes.length;
      const piece = bytes.subarray(from, from + PART_BYTES);
      this.append({ type: 'piece', at, value, bytes: piece, last: isLast ? whose : 'no', round });
    }
  }

  /** Goes on with the height whose entries a start brought back. */
  resumeHeight(height: number): void {
    this.#height = height;
    this.#begun = true;
  }

  /** Begins a height: the log of earlier ones is dropped, for their blocks are in the store and synced. */
  startHeight(height: number): void {
    this.#waiting = [];
    this.#height = height;
    this.#begun = false;
    this.#cut = this.#next;
  }

  /** Makes all that was said durable before anything that follows. Returns whether there was something to write. */
  sync(out: Effects<Wire>): boolean {
    if (this.#waiting.length === 0) return false;
    if (!this.#begun) {
      if (this.#cut > 0) out.truncateLog(this.#cut);
      this.#waiting.unshift({ type: 'height', height: this.#height });
      this.#begun = true;
    }
    let batch: LogEntry[] = [];
    let bytes = 0;
    for (const one of this.#waiting) {
      if (batch.length === MAX_TOGETHER || bytes >= MAX_TOGETHER_BYTES) {
        this.#write(batch, out);
        batch = [];
        bytes = 0;
      }
      batch.push(one);
      if (one.type === 'piece') bytes += one.bytes.length;
    }
    this.#write(batch, out);
    this.#waiting = [];
    out.sync();
    return true;
  }

  #write(batch: readonly LogEntry[], out: Effects<Wire>): void {
    out.append(encode(together, batch as never));
    this.#next += 1;
  }
}
