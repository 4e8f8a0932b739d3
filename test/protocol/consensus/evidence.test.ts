/** Evidence: what proves an offence, what does not, and that each offence has one name. */

import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../../src/protocol/codec/struct.ts';
import { commitOf } from '../../../src/protocol/consensus/commit.ts';
import {
  type Evidence,
  evidence,
  evidenceHash,
  evidenceOfCommits,
  evidenceOfProposals,
  evidenceOfVotes,
  faultOfEvidence,
  offenceKey,
  offenceOf,
} from '../../../src/protocol/consensus/evidence.ts';
import { NO_ROUND, type Proposal, proposalSignBytes, type Vote } from '../../../src/protocol/consensus/types.ts';
import { ValidatorSet } from '../../../src/protocol/consensus/validator-set.ts';
import { CHAIN, keysOf, numbered, scheme, setOf, validator, valueNamed, voteBy } from './light-support.ts';

const set = setOf({ a: 4, b: 3, c: 3 });
const A = validator('a', 4).address;
const B = validator('b', 3).address;
const [v1, v2, v3] = ['one', 'two', 'three'].map(valueNamed).sort() as [string, string, string];

function proposalBy(address: string, over: Partial<Proposal> = {}, name = 'a'): Proposal {
  const unsigned = {
    height: 5,
    round: 0,
    polRound: NO_ROUND,
    value: v1,
    parts: 1,
    partsRoot: new Uint8Array(32),
    proposer: address,
    ...over,
  };
  return { ...unsigned, signature: scheme.sign(keysOf(name), proposalSignBytes(CHAIN, unsigned)) };
}

const judge = (one: Evidence, of: ValidatorSet | undefined = set, chainId = CHAIN) =>
  faultOfEvidence(chainId, one, of, scheme);
const vote = (over: Partial<Vote> = {}) => voteBy(A, { value: v1, ...over });
const pair = (first: Vote, second: Vote): Evidence => ({ kind: 'duplicate-vote', first, second });
const proposals = (first: Proposal, second: Proposal): Evidence => ({ kind: 'duplicate-proposal', first, second });

describe('two votes', () => {
  test.each(['prevote', 'precommit'] as const)(
    'of kind %s for different values, or one for nil, are an offence',
    kind => {
      for (const value of [v2, null]) {
        const found = evidenceOfVotes(vote({ kind }), vote({ kind, value }));
        expect(found).not.toBeNull();
        expect(judge(found!)).toBeNull();
        expect(offenceOf(found!)).toEqual({ validator: A, height: 5, round: 0, kind });
        expect(decode(evidence, encode(evidence, found!))).toEqual(found);
      }
    },
  );

  test.each<[string, Vote, Vote, string]>([
    ['of different heights', vote(), vote({ value: v2, height: 6 }), 'two heights'],
    ['of different rounds', vote(), vote({ value: v2, round: 1 }), 'two rounds'],
    ['of different kinds', vote(), vote({ value: v2, kind: 'prevote' }), 'a precommit and a prevote'],
    ['of different validators', vote(), voteBy(B, { value: v2 }), 'two validators'],
    ['for one value at different times', vote(), vote({ time: 1 }), 'no offence'],
    ['for nil at different times', vote({ value: null }), vote({ value: null, time: 1 }), 'no offence'],
    ['for one value with different signatures', vote(), vote({ signature: new Uint8Array(64) }), 'no offence'],
    ['that are the same vote', vote(), vote(), 'no offence'],
  ])('%s are none', (_, left, right, reason) => {
    expect(evidenceOfVotes(left, right)).toBeNull();
    expect(evidenceOfVotes(right, left)).toBeNull();
    expect(judge(pair(left, right))).toMatch(reason);
    expect(judge(pair(right, left))).toMatch(/two|no offence| and a /);
  });

  test('prove nothing unless both are signed by the accused, on this chain, and it was a validator', () => {
    const good = pair(vote(), vote({ value: v2 }));
    expect(judge(good)).toBeNull();
    expect(judge(good, set, 'other')).toMatch('first one does not verify');
    expect(judge(good, numbered([1, 1]))).toMatch('not in the set of height 5');
    // Default parameters make the set of `judge` out of an undefined one.
    expect(faultOfEvidence(CHAIN, good, undefined, scheme)).toMatch('is not known');
    expect(judge(pair(vote(), voteBy(A, { value: v2 }, CHAIN, 'b')))).toMatch('second one does not verify');
    expect(judge(pair(voteBy(A, { value: v1 }, 'other'), vote({ value: v2 })))).toMatch('first one does not verify');
    expect(judge(pair(vote(), { ...vote({ value: v2 }), time: 7 }))).toMatch('second one does not verify');
    expect(judge(pair(vote(), { ...vote({ value: v2 }), signature: vote().signature }))).toMatch('second one');
    const rekeyed = new ValidatorSet([{ ...validator('a', 4), consensusKey: keysOf('a, later').publicKey }]);
    expect(judge(good, rekeyed)).toMatch('first one does not verify');
  });

  test('without bytes are bad and nothing worse', () => {
    expect(judge(pair({ ...vote(), value: '0' }, { ...vote(), value: '1' }))).toMatch('does not verify');
    expect(judge(pair({ ...vote(), round: -1 }, { ...vote({ value: v2 }), round: -1 }))).toMatch('does not verify');
    expect(judge(pair({ ...vote(), height: Number.NaN }, { ...vote({ value: v2 }), height: Number.NaN }))).toMatch(
      'two heights',
    );
    const odd = { ...proposalBy(A), polRound: -5 };
    expect(judge(proposals(odd, { ...odd, value: v2 }))).toMatch('does not verify');
  });
});

describe('two proposals', () => {
  test('for different values are an offence', () => {
    const found = evidenceOfProposals(proposalBy(A, { value: v2 }), proposalBy(A));
    expect(found).toEqual(proposals(proposalBy(A), proposalBy(A, { value: v2 })));
    expect(judge(found!)).toBeNull();
    expect(offenceOf(found!)).toEqual({ validator: A, height: 5, round: 0, kind: 'proposal' });
    expect(decode(evidence, encode(evidence, found!))).toEqual(found);
    expect(judge(found!, set, 'other')).toMatch('does not verify');
    expect(judge(found!, setOf({ b: 1 }))).toMatch('not in the set');
  });

  test.each<[string, Proposal, Proposal]>([
    ['for one value', proposalBy(A), proposalBy(A, { polRound: 0 })],
    ['of different rounds', proposalBy(A), proposalBy(A, { value: v2, round: 1 })],
    ['of different heights', proposalBy(A), proposalBy(A, { value: v2, height: 4 })],
    ['of different proposers', proposalBy(A), proposalBy(B, { value: v2 }, 'b')],
  ])('%s are none', (_, left, right) => {
    expect(evidenceOfProposals(left, right)).toBeNull();
    expect(judge(proposals(left, right))).not.toBeNull();
  });

  test('signed by somebody else accuse nobody', () => {
    expect(judge(proposals(proposalBy(A), proposalBy(A, { value: v2 }, 'b')))).toMatch('second one does not verify');
  });
});

describe('[point 18] one offence', () => {
  test('is the same evidence whichever vote was seen first', () => {
    for (const value of [v2, null]) {
      const [left, right] = [vote(), vote({ value })];
      const found = evidenceOfVotes(left, right)!;
      expect(evidenceOfVotes(right, left)).toEqual(found);
      expect(evidenceHash(evidenceOfVotes(right, left)!)).toEqual(evidenceHash(found));
      expect(judge(pair(found.second as Vote, found.first as Vote))).toMatch('canonical order');
    }
    const [left, right] = [proposalBy(A), proposalBy(A, { value: v2 })];
    expect(evidenceOfProposals(right, left)).toEqual(evidenceOfProposals(left, right));
    expect(judge(proposals(right, left))).toMatch('canonical order');
  });

  test('has one name, whatever signatures show it', () => {
    const votes = [
      vote(),
      vote({ value: v2 }),
      vote({ value: v3 }),
      vote({ value: null }),
      vote({ value: v2, time: 3 }),
    ];
    const names = new Set<string>();
    let shown = 0;
    for (const left of votes) {
      for (const right of votes) {
        const found = evidenceOfVotes(left, right);
        if (found === null) continue;
        expect(judge(found)).toBeNull();
        names.add(offenceKey(found));
        shown++;
      }
    }
    expect(shown).toBe(18);
    expect([...names]).toEqual([`${A}/5/0/precommit`]);
  });

  test('has another name for another validator, height, round or kind', () => {
    const base = { validator: A, height: 5, round: 0, kind: 'precommit' } as const;
    const all = [
      base,
      { ...base, validator: B },
      { ...base, height: 50 },
      { ...base, round: 1 },
      { ...base, kind: 'prevote' as const },
      { ...base, kind: 'proposal' as const },
    ];
    expect(new Set(all.map(offenceKey)).size).toBe(all.length);
    expect(offenceKey(evidenceOfProposals(proposalBy(A), proposalBy(A, { value: v2 }))!)).toBe(`${A}/5/0/proposal`);
  });
});

describe('two commits', () => {
  const commit = (value: string, round = 0, absent?: string) =>
    commitOf(
      set.members.filter(one => one.address !== absent).map(one => voteBy(one.address, { value, round })),
      set,
    );

  test('of one round accuse everybody who signed both', () => {
    const found = evidenceOfCommits(commit(v1, 0, B), commit(v2));
    expect(found.map(one => offenceOf(one).validator)).toEqual(
      set.members.map(one => one.address).filter(one => one !== B),
    );
    for (const one of found) expect(judge(one)).toBeNull();
  });

  test('of different rounds, or for one value, accuse nobody', () => {
    expect(evidenceOfCommits(commit(v1), commit(v2, 1))).toEqual([]);
    expect(evidenceOfCommits(commit(v1), commit(v1))).toEqual([]);
  });
});
