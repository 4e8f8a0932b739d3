/**
 * A recording as bytes: records in order, the first of which says what it is. Messages are kept in the bytes in which they
 * travel; everything else in the platform's own serialisation, which keeps whole numbers of any size, bytes, maps and
 * what is absent. A recording is read by the engine that wrote it, and by nobody who did not.
 *
 * Before its content a record has a head of 16 bytes, each field a whole number of 32 bits, the least byte first:
 *
 *   length   of the content
 *   sum      CRC-32 of the content: whether it is what was written
 *   chain    CRC-32 over the sums of all records up to this one: whether it stands where it was written
 *   head     CRC-32 of the three above, so that a rotten length is not taken for a torn end
 */
import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import type { Input, Time } from '../../actors/actor.ts';
import type { Effect } from './effect.ts';
import type { MessageCodec } from './ports.ts';
import type { RecordingEnd, RecordingHead } from './recorder.ts';

/** Largest record. */
export const MAX_RECORD_BYTES = 512 * 1024 * 1024;

/** Bytes of a record before its content. */
export const RECORD_HEAD_BYTES = 16;

export type RecordedEntry<Message, Request> =
  | ({
      readonly kind: 'head';
      readonly format: number;
      /** What its recorder was given to keep: all that makes the same actor again. */
      readonly origin: unknown;
    } & RecordingHead)
  | { readonly kind: 'input'; readonly index: number; readonly now: Time; readonly input: Input<Message, Request> }
  | { readonly kind: 'effect'; readonly index: number; readonly effect: Effect<Message> }
  /** What the actor let be seen beside its effects. */
  | { readonly kind: 'shown'; readonly value: unknown }
  /** What comes after this was not recorded. */
  | ({ readonly kind: 'end' } & RecordingEnd);

export const FORMAT = 2;

/** What stands before a record's content. */
export interface RecordHead {
  readonly length: number;
  readonly sum: number;
  readonly chain: number;
}

/** The chain before the first record. */
export const FIRST_CHAIN = 0;

/** The chain up to a record with this sum. */
export function chained(chain: number, sum: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(sum);
  return crc32(bytes, chain);
}

/**
 * A record as bytes.
 * @param before the chain of the record before it
 * @returns the bytes, and the chain up to this record
 */
export function encodeEntry<Message, Request>(
  entry: RecordedEntry<Message, Request>,
  codec: MessageCodec<Message>,
  before: number,
): { readonly bytes: Buffer; readonly chain: number } {
  const content = serialize(withMessage(entry, message => codec.encode(message as Message)));
  if (content.length > MAX_RECORD_BYTES) {
    throw new RangeError(`a record has at most ${MAX_RECORD_BYTES} bytes, found ${content.length}`);
  }
  const sum = crc32(content);
  const chain = chained(before, sum);
  const head = Buffer.alloc(RECORD_HEAD_BYTES);
  head.writeUInt32LE(content.length, 0);
  head.writeUInt32LE(sum, 4);
  head.writeUInt32LE(chain, 8);
  head.writeUInt32LE(crc32(head.subarray(0, 12)), 12);
  return { bytes: Buffer.concat([head, content]), chain };
}

/** The head of the record at a place; null when it is not what was written. There must be enough bytes for one. */
export function readRecordHead(bytes: Buffer, at: number): RecordHead | null {
  if (crc32(bytes.subarray(at, at + 12)) !== bytes.readUInt32LE(at + 12)) return null;
  return { length: bytes.readUInt32LE(at), sum: bytes.readUInt32LE(at + 4), chain: bytes.readUInt32LE(at + 8) };
}

/** The entry of a record's content; null when it is not what was written. */
export function decodeEntry<Message, Request>(
  content: Buffer,
  sum: number,
  codec: MessageCodec<Message>,
): RecordedEntry<Message, Request> | null {
  if (crc32(content) !== sum) return null;
  const entry = deserialize(content) as RecordedEntry<Message, Request>;
  return withMessage(entry, bytes => codec.decode(bytes as Uint8Array));
}

/** The entry with its message, if there is one, in another form. */
function withMessage<Message, Request>(
  entry: RecordedEntry<Message, Request>,
  change: (message: unknown) => unknown,
): RecordedEntry<Message, Request> {
  if (entry.kind === 'input' && entry.input.kind === 'message') {
    return { ...entry, input: { ...entry.input, message: change(entry.input.message) as Message } };
  }
  if (entry.kind === 'effect' && entry.effect.kind === 'send') {
    return { ...entry, effect: { ...entry.effect, message: change(entry.effect.message) as Message } };
  }
  return entry;
}
