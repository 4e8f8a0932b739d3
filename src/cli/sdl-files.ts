/**
 * SDL files from a disk: what the words of a command line mean, and the verdict on each file. Nothing stops at the first
 * file that is wrong; what cannot even be read has a verdict like the others.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { listFolderOfNode, readFileOfNode } from '../lab/scenario/load-node.ts';
import type { ScenarioError } from '../lab/scenario/problem.ts';
import { faultOfNames, inOrder, isSdlName, NOTES_FILES } from '../lab/scenario/sdl-folder.ts';
import { readSdl } from '../protocol/manifest/sdl.ts';
import { MAX_SDL_BYTES } from '../protocol/manifest/source-text.ts';
import type { SdlProblem, SdlReading } from '../protocol/manifest/types.ts';

export interface SdlVerdict {
  /** As it was named, or its folder's name with its own. */
  readonly file: string;
  readonly reading: SdlReading;
}

function unreadable(file: string, found: string, expected: string): SdlVerdict {
  const problems: SdlProblem[] = [{ path: '', line: 0, column: 0, message: `found ${found}, expected ${expected}` }];
  return { file, reading: { ok: false, stage: 'read', problems } };
}

/** Whether a word names a folder. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** The verdict on one file. */
export function readSdlFromDisk(file: string): SdlVerdict {
  let bytes: Uint8Array;
  try {
    bytes = readFileOfNode(file, MAX_SDL_BYTES);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return unreadable(file, error.message, 'an SDL file that can be read');
  }
  return { file, reading: readSdl(bytes) };
}

/** Verdicts on all files that are named, folders standing for the SDL files in them, in order. */
export function readAllSdl(words: readonly string[]): SdlVerdict[] {
  return words.flatMap(word => (isFolder(word) ? readFolder(word) : [readSdlFromDisk(word)]));
}

function readFolder(folder: string): SdlVerdict[] {
  let names: string[];
  try {
    names = listFolderOfNode(folder);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return [unreadable(folder, error.message, 'a folder that can be read')];
  }
  const fault = faultOfNames(names);
  if (fault !== null) return [unreadable(folder, `a folder with ${fault}`, 'a folder of SDL files')];
  return inOrder(names.filter(isSdlName)).map(name => readSdlFromDisk(join(folder, name)));
}

/** Bytes at the beginning of a file by which its kind is told. */
const HEAD_BYTES = 1 << 18;

/** Keys at the top of an SDL file, and such as only a scenario has there. */
const OF_SDL = /^["']?(?:services|profiles|deployment)["']?[ \t]*:/m;
const OF_SCENARIO = /^["']?(?:extends|question|horizon|providers|tenants)["']?[ \t]*:/m;

/** What a file is, told by its name and the keys at its top, so that a file with errors is still told. */
export function kindOfFile(path: string): 'sdl' | 'notes' | 'scenario' {
  if (NOTES_FILES.includes(basename(path))) return 'notes';
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return 'scenario';
  const head = Buffer.alloc(HEAD_BYTES);
  const file = openSync(path, 'r');
  let text: string;
  try {
    text = head.toString('utf8', 0, readSync(file, head, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(file);
  }
  return OF_SDL.test(text) && !OF_SCENARIO.test(text) ? 'sdl' : 'scenario';
}

/** Problems in the form in which those of scenarios are reported. */
export function asErrors({ file, reading }: SdlVerdict): ScenarioError[] {
  if (reading.ok) return [];
  return reading.problems.map(({ path, line, column, message }) => {
    const [, found = message, expected = ''] = /^found ([\s\S]*?), expected ([\s\S]*)$/.exec(message) ?? [];
    return { file, line, column, path, found, expected };
  });
}
