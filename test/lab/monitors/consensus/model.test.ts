/**
 * Monitors of consensus on histories of the model: silent as long as every honest node keeps every rule, and each rule
 * that one of them does not keep is found.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rotation } from '../../../../src/lab/monitors/consensus/rotation.ts';
import { MonitorViolation } from '../../../../src/lab/monitors/monitor.ts';
import { type Flaw, live } from './model.ts';
import { setOf, Told } from './told.ts';

/** A stream of numbers below n from a seed (mulberry32). */
function dice(seed: number): (n: number) => number {
  let state = seed | 0;
  return n => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * n);
  };
}

interface Plan {
  readonly seed: number;
  readonly powers: readonly number[];
  /** Powers from height 3 on, for as many validators. */
  readonly later: readonly number[];
  /** Candidates for lying, taken while they stay below a third of both sets. */
  readonly liars: readonly number[];
  readonly happenings: number;
}

function run(plan: Plan, flaw?: { readonly node: number; readonly flaw: Flaw }): ReturnType<typeof live> {
  const first = setOf(...plan.powers);
  const later = setOf(...plan.later);
  const setAt = (height: number) => (height < 3 ? first : later);
  const liars: number[] = [];
  for (const liar of plan.liars) {
    const names = [...liars, liar].map(i => `v${i}`);
    const below = [first, later].every(
      set => 3 * names.reduce((sum, name) => sum + (set.get(name)?.power ?? 0), 0) < set.totalPower,
    );
    if (below && !liars.includes(liar) && liar !== flaw?.node) liars.push(liar);
  }
  const rotation = new Rotation(height => (height < 1 ? undefined : setAt(height)));
  const told = new Told({ sets: height => (height < 1 ? undefined : setAt(height)), byzantine: liars });
  return live(
    {
      told,
      setAt,
      proposer: (height, round) => rotation.proposer(height, round) as string,
      liars,
      nodes: plan.powers.length,
      below: dice(plan.seed),
      ...(flaw === undefined ? {} : { flawed: flaw }),
    },
    plan.happenings,
  );
}

const plans: fc.Arbitrary<Plan> = fc.integer({ min: 1, max: 7 }).chain(n =>
  fc.record({
    seed: fc.integer(),
    powers: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: n, maxLength: n }),
    later: fc
      .array(fc.integer({ min: 0, max: 9 }), { minLength: n, maxLength: n })
      .filter(powers => powers.some(power => power > 0)),
    liars: fc.array(fc.integer({ min: 0, max: n - 1 }), { maxLength: 3 }),
    happenings: fc.constant(600),
  }),
);

test('sound histories are let pass', () => {
  fc.assert(
    fc.property(plans, plan => {
      run(plan);
    }),
    { numRuns: 60 },
  );
});

test('the histories have in them what rules are about', () => {
  let [heights, rounds] = [0, 0];
  for (let seed = 0; seed < 20; seed++) {
    const one = run({ seed, powers: [1, 2, 1, 2, 1], later: [2, 1, 0, 1, 3], liars: [0], happenings: 1_500 });
    heights = Math.max(heights, ...one.heights);
    rounds = Math.max(rounds, one.rounds);
  }
  expect(heights).toBeGreaterThan(4);
  expect(rounds).toBeGreaterThan(3);
});

describe('flaws', () => {
  const flaws: readonly (readonly [Flaw, readonly string[]])[] = [
    ['forgets its lock', ['lock']],
    [
      'takes two thirds for a quorum',
      ['polka before precommit', 'proposal before prevote', 'decisions', 'round entry'],
    ],
    [
      'counts heads',
      ['polka before precommit', 'proposal before prevote', 'decisions', 'round entry', 'proof of lock'],
    ],
    ['believes a proof-of-lock round', ['proposal before prevote']],
    ['unlocks on a nil polka', ['lock']],
    ['names a polka it has not', ['proof of lock']],
    ['proposes out of turn', ['proposer schedule']],
    ['forgets the valid value', ['proof of lock']],
    ['skips a round behind anyone', ['round entry']],
    ['enters the next round too early', ['round entry']],
    ['precommits nil on a timeout of its own', ['polka before precommit']],
    ['decides on prevotes', ['decisions', 'height entry']],
    ['forgets what it signed', ['double sign']],
  ];

  test.each(flaws)('%s', (flaw, monitors) => {
    const caught = new Set<string>();
    for (let seed = 0; seed < 100 && caught.size === 0; seed++) {
      const powers = seed % 2 === 0 ? [1, 1, 1, 1, 1, 1] : [3, 1, 2, 4, 1];
      const node = seed % powers.length;
      try {
        run({ seed, powers, later: powers, liars: [(node + 1) % powers.length], happenings: 1_500 }, { node, flaw });
      } catch (error) {
        if (!(error instanceof MonitorViolation)) throw error;
        expect(error.message).toMatch(/node=n\d/);
        expect(error.facts.node).toBe(`n${node}`);
        caught.add(error.monitor);
      }
    }
    expect(caught.size).toBe(1);
    expect(monitors).toContain([...caught][0]);
  });
});
