/**
 * A recording as bytes: a head, then records in order, each with its length and a checksum. Messages are kept in the bytes
 * in which they travel; everything else in the platform's own serialisation, which keeps whole numbers of any size, bytes,
 * maps and what is absent. A recording is read by the engine that wrote it, and by nobody who did not.
 */
import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import type { Input, Time } from '../../actors/actor.ts';
import type { Effect } from './effect.ts';
import type { MessageCodec } from './ports.ts';
import type { RecordingHead } from './recorder.ts';

/** Largest record. */
export const MAX_RECORD_BYTES = 512 * 1024 * 1024;

/** Bytes of a record before its content: length and checksum. */
export const RECORD_HEAD_BYTES = 8;

export type RecordedEntry<Message, Request> =
  | ({ readonly kind: 'head'; readonly format: number } & RecordingHead)
  | { readonly kind: 'input'; readonly index: number; readonly now: Time; readonly input: Input<Message, Request> }
  | { readonly kind: 'effect'; readonly index: number; readonly effect: Effect<Message> }
  /** What comes after this was not recorded. */
  | { readonly kind: 'end'; readonly reason: string };

export const FORMAT = 1;

export function encodeEntry<Message, Request>(
  entry: RecordedEntry<Message, Request>,
  codec: MessageCodec<Message>,
): Buffer {
  const content = serialize(withMessage(entry, message => codec.encode(message as Message)));
  if (content.length > MAX_RECORD_BYTES) {
    throw new RangeError(`a record has at most ${MAX_RECORD_BYTES} bytes, found ${content.length}`);
  }
  const head = Buffer.alloc(RECORD_HEAD_BYTES);
  head.writeUInt32LE(content.length, 0);
  head.writeUInt32LE(crc32(content), 4);
  return Buffer.concat([head, content]);
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
