/**
 * A validator's log of one height: every input of consensus that counted, and what was signed, in order.
 *
 * After a crash the entries of the unfinished height are fed through consensus again. What was signed then answers what
 * would be signed now, so that a restarted validator proposes and votes as it did. Entries that did not become durable
 * are inputs that were never acted upon in public: signing syncs first.
 */
import { byteString, decode, encode, oneOf, struct, tagged, uint } from '../../protocol/codec/struct.ts';
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
  /** Whether something was appended since the last barrier. */
  #unsynced = false;

  /** Takes an entry that a start brought back. Throws DecodeError when it is none. */
  recover(index: number, bytes: Uint8Array): void {
    this.#next = index + 1;
    this.#found.push(decode(entry, bytes) as LogEntry);
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

  append(one: LogEntry, out: Effects<Wire>): void {
    out.append(encode(entry, one as never));
    this.#next += 1;
    this.#unsynced = true;
  }

  /** Logs an encoded block in pieces. */
  appendBlock(at: number, held: HeldValue, whose: 'received' | 'own', round: number, out: Effects<Wire>): void {
    const { value, bytes } = held;
    for (let from = 0; from < bytes.length; from += PART_BYTES) {
      const isLast = from + PART_BYTES >= bytes.length;
      const piece = bytes.subarray(from, from + PART_BYTES);
      this.append({ type: 'piece', at, value, bytes: piece, last: isLast ? whose : 'no', round }, out);
    }
  }

  /** Begins a height: what the log holds of earlier ones is dropped, for their blocks are in the store and synced. */
  startHeight(height: number, out: Effects<Wire>): void {
    out.truncateLog(this.#next);
    this.append({ type: 'height', height }, out);
  }

  /** A barrier, if anything was appended since the last one. */
  sync(out: Effects<Wire>): void {
    if (!this.#unsynced) return;
    out.sync();
    this.#unsynced = false;
  }
}
