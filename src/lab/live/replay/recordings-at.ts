/**
 * Which recordings there are where somebody points to: a results directory of a live run, a folder in which daemons
 * recorded, the folder of one participant, or a file.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { incarnationOf, type RecordingFiles, recordingsIn } from '../../../worlds/live/record-files.ts';
import { UnusableHome } from '../home/files.ts';
import { RECORDINGS } from '../run/recorded-run.ts';

/** Whether a path leads to recordings, as far as names tell. */
export function leadsToRecordings(path: string): boolean {
  return foldersOf(path).length > 0 || incarnationOf(basename(path)) !== null;
}

/**
 * The recordings to which a path leads.
 * @throws UnusableHome when there are none; DamagedRecording
 */
export function recordingsAt(path: string): RecordingFiles[] {
  const incarnation = incarnationOf(basename(path));
  if (incarnation !== null && existsSync(path)) {
    return recordingsIn(dirname(path)).filter(one => one.incarnation === incarnation);
  }
  const folders = foldersOf(path);
  if (folders.length > 0) return folders.flatMap(recordingsIn);
  const found = existsSync(path) ? 'no recordings there' : 'no such file or folder';
  throw new UnusableHome(
    `${path}: found ${found}, expected results of \`orrery live --record\`, a folder in which daemons recorded, or a recording`,
  );
}

/** The folders of participants to which a path leads; empty: none. */
function foldersOf(path: string): string[] {
  if (!isFolder(path)) return [];
  if (holdsRecordings(path)) return [path];
  const within = join(path, RECORDINGS);
  const root = isFolder(within) ? within : path;
  return readdirSync(root)
    .map(name => join(root, name))
    .filter(folder => isFolder(folder) && holdsRecordings(folder));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function holdsRecordings(folder: string): boolean {
  return readdirSync(folder).some(name => incarnationOf(name) !== null);
}
