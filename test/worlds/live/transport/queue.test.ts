/** The bound on what is under way: dropped beyond it, told once, and told again when there is room. */
import { EventEmitter } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_MESSAGE_BYTES } from '../../../../src/actors/actor.ts';
import { FramedSocket } from '../../../../src/worlds/live/transport/framed-socket.ts';
import { BYE, frameOf, MESSAGE, PING, PONG, TAKEN } from '../../../../src/worlds/live/transport/frames.ts';
import { MessageConnection } from '../../../../src/worlds/live/transport/message-connection.ts';
import { limitsOf } from '../../../../src/worlds/live/transport/options.ts';
import { heldBytes, Net, sleep, textOf, until } from './support.ts';

/** A socket from which nothing leaves. */
class StuckSocket extends EventEmitter {
  readonly written: Uint8Array[] = [];
  readonly callbacks: ((error: null) => void)[] = [];

  write(bytes: Uint8Array, callback?: (error: null) => void): void {
    this.written.push(bytes);
    if (callback !== undefined) this.callbacks.push(callback);
  }

  setNoDelay(): void {}
  cork(): void {}
  uncork(): void {}
  destroy(): void {
    this.emit('close');
  }
}

let net: Net;
beforeEach(() => {
  net = new Net();
});
afterEach(() => net.close());

function taken(messages: number, bytes: number): Uint8Array {
  const payload = new Uint8Array(16);
  const view = new DataView(payload.buffer);
  view.setBigUint64(0, BigInt(messages));
  view.setBigUint64(8, BigInt(bytes));
  return payload;
}

describe('the queue of a connection', () => {
  it('takes so many messages, tells once that it is full, and once that there is room', async () => {
    const a = await net.add('a', { queueMessages: 10 });
    const puppet = await net.puppet(a, 'slow');
    const { connection } = a.only('connected')[0]!;
    for (let i = 0; i < 30; i++) a.say(connection, String(i));
    expect(a.only('queueFull')).toEqual([]);
    await until(() => puppet.heardOf(MESSAGE).length === 10);
    await sleep(50);
    expect(a.only('queueFull')).toEqual([{ kind: 'queueFull', connection, peer: 'slow' }]);
    expect(puppet.heardOf(MESSAGE).map(textOf)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    puppet.send(TAKEN, taken(4, 4));
    await sleep(50);
    expect(a.only('drained')).toEqual([]);
    // There is room for four, and what is dropped before it is drained is not told again.
    for (let i = 30; i < 40; i++) a.say(connection, String(i));
    await until(() => puppet.heardOf(MESSAGE).length === 14);
    expect(a.only('queueFull')).toHaveLength(1);
    puppet.send(TAKEN, taken(9, 9));
    await until(() => a.only('drained').length === 1);
    for (let i = 40; i < 60; i++) a.say(connection, String(i));
    await until(() => a.only('queueFull').length === 2);
    expect(a.told.map(one => one.kind)).toEqual(['connected', 'queueFull', 'drained', 'queueFull']);
  });

  it('takes so many bytes', async () => {
    const a = await net.add('a', { queueBytes: 262_144 });
    const puppet = await net.puppet(a, 'slow');
    const { connection } = a.only('connected')[0]!;
    for (let i = 0; i < 4; i++) a.transport.send(connection, new Uint8Array(100_000));
    await until(() => a.only('queueFull').length === 1);
    // A small one still fits.
    a.say(connection, 'small');
    await until(() => puppet.heardOf(MESSAGE).length === 3);
    expect(puppet.heardOf(MESSAGE).map(each => each.length)).toEqual([100_000, 100_000, 5]);
    puppet.send(TAKEN, taken(1, 100_000));
    await until(() => a.only('drained').length === 1);
  });

  it('is not read while its line is closed, and others are', async () => {
    const b = await net.add('b');
    const a = await net.add('a');
    const c = await net.add('c');
    const [there, here] = await net.link(a, b);
    const [third] = await net.link(c, b);
    b.transport.holdConnection(here, true);
    for (let i = 0; i < 50; i++) a.say(there, `a${i}`);
    for (let i = 0; i < 50; i++) c.say(third, `c${i}`);
    await until(() => b.texts().length === 50);
    await sleep(50);
    expect(b.texts().every(text => text.startsWith('c'))).toBe(true);
    b.transport.holdConnection(here, false);
    await until(() => b.texts().length === 100);
    expect(b.texts().slice(50)).toEqual(Array.from({ length: 50 }, (_, i) => `a${i}`));
    b.transport.holdConnection(999, true);
  });

  it('takes fewer bytes where there are many connections, and more again when they are gone', async () => {
    const eight = 8 * MAX_MESSAGE_BYTES;
    const a = await net.add('a', { queueBytes: eight, queueBytesInAll: eight });
    const puppets = [await net.puppet(a, 'deaf 0')];
    /** More than fits, over the newest connection, to a peer that tells of nothing that it took. */
    const fill = (): void => {
      const { connection } = a.only('connected').at(-1)!;
      for (let i = 0; i < 20; i++) a.transport.send(connection, new Uint8Array(MAX_MESSAGE_BYTES));
    };
    const heard = (at: number): number => puppets[at]!.heardOf(MESSAGE).length;
    fill();
    await until(() => heard(0) === 8);
    for (let i = 1; i < 4; i++) puppets.push(await net.puppet(a, `deaf ${i}`));
    fill();
    await until(() => heard(3) === 2);
    await sleep(50);
    expect([heard(0), heard(3)]).toEqual([8, 2]);
    for (let i = 0; i < 3; i++) puppets[i]!.socket.destroy();
    await until(() => a.only('disconnected').length === 3);
    fill();
    await until(() => heard(3) === 8);
    await sleep(50);
    expect(heard(3)).toBe(8);
  });

  it('between two that keep to the protocol, loses nothing that fits and goes on', async () => {
    const b = await net.add('b');
    const a = await net.add('a', { queueMessages: 100 });
    const [there] = await net.link(a, b);
    for (let sent = 0; sent < 2_000; ) {
      // What the receiver has is known to the sender a little later.
      await sleep(100);
      for (let i = 0; i < 100; i++) a.say(there, String(sent++));
      const goal = sent;
      await until(() => b.texts().length === goal);
    }
    expect(b.texts()).toEqual(Array.from({ length: 2_000 }, (_, i) => String(i)));
    expect(a.only('queueFull')).toEqual([]);
    await sleep(50);
    for (let i = 0; i < 200; i++) a.say(there, `more ${i}`);
    await until(() => a.only('drained').length === a.only('queueFull').length && a.only('drained').length > 0);
    expect(b.texts().slice(-100)).toEqual(Array.from({ length: 100 }, (_, i) => `more ${i}`));
  });

  it('does not wait for ever for a peer that lives and takes in nothing', async () => {
    const a = await net.add('a', { queueMessages: 5, stallTimeout_ms: 500 });
    const [good, puppet] = [await net.add('good'), await net.puppet(a, 'stubborn')];
    const { connection } = a.only('connected')[0]!;
    const [toGood] = await net.link(a, good);
    const pings = setInterval(() => puppet.send(PING, new Uint8Array(0)), 50);
    for (let i = 0; i < 10; i++) a.say(connection, String(i));
    a.say(toGood, 'hello');
    await until(() => a.only('disconnected').length === 1);
    clearInterval(pings);
    expect(puppet.heardOf(PONG).length).toBeGreaterThan(2);
    expect(a.only('disconnected')).toMatchObject([
      { peer: 'stubborn', reason: 'took in nothing of what was sent for 500 ms' },
    ]);
    expect(a.log).toMatchObject([{ what: 'too-slow', peer: 'stubborn' }]);
    expect(good.texts()).toEqual(['hello']);
  });

  it('holds little more in memory than it may, for a peer that reads nothing at all', async () => {
    const a = await net.add('a', { queueBytes: 4 * 1024 * 1024 });
    const puppet = await net.puppet(a, 'deaf');
    puppet.socket.pause();
    const { connection } = a.only('connected')[0]!;
    const before = heldBytes();
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 50; i++) a.transport.send(connection, new Uint8Array(100_000));
      await sleep(5);
    }
    // A hundred megabytes were sent. What is held is the queue, and the copy of it that TLS encrypts; the engine frees
    // what nobody holds in its own time.
    await until(() => heldBytes() - before < 12 * 1024 * 1024, 5_000);
    expect(a.only('queueFull')).toHaveLength(1);
    expect(a.only('disconnected')).toEqual([]);
    a.transport.disconnect(connection);
    // What was sent still arrives, all of it.
    puppet.socket.resume();
    await until(() => puppet.heardOf(BYE).length === 1);
    expect(puppet.heardOf(MESSAGE)).toHaveLength(41);
  });

  it('stays with the sender while the receiver is held, and goes on after', async () => {
    const a = await net.add('a', { queueMessages: 10 });
    const b = await net.add('b');
    const [there] = await net.link(a, b);
    b.transport.hold(true);
    for (let i = 0; i < 30; i++) a.say(there, String(i));
    await until(() => b.texts().length === 10 && a.only('queueFull').length === 1);
    await sleep(100);
    expect(a.only('drained')).toEqual([]);
    b.transport.hold(false);
    await until(() => a.only('drained').length === 1);
    a.say(there, 'after');
    await until(() => b.texts().length === 11);
    expect(b.texts()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'after']);
  });

  it('is not overrun by a peer that sends on while it should wait, and keeps what that one sent', async () => {
    const a = await net.add('a', { queueMessages: 100, framesPerTurn: 10 });
    const [puppet, good] = [await net.puppet(a, 'pushy'), await net.add('good')];
    const [fromGood] = await net.link(good, a);
    a.transport.hold(true);
    puppet.socket.write(Buffer.concat(Array.from({ length: 5_000 }, () => frameOf(MESSAGE, Uint8Array.of(65)))));
    good.say(fromGood, 'good');
    await until(() => a.texts().includes('good') && a.texts().length > 100);
    await sleep(200);
    expect(a.texts()).toHaveLength(102);
    expect(puppet.heardOf(TAKEN)).toEqual([]);
    a.transport.hold(false);
    await until(() => a.texts().length === 5_001);
    await until(() => puppet.heardOf(TAKEN).length > 0);
    expect(a.only('disconnected')).toEqual([]);
  });

  it('is told of in one frame at a time, whatever comes in', () => {
    const socket = new StuckSocket();
    const limits = limitsOf();
    const handler = { admits: () => true, frame() {}, ended() {}, tick() {} };
    const wire = new FramedSocket(socket as unknown as TLSSocket, 'somewhere', limits, handler);
    let heard = 0;
    const count = { message: () => void heard++, full() {}, drained() {}, ended() {} };
    new MessageConnection(1, 'x', 'akash1x', wire, limits, () => limits.queueBytes, count);
    const burst = Buffer.concat(Array.from({ length: 100 }, () => frameOf(MESSAGE, Uint8Array.of(1))));
    for (let i = 0; i < 100; i++) socket.emit('data', burst);
    expect(heard).toBe(10_000);
    const told = (): Uint8Array[] => socket.written.filter(bytes => bytes.length === 16);
    expect(told()).toEqual([taken(64, 64)]);
    // Once it has left, what came meanwhile is told, all at once.
    socket.callbacks[0]!(null);
    expect(told()).toEqual([taken(64, 64), taken(10_000, 10_000)]);
    wire.destroy();
  });

  it.each([
    ['more messages than were sent', taken(3, 2)],
    ['more bytes than were sent', taken(2, 3)],
    ['fewer than before', taken(0, 0)],
    ['half a number', new Uint8Array(8)],
    ['numbers beyond all measure', new Uint8Array(16).fill(255)],
  ])('is not talked into %s', async (_, claim) => {
    const a = await net.add('a');
    const puppet = await net.puppet(a, 'liar');
    const { connection } = a.only('connected')[0]!;
    a.say(connection, '1');
    a.say(connection, '2');
    await until(() => puppet.heardOf(MESSAGE).length === 2);
    puppet.send(TAKEN, taken(1, 1));
    await sleep(50);
    expect(a.only('disconnected')).toEqual([]);
    puppet.send(TAKEN, claim);
    await until(() => a.only('disconnected').length === 1);
    expect(a.log).toMatchObject([{ what: 'malformed-frame', peer: 'liar' }]);
  });
});
