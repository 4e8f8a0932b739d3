/**
 * Frames: how messages are told apart on a stream of bytes. A frame is four bytes of length (big-endian, of the payload),
 * one byte of type, and the payload.
 *
 * The header is judged before anything of the payload is kept: a frame of a type that has no place at this moment, or
 * longer than its type may be, ends the connection there. What is kept of a payload grows with what has come of it, at
 * most twice as large, so that announcing costs the one who announces.
 */
import { MAX_MESSAGE_BYTES } from '../../../actors/actor.ts';

/** What HELLO and WELCOME hold: the version of the frames that follow. */
export const VERSION = 1;

/** One message, as the participant's codec wrote it. */
export const MESSAGE = 1;
/** Are you there? Answered by PONG. */
export const PING = 2;
export const PONG = 3;
/** How many messages, and how many bytes of them, were taken in so far. Two 8-byte numbers. */
export const TAKEN = 4;
/** The caller's greeting: one byte of version. */
export const HELLO = 5;
/** The answer to it: the connection stands. One byte of version. */
export const WELCOME = 6;
/** Instead of WELCOME: why not, in UTF-8. */
export const REFUSED = 7;
/** Nothing follows. One byte says why. */
export const BYE = 8;

/** Longest payload of each type; what stands here is all that there is. */
export const MAX_PAYLOAD: Readonly<Record<number, number>> = {
  [MESSAGE]: MAX_MESSAGE_BYTES,
  [PING]: 0,
  [PONG]: 0,
  [TAKEN]: 16,
  [HELLO]: 16,
  [WELCOME]: 16,
  [REFUSED]: 512,
  [BYE]: 1,
};

export const HEADER_BYTES = 5;

/** The kept part of a payload begins at this size. */
const FIRST_ROOM = 4_096;

export interface Frame {
  readonly type: number;
  /** A copy that belongs to whoever takes the frame. */
  readonly payload: Uint8Array;
}

/** What the other end sent is not of our protocol; the message says what was found. */
export class MalformedFrame extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedFrame';
  }
}

/** The header of a frame. Throws RangeError when the payload is too long for the type. */
export function frameHeader(type: number, length: number): Uint8Array {
  const most = MAX_PAYLOAD[type];
  if (most === undefined || length > most) {
    throw new RangeError(`a frame of type ${type} has at most ${most ?? 0} bytes, found ${length}`);
  }
  const header = new Uint8Array(HEADER_BYTES);
  new DataView(header.buffer).setUint32(0, length);
  header[4] = type;
  return header;
}

/** A whole frame. Throws as `frameHeader`. */
export function frameOf(type: number, payload: Uint8Array): Uint8Array {
  const header = frameHeader(type, payload.length);
  const frame = new Uint8Array(HEADER_BYTES + payload.length);
  frame.set(header);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** Takes a stream apart into frames. */
export class FrameDecoder {
  readonly #admits: (type: number) => boolean;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerFilled = 0;
  #type = 0;
  #length = 0;
  #room: Uint8Array | null = null;
  #filled = 0;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** @param admits whether a frame of this type has a place at this moment */
  constructor(admits: (type: number) => boolean) {
    this.#admits = admits;
  }

  /** Whether a frame has begun and not ended. */
  get isWithinFrame(): boolean {
    return this.#headerFilled > 0;
  }

  /** Whether bytes wait that `next` has not looked at. */
  get hasRest(): boolean {
    return this.#at < this.#chunk.length;
  }

  /** Hands over the next bytes. Those before must have been taken: the decoder holds one chunk only. */
  push(chunk: Uint8Array): void {
    if (this.hasRest) throw new Error(`the decoder still holds ${this.#chunk.length - this.#at} bytes`);
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** The next whole frame; null when more bytes are needed. Throws MalformedFrame. */
  next(): Frame | null {
    if (this.#headerFilled < HEADER_BYTES && !this.#readHeader()) return null;
    const { length } = this.#chunk;
    if (this.#room === null && length - this.#at >= this.#length) {
      const payload = copyOf(this.#chunk, this.#at, this.#at + this.#length);
      this.#at += this.#length;
      return this.#finish(payload);
    }
    const taken = Math.min(length - this.#at, this.#length - this.#filled);
    if (taken === 0) return null;
    const room = this.#roomFor(this.#filled + taken);
    room.set(this.#chunk.subarray(this.#at, this.#at + taken), this.#filled);
    this.#filled += taken;
    this.#at += taken;
    if (this.#filled < this.#length) return null;
    return this.#finish(room.length === this.#length ? room : copyOf(room, 0, this.#length));
  }

  /** Forgets everything that it holds. */
  clear(): void {
    this.#chunk = new Uint8Array(0);
    this.#at = 0;
    this.#room = null;
    this.#filled = 0;
    this.#headerFilled = 0;
  }

  #readHeader(): boolean {
    while (this.#headerFilled < HEADER_BYTES && this.hasRest) {
      this.#header[this.#headerFilled++] = this.#chunk[this.#at++]!;
    }
    if (this.#headerFilled < HEADER_BYTES) return false;
    this.#length = new DataView(this.#header.buffer).getUint32(0);
    this.#type = this.#header[4]!;
    const most = MAX_PAYLOAD[this.#type];
    if (most === undefined) throw new MalformedFrame(`a frame of type ${this.#type}, which there is not`);
    if (this.#length > most) {
      throw new MalformedFrame(
        `a frame of type ${this.#type} has at most ${most} bytes, ${this.#length} were announced`,
      );
    }
    if (!this.#admits(this.#type)) throw new MalformedFrame(`a frame of type ${this.#type} has no place here`);
    return true;
  }

  /** Room for so many bytes of the payload, with those that are there. */
  #roomFor(bytes: number): Uint8Array {
    const present = this.#room;
    if (present !== null && present.length >= bytes) return present;
    const size = Math.min(this.#length, Math.max(FIRST_ROOM, bytes, (present?.length ?? 0) * 2));
    const room = new Uint8Array(size);
    if (present !== null) room.set(present);
    this.#room = room;
    return room;
  }

  #finish(payload: Uint8Array): Frame {
    this.#headerFilled = 0;
    this.#filled = 0;
    this.#room = null;
    return { type: this.#type, payload };
  }
}

/** A plain array of its own: chunks are parts of pools, and a Buffer's `slice` would not copy. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}
