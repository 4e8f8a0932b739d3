/**
 * The program of a flood: many connections of few identities that send well-formed messages as fast as they are taken.
 * What it reads, in JSON: where from and where to, who, how many, what, and for how long. A process of its own, so that
 * whoever measures is not held up by it.
 */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls';
import { tlsIdentity } from '../../../src/worlds/live/identity/identity.ts';
import { MESSAGE_PROTOCOL } from '../../../src/worlds/live/transport/credentials.ts';
import { frameOf, HELLO, MESSAGE, VERSION } from '../../../src/worlds/live/transport/frames.ts';
import { leafOf, seedOf } from '../../worlds/live/transport/support.ts';

export interface Flood {
  readonly from: string;
  readonly port: number;
  readonly identities: readonly string[];
  /** Connections of each identity. */
  readonly connections: number;
  /** Messages as the participants' codec writes them, in hexadecimal digits: the first ones once, the others in turn. */
  readonly first: readonly string[];
  readonly messages: readonly string[];
  readonly seconds: number;
}

/** Messages that are written at once. */
const BURST = 64;

/** Sends until the time is over or the other side ends it; returns how many messages were handed over. */
async function pour(socket: TLSSocket, { first, messages, seconds }: Flood): Promise<number> {
  const frames = messages.map(text => frameOf(MESSAGE, Uint8Array.fromHex(text)));
  socket.on('error', () => undefined);
  // What it is told it reads, or the node would stop to answer; and forgets.
  socket.resume();
  socket.write(frameOf(HELLO, Uint8Array.of(VERSION)));
  for (const text of first) socket.write(frameOf(MESSAGE, Uint8Array.fromHex(text)));
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  const end = performance.now() + seconds * 1_000;
  let sent = 0;
  while (performance.now() < end && !socket.destroyed) {
    const burst = Array.from({ length: BURST }, (_, i) => frames[(sent + i) % frames.length]!);
    sent += BURST;
    if (!socket.write(Buffer.concat(burst))) {
      // Rejects where there is room no more: at the end, or with the socket.
      const isOver = AbortSignal.any([
        closed.signal,
        AbortSignal.timeout(Math.max(0, Math.ceil(end - performance.now()))),
      ]);
      await once(socket, 'drain', { signal: isOver }).catch(() => undefined);
    } else await new Promise(resolve => setImmediate(resolve));
  }
  socket.destroy();
  return sent;
}

if (import.meta.main) {
  let text = '';
  for await (const chunk of process.stdin) text += String(chunk);
  const flood = JSON.parse(text) as Flood;
  const sockets: TLSSocket[] = [];
  for (const name of flood.identities) {
    const { key, chain } = await leafOf(await tlsIdentity(seedOf(name)));
    const secureContext = createSecureContext({ key, cert: chain });
    for (let i = 0; i < flood.connections; i++) {
      const socket = connectTcp({ host: '127.0.0.1', port: flood.port, localAddress: flood.from });
      socket.on('error', () => undefined);
      const to = { socket, rejectUnauthorized: false, ALPNProtocols: [MESSAGE_PROTOCOL], secureContext };
      sockets.push(connectTls(to));
    }
  }
  const sent = await Promise.all(sockets.map(socket => pour(socket, flood)));
  console.log(JSON.stringify({ sent: sent.reduce((sum, one) => sum + one, 0) }));
}
