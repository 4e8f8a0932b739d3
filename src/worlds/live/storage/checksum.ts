/**
 * Checksums of what is stored: SHA-256, cut to what is kept. Long enough that damage of any kind, also a block of one
 * file that turns up in another, does not pass for what was written.
 */
import { createHash } from 'node:crypto';

/** Bytes of a checksum of content. */
export const SUM_BYTES = 16;

/**
 * Checksum of several pieces, each with its length, so that moving a byte from one to the next changes it.
 * @param purpose what it guards; the same bytes in another role have another checksum
 */
export function checksum(purpose: string, ...pieces: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(purpose).update('\0');
  const length = Buffer.alloc(8);
  for (const piece of pieces) {
    length.writeBigUInt64LE(BigInt(piece.length));
    hash.update(length).update(piece);
  }
  return hash.digest().subarray(0, SUM_BYTES);
}

/** Whole numbers as bytes, eight each, for a checksum or a file. */
export function numberBytes(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => {
    bytes.writeBigUInt64LE(BigInt(value), 8 * i);
  });
  return bytes;
}

/** Whether two checksums are the same. */
export function sameSum(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
