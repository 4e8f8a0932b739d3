/** Transports with what they tell, limits for busy machines, and peers that do not keep to the protocol. */
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'vitest';
import type { ConnectionId, PeerName } from '../../../../src/actors/actor.ts';
import { type LeafCredentials, type TlsIdentity, tlsIdentity } from '../../../../src/worlds/live/identity/identity.ts';
import type { PeerAddress } from '../../../../src/worlds/live/ports.ts';
import { MESSAGE_PROTOCOL } from '../../../../src/worlds/live/transport/credentials.ts';
import { FrameDecoder, frameOf, HELLO, VERSION } from '../../../../src/worlds/live/transport/frames.ts';
import type {
  LiveTransportOptions,
  TransportLimits,
  TransportLogEvent,
} from '../../../../src/worlds/live/transport/options.ts';
import { LiveTransport } from '../../../../src/worlds/live/transport/transport.ts';

/** Limits that a busy machine keeps to; a test of one of them makes that one short. */
export const PATIENT: Partial<TransportLimits> = {
  connectTimeout_ms: 8_000,
  handshakeTimeout_ms: 8_000,
  helloTimeout_ms: 8_000,
  partialFrameTimeout_ms: 8_000,
  keepAlive_ms: 8_000,
  stallTimeout_ms: 8_000,
  lingerTimeout_ms: 1_000,
};

/** One thing that a transport told, in short. */
export type Told =
  | { kind: 'connected'; connection: ConnectionId; peer: PeerName; inbound: boolean }
  | { kind: 'refused'; peer: PeerName; reason: string }
  | { kind: 'disconnected'; connection: ConnectionId; peer: PeerName; reason: string }
  | { kind: 'message'; connection: ConnectionId; from: PeerName; text: string; bytes: number }
  | { kind: 'queueFull' | 'drained'; connection: ConnectionId; peer: PeerName }
  | { kind: 'tunnel'; id: string; open: boolean; reason: string };

export interface Participant {
  readonly name: PeerName;
  readonly identity: TlsIdentity;
  readonly transport: LiveTransport;
  readonly told: Told[];
  readonly log: TransportLogEvent[];
  only<K extends Told['kind']>(kind: K): Extract<Told, { kind: K }>[];
  texts(): string[];
  say(connection: ConnectionId, text: string): void;
}

export type Reaction = (told: Told, transport: LiveTransport) => void;

/** A little network of transports that know each other. */
export class Net {
  readonly participants: Participant[] = [];
  readonly #addresses = new Map<PeerName, PeerAddress>();
  readonly #names = new Map<string, PeerName>();
  readonly #sockets: Socket[] = [];

  async add(
    name: PeerName,
    limits: Partial<TransportLimits> = {},
    more: Partial<LiveTransportOptions> & { react?: Reaction } = {},
  ): Promise<Participant> {
    const identity = more.identity ?? (await tlsIdentity(seedOf(name)));
    const told: Told[] = [];
    const log: TransportLogEvent[] = [];
    const tell = (one: Told): void => {
      told.push(one);
      more.react?.(one, transport);
    };
    const transport: LiveTransport = await LiveTransport.open({
      identity,
      resolve: peer => this.#addresses.get(peer) ?? null,
      nameOf: address => this.#names.get(address) ?? null,
      log: event => void log.push(event),
      listen: { host: '127.0.0.1', port: 0 },
      acceptsUnknown: false,
      limits: { ...PATIENT, ...limits },
      events: {
        connected: (connection, peer, inbound) => tell({ kind: 'connected', connection, peer, inbound }),
        refused: (peer, reason) => tell({ kind: 'refused', peer, reason }),
        disconnected: (connection, peer, reason) => tell({ kind: 'disconnected', connection, peer, reason }),
        message: (connection, from, bytes) =>
          tell({ kind: 'message', connection, from, text: textOf(bytes), bytes: bytes.length }),
        queueFull: (connection, peer) => tell({ kind: 'queueFull', connection, peer }),
        drained: (connection, peer) => tell({ kind: 'drained', connection, peer }),
        tunnel: (id, open, reason) => tell({ kind: 'tunnel', id, open, reason }),
      },
      ...more,
    });
    const participant: Participant = {
      name,
      identity,
      transport,
      told,
      log,
      only: kind => told.filter((one): one is Extract<Told, { kind: typeof kind }> => one.kind === kind) as never,
      texts: () => told.flatMap(one => (one.kind === 'message' ? [one.text] : [])),
      say: (connection, text) => transport.send(connection, new TextEncoder().encode(text)),
    };
    this.participants.push(participant);
    this.know(name, identity.address, transport.port);
    return participant;
  }

  /** Makes a name known; without a port nobody can call it. */
  know(name: PeerName, address: string, port: number | null): void {
    this.#names.set(address, name);
    if (port !== null) this.#addresses.set(name, { host: '127.0.0.1', port, address });
  }

  /** Connects two and returns both connection numbers. */
  async link(from: Participant, to: Participant): Promise<[ConnectionId, ConnectionId]> {
    const [before, there] = [from.only('connected').length, to.only('connected').length];
    from.transport.connect(to.name);
    await until(() => from.only('connected').length > before && to.only('connected').length > there);
    return [from.only('connected').at(-1)!.connection, to.only('connected').at(-1)!.connection];
  }

  /** A plain TCP connection to a participant. */
  tcp(to: Participant): Socket {
    const socket = connectTcp(to.transport.port!, '127.0.0.1');
    socket.on('error', () => {});
    this.#sockets.push(socket);
    return socket;
  }

  /** A TLS connection to a participant that shows these certificates, or none. */
  tls(to: Participant, credentials: { key: string; chain: string } | null, more: ConnectionOptions = {}): TLSSocket {
    const socket = connectTls({
      host: '127.0.0.1',
      port: to.transport.port!,
      rejectUnauthorized: false,
      ALPNProtocols: [MESSAGE_PROTOCOL],
      ...(credentials === null
        ? {}
        : { secureContext: createSecureContext({ key: credentials.key, cert: credentials.chain }) }),
      ...more,
    });
    socket.on('error', () => {});
    this.#sockets.push(socket);
    return socket;
  }

  /** A peer that has greeted and been welcomed, and from then on does as the test says. */
  async puppet(to: Participant, name: PeerName): Promise<Puppet> {
    const identity = await tlsIdentity(seedOf(name));
    this.know(name, identity.address, null);
    const puppet = new Puppet(this.tls(to, await leafOf(identity)));
    puppet.send(HELLO, Uint8Array.of(VERSION));
    const before = to.only('connected').length;
    await until(() => to.only('connected').length > before);
    return puppet;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.participants.map(one => one.transport.close(true)));
  }
}

/** The other end of a connection, in the hands of a test. */
export class Puppet {
  readonly socket: TLSSocket;
  readonly heard: { readonly type: number; readonly payload: Uint8Array }[] = [];
  closed = false;

  constructor(socket: TLSSocket) {
    this.socket = socket;
    const decoder = new FrameDecoder(() => true);
    socket.on('data', (chunk: Uint8Array) => {
      decoder.push(chunk);
      for (let frame = decoder.next(); frame !== null; frame = decoder.next()) this.heard.push(frame);
    });
    socket.on('close', () => {
      this.closed = true;
    });
  }

  send(type: number, payload: Uint8Array): void {
    this.socket.write(frameOf(type, payload));
  }

  heardOf(type: number): Uint8Array[] {
    return this.heard.filter(frame => frame.type === type).map(frame => frame.payload);
  }
}

export function seedOf(name: string): Uint8Array {
  const seed = new Uint8Array(32);
  seed.set(new TextEncoder().encode(name).subarray(0, 32));
  return seed;
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, 64));
}

export function leafOf(
  identity: TlsIdentity,
  notBefore_ms = Date.now() - 60_000,
  notAfter_ms = Date.now() + 3_600_000,
): Promise<LeafCredentials> {
  return identity.issueLeaf({ notBefore_ms, notAfter_ms });
}

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes of buffers that somebody still holds. */
export function heldBytes(): number {
  collect();
  return process.memoryUsage().arrayBuffers;
}

export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

/** Waits until something holds; fails after so long. */
export async function until(holds: () => boolean, limit_ms = 15_000): Promise<void> {
  const end = performance.now() + limit_ms;
  while (!holds()) {
    if (performance.now() > end) expect.fail(`did not come to hold within ${limit_ms} ms: ${holds}`);
    await sleep(5);
  }
}
