/**
 * A published UDP port. Each peer that sends gets a socket of its own towards the container, so that answers find their
 * way back; one that is quiet for a while is forgotten.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { ProxyLimits, Published, Target } from './tcp-proxy.ts';

/** UDP has no end: after so long without a datagram, a peer is gone. */
const LONGEST_IDLE_MS = 60_000;

class UdpProxy implements Published {
  readonly hostPort: number;
  readonly #socket: Socket;
  readonly #limits: ProxyLimits;
  readonly #peers = new Map<string, { readonly inner: Socket; readonly timer: NodeJS.Timeout }>();
  #target: Target | null = null;
  #isClosed = false;

  constructor(socket: Socket, hostPort: number, limits: ProxyLimits) {
    this.#socket = socket;
    this.hostPort = hostPort;
    this.#limits = limits;
    socket.on('message', (data, peer) => this.#fromOutside(data, peer));
    socket.on('error', error => limits.problem(`UDP port ${hostPort}: ${error.message}`));
  }

  aim(target: Target): void {
    this.#target = target;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    for (const key of [...this.#peers.keys()]) this.#forget(key);
    return new Promise(resolve => void this.#socket.close(() => resolve()));
  }

  #fromOutside(data: Buffer, peer: RemoteInfo): void {
    const target = this.#target;
    if (target === null || this.#isClosed) return;
    const key = `${peer.address} ${peer.port}`;
    let known = this.#peers.get(key);
    if (known === undefined) {
      if (this.#peers.size >= this.#limits.connections) return;
      const inner = createSocket(isIPv6(target.host) ? 'udp6' : 'udp4');
      const idle = Math.min(this.#limits.idle_ms, LONGEST_IDLE_MS);
      known = { inner, timer: setTimeout(() => this.#forget(key), idle) };
      this.#peers.set(key, known);
      const mine = known;
      inner.on('message', (answer, from) => {
        // Only the container answers: the socket is not connected, so that an early refusal does not end it.
        if (from.port !== target.port || from.address !== target.host || this.#isClosed) return;
        mine.timer.refresh();
        // Datagrams may be lost: one that could not be sent is.
        this.#socket.send(answer, peer.port, peer.address, () => {});
      });
      inner.on('error', () => this.#forget(key));
    }
    known.timer.refresh();
    known.inner.send(data, target.port, target.host, () => {});
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
