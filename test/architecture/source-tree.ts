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
 * Files outside `cli` and `worlds/live` that may know Node.js: those that say so in their names, and the few of the lab
 * that write results and keep workers. All others run in a browser too.
 */
const NODE_FILES: readonly RegExp[] = [
  /^src\/cli\//,
  /^src\/worlds\/live\//,
  /^src\/lab\/.*-node\.ts$/,
  // Results on a disk, and the worker threads that make them.
  /^src\/lab\/experiment\/(?:pool|worker|results|results-\w+)\.ts$/,
  // The report of a results directory is one file on a disk.
  /^src\/lab\/report\/(?:html|write|read)[\w-]*\.ts$/,
];

/** Whether a file of `src/` may know Node.js. */
export function knowsNode(path: string): boolean {
  return NODE_FILES.some(pattern => pattern.test(path));
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
