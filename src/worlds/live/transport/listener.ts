/**
 * Inbound: from an accepted socket to a caller that has proven who it is and has greeted. Every step has its time limit
 * and its bound; who fails one is dropped, and logged once.
 */
import { createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls';
import { Admission, hostOf, type Ticket } from './admission.ts';
import { checkPeer, PROTOCOLS } from './credentials.ts';
import { type Ending, FramedSocket, monotonic_ms } from './framed-socket.ts';
import { HELLO, VERSION } from './frames.ts';
import type { TransportLimits, TransportLogEvent, TransportTrouble } from './options.ts';
import type { TroubleLog } from './trouble-log.ts';

/** A caller that has proven who it is and has greeted; it waits for an answer. */
export interface Arrival {
  readonly wire: FramedSocket;
  /** Its account address. */
  readonly address: string;
  /** One of PROTOCOLS. */
  readonly protocol: string;
}

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly limits: TransportLimits;
  readonly context: SecureContextOptions;
  readonly admission: Admission;
  readonly trouble: TroubleLog<TransportLogEvent>;
  /** By which certificates are judged; milliseconds since 1970. */
  readonly now_ms: () => number;
  /** Takes over a caller: welcomes or refuses it. */
  readonly arrive: (arrival: Arrival) => void;
}

/** A socket that has not greeted yet. */
interface Pending {
  readonly raw: Socket;
  readonly host: string;
  readonly remote: string;
  readonly ticket: Ticket;
  /** What is wrong with it, once something is. */
  fault: string | null;
}

export class Listener {
  readonly port: number;
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #tls: TlsServer;
  /** By `address:port` of the other end, which is how TLS tells which socket it has secured. */
  readonly #pending = new Map<string, Pending>();

  private constructor(options: ListenerOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error(`listening at ${bound}, expected a TCP port`);
    this.port = bound.port;
    // This one never listens: it secures the sockets that the other one let in.
    this.#tls = createTlsServer({
      ...options.context,
      requestCert: true,
      // The chain is judged in #secured; TLS would ask an authority, and there is none.
      rejectUnauthorized: false,
      ALPNProtocols: PROTOCOLS,
      handshakeTimeout: options.limits.handshakeTimeout_ms,
    });
    this.#tls.on('secureConnection', socket => this.#secured(socket));
    this.#tls.on('tlsClientError', (error, socket) => this.#notSecured(error, socket));
    server.on('connection', raw => this.#accept(raw));
    server.on('error', error => {
      options.trouble.note('listener', { level: 'error', what: 'own-trouble', reason: `listener: ${error.message}` });
    });
  }

  /** Listens. Rejects with the reason when the port cannot be had. */
  static async open(options: ListenerOptions): Promise<Listener> {
    const server = createServer();
    const { host, port } = options;
    await new Promise<void>((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException): void => {
        const why =
          error.code === 'EADDRINUSE'
            ? 'the port is taken'
            : error.code === 'EADDRNOTAVAIL'
              ? 'this machine does not have that address'
              : error.message;
        reject(new Error(`cannot listen at ${host}:${port}: ${why}`, { cause: error }));
      };
      server.once('error', failed);
      server.listen({ host, port }, () => {
        server.off('error', failed);
        resolve();
      });
    });
    return new Listener(options, server);
  }

  /** What new connections are secured with from now on. */
  renew(context: SecureContextOptions): void {
    this.#tls.setSecureContext(context);
  }

  /** Listens no more and drops who has not greeted yet; resolves when all that came in is gone. */
  close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    for (const { raw } of this.#pending.values()) raw.destroy();
    return closed;
  }

  #accept(raw: Socket): void {
    const { remoteAddress, remotePort } = raw;
    raw.on('error', () => {
      // The close that follows says all that is to be said.
    });
    if (remoteAddress === undefined || remotePort === undefined || !this.#server.listening) {
      raw.destroy();
      return;
    }
    const host = hostOf(remoteAddress);
    const remote = `${remoteAddress}:${remotePort}`;
    const ticket = this.#options.admission.enter(host);
    if (typeof ticket === 'string') {
      this.#note('too-many', host, remote, ticket);
      // A reset: an orderly end would keep a place in the system's tables for each.
      raw.resetAndDestroy();
      return;
    }
    const pending: Pending = { raw, host, remote, ticket, fault: null };
    this.#pending.set(remote, pending);
    raw.on('close', () => {
      ticket.leave();
      if (!this.#settle(pending) || !this.#server.listening) return;
      this.#note('handshake', host, remote, pending.fault ?? 'closed before the TLS handshake was over');
    });
    this.#tls.emit('connection', raw);
  }

  /** The socket is no longer to be secured; false when it was not any more. */
  #settle(pending: Pending): boolean {
    return this.#pending.get(pending.remote) === pending && this.#pending.delete(pending.remote);
  }

  #notSecured(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    const pending = this.#pending.get(`${socket.remoteAddress}:${socket.remotePort}`);
    if (pending !== undefined && error.code !== 'ECONNRESET') {
      const isLate = error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT';
      pending.fault = isLate
        ? `the TLS handshake was not over within ${this.#options.limits.handshakeTimeout_ms} ms`
        : `no TLS 1.3 handshake (${error.code ?? error.message})`;
    }
    socket.destroy();
    pending?.raw.destroy();
  }

  #secured(socket: TLSSocket): void {
    const { limits, now_ms } = this.#options;
    const pending = this.#pending.get(`${socket.remoteAddress}:${socket.remotePort}`);
    if (pending === undefined) {
      // It is gone already; the socket only does not know yet.
      socket.destroy();
      return;
    }
    const { host, remote } = pending;
    const protocol = socket.alpnProtocol;
    const verdict = checkPeer(socket, now_ms(), null);
    const greeting = new Greeting(limits.helloTimeout_ms);
    const wire = new FramedSocket(socket, remote, limits, greeting);
    greeting.begin(wire, ending => {
      if (!this.#settle(pending)) return;
      if (ending !== null) {
        if (ending.trouble !== null) this.#note(ending.trouble, host, remote, ending.reason);
        return;
      }
      pending.ticket.greeted();
      if (verdict.good && protocol) this.#options.arrive({ wire, address: verdict.address, protocol });
    });
    if (verdict.good && protocol) return;
    const what = verdict.good ? 'handshake' : 'certificate';
    const reason = verdict.good ? `asked for no protocol, expected one of ${PROTOCOLS.join(', ')}` : verdict.reason;
    this.#note(what, host, remote, reason);
    greeting.stop();
    this.#settle(pending);
    wire.refuse(verdict.good ? reason : `your certificate: ${reason}`);
  }

  #note(what: TransportTrouble, host: string, remote: string, reason: string): void {
    this.#options.trouble.note(host, { level: 'warn', what, remote, reason });
  }
}

/** What is expected of a caller at first: HELLO, in time. */
class Greeting {
  readonly #timeout_ms: number;
  #timer: NodeJS.Timeout | null = null;
  #wire: FramedSocket | null = null;
  #over: (ending: Ending | null) => void = () => {};

  constructor(timeout_ms: number) {
    this.#timeout_ms = timeout_ms;
  }

  /** @param over told once: null when the greeting has come, else why it will not */
  begin(wire: FramedSocket, over: (ending: Ending | null) => void): void {
    this.#wire = wire;
    this.#over = over;
    this.#timer = setTimeout(
      () => wire.offend('too-slow', `no greeting within ${this.#timeout_ms} ms`),
      this.#timeout_ms,
    );
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  admits(type: number): boolean {
    return this.#timer !== null && type === HELLO;
  }

  frame(_type: number, payload: Uint8Array): void {
    if (payload[0] !== VERSION) {
      this.#wire!.offend('malformed-frame', `speaks version ${payload[0]}, expected ${VERSION}`);
      return;
    }
    this.stop();
    this.#over(null);
  }

  ended(ending: Ending): void {
    this.stop();
    this.#over(ending);
  }

  tick(): void {}
}

/** Places for inbound connections, by a clock that nobody sets. */
export function admissionOf(limits: TransportLimits): Admission {
  return new Admission(limits, monotonic_ms);
}
