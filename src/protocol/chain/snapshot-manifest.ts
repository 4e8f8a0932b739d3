/**
 * The manifest of a snapshot: where in the chain it was taken, and the hashes of its chunks.
 *
 * A manifest and its chunks come from a node that need not be trusted. Its checksum finds what was damaged on the way or
 * on a disk; that it is not invented is shown only by what is known of the chain from elsewhere: the next header, which
 * a light client has verified, names the newest block, the app hash and the roots. What the chunks hold is covered by
 * the app hash.
 */
import { equalBytes } from '../codec/bytes.ts';
import { DecodeError } from '../codec/errors.ts';
import { HASH_BYTES, sha256 } from '../codec/sha256.ts';
import { type CodecType, decode, encode, fixedBytes, list, optional, struct, text, uint } from '../codec/struct.ts';
import { type Header, header, headerHash, NO_HASH } from './block.ts';

/** Of the format. Another one means other bytes, not other rules. */
export const SNAPSHOT_VERSION = 2;
/** Size of every chunk but the last, which has from one byte up to this. A message has room for it. */
export const CHUNK_BYTES = 200 * 1024;
/** 1.4 GiB of state; the manifest still fits into one message. */
export const MAX_CHUNKS = 7_500;

/**
 * What is wrong with a snapshot, for programs: `manifest` or `chunk`: not what was promised, or damaged; `entry`: bytes
 * that are no rows; `trust`: not the place in the chain that is known to be true; `app-hash`: rows that are not the
 * state that the chain committed to.
 */
export type SnapshotFault = 'manifest' | 'chunk' | 'entry' | 'trust' | 'app-hash';

/** A snapshot that no chain can be started from. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
  readonly fault: SnapshotFault;
  constructor(fault: SnapshotFault, detail: string) {
    super(`snapshot: ${detail}`);
    this.fault = fault;
  }
}

const hash = fixedBytes(HASH_BYTES);
const manifest = struct({
  version: uint,
  chainId: text(64),
  /** Of the newest block; undefined at genesis. */
  header: optional(header),
  /** What the next header says of the newest block. */
  appHash: hash,
  receipts: hash,
  events: hash,
  /** Bytes of all chunks together. */
  size: uint,
  /** SHA-256 of each chunk. */
  chunks: list(hash, MAX_CHUNKS),
});
export type Manifest = CodecType<typeof manifest>;

/** What is known to be true of the chain at a height, from anywhere but the snapshot. */
export interface TrustedPoint {
  readonly height: number;
  /** Hash of the block of that height; zero for genesis. */
  readonly parent: Uint8Array;
  /** Of the state after it, and the roots of its receipts and events. */
  readonly appHash: Uint8Array;
  readonly receipts: Uint8Array;
  readonly events: Uint8Array;
}

/** What a header that was verified says of the height before it. */
export function trustedPointOf(next: Header): TrustedPoint {
  const { parent, appHash, receipts, events } = next;
  return { height: next.height - 1, parent, appHash, receipts, events };
}

/** Height of the newest block in a snapshot. */
export function heightOf({ header: newest }: Manifest): number {
  return newest?.height ?? 0;
}

/** The canonical bytes of a manifest, with a checksum. */
export function encodeManifest(one: Manifest): Uint8Array {
  const bytes = encode(manifest, one);
  const sealed = new Uint8Array(bytes.length + HASH_BYTES);
  sealed.set(bytes);
  sealed.set(sha256(bytes), bytes.length);
  return sealed;
}

/** Names a snapshot: nodes that follow the same chain take the same one at a height. */
export function snapshotId(one: Manifest): Uint8Array {
  return sha256(encode(manifest, one));
}

/** Reads a manifest. Throws SnapshotError unless the bytes are undamaged, canonical, and agree with each other. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const end = bytes.length - HASH_BYTES;
  if (end < 0 || !equalBytes(sha256(bytes.subarray(0, end)), bytes.subarray(end))) {
    throw new SnapshotError('manifest', 'the checksum of the manifest is wrong');
  }
  const one = readManifest(bytes.subarray(0, end));
  checkManifest(one);
  return one;
}

function readManifest(bytes: Uint8Array): Manifest {
  try {
    return decode(manifest, bytes);
  } catch (error) {
    if (error instanceof DecodeError) throw new SnapshotError('manifest', `the manifest: ${error.message}`);
    throw error;
  }
}

/** Number of bytes that a chunk has. */
export function chunkLength({ size, chunks }: Manifest, index: number): number {
  return index < chunks.length - 1 ? CHUNK_BYTES : size - (chunks.length - 1) * CHUNK_BYTES;
}

/** Throws SnapshotError unless the parts of a manifest agree with each other. */
export function checkManifest(one: Manifest): void {
  const expect = (holds: boolean, what: string): void => {
    if (!holds) throw new SnapshotError('manifest', what);
  };
  const { version, chainId, header: newest, size, chunks } = one;
  expect(version === SNAPSHOT_VERSION, `version ${version}, expected ${SNAPSHOT_VERSION}`);
  expect(size > 0 && chunks.length === Math.ceil(size / CHUNK_BYTES), `${chunks.length} chunks for ${size} bytes`);
  if (newest === undefined) {
    const roots = [one.receipts, one.events];
    expect(
      roots.every(root => equalBytes(root, NO_HASH)),
      'a root of receipts or events at genesis, which has none',
    );
    return;
  }
  expect(newest.height > 0, 'a block of height 0');
  expect(newest.chainId === chainId, `a block of chain ${newest.chainId} in a snapshot of ${chainId}`);
}

/** Throws SnapshotError, which says in what they differ, unless a manifest is of the point that is trusted. */
export function checkTrust(one: Manifest, trusted: TrustedPoint): void {
  const expect = (holds: boolean, what: string): void => {
    if (!holds) throw new SnapshotError('trust', what);
  };
  const height = heightOf(one);
  const block = one.header === undefined ? NO_HASH : headerHash(one.header);
  expect(height === trusted.height, `height ${height}, expected ${trusted.height}`);
  expect(equalBytes(block, trusted.parent), `its newest block is not the chain's at height ${height}`);
  expect(equalBytes(one.appHash, trusted.appHash), `its app hash is not the chain's at height ${height}`);
  expect(equalBytes(one.receipts, trusted.receipts), `its receipts root is not the chain's at height ${height}`);
  expect(equalBytes(one.events, trusted.events), `its events root is not the chain's at height ${height}`);
  expect(!equalBytes(trusted.appHash, NO_HASH), `the chain committed to no state at height ${height}`);
}
