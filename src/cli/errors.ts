/** How commands end: what each exit code means, and the errors that lead to it. */
import { DiskFailure } from '../lab/experiment/results-batch.ts';
import { UnusableFolder } from '../lab/experiment/results-folder.ts';
import { NotResults } from '../lab/experiment/results-record.ts';
import { Refused } from '../lab/live/daemon/api-client.ts';
import { UnusableHome } from '../lab/live/home/files.ts';
import { InvalidScenario } from '../lab/scenario/problem.ts';
import { StorageFailure } from '../worlds/live/storage/failure.ts';

export const EXIT = {
  ok: 0,
  /** A run failed or an expectation was violated. */
  failed: 1,
  /** What was given cannot be used. */
  badInput: 2,
  interrupted: 130,
} as const;

/** An end that was foreseen: its message is all that the user needs, and its code is the command's. */
export class CommandError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number = EXIT.badInput, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** Errors of others that mean bad input. */
export function isBadInput(error: unknown): error is Error {
  return (
    error instanceof InvalidScenario ||
    error instanceof NotResults ||
    error instanceof UnusableFolder ||
    error instanceof UnusableHome
  );
}

/** Errors of others that mean that what was wanted did not happen. */
export function isFailure(error: unknown): error is Error {
  return error instanceof DiskFailure || error instanceof StorageFailure || error instanceof Refused;
}
