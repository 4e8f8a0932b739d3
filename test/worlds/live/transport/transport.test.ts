/** The contract of connections, between transports that keep to it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_MESSAGE_BYTES } from '../../../../src/actors/actor.ts';
import { tlsIdentity } from '../../../../src/worlds/live/identity/identity.ts';
import { formatPeerAddress } from '../../../../src/worlds/live/transport/peer-address.ts';
import { LiveTransport } from '../../../../src/worlds/live/transport/transport.ts';
import { Net, seedOf, sleep, until } from './support.ts';

let net: Net;
beforeEach(() => {
  net = new Net();
});
afterEach(() => net.close());

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

describe('a connection', () => {
  it('is told to both sides and carries messages both ways, in order, each once', async () => {
    const b = await net.add(
      'b',
      {},
      {
        react(told, transport) {
          if (told.kind === 'connected') transport.send(told.connection, new TextEncoder().encode('welcome'));
          if (told.kind === 'message') transport.send(told.connection, new TextEncoder().encode(`re: ${told.text}`));
        },
      },
    );
    const a = await net.add(
      'a',
      {},
      {
        react(told, transport) {
          if (told.kind !== 'connected') return;
          for (const text of numbers(500)) transport.send(told.connection, new TextEncoder().encode(text));
        },
      },
    );
    a.transport.connect('b');
    expect(a.told).toEqual([]);
    await until(() => a.texts().length === 501);
    expect(a.only('connected')).toEqual([{ kind: 'connected', connection: 1, peer: 'b', inbound: false }]);
    expect(b.only('connected')).toEqual([{ kind: 'connected', connection: 1, peer: 'a', inbound: true }]);
    expect(b.texts()).toEqual(numbers(500));
    expect(a.texts()).toEqual(['welcome', ...numbers(500).map(each => `re: ${each}`)]);
    expect(a.told[0]!.kind).toBe('connected');
    expect([...a.log, ...b.log]).toEqual([]);
  });

  it('has a number of its own, also between the same two', async () => {
    const [a, b] = [await net.add('a'), await net.add('b')];
    const [first, firstThere] = await net.link(a, b);
    const [second, secondThere] = await net.link(a, b);
    const [third, thirdThere] = await net.link(b, a);
    expect(new Set([first, second, thirdThere]).size).toBe(3);
    expect(new Set([firstThere, secondThere, third]).size).toBe(3);
    a.say(second, 'two');
    a.say(first, 'one');
    a.say(thirdThere, 'three');
    await until(() => b.texts().length === 3);
    const over = Object.fromEntries(b.only('message').map(one => [one.text, one.connection]));
    expect(over).toEqual({ one: firstThere, two: secondThere, three: third });
  });

  it('can be to oneself', async () => {
    const a = await net.add('a');
    a.transport.connect('a');
    await until(() => a.only('connected').length === 2);
    expect(
      a
        .only('connected')
        .map(one => one.inbound)
        .toSorted(),
    ).toEqual([false, true]);
  });

  it('delivers what was sent before a disconnect, then tells the peer; who disconnects hears no more', async () => {
    const b = await net.add(
      'b',
      {},
      {
        react(told, transport) {
          if (told.kind === 'message') transport.send(told.connection, new TextEncoder().encode('too late'));
        },
      },
    );
    const a = await net.add('a');
    const [there] = await net.link(a, b);
    const large = new Uint8Array(MAX_MESSAGE_BYTES);
    for (let i = 0; i < 20; i++) a.transport.send(there, large);
    a.say(there, 'last');
    a.transport.disconnect(there);
    a.say(there, 'never');
    a.transport.disconnect(there);
    await until(() => b.only('disconnected').length === 1);
    await sleep(100);
    expect(b.texts().at(-1)).toBe('last');
    expect(b.texts()).toHaveLength(21);
    expect(b.told.at(-1)).toEqual({ kind: 'disconnected', connection: 1, peer: 'a', reason: 'closed by peer' });
    expect(a.told.map(one => one.kind)).toEqual(['connected']);
  });

  it('tells nothing more from the moment of the disconnect, not even what has arrived already', async () => {
    const b = await net.add('b');
    const a = await net.add(
      'a',
      {},
      {
        react(told, transport) {
          if (told.kind === 'message') transport.disconnect(told.connection);
        },
      },
    );
    await net.link(a, b);
    const { connection } = b.only('connected')[0]!;
    for (const text of numbers(50)) b.say(connection, text);
    b.transport.disconnect(connection);
    await until(() => a.texts().length > 0);
    await sleep(100);
    expect(a.told.map(one => one.kind)).toEqual(['connected', 'message']);
  });

  it('that both sides close at once tells neither', async () => {
    const [a, b] = [await net.add('a'), await net.add('b')];
    const [there, here] = await net.link(a, b);
    a.transport.disconnect(there);
    b.transport.disconnect(here);
    await sleep(200);
    expect(a.told.map(one => one.kind)).toEqual(['connected']);
    expect(b.told.map(one => one.kind)).toEqual(['connected']);
  });

  it('tells the peer of an orderly stop and of a death, and neither tells its own', async () => {
    const [a, b, c] = [await net.add('a'), await net.add('b'), await net.add('c')];
    await net.link(a, c);
    const [fromB] = await net.link(b, c);
    a.say(1, 'stays');
    b.say(fromB, 'farewell');
    await Promise.all([a.transport.close(true), b.transport.close(false)]);
    await until(() => c.only('disconnected').length === 2);
    const reasons = Object.fromEntries(c.only('disconnected').map(one => [one.peer, one.reason]));
    expect(reasons.b).toBe('peer stopped');
    expect(reasons.a).toMatch(/^the connection (ended without a farewell|was lost)/);
    expect(c.texts()).toContain('farewell');
    expect(a.told.map(one => one.kind)).toEqual(['connected']);
    expect(b.told.map(one => one.kind)).toEqual(['connected']);
    a.transport.connect('c');
    a.transport.openTunnel('t', 'c');
    await sleep(50);
    expect(a.told).toHaveLength(1);
    await a.transport.close(false);
  });

  it('takes messages up to the limit and empty ones; a larger one is an error, and nothing was sent', async () => {
    const [a, b] = [await net.add('a'), await net.add('b')];
    const [there] = await net.link(a, b);
    a.transport.send(there, new Uint8Array(MAX_MESSAGE_BYTES).fill(1));
    a.transport.send(there, new Uint8Array(0));
    expect(() => a.transport.send(there, new Uint8Array(MAX_MESSAGE_BYTES + 1))).toThrow(
      'a message has at most 262144 bytes, found 262145',
    );
    a.say(there, 'after');
    await until(() => b.texts().length === 3);
    expect(b.only('message').map(one => one.bytes)).toEqual([MAX_MESSAGE_BYTES, 0, 5]);
  });

  it('stays as long as both are there, however little they say', async () => {
    const [a, b] = [await net.add('a', { keepAlive_ms: 400 }), await net.add('b', { keepAlive_ms: 4_000 })];
    const [there] = await net.link(a, b);
    await sleep(1_600);
    a.say(there, 'still here');
    await until(() => b.texts().length === 1);
    expect([...a.only('disconnected'), ...b.only('disconnected')]).toEqual([]);
  });
});

describe('a call', () => {
  it('is refused once for each that cannot be: unknown, nobody there', async () => {
    const a = await net.add('a');
    const gone = await net.add('gone');
    await gone.transport.close(true);
    a.transport.connect('gone');
    a.transport.connect('nobody');
    a.transport.connect('nobody');
    expect(a.told).toEqual([]);
    await until(() => a.told.length === 3);
    expect(a.only('refused').filter(one => one.peer === 'nobody')).toHaveLength(2);
    expect(a.only('refused').find(one => one.peer === 'nobody')!.reason).toBe('unknown peer');
    expect(a.only('refused').find(one => one.peer === 'gone')!.reason).toMatch(/^nothing listens at 127\.0\.0\.1:\d+$/);
    await sleep(100);
    expect(a.told).toHaveLength(3);
  });

  it('can name all that it needs, and is pinned to the address that it names', async () => {
    const [a, b] = [await net.add('a'), await net.add('b')];
    const stranger = await tlsIdentity(seedOf('stranger'));
    const right = formatPeerAddress({ host: '127.0.0.1', port: b.transport.port!, address: b.identity.address });
    const wrong = formatPeerAddress({ host: '127.0.0.1', port: b.transport.port!, address: stranger.address });
    a.transport.connect(right);
    a.transport.connect(wrong);
    await until(() => a.told.length === 2);
    expect(a.only('connected')).toMatchObject([{ peer: right, inbound: false }]);
    expect(a.only('refused')).toMatchObject([{ peer: wrong }]);
    expect(a.only('refused')[0]!.reason).toContain(
      `found the key of ${b.identity.address}, expected that of ${stranger.address}`,
    );
    expect(a.log).toMatchObject([{ level: 'warn', what: 'certificate', peer: wrong }]);
    expect(b.only('connected')).toHaveLength(1);
  });

  it('has so many companions as it may, and the rest are refused', async () => {
    const a = await net.add('a', { maxCalls: 2 });
    await net.add('b');
    for (let i = 0; i < 5; i++) a.transport.connect('b');
    await until(() => a.told.length === 5);
    expect(a.only('connected')).toHaveLength(2);
    expect(a.only('refused').map(one => one.reason)).toEqual(Array(3).fill('2 calls are unanswered already'));
  });

  it('leads to so many connections as there may be', async () => {
    const a = await net.add('a', { maxOutbound: 1 });
    const b = await net.add('b');
    const [there] = await net.link(a, b);
    a.transport.connect('b');
    await until(() => a.only('refused').length === 1);
    expect(a.only('refused')[0]!.reason).toBe('there are 1 outbound connections already');
    a.transport.disconnect(there);
    await until(() => b.only('disconnected').length === 1);
    await sleep(50);
    await net.link(a, b);
  });
});

describe('names', () => {
  it('of inbound peers come from what they proved; strangers are refused, or bear their address', async () => {
    const closed = await net.add('closed');
    const open = await net.add('open', {}, { acceptsUnknown: true, nameOf: () => null });
    const stranger = await net.add('stranger', {}, { resolve: name => where(name) });
    const where = (name: string): { host: string; port: number; address: string } | null => {
      const one = [closed, open].find(each => each.name === name);
      return one === undefined ? null : { host: '127.0.0.1', port: one.transport.port!, address: one.identity.address };
    };
    stranger.transport.connect('open');
    await until(() => open.only('connected').length === 1);
    expect(open.only('connected')[0]!.peer).toBe(stranger.identity.address);
    const unknown = await net.add('unknown', {}, { resolve: name => where(name) });
    // The same network, in which nobody has heard of it.
    const deaf = await net.add('deaf', {}, { nameOf: () => null });
    unknown.transport.connect(
      formatPeerAddress({ host: '127.0.0.1', port: deaf.transport.port!, address: deaf.identity.address }),
    );
    await until(() => unknown.only('refused').length === 1);
    expect(unknown.only('refused')[0]!.reason).toBe('refused by the peer: your identity is not known here');
    expect(deaf.log).toMatchObject([{ what: 'unknown-identity', peer: unknown.identity.address }]);
    expect(deaf.told).toEqual([]);
  });
});

describe('listening', () => {
  it('says so when the port is taken, or the address is not of this machine', async () => {
    const a = await net.add('a');
    const { port } = a.transport;
    await expect(net.add('b', {}, { listen: { port: port! } })).rejects.toThrow(
      `cannot listen at 127.0.0.1:${port}: the port is taken`,
    );
    await expect(net.add('b', {}, { listen: { host: '192.0.2.1' } })).rejects.toThrow(
      'cannot listen at 192.0.2.1:0: this machine does not have that address',
    );
    await a.transport.close(false);
    const again = await net.add('b', {}, { listen: { port: port! } });
    expect(again.transport.port).toBe(port);
  });

  it('is not needed to call', async () => {
    const b = await net.add('b');
    const a = await net.add('a', {}, { listen: null });
    expect(a.transport.port).toBe(null);
    const [there] = await net.link(a, b);
    a.say(there, 'hello');
    await until(() => b.texts().length === 1);
    b.transport.connect('a');
    await until(() => b.only('refused').length === 1);
    expect(b.only('refused')[0]!.reason).toBe('unknown peer');
  });

  it('refuses limits that cannot be', async () => {
    const identity = await tlsIdentity(seedOf('x'));
    const base = {
      identity,
      events: {} as never,
      resolve: () => null,
      nameOf: () => null,
      log: () => {},
      listen: null,
      acceptsUnknown: false,
    };
    await expect(LiveTransport.open({ ...base, limits: { keepAlive_ms: 0 } })).rejects.toThrow(
      'keepAlive_ms must be a positive whole number, found 0',
    );
    await expect(LiveTransport.open({ ...base, limits: { queueBytes: 1_000 } })).rejects.toThrow(
      'queueBytes must hold a message of 262144 bytes, found 1000',
    );
  });
});

describe('who is shut out', () => {
  it('is cut off and refused, both ways, until it is let in again; others are not disturbed', async () => {
    const [a, b, c] = [await net.add('a'), await net.add('b'), await net.add('c')];
    await net.link(a, b);
    await net.link(b, a);
    const [withC] = await net.link(a, c);
    a.transport.openTunnel('own', 'b');
    b.transport.openTunnel('theirs', 'a');
    await until(() => a.only('tunnel').length + b.only('tunnel').length === 2);
    a.transport.shutOut(new Set(['b']));
    await until(() => a.only('disconnected').length === 2 && b.only('disconnected').length === 2);
    await until(() => a.only('tunnel').length === 2 && b.only('tunnel').length === 2);
    expect(a.only('disconnected').map(one => [one.peer, one.reason])).toEqual(Array(2).fill(['b', 'shut out']));
    a.transport.connect('b');
    b.transport.connect('a');
    await until(() => a.only('refused').length === 1 && b.only('refused').length === 1);
    expect(a.only('refused')[0]!.reason).toBe('shut out');
    expect(b.only('refused')[0]!.reason).toBe('refused by the peer: shut out');
    a.say(withC, 'undisturbed');
    await until(() => c.texts().length === 1);
    expect(c.only('disconnected')).toEqual([]);
    a.transport.shutOut(new Set());
    await net.link(a, b);
    await net.link(b, a);
  });

  it('also while it is being called, and by whatever name', async () => {
    const [a, b] = [await net.add('a'), await net.add('b')];
    const alias = formatPeerAddress({ host: '127.0.0.1', port: b.transport.port!, address: b.identity.address });
    a.transport.connect('b');
    a.transport.connect(alias);
    a.transport.shutOut(new Set(['b']));
    await until(() => a.told.length === 2);
    expect(a.only('refused').map(one => one.reason)).toEqual(['shut out', 'shut out']);
    await sleep(100);
    expect(b.told).toEqual([]);
  });
});
