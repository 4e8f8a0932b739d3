/** Values of options: read strictly, refused with what was found and what was expected. */
import { MAX_WORKERS } from '../lab/experiment/pool.ts';
import { CommandError } from './errors.ts';

/** Most runs of one command. */
export const MAX_RUNS = 100_000;

function whole(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new CommandError(
      `--${option}: found ${JSON.stringify(text)}, expected a whole number from ${least} to ${most}`,
    );
  }
  return value;
}

/** `--seed N` */
export function readSeed(text: string): number {
  return whole('seed', text, 0, Number.MAX_SAFE_INTEGER);
}

/** `--seeds A..B`, both included. */
export function readSeeds(text: string): number[] {
  const match = /^(\d{1,16})\.\.(\d{1,16})$/.exec(text);
  const [from, to] = match === null ? [0, -1] : [readSeed(match[1]!), readSeed(match[2]!)];
  if (match === null || to < from || to - from >= MAX_RUNS) {
    const range = `a range such as 1..10, of at most ${MAX_RUNS} seeds`;
    throw new CommandError(`--seeds: found ${JSON.stringify(text)}, expected ${range}`);
  }
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** `--workers N` */
export function readWorkers(text: string | undefined): number | undefined {
  return text === undefined ? undefined : whole('workers', text, 1, MAX_WORKERS);
}

/** An argument as a shell takes it. */
export function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
