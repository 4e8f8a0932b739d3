/** The storage of a participant on a real disk: what is kept, refused and reported. */
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LiveStorage } from '../../../../src/worlds/live/storage/storage.ts';
import { bytes, contentsOf, inFolder, text, withStorage } from './support.ts';

const segmentsOf = (folder: string): string[] => readdirSync(folder).filter(name => name.endsWith('.segment'));

describe('what was committed', () => {
  it('is found again: log, store, and how often it was begun', async () => {
    await inFolder(async folder => {
      await withStorage(folder, async storage => {
        expect(await storage.begin()).toBe(0);
        expect(contentsOf(storage)).toEqual({ first: 0, log: [], store: {} });
        expect(storage.isDirty).toBe(false);
        for (const entry of ['zero', 'one', 'two']) storage.append(bytes(entry));
        storage.truncateLog(1);
        storage.put('b', bytes('second'));
        storage.put('a', bytes('first'));
        storage.put('gone', bytes('x'));
        storage.delete('gone');
        expect(storage.isDirty).toBe(true);
        await storage.commit();
        expect(storage.isDirty).toBe(false);
        await storage.commit();
      });
      await withStorage(folder, async storage => {
        expect(await storage.begin()).toBe(1);
        expect(contentsOf(storage)).toEqual({ first: 1, log: ['one', 'two'], store: { a: 'first', b: 'second' } });
        expect(text(storage.get('b'))).toBe('second');
        expect(storage.get('gone')).toBeNull();
      });
    });
  });

  it('does not include what was not: the store is as at the last commit', async () => {
    await inFolder(async folder => {
      await withStorage(folder, async storage => {
        storage.put('key', bytes('old'));
        await storage.commit();
        storage.put('key', bytes('new'));
        storage.put('more', bytes('new'));
        expect(text(storage.get('key'))).toBe('new');
      });
      await withStorage(folder, storage => expect(contentsOf(storage).store).toEqual({ key: 'old' }));
    });
  });

  it('is for its owner only', async () => {
    await inFolder(async parent => {
      const folder = join(parent, 'data');
      await withStorage(folder, async storage => {
        storage.append(bytes('entry'));
        storage.put('key', bytes('value'));
        await storage.commit();
        expect(statSync(folder).mode & 0o777).toBe(0o700);
        const names = readdirSync(folder);
        expect(names).toEqual(expect.arrayContaining(['store.sqlite', 'store.sqlite-wal', 'synced.mark']));
        for (const name of names) expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
      });
    });
  });

  it('keeps keys in byte order, whatever the characters, and refuses what is no text', async () => {
    await inFolder(async folder => {
      await withStorage(folder, storage => {
        const keys = ['k/\u{1F600}', 'k/a', 'k/\uFF5E', 'k/\0', 'k/'];
        for (const key of keys) storage.put(key, bytes(key));
        expect(storage.scan('k/').map(([key]) => key)).toEqual(['k/', 'k/\0', 'k/a', 'k/\uFF5E', 'k/\u{1F600}']);
        expect(() => storage.put('k/\uD800', bytes('x'))).toThrow(/well-formed/);
        expect(() => storage.put('k'.repeat(1_025), bytes('x'))).toThrow(/at most 1024 bytes, found 1025/);
      });
    });
  });

  it('counts truncations from the start, and refuses those beyond the end', async () => {
    await inFolder(async folder => {
      await withStorage(folder, storage => {
        storage.append(bytes('zero'));
        expect(() => storage.truncateLog(2)).toThrow(/0\.\.1, found 2/);
        expect(() => storage.truncateLog(-1)).toThrow(RangeError);
        storage.truncateLog(1);
        storage.truncateLog(0);
      });
    });
  });
});

describe('segments of the log', () => {
  const options = { segmentBytes: 2_000 };
  const entry = (i: number): Uint8Array => bytes(`${i}`.padEnd(300, '.'));

  it('are begun as the log grows, and removed when they hold only truncated entries', async () => {
    await inFolder(async folder => {
      await withStorage(
        folder,
        async storage => {
          for (let i = 0; i < 50; i++) {
            storage.append(entry(i));
            if (i % 7 === 0) await storage.commit();
          }
          await storage.commit();
          expect(segmentsOf(folder).length).toBeGreaterThan(5);
          storage.truncateLog(47);
          // Not before the truncation is durable.
          expect(segmentsOf(folder).length).toBeGreaterThan(5);
          await storage.commit();
          expect(segmentsOf(folder).length).toBeLessThanOrEqual(2);
        },
        options,
      );
      await withStorage(folder, storage => {
        const { first, log } = contentsOf(storage);
        expect([first, log.map(each => Number.parseInt(each, 10))]).toEqual([47, [47, 48, 49]]);
      });
    });
  });

  it('may be missing where all of their entries were truncated, and not where they were not', async () => {
    await inFolder(async folder => {
      const fill = async (storage: LiveStorage): Promise<void> => {
        for (let i = 0; i < 30; i++) storage.append(entry(i));
        await storage.commit();
      };
      await withStorage(folder, fill, options);
      const [first, second, ...rest] = segmentsOf(folder);
      expect(rest.length).toBeGreaterThan(1);
      const kept = readFileSync(join(folder, first!));
      rmSync(join(folder, second!));
      await withStorage(folder, storage =>
        expect(() => storage.replay()).toThrow(/log entry 6 is damaged: it is missing/),
      );
      rmSync(join(folder, first!));
      await withStorage(folder, storage =>
        expect(() => storage.replay()).toThrow(/log entry 0 is damaged: it is missing/),
      );
      for (const name of readdirSync(folder)) rmSync(join(folder, name));
      await withStorage(
        folder,
        async storage => {
          await fill(storage);
          storage.truncateLog(20);
          await storage.commit();
        },
        options,
      );
      // A crash may bring back a name that was removed.
      writeFileSync(join(folder, first!), kept);
      await withStorage(folder, storage => expect(storage.replay().first).toBe(20));
      expect(segmentsOf(folder)).not.toContain(first);
    });
  });
});

describe('a tail that was never synced', () => {
  it('is cut where it is torn, and said so; what is whole counts', async () => {
    await inFolder(async folder => {
      const reports: string[] = [];
      await withStorage(folder, async storage => {
        storage.append(bytes('synced'));
        await storage.commit();
        storage.append(bytes('whole'));
        storage.append(bytes('torn'));
      });
      const path = join(folder, segmentsOf(folder)[0]!);
      const size = statSync(path).size;
      truncateSync(path, size - 1);
      await withStorage(folder, storage => expect(contentsOf(storage).log).toEqual(['synced', 'whole']), {
        report: line => void reports.push(line),
      });
      expect(reports).toEqual(['the log ends before entry 2: 43 bytes behind it were never synced']);
      // From then on `whole` counts as synced.
      truncateSync(path, statSync(path).size - 1);
      await withStorage(folder, storage => expect(() => storage.replay()).toThrow(/log entry 1 is damaged/));
    });
  });

  it('may be anything: zeros, garbage, a segment without a head', async () => {
    for (const tail of [Buffer.alloc(5_000), Buffer.alloc(5_000, 'garbage'), Buffer.from([1])]) {
      await inFolder(async folder => {
        await withStorage(folder, async storage => {
          storage.append(bytes('synced'));
          await storage.commit();
        });
        const path = join(folder, segmentsOf(folder)[0]!);
        const size = statSync(path).size;
        appendFileSync(path, tail);
        writeFileSync(join(folder, 'log-00000002.segment'), tail);
        await withStorage(folder, async storage => {
          expect(contentsOf(storage).log).toEqual(['synced']);
          storage.append(bytes('next'));
          await storage.commit();
        });
        expect(segmentsOf(folder)).toEqual(['log-00000001.segment']);
        expect(statSync(path).size).toBe(size + 44);
        await withStorage(folder, storage => expect(contentsOf(storage).log).toEqual(['synced', 'next']));
      });
    }
  });
});

describe('a home', () => {
  it('is used by one at a time', async () => {
    await inFolder(async folder => {
      await withStorage(folder, async () => {
        await expect(LiveStorage.open(folder)).rejects.toThrow(/in use by a running participant/);
        // Trying has not given the lock away.
        await expect(LiveStorage.open(folder)).rejects.toThrow(/in use/);
      });
      await withStorage(folder, storage => expect(storage.isDirty).toBe(false));
    });
  });

  it.each(['store.sqlite', 'synced.mark'])('without its %s is not taken for a new one', async name => {
    await inFolder(async folder => {
      await withStorage(folder, async storage => {
        await storage.begin();
        storage.append(bytes('entry'));
        storage.put('key', bytes('value'));
        await storage.commit();
      });
      rmSync(join(folder, name));
      await expect(withStorage(folder, contentsOf)).rejects.toThrow(/missing|but commit 0 was synced/);
    });
  });

  it('whose store lost its newest commit says so', async () => {
    await inFolder(async folder => {
      const path = join(folder, 'store.sqlite');
      await withStorage(folder, async storage => {
        storage.put('key', bytes('old'));
        await storage.commit();
      });
      const old = readFileSync(path);
      await withStorage(folder, async storage => {
        storage.put('key', bytes('new'));
        await storage.commit();
      });
      writeFileSync(path, old);
      await expect(LiveStorage.open(folder)).rejects.toThrow(/found commit 1, but commit 2 was synced/);
    });
  });
});
