/**
 * The panels of a run's picture, each one figure of Observable Plot: what leases cost, how much of each provider class
 * is in use, and how orders end. A panel is drawn from a sketch of the series and knows nothing of the page around it.
 */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { grouped, significant } from './format.ts';
import type { Point, SeriesSketch } from './series.ts';

export const WIDTH = 960;
/** Room on the left for the axis, on the right for names of lines. */
const MARGIN_LEFT = 76;
export const MARGIN_RIGHT = 172;
export const INK = '#1f2733';
export const SOFT = '#5d6a7a';
const GRID = '#e4e8ee';
export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

/** Colours that stay apart for most kinds of colour blindness and on paper (after Okabe and Ito, darkened a little). */
const CLASS_COLOURS = ['#0072b2', '#d55e00', '#009e73', '#b3589a', '#c98a00', '#3d9bd1', '#7a5230', '#555f6e'];
const PRICE_COLOUR = '#0072b2';

/** Ends of orders, in the order in which bars are stacked; a broken lease is counted downwards. */
const ENDS = [
  { metric: 'orders_matched', label: 'matched', colour: '#3a8fc4' },
  { metric: 'orders_expired', label: 'expired', colour: '#e0a100' },
  { metric: 'orders_insufficient_funds', label: 'out of funds', colour: '#8d5aa5' },
  { metric: 'orders_tenant_closed', label: 'closed by tenant', colour: '#9aa5b1' },
  { metric: 'orders_removed', label: 'removed', colour: '#4f5d6b' },
] as const;
const BROKEN = { metric: 'leases_broken', label: 'leases broken', colour: '#c8321f' } as const;

/** The time axis that all panels share. */
export interface TimeAxis {
  /** seconds in one unit */
  readonly unit: number;
  readonly label: string;
  /** in units */
  readonly end: number;
  /** in units; 0: none */
  readonly warmup: number;
  /** in units */
  readonly ticks: readonly number[];
}

/** Steps between ticks that read well in each unit. */
const STEPS: Readonly<Record<string, readonly number[]>> = {
  days: [1, 2, 5, 10, 30, 60, 90, 180, 365],
  hours: [1, 2, 3, 6, 12],
  minutes: [5, 10, 15, 30],
  seconds: [1, 5, 10, 15, 30],
};
const MOST_TICKS = 12;

/** The unit in which a time of so many seconds reads best. */
export function timeAxis(horizon: number, warmup: number): TimeAxis {
  const [unit, label] =
    horizon > 2 * 86_400
      ? ([86_400, 'days'] as const)
      : horizon > 2 * 3_600
        ? ([3_600, 'hours'] as const)
        : horizon > 120
          ? ([60, 'minutes'] as const)
          : ([1, 'seconds'] as const);
  const end = horizon / unit;
  const step = STEPS[label]!.find(one => end / one <= MOST_TICKS) ?? Math.ceil(end / MOST_TICKS);
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
  return { unit, label, end, warmup: warmup / unit, ticks };
}

export interface Legend {
  readonly label: string;
  readonly colour: string;
}

export interface Panel {
  readonly title: string;
  readonly legend: readonly Legend[];
  readonly height: number;
  /** The figure's <svg> element as text. */
  readonly svg: string;
}

type Marks = NonNullable<Plot.PlotOptions['marks']>;

/** Plot's own fonts and lines, in a document of our own, with class names that never change. */
function figure(axis: TimeAxis, height: number, y: Plot.ScaleOptions, marks: Marks): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const warm = axis.warmup > 0 ? [{ from: 0, to: axis.warmup }] : [];
  const element = Plot.plot({
    document,
    className: 'orrery-plot',
    width: WIDTH,
    height,
    marginLeft: MARGIN_LEFT,
    marginRight: MARGIN_RIGHT,
    marginTop: 10,
    marginBottom: 26,
    style: { fontFamily: FONT, fontSize: '13px', color: SOFT, background: 'none' },
    x: { domain: [0, axis.end], label: null },
    y: { label: null, ...y },
    marks: [
      Plot.rect(warm, { x1: 'from', x2: 'to', fill: '#f2f4f7' }),
      Plot.gridY({ stroke: GRID, strokeOpacity: 1 }),
      Plot.axisX(axis.ticks, { label: null, tickSize: 4, tickFormat: (value: number) => grouped(value) }),
      Plot.axisY({
        label: null,
        tickSize: 0,
        ticks: 5,
        ...(y.tickFormat ? { tickFormat: y.tickFormat } : {}),
      } as Plot.AxisYOptions),
      Plot.text([axis.label], { frameAnchor: 'bottom-right', dx: 12, dy: 18, textAnchor: 'start', fill: SOFT }),
      ...marks,
    ],
  });
  return element.outerHTML;
}

/** Names at the right ends of lines, moved apart so that none covers another. `span` is the height in y units. */
function endLabels(
  ends: readonly { readonly label: string; readonly colour: string; readonly value: number }[],
  domain: readonly [number, number],
  height: number,
  x: number,
): Plot.Markish {
  const least = ((domain[1] - domain[0]) * 17) / (height - 36);
  const sorted = [...ends].sort((a, b) => a.value - b.value);
  const places: number[] = [];
  for (const { value } of sorted) places.push(Math.max(value, (places.at(-1) ?? Number.NEGATIVE_INFINITY) + least));
  // What was pushed above the frame comes down again, and pushes those below it.
  let ceiling = domain[1];
  for (let i = places.length - 1; i >= 0; i--) {
    places[i] = Math.min(places[i]!, ceiling);
    ceiling = places[i]! - least;
  }
  const data = sorted.map((end, i) => ({ ...end, x, y: places[i]! }));
  return Plot.text(data, {
    x: 'x',
    y: 'y',
    text: 'label',
    fill: (end: { colour: string }) => end.colour,
    textAnchor: 'start',
    dx: 8,
    fontWeight: 600,
    fontSize: 13,
  });
}

function scaled(points: readonly Point[], axis: TimeAxis, factor = 1): { x: number; y: number }[] {
  return points.map(({ time, value }) => ({ x: time / axis.unit, y: value * factor }));
}

function shortName(name: string): string {
  return name.length > 20 ? `${name.slice(0, 19)}…` : name;
}

/** What a vCPU-hour costs over time: each sample as a dot, and a moving mean through them. */
export function pricePanel(sketch: SeriesSketch, axis: TimeAxis): Panel {
  const raw = sketch.points('price_uakt_per_vcpu_h');
  const largest = raw.reduce((most, point) => Math.max(most, point.value), 0);
  const inAkash = largest >= 1e5;
  const points = scaled(raw, axis, inAkash ? 1e-6 : 1);
  const height = 230;
  const title = `Price of new leases, ${inAkash ? 'AKASH' : 'micro-AKASH'} per vCPU-hour`;
  if (points.length === 0) return { title, legend: [], height: 60, svg: empty('No lease was made.') };
  const window = Math.max(1, Math.round(points.length / 40));
  const smooth = movingMean(points, window);
  const values = points.map(point => point.y).sort((a, b) => a - b);
  // A few wild prices must not flatten the rest: the frame ends at the 99th percentile, with room above.
  const high = values[Math.floor((values.length - 1) * 0.99)]!;
  const top = (high > 0 ? high : 1) * 1.1;
  const shown = points.filter(point => point.y <= top);
  const label = { label: 'mean', colour: PRICE_COLOUR, value: Math.min(top, smooth.at(-1)!.y) };
  const dot = points.length > 400 ? 1.4 : 2.2;
  const svg = figure(axis, height, { domain: [0, top] }, [
    Plot.dot(shown, { x: 'x', y: 'y', r: dot, fill: PRICE_COLOUR, fillOpacity: 0.28 }),
    Plot.line(smooth, { x: 'x', y: 'y', stroke: PRICE_COLOUR, strokeWidth: 2.4, curve: 'monotone-x' }),
    endLabels([label], [0, top], height, smooth.at(-1)!.x),
  ]);
  return { title, legend: [], height, svg };
}

/** Means over `width` points to each side, so that nothing lags. */
function movingMean(points: readonly { x: number; y: number }[], width: number): { x: number; y: number }[] {
  const sums = [0];
  for (const { y } of points) sums.push(sums.at(-1)! + y);
  return points.map(({ x }, i) => {
    const from = Math.max(0, i - width);
    const to = Math.min(points.length, i + width + 1);
    return { x, y: (sums[to]! - sums[from]!) / (to - from) };
  });
}

/** How much of each provider class is leased over time, and of all together. */
export function utilisationPanel(sketch: SeriesSketch, classes: readonly string[], axis: TimeAxis): Panel {
  const title = 'Share of capacity that is leased, by provider class';
  const height = 250;
  const lines = classes
    .map(name => ({ name, points: scaled(sketch.points(`utilisation/${name}`), axis, 100) }))
    .filter(line => line.points.length > 0)
    .sort((a, b) => b.points.at(-1)!.y - a.points.at(-1)!.y)
    .slice(0, CLASS_COLOURS.length)
    .sort((a, b) => classes.indexOf(a.name) - classes.indexOf(b.name));
  const all = scaled(sketch.points('utilisation'), axis, 100);
  if (all.length === 0) return { title, legend: [], height: 60, svg: empty('Nothing was sampled.') };
  const shown = classes.length > 1 ? lines : [];
  const most = Math.max(1, ...[...shown.flatMap(line => line.points), ...all].map(point => point.y));
  const domain: [number, number] = [0, most > 50 ? 100 : niceAbove(most)];
  const ends = [
    ...shown.map((line, i) => ({
      label: shortName(line.name),
      colour: CLASS_COLOURS[i]!,
      value: line.points.at(-1)!.y,
    })),
    { label: classes.length > 1 ? 'all' : shortName(classes[0] ?? 'all'), colour: INK, value: all.at(-1)!.y },
  ];
  const svg = figure(axis, height, { domain, tickFormat: (value: number) => `${value} %` }, [
    ...shown.map((line, i) => Plot.line(line.points, { x: 'x', y: 'y', stroke: CLASS_COLOURS[i]!, strokeWidth: 1.9 })),
    Plot.line(all, {
      x: 'x',
      y: 'y',
      stroke: INK,
      strokeWidth: 1.9,
      ...(shown.length > 0 ? { strokeDasharray: '5 4' } : {}),
    }),
    endLabels(ends, domain, height, axis.end),
  ]);
  return { title, legend: [], height, svg };
}

function niceAbove(value: number): number {
  return [1, 2, 5, 10, 20, 25, 30, 40, 50].find(step => step >= value * 1.05) ?? 100;
}

interface Bar {
  readonly from: number;
  readonly to: number;
  readonly y1: number;
  readonly y2: number;
  readonly colour: string;
}

/** How many orders ended in which way, by interval; broken leases below the line. */
export function ordersPanel(sketch: SeriesSketch, axis: TimeAxis): Panel {
  const height = 240;
  const width = barWidth(axis.end * axis.unit) / axis.unit;
  const bins = Math.max(1, Math.ceil(axis.end / width - 1e-9));
  const counted = ENDS.map(end => ({ ...end, counts: perBin(sketch.points(end.metric), axis, bins, width) }));
  const broken = perBin(sketch.points(BROKEN.metric), axis, bins, width);
  const bars: Bar[] = [];
  for (let bin = 0; bin < bins; bin++) {
    const from = bin * width;
    const to = Math.min(axis.end, from + width);
    let level = 0;
    for (const { counts, colour } of counted) {
      const count = counts[bin]!;
      if (count > 0) bars.push({ from, to, y1: level, y2: level + count, colour });
      level += count;
    }
    if (broken[bin]! > 0) bars.push({ from, to, y1: 0, y2: -broken[bin]!, colour: BROKEN.colour });
  }
  const title = `How orders ended, ${intervalName(width * axis.unit)}`;
  if (bars.length === 0) return { title, legend: [], height: 60, svg: empty('No order ended.') };
  const legend: Legend[] = counted.filter(({ counts }) => counts.some(count => count > 0));
  if (broken.some(count => count > 0)) legend.push({ label: BROKEN.label, colour: BROKEN.colour });
  const tickFormat = (value: number): string => (Number.isInteger(value) ? String(Math.abs(value)) : '');
  const svg = figure(axis, height, { tickFormat, nice: true }, [
    Plot.rect(bars, {
      x1: 'from',
      x2: 'to',
      y1: 'y1',
      y2: 'y2',
      fill: (bar: Bar) => bar.colour,
      insetLeft: 0.5,
      insetRight: 0.5,
    }),
    Plot.ruleY([0], { stroke: SOFT }),
  ]);
  return { title, legend, height, svg };
}

/** How much a running total grew in each of so many equal intervals. */
function perBin(points: readonly Point[], axis: TimeAxis, bins: number, width: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  let before = 0;
  for (const { time, value } of points) {
    // A sample at the end of an interval counts what happened within it.
    const bin = Math.min(bins - 1, Math.max(0, Math.ceil(time / axis.unit / width - 1e-9) - 1));
    counts[bin] = counts[bin]! + value - before;
    before = value;
  }
  return counts;
}

/** Seconds in one bar: lengths that divide an hour or a day well. */
const BARS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 43_200, 86_400];
const MOST_BARS = 48;

/** The length of bars for a time of so many seconds. */
function barWidth(seconds: number): number {
  const width = BARS.find(one => seconds / one <= MOST_BARS);
  return width ?? Math.ceil(seconds / MOST_BARS / 86_400) * 86_400;
}

function intervalName(seconds: number): string {
  const [size, unit] = (
    [
      [86_400, 'day'],
      [3_600, 'hour'],
      [60, 'minute'],
    ] as const
  ).find(one => seconds >= one[0]) ?? [1, 'second'];
  const count = seconds / size;
  return count === 1 ? `each ${unit}` : `every ${significant(count, 2)} ${unit}s`;
}

function empty(text: string): string {
  const style = `font-family='${FONT}' font-size="13" fill="${SOFT}"`;
  return `<svg width="${WIDTH}" height="60"><text x="${MARGIN_LEFT}" y="30" ${style}>${text}</text></svg>`;
}
