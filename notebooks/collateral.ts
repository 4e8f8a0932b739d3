/**
 * The collateral deterrence curve: how many leases providers leave for a better offer, by the collateral that they would
 * forfeit, beside what theory says.
 *
 *   orrery run collateral-study --out results/collateral
 *   node notebooks/collateral.ts results/collateral        prints a table, writes results/collateral/deterrence.svg
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as Plot from '@observablehq/plot';
import { sum } from 'd3-array';
import { csvRecords, numberOf, svgOf } from './reading.ts';

/** Offers an hour, leases that end an hour, discount an hour, mean gain in AKASH an hour: as in the scenario. */
const THETA = 0.5;
const MU = 0.2;
const DISCOUNT = 0.05;
const GAIN = 1;
const ARMS = { none: 0, two: 2, four: 4, eight: 8, twelve: 12 };

function theory(collateral: number): number {
  const x = THETA * Math.exp((-collateral * (MU + DISCOUNT)) / GAIN);
  return x / (x + MU);
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('which results? node notebooks/collateral.ts results/collateral');

/** A row for each run: with several seeds, what they found is added up. */
const runs = csvRecords(readFileSync(join(folder, 'summary.csv'), 'utf8'));
function metric(name: string): number {
  if (runs.some(run => run[name] === undefined)) {
    throw new Error(`${folder}: summary.csv has no ${name}; is it of collateral-study?`);
  }
  return sum(runs, run => numberOf(run[name]));
}

const arms = Object.entries(ARMS).map(([name, collateral]) => {
  const leases = metric(`${name}_matched`);
  const share = metric(`${name}_defaults`) / leases;
  // 95 %, by the normal approximation.
  const half = 1.96 * Math.sqrt((share * (1 - share)) / leases);
  return { collateral, leases, share, low: share - half, high: share + half, theory: theory(collateral) };
});

console.log('collateral  leases  left    95 % interval   theory');
for (const { collateral, leases, share, low, high, theory: expected } of arms) {
  const interval = `${low.toFixed(3)}-${high.toFixed(3)}`;
  console.log(
    `${String(collateral).padStart(4)} AKASH  ${String(leases).padStart(5)}  ${share.toFixed(3)}   ${interval}     ${expected.toFixed(3)}`,
  );
}

const curve = Array.from({ length: 121 }, (_, i) => ({ collateral: i / 10, theory: theory(i / 10) }));
const svg = svgOf(document =>
  Plot.plot({
    document,
    width: 640,
    height: 360,
    x: { label: 'collateral, AKASH' },
    y: { label: 'share of leases left for an offer', domain: [0, 1], grid: true },
    marks: [
      Plot.line(curve, { x: 'collateral', y: 'theory', stroke: '#888' }),
      Plot.ruleX(arms, { x: 'collateral', y1: 'low', y2: 'high' }),
      Plot.dot(arms, { x: 'collateral', y: 'share', fill: '#1f6feb' }),
    ],
  }),
);
const path = join(folder, 'deterrence.svg');
writeFileSync(path, svg);
console.log(`line: theory; dots: measured. Drawn in ${path}`);
