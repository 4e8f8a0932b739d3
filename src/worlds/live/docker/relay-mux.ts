/**
 * Many channels over one stream. Both ends of it, this process and the relay, are made of this.
 *
 * The stream itself is always read on, so that no channel waits for another one's reader: what may be on its way in each
 * channel is bounded by credit instead. A sender begins with a window and spends it; the receiver gives back what it has
 * passed on. A small piece costs more than its bytes, because to keep one costs more.
 */
import { Duplex, type Writable } from 'node:stream';
import { countOf, countPayload, FRAME, FrameReader, frame, NOTHING, WireError } from './relay-wire.ts';

/** What a sender may have on its way in one channel, and so the most that a receiver holds of it, in bytes. */
export const WINDOW = 128 * 1024;

/** Most channels over one stream. */
export const MAX_CHANNELS = 512;

/** What a piece costs at least. */
const LEAST_COST = 256;

/** Most bytes of one piece, so that channels take turns. */
const MAX_PIECE = 32 * 1024;

/** From here on credit is given back: not for every piece. */
const GIVE_BACK = WINDOW / 4;

/** What has a channel of its own. */
export interface Member {
  /** Takes what is said on its channel. Throws a WireError when nobody should say that. */
  receive(kind: number, payload: Buffer): void;
  /** The stream is over, and the channel with it. */
  over(reason: string): void;
}

export class Mux {
  readonly #output: Writable;
  readonly #members = new Map<number, Member>();
  readonly #reader: FrameReader;
  readonly #waiting: (() => void)[] = [];
  #isClosed = false;

  /**
   * @param output where frames go; its errors are its owner's, who then closes this
   * @param stranger takes what is said on channels that no member has: what is late for one that is over, at least
   */
  constructor(output: Writable, stranger: (kind: number, channel: number, payload: Buffer) => void) {
    this.#output = output;
    this.#reader = new FrameReader((kind, channel, payload) => {
      if (this.#isClosed) return;
      const member = this.#members.get(channel);
      if (member === undefined) stranger(kind, channel, payload);
      else member.receive(kind, payload);
    });
    output.on('drain', () => {
      // Whoever is not done by then queues again, behind the others.
      while (!this.isFull) {
        const go = this.#waiting.shift();
        if (go === undefined) return;
        go();
      }
    });
  }

  get size(): number {
    return this.#members.size;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether the stream takes no more for now. What is not data goes out all the same: there is little of it. */
  get isFull(): boolean {
    return this.#output.writableNeedDrain;
  }

  has(channel: number): boolean {
    return this.#members.has(channel);
  }

  /** Gives a channel to a member, in place of the one that had it. */
  set(channel: number, member: Member): void {
    if (this.#isClosed) throw new Error(`channel ${channel} was asked for over a stream that is closed`);
    if (!this.#members.has(channel) && this.#members.size >= MAX_CHANNELS) {
      throw new Error(`there are ${MAX_CHANNELS} channels already`);
    }
    this.#members.set(channel, member);
  }

  delete(channel: number): void {
    this.#members.delete(channel);
  }

  send(kind: number, channel: number, payload: Uint8Array = NOTHING): void {
    if (!this.#isClosed) this.#output.write(frame(kind, channel, payload));
  }

  /** Calls back once, when the stream takes more and all who waited before have had their turn. */
  whenDrained(go: () => void): void {
    this.#waiting.push(go);
  }

  /** Takes bytes of the other side, cut anywhere. Throws a WireError; then there is nothing left but to close. */
  push(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  /** Ends every channel. The stream itself is its owner's to end. */
  close(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting.length = 0;
    const members = [...this.#members.values()];
    this.#members.clear();
    for (const member of members) member.over(reason);
  }
}

/** A connection over a channel. */
export class Channel extends Duplex implements Member {
  readonly #mux: Mux;
  readonly #id: number;
  /** What may still be sent, and what waits for more. */
  #credit = WINDOW;
  #blocked: (() => void) | null = null;
  /** What has come and was not passed on. */
  readonly #inbox: Buffer[] = [];
  #wantsMore = false;
  /** What has come and was not given back, of which so much has been passed on. */
  #unpaid = 0;
  #passedOn = 0;
  #hasEnded = false;
  #isOver = false;

  constructor(mux: Mux, id: number) {
    // What waits, waits in the inbox, where it is counted.
    super({ allowHalfOpen: true, readableHighWaterMark: 1, writableHighWaterMark: MAX_PIECE });
    this.#mux = mux;
    this.#id = id;
    mux.set(id, this);
  }

  resetAndDestroy(): this {
    return this.destroy();
  }

  receive(kind: number, payload: Buffer): void {
    if (kind === FRAME.data) this.#take(payload);
    else if (kind === FRAME.credit) this.#earn(countOf(payload));
    else if (kind === FRAME.end) {
      if (this.#hasEnded) throw new WireError('a second end of one half');
      this.#hasEnded = true;
      this.#passOn();
    } else if (kind === FRAME.reset) this.over('reset by the other side');
    else throw new WireError(`kind ${kind} on a connection`);
  }

  over(_reason: string): void {
    this.#isOver = true;
    this.destroy();
  }

  override _read(): void {
    this.#wantsMore = true;
    this.#passOn();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#give(chunk, done);
  }

  override _final(done: () => void): void {
    this.#mux.send(FRAME.end, this.#id);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const isWhole = this.#hasEnded && this.writableFinished;
    if (!this.#isOver && !isWhole) this.#mux.send(FRAME.reset, this.#id);
    if (!this.#mux.isClosed) this.#mux.delete(this.#id);
    this.#inbox.length = 0;
    this.#blocked = null;
    done(error);
  }

  #take(payload: Buffer): void {
    if (this.#hasEnded) throw new WireError('bytes after their end');
    this.#unpaid += costOf(payload.length);
    if (this.#unpaid > WINDOW) throw new WireError(`more than the ${WINDOW} bytes that may be on their way`);
    // A copy: a view would keep all alive that came with it.
    this.#inbox.push(Buffer.from(payload));
    this.#passOn();
  }

  #passOn(): void {
    while (this.#wantsMore && this.#inbox.length > 0) {
      const piece = this.#inbox.shift()!;
      this.#passedOn += costOf(piece.length);
      this.#wantsMore = this.push(piece);
    }
    if (this.#passedOn >= GIVE_BACK && !this.#hasEnded) {
      this.#mux.send(FRAME.credit, this.#id, countPayload(this.#passedOn));
      this.#unpaid -= this.#passedOn;
      this.#passedOn = 0;
    }
    if (this.#wantsMore && this.#hasEnded && this.#inbox.length === 0) {
      this.#wantsMore = false;
      this.push(null);
    }
  }

  #give(bytes: Buffer, done: () => void): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.destroyed) return;
      if (this.#mux.isFull) {
        this.#mux.whenDrained(() => this.#give(rest, done));
        return;
      }
      if (this.#credit < LEAST_COST) {
        this.#blocked = () => this.#give(rest, done);
        return;
      }
      const piece = rest.subarray(0, Math.min(MAX_PIECE, this.#credit));
      this.#credit -= costOf(piece.length);
      this.#mux.send(FRAME.data, this.#id, piece);
      rest = rest.subarray(piece.length);
    }
    done();
  }

  #earn(credit: number): void {
    this.#credit += credit;
    if (this.#credit > WINDOW) throw new WireError(`credit for more than was sent: ${this.#credit - WINDOW} bytes`);
    const blocked = this.#blocked;
    this.#blocked = null;
    blocked?.();
  }
}

function costOf(bytes: number): number {
  return Math.max(bytes, LEAST_COST);
}
