/** Helpers of the storage tests: temporary folders, texts as bytes, what a storage holds as plain values. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LiveStorage, type StorageOptions } from '../../../../src/worlds/live/storage/storage.ts';

/** A folder in memory, where syncing costs nothing, on systems that have one. */
const MEMORY = '/dev/shm';

/**
 * Runs an action in a temporary folder, which is removed afterwards.
 * @param kind `memory` for what syncs thousands of times and asks nothing of a real disk
 */
export async function inFolder<T>(
  action: (folder: string) => Promise<T>,
  kind: 'disk' | 'memory' = 'disk',
): Promise<T> {
  const parent = kind === 'memory' && existsSync(MEMORY) ? MEMORY : tmpdir();
  const folder = mkdtempSync(join(parent, 'orrery-storage-'));
  try {
    return await action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Opens the storage of a folder, and closes it when the action is over. */
export async function withStorage<T>(
  folder: string,
  action: (storage: LiveStorage) => Promise<T> | T,
  options: StorageOptions = {},
): Promise<T> {
  const storage = await LiveStorage.open(folder, options);
  try {
    return await action(storage);
  } finally {
    await storage.close();
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(value: Uint8Array | null): string | null {
  return value === null ? null : new TextDecoder().decode(value);
}

export interface Contents {
  readonly first: number;
  readonly log: readonly string[];
  readonly store: Readonly<Record<string, string>>;
}

/** All that a storage holds. */
export function contentsOf(storage: LiveStorage): Contents {
  const { first, entries } = storage.replay();
  const store = Object.fromEntries(storage.scan('').map(([key, value]) => [key, text(value)!]));
  return { first, log: entries.map(entry => text(entry)!), store };
}
