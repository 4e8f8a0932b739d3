/**
 * What a node that is stuck tells, and what its peers make good: points 7, 12 and 13 of the twenty, commits for
 * laggards, and what is not sent because nobody needs it. Also what becomes of a peer that sends garbage.
 */
import { describe, expect, test } from 'vitest';
import type { Inventory } from '../../../src/actors/validator/inventory.ts';
import type { Wire } from '../../../src/actors/wire.ts';
import type { Vote } from '../../../src/protocol/consensus/types.ts';
import { LyingNode } from '../../support/lying-node.ts';
import { ValidatorNet } from '../../support/validator-net.ts';
import { NodeByHand, type Offered } from './by-hand.ts';

const SECOND = 1_000_000;
/** Does not propose in the first three rounds. */
const INDEX = new NodeByHand().proposer(3);
const OTHERS = [0, 1, 2, 3].filter(place => place !== INDEX);
const PEER = OTHERS[0]!;

const NOTHING_HELD: Inventory = {
  type: 'inventory',
  height: 1,
  round: 0,
  votes: [],
  proposals: [],
  values: [],
  decided: false,
};

function begun(): NodeByHand {
  return new NodeByHand({ index: INDEX }).start().meetAll().begin();
}

/** What a peer is sent when it tells what it holds. */
function answer(hand: NodeByHand, inventory: Partial<Inventory>, peer = PEER): Wire[] {
  hand.now += SECOND;
  hand.done.length = 0;
  hand.hear(peer, { ...NOTHING_HELD, ...inventory });
  return hand.done.flatMap(one =>
    one.effect === 'send' && one.to === hand.connections.get(peer) ? [one.message] : [],
  );
}

function votesIn(messages: readonly Wire[]): Vote[] {
  return messages.flatMap(one => (one.type === 'votes' ? one.votes : []));
}

/** What the node itself tells. */
function told(hand: NodeByHand): Inventory {
  hand.done.length = 0;
  hand.fire('gossip');
  const found = hand.sent.find(one => one.type === 'inventory');
  if (found?.type !== 'inventory') throw new Error('it told nothing');
  return found;
}

/** One round in which nobody agrees on anything. */
function nilRound(hand: NodeByHand, round: number): void {
  if (hand.proposer(round) !== INDEX) hand.fire(`round/propose/1/${round}`);
  hand.hearVotes(OTHERS, 'prevote', round, null);
  hand.hearVotes(OTHERS, 'precommit', round, null);
  hand.fire(`round/precommit/1/${round}`);
}

/** Locks on the first proposer's block in round 0. */
function locked(): { readonly hand: NodeByHand; readonly block: Offered } {
  const hand = begun();
  const block = hand.firstBlock(hand.proposer(0));
  hand.hearOffer(hand.proposer(0), 0, block);
  hand.hearVotes(OTHERS.slice(0, 2), 'prevote', 0, block.value);
  expect(hand.said).toEqual([`prevote 0 ${block.value.slice(0, 8)}`, `precommit 0 ${block.value.slice(0, 8)}`]);
  return { hand, block };
}

describe('what is missing is made good', () => {
  test('[point 13] a polka that only this node saw: its lock is hidden no longer', () => {
    const { hand, block } = locked();
    // The others are a round further: they saw votes for nil.
    hand.hearVotes(OTHERS, 'precommit', 0, null);
    hand.fire('round/precommit/1/0');
    const places = new Uint8Array([1 << hand.node.chain.validators.place(hand.addresses[PEER]!)]);
    const held = { round: 0, kind: 'prevote' as const, value: block.value, places };
    const sent = answer(hand, { round: 1, votes: [held] });
    const polka = votesIn(sent).filter(one => one.kind === 'prevote' && one.round === 0);
    expect(polka.length).toBe(2);
    for (const one of polka) {
      expect(one.value).toBe(block.value);
      expect(one.validator).not.toBe(hand.addresses[PEER]);
    }
    // And what it is a polka for.
    expect(sent.some(one => one.type === 'proposal' && one.proposal.value === block.value)).toBe(true);
    expect(sent.some(one => one.type === 'part' && one.value === block.value)).toBe(true);
  });

  test('also when the lock is many rounds old, and nothing else of those rounds', () => {
    const { hand, block } = locked();
    hand.hearVotes(OTHERS, 'precommit', 0, null);
    hand.fire('round/precommit/1/0');
    for (let round = 1; round < 60; round++) nilRound(hand, round);
    const votes = votesIn(answer(hand, { round: 60 }));
    expect(votes.filter(one => one.round === 0 && one.kind === 'prevote' && one.value === block.value).length).toBe(3);
    const rounds = new Set(votes.map(one => one.round));
    expect(rounds.size).toBeLessThanOrEqual(18);
    expect(rounds.has(20)).toBe(false);
    expect(rounds.has(59)).toBe(true);
  });

  test('two nodes that know the same have nothing to say to each other, in any round', () => {
    const { hand } = locked();
    hand.hearVotes(OTHERS, 'precommit', 0, null);
    hand.fire('round/precommit/1/0');
    for (let round = 1; round < 100; round++) {
      nilRound(hand, round);
      if (round % 10 === 0) expect(answer(hand, told(hand))).toEqual([]);
    }
  });

  test('[point 12] votes are told and sent by value: an equivocator’s one vote does not stand for its other', () => {
    const hand = begun();
    const [one, two] = [hand.firstBlock(hand.proposer(0)), hand.firstBlock(INDEX)];
    const liar = OTHERS[1]!;
    hand.hearVotes([liar], 'prevote', 0, one.value);
    hand.hearVotes([liar], 'prevote', 0, two.value);
    const mine = told(hand);
    expect(mine.votes.map(({ value }) => value).sort()).toEqual([one.value, two.value].sort());
    const first = mine.votes.filter(({ value }) => value === one.value);
    const votes = votesIn(answer(hand, { votes: first }));
    expect(votes.map(({ value, validator }) => [value, validator])).toEqual([[two.value, hand.addresses[liar]]]);
    expect(votesIn(answer(hand, { votes: mine.votes }))).toEqual([]);
  });

  test('[point 7] a block for which there is a polka, and which is not here: it says so, and uses it when it comes', () => {
    const hand = begun();
    const proposer = hand.proposer(0);
    const block = hand.firstBlock(proposer);
    hand.fire('round/propose/1/0');
    hand.hearVotes(OTHERS, 'prevote', 0, block.value);
    expect(hand.said).toEqual(['prevote 0 nil']);
    expect(told(hand)).toMatchObject({ values: [], proposals: [] });
    hand.done.length = 0;
    hand.hearOffer(PEER, 0, block);
    expect(hand.proposals).toEqual([]);
    // A proposal counts only from whose turn it is, whoever passes it on.
    hand.hear(PEER, { type: 'proposal', proposal: hand.proposal(proposer, 0, block) });
    hand.hearParts(PEER, block);
    expect(hand.said).toEqual([`precommit 0 ${block.value.slice(0, 8)}`]);
  });

  test('[point 7] [point 8] a decision for a block that is not here waits for it, in any round', () => {
    const hand = begun();
    const proposer = hand.proposer(0);
    const block = hand.firstBlock(proposer);
    hand.hearVotes(OTHERS, 'precommit', 0, block.value);
    for (const round of [1, 2]) nilRound(hand, round);
    expect(hand.node.chain.height).toBe(0);
    hand.hear(PEER, { type: 'proposal', proposal: hand.proposal(proposer, 0, block) });
    hand.hearParts(PEER, block);
    expect(hand.node.chain.height).toBe(1);
  });

  test('who is a height behind is told so, and gets precommits when it looks back', () => {
    const { hand, block } = locked();
    hand.hearVotes(OTHERS, 'precommit', 0, block.value);
    expect(hand.node.chain.height).toBe(1);
    expect(answer(hand, {})).toMatchObject([{ type: 'ahead', height: 1 }]);
    const seen = votesIn(answer(hand, { decided: true }));
    expect(seen.filter(one => one.kind === 'precommit' && one.value === block.value).length).toBeGreaterThanOrEqual(3);
    // It has decided: it needs no block.
    expect(answer(hand, { decided: true }).some(one => one.type === 'part')).toBe(false);
  });

  test('a peer that asks without end is answered a few times a second', () => {
    const { hand } = locked();
    answer(hand, {});
    hand.done.length = 0;
    for (let i = 0; i < 100; i++) {
      hand.now += 10_000;
      hand.hear(PEER, NOTHING_HELD);
    }
    const answers = hand.sent.filter(one => one.type === 'proposal').length;
    expect(answers).toBeGreaterThan(1);
    expect(answers).toBeLessThanOrEqual(5);
  });
});

describe('peers that send garbage are dropped', () => {
  const flipped = (bytes: Uint8Array): Uint8Array => {
    const copy = bytes.slice();
    copy[0]! ^= 1;
    return copy;
  };

  test.each([
    [
      'a vote',
      (hand: NodeByHand, block: Offered): Wire => {
        const vote = hand.vote(PEER, 'prevote', 0, block.value);
        return { type: 'votes', votes: [{ ...vote, signature: flipped(vote.signature) }] };
      },
    ],
    [
      'a proposal',
      (hand: NodeByHand, block: Offered): Wire => {
        const proposal = hand.proposal(hand.proposer(0), 0, block);
        return { type: 'proposal', proposal: { ...proposal, signature: flipped(proposal.signature) } };
      },
    ],
    [
      'somebody else’s vote under a name',
      (hand: NodeByHand, block: Offered): Wire => {
        const vote = hand.vote(PEER, 'prevote', 0, block.value);
        return { type: 'votes', votes: [{ ...vote, validator: hand.addresses[OTHERS[1]!]! }] };
      },
    ],
    [
      'a vote of another chain’s height',
      (hand: NodeByHand, block: Offered): Wire => {
        const vote = hand.vote(PEER, 'prevote', 0, block.value, { height: 2 });
        return { type: 'votes', votes: [{ ...vote, height: 1 }] };
      },
    ],
  ])('%s that does not verify', (_name, garbage) => {
    const hand = begun();
    const block = hand.firstBlock(hand.proposer(0));
    hand.hear(PEER, garbage(hand, block));
    expect(hand.drops.length).toBe(1);
    expect(hand.drops[0]).toContain(`validator-${PEER}: a`);
    expect(hand.done).toContainEqual({ effect: 'disconnect', to: hand.connections.get(PEER) });
    // It is not wanted for a while, also when it calls.
    hand.done.length = 0;
    hand.meet(PEER);
    expect(hand.done).toContainEqual({ effect: 'disconnect', to: hand.connections.get(PEER) });
    hand.now += 61 * SECOND;
    hand.done.length = 0;
    hand.meet(PEER);
    expect(hand.sent.some(one => one.type === 'hello')).toBe(true);
  });

  test('what is only late, early or repeated costs nobody anything', () => {
    const { hand, block } = locked();
    for (const round of [0, 3, 70, 5_000]) {
      hand.hear(PEER, { type: 'votes', votes: [hand.vote(PEER, 'prevote', round, null)] });
      hand.hear(PEER, { type: 'proposal', proposal: hand.proposal(hand.proposer(round), round, block) });
    }
    for (const height of [0, 2, 3, 900]) {
      hand.hear(PEER, { type: 'votes', votes: [hand.vote(PEER, 'precommit', 0, null, { height })] });
      hand.hearParts(PEER, block, height);
    }
    hand.hearParts(PEER, block);
    expect(hand.drops).toEqual([]);
  });

  test('a network in which one signs nothing but garbage goes on without it', () => {
    const says = (m: Wire): Wire =>
      m.type === 'votes' ? { ...m, votes: m.votes.map(vote => ({ ...vote, signature: flipped(vote.signature) })) } : m;
    const net = new ValidatorNet({
      stakes: [10, 10, 10, 10],
      load: 2,
      wrap: (i, node) => (i === 2 ? new LyingNode(node, { says }) : node),
    }).run(120 * SECOND);
    expect(net.halted).toEqual([]);
    expect(net.disagreements).toEqual([]);
    for (const i of [0, 1, 3]) {
      expect(net.heights[i]!).toBeGreaterThan(30);
      const dropped = net.observed.filter(one => one.node === `validator-${i}` && one.metric === 'node/dropped');
      expect(dropped.length).toBeGreaterThan(0);
      for (const one of dropped) expect(one.label).toMatch(/^validator-2: a votes/);
    }
  });
});
