/** A way between two that stops and goes on, certificates that are renewed, and a process that is held up. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { leafOf, Net, type Participant, sleep, until } from './support.ts';

/** Passes bytes on, or holds them, each way. */
class Way {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  #held = false;
  /** How long each piece of what the caller sends takes; 0: it does not. */
  pace_ms = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number): Promise<Way> {
    const server = createServer();
    const way = new Way(server);
    server.on('connection', near => {
      const far = connect(port, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        way.#sockets.push(from);
        from.on('data', chunk => {
          to.write(chunk);
          if (from !== near || way.pace_ms === 0) return;
          from.pause();
          setTimeout(() => from.resume(), way.pace_ms);
        });
        from.on('end', () => to.end());
        from.on('error', () => to.destroy());
        if (way.#held) from.pause();
      }
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return way;
  }

  get port(): number {
    const bound = this.#server.address();
    if (bound === null || typeof bound === 'string') throw new Error('expected a TCP port');
    return bound.port;
  }

  hold(): void {
    this.#held = true;
    for (const socket of this.#sockets) socket.pause();
  }

  goOn(): void {
    this.#held = false;
    for (const socket of this.#sockets) socket.resume();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

let net: Net;
let ways: Way[];
beforeEach(() => {
  net = new Net();
  ways = [];
});
afterEach(async () => {
  for (const way of ways) way.close();
  await net.close();
});

/** Two that are connected over a way that can be held. */
async function apart(keepAlive_ms: number): Promise<[Participant, Participant, Way, number]> {
  const a = await net.add('a', { keepAlive_ms, connectTimeout_ms: 1_500 });
  const b = await net.add('b', { keepAlive_ms });
  const way = await Way.to(b.transport.port!);
  ways.push(way);
  net.know('b', b.identity.address, way.port);
  const [there] = await net.link(a, b);
  return [a, b, way, there];
}

describe('a way that stops', () => {
  it('and goes on in time loses nothing, and nobody is told', async () => {
    const [a, b, way, there] = await apart(5_000);
    way.hold();
    for (const text of ['one', 'two', 'three']) {
      a.say(there, text);
      await sleep(100);
    }
    expect(b.texts()).toEqual([]);
    way.goOn();
    await until(() => b.texts().length === 3);
    await sleep(300);
    expect(b.texts()).toEqual(['one', 'two', 'three']);
    expect([...a.only('disconnected'), ...b.only('disconnected')]).toEqual([]);
  });

  it('is given up by both sides, tunnels as well, and what waited is lost', async () => {
    const [a, b, way, there] = await apart(1_000);
    a.transport.openTunnel('t', 'b');
    await until(() => a.only('tunnel').length === 1);
    way.hold();
    a.say(there, 'lost');
    await sleep(300);
    expect(a.only('disconnected')).toEqual([]);
    await until(() => a.only('disconnected').length === 1 && b.only('disconnected').length === 1);
    expect(a.only('disconnected')[0]).toMatchObject({ peer: 'b', reason: 'timed out' });
    expect(b.only('disconnected')[0]).toMatchObject({ peer: 'a', reason: 'timed out' });
    await until(() => a.only('tunnel').length === 2);
    expect(a.only('tunnel')[1]).toMatchObject({ id: 't', open: false, reason: 'timed out' });
    a.transport.connect('b');
    await until(() => a.only('refused').length === 1);
    expect(a.only('refused')[0]!.reason).toMatch(/^timed out: /);
    way.goOn();
    await sleep(200);
    expect(b.texts()).toEqual([]);
    const [again] = await net.link(a, b);
    a.say(again, 'new');
    await until(() => b.texts().length === 1);
    expect(b.texts()).toEqual(['new']);
  });

  it('or is slow leads all to its end that was sent before a disconnect, as long as it goes on', async () => {
    const a = await net.add('a', { lingerTimeout_ms: 300 });
    const b = await net.add('b');
    const way = await Way.to(b.transport.port!);
    ways.push(way);
    net.know('b', b.identity.address, way.port);
    const [there] = await net.link(a, b);
    way.pace_ms = 15;
    const start = performance.now();
    for (let i = 0; i < 50; i++) a.transport.send(there, new Uint8Array(80_000));
    a.transport.disconnect(there);
    await until(() => b.only('disconnected').length === 1);
    expect(performance.now() - start).toBeGreaterThan(600);
    expect(b.only('message')).toHaveLength(50);
    expect(b.only('disconnected')[0]!.reason).toBe('closed by peer');
  });

  it('is told to both sides when it breaks', async () => {
    const [a, b, way] = await apart(60_000);
    way.cut();
    await until(() => a.only('disconnected').length === 1 && b.only('disconnected').length === 1);
    expect(a.only('disconnected')[0]!.reason).toMatch(/^the connection (was lost|ended without a farewell)/);
    await net.link(a, b);
  });
});

describe('a process that is held up', () => {
  it('for longer than the keep-alive blames nobody for it', async () => {
    const a = await net.add('a', { keepAlive_ms: 300, partialFrameTimeout_ms: 300, stallTimeout_ms: 300 });
    const b = await net.add('b', { keepAlive_ms: 300, partialFrameTimeout_ms: 300, stallTimeout_ms: 300 });
    const [there] = await net.link(a, b);
    for (let i = 0; i < 3; i++) {
      a.say(there, `before ${i}`);
      const end = performance.now() + 700;
      while (performance.now() < end) {
        // Both live in this process, and both are held up.
      }
      await sleep(20);
    }
    await until(() => b.texts().length === 3);
    expect([...a.only('disconnected'), ...b.only('disconnected')]).toEqual([]);
    expect([...a.log, ...b.log]).toEqual([]);
  });
});

describe('certificates', () => {
  it('are renewed halfway, for those that call and those that are called, and connections stay', async () => {
    const b = await net.add('b', { leafValidity_ms: 6_000 });
    const a = await net.add('a', { leafValidity_ms: 6_000 });
    const [there] = await net.link(a, b);
    const seen = async (): Promise<string> => {
      const socket = net.tls(b, await leafOf(a.identity));
      await new Promise(resolve => socket.once('secureConnect', resolve));
      const { fingerprint256 } = socket.getPeerX509Certificate()!;
      socket.destroy();
      return fingerprint256;
    };
    const first = await seen();
    expect(await seen()).toBe(first);
    await sleep(6_500);
    // The first ones have expired.
    expect(await seen()).not.toBe(first);
    await net.link(a, b);
    await net.link(b, a);
    a.say(there, 'as before');
    await until(() => b.texts().length === 1);
    expect(a.log.filter(one => one.what !== 'handshake')).toEqual([]);
  });

  it('are made anew when the clock is set', async () => {
    let shift_ms = 0;
    const now_ms = (): number => Date.now() + shift_ms;
    const b = await net.add('b', { leafValidity_ms: 4_000 }, { now_ms });
    const a = await net.add('a', { leafValidity_ms: 4_000 }, { now_ms });
    for (const jump_ms of [1e9, -1e9]) {
      shift_ms = jump_ms;
      // Looked at each eighth of the time that a certificate is good for.
      await sleep(2_000);
      await net.link(a, b);
    }
    expect([...a.only('refused'), ...b.only('refused')]).toEqual([]);
  });
});
