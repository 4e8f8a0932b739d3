/**
 * What a daemon did, as lines of JSON in the logs/ of its home: `{"time": ..., "level": ..., "what": ..., ...}`. The
 * current file is `daemon.log`; when it has grown to its size it becomes `daemon.1.log`, that one `daemon.2.log`, and the
 * oldest goes. Lines are written at once: the last one before a crash is the one that is wanted.
 */
import { closeSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from '../../report/json.ts';
import { LOG_LEVELS, type LogConfig, type LogLevel } from '../home/config-types.ts';
import { hasCode, PRIVATE_FILE } from '../home/files.ts';

/** Longest line; what is longer is cut, and says so. */
const MAX_LINE = 16 * 1024;
const CURRENT = 'daemon.log';

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  error(what: string, fields?: LogFields): void;
  warn(what: string, fields?: LogFields): void;
  info(what: string, fields?: LogFields): void;
  debug(what: string, fields?: LogFields): void;
}

/** An error as fields of a line. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: String(error) };
  const { cause } = error;
  return {
    error: error.message,
    stack: error.stack,
    ...(cause === undefined ? {} : { cause: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) }),
  };
}

export class FileLog implements Log {
  readonly #folder: string;
  readonly #config: LogConfig;
  readonly #now_ms: () => number;
  readonly #onFailure: (text: string) => void;
  #file: number | null = null;
  #size = 0;
  /** The first error of writing; from then on lines are counted, not written. */
  #failure: Error | null = null;
  #lost = 0;

  /**
   * Goes on with the file that is there.
   * @param now_ms milliseconds since 1970
   * @param onFailure told once when nothing can be written any more; standard error by default
   */
  constructor(
    folder: string,
    config: LogConfig,
    now_ms: () => number = Date.now,
    onFailure: (text: string) => void = text => void process.stderr.write(`${text}\n`),
  ) {
    this.#folder = folder;
    this.#config = config;
    this.#now_ms = now_ms;
    this.#onFailure = onFailure;
    this.#open();
  }

  /** Why lines are lost since, and how many; null: none are. */
  get failure(): { readonly error: Error; readonly lost: number } | null {
    return this.#failure === null ? null : { error: this.#failure, lost: this.#lost };
  }

  error(what: string, fields: LogFields = {}): void {
    this.#write('error', what, fields);
  }
  warn(what: string, fields: LogFields = {}): void {
    this.#write('warn', what, fields);
  }
  info(what: string, fields: LogFields = {}): void {
    this.#write('info', what, fields);
  }
  debug(what: string, fields: LogFields = {}): void {
    this.#write('debug', what, fields);
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #open(): void {
    this.#file = openSync(join(this.#folder, CURRENT), 'a', PRIVATE_FILE);
    this.#size = fstatSync(this.#file).size;
  }

  #write(level: LogLevel, what: string, fields: LogFields): void {
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(this.#config.level)) return;
    if (this.#failure !== null) this.#lost += 1;
    if (this.#file === null || this.#failure !== null) return;
    const bytes = Buffer.from(`${lineOf(new Date(this.#now_ms()).toISOString(), level, what, fields)}\n`, 'utf8');
    try {
      if (this.#size > 0 && this.#size + bytes.length > this.#config.size) this.#turn();
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
      this.#size += bytes.length;
    } catch (error) {
      // A full disk must not end a participant whose own writes may still succeed.
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#lost += 1;
      this.#onFailure(`the log ends here: ${this.#failure.message}`);
    }
  }

  #turn(): void {
    this.close();
    const { files } = this.#config;
    const name = (age: number): string => join(this.#folder, age === 0 ? CURRENT : `daemon.${age}.log`);
    rmSync(name(files - 1), { force: true });
    for (let age = files - 2; age >= 0; age--) {
      try {
        renameSync(name(age), name(age + 1));
      } catch (error) {
        if (!hasCode(error, 'ENOENT')) throw error;
      }
    }
    this.#open();
  }
}

function lineOf(time: string, level: LogLevel, what: string, fields: LogFields): string {
  const line = stringify({ time, level, what, ...fields });
  if (line.length <= MAX_LINE) return line;
  return stringify({ time, level, what, cut: line.length, begin: line.slice(0, MAX_LINE / 2) });
}
