/** Published ports without any container: what passes, what is bounded, what breaks. */

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { settle } from '../../../../src/worlds/live/docker/options.ts';
import { Publisher } from '../../../../src/worlds/live/docker/publisher.ts';
import { type Published, publishTcp } from '../../../../src/worlds/live/docker/tcp-proxy.ts';
import { publishUdp } from '../../../../src/worlds/live/docker/udp-proxy.ts';
import { directWay } from '../../../../src/worlds/live/docker/way.ts';
import { until } from './backend-bench.ts';

const HOST = '127.0.0.1';
const limits = { connections: 3, idle_ms: 60_000, problem: () => {} };
const toClose: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of toClose.splice(0)) await one.close();
});

async function server(serve: (socket: Socket) => void): Promise<number> {
  const made: Server = createServer({ allowHalfOpen: true }, serve);
  made.listen(0, HOST);
  await once(made, 'listening');
  toClose.push({ close: () => made.close() });
  return (made.address() as AddressInfo).port;
}

async function published(made: Promise<Published | null>): Promise<Published> {
  const proxy = await made;
  if (proxy === null) throw new Error('found no free port');
  toClose.push(proxy);
  return proxy;
}

/** All that comes until the other side ends its half; rejects when it breaks. */
function allOf(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    socket.on('data', part => void parts.push(part as Buffer));
    socket.once('end', () => resolve(Buffer.concat(parts)));
    socket.once('error', reject);
  });
}

/** Resolves once a socket is closed, well or not. */
function closed(socket: Socket): Promise<void> {
  return new Promise(resolve => void socket.once('close', () => resolve()));
}

describe('a published TCP port', () => {
  it('passes bytes both ways, and one half’s end without the other’s', async () => {
    // Answers only once it has been told that all was said.
    const port = await server(async socket => {
      const said = await allOf(socket);
      socket.end(Buffer.concat([said, Buffer.from(` of ${said.length}`)]));
    });
    const proxy = await published(publishTcp(HOST, 0, limits));
    proxy.aim(directWay({ host: HOST, port }));
    const client = connect({ host: HOST, port: proxy.hostPort, allowHalfOpen: true });
    client.write('bytes');
    await pause(50);
    client.end();
    expect((await allOf(client)).toString()).toBe('bytes of 5');
  });

  it('passes much more than sockets hold, unchanged', async () => {
    const port = await server(socket => void socket.pipe(socket));
    const proxy = await published(publishTcp(HOST, 0, limits));
    proxy.aim(directWay({ host: HOST, port }));
    const bytes = Buffer.alloc(8 * 1024 * 1024, Buffer.from('0123456789abcdef-'));
    const client = connect({ host: HOST, port: proxy.hostPort, allowHalfOpen: true });
    client.end(bytes);
    expect((await allOf(client)).equals(bytes)).toBe(true);
  });

  it('turns away whom nobody can serve: before it is aimed, where nobody listens, above its number', async () => {
    const proxy = await published(publishTcp(HOST, 0, limits));
    const call = (): Socket => connect({ host: HOST, port: proxy.hostPort });
    await expect(allOf(call())).rejects.toThrow(/ECONNRESET/);
    const port = await server(socket => {
      socket.on('end', () => socket.end()).resume();
      socket.write('hello');
    });
    proxy.aim(directWay({ host: HOST, port }));
    const held = [call(), call(), call()];
    await Promise.all(held.map(socket => once(socket, 'data')));
    const refused = call().on('error', () => {});
    const ends = Promise.race([closed(refused).then(() => 'closed'), once(refused, 'data').then(() => 'served')]);
    expect(await ends).toBe('closed');
    held[0]!.destroy();
    await until('room again', async () => {
      const next = call().on('error', () => {});
      const end = await Promise.race([closed(next).then(() => false), once(next, 'data').then(() => true)]);
      next.destroy();
      return end;
    });
    for (const socket of held) socket.destroy();
    const dead = createServer().listen(0, HOST);
    await once(dead, 'listening');
    const { port: free } = dead.address() as AddressInfo;
    dead.close();
    const vain = await published(publishTcp(HOST, 0, limits));
    vain.aim(directWay({ host: HOST, port: free }));
    await expect(allOf(connect({ host: HOST, port: vain.hostPort }))).rejects.toThrow(/ECONNRESET/);
  });

  it('breaks one side when the other breaks, and both when nothing is said for too long, or at its close', async () => {
    const inner: Socket[] = [];
    const port = await server(socket => {
      socket.on('error', () => {});
      inner.push(socket);
      socket.write('hello');
    });
    const proxy = await published(publishTcp(HOST, 0, { ...limits, idle_ms: 300 }));
    proxy.aim(directWay({ host: HOST, port }));
    const open = async (): Promise<Socket> => {
      const client = connect({ host: HOST, port: proxy.hostPort });
      client.on('error', () => {});
      await once(client, 'data');
      return client;
    };
    const first = await open();
    inner[0]!.resetAndDestroy();
    await closed(first);
    const second = await open();
    second.resetAndDestroy();
    await until('the inner side', () => inner[1]!.destroyed);
    const quiet = await open();
    const from = Date.now();
    await closed(quiet);
    expect(Date.now() - from).toBeGreaterThan(150);
    const last = await open();
    await proxy.close();
    toClose.pop();
    await closed(last);
    // The port is free again.
    await published(publishTcp(HOST, proxy.hostPort, limits));
  });

  it('is null where somebody else listens', async () => {
    const port = await server(() => {});
    expect(await publishTcp(HOST, port, limits)).toBeNull();
  });
});

describe('a published UDP port', () => {
  const udp = async (): Promise<UdpSocket> => {
    const socket = createSocket('udp4');
    socket.bind(0, HOST);
    await once(socket, 'listening');
    toClose.push({ close: () => socket.close() });
    return socket;
  };
  const ask = async (client: UdpSocket, port: number, text: string): Promise<string | null> => {
    client.send(text, port, HOST);
    const late = pause(500).then(() => null);
    const answer = once(client, 'message').then(([data]) => String(data));
    return await Promise.race([answer, late]);
  };

  it('brings each peer its own answers, up to so many peers', async () => {
    const echo = await udp();
    echo.on('message', (data, peer) => echo.send(`${data}!`, peer.port, peer.address));
    const proxy = await published(publishUdp(HOST, 0, limits));
    const [one, two, three, four] = [await udp(), await udp(), await udp(), await udp()] as const;
    expect(await ask(one, proxy.hostPort, 'early')).toBeNull();
    proxy.aim(directWay({ host: HOST, port: echo.address().port }));
    expect(await ask(one, proxy.hostPort, 'one')).toBe('one!');
    expect(await Promise.all([ask(two, proxy.hostPort, 'two'), ask(three, proxy.hostPort, 'three')])).toEqual([
      'two!',
      'three!',
    ]);
    expect(await ask(four, proxy.hostPort, 'four')).toBeNull();
    expect(await ask(one, proxy.hostPort, 'again')).toBe('again!');
  });

  it('forgets who is quiet, and takes no answer from anybody but its target', async () => {
    let seen: { readonly port: number; readonly address: string } | null = null;
    const echo = await udp();
    echo.on('message', (data, peer) => {
      seen = peer;
      echo.send(data, peer.port, peer.address);
    });
    const proxy = await published(publishUdp(HOST, 0, { ...limits, connections: 1, idle_ms: 1_000 }));
    proxy.aim(directWay({ host: HOST, port: echo.address().port }));
    const [one, two, liar] = [await udp(), await udp(), await udp()] as const;
    expect(await ask(one, proxy.hostPort, 'one')).toBe('one');
    let heard = false;
    one.on('message', () => (heard = true));
    liar.send('forged', seen!.port, HOST);
    await pause(100);
    expect(heard).toBe(false);
    expect(await ask(two, proxy.hostPort, 'two')).toBeNull();
    await pause(1_200);
    expect(await ask(two, proxy.hostPort, 'two')).toBe('two');
  });
});

describe('which port is given', () => {
  const ports = { port: 80, externalPort: 30_802, protocol: 'TCP' as const };
  const publisher = (): Publisher =>
    new Publisher(
      settle({
        owner: { network: 'n', provider: 'p', run: null },
        hosts: [],
        portFrom: 30_801,
        portTo: 30_803,
        advertisedHost: 'provider.example',
      }),
    );

  it('is the one it had, else the one that users expect, else another of the range, else none', async () => {
    const from = publisher();
    const had = await from.open([ports], [{ ...ports, hostPort: 30_803 }]);
    toClose.push(had);
    expect(had.addresses).toEqual([{ port: 80, protocol: 'TCP', host: 'provider.example', hostPort: 30_803 }]);
    const expected = await from.open([ports], [{ ...ports, hostPort: 30_803 }]);
    toClose.push(expected);
    expect(expected.given.map(one => one.hostPort)).toEqual([30_802]);
    const other = await from.open([ports], []);
    expect(other.given.map(one => one.hostPort)).toEqual([30_801]);
    await expect(from.open([ports], [])).rejects.toThrow(/no port of 127\.0\.0\.1 from 30801 to 30803 is free for TCP/);
    // UDP is a space of its own.
    const udp = await from.open([{ ...ports, protocol: 'UDP' }], []);
    toClose.push(udp);
    expect(udp.given.map(one => one.hostPort)).toEqual([30_802]);
    await other.close();
    // Nothing is kept by who could not have all.
    await expect(from.open([ports, ports], [])).rejects.toThrow(/no port/);
    const again = await from.open([ports], []);
    toClose.push(again);
    expect(again.given.map(one => one.hostPort)).toEqual([30_801]);
  });
});
