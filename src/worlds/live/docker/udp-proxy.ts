/**
 * A published UDP port. Each peer that sends gets a conversation of its own with the container, so that answers find
 * their way back; one that is quiet for a while is forgotten.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { ProxyLimits, Published } from './tcp-proxy.ts';
import type { Conversation, Way } from './way.ts';

/** UDP has no end: after so long without a datagram, a peer is gone. */
const LONGEST_IDLE_MS = 60_000;

interface Peer {
  readonly inner: Conversation;
  readonly timer: NodeJS.Timeout;
}

class UdpProxy implements Published {
  readonly hostPort: number;
  readonly #socket: Socket;
  readonly #limits: ProxyLimits;
  readonly #peers = new Map<string, Peer>();
  #way: Way | null = null;
  #isClosed = false;

  constructor(socket: Socket, hostPort: number, limits: ProxyLimits) {
    this.#socket = socket;
    this.hostPort = hostPort;
    this.#limits = limits;
    socket.on('message', (data, peer) => this.#fromOutside(data, peer));
    socket.on('error', error => limits.problem(`UDP port ${hostPort}: ${error.message}`));
  }

  aim(way: Way): void {
    this.#way = way;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    for (const key of [...this.#peers.keys()]) this.#forget(key);
    return new Promise(resolve => void this.#socket.close(() => resolve()));
  }

  #fromOutside(data: Buffer, peer: RemoteInfo): void {
    if (this.#way === null || this.#isClosed) return;
    const key = `${peer.address} ${peer.port}`;
    const known = this.#peers.get(key) ?? this.#greet(this.#way, key, peer);
    if (known === null) return;
    known.timer.refresh();
    known.inner.send(data);
  }

  /** Begins the conversation of a new peer; null when there are too many. */
  #greet(way: Way, key: string, peer: RemoteInfo): Peer | null {
    if (this.#peers.size >= this.#limits.connections) return null;
    const timer = setTimeout(() => this.#forget(key), Math.min(this.#limits.idle_ms, LONGEST_IDLE_MS));
    const inner = way.converse(
      answer => {
        if (this.#isClosed) return;
        timer.refresh();
        // Datagrams may be lost: one that could not be sent is.
        this.#socket.send(answer, peer.port, peer.address, () => {});
      },
      () => this.#forget(key),
    );
    const known = { inner, timer };
    this.#peers.set(key, known);
    return known;
  }

  #forget(key: string): void {
    const known = this.#peers.get(key);
    if (known === undefined) return;
    this.#peers.delete(key);
    clearTimeout(known.timer);
    known.inner.close();
  }
}

/** Publishes a port; null when it is taken. Port 0: any. */
export function publishUdp(host: string, port: number, limits: ProxyLimits): Promise<Published | null> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const fail = (error: NodeJS.ErrnoException): void => {
      socket.close();
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(null);
      else reject(error);
    };
    socket.once('error', fail);
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.off('error', fail);
      resolve(new UdpProxy(socket, socket.address().port, limits));
    });
  });
}
