/**
 * Writes the results directory of one run: rows as they come, everything else once the run has ended. The folder is a
 * temporary one; putting it in its place is for whoever made it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { columnsText, RUN_COLUMNS } from '../report/columns.ts';
import { stringify } from '../report/json.ts';
import { SeriesSketch } from '../report/series.ts';
import { TABLES } from '../report/tables.ts';
import { paramsOfChain } from '../scenario/chain-params.ts';
import type { Scenario } from '../scenario/types.ts';
import { CsvFile, cellText, csvText } from './results-csv.ts';
import { RECORD_FILE, type RunRecord } from './results-record.ts';
import type { ScenarioSource } from './results-source.ts';
import type { Cell, RunResult, RunSink, TableName } from './types.ts';
import { engineOf, VERSION } from './version-node.ts';

/** What only the one who ran it knows. */
export interface RunMeasures {
  readonly wallSeconds: number;
  readonly peakMemoryBytes: number;
}

export class ResultsWriter implements RunSink {
  private readonly folder: string;
  private readonly scenario: Scenario;
  private readonly files: ReadonlyMap<TableName, CsvFile>;
  private readonly sketch = new SeriesSketch();
  /** What the disk said first, so that it is not mistaken for a fault of the run in which it surfaced. */
  failure: unknown = null;

  /** @param besides tables that the run has beside those that the scenario asks for */
  constructor(folder: string, scenario: Scenario, besides: readonly TableName[] = []) {
    this.folder = folder;
    this.scenario = scenario;
    this.onDisk(() => mkdirSync(folder, { recursive: true }));
    const files = new Map<TableName, CsvFile>();
    for (const table of ['series', ...scenario.observe.files, ...besides] as const) {
      const header = TABLES[table].map(column => column.name);
      files.set(
        table,
        this.onDisk(() => new CsvFile(join(folder, `${table}.csv`), header)),
      );
    }
    this.files = files;
  }

  /** Rows of tables that the scenario did not ask for are left out. */
  row(table: TableName, cells: readonly Cell[]): void {
    if (table === 'series') this.sketch.row(cells);
    const file = this.files.get(table);
    if (file !== undefined) this.onDisk(() => file.row(cells));
  }

  /** Completes the folder. */
  async finish(result: RunResult, source: ScenarioSource, scenarioHash: string, measures: RunMeasures): Promise<void> {
    this.onDisk(() => {
      for (const file of this.files.values()) file.close();
      const metrics = Object.keys(result.summary);
      writeFileSync(
        join(this.folder, 'summary.csv'),
        summaryText([{ scenario: this.scenario.name, scenarioHash, result }]),
      );
      writeFileSync(join(this.folder, 'columns.md'), columnsText(result.world, [...this.files.keys()], metrics));
    });
    // Drawing is a third of all there is to load, and nothing that a run has to wait for before it begins.
    const { pictureOfRun } = await import('../report/picture.ts');
    const picture = pictureOfRun(this.scenario, result, this.sketch);
    this.onDisk(() => {
      writeFileSync(join(this.folder, 'picture.svg'), picture);
      const record = this.record(result, source, scenarioHash, measures);
      writeFileSync(join(this.folder, RECORD_FILE), `${stringify(record, 2)}\n`);
    });
  }

  /** Closes what is open; what was written stays, for its owner to remove. */
  abandon(): void {
    for (const file of this.files?.values() ?? []) file.abandon();
  }

  private record(result: RunResult, source: ScenarioSource, scenarioHash: string, measures: RunMeasures): RunRecord {
    const tables = [...this.files].map(([table, file]) => ({ name: `${table}.csv`, rows: file.rows }));
    const others = ['columns.md', 'picture.svg', RECORD_FILE].map(name => ({ name, rows: null }));
    return {
      kind: 'orrery run',
      name: this.scenario.name,
      question: this.scenario.question,
      seed: result.seed,
      world: result.world,
      scenario: {
        ...source,
        overrides: [...source.overrides],
        files: [...source.files],
        data: [...source.data],
      },
      scenarioHash,
      params: { ...paramsOfChain(this.scenario.chain) },
      version: VERSION,
      engine: engineOf(),
      traceHash: result.traceHash,
      events: result.events,
      seconds: result.seconds,
      ...measures,
      summary: withoutNaN(result.summary),
      classes: result.classes.map(one => ({ ...one })),
      expectations: result.expectations.map(one => ({ ...one })),
      notes: [...result.notes],
      files: [{ name: 'summary.csv', rows: 1 }, ...tables, ...others],
      checkpoints: result.checkpoints.map(one => ({ ...one })),
    };
  }

  private onDisk<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (isDiskError(error)) this.failure ??= error;
      throw error;
    }
  }
}

/** Whether an error came from the file system. */
export function isDiskError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

function withoutNaN(summary: RunResult['summary']): RunRecord['summary'] {
  const entries = Object.entries(summary).map(([name, value]) => [name, metricValue(value)] as const);
  return Object.fromEntries(entries);
}

/** null for a metric that has no value. */
export function metricValue(value: number | bigint): number | bigint | null {
  return typeof value === 'number' && !Number.isFinite(value) ? null : value;
}

export interface SummaryRow {
  readonly scenario: string;
  readonly scenarioHash: string;
  readonly result: Pick<RunResult, 'seed' | 'world' | 'traceHash' | 'events' | 'seconds' | 'summary'>;
}

/** summary.csv: one row per run, the metrics of all of them as columns in order of appearance. */
export function summaryText(rows: readonly SummaryRow[]): string {
  const metrics = [...new Set(rows.flatMap(row => Object.keys(row.result.summary)))];
  const header = [...RUN_COLUMNS.map(column => column.name), ...metrics];
  const lines = rows.map(({ scenario, scenarioHash, result }) => {
    const { seed, world, traceHash, events, seconds, summary } = result;
    const run: Cell[] = [scenario, seed, world, scenarioHash, traceHash, events, seconds];
    const values = metrics.map(name => (Object.hasOwn(summary, name) ? metricValue(summary[name]!) : null));
    return [...run, ...values].map(cellText);
  });
  return csvText([header, ...lines]);
}
