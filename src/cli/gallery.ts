/** The scenarios that come along: found by name, so that nobody needs to know where the package lies. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nearest } from '../lab/scenario/problem.ts';
import { CommandError } from './errors.ts';

/** Beside src/ in a checkout, beside dist/ in the package. */
export const GALLERY = fileURLToPath(new URL('../../scenarios', import.meta.url));
const ENDING = '.yaml';

/** Names of the gallery's scenarios in the order of the alphabet. */
export function galleryNames(): string[] {
  if (!existsSync(GALLERY)) return [];
  return readdirSync(GALLERY)
    .filter(file => file.endsWith(ENDING))
    .map(file => basename(file, ENDING))
    .sort((a, b) => (a < b ? -1 : 1));
}

/** The file of a gallery scenario, as a path from the working directory where that is shorter. */
export function galleryFile(name: string): string {
  const path = join(GALLERY, name + ENDING);
  const short = relative(process.cwd(), path);
  return short.startsWith(`..${sep}`) ? path : short;
}

/**
 * The file that a word of the command line means: a path, or the name of a gallery scenario.
 * @throws CommandError that lists what there is
 */
export function scenarioPath(word: string): string {
  if (existsSync(word) && !(galleryNames().includes(word) && !word.includes('.'))) return word;
  const names = galleryNames();
  if (names.includes(word)) return galleryFile(word);
  const looksLikePath = word.includes('/') || word.includes('.');
  const near = nearest(basename(word, ENDING), names);
  const hint = near === null ? '' : ` (${JSON.stringify(near)} perhaps)`;
  const expected = `a scenario file, or a name that \`orrery list\` shows${hint}`;
  throw new CommandError(`${word}: found no such ${looksLikePath ? 'file' : 'file or name'}, expected ${expected}`);
}

/** How a scenario is called in a command that shall run it again: its gallery name if it is of the gallery. */
export function scenarioWord(path: string): string {
  const absolute = resolve(path);
  const name = basename(absolute, ENDING);
  return absolute === join(GALLERY, name + ENDING) && !existsSync(name) ? name : path;
}
