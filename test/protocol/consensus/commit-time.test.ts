/** The time of a commit: a median by power, that less than a third of all power cannot bend. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { medianTime } from '../../../src/protocol/consensus/commit.ts';
import type { Commit } from '../../../src/protocol/consensus/types.ts';
import type { ValidatorSet } from '../../../src/protocol/consensus/validator-set.ts';
import { numbered, validator, valueNamed } from './light-support.ts';

/** A commit of which only times and powers matter. */
function timed(rows: readonly (readonly [power: number, time: number, forValue?: boolean])[]): [Commit, ValidatorSet] {
  const set = numbered(rows.map(([power]) => power));
  const signatures = set.members.map(one => {
    const name = rows.findIndex((_, i) => validator(`v${i}`, 1).address === one.address);
    const [, time, forValue = true] = rows[name]!;
    return { validator: one.address, forValue, time, signature: new Uint8Array(64) };
  });
  return [{ height: 1, round: 0, value: valueNamed('value'), signatures }, set];
}

describe('time', () => {
  test('is the median by power, the lower one where two would do', () => {
    expect(medianTime(...timed([[1, 7]]))).toBe(7);
    expect(
      medianTime(
        ...timed([
          [1, 30],
          [1, 10],
          [1, 20],
        ]),
      ),
    ).toBe(20);
    expect(
      medianTime(
        ...timed([
          [1, 30],
          [1, 10],
          [1, 20],
          [1, 40],
        ]),
      ),
    ).toBe(20);
    expect(
      medianTime(
        ...timed([
          [10, 30],
          [1, 10],
          [1, 20],
          [1, 40],
        ]),
      ),
    ).toBe(30);
    expect(
      medianTime(
        ...timed([
          [3, 1],
          [1, 5],
          [2, 9],
        ]),
      ),
    ).toBe(1);
    expect(
      medianTime(
        ...timed([
          [3, 1],
          [2, 5],
          [2, 9],
        ]),
      ),
    ).toBe(5);
  });

  test('counts those who signed for nil too', () => {
    expect(
      medianTime(
        ...timed([
          [3, 10],
          [2, 20, false],
          [2, 30, false],
        ]),
      ),
    ).toBe(20);
  });

  test('is between two honest times, whatever less than a third of all power says', () => {
    const member = fc.record({ power: fc.integer({ min: 1, max: 50 }), time: fc.nat(1_000), signs: fc.boolean() });
    let bent = 0;
    fc.assert(
      fc.property(
        fc.array(member, { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(2_000_000), { maxLength: 12 }),
        (all, lies) => {
          const total = all.reduce((sum, one) => sum + one.power, 0);
          // The first members lie as long as they have less than a third together; all of them sign.
          let faulty = 0;
          const rows = all.map(
            ({ power, time, signs }, i): { power: number; time: number; isHonest: boolean; signs: boolean } => {
              const lie = lies[i];
              if (lie === undefined || 3 * (faulty + power) >= total)
                return { power, time: 1_000_000 + time, isHonest: true, signs };
              faulty += power;
              return { power, time: lie, isHonest: false, signs: true };
            },
          );
          const [whole, set] = timed(rows.map(one => [one.power, one.time]));
          const isIn = new Set(rows.flatMap((one, i) => (one.signs ? [validator(`v${i}`, 1).address] : [])));
          const commit = { ...whole, signatures: whole.signatures.filter(one => isIn.has(one.validator)) };
          const power = commit.signatures.reduce((sum, one) => sum + set.get(one.validator)!.power, 0);
          fc.pre(set.isQuorum(power));
          const honest = rows.filter(one => one.isHonest && one.signs).map(one => one.time);
          const median = medianTime(commit, set);
          expect(median).toBeGreaterThanOrEqual(Math.min(...honest));
          expect(median).toBeLessThanOrEqual(Math.max(...honest));
          if (faulty > 0) bent++;
        },
      ),
      { numRuns: 500 },
    );
    expect(bent).toBeGreaterThan(50);
  });

  test('does not exist where nobody signed', () => {
    const [commit, set] = timed([[1, 7]]);
    expect(() => medianTime({ ...commit, signatures: [] }, set)).toThrow(RangeError);
  });
});
