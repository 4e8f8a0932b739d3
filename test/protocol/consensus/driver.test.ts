/** One height from its beginning to its decision. In round r it is the turn of validator r mod n. */
import { describe, expect, test } from 'vitest';
import { Driver } from '../../../src/protocol/consensus/driver.ts';
import { MAX_PROPOSAL_ROUNDS_AHEAD } from '../../../src/protocol/consensus/proposals.ts';
import type { Commit } from '../../../src/protocol/consensus/types.ts';
import {
  advance,
  cast,
  driver,
  FOUR,
  HEIGHT,
  locked,
  precommit,
  prevote,
  prevoted,
  proposal,
  setOf,
  timer,
  told,
} from './words.ts';

describe('the way of a good round', () => {
  test('of the proposer', () => {
    const node = driver(FOUR, 0);
    expect(told(node.start())).toEqual(['newRound 0', 'getValue 0', 'timer propose 0']);
    expect(told(node.propose(0, 'a'))).toEqual(['propose 0 a -1']);
    expect(node.propose(0, 'b')).toEqual([]);
    expect(told(node.onProposal(proposal(0, 0, 'a')))).toEqual(['prevote 0 a']);
    expect(cast(node, prevote(0, 0, 'a'), prevote(1, 0, 'a'), prevote(2, 0, 'a'))).toEqual(['precommit 0 a']);
    expect(cast(node, precommit(0, 0, 'a'), precommit(1, 0, 'a'))).toEqual([]);
    expect(node.commit()).toBeNull();
    expect(cast(node, precommit(2, 0, 'a', { time: 5 }))).toEqual(['decide 0 a']);
    expect(node.decision).toEqual({ round: 0, value: 'a' });
    expect(node.step).toBe('commit');
    expect(node.commitVotes()).toEqual([precommit(0, 0, 'a'), precommit(1, 0, 'a'), precommit(2, 0, 'a', { time: 5 })]);
  });

  test('a set of one decides with itself', () => {
    const node = driver(setOf(5), 0);
    node.start();
    node.propose(0, 'a');
    expect(told(node.onProposal(proposal(0, 0, 'a')))).toEqual(['prevote 0 a']);
    expect(cast(node, prevote(0, 0, 'a'))).toEqual(['precommit 0 a']);
    expect(cast(node, precommit(0, 0, 'a'))).toEqual(['decide 0 a']);
  });

  test('a commit holds nil votes too, in the order of the set, grows with late ones, and leaves other values out', () => {
    const set = setOf(1, 5, 1, 3, 1);
    const node = driver(set, null);
    node.start();
    node.onValue('a', true);
    expect(cast(node, precommit(4, 0, null), precommit(2, 0, 'b'), precommit(0, 0, 'a'), precommit(1, 0, 'a'))).toEqual(
      ['timer precommit 0'],
    );
    expect(cast(node, precommit(3, 0, 'a'))).toEqual(['decide 0 a']);
    const seen = () => node.commit()!.signatures.map(one => [one.validator, one.forValue]);
    expect(seen()).toEqual([
      ['v1', true],
      ['v3', true],
      ['v0', true],
      ['v4', false],
    ]);
    // An equivocator stands for the committed value if it voted for it at all.
    expect(cast(node, precommit(2, 0, 'a'))).toEqual(['evidence vote v2']);
    expect(seen()).toContainEqual(['v2', true]);
  });

  test('who is outside the set follows and decides, and neither proposes nor votes', () => {
    for (const own of [null, 'stranger']) {
      const node = driver(FOUR, own);
      expect(told(node.start())).toEqual(['newRound 0', 'timer propose 0']);
      node.onValue('a', true);
      expect(told(node.onProposal(proposal(0, 0, 'a')))).toEqual([]);
      expect(cast(node, ...[0, 1, 2].map(i => prevote(i, 0, 'a')))).toEqual([]);
      expect([node.step, node.validValue]).toEqual(['precommit', 'a']);
      expect(cast(node, ...[0, 1, 2].map(i => precommit(i, 0, 'a')))).toEqual(['decide 0 a']);
    }
  });
});

describe('[point 1] [point 2] [point 20] power makes a quorum, strictly', () => {
  test.each([
    [[1, 1, 1], [0, 1], [2]],
    [[1, 1, 1, 1, 1, 1], [0, 1, 2, 3], [4]],
    [[2, 2, 2, 2, 2, 2, 2, 2, 2], [0, 1, 2, 3, 4, 5], [6]],
    [[10, 1, 1, 1, 1, 1], [0], [1]],
    [[4, 3, 3, 1, 1], [0, 1, 3], [4]],
    [[1, 1, 1, 3, 3], [0, 1, 3], [4]],
  ])('of powers %j the votes of %j are none, with %j they are', (powers, few, more) => {
    const node = driver(setOf(...powers), null);
    node.start();
    node.onValue('a', true);
    node.onProposal(proposal(0, 0, 'a'));
    expect(cast(node, ...few.map(i => prevote(i, 0, 'a')), ...few.map(i => precommit(i, 0, 'a')))).toEqual([]);
    expect([node.step, node.polka(0)]).toEqual(['prevote', undefined]);
    cast(node, ...more.map(i => prevote(i, 0, 'a')));
    expect([node.step, node.polka(0)]).toEqual(['precommit', 'a']);
    expect(cast(node, ...more.map(i => precommit(i, 0, 'a')))).toEqual(['decide 0 a']);
  });
});

describe('[point 7] votes before values', () => {
  test('a polka for a value not yet held counts once it is held', () => {
    const node = driver(FOUR, 3);
    node.start();
    node.onProposal(proposal(0, 0, 'a'));
    expect(cast(node, ...[0, 1, 2].map(i => prevote(i, 0, 'a')))).toEqual(['need 0 a']);
    expect(told(node.onValue('a', true))).toEqual(['prevote 0 a', 'precommit 0 a']);
    expect(node.lockedValue).toBe('a');
  });

  test('also after the prevote was nil, without the proposal, and in step precommit', () => {
    const node = driver(FOUR, 3);
    node.start();
    node.onTimeout(timer('propose', 0));
    expect(cast(node, ...[0, 1, 2].map(i => prevote(i, 0, 'a')))).toEqual(['need 0 a', 'timer prevote 0']);
    expect(told(node.onValue('a', true))).toEqual(['precommit 0 a']);
    const late = driver(FOUR, 3);
    late.start();
    late.onTimeout(timer('propose', 0));
    cast(late, ...[0, 1, 2].map(i => prevote(i, 0, 'a')));
    late.onTimeout(timer('prevote', 0));
    expect(late.onValue('a', true)).toEqual([]);
    expect([late.validValue, late.lockedValue]).toEqual(['a', null]);
  });

  test('a value known before anything is said about it; a proposal answered when the value comes', () => {
    const node = driver(FOUR, 3);
    node.onValue('a', true);
    node.onProposal(proposal(0, 0, 'a'));
    expect(told(node.start())).toEqual(['newRound 0', 'timer propose 0', 'prevote 0 a']);
    const other = driver(FOUR, 3);
    other.start();
    expect(other.onProposal(proposal(0, 0, 'a'))).toEqual([]);
    expect(told(other.onValue('a', false))).toEqual(['prevote 0 nil']);
  });

  test('precommits for a value not yet held decide once it is; an invalid one never', () => {
    const node = driver(FOUR, 3);
    node.start();
    expect(cast(node, ...[0, 1, 2].map(i => precommit(i, 0, 'a')))).toEqual(['need 0 a', 'timer precommit 0']);
    expect(told(node.onValue('a', true))).toEqual(['decide 0 a']);
    const other = driver(FOUR, 3);
    other.start();
    other.onValue('a', false);
    expect(cast(other, ...[0, 1, 2].map(i => precommit(i, 0, 'a')))).toEqual(['timer precommit 0']);
    expect(other.decision).toBeNull();
    expect(() => other.onValue('a', true)).toThrow(/contrary/);
    expect(other.onValue('a', false)).toEqual([]);
  });
});

describe('[point 8] a decision of any round', () => {
  test('of an earlier one', () => {
    const node = locked();
    cast(node, precommit(0, 0, 'a'));
    advance(node, 3);
    expect(cast(node, precommit(1, 0, 'a'))).toEqual(['decide 0 a']);
  });

  test('of a later one, without going there', () => {
    const node = driver(FOUR, 3);
    node.start();
    node.onValue('a', true);
    // A third of them would take the node to round 5 first; decided it is all the same.
    expect(cast(node, ...[0, 1, 2].map(i => precommit(i, 5, 'a')))).toEqual([
      'newRound 5',
      'timer propose 5',
      'decide 5 a',
    ]);
  });

  test('before the height has begun here', () => {
    const node = driver(FOUR, 3);
    expect(cast(node, ...[0, 1, 2].map(i => precommit(i, 2, 'a')))).toEqual(['need 2 a']);
    expect(told(node.onValue('a', true))).toEqual(['decide 2 a']);
    expect([node.round, node.step]).toEqual([-1, 'commit']);
    expect(node.start()).toEqual([]);
    expect(node.commitVotes()).toHaveLength(3);
  });

  test('from a whole commit, which no bound on rounds ahead refuses', () => {
    const signatures = [0, 1, 2].map(i => ({
      validator: `v${i}`,
      forValue: true,
      time: i,
      signature: new Uint8Array(64),
    }));
    const commit: Commit = { height: HEIGHT, round: 3, value: 'a', signatures };
    const node = driver(FOUR, 3);
    node.start();
    for (let round = 10; round < 20; round++) cast(node, prevote(0, round, null));
    expect(node.onVote(precommit(0, 3, 'a'))).toEqual([]);
    expect(node.hasVote('precommit', 3, 'v0', 'a')).toBe(false);
    for (const bad of [
      { ...commit, height: 6 },
      { ...commit, signatures: signatures.slice(1) },
      { ...commit, signatures: [...signatures.slice(1), signatures[1]!] },
      { ...commit, signatures: signatures.map((one, i) => (i === 0 ? { ...one, forValue: false } : one)) },
      { ...commit, signatures: signatures.map((one, i) => (i === 0 ? { ...one, validator: 'stranger' } : one)) },
    ])
      expect(node.onCommit(bad)).toEqual([]);
    expect(told(node.onCommit(commit))).toEqual(['need 3 a']);
    expect(node.onCommit(commit)).toEqual([]);
    expect(told(node.onValue('a', true))).toEqual(['decide 3 a']);
    expect(node.commit()).toBe(commit);
    expect(node.commitVotes()[2]).toEqual(precommit(2, 3, 'a', { time: 2 }));
  });
});

describe('[point 9] facts do not shadow one another, and begin anew in each round', () => {
  test('the quorum for anything is told first, then the one for a value', () => {
    const node = prevoted();
    expect(cast(node, prevote(0, 0, null), prevote(1, 0, 'a'))).toEqual(['timer prevote 0']);
    expect(cast(node, prevote(2, 0, 'a'))).toEqual(['precommit 0 a']);
    const other = prevoted();
    cast(other, prevote(0, 0, null), prevote(1, 0, null));
    expect(cast(other, prevote(2, 0, null))).toEqual(['precommit 0 nil']);
  });

  test('votes that came before their step are looked at when it comes', () => {
    const node = driver(FOUR, 3);
    node.start();
    expect(cast(node, prevote(0, 0, null), prevote(1, 0, null), prevote(2, 0, 'a'))).toEqual([]);
    expect(told(node.onTimeout(timer('propose', 0)))).toEqual(['prevote 0 nil', 'timer prevote 0']);
    const other = driver(FOUR, 3);
    other.start();
    cast(other, ...[0, 1, 2].map(i => prevote(i, 0, null)));
    expect(told(other.onTimeout(timer('propose', 0)))).toEqual(['prevote 0 nil', 'precommit 0 nil']);
  });

  test('timers start once per round, again in the next, and again in one reached by skipping', () => {
    const node = driver(FOUR, 3);
    node.start();
    for (const round of [0, 1, 7]) {
      if (round === 1) advance(node, 1);
      if (round === 7) cast(node, prevote(0, 7, null), prevote(1, 7, null));
      expect(node.round).toBe(round);
      expect(told(node.onTimeout(timer('propose', round)))).toContain(`prevote ${round} nil`);
      expect(cast(node, prevote(0, round, null), prevote(1, round, null), prevote(2, round, 'x'))).toEqual([
        `timer prevote ${round}`,
      ]);
      expect(cast(node, precommit(0, round, null), precommit(1, round, null), precommit(2, round, 'x'))).toEqual([
        `timer precommit ${round}`,
      ]);
      expect(cast(node, prevote(3, round, 'y'), precommit(3, round, 'y'))).toEqual([]);
    }
  });

  test('a polka for what is not held, and precommits of whatever, hide no timer, whichever comes first', () => {
    const node = driver(FOUR, 3);
    node.start();
    // Precommits of another step than this node's, while it still waits for a proposal.
    expect(cast(node, precommit(0, 0, null), precommit(1, 0, 'y'), precommit(2, 0, 'z'))).toEqual([
      'timer precommit 0',
    ]);
    expect(cast(node, ...[0, 1, 2].map(i => prevote(i, 0, 'x')))).toEqual(['need 0 x']);
    expect(told(node.onTimeout(timer('propose', 0)))).toEqual(['prevote 0 nil', 'timer prevote 0']);
    const other = driver(FOUR, 3);
    other.start();
    cast(other, ...[0, 1, 2].map(i => prevote(i, 0, 'x')));
    expect(told(other.onTimeout(timer('propose', 0)))).toEqual(['prevote 0 nil', 'timer prevote 0']);
    expect(cast(other, precommit(0, 0, null), precommit(1, 0, 'y'), precommit(2, 0, 'z'))).toEqual([
      'timer precommit 0',
    ]);
    expect(told(other.onValue('x', true))).toEqual(['precommit 0 x']);
  });

  test('all that a round needs may be there before it begins', () => {
    const node = driver(FOUR, 3);
    node.onValue('a', true);
    node.onProposal(proposal(0, 0, 'a'));
    cast(node, ...[0, 1, 2].map(i => prevote(i, 0, 'a')), precommit(0, 0, null), precommit(1, 0, 'a'));
    cast(node, precommit(2, 0, 'a'));
    expect(told(node.start())).toEqual([
      'newRound 0',
      'timer propose 0',
      'prevote 0 a',
      'precommit 0 a',
      'timer precommit 0',
    ]);
  });
});

describe('[point 10] the precommit timer', () => {
  test('starts with two thirds of precommits, in any step, not only when all are in', () => {
    const node = driver(setOf(1, 1, 1, 1, 1, 1, 1), 6);
    node.start();
    expect(cast(node, ...[0, 1, 2, 3].map(i => precommit(i, 0, i < 2 ? null : 'a')))).toEqual([]);
    expect(cast(node, precommit(4, 0, null))).toEqual(['timer precommit 0']);
    expect(node.step).toBe('propose');
    expect(told(node.onTimeout(timer('precommit', 0)))).toEqual(['newRound 1', 'timer propose 1']);
  });
});

test('[point 11] a timer of another height or another round does nothing', () => {
  const node = prevoted();
  for (const kind of ['propose', 'prevote', 'precommit'] as const) {
    expect(node.onTimeout(timer(kind, 0, HEIGHT - 1))).toEqual([]);
    expect(node.onTimeout(timer(kind, 1))).toEqual([]);
  }
  advance(node, 1);
  for (const kind of ['propose', 'prevote', 'precommit'] as const) expect(node.onTimeout(timer(kind, 0))).toEqual([]);
  expect([node.round, node.step]).toEqual([1, 'propose']);
});

describe('55: a third ahead', () => {
  test('takes the node there, each validator counted once over proposals and votes', () => {
    const node = driver(FOUR, 3);
    node.start();
    expect(cast(node, prevote(1, 5, 'a'), precommit(1, 5, 'a'))).toEqual([]);
    expect(node.onProposal(proposal(1, 5, 'a'))).toEqual([]);
    expect(cast(node, precommit(0, 5, null))).toEqual(['newRound 5', 'timer propose 5']);
    const other = driver(FOUR, 3);
    other.start();
    cast(other, prevote(0, 5, 'a'));
    expect(told(other.onProposal(proposal(1, 5, 'a')))).toEqual(['newRound 5', 'timer propose 5']);
  });

  test('[point 9] what that round needs may be there when it is reached', () => {
    const node = driver(FOUR, 3);
    node.start();
    node.onValue('a', true);
    node.onProposal(proposal(1, 5, 'a'));
    expect(cast(node, prevote(0, 5, 'a'))).toEqual(['newRound 5', 'timer propose 5', 'prevote 5 a']);
  });

  test('the proposer of the round reached proposes', () => {
    const node = driver(FOUR, 3);
    node.start();
    cast(node, prevote(0, 7, null));
    expect(cast(node, prevote(1, 7, null))).toEqual(['newRound 7', 'getValue 7', 'timer propose 7']);
    // A value asked for in a round that was left is of no use.
    expect(node.propose(3, 'a')).toEqual([]);
    expect(told(node.propose(7, 'a'))).toEqual(['propose 7 a -1']);
  });

  test('gathered before the height began, it takes the node there at once', () => {
    const node = driver(FOUR, 3);
    cast(node, prevote(0, 2, null), prevote(1, 2, null));
    expect(told(node.start())).toEqual(['newRound 0', 'timer propose 0', 'newRound 2', 'timer propose 2']);
    expect(node.start()).toEqual([]);
  });
});

describe('what is ignored', () => {
  test('other heights, strangers, proposals out of turn or with an impossible proof-of-lock round', () => {
    const node = driver(FOUR, 3);
    node.start();
    node.onValue('a', true);
    for (const bad of [
      proposal(0, 0, 'a', -1, { height: HEIGHT + 1 }),
      proposal(1, 0, 'a'),
      proposal('stranger', 0, 'a'),
      proposal(0, 0, 'a', 0),
      proposal(0, 0, 'a', 1),
      proposal(0, 0, 'a', -2),
      proposal(0, -4, 'a', -5),
    ]) {
      expect(node.onProposal(bad)).toEqual([]);
      expect(node.proposals(bad.round)).toEqual([]);
    }
    for (const bad of [
      ...[0, 1, 2].map(i => precommit(i, 0, 'a', { height: HEIGHT - 1 })),
      ...[0, 1, 2].map(i => precommit(i, -1, 'a')),
      ...['x', 'y', 'z'].map(name => precommit(name, 0, 'a')),
    ])
      expect(node.onVote(bad)).toEqual([]);
    expect(node.votesOf(0, 'precommit')).toEqual([]);
    expect(node.step).toBe('propose');
  });

  test('the turn of absurdly far rounds is not even asked for', () => {
    let furthest = 0;
    const node = new Driver({
      height: HEIGHT,
      set: FOUR,
      own: 'v3',
      proposerOf: round => {
        furthest = Math.max(furthest, round);
        return `v${round % 4}`;
      },
    });
    node.start();
    node.onProposal(proposal(0, 1_000_000, 'a'));
    expect(furthest).toBe(0);
    node.onProposal(proposal(MAX_PROPOSAL_ROUNDS_AHEAD % 4, MAX_PROPOSAL_ROUNDS_AHEAD, 'a'));
    expect(furthest).toBe(MAX_PROPOSAL_ROUNDS_AHEAD);
    expect(node.proposals(MAX_PROPOSAL_ROUNDS_AHEAD)).toHaveLength(1);
  });

  test('everything after the decision but late votes and evidence', () => {
    const node = locked();
    expect(cast(node, precommit(0, 0, 'a'), precommit(1, 0, 'a'))).toEqual(['decide 0 a']);
    expect(node.onTimeout(timer('precommit', 0))).toEqual([]);
    expect(node.onProposal(proposal(1, 1, 'b'))).toEqual([]);
    expect(node.onValue('b', true)).toEqual([]);
    expect(cast(node, ...[0, 1, 2].map(i => precommit(i, 1, 'c')))).toEqual([]);
    expect(cast(node, precommit(2, 0, 'a'), precommit(2, 0, null))).toEqual(['evidence vote v2']);
    expect(node.decision).toEqual({ round: 0, value: 'a' });
    expect(node.commitVotes()).toHaveLength(4);
  });
});

test('an invalid proposal is answered with nil, whatever proof of lock it names', () => {
  const node = driver(FOUR, 3);
  node.start();
  node.onValue('x', false);
  expect(told(node.onProposal(proposal(0, 0, 'x')))).toEqual(['prevote 0 nil']);
  advance(node, 1);
  expect(told(node.onProposal(proposal(1, 1, 'x', 0)))).toEqual(['prevote 1 nil']);
});
