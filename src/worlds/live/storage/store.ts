/**
 * The key-value store: values in SQLite (write-ahead log, every commit synced), with an index of all keys in memory.
 *
 * SQLite notices some damage and not other: a bit in a key moves an entry elsewhere, a bit in its log takes the newest
 * commits away, and neither is an error to it. So each entry has a checksum, all keys and checksums together have a
 * digest that is part of every commit, and the mark beside the log knows the newest one. The index is built and held
 * against the digest once, at the start; from then on it says what there is, and SQLite only keeps the values, each of
 * which is held against the index when it is read.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { checksum, numberBytes, sameSum } from './checksum.ts';
import { StorageDamaged, StorageFailure, storageFailure } from './failure.ts';
import { ensurePrivateFile } from './lock.ts';
import { DIGEST_BYTES, type Mark } from './mark.ts';

/** Largest key, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 1_024;
/** Largest value. */
export const MAX_VALUE_BYTES = 256 * 1024 * 1024;
/** Most keys: all of them are in memory. */
export const MAX_KEYS = 4_000_000;
/** Most bytes that one scan returns. */
export const MAX_SCAN_BYTES = 1024 * 1024 * 1024;

/** What the store wants of SQLite. */
export type StoreDatabase = Pick<DatabaseSync, 'exec' | 'prepare' | 'close'>;

type Statement = ReturnType<DatabaseSync['prepare']>;

interface IndexEntry {
  /** Row in the database. */
  readonly id: number;
  readonly sum: Uint8Array;
}

const FILE = 'store.sqlite';
const FORMAT = 1;
const TABLES = `
  CREATE TABLE IF NOT EXISTS entry
    (id INTEGER PRIMARY KEY, key BLOB NOT NULL, sum BLOB NOT NULL, value BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS state
    (id INTEGER PRIMARY KEY, format INTEGER NOT NULL, commits INTEGER NOT NULL, digest BLOB NOT NULL) STRICT;
  INSERT OR IGNORE INTO state VALUES (0, ${FORMAT}, 0, zeroblob(${DIGEST_BYTES}));`;

/** The sum of a digest per entry, in two halves; adding and taking away one entry costs the same whatever there is. */
class Digest {
  private readonly halves = new BigUint64Array(2);

  change(key: Uint8Array, { id, sum }: IndexEntry, sign: 1n | -1n): void {
    const head = checksum('row', numberBytes(id), key, sum);
    for (const half of [0, 1]) this.halves[half]! += sign * head.readBigUInt64LE(8 * half);
  }

  bytes(): Buffer {
    const bytes = Buffer.alloc(DIGEST_BYTES);
    for (const half of [0, 1]) bytes.writeBigUInt64LE(this.halves[half]!, 8 * half);
    return bytes;
  }
}

export class KeyValueStore {
  /** Commits so far. */
  commits = 0;
  private readonly database: StoreDatabase;
  private readonly index = new Map<string, IndexEntry>();
  private readonly digestOfAll = new Digest();
  private nextId = 1;
  private inTransaction = false;
  private readonly write: Statement;
  private readonly erase: Statement;
  private readonly read: Statement;
  private readonly seal: Statement;

  private constructor(database: StoreDatabase) {
    this.database = database;
    this.write = database.prepare('INSERT OR REPLACE INTO entry (id, key, sum, value) VALUES (?, ?, ?, ?)');
    this.erase = database.prepare('DELETE FROM entry WHERE id = ?');
    this.read = database.prepare('SELECT value FROM entry WHERE id = ?');
    this.seal = database.prepare('UPDATE state SET commits = ?, digest = ? WHERE id = 0');
  }

  /**
   * Opens the store of a folder; a new one where there is no mark yet.
   * @throws StorageDamaged when what is there is not what was synced
   */
  static open(folder: string, mark: Mark | null, connect = connectTo): KeyValueStore {
    if (mark !== null && !readdirSync(folder).includes(FILE)) {
      throw new StorageDamaged(`${FILE} is missing, but commit ${mark.commits} of it was synced`);
    }
    ensurePrivateFile(join(folder, FILE));
    let database: StoreDatabase | null = null;
    try {
      database = connect(join(folder, FILE));
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON');
      database.exec('PRAGMA trusted_schema = OFF');
      const mode = database.prepare('PRAGMA journal_mode').get()?.journal_mode;
      if (mode !== 'wal') throw new StorageFailure(`${FILE}: found journal mode ${String(mode)}, expected wal`);
      if (mark === null) database.exec(TABLES);
      const store = new KeyValueStore(database);
      store.load(mark);
      return store;
    } catch (error) {
      database?.close();
      throw storageFailure(error, `opening ${join(folder, FILE)}`);
    }
  }

  /** Whether something was written since the last commit. */
  get isDirty(): boolean {
    return this.inTransaction;
  }

  /** Digest of all keys and checksums. */
  get digest(): Uint8Array {
    return this.digestOfAll.bytes();
  }

  get keys(): number {
    return this.index.size;
  }

  put(key: string, value: Uint8Array): void {
    const name = keyBytes(key);
    if (value.length > MAX_VALUE_BYTES) {
      throw new RangeError(`a value has at most ${MAX_VALUE_BYTES} bytes, found ${value.length} for ${key}`);
    }
    const before = this.index.get(key);
    if (before === undefined && this.index.size >= MAX_KEYS) {
      throw new StorageFailure(`the store is full: at most ${MAX_KEYS} keys are kept`);
    }
    const entry = { id: before?.id ?? this.nextId, sum: checksum('value', name, value) };
    this.begin();
    this.write.run(entry.id, name, entry.sum, value);
    if (before === undefined) this.nextId++;
    else this.digestOfAll.change(name, before, -1n);
    this.digestOfAll.change(name, entry, 1n);
    this.index.set(key, entry);
  }

  delete(key: string): void {
    const name = keyBytes(key);
    const before = this.index.get(key);
    if (before === undefined) return;
    this.begin();
    this.erase.run(before.id);
    this.digestOfAll.change(name, before, -1n);
    this.index.delete(key);
  }

  /** @throws StorageDamaged when the value is not what was put */
  get(key: string): Uint8Array | null {
    const entry = this.index.get(key);
    if (entry === undefined) return null;
    const value = this.read.get(entry.id)?.value;
    if (!(value instanceof Uint8Array)) throw new StorageDamaged(`the value of ${key} is damaged: it is missing`);
    if (!sameSum(checksum('value', keyBytes(key), value), entry.sum)) {
      throw new StorageDamaged(`the value of ${key} is damaged: its checksum does not match`);
    }
    return value;
  }

  /** All entries whose key starts with `prefix`, in byte order of keys. */
  scan(prefix: string): (readonly [string, Uint8Array])[] {
    const found: { readonly key: string; readonly name: Buffer }[] = [];
    for (const key of this.index.keys()) if (key.startsWith(prefix)) found.push({ key, name: Buffer.from(key) });
    found.sort((a, b) => Buffer.compare(a.name, b.name));
    let bytes = 0;
    return found.map(({ key }) => {
      const value = this.get(key)!;
      bytes += value.length;
      if (bytes > MAX_SCAN_BYTES) throw new StorageFailure(`a scan returns at most ${MAX_SCAN_BYTES} bytes`);
      return [key, value] as const;
    });
  }

  /** Ends the transaction; durable when this returns. */
  commit(): void {
    if (!this.inTransaction) return;
    this.seal.run(this.commits + 1, this.digestOfAll.bytes());
    this.database.exec('COMMIT');
    this.inTransaction = false;
    this.commits++;
  }

  /** Lets go; what was not committed is dropped. */
  close(): void {
    this.database.close();
  }

  private begin(): void {
    if (this.inTransaction) return;
    this.database.exec('BEGIN IMMEDIATE');
    this.inTransaction = true;
  }

  /** Builds the index, and holds it against what was synced. */
  private load(mark: Mark | null): void {
    const state = this.database.prepare('SELECT format, commits, digest FROM state WHERE id = 0').get();
    const { format, commits, digest } = state ?? {};
    if (format !== FORMAT) throw new StorageDamaged(`${FILE}: found format ${String(format)}, expected ${FORMAT}`);
    if (typeof commits !== 'number' || !(digest instanceof Uint8Array)) {
      throw new StorageDamaged(`${FILE}: found no commit, expected one`);
    }
    for (const row of this.database.prepare('SELECT id, key, sum FROM entry').iterate()) {
      const { id, key: name, sum } = row;
      // Whatever the tables say: where a row's own head has rotted, SQLite reads other types.
      if (typeof id !== 'number' || !(name instanceof Uint8Array) || !(sum instanceof Uint8Array)) {
        throw new StorageDamaged(`${FILE} is damaged: found an entry that is none`);
      }
      const entry = { id, sum };
      this.index.set(Buffer.from(name.buffer, name.byteOffset, name.length).toString('utf8'), entry);
      this.digestOfAll.change(name, entry, 1n);
      this.nextId = Math.max(this.nextId, id + 1);
    }
    if (!sameSum(this.digestOfAll.bytes(), digest)) {
      throw new StorageDamaged(`${FILE} is damaged: its keys are not those of commit ${commits}`);
    }
    this.commits = commits;
    const synced = mark?.commits ?? 0;
    // A commit may be durable although the mark behind it is not.
    if (commits !== synced && commits !== synced + 1) {
      throw new StorageDamaged(`${FILE} is damaged: found commit ${commits}, but commit ${synced} was synced`);
    }
    if (mark !== null && commits === synced && !sameSum(digest, mark.digest)) {
      throw new StorageDamaged(`${FILE} is damaged: commit ${commits} is not the one that was synced`);
    }
  }
}

function connectTo(path: string): StoreDatabase {
  return new DatabaseSync(path);
}

function keyBytes(key: string): Buffer {
  if (!key.isWellFormed()) throw new RangeError(`a key must be well-formed text, found ${JSON.stringify(key)}`);
  const name = Buffer.from(key, 'utf8');
  if (name.length > MAX_KEY_BYTES) {
    throw new RangeError(`a key has at most ${MAX_KEY_BYTES} bytes, found ${name.length}: ${key.slice(0, 64)}...`);
  }
  return name;
}
