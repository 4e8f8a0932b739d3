/**
 * What waits for a block: in the order of nonces, within bounds, each once, and dropped with a word to its sender when a
 * block made it impossible. And how it travels: never back to where it came from, and in time also when it is much.
 */
import { describe, expect, test } from 'vitest';
import { Mempool } from '../../../src/actors/validator/mempool.ts';
import type { Wire } from '../../../src/actors/wire.ts';
import { Chain } from '../../../src/protocol/chain/chain.ts';
import { payAndSign, signTransaction, type Transaction } from '../../../src/protocol/chain/transaction.ts';
import { addressOf } from '../../../src/protocol/codec/address.ts';
import { keyedHashScheme } from '../../../src/protocol/codec/signature.ts';
import { keysOf, ValidatorNet } from '../../support/validator-net.ts';
import { NodeByHand } from './by-hand.ts';

const CLIENT = 7;
const PAYEE = addressOf(keysOf('payee').publicKey);

interface Setup {
  readonly count?: number;
  readonly bytes?: number;
}

/** A chain of one validator, without commits, and a pool on it. */
function setup({ count = 1_000, bytes = 1 << 20 }: Setup = {}) {
  const { genesis } = new ValidatorNet({ stakes: [10] });
  const chain = new Chain({ genesis, scheme: keyedHashScheme, commitEvery: 1 });
  const pool = new Mempool(() => chain, { count, bytes });
  const transfer = (nonce: number, amount = 1n, from = 'payer'): Transaction => {
    const keys = keysOf(from);
    const account = addressOf(keys.publicKey);
    const to = account === PAYEE ? addressOf(keysOf('payer').publicKey) : PAYEE;
    const message = { type: 'Transfer', to, amount } as const;
    const body = { chainId: 'net', account, nonce, grant: '', message };
    return payAndSign(chain.state.params, body, keys, keyedHashScheme);
  };
  /** A block of these, whatever waits. */
  const include = (transactions: readonly Transaction[]) => {
    const block = chain.makeBlock(chain.time + 1_000_000, chain.validators.members[0]!.address, transactions);
    chain.apply(block);
    return pool.afterBlock(block.transactions);
  };
  return { chain, pool, transfer, include };
}

function codeOf(admission: ReturnType<Mempool['add']>): string {
  return typeof admission === 'string' ? admission : admission.code;
}

describe('admission', () => {
  test('takes the nonces of an account in order, and nothing beside', () => {
    const { pool, transfer } = setup();
    const gap = codeOf(pool.add(transfer(1), CLIENT));
    expect(gap).not.toBe('added');
    expect(pool.add(transfer(0), CLIENT)).toBe('added');
    expect(pool.add(transfer(1), CLIENT)).toBe('added');
    expect(codeOf(pool.add(transfer(3), CLIENT))).toBe(gap);
    expect(pool.add(transfer(2), CLIENT)).toBe('added');
    expect(pool.size).toBe(3);
    expect(pool.pick().map(({ body }) => body.nonce)).toEqual([0, 1, 2]);
  });

  test('knows again what waits, and not another one in its place', () => {
    const { pool, transfer } = setup();
    pool.add(transfer(0), CLIENT);
    expect(pool.add(transfer(0), null)).toBe('known');
    expect(codeOf(pool.add(transfer(0, 2n), CLIENT))).not.toMatch(/known|added/);
    expect(pool.size).toBe(1);
  });

  test('knows nothing any more of what was included: it is too late', () => {
    const { pool, transfer, include } = setup();
    pool.add(transfer(0), CLIENT);
    include([transfer(0)]);
    expect(pool.size).toBe(0);
    expect(codeOf(pool.add(transfer(0), CLIENT))).not.toMatch(/known|added/);
    expect(pool.add(transfer(1), CLIENT)).toBe('added');
  });

  test('is bounded in count, and has room again after a block', () => {
    const { pool, transfer, include } = setup({ count: 3 });
    for (const nonce of [0, 1, 2]) expect(pool.add(transfer(nonce), CLIENT)).toBe('added');
    expect(codeOf(pool.add(transfer(3), CLIENT))).toBe('mempool_full');
    expect(pool.add(transfer(1), CLIENT)).toBe('known');
    include([transfer(0)]);
    expect(pool.add(transfer(3), CLIENT)).toBe('added');
    expect(codeOf(pool.add(transfer(4), CLIENT))).toBe('mempool_full');
  });

  test('is bounded in bytes, to the byte, also after many came and went', () => {
    const { size } = setup().transfer(0);
    const { pool, transfer, include } = setup({ bytes: 3 * size });
    for (let nonce = 0; nonce < 90; nonce += 3) {
      for (const each of [0, 1, 2]) expect(pool.add(transfer(nonce + each), CLIENT)).toBe('added');
      expect(codeOf(pool.add(transfer(nonce + 3), CLIENT))).toBe('mempool_full');
      include([0, 1, 2].map(each => transfer(nonce + each)));
      expect(pool.size).toBe(0);
    }
  });

  test('refuses what execution would refuse: forged, poor, of another chain', () => {
    const { pool, transfer, chain } = setup();
    const forged = transfer(0);
    const other = { ...forged.body, chainId: 'other' };
    expect(codeOf(pool.add(signTransaction(other, keysOf('payer'), keyedHashScheme), CLIENT))).not.toBe('added');
    expect(codeOf(pool.add(signTransaction(forged.body, keysOf('payee'), keyedHashScheme), CLIENT))).not.toBe('added');
    expect(codeOf(pool.add(transfer(0, 1n, 'nobody'), CLIENT))).not.toBe('added');
    expect(chain.faultOfTransaction(forged, 0)).toBeNull();
    expect(pool.size).toBe(0);
  });

  test('an account gets no more in than its balance pays fees for', () => {
    const { pool, transfer, include, chain } = setup();
    const { fee } = transfer(0).body;
    include([transfer(0, 3n * fee)]);
    expect(chain.state.accounts.get(PAYEE)!.balance).toBe(3n * fee);
    for (const nonce of [0, 1, 2]) expect(pool.add(transfer(nonce, 1n, 'payee'), CLIENT)).toBe('added');
    expect(codeOf(pool.add(transfer(3, 1n, 'payee'), CLIENT))).not.toBe('added');
  });
});

describe('after a block', () => {
  test('what an emptied account can no longer pay for is dropped, and each sender is told', () => {
    const { pool, transfer, include } = setup();
    const { fee } = transfer(0).body;
    include([transfer(0, 4n * fee + fee / 2n)]);
    for (const nonce of [0, 1, 2]) pool.add(transfer(nonce, 1n, 'payee'), CLIENT + nonce);
    pool.add(transfer(1), CLIENT);
    // Another node's proposer included another transaction of this account, which spends nearly all of it.
    const dropped = include([transfer(0, 2n * fee, 'payee')]);
    expect(dropped.map(({ sender }) => sender)).toEqual([CLIENT + 2]);
    for (const { refusal } of dropped) expect(refusal.code).not.toBe('');
    expect(pool.pick().map(({ body }) => body.nonce)).toEqual([1, 1]);
  });

  test('another transaction in the place of a waiting one takes it away, and those behind it stay', () => {
    const { pool, transfer, include } = setup();
    for (const nonce of [0, 1, 2]) pool.add(transfer(nonce), CLIENT);
    include([transfer(0, 9n)]);
    expect(pool.pick().map(({ body }) => body.nonce)).toEqual([1, 2]);
  });

  test('accounts do not get into each other’s way', () => {
    const { pool, transfer, include } = setup();
    include([transfer(0, 1_000_000n)]);
    for (const nonce of [0, 1]) pool.add(transfer(nonce, 1n, 'payee'), CLIENT);
    for (const nonce of [1, 2]) pool.add(transfer(nonce), CLIENT);
    include([transfer(0, 1n, 'payee')]);
    expect(
      pool
        .pick()
        .map(({ body }) => body.nonce)
        .sort((a, b) => a - b),
    ).toEqual([1, 1, 2]);
    expect(pool.size).toBe(3);
  });

  test('a flood is taken in, and cleaned up after each block, in time that is bounded', { timeout: 60_000 }, () => {
    const { pool, transfer, include } = setup({ count: 100_000, bytes: 1 << 30 });
    const many = Array.from({ length: 20_000 }, (_, nonce) => transfer(nonce));
    const begin = performance.now();
    for (const tx of many) expect(pool.add(tx, null)).toBe('added');
    for (const tx of many) expect(pool.add(tx, null)).toBe('known');
    const added = performance.now() - begin;
    for (let at = 0; at < 1_000; at += 100) include(many.slice(at, at + 100));
    expect(pool.size).toBe(19_000);
    const took = performance.now() - begin;
    // An idle machine needs a tenth of this.
    expect(added).toBeLessThan(10_000);
    expect(took).toBeLessThan(20_000);
  });
});

describe('how transactions travel', () => {
  const relaysTo = (hand: NodeByHand): number[] =>
    hand.done.flatMap(one => (one.effect === 'send' && one.message.type === 'relay' ? [one.to] : []));

  function client(hand: NodeByHand, tx: Transaction): Wire[] {
    hand.give({ kind: 'connected', connection: CLIENT, peer: 'client', inbound: true });
    hand.done.length = 0;
    hand.give({ kind: 'message', connection: CLIENT, from: 'client', message: { type: 'submit', tx } });
    return hand.done.flatMap(one => (one.effect === 'send' && one.to === CLIENT ? [one.message] : []));
  }

  test('a client’s goes to all peers once; again, to nobody', () => {
    const { transfer } = setup();
    const hand = new NodeByHand().start().meetAll();
    expect(client(hand, transfer(0))).toEqual([]);
    expect(relaysTo(hand)).toEqual([...hand.connections.values()]);
    expect(client(hand, transfer(0))).toEqual([]);
    expect(relaysTo(hand)).toEqual([]);
  });

  test('what is refused is told to the client, and goes nowhere', () => {
    const { transfer } = setup();
    const hand = new NodeByHand().start().meetAll();
    expect(client(hand, transfer(5))).toMatchObject([{ type: 'refused', nonce: 5 }]);
    expect(relaysTo(hand)).toEqual([]);
  });

  test('a peer’s goes nowhere where all are connected, and never back where they are not', () => {
    const { transfer } = setup();
    const whole = new NodeByHand().start().meetAll();
    whole.hear(1, { type: 'relay', tx: transfer(0) });
    expect(relaysTo(whole)).toEqual([]);
    const partial = new NodeByHand().start();
    partial.meet(1);
    partial.meet(2);
    partial.hear(1, { type: 'links', lacks: [partial.addresses[2]!, partial.addresses[3]!] });
    partial.hear(2, { type: 'links', lacks: [partial.addresses[1]!, partial.addresses[3]!] });
    partial.hear(1, { type: 'relay', tx: transfer(0) });
    expect(relaysTo(partial)).toEqual([partial.connections.get(2)]);
    partial.hear(2, { type: 'relay', tx: transfer(0) });
    expect(relaysTo(partial).length).toBe(1);
  });

  test('in a ring, what is given to one node is in a block soon, and travels each link once or twice', () => {
    const included = new Set<number>();
    const net = new ValidatorNet({
      stakes: new Array<number>(6).fill(10),
      dials: i => [(i + 1) % 6],
      load: 5,
      onBlock: (_, block) => {
        for (const { body } of block.transactions) included.add(body.nonce);
      },
    });
    let relays = 0;
    net.onMessage.push((_, message) => (relays += message.type === 'relay' ? 1 : 0));
    net.run(40_000_000);
    expect(included.size).toBeGreaterThan(150);
    // The client gives it to all six; each tells its two neighbours.
    expect(relays / included.size).toBeLessThan(14);
  });
});
