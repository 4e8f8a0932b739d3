/**
 * Images: which may run, whether they are there, and fetching them from their registry.
 */
import type Docker from 'dockerode';
import type { WorkloadCredentials } from '../../../actors/actor.ts';
import { type Engine, EngineError, isMissing, reasonOf } from './engine.ts';
import { type DockerSettings, isImageName } from './options.ts';
import { pause, Slots } from './turns.ts';

/** First wait between two attempts to pull; it doubles. */
const RETRY_MS = 1_000;

/** Most pulls at a time. */
const PULLS = 4;

/** Longest line of the engine's account of a pull. */
const MAX_LINE = 1024 * 1024;

/** What no further attempt would change. */
const HOPELESS = /not found|unauthorized|denied|no such host|invalid|manifest unknown|does not exist/i;

/** A glob as a regular expression: `**` is anything, `*` anything without a slash, `?` one character of that kind. */
export function globPattern(glob: string): RegExp {
  const body = glob.replace(/\*\*|[*?]|[^*?]+/g, part => {
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    return part.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${body}$`);
}

/** A name without tag and digest means the tag `latest`; without one, an engine would fetch all tags that there are. */
export function fullImageName(name: string): string {
  const last = name.slice(name.lastIndexOf('/') + 1);
  return last.includes(':') || last.includes('@') ? name : `${name}:latest`;
}

export class Images {
  readonly #engine: Engine;
  readonly #settings: DockerSettings;
  readonly #allowed: readonly RegExp[] | null;
  /** Pulls under way, so that many replicas fetch an image once. */
  readonly #pulls = new Map<string, Promise<void>>();
  readonly #slots = new Slots(PULLS);

  constructor(engine: Engine, settings: DockerSettings) {
    this.#engine = engine;
    this.#settings = settings;
    this.#allowed = settings.allowedImages?.map(globPattern) ?? null;
  }

  /** Why an image may not run here; null when it may. */
  objection(name: string): string | null {
    if (!isImageName(name)) {
      return `the image must be named as [registry/]name[:tag], found ${JSON.stringify(name.slice(0, 100))}`;
    }
    if (this.#allowed === null || this.#allowed.some(pattern => pattern.test(name))) return null;
    return `the image ${name} is not among those that this provider runs`;
  }

  /** The image, fetched first where that is needed and allowed. Throws with the engine's reason. */
  async ensure(name: string, credentials: WorkloadCredentials | null): Promise<Docker.ImageInspectInfo> {
    const full = fullImageName(name);
    const { pull } = this.#settings;
    const present = await this.#inspect(full);
    if (pull === 'never' && present === null) throw new Error(`the image ${full} is not here and nothing is pulled`);
    if (present !== null && pull !== 'always') return present;
    await this.#pulled(full, credentials);
    const fetched = await this.#inspect(full);
    if (fetched === null) throw new Error(`the image ${full} was pulled and is not there`);
    return fetched;
  }

  async #inspect(full: string): Promise<Docker.ImageInspectInfo | null> {
    try {
      return await this.#engine.call(`look for the image ${full}`, docker => docker.getImage(full).inspect());
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  #pulled(full: string, credentials: WorkloadCredentials | null): Promise<void> {
    const key = JSON.stringify([full, credentials]);
    let pull = this.#pulls.get(key);
    if (pull === undefined) {
      pull = this.#slots.run(() => this.#pull(full, credentials)).finally(() => this.#pulls.delete(key));
      this.#pulls.set(key, pull);
    }
    return pull;
  }

  async #pull(full: string, credentials: WorkloadCredentials | null): Promise<void> {
    const { pullAttempts, pullTimeout_ms } = this.#settings;
    const deadline = Date.now() + pullTimeout_ms;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#engine.call(
          `pull the image ${full}`,
          (docker, abortSignal) => pullOnce(docker, full, credentials, abortSignal),
          Math.max(1, deadline - Date.now()),
        );
        return;
      } catch (error) {
        const wait = RETRY_MS * 2 ** (attempt - 1);
        const hopeless = HOPELESS.test(reasonOf(error)) || this.#engine.isClosed;
        if (hopeless || attempt >= pullAttempts || Date.now() + wait >= deadline) throw error;
        await pause(wait);
      }
    }
  }
}

async function pullOnce(
  docker: Docker,
  full: string,
  credentials: WorkloadCredentials | null,
  abortSignal: AbortSignal,
): Promise<void> {
  const authconfig =
    credentials === null
      ? undefined
      : { username: credentials.username, password: credentials.password, serveraddress: credentials.host };
  const stream = await docker.pull(full, { abortSignal, ...(authconfig === undefined ? {} : { authconfig }) });
  const destroy = (): void => void (stream as NodeJS.ReadableStream & { destroy(): void }).destroy();
  abortSignal.addEventListener('abort', destroy, { once: true });
  try {
    const failure = await lastError(stream);
    if (failure !== null) throw new EngineError(`pull the image ${full}`, null, reasonOf(failure));
  } finally {
    abortSignal.removeEventListener('abort', destroy);
    destroy();
  }
}

/** Reads the lines in which an engine tells how a pull goes on; the error among them, if there is one. */
async function lastError(stream: NodeJS.ReadableStream): Promise<string | null> {
  let rest = '';
  let found: string | null = null;
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk as Uint8Array, { stream: true });
    if (rest.length > MAX_LINE) throw new Error(`the engine sent a line of more than ${MAX_LINE} characters`);
    const lines = rest.split('\n');
    rest = lines.pop()!;
    for (const line of lines) found = errorIn(line) ?? found;
  }
  return errorIn(rest) ?? found;
}

function errorIn(line: string): string | null {
  if (line.trim() === '') return null;
  const { error } = JSON.parse(line) as { error?: unknown };
  return typeof error === 'string' ? error : null;
}
