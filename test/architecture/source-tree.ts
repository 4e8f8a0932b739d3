/** The files of `src/` as the rules of this folder see them: by path and text, with the rooms that they stand in. */

import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Import, importsOf } from './tokens.ts';

/** The checkout. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface SourceFile {
  /** From the root of the checkout, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Something that a rule objects to. */
export interface Objection {
  readonly path: string;
  readonly line: number;
  readonly what: string;
}

/** One line for each objection, as an editor can follow it. */
export function told(objections: readonly Objection[]): string[] {
  return objections.map(({ path, line, what }) => `${path}:${line}: ${what}`);
}

/** Every TypeScript file of `src/`, sorted by path. */
export function sourceFiles(): SourceFile[] {
  const paths = globSync('src/**/*.ts', { cwd: ROOT }).map(path => path.replaceAll('\\', '/'));
  return paths.sort((a, b) => (a < b ? -1 : 1)).map(path => ({ path, text: readFileSync(`${ROOT}${path}`, 'utf8') }));
}

/**
 * Files of the lab that know Node.js though their names do not say so (`*-node.ts`): what reads and writes results on a
 * disk, and the worker threads that make them. A new one is better named than listed.
 */
export const NODE_FILES: readonly string[] = [
  'src/lab/experiment/pool.ts',
  'src/lab/experiment/replay.ts',
  'src/lab/experiment/results-batch.ts',
  'src/lab/experiment/results-csv.ts',
  'src/lab/experiment/results-folder.ts',
  'src/lab/experiment/results-record.ts',
  'src/lab/experiment/results-source.ts',
  'src/lab/experiment/results.ts',
  'src/lab/experiment/worker.ts',
  'src/lab/report/event-rows.ts',
];

/** Whether a file of `src/` may know Node.js. All others run in a browser too. */
export function knowsNode(path: string): boolean {
  return /^src\/(?:cli|worlds\/live|lab\/live)\/|^src\/lab\/.*-node\.ts$/.test(path) || NODE_FILES.includes(path);
}

/** An import with the file that it leads to, for our own; null for packages and the platform. */
export interface ResolvedImport extends Import {
  readonly target: string | null;
}

/** The imports of a file. A relative one leads to a path from the root of the checkout. */
export function resolvedImports(file: SourceFile): ResolvedImport[] {
  return importsOf(file.text).map(one => ({
    ...one,
    target: one.specifier.startsWith('.') ? besides(file.path, one.specifier) : null,
  }));
}

function besides(path: string, specifier: string): string {
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
}
