/**
 * What running a scenario takes and gives: the seam between the runner, which knows worlds, and what writes results.
 */
import type { SdlCatalogue } from '../scenario/sdl-folder.ts';
import type { Trace } from '../scenario/trace.ts';
import type { ObservedFile, Scenario } from '../scenario/types.ts';

/** A cell of a results table. bigint: micro-AKASH. null: no value. */
export type Cell = string | number | bigint | null;

/** `workloads`: what containers took, which only a live run can measure. */
export type TableName = ObservedFile | 'series' | 'workloads';

/** Takes rows as they happen; memory must not grow with the length of a run. */
export interface RunSink {
  row(table: TableName, cells: readonly Cell[]): void;
}

export interface Progress {
  /** 0 to 1 */
  readonly share: number;
  /** microseconds of simulated time */
  readonly time: number;
  readonly events: number;
}

/** Keep readable descriptions of the events numbered `from` to `to` (excluded), to compare two runs. */
export interface TraceWindow {
  readonly from: number;
  readonly to: number;
}

export interface RunRequest {
  readonly scenario: Scenario;
  readonly seed: number;
  /** What the scenario's `workload` names, as loadScenario gives it. */
  readonly trace: Trace | null;
  /** What the scenario's `workload.sdl` names, as loadScenario gives it; needed where it names something. */
  readonly sdl?: SdlCatalogue | null;
  readonly sink: RunSink;
  readonly onProgress?: (progress: Progress) => void;
  readonly window?: TraceWindow;
  /** Times at which events that do nothing are inserted, microseconds: no outcome may depend on them. */
  readonly noops?: readonly number[];
}

export interface Expectation {
  readonly text: string;
  readonly holds: boolean;
  /** Why it could not be evaluated, or the values of the metrics in it. */
  readonly detail: string;
}

/** What one provider class came to. */
export interface ClassSummary {
  readonly name: string;
  readonly providers: number;
  readonly bids: number;
  readonly leases: number;
  readonly broken: number;
  /** micro-AKASH paid to it, after tax */
  readonly income: bigint;
  /** micro-AKASH that serving cost it */
  readonly cost: bigint;
  /** collateral and stake that it lost */
  readonly lost: bigint;
  /** What outside offers and the like gained it, micro-AKASH. */
  readonly outside: bigint;
  /** mean, 0 to 1 */
  readonly utilisation: number;
  /** mean at the end, 0 to 1 */
  readonly reputation: number;
}

/** Where a run took place: under a simulated clock, or as real processes on this machine. */
export const WORLDS = ['simulated', 'live'] as const;
export type WorldName = (typeof WORLDS)[number];

export interface RunResult {
  readonly seed: number;
  readonly world: WorldName;
  /** Empty for a live run, which nothing can repeat. */
  readonly traceHash: string;
  /** Of the simulated world; 0 for a live run, which has no queue of them. */
  readonly events: number;
  /** Time of the run: simulated, or by the clock of the machine. */
  readonly seconds: number;
  /** Every metric of summary.csv, in its order. */
  readonly summary: Readonly<Record<string, number | bigint>>;
  readonly classes: readonly ClassSummary[];
  readonly expectations: readonly Expectation[];
  /** Trace hash after each 65,536 events. */
  readonly checkpoints: readonly { readonly events: number; readonly hash: string }[];
  /** Descriptions of the events in the requested window. */
  readonly window: readonly { readonly index: number; readonly text: string }[];
  /** Notes that a reader of the results needs, e.g. the time scale that a target load gave. */
  readonly notes: readonly string[];
}
