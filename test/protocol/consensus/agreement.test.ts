/** Many drivers on an adverse network: agreement, validity, locks kept, and an end once messages arrive. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Network, type NetworkOptions, type Outcome } from './network.ts';

/** The first validators of a shuffled order that together stay below a third (or, if told, do not). */
function faulty(powers: readonly number[], order: readonly number[], share: (power: number, total: number) => boolean) {
  const total = powers.reduce((a, b) => a + b, 0);
  const chosen: number[] = [];
  let power = 0;
  for (const place of order) {
    if (!share(power + powers[place]!, total)) continue;
    chosen.push(place);
    power += powers[place]!;
  }
  return chosen;
}
const belowThird = (power: number, total: number) => 3 * power < total;

const setups: fc.Arbitrary<NetworkOptions> = fc
  .array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 9, size: 'max' })
  .chain(powers =>
    fc.record({
      powers: fc.constant(powers),
      faulty: fc
        .shuffledSubarray(
          powers.map((_, i) => i),
          { minLength: 0 },
        )
        .map(order => faulty(powers, order, belowThird)),
      seed: fc.integer(),
      adverse: fc.integer({ min: 0, max: 1_200 }),
    }),
  );

function agree(outcome: Outcome): void {
  expect(outcome.broken).toEqual([]);
  // Everyone decides, the follower too, and the same.
  expect(new Set(outcome.decisions).size, JSON.stringify(outcome.decisions)).toBe(1);
  expect(outcome.decisions[0]).toMatch(/^good/);
}

describe('less than a third is faulty', () => {
  test('all agree on a valid value, whatever the powers, the delays and the mischief', () => {
    const seen = { runs: 0, mischievous: 0, evidence: 0, severalRounds: 0, skips: 0, relocks: 0 };
    fc.assert(
      fc.property(setups, options => {
        const outcome = new Network(options).run();
        agree(outcome);
        seen.runs++;
        if (options.faulty.length > 0) seen.mischievous++;
        seen.evidence += outcome.evidence;
        seen.skips += outcome.skips;
        seen.relocks += outcome.relocks;
        if (outcome.rounds > 2) seen.severalRounds++;
      }),
      { numRuns: 500, seed: 5, endOnFailure: true },
    );
    // The runs were of the interesting kind.
    expect(seen.mischievous).toBeGreaterThan(seen.runs / 4);
    expect(seen.severalRounds).toBeGreaterThan(seen.runs / 4);
    expect(seen.evidence).toBeGreaterThan(100);
    expect(seen.skips).toBeGreaterThan(20);
  });

  test('validators that are mute do not stop the others', () => {
    for (let seed = 0; seed < 60; seed++) {
      const powers = [3, 1, 4, 1, 5, 9, 2, 6].slice(0, 1 + (seed % 8));
      const mute = faulty(powers, [...powers.keys()], belowThird);
      agree(new Network({ powers, faulty: mute, seed, adverse: 0 }).run());
    }
  });
});

describe('most are faulty', () => {
  test('the same mischief then breaks agreement: the test can fail', () => {
    let split = 0;
    for (let seed = 0; seed < 40; seed++) {
      const { decisions } = new Network({ powers: [1, 1, 1, 1], faulty: [0, 1, 2], seed, adverse: 1_500 }).run();
      if (new Set(decisions.filter(one => one !== null)).size > 1) split++;
    }
    expect(split).toBeGreaterThan(0);
  });
});
