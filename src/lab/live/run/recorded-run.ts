/**
 * Where a live run keeps its recordings: within its results, so that they come with them. A run that fails has no results,
 * and its recordings are what says why: they are put beside the place where the results would have been.
 */
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PRIVATE_FOLDER } from '../home/files.ts';

/** The folder of recordings in a results directory. */
export const RECORDINGS = 'recordings';

/** Makes the folder in which participants record, for their owner only: recordings hold keys. Its absolute path. */
export function recordingsFolder(results: string): string {
  const folder = join(resolve(results), RECORDINGS);
  mkdirSync(folder, { mode: PRIVATE_FOLDER });
  return folder;
}

/**
 * Saves the recordings of a run that failed.
 * @param unfinished the results as far as they came
 * @param place where they would have been
 * @param run names the run
 * @returns where the recordings are now; null: there are none
 */
export function saveRecordings(unfinished: string, place: string, run: string): string | null {
  const from = join(unfinished, RECORDINGS);
  if (!existsSync(from) || readdirSync(from).length === 0) return null;
  const to = `${place}-failed-${run}`;
  renameSync(from, to);
  return to;
}
