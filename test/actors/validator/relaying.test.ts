/**
 * What is passed on, to whom, and by whom: as little as possible where all are connected, everything where links are
 * missing, and never so that a false claim of a peer could stop anybody.
 */
import { describe, expect, test } from 'vitest';
import type { Effects } from '../../../src/actors/actor.ts';
import type { Node } from '../../../src/actors/validator/node.ts';
import { newPeer, type Peer, Peers } from '../../../src/actors/validator/peers.ts';
import { Relaying } from '../../../src/actors/validator/relaying.ts';
import type { Wire } from '../../../src/actors/wire.ts';
import { MAX_VALIDATORS, type Validator } from '../../../src/protocol/consensus/types.ts';
import { ValidatorSet } from '../../../src/protocol/consensus/validator-set.ts';
import type { Fault } from '../../../src/worlds/simulated/faults.ts';
import { LyingNode } from '../../support/lying-node.ts';
import { type NetOptions, ValidatorNet } from '../../support/validator-net.ts';
import { NodeByHand } from './by-hand.ts';

const SECOND = 1_000_000;

describe('whom a node passes something on to', () => {
  const validators = (names: readonly string[]): Validator[] =>
    names.map(address => ({ address, consensusKey: new Uint8Array(32), power: 1 }));
  const SET = new ValidatorSet(validators(['a', 'b', 'c', 'd', 'e', 'f']));
  const nowhere = new Proxy({} as Effects<Wire>, { get: () => () => {} });

  /** A node of this name, its peers, and whom each of them lacks. */
  function node(own: string | null, lacks: Readonly<Record<string, readonly string[]>>, height = 1) {
    const peers = new Peers();
    const relaying = new Relaying(peers, own);
    const byName = new Map<string, Peer>();
    for (const name of Object.keys(lacks)) {
      const peer = newPeer(byName.size, name);
      peer.validator = name;
      byName.set(name, peer);
      peers.add(peer);
    }
    relaying.update(SET, height, 0, nowhere);
    for (const [name, peer] of byName) expect(relaying.onLinks(peer, lacks[name]!)).toBe(true);
    const names = (found: readonly Peer[]): string[] => found.map(one => one.name);
    return {
      of: (author: string) => names(relaying.recipients(author)),
      from: (name: string) => names(relaying.recipientsFrom(byName.get(name)!)),
      relaying,
      peers,
    };
  }

  test('nobody, where all are connected, whoever is down', () => {
    const all = { b: [], c: [], d: [], e: [], f: [] };
    for (const author of ['a', 'b', 'f']) expect(node('a', all).of(author)).toEqual([]);
    const oneDown = { b: ['f'], c: ['f'], d: ['f'], e: ['f'] };
    for (const author of ['a', 'b', 'c']) expect(node('a', oneDown).of(author)).toEqual([]);
  });

  test('in the middle of a star everybody but the author', () => {
    const others = ['b', 'c', 'd', 'e', 'f'];
    const star = Object.fromEntries(others.map(name => [name, others.filter(other => other !== name)]));
    const middle = node('a', star);
    for (const author of others) {
      expect(middle.of(author)).toEqual(others.filter(other => other !== author));
      expect(middle.from(author)).toEqual(others.filter(other => other !== author));
    }
    expect(middle.of('a')).toEqual([]);
  });

  test('around a missing link two of those who are connected with both ends, others at every height', () => {
    const carriers = new Set<string>();
    for (let height = 1; height <= SET.size; height++) {
      // The link between e and f is missing.
      const passing = ['a', 'b', 'c', 'd'].filter(own => {
        const peers = ['a', 'b', 'c', 'd', 'e', 'f'].filter(name => name !== own);
        const lacks = Object.fromEntries(peers.map(name => [name, name === 'e' ? ['f'] : name === 'f' ? ['e'] : []]));
        expect(node(own, lacks, height).of('a')).toEqual([]);
        const to = node(own, lacks, height).of('e');
        expect(['', 'f']).toContain(to.join());
        return to.length > 0;
      });
      expect(passing.length).toBe(2);
      for (const one of passing) carriers.add(one);
    }
    expect([...carriers].sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('who has something at second hand leaves it to two who have it at first hand, and not to one', () => {
    // f does not hear a, nor does this node, e; b, c and d do.
    const lacks = { b: [], c: [], d: [], f: ['a'] };
    expect(node('e', lacks).of('a')).toEqual([]);
    expect(node('e', { b: [], c: ['a'], d: ['a'], f: ['a'] }).of('a')).toEqual(['c', 'd', 'f']);
  });

  test('a link of two validators is missing when both say so', () => {
    for (const [b, c, to] of [
      [['c'], ['b'], 'c'],
      [[], ['b'], ''],
      [['c'], [], ''],
    ] as const) {
      expect(node('a', { b, c }).of('b').join()).toBe(to);
    }
  });

  test('a node that is no validator: what it sends unsigned goes to those whom it does not hear', () => {
    const lacks = { b: [], c: [], x: ['a', 'c'] };
    expect(node('a', lacks).from('x')).toEqual(['c']);
    // And to it goes what it does not hear.
    expect(node('b', { a: [], c: [], x: ['a', 'c'] }).of('c')).toEqual(['x']);
  });

  test('an endless list is what no honest peer sends', () => {
    const { relaying, peers } = node('a', { b: [] });
    const peer = [...peers.all][0]!;
    expect(relaying.onLinks(peer, new Array<string>(MAX_VALIDATORS + 1).fill('c'))).toBe(false);
    const hand = new NodeByHand().start().meetAll();
    hand.hear(1, { type: 'links', lacks: new Array<string>(MAX_VALIDATORS + 1).fill('c') });
    expect(hand.drops.length).toBe(1);
  });
});

describe('what a node tells of its links', () => {
  const linksTo = (hand: NodeByHand, place: number) =>
    hand.done.flatMap(one =>
      one.effect === 'send' && one.to === hand.connections.get(place) && one.message.type === 'links'
        ? [one.message.lacks]
        : [],
    );

  test('whom it lacks, once to each, and again only when that changes', () => {
    const hand = new NodeByHand().start();
    hand.meet(1);
    hand.meet(2);
    hand.fire('links');
    for (const place of [1, 2]) expect(linksTo(hand, place)).toEqual([[hand.addresses[3]!]]);
    hand.done.length = 0;
    hand.meet(3);
    hand.fire('links');
    for (const place of [1, 2]) expect(linksTo(hand, place)).toEqual([[]]);
    // That nobody is lacking goes without saying.
    expect(linksTo(hand, 3)).toEqual([]);
  });

  test('nothing, where it is connected with all', () => {
    const hand = new NodeByHand().start().meetAll().begin();
    if (hand.timers.has('links')) hand.fire('links');
    expect(hand.sent.filter(one => one.type === 'links')).toEqual([]);
  });
});

interface Figures {
  readonly net: ValidatorNet;
  readonly secondsPerBlock: number;
  readonly votesPerBlock: number;
  readonly proposalsPerBlock: number;
  /** How often somebody asked for a block that others had decided. */
  readonly fetches: number;
}

/** What a network needs for a block, once connections stand. `latency`: 50 ms; a block a second and what it takes. */
function measure(options: NetOptions, from = 10, seconds = 30): Figures {
  const net = new ValidatorNet(options);
  let votes = 0;
  let proposals = 0;
  let fetches = 0;
  net.onMessage.push((_, message, now) => {
    if (now < from * SECOND) return;
    if (message.type === 'getBlock') fetches += 1;
    else if (message.type === 'votes') votes += message.votes.length;
    else if (message.type === 'proposal') proposals += 1;
  });
  net.run(from * SECOND);
  const before = Math.min(...net.heights);
  net.run((from + seconds) * SECOND);
  const blocks = Math.min(...net.heights) - before;
  expect(net.halted).toEqual([]);
  expect(net.disagreements).toEqual([]);
  expect(net.doubleSigned).toEqual([]);
  return {
    net,
    secondsPerBlock: seconds / blocks,
    votesPerBlock: votes / blocks,
    proposalsPerBlock: proposals / blocks,
    fetches,
  };
}

const equal = (size: number): number[] => new Array<number>(size).fill(10);
const mesh = (i: number): number[] => Array.from({ length: i }, (_, j) => j);
const star = (i: number): number[] => (i === 0 ? [] : [0]);
const ring = (size: number) => (i: number) => [(i + 1) % size];
/** Everybody but 0 and 1 is connected with everybody. */
const missingOne = (i: number): number[] => mesh(i).filter(j => i !== 1 || j !== 0);

describe('a whole network', () => {
  test.each([4, 7, 13])('of %i, all connected: every vote and proposal once to each', size => {
    const { votesPerBlock, proposalsPerBlock, secondsPerBlock } = measure({ stakes: equal(size) });
    expect(secondsPerBlock).toBeLessThan(1.2);
    // Two votes of each to each; what is on its way at either end of the time measured is the rest.
    expect(votesPerBlock).toBeLessThan(2.1 * size * (size - 1));
    expect(proposalsPerBlock).toBeLessThan(1.1 * (size - 1));
  });

  test('of which one is down: nothing comes twice for that', () => {
    const faults: Fault[] = [{ kind: 'crash', target: 'validator-3', at: 3 * SECOND, for: 1_000 * SECOND }];
    const net = new ValidatorNet({ stakes: equal(4), faults });
    const seen = new Map<string, number>();
    net.onMessage.push((node, message, now) => {
      if (now < 5 * SECOND || message.type !== 'proposal') return;
      const key = `${node}/${message.proposal.height}/${message.proposal.round}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    });
    net.run(60 * SECOND);
    expect(seen.size).toBeGreaterThan(30);
    expect(Math.max(...seen.values())).toBe(1);
  });

  test.each([
    ['a star of 5', 5, star, 1.45],
    ['a star of 20', 20, star, 1.45],
    ['a ring of 9', 9, ring(9), 1.7],
    ['four with one link missing', 4, missingOne, 1.25],
    ['thirteen with one link missing', 13, missingOne, 1.25],
  ] as const)('%s decides as fast as messages travel, and nobody asks for what it missed', (_, size, dials, most) => {
    const { net, secondsPerBlock, votesPerBlock, fetches } = measure({ stakes: equal(size), dials, load: 1 });
    expect(secondsPerBlock).toBeLessThan(most);
    expect(net.observed.filter(one => one.metric === 'consensus/round')).toEqual([]);
    // Each vote to each node, and along links that close a circle once more.
    expect(votesPerBlock).toBeLessThan(2 * size * (size - 1) * 1.35);
    expect(fetches).toBe(0);
  });

  test('one link is cut while all runs: a few heights ask, until the cut is noticed', () => {
    const faults: Fault[] = [
      { kind: 'cut', from: 'validator-0', to: 'validator-1', at: 5 * SECOND, for: 1_000 * SECOND },
    ];
    // Connections over a cut link are given up after fifteen seconds.
    const { secondsPerBlock, net } = measure({ stakes: equal(7), faults, load: 1 }, 25, 30);
    expect(secondsPerBlock).toBeLessThan(1.25);
    expect(Math.min(...net.heights)).toBeGreaterThan(35);
  });

  test('transactions reach every proposer of a star, each node once', () => {
    const included = new Set<number>();
    let relays = 0;
    const net = new ValidatorNet({
      stakes: equal(6),
      dials: star,
      load: 3,
      onBlock: (_, { transactions }) => {
        for (const { body } of transactions) included.add(body.nonce);
      },
    });
    net.onMessage.push((_, message) => (relays += message.type === 'relay' ? 1 : 0));
    net.run(30 * SECOND);
    expect(included.size).toBeGreaterThan(60);
    // The client gives it to all six at once: five tell the middle, the middle all five, and passes nothing on.
    expect(relays / included.size).toBeLessThan(11);
  });
});

describe('peers that say what is not so', () => {
  const liar = (index: number, says: (message: Wire) => Wire | null): Partial<NetOptions> => ({
    wrap: (i: number, node: Node) => (i === index ? new LyingNode(node, { says }) : node),
  });
  const claims = (lacks: readonly string[]) => (message: Wire) =>
    message.type === 'links' ? { ...message, lacks } : message;

  test('who claims to hear everybody, in a star, costs itself time and nobody else', () => {
    const { net, secondsPerBlock } = measure({ stakes: equal(5), dials: star, load: 1, ...liar(4, claims([])) });
    expect(secondsPerBlock).toBeLessThan(2.2);
    expect(Math.max(...net.heights) - Math.min(...net.heights)).toBeLessThanOrEqual(1);
  });

  test('the middle of a star that says it hears nobody, or everybody: all go on', () => {
    const addresses = new ValidatorNet({ stakes: equal(5) }).addresses;
    for (const lacks of [[], addresses.slice(1)]) {
      const { net } = measure({ stakes: equal(5), dials: star, load: 1, ...liar(0, claims(lacks)) });
      expect(Math.min(...net.heights)).toBeGreaterThan(15);
    }
  });

  test('all who could pass on around a missing link claim to, and none does: who lacks it asks, and all go on', () => {
    // Two of the four bridges at a time stand before an honest one and send nothing that is not their own.
    const net0 = new ValidatorNet({ stakes: equal(4) });
    const own =
      (i: number) =>
      (message: Wire): Wire | null => {
        if (message.type !== 'votes') return message;
        const votes = message.votes.filter(vote => vote.validator === net0.addresses[i]);
        return votes.length === 0 ? null : { ...message, votes };
      };
    const { net, secondsPerBlock } = measure({
      stakes: [10, 10, 10, 10, 10, 10, 10],
      dials: missingOne,
      load: 1,
      wrap: (i, node) => (i === 2 || i === 3 ? new LyingNode(node, { says: own(i) }) : node),
    });
    expect(secondsPerBlock).toBeLessThan(1.6);
    expect(Math.max(...net.heights) - Math.min(...net.heights)).toBeLessThanOrEqual(1);
  });

  test('who claims to lack everybody is sent no more than others, because these say that they hear it', () => {
    const { addresses } = new ValidatorNet({ stakes: equal(7) });
    // It has nothing true to tell, so that this goes in the place of what it asks for when it proposes.
    const says = (message: Wire): Wire =>
      message.type === 'inventory' ? { type: 'links', lacks: addresses } : message;
    let told = 0;
    const { votesPerBlock, secondsPerBlock } = measure({
      stakes: equal(7),
      load: 1,
      ...liar(3, message => {
        const said = says(message);
        told += said.type === 'links' ? 1 : 0;
        return said;
      }),
    });
    expect(told).toBeGreaterThan(0);
    expect(secondsPerBlock).toBeLessThan(1.25);
    expect(votesPerBlock).toBeLessThan(2.1 * 7 * 6);
  });
});
