/** columns.md: what every column of a results directory means, written beside the files that it explains. */
import type { TableName, WorldName } from '../experiment/types.ts';
import { aboutSeriesMetric, aboutSummaryMetric, SERIES_METRICS } from './metrics.ts';
import { TABLES } from './tables.ts';

/** The columns of summary.csv before its metrics. */
export const RUN_COLUMNS = [
  { name: 'scenario', about: 'name of the scenario' },
  { name: 'seed', about: 'seed of all random streams' },
  { name: 'world', about: '`simulated`, or `live`: real processes on one machine' },
  { name: 'scenario_hash', about: 'SHA-256 of the scenario as it was read, with its overrides and data' },
  { name: 'trace_hash', about: 'hash over every event in order; equal hashes mean equal runs; a live run has none' },
  { name: 'events', about: 'events of the simulated world; 0 for a live run' },
  { name: 'run_s', about: 'length of the run in seconds: simulated, or by the clock of the machine' },
] as const;

function table(rows: readonly (readonly [string, string])[]): string {
  return ['| column | meaning |', '|---|---|', ...rows.map(([name, about]) => `| \`${name}\` | ${about} |`)].join('\n');
}

const TIMES: { readonly [world in WorldName]: string } = {
  simulated: 'Times are simulated and begin at 0.',
  live:
    'Times count from the genesis of the chain. What is about the chain is told in block time, which lags the clocks by ' +
    'about an interval; what participants saw, by the clock of the machine.',
};

/** The text of columns.md for a run with these tables and metrics. */
export function columnsText(world: WorldName, tables: readonly TableName[], metrics: readonly string[]): string {
  const parts = [
    '# What the columns mean',
    'Units stand at the end of names: `_s` seconds, `_uakt` micro-AKASH (a millionth of an AKASH), `_uakt_per_s` and ' +
      `\`_uakt_per_h\` micro-AKASH per second and per hour. ${TIMES[world]} An empty field means that there is no value.`,
    '## summary.csv',
    'One row per run.',
    table([
      ...RUN_COLUMNS.map(({ name, about }) => [name, about] as const),
      ...metrics.map(name => [name, aboutSummaryMetric(name)] as const),
    ]),
  ];
  for (const name of tables) {
    parts.push(`## ${name}.csv`, table(TABLES[name].map(column => [column.name, column.about] as const)));
    if (name === 'series') {
      parts.push('Metrics in it:', table(SERIES_METRICS.map(metric => [metric, aboutSeriesMetric(metric)] as const)));
    }
  }
  return `${parts.join('\n\n')}\n`;
}
