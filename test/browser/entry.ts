/**
 * What the browser test runs on either side: a scenario from files in memory, told as one text. The same module is
 * imported by Node.js and bundled for the page, so that whatever differs lies below it.
 */

import { runScenario } from '../../src/lab/experiment/run-scenario.ts';
import type { Cell } from '../../src/lab/experiment/types.ts';
import { checkProtocolParams } from '../../src/lab/scenario/chain-params.ts';
import { loadScenario } from '../../src/lab/scenario/load.ts';

export interface Outcome {
  readonly traceHash: string;
  readonly events: number;
  /** name -> value, amounts with an `n` behind them as in the source. */
  readonly summary: Readonly<Record<string, string>>;
  /** Every row of every table in the order of writing, cells apart by commas. */
  readonly rows: readonly string[];
  /** Expectations that do not hold. */
  readonly broken: readonly string[];
}

/**
 * Runs a scenario.
 * @param files name -> text, all that the scenario may read
 * @throws InvalidScenario, or what a run throws
 */
export function runInMemory(files: Readonly<Record<string, string>>, path: string, seed: number): Outcome {
  const { scenario, trace } = loadScenario(path, {
    checkParams: checkProtocolParams,
    readFile(name) {
      const text = files[name];
      if (text === undefined) throw new Error('no such file');
      return text;
    },
  });
  const rows: string[] = [];
  const sink = { row: (table: string, cells: readonly Cell[]) => rows.push([table, ...cells.map(told)].join(',')) };
  const result = runScenario({ scenario, seed, trace, sink }, { ed25519: null });
  return {
    traceHash: result.traceHash,
    events: result.events,
    summary: Object.fromEntries(Object.entries(result.summary).map(([name, value]) => [name, told(value)])),
    rows,
    broken: result.expectations.filter(one => !one.holds).map(one => `${one.text}: ${one.detail}`),
  };
}

function told(cell: Cell): string {
  return typeof cell === 'bigint' ? `${cell}n` : Object.is(cell, -0) ? '-0' : String(cell);
}
