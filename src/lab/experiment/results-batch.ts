/**
 * Runs of scenarios over seeds, from jobs to finished results directories. A group of runs shares a folder: one run has
 * it to itself, several have a folder each within it and a summary of all. Folders appear when their last run is done,
 * complete or not at all.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { columnsText } from '../report/columns.ts';
import { stringify } from '../report/json.ts';
import { type PoolOptions, runJobs } from './pool.ts';
import { type SummaryRow, summaryText } from './results.ts';
import { diskProblem, OutputFolder, UnusableFolder } from './results-folder.ts';
import { type BatchRecord, RECORD_FILE } from './results-record.ts';
import type { Loaded } from './results-source.ts';
import { engineOf, VERSION } from './version-node.ts';
import type { Job, JobOutcome } from './worker-job.ts';

export interface PlannedRun {
  readonly loaded: Loaded;
  readonly seed: number;
  /** The command that makes this run again. */
  readonly command: string;
}

export interface PlannedGroup {
  /** The results directory. */
  readonly folder: string;
  readonly runs: readonly PlannedRun[];
}

export interface FinishedRun {
  readonly run: PlannedRun;
  /** Where its results are; null when it has none. */
  readonly folder: string | null;
  readonly outcome: JobOutcome;
}

export interface FinishedGroup {
  /** null: no run of it has results. */
  readonly folder: string | null;
  readonly runs: readonly FinishedRun[];
}

/** The results could not be written. */
export class DiskFailure extends Error {
  constructor(folder: string, reason: string) {
    super(`${folder}: the results could not be written: ${reason}; nothing was left there`);
    this.name = 'DiskFailure';
  }
}

export type BatchOptions = Pick<PoolOptions, 'workers' | 'runner' | 'signal' | 'onProgress'> & {
  /** Called as runs end; `index` counts over all groups. */
  readonly onRun?: (index: number, outcome: JobOutcome) => void;
};

/** The folder of a run within its group's: empty when it has the group's to itself. */
function folderWithin(group: PlannedGroup, run: PlannedRun): string {
  return group.runs.length === 1 ? '' : `${run.loaded.scenario.name}-${run.seed}`;
}

class OpenGroup {
  readonly plan: PlannedGroup;
  readonly place: OutputFolder;
  readonly outcomes: (JobOutcome | undefined)[];
  left: number;

  constructor(plan: PlannedGroup) {
    this.plan = plan;
    this.place = new OutputFolder(plan.folder);
    this.outcomes = new Array<JobOutcome | undefined>(plan.runs.length).fill(undefined);
    this.left = plan.runs.length;
  }

  job(run: PlannedRun, index: number): Job {
    const { scenario, source, hash, data, sdl } = run.loaded;
    const folder = join(this.place.temporary, folderWithin(this.plan, run));
    return {
      index,
      scenario,
      seed: run.seed,
      data,
      sdl,
      output: { kind: 'results', folder, source, scenarioHash: hash },
      window: null,
    };
  }

  finished(): FinishedGroup {
    const runs = this.plan.runs.map((run, i): FinishedRun => {
      const outcome = this.outcomes[i]!;
      return { run, outcome, folder: outcome.ok ? join(this.plan.folder, folderWithin(this.plan, run)) : null };
    });
    return { folder: runs.some(run => run.folder !== null) ? this.plan.folder : null, runs };
  }

  /** Puts the folder in its place, or removes it when no run of it has results. */
  complete(): void {
    const { folder, runs } = this.finished();
    if (folder === null) {
      this.place.discard();
      return;
    }
    if (runs.length > 1) this.writeSummary(runs);
    this.place.commit();
  }

  private writeSummary(runs: readonly FinishedRun[]): void {
    const record: BatchRecord = { kind: 'orrery runs', version: VERSION, engine: engineOf(), runs: [], failed: [] };
    const rows: SummaryRow[] = [];
    for (const { run, outcome } of runs) {
      const { name } = run.loaded.scenario;
      const folder = folderWithin(this.plan, run);
      if (outcome.ok) {
        rows.push({ scenario: name, scenarioHash: run.loaded.hash, result: outcome.result });
        record.runs.push({ folder, name, seed: run.seed, traceHash: outcome.result.traceHash });
      } else {
        rmSync(join(this.place.temporary, folder), { recursive: true, force: true });
        record.failed.push({ name, seed: run.seed, error: outcome.failure.message, command: run.command });
      }
    }
    const metrics = new Set(rows.flatMap(row => Object.keys(row.result.summary)));
    const write = (name: string, text: string): void => writeFileSync(join(this.place.temporary, name), text);
    write('summary.csv', summaryText(rows));
    write('columns.md', columnsText('simulated', [], [...metrics]));
    write(RECORD_FILE, `${stringify(record, 2)}\n`);
  }
}

/**
 * Makes all runs and their results directories.
 * @throws UnusableFolder before anything runs; DiskFailure; Interrupted. Folders that are not complete are then removed.
 */
export async function runGroups(plans: readonly PlannedGroup[], options: BatchOptions = {}): Promise<FinishedGroup[]> {
  refuseClashes(plans);
  const groups: OpenGroup[] = [];
  try {
    for (const plan of plans) groups.push(new OpenGroup(plan));
    const places = groups.flatMap(group => group.plan.runs.map((run, i) => ({ group, run, i })));
    const jobs = places.map(({ group, run }, index) => group.job(run, index));
    const onDone = ({ index }: Job, outcome: JobOutcome): void => {
      const { group, i } = places[index]!;
      if (!outcome.ok && outcome.failure.kind === 'disk') {
        throw new DiskFailure(group.plan.folder, diskProblem(outcome.failure));
      }
      group.outcomes[i] = outcome;
      group.left -= 1;
      options.onRun?.(index, outcome);
      if (group.left === 0) onDisk(group.plan.folder, () => group.complete());
    };
    await runJobs(jobs, { ...options, onDone });
    return groups.map(group => group.finished());
  } finally {
    for (const group of groups) group.place.discard();
  }
}

function onDisk(folder: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    throw new DiskFailure(folder, diskProblem(error));
  }
}

/** Two runs must not write to one folder. */
function refuseClashes(plans: readonly PlannedGroup[]): void {
  const seen = new Set<string>();
  for (const plan of plans) {
    for (const run of plan.runs) {
      const folder = join(plan.folder, folderWithin(plan, run));
      if (seen.has(folder)) {
        throw new UnusableFolder(`${folder}: found two runs for this folder, expected scenarios with different names`);
      }
      seen.add(folder);
    }
  }
}
