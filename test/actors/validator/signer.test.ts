/**
 * What a validator signs, and when that may be seen. Points of the consensus sheet: 11 (stale timers), 14 (a record without its
 * log), 15 (a restarted proposer), 16 (durable before visible).
 */
import { describe, expect, test } from 'vitest';
import { SIGNER_KEY, Signer } from '../../../src/actors/validator/signer.ts';
import { payAndSign } from '../../../src/protocol/chain/transaction.ts';
import { addressOf } from '../../../src/protocol/codec/address.ts';
import { sha256 } from '../../../src/protocol/codec/sha256.ts';
import { keyedHashScheme } from '../../../src/protocol/codec/signature.ts';
import { NO_ROUND, valueIdOf } from '../../../src/protocol/consensus/types.ts';
import { keysOf } from '../../support/validator-net.ts';
import { EMPTY_DISK, NodeByHand } from './by-hand.ts';

const ADDRESS = addressOf(keysOf('validator-0').publicKey);
const [A, B] = ['a', 'b'].map(text => valueIdOf(sha256(new TextEncoder().encode(text)))) as [string, string];
const newSigner = (): Signer => new Signer(ADDRESS, 'net', keysOf('validator-0'), keyedHashScheme);

function voteBody(round: number, kind: 'prevote' | 'precommit', value: string | null, time = 10, height = 5) {
  return { kind, height, round, value, time };
}

function proposalBody(round: number, value: string, polRound = NO_ROUND) {
  return { height: 5, round, polRound, value, parts: 1, partsRoot: sha256(new Uint8Array()) };
}

/** What a signer puts into the store. */
function savedBy(signer: Signer): Uint8Array | null {
  const hand = new NodeByHand();
  return signer.save(hand) ? hand.disk.store.get(SIGNER_KEY)! : null;
}

describe('[point 14] the signer', () => {
  test('signs the same statement again with the same signature', () => {
    const signer = newSigner();
    const first = signer.signVote(voteBody(0, 'prevote', A))!;
    expect(signer.signVote(voteBody(0, 'prevote', A))).toEqual(first);
    const offered = signer.signProposal(proposalBody(1, A))!;
    expect(signer.signProposal(proposalBody(1, A))).toEqual(offered);
  });

  test('where only the time differs, the earlier vote is the answer, with its time', () => {
    const signer = newSigner();
    const first = signer.signVote(voteBody(0, 'precommit', A, 10))!;
    const again = signer.signVote(voteBody(0, 'precommit', A, 999))!;
    expect(again).toEqual(first);
    expect(again.time).toBe(10);
  });

  test('does not sign another value for a step, nor nil', () => {
    const signer = newSigner();
    signer.signVote(voteBody(2, 'prevote', A));
    expect(signer.signVote(voteBody(2, 'prevote', B))).toBeNull();
    expect(signer.signVote(voteBody(2, 'prevote', null))).toBeNull();
    expect(signer.signVote(voteBody(2, 'prevote', A))).not.toBeNull();
  });

  test('does not sign another proposal for a round, nor the same value with another proof-of-lock round', () => {
    const signer = newSigner();
    signer.signProposal(proposalBody(2, A));
    expect(signer.signProposal(proposalBody(2, B))).toBeNull();
    expect(signer.signProposal(proposalBody(2, A, 1))).toBeNull();
  });

  test('never goes back: round before height, step before round', () => {
    const signer = newSigner();
    signer.signVote(voteBody(2, 'prevote', A));
    expect(signer.signProposal(proposalBody(2, A))).toBeNull();
    expect(signer.signVote(voteBody(1, 'precommit', A))).toBeNull();
    expect(signer.signVote(voteBody(9, 'precommit', A, 10, 4))).toBeNull();
    expect(signer.signVote(voteBody(2, 'precommit', null))).not.toBeNull();
    expect(signer.signVote(voteBody(2, 'prevote', A))).toBeNull();
    expect(signer.signVote(voteBody(0, 'prevote', B, 10, 6))).not.toBeNull();
    expect(signer.signVote(voteBody(3, 'prevote', B, 10, 5))).toBeNull();
  });

  test('a refusal does not change what is recorded', () => {
    const signer = newSigner();
    const first = signer.signVote(voteBody(1, 'prevote', A))!;
    savedBy(signer);
    signer.signVote(voteBody(1, 'prevote', B));
    signer.signVote(voteBody(0, 'precommit', B));
    expect(savedBy(signer)).toBeNull();
    expect(signer.signVote(voteBody(1, 'prevote', A))).toEqual(first);
  });

  test('the record restores all of it', () => {
    const before = newSigner();
    const first = before.signVote(voteBody(3, 'precommit', A, 77))!;
    const record = savedBy(before)!;
    const after = newSigner();
    after.restore(record);
    expect(after.signVote(voteBody(3, 'precommit', B))).toBeNull();
    expect(after.signVote(voteBody(3, 'prevote', A))).toBeNull();
    expect(after.signVote(voteBody(3, 'precommit', A, 5_000))).toEqual(first);
    expect(after.signVote(voteBody(4, 'prevote', B))).not.toBeNull();
  });

  test('the record is saved once for each new statement', () => {
    const signer = newSigner();
    expect(savedBy(signer)).toBeNull();
    signer.signVote(voteBody(0, 'prevote', A));
    expect(savedBy(signer)).not.toBeNull();
    signer.signVote(voteBody(0, 'prevote', A, 99));
    expect(savedBy(signer)).toBeNull();
    signer.signVote(voteBody(0, 'precommit', A));
    expect(savedBy(signer)).not.toBeNull();
  });

  test('a damaged record is an error', () => {
    const signer = newSigner();
    signer.signVote(voteBody(0, 'prevote', A));
    const record = savedBy(signer)!;
    expect(() => newSigner().restore(record.subarray(0, record.length - 1))).toThrow();
  });
});

/** A place that does not propose in the first three rounds, and the one that does first. */
function follower(): { readonly index: number; readonly proposer: number; readonly others: readonly number[] } {
  const proposer = new NodeByHand().proposer(0);
  const index = new NodeByHand().proposer(3);
  return { index, proposer, others: [0, 1, 2, 3].filter(place => place !== index) };
}

describe('a restarted validator', () => {
  test('[point 14] with a record but without its log, it does not contradict itself, and goes on', () => {
    const { index, proposer, others } = follower();
    const first = new NodeByHand({ index }).start().meetAll().begin();
    const [one, two] = [first.firstBlock(proposer), first.firstBlock(index)];
    first.hearOffer(proposer, 0, one);
    expect(first.said).toEqual([`prevote 0 ${one.value.slice(0, 8)}`]);

    // The log is gone; an equivocator offers another block.
    const disk = { ...EMPTY_DISK, store: first.durableDisk.store };
    const second = new NodeByHand({ index, disk }).start().meetAll().begin();
    second.hearOffer(proposer, 0, two);
    expect(second.said).toEqual([]);
    second.hearVotes(others, 'prevote', 0, two.value);
    expect(second.said).toEqual([`precommit 0 ${two.value.slice(0, 8)}`]);
    second.hearVotes(others, 'precommit', 0, two.value);
    expect(second.node.chain.height).toBe(1);
    expect(second.halts).toEqual([]);
  });

  test('takes up its lock and its votes from the log: no other value has its prevote', () => {
    const { index, proposer, others } = follower();
    const first = new NodeByHand({ index }).start().meetAll().begin();
    const [one, two] = [first.firstBlock(proposer), first.firstBlock(index)];
    first.hearOffer(proposer, 0, one);
    first.hearVotes(others.slice(0, 2), 'prevote', 0, one.value);
    expect(first.said).toEqual([`prevote 0 ${one.value.slice(0, 8)}`, `precommit 0 ${one.value.slice(0, 8)}`]);

    const second = new NodeByHand({ index, disk: first.durableDisk }).start().meetAll();
    second.hearVotes(others, 'precommit', 0, null);
    second.fire('round/precommit/1/0');
    second.hearOffer(second.proposer(1), 1, two);
    expect(second.said).toEqual(['prevote 1 nil']);
    // The lock is on what was precommitted: when that comes back with its polka, it has the prevote.
    second.hearVotes(others, 'precommit', 1, null);
    second.fire('round/precommit/1/1');
    second.hearOffer(second.proposer(2), 2, one, 0);
    expect(second.said).toEqual(['prevote 1 nil', `prevote 2 ${one.value.slice(0, 8)}`]);
  });

  test('[point 15] as a proposer it offers what it offered before, whatever it has heard since', () => {
    const index = new NodeByHand().proposer(0);
    const stranger = (index + 1) % 4;
    const first = new NodeByHand({ index }).start().meetAll();
    const transfer = (nonce: number) => {
      const keys = keysOf('payer');
      const message = { type: 'Transfer', to: ADDRESS, amount: 1n } as const;
      const body = { chainId: 'net', account: addressOf(keys.publicKey), nonce, grant: '', message };
      return payAndSign(first.node.chain.state.params, body, keys, keyedHashScheme);
    };
    // What waits here is in the block, and forgotten at a start: a new block would be another one.
    first.hear(stranger, { type: 'relay', tx: transfer(0) });
    first.begin();
    const [proposal] = first.proposals;
    expect(proposal).toBeDefined();

    const second = new NodeByHand({ index, disk: first.durableDisk }).start().meetAll();
    for (const nonce of [0, 1]) second.hear(stranger, { type: 'relay', tx: transfer(nonce) });
    second.begin();
    second.now += 1_000_000;
    const empty = { type: 'inventory', height: 1, round: 0, votes: [], proposals: [], values: [] } as const;
    second.hear(stranger, { ...empty, decided: false });
    expect(second.proposals.length).toBeGreaterThan(0);
    for (const again of second.proposals) expect(again).toEqual(proposal);
    const parts = (hand: NodeByHand) => hand.sent.filter(one => one.type === 'part').map(({ part }) => part.bytes);
    expect(parts(second)[0]).toEqual(parts(first)[0]);
    for (const vote of second.votes) expect(first.votes).toContainEqual(vote);
  });

  test('[point 16] what was never durable was never said: it may say otherwise', () => {
    const { index, proposer } = follower();
    const first = new NodeByHand({ index }).start();
    first.begin();
    // Nobody listens, so that nothing is synced.
    const one = first.firstBlock(proposer);
    first.meet(proposer);
    expect(first.sent.filter(each => each.type === 'votes')).toEqual([]);
    expect(first.durableDisk.store.has(SIGNER_KEY)).toBe(false);
    first.hearOffer(proposer, 0, one);
    expect(first.durableDisk.store.has(SIGNER_KEY)).toBe(true);
  });
});

describe('[point 11] timers', () => {
  test('those of another height, or of a round that is over, say nothing', () => {
    const { index, proposer, others } = follower();
    const hand = new NodeByHand({ index }).start().meetAll().begin();
    const block = hand.firstBlock(proposer);
    hand.hearOffer(proposer, 0, block);
    hand.hearVotes(others, 'prevote', 0, block.value);
    hand.hearVotes(others, 'precommit', 0, block.value);
    expect(hand.node.chain.height).toBe(1);
    hand.begin();
    const before = hand.votes.length;
    for (const kind of ['propose', 'prevote', 'precommit']) hand.fire(`round/${kind}/1/0`);
    for (const kind of ['propose', 'prevote', 'precommit']) hand.fire(`round/${kind}/1/7`);
    for (const kind of ['propose', 'prevote', 'precommit']) hand.fire(`round/${kind}/3/0`);
    for (const kind of ['prevote', 'precommit']) hand.fire(`round/${kind}/2/1`);
    expect(hand.votes.length).toBe(before);
    // The one that counts does count.
    if (hand.proposer(0) !== index) {
      hand.fire('round/propose/2/0');
      expect(hand.votes.at(-1)).toMatchObject({ height: 2, round: 0, kind: 'prevote', value: null });
    }
  });

  test('a decided height leaves none behind', () => {
    const { index, proposer, others } = follower();
    const hand = new NodeByHand({ index }).start().meetAll().begin();
    const block = hand.firstBlock(proposer);
    hand.hearOffer(proposer, 0, block);
    hand.hearVotes(others, 'prevote', 0, block.value);
    hand.hearVotes(others, 'precommit', 0, block.value);
    expect([...hand.timers.keys()].filter(id => String(id).startsWith('round/1'))).toEqual([]);
    expect([...hand.timers.keys()].filter(id => /^round\/\w+\/1\//.test(String(id)))).toEqual([]);
  });
});
