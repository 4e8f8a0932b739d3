/**
 * Every message that participants send each other, as bytes.
 *
 * The table below is the whole of it: a message that is not in it, or has other fields than its type says, does not
 * compile. Tags are forever: what is not sent any more leaves a gap. Like all canonical bytes these have one form for
 * each value, and what is read has been checked in form: integers are safe, texts are well-formed, lists, texts and
 * bytes keep to their limits. What a message claims is for whoever gets it to check, signatures among it.
 */
import { header } from '../protocol/chain/block.ts';
import { CHUNK_BYTES } from '../protocol/chain/snapshot-manifest.ts';
import { readTransaction, type Transaction } from '../protocol/chain/transaction.ts';
import { address } from '../protocol/codec/address.ts';
import { ByteWriter } from '../protocol/codec/bytes.ts';
import { DecodeError, EncodeError } from '../protocol/codec/errors.ts';
import {
  bool,
  byteString,
  type Codec,
  decode,
  encode,
  type StructCodec,
  struct,
  tagged,
  text,
  uint,
  uintUpTo,
} from '../protocol/codec/struct.ts';
import { valueId } from '../protocol/consensus/types.ts';
import { MAX_MESSAGE_BYTES } from './actor.ts';
import {
  addresses,
  part,
  pieceBytes,
  pieceCount,
  pieceIndex,
  proposal,
  proposalsTold,
  roundOrNone,
  validatorOrNone,
  valuesTold,
  votes,
  votesHeld,
} from './gossip-shapes.ts';
import { LEASE_MESSAGES } from './lease-wire-shapes.ts';
import {
  commit,
  events,
  fromMinusOne,
  hash,
  lightBlock,
  members,
  nullable,
  provenLeaves,
  topic,
  topicBatches,
  topics,
} from './light-shapes.ts';
import { answer, query } from './query-shapes.ts';
import { MAX_LARGE_BYTES, MAX_PIECES, type Wire } from './wire.ts';

/** Its bytes are those that were signed, so that whoever reads them has the same transaction and checks it anew. */
const transaction: Codec<Transaction> = {
  write: (w, tx) => tx.write(w),
  read: readTransaction,
};
const tx = struct({ tx: transaction });
const chainId = text(64);
const height = uint;
const chunk = struct({ height, index: uint, bytes: nullable(byteString(CHUNK_BYTES)) });

/** By type: the tag that stands for it, and what follows. Codes and details are as long as those of receipts. */
const MESSAGES = {
  submit: [1, tx],
  refused: [2, struct({ account: address, nonce: uint, code: text(64), detail: text(1_024) })],
  subscribe: [3, struct({ topics })],
  events: [4, struct({ height, time: uint, topic, events, nonce: fromMinusOne })],
  query: [5, struct({ query })],
  answer: [6, struct({ answer })],
  follow: [7, struct({ serial: uint, from: uint, topics })],
  header: [
    8,
    struct({
      serial: uint,
      header,
      commit,
      nextValidators: nullable(members),
      batches: topicBatches,
      leaves: provenLeaves,
    }),
  ],
  piece: [9, struct({ index: uintUpTo(MAX_PIECES - 1), total: uintUpTo(MAX_PIECES), bytes: pieceBytes })],
  hello: [17, struct({ chainId, validator: validatorOrNone, height })],
  proposal: [18, struct({ proposal })],
  part: [19, struct({ height, value: valueId, root: hash, part })],
  votes: [20, struct({ votes })],
  inventory: [
    21,
    struct({
      height,
      round: roundOrNone,
      votes: votesHeld,
      proposals: proposalsTold,
      values: valuesTold,
      decided: bool,
    }),
  ],
  ahead: [22, struct({ height, oldest: uint })],
  getBlock: [23, struct({ height })],
  block: [24, struct({ height, index: pieceIndex, total: pieceCount, bytes: pieceBytes, newest: uint })],
  relay: [25, tx],
  getLight: [26, struct({ height })],
  light: [27, struct({ height, block: nullable(lightBlock) })],
  getSnapshot: [28, struct({})],
  snapshot: [29, struct({ manifest: nullable(byteString(MAX_MESSAGE_BYTES)) })],
  getChunk: [30, struct({ height, index: uint })],
  chunk: [31, chunk],
  links: [32, struct({ lacks: addresses })],
  ...LEASE_MESSAGES,
} as const satisfies {
  readonly [T in Wire['type']]: readonly [
    tag: number,
    codec: StructCodec<Omit<Extract<Wire, { readonly type: T }>, 'type'>>,
  ];
};

const wire = tagged('type', MESSAGES);

/** The bytes of a message. Throws EncodeError on one that has none, or more than MAX_MESSAGE_BYTES. */
export function encodeWire(message: Wire): Uint8Array {
  const bytes = encode(wire, message);
  if (bytes.length > MAX_MESSAGE_BYTES) {
    throw new EncodeError(`${message.type} of ${bytes.length} bytes`, `at most ${MAX_MESSAGE_BYTES} bytes`);
  }
  return bytes;
}

/** The message of these bytes. Throws DecodeError, and nothing else, on bytes that no well-behaved peer sends. */
export function decodeWire(bytes: Uint8Array): Wire {
  return decodeUpTo(MAX_MESSAGE_BYTES, bytes);
}

/** The bytes of a message that may go out in pieces, however many they are. Throws EncodeError on one that has none. */
export function encodeLarge(message: Wire): Uint8Array {
  // In memory of its own: the one that all share never shrinks.
  const writer = new ByteWriter(2 * MAX_MESSAGE_BYTES);
  wire.write(writer, message);
  return writer.take();
}

/** The same as `decodeWire` for bytes that came in pieces, of which there may be MAX_LARGE_BYTES. */
export function decodeLarge(bytes: Uint8Array): Wire {
  return decodeUpTo(MAX_LARGE_BYTES, bytes);
}

function decodeUpTo(most: number, bytes: Uint8Array): Wire {
  if (bytes.length > most) throw new DecodeError(0, `${bytes.length} bytes`, `a message of at most ${most} bytes`);
  return decode(wire, bytes);
}

/** Both, for a world that carries bytes. */
export const wireCodec = Object.freeze({ encode: encodeWire, decode: decodeWire });
