/**
 * Keeps a bounded picture of series of any length: while rows stream by, each metric is held as at most so many points,
 * neighbours being joined two by two whenever they become too many. Levels are joined to their mean, running totals to
 * the later one, so that both stay true.
 */
import type { Cell } from '../experiment/types.ts';

export interface Point {
  /** simulated seconds */
  readonly time: number;
  readonly value: number;
}

/** Running totals; everything else is a level. */
export const TOTALS: ReadonlySet<string> = new Set([
  'orders_matched',
  'orders_expired',
  'orders_insufficient_funds',
  'orders_tenant_closed',
  'orders_removed',
  'leases_broken',
  'paid_uakt',
  'transactions',
  'height',
  'height_least',
  'rounds_extra',
  'blocks_missed',
]);

/** Most points of one metric; a figure has fewer pixels than that. */
const MAX_POINTS = 2_048;
/** Most metrics: a scenario may have a thousand classes, and a figure shows a few. */
const MAX_METRICS = 64;

interface Track {
  points: Point[];
  /** Samples behind one point. */
  stride: number;
  /** Samples gathered for the next point: their count, sum, first and last time. */
  count: number;
  sum: number;
  time: number;
  last: number;
}

export class SeriesSketch {
  private readonly tracks = new Map<string, Track>();

  /** Takes a row of series.csv. Rows without a value are gaps and leave no point. */
  row(cells: readonly Cell[]): void {
    const [time, metric, value] = cells;
    if (value === null || value === undefined || typeof time !== 'number' || typeof metric !== 'string') return;
    let track = this.tracks.get(metric);
    if (track === undefined) {
      if (this.tracks.size >= MAX_METRICS) return;
      track = { points: [], stride: 1, count: 0, sum: 0, time: 0, last: 0 };
      this.tracks.set(metric, track);
    }
    add(track, time, Number(value), TOTALS.has(metric));
  }

  /** The points of a metric, oldest first; empty when it never had a value. */
  points(metric: string): readonly Point[] {
    return this.tracks.get(metric)?.points ?? [];
  }

  /** Names of metrics in order of appearance. */
  metrics(): string[] {
    return [...this.tracks.keys()];
  }
}

function add(track: Track, time: number, value: number, total: boolean): void {
  track.count += 1;
  track.sum += value;
  track.last = value;
  track.time = time;
  if (track.count < track.stride) return;
  track.points.push({ time: track.time, value: total ? track.last : track.sum / track.count });
  track.count = 0;
  track.sum = 0;
  if (track.points.length < MAX_POINTS) return;
  const joined: Point[] = [];
  for (let i = 0; i + 1 < track.points.length; i += 2) {
    const early = track.points[i]!;
    const late = track.points[i + 1]!;
    joined.push({ time: late.time, value: total ? late.value : (early.value + late.value) / 2 });
  }
  track.points = joined;
  track.stride *= 2;
}
