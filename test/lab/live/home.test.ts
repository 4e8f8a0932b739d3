import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openHome } from '../../../src/lab/live/home/open-home.ts';
import { writeNodeHome, writeProviderHome, writeTenantHome } from '../../../src/lab/live/home/write-home.ts';
import { InvalidScenario } from '../../../src/lab/scenario/problem.ts';
import { addressOfSeed, nodeHome, providerHome, seedOf, tenantHome, testGenesis, useFolder } from './support.ts';

const folder = useFolder();
const at = (...names: string[]): string => join(folder(), ...names);
const edit = (path: string, change: (text: string) => string): void =>
  writeFileSync(path, change(readFileSync(path, 'utf8')));
const modeOf = (path: string): number => statSync(path).mode & 0o777;

/** The message of what a function throws. */
function thrown(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('found no error, expected one');
}

describe('a new home', () => {
  it('is what was asked for, for its owner only', () => {
    const { paths, config, genesisHash } = writeNodeHome(nodeHome(at('a', 'node')));
    expect(readdirSync(at('a'))).toEqual(['node']);
    expect(readdirSync(paths.root).sort()).toEqual(['config.yaml', 'data', 'genesis.json', 'identity.key', 'logs']);
    expect([paths.root, paths.data, paths.logs].map(modeOf)).toEqual([0o700, 0o700, 0o700]);
    expect([paths.key, paths.config, paths.genesis].map(modeOf)).toEqual([0o600, 0o600, 0o600]);
    const home = openHome(paths.root, 'node');
    expect(home.config).toEqual(config);
    expect(home.identity.address).toBe(addressOfSeed(1));
    expect(home.identity.keys.secretKey).toEqual(seedOf(1));
    expect(home.genesis).toEqual(testGenesis());
    expect(home.genesisHash).toBe(genesisHash);
  });

  it('has a key that nobody else has, unless one is given', () => {
    const made = ['a', 'b'].map(name => writeNodeHome({ ...nodeHome(at(name)), keySeed: undefined }).config.address);
    expect(new Set(made).size).toBe(2);
    expect(readFileSync(at('a', 'identity.key'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
  });

  it('is the same for all roles', () => {
    writeProviderHome(providerHome(at('provider')));
    writeTenantHome(tenantHome(at('tenant')));
    expect(openHome(at('provider'), 'provider').config.containers).toEqual({ kind: 'none' });
    expect(openHome(at('tenant'), 'tenant').genesisHash).toBe(openHome(at('provider'), 'provider').genesisHash);
  });

  it('takes the place of nothing', () => {
    const home = nodeHome(at('node'));
    writeNodeHome(home);
    const before = readFileSync(at('node', 'identity.key'), 'utf8');
    expect(thrown(() => writeNodeHome({ ...home, keySeed: seedOf(9) }))).toContain('found a home that exists already');
    expect(readFileSync(at('node', 'identity.key'), 'utf8')).toBe(before);
    writeFileSync(at('file'), 'x');
    expect(thrown(() => writeNodeHome({ ...home, home: at('file') }))).toContain('found a file');
    mkdirSync(at('full'));
    writeFileSync(at('full', 'x'), 'x');
    expect(thrown(() => writeNodeHome({ ...home, home: at('full') }))).toContain('found a folder with something in it');
    expect(readdirSync(at('full'))).toEqual(['x']);
    mkdirSync(at('empty'));
    writeNodeHome({ ...home, home: at('empty') });
    expect(modeOf(at('empty'))).toBe(0o700);
  });

  it('leaves nothing where values do not fit or nothing can be written', () => {
    const bad = { ...nodeHome(at('deep', 'node')), keepBlocks: 0 };
    expect(() => writeNodeHome(bad)).toThrow(InvalidScenario);
    writeFileSync(at('file'), 'x');
    expect(thrown(() => writeNodeHome(nodeHome(at('file', 'node'))))).toContain(
      'found a file where a folder should be',
    );
    expect(readdirSync(folder())).toEqual(['file']);
  });

  it('sweeps away what an init that was killed left, and nothing of one that still works', () => {
    const dead = spawnSync('true').pid;
    mkdirSync(at(`.node.partial-${dead}`, 'data'), { recursive: true });
    mkdirSync(at(`.node.partial-${process.ppid}`));
    mkdirSync(at('.node.partial-notes'));
    writeNodeHome(nodeHome(at('node')));
    expect(readdirSync(folder()).sort()).toEqual(
      [`.node.partial-${process.ppid}`, '.node.partial-notes', 'node'].sort(),
    );
  });
});

describe('an init that is killed half way', () => {
  it('leaves no home, and what it left is swept away by the next', async () => {
    const module = new URL('../../../src/lab/live/home/folder.ts', import.meta.url).href;
    // So much that it is still writing when it dies.
    const script = `const { makeHome } = await import(${JSON.stringify(module)});
      process.stdout.write('begins');
      makeHome(${JSON.stringify(at('node'))}, { config: 'c', key: 'k', genesis: 'g'.repeat(300 << 20) });`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    while (!existsSync(at(`.node.partial-${child.pid}`, 'genesis.json'))) await wait(1);
    child.kill('SIGKILL');
    const [, signal] = await once(child, 'exit');
    expect(signal).toBe('SIGKILL');
    expect(existsSync(at('node'))).toBe(false);
    expect(readdirSync(folder())).toEqual([`.node.partial-${child.pid}`]);
    writeNodeHome(nodeHome(at('node')));
    expect(readdirSync(folder())).toEqual(['node']);
    openHome(at('node'), 'node');
  }, 30_000);
});

describe('opening a home', () => {
  it('says what is missing', () => {
    expect(thrown(() => openHome(at('none'), 'tenant'))).toBe(
      `${at('none')}: found no such folder, expected the home of a tenant; ` +
        `\`orrery tenant init --home ${at('none')}\` makes one`,
    );
    mkdirSync(at('empty'));
    expect(thrown(() => openHome(at('empty'), 'node'))).toContain('found a folder without config.yaml');
    writeNodeHome(nodeHome(at('node')));
    for (const name of ['genesis.json', 'identity.key'] as const) {
      const path = at('node', name);
      const text = readFileSync(path, 'utf8');
      edit(path, () => 'x'.repeat(2_000));
      expect(() => openHome(at('node'), 'node')).toThrow(path);
      writeFileSync(path, text);
      openHome(at('node'), 'node');
    }
  });

  it('refuses a key that others can read, and says how to mend it', () => {
    const { paths } = writeNodeHome(nodeHome(at('node')));
    for (const mode of [0o644, 0o640, 0o602]) {
      chmodSync(paths.key, mode);
      const text = thrown(() => openHome(at('node'), 'node'));
      expect(text).toContain(`mode 0${mode.toString(8)}`);
      expect(text).toContain(`chmod 600 ${paths.key}`);
    }
    chmodSync(paths.key, 0o400);
    openHome(at('node'), 'node');
  });

  it('never shows a key, not even a broken one', () => {
    const { paths } = writeNodeHome(nodeHome(at('node')));
    const secret = 'ab'.repeat(32);
    writeFileSync(paths.key, `${secret}c`);
    const text = thrown(() => openHome(at('node'), 'node'));
    expect(text).toContain('found 65 characters that are no key');
    expect(text).not.toContain('abab');
  });

  it('refuses the key of somebody else', () => {
    writeNodeHome(nodeHome(at('node')));
    writeNodeHome(nodeHome(at('other'), { keySeed: seedOf(7) }));
    writeFileSync(at('node', 'identity.key'), readFileSync(at('other', 'identity.key')));
    const text = thrown(() => openHome(at('node'), 'node'));
    expect(text).toContain(`found the key of ${addressOfSeed(7)}, expected that of ${addressOfSeed(1)}`);
  });

  it('refuses the home of another role', () => {
    writeNodeHome(nodeHome(at('node')));
    expect(thrown(() => openHome(at('node'), 'provider'))).toBe(
      `${at('node', 'config.yaml')}: found the home of a node, expected that of a provider`,
    );
  });

  it('says everything that is wrong with a configuration, with its place', () => {
    writeProviderHome(providerHome(at('provider')));
    const path = at('provider', 'config.yaml');
    edit(path, text =>
      text
        .replace(/^bidDelay: .*$/m, 'bidDelay: soon')
        .replace(/^reserve:/m, 'reserves:')
        .replace(/^listen: .*$/m, 'listen: 127.0.0.1'),
    );
    const lines = thrown(() => openHome(at('provider'), 'provider')).split('\n');
    expect(lines).toHaveLength(3);
    const numbered = readFileSync(path, 'utf8').split('\n');
    for (const line of lines) {
      const [, row, column] = /:(\d+):(\d+): /.exec(line)!;
      expect(['bidDelay: ', 'reserves: ', 'listen: ']).toContainEqual(
        expect.stringMatching(new RegExp(`^${/^\w+: /.exec(numbered[Number(row) - 1]!)![0]}`)),
      );
      expect(Number(column)).toBeGreaterThan(0);
    }
    expect(lines.join('\n')).toContain('found "127.0.0.1", expected host:port');
    expect(lines.join('\n')).toContain('expected "reserve" perhaps');
    expect(lines.join('\n')).toContain('bidDelay: found "soon", expected a duration');
    edit(path, () => 'role: [');
    expect(thrown(() => openHome(at('provider'), 'provider'))).toMatch(/config\.yaml:\d+:\d+: found/);
  });

  it('refuses what does not go together', () => {
    writeProviderHome(providerHome(at('provider')));
    const path = at('provider', 'config.yaml');
    const text = readFileSync(path, 'utf8');
    const wrong = (change: (text: string) => string): string => {
      writeFileSync(path, change(text));
      return thrown(() => openHome(at('provider'), 'provider'));
    };
    expect(wrong(t => t.replace(/^capacity:.*$/m, ''))).toContain('capacity: found nothing');
    expect(wrong(t => t.replace(/^hosts:.*$/m, 'hosts: [{cpu: 1, memory: 1Gi}]'))).toContain('beside a list of hosts');
    expect(wrong(t => t.replace(/^capacity:.*$/m, 'capacity: {cpu: 1, memory: 1Gi, gpu: 0.5}'))).toContain(
      'whole GPUs',
    );
    expect(wrong(t => t.replace(/^nodes:.*$/m, 'nodes: {}'))).toContain('at least one node');
    expect(wrong(t => t.replace(/^strategy:.*$/m, 'strategy: {ring: {name: r, margin: 1}}'))).toContain('ringMembers');
    expect(wrong(t => t.replace(/^containers:.*$/m, 'containers: {kind: dokcer}'))).toContain('"docker" perhaps');
    expect(existsSync(at('provider', 'run.json'))).toBe(false);
  });
});
