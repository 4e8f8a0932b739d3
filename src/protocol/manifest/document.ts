/**
 * YAML text as a tree in which every value knows where it stands.
 *
 * A stranger's file may be made to cost its reader time and memory, so each way of doing that has a bound which is
 * checked before the cost arises: bytes before anything is read, nesting while the text is cut into tokens (which needs
 * no recursion, building the tree does), and what aliases multiply while the tree is built. Values are as the official
 * tool sees them (see yaml-scalar.ts). Beyond YAML 1.2 it knows merge keys, so they are known here; it makes texts such
 * as "[object Object]" out of keys that are lists or maps, and those are refused.
 */

import type { Document, ParsedNode } from 'yaml';
import { Composer, isAlias, isMap, isPair, isScalar, isSeq, Lexer, LineCounter, Parser } from 'yaml';
import { byCodeUnits } from './collation.ts';
import type { Position, Step } from './problem.ts';
import { grouped, NOWHERE, problem, quoted, Unreadable } from './problem.ts';
import { indentQuoted } from './quotes.ts';
import { decodeSource, firstUnprintable } from './source-text.ts';
import type { ScalarTag, YamlScalar } from './yaml-scalar.ts';
import { plainScalar, taggedScalar } from './yaml-scalar.ts';

/** Deepest nesting of maps and lists, as in the official reader. */
const MAX_DEPTH = 100;
/** Most pieces (words, signs, gaps between them) that a file may be cut into; the longest of the public ones has 2,000. */
const MAX_PIECES = 40_000;
/** Most quoted texts in a file whose lines are not indented. */
const MAX_MENDS = 16;
/** What the lexer puts before a text that is not in quotes. */
const SCALAR_FOLLOWS = '\x1f';
/** Most that aliases and merge keys may repeat: characters, with a few more for each value. */
const MAX_REPEATED = 1 << 20;
const VALUE_WEIGHT = 16;

/** `at` is the offset in the text. */
export type Tree = MapTree | ListTree | ScalarTree;

export interface MapTree {
  readonly kind: 'map';
  readonly at: number;
  readonly entries: ReadonlyMap<string, MapEntry>;
  readonly weight: number;
}

export interface MapEntry {
  /** Where the key stands. */
  readonly keyAt: number;
  readonly value: Tree;
}

export interface ListTree {
  readonly kind: 'list';
  readonly at: number;
  readonly items: readonly Tree[];
  readonly weight: number;
}

export type ScalarTree = YamlScalar & { readonly at: number; readonly weight: number };

/** A file that could be read. */
export interface SdlDocument {
  readonly root: Tree;
  readonly position: (offset: number) => Position;
}

/**
 * Reads the one document of a YAML file.
 * @param source UTF-8, with or without byte order mark
 * @throws Unreadable
 */
export function readDocument(source: Uint8Array | string): SdlDocument {
  const text = decodeSource(source);
  const counter = new LineCounter();
  const position = (offset: number): Position => {
    const { line, col } = counter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const { document, mended } = compose(text, counter, position);
  const reader = new TreeReader(mended, position);
  return { root: reader.read(document.contents, [], 0), position };
}

/** The document, which has at most MAX_DEPTH levels and no syntax errors, and the text from which it was made. */
function compose(
  text: string,
  counter: LineCounter,
  position: (offset: number) => Position,
  mends = 0,
): { readonly document: Document.Parsed; readonly mended: string } {
  counter.lineStarts.length = 0;
  const parser = new Parser(counter.addNewLine);
  // Nothing but texts: what they mean is decided here. Keys are compared here too, in linear time.
  const composer = new Composer<ParsedNode>({ schema: 'failsafe', uniqueKeys: false, logLevel: 'silent' });
  const documents: Document.Parsed[] = [];
  counter.addNewLine(0);
  let pieces = 0;
  let previous = '';
  for (const lexeme of new Lexer().lex(text)) {
    const before = parser.offset;
    const isQuoted = previous !== SCALAR_FOLLOWS && (lexeme[0] === '"' || lexeme[0] === "'");
    const mended = isQuoted && mends < MAX_MENDS ? indentQuoted(text, before, lexeme.length) : null;
    if (mended !== null) return compose(mended, counter, position, mends + 1);
    previous = lexeme;
    for (const token of parser.next(lexeme)) documents.push(...composer.next(token));
    pieces += 1;
    if (documents.length > 1) break;
    if (pieces > MAX_PIECES) {
      const found = `more than ${grouped(MAX_PIECES)} words and signs`;
      throw new Unreadable(problem([], position(before), found, 'a shorter file: fewer services, values or comments'));
    }
    // On the way there are also the document itself and the value that is being read.
    if (parser.stack.length > MAX_DEPTH + 2) throw tooDeep(position(before), []);
  }
  for (const token of parser.end()) documents.push(...composer.next(token));
  documents.push(...composer.end());
  const [document, second] = documents;
  const [error] = document?.errors ?? composer.streamInfo().errors;
  if (error !== undefined) {
    // A syntax error leads the parser astray; what it says behind the first is seldom true.
    const [found, expected] = SYNTAX[error.code] ?? [error.message.split('\n')[0]!, 'YAML 1.2'];
    throw new Unreadable(problem([], position(error.pos[0]), found, expected));
  }
  if (second !== undefined) {
    throw new Unreadable(problem([], position(second.range[0]), 'a second document (---)', 'one document in a file'));
  }
  if (document === undefined || isEmpty(document.contents)) {
    throw new Unreadable(
      problem([], NOWHERE, 'an empty file', 'a map with version, services, profiles and deployment'),
    );
  }
  return { document, mended: text };
}

/** Nothing at all, or nothing after the mark of a document. */
function isEmpty(contents: ParsedNode | null): boolean {
  return contents === null || (isScalar(contents) && contents.source === '' && contents.type === 'PLAIN');
}

function tooDeep(position: Position, path: readonly Step[]): Unreadable {
  return new Unreadable(problem(path, position, 'lists or maps nested too deeply', `at most ${MAX_DEPTH} levels`));
}

/** Friendlier words for the syntax errors that people run into. */
const SYNTAX: Readonly<Record<string, readonly [string, string]>> = {
  TAB_AS_INDENT: ['a tab in the indentation', 'spaces'],
  MULTIPLE_DOCS: ['a second document (---)', 'one document in a file'],
};

const TAG_PREFIX = 'tag:yaml.org,2002:';
const SCALAR_TAGS: ReadonlySet<string> = new Set(['str', 'int', 'float', 'bool', 'null']);

class TreeReader {
  readonly text: string;
  readonly position: (offset: number) => Position;
  readonly anchors = new Map<string, Tree>();
  repeated = 0;

  constructor(text: string, position: (offset: number) => Position) {
    this.text = text;
    this.position = position;
  }

  fail(at: number, path: readonly Step[], found: string, expected: string): Unreadable {
    return new Unreadable(problem(path, this.position(at), found, expected));
  }

  read(node: unknown, path: readonly Step[], around: number): Tree {
    if (path.length >= MAX_DEPTH) throw tooDeep(this.position(around), path.slice(0, 4));
    const at = rangeStart(node) ?? around;
    if (isAlias(node)) {
      const target = this.anchors.get(node.source);
      if (target === undefined) {
        throw this.fail(at, path, `the alias *${node.source}`, 'an anchor of that name that ends before it');
      }
      this.repeat(target, at, path);
      return target;
    }
    const tree = this.readValue(node, path, at);
    const anchor = (node as { anchor?: unknown } | null)?.anchor;
    if (typeof anchor === 'string') this.anchors.set(anchor, tree);
    return tree;
  }

  /** Counts what an alias repeats, before anybody walks through it. */
  repeat(tree: Tree, at: number, path: readonly Step[]): void {
    this.repeated += tree.weight;
    if (this.repeated <= MAX_REPEATED) return;
    throw this.fail(at, path, 'aliases that repeat too much', `at most ${grouped(MAX_REPEATED)} characters of it`);
  }

  readValue(node: unknown, path: readonly Step[], at: number): Tree {
    if (isMap(node)) {
      this.checkTag(node.tag, 'map', at, path);
      return this.readMap(node.items, path, at);
    }
    if (isSeq(node)) {
      this.checkTag(node.tag, 'seq', at, path);
      const items = node.items.map((item, i) => this.read(item, [...path, i], at));
      return { kind: 'list', at, items, weight: items.reduce((sum, one) => sum + one.weight, VALUE_WEIGHT) };
    }
    if (!isScalar(node)) return { kind: 'null', at, weight: VALUE_WEIGHT };
    const source = String(node.source ?? '');
    const weight = VALUE_WEIGHT + source.length;
    this.checkCharacters(node.type, node.range, source, at, path);
    if (node.tag === undefined) {
      const value: YamlScalar = node.type === 'PLAIN' ? plainScalar(source) : { kind: 'text', value: source };
      return { ...value, at, weight };
    }
    if (node.tag === '!') return { kind: 'text', value: source, at, weight };
    const tag = node.tag.startsWith(TAG_PREFIX) ? node.tag.slice(TAG_PREFIX.length) : '';
    if (!SCALAR_TAGS.has(tag)) throw this.fail(at, path, `the tag ${quoted(node.tag)}`, 'a value without tag');
    const value = taggedScalar(tag as ScalarTag, source);
    if (value === null) throw this.fail(at, path, `${quoted(source)} tagged as ${tag}`, `a value that is one`);
    return { ...value, at, weight };
  }

  checkTag(tag: string | undefined, name: string, at: number, path: readonly Step[]): void {
    if (tag === undefined || tag === TAG_PREFIX + name) return;
    throw this.fail(at, path, `the tag ${quoted(tag)}`, 'a value without tag');
  }

  /** Control characters may stand in quotes as escapes only. */
  checkCharacters(
    type: string | undefined,
    range: readonly number[] | null | undefined,
    source: string,
    at: number,
    path: readonly Step[],
  ): void {
    const isQuoted = type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE';
    const written = isQuoted && range ? this.text.slice(range[0], range[1]) : source;
    const found = firstUnprintable(written, isQuoted);
    if (found !== null) throw this.fail(at, path, `the character ${found}`, 'characters that can be printed');
  }

  readMap(items: readonly unknown[], path: readonly Step[], at: number): MapTree {
    const entries = new Map<string, MapEntry>();
    /** Keys that came by a merge: the map's own win over them, whichever stands first. */
    const merged = new Set<string>();
    let weight = VALUE_WEIGHT;
    for (const pair of items) {
      if (!isPair(pair)) continue;
      const keyAt = rangeStart(pair.key) ?? rangeStart(pair.value) ?? at;
      if (isScalar(pair.key) && pair.key.type === 'PLAIN' && pair.key.source === '<<' && pair.key.tag === undefined) {
        const source = this.read(pair.value, [...path, '<<'], keyAt);
        for (const one of this.mergeSources(source, path, keyAt)) {
          this.repeat(one, keyAt, path);
          weight += one.weight;
          for (const [key, entry] of one.entries) {
            if (entries.has(key)) continue;
            entries.set(key, entry);
            merged.add(key);
          }
        }
        continue;
      }
      const name = this.key(pair.key, path, keyAt);
      if (entries.has(name) && !merged.delete(name)) {
        throw this.fail(keyAt, path, `the key ${quoted(name)} a second time`, 'each key once');
      }
      const value = this.read(pair.value, [...path, name], keyAt);
      weight += value.weight + name.length;
      entries.set(name, { keyAt, value });
    }
    const sorted = new Map([...entries].sort(([a], [b]) => byCodeUnits(a, b)));
    return { kind: 'map', at, entries: sorted, weight };
  }

  key(node: unknown, path: readonly Step[], at: number): string {
    const key = this.read(node, path, at);
    if (key.kind === 'list' || key.kind === 'map') throw this.fail(at, path, `a ${key.kind} as a key`, 'a name');
    if (key.kind === 'date') throw this.fail(at, path, `the date ${key.source} as a key`, 'a name, or it in quotes');
    const name = scalarText(key);
    if (name === '__proto__') throw this.fail(at, path, 'the key "__proto__"', 'another name');
    return name;
  }

  mergeSources(source: Tree, path: readonly Step[], at: number): readonly MapTree[] {
    const sources = source.kind === 'list' ? source.items : [source];
    return sources.map(one => {
      if (one.kind === 'map') return one;
      throw this.fail(at, path, `a merge key (<<) with a ${one.kind}`, 'a map, or a list of maps');
    });
  }
}

function rangeStart(node: unknown): number | null {
  const range = (node as { range?: readonly number[] | null } | null)?.range;
  return range?.[0] ?? null;
}

/** A scalar as JavaScript writes it. */
export function scalarText(scalar: YamlScalar): string {
  switch (scalar.kind) {
    case 'text':
      return scalar.value;
    case 'number':
      return scalar.text;
    case 'boolean':
      return String(scalar.value);
    case 'null':
      return 'null';
    case 'date':
      return scalar.source;
  }
}

/** The value at a path; null: there is none. */
export function find(root: Tree, path: readonly Step[]): Tree | null {
  let tree: Tree | undefined = root;
  for (const step of path) {
    if (tree?.kind === 'map') tree = tree.entries.get(String(step))?.value;
    else tree = tree?.kind === 'list' ? tree.items[Number(step)] : undefined;
  }
  return tree ?? null;
}

/** Where the value at a path stands, or where the key of the nearest thing around it does. */
export function locate(root: Tree, path: readonly Step[]): number {
  let tree = root;
  let around = root.at;
  for (const step of path) {
    const entry: MapEntry | undefined = tree.kind === 'map' ? tree.entries.get(String(step)) : undefined;
    const item: Tree | undefined = tree.kind === 'list' ? tree.items[Number(step)] : entry?.value;
    if (item === undefined) return around;
    around = entry?.keyAt ?? item.at;
    tree = item;
  }
  return tree.at;
}
