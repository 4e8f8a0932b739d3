/** Talks to the API of a daemon on this machine, which its home tells how to find. */
import { z } from 'zod';
import { UnusableHome } from '../home/files.ts';
import { type Role, requireHome } from '../home/folder.ts';
import { type RunFile, readRunFile } from './run-file.ts';

/** Longest answer that is read, characters. */
const MAX_ANSWER = 64 << 20;
const QUICK_MS = 35_000;

/** What an API refused, in its own words. */
export class Refused extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'Refused';
    this.code = code;
  }
}

/** Somebody is there, and has not answered in the time that was given. */
export class NoAnswer extends UnusableHome {
  readonly after_ms: number;
  constructor(message: string, after_ms: number, options: ErrorOptions) {
    super(message, options);
    this.name = 'NoAnswer';
    this.after_ms = after_ms;
  }
}

const refusal = z.object({ error: z.object({ code: z.string(), found: z.string(), expected: z.string() }) });

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  /** How long it may take; half a minute if absent. */
  readonly timeout_ms?: number;
}

export class ApiClient {
  readonly run: RunFile;
  readonly #base: string;

  constructor(run: RunFile) {
    this.run = run;
    const { host, port } = run.api;
    // All addresses of this machine include this one.
    const own = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
    this.#base = `http://${own.includes(':') ? `[${own}]` : own}:${port}`;
  }

  /**
   * Calls an endpoint and reads its answer.
   * @throws Refused, UnusableHome when nobody answers (NoAnswer: not in time)
   */
  async call<T>(
    path: string,
    schema: z.ZodType<T>,
    { method = 'GET', body, timeout_ms = QUICK_MS }: Call = {},
  ): Promise<T> {
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${this.#base}${path}`, {
        method,
        signal: AbortSignal.timeout(timeout_ms),
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      const { name, message, cause } = error as Error;
      const isLate = name === 'TimeoutError';
      const why = isLate ? `in ${timeout_ms / 1000} s` : `(${(cause as Error | undefined)?.message ?? message})`;
      const { role, name: who, pid } = this.run;
      const text = `${this.#base}${path}: found no answer ${why}, expected one of the ${role} ${who} (process ${pid})`;
      if (isLate) throw new NoAnswer(text, timeout_ms, { cause: error });
      throw new UnusableHome(text, { cause: error });
    }
    if (text.length > MAX_ANSWER)
      throw new Error(`found an answer of ${text.length} characters to ${path}, expected less`);
    const data: unknown = JSON.parse(text);
    if (status < 400) return schema.parse(data);
    const { code, found, expected } = refusal.parse(data).error;
    // What a chain or an agent refuses, or does not know, is all said in the first part.
    throw new Refused(
      code,
      status === 422 || status === 404 ? `${code}: ${found}` : `${code}: found ${found}, expected ${expected}`,
    );
  }
}

/** The daemon that runs in a home; null: none does. */
export function findDaemon(root: string, role: Role): ApiClient | null {
  const running = readRunFile(requireHome(root, role).run);
  return running.state === 'running' ? new ApiClient(running.run) : null;
}

/**
 * The daemon that runs in a home.
 * @throws UnusableHome when none does
 */
export function needDaemon(root: string, role: Role): ApiClient {
  const running = readRunFile(requireHome(root, role).run);
  if (running.state === 'running') return new ApiClient(running.run);
  const found =
    running.state === 'stopped'
      ? 'no daemon that runs'
      : `a daemon that was killed (process ${running.run.pid} is gone)`;
  throw new UnusableHome(`${root}: found ${found}, expected one: npx orrery ${role} start --home ${root}`);
}
