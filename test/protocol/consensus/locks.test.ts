/** Locks, proofs of lock and equivocators, each rule on its own. In round r it is the turn of validator r mod n. */
import { describe, expect, test } from 'vitest';
import { advance, cast, driver, FOUR, locked, precommit, prevote, prevoted, proposal, timer, told } from './words.ts';

describe('[point 3] locks are never undone', () => {
  test('a polka for nil and a later polka for another value leave it', () => {
    const node = locked();
    advance(node, 1);
    expect(told(node.onTimeout(timer('propose', 1)))).toEqual(['prevote 1 nil']);
    expect(cast(node, ...[0, 1, 2].map(i => prevote(i, 1, null)))).toEqual(['precommit 1 nil']);
    expect([node.lockedValue, node.lockedRound]).toEqual(['a', 0]);
    advance(node, 2);
    node.onValue('b', true);
    expect(told(node.onProposal(proposal(2, 2, 'b')))).toEqual(['prevote 2 nil']);
    // The timer of the step had ended when the polka came: it makes b valid and locks nothing.
    expect(cast(node, prevote(0, 2, 'b'), prevote(1, 2, null), prevote(3, 2, null))).toEqual(['timer prevote 2']);
    expect(told(node.onTimeout(timer('prevote', 2)))).toEqual(['precommit 2 nil']);
    cast(node, prevote(1, 2, 'b'), prevote(2, 2, 'b'));
    expect([node.lockedValue, node.lockedRound, node.validValue, node.validRound]).toEqual(['a', 0, 'b', 2]);
    advance(node, 4);
    expect(told(node.onProposal(proposal(0, 4, 'b')))).toEqual(['prevote 4 nil']);
  });

  test('a lock gives way to a polka of the current round in step prevote', () => {
    const node = locked();
    advance(node, 1);
    node.onValue('b', true);
    expect(told(node.onProposal(proposal(1, 1, 'b')))).toEqual(['prevote 1 nil']);
    expect(cast(node, ...[0, 1, 2].map(i => prevote(i, 1, 'b')))).toEqual(['precommit 1 b']);
    expect([node.lockedValue, node.lockedRound]).toEqual(['b', 1]);
  });
});

test('[point 4] validValue is updated in step precommit too, and proposed with its round', () => {
  const node = prevoted();
  // Two thirds prevoted something, the timer ended, and only then the polka is complete.
  expect(cast(node, prevote(0, 0, null), prevote(1, 0, 'a'))).toEqual(['timer prevote 0']);
  expect(told(node.onTimeout(timer('prevote', 0)))).toEqual(['precommit 0 nil']);
  expect(node.validValue).toBeNull();
  expect(cast(node, prevote(2, 0, 'a'))).toEqual([]);
  expect([node.validValue, node.validRound, node.lockedValue]).toEqual(['a', 0, null]);
  advance(node, 2);
  expect(told(node.onTimeout(timer('precommit', 2)))).toEqual(['newRound 3', 'propose 3 a 0', 'timer propose 3']);
});

describe('[point 5] a proof-of-lock round is believed only with its polka', () => {
  test('the proposal waits for the polka, and is answered when that is complete', () => {
    const node = locked();
    advance(node, 2);
    node.onValue('b', true);
    expect(node.onProposal(proposal(2, 2, 'b', 1))).toEqual([]);
    expect(node.step).toBe('propose');
    expect(cast(node, prevote(0, 1, 'b'), prevote(1, 1, 'b'))).toEqual([]);
    expect(cast(node, prevote(2, 1, 'b'))).toEqual(['prevote 2 b']);
  });

  test('a polka of that round for another value does not help; the timer ends the wait', () => {
    const node = driver(FOUR, 3);
    node.start();
    cast(node, ...[0, 1, 2].map(i => prevote(i, 0, null)));
    advance(node, 1);
    node.onValue('b', true);
    expect(node.onProposal(proposal(1, 1, 'b', 0))).toEqual([]);
    expect(told(node.onTimeout(timer('propose', 1)))).toEqual(['prevote 1 nil']);
  });
});

test('[point 6] a proof-of-lock round that is the very round of the lock frees it', () => {
  // Validator 3 holds both polkas of round 0: only a third of faulty power makes that possible, yet the rule says <=.
  const node = locked();
  cast(node, prevote(0, 0, 'b'), prevote(1, 0, 'b'), prevote(2, 0, 'b'));
  advance(node, 1);
  node.onValue('b', true);
  expect(told(node.onProposal(proposal(1, 1, 'b', 0)))).toEqual(['prevote 1 b']);
});

describe('[point 12] an equivocator cannot split tallies', () => {
  test('whoever saw its other vote first sees the polka that locked the others', () => {
    const node = prevoted();
    node.onValue('b', true);
    // Validator 0 told this node a, and the others b.
    expect(cast(node, prevote(0, 0, 'a'), prevote(1, 0, 'b'), prevote(2, 0, 'b'))).toEqual(['timer prevote 0']);
    expect(cast(node, prevote(0, 0, 'b'))).toEqual(['evidence vote v0', 'precommit 0 b']);
    expect(node.polkaVotes(0, 'b').map(one => one.validator)).toEqual(['v0', 'v1', 'v2']);
    expect(node.polkaVotes(0, 'a')).toEqual([]);
    expect(node.votesOf(0, 'prevote')).toHaveLength(5);
  });

  test('it completes a decision with its other vote', () => {
    const node = driver(FOUR, 3);
    node.start();
    node.onValue('b', true);
    cast(node, precommit(0, 0, 'a'), precommit(1, 0, 'b'), precommit(2, 0, 'b'));
    expect(cast(node, precommit(0, 0, 'b'))).toEqual(['evidence vote v0', 'decide 0 b']);
    expect(node.commit()!.signatures.map(one => one.forValue)).toEqual([true, true, true]);
  });

  test('having flooded this node with values, it is still counted for the value of a proof of lock', () => {
    const node = driver(FOUR, 3);
    node.start();
    node.onValue('b', true);
    for (let i = 0; i < 50; i++) cast(node, prevote(0, 0, `junk${i}`));
    expect(node.votesOf(0, 'prevote')).toHaveLength(2);
    advance(node, 1);
    node.onProposal(proposal(1, 1, 'b', 0));
    expect(cast(node, prevote(0, 0, 'b'), prevote(1, 0, 'b'))).toEqual([]);
    expect(cast(node, prevote(2, 0, 'b'))).toEqual(['prevote 1 b']);
  });

  test('two proposals of one round are evidence, and either may be answered', () => {
    const node = driver(FOUR, 3);
    node.start();
    const first = proposal(0, 0, 'a');
    const second = proposal(0, 0, 'b');
    expect(node.onProposal(first)).toEqual([]);
    expect(node.onProposal({ ...first, signature: new Uint8Array(1) })).toEqual([]);
    expect(node.onProposal(second)).toEqual([{ type: 'evidence', of: 'proposal', first, second }]);
    expect(node.onProposal(proposal(0, 0, 'c'))).toEqual([]);
    expect(node.proposals(0)).toEqual([first, second]);
    expect(told(node.onValue('b', true))).toEqual(['prevote 0 b']);
    expect(node.onValue('a', true)).toEqual([]);
    const fresh = () => {
      const other = driver(FOUR, 3);
      other.onProposal(proposal(0, 4, 'a', 1));
      return other;
    };
    expect(fresh().onProposal(proposal(0, 4, 'a', 1))).toEqual([]);
    for (const other of [proposal(0, 4, 'a', 2), proposal(0, 4, 'a', 1, { parts: 2 })])
      expect(told(fresh().onProposal(other))).toEqual(['evidence proposal v0']);
    expect(told(fresh().onProposal(proposal(0, 4, 'a', 1, { partsRoot: new Uint8Array(32).fill(1) })))).toEqual([
      'evidence proposal v0',
    ]);
  });
});

test('[point 13] a hidden lock is found again', () => {
  // Only validator 0 saw the polka for a and locked; the votes that made it reach the others rounds later.
  const nodes = [0, 1, 2].map(i => driver(FOUR, i));
  const polka = [0, 1, 2].map(i => prevote(i, 0, 'a'));
  for (const [i, node] of nodes.entries()) {
    node.start();
    node.onValue('a', true);
    node.onValue('b', true);
    if (i === 0) node.propose(0, 'a');
    node.onProposal(proposal(0, 0, 'a'));
    cast(node, ...(i === 0 ? polka : polka.filter(one => one.validator === `v${i}`)));
  }
  expect(nodes.map(node => node.lockedValue)).toEqual(['a', null, null]);
  for (const node of nodes) {
    cast(node, precommit(1, 0, null), precommit(2, 0, null), precommit(3, 0, null));
    advance(node, 1);
    if (node.own === 'v1') node.propose(1, 'b');
  }
  // Validator 1 proposes b: the locked one says nil, so that b gets no polka while validator 3 is mute.
  expect(nodes.map(node => told(node.onProposal(proposal(1, 1, 'b'))))).toEqual([
    ['prevote 1 nil'],
    ['prevote 1 b'],
    ['prevote 1 b'],
  ]);
  // In round 4 validator 0 proposes what it is locked on, with the round of the polka.
  for (const node of nodes) advance(node, 3);
  const outputs = told(nodes[0]!.onTimeout(timer('precommit', 3)));
  expect(outputs).toEqual(['newRound 4', 'propose 4 a 0', 'timer propose 4']);
  for (const node of nodes.slice(1)) {
    advance(node, 4);
    expect(node.onProposal(proposal(0, 4, 'a', 0))).toEqual([]);
    // Gossip brings the votes of round 0 that this node lacks; in the order of any network.
    expect(cast(node, ...polka.toReversed())).toEqual(['prevote 4 a']);
  }
  expect(told(nodes[0]!.onProposal(proposal(0, 4, 'a', 0)))).toEqual(['prevote 4 a']);
  for (const node of nodes) {
    expect(cast(node, ...[0, 1, 2].map(i => prevote(i, 4, 'a')))).toEqual(['precommit 4 a']);
    expect(cast(node, ...[0, 1, 2].map(i => precommit(i, 4, 'a')))).toEqual(['decide 4 a']);
  }
});
