/**
 * Which globals a source really uses. A `process` may be a parameter and a `performance` a column, so names alone say
 * little: the bundler resolves scopes, and here it puts a marker in place of each name that nothing in the file binds.
 */

import { SourceMap } from 'node:module';
import { transform } from 'esbuild';
import { tokenise } from './tokens.ts';

const MARK = '$free_';

export interface FreeGlobal {
  readonly name: string;
  /** From 1. */
  readonly line: number;
}

/**
 * The uses of globals in a source, in the order of the text.
 * @param names the globals to look for
 */
export async function freeGlobals(source: string, names: readonly string[]): Promise<FreeGlobal[]> {
  const define = Object.fromEntries(names.map(name => [name, `${MARK}${name}`]));
  const { code, map } = await transform(source, { loader: 'ts', target: 'esnext', define, sourcemap: 'external' });
  const origin = new SourceMap(JSON.parse(map));
  const columns = code.split('\n');
  const found: FreeGlobal[] = [];
  for (const { kind, text, line } of tokenise(code)) {
    if (kind !== 'name' || !text.startsWith(MARK)) continue;
    const entry = origin.findEntry(line - 1, columns[line - 1]!.indexOf(text));
    found.push({ name: text.slice(MARK.length), line: ('originalLine' in entry ? entry.originalLine : 0) + 1 });
  }
  return found;
}
