import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from './support.ts';

interface Package {
  version: string;
  engines: { node: string };
  devDependencies: { node: string };
  peerDependencies: { node: string };
  bin: Record<string, string>;
  exports: Record<string, string | { types: string; default: string }>;
}
const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Package;

/** A package like ours that pins an engine which is not this one. */
const PINNED = '98.7.6';
let folder = '';

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'orrery-launcher-')));
  mkdirSync(join(folder, 'pkg', 'bin'), { recursive: true });
  copyFileSync(join(ROOT, 'bin', 'orrery.js'), join(folder, 'pkg', 'bin', 'orrery.js'));
  writeFileSync(join(folder, 'pkg', 'package.json'), JSON.stringify({ type: 'module', engines: { node: PINNED } }));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function launch(args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'pkg', 'bin', 'orrery.js'), ...args], {
    encoding: 'utf8',
    cwd: folder,
  });
  return { status, stdout, stderr };
}

/** An engine that prints its arguments and ends with 7; `at` is the folder of its package. */
function engine(at: string, version: string): void {
  mkdirSync(join(folder, at, 'bin'), { recursive: true });
  writeFileSync(join(folder, at, 'package.json'), JSON.stringify({ version }));
  writeFileSync(join(folder, at, 'bin', 'node'), '#!/bin/sh\nfor a in "$@"; do echo "$a"; done\nexit 7\n');
  chmodSync(join(folder, at, 'bin', 'node'), 0o755);
}

describe('the launcher', () => {
  it('runs on the pinned engine at once', () => {
    expect(`v${own.engines.node}`).toBe(process.version);
    const { status, stdout } = spawnSync(process.execPath, [join(ROOT, own.bin.orrery!), '--version'], {
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${own.version}\n` });
  });

  it('refuses by name where the pinned engine is not to be had', () => {
    const { status, stdout, stderr } = launch(['run', 'x']);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(`found Node.js ${process.version.slice(1)}, expected ${PINNED}`);
    expect(stderr).toContain(`\n  npm install node@${PINNED}\n`);
  });

  it.each([
    'node_modules/node',
    'pkg/node_modules/node',
    `node_modules/node/node_modules/node-${process.platform}-${process.arch}`,
  ])('hands over to the one in %s, with arguments and exit code', at => {
    engine('node_modules/node', '20.0.0');
    engine(at, PINNED);
    const { status, stdout } = launch(['run', 'a b', '--seed', '1']);
    const [entry, ...rest] = stdout.trimEnd().split('\n');
    expect(entry).toBe(join(folder, 'pkg', 'dist', 'cli', 'main.js'));
    expect(rest).toEqual(['run', 'a b', '--seed', '1']);
    expect(status).toBe(7);
  });

  it('passes by an engine of another version', () => {
    engine('node_modules/node', '98.7.5');
    expect(launch(['list']).status).toBe(2);
  });
});

describe('package.json', () => {
  it('pins one engine everywhere', () => {
    const { engines, devDependencies, peerDependencies } = own;
    expect(engines.node).toMatch(/^\d+\.\d+\.\d+$/);
    expect([devDependencies.node, peerDependencies.node]).toEqual([engines.node, engines.node]);
  });

  it('exports files that the build makes', () => {
    for (const target of Object.values(own.exports)) {
      const files = typeof target === 'string' ? [target] : [target.types, target.default];
      for (const file of files) {
        const source = file.replace('./dist/', 'src/').replace(/(\.d\.ts|\.js)$/, '.ts');
        expect(readFileSync(join(ROOT, source), 'utf8').length, file).toBeGreaterThan(0);
      }
    }
  });
});
