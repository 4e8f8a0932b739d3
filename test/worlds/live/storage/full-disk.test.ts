/** A disk that is really full: a small file system in memory, where the system lets the tests make one. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StorageFailure } from '../../../../src/worlds/live/storage/failure.ts';
import type { LiveStorage } from '../../../../src/worlds/live/storage/storage.ts';
import { contentsOf, inFolder, withStorage } from './support.ts';

const SIZE_BYTES = 2 * 1024 * 1024;

function mount(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_BYTES}`, 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Runs an action in a small file system. */
async function onSmallDisk(action: (folder: string) => Promise<void>): Promise<void> {
  await inFolder(async parent => {
    const folder = join(parent, 'disk');
    mkdirSync(folder);
    if (!mount(folder)) throw new Error('the small file system is gone');
    try {
      await action(folder);
    } finally {
      execFileSync('umount', [folder]);
    }
  });
}

const canMount = await inFolder(async folder => {
  const mounted = mount(folder);
  if (mounted) execFileSync('umount', [folder]);
  return mounted;
});

/** Writes and commits until that fails; returns how many commits succeeded, and why no more. */
async function writeUntilFull(
  storage: LiveStorage,
  write: (value: Uint8Array, i: number) => void,
): Promise<{ commits: number; failure: StorageFailure }> {
  for (let commits = 0; commits < 10_000; commits++) {
    try {
      write(new Uint8Array(20_000).fill(commits), commits);
      await storage.commit();
    } catch (error) {
      if (!(error instanceof StorageFailure)) throw error;
      return { commits, failure: error };
    }
  }
  throw new Error('the disk never got full');
}

describe.skipIf(!canMount)('a full disk (needs leave to mount a file system)', () => {
  it.each(['log', 'store'])('fails the %s and every commit from then on; what was committed stays', async what => {
    await onSmallDisk(async folder => {
      const filler = join(folder, 'filler');
      // So large that what it leaves fits twice, in SQLite's own log and where that is moved to in the end.
      writeFileSync(filler, new Uint8Array(1_200_000));
      const commits = await withStorage(folder, async storage => {
        await storage.begin();
        const result = await writeUntilFull(storage, (value, i) =>
          what === 'log' ? storage.append(value) : storage.put(`key/${i}`, value),
        );
        expect(result.failure.message).toMatch(/disk full/);
        expect(result.commits).toBeGreaterThan(10);
        // Room alone does not help: what was half written is still not known to be whole.
        rmSync(filler);
        await expect(storage.commit()).rejects.toThrow(/disk full/);
        expect(() => storage.put('late', new Uint8Array(1))).toThrow(/disk full/);
        return result.commits;
      });
      await withStorage(folder, async storage => {
        expect(await storage.begin()).toBe(1);
        const { log, store } = contentsOf(storage);
        const found = what === 'log' ? log.length : Object.keys(store).length;
        // The commit that failed may have become durable after all.
        expect([commits, commits + 1]).toContain(found);
        storage.append(new Uint8Array(10));
        storage.put('late', new Uint8Array(10));
        await storage.commit();
      });
    });
  });
});
