/**
 * MARKET rules, section 5: double-signing slashes 5 % and tombstones; evidence expires only when older than both its
 * limits; the same offence slashes once, also unbonding stake.
 */
import { describe, expect, test } from 'vitest';
import type { Evidence } from '../../../src/protocol/consensus/evidence.ts';
import { accusation, candidacy, doubleSign } from '../../support/validators.ts';
import { AKASH, faultsOfBooks, SECOND } from '../support.ts';
import {
  accuse,
  at,
  block,
  codeOf,
  delegate,
  held,
  redelegate,
  slashesOf,
  stake,
  UNJAIL,
  undelegate,
  validating,
  validatorsOf,
} from './stake-support.ts';

describe('5 Double-signing', () => {
  test('burns 5 % of the validator and of its delegators, and of nobody else', () => {
    const d = validatorsOf({ a: 100, b: 50, c: 50 });
    d.must('tom', delegate('b', 30n * AKASH));
    d.must('tia', delegate('c', 30n * AKASH));
    d.run(2);
    expect(accuse(d, 'b', d.height)).toBe('');
    expect(slashesOf(d)).toEqual({ b: 2_500_000n, tom: 1_500_000n });
    expect([held(d, 'b', 'b'), held(d, 'tom', 'b'), held(d, 'tia', 'c')]).toEqual([
      47_500_000n,
      28_500_000n,
      30n * AKASH,
    ]);
    expect(d.state.candidates.need(at('b'))).toMatchObject({ stake: 76n * AKASH, jailed: true, tombstoned: true });
    expect(d.state.chainwide.burned).toBe(4n * AKASH);
    expect(faultsOfBooks(d.state)).toEqual([]);
    expect(d.events('ValidatorTombstoned')).toEqual([
      { type: 'ValidatorTombstoned', validator: at('b'), height: d.height - 1 },
    ]);
    expect(d.events('OffencePunished')).toEqual([
      {
        type: 'OffencePunished',
        validator: at('b'),
        offence: `${at('b')}/${d.height - 1}/0/precommit`,
        burned: 4n * AKASH,
      },
    ]);
  });

  test('leaves the set two heights later, for good', () => {
    const d = validatorsOf({ a: 100, b: 50 });
    d.run(2);
    expect(accuse(d, 'b', d.height)).toBe('');
    const h = d.height;
    expect(d.chain.validators.has(at('b'))).toBe(true); // of h + 1
    block(d);
    expect(d.height).toBe(h + 1);
    expect(validating(d)).toEqual([['a', 100]]); // of h + 2
    d.must('b', stake(500n * AKASH));
    expect(codeOf(d, 'b', UNJAIL)).toBe('tombstoned');
    d.run(4);
    expect(validating(d)).toEqual([['a', 100]]);
  });

  test.each(['prevote', 'precommit', 'proposal'] as const)('two of a %s', kind => {
    const d = validatorsOf({ a: 100, b: 50 });
    d.run(3);
    expect(accuse(d, 'b', 2, { kind, round: 7 })).toBe('');
    expect(slashesOf(d)).toEqual({ b: 2_500_000n });
  });

  test('also of the height that the evidence stands in', () => {
    const d = validatorsOf({ a: 100, b: 50 });
    d.run(3);
    expect(accuse(d, 'b', d.height + 1)).toBe('');
  });

  test('the share is a parameter; all of it is possible', () => {
    const d = validatorsOf({ a: 100, b: 50 }, { doubleSignSlash: 1_000_000 });
    d.must('tom', delegate('b', 7n));
    d.run(2);
    expect(accuse(d, 'b', d.height)).toBe('');
    expect([d.state.candidates.need(at('b')).stake, held(d, 'tom', 'b'), held(d, 'b', 'b')]).toEqual([0n, 0n, 0n]);
    d.run(4);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('what is due is exact in all, remaining micro-AKASH in the order of keys, whoever delegated first', () => {
    const crumbs = ['tom', 'tim', 'tia'] as const;
    const slashed = [crumbs, [...crumbs].reverse()].map(order => {
      const d = validatorsOf({ a: 100, b: 1 }, { doubleSignSlash: 100_000 });
      for (const name of order) d.must(name, delegate('b', 7n));
      expect(accuse(d, 'b', d.height)).toBe('');
      // A tenth of 1,000,021 is 100,002: of the floors 100,000 and thrice 0, two are left over.
      expect(d.state.chainwide.burned).toBe(100_002n);
      expect(faultsOfBooks(d.state)).toEqual([]);
      return slashesOf(d);
    });
    expect(slashed[0]).toEqual(slashed[1]);
  });

  test('rewards of before are paid in full', () => {
    const U = 2n ** 26n;
    const d = validatorsOf({ a: 1, b: 1 });
    d.must('a', stake(U - AKASH));
    d.must('b', stake(U - AKASH));
    d.run(2);
    d.must('tim', { type: 'Transfer', to: at('tim'), amount: 1n }, { fee: 2_000n });
    const before = d.balance('b');
    expect(accuse(d, 'b', d.height)).toBe('');
    expect(d.balance('b')).toBe(before + 1_000n);
    expect(d.state.candidates.need(at('b')).rewards).toBe(0n);
  });

  test('a tombstoned one earns nothing, not even while it is still in the set', () => {
    const d = validatorsOf({ a: 50, b: 50 });
    d.run(2);
    d.send('tim', accusation('b', d.height), { fee: 1_000n });
    block(d);
    expect(d.state.candidates.need(at('b')).rewards).toBe(0n);
    expect(d.state.candidates.need(at('a')).rewards).toBe(1_000n);
  });

  test('also where nothing is slashed for it', () => {
    const d = validatorsOf({ a: 100, b: 50 }, { doubleSignSlash: 0 });
    d.run(2);
    expect(accuse(d, 'b', d.height)).toBe('');
    block(d);
    expect(validating(d)).toEqual([['a', 100]]);
    expect(d.state.chainwide.burned).toBe(0n);
  });

  test('the last set stays when its only member is tombstoned', () => {
    const d = validatorsOf({ a: 100 });
    d.run(2);
    expect(accuse(d, 'a', 1)).toBe('');
    d.run(5);
    expect(validating(d)).toEqual([['a', 100]]);
  });
});

describe('5 Evidence that proves nothing', () => {
  const flipped = (one: Evidence) => ({ ...one, first: one.second, second: one.first }) as Evidence;
  const one = doubleSign('b', 2);
  test.each<[string, Evidence, string]>([
    ['of a height to come', doubleSign('b', 9), 'bad_evidence'],
    ['of height 0', doubleSign('b', 0), 'evidence_expired'],
    ['signed by somebody else', doubleSign('b', 2, { signedBy: 'a' }), 'bad_evidence'],
    ['of another chain', doubleSign('b', 2, { chainId: 'other' }), 'bad_evidence'],
    ['of an account that is no candidate', doubleSign('tom', 2), 'bad_evidence'],
    ['of a candidate that is not elected', doubleSign('c', 2), 'bad_evidence'],
    ['the same vote twice', { ...one, second: one.first } as Evidence, 'bad_evidence'],
    ['not in canonical order', flipped(one), 'bad_evidence'],
  ])('%s', (_, evidence, code) => {
    const d = validatorsOf({ a: 100, b: 50, c: 20 }, { validatorSlots: 2 });
    d.run(4);
    expect(codeOf(d, 'tim', { type: 'SubmitEvidence', evidence })).toBe(code);
    expect([d.state.chainwide.burned, d.events('StakeSlashed')]).toEqual([0n, []]);
  });

  test('is judged by the set of its height: neither who came later nor who had left', () => {
    const d = validatorsOf({ a: 100, b: 50 });
    d.must('tom', stake(70n * AKASH));
    d.must('tom', candidacy('tom')); // height 2, acts at 4
    d.must('b', undelegate('b', 50n * AKASH)); // height 3, acts at 5
    d.run(5);
    expect(accuse(d, 'tom', 3)).toBe('bad_evidence');
    expect(accuse(d, 'b', 5)).toBe('bad_evidence');
    expect(accuse(d, 'tom', 4)).toBe('');
    expect(accuse(d, 'b', 4)).toBe('');
    expect(slashesOf(d)).toEqual({ tom: 3_500_000n, b: 2_500_000n });
    expect(faultsOfBooks(d.state)).toEqual([]);
  });
});

describe('5 Each offence is punished once', () => {
  test('[point 18] evidence applied twice', () => {
    const d = validatorsOf({ a: 100, b: 50 });
    d.run(3);
    const evidence = accusation('b', 2);
    d.send('tim', evidence);
    d.send('tom', evidence);
    block(d);
    expect(d.last.receipts.map(one => one.code)).toEqual(['', 'already_punished']);
    expect(codeOf(d, 'tim', evidence)).toBe('already_punished');
    // The same offence shown by other signatures.
    expect(accuse(d, 'b', 2, { values: ['one', 'three'] })).toBe('already_punished');
    expect(d.state.chainwide.burned).toBe(2_500_000n);
  });

  test('later offences are covered by the tombstone: a twin that signs everything twice costs its delegators once', () => {
    const d = validatorsOf({ a: 100, b: 50 });
    d.run(6);
    expect(accuse(d, 'b', 3)).toBe('');
    expect(accuse(d, 'b', 3, { round: 1 })).toBe('already_punished');
    expect(accuse(d, 'b', 5, { kind: 'prevote' })).toBe('already_punished');
    expect(d.state.chainwide.burned).toBe(2_500_000n);
  });

  test('an earlier offence reaches the stake that had left in between, and only that; the order makes no difference', () => {
    const burned = [
      [4, 9],
      [9, 4],
    ].map(heights => {
      const d = validatorsOf({ a: 100, b: 50 });
      d.must('tom', delegate('b', 60n * AKASH)); // 1
      d.run(4);
      d.must('tom', undelegate('b', 20n * AKASH)); // 6: stood behind height 4, not behind 9
      d.must('tom', redelegate('b', 'a', 10n * AKASH)); // 7: the same
      d.must('tom', undelegate('b', 8n * AKASH)); // 8: behind both
      d.run(2);
      expect(d.height).toBe(10);
      const codes = heights.map(height => accuse(d, 'b', height));
      expect(codes).toEqual(heights[0] === 4 ? ['', 'already_punished'] : ['', '']);
      expect(accuse(d, 'b', 9)).toBe('already_punished');
      expect(accuse(d, 'b', 4)).toBe('already_punished');
      expect(slashesOf(d)).toEqual({ b: 2_500_000n, tom: 3n * AKASH });
      expect(held(d, 'tom', 'a')).toBe(9_500_000n);
      expect(d.events('ValidatorTombstoned').length).toBe(1);
      expect(faultsOfBooks(d.state)).toEqual([]);
      return d.state.chainwide.burned;
    });
    expect(burned[0]).toBe(burned[1]);
  });
});

describe('5 Stake that leaves', () => {
  test('[point 19] unbonding stake still votes, or escapes the slash', () => {
    const d = validatorsOf({ a: 100, b: 50 });
    d.must('tom', delegate('b', 40n * AKASH));
    d.run(3);
    d.must('tom', undelegate('b', 40n * AKASH));
    const h = d.height;
    // It votes until its leave acts: in the block that it leaves in, and in the next one.
    expect(validating(d)).toEqual([
      ['a', 100],
      ['b', 90],
    ]);
    block(d);
    expect(validating(d)).toEqual([
      ['a', 100],
      ['b', 50],
    ]);
    d.run(2);
    // It weighs nothing in governance from the moment that it leaves.
    expect(d.state.accounts.need(at('tom')).bonded).toBe(0n);
    expect(accuse(d, 'b', h + 2)).toBe('');
    expect(slashesOf(d)).toEqual({ b: 2_500_000n });
    expect(accuse(d, 'b', h + 1)).toBe('');
    expect(slashesOf(d)).toEqual({ b: 2_500_000n, tom: 2n * AKASH });
    expect(d.state.chainwide.totalUnbonding).toBe(38n * AKASH);
    d.block({ after: 100 * SECOND, proposer: at('a') });
    expect(d.balance('tom')).toBe(998n * AKASH);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('escapes once it has matured, and not before', () => {
    const d = validatorsOf({ a: 100, b: 50 }, { unbondingPeriod: 12 * SECOND, evidenceMaxAgeBlocks: 1_000 });
    d.must('tom', delegate('b', 40n * AKASH));
    d.run(2);
    d.must('tom', undelegate('b', 20n * AKASH));
    const h = d.height;
    d.run(2);
    d.must('tom', undelegate('b', 20n * AKASH));
    d.run(9);
    expect(d.state.unbondings.size).toBe(1);
    expect(accuse(d, 'b', h)).toBe('');
    expect(slashesOf(d)).toEqual({ b: 2_500_000n, tom: AKASH });
  });

  test('moved stake is slashed where it is, but no more than is there', () => {
    const d = validatorsOf({ a: 100, b: 50, c: 50 }, { doubleSignSlash: 600_000 });
    d.must('tom', delegate('b', 40n * AKASH));
    d.run(3);
    d.must('tom', redelegate('b', 'c', 40n * AKASH));
    d.run(3);
    expect(accuse(d, 'c', d.height)).toBe('');
    expect(held(d, 'tom', 'c')).toBe(16n * AKASH);
    expect(accuse(d, 'b', 5)).toBe('');
    expect(held(d, 'tom', 'c')).toBe(0n); // 24 would have been due
    expect(slashesOf(d)).toEqual({ b: 30n * AKASH, c: 30n * AKASH, tom: 40n * AKASH });
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('what was slashed where it moved to is bound there no longer', () => {
    const d = validatorsOf({ a: 100, b: 50, c: 50 });
    d.must('tom', delegate('b', 40n * AKASH));
    d.must('tom', delegate('c', 5n * AKASH));
    d.run(3);
    d.must('tom', redelegate('b', 'c', 40n * AKASH));
    d.run(1);
    expect(accuse(d, 'b', d.height - 1)).toBe('');
    expect(held(d, 'tom', 'c')).toBe(43n * AKASH);
    expect(codeOf(d, 'tom', undelegate('c', 5n * AKASH + 1n))).toBe('in_transit');
    expect(codeOf(d, 'tom', undelegate('c', 5n * AKASH))).toBe('');
  });

  test('nothing may be put with a tombstoned one; what is there may leave', () => {
    const d = validatorsOf({ a: 100, b: 50 });
    d.must('tom', delegate('b', 40n * AKASH));
    d.must('tom', delegate('a', 40n * AKASH));
    d.run(2);
    expect(accuse(d, 'b', d.height)).toBe('');
    expect(codeOf(d, 'tom', delegate('b', AKASH))).toBe('tombstoned');
    expect(codeOf(d, 'tom', redelegate('a', 'b', AKASH))).toBe('tombstoned');
    expect(codeOf(d, 'tom', redelegate('b', 'a', AKASH))).toBe('');
    expect(codeOf(d, 'tom', undelegate('b', 37n * AKASH))).toBe('');
    expect(codeOf(d, 'b', stake(AKASH))).toBe(''); // its own stake is that of an account like any other
    expect(held(d, 'tom', 'b')).toBe(0n);
  });
});

describe('5 Evidence expires only when it is older than both limits', () => {
  /** Evidence of height 2 at the height `2 + blocks`, `time` after block 2. Limits: 10 blocks, 50 seconds. */
  function agedBy(blocks: number, time: number): string {
    const d = validatorsOf({ a: 100, b: 50 }, { evidenceMaxAgeBlocks: 10 });
    d.run(2);
    const from = d.time;
    while (d.height < 2 + blocks - 1) d.block({ after: 1 });
    d.send('tim', accusation('b', 2));
    d.block({ after: from + time - d.time });
    return d.last.receipts[0]?.code as string;
  }

  test('limits', () => {
    // What has expired is reckoned at the end of each block: the block after it refuses.
    expect(agedBy(5, 500 * SECOND)).toBe('');
    expect(agedBy(100, 50 * SECOND)).toBe('');
    const d = validatorsOf({ a: 100, b: 50 }, { evidenceMaxAgeBlocks: 10 });
    d.run(2);
    d.block({ after: 50 * SECOND }); // 3
    d.run(9); // 12: ten blocks old, and older than 50 s
    expect(accuse(d, 'b', 2)).toBe(''); // in 13, judged by what the end of 12 says
    const e = validatorsOf({ a: 100, b: 50 }, { evidenceMaxAgeBlocks: 10 });
    e.run(2);
    e.block({ after: 50 * SECOND });
    e.run(10); // 13: eleven blocks old
    expect(e.state.chainwide.evidenceFrom).toBe(3);
    expect(accuse(e, 'b', 2)).toBe('evidence_expired');
    expect(accuse(e, 'b', 3)).toBe('');
  });

  test('exactly as old as the limit in time is not older', () => {
    const codes = [50 * SECOND, 50 * SECOND + 1].map(age => {
      const d = validatorsOf({ a: 100, b: 50 }, { evidenceMaxAgeBlocks: 10 });
      d.run(2);
      const from = d.time;
      while (d.height < 20) d.block({ after: 1 });
      d.block({ after: from + age - d.time });
      return accuse(d, 'b', 2);
    });
    expect(codes).toEqual(['', 'evidence_expired']);
  });

  test('with longer limits it lives at most a hundredth longer than they say', () => {
    const d = validatorsOf({ a: 100, b: 50 }, { evidenceMaxAgeBlocks: 500, evidenceMaxAge: 2, trustingPeriod: 1 });
    for (let i = 0; i < 600; i++) {
      block(d);
      const { evidenceFrom } = d.state.chainwide;
      expect(d.height - evidenceFrom).toBeGreaterThanOrEqual(Math.min(d.height - 1, 500));
      expect(d.height - evidenceFrom).toBeLessThanOrEqual(505);
      expect(d.state.milestones.size).toBeLessThanOrEqual(102);
    }
  });
});
