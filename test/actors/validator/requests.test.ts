import { describe, expect, it } from 'vitest';
import type { NodeReport, NodeRequest } from '../../../src/actors/validator/requests.ts';
import type { Wire } from '../../../src/actors/wire.ts';
import { payAndSign, Transaction } from '../../../src/protocol/chain/transaction.ts';
import { keyedHashScheme } from '../../../src/protocol/codec/signature.ts';
import { keysOf } from '../../support/validator-net.ts';
import { NodeByHand } from './by-hand.ts';

/** A node whose answers are kept. */
class Asked extends NodeByHand {
  readonly answers: unknown[] = [];
  override reply(_id?: number, answer?: unknown): void {
    this.answers.push(answer);
  }
  request(request: NodeRequest): unknown {
    this.give({ kind: 'request', id: this.answers.length, request });
    return this.answers.at(-1);
  }
  transfer(nonce: number): NodeRequest {
    const account = this.addresses[0]!;
    const message = { type: 'Transfer', to: this.addresses.at(-1)!, amount: 1n } as const;
    const body = { chainId: 'net', account, nonce, grant: '', message };
    const { params } = this.node.chain.state;
    return { type: 'submit', tx: payAndSign(params, body, keysOf('validator-0'), keyedHashScheme) };
  }
}

describe('what is asked of a node', () => {
  it('a transaction is taken in, passed on, and taken in once', () => {
    const hand = new Asked().start().meetAll() as Asked;
    expect(hand.request(hand.transfer(0))).toEqual({ ok: true });
    expect(hand.request(hand.transfer(0))).toEqual({ ok: true });
    expect(hand.node.report().mempool.count).toBe(1);
    expect(hand.node.report().mempool.bytes).toBeGreaterThan(100);
    expect(hand.sent.filter(one => one.type === 'relay')).toHaveLength(3);
  });

  it('or refused, with the reason', () => {
    const hand = new Asked().start() as Asked;
    expect(hand.request(hand.transfer(5))).toMatchObject({ ok: false, code: 'wrong_nonce' });
    expect((hand.answers.at(-1) as { detail: string }).detail).not.toBe('');
  });

  it('nothing is taken in before it knows the state', () => {
    const hand = new Asked();
    expect(hand.request(hand.transfer(0))).toMatchObject({ ok: false, code: 'not_ready' });
    expect(hand.node.report().isCatchingUp).toBe(true);
  });

  it('how it is', () => {
    const hand = new Asked({ node: { dials: ['validator-1', 'far'] } }).start() as Asked;
    hand.meet(1, 9);
    hand.meet(2, 0);
    expect(hand.request({ type: 'status' })).toEqual({
      height: 0,
      validator: hand.addresses[0]!,
      round: 0,
      isCatchingUp: true,
      peers: [
        { name: 'validator-1', isConnected: true, height: 9 },
        { name: 'far', isConnected: false, height: null },
        { name: 'validator-2', isConnected: true, height: 0 },
      ],
      mempool: { count: 0, bytes: 0 },
    } satisfies NodeReport);
  });

  it('a peer of another network is none, though its chain is called the same', () => {
    const hand = new Asked({ node: { network: 'a-hash' } }).start() as Asked;
    hand.meet(1);
    expect(hand.done).toContainEqual({ effect: 'disconnect', to: 101 });
    // Whoever calls is told why, before it is sent away.
    expect(hand.sent).toMatchObject([{ type: 'hello', chainId: 'a-hash' }]);
    expect(hand.done).toContainEqual({ effect: 'observe', metric: 'node/other-network', label: 'validator-1' });
    expect(hand.node.report().peers).toEqual([]);
    // Whom it called itself, it leaves alone for a while, and then calls again.
    const caller = new Asked({ node: { network: 'a-hash', dials: ['validator-2'] } }).start() as Asked;
    caller.give({ kind: 'connected', connection: 7, peer: 'validator-2', inbound: false });
    expect(caller.node.report().peers).toMatchObject([{ isConnected: true }]);
    const hello = { type: 'hello', chainId: 'net', validator: '', height: 0 } as const;
    caller.give({ kind: 'message', connection: 7, from: 'validator-2', message: hello });
    expect(caller.node.report().peers).toMatchObject([{ isConnected: false }]);
    expect(caller.timers.get('dial/validator-2')).toBeGreaterThan(caller.now + 10_000_000);
    const same = new Asked({ node: { network: 'net' } }).start() as Asked;
    same.meet(1);
    expect(same.node.report().peers).toHaveLength(1);
    expect(same.sent[0]).toMatchObject({ type: 'hello', chainId: 'net' });
  });
});

describe('what others want of a node', () => {
  const forgedOf = (hand: Asked): Transaction => {
    const request = hand.transfer(0);
    if (request.type !== 'submit') throw new Error('a transfer is a transaction');
    const { body, key, signedBytes } = request.tx;
    return new Transaction(body, key, new Uint8Array(64), signedBytes);
  };
  const observed = (hand: Asked): unknown[] => hand.done.filter(one => one.effect === 'observe');

  it('a transaction that is forged is refused, and said by whom', () => {
    const hand = new Asked().start() as Asked;
    hand.give({ kind: 'connected', connection: 7, peer: 'mallory', inbound: true });
    hand.give({ kind: 'message', connection: 7, from: 'mallory', message: { type: 'submit', tx: forgedOf(hand) } });
    expect(hand.sent).toMatchObject([{ type: 'refused', code: 'bad_signature' }]);
    expect(observed(hand)).toEqual([
      { effect: 'observe', metric: 'peer/refused', label: 'mallory: Transfer: bad_signature' },
    ]);
    expect(hand.node.report().mempool.count).toBe(0);
  });

  it('who passes a forged one on is dropped; who passes on what is only late is not', () => {
    const hand = new Asked().start().meetAll() as Asked;
    const late = hand.transfer(5);
    if (late.type === 'submit') hand.hear(1, { type: 'relay', tx: late.tx });
    expect(hand.node.report().peers).toHaveLength(3);
    hand.hear(2, { type: 'relay', tx: forgedOf(hand) });
    expect(hand.node.report().peers).toHaveLength(2);
    const label = 'validator-2: a transaction with a signature that does not hold';
    expect(observed(hand)).toEqual([{ effect: 'observe', metric: 'node/dropped', label }]);
    expect(hand.sent.filter(one => one.type === 'relay')).toEqual([]);
  });

  it('who says what is not for a node is sent away, and said by whom', () => {
    const hand = new Asked().start() as Asked;
    hand.give({ kind: 'connected', connection: 7, peer: 'mallory', inbound: true });
    hand.give({ kind: 'message', connection: 7, from: 'mallory', message: { type: 'votes', votes: [] } });
    expect(hand.done).toContainEqual({ effect: 'disconnect', to: 7 });
    expect(observed(hand)).toEqual([{ effect: 'observe', metric: 'peer/turned-away', label: 'mallory: votes' }]);
  });

  it('who was sent away is forgotten, with all that it followed', () => {
    const hand = new Asked({ stakes: [10] }).start() as Asked;
    const say = (connection: number, message: Wire) =>
      hand.give({ kind: 'message', connection, from: 'mallory', message });
    const topics = [`account/${hand.addresses[0]}`];
    for (const connection of [7, 8]) {
      hand.give({ kind: 'connected', connection, peer: 'mallory', inbound: true });
      say(connection, { type: 'subscribe', topics });
    }
    say(8, { type: 'refused', account: '', nonce: 0, code: '', detail: '' });
    hand.request(hand.transfer(0));
    hand.fire('height');
    const told = hand.done.flatMap(one => (one.effect === 'send' && one.message.type === 'events' ? [one.to] : []));
    expect(told).toEqual([7]);
  });

  it('a connection follows no more topics than it may', () => {
    const hand = new Asked().start() as Asked;
    hand.give({ kind: 'connected', connection: 7, peer: 'mallory', inbound: true });
    const subscribe = (first: number): void => {
      const topics = Array.from({ length: 256 }, (_, i) => `account/${first + i}`);
      hand.give({ kind: 'message', connection: 7, from: 'mallory', message: { type: 'subscribe', topics } });
    };
    for (let i = 0; i < 4; i++) subscribe(256 * i);
    subscribe(0);
    expect(observed(hand)).toEqual([]);
    subscribe(1_024);
    const label = 'mallory: subscribe to more topics than a connection may';
    expect(observed(hand)).toEqual([{ effect: 'observe', metric: 'peer/turned-away', label }]);
    expect(hand.done).toContainEqual({ effect: 'disconnect', to: 7 });
  });

  it('claims of strangers about heights are left alone while there is a node that it was told of', () => {
    const hello = { type: 'hello', chainId: 'net', validator: '', height: 50 } as const;
    const ahead = { type: 'ahead', height: 1_000_000, oldest: 999_999 } as const;
    const asked = (knows: readonly string[]): string[] => {
      const hand = new Asked({ node: { knows } }).start() as Asked;
      hand.meet(1);
      hand.give({ kind: 'connected', connection: 7, peer: 'mallory', inbound: true });
      for (const message of [hello, ahead] as const)
        hand.give({ kind: 'message', connection: 7, from: 'mallory', message });
      return hand.sent.flatMap(one => (one.type === 'getBlock' || one.type === 'getSnapshot' ? [one.type] : []));
    };
    expect(asked(['validator-1'])).toEqual([]);
    // Where nobody else is there, it must do with strangers.
    expect(new Set(asked(['validator-3']))).toEqual(new Set(['getBlock', 'getSnapshot']));
  });

  it('claims of heights beyond reach keep it from nothing', () => {
    const hand = new Asked({ stakes: [10] }).start() as Asked;
    hand.fire('height');
    expect(hand.node.report().height).toBe(1);
    hand.give({ kind: 'connected', connection: 7, peer: 'mallory', inbound: true });
    const hello = { type: 'hello', chainId: 'net', validator: '', height: 0 } as const;
    hand.give({ kind: 'message', connection: 7, from: 'mallory', message: hello });
    const ahead = { type: 'ahead', height: 1_000_000, oldest: 999_999 } as const;
    hand.give({ kind: 'message', connection: 7, from: 'mallory', message: ahead });
    expect(hand.sent.at(-1)).toEqual({ type: 'getSnapshot' });
    expect(hand.request(hand.transfer(0))).toEqual({ ok: true });
  });
});
