/**
 * What live runs there are on this machine, so that what a launcher left behind that was killed can be removed: its
 * processes, containers and files. Each run has a folder of its own with everything in it; nothing else is touched.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { isSameAlive, startOf } from '../home/alive.ts';
import { readLimited, replaceFile } from '../home/files.ts';

const MAX_BYTES = 1 << 20;

const processShape = z.strictObject({ pid: z.int().min(1), start: z.string().nullable() });
const shape = z.strictObject({
  /** Labels the containers, networks and volumes of the run. */
  run: z.string().regex(/^[a-z0-9-]{1,64}$/),
  scenario: z.string(),
  launcher: processShape,
  children: z.array(processShape),
});
export type LiveRun = z.output<typeof shape>;

/** The number of this user. Not every user has an entry in the list of users, for which `userInfo` would look. */
function ownUid(): number {
  return process.getuid?.() ?? userInfo().uid;
}

/** Where the folders of all live runs of this user lie. */
export function runsFolder(): string {
  return join(tmpdir(), `orrery-live-${ownUid()}`);
}

/** Makes the folder of a new run, for nobody else to look into. */
export function newRunFolder(run: string): string {
  const all = runsFolder();
  mkdirSync(all, { recursive: true, mode: 0o700 });
  const { uid, mode } = statSync(all);
  if (uid !== ownUid()) throw new Error(`found ${all} of another user, expected a folder of one's own`);
  if ((mode & 0o077) !== 0) chmodSync(all, 0o700);
  const folder = join(all, run);
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

/** Notes what a run has started. Written anew whenever that changes. */
export function noteRun(folder: string, run: Omit<LiveRun, 'launcher' | 'children'>, pids: readonly number[]): void {
  const children = pids.map(pid => ({ pid, start: startOf(pid) }));
  const launcher = { pid: process.pid, start: startOf(process.pid) };
  replaceFile(join(folder, 'live.json'), `${JSON.stringify({ ...run, launcher, children }, null, 2)}\n`);
}

export interface Leftover {
  readonly folder: string;
  /** Null where the run got no further than its folder. */
  readonly run: LiveRun | null;
}

/** Runs whose launcher is gone. */
export function leftovers(): Leftover[] {
  const all = runsFolder();
  if (!existsSync(all)) return [];
  return readdirSync(all).flatMap((name): Leftover[] => {
    const folder = join(all, name);
    const note = join(folder, 'live.json');
    if (!existsSync(note)) return isYoung(folder) ? [] : [{ folder, run: null }];
    const run = shape.parse(JSON.parse(readLimited(note, MAX_BYTES, 'what a live run has started').toString('utf8')));
    return isSameAlive(run.launcher.pid, run.launcher.start) ? [] : [{ folder, run }];
  });
}

/** A launcher that has just begun has not noted itself yet. */
const YOUNG_MS = 60_000;

function isYoung(folder: string): boolean {
  return Date.now() - statSync(folder).mtimeMs < YOUNG_MS;
}

/** Ends what still runs of a run, and removes its folder. Its containers are the caller's to remove. */
export function removeLeftover({ folder, run }: Leftover): void {
  for (const { pid, start } of run?.children ?? []) {
    // Without a start nobody knows whether the number still means the same process.
    if (start !== null && isSameAlive(pid, start)) process.kill(pid, 'SIGKILL');
  }
  rmSync(folder, { recursive: true, force: true });
}
