/**
 * The storage of one participant in a folder of its own: the log, the store, and the mark that says what of both was
 * synced last. `ports.ts` says what participants rely on.
 *
 *   log-00000001.segment ...   the log
 *   store.sqlite (-wal, -shm)  the store
 *   synced.mark                what was synced last
 *   lock.sqlite                locked while somebody uses the folder
 *
 * After the first write that fails, every commit fails until the folder is opened anew: nobody can tell any more what
 * the device holds.
 */
import { mkdirSync } from 'node:fs';
import type { Storage } from '../ports.ts';
import { StorageFailure, storageFailure } from './failure.ts';
import { diskFiles, PRIVATE_FOLDER, type StorageFiles } from './files.ts';
import { type HomeLock, lockHome } from './lock.ts';
import { AppendLog, type LogOptions } from './log.ts';
import { type Mark, MarkFile } from './mark.ts';
import { KeyValueStore, type StoreDatabase } from './store.ts';

export interface StorageOptions extends LogOptions {
  /** Told what a start cut off or removed: of what was never synced. */
  readonly report?: (line: string) => void;
  /** The files of the log and the mark. Default: those of the disk. */
  readonly files?: (folder: string) => StorageFiles;
  /** Default: SQLite. */
  readonly database?: (path: string) => StoreDatabase;
}

/** The log, or why it cannot be used. */
type LogState =
  | { readonly log: AppendLog; entries: readonly Uint8Array[] | null; readonly first: number }
  | StorageFailure;

export class LiveStorage implements Storage {
  private readonly lock: HomeLock;
  private readonly mark: MarkFile;
  private readonly store: KeyValueStore;
  private readonly state: LogState;
  private starts: number;
  /** Why no commit can succeed any more. */
  private failure: StorageFailure | null = null;
  private committing: Promise<void> | null = null;
  private closed = false;

  private constructor(lock: HomeLock, mark: MarkFile, store: KeyValueStore, state: LogState) {
    this.lock = lock;
    this.mark = mark;
    this.store = store;
    this.state = state;
    this.starts = mark.found?.starts ?? 0;
    if (state instanceof StorageFailure) this.failure = state;
  }

  /**
   * Opens the storage in a folder, which is made when it is not there. A damaged log is told by `replay`.
   * @throws HomeInUse when somebody uses it @throws StorageDamaged when the store is not what was synced
   */
  static async open(folder: string, options: StorageOptions = {}): Promise<LiveStorage> {
    const open: { close(): void }[] = [];
    try {
      mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
      const lock = lockHome(folder);
      open.push({ close: () => lock.release() });
      const files = (options.files ?? diskFiles)(folder);
      const mark = MarkFile.open(files);
      open.push(mark);
      const store = KeyValueStore.open(folder, mark.found, options.database);
      open.push(store);
      const state = openLog(files, mark.found, options);
      if (!(state instanceof StorageFailure)) open.push(state.log);
      const storage = new LiveStorage(lock, mark, store, state);
      if (!(state instanceof StorageFailure)) await storage.settle(state.log);
      return storage;
    } catch (error) {
      for (const one of open.reverse()) one.close();
      throw storageFailure(error, `opening ${folder}`);
    }
  }

  get isDirty(): boolean {
    return this.failure !== null || this.store.isDirty || this.log.isDirty;
  }

  /** Counts a start, durably. Returns how many there were before. */
  async begin(): Promise<number> {
    if (this.isDirty) throw this.failure ?? new Error('a start is counted before anything is written');
    this.starts++;
    const mark = this.position(this.log);
    // Into both slots, so that a start is not forgotten when one of them rots.
    await this.trying('counting a start', async () => {
      await this.mark.write(mark);
      await this.mark.write(mark);
    });
    return this.starts - 1;
  }

  replay(): { readonly first: number; readonly entries: readonly Uint8Array[] } {
    const { state } = this;
    if (state instanceof StorageFailure) throw state;
    const { entries, first } = state;
    if (entries === null) throw new Error('the log is replayed once, before anything is written to it');
    state.entries = null;
    return { first, entries };
  }

  append(entry: Uint8Array): void {
    this.writing('append', () => this.log.append(entry));
  }

  truncateLog(index: number): void {
    this.writing('truncateLog', () => this.log.truncate(index));
  }

  put(key: string, value: Uint8Array): void {
    this.writing(`put ${key}`, () => this.store.put(key, value));
  }

  delete(key: string): void {
    this.writing(`delete ${key}`, () => this.store.delete(key));
  }

  get(key: string): Uint8Array | null {
    return this.reading(`get ${key}`, () => this.store.get(key));
  }

  scan(prefix: string): readonly (readonly [string, Uint8Array])[] {
    return this.reading(`scan ${prefix}`, () => this.store.scan(prefix));
  }

  async commit(): Promise<void> {
    this.assertIdle();
    if (this.failure !== null) throw this.failure;
    if (!this.isDirty) return;
    this.committing = this.trying('commit', () => this.commitAll());
    try {
      await this.committing;
    } finally {
      this.committing = null;
    }
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    // Its own caller hears whether it succeeded.
    await this.committing?.catch(() => {});
    if (!(this.state instanceof StorageFailure)) this.state.log.close();
    this.store.close();
    this.mark.close();
    this.lock.release();
  }

  private get log(): AppendLog {
    const { state } = this;
    if (state instanceof StorageFailure) throw state;
    // Entries that are written now are none of those that a start found.
    return state.log;
  }

  /** What a start found, or repaired, becomes what was synced. */
  private async settle(log: AppendLog): Promise<void> {
    await log.sync();
    await this.mark.write(this.position(log));
    log.dropTruncated();
  }

  private async commitAll(): Promise<void> {
    const { log, store } = this;
    // The disk takes the log while SQLite takes the store.
    const logged = log.isDirty ? log.sync() : Promise.resolve();
    let failed: unknown = null;
    try {
      store.commit();
    } catch (error) {
      failed = error;
    }
    await logged;
    if (failed !== null) throw failed;
    await this.mark.write(this.position(log));
    log.dropTruncated();
  }

  private position(log: AppendLog): Mark {
    const { segment, offset } = log.end;
    const { nextIndex, firstIndex } = log;
    const { commits, digest } = this.store;
    return { starts: this.starts, segment, offset, nextIndex, firstIndex, commits, digest };
  }

  private writing(what: string, write: () => void): void {
    this.assertIdle();
    if (this.failure !== null) throw this.failure;
    try {
      write();
    } catch (error) {
      const failure = storageFailure(error, what);
      if (failure instanceof StorageFailure) this.failure = failure;
      throw failure;
    }
  }

  private reading<T>(what: string, read: () => T): T {
    if (this.closed) throw new Error('the storage is closed');
    try {
      return read();
    } catch (error) {
      throw storageFailure(error, what);
    }
  }

  private async trying(what: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      const failure = storageFailure(error, what);
      if (failure instanceof StorageFailure) this.failure ??= failure;
      throw failure;
    }
  }

  private assertIdle(): void {
    if (this.closed) throw new Error('the storage is closed');
    if (this.committing !== null) throw new Error('nothing can be written while a commit is under way');
  }
}

function openLog(files: StorageFiles, mark: Mark | null, options: StorageOptions): LogState {
  try {
    const { log, recovered } = AppendLog.open(files, mark, options);
    const { first, entries, cutBytes } = recovered;
    if (cutBytes > 0) {
      options.report?.(`the log ends before entry ${log.nextIndex}: ${cutBytes} bytes behind it were never synced`);
    }
    return { log, entries, first };
  } catch (error) {
    const failure = storageFailure(error, 'reading the log');
    if (failure instanceof StorageFailure) return failure;
    throw failure;
  }
}
