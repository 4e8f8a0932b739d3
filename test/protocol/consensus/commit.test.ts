/** Commits: who must have signed, whose signature is whose, and how one is built. */

import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../../src/protocol/codec/struct.ts';
import {
  commitHash,
  commitOf,
  medianTime,
  verifyCommit,
  verifyCommitLight,
  verifyTrusting,
} from '../../../src/protocol/consensus/commit.ts';
import { type Commit, type CommitSignature, commit as commitCodec } from '../../../src/protocol/consensus/types.ts';
import { ValidatorSet } from '../../../src/protocol/consensus/validator-set.ts';
import {
  CHAIN,
  commitBy,
  keysOf,
  numbered,
  SECOND,
  scheme,
  setOf,
  validator,
  valueNamed,
  voteBy,
} from './light-support.ts';

const THIRD = { numerator: 1, denominator: 3 };
const check = (set: ValidatorSet, commit: Commit) => [
  verifyCommit(CHAIN, set, commit, scheme),
  verifyCommitLight(CHAIN, set, commit, scheme),
];
const GOOD = [null, null];

/** The same commit with its signatures changed. */
function withSignatures(commit: Commit, change: (all: CommitSignature[]) => CommitSignature[]): Commit {
  return { ...commit, signatures: change([...commit.signatures]) };
}

/** A commit by the first members of a set, as many as there are, enough or not. */
function byFirst(set: ValidatorSet, count: number): Commit {
  return withSignatures(commitBy(set), all => all.slice(0, count));
}

describe('power', () => {
  test('[point 1] [point 20] more than two thirds, exactly, whatever the number of validators', () => {
    let exact = 0;
    for (let n = 1; n <= 13; n++) {
      for (const powers of [new Array<number>(n).fill(1), Array.from({ length: n }, (_, i) => 1 + ((i * i) % 7))]) {
        const set = numbered(powers);
        for (let count = 0; count <= n; count++) {
          const power = set.members.slice(0, count).reduce((sum, one) => sum + one.power, 0);
          const isEnough = BigInt(power) * 3n > BigInt(set.totalPower) * 2n;
          if (power * 3 === set.totalPower * 2) exact++;
          for (const reason of check(set, byFirst(set, count))) {
            if (isEnough) expect(reason).toBeNull();
            else expect(reason).toMatch(`a power of ${power} out of ${set.totalPower}`);
          }
        }
      }
    }
    expect(exact).toBeGreaterThan(4);
  });

  test('[point 2] counts power and not heads', () => {
    const set = setOf({ whale: 70, a: 10, b: 10, c: 10 });
    const whale = validator('whale', 70).address;
    const only = (isIn: (address: string) => boolean) =>
      withSignatures(commitBy(set), all => all.filter(one => isIn(one.validator)));
    expect(
      check(
        set,
        only(address => address === whale),
      ),
    ).toEqual(GOOD);
    for (const reason of check(
      set,
      only(address => address !== whale),
    ))
      expect(reason).toMatch('a power of 30 out of 100');
  });

  test('of those who signed for nil does not count for the value', () => {
    const set = numbered([1, 1, 1, 1]);
    const commit = commitBy(set, place => ({ value: place === 3 ? null : valueNamed('value') }));
    expect(commit.signatures.map(one => one.forValue)).toEqual([true, true, true, false]);
    expect(check(set, commit)).toEqual(GOOD);
    const fewer = withSignatures(commit, all => all.slice(1));
    for (const reason of check(set, fewer)) expect(reason).toMatch('a power of 2 out of 4');
  });
});

describe('[point 17] a signature belongs to its validator', () => {
  const set = setOf({ rich: 50, a: 10, b: 10, c: 10, d: 10 });
  const late = 9_999 * SECOND;
  const commit = commitBy(set, (_, one) => ({ time: one.power === 50 ? 1_000 * SECOND : late }));

  test('and cannot stand at the place of another, there to bend the time', () => {
    expect(check(set, commit)).toEqual(GOOD);
    expect(medianTime(commit, set)).toBe(1_000 * SECOND);
    const rich = commit.signatures[0]!;
    const poor = commit.signatures[1]!;
    // The poor one's late vote under the rich one's name would make the median late.
    const moved = withSignatures(commit, ([, ...rest]) => [{ ...poor, validator: rich.validator }, ...rest]);
    expect(medianTime(moved, set)).toBe(late);
    expect(check(set, moved)).toEqual([
      expect.stringMatching('does not verify'),
      expect.stringMatching('does not verify'),
    ]);
    const swapped = withSignatures(commit, ([first, second, ...rest]) => [
      { ...first!, signature: second!.signature },
      { ...second!, signature: first!.signature },
      ...rest,
    ]);
    expect(check(set, swapped)).toEqual([expect.stringMatching(rich.validator), expect.stringMatching(rich.validator)]);
  });

  test('even where two validators vote with one key', () => {
    const [a, b] = [validator('a', 40), { ...validator('b', 30), consensusKey: keysOf('a').publicKey }];
    const shared = new ValidatorSet([a, b]);
    const one = voteBy(a.address);
    const lent = { ...commitOf([one, { ...one, validator: b.address }], shared) };
    expect(check(shared, lent)).toEqual([expect.stringMatching(b.address), expect.stringMatching(b.address)]);
  });

  test('with its time', () => {
    const bent = withSignatures(commit, ([first, ...rest]) => [{ ...first!, time: first!.time + 1 }, ...rest]);
    expect(verifyCommit(CHAIN, set, bent, scheme)).toMatch('does not verify');
  });

  test('and counts once, at one place', () => {
    const twice = withSignatures(commit, ([first, ...rest]) => [first!, first!, ...rest]);
    for (const reason of check(set, twice)) expect(reason).toMatch('signed twice');
    const apart = withSignatures(commit, ([first, second, ...rest]) => [first!, second!, first!, ...rest]);
    for (const reason of check(set, apart)) expect(reason).toMatch('out of the order');
    const turned = withSignatures(commit, all => all.reverse());
    for (const reason of check(set, turned)) expect(reason).toMatch('out of the order');
  });

  test('who is no member', () => {
    const stranger = voteBy(validator('stranger', 1).address);
    const { time, signature, validator: who } = stranger;
    const joined = withSignatures(commit, all => [...all, { validator: who, forValue: true, time, signature }]);
    for (const reason of check(set, joined)) expect(reason).toMatch(`${who} signed and is not in the set`);
  });
});

describe('what is signed', () => {
  const set = numbered([3, 2, 2, 1]);
  const commit = commitBy(set);

  test.each([
    ['another height', { ...commit, height: 6 }],
    ['another round', { ...commit, round: 1 }],
    ['another value', { ...commit, value: valueNamed('other') }],
    [
      'nil taken for the value',
      withSignatures(
        commitBy(set, place => (place === 3 ? { value: null } : {})),
        all => all.map(one => ({ ...one, forValue: true })),
      ),
    ],
  ])('is not %s', (_, forged) => {
    expect(verifyCommit(CHAIN, set, forged, scheme)).toMatch('does not verify');
  });

  test('is not of another chain', () => {
    expect(verifyCommit('other', set, commit, scheme)).toMatch('does not verify');
    expect(verifyCommitLight('other', set, commit, scheme)).toMatch('does not verify');
  });

  test('is not by another set with the same addresses', () => {
    const fake = new ValidatorSet(
      set.members.map((one, i) => ({ ...one, consensusKey: keysOf(`fake ${i}`).publicKey })),
    );
    expect(verifyCommit(CHAIN, fake, commit, scheme)).toMatch('does not verify');
  });

  test('is what was expected', () => {
    const subject = { height: 5, value: valueNamed('value') };
    expect(verifyCommit(CHAIN, set, commit, scheme, subject)).toBeNull();
    for (const verifies of [verifyCommit, verifyCommitLight]) {
      expect(verifies(CHAIN, set, commit, scheme, { ...subject, height: 4 })).toMatch('height 5, not of 4');
      expect(verifies(CHAIN, set, commit, scheme, { ...subject, value: valueNamed('other') })).toMatch('not for');
    }
  });

  test('has bytes; what has none is bad and nothing worse', () => {
    for (const [field, value] of [
      ['height', 0.5],
      ['height', -1],
      ['height', Number.NaN],
      ['round', -1],
      ['value', 'xyz'],
      ['value', valueNamed('value').toUpperCase()],
    ] as const) {
      for (const reason of check(set, { ...commit, [field]: value })) expect(reason).toMatch('does not verify');
    }
    const timeless = withSignatures(commit, all => all.map(one => ({ ...one, time: -1 })));
    for (const reason of check(set, timeless)) expect(reason).toMatch('does not verify');
    const nameless = withSignatures(commit, all => all.map(one => ({ ...one, validator: '' })));
    for (const reason of check(set, nameless)) expect(reason).toMatch('not in the set');
    const unsigned = withSignatures(commit, all => all.map(one => ({ ...one, signature: new Uint8Array(0) })));
    for (const reason of check(set, unsigned)) expect(reason).toMatch('does not verify');
  });

  test('is looked at in full, or as far as two thirds', () => {
    let asked = 0;
    const counting = {
      ...scheme,
      verify: (...all: Parameters<typeof scheme.verify>) => {
        asked++;
        return scheme.verify(...all);
      },
    };
    const ten = numbered(new Array<number>(10).fill(1));
    const mixed = commitBy(ten, place => (place === 0 ? { value: null } : {}));
    const last = withSignatures(mixed, all => [...all.slice(0, 9), { ...all[9]!, time: 1 }]);
    const nil = withSignatures(mixed, ([first, ...rest]) => [{ ...first!, time: 1 }, ...rest]);
    expect(verifyCommit(CHAIN, ten, mixed, counting)).toBeNull();
    expect(asked).toBe(10);
    expect(verifyCommit(CHAIN, ten, last, scheme)).toMatch('does not verify');
    expect(verifyCommit(CHAIN, ten, nil, scheme)).toMatch('does not verify');
    asked = 0;
    for (const one of [mixed, last, nil]) expect(verifyCommitLight(CHAIN, ten, one, counting)).toBeNull();
    expect(asked).toBe(3 * 7);
  });
});

describe('trust in a commit of another set', () => {
  const trusted = numbered([1, 1, 1, 1, 1, 1]);
  const commit = commitBy(trusted);
  const trusts = (of: Commit, level = THIRD, set = trusted) => verifyTrusting(CHAIN, set, of, level, scheme);

  test('needs more than a third of the trusted power, or whatever the level is, exactly', () => {
    expect([0, 1, 2, 3].map(count => trusts(byFirst(trusted, count)))).toEqual([false, false, false, true]);
    const half = { numerator: 1, denominator: 2 };
    expect([3, 4].map(count => trusts(byFirst(trusted, count), half))).toEqual([false, true]);
    // Every validator there is does not exceed the whole.
    expect(trusts(commit, { numerator: 1, denominator: 1 })).toBe(false);
  });

  test('[point 2] counts power, and of members only', () => {
    const uneven = setOf({ whale: 4, a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1 });
    const newcomers = setOf({ a: 1, b: 1, c: 1, d: 1, new1: 90, new2: 80 });
    expect(trusts(commitBy(newcomers), THIRD, uneven)).toBe(false);
    expect(trusts(commitBy(setOf({ whale: 1, a: 1, new1: 90 })), THIRD, uneven)).toBe(true);
    expect(trusts(commitBy(setOf({ whale: 1, new1: 90 })), THIRD, uneven)).toBe(false);
  });

  test('counts nobody twice', () => {
    const doubled = withSignatures(byFirst(trusted, 2), ([a, b]) => [a!, a!, b!, b!]);
    expect(trusts(doubled)).toBe(false);
  });

  test('is in keys and not in addresses', () => {
    const fake = new ValidatorSet(
      trusted.members.map((one, i) => ({ ...one, consensusKey: keysOf(`fake ${i}`).publicKey })),
    );
    const votes = fake.members.map((one, i) => voteBy(one.address, {}, CHAIN, `fake ${i}`));
    const forged = commitOf(votes, fake);
    expect(verifyCommit(CHAIN, fake, forged, scheme)).toBeNull();
    expect(trusts(forged)).toBe(false);
  });

  test('is not in votes for nil', () => {
    const nils = withSignatures(commit, all =>
      all.map((one, i) => (i < 2 ? one : { ...one, ...voteBy(one.validator, { value: null }), forValue: false })),
    );
    expect(trusts(nils)).toBe(false);
  });
});

describe('building', () => {
  const set = setOf({ a: 5, b: 4, c: 3, d: 2 });

  test('takes votes for the value and for nil, in the order of the set, in whatever order they came', () => {
    const [a, b, c, d] = set.members.map(one => one.address) as [string, string, string, string];
    const votes = [
      voteBy(d, { value: null }),
      voteBy(b),
      voteBy(a),
      voteBy(c, { value: valueNamed('other') }),
      voteBy(c),
    ];
    const commit = commitOf(votes, set);
    expect(commit.signatures.map(one => [one.validator, one.forValue])).toEqual([
      [a, true],
      [b, true],
      [c, true],
      [d, false],
    ]);
    expect(commitOf([...votes].reverse(), set)).toEqual(commit);
    expect(verifyCommit(CHAIN, set, commit, scheme)).toBeNull();
    expect(decode(commitCodec, encode(commitCodec, commit))).toEqual(commit);
  });

  test('leaves out votes for another value, and a vote for nil beside one for the value', () => {
    const [a, b, c, d] = set.members.map(one => one.address) as [string, string, string, string];
    const nil = voteBy(a, { value: null });
    const commit = commitOf([nil, voteBy(a), voteBy(b), voteBy(c), voteBy(d, { value: valueNamed('other') })], set);
    expect(commit.signatures.map(one => one.validator)).toEqual([a, b, c]);
    expect(commit.signatures.every(one => one.forValue)).toBe(true);
  });

  test('is impossible without two thirds, and of votes that do not belong together', () => {
    const [a, b, c] = set.members.map(one => one.address) as [string, string, string];
    expect(() => commitOf([], set)).toThrow('no votes');
    expect(() => commitOf([voteBy(a), voteBy(b)], set)).toThrow('two thirds');
    expect(() => commitOf([voteBy(a), voteBy(a), voteBy(b)], set)).toThrow('two thirds');
    expect(() =>
      commitOf(
        set.members.map(one => voteBy(one.address, { value: null })),
        set,
      ),
    ).toThrow('two thirds');
    expect(() => commitOf([voteBy(a), voteBy(b), voteBy(c, { round: 1 })], set)).toThrow('in one commit');
    expect(() => commitOf([voteBy(a), voteBy(b), voteBy(c, { height: 6 })], set)).toThrow('in one commit');
    expect(() => commitOf([voteBy(a), voteBy(b, { kind: 'prevote' })], set)).toThrow('prevote');
    expect(() => commitOf([voteBy(validator('x', 1).address)], set)).toThrow('not in the set');
  });

  test('gives a hash that every part of a commit moves', () => {
    const commit = commitBy(set);
    const hashes = [
      commit,
      { ...commit, height: 6 },
      { ...commit, round: 1 },
      { ...commit, value: valueNamed('other') },
      withSignatures(commit, all => all.slice(1)),
      withSignatures(commit, ([first, ...rest]) => [{ ...first!, time: 0 }, ...rest]),
      withSignatures(commit, ([first, ...rest]) => [{ ...first!, forValue: false }, ...rest]),
      withSignatures(commit, ([first, ...rest]) => [{ ...first!, signature: new Uint8Array(64) }, ...rest]),
    ].map(one => Buffer.from(commitHash(one)).toString('hex'));
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashes[0]).toHaveLength(64);
  });
});
