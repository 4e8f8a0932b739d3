/**
 * A published TCP port: a listener of the provider's own that passes connections on to a container.
 *
 * Each side may end its half of a connection while the other goes on, and what breaks on one side is reset on the other
 * (`join` in way.ts).
 */
import { createServer, type Server, type Socket } from 'node:net';
import { join, KEEP_ALIVE_MS, type Line, type Way } from './way.ts';

/** How long a container may take to accept. A relay that has to be made first takes its time, too. */
const CONNECT_MS = 10_000;

/** After how long without a byte a connection is closed of which one half has ended. */
const HALF_IDLE_MS = 60_000;

/** A port that is published; until it is aimed, whoever calls is turned away. */
export interface Published {
  readonly hostPort: number;
  aim(way: Way): void;
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
  readonly #clients = new Set<Socket>();
  #way: Way | null = null;

  constructor(server: Server, hostPort: number, limits: ProxyLimits) {
    this.#server = server;
    this.hostPort = hostPort;
    this.#limits = limits;
    server.maxConnections = limits.connections;
    server.on('connection', client => void this.#accept(client));
    server.on('error', error => limits.problem(`TCP port ${hostPort}: ${error.message}`));
  }

  aim(way: Way): void {
    this.#way = way;
  }

  close(): Promise<void> {
    const closed = new Promise<void>(resolve => void this.#server.close(() => resolve()));
    for (const client of this.#clients) client.resetAndDestroy();
    return closed;
  }

  async #accept(client: Socket): Promise<void> {
    const givenUp = new AbortController();
    this.#clients.add(client);
    // `close` follows, and ends the other side.
    client.on('error', () => {});
    client.once('close', () => {
      this.#clients.delete(client);
      givenUp.abort(new Error('the client is gone'));
    });
    let line: Line;
    const tooLate = setTimeout(() => givenUp.abort(new Error(`nobody accepted within ${CONNECT_MS} ms`)), CONNECT_MS);
    try {
      if (this.#way === null) throw new Error('there is no way yet');
      line = await this.#way.connect(givenUp.signal);
    } catch {
      // What a client is told of all of this is that nobody is there; whose fault it is, the way itself tells.
      client.resetAndDestroy();
      return;
    } finally {
      clearTimeout(tooLate);
    }
    this.#join(client, line);
  }

  #join(client: Socket, line: Line): void {
    const { idle_ms } = this.#limits;
    client.setKeepAlive(true, KEEP_ALIVE_MS);
    // All that passes, either way, passes the client's socket.
    client.setTimeout(idle_ms, () => client.resetAndDestroy());
    for (const side of [client, line]) {
      side.once('end', () => client.setTimeout(Math.min(idle_ms, HALF_IDLE_MS)));
    }
    join(client, line);
    client.resume();
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
