/**
 * A folder that appears all at once or not at all: it is filled under a temporary name beside its place and renamed at
 * the end. Results of an earlier run in its place are replaced; anything else there is refused.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { readRecord } from './results-record.ts';

/** A place that results cannot be written to. */
export class UnusableFolder extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnusableFolder';
  }
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'no permission to write there',
  EPERM: 'no permission to write there',
  EROFS: 'a file system that cannot be written to',
  ENOTDIR: 'a file where a folder should be',
  EEXIST: 'a file where a folder should be',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'no space left in the quota',
  ENAMETOOLONG: 'a name that is too long',
};

/** What the code of a file system error means, in words. */
export function diskProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code !== undefined && WORDS[code]) || message;
}

export class OutputFolder {
  /** Where the results will be, as it was named. */
  readonly path: string;
  /** Where they are until `commit`. */
  readonly temporary: string;
  private readonly made: string | undefined;

  /**
   * Makes the temporary folder.
   * @throws UnusableFolder when something else is in the place, or nothing can be written there
   */
  constructor(path: string) {
    this.path = path;
    const place = resolve(path);
    this.temporary = join(dirname(place), `.${basename(place)}.partial-${process.pid}`);
    try {
      refuseForeign(path, place);
      this.made = mkdirSync(dirname(place), { recursive: true });
      mkdirSync(this.temporary);
    } catch (error) {
      if (error instanceof UnusableFolder) throw error;
      throw new UnusableFolder(`${path}: found ${diskProblem(error)}, expected a place to write results to`);
    }
  }

  /** Puts the results in their place. */
  commit(): void {
    const place = resolve(this.path);
    const old = join(dirname(place), `.${basename(place)}.replaced-${process.pid}`);
    const replaces = existsSync(place);
    if (replaces) renameSync(place, old);
    try {
      renameSync(this.temporary, place);
    } catch (error) {
      if (replaces) renameSync(old, place);
      throw error;
    }
    rmSync(old, { recursive: true, force: true });
  }

  /** Removes everything that was written, and the folders above that were made for it. Harmless after `commit`. */
  discard(): void {
    rmSync(this.temporary, { recursive: true, force: true });
    if (this.made === undefined) return;
    for (let at = dirname(this.temporary); at.startsWith(this.made); at = dirname(at)) {
      if (!existsSync(at)) continue;
      if (readdirSync(at).length > 0) return;
      rmSync(at, { recursive: true });
    }
  }
}

function refuseForeign(path: string, place: string): void {
  const status = statSync(place, { throwIfNoEntry: false });
  if (status === undefined) return;
  if (!status.isDirectory()) throw new UnusableFolder(`${path}: found a file, expected no file, or results to replace`);
  if (readdirSync(place).length === 0) return;
  try {
    readRecord(place);
  } catch {
    throw new UnusableFolder(
      `${path}: found a folder that is no results of orrery (it has no run.json), expected none, or results to replace`,
    );
  }
}
