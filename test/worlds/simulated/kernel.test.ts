/** The event queue against a sorted array, with cancels, ties and growth. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from '../../../src/worlds/simulated/kernel.ts';

interface Pending {
  readonly time: number;
  readonly tie: number;
  readonly label: number;
  readonly handle: number;
}

/** The plainest queue there is: sorted anew for every pop. `Array.sort` is stable, which is the sequence. */
class Oracle {
  pending: Pending[] = [];

  pop(): Pending | undefined {
    this.pending.sort((a, b) => a.time - b.time || a.tie - b.tie || a.label - b.label);
    return this.pending.shift();
  }
}

type Step =
  | { readonly do: 'push'; readonly time: number; readonly tie: number }
  | { readonly do: 'pop' }
  | { readonly do: 'cancel'; readonly which: number };

// Few distinct times and ties, so that equal ones are common.
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('push' as const), time: fc.nat(40), tie: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pop' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat() }) },
);

function check(steps: readonly Step[], capacity: number): void {
  const queue = new EventQueue<string | null, number>(null, -1, capacity);
  const oracle = new Oracle();
  let label = 0;
  const popBoth = (): void => {
    const expected = oracle.pop();
    expect(queue.peek()).toBe(expected?.time ?? Number.POSITIVE_INFINITY);
    expect(queue.pop()).toBe(expected !== undefined);
    if (expected === undefined) return;
    expect([queue.time, queue.payload, queue.kind]).toEqual([expected.time, expected.label, expected.label % 7]);
  };
  for (const each of steps) {
    if (each.do === 'push') {
      const handle = queue.push(each.time, each.tie, label % 7, 'subject', label);
      oracle.pending.push({ time: each.time, tie: each.tie, label, handle });
      label++;
    } else if (each.do === 'pop') {
      popBoth();
    } else if (oracle.pending.length > 0) {
      const [victim] = oracle.pending.splice(each.which % oracle.pending.length, 1);
      queue.cancel(victim!.handle);
    }
    expect(queue.size).toBe(oracle.pending.length);
  }
  while (oracle.pending.length > 0) popBoth();
  expect(queue.pop()).toBe(false);
  expect(queue.peek()).toBe(Number.POSITIVE_INFINITY);
}

describe('event queue', () => {
  it('behaves like a sorted array, with pushes, pops and cancels in any order', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 64 }), check), {
      numRuns: 500,
    });
  });

  it('behaves like a sorted array when most events are cancelled, so that it rebuilds itself', () => {
    const many = fc.array(
      fc.oneof(
        { weight: 4, arbitrary: fc.record({ do: fc.constant('push' as const), time: fc.nat(1e6), tie: fc.nat(1) }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('pop' as const) }) },
        { weight: 3, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat() }) },
      ),
      { minLength: 600, maxLength: 1_200, size: 'max' },
    );
    fc.assert(
      fc.property(many, steps => check(steps, 16)),
      { numRuns: 30 },
    );
  });

  it('keeps the order of pushes among equals over hundreds of thousands of events', () => {
    const queue = new EventQueue<null, number>(null, -1, 4);
    for (let i = 0; i < 300_000; i++) queue.push(i % 3, 0, 1, null, i);
    let before = -1;
    for (let i = 0; i < 300_000; i++) {
      if (!queue.pop()) expect.fail(`only ${i} events came back`);
      const rank = queue.time * 300_000 + queue.payload;
      if (rank <= before) expect.fail(`event ${queue.payload} came after one of rank ${before}`);
      before = rank;
    }
    expect(queue.pop()).toBe(false);
  });

  it('lets go of payloads once they are dispatched or cancelled', () => {
    const queue = new EventQueue<object | null, object | null>(null, null, 2);
    const handle = queue.push(1, 0, 1, {}, {});
    queue.push(2, 0, 1, {}, {});
    queue.cancel(handle);
    queue.pop();
    const { objects } = queue as unknown as { objects: unknown[] };
    expect(objects.length).toBeGreaterThan(0);
    expect(objects.every(each => each === null)).toBe(true);
  });

  it('refuses times that are not finite or negative, and cancels of what is not pending', () => {
    const queue = new EventQueue<null, null>(null, null);
    for (const time of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      expect(() => queue.push(time, 0, 1, null, null)).toThrow(/finite time/);
    }
    const handle = queue.push(5, 0, 1, null, null);
    queue.pop();
    expect(() => queue.cancel(handle)).toThrow(/not pending/);
    expect(() => queue.cancel(12_345)).toThrow(/not pending/);
    const again = queue.push(5, 0, 1, null, null);
    queue.cancel(again);
    expect(() => queue.cancel(again)).toThrow(/not pending/);
  });
});
