/**
 * Files of a home directory: written so that after a crash each is whole or absent, read with a limit, and refused in
 * words. A home holds a key and money hangs on it, so folders are for their owner only.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { diskProblem } from '../../experiment/results-folder.ts';
import { grouped } from '../../scenario/units.ts';

/** A home directory, or a file of it, that cannot be used: what was found, and what to do about it. */
export class UnusableHome extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnusableHome';
  }
}

export const PRIVATE_FILE = 0o600;
export const PRIVATE_FOLDER = 0o700;

const READ_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'no permission to read it',
  EISDIR: 'a folder',
};

/** Whether an error of the file system has this code. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '');
}

/**
 * Reads a plain file of at most so many bytes.
 * @throws UnusableHome
 */
export function readLimited(path: string, maxBytes: number, expected: string): Buffer {
  try {
    const status = statSync(path);
    if (!status.isFile()) throw new UnusableHome(`${path}: found no plain file, expected ${expected}`);
    if (status.size > maxBytes) {
      const sizes = `${grouped(status.size)} bytes, expected at most ${grouped(maxBytes)}`;
      throw new UnusableHome(`${path}: found ${sizes}`);
    }
    return readFileSync(path);
  } catch (error) {
    if (error instanceof UnusableHome) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const found = (code !== undefined && READ_WORDS[code]) || message;
    throw new UnusableHome(`${path}: found ${found}, expected ${expected}`, { cause: error });
  }
}

/** Writes a new file and makes it durable. Throws when there is one already. */
export function writeNew(path: string, text: string, mode = PRIVATE_FILE): void {
  const file = openSync(path, 'wx', mode);
  try {
    const bytes = Buffer.from(text, 'utf8');
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Makes durable which names stand in a folder. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Puts a text in the place of a file, all at once: a reader sees the old one or the new one. */
export function replaceFile(path: string, text: string): void {
  const temporary = join(dirname(path), `.${basename(path)}.partial-${process.pid}`);
  rmSync(temporary, { force: true });
  try {
    writeNew(temporary, text);
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Why something could not be written, as an error that a person can act on. */
export function notWritten(path: string, error: unknown): UnusableHome {
  if (error instanceof UnusableHome) return error;
  return new UnusableHome(`${path}: found ${diskProblem(error)}, expected a place that can be written to`, {
    cause: error,
  });
}
