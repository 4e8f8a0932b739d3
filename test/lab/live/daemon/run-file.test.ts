import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type RunFile,
  readRunFile,
  removeRunFile,
  thisProcess,
  writeRunFile,
} from '../../../../src/lab/live/daemon/run-file.ts';
import { isAlive, isSameAlive, startOf } from '../../../../src/lab/live/home/alive.ts';
import { useFolder } from '../support.ts';

const folder = useFolder();
const path = (): string => join(folder(), 'run.json');
const run: RunFile = {
  role: 'node',
  name: 'alpha',
  address: 'akash1x',
  ...thisProcess(),
  chainId: 'c',
  genesisHash: '00',
  api: { host: '127.0.0.1', port: 7 },
  listen: null,
};

describe('run.json', () => {
  it('says who runs, until it is removed', () => {
    expect(readRunFile(path())).toEqual({ state: 'stopped' });
    writeRunFile(path(), run);
    expect(readRunFile(path())).toEqual({ state: 'running', run });
    writeRunFile(path(), { ...run, name: 'beta' });
    expect(readRunFile(path())).toMatchObject({ state: 'running', run: { name: 'beta' } });
    removeRunFile(path());
    removeRunFile(path());
    expect(readRunFile(path())).toEqual({ state: 'stopped' });
  });

  it('of a process that is gone is stale, also when its number was given out again', () => {
    const dead = spawnSync('true').pid;
    writeRunFile(path(), { ...run, pid: dead, start: null });
    expect(readRunFile(path()).state).toBe('stale');
    // This process has the number, and began at another time than the one that wrote the file.
    writeRunFile(path(), { ...run, start: 'another-boot/1' });
    expect(readRunFile(path()).state).toBe(process.platform === 'linux' ? 'stale' : 'running');
  });

  it('that no daemon wrote is refused', () => {
    for (const text of ['', '{', '[]', '{}', JSON.stringify({ ...run, pid: 0 }), JSON.stringify({ ...run, more: 1 })]) {
      writeFileSync(path(), text);
      expect(() => readRunFile(path())).toThrow(/run\.json: found .*, expected .*; remove it when no daemon runs here/);
    }
  });
});

describe('a process', () => {
  it('is alive until it ends', async () => {
    expect(isAlive(process.pid)).toBe(true);
    expect(isAlive(spawnSync('true').pid)).toBe(false);
    const child = spawn('sleep', ['60']);
    const start = startOf(child.pid!);
    expect(isSameAlive(child.pid!, start)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isSameAlive(child.pid!, start)).toBe(false);
    expect(startOf(child.pid!)).toBeNull();
  });
});
