/**
 * How a node comes back: from genesis and its blocks, from a snapshot and the blocks since, with a log whose end is torn,
 * with a store that is damaged, and with a log of very many rounds.
 */
import { describe, expect, test } from 'vitest';
import {
  BlockStore,
  blockKey,
  decodeCommitted,
  encodeCommitted,
  KEPT_KEY,
} from '../../../src/actors/validator/block-store.ts';
import { SIGNER_KEY } from '../../../src/actors/validator/signer.ts';
import { chunkKey, MANIFEST_KEY } from '../../../src/actors/validator/snapshot-store.ts';
import { ValidatorNet } from '../../support/validator-net.ts';
import { type Disk, NodeByHand, offerOf } from './by-hand.ts';
import { lastCommit, live } from './living.ts';

const SECOND = 1_000_000;
const OTHERS = [1, 2, 3];

function lived(heights: number, snapshotEvery: number): NodeByHand {
  const hand = live(new NodeByHand({ node: { snapshotEvery } }).start().meetAll(), heights);
  expect(hand.node.chain.height).toBe(heights);
  return hand;
}

function again(disk: Disk, snapshotEvery = 0): NodeByHand {
  return new NodeByHand({ disk, node: { snapshotEvery } }).start();
}

function withStore(disk: Disk, change: (store: Map<string, Uint8Array>) => void): Disk {
  const store = new Map(disk.store);
  change(store);
  return { ...disk, store };
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
}

describe('a node that starts again', () => {
  test.each([
    ['from genesis and all blocks', 12, 0],
    ['from the snapshot of its newest block', 12, 4],
    ['from a snapshot and the blocks since', 12, 5],
    ['before its first snapshot', 4, 5],
    ['before its first block', 0, 5],
  ])('%s has the same state and goes on', (_name, heights, snapshotEvery) => {
    const first = lived(heights, snapshotEvery);
    const second = again(first.durableDisk, snapshotEvery);
    expect(second.halts).toEqual([]);
    expect(second.node.chain.height).toBe(heights);
    expect(second.node.chain.appHash).toEqual(first.node.chain.appHash);
    expect(second.node.chain.newestHash).toEqual(first.node.chain.newestHash);
    live(second.meetAll(), 3);
    expect(second.node.chain.height).toBe(heights + 3);
    expect(again(second.durableDisk, snapshotEvery).node.chain.appHash).toEqual(second.node.chain.appHash);
  });

  test('keeps all blocks as long as it takes no snapshot, however few it is told to keep for others', () => {
    const first = live(new NodeByHand({ node: { snapshotEvery: 0, keepBlocks: 2 } }).start().meetAll(), 8);
    const second = again(first.durableDisk);
    expect(second.node.chain.height).toBe(8);
  });

  test('drops what neither it nor others need', () => {
    const hand = live(new NodeByHand({ node: { snapshotEvery: 4, keepBlocks: 2 } }).start().meetAll(), 11);
    const keys = [...hand.disk.store.keys()];
    expect(keys.filter(key => key.startsWith('block/')).length).toBeLessThanOrEqual(4);
    const height = hand.disk.store.has(chunkKey(8, 0)) ? 8 : -1;
    expect(height).toBe(8);
    expect(
      keys.filter(key => key.startsWith('snapshot/') && key !== MANIFEST_KEY && !key.startsWith('snapshot/8/')),
    ).toEqual([]);
  });

  test('a snapshot that was begun and not finished changes nothing', () => {
    const first = lived(9, 4);
    const disk = withStore(first.durableDisk, store => store.set(chunkKey(12, 0), new Uint8Array(9)));
    const second = again(disk, 4);
    expect(second.halts).toEqual([]);
    expect(second.node.chain.height).toBe(9);
  });

  test('BlockStore: what it keeps is served, from the oldest on', () => {
    const store = new BlockStore(3);
    const hand = new NodeByHand();
    const commit = { height: 1, round: 0, value: 'a'.repeat(64), signatures: [] };
    for (let height = 1; height <= 6; height++) store.add(height, { commit, block: new Uint8Array(1) }, height, hand);
    expect([store.oldest, store.newest]).toEqual([4, 6]);
    // What goes goes when it is durably known to be of no use any more: with the next block.
    expect([...hand.disk.store.keys()].filter(key => key !== KEPT_KEY).sort()).toEqual([3, 4, 5, 6].map(blockKey));
  });
});

describe('a torn end of the log', () => {
  test('wherever it is cut, the node comes back without contradicting what it said', () => {
    const hand = lived(2, 0).begin();
    const proposer = hand.proposer(0);
    const { chain } = hand.node;
    if (proposer !== 0) {
      const commit = lastCommit(hand);
      hand.hearOffer(
        proposer,
        0,
        offerOf(chain.propose(chain.timeAfter(commit), hand.addresses[proposer]!, [], commit)),
      );
    }
    hand.hearVotes([1], 'prevote', 0, null);
    hand.hearVotes([2, 3], 'prevote', 0, null);
    const said = hand.votes.filter(vote => vote.height === 3);
    expect(said.length).toBe(2);
    const disk = hand.durableDisk;
    expect(disk.log.length).toBeGreaterThan(1);
    for (let kept = 0; kept <= disk.log.length; kept++) {
      const second = new NodeByHand({ disk: { ...disk, log: disk.log.slice(0, kept) }, node: { snapshotEvery: 0 } });
      second.start().meetAll();
      expect(second.halts).toEqual([]);
      second.begin();
      second.fire('round/propose/3/0');
      for (const vote of second.votes) {
        const before = said.find(one => one.kind === vote.kind && one.round === vote.round);
        if (before !== undefined) expect(vote).toEqual(before);
      }
    }
  });

  test('entries of a height that is over are passed over', () => {
    const hand = live(new NodeByHand({ node: { snapshotEvery: 0 } }).start().meetAll(), 1);
    const stale = hand.durableDisk;
    live(hand, 2);
    // The end of the height was durable, the cut of the log was not.
    const disk: Disk = { ...hand.durableDisk, log: stale.log, firstIndex: stale.firstIndex };
    const second = again(disk);
    expect(second.halts).toEqual([]);
    expect(second.node.chain.height).toBe(3);
    live(second.meetAll(), 1);
    expect(second.node.chain.height).toBe(4);
  });
});

describe('a damaged store halts the node, with the reason', () => {
  const damages: [string, string, (store: Map<string, Uint8Array>) => void][] = [
    ['a block', `${blockKey(3)}:`, store => store.set(blockKey(3), flipped(store.get(blockKey(3))!, 200))],
    ['a block that is cut off', blockKey(2), store => store.set(blockKey(2), store.get(blockKey(2))!.subarray(0, 50))],
    ['a block in the place of another', blockKey(2), store => store.set(blockKey(2), store.get(blockKey(3))!)],
    ['the record of the signer', SIGNER_KEY, store => store.set(SIGNER_KEY, new Uint8Array([9, 9]))],
  ];
  test.each(damages)('%s', (_name, where, damage) => {
    const hand = again(withStore(lived(4, 0).durableDisk, damage));
    expect(hand.halts.length).toBe(1);
    expect(hand.halts[0]).toContain('the store is damaged at');
    expect(hand.halts[0]).toContain(where);
    expect(hand.sent).toEqual([]);
  });

  test.each([
    [
      'a chunk of the snapshot',
      (store: Map<string, Uint8Array>) => store.set(chunkKey(4, 0), flipped(store.get(chunkKey(4, 0))!, 40)),
    ],
    ['a chunk that is missing', (store: Map<string, Uint8Array>) => store.delete(chunkKey(4, 0))],
    ['the manifest', (store: Map<string, Uint8Array>) => store.set(MANIFEST_KEY, store.get(MANIFEST_KEY)!.subarray(1))],
  ])('%s', (_name, damage) => {
    const hand = again(withStore(lived(6, 4).durableDisk, damage), 4);
    expect(hand.halts.length).toBe(1);
    expect(hand.halts[0]).toContain('the store is damaged at snapshot/');
  });

  test('a block whose commit is another one is not noticed only where it does no harm', () => {
    const disk = lived(4, 0).durableDisk;
    const { block } = decodeCommitted(disk.store.get(blockKey(4))!);
    const { commit } = decodeCommitted(disk.store.get(blockKey(3))!);
    const hand = again(withStore(disk, store => store.set(blockKey(4), encodeCommitted({ commit, block }))));
    expect(hand.node.chain.height).toBe(4);
  });
});

describe('a log of ten thousand rounds', () => {
  const ROUNDS = 10_000;
  test('is written and fed again well within a minute, and what was said is said again', { timeout: 120_000 }, () => {
    const first = new NodeByHand().start().meetAll().begin();
    for (let round = 0; round < ROUNDS; round++) {
      if (first.proposer(round) !== 0) first.fire(`round/propose/1/${round}`);
      first.hearVotes(OTHERS, 'prevote', round, null);
      first.hearVotes(OTHERS, 'precommit', round, null);
      first.fire(`round/precommit/1/${round}`);
      if (round % 100 === 0) first.done.splice(0, first.done.length - 50);
    }
    const disk = first.durableDisk;
    expect(disk.log.length).toBeGreaterThan(2 * ROUNDS);
    const begin = performance.now();
    const second = new NodeByHand({ disk }).start();
    const took = performance.now() - begin;
    expect(took).toBeLessThan(20_000);
    expect(second.halts).toEqual([]);
    second.meetAll();
    // It stands in the last round, and goes on from there.
    second.hearVotes(OTHERS, 'prevote', ROUNDS, null);
    second.hearVotes(OTHERS, 'precommit', ROUNDS, null);
    const round = second.timers.has(`round/precommit/1/${ROUNDS}`);
    expect(round).toBe(true);
  });

  test('says, tells, times and logs nothing of it a second time, however often it is fed again', () => {
    const rounds = 300;
    const first = new NodeByHand().start().meetAll().begin();
    for (let round = 0; round < rounds; round++) {
      if (first.proposer(round) !== 0) first.fire(`round/propose/1/${round}`);
      first.hearVotes(OTHERS, 'prevote', round, null);
      first.hearVotes(OTHERS, 'precommit', round, null);
      first.fire(`round/precommit/1/${round}`);
    }
    let disk = first.durableDisk;
    const entries = disk.log.length;
    let { now } = first;
    for (let life = 0; life < 5; life++) {
      const hand = new NodeByHand({ disk });
      // It was down for longer than any timer runs; peers call before it has read its log.
      hand.now = now + 3_600 * SECOND;
      for (const place of OTHERS) {
        hand.give({ kind: 'connected', connection: 100 + place, peer: `validator-${place}`, inbound: true });
        hand.connections.set(place, 100 + place);
        const validator = hand.addresses[place]!;
        hand.hear(place, { type: 'hello', chainId: 'net', validator, height: 0 });
      }
      hand.start();
      expect(hand.halts).toEqual([]);
      expect(hand.sent.filter(one => one.type === 'votes' || one.type === 'proposal')).toEqual([]);
      expect(hand.done.filter(one => one.effect === 'observe')).toEqual([]);
      const timers = hand.done.flatMap(one => (one.effect === 'timer' ? [String(one.id)] : []));
      const ofRounds = timers.filter(id => id.startsWith('round/'));
      expect(ofRounds.length).toBeLessThanOrEqual(2);
      for (const id of ofRounds) expect(id).toMatch(new RegExp(`/${rounds}$`));
      for (const id of ofRounds) hand.fire(id);
      hand.fire('gossip');
      now = hand.now;
      disk = hand.durableDisk;
    }
    // The vote to which the first of these lives came, and what led to it.
    expect(disk.log.length).toBeLessThanOrEqual(entries + 4);
  });

  test('a timer that ends in vain is not logged', () => {
    const hand = new NodeByHand({ index: new NodeByHand().proposer(3) }).start().meetAll().begin();
    const others = [0, 1, 2, 3].filter(place => place !== hand.index);
    hand.hearOffer(hand.proposer(0), 0, hand.firstBlock(hand.proposer(0)));
    hand.hearVotes(others.slice(0, 2), 'prevote', 0, null);
    const said = hand.said.length;
    hand.fire('gossip');
    const { length } = hand.disk.log;
    for (let i = 0; i < 3; i++) hand.fire('round/propose/1/0');
    hand.fire('gossip');
    expect(hand.disk.log.length).toBe(length);
    expect(hand.said.length).toBe(said);
  });

  test('does not make the node tell its peers of all of them, again and again', () => {
    const hand = new NodeByHand().start().meetAll().begin();
    for (let round = 0; round < 400; round++) {
      if (hand.proposer(round) !== 0) hand.fire(`round/propose/1/${round}`);
      hand.hearVotes(OTHERS, 'prevote', round, null);
      hand.hearVotes(OTHERS, 'precommit', round, null);
      hand.fire(`round/precommit/1/${round}`);
    }
    hand.now += 10 * SECOND;
    hand.done.length = 0;
    hand.fire('gossip');
    const inventory = hand.sent.find(one => one.type === 'inventory')!;
    hand.done.length = 0;
    // A peer that stands where this one does lacks nothing.
    hand.hear(1, inventory);
    expect(hand.sent).toEqual([]);
  });
});

test('a whole network that loses power comes back at once', () => {
  const crash = { kind: 'crash' as const, at: 20 * SECOND, for: SECOND };
  const faults = [0, 1, 2, 3].map(i => ({ ...crash, target: `validator-${i}` }));
  const net = new ValidatorNet({ stakes: [10, 10, 10, 10], faults, load: 3 }).run(40 * SECOND);
  expect(net.halted).toEqual([]);
  expect(net.disagreements).toEqual([]);
  expect(net.doubleSigned).toEqual([]);
  expect(Math.min(...net.heights)).toBeGreaterThan(25);
});
