import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SEEDS } from './fake-runner.ts';
import { cli, names, SCENARIO, spawnCli, useFolder } from './support.ts';

useFolder();

/** Waits until something is true; gives up after ten seconds. */
async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (what()) return;
    await sleep(20);
  }
  throw new Error('what was waited for never came');
}

describe('Ctrl-C', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('%s ends workers that never would, and leaves nothing', async signal => {
    const { process: child, ended } = spawnCli(['run', 'small.yaml', '--seed', String(SEEDS.endless)]);
    await until(
      () => existsSync('results') && readdirSync('results').some(name => existsSync(`results/${name}/series.csv`)),
    );
    child.kill(signal);
    // npm passes a signal on that the terminal has given already.
    child.kill(signal);
    const { code, out, err } = await ended;
    expect(code).toBe(130);
    expect(out).toBe('');
    expect(err).toBe('interrupted; nothing unfinished was left behind\n');
    expect(names('.')).toEqual(['small.yaml']);
  });

  it('keeps what was finished', async () => {
    writeFileSync('other.yaml', SCENARIO.replace('name: small', 'name: other'));
    expect((await cli(['run', 'other.yaml', '--seed', '2'])).code).toBe(0);
    const { process: child, ended } = spawnCli(['run', 'small.yaml', '--seed', String(SEEDS.endless)]);
    await until(() => readdirSync('results').length > 1);
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
    expect(names('results')).toEqual(['other-2']);
  });

  it('a reader that goes away is no error', async () => {
    const { process: child, ended } = spawnCli(['list']);
    child.stdout!.destroy();
    await once(child, 'exit');
    expect((await ended).err).toBe('');
  });
});
