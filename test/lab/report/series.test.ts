import { describe, expect, it } from 'vitest';
import { SeriesSketch } from '../../../src/lab/report/series.ts';

function sketchOf(count: number, metric: string, value: (i: number) => number): SeriesSketch {
  const sketch = new SeriesSketch();
  for (let i = 1; i <= count; i++) sketch.row([i, metric, value(i)]);
  return sketch;
}

describe('a sketch of a series', () => {
  it('keeps a short one as it is', () => {
    expect(sketchOf(3, 'utilisation', i => i / 10).points('utilisation')).toEqual([
      { time: 1, value: 0.1 },
      { time: 2, value: 0.2 },
      { time: 3, value: 0.3 },
    ]);
  });

  it('keeps a long one in bounds: means of levels, last values of totals', () => {
    const levels = sketchOf(100_000, 'utilisation', i => i % 2).points('utilisation');
    expect(levels.length).toBeGreaterThan(1_000);
    expect(levels.length).toBeLessThan(2_048);
    expect(levels.every(point => point.value === 0.5)).toBe(true);
    const totals = sketchOf(100_000, 'orders_matched', i => 3 * i).points('orders_matched');
    expect(totals.length).toBe(levels.length);
    for (const { time, value } of totals) expect(value).toBe(3 * time);
    for (let i = 1; i < totals.length; i++) expect(totals[i]!.time - totals[i - 1]!.time).toBe(totals[0]!.time);
  });

  it('takes money, and leaves gaps where there is no value', () => {
    const sketch = new SeriesSketch();
    sketch.row([1, 'paid_uakt', 5n]);
    sketch.row([2, 'price_uakt_per_vcpu_h', null]);
    expect(sketch.points('paid_uakt')).toEqual([{ time: 1, value: 5 }]);
    expect(sketch.points('price_uakt_per_vcpu_h')).toEqual([]);
    expect(sketch.metrics()).toEqual(['paid_uakt']);
  });
});
