/**
 * What is wrong with an SDL file: where, what was found there, what was expected instead.
 *
 * Everything that can be said about a file is collected and said at once. A problem carries a JSON pointer (RFC 6901) in
 * the way the official tool gives it: what is missing from a map, or too much in it, is a problem of the map, and the
 * line and column are then those of the key.
 */

import type { SdlProblem } from './types.ts';

/** One step into a map (by key) or a list (by index). */
export type Step = string | number;

/** `/services/web/expose/0/port` */
export function pointer(path: readonly Step[]): string {
  return path.map(step => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Of the file as a whole. */
export const NOWHERE: Position = { line: 0, column: 0 };

/** One problem. */
export function problem(
  path: readonly Step[],
  { line, column }: Position,
  found: string,
  expected: string,
): SdlProblem {
  return { path: pointer(path), line, column, message: `found ${found}, expected ${expected}` };
}

/** `services.web: line 3, column 5: found ...` in one line, for people. */
export function problemText({ path, line, column, message }: SdlProblem): string {
  const place = line > 0 ? `line ${line}, column ${column}: ` : '';
  return `${place}${path === '' ? '' : `${path}: `}${message}`;
}

/** Stops reading: nothing that could be said after it would be true. */
export class Unreadable extends Error {
  readonly problem: SdlProblem;

  constructor(one: SdlProblem) {
    super(problemText(one));
    this.name = 'Unreadable';
    this.problem = one;
  }
}

/** A text in quotes, short enough for a message. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}

/** `1048576` as `1,048,576` */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(?:[0-9]{3})+$)/g, ',');
}
