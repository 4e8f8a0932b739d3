/** Holds the bans that make a run a function of its scenario, its seed and this code. */

import { describe, expect, it } from 'vitest';
import {
  determinismObjections,
  fractionObjections,
  needlessExceptions,
  nodeGlobalObjections,
} from './determinism-rules.ts';
import { knowsNode, sourceFiles, told } from './source-tree.ts';

const files = sourceFiles();
const guarded = files.filter(file => /^src\/(?:protocol|actors|worlds\/simulated)\//.test(file.path));

async function objections(text: string, path = 'src/actors/x.ts'): Promise<string[]> {
  return told(await determinismObjections({ path, text }));
}

function fractions(text: string, path = 'src/protocol/market/x.ts'): string[] {
  return told(fractionObjections({ path, text }));
}

describe('the tree', () => {
  it('has no hidden input in protocol, actors and the simulated world', async () => {
    expect(guarded.length).toBeGreaterThan(60);
    expect(told((await Promise.all(guarded.map(determinismObjections))).flat())).toEqual([]);
  });

  it('has no fractions in protocol', () => {
    const protocol = guarded.filter(file => file.path.startsWith('src/protocol/'));
    expect(protocol.length).toBeGreaterThan(30);
    expect(told(protocol.flatMap(file => fractionObjections(file)))).toEqual([]);
  });

  it("has no globals of Node's in what runs in a browser too", async () => {
    const pure = files.filter(file => !knowsNode(file.path));
    expect(told((await Promise.all(pure.map(nodeGlobalObjections))).flat())).toEqual([]);
  });

  it('needs every exception that it has', async () => {
    expect(await needlessExceptions(files)).toEqual([]);
  });
});

describe('the bans bite', () => {
  it.each([
    'const now = Date.now()',
    'let when: Date',
    'Math.random()',
    "Math['random']()",
    'const { random } = Math',
    'setTimeout(f, 1)',
    'setInterval(f, 1)',
    'queueMicrotask(f)',
    'const p: Promise<void> = f()',
    'async function f() {}',
    'const f = async () => 1',
    'for await (const x of y) f(x)',
    'f().then(g)',
    "import('x')",
    'import.meta.url',
    "new Intl.Collator('de')",
    'a.localeCompare(b)',
    'a.toLocaleString()',
    'a.toLocaleUpperCase()',
    'process.env.HOME',
    'const cpus = process',
    'performance.now()',
    'crypto.getRandomValues(bytes)',
    'globalThis.Date',
    "globalThis['x']",
    'fetch(url)',
    "console.log('x')",
    "Function('return 1')()",
    'new WeakRef(x)',
    'const buffer: WeakRef<X> | null = null',
    'a.sort()',
    'a?.toSorted()',
    'a.sort?.()',
    'a.sort(undefined)',
    'const f = a.sort',
    "a['sort']()",
    'const s = `${a.sort()}`',
  ])('%s', async text => {
    const found = await objections(`const before = 1;\n${text};\n`);
    expect(found.length).toBeGreaterThan(0);
    for (const one of found) expect(one).toMatch(/^src\/actors\/x\.ts:2: /);
  });

  it.each([
    'a.sort(compareTexts)',
    'a.toSorted((x, y) => x - y)',
    'function f(process: Process) { return process.state }',
    'const { performance } = columns; f(performance, x.process)',
    'class Store { fetch() { return this.crypto } crypto = 1 }',
    '// Date.now(), Math.random()',
    "f('Date', 'Math.random()', `setTimeout`)",
    'Math.floor(x)',
    'try { f() } catch (error) { g(error) } finally { h() }',
    'const updated = { async: true }.async',
    'Object.keys(x).sort(compareTexts)',
  ])('and let pass %s', async text => {
    expect(await objections(text)).toEqual([]);
  });

  it('exempt the traps by name, and nobody else', async () => {
    const traps = 'trap(globalThis, Math)';
    expect(await objections(traps, 'src/worlds/simulated/guard.ts')).toEqual([]);
    expect(await objections(traps, 'src/worlds/simulated/world.ts')).toHaveLength(2);
    expect(await objections('Date.now()', 'src/worlds/simulated/guard.ts')).toHaveLength(1);
  });

  it.each(['process.cwd()', 'Buffer.from(x)', "require('x')", '__dirname', 'setImmediate(f)'])(
    'in the lab too: %s',
    async text => {
      const found = await nodeGlobalObjections({ path: 'src/lab/scenario/x.ts', text: `\n${text};` });
      expect(told(found)).toEqual([expect.stringMatching(/^src\/lab\/scenario\/x\.ts:2: /)]);
    },
  );

  it('leave the lab its own names', async () => {
    const text = 'export function f(process: string) { return { process, Buffer: 1 }; }';
    expect(await nodeGlobalObjections({ path: 'src/lab/scenario/x.ts', text })).toEqual([]);
  });
});

describe('the ban on fractions bites', () => {
  it.each([
    'const half = 0.5',
    'const tiny = 1e-3',
    'const huge = 1e300',
    "parseFloat('1')",
    "Number.parseFloat('1')",
    'Math.sqrt(x)',
    'Math.exp(x)',
    'Math.log(x)',
    'Math.pow(x, y)',
    'Math.sin(x)',
    'Math.round(x)',
    'new Float64Array(2)',
    'view.getFloat64(0)',
    'x.toFixed(2)',
    'a / b',
    'a /= 2',
    'Math.floor(a) / b',
    'Math.floor(a / (b / c))',
    'Math.max(a / b, 0)',
  ])('%s', text => {
    expect(fractions(`\n${text};`)).toEqual([expect.stringMatching(/^src\/protocol\/market\/x\.ts:2: /)]);
  });

  it.each([
    'Math.floor(a / b)',
    'Math.ceil((a + b) / 4)',
    'Math.trunc(-a / b)',
    'a / 2n',
    '1n / a',
    'a / BigInt(b)',
    'const n = 1_000_000 + 0xe5 + 1e6',
    "f('0.5', /0.5/) // 0.5 / 2",
  ])('and lets pass %s', text => {
    expect(fractions(text)).toEqual([]);
  });

  it('takes the word of a reviewed division, in its own file only', () => {
    expect(fractions('(a * b) / PICO_US_PER_MICRO', 'src/protocol/ledger/money.ts')).toEqual([]);
    expect(fractions('(a * b) / PICO_US_PER_MICRO', 'src/protocol/market/orders.ts')).toHaveLength(1);
  });
});
