/** What the main thread asks of a worker, and what comes back. Plain data on both sides: it is cloned in between. */
import type { SdlCatalogue } from '../scenario/sdl-folder.ts';
import type { Scenario } from '../scenario/types.ts';
import type { ScenarioSource, SharedFile } from './results-source.ts';
import type { Progress, RunResult, TraceWindow } from './types.ts';

/** Where the rows of a run go. */
export type JobOutput =
  /** A complete results directory, into a folder that is made unless it exists. */
  | {
      readonly kind: 'results';
      readonly folder: string;
      readonly source: ScenarioSource;
      readonly scenarioHash: string;
    }
  /** The public events only, as a CSV file that does not exist yet. */
  | { readonly kind: 'events'; readonly file: string }
  | { readonly kind: 'none' };

export interface Job {
  /** Which one of the jobs of this call it is, from 0. */
  readonly index: number;
  readonly scenario: Scenario;
  readonly seed: number;
  readonly data: readonly SharedFile[];
  readonly sdl: SdlCatalogue | null;
  readonly output: JobOutput;
  readonly window: TraceWindow | null;
}

/** A progress message of a worker. */
export interface JobProgress extends Progress {
  readonly job: number;
}

/** Why a job has no result. */
export interface JobFailure {
  /** disk: the results could not be written. run: the run threw. crash: the worker died under it. */
  readonly kind: 'disk' | 'run' | 'crash';
  /** Of a file system error, such as ENOSPC; else empty. */
  readonly code: string;
  readonly message: string;
  readonly stack: string;
}

export type JobOutcome =
  | { readonly ok: true; readonly result: RunResult; readonly wallSeconds: number; readonly peakMemoryBytes: number }
  | { readonly ok: false; readonly failure: JobFailure };
