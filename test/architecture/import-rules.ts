/**
 * Who may import whom (the picture of the house, section "The house" of the design). The rules are functions of texts
 * and paths, so that a doctored text shows that they bite.
 */

import { builtinModules } from 'node:module';
import { knowsNode, type Objection, resolvedImports, type SourceFile } from './source-tree.ts';
import { COMPUTED } from './tokens.ts';

/** From the ground up: a room imports itself and what stands before it. */
const HOUSE: readonly (string | null)[] = ['protocol', 'actors', 'worlds', 'lab', 'cli'];

/**
 * Floors inside the rooms, from the ground up: a folder imports itself, the folders of lower floors, and those that
 * share its floor only where `together` says so.
 */
const FLOORS: Readonly<Record<string, { readonly together: boolean; readonly folders: readonly string[] }[]>> = {
  'src/protocol': [
    { together: false, folders: ['codec'] },
    { together: false, folders: ['ledger'] },
    // Votes, commits and evidence know a block only by its hash, so that messages and headers can hold them.
    { together: false, folders: ['consensus'] },
    // The vocabulary: objects, parameters, messages, events, rows.
    { together: false, folders: ['model'] },
    // A broken lease slashes stake and a vote weighs reputation, so these two know each other; manifests know neither.
    { together: true, folders: ['market', 'stake'] },
    { together: false, folders: ['manifest'] },
    { together: false, folders: ['chain'] },
  ],
  // What actors share (their interface to a world, the wire) stands in the room itself.
  'src/actors': [
    { together: false, folders: ['.'] },
    // How anybody who is no node follows the chain.
    { together: false, folders: ['client'] },
    { together: false, folders: ['validator', 'provider', 'tenant', 'delegator'] },
  ],
  // Neither world knows the other: what they share stands in the room itself.
  'src/worlds': [
    { together: false, folders: ['.'] },
    { together: false, folders: ['simulated', 'live'] },
  ],
};

/** Npm packages that a room may import; rooms that are not named may import every dependency of package.json. */
const PACKAGES: readonly (readonly [room: string, packages: readonly string[]])[] = [
  // Manifests are files that people write; reading YAML is not what this project exists for.
  ['src/protocol/manifest/', ['@noble/hashes', 'yaml']],
  ['src/protocol/', ['@noble/hashes', '@scure/base']],
  ['src/actors/', []],
  ['src/worlds/simulated/', ['seedrandom']],
];

/** Packages that do not run in a browser. */
const NODE_PACKAGES = [
  'piscina',
  'yargs',
  'cli-progress',
  'cli-table3',
  'dockerode',
  'fastify',
  '@fastify/swagger',
  '@fastify/websocket',
  '@peculiar/x509',
];

/** Whether a specifier names a module of the platform, with or without its prefix. */
function isPlatform(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(specifier.split('/')[0]!);
}

/** Whether a file imports the platform, a package that wants it, a module of a computed name, or a file that may do so. */
export function needsNode(file: SourceFile): boolean {
  return resolvedImports(file).some(({ specifier, target }) => {
    if (target !== null) return knowsNode(target);
    return specifier === COMPUTED || isPlatform(specifier) || NODE_PACKAGES.includes(packageOf(specifier));
  });
}

/** The package that a specifier leads into. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** `src/lab/scenario/load.ts` -> `lab`; null outside of the house. */
function roomOf(path: string): string | null {
  const [src, room, ...rest] = path.split('/');
  return src === 'src' && room !== undefined && rest.length > 0 ? room : null;
}

/**
 * What is wrong with the imports of a file.
 * @param dependencies of package.json, those that a user gets
 */
export function importObjections(file: SourceFile, dependencies: readonly string[]): Objection[] {
  const objections: Objection[] = [];
  for (const { specifier, typeOnly, line, target } of resolvedImports(file)) {
    const object = (what: string): void => void objections.push({ path: file.path, line, what });
    if (target !== null) {
      const fault = upwards(file.path, target) ?? acrossFloors(file.path, target);
      if (fault !== null) object(fault);
      if (!typeOnly && !knowsNode(file.path) && knowsNode(target)) object(`${target} needs Node.js, this file may not`);
    } else if (specifier === COMPUTED) {
      if (!knowsNode(file.path)) object('found an import of a computed name: nobody can bundle that');
    } else if (isPlatform(specifier)) {
      if (!knowsNode(file.path)) object(`found ${specifier}, but this file runs in a browser too: take a port`);
    } else {
      const name = packageOf(specifier);
      const allowed = PACKAGES.find(([room]) => file.path.startsWith(room))?.[1] ?? dependencies;
      if (!allowed.includes(name))
        object(`found the package ${name}, expected one of: ${allowed.join(', ') || 'none'}`);
      else if (!knowsNode(file.path) && NODE_PACKAGES.includes(name)) object(`the package ${name} needs Node.js`);
    }
  }
  return objections;
}

/** cli -> lab -> worlds -> actors -> protocol, and never the other way. */
function upwards(source: string, target: string): string | null {
  const below = HOUSE.indexOf(roomOf(source));
  const above = HOUSE.indexOf(roomOf(target));
  if (above < 0) return `${target} is in none of ${HOUSE.join(', ')}`;
  if (below < 0) return null; // A file of src/ itself, such as the public face, opens on every room.
  return above > below ? `${HOUSE[below]} imports ${target}, which is above it` : null;
}

function acrossFloors(source: string, target: string): string | null {
  const room = Object.keys(FLOORS).find(one => source.startsWith(`${one}/`) && target.startsWith(`${one}/`));
  if (room === undefined) return null;
  const from = folderIn(room, source);
  const to = folderIn(room, target);
  if (from === to) return null;
  const floors = FLOORS[room]!;
  const below = floors.findIndex(floor => floor.folders.includes(from));
  const above = floors.findIndex(floor => floor.folders.includes(to));
  if (below < 0 || above < 0) return `${room}/${below < 0 ? from : to} has no floor yet: give it one in FLOORS`;
  if (above < below || (above === below && floors[above]!.together)) return null;
  return `${room}/${from} imports ${target}, which does not stand below it`;
}

function folderIn(room: string, path: string): string {
  const rest = path.slice(room.length + 1).split('/');
  return rest.length === 1 ? '.' : rest[0]!;
}

/**
 * Circles among the given files: each a list of paths in which every file imports the next and the last the first.
 * Types are not counted, they vanish before anything runs.
 */
export function circles(files: readonly SourceFile[]): string[][] {
  const imports = new Map<string, string[]>();
  for (const file of files) {
    const targets = resolvedImports(file).filter(one => !one.typeOnly && one.target !== null);
    imports.set(
      file.path,
      targets.map(one => one.target!),
    );
  }
  const found: string[][] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    const at = trail.indexOf(path);
    if (at >= 0) found.push(trail.slice(at));
    if (at >= 0 || done.has(path)) return;
    trail.push(path);
    for (const next of imports.get(path) ?? []) visit(next);
    trail.pop();
    done.add(path);
  };
  for (const path of imports.keys()) visit(path);
  return found;
}

/**
 * Folders of a room that import each other, as `a <-> b`. A folder's own files are its own affair.
 * @param room such as `src/lab`
 */
export function mutualFolders(files: readonly SourceFile[], room: string): string[] {
  const edges = new Set<string>();
  for (const file of files) {
    if (!file.path.startsWith(`${room}/`)) continue;
    for (const { target } of resolvedImports(file)) {
      if (target?.startsWith(`${room}/`)) edges.add(`${folderIn(room, file.path)} ${folderIn(room, target)}`);
    }
  }
  const mutual: string[] = [];
  for (const edge of edges) {
    const [from, to] = edge.split(' ') as [string, string];
    if (from < to && edges.has(`${to} ${from}`)) mutual.push(`${from} <-> ${to}`);
  }
  return mutual.sort((a, b) => (a < b ? -1 : 1));
}
