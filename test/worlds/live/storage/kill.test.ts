/** Processes that are killed while they write: all that was committed is there, whenever it happens. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { LiveStorage } from '../../../../src/worlds/live/storage/storage.ts';
import { inFolder, text, withStorage } from './support.ts';

const WRITER = fileURLToPath(new URL('writer-child.ts', import.meta.url));
const KILLS = 50;

interface Killed {
  readonly start: number;
  /** Number of the last round that it said was durable; null when there was none. */
  readonly acknowledged: number | null;
  readonly errors: string;
}

/** Runs a writer, and kills it so long after its first word. */
async function killWriter(folder: string, after_ms: number): Promise<Killed> {
  const child = spawn(process.execPath, ['--no-warnings', WRITER, folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', chunk => (output += chunk));
  child.stderr.setEncoding('utf8').on('data', chunk => (errors += chunk));
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), closed]);
  await sleep(after_ms);
  child.kill('SIGKILL');
  await closed;
  const lines = output.split('\n').slice(0, -1);
  const last = lines.length > 1 ? Number(lines.at(-1)) : null;
  return { start: Number(lines[0]?.replace('started ', '')), acknowledged: last, errors };
}

/** The newest round of the log, and that of the store. */
interface Rounds {
  readonly log: number;
  readonly store: number;
}

/** Holds what is found against what the writer does, given what there was at least. */
function checkRounds(storage: LiveStorage, least: Rounds): Rounds {
  const { first, entries } = storage.replay();
  const found = entries.map(entry => Number.parseInt(text(entry)!, 10));
  expect(found).toEqual(found.map((_, i) => first + i));
  // Beyond that there is nothing but the round that was being committed, or was not acknowledged any more.
  const log = first + entries.length - 1;
  expect(log).toBeGreaterThanOrEqual(least.log);
  expect(log).toBeLessThanOrEqual(least.log + 1);
  expect(first).toBeLessThanOrEqual(Math.max(0, log - 19));
  const store = Number(text(storage.get('latest')) ?? -1);
  expect(store).toBeGreaterThanOrEqual(least.store);
  expect(store).toBeLessThanOrEqual(log);
  const expected = new Map<string, number>();
  for (let round = 0; round <= store; round++) {
    expected.set(`key/${round % 10}`, round);
    if (round % 3 === 0) expected.delete(`key/${(round + 5) % 10}`);
  }
  const keys = storage.scan('key/').map(([key, value]) => [key, Number.parseInt(text(value)!, 10)] as const);
  expect(new Map(keys)).toEqual(expected);
  return { log, store };
}

describe('a process that is killed', () => {
  it(`leaves all that was committed, ${KILLS} times at any moment`, async () => {
    await inFolder(async folder => {
      let last: Rounds = { log: -1, store: -1 };
      for (let kill = 0; kill < KILLS; kill++) {
        const { start, acknowledged, errors } = await killWriter(folder, (kill * 37) % 90);
        expect(errors).toBe('');
        expect(start).toBe(kill);
        const least = acknowledged === null ? last : { log: acknowledged, store: acknowledged };
        last = await withStorage(folder, storage => checkRounds(storage, least));
      }
      expect(last.store).toBeGreaterThan(KILLS);
    });
  }, 240_000);

  it('gives its lock back; one that lives keeps it', async () => {
    await inFolder(async folder => {
      const child = spawn(process.execPath, ['--no-warnings', WRITER, folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await expect(LiveStorage.open(folder)).rejects.toThrow(/in use by a running participant/);
      const second = await killWriter(folder, 0);
      expect(second.acknowledged).toBeNull();
      expect(second.errors).toMatch(/HomeInUse/);
      child.kill('SIGKILL');
      await once(child, 'close');
      await withStorage(folder, storage => expect(storage.isDirty).toBe(false));
    });
  });
});
