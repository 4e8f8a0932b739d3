/**
 * The lock that keeps two participants from using one home. It is an exclusive lock of SQLite's on a file of its own:
 * the system keeps it, takes it back from a process that dies however it dies, and decides for one when two come at once.
 *
 * The file is never opened by other means: closing any descriptor of it in this process would give the lock away.
 */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HomeInUse, sqliteCode, storageFailure } from './failure.ts';
import { PRIVATE_FILE } from './files.ts';

const SQLITE_BUSY = 5;

export interface HomeLock {
  release(): void;
}

/** Creates an empty file for its owner only, unless there is one. */
export function ensurePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', PRIVATE_FILE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * Takes the lock of a folder.
 * @throws HomeInUse when somebody has it
 */
export function lockHome(folder: string): HomeLock {
  const path = join(folder, 'lock.sqlite');
  let database: DatabaseSync | null = null;
  try {
    ensurePrivateFile(path);
    database = new DatabaseSync(path);
    // Nothing is ever written to it, so that it needs no journal.
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (sqliteCode(error) === SQLITE_BUSY) throw new HomeInUse(folder, { cause: error });
    throw storageFailure(error, `locking ${folder}`);
  }
  const held = database;
  return { release: () => held.close() };
}
