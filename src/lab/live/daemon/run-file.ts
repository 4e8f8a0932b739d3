/**
 * run.json: while a daemon runs, its home says which process it is and where it can be reached. The lock that keeps two
 * daemons out of one home is the store's; this file is for whoever looks for the daemon. One that was left by a daemon
 * that was killed is told by its process, which is gone.
 */
import { rmSync } from 'node:fs';
import { z } from 'zod';
import { flatten, oneOf } from '../../scenario/fields.ts';
import { isSameAlive, startOf } from '../home/alive.ts';
import { hasCode, readLimited, replaceFile, UnusableHome } from '../home/files.ts';
import { ROLES } from '../home/folder.ts';

const MAX_RUN_BYTES = 64 * 1024;

const place = z.strictObject({ host: z.string().min(1), port: z.int().min(1).max(65_535) });
const shape = z.strictObject({
  role: oneOf(ROLES),
  name: z.string(),
  address: z.string(),
  pid: z.int().min(1),
  /** When the process began, as `startOf` says it. */
  start: z.string().nullable(),
  /** Milliseconds since 1970. */
  startedAt_ms: z.int().min(0),
  chainId: z.string(),
  genesisHash: z.string(),
  /** Where its API listens. */
  api: place,
  /** Where peers reach it; null: it only calls. */
  listen: place.nullable(),
});
export type RunFile = z.output<typeof shape>;

/** This process, as run.json names it. */
export function thisProcess(): Pick<RunFile, 'pid' | 'start' | 'startedAt_ms'> {
  return { pid: process.pid, start: startOf(process.pid), startedAt_ms: Date.now() };
}

export function writeRunFile(path: string, run: RunFile): void {
  replaceFile(path, `${JSON.stringify(run, null, 2)}\n`);
}

/** Removes the file of a daemon that ends. */
export function removeRunFile(path: string): void {
  rmSync(path, { force: true });
}

/** `stale`: the daemon that wrote the file is gone, and did not end by itself. */
export type Running =
  | { readonly state: 'stopped' }
  | { readonly state: 'running'; readonly run: RunFile }
  | { readonly state: 'stale'; readonly run: RunFile };

/**
 * Whether a daemon runs in a home.
 * @throws UnusableHome for a file that no daemon wrote
 */
export function readRunFile(path: string): Running {
  let text: string;
  try {
    text = readLimited(path, MAX_RUN_BYTES, 'what a daemon says of itself').toString('utf8');
  } catch (error) {
    if (error instanceof UnusableHome && hasCode(error.cause, 'ENOENT')) return { state: 'stopped' };
    throw error;
  }
  const run = parseRun(path, text);
  return { state: isSameAlive(run.pid, run.start) ? 'running' : 'stale', run };
}

function parseRun(path: string, text: string): RunFile {
  const remove = 'remove it when no daemon runs here';
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new UnusableHome(`${path}: found no JSON (${(error as Error).message}), expected a daemon's; ${remove}`);
  }
  const result = shape.safeParse(data);
  if (result.success) return result.data;
  const [issue] = flatten(result.error.issues);
  throw new UnusableHome(
    `${path}: found something else at ${issue?.path.join('.') || 'its top'}, expected ${issue?.expected}; ${remove}`,
  );
}
