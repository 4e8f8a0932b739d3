/** Holds what is true of the repository as a whole: versions, lock file, sizes, and nothing of anybody's machine. */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ROOT, sourceFiles } from './source-tree.ts';

type Versions = Readonly<Record<string, string>>;

/** Most lines of a file of `src/`: one concept each. */
const MAX_LINES = 450;

/** Files that may be longer, and why. */
const LONG_FILES: Readonly<Record<string, string>> = {};

/** What a checkout holds besides the repository; the same folders stand in .gitignore. */
const NOT_TRACKED = ['node_modules', '.git', 'dist', 'results', '.tmp', 'coverage'];

/** Folders that belong to somebody's machine. */
const MACHINE_PATH = /(?<![\w.~@/-])(?:\/(?:home|Users|work|root|mnt)\/[\w.-]+|[A-Z]:\\Users\\)/;

/** Paths that look like a machine's and are not. */
const HARMLESS: readonly string[] = [];

function read(path: string): string {
  return readFileSync(`${ROOT}${path}`, 'utf8');
}

function repositoryFiles(folder = ''): string[] {
  const entries = readdirSync(`${ROOT}${folder}`, { withFileTypes: true });
  return entries.flatMap(one => {
    const path = `${folder}${one.name}`;
    if (NOT_TRACKED.includes(one.name) || one.name.endsWith('.tgz')) return [];
    return one.isDirectory() ? repositoryFiles(`${path}/`) : [path];
  });
}

/** Versions of package.json that leave a choice to whoever installs. */
function inexact(versions: Versions): string[] {
  const found = Object.entries(versions).filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version));
  return found.map(([name, version]) => `${name}@${version}`);
}

/** Places of a lock file that name a host to download from. */
function hostsIn(lock: unknown, path = ''): string[] {
  if (typeof lock !== 'object' || lock === null) return [];
  return Object.entries(lock).flatMap(([key, value]) => [
    ...(key === 'resolved' ? [`${path}/${key}`] : []),
    ...hostsIn(value, `${path}/${key}`),
  ]);
}

function linesOf(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

function machinePaths(text: string): string[] {
  return text.split('\n').flatMap((line, i) => {
    const found = MACHINE_PATH.exec(line)?.[0];
    return found === undefined || HARMLESS.includes(found) ? [] : [`${i + 1}: ${found}`];
  });
}

describe('package.json', () => {
  const manifest = JSON.parse(read('package.json'));
  const lock = JSON.parse(read('package-lock.json'));

  it('pins every version', () => {
    expect(inexact({ ...manifest.dependencies, ...manifest.devDependencies })).toEqual([]);
    expect(inexact({ a: '^1.0.0', b: '~1.0.0', c: '1.x', d: 'latest', e: '1.0.0-rc.1', f: '1.2' })).toEqual([
      'a@^1.0.0',
      'b@~1.0.0',
      'c@1.x',
      'd@latest',
      'f@1.2',
    ]);
  });

  it('pins the engine', () => {
    expect(manifest.devDependencies).toHaveProperty('node');
    // The engine that runs this test is that one: whatever stands in PATH, npm scripts find it first.
    expect(process.versions.node).toBe(manifest.devDependencies.node);
  });

  it('agrees with the lock file', () => {
    expect(lock.packages[''].dependencies).toEqual(manifest.dependencies);
    expect(lock.packages[''].devDependencies).toEqual(manifest.devDependencies);
    expect(lock.packages[''].version).toBe(manifest.version);
  });

  it('leaves it to the user where packages come from', () => {
    expect(read('.npmrc').split('\n')).toContain('omit-lockfile-registry-resolved=true');
    expect(hostsIn(lock)).toEqual([]);
    expect(hostsIn({ packages: { 'node_modules/a': { resolved: 'https://example.org/a.tgz' } } })).toEqual([
      '/packages/node_modules/a/resolved',
    ]);
  });
});

describe('files', () => {
  it(`have at most ${MAX_LINES} lines in src`, () => {
    const long = sourceFiles().filter(file => linesOf(file.text) > MAX_LINES);
    expect(long.map(file => file.path)).toEqual(Object.keys(LONG_FILES));
    expect(linesOf('a\nb\n')).toBe(2);
    expect(linesOf('a\nb')).toBe(2);
  });

  it('say in src what they are for', () => {
    const silent = sourceFiles().filter(file => !/^(?:#![^\n]*\n)?\/\*\*[\s\S]*?\w{3}[\s\S]*?\*\//.test(file.text));
    expect(silent.map(file => file.path)).toEqual([]);
  });

  it("name no folder of anybody's machine", () => {
    const files = repositoryFiles();
    expect(files).toEqual(expect.arrayContaining(['package.json', '.npmrc', 'src/actors/actor.ts', '.ci/run']));
    const named = files.flatMap(path => machinePaths(read(path)).map(found => `${path}:${found}`));
    expect(named).toEqual([]);
  });

  it.each(['home/ada/x', 'Users/ada/x', 'work/main/src', 'root/.cache'])('would find such a folder: %s', path => {
    expect(machinePaths(`first\nsee /${path} there`)).toHaveLength(1);
    expect(machinePaths(`see "/${path}"`)).toHaveLength(1);
    expect(machinePaths(`https://example.org/${path}`)).toEqual([]);
  });
});
