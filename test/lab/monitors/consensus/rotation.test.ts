/** The monitors' own rotation against known sequences of proposers. */
import { expect, test } from 'vitest';
import { Rotation } from '../../../../src/lab/monitors/consensus/rotation.ts';
import { ValidatorSet } from '../../../../src/protocol/consensus/validator-set.ts';

function setOf(powers: Readonly<Record<string, number>>): ValidatorSet {
  return new ValidatorSet(
    Object.entries(powers).map(([address, power]) => ({ address, consensusKey: new Uint8Array(32), power })),
  );
}

/** A rotation in which the sets follow one another from height 1 on, the last one for ever. */
function rotation(...sets: readonly Readonly<Record<string, number>>[]): Rotation {
  const made = sets.map(setOf);
  return new Rotation(height => (height < 1 ? undefined : made[Math.min(height, made.length) - 1]));
}

function turns(of: Rotation, rounds: number, height = 1): (string | undefined)[] {
  return Array.from({ length: rounds }, (_, round) => of.proposer(height, round));
}

/** From CometBFT, types/validator_set_test.go, TestProposerSelection1 (Apache-2.0). */
const SELECTION =
  `foo baz foo bar foo foo baz foo bar foo foo baz foo foo bar foo baz foo foo bar foo foo baz foo bar foo foo baz
  foo bar foo foo baz foo foo bar foo baz foo foo bar foo baz foo foo bar foo baz foo foo bar foo baz foo foo foo
  baz bar foo foo foo baz foo bar foo foo baz foo bar foo foo baz foo bar foo foo baz foo bar foo foo baz foo foo
  bar foo baz foo foo bar foo baz foo foo bar foo baz foo foo`.split(/\s+/);

test('a known sequence over rounds, and over heights', () => {
  const of = rotation({ foo: 1000, bar: 300, baz: 330 });
  expect(turns(of, SELECTION.length)).toEqual(SELECTION);
  expect(SELECTION.map((_, i) => of.proposer(i + 1, 0))).toEqual(SELECTION);
});

test('equal powers take turns by address', () => {
  expect(turns(rotation({ c: 7, a: 7, b: 7 }), 6)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
});

test('a little more than all the others has two turns first', () => {
  expect(turns(rotation({ a: 100, b: 100, c: 400 }), 2)).toEqual(['c', 'a']);
  expect(turns(rotation({ a: 100, b: 100, c: 401 }), 3)).toEqual(['c', 'c', 'a']);
});

test('turns are in proportion to power', () => {
  const counts = new Map<string, number>();
  for (const turn of turns(rotation({ a: 4, b: 5, c: 3 }), 120)) counts.set(turn!, (counts.get(turn!) ?? 0) + 1);
  expect([...counts].sort(([left], [right]) => (left < right ? -1 : 1))).toEqual([
    ['a', 40],
    ['b', 50],
    ['c', 30],
  ]);
});

test('a skipped round and a walked one have the same proposer', () => {
  // CometBFT's counterexample: two steps at once lead to another proposer than two steps one by one.
  const sets = [
    { a: 5, b: 20, c: 20 },
    { a: 5, b: 20, c: 20 },
    { a: 5, b: 20, c: 100 },
    { a: 5, b: 20, c: 1 },
  ];
  const skipping = rotation(...sets);
  expect(skipping.proposer(4, 2)).toBe('b');
  expect(skipping.proposer(4, 0)).toBe('b');
  expect(skipping.proposer(4, 1)).toBe('b');
  const walking = rotation(...sets);
  const walked = turns(walking, 9, 4);
  for (const round of [8, 3, 5, 2]) expect(rotation(...sets).proposer(4, round)).toBe(walked[round]);
});

test('rounds of the parent do not matter', () => {
  const sets = [
    { a: 3, b: 2, c: 9 },
    { a: 3, c: 9, d: 5 },
  ];
  const busy = rotation(...sets);
  busy.proposer(1, 40);
  for (let height = 1; height < 20; height++)
    expect(turns(busy, 5, height)).toEqual(turns(rotation(...sets), 5, height));
});

test('a newcomer waits', () => {
  const of = rotation({ a: 1, b: 1 }, { a: 1, b: 1, z: 1 });
  expect([2, 3, 4, 5, 6].map(height => of.proposer(height, 0))).toEqual(['b', 'a', 'b', 'z', 'a']);
});

test('a set on the way that is not known, and the long past', () => {
  let known = 2;
  const of = new Rotation(height => (height <= known ? setOf({ a: 1, b: 1 }) : undefined));
  expect(of.proposer(3, 0)).toBeUndefined();
  known = 1_000;
  expect(of.proposer(3, 0)).toBe('a');
  expect(of.proposer(1_000, 0)).toBe('b');
  expect(of.proposer(3, 0)).toBeUndefined();
});
