/**
 * Reads a folder of SDL files, and the orrery.yaml that may lie in it: what can be deployed, and what was refused and
 * why. Files come in through the loader, so that this runs wherever text can be had from a name.
 *
 * What is read is kept as plain data: a catalogue travels to workers with its scenario.
 */

import { readSdl } from '../../protocol/manifest/sdl.ts';
import type { GroupSpec, SdlProblem, SdlStage } from '../../protocol/manifest/types.ts';
import { flatten } from './fields.ts';
import type { ScenarioError, Step } from './problem.ts';
import { dotted, expectedName, InvalidScenario } from './problem.ts';
import { type SdlNotes, sdlNotes } from './schema-sdl.ts';
import type { Tree } from './tree.ts';
import { decode, find, locate, locateKey, parseTree, plain } from './tree.ts';
import { grouped, show } from './units.ts';

/** What lies beside SDL files and is none. */
export const NOTES_FILES: readonly string[] = ['orrery.yaml', 'orrery.yml'];
/** Most SDL files of a folder. */
export const MAX_SDL_FILES = 10_000;

export interface AcceptedSdl {
  readonly ok: true;
  /** Its name in the folder. */
  readonly file: string;
  /** SHA-256 of its manifest, 64 hexadecimal digits. */
  readonly version: string;
  /** By name. */
  readonly groups: readonly GroupSpec[];
  /** Canonical. */
  readonly manifest: string;
}

export interface RefusedSdl {
  readonly ok: false;
  readonly file: string;
  readonly stage: SdlStage;
  readonly problems: readonly SdlProblem[];
}

export interface SdlCatalogue {
  /** By name. */
  readonly files: readonly (AcceptedSdl | RefusedSdl)[];
  readonly notes: SdlNotes;
}

/** Whether a name in a folder is that of an SDL file. */
export function isSdlName(name: string): boolean {
  return /\.ya?ml$/i.test(name) && !NOTES_FILES.includes(name);
}

/** Names in the order in which everything goes through them: by code units, the same everywhere. */
export function inOrder(names: readonly string[]): string[] {
  return [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Reads one SDL file of a folder. */
export function readSdlFile(file: string, bytes: Uint8Array): AcceptedSdl | RefusedSdl {
  const reading = readSdl(bytes);
  if (!reading.ok) return { ok: false, file, stage: reading.stage, problems: reading.problems };
  const { version, groupSpecs, canonicalManifest } = reading;
  return { ok: true, file, version, groups: groupSpecs, manifest: canonicalManifest };
}

const NO_NOTES: SdlNotes = { defaults: {}, files: {} };

/**
 * Reads the names of a folder into a catalogue.
 * @param folder how it is called in errors
 * @param names of all files in it
 * @param read gives the content of one
 * @throws InvalidScenario for an orrery.yaml that is wrong; SDL files that are wrong are in the catalogue
 */
export function readCatalogue(
  folder: string,
  names: readonly string[],
  read: (path: string) => Uint8Array,
): SdlCatalogue {
  const path = (name: string): string => `${folder}/${name}`;
  const files = inOrder(names.filter(isSdlName)).map(name => readSdlFile(name, read(path(name))));
  const besides = NOTES_FILES.filter(name => names.includes(name));
  if (besides.length > 1) {
    const places = { file: path(besides[1]!), line: 0, column: 0, path: '' };
    throw new InvalidScenario([
      { ...places, found: `${besides.join(' and ')} in one folder`, expected: 'one of them' },
    ]);
  }
  const [notesFile] = besides;
  if (notesFile === undefined) return { files, notes: NO_NOTES };
  const notes = path(notesFile);
  return { files, notes: readNotes(notes, decode(notes, read(notes)), files) };
}

/**
 * Reads an orrery.yaml.
 * @param files what lies beside it; only what these have may be named in it
 * @throws InvalidScenario
 */
export function readNotes(file: string, text: string, files: SdlCatalogue['files']): SdlNotes {
  const tree = parseTree(file, text);
  const data = plain(tree);
  const result = sdlNotes.safeParse(data);
  if (!result.success) {
    const errors = flatten(result.error.issues).map(({ path, expected, found, atKey }): ScenarioError => {
      const place = atKey ? locateKey(tree, path) : locate(tree, path);
      return { ...place, path: dotted(path), found: found ?? shown(tree, path), expected };
    });
    throw new InvalidScenario(errors);
  }
  const unknown = unknownNames(tree, result.data, files);
  if (unknown.length > 0) throw new InvalidScenario(unknown);
  return result.data;
}

function shown(tree: Tree, path: readonly Step[]): string {
  const at = find(tree, path);
  return show(at === null ? undefined : plain(at));
}

function unknownNames(tree: Tree, notes: SdlNotes, files: SdlCatalogue['files']): ScenarioError[] {
  const errors: ScenarioError[] = [];
  const report = (path: readonly Step[], what: string, known: readonly string[]): void => {
    const name = String(path.at(-1));
    const found = `the ${what} ${show(name)}`;
    errors.push({ ...locateKey(tree, path), path: dotted(path), found, expected: expectedName(name, known) });
  };
  for (const [name, { placements }] of Object.entries(notes.files)) {
    const file = files.find(one => one.file === name);
    if (file === undefined) {
      const known = files.map(one => one.file);
      report(['files', name], 'file', known);
      continue;
    }
    // The placements of a refused file are not known; that it was refused is said elsewhere.
    if (!file.ok) continue;
    const known = file.groups.map(one => one.name);
    for (const placement of Object.keys(placements)) {
      if (!known.includes(placement)) report(['files', name, 'placements', placement], 'placement', known);
    }
  }
  return errors;
}

/** Why a folder holds too many files, or none; null: neither. */
export function faultOfNames(names: readonly string[]): string | null {
  const count = names.filter(isSdlName).length;
  if (count === 0) return 'no .yaml or .yml in it';
  return count > MAX_SDL_FILES ? `${grouped(count)} .yaml and .yml in it` : null;
}
