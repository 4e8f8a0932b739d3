/**
 * How storage says that it could not do something. Participants tell these apart from their own mistakes: a failure of
 * the device becomes an input (`storeFailed`) or a halt, a mistake breaks the program that made it.
 */

/** The device did not do what it was asked for: it is full, or broken, or what it holds cannot be trusted. */
export class StorageFailure extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'StorageFailure';
  }
}

/** What was synced is not what is found now. */
export class StorageDamaged extends StorageFailure {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'StorageDamaged';
  }
}

/** Another process, or another part of this one, uses the home already. */
export class HomeInUse extends Error {
  constructor(folder: string, options?: ErrorOptions) {
    super(`${folder}: found in use by a running participant, expected a home that nobody uses`, options);
    this.name = 'HomeInUse';
  }
}

const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

const FILE_WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'disk full',
  EDQUOT: 'disk full: the quota is used up',
  EIO: 'I/O error',
  EROFS: 'the file system is read-only',
};

/** SQLite's primary result code of an error; undefined for errors of other origin. */
export function sqliteCode(error: unknown): number | undefined {
  const code = (error as { readonly errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/**
 * An error of the file system or of SQLite as a failure of storage; any other error as it is.
 * @param what was being done
 */
export function storageFailure(error: unknown, what: string): unknown {
  if (error instanceof StorageFailure || !(error instanceof Error)) return error;
  const code = sqliteCode(error);
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
    return new StorageDamaged(`${what}: the store is damaged: ${error.message}`, { cause: error });
  }
  if (code === SQLITE_FULL) return new StorageFailure(`${what}: disk full`, { cause: error });
  if (code === SQLITE_IOERR) return new StorageFailure(`${what}: I/O error: ${error.message}`, { cause: error });
  if (code !== undefined) return new StorageFailure(`${what}: ${error.message}`, { cause: error });
  const { code: name, syscall } = error as NodeJS.ErrnoException;
  if (name === undefined || syscall === undefined) return error;
  return new StorageFailure(`${what}: ${FILE_WORDS[name] ?? error.message}`, { cause: error });
}
