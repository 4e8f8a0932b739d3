/** Scenario files from a disk: the one file here that knows Node.js. */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadedScenario, LoadOptions } from './load.ts';
import { loadScenario } from './load.ts';
import { grouped } from './units.ts';

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'no permission to read it',
  EISDIR: 'a folder',
  ENAMETOOLONG: 'a name that is too long',
};

/** The same where a folder is looked for. */
const FOLDERS: Readonly<Record<string, string>> = { ENOENT: 'no such folder', ENOTDIR: 'no such folder' };

/**
 * Reads a file that is a plain file of at most `maxBytes`.
 * @throws Error whose message says why not
 */
export function readFileOfNode(path: string, maxBytes: number): Uint8Array {
  try {
    const status = statSync(path);
    if (status.isDirectory()) throw new Error('a folder');
    if (!status.isFile()) throw new Error('no plain file');
    if (status.size > maxBytes) throw new Error(`${grouped(status.size)} bytes, at most ${grouped(maxBytes)} are read`);
    return readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw code !== undefined && WORDS[code] !== undefined ? new Error(WORDS[code], { cause: error }) : error;
  }
}

/**
 * Names of the files in a folder; what is no plain file (a folder within) is not among them.
 * @throws Error whose message says why not
 */
export function listFolderOfNode(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) throw new Error('no folder');
    return readdirSync(path).filter(name => statSync(join(path, name), { throwIfNoEntry: false })?.isFile() === true);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw code !== undefined && WORDS[code] !== undefined
      ? new Error(FOLDERS[code] ?? WORDS[code], { cause: error })
      : error;
  }
}

/** loadScenario over the disk. */
export function loadScenarioFile(
  path: string,
  options: Omit<LoadOptions, 'readFile' | 'listFolder'> = {},
): LoadedScenario {
  return loadScenario(path, { ...options, readFile: readFileOfNode, listFolder: listFolderOfNode });
}
