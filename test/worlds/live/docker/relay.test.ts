/** The stream to a relay, with the relay's program in a process of its own and no engine: what passes, what is bounded. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { RelayClient } from '../../../../src/worlds/live/docker/relay-client.ts';
import { Channel, MAX_CHANNELS, WINDOW } from '../../../../src/worlds/live/docker/relay-mux.ts';
import { RELAY_START, RELAY_VARIABLE, relaySource } from '../../../../src/worlds/live/docker/relay-source.ts';
import { publishTcp } from '../../../../src/worlds/live/docker/tcp-proxy.ts';
import { publishUdp } from '../../../../src/worlds/live/docker/udp-proxy.ts';
import type { Line, Target, Way } from '../../../../src/worlds/live/docker/way.ts';
import { MIB, until } from './backend-bench.ts';

const HOST = '127.0.0.1';
const limits = { connections: 1_000, idle_ms: 60_000, problem: () => {} };
const toClose: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of toClose.splice(0)) await one.close();
});

/** The relay's program, as a container would run it. */
async function relay(): Promise<{ readonly client: RelayClient; readonly child: ChildProcess; broken: string | null }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', RELAY_START], {
    env: { [RELAY_VARIABLE]: relaySource() },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => {}); // Whoever kills it knows.
  const running = {
    child,
    broken: null as string | null,
    client: new RelayClient(child.stdin, reason => {
      running.broken = reason;
      running.client.close(reason);
    }),
  };
  child.stdout.on('data', chunk => running.client.push(chunk as Buffer));
  child.once('exit', () => running.client.close('the process ended'));
  toClose.push({
    close: async () => {
      running.client.close('the test is over');
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  });
  await running.client.ready;
  return running;
}

function wayOver(client: RelayClient, target: Target): Way {
  return {
    connect: signal => client.connect(target, signal),
    converse: (hear, gone) => client.converse(target, hear, gone),
  };
}

async function server(serve: (socket: Socket) => void): Promise<Target> {
  const made = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {});
    serve(socket);
  });
  made.listen(0, HOST);
  await once(made, 'listening');
  toClose.push({ close: () => made.close() });
  return { host: HOST, port: (made.address() as AddressInfo).port };
}

/** A published port behind which is a relay, behind which is a target. */
async function publishedOver(client: RelayClient, target: Target): Promise<number> {
  const proxy = await publishTcp(HOST, 0, limits);
  if (proxy === null) throw new Error('found no free port');
  toClose.push(proxy);
  proxy.aim(wayOver(client, target));
  return proxy.hostPort;
}

/** All that comes until the other side ends its half; rejects when it breaks. */
function allOf(stream: Duplex): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    stream.on('data', part => void parts.push(part as Buffer));
    stream.once('end', () => resolve(Buffer.concat(parts)));
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('closed')));
  });
}

const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const never = new AbortController().signal;

describe('a published port behind a relay', () => {
  it('passes much more than anything on its way holds, unchanged, both ways, many at a time', async () => {
    const { client } = await relay();
    const port = await publishedOver(client, await server(socket => void socket.pipe(socket)));
    const sent = Array.from({ length: 12 }, (_, i) => randomBytes(i === 0 ? 8 * MIB : MIB + i * 1_001));
    const got = await Promise.all(
      sent.map(bytes => {
        const socket = connect({ host: HOST, port, allowHalfOpen: true });
        socket.end(bytes);
        return allOf(socket);
      }),
    );
    expect(got.map(hash)).toEqual(sent.map(hash));
  });

  it('passes one half’s end without the other’s', async () => {
    const { client } = await relay();
    // Answers only once it has been told that all was said.
    const target = await server(async socket => {
      const said = await allOf(socket);
      socket.end(`${said} of ${said.length}`);
    });
    const socket = connect({ host: HOST, port: await publishedOver(client, target), allowHalfOpen: true });
    socket.write('bytes');
    await pause(50);
    socket.end();
    expect((await allOf(socket)).toString()).toBe('bytes of 5');
    // And the other way round: who serves has said all, and goes on listening.
    const heard = Promise.withResolvers<Buffer>();
    const listener = await server(socket => {
      socket.end('said');
      void allOf(socket).then(heard.resolve, heard.reject);
    });
    const second = connect({ host: HOST, port: await publishedOver(client, listener), allowHalfOpen: true });
    expect((await allOf(second)).toString()).toBe('said');
    second.end('late');
    expect((await heard.promise).toString()).toBe('late');
  });

  it('resets one side when the other is reset, and whom nobody serves', async () => {
    const { client } = await relay();
    const inner: Socket[] = [];
    const target = await server(socket => {
      inner.push(socket);
      socket.write('hello');
    });
    const port = await publishedOver(client, target);
    const open = async (): Promise<Socket> => {
      const socket = connect({ host: HOST, port });
      await once(socket, 'data');
      return socket;
    };
    const first = await open();
    const broken = once(first, 'error');
    inner[0]!.resetAndDestroy();
    expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET' });
    const second = await open();
    const innerBroken = new Promise(resolve => inner[1]!.once('error', resolve));
    second.resetAndDestroy();
    expect(await innerBroken).toMatchObject({ code: 'ECONNRESET' });
    const dead = createServer().listen(0, HOST);
    await once(dead, 'listening');
    const { port: free } = dead.address() as AddressInfo;
    dead.close();
    const vain = connect({ host: HOST, port: await publishedOver(client, { host: HOST, port: free }) });
    await expect(allOf(vain)).rejects.toThrow(/ECONNRESET/);
  });

  it('does not let one who does not read stop the others, and takes no more of his than a window', async () => {
    const { client, child } = await relay();
    let written = 0;
    const target = await server(socket => {
      socket.once('data', asked => {
        if (String(asked) === 'little') {
          socket.end('here');
          return;
        }
        const more = (): void => {
          const piece = Buffer.alloc(64 * 1024);
          while (!socket.destroyed) {
            written += piece.length;
            if (!socket.write(piece)) break;
          }
        };
        socket.on('drain', more);
        more();
      });
    });
    // Straight over the stream: the sockets of this machine would hold megabytes.
    const line = await client.connect(target, never);
    line.write('much');
    await until('a halt', async () => {
      const before = written;
      await pause(200);
      return before > 0 && before === written;
    });
    for (let i = 0; i < 20; i += 1) {
      const other = await client.connect(target, never);
      other.write('little');
      expect(String(await allOf(other))).toBe('here');
    }
    expect(child.exitCode).toBeNull();
    expect(line.readableLength).toBeLessThanOrEqual(WINDOW);
    const held = written;
    line.resume();
    await until('the rest to flow', () => written > held + 8 * WINDOW);
    line.resetAndDestroy();
  });

  it('carries datagrams, each peer its own, the largest too', async () => {
    const { client } = await relay();
    const echo = createSocket('udp4');
    echo.bind(0, HOST);
    await once(echo, 'listening');
    toClose.push({ close: () => echo.close() });
    echo.on('message', (data, peer) => echo.send(data, peer.port, peer.address));
    const proxy = (await publishUdp(HOST, 0, limits))!;
    toClose.push(proxy);
    proxy.aim(wayOver(client, { host: HOST, port: echo.address().port }));
    const ask = async (data: Buffer): Promise<Buffer> => {
      const socket = createSocket('udp4');
      try {
        socket.send(data, proxy.hostPort, HOST);
        const [answer] = await once(socket, 'message');
        return answer as Buffer;
      } finally {
        socket.close();
      }
    };
    const asked = [Buffer.from('one'), Buffer.from('two'), Buffer.alloc(0), randomBytes(65_507)];
    const answers = await Promise.all(asked.map(ask));
    expect(answers.map(hash)).toEqual(asked.map(hash));
  });

  it('turns away whoever is too many, until somebody has left', async () => {
    const { client } = await relay();
    const target = await server(socket => void socket.resume());
    const lines: Line[] = [];
    for (let i = 0; i < MAX_CHANNELS; i += 1) lines.push(await client.connect(target, never));
    await expect(client.connect(target, never)).rejects.toThrow(/512 channels already/);
    lines.pop()!.resetAndDestroy();
    await expect(client.connect(target, never)).resolves.toBeInstanceOf(Channel);
    for (const line of lines) line.resetAndDestroy();
  });

  it('gives up with whoever asked, and leaves nothing of it', async () => {
    const { client } = await relay();
    const inner: Socket[] = [];
    const target = await server(socket => void inner.push(socket));
    const late = new AbortController();
    const asked = client.connect(target, late.signal);
    late.abort(new Error('too late'));
    await expect(asked).rejects.toThrow('too late');
    // What stood by then is taken down.
    await pause(200);
    expect(inner.every(socket => socket.destroyed || socket.readableEnded)).toBe(true);
    await expect(client.connect(target, late.signal)).rejects.toThrow('too late');
  });

  it('breaks all that runs over it when its program is killed, and ends when this side does', async () => {
    const { client, child } = await relay();
    const target = await server(socket => void socket.write('hello'));
    const port = await publishedOver(client, target);
    const socket = connect({ host: HOST, port });
    await once(socket, 'data');
    const broken = once(socket, 'error');
    child.kill('SIGKILL');
    expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET' });
    await expect(client.connect(target, never)).rejects.toThrow(/closed/);
    const other = await relay();
    other.child.stdin!.end();
    expect(await once(other.child, 'exit')).toEqual([0, null]);
  });
});
