/**
 * An attacker of a live node, on a host of its own: an address of the loopback network that nobody else uses, so that
 * what it does is told apart in the node's log, and what it is refused is not refused to others.
 */
import { type ClientRequest, request as httpRequest } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls';
import type { Wire } from '../../../src/actors/wire.ts';
import { wireCodec } from '../../../src/actors/wire-bytes.ts';
import { type TlsIdentity, tlsIdentity } from '../../../src/worlds/live/identity/identity.ts';
import type { PeerAddress } from '../../../src/worlds/live/ports.ts';
import { MESSAGE_PROTOCOL } from '../../../src/worlds/live/transport/credentials.ts';
import { HELLO, MESSAGE, VERSION, WELCOME } from '../../../src/worlds/live/transport/frames.ts';
import { leafOf, Puppet, seedOf, until } from '../../worlds/live/transport/support.ts';

const LOOPBACK = '127.0.0.1';
const REQUEST_MS = 10_000;

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export class Attacker {
  readonly host: string;
  readonly #node: PeerAddress;
  readonly #api: number;
  readonly #sockets = new Set<{ destroy(): void }>();

  /** @param host an address of 127.0.0.0/8 */
  constructor(host: string, node: PeerAddress, api: number) {
    this.host = host;
    this.#node = node;
    this.#api = api;
  }

  /** A connection without TLS; to the node's API where `api` says so. */
  tcp(api = false): Socket {
    const port = api ? this.#api : this.#node.port;
    return this.#kept(connectTcp({ host: LOOPBACK, port, localAddress: this.host }));
  }

  /** A connection over TLS that shows these certificates, or none. */
  tls(credentials: { readonly key: string; readonly chain: string } | null): TLSSocket {
    const shown = credentials === null ? {} : { key: credentials.key, cert: credentials.chain };
    return this.#kept(
      connectTls({
        socket: this.tcp(),
        rejectUnauthorized: false,
        ALPNProtocols: [MESSAGE_PROTOCOL],
        secureContext: createSecureContext(shown),
      }),
    );
  }

  /** A puppet with these certificates, which has sent its greeting. */
  puppet(credentials: { readonly key: string; readonly chain: string } | null): Puppet {
    const puppet = new Puppet(this.tls(credentials));
    puppet.send(HELLO, Uint8Array.of(VERSION));
    return puppet;
  }

  /** A stranger with a good certificate of its own, who has been welcomed. */
  async stranger(name: string): Promise<Puppet> {
    const puppet = this.puppet(await leafOf(await identityOf(name)));
    await until(() => puppet.heardOf(WELCOME).length > 0);
    return puppet;
  }

  /** An HTTP request to the node's API. Rejects when there is no answer. */
  request(
    method: string,
    path: string,
    body: string | null = null,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asked: ClientRequest = httpRequest(
        {
          host: LOOPBACK,
          port: this.#api,
          localAddress: this.host,
          method,
          path,
          agent: false,
          timeout: REQUEST_MS,
          headers: {
            ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
            ...headers,
          },
        },
        response => {
          let text = '';
          response.on('data', chunk => (text += String(chunk)));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
          response.on('error', reject);
        },
      );
      asked.on('timeout', () => asked.destroy(new Error(`no answer to ${method} ${path} in ${REQUEST_MS} ms`)));
      asked.on('error', reject);
      asked.end(body ?? undefined);
    });
  }

  /**
   * A WebSocket to the node's API that sends one text many times, at once. Resolves to the code with which it is closed;
   * null: there was none.
   */
  socket(path: string, text: string, times: number): Promise<number | null> {
    const socket = this.tcp(true);
    const key = 'AAAAAAAAAAAAAAAAAAAAAA==';
    const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}`;
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n\r\n`);
    const frame = maskedFrame(text);
    let heard = Buffer.alloc(0);
    let isUp = false;
    let code: number | null = null;
    socket.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      const end = heard.indexOf('\r\n\r\n');
      if (!isUp && end >= 0) {
        isUp = true;
        heard = heard.subarray(end + 4);
        socket.write(Buffer.concat(Array.from({ length: times }, () => frame)));
      }
      for (let read = isUp ? readFrame(heard) : null; read !== null; read = readFrame(heard)) {
        heard = heard.subarray(read.length);
        if (read.opcode === CLOSE_FRAME) code = read.payload.readUInt16BE(0);
        if (code !== null) socket.end();
      }
    });
    return new Promise(resolve => socket.on('close', () => resolve(code)));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #kept<T extends Socket>(socket: T): T {
    // What becomes of it, the node's log and the close say.
    socket.on('error', () => undefined);
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    return socket;
  }
}

const CLOSE_FRAME = 8;

/** A text as a client sends it: masked, here with a mask that changes nothing. */
function maskedFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  if (payload.length > 125) throw new RangeError(`found a text of ${payload.length} bytes, expected a short one`);
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

/** The first frame of what a server sent; null when it is not whole yet. */
function readFrame(
  bytes: Buffer,
): { readonly opcode: number; readonly payload: Buffer; readonly length: number } | null {
  if (bytes.length < 2) return null;
  const short = bytes[1]! & 0x7f;
  const head = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < head) return null;
  const size = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < head + size) return null;
  return { opcode: bytes[0]! & 0x0f, payload: bytes.subarray(head, head + size), length: head + size };
}

export function identityOf(name: string): Promise<TlsIdentity> {
  return tlsIdentity(seedOf(name));
}

/** Says something in the language of participants. */
export function say(puppet: Puppet, message: Wire): void {
  puppet.send(MESSAGE, wireCodec.encode(message));
}

/** What a puppet was told in that language. */
export function toldTo(puppet: Puppet): Wire[] {
  return puppet.heardOf(MESSAGE).map(bytes => wireCodec.decode(bytes));
}
