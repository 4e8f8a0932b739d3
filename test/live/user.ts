/**
 * Somebody who is not root, on no list of users, and may open the engine's socket: runs of his, for tests of what works
 * without root.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LiveProcess } from './support.ts';

const USER = 54_321;
const AS_USER = { uid: USER, gid: USER } as const;

/** Where the folders of his runs lie. */
export const USER_RUNS = join(tmpdir(), `orrery-live-${USER}`);

/** Why he cannot run what is here; null when he can. */
export function whyNotReadable(): string | null {
  const { status } = spawnSync(process.execPath, ['bin/orrery.js', '--version'], { ...AS_USER, env: {} });
  return status === 0 ? null : `other users cannot read ${process.cwd()}`;
}

export interface User {
  /** A folder of his own. */
  readonly home: string;
  /** Starts `orrery live` as him. */
  start(...args: string[]): LiveProcess;
  /** Ends what still runs, in good order, and removes what is his. */
  close(): Promise<void>;
}

/** @param engine as DOCKER_HOST says it, a socket of this machine */
export async function otherUser(engine: string): Promise<User> {
  const home = mkdtempSync(join(tmpdir(), 'orrery-user-'));
  chownSync(home, USER, USER);
  const server = await socketFor(engine, join(home, 'docker.sock'));
  const running: LiveProcess[] = [];
  return {
    home,
    start(...args) {
      const child = spawn(process.execPath, ['bin/orrery.js', 'live', ...args], {
        ...AS_USER,
        env: { PATH: process.env.PATH, HOME: home, DOCKER_HOST: `unix://${home}/docker.sock` },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let text = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (text += String(chunk)));
      const ended = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)));
      const live = { child, output: () => text, ended, results: join(home, 'results') };
      running.push(live);
      return live;
    },
    async close() {
      for (const { child, ended } of running) {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
        await ended;
      }
      server.close();
      rmSync(home, { recursive: true, force: true });
      rmSync(USER_RUNS, { recursive: true, force: true });
    },
  };
}

/** The engine's socket in a place, and of an owner, that suits the user: whatever comes is passed on, either way. */
function socketFor(engine: string, path: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, client => {
    const inner = connect({ path: engine.slice('unix://'.length), allowHalfOpen: true });
    const sides: readonly (readonly [Socket, Socket])[] = [
      [client, inner],
      [inner, client],
    ];
    for (const [one, other] of sides) {
      one.on('error', () => other.destroy());
      one.once('close', () => other.destroySoon());
      one.pipe(other);
    }
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      chownSync(path, USER, USER);
      resolve(server);
    });
  });
}
