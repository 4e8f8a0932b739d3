/** The newest lines of what a container wrote. */
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { Engine } from './engine.ts';
import { EngineFrames } from './engine-frames.ts';

/** Most lines, and most bytes of all of them and of one, that a reading gives. They fit a message. */
export const MAX_LOG_LINES = 1_000;
export const MAX_LOG_BYTES = 128 * 1024;
export const MAX_LINE_BYTES = 8 * 1024;

/** How long a reading may take. */
const READ_MS = 20_000;

/** Puts lines together from frames, and keeps the newest that fit. */
export class LogLines {
  readonly #most: number;
  readonly #lines: { readonly text: string; readonly bytes: number }[] = [];
  #bytes = 0;
  /** What each stream has of a line that has not ended. */
  readonly #open = new Map<number, { parts: Buffer[]; bytes: number }>();
  readonly #frames = new EngineFrames((stream, part) => this.#text(stream, part));

  constructor(most: number) {
    this.#most = Math.max(0, Math.min(Math.floor(most) || 0, MAX_LOG_LINES));
  }

  /** Takes bytes as they come, cut anywhere. */
  push(chunk: Buffer): void {
    this.#frames.push(chunk);
  }

  /** The lines, oldest first. Bytes that are no UTF-8 are replaced. */
  end(): string[] {
    for (const stream of [...this.#open.keys()]) this.#endLine(stream);
    return this.#lines.map(line => line.text);
  }

  #text(stream: number, part: Buffer): void {
    let from = 0;
    for (;;) {
      const newline = part.indexOf(10, from);
      this.#extend(stream, part.subarray(from, newline < 0 ? part.length : newline));
      if (newline < 0) return;
      this.#endLine(stream);
      from = newline + 1;
    }
  }

  /** A line that is too long is cut: its beginning says what it is about. */
  #extend(stream: number, bytes: Buffer): void {
    if (bytes.length === 0) return;
    const open = this.#open.get(stream) ?? { parts: [], bytes: 0 };
    this.#open.set(stream, open);
    const kept = bytes.subarray(0, MAX_LINE_BYTES - open.bytes);
    if (kept.length === 0) return;
    // A copy: a view would keep the whole chunk alive.
    open.parts.push(Buffer.from(kept));
    open.bytes += kept.length;
  }

  #endLine(stream: number): void {
    const parts = this.#open.get(stream)?.parts ?? [];
    this.#open.delete(stream);
    const text = Buffer.concat(parts).toString('utf8').replace(/\r$/, '');
    const bytes = Buffer.byteLength(text) + 1;
    this.#lines.push({ text, bytes });
    this.#bytes += bytes;
    while (this.#lines.length > this.#most || this.#bytes > MAX_LOG_BYTES) this.#bytes -= this.#lines.shift()!.bytes;
  }
}

/** The newest lines of a container, which may have ended. Throws when there is no such container. */
export async function readLog(engine: Engine, container: string, lines: number): Promise<string[]> {
  const collected = new LogLines(lines);
  const tail = Math.max(0, Math.min(Math.floor(lines) || 0, MAX_LOG_LINES));
  if (tail === 0) return [];
  await engine.call(
    'read a log',
    async (docker, abortSignal) => {
      const stream = await openLog(docker, container, tail, abortSignal);
      const destroy = (): void => void stream.destroy();
      abortSignal.addEventListener('abort', destroy, { once: true });
      try {
        for await (const chunk of stream) collected.push(chunk as Buffer);
      } finally {
        abortSignal.removeEventListener('abort', destroy);
      }
    },
    READ_MS,
  );
  return collected.end();
}

/** The log as it comes. (`Container.logs` would collect all of it in memory first, unless it is followed.) */
function openLog(docker: Docker, container: string, tail: number, abortSignal: AbortSignal): Promise<Readable> {
  return new Promise((resolve, reject) => {
    docker.modem.dial(
      {
        path: `/containers/${container}/logs?`,
        method: 'GET',
        options: { stdout: true, stderr: true, tail, follow: false },
        abortSignal,
        isStream: true,
        statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
      },
      (error: unknown, stream: unknown) => {
        if (error === null) resolve(stream as Readable);
        else reject(error);
      },
    );
  });
}
