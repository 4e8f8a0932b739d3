/**
 * The bytes of a log: segment files, each a header and then frames, one for each entry and each truncation.
 *
 * A frame's head has a checksum of its own, so that one whose entry has rotted can still be named, and be passed over
 * where it was truncated long ago. All checksums know their segment: what an older file left on the device is nothing.
 */
import { checksum, numberBytes, SUM_BYTES, sameSum } from './checksum.ts';

/** Where a new segment begins. */
export const SEGMENT_BYTES = 8 * 1024 * 1024;
/** Largest entry of the log. */
export const MAX_ENTRY_BYTES = 4 * 1024 * 1024;

const MAGIC = Buffer.from('ORRLOG01');
const HEADER_BODY_BYTES = MAGIC.length + 3 * 8;
export const HEADER_BYTES = HEADER_BODY_BYTES + SUM_BYTES;

const HEAD_SUM_BYTES = 8;
const HEAD_BODY_BYTES = 4 + 4 + 8 + SUM_BYTES;
export const FRAME_HEAD_BYTES = HEAD_BODY_BYTES + HEAD_SUM_BYTES;

/** No segment is larger: what is too much for one that is nearly full begins the next. */
export const MAX_SEGMENT_BYTES = SEGMENT_BYTES + FRAME_HEAD_BYTES + MAX_ENTRY_BYTES;

export const ENTRY = 1;
/** Entries before the frame's index are dropped. */
export const TRUNCATION = 2;

export interface SegmentHeader {
  readonly segment: number;
  /** Number of the first entry that is or will be in it. */
  readonly firstEntry: number;
  /** What the log had been truncated to when the segment began. */
  readonly firstIndex: number;
}

export interface Frame {
  readonly kind: number;
  readonly index: number;
  /** Null when it is damaged although the head is whole. */
  readonly entry: Buffer | null;
  /** Where the next frame begins. */
  readonly end: number;
}

/** `log-00000001.segment` */
export function segmentName(segment: number): string {
  return `log-${String(segment).padStart(8, '0')}.segment`;
}

/** The number of a segment file; null for a file that is none. */
export function segmentNumber(name: string): number | null {
  const match = /^log-(\d{8,15})\.segment$/.exec(name);
  return match === null || segmentName(Number(match[1])) !== name ? null : Number(match[1]);
}

export function encodeHeader({ segment, firstEntry, firstIndex }: SegmentHeader): Buffer {
  const body = Buffer.concat([MAGIC, numberBytes(segment, firstEntry, firstIndex)]);
  return Buffer.concat([body, checksum('segment', body)]);
}

/** The header of a segment file; null when it is not whole, or that of another segment. */
export function parseHeader(bytes: Buffer, segment: number): SegmentHeader | null {
  const body = bytes.subarray(0, HEADER_BODY_BYTES);
  if (bytes.length < HEADER_BYTES || !body.subarray(0, MAGIC.length).equals(MAGIC)) return null;
  if (!sameSum(bytes.subarray(HEADER_BODY_BYTES, HEADER_BYTES), checksum('segment', body))) return null;
  const [found, firstEntry, firstIndex] = [0, 1, 2].map(i => Number(body.readBigUInt64LE(MAGIC.length + 8 * i)));
  return found === segment ? { segment, firstEntry: firstEntry!, firstIndex: firstIndex! } : null;
}

export function encodeFrame(segment: number, kind: number, index: number, entry: Uint8Array): Buffer {
  const frame = Buffer.alloc(FRAME_HEAD_BYTES + entry.length);
  frame.writeUInt32LE(entry.length, 0);
  frame.writeUInt32LE(kind, 4);
  frame.writeBigUInt64LE(BigInt(index), 8);
  checksum('entry', entry).copy(frame, 16);
  headSum(segment, frame).copy(frame, HEAD_BODY_BYTES);
  frame.set(entry, FRAME_HEAD_BYTES);
  return frame;
}

/** The frame that begins there; null when its head is not whole, or it ends beyond the bytes. */
export function parseFrame(segment: number, bytes: Buffer, offset: number): Frame | null {
  const head = bytes.subarray(offset, offset + FRAME_HEAD_BYTES);
  if (head.length < FRAME_HEAD_BYTES || !sameSum(head.subarray(HEAD_BODY_BYTES), headSum(segment, head))) return null;
  const length = head.readUInt32LE(0);
  const end = offset + FRAME_HEAD_BYTES + length;
  if (length > MAX_ENTRY_BYTES || end > bytes.length) return null;
  const entry = bytes.subarray(offset + FRAME_HEAD_BYTES, end);
  const whole = sameSum(head.subarray(16, HEAD_BODY_BYTES), checksum('entry', entry));
  const index = Number(head.readBigUInt64LE(8));
  return { kind: head.readUInt32LE(4), index, entry: whole ? entry : null, end };
}

function headSum(segment: number, head: Buffer): Buffer {
  return checksum('head', numberBytes(segment), head.subarray(0, HEAD_BODY_BYTES)).subarray(0, HEAD_SUM_BYTES);
}
