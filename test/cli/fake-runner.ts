/**
 * Stands in for `runScenario` where the command line itself is tested: quick, the same for the same seed, and able to
 * fail in every way that a run can. What a seed does is written beside it.
 */
import type { RunRequest, RunResult } from '../../src/lab/experiment/types.ts';

/** Seeds that do something else than to succeed. */
export const SEEDS = {
  /** The run throws. */
  throws: 13,
  /** The worker's thread ends under it. */
  dies: 14,
  /** A write fails because the disk is full. */
  diskFull: 15,
  /** Goes on for ever, after a first row. */
  endless: 16,
  /** Another trace each time it is asked with a window or for events only: it is not deterministic. */
  fickle: 17,
  /** Violates its expectation. */
  violates: 18,
  /** As seed 1, but parts from it at event 70,000. */
  parts: 19,
} as const;

const CHECKPOINT = 65_536;
const EVENTS = 200_000;

let runs = 0;

/** What an event reads like. */
function eventText(seed: number, index: number): string {
  const parted = seed === SEEDS.parts && index >= 70_000;
  return `${index} us node-${index % 3}: ${parted ? 'other' : 'same'} step`;
}

function hash(seed: number, events: number): string {
  const like = seed === SEEDS.parts && events < 70_000 ? 1 : seed;
  return `${like.toString(16).padStart(8, '0')}${events.toString(16).padStart(24, '0')}`;
}

function failIfAsked(seed: number): void {
  if (seed === SEEDS.throws) throw new Error('monitor supply: 1 uakt appeared from nowhere at height 7');
  if (seed === SEEDS.dies) process.exit(3);
  if (seed === SEEDS.diskFull) {
    const full = new Error('ENOSPC: no space left on device, write');
    throw Object.assign(full, { code: 'ENOSPC', syscall: 'write' });
  }
  while (seed === SEEDS.endless) {
    // Only a terminated thread leaves here, as with a run that is interrupted.
  }
}

export function runScenario(request: RunRequest): RunResult {
  const { scenario, seed, sink, window } = request;
  runs += 1;
  const seconds = scenario.horizon / 1e6;
  for (let i = 1; i <= 20; i++) {
    const time = (seconds * i) / 20;
    sink.row('series', [time, 'price_uakt_per_vcpu_h', 1000 + 10 * i + seed]);
    sink.row('series', [time, 'utilisation', i / 40]);
    for (const { name } of scenario.providers) sink.row('series', [time, `utilisation/${name}`, i / 30]);
    sink.row('series', [time, 'orders_matched', 5 * i]);
    sink.row('series', [time, 'orders_expired', i]);
    sink.row('series', [time, 'leases_broken', Math.floor(i / 5)]);
  }
  request.onProgress?.({ share: 0.5, time: scenario.horizon / 2, events: EVENTS / 2 });
  failIfAsked(seed);
  if (scenario.observe.files.includes('events')) {
    const order = 'akash1tenant/0/0/0';
    const details = JSON.stringify({ order, tenant: 'web-0', region: '', reason: 'expired' });
    sink.row('events', [9, 54, 'OrderClosed', order, 'web-0', details]);
  }
  const fickle = seed === SEEDS.fickle ? runs : 0;
  return {
    seed,
    world: 'simulated',
    traceHash: hash(seed, EVENTS + fickle),
    events: EVENTS,
    seconds,
    summary: summary(seed),
    classes: scenario.providers.map(({ name }, i) => ({
      name,
      providers: 4,
      bids: 1200 - i,
      leases: 90,
      broken: 4,
      income: 123_456_789n,
      cost: 100_000_000n,
      lost: 30_000_000n,
      outside: 0n,
      utilisation: 0.421,
      reputation: 0.9,
    })),
    expectations: scenario.expect.map(text => ({
      text,
      holds: seed !== SEEDS.violates,
      detail: 'match_share = 0.8333333333333334',
    })),
    checkpoints: [1, 2, 3].map(n => ({ events: n * CHECKPOINT, hash: hash(seed, n * CHECKPOINT) })),
    window:
      window === undefined
        ? []
        : Array.from({ length: Math.min(window.to, EVENTS) - window.from }, (_, i) => ({
            index: window.from + i,
            text: eventText(seed, window.from + i),
          })),
    notes: [],
  };
}

/** A year's worth of wrong digits would show here: amounts beyond 2^53, shares, and a metric without a value. */
function summary(seed: number): RunResult['summary'] {
  return {
    orders: 120,
    orders_matched: 100,
    orders_expired: 20,
    orders_insufficient_funds: 0,
    orders_tenant_closed: 0,
    orders_removed: 0,
    orders_open: 0,
    match_share: 100 / 120,
    bids_per_order: 2.5,
    wait_mean_s: 12.25 + seed / 16,
    wait_p95_s: 18,
    price_per_vcpu_h_uakt: 1100.5,
    price_share: 0.55,
    utilisation: 0.25,
    leases: 101,
    leases_broken: 4,
    forfeited_uakt: 8_000_000n,
    paid_uakt: 12_345_678_901_234_567n,
    unpaid_uakt: 0n,
    lease_time_mean_s: Number.NaN,
    outages: 0,
    lease_gaps: 0,
  };
}
