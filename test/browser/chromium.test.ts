/**
 * Runs a scenario in a browser and in Node.js and compares every row. Both are the same engine in other versions, which
 * is the point: what a page shows must be what the command line wrote, and nothing under it may ask for Node.js.
 */

import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BuildResult, build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knowsNode, ROOT, sourceFiles } from '../architecture/source-tree.ts';
import { type Outcome, runInMemory } from './entry.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const IN_CI = process.env.CI === 'true';
const ABSENT = !existsSync(CHROMIUM) && !IN_CI;

const FIRST_LEASE = 'scenarios/first-lease.yaml';
const BY_CHANCE = 'test/browser/by-chance.yaml';
const SEED = 7;
const FILES = Object.fromEntries([FIRST_LEASE, BY_CHANCE].map(path => [path, readFileSync(`${ROOT}${path}`, 'utf8')]));

const ARGUMENTS = [
  '--no-sandbox', // Root, as in containers, has no other way.
  '--disable-gpu',
  '--disable-dev-shm-usage', // Containers have little of it.
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Modules that a package tries to load and does without. */
const OPTIONAL = ['canvas'];

/** Bundles for a browser. Nothing is external, so a module of Node's is an error that names its importer. */
function bundle(contents: string): Promise<BuildResult<{ write: false; metafile: true }>> {
  return build({
    absWorkingDir: ROOT,
    stdin: { contents, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'orrery',
    target: 'es2024',
    logLevel: 'silent',
  });
}

describe('the bundle', () => {
  it('holds every file that should run in a browser', async () => {
    const pure = sourceFiles().filter(file => !knowsNode(file.path));
    expect(pure.length).toBeGreaterThan(100);
    const everything = pure.map((file, i) => `export * as file${i} from ${JSON.stringify(`./${file.path}`)};`);
    const { warnings, metafile } = await bundle(everything.join('\n'));
    expect(Object.keys(metafile.inputs)).toEqual(expect.arrayContaining(pure.map(file => file.path)));
    expect(warnings).toEqual([]);
    const outside = Object.values(metafile.outputs).flatMap(one => one.imports.filter(other => other.external));
    expect(outside.map(one => one.path).filter(path => !OPTIONAL.includes(path))).toEqual([]);
  });

  it.each(["import { readFileSync } from 'node:fs'; readFileSync('x')", "import { join } from 'path'; join('x')"])(
    'refuses %s',
    async contents => {
      await expect(bundle(contents)).rejects.toThrow(/Could not resolve "(?:node:fs|path)"/);
    },
  );

  it('refuses a file of the lab that knows Node.js', async () => {
    const contents = "export * from './src/lab/scenario/load-node.ts'";
    await expect(bundle(contents)).rejects.toThrow(/load-node\.ts[\s\S]*Could not resolve "node:fs"/);
  });
});

describe.skipIf(ABSENT)(
  `the page${ABSENT ? ` (skipped: no Chromium at ${CHROMIUM}, see CONTRIBUTING.md)` : ''}`,
  () => {
    let server: Server;
    let browser: Browser;
    let page: Page;
    let origin: string;
    const requested: string[] = [];
    const complaints: string[] = [];

    beforeAll(async () => {
      const { outputFiles } = await bundle("export * from './test/browser/entry.ts'");
      const script = outputFiles[0]!.text;
      server = createServer((request, response) => {
        const isScript = request.url === '/orrery.js';
        response.setHeader('content-type', isScript ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8');
        response.end(isScript ? script : '<!doctype html><title>Orrery</title><script src="/orrery.js"></script>');
      });
      await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
      origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGUMENTS });
      page = await browser.newPage();
      page.on('request', request => requested.push(request.url()));
      page.on('pageerror', error => complaints.push(error.message));
      page.on('console', message => complaints.push(message.text()));
      await page.goto(`${origin}/`);
    });

    afterAll(async () => {
      await browser?.close();
      await new Promise(resolve => (server === undefined ? resolve(null) : server.close(resolve)));
    });

    /** Runs the scenario in the page. The call is a text, because its names exist over there only. */
    async function runInPage(path: string, seed: number): Promise<Outcome> {
      return await page.evaluate(`orrery.runInMemory(${JSON.stringify(FILES)}, ${JSON.stringify(path)}, ${seed})`);
    }

    it.each([FIRST_LEASE, BY_CHANCE])('comes to the same as Node.js, row by row: %s', async path => {
      const there = await runInPage(path, SEED);
      const here = runInMemory(FILES, path, SEED);
      expect(there.traceHash).toMatch(/^[\da-f]{32}$/);
      expect(there.rows.length).toBeGreaterThan(100);
      expect(there.broken).toEqual([]);
      expect(there.rows.filter((row, i) => row !== here.rows[i]).slice(0, 5)).toEqual([]);
      expect({ ...there, rows: there.rows.length }).toEqual({ ...here, rows: here.rows.length });
    });

    it('comes to something else with another seed', async () => {
      const one = await runInPage(BY_CHANCE, SEED);
      const other = await runInPage(BY_CHANCE, SEED + 1);
      expect(other.traceHash).not.toBe(one.traceHash);
      expect(other.rows).not.toEqual(one.rows);
    });

    it('tells what is wrong with a scenario', async () => {
      const call = `orrery.runInMemory({ 'a.yaml': 'name: 3' }, 'a.yaml', 1)`;
      await expect(page.evaluate(call)).rejects.toThrow(/a\.yaml:1:7/);
    });

    it('asks the network for nothing, and complains of nothing', () => {
      expect(requested.filter(url => !url.startsWith('data:'))).toEqual([
        `${origin}/`,
        `${origin}/orrery.js`,
        ...requested.filter(url => url === `${origin}/favicon.ico`),
      ]);
      expect(complaints).toEqual([]);
    });
  },
);
