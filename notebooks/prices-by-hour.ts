/**
 * What a vCPU costs by the hour of the day, and how full each class of providers is then, over all days of a run.
 *
 *   orrery run spot-market --out results/spot
 *   node notebooks/prices-by-hour.ts results/spot          prints a table, writes results/spot/prices-by-hour.svg
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as Plot from '@observablehq/plot';
import { mean, rollup } from 'd3-array';
import { csvRecords, numberOf, svgOf } from './reading.ts';

const HOUR_S = 3600;
const PRICE = 'price_uakt_per_vcpu_h';

const [folder, first = '0'] = process.argv.slice(2);
if (folder === undefined) throw new Error('which results? node notebooks/prices-by-hour.ts results/spot [first hour]');

const samples = csvRecords(readFileSync(join(folder, 'series.csv'), 'utf8'))
  .map(row => ({ time: numberOf(row.time_s), metric: row.metric ?? '', value: numberOf(row.value) }))
  .filter(({ time }) => time >= Number(first) * HOUR_S);
if (samples.length === 0) throw new Error(`${folder}: series.csv has no samples from hour ${first} on`);

const hourOf = (time: number): number => Math.floor(time / HOUR_S) % 24;
const byHour = rollup(
  samples,
  rows => mean(rows, row => row.value),
  row => row.metric,
  row => hourOf(row.time),
);
const classes = [...byHour.keys()].filter(name => name.startsWith('utilisation/'));

console.log(['hour', 'uakt per vCPU-hour', ...classes.map(name => name.replace('utilisation/', ''))].join('\t'));
for (let hour = 0; hour < 24; hour++) {
  const at = (metric: string): number | undefined => byHour.get(metric)?.get(hour);
  const shares = classes.map(name => at(name)?.toFixed(2) ?? '-');
  console.log([String(hour).padStart(2, '0'), at(PRICE)?.toFixed(0) ?? '-', ...shares].join('\t'));
}

const prices = [...(byHour.get(PRICE) ?? [])].map(([hour, price]) => ({ hour, price })).sort((a, b) => a.hour - b.hour);
const path = join(folder, 'prices-by-hour.svg');
const svg = svgOf(document =>
  Plot.plot({
    document,
    width: 640,
    height: 300,
    x: { label: 'hour of the day' },
    y: { label: 'micro-AKASH per vCPU-hour', grid: true },
    marks: [Plot.lineY(prices, { x: 'hour', y: 'price', curve: 'step-after', stroke: '#1f6feb' })],
  }),
);
writeFileSync(path, svg);
console.log(`Drawn in ${path}`);
