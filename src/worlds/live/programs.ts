/**
 * External programs that actors may `ask`, such as a user's bidding script: a command of the operator's choice, started
 * anew for each question. It reads the question as JSON from its standard input and writes the answer as JSON to its
 * standard output. What it may take, of time and of output, is bounded; what goes beyond is killed, with all that it
 * started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { PeerName } from '../../actors/actor.ts';
import type { Program } from './performer.ts';

export interface CommandOptions {
  /** The file to run and its arguments. No shell looks at them. */
  readonly command: readonly [string, ...string[]];
  /** How long it may take. Default 10 s. */
  readonly timeout_ms?: number;
  /** Most bytes of a question and of an answer. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Where it runs. Default: where this process does. */
  readonly folder?: string;
  /** Its environment, beside `ORRERY_ACTOR`, the name of who asks. Default: PATH and nothing else. */
  readonly env?: Readonly<Record<string, string>>;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_MAX_BYTES = 1024 * 1024;
/** Of what it writes to its standard error, so much is shown when it fails. */
const MAX_COMPLAINT_BYTES = 2_000;

/** The program that runs a command for each question. What it rejects with says what was wrong with the command. */
export function commandProgram(options: CommandOptions): Program {
  const { timeout_ms = DEFAULT_TIMEOUT_MS, maxBytes = DEFAULT_MAX_BYTES } = options;
  for (const [name, value] of Object.entries({ timeout_ms, maxBytes })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${name} must be a positive whole number, found ${value}`);
    }
  }
  return async (question, actor) => {
    const text = JSON.stringify(question);
    if (text === undefined) throw new Error(`a question must be JSON, found ${typeof question}`);
    if (Buffer.byteLength(text) > maxBytes) {
      throw new Error(`a question has at most ${maxBytes} bytes, found ${Buffer.byteLength(text)}`);
    }
    const answer = await run(options, text, actor, timeout_ms, maxBytes);
    try {
      return JSON.parse(answer) as unknown;
    } catch (cause) {
      throw new Error(`${options.command[0]} answered what is no JSON: ${answer.slice(0, 100)}`, { cause });
    }
  };
}

function run(
  { command, folder, env }: CommandOptions,
  question: string,
  actor: PeerName,
  timeout_ms: number,
  maxBytes: number,
): Promise<string> {
  const [file, ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env: { ...(env ?? { PATH: process.env.PATH ?? '' }), ORRERY_ACTOR: actor },
      ...(folder === undefined ? {} : { cwd: folder }),
      stdio: ['pipe', 'pipe', 'pipe'],
      // A process group of its own, so that nothing of it is left behind.
      detached: true,
    });
    const answer: Buffer[] = [];
    let answerBytes = 0;
    let complaint = '';
    let verdict: string | null = null;
    const condemn = (why: string): void => {
      verdict ??= why;
      killGroup(child);
    };
    const timer = setTimeout(() => condemn(`took longer than ${timeout_ms} ms`), timeout_ms);
    child.stdout.on('data', (chunk: Buffer) => {
      answerBytes += chunk.length;
      if (answerBytes > maxBytes) condemn(`answered more than ${maxBytes} bytes`);
      else answer.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaint.length < MAX_COMPLAINT_BYTES) complaint += chunk.toString().slice(0, MAX_COMPLAINT_BYTES);
    });
    // A program that does not read its question to the end is free not to; its exit code and answer say the rest.
    child.stdin.on('error', () => {});
    child.on('error', error => {
      clearTimeout(timer);
      reject(new Error(`${file} cannot be run: ${error.message}`, { cause: error }));
    });
    child.on('exit', (code, signal) => {
      if (code !== 0) verdict ??= code === null ? `was ended by ${signal}` : `ended with code ${code}`;
      // What it left running would keep its pipes open.
      killGroup(child);
    });
    child.on('close', () => {
      clearTimeout(timer);
      if (verdict === null) resolve(Buffer.concat(answer).toString('utf8'));
      else reject(new Error(`${file} ${verdict}${complaint === '' ? '' : `: ${complaint.trim()}`}`));
    });
    child.stdin.end(question);
  });
}

/** Kills a command and all that it started. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // There is nobody left.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
