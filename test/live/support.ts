/** Runs of `orrery live` as a user starts them: a process, its output, and a look at what is left afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Docker from 'dockerode';
import { runsFolder } from '../../src/lab/live/run/registry.ts';
import { connectionTo } from '../../src/worlds/live/docker/engine.ts';

export interface LiveProcess {
  readonly child: ChildProcess;
  /** What it printed so far. */
  readonly output: () => string;
  /** Its exit code, when it has ended. */
  readonly ended: Promise<number | null>;
  readonly results: string;
}

const folders: string[] = [];
const running = new Set<LiveProcess>();

/** Ends what still runs, in good order. */
export async function endRuns(): Promise<void> {
  for (const live of running) {
    if (live.child.exitCode === null) live.child.kill('SIGINT');
    await live.ended;
  }
  running.clear();
}

/** Removes the results of all runs. */
export function removeResults(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Starts a run. */
export function startLive(engine: string | null, scenario: string, ...args: string[]): LiveProcess {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-live-test-'));
  folders.push(folder);
  const results = join(folder, 'results');
  const words = ['bin/orrery.js', 'live', scenario, '--out', results, ...args];
  const env = { ...process.env, ...(engine === null ? {} : { DOCKER_HOST: engine }) };
  const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => (text += String(chunk)));
  const ended = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)));
  const live = { child, output: () => text, ended, results };
  running.add(live);
  return live;
}

/** Waits until the output shows this; throws with the output when it does not, or the run ends before. */
export async function shown(live: LiveProcess, what: RegExp, ms: number): Promise<RegExpExecArray> {
  const until = Date.now() + ms;
  for (;;) {
    const found = what.exec(live.output());
    if (found !== null) return found;
    if (live.child.exitCode !== null || Date.now() > until)
      throw new Error(`found no ${what} in the output of a run, expected it within ${ms} ms:\n${live.output()}`);
    await pause(100);
  }
}

/** The body of a page, tried until it is there. */
export async function fetched(url: string, ms: number): Promise<string> {
  const until = Date.now() + ms;
  for (;;) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      return await answer.text();
    } catch (error) {
      if (Date.now() > until) throw new Error(`${url} does not answer within ${ms} ms`, { cause: error });
      await pause(200);
    }
  }
}

/** Processes of this machine whose command line names a folder. */
export function processesOf(folder: string): string[] {
  return readdirSync('/proc').flatMap(name => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return words.includes(folder) ? [`${name}: ${words}`] : [];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

/** What live runs have left on this machine and at the engine. */
export async function leftBehind(engine: string | null): Promise<Record<string, readonly string[]>> {
  const processes = processesOf(runsFolder());
  if (engine === null) return { processes };
  const docker = new Docker(connectionTo(engine));
  const filters = { label: ['orrery.run'] };
  const containers = await docker.listContainers({ all: true, filters });
  const networks = await docker.listNetworks({ filters });
  const volumes = await docker.listVolumes({ filters });
  return {
    processes,
    containers: containers.map(one => one.Id),
    networks: networks.map(one => one.Id),
    volumes: (volumes.Volumes ?? []).map(one => one.Name),
  };
}

export const NOTHING = { processes: [], containers: [], networks: [], volumes: [] };
