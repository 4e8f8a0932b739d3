/**
 * A published TCP port: a listener of the provider's own that passes connections on to a container.
 *
 * Each side may end its half of a connection while the other goes on; what breaks on one side is reset on the other, so
 * that nobody takes a part of an answer for the whole.
 * Bytes wait in the sockets' own buffers only: who does not read stops who writes.
 */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';

/** How long a container may take to accept. */
const CONNECT_MS = 5_000;

/** After how long without a byte a connection is closed of which one half has ended. */
const HALF_IDLE_MS = 60_000;

/** How often a quiet connection is probed for a peer that is gone. */
const KEEP_ALIVE_MS = 30_000;

/** Where connections go. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** A port that is published; until it is aimed, whoever calls is turned away. */
export interface Published {
  readonly hostPort: number;
  aim(target: Target): void;
  /** Frees the port and ends what runs over it. */
  close(): Promise<void>;
}

export interface ProxyLimits {
  /** Most connections, or UDP peers, at a time. */
  readonly connections: number;
  readonly idle_ms: number;
  /** Told when the listener itself has trouble; it goes on. */
  readonly problem: (text: string) => void;
}

class TcpProxy implements Published {
  readonly hostPort: number;
  readonly #server: Server;
  readonly #limits: ProxyLimits;
  readonly #sockets = new Set<Socket>();
  #target: Target | null = null;

  constructor(server: Server, hostPort: number, limits: ProxyLimits) {
    this.#server = server;
    this.hostPort = hostPort;
    this.#limits = limits;
    server.maxConnections = limits.connections;
    server.on('connection', client => this.#accept(client));
    server.on('error', error => limits.problem(`TCP port ${hostPort}: ${error.message}`));
  }

  aim(target: Target): void {
    this.#target = target;
  }

  close(): Promise<void> {
    const closed = new Promise<void>(resolve => void this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.resetAndDestroy();
    return closed;
  }

  #accept(client: Socket): void {
    if (this.#target === null) {
      client.resetAndDestroy();
      return;
    }
    const inner = dial({ ...this.#target, allowHalfOpen: true, noDelay: true });
    const tooLate = setTimeout(() => inner.destroy(), CONNECT_MS);
    inner.once('connect', () => {
      clearTimeout(tooLate);
      for (const socket of [client, inner]) {
        socket.setKeepAlive(true, KEEP_ALIVE_MS);
        socket.setTimeout(this.#limits.idle_ms, () => socket.resetAndDestroy());
        socket.once('end', () => {
          const idle_ms = Math.min(this.#limits.idle_ms, HALF_IDLE_MS);
          for (const each of [client, inner]) each.setTimeout(idle_ms);
        });
      }
      client.pipe(inner);
      inner.pipe(client);
      client.resume();
    });
    for (const [socket, other] of [
      [client, inner],
      [inner, client],
    ] as const) {
      this.#sockets.add(socket);
      // `close` follows, and ends the other side.
      socket.on('error', () => {});
      socket.once('close', hadError => {
        clearTimeout(tooLate);
        this.#sockets.delete(socket);
        if (hadError || !socket.readableEnded || !socket.writableFinished) other.resetAndDestroy();
      });
    }
  }
}

/** Publishes a port; null when it is taken. Port 0: any. */
export function publishTcp(host: string, port: number, limits: ProxyLimits): Promise<Published | null> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    const fail = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(null);
      else reject(error);
    };
    server.once('error', fail);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', fail);
      const address = server.address();
      resolve(new TcpProxy(server, typeof address === 'object' && address !== null ? address.port : port, limits));
    });
  });
}
