/**
 * The engine behind its API: where it is, calls that end in bounded time, errors that say what was asked.
 */

import { existsSync, readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { unlessAborted } from './turns.ts';

/** How long an ordinary call may take. Those that move data or wait for a container say more. */
export const CALL_MS = 30_000;

/** Longest text of the engine that is passed on. */
const MAX_REASON = 500;

/** Something that the engine refused or did not answer. */
export class EngineError extends Error {
  /** HTTP status of the answer; null when there was none. */
  readonly status: number | null;

  constructor(what: string, status: number | null, reason: string) {
    super(`${what}: ${reason}`);
    this.name = 'EngineError';
    this.status = status;
  }
}

/** Whether the engine said that there is no such thing. */
export function isMissing(error: unknown): boolean {
  return error instanceof EngineError && error.status === 404;
}

/** What an error says, in one line of bounded length. */
export function reasonOf(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
  return text.length > MAX_REASON ? `${text.slice(0, MAX_REASON)}...` : text;
}

function asEngineError(what: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const { statusCode, json } = (error ?? {}) as { statusCode?: number; json?: { message?: unknown } };
  const said = json?.message;
  return new EngineError(what, statusCode ?? null, typeof said === 'string' ? reasonOf(said) : reasonOf(error));
}

/** The sockets where an engine usually listens, in the order in which they are looked for. */
export function defaultSockets(env: NodeJS.ProcessEnv = process.env): string[] {
  const runtime = env.XDG_RUNTIME_DIR;
  return [
    '/var/run/docker.sock',
    ...(runtime === undefined ? [] : [join(runtime, 'docker.sock')]),
    join(homedir(), '.docker', 'run', 'docker.sock'),
  ];
}

/** Where the engine is looked for: what is asked for, else DOCKER_HOST, else the first socket that is there. */
export function findEngine(asked: string | null, env: NodeJS.ProcessEnv = process.env): string {
  const said = asked ?? (env.DOCKER_HOST || null);
  if (said !== null) return said;
  const sockets = defaultSockets(env);
  return `unix://${sockets.find(path => existsSync(path)) ?? sockets[0]}`;
}

/** How dockerode is to call an engine. Throws on an address of another form. */
export function connectionTo(address: string, env: NodeJS.ProcessEnv = process.env): Docker.DockerOptions {
  if (address.startsWith('unix://')) {
    // No connection is kept: one that a restarted engine left behind would fail the first call afterwards.
    const agent = new Agent({ keepAlive: false });
    return { socketPath: address.slice('unix://'.length), agent, host: undefined } as Docker.DockerOptions;
  }
  const url = URL.parse(address.includes('://') ? address : `tcp://${address}`);
  if (url === null || !['tcp:', 'http:', 'https:', 'ssh:'].includes(url.protocol)) {
    throw new RangeError(`an engine's address must be unix://, tcp://, https:// or ssh://, found ${address}`);
  }
  if (url.protocol === 'ssh:') {
    const agent = env.SSH_AUTH_SOCK;
    return {
      protocol: 'ssh',
      host: url.hostname,
      port: url.port || 22,
      username: url.username,
      ...(agent === undefined ? {} : { sshOptions: { agent } }),
    };
  }
  const secure = url.protocol === 'https:' || env.DOCKER_TLS_VERIFY === '1' || url.port === '2376';
  const folder = env.DOCKER_CERT_PATH;
  const read = (name: string): Buffer => readFileSync(join(folder!, name));
  return {
    protocol: secure ? 'https' : 'http',
    host: url.hostname,
    port: url.port || (secure ? 2376 : 2375),
    ...(secure && folder !== undefined ? { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') } : {}),
  };
}

/** What is asked of the engine about itself. */
export interface EngineFacts {
  readonly version: string;
  /** Version of its API as major * 1000 + minor, such as 1041. */
  readonly api: number;
  /** What its containers run on, such as linux/amd64. */
  readonly platform: string;
  readonly storageDriver: string;
  readonly backingFilesystem: string;
  readonly securityOptions: readonly string[];
  readonly limits: { readonly memory: boolean; readonly swap: boolean; readonly cpu: boolean; readonly pids: boolean };
  readonly cgroupVersion: string;
}

export class Engine {
  readonly address: string;
  readonly #docker: Docker;
  readonly #closing = new AbortController();

  constructor(asked: string | null, env: NodeJS.ProcessEnv = process.env) {
    this.address = findEngine(asked, env);
    this.#docker = new Docker(connectionTo(this.address, env));
  }

  /** Whether the engine's loopback address is this machine's, as far as its address tells. */
  get isNear(): boolean {
    return this.address.startsWith('unix://');
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /**
   * Asks the engine for something. Throws an EngineError that says what was asked and what came of it.
   * @param what such as `create the network of lease x`
   */
  async call<T>(
    what: string,
    work: (docker: Docker, abortSignal: AbortSignal) => Promise<T>,
    timeout_ms = CALL_MS,
  ): Promise<T> {
    const controller = new AbortController();
    const signal = AbortSignal.any([controller.signal, this.#closing.signal]);
    const late = new EngineError(what, null, `no answer within ${timeout_ms} ms`);
    const timer = setTimeout(() => controller.abort(late), timeout_ms);
    try {
      signal.throwIfAborted();
      return await unlessAborted(work(this.#docker, signal), signal);
    } catch (error) {
      throw asEngineError(what, error);
    } finally {
      clearTimeout(timer);
    }
  }

  async ping(timeout_ms: number): Promise<void> {
    await this.call(`ping the engine at ${this.address}`, docker => docker.ping(), timeout_ms);
  }

  async facts(): Promise<EngineFacts> {
    const what = `ask the engine at ${this.address} about itself`;
    const version = await this.call(what, docker => docker.version());
    const info = await this.call(what, docker => docker.info());
    const [major, minor] = String(version.ApiVersion).split('.').map(Number) as [number, number];
    const status = (info.DriverStatus ?? []) as [string, string][];
    return {
      version: String(version.Version),
      api: major * 1000 + minor,
      platform: `${version.Os}/${version.Arch}`,
      storageDriver: String(info.Driver),
      backingFilesystem: status.find(([name]) => name === 'Backing Filesystem')?.[1] ?? '',
      securityOptions: (info.SecurityOptions ?? []) as string[],
      limits: {
        memory: info.MemoryLimit === true,
        swap: info.SwapLimit === true,
        cpu: info.CpuCfsQuota === true || info.CPUCfsQuota === true,
        pids: info.PidsLimit === true,
      },
      cgroupVersion: String(info.CgroupVersion ?? ''),
    };
  }

  /** Ends every call that is under way; later ones fail. */
  close(): void {
    this.#closing.abort(new EngineError('call the engine', null, 'the backend was closed'));
  }
}
