/**
 * The few things that the log wants of a file system, as a port: tests put a device under it that forgets, fills up and
 * breaks. Writes go to the system at once and are durable from the next `sync` on; names in a folder are durable from
 * its own sync on.
 */
import {
  close,
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  mkdirSync,
  open,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const PRIVATE_FILE = 0o600;
export const PRIVATE_FOLDER = 0o700;

export interface StorageFile {
  readonly size: number;
  /** Up to so many bytes; fewer only at the end of the file. */
  read(offset: number, length: number): Buffer;
  write(offset: number, bytes: Uint8Array): void;
  truncate(size: number): void;
  /** Makes durable what was written. */
  sync(): Promise<void>;
  close(): void;
}

export interface StorageFiles {
  /** Names of the files in the folder. */
  list(): readonly string[];
  /** Opens a file for reading and writing. With `create` it must not be there yet, and is then for its owner only. */
  open(name: string, create: boolean): StorageFile;
  remove(name: string): void;
  /** Makes durable which files there are. */
  syncNames(): Promise<void>;
}

const datasync = promisify(fdatasync);
const syncAll = promisify(fsync);
const openFolder = promisify(open);
const closeFile = promisify(close);

/** The files of a folder on a real disk; the folder is made when it is not there. */
export function diskFiles(folder: string): StorageFiles {
  mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
  return {
    list: () => readdirSync(folder),
    open: (name, create) => {
      const { O_RDWR, O_CREAT, O_EXCL } = constants;
      return new DiskFile(openSync(join(folder, name), create ? O_RDWR | O_CREAT | O_EXCL : O_RDWR, PRIVATE_FILE));
    },
    remove: name => rmSync(join(folder, name)),
    syncNames: async () => {
      const descriptor = await openFolder(folder, constants.O_RDONLY);
      try {
        await syncAll(descriptor);
      } finally {
        await closeFile(descriptor);
      }
    },
  };
}

class DiskFile implements StorageFile {
  private readonly descriptor: number;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  get size(): number {
    return fstatSync(this.descriptor).size;
  }

  read(offset: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    let filled = 0;
    while (filled < length) {
      const count = readSync(this.descriptor, bytes, filled, length - filled, offset + filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  }

  write(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.descriptor, bytes, done, bytes.length - done, offset + done);
    }
  }

  truncate(size: number): void {
    ftruncateSync(this.descriptor, size);
  }

  sync(): Promise<void> {
    return datasync(this.descriptor);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
