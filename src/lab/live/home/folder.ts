/**
 * The home directory of one participant of a live network: which files it has, and how it comes to be. It appears all
 * at once or not at all; what an `init` that was killed left beside it is swept away by the next one.
 *
 *   config.yaml    what the operator decides, with a comment at each line
 *   identity.key   the seed of the participant's only key, 64 hexadecimal digits; whoever has it, is the participant
 *   genesis.json   where the chain begins, the same file for all of its participants
 *   data/          log and store: what the participant may not forget
 *   logs/          what it did, as lines of JSON
 *   run.json       while it runs: process and ports
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isAlive } from './alive.ts';
import { hasCode, notWritten, PRIVATE_FOLDER, syncFolder, UnusableHome, writeNew } from './files.ts';

export const ROLES = ['node', 'provider', 'tenant'] as const;
/** What the participant of a home is. */
export type Role = (typeof ROLES)[number];

/** Where everything of a home lies. */
export interface HomePaths {
  /** As it was named. */
  readonly root: string;
  readonly config: string;
  readonly key: string;
  readonly genesis: string;
  readonly data: string;
  readonly logs: string;
  readonly run: string;
}

export function homePaths(root: string): HomePaths {
  return {
    root,
    config: join(root, 'config.yaml'),
    key: join(root, 'identity.key'),
    genesis: join(root, 'genesis.json'),
    data: join(root, 'data'),
    logs: join(root, 'logs'),
    run: join(root, 'run.json'),
  };
}

/** What a new home is made of. */
export interface HomeContents {
  readonly config: string;
  readonly key: string;
  readonly genesis: string;
}

/**
 * Makes a home.
 * @throws UnusableHome when there is something else in its place, which is left alone, or nothing can be written there
 */
export function makeHome(root: string, contents: HomeContents): HomePaths {
  const place = resolve(root);
  const parent = dirname(place);
  refuseTaken(root, place);
  const temporary = join(parent, `${partialPrefix(place)}${process.pid}`);
  let madeParent: string | undefined;
  try {
    madeParent = mkdirSync(parent, { recursive: true, mode: PRIVATE_FOLDER });
    sweep(parent, partialPrefix(place));
    fill(homePaths(temporary), contents);
    renameSync(temporary, place);
    syncFolder(parent);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (madeParent !== undefined) removeEmpty(parent, madeParent);
    // Somebody else was quicker.
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) refuseTaken(root, place);
    throw notWritten(root, error);
  }
  return homePaths(root);
}

function partialPrefix(place: string): string {
  return `.${basename(place)}.partial-`;
}

function fill(paths: HomePaths, { config, key, genesis }: HomeContents): void {
  for (const folder of [paths.root, paths.data, paths.logs]) mkdirSync(folder, { mode: PRIVATE_FOLDER });
  writeNew(paths.config, config);
  writeNew(paths.key, key);
  writeNew(paths.genesis, genesis);
  syncFolder(paths.root);
}

/** An existing home, or anything else, is never touched. */
function refuseTaken(root: string, place: string): void {
  const status = statSync(place, { throwIfNoEntry: false });
  if (status === undefined) return;
  if (!status.isDirectory()) throw new UnusableHome(`${root}: found a file, expected a folder that does not exist yet`);
  if (existsSync(homePaths(place).config)) {
    throw new UnusableHome(
      `${root}: found a home that exists already, expected a new place; it holds a key, so nothing overwrites it`,
    );
  }
  if (readdirSync(place).length > 0) {
    throw new UnusableHome(`${root}: found a folder with something in it, expected a new place or an empty folder`);
  }
}

/** Removes what was left half-done by processes that are gone. */
function sweep(parent: string, prefix: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number(name.slice(prefix.length));
    if (!Number.isSafeInteger(pid) || pid <= 0 || (pid !== process.pid && isAlive(pid))) continue;
    rmSync(join(parent, name), { recursive: true, force: true });
  }
}

/** Removes folders that were made for the home and hold nothing. */
function removeEmpty(from: string, top: string): void {
  for (let at = from; at.startsWith(top); at = dirname(at)) {
    if (!existsSync(at)) continue;
    if (readdirSync(at).length > 0) return;
    rmSync(at, { recursive: true });
  }
}

/**
 * The paths of a home that must exist.
 * @throws UnusableHome
 */
export function requireHome(root: string, role: Role): HomePaths {
  const paths = homePaths(root);
  const status = lookAt(root);
  if (status === 'forbidden')
    throw new UnusableHome(`${root}: found no permission to look there, expected the home of a ${role}`);
  const make = `; \`orrery ${role} init --home ${root}\` makes one`;
  if (status === undefined)
    throw new UnusableHome(`${root}: found no such folder, expected the home of a ${role}${make}`);
  if (!status.isDirectory()) throw new UnusableHome(`${root}: found a file, expected the home of a ${role}`);
  // Where the folder may not be looked into, reading the file says so.
  if (lookAt(paths.config) === undefined && canList(root)) {
    throw new UnusableHome(`${root}: found a folder without config.yaml, expected the home of a ${role}${make}`);
  }
  return paths;
}

/** What there is; undefined: nothing. */
function lookAt(path: string): Stats | 'forbidden' | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM')) return 'forbidden';
    throw error;
  }
}

function canList(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM')) return false;
    throw error;
  }
}
