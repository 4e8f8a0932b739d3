/**
 * A disk under the real storage code that forgets, fills up and breaks. What is written to the log stays in memory until
 * it is synced and only then goes to the real file; a crash lets a part of it through and forgets the rest. SQLite syncs
 * for itself, so that of the store a crash leaves what was committed; its calls can be made to fail.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Storage } from '../../../src/worlds/live/ports.ts';
import { diskFiles, type StorageFile, type StorageFiles } from '../../../src/worlds/live/storage/files.ts';
import { FRAME_HEAD_BYTES, HEADER_BYTES, parseFrame, segmentNumber } from '../../../src/worlds/live/storage/segment.ts';
import { LiveStorage } from '../../../src/worlds/live/storage/storage.ts';
import type { WorldTime } from './world-time.ts';

/** Something that was done to a file, or to the names in the folder, and is not durable yet. */
type Unsynced =
  | { readonly name: string; readonly offset: number; readonly bytes: Buffer }
  | { readonly name: string; readonly size: number }
  | { readonly removed: string };

export class FaultyDisk {
  isErroring = false;
  isFull = false;
  readonly folder: string;
  private readonly real: StorageFiles;
  private unsynced: Unsynced[] = [];
  private readonly visible = new Map<string, Buffer>();
  private readonly time: WorldTime;
  private readonly draw: () => number;

  /** @param draw from 0 up to 1; decides what a crash leaves */
  constructor(folder: string, time: WorldTime, draw: () => number) {
    this.folder = folder;
    this.time = time;
    this.real = diskFiles(folder);
    this.draw = draw;
  }

  /** Opens the storage of the folder. @param sync_ms how long a commit takes, in the world's time */
  async open(sync_ms: number): Promise<Storage> {
    const storage = await LiveStorage.open(this.folder, {
      files: () => this.files(),
      database: path => this.database(path),
    });
    return slowToCommit(storage, sync_ms, this.time);
  }

  /** Power is lost: of what was not synced a part survives, from the beginning on, the next of it perhaps torn. */
  crash(): void {
    const survivors = Math.floor(this.draw() * (this.unsynced.length + 1));
    const torn = this.unsynced[survivors];
    for (const one of this.unsynced.slice(0, survivors)) this.apply(one);
    if (torn !== undefined && 'bytes' in torn && this.draw() < 0.5) {
      const length = Math.floor(this.draw() * torn.bytes.length);
      this.apply({ ...torn, bytes: torn.bytes.subarray(0, length) });
    }
    this.unsynced = [];
    this.visible.clear();
  }

  /** A bit flips in each entry of the log that a restart would read. */
  damageLog(): void {
    for (const name of this.real.list()) {
      const segment = segmentNumber(name);
      if (segment === null) continue;
      const file = this.real.open(name, false);
      const bytes = file.read(0, file.size);
      for (let offset = HEADER_BYTES; offset < bytes.length; ) {
        const frame = parseFrame(segment, bytes, offset);
        if (frame === null) break;
        const first = offset + FRAME_HEAD_BYTES;
        if (frame.end > first) file.write(first, Uint8Array.of(bytes[first]! ^ 1));
        offset = frame.end;
      }
      file.close();
    }
  }

  /** A bit flips in each stored value. */
  damageStore(): void {
    const database = new DatabaseSync(join(this.folder, 'store.sqlite'));
    const write = database.prepare('UPDATE entry SET value = ? WHERE id = ?');
    for (const { id, value } of database.prepare('SELECT id, value FROM entry').all()) {
      const copy = Uint8Array.from(value as Uint8Array);
      copy[0]! ^= 1;
      write.run(copy, id as number);
    }
    database.close();
  }

  private files(): StorageFiles {
    return {
      list: () => {
        const gone = new Set(this.unsynced.flatMap(one => ('removed' in one ? [one.removed] : [])));
        return this.real.list().filter(name => !gone.has(name));
      },
      open: (name, create) => {
        this.refuseWhileBroken(create);
        const file = this.real.open(name, create);
        const content = this.visible.get(name) ?? file.read(0, file.size);
        this.visible.set(name, content);
        return this.file(name, file);
      },
      remove: name => {
        this.refuseWhileBroken(false);
        this.visible.delete(name);
        this.unsynced.push({ removed: name });
      },
      syncNames: async () => {
        this.refuseWhileBroken(false);
        await this.real.syncNames();
        this.settle(one => 'removed' in one);
      },
    };
  }

  private file(name: string, real: StorageFile): StorageFile {
    const content = (): Buffer => this.visible.get(name)!;
    return {
      get size() {
        return content().length;
      },
      read: (offset, length) => {
        this.refuseWhileBroken(false);
        return Buffer.from(content().subarray(offset, offset + length));
      },
      write: (offset, bytes) => {
        this.refuseWhileBroken(true);
        const copy = Buffer.from(bytes);
        this.visible.set(name, written(content(), offset, copy));
        this.unsynced.push({ name, offset, bytes: copy });
      },
      truncate: size => {
        this.refuseWhileBroken(false);
        this.visible.set(name, content().subarray(0, size));
        this.unsynced.push({ name, size });
      },
      sync: async () => {
        this.refuseWhileBroken(false);
        this.settle(one => 'name' in one && one.name === name);
        await real.sync();
      },
      close: () => real.close(),
    };
  }

  /** Makes durable what is chosen. */
  private settle(chosen: (one: Unsynced) => boolean): void {
    for (const one of this.unsynced.filter(chosen)) this.apply(one);
    this.unsynced = this.unsynced.filter(one => !chosen(one));
  }

  private apply(one: Unsynced): void {
    if ('removed' in one) {
      this.real.remove(one.removed);
      return;
    }
    const file = this.real.open(one.name, false);
    if ('bytes' in one) file.write(one.offset, one.bytes);
    else file.truncate(one.size);
    file.close();
  }

  private refuseWhileBroken(needsRoom: boolean): void {
    if (this.isErroring) throw systemError('EIO', 'i/o error');
    if (needsRoom && this.isFull) throw systemError('ENOSPC', 'no space left on device');
  }

  /** SQLite whose calls fail while the disk does. */
  private database(path: string): DatabaseSync {
    const refuse = (sql: string): void => {
      if (this.isErroring) throw sqliteError(10, 'disk I/O error');
      if (this.isFull && /^\s*(INSERT|UPDATE|COMMIT)/.test(sql)) throw sqliteError(13, 'database or disk is full');
    };
    return new Proxy(new DatabaseSync(path), {
      get: (database, property) => {
        if (property === 'exec') {
          return (sql: string) => {
            refuse(sql);
            database.exec(sql);
          };
        }
        if (property === 'prepare') return (sql: string) => refusing(database.prepare(sql), () => refuse(sql));
        const value: unknown = Reflect.get(database, property, database);
        return typeof value === 'function' ? value.bind(database) : value;
      },
    });
  }
}

function refusing<T extends object>(statement: T, refuse: () => void): T {
  return new Proxy(statement, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]) => {
        refuse();
        return value.apply(target, given);
      };
    },
  });
}

function written(content: Buffer, offset: number, bytes: Buffer): Buffer {
  const grown = Buffer.alloc(Math.max(content.length, offset + bytes.length));
  content.copy(grown);
  bytes.copy(grown, offset);
  return grown;
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}, write`), { code, syscall: 'write' });
}

function sqliteError(errcode: number, message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode });
}

/** A storage whose commits take so long; one that was closed meanwhile does not happen any more. */
function slowToCommit(storage: Storage, sync_ms: number, time: WorldTime): Storage {
  let abandon = (): void => {};
  return {
    begin: () => storage.begin(),
    replay: () => storage.replay(),
    append: entry => storage.append(entry),
    truncateLog: index => storage.truncateLog(index),
    put: (key, value) => storage.put(key, value),
    delete: key => storage.delete(key),
    get: key => storage.get(key),
    scan: prefix => storage.scan(prefix),
    get isDirty() {
      return storage.isDirty;
    },
    commit: async () => {
      await new Promise<void>((resolve, reject) => {
        const cancel = time.after(sync_ms, resolve);
        abandon = () => {
          cancel();
          reject(new Error('the process is gone'));
        };
      });
      await storage.commit();
    },
    close: () => {
      abandon();
      return storage.close();
    },
  };
}
