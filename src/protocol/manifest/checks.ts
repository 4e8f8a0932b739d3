/**
 * Small checks out of which the SDL schema is put together: each looks at one value and reports what is wrong with it.
 *
 * They say what JSON Schema's words of the same names say (type, enum, pattern, minimum, required, properties...) with
 * the same verdicts; where the schema offers alternatives, a check first sees which one was meant, so that a person is
 * told of the one mistake and not of every alternative that does not fit either.
 */

import type { Tree } from './document.ts';
import type { Position, Step } from './problem.ts';
import { grouped, problem, quoted } from './problem.ts';
import type { SdlProblem } from './types.ts';

/** Collects problems. */
export class Report {
  readonly found: SdlProblem[] = [];
  readonly position: (offset: number) => Position;

  constructor(position: (offset: number) => Position) {
    this.position = position;
  }

  add(path: readonly Step[], at: number, found: string, expected: string): void {
    this.found.push(problem(path, this.position(at), found, expected));
  }

  /** What was found so far, in the order of the file. */
  get problems(): readonly SdlProblem[] {
    return [...this.found].sort((a, b) => a.line - b.line || a.column - b.column);
  }
}

export type Check = (tree: Tree, path: readonly Step[], report: Report) => void;

/** What a value is, in words. */
export function described(tree: Tree): string {
  switch (tree.kind) {
    case 'map':
      return tree.entries.size === 0 ? 'an empty map' : 'a map';
    case 'list':
      return tree.items.length === 0 ? 'an empty list' : `a list of ${tree.items.length}`;
    case 'text':
      return quoted(tree.value);
    case 'number':
      return `the number ${tree.text}`;
    case 'boolean':
      return String(tree.value);
    case 'null':
      return 'nothing (null)';
    case 'date':
      return `the date ${tree.source}`;
  }
}

function refuse(tree: Tree, path: readonly Step[], report: Report, expected: string): void {
  // Texts look like numbers and truths to their authors: only the quotes are missing.
  const hint = ['number', 'boolean', 'date'].includes(tree.kind) && expected.startsWith('a text') ? ' in quotes' : '';
  report.add(path, tree.at, described(tree), expected + hint);
}

/** Runs every check on the value. */
export function all(...checks: readonly Check[]): Check {
  return (tree, path, report) => {
    for (const check of checks) check(tree, path, report);
  };
}

export interface TextRule {
  /** Characters (code points) at least. */
  readonly least?: number;
  readonly pattern?: RegExp;
  /** What it should be, in words. */
  readonly what?: string;
  /** Its content must not be told to whoever reads the problem. */
  readonly secret?: boolean;
}

export function text({ least = 0, pattern, what = 'a text', secret = false }: TextRule = {}): Check {
  return (tree, path, report) => {
    if (tree.kind !== 'text') {
      if (secret) report.add(path, tree.at, `a ${tree.kind}`, `${what} in quotes`);
      else refuse(tree, path, report, what);
    } else if (Array.from(tree.value).length < least) {
      const found = secret ? `one of ${Array.from(tree.value).length}` : described(tree);
      report.add(path, tree.at, found, `${what} of at least ${least} ${least === 1 ? 'character' : 'characters'}`);
    } else if (pattern !== undefined && !pattern.test(tree.value)) {
      refuse(tree, path, report, what);
    }
  };
}

/** One of some texts. */
export function word(words: readonly string[]): Check {
  return (tree, path, report) => {
    if (tree.kind === 'text' && words.includes(tree.value)) return;
    refuse(tree, path, report, words.length === 1 ? `"${words[0]}"` : `one of: ${words.join(', ')}`);
  };
}

export const bool: Check = (tree, path, report) => {
  if (tree.kind !== 'boolean') refuse(tree, path, report, 'true or false');
};

/** The largest number that the messages of the chain hold for a count. */
export const MAX_UINT32 = 0xffff_ffff;

/** A whole number. */
export function whole(least: number, most: number): Check {
  return (tree, path, report) => {
    const value = tree.kind === 'number' ? wholeValue(tree.text) : null;
    if (value !== null && value >= least && value <= most) return;
    refuse(tree, path, report, `a whole number from ${grouped(least)} to ${grouped(most)}`);
  };
}

/** The number if it is whole and safe. */
export function wholeValue(text: string): number | null {
  return /^-?[0-9]{1,15}$/.test(text) ? Number(text) : null;
}

export function list(item: Check, what = 'a list'): Check {
  return (tree, path, report) => {
    if (tree.kind !== 'list') {
      refuse(tree, path, report, what);
      return;
    }
    tree.items.forEach((one, i) => void item(one, [...path, i], report));
  };
}

/** The check, or nothing at all. */
export function nullable(check: Check): Check {
  return (tree, path, report) => {
    if (tree.kind !== 'null') check(tree, path, report);
  };
}

/** A map from any names. */
export function map(value: Check): Check {
  return (tree, path, report) => {
    if (tree.kind !== 'map') {
      refuse(tree, path, report, 'a map');
      return;
    }
    for (const [key, entry] of tree.entries) value(entry.value, [...path, key], report);
  };
}

/** A map whose names follow a pattern. */
export function named(pattern: RegExp, what: string, value: Check): Check {
  return (tree, path, report) => {
    map((one, below, to) => {
      if (pattern.test(String(below.at(-1)))) value(one, below, to);
    })(tree, path, report);
    if (tree.kind !== 'map') return;
    for (const [key, { keyAt }] of tree.entries) {
      if (!pattern.test(key)) report.add(path, keyAt, `the name ${quoted(key)}`, what);
    }
  };
}

/** A map with the given properties and no others. */
export function record(properties: Readonly<Record<string, Check>>, required: readonly string[] = []): Check {
  const known = Object.keys(properties);
  return (tree, path, report) => {
    if (tree.kind !== 'map') {
      refuse(tree, path, report, `a map with ${known.join(', ')}`);
      return;
    }
    for (const name of required) {
      if (!tree.entries.has(name)) report.add(path, tree.at, `no "${name}"`, 'it, as it is required');
    }
    for (const [key, { keyAt, value }] of tree.entries) {
      if (Object.hasOwn(properties, key)) properties[key]!(value, [...path, key], report);
      else report.add(path, keyAt, `the property ${quoted(key)}`, `only: ${known.join(', ')}`);
    }
  };
}
