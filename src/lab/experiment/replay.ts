/**
 * Runs an earlier run again, from what its results directory kept of it, and holds the two against each other.
 *
 * Each run left a hash of all its events after every 65,536 of them. Where two runs part is therefore known to within
 * one such stretch; running both again with an eye on that stretch finds the very event.
 */
import { type PoolOptions, runJobs } from './pool.ts';
import type { RunRecord } from './results-record.ts';
import { loadFromSource } from './results-source.ts';
import type { RunResult, TraceWindow } from './types.ts';
import type { Job, JobOutput } from './worker-job.ts';

/** Events between two checkpoints. */
const CHECKPOINT_EVENTS = 65_536;

export type RerunOptions = Pick<PoolOptions, 'runner' | 'signal' | 'onProgress'>;

/** A run that did not come to an end when it was made again. */
export class RerunFailed extends Error {
  constructor(record: RunRecord, message: string) {
    super(`${record.name}, seed ${record.seed}: the run failed when it was made again: ${message}`);
    this.name = 'RerunFailed';
  }
}

/**
 * Makes runs again, as many at a time as there are processors.
 * @throws RerunFailed, Interrupted; whatever loadFromSource throws
 */
export async function rerun(
  records: readonly RunRecord[],
  window: TraceWindow | null,
  output: JobOutput,
  options: RerunOptions,
): Promise<RunResult[]> {
  const jobs = records.map((record, index): Job => {
    const { scenario, data, sdl } = loadFromSource(record.scenario);
    // Which files a run writes has no part in what happens in it.
    const observed = output.kind === 'events' ? { ...scenario.observe, files: ['events'] as const } : scenario.observe;
    return { index, scenario: { ...scenario, observe: observed }, seed: record.seed, data, sdl, output, window };
  });
  const outcomes = await runJobs(jobs, options);
  return outcomes.map((outcome, i) => {
    if (!outcome.ok) throw new RerunFailed(records[i]!, outcome.failure.message);
    return outcome.result;
  });
}

/** Where two runs part, as far as their records tell: the events between the last checkpoint they share and the next. */
export function windowOfDifference(left: RunRecord, right: RunRecord): TraceWindow | null {
  if (left.traceHash === right.traceHash && left.events === right.events) return null;
  let from = 0;
  for (let i = 0; ; i++) {
    const one = left.checkpoints[i];
    const other = right.checkpoints[i];
    if (one === undefined || other === undefined || one.events !== other.events || one.hash !== other.hash) break;
    from = one.events;
  }
  return { from, to: from + CHECKPOINT_EVENTS + 1 };
}

export interface Event {
  readonly index: number;
  readonly text: string;
}

/** The first event in which two runs differ; null on a side: that run ended before. */
export interface FirstDifference {
  readonly index: number;
  /** What both did right before. */
  readonly before: readonly Event[];
  readonly left: readonly Event[];
  readonly right: readonly Event[];
}

/**
 * Compares what two runs did within a window.
 * @param neighbours events to show before and after
 * @returns null when the descriptions are all equal
 */
export function firstDifference(left: RunResult, right: RunResult, neighbours: number): FirstDifference | null {
  const length = Math.max(left.window.length, right.window.length);
  for (let i = 0; i < length; i++) {
    const one = left.window[i];
    const other = right.window[i];
    if (one !== undefined && other !== undefined && one.text === other.text) continue;
    return {
      index: (one ?? other)!.index,
      before: left.window.slice(Math.max(0, i - neighbours), i),
      left: left.window.slice(i, i + 1 + neighbours),
      right: right.window.slice(i, i + 1 + neighbours),
    };
  }
  return null;
}
