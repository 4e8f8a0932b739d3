/**
 * A YAML document as a tree in which every value remembers the file, line and column where it stands.
 *
 * Scenarios extend each other and are overridden from the command line, so one document's values may come from several
 * places; an error has to point at the one that wrote the value. This file reads text into such trees, refusing
 * everything in YAML that a scenario has no use for (several documents, tags, merge keys, alias bombs, another version),
 * and knows how to find and merge. It knows nothing of what a scenario contains, save for which fields hold a choice.
 */

import type { Document, ParsedNode } from 'yaml';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Place, ScenarioError, Step } from './problem.ts';
import { errorAt, InvalidScenario } from './problem.ts';
import { grouped, show } from './units.ts';

export interface MapEntry {
  /** Where the key stands. */
  readonly key: Place;
  readonly value: Tree;
}

export type Scalar = string | number | boolean | null;

export type Tree =
  | { readonly kind: 'map'; readonly place: Place; readonly entries: Map<string, MapEntry> }
  | { readonly kind: 'list'; readonly place: Place; readonly items: Tree[] }
  | { readonly kind: 'scalar'; readonly place: Place; readonly value: Scalar };

/** Largest scenario file in bytes. */
export const MAX_FILE_BYTES = 1 << 20;
/** Deepest nesting of maps and lists. */
const MAX_DEPTH = 32;
/** Most values that aliases may stand for, all together; what stands there itself is bounded by the file's size. */
const MAX_ALIASED = 10_000;

/**
 * The text of a file, which must be UTF-8 without a byte order mark.
 * @throws InvalidScenario
 */
export function decode(file: string, content: Uint8Array | string, maxBytes: number = MAX_FILE_BYTES): string {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const fail = (line: number, found: string, expected: string): never => {
    throw new InvalidScenario([errorAt({ file, line, column: line === 0 ? 0 : 1 }, [], found, expected)]);
  };
  if (bytes.length > maxBytes) fail(0, `${grouped(bytes.length)} bytes`, `at most ${grouped(maxBytes)} bytes`);
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) fail(1, 'a byte order mark', 'UTF-8 without one');
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    fail(1, 'UTF-16', 'UTF-8');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fail(lineOfBadByte(bytes), 'bytes that are not UTF-8', 'UTF-8');
  }
}

/** The first line that does not decode by itself; a line feed is never part of a longer UTF-8 sequence. */
function lineOfBadByte(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let line = 1;
  let start = 0;
  while (start <= bytes.length) {
    const feed = bytes.indexOf(10, start);
    const end = feed === -1 ? bytes.length : feed;
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch {
      return line;
    }
    line += 1;
    start = end + 1;
  }
  return 1;
}

/**
 * Reads YAML text into a tree. `placeOf` maps an offset in the text to a place.
 * @throws InvalidScenario with every error that was found
 */
export function parseTree(file: string, text: string): Tree {
  const counter = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = counter.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const document = parseYaml(text, counter, file);
  const errors: ScenarioError[] = [...document.errors, ...document.warnings].map(({ code, message, pos }) => {
    const [found, expected] = SYNTAX[code] ?? [`${message.split('\n')[0]} (${code})`, 'valid YAML 1.2'];
    return errorAt(place(pos[0]), [], found, expected);
  });
  // A syntax error leads the parser astray; what it says behind the first is seldom true.
  if (errors.length > 0) throw new InvalidScenario(errors.slice(0, 1));
  const version = document.directives?.yaml.version;
  if (version !== undefined && version !== '1.2') {
    throw new InvalidScenario([errorAt(place(0), [], `YAML ${version}`, 'YAML 1.2')]);
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    throw new InvalidScenario([
      errorAt({ file, line: 1, column: 1 }, [], 'an empty file', 'a map with name, question...'),
    ]);
  }
  const reader = new TreeReader(document, place);
  const tree = reader.read(document.contents, [], 0);
  if (reader.errors.length > 0) throw new InvalidScenario(reader.errors);
  return tree;
}

/** Friendlier words for the syntax errors that people run into. */
const SYNTAX: Readonly<Record<string, readonly [string, string]>> = {
  TAB_AS_INDENT: ['a tab in the indentation', 'spaces'],
  MULTIPLE_DOCS: ['a second document (---)', 'one document in a file'],
  RESOURCE_EXHAUSTION: ['lists or maps nested without end', `at most ${MAX_DEPTH} levels`],
  TAG_RESOLVE_FAILED: ['a tag (!)', 'values without tags'],
};

function parseYaml(text: string, counter: LineCounter, file: string): Document.Parsed<ParsedNode> {
  try {
    // Keys are checked for uniqueness below, in linear time.
    return parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: false, schema: 'core' });
  } catch (error) {
    // The library descends by recursion: nesting of some thousands overruns the stack.
    if (!(error instanceof RangeError)) throw error;
    throw new InvalidScenario([
      errorAt({ file, line: 1, column: 1 }, [], 'lists or maps nested without end', `at most ${MAX_DEPTH} levels`),
    ]);
  }
}

class TreeReader {
  readonly errors: ScenarioError[] = [];
  readonly document: Document.Parsed<ParsedNode>;
  readonly placeAt: (offset: number) => Place;
  aliased = 0;
  aliasDepth = 0;

  constructor(document: Document.Parsed<ParsedNode>, placeAt: (offset: number) => Place) {
    this.document = document;
    this.placeAt = placeAt;
  }

  read(node: unknown, path: readonly Step[], offset: number): Tree {
    const at = rangeStart(node) ?? offset;
    const place = this.placeAt(at);
    const nothing: Tree = { kind: 'scalar', place, value: null };
    if (this.aliasDepth > 0) this.aliased += 1;
    if (this.aliased > MAX_ALIASED) {
      if (this.aliased === MAX_ALIASED + 1) {
        this.errors.push(errorAt(place, path, `aliases for over ${grouped(MAX_ALIASED)} values`, 'fewer'));
      }
      return nothing;
    }
    if (path.length > MAX_DEPTH) {
      this.errors.push(
        errorAt(place, path.slice(0, 4), 'lists or maps nested too deeply', `at most ${MAX_DEPTH} levels`),
      );
      return nothing;
    }
    if (isAlias(node)) {
      const target = node.resolve(this.document);
      if (target === undefined) {
        this.errors.push(errorAt(place, path, `the alias *${node.source}`, 'an anchor of that name before it'));
        return nothing;
      }
      this.aliasDepth += 1;
      const tree = this.read(target, path, at);
      this.aliasDepth -= 1;
      return tree;
    }
    if (node !== null && typeof node === 'object' && 'tag' in node && typeof node.tag === 'string' && hasTag(node)) {
      this.errors.push(errorAt(place, path, `the tag ${node.tag}`, 'values without tags'));
      return nothing;
    }
    if (isMap(node)) return this.readMap(node.items, path, place, at);
    if (isSeq(node)) {
      return { kind: 'list', place, items: node.items.map((item, i) => this.read(item, [...path, i], at)) };
    }
    return { kind: 'scalar', place, value: isScalar(node) ? scalar(node.value) : null };
  }

  readMap(items: readonly { key: unknown; value: unknown }[], path: readonly Step[], place: Place, at: number): Tree {
    const entries = new Map<string, MapEntry>();
    for (const { key, value } of items) {
      const offset = rangeStart(key) ?? at;
      const keyPlace = this.placeAt(offset);
      if (!isScalar(key) || key.value === null) {
        this.errors.push(errorAt(keyPlace, path, 'a key that is no text', 'a name'));
        continue;
      }
      const name = String(key.value);
      if (entries.has(name)) {
        this.errors.push(errorAt(keyPlace, [...path, name], `the key ${show(name)} a second time`, 'each key once'));
      } else if (name === '<<') {
        this.errors.push(errorAt(keyPlace, path, 'a merge key (<<)', 'an alias for a whole value, or `extends`'));
      } else if (name === '__proto__') {
        this.errors.push(errorAt(keyPlace, path, 'the key "__proto__"', 'another name'));
      } else {
        entries.set(name, { key: keyPlace, value: this.read(value, [...path, name], offset) });
      }
    }
    return { kind: 'map', place, entries };
  }
}

function rangeStart(node: unknown): number | null {
  const range = (node as { range?: readonly number[] | null } | null)?.range;
  return range?.[0] ?? null;
}

/** Whether a tag was written; the composer also puts the default tag on what it made. */
function hasTag(node: { tag?: unknown }): boolean {
  return typeof node.tag === 'string' && node.tag !== '' && !DEFAULT_TAGS.has(node.tag);
}

const DEFAULT_TAGS: ReadonlySet<string> = new Set(
  ['map', 'seq', 'str', 'int', 'float', 'bool', 'null'].map(name => `tag:yaml.org,2002:${name}`),
);

function scalar(value: unknown): Scalar {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  throw new Error(`found a YAML value of type ${typeof value}, expected text, number, boolean or null`);
}

/** The tree as plain data, without places. */
export function plain(tree: Tree): unknown {
  switch (tree.kind) {
    case 'map':
      return Object.fromEntries([...tree.entries].map(([key, entry]) => [key, plain(entry.value)]));
    case 'list':
      return tree.items.map(plain);
    case 'scalar':
      return tree.value;
  }
}

/** The subtree at a path, or null. */
export function find(tree: Tree, path: readonly Step[]): Tree | null {
  let at: Tree | null | undefined = tree;
  for (const step of path) {
    if (at?.kind === 'map') at = at.entries.get(String(step))?.value;
    else if (at?.kind === 'list') at = at.items[Number(step)];
    else return null;
  }
  return at ?? null;
}

/** Where the value at a path stands; if there is none, where the key of the nearest thing around it stands. */
export function locate(tree: Tree, path: readonly Step[]): Place {
  let at: Tree = tree;
  let around = tree.place;
  for (const step of path) {
    const entry: MapEntry | undefined = at.kind === 'map' ? at.entries.get(String(step)) : undefined;
    const item: Tree | undefined = at.kind === 'list' ? at.items[Number(step)] : entry?.value;
    if (item === undefined) return around;
    around = entry?.key ?? item.place;
    at = item;
  }
  return at.place;
}

/** Where the key at the end of a path stands. */
export function locateKey(tree: Tree, path: readonly Step[]): Place {
  const parent = find(tree, path.slice(0, -1));
  const entry = parent?.kind === 'map' ? parent.entries.get(String(path.at(-1))) : undefined;
  return entry?.key ?? locate(tree, path);
}

/**
 * Fields whose value is a choice, written as a map with the choice as its key. A child that chooses differently must
 * replace what it extends: merging `{costPlus: ...}` and `{undercut: ...}` would choose both.
 */
const CHOICES: ReadonlySet<string> = new Set(
  (
    'strategy behaviour arrivals escrow region latency lifetime bidDelay pull start stop cpu memory disk gpu bandwidth ' +
    'price margin gain every offers after closeAfter collateral commitments invariants'
  ).split(' '),
);

/** Classes are named by their authors, and may be named like a field. */
function isChoice(path: readonly Step[]): boolean {
  if (path.length < 2) return false;
  if (path.length === 2 && (path[0] === 'providers' || path[0] === 'tenants')) return false;
  return CHOICES.has(String(path.at(-1)));
}

/**
 * Keys that stand for each other, of which a map may have one only: a child or an override that writes one takes the
 * others away, instead of making a map with both. `*` is the name of a class.
 */
const RIVALS: readonly { readonly at: readonly string[]; readonly keys: readonly (readonly string[])[] }[] = [
  { at: ['workload'], keys: [['timeScale'], ['targetLoad']] },
  { at: ['providers', '*'], keys: [['fromTrace'], ['count', 'hosts']] },
];

/** The keys that must go from the map at `path` when `key` is written into it. */
export function rivalsOf(path: readonly Step[], key: string): readonly string[] {
  for (const { at, keys } of RIVALS) {
    if (at.length !== path.length || !at.every((step, i) => step === '*' || step === path[i])) continue;
    if (keys.some(side => side.includes(key))) return keys.filter(side => !side.includes(key)).flat();
  }
  return [];
}

/** `child` laid over `base`: maps merge key by key, everything else is replaced by the child's. Neither is changed. */
export function merge(base: Tree, child: Tree, path: readonly Step[] = []): Tree {
  if (base.kind !== 'map' || child.kind !== 'map') return child;
  if (isChoice(path) && [...child.entries.keys()].join() !== [...base.entries.keys()].join()) return child;
  const entries = new Map(base.entries);
  for (const key of child.entries.keys()) for (const rival of rivalsOf(path, key)) entries.delete(rival);
  for (const [key, entry] of child.entries) {
    const below = entries.get(key);
    entries.set(
      key,
      below === undefined ? entry : { key: entry.key, value: merge(below.value, entry.value, [...path, key]) },
    );
  }
  return { kind: 'map', place: child.place, entries };
}
