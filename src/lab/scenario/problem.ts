/**
 * What is wrong with a scenario, in a form that a person can act on: where, what was found, what was expected.
 *
 * Loading never stops at the first error. Everything that can be said about a file is collected and said at once, one
 * line each, so that a file is mended in one go.
 */

import { show } from './units.ts';

/** A place in a file; lines and columns count from 1. Line 0: the file as a whole, or a command line override. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong. */
export interface ScenarioError extends Place {
  /** Dotted, e.g. `providers.cheap.count`; empty for the file as a whole. */
  readonly path: string;
  readonly found: string;
  readonly expected: string;
}

/** One step into a map (by key) or a list (by index). */
export type Step = string | number;

/** `tenants.web.deployment.0.persist` */
export function dotted(path: readonly Step[]): string {
  return path.join('.');
}

/** `scenarios/x.yaml:12:5: providers.cheap.count: found "abc", expected a whole number from 1 to 1,000,000` */
export function formatError(error: ScenarioError): string {
  const place = error.line > 0 ? `${error.file}:${error.line}:${error.column}` : error.file;
  const path = error.path === '' ? '' : `${error.path}: `;
  return `${place}: ${path}found ${error.found}, expected ${error.expected}`;
}

/** A scenario (or a file that it needs) that cannot be used, with everything that is wrong with it. */
export class InvalidScenario extends Error {
  readonly errors: readonly ScenarioError[];

  constructor(errors: readonly ScenarioError[]) {
    super(errors.map(formatError).join('\n'));
    this.name = 'InvalidScenario';
    this.errors = errors;
  }
}

/** A single error about a place. */
export function errorAt(place: Place, path: readonly Step[], found: string, expected: string): ScenarioError {
  return { file: place.file, line: place.line, column: place.column, path: dotted(path), found, expected };
}

/** The edit distance of two words (insert, delete, replace, swap neighbours). */
export function editDistance(a: string, b: string): number {
  const width = b.length + 1;
  let before: number[] = [];
  let last = Array.from({ length: width }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j < width; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, before[j - 2]! + 1);
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** The known name nearest to a misspelt one, if it is near enough to be what was meant. */
export function nearest(name: string, known: readonly string[]): string | null {
  if (name.length > 64) return null;
  let best: string | null = null;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** What to say was expected where an unknown name stands: the nearest known one first, or the list. */
export function expectedName(name: string, known: readonly string[]): string {
  if (known.length === 0) return 'no name here, because there are none';
  const near = nearest(name, known);
  const list =
    known.length === 1 ? known[0]! : `one of ${known.slice(0, 30).join(', ')}${known.length > 30 ? ', ...' : ''}`;
  return near === null ? list : `${show(near)} perhaps (${list})`;
}
