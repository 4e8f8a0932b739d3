/**
 * The stream of entries that a snapshot is cut from: the name and the bytes of each leaf, in one order for everybody,
 * so that equal states have equal snapshots. An entry may lie across chunks; neither side ever holds the whole stream.
 *
 *     entry = length of the rest (4 bytes, most significant first), name of the leaf, bytes of the leaf
 *
 * Kinds come in the order of LEAF_KINDS, the leaves of a kind in byte order of their names.
 */
import { ByteReader, ByteWriter, equalBytes } from '../codec/bytes.ts';
import { DecodeError, EncodeError } from '../codec/errors.ts';
import { compareTexts } from '../codec/utf8.ts';
import type { State } from '../model/state.ts';
import { LEAF_KINDS, type LeafKind, leafBytes, partsOfLeaf } from './leaves.ts';
import { CHUNK_BYTES, SnapshotError } from './snapshot-manifest.ts';

const MAX_NAME_BYTES = 512;
const LENGTH_BYTES = 4;
const MAX_ENTRY_BYTES = 2 ** 32 - 1;

/** Cuts a stream into chunks of CHUNK_BYTES. */
class ChunkCutter {
  readonly chunks: Uint8Array[] = [];
  #chunk = new Uint8Array(CHUNK_BYTES);
  #used = 0;

  push(bytes: Uint8Array): void {
    let from = 0;
    while (from < bytes.length) {
      const to = Math.min(bytes.length, from + CHUNK_BYTES - this.#used);
      this.#chunk.set(bytes.subarray(from, to), this.#used);
      this.#used += to - from;
      from = to;
      if (this.#used === CHUNK_BYTES) {
        this.chunks.push(this.#chunk);
        this.#chunk = new Uint8Array(CHUNK_BYTES);
        this.#used = 0;
      }
    }
  }

  /** All chunks, the last as short as it is. */
  end(): Uint8Array[] {
    if (this.#used > 0) this.chunks.push(this.#chunk.slice(0, this.#used));
    this.#used = 0;
    return this.chunks;
  }
}

/** The entries of a whole state, cut into chunks. */
export function writeEntries(state: State): Uint8Array[] {
  const cutter = new ChunkCutter();
  const writer = new ByteWriter(65_536);
  const prefix = new Uint8Array(LENGTH_BYTES);
  for (const kind of LEAF_KINDS) {
    for (const name of [...kind.names(state)].sort(compareTexts)) {
      writer.reset();
      writer.text(name, MAX_NAME_BYTES);
      if (!kind.write(writer, state, name.slice(kind.kind.length + 1))) throw new Error(`leaf ${name} has no bytes`);
      const { length } = writer;
      if (length > MAX_ENTRY_BYTES) throw new Error(`leaf ${name} has ${length} bytes`);
      for (let i = 0; i < LENGTH_BYTES; i++) prefix[i] = length >>> (8 * (LENGTH_BYTES - 1 - i));
      cutter.push(prefix);
      cutter.push(writer.view());
    }
  }
  return cutter.end();
}

function lengthAt(bytes: Uint8Array, at: number): number {
  let length = 0;
  for (let i = 0; i < LENGTH_BYTES; i++) length = length * 256 + (bytes[at + i] as number);
  return length;
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * Restores a state from chunks given one after the other. After an error it is of no use any more, nor is the state.
 * Everything throws SnapshotError for bytes that are not the entries of a state.
 */
export class EntryReader {
  readonly #state: State;
  readonly #writer = new ByteWriter(65_536);
  #parts: Uint8Array[] = [];
  #size = 0;
  /** Nothing can be read before there are so many bytes. */
  #needed = LENGTH_BYTES;
  /** Of what there is one leaf in every state: those that have not come yet. */
  readonly #awaited = new Set(LEAF_KINDS.filter(one => one.isSingle));
  #lastKind: LeafKind | null = null;
  #lastName = '';

  constructor(state: State) {
    this.#state = state;
  }

  /** Restores the entries that end in this chunk. The bytes must not change while the reader is in use. */
  push(chunk: Uint8Array): void {
    this.#parts.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#needed) return;
    const bytes = joined(this.#parts, this.#size);
    let at = 0;
    this.#needed = LENGTH_BYTES;
    while (bytes.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + lengthAt(bytes, at);
      if (end > bytes.length) {
        this.#needed = end - at;
        break;
      }
      this.#restore(bytes, at + LENGTH_BYTES, end);
      at = end;
    }
    this.#size = bytes.length - at;
    this.#parts = this.#size === 0 ? [] : [bytes.subarray(at)];
  }

  /** Refuses a stream that ends within an entry, or lacks what every state has. */
  end(): void {
    if (this.#size > 0) throw new SnapshotError('entry', `the entries end within one, after leaf ${this.#lastName}`);
    const [missing] = this.#awaited;
    if (missing !== undefined) throw new SnapshotError('entry', `there is no leaf ${missing.kind}`);
  }

  #restore(bytes: Uint8Array, from: number, end: number): void {
    const reader = new ByteReader(bytes, from, end);
    let name = `after ${this.#lastName}`;
    try {
      name = reader.text(MAX_NAME_BYTES);
      const parts = partsOfLeaf(name);
      if (parts === undefined) throw reader.error('an unknown leaf', 'the name of a leaf', 0);
      this.#follow(parts.kind, name);
      const value = from + reader.offset;
      const rest = new ByteReader(bytes, value, end);
      parts.kind.restore(rest, this.#state, parts.key);
      rest.end();
      // A field that is said twice, or follows from others, may have been said otherwise.
      const again = leafBytes(this.#state, name, this.#writer);
      if (again === null || !equalBytes(again, bytes.subarray(value, end))) {
        throw rest.error('fields that contradict each other', 'the leaf of the rows in it', 0);
      }
    } catch (error) {
      if (error instanceof DecodeError || error instanceof EncodeError)
        throw new SnapshotError('entry', `leaf ${name}: ${error.message}`);
      throw error;
    }
  }

  /** Each leaf comes once, in its place. */
  #follow(kind: LeafKind, name: string): void {
    const place = LEAF_KINDS.indexOf(kind);
    const last = this.#lastKind === null ? -1 : LEAF_KINDS.indexOf(this.#lastKind);
    const follows = place > last || (place === last && compareTexts(this.#lastName, name) < 0);
    if (!follows) throw new SnapshotError('entry', `leaf ${name} after ${this.#lastName || 'nothing'} is out of order`);
    this.#awaited.delete(kind);
    this.#lastKind = kind;
    this.#lastName = name;
  }
}
