import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import type { RunResult } from '../../../src/lab/experiment/types.ts';
import { pictureOfRun } from '../../../src/lab/report/picture.ts';
import { timeAxis } from '../../../src/lab/report/picture-panels.ts';
import { SeriesSketch } from '../../../src/lab/report/series.ts';
import { load, variant } from '../scenario/fixture.ts';

const scenario = load(
  variant(
    ['question: Does it load?', 'question: Is 1 < 2 & "quoted" kept?'],
    ['horizon: 2d', 'horizon: 2d\nwarmup: 6h'],
  ),
).scenario;

const result = {
  seed: 1,
  world: 'simulated',
  seconds: 172_800,
  events: 1234,
  traceHash: 'abcdef0123456789',
} as RunResult;

function sketch(prices = true, orders = true): SeriesSketch {
  const sampled = new SeriesSketch();
  for (let i = 1; i <= 288; i++) {
    const time = i * 600;
    if (prices) sampled.row([time, 'price_uakt_per_vcpu_h', 1000 + 300 * Math.sin(i / 20)]);
    sampled.row([time, 'utilisation', 0.3 + 0.2 * Math.sin(i / 30)]);
    sampled.row([time, 'utilisation/cheap', 0.4]);
    if (orders) sampled.row([time, 'orders_matched', 2 * i]);
    if (orders) sampled.row([time, 'orders_expired', Math.floor(i / 10)]);
    if (orders) sampled.row([time, 'leases_broken', i > 200 ? 5 : 0]);
  }
  return sampled;
}

function texts(svg: string): string[] {
  const { document } = parseHTML(svg.slice(svg.indexOf('<svg')));
  return [...document.querySelectorAll('text')].map(text => text.textContent ?? '');
}

describe('the picture of a run', () => {
  const svg = pictureOfRun(scenario, result, sketch());

  it('is the same bytes for the same run', () => {
    expect(pictureOfRun(scenario, result, sketch())).toBe(svg);
  });

  it('stands alone: one root, its own ground, nothing from elsewhere', () => {
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="\d+" height="\d+"/);
    expect(svg).toContain('fill="#fdfdfc"');
    expect(svg.replace(/xmlns(:\w+)?="[^"]*"/g, '')).not.toMatch(/https?:|<script|@import|url\(/);
    expect(svg.match(/<svg/g)).toHaveLength(4);
    expect(svg.match(/<\/svg>/g)).toHaveLength(4);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('names what it shows', () => {
    const words = texts(svg);
    expect(words).toContain('base');
    expect(words).toContain('Is 1 < 2 & "quoted" kept?');
    expect(words).toContain('How orders ended, each hour');
    for (const label of ['cheap', 'matched', 'expired', 'leases broken']) expect(words).toContain(label);
    expect(words).not.toContain('out of funds');
    expect(words.some(text => text.includes('6 hours of warm-up'))).toBe(true);
  });

  it('says so where there is nothing to show', () => {
    const words = texts(pictureOfRun(scenario, result, sketch(false, false)));
    expect(words).toContain('No lease was made.');
    expect(words).toContain('No order ended.');
    expect(texts(pictureOfRun(scenario, result, new SeriesSketch()))).toContain('Nothing was sampled.');
  });
});

describe('the time axis', () => {
  it.each([
    [7 * 86_400, 'days', 7],
    [86_400, 'hours', 24],
    [1_800, 'minutes', 30],
    [90, 'seconds', 90],
  ])('of %d s is in %s', (horizon, label, end) => {
    const axis = timeAxis(horizon, 0);
    expect(axis).toMatchObject({ label, end });
    expect(axis.ticks.length).toBeGreaterThan(2);
    expect(axis.ticks.length).toBeLessThanOrEqual(13);
    expect(axis.ticks.at(-1)).toBeLessThanOrEqual(end);
  });
});
