/**
 * What a worker thread does: runs one job from beginning to end and says how it went. It is handed everything that the
 * run depends on, so that a run is the same in whichever worker it happens.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { ed25519Scheme } from '../../worlds/live/ed25519.ts';
import { TABLES } from '../report/tables.ts';
import { loadTrace } from '../scenario/load.ts';
import type { Trace } from '../scenario/trace.ts';
import { isDiskError, ResultsWriter } from './results.ts';
import { CsvFile } from './results-csv.ts';
import type { RunPorts } from './run-scenario.ts';
import type { Progress, RunRequest, RunResult, RunSink } from './types.ts';
import type { Job, JobFailure, JobOutcome, JobProgress } from './worker-job.ts';

/** Milliseconds between two progress messages. */
const PROGRESS_MS = 100;

/** Taken before a run forbids the clock to actors. */
const { performance } = globalThis;

/** The module of `runScenario`; tests put another one in its place. */
interface Runner {
  runScenario(request: RunRequest, ports: RunPorts): RunResult;
}

/** What the pool gives to each of its workers. */
export interface WorkerOptions {
  readonly runner: string;
}

/** Runs a job. Errors come back as data, because codes and causes of an error do not survive the way to another thread. */
export default async function runJob(job: Job): Promise<JobOutcome> {
  const { runner } = optionsOf(workerData);
  const { runScenario } = (await import(runner)) as Runner;
  let output: Output | null = null;
  try {
    output = openOutput(job);
    const start = performance.now();
    const request: RunRequest = {
      scenario: job.scenario,
      seed: job.seed,
      trace: traceOf(job),
      sdl: job.sdl,
      sink: output.sink,
      onProgress: reporter(job.index),
      ...(job.window === null ? {} : { window: job.window }),
    };
    const result = runScenario(request, { ed25519: ed25519Scheme });
    const wallSeconds = Math.round(performance.now() - start) / 1_000;
    const measures = { wallSeconds, peakMemoryBytes: process.resourceUsage().maxRSS * 1_024 };
    await output.finish(result, measures);
    return { ok: true, result, ...measures };
  } catch (error) {
    output?.abandon();
    return { ok: false, failure: failureOf(output?.failure() ?? error) };
  }
}

/** The trace that the scenario names, read from memory that all workers share. */
function traceOf(job: Job): Trace | null {
  if (job.scenario.workload === null) return null;
  return loadTrace(job.scenario.workload, path => {
    const file = job.data.find(one => one.path === path);
    if (file === undefined) throw new Error(`expected the file ${path} along with the job, found none`);
    // A copy of its own: not every decoder reads from shared memory.
    return new Uint8Array(file.bytes);
  });
}

/** Piscina hands its own data and the pool's in a list. */
function optionsOf(data: unknown): WorkerOptions {
  const own: unknown = Array.isArray(data) ? data.at(-1) : data;
  if (typeof own !== 'object' || own === null || !('runner' in own)) throw new Error('a worker without its options');
  return own as WorkerOptions;
}

interface Output {
  readonly sink: RunSink;
  finish(result: RunResult, measures: { wallSeconds: number; peakMemoryBytes: number }): void | Promise<void>;
  abandon(): void;
  failure(): unknown;
}

function openOutput(job: Job): Output {
  const { output } = job;
  switch (output.kind) {
    case 'results': {
      const writer = new ResultsWriter(output.folder, job.scenario);
      return {
        sink: writer,
        finish: (result, measures) => writer.finish(result, output.source, output.scenarioHash, measures),
        abandon: () => writer.abandon(),
        failure: () => writer.failure,
      };
    }
    case 'events': {
      const header = TABLES.events.map(column => column.name);
      const file = new CsvFile(output.file, header);
      return {
        sink: { row: (table, cells) => table === 'events' && file.row(cells) },
        finish: () => file.close(),
        abandon: () => file.abandon(),
        failure: () => null,
      };
    }
    case 'none':
      return { sink: { row: () => undefined }, finish: () => undefined, abandon: () => undefined, failure: () => null };
  }
}

function reporter(job: number): (progress: Progress) => void {
  let last = 0;
  return progress => {
    const now = performance.now();
    if (now - last < PROGRESS_MS) return;
    last = now;
    const message: JobProgress = { job, ...progress };
    parentPort?.postMessage(message);
  };
}

function failureOf(error: unknown): JobFailure {
  const kind = isDiskError(error) ? 'disk' : 'run';
  if (!(error instanceof Error)) return { kind, code: '', message: String(error), stack: '' };
  const code = kind === 'disk' ? String((error as NodeJS.ErrnoException).code) : '';
  return { kind, code, message: error.message, stack: error.stack ?? '' };
}
