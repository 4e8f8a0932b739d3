/**
 * What this process and a relay say to each other, over the one stream that they have: frames with a byte for the kind,
 * four for the channel, two for the length, and a payload.
 *
 * A channel is a connection or a conversation. Channel 0 is the relay itself.
 */

/** Goes up with every change of what is said, so that nobody talks past an older one. */
export const WIRE_VERSION = 1;

export const FRAME = {
  /** From the relay, once, when it is ready: a byte with its version. */
  hello: 1,
  /** Asks whether the relay is there; */
  ping: 2,
  /** it is. */
  pong: 3,
  /** Asks for a connection, or a conversation, with a target: port (two bytes), host (text). */
  connect: 4,
  converse: 5,
  /** The connection stands. */
  opened: 6,
  /** Bytes of a connection. */
  data: 7,
  /** No more of them comes from this side. */
  end: 8,
  /** The channel is broken, or was given up: it is over on both sides. */
  reset: 9,
  /** So much (four bytes) of what was sent has been taken on. */
  credit: 10,
  /** One datagram of a conversation. */
  datagram: 11,
} as const;

const HEADER_BYTES = 7;

/** Most bytes of a payload: the length has two. It is more than the largest datagram. */
const MAX_PAYLOAD = 65_535;

export const NOTHING = Buffer.alloc(0);

/** Something that this version's other side does not say. Whoever reads it has to give the stream up. */
export class WireError extends Error {
  constructor(found: string) {
    super(`found ${found} in the stream of a relay`);
    this.name = 'WireError';
  }
}

/** A frame's bytes. Throws RangeError for a payload that is too long. */
export function frame(kind: number, channel: number, payload: Uint8Array = NOTHING): Buffer {
  if (payload.length > MAX_PAYLOAD) {
    throw new RangeError(`a payload has at most ${MAX_PAYLOAD} bytes, found ${payload.length}`);
  }
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  bytes[0] = kind;
  bytes.writeUInt32BE(channel, 1);
  bytes.writeUInt16BE(payload.length, 5);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** Puts frames together from bytes that are cut anywhere. Holds at most one frame that is not whole. */
export class FrameReader {
  readonly #read: (kind: number, channel: number, payload: Buffer) => void;
  #parts: Buffer[] = [];
  #bytes = 0;
  #wanted = HEADER_BYTES;

  /** @param read is given every frame; its payload is a view, good until the call returns */
  constructor(read: (kind: number, channel: number, payload: Buffer) => void) {
    this.#read = read;
  }

  push(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#wanted) return;
    const bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
    let at = 0;
    for (;;) {
      this.#wanted = HEADER_BYTES;
      if (bytes.length - at < HEADER_BYTES) break;
      this.#wanted += bytes.readUInt16BE(at + 5);
      if (bytes.length - at < this.#wanted) break;
      const payload = bytes.subarray(at + HEADER_BYTES, at + this.#wanted);
      this.#read(bytes[at]!, bytes.readUInt32BE(at + 1), payload);
      at += this.#wanted;
    }
    // A copy: a view would keep the whole chunk alive.
    this.#parts = at === bytes.length ? [] : [Buffer.from(bytes.subarray(at))];
    this.#bytes = bytes.length - at;
  }
}

/** The payload that asks for a target. */
export function targetPayload(host: string, port: number): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(host));
  payload.writeUInt16BE(port);
  payload.write(host, 2);
  return payload;
}

/** What such a payload asks for. Throws a WireError for one that is too short. */
export function targetOf(payload: Buffer): { readonly host: string; readonly port: number } {
  if (payload.length < 3) throw new WireError(`a target of ${payload.length} bytes`);
  return { host: payload.toString('utf8', 2), port: payload.readUInt16BE() };
}

/** A number's payload, and back. */
export function countPayload(count: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(count);
  return payload;
}

export function countOf(payload: Buffer): number {
  if (payload.length !== 4) throw new WireError(`a number of ${payload.length} bytes`);
  return payload.readUInt32BE();
}
