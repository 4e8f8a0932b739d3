/**
 * An engine for tests: the one that answers, else, for root where `dockerd` is installed, a private one in a folder of
 * its own. Images are made on the spot from Debian's static busybox, because no test asks a registry for anything.
 *
 * Where there is neither, tests are skipped and say why; never when CI=true.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import Docker from 'dockerode';
import { type ArchivedFile, archive } from '../../src/worlds/live/docker/archive.ts';
import { connectionTo, Engine, findEngine } from '../../src/worlds/live/docker/engine.ts';

/** How long a private engine may take to answer, and to end. */
const START_MS = 45_000;
const STOP_MS = 30_000;

/** How long one test file waits for another's private engine: two in one network would undo each other's rules. */
const LOCK_MS = 600_000;

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'];
/** What an engine makes at its start and leaves at its end. */
const DEFAULT_BRIDGE = '/sys/class/net/docker0';

const DOCKERD = ['/usr/sbin/dockerd', '/usr/bin/dockerd'];

/** Programs that the image's shell finds by name. */
const APPLETS = [
  ...['cat', 'dd', 'echo', 'env', 'grep', 'head', 'httpd', 'id', 'ip', 'ls', 'mkdir', 'mount', 'nc', 'nslookup'],
  ...[
    'ping',
    'printf',
    'ps',
    'rm',
    'seq',
    'sh',
    'sleep',
    'sync',
    'tail',
    'test',
    'timeout',
    'touch',
    'wc',
    'wget',
    'yes',
  ],
];

export interface TestEngine {
  /** As DOCKER_HOST says it. */
  readonly address: string;
  /** Removes what tests made through this, and ends the engine if it is a private one. */
  stop(): Promise<void>;
  /** Makes an image of busybox. `changes`: instructions such as `CMD ["sleep", "9"]`. Returns its name. */
  image(changes?: readonly string[]): Promise<string>;
}

/** An engine of the tests' own, which can go away and come back. */
export interface PrivateEngine extends TestEngine {
  readonly folder: string;
  /** Ends the engine, and leaves its folder. */
  halt(): Promise<void>;
  /** Starts it again on the same folder. */
  resume(): Promise<void>;
}

function isAnswering(address: string): Promise<boolean> {
  const engine = new Engine(address);
  return engine
    .ping(5_000)
    .then(
      () => true,
      () => false,
    )
    .finally(() => engine.close());
}

/** The static busybox of this machine; an error says what is missing. */
function busybox(): Buffer {
  const path = BUSYBOX.find(one => existsSync(one));
  if (path === undefined) throw new Error(`found no busybox at ${BUSYBOX.join(' or ')}: install busybox-static`);
  const bytes = readFileSync(path);
  if (bytes.includes('/ld-linux')) throw new Error(`${path} needs libraries: install busybox-static`);
  return bytes;
}

/** Why tests with containers cannot run here; null when they can. */
export function noDockerReason(): string | null {
  if (process.platform !== 'linux') return `wants Linux, found ${process.platform}`;
  if (process.getuid?.() !== 0) return 'wants root, to set rules of the firewall';
  try {
    busybox();
  } catch (error) {
    return (error as Error).message;
  }
  return null;
}

/** An engine to test with, or why there is none. Throws instead of the latter when CI=true. */
export async function testEngine(): Promise<TestEngine | { readonly skip: string }> {
  const reason = noDockerReason();
  const address = findEngine(null);
  if (reason === null) {
    if (await isAnswering(address)) return withImages(address, async () => {});
    if (DOCKERD.some(path => existsSync(path))) return await privateEngine();
  }
  const skip = reason ?? `no engine answers at ${address}, and there is no dockerd to start one`;
  if (process.env.CI === 'true') throw new Error(`tests with Docker must not be skipped: ${skip}`);
  return { skip };
}

/**
 * Starts an engine of the tests' own.
 * @param ownNetwork whether it gets a network of its own, so that it cannot meet another engine of this machine; then
 * nothing here can reach its containers
 * @param flags more arguments for it
 */
export async function privateEngine(ownNetwork = false, flags: readonly string[] = []): Promise<PrivateEngine> {
  const dockerd = DOCKERD.find(path => existsSync(path));
  if (dockerd === undefined) throw new Error(`found no dockerd at ${DOCKERD.join(' or ')}: install docker.io`);
  const unlock = ownNetwork ? () => {} : await lock();
  const hadBridge = existsSync(DEFAULT_BRIDGE);
  const folder = mkdtempSync(join(tmpdir(), 'orrery-docker-'));
  const address = `unix://${folder}/docker.sock`;
  let child: ChildProcess | null = null;
  const halt = async (): Promise<void> => {
    if (child !== null) await end(child);
    child = null;
  };
  const resume = async (): Promise<void> => {
    child = await begin(dockerd, folder, ownNetwork, flags);
  };
  const finish = async (): Promise<void> => {
    await halt();
    if (!ownNetwork && !hadBridge && existsSync(DEFAULT_BRIDGE)) spawnSync('ip', ['link', 'delete', 'docker0']);
    unmount(folder);
    rmSync(folder, { recursive: true, force: true });
    unlock();
  };
  try {
    await resume();
  } catch (error) {
    await finish();
    throw error;
  }
  return { ...withImages(address, finish), folder, halt, resume };
}

async function begin(
  dockerd: string,
  folder: string,
  ownNetwork: boolean,
  flags: readonly string[],
): Promise<ChildProcess> {
  const words = [
    dockerd,
    ...['--host', `unix://${folder}/docker.sock`, '--data-root', `${folder}/data`],
    ...['--exec-root', `${folder}/exec`, '--pidfile', `${folder}/pid`, ...flags],
  ];
  const log = openSync(`${folder}/log`, 'a');
  const inside = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...words];
  const [program, ...args] = ownNetwork ? inside : words;
  const child = spawn(program!, args, { stdio: ['ignore', log, log] });
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', code =>
      reject(new Error(`dockerd ended with ${code}: ${readFileSync(`${folder}/log`, 'utf8').slice(-2_000)}`)),
    );
  });
  failed.catch(() => {}); // Looked at below while it starts; later it is meant to end.
  const answers = (async () => {
    const deadline = Date.now() + START_MS;
    while (!(await isAnswering(`unix://${folder}/docker.sock`))) {
      if (Date.now() > deadline) throw new Error(`dockerd did not answer within ${START_MS} ms`);
      await pause(100);
    }
  })();
  try {
    await Promise.race([answers, failed]);
  } catch (error) {
    await end(child);
    throw error;
  }
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>(resolve => void child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(timer);
}

/** Unmounts what an engine has left mounted in its folder: one that lets containers live without it does so. */
function unmount(folder: string): void {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map(line => line.split(' ')[4] ?? '');
  for (const mount of mounts.filter(path => path.startsWith(`${folder}/`)).reverse()) spawnSync('umount', [mount]);
}

/** Waits until no other process of tests has a private engine; the function returned lets the next one. */
async function lock(): Promise<() => void> {
  const folder = join(tmpdir(), 'orrery-docker-lock');
  const deadline = Date.now() + LOCK_MS;
  for (;;) {
    try {
      mkdirSync(folder);
      writeFileSync(join(folder, 'pid'), String(process.pid));
      return () => rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (Date.now() > deadline) throw new Error(`${folder} is held for more than ${LOCK_MS} ms`);
    await pause(200);
    const holder = Number(existsSync(join(folder, 'pid')) ? readFileSync(join(folder, 'pid'), 'utf8') : '0');
    if (holder > 0 && !isAlive(holder)) rmSync(folder, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // There is no such process: it died without letting go.
  }
}

function withImages(address: string, finish: () => Promise<void>): TestEngine {
  const docker = new Docker(connectionTo(address));
  const made: string[] = [];
  return {
    address,
    async image(changes = []) {
      const name = `orrery-test-${randomBytes(6).toString('hex')}:1`;
      await importImage(docker, name, changes);
      made.push(name);
      return name;
    },
    async stop() {
      for (const name of made.splice(0)) await docker.getImage(name).remove({ force: true });
      await finish();
    },
  };
}

async function importImage(docker: Docker, name: string, changes: readonly string[]): Promise<void> {
  const [repo, tag] = name.split(':');
  const files: ArchivedFile[] = ['bin/', 'tmp/', 'etc/', 'run/', 'srv/'].map(path => ({ path }));
  files.push({ path: 'bin/busybox', from: busybox() });
  for (const applet of APPLETS) files.push({ path: `bin/${applet}`, link: 'busybox' });
  const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    docker.modem.dial(
      {
        path: '/images/create?',
        method: 'POST',
        options: { fromSrc: '-', repo, tag, ...(changes.length > 0 ? { changes } : {}) },
        file: Readable.from(archive(files)),
        isStream: true,
        statusCodes: { 200: true, 500: 'server error' },
      },
      (error: unknown, answer: unknown) => (error ? reject(error) : resolve(answer as NodeJS.ReadableStream)),
    );
  });
  let said = '';
  for await (const chunk of stream) said += chunk;
  if (said.includes('"error"')) throw new Error(`the image was not imported: ${said}`);
}
