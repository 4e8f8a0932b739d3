/**
 * What a node remembers has bounds, whoever tries to fill it; and what it remembers of offences, of votes and of
 * proposals alike, is reported by the next block that it makes, and punished.
 */
import { describe, expect, test } from 'vitest';
import type { Effects } from '../../../src/actors/actor.ts';
import { Dialer } from '../../../src/actors/validator/dialer.ts';
import { EvidencePool } from '../../../src/actors/validator/evidence-pool.ts';
import { cutIntoParts } from '../../../src/actors/validator/parts.ts';
import { MAX_PEERS } from '../../../src/actors/validator/peers.ts';
import type { Wire } from '../../../src/actors/wire.ts';
import { addressOf } from '../../../src/protocol/codec/address.ts';
import { keyedHashScheme } from '../../../src/protocol/codec/signature.ts';
import { type Evidence, evidenceOfProposals, evidenceOfVotes } from '../../../src/protocol/consensus/evidence.ts';
import { MAX_VALIDATORS, type Vote } from '../../../src/protocol/consensus/types.ts';
import { keysOf } from '../../support/validator-net.ts';
import { NodeByHand, type Offered } from './by-hand.ts';
import { lastCommit, live } from './living.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const PIECE = 128 * 1024;

function twoVotes(hand: NodeByHand, place: number, height: number): Evidence {
  const [left, right] = [A, B].map(value => hand.vote(place, 'precommit', 0, value, { height }));
  return evidenceOfVotes(left!, right!)!;
}

/** Proposals of the height that the hand stands at. */
function twoProposals(hand: NodeByHand, place: number): Evidence {
  const [left, right] = [A, B].map(value => hand.proposal(place, 0, { ...offered(1), value }));
  return evidenceOfProposals(left!, right!)!;
}

/** Bytes that are no block, in so many parts. */
function offered(parts: number): Offered {
  const bytes = new Uint8Array(parts * PIECE);
  return { block: null as never, value: A, ...cutIntoParts(A, bytes) };
}

describe('offences that a validator knows of', () => {
  const reportsOf = (hand: NodeByHand, pool: EvidencePool) =>
    pool.reports(hand.node.chain, hand.addresses[0]!, keysOf('validator-0'), keyedHashScheme);

  test.each(['votes', 'proposals'] as const)(
    'two %s: it reports them in its block, they are punished, and it is quiet',
    what => {
      const hand = new NodeByHand().start().meetAll();
      const accused = what === 'proposals' ? twoProposals(hand, 2) : null;
      live(hand, 3);
      const { chain } = hand.node;
      const pool = new EvidencePool();
      pool.add(accused ?? twoVotes(hand, 2, 2));
      pool.settle(chain.state);
      const reports = reportsOf(hand, pool);
      expect(reports.map(tx => tx.body.message.type)).toEqual(['SubmitEvidence']);
      const block = chain.propose(chain.timeAfter(lastCommit(hand)), hand.addresses[0]!, reports, lastCommit(hand));
      const result = chain.apply(block);
      expect(result.receipts.map(one => one.code)).toEqual(['']);
      expect(chain.state.candidates.get(hand.addresses[2]!)?.tombstoned).toBe(true);
      expect(result.events.filter(one => one.type === 'OffencePunished').length).toBe(1);
      pool.settle(chain.state);
      expect(pool.size).toBe(0);
      expect(reportsOf(hand, pool)).toEqual([]);
    },
  );

  test('whatever a peer sends of it: votes and proposals that contradict each other become a report', () => {
    const index = new NodeByHand().proposer(3);
    for (const what of ['votes', 'proposals'] as const) {
      const hand = new NodeByHand({ index }).start().meetAll().begin();
      const others = [0, 1, 2, 3].filter(place => place !== index);
      const liar = hand.proposer(0);
      const block = hand.firstBlock(liar);
      hand.hearOffer(liar, 0, block);
      if (what === 'votes') hand.hearVotes([liar], 'prevote', 0, B);
      else
        hand.hear(others.find(place => place !== liar)!, {
          type: 'proposal',
          proposal: hand.proposal(liar, 0, { ...block, value: B }),
        });
      hand.hearVotes(others, 'prevote', 0, block.value);
      hand.hearVotes(others, 'precommit', 0, block.value);
      expect(hand.node.chain.height).toBe(1);
      const next = hand.node.propose(lastCommit(hand));
      expect(next.transactions.map(tx => tx.body.message.type)).toEqual(['SubmitEvidence']);
      expect(next.transactions.map(tx => tx.body.message)).toMatchObject([
        { evidence: { kind: what === 'votes' ? 'duplicate-vote' : 'duplicate-proposal' } },
      ]);
    }
  });

  test('one for each offender, the earliest; no more offenders than a set can have, nor reports than a block needs', () => {
    const hand = live(new NodeByHand().start().meetAll(), 3);
    const pool = new EvidencePool();
    for (const height of [3, 1, 2]) pool.add(twoVotes(hand, 2, height));
    expect(reportsOf(hand, pool).map(tx => tx.body.message)).toMatchObject([{ evidence: { first: { height: 1 } } }]);
    const one = twoVotes(hand, 2, 1) as Extract<Evidence, { kind: 'duplicate-vote' }>;
    const by = (validator: string, vote: Vote): Vote => ({ ...vote, validator });
    for (let i = 0; i < MAX_VALIDATORS + 50; i++) {
      const offender = addressOf(keysOf(`offender-${i}`).publicKey);
      pool.add({ ...one, first: by(offender, one.first), second: by(offender, one.second) });
    }
    expect(pool.size).toBe(MAX_VALIDATORS);
    expect(reportsOf(hand, pool).length).toBe(64);
  });
});

describe('peers', () => {
  test('beyond the largest number are turned away; who is there stays', () => {
    const hand = new NodeByHand().start().meetAll();
    const hello: Wire = { type: 'hello', chainId: 'net', validator: '', height: 0 };
    const call = (connection: number): void => {
      hand.give({ kind: 'connected', connection, peer: `stranger-${connection}`, inbound: true });
      hand.give({ kind: 'message', connection, from: `stranger-${connection}`, message: hello });
    };
    for (let i = 0; i < MAX_PEERS - 3; i++) call(1_000 + i);
    expect(hand.done.filter(one => one.effect === 'disconnect')).toEqual([]);
    hand.done.length = 0;
    call(9_999);
    expect(hand.done.filter(one => one.effect === 'disconnect')).toEqual([{ effect: 'disconnect', to: 9_999 }]);
    expect(hand.sent).toEqual([]);
    // One goes, one may come.
    hand.give({ kind: 'disconnected', connection: 1_000, peer: 'stranger-1000', reason: 'gone' });
    hand.done.length = 0;
    call(10_000);
    expect(hand.sent.map(one => one.type)).toEqual(['hello']);
  });

  test('that were banned are remembered, but not without end', () => {
    const dialer = new Dialer([]);
    const nowhere = new Proxy({} as Effects<Wire>, { get: () => () => {} });
    for (let i = 0; i < 5_000; i++) dialer.ban(`liar-${i}`, i, nowhere);
    expect(dialer.isBanned('liar-4999', 5_000)).toBe(true);
    expect(dialer.isBanned('liar-2000', 5_000)).toBe(true);
    expect(dialer.isBanned('liar-0', 5_000)).toBe(false);
    // Those whose time is over make room first.
    dialer.ban('late', 70_000_000, nowhere);
    expect(dialer.isBanned('liar-4999', 5_000)).toBe(false);
  });
});

describe('what is of the next height', () => {
  /** Hears an offer of the second height while the first goes on, and says whether it is whole when that begins. */
  function isHeldWhole(parts: number): boolean {
    const index = new NodeByHand().proposer(3);
    const hand = new NodeByHand({ index }).start().meetAll().begin();
    const others = [0, 1, 2, 3].filter(place => place !== index);
    const early = offered(parts);
    const { value, root } = early;
    // Whose turn it will be is not asked: one of these counts.
    for (const place of others) {
      const proposal = hand.signedProposal(place, { ...hand.proposal(place, 0, early), height: 2 });
      hand.hear(others[0]!, { type: 'proposal', proposal });
    }
    for (const part of early.parts) hand.hear(others[0]!, { type: 'part', height: 2, value, root, part });
    const first = hand.proposer(0);
    const block = hand.firstBlock(first);
    hand.hearOffer(first, 0, block);
    hand.hearVotes(others, 'prevote', 0, block.value);
    hand.hearVotes(others, 'precommit', 0, block.value);
    expect(hand.node.chain.height).toBe(1);
    expect(hand.drops).toEqual([]);
    return hand.done.some(one => one.effect === 'observe' && one.metric === 'consensus/spoiled-block');
  }

  test('is held within 16 MiB a peer', () => {
    expect(isHeldWhole(2)).toBe(true);
    expect(isHeldWhole(128)).toBe(true);
    expect(isHeldWhole(129)).toBe(false);
  });
});
