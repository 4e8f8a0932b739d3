/**
 * The trace hash: 128 bits into which every dispatched event is mixed, so that two runs can be compared without
 * keeping either. Checkpoints narrow a difference down to 65,536 events; a second run with a window over those keeps
 * their descriptions, and the first line that differs is where the runs part.
 */

/** Events between two checkpoints. */
export const CHECKPOINT_EVERY = 65_536;

/** The most events that a window may cover. */
export const MAX_WINDOW = 1 << 20;

export interface Checkpoint {
  /** Events mixed so far. */
  readonly index: number;
  readonly hex: string;
}

/** One event of a window, for people and for `replay --diff`. */
export interface TraceLine {
  /** Number of the event, the first being 0. */
  readonly index: number;
  /** Microseconds of true time. */
  readonly time: number;
  readonly actor: string;
  readonly text: string;
}

export class TraceHash {
  /** Events mixed so far. */
  count = 0;
  readonly checkpoints: Checkpoint[] = [];
  readonly lines: TraceLine[] = [];
  /** The window, as numbers of events: from (inclusive) and to (exclusive). */
  windowFrom = Number.POSITIVE_INFINITY;
  private windowTo = Number.POSITIVE_INFINITY;
  private nextCheckpoint = CHECKPOINT_EVERY;
  private readonly lanes = Int32Array.of(0x6f727265, 0x7279206f, 0x66206d61, 0x726b6574);

  /** Keeps descriptions of the events from number `from` up to, but without, number `to`. */
  watch(from: number, to: number): void {
    if (!(from >= 0 && to >= from && to - from <= MAX_WINDOW)) {
      throw new RangeError(`a window needs 0 <= from <= to <= from + ${MAX_WINDOW}, found ${from}..${to}`);
    }
    this.windowFrom = from;
    this.windowTo = to;
  }

  /**
   * Mixes one event in.
   * @param time microseconds
   * @param actor the actor's number, or -1 for the world itself
   * @param kind a small number for the kind of event
   * @param digest fingerprint of what the event carries
   */
  mix(time: number, actor: number, kind: number, digest: number): void {
    const lanes = this.lanes;
    const a = Math.imul(lanes[0]! ^ (time | 0), 0x85ebca6b);
    const b = Math.imul(lanes[1]! ^ ((actor << 8) | kind), 0xc2b2ae35);
    const c = Math.imul(lanes[2]! ^ digest, 0x27d4eb2f);
    const d = Math.imul(lanes[3]! ^ ((time / 4294967296) | 0), 0x165667b1);
    const e = (((a << 15) | (a >>> 17)) + b) | 0;
    lanes[0] = e;
    lanes[1] = ((b << 13) | (b >>> 19)) + c;
    lanes[2] = ((c << 17) | (c >>> 15)) + d;
    lanes[3] = ((d << 19) | (d >>> 13)) + e;
    if (++this.count === this.nextCheckpoint) {
      this.nextCheckpoint += CHECKPOINT_EVERY;
      this.checkpoints.push({ index: this.count, hex: this.hex() });
    }
  }

  /** Describes the event that is mixed next; call only when `count` has reached `windowFrom`. */
  record(time: number, actor: string, text: string): void {
    if (this.count < this.windowTo) this.lines.push({ index: this.count, time, actor, text });
    else this.windowFrom = Number.POSITIVE_INFINITY;
  }

  /** The hash of everything mixed so far, as 32 hexadecimal digits. */
  hex(): string {
    let text = '';
    let carry = this.count | 0;
    // The lanes are finished against each other, so that the last event reaches every digit.
    for (let round = 0; round < 8; round++) {
      const lane = this.lanes[round & 3]!;
      carry = Math.imul(carry ^ lane, 0x9e3779b1);
      carry ^= carry >>> 15;
      if (round >= 4) text += (carry >>> 0).toString(16).padStart(8, '0');
    }
    return text;
  }
}
