/** Runs scenarios of the gallery for tests, with every monitor on. */

import { runScenario } from '../../src/lab/experiment/run-scenario.ts';
import type { Cell, RunRequest, RunResult, TableName } from '../../src/lab/experiment/types.ts';
import { checkProtocolParams } from '../../src/lab/scenario/chain-params.ts';
import { loadScenarioFile } from '../../src/lab/scenario/load-node.ts';
import { ed25519Scheme } from '../../src/worlds/live/ed25519.ts';

export type Row = readonly Cell[];

export interface ScenarioRun {
  readonly result: RunResult;
  /** Rows of the tables that the scenario observes. */
  readonly tables: ReadonlyMap<TableName, readonly Row[]>;
}

export interface RunSettings {
  readonly seed?: number;
  readonly set?: readonly string[];
  readonly noops?: readonly number[];
  /** Changes the loaded scenario where `set` cannot. */
  readonly change?: (scenario: RunRequest['scenario']) => RunRequest['scenario'];
}

/** Runs a scenario file, by its path from the root of the repository. */
export function runFile(path: string, { seed = 1, set = [], noops = [], change }: RunSettings = {}): ScenarioRun {
  const { scenario, trace, sdl } = loadScenarioFile(path, { checkParams: checkProtocolParams, overrides: set });
  const tables = new Map<TableName, Row[]>();
  const result = runScenario(
    {
      scenario: change?.(scenario) ?? scenario,
      seed,
      trace,
      sdl,
      noops,
      sink: {
        row(table, cells) {
          const rows = tables.get(table);
          if (rows === undefined) tables.set(table, [cells]);
          else rows.push(cells);
        },
      },
    },
    { ed25519: ed25519Scheme },
  );
  return { result, tables };
}

/** A metric of the summary. */
export function metric({ result }: ScenarioRun, name: string): number {
  const value = result.summary[name];
  if (value === undefined) throw new Error(`the summary has no metric ${name}`);
  return Number(value);
}
