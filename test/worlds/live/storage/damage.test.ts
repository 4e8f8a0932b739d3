/** One bit flipped at each byte of each file in turn: it is found, or does no harm; no other data is ever read. */
import { closeSync, cpSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { StorageFailure } from '../../../../src/worlds/live/storage/failure.ts';
import { LiveStorage } from '../../../../src/worlds/live/storage/storage.ts';
import { bytes, inFolder, text, withStorage } from './support.ts';

const OPTIONS = { segmentBytes: 400 };

const LOG = ['five', 'six', 'seven', 'eight', 'nine'];
const STORE: Readonly<Record<string, string>> = {
  'block/1': 'first',
  'block/2': 'second '.repeat(30),
  signer: 'newest',
};

/** Small pages, so that there are few bytes to flip. */
function smallPages(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA page_size = 512');
  return database;
}

async function write(folder: string, isKilled: boolean): Promise<void> {
  const storage = await LiveStorage.open(folder, { ...OPTIONS, database: smallPages });
  await storage.begin();
  for (const entry of ['zero', 'one', 'two', 'three', 'four', ...LOG.slice(0, 3)]) storage.append(bytes(entry));
  storage.put('signer', bytes('older'));
  storage.put('deleted', bytes('deleted'));
  for (const key of ['block/1', 'block/2']) storage.put(key, bytes(STORE[key]!));
  await storage.commit();
  storage.truncateLog(5);
  storage.delete('deleted');
  await storage.commit();
  storage.append(bytes('eight'));
  storage.put('signer', bytes('newest'));
  await storage.commit();
  storage.append(bytes('nine'));
  await storage.commit();
  // As a kill leaves the files: with the newest commits in SQLite's own log. Closing would move them out of it.
  if (isKilled) {
    cpSync(folder, `${folder}-killed`, { recursive: true });
    await storage.close();
    rmSync(folder, { recursive: true });
    cpSync(`${folder}-killed`, folder, { recursive: true });
  } else {
    await storage.close();
  }
}

type Outcome = 'refused' | 'found on read' | 'harmless';

/** What comes of opening and reading everything; throws when anything else is read than was written. */
async function read(folder: string): Promise<Outcome> {
  try {
    return await withStorage(folder, storage => {
      let outcome: Outcome = 'harmless';
      const { first, entries } = storage.replay();
      expect([first, entries.map(text)]).toEqual([5, LOG]);
      for (const key of ['block/1', 'block/2', 'deleted', 'signer', 'never there']) {
        try {
          expect(text(storage.get(key)), key).toBe(STORE[key] ?? null);
        } catch (error) {
          if (!(error instanceof StorageFailure)) throw error;
          outcome = 'found on read';
        }
      }
      try {
        expect(Object.fromEntries(storage.scan('').map(([key, value]) => [key, text(value)]))).toEqual(STORE);
      } catch (error) {
        if (!(error instanceof StorageFailure)) throw error;
        outcome = 'found on read';
      }
      return outcome;
    });
  } catch (error) {
    if (!(error instanceof StorageFailure)) throw error;
    return 'refused';
  }
}

function flip(path: string, offset: number, bit: number): void {
  const byte = readFileSync(path)[offset]! ^ (1 << bit);
  const file = openSync(path, 'r+');
  writeSync(file, Uint8Array.of(byte), 0, 1, offset);
  closeSync(file);
}

/** Flips a bit of each byte of the files that a pattern names, and says how often what came of it. */
async function flipAll(
  folder: string,
  pattern: RegExp,
  isMeant: (offset: number) => boolean = () => true,
): Promise<Record<Outcome, number>> {
  const outcomes = { refused: 0, 'found on read': 0, harmless: 0 };
  const copy = join(folder, '..', 'copy');
  const names = readdirSync(folder).filter(name => pattern.test(name));
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    const { length } = readFileSync(join(folder, name));
    for (let offset = 0; offset < length; offset++) {
      if (!isMeant(offset)) continue;
      rmSync(copy, { recursive: true, force: true });
      mkdirSync(copy);
      for (const one of readdirSync(folder)) cpSync(join(folder, one), join(copy, one));
      flip(join(copy, name), offset, offset % 8);
      try {
        outcomes[await read(copy)]++;
      } catch (error) {
        throw new Error(`${name}, byte ${offset}, bit ${offset % 8}`, { cause: error });
      }
    }
  }
  return outcomes;
}

describe('a flipped bit', () => {
  it('in the log is found, but in entries that were truncated', async () => {
    await inFolder(async parent => {
      const folder = join(parent, 'data');
      await write(folder, true);
      const outcomes = await flipAll(folder, /segment$/);
      expect(outcomes['found on read']).toBe(0);
      expect(outcomes.refused).toBeGreaterThan(200);
      // The bytes of `four`, in a segment that is still needed, for one.
      expect(outcomes.harmless).toBeLessThan(100);
    }, 'memory');
  }, 300_000);

  it('in the store is found, in a value when it is read', async () => {
    await inFolder(async parent => {
      const folder = join(parent, 'data');
      await write(folder, false);
      const outcomes = await flipAll(folder, /^store.sqlite$/);
      expect(outcomes['found on read']).toBeGreaterThan(200);
      expect(outcomes.refused).toBeGreaterThan(100);
    }, 'memory');
  }, 300_000);

  it("in SQLite's own log, when the process was killed, takes nothing away in silence", async () => {
    await inFolder(async parent => {
      const folder = join(parent, 'data');
      await write(folder, true);
      const outcomes = await flipAll(folder, /^store.sqlite-wal$/);
      expect(outcomes.refused).toBeGreaterThan(1_000);
    }, 'memory');
  }, 300_000);

  it('in the mark does no harm: the one before is as good', async () => {
    await inFolder(async parent => {
      const folder = join(parent, 'data');
      await write(folder, true);
      // Its two slots, and here and there what lies between them.
      const isMeant = (offset: number): boolean => offset % 4_096 < 128 || offset % 64 === 0;
      const outcomes = await flipAll(folder, /^synced.mark$/, isMeant);
      expect(outcomes).toEqual({ refused: 0, 'found on read': 0, harmless: expect.any(Number) });
      expect(outcomes.harmless).toBeGreaterThan(250);
    }, 'memory');
  }, 300_000);
});
