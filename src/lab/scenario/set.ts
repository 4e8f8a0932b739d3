/**
 * `--set path=value`: values given on the command line, laid over a scenario before it is checked.
 *
 * A path is the one that errors print: keys and list indexes joined by dots. The value is YAML, as it would stand in the
 * file: `10`, `5s`, `off`, `{undercut: {step: 0.02}}`. It replaces whatever is there, and what
 * cannot stand beside it (`workload.timeScale` takes `workload.targetLoad` away). Whether the format knows the path
 * is for the validation to say, which has all names; only classes and list items, which are named by the file itself,
 * must exist already.
 */

import type { Place, Step } from './problem.ts';
import { errorAt, expectedName, InvalidScenario } from './problem.ts';
import type { MapEntry, Tree } from './tree.ts';
import { find, parseTree, rivalsOf } from './tree.ts';
import { show } from './units.ts';

/** How the "file" of an override is called in errors. */
const PREFIX = '--set ';

/** Whether a place is an override's, whose file names are relative to the working directory. */
export function isOverride(place: Place): boolean {
  return place.file.startsWith(PREFIX);
}

/**
 * Applies one override to a tree, which is not changed.
 * @returns the new tree
 * @throws InvalidScenario
 */
export function applyOverride(tree: Tree, override: string): Tree {
  const place: Place = { file: PREFIX + override, line: 0, column: 0 };
  const equals = override.indexOf('=');
  const path = override.slice(0, Math.max(0, equals)).trim().split('.');
  if (equals <= 0 || path.some(step => step === '')) {
    throw new InvalidScenario([errorAt(place, [], show(override), 'path=value, such as providers.cheap.count=10')]);
  }
  const written = override.slice(equals + 1).trim();
  if (written === '') throw new InvalidScenario([errorAt(place, path, 'no value', 'path=value')]);
  if (path.includes('__proto__')) {
    throw new InvalidScenario([errorAt(place, path, 'the key "__proto__"', 'another name')]);
  }
  requireNamed(tree, path, place);
  return replace(tree, path, 0, atPlace(parseTree(place.file, written), place), place);
}

/** Classes are named by the file; a slip in a name must not make a new one. */
function requireNamed(tree: Tree, path: readonly string[], place: Place): void {
  const [section, name] = path;
  if ((section !== 'providers' && section !== 'tenants') || name === undefined) return;
  const classes = find(tree, [section]);
  const known = classes?.kind === 'map' ? [...classes.entries.keys()] : [];
  if (!known.includes(name)) {
    throw new InvalidScenario([errorAt(place, path, `no ${section} class ${show(name)}`, expectedName(name, known))]);
  }
}

function replace(tree: Tree, path: readonly string[], depth: number, value: Tree, place: Place): Tree {
  const step = path[depth];
  if (step === undefined) return value;
  const here: readonly Step[] = path.slice(0, depth + 1);
  if (tree.kind === 'list') {
    const index = /^\d{1,9}$/.test(step) ? Number(step) : -1;
    const item = tree.items[index];
    if (item === undefined) {
      const expected = tree.items.length === 0 ? 'a list with items' : `an index from 0 to ${tree.items.length - 1}`;
      throw new InvalidScenario([errorAt(place, here, show(step), expected)]);
    }
    const items = tree.items.with(index, replace(item, path, depth + 1, value, place));
    return { kind: 'list', place: tree.place, items };
  }
  if (tree.kind === 'scalar' && tree.value !== null) {
    const parent = path.slice(0, depth).join('.');
    throw new InvalidScenario([
      errorAt(place, here, `${show(tree.value)} at ${parent}`, `a map or list to hold ${show(step)}`),
    ]);
  }
  // An absent map is made: what the file leaves out may still be set.
  const entries: Map<string, MapEntry> = tree.kind === 'map' ? new Map(tree.entries) : new Map();
  for (const rival of rivalsOf(path.slice(0, depth), step)) entries.delete(rival);
  const below = entries.get(step);
  const inner: Tree = below?.value ?? { kind: 'scalar', place, value: null };
  entries.set(step, { key: below?.key ?? place, value: replace(inner, path, depth + 1, value, place) });
  return { kind: 'map', place: tree.place, entries };
}

/** The tree with every value standing at one place. */
function atPlace(tree: Tree, place: Place): Tree {
  switch (tree.kind) {
    case 'scalar':
      return { ...tree, place };
    case 'list':
      return { kind: 'list', place, items: tree.items.map(item => atPlace(item, place)) };
    case 'map': {
      const entries = [...tree.entries].map(([key, { value }]): [string, MapEntry] => [
        key,
        { key: place, value: atPlace(value, place) },
      ]);
      return { kind: 'map', place, entries: new Map(entries) };
    }
  }
}
