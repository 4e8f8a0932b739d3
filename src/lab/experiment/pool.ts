/**
 * Runs jobs on worker threads, as many at a time as there are workers. One world is one thread; many worlds are many
 * workers, and what comes out does not depend on how many. A worker that dies takes its own job down and no other.
 */
import { availableParallelism, totalmem } from 'node:os';
import { Piscina } from 'piscina';
import type { WorkerOptions } from './worker.ts';
import type { Job, JobOutcome, JobProgress } from './worker-job.ts';

/** `.ts` in a checkout, `.js` in the published package. */
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** The module whose `runScenario` workers call, unless told otherwise. */
const RUNNER = new URL(`./run-scenario.${EXTENSION}`, import.meta.url).href;

/** Most workers that may be asked for. */
export const MAX_WORKERS = 1_024;

export interface PoolOptions {
  /** Worker threads; by default one per processor, but not more than there are jobs. */
  readonly workers?: number | undefined;
  /** URL of another module with `runScenario`. */
  readonly runner?: string | undefined;
  /** Ends all workers at once; jobs that are not done then have no outcome. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: JobProgress) => void) | undefined;
  /** Called as jobs end, in whatever order they do. May throw or reject, which ends everything. */
  readonly onDone?: ((job: Job, outcome: JobOutcome) => void) | undefined;
}

/** The jobs were ended by the signal. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}

/** Worker threads for so many jobs when nobody says how many. */
export function defaultWorkers(jobs: number): number {
  return Math.max(1, Math.min(jobs, availableParallelism()));
}

/**
 * Runs all jobs and returns their outcomes in the order of the jobs.
 * @throws Interrupted; whatever `onDone` throws
 */
export async function runJobs(jobs: readonly Job[], options: PoolOptions = {}): Promise<JobOutcome[]> {
  const { signal } = options;
  if (signal?.aborted) throw new Interrupted();
  if (jobs.length === 0) return [];
  const workers = Math.min(options.workers ?? defaultWorkers(jobs.length), jobs.length);
  const workerOptions: WorkerOptions = { runner: options.runner ?? RUNNER };
  const pool = new Piscina<Job, JobOutcome>({
    filename: new URL(`./worker.${EXTENSION}`, import.meta.url).href,
    minThreads: workers,
    maxThreads: workers,
    workerData: workerOptions,
    resourceLimits: { maxOldGenerationSizeMb: heapOf(workers) },
  });
  let interrupt = (): void => undefined;
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = () => reject(new Interrupted());
  });
  signal?.addEventListener('abort', interrupt, { once: true });
  pool.on('message', (message: JobProgress) => options.onProgress?.(message));
  const all = Promise.all(
    jobs.map(async job => {
      const outcome = await runOne(pool, job);
      if (!signal?.aborted) options.onDone?.(job, outcome);
      return outcome;
    }),
  );
  try {
    return await Promise.race([all, interrupted]);
  } finally {
    signal?.removeEventListener('abort', interrupt);
    // What is still running has nobody left to wait for it.
    all.catch(() => undefined);
    await pool.destroy();
  }
}

async function runOne(pool: Piscina<Job, JobOutcome>, job: Job): Promise<JobOutcome> {
  try {
    return await pool.run(job);
  } catch (error) {
    const found = error instanceof Error ? error : new Error(String(error));
    return { ok: false, failure: { kind: 'crash', code: '', message: found.message, stack: found.stack ?? '' } };
  }
}

/** A share of the machine's memory in MiB, so that a run that needs too much ends by itself and not the machine. */
function heapOf(workers: number): number {
  return Math.max(512, Math.floor((totalmem() / 2 ** 20) * (0.75 / workers)));
}
