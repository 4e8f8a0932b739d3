/** Tallies: thresholds by power, each told once; equivocators; the bounds on memory. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Vote } from '../../../src/protocol/consensus/types.ts';
import { MAX_ROUNDS_AHEAD, type Threshold, VoteKeeper } from '../../../src/protocol/consensus/votes.ts';
import { precommit, prevote, setOf } from './words.ts';

const told = (reached: readonly Threshold[]) =>
  reached.map(one =>
    one.type === 'skip'
      ? `skip ${one.round}`
      : `${one.type} ${one.kind} ${one.round}${one.type === 'value' ? ` ${one.value ?? 'nil'}` : ''}`,
  );
const add = (keeper: VoteKeeper, ...votes: Vote[]) => votes.flatMap(one => told(keeper.add(one).reached));

describe('thresholds', () => {
  // Powers, how many of the first of them are just enough for a quorum, and for more than a third.
  test.each([
    [[1], 1, 1],
    [[1, 1], 2, 1],
    [[1, 1, 1], 3, 2],
    [[1, 1, 1, 1], 3, 2],
    [[1, 1, 1, 1, 1], 4, 2],
    [[1, 1, 1, 1, 1, 1], 5, 3],
    [[1, 1, 1, 1, 1, 1, 1], 5, 3],
    [[1, 1, 1, 1, 1, 1, 1, 1], 6, 3],
    [[1, 1, 1, 1, 1, 1, 1, 1, 1], 7, 4],
    [[7, 1, 1], 1, 1],
    [[6, 1, 1, 1], 2, 1],
    [[5, 1, 1, 1, 1, 1], 3, 1],
    [[3, 3, 3, 1, 1, 1, 1, 1], 4, 2],
    [[50, 30, 19, 1], 2, 1],
  ])(
    '[point 1] [point 2] [point 20] of powers %j the first %i are a quorum, %i more than a third',
    (powers, quorum, third) => {
      for (const value of ['a', null]) {
        const keeper = new VoteKeeper(setOf(...powers));
        const at: Record<string, number> = {};
        powers.forEach((_, i) => {
          for (const one of add(keeper, precommit(i, 0, value))) {
            expect(at[one], one).toBeUndefined();
            at[one] = i + 1;
          }
          expect(keeper.hasQuorum('precommit', 0, value)).toBe(i + 1 >= quorum);
          expect(keeper.hasQuorumOfAny('precommit', 0)).toBe(i + 1 >= quorum);
        });
        expect(at).toEqual({
          'skip 0': third,
          'any precommit 0': quorum,
          [`value precommit 0 ${value ?? 'nil'}`]: quorum,
        });
      }
    },
  );

  test('[point 2] heads do not count: eight of nine with less than two thirds of the power', () => {
    const keeper = new VoteKeeper(setOf(4, 1, 1, 1, 1, 1, 1, 1, 1));
    for (let i = 1; i < 9; i++) add(keeper, prevote(i, 0, 'a'));
    expect(keeper.powerFor('prevote', 0, 'a')).toBe(8);
    expect(keeper.hasQuorum('prevote', 0, 'a')).toBe(false);
    expect(add(keeper, prevote(0, 0, 'a'))).toEqual(['any prevote 0', 'value prevote 0 a']);
  });

  test('[point 20] exactly two thirds is none, exactly a third skips nothing', () => {
    const keeper = new VoteKeeper(setOf(2, 2, 2));
    expect(add(keeper, prevote(0, 3, 'a'))).toEqual([]);
    expect(keeper.highestCrowded).toBe(-1);
    expect(add(keeper, prevote(1, 3, 'a'))).toEqual(['skip 3']);
    expect(keeper.highestCrowded).toBe(3);
    expect(keeper.quorumValue('prevote', 3)).toBeUndefined();
    expect(add(keeper, prevote(2, 3, null))).toEqual(['any prevote 3']);
    expect(keeper.quorumValue('prevote', 3)).toBeUndefined();
    const exact = new VoteKeeper(setOf(2 ** 50, 2 ** 50 + 1, 2 ** 49));
    expect(add(exact, prevote(1, 0, null))).toEqual(['skip 0']);
    expect(add(exact, prevote(2, 0, null))).toEqual([]);
    expect(add(exact, prevote(0, 0, null))).toEqual(['any prevote 0', 'value prevote 0 nil']);
  });

  test('values do not mix, steps do not mix, rounds do not mix', () => {
    const keeper = new VoteKeeper(setOf(1, 1, 1, 1));
    keeper.enterRound(9);
    expect(add(keeper, prevote(0, 0, 'a'), prevote(1, 0, 'b'), prevote(2, 0, null))).toEqual([
      'skip 0',
      'any prevote 0',
    ]);
    expect(add(keeper, precommit(0, 0, 'a'), precommit(1, 0, 'a'))).toEqual([]);
    expect(add(keeper, prevote(2, 1, 'a'), prevote(3, 1, 'a'))).toEqual(['skip 1']);
    expect(keeper.quorumValue('prevote', 0)).toBeUndefined();
    expect(keeper.powerFor('prevote', 0, 'a')).toBe(1);
    expect(add(keeper, precommit(3, 0, 'a'))).toEqual(['any precommit 0', 'value precommit 0 a']);
    expect(keeper.quorumValue('precommit', 0)).toBe('a');
  });

  test('each validator counts once over proposals, prevotes and precommits of a round', () => {
    const keeper = new VoteKeeper(setOf(1, 1, 1, 1));
    expect(told(keeper.addProposer(2, 'v0'))).toEqual([]);
    expect(add(keeper, prevote(0, 2, 'a'), precommit(0, 2, null))).toEqual([]);
    expect(told(keeper.addProposer(2, 'v0'))).toEqual([]);
    expect(add(keeper, precommit(3, 2, null))).toEqual(['skip 2']);
    const other = new VoteKeeper(setOf(1, 1, 1, 1));
    expect(add(other, precommit(3, 2, null))).toEqual([]);
    expect(told(other.addProposer(2, 'v3'))).toEqual([]);
    expect(told(other.addProposer(2, 'v1'))).toEqual(['skip 2']);
    expect(add(other, prevote(1, 2, null))).toEqual([]);
  });

  test('strangers and repetitions count nothing', () => {
    const keeper = new VoteKeeper(setOf(1, 1, 1, 1));
    expect(keeper.add(prevote('stranger', 0, 'a'))).toEqual({ kept: false, reached: [], conflict: null });
    expect(told(keeper.addProposer(0, 'stranger'))).toEqual([]);
    expect(keeper.add(prevote(0, 0, 'a')).kept).toBe(true);
    expect(keeper.add(prevote(0, 0, 'a', { time: 9, signature: new Uint8Array(1) }))).toEqual({
      kept: false,
      reached: [],
      conflict: null,
    });
    expect(keeper.powerOfAny('prevote', 0)).toBe(1);
    expect(keeper.votesOf('prevote', 0)).toEqual([prevote(0, 0, 'a')]);
  });
});

describe('[point 12] equivocators', () => {
  test('count once for each of their values, once for any; the offence is told once', () => {
    const keeper = new VoteKeeper(setOf(1, 1, 1, 1));
    expect(keeper.add(prevote(0, 0, 'a')).conflict).toBeNull();
    expect(keeper.add(prevote(0, 0, 'b')).conflict).toEqual({ first: prevote(0, 0, 'a'), second: prevote(0, 0, 'b') });
    expect(keeper.add(prevote(0, 0, 'b'))).toEqual({ kept: false, reached: [], conflict: null });
    expect(keeper.add(prevote(0, 0, null))).toEqual({ kept: true, reached: [], conflict: null });
    expect(keeper.powerOfAny('prevote', 0)).toBe(1);
    for (const value of ['a', 'b', null]) expect(keeper.powerFor('prevote', 0, value)).toBe(1);
    expect(add(keeper, prevote(1, 0, 'b'))).toEqual(['skip 0']);
    // Whoever saw a first still sees the polka for b.
    expect(add(keeper, prevote(2, 0, 'b'))).toEqual(['any prevote 0', 'value prevote 0 b']);
    expect(keeper.votesFor('prevote', 0, 'b').map(one => one.validator)).toEqual(['v0', 'v1', 'v2']);
    expect(keeper.votesOf('prevote', 0)).toHaveLength(5);
    expect(keeper.has('prevote', 0, 'v0', null)).toBe(true);
    expect(keeper.has('prevote', 0, 'v1', 'a')).toBe(false);
  });

  test('the conflicting vote may be what completes the quorum', () => {
    const keeper = new VoteKeeper(setOf(1, 1, 1, 1));
    add(keeper, precommit(0, 0, 'a'), precommit(1, 0, 'b'), precommit(2, 0, 'b'));
    expect(keeper.hasQuorum('precommit', 0, 'b')).toBe(false);
    expect(add(keeper, precommit(0, 0, 'b'))).toEqual(['value precommit 0 b']);
    expect(keeper.quorumValue('precommit', 0)).toBe('b');
  });

  test('a flood of values is cut off, yet a vote that honest ones share is taken when it comes again', () => {
    const keeper = new VoteKeeper(setOf(1, 1, 1, 1));
    for (let i = 0; i < 1_000; i++) keeper.add(prevote(0, 0, `junk${i}`));
    expect(keeper.votesOf('prevote', 0).map(one => one.value)).toEqual(['junk0', 'junk1']);
    expect(keeper.add(prevote(0, 0, 'b')).kept).toBe(false);
    add(keeper, prevote(1, 0, 'b'), prevote(2, 0, 'b'));
    expect(add(keeper, prevote(0, 0, 'b'))).toEqual(['value prevote 0 b']);
  });

  test('a value named by the host is taken from whoever flooded before', () => {
    const keeper = new VoteKeeper(setOf(1, 1, 1, 1));
    for (let i = 0; i < 5; i++) keeper.add(precommit(0, 0, `junk${i}`));
    keeper.expect(0, 'b');
    expect(keeper.add(precommit(0, 0, 'b')).kept).toBe(true);
    expect(add(keeper, precommit(1, 0, 'b'), precommit(2, 0, 'b'))).toContain('value precommit 0 b');
  });

  test('below a third of faulty power no two values reach a quorum, in any order of any votes', () => {
    const votes = fc.array(fc.tuple(fc.nat(8), fc.constantFrom('a', 'b', null)), { maxLength: 60, size: 'max' });
    const powers = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 });
    let reached = 0;
    fc.assert(
      fc.property(powers, votes, (all, cast) => {
        const keeper = new VoteKeeper(setOf(...all));
        const first = new Map<number, string | null>();
        const forsworn = new Set<number>();
        const total = all.reduce((a, b) => a + b, 0);
        const power = (of: Iterable<number>) => [...of].reduce((sum, place) => sum + all[place]!, 0);
        const quorums = new Set<string>();
        for (const [who, value] of cast) {
          const place = who % all.length;
          // Whoever has kept its word so far breaks it only while less than a third has.
          if (first.has(place) && first.get(place) !== value && !forsworn.has(place)) {
            if (3 * (power(forsworn) + all[place]!) >= total) continue;
            forsworn.add(place);
          }
          if (!first.has(place)) first.set(place, value);
          for (const one of add(keeper, prevote(place, 0, value))) if (one.startsWith('value')) quorums.add(one);
        }
        expect(quorums.size).toBeLessThanOrEqual(1);
        reached += quorums.size;
        expect(keeper.powerOfAny('prevote', 0)).toBe(power(first.keys()));
      }),
      { numRuns: 1_000, seed: 6 },
    );
    expect(reached).toBeGreaterThan(100);
  });
});

describe('rounds ahead', () => {
  test('a validator occupies few of them, the highest it showed itself in', () => {
    const keeper = new VoteKeeper(setOf(1, 1, 1, 1));
    for (let round = 1; round <= 1_000; round++) add(keeper, prevote(0, round, 'a'), precommit(0, round, 'a'));
    expect(keeper.rounds()).toEqual(Array.from({ length: MAX_ROUNDS_AHEAD }, (_, i) => 1_001 - MAX_ROUNDS_AHEAD + i));
    expect(keeper.add(prevote(0, 5, 'a')).kept).toBe(false);
    // Rounds up to the current one are always open, and another validator has its own bound.
    expect(keeper.add(prevote(0, 0, 'a')).kept).toBe(true);
    expect(keeper.add(prevote(1, 5, 'a')).kept).toBe(true);
    keeper.enterRound(7);
    expect(keeper.add(prevote(0, 5, 'a')).kept).toBe(true);
    expect(keeper.powerFor('prevote', 5, 'a')).toBe(2);
  });

  test('what gave way is not counted any more, its companions are', () => {
    const keeper = new VoteKeeper(setOf(1, 1, 1, 1, 1, 1, 1));
    add(keeper, prevote(0, 1, 'a'), prevote(0, 1, 'b'), precommit(0, 1, 'a'), prevote(1, 1, 'a'));
    const far = Array.from({ length: MAX_ROUNDS_AHEAD }, (_, i) => prevote(0, 10 + i, null));
    expect(add(keeper, ...far)).toEqual([]);
    expect(keeper.votesOf('prevote', 1)).toEqual([prevote(1, 1, 'a')]);
    expect(keeper.powerFor('prevote', 1, 'a')).toBe(1);
    expect(keeper.powerFor('prevote', 1, 'b')).toBe(0);
    expect(keeper.powerOfAny('prevote', 1)).toBe(1);
    expect(keeper.powerOfAny('precommit', 1)).toBe(0);
    // Were validator 0 still counted, each of these thresholds would come one vote earlier.
    expect(add(keeper, prevote(2, 1, 'a'))).toEqual([]);
    expect(add(keeper, prevote(3, 1, 'a'))).toEqual(['skip 1']);
    expect(add(keeper, prevote(4, 1, 'a'))).toEqual([]);
    expect(add(keeper, prevote(5, 1, 'a'))).toEqual(['any prevote 1', 'value prevote 1 a']);
  });

  test('a round where more than a third gathered gives way to nothing', () => {
    const keeper = new VoteKeeper(setOf(1, 1, 1, 1));
    expect(add(keeper, prevote(0, 1, 'a'), prevote(1, 1, 'a'))).toEqual(['skip 1']);
    for (let round = 2; round < 100; round++) add(keeper, prevote(0, round, 'a'));
    expect(keeper.powerFor('prevote', 1, 'a')).toBe(2);
    expect(keeper.rounds()).toHaveLength(MAX_ROUNDS_AHEAD);
    expect(add(keeper, prevote(2, 1, 'a'))).toEqual(['any prevote 1', 'value prevote 1 a']);
    // When all are such, nothing more is taken.
    const full = new VoteKeeper(setOf(1, 1, 1));
    for (let round = 1; round <= MAX_ROUNDS_AHEAD; round++) add(full, prevote(0, round, 'a'), prevote(1, round, 'a'));
    expect(full.add(prevote(0, 99, 'a')).kept).toBe(false);
    expect(full.highestCrowded).toBe(MAX_ROUNDS_AHEAD);
  });

  test('a proposer gives way like a voter', () => {
    const keeper = new VoteKeeper(setOf(1, 1, 1, 1));
    keeper.addProposer(1, 'v0');
    for (let round = 2; round <= 1 + MAX_ROUNDS_AHEAD; round++) add(keeper, prevote(0, round, 'a'));
    expect(keeper.rounds()).not.toContain(1);
    expect(add(keeper, prevote(1, 1, 'a'))).toEqual([]);
    expect(add(keeper, prevote(2, 1, 'a'))).toEqual(['skip 1']);
  });
});
