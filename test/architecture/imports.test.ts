/** Holds the picture of the house: imports go one way, and what should run in a browser asks nothing of Node.js. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { circles, importObjections, mutualFolders, needsNode } from './import-rules.ts';
import { knowsNode, NODE_FILES, ROOT, type SourceFile, sourceFiles, told } from './source-tree.ts';

const files = sourceFiles();
const dependencies = Object.keys(JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')).dependencies);

/** Files that import each other, each pair or ring with its reason. */
const CIRCLES: readonly string[] = [
  // The handshakes are a part of the network in a file of their own; both hold classes, used only once all is loaded.
  'src/worlds/simulated/connections.ts, src/worlds/simulated/network.ts',
];

/** Folders of a room that know each other. */
const MUTUAL: Readonly<Record<string, readonly string[]>> = {
  'src/protocol': ['market <-> stake'],
  'src/actors': [],
  'src/worlds': [],
  // The runner's results have columns, and the columns are of the runner's results.
  'src/lab': ['experiment <-> report'],
};

function objections(path: string, text: string): string[] {
  return told(importObjections({ path, text }, dependencies));
}

describe('the tree', () => {
  it('is there to be read', () => {
    for (const room of ['protocol', 'actors', 'worlds/simulated', 'lab/scenario', 'lab/experiment']) {
      expect(files.filter(file => file.path.startsWith(`src/${room}/`)).length, room).toBeGreaterThan(4);
    }
  });

  it('keeps to the import rule', () => {
    expect(told(files.flatMap(file => importObjections(file, dependencies)))).toEqual([]);
  });

  it('has no circles but those that are known', () => {
    const found = circles(files).map(circle => circle.toSorted((a, b) => (a < b ? -1 : 1)).join(', '));
    expect(found.filter(circle => !CIRCLES.includes(circle))).toEqual([]);
  });

  it.each(Object.entries(MUTUAL))('%s has no folders that know each other but those that do', (room, known) => {
    expect(mutualFolders(files, room).filter(pair => !known.includes(pair))).toEqual([]);
  });

  it('keeps Node.js to few files of the lab', () => {
    // The live lab is about this machine through and through: its room as a whole may know it.
    const inLab = files.filter(file => file.path.startsWith('src/lab/') && !file.path.startsWith('src/lab/live/'));
    const node = inLab.filter(file => knowsNode(file.path));
    expect(node.length).toBeGreaterThan(0);
    expect(node.length).toBeLessThan(inLab.length / 3);
    const underneath = files.filter(file => /^src\/(?:protocol|actors|worlds\/simulated)\//.test(file.path));
    expect(underneath.filter(file => knowsNode(file.path))).toEqual([]);
    // Who stands on the list, or is called *-node.ts, has a reason.
    const needing = node.filter(needsNode).map(file => file.path);
    expect(node.map(file => file.path)).toEqual(needing);
    expect(node.map(file => file.path)).toEqual(expect.arrayContaining([...NODE_FILES]));
  });
});

describe('the rule bites', () => {
  it.each([
    // Upwards.
    ['src/protocol/market/x.ts', "import { a } from '../../actors/actor.ts'", 'above it'],
    ['src/protocol/market/x.ts', "import type { A } from '../../actors/actor.ts'", 'above it'],
    ['src/actors/x.ts', "export * from '../worlds/simulated/world.ts'", 'above it'],
    ['src/worlds/simulated/x.ts', "import '../../lab/scenario/load.ts'", 'above it'],
    ['src/lab/scenario/x.ts', "type A = import('../../main.ts').A", 'in none of'],
    ['src/lab/scenario/x.ts', "import type { A } from '../../cli/main.ts'", 'above it'],
    ['src/lab/scenario/x.ts', "import a from '../../../test/support/a.ts'", 'in none of'],
    // Across the floors of a room.
    ['src/protocol/codec/x.ts', "import { a } from '../ledger/money.ts'", 'does not stand below'],
    ['src/protocol/ledger/x.ts', "import type { A } from '../model/state.ts'", 'does not stand below'],
    ['src/protocol/model/x.ts', "import { a } from '../market/match.ts'", 'does not stand below'],
    ['src/protocol/stake/x.ts', "import { a } from '../chain/chain.ts'", 'does not stand below'],
    ['src/protocol/consensus/x.ts', "import { a } from '../chain/block.ts'", 'does not stand below'],
    ['src/protocol/attic/x.ts', "import { a } from '../codec/bytes.ts'", 'no floor yet'],
    ['src/actors/tenant/x.ts', "import { a } from '../provider/provider.ts'", 'does not stand below'],
    ['src/actors/x.ts', "import { a } from './provider/provider.ts'", 'does not stand below'],
    ['src/worlds/live/x.ts', "import { a } from '../simulated/world.ts'", 'does not stand below'],
    // The platform.
    ['src/protocol/codec/x.ts', "import { createHash } from 'node:crypto'", 'take a port'],
    ['src/protocol/codec/x.ts', "import { createHash } from 'crypto'", 'take a port'],
    ['src/actors/x.ts', "import type { Stats } from 'node:fs'", 'take a port'],
    ['src/worlds/simulated/x.ts', "const { readFile } = await import('fs/promises')", 'take a port'],
    ['src/lab/scenario/x.ts', "export { join } from 'node:path'", 'take a port'],
    ['src/lab/scenario/x.ts', "import { loadScenarioFile } from './load-node.ts'", 'needs Node.js'],
    ['src/lab/experiment/x.ts', 'const rule = await import(name)', 'computed'],
    // Packages.
    ['src/protocol/codec/x.ts', "import { z } from 'zod'", 'package zod'],
    ['src/actors/x.ts', "import { sha256 } from '@noble/hashes/sha2.js'", 'package @noble/hashes'],
    ['src/worlds/simulated/x.ts', "import { mean } from 'd3-array'", 'package d3-array'],
    ['src/lab/scenario/x.ts', "import fc from 'fast-check'", 'package fast-check'],
    ['src/lab/scenario/x.ts', "import { Piscina } from 'piscina'", 'needs Node.js'],
  ])('%s: %s', (path, text, expected) => {
    expect(objections(path, `const before = 1;\n${text};\n`)).toEqual([expect.stringContaining(expected)]);
    expect(objections(path, `${text};\n`)[0]).toMatch(new RegExp(`^${path}:1: `));
  });

  it.each([
    ['src/cli/x.ts', "import { a } from '../lab/scenario/load-node.ts'; import 'node:fs'; import 'yargs'"],
    ['src/lab/experiment/x.ts', "import { a } from '../../protocol/market/match.ts'; import { z } from 'zod'"],
    ['src/lab/experiment/x.ts', "import type { WorkerOptions } from './worker.ts'"],
    ['src/lab/report/x-node.ts', "import 'node:fs'; import { a } from './tables.ts'"],
    ['src/worlds/simulated/make-node.ts', "import { a } from './node.ts'; import seedrandom from 'seedrandom'"],
    ['src/protocol/market/x.ts', "import { a } from '../stake/slashing.ts'; import { b } from './match.ts'"],
    ['src/protocol/chain/x.ts', "// import 'node:fs'\nconst text = \"import 'node:fs'\""],
  ])('and lets pass %s: %s', (path, text) => {
    expect(objections(path, text)).toEqual([]);
  });

  it('sees a circle, whichever way round', () => {
    const file = (name: string, ...imports: string[]): SourceFile => ({
      path: `src/lab/${name}.ts`,
      text: imports.join('\n'),
    });
    const ring = [
      file('a', "import './b.ts'"),
      file('b', "export { x } from './c.ts'"),
      file('c', "import { y } from './b.ts'"),
      file('d', "import type { z } from './d.ts'"),
    ];
    expect(circles(ring)).toEqual([['src/lab/b.ts', 'src/lab/c.ts']]);
    expect(circles(ring.slice(0, 2))).toEqual([]);
  });

  it('sees two folders that know each other', () => {
    const one = { path: 'src/lab/scenario/x.ts', text: "import { a } from '../monitors/monitor.ts'" };
    const other = { path: 'src/lab/monitors/y.ts', text: "import type { B } from '../scenario/types.ts'" };
    expect(mutualFolders([one, other], 'src/lab')).toEqual(['monitors <-> scenario']);
    expect(mutualFolders([one], 'src/lab')).toEqual([]);
  });
});
