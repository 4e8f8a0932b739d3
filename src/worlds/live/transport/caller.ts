/**
 * Outbound: from a name to a connection that has been welcomed, or a reason why there is none. One attempt each, with one
 * time limit over all its steps; whether to try again is up to whoever asked.
 *
 * In TLS 1.3 the caller's handshake is over before the other side has looked at the caller's certificate. So a call
 * stands only once the other side's greeting is there, and one that ends before it is refused, whatever TLS said.
 */
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { PeerName } from '../../../actors/actor.ts';
import type { PeerAddress } from '../ports.ts';
import { type Credentials, checkPeer } from './credentials.ts';
import { type Ending, FramedSocket, type FrameHandler, refusalText } from './framed-socket.ts';
import { HELLO, REFUSED, VERSION, WELCOME } from './frames.ts';
import type { TransportLimits, TransportTrouble } from './options.ts';

export type CallOutcome =
  | { readonly wire: FramedSocket; readonly address: string }
  | {
      readonly wire: null;
      readonly reason: string;
      readonly trouble: TransportTrouble | null;
      /** `host:port` that was called. */
      readonly remote: string;
    };

export interface CallerOptions {
  readonly limits: TransportLimits;
  readonly credentials: Credentials;
  /** By which certificates are judged; milliseconds since 1970. */
  readonly now_ms: () => number;
}

/** An attempt that goes on. */
export interface Call {
  readonly peer: PeerName;
  readonly to: PeerAddress;
  /** Ends it with this reason, unless it has ended. */
  fail(reason: string): void;
  /** Ends it, and nobody is told. */
  cancel(): void;
}

export class Caller {
  readonly #options: CallerOptions;
  readonly #calls = new Set<Attempt>();
  /** Secured sockets that are not gone yet, whatever became of their calls. */
  readonly #wires = new Set<FramedSocket>();
  #whenGone: (() => void) | null = null;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /** Attempts that go on. */
  get calls(): ReadonlySet<Call> {
    return this.#calls;
  }

  /** Secured sockets of our own calling that are there. */
  get outbound(): number {
    return this.#wires.size;
  }

  /** Resolves when all of them are gone; to be asked for once, when there will be no more calls. */
  gone(): Promise<void> {
    return new Promise(resolve => {
      if (this.#wires.size === 0) resolve();
      else this.#whenGone = resolve;
    });
  }

  /**
   * Calls a peer. `done` is told once, possibly before this returns; never after `cancel`.
   * @param protocol which of PROTOCOLS the connection is for
   */
  call(peer: PeerName, to: PeerAddress, protocol: string, done: (outcome: CallOutcome) => void): Call | null {
    const { maxCalls } = this.#options.limits;
    if (this.#calls.size >= maxCalls) {
      const remote = `${to.host}:${to.port}`;
      done({ wire: null, reason: `${maxCalls} calls are unanswered already`, trouble: null, remote });
      return null;
    }
    const over = (outcome: CallOutcome | null): void => {
      this.#calls.delete(attempt);
      if (outcome !== null) done(outcome);
    };
    const attempt = new Attempt(peer, to, protocol, this.#options, over, wire => this.#keep(wire));
    this.#calls.add(attempt);
    return attempt;
  }

  #keep(wire: FramedSocket): void {
    this.#wires.add(wire);
    wire.onClosed = () => {
      this.#wires.delete(wire);
      if (this.#wires.size === 0) this.#whenGone?.();
    };
  }
}

type Step = 'tcp' | 'tls' | 'greeting' | 'over';

class Attempt implements Call, FrameHandler {
  readonly peer: PeerName;
  readonly to: PeerAddress;
  readonly #protocol: string;
  readonly #options: CallerOptions;
  /** Null when it was cancelled. */
  readonly #over: (outcome: CallOutcome | null) => void;
  readonly #secure: (wire: FramedSocket) => void;
  readonly #socket: TLSSocket;
  readonly #where: string;
  readonly #timer: NodeJS.Timeout;
  #wire: FramedSocket | null = null;
  #step: Step = 'tcp';

  constructor(
    peer: PeerName,
    to: PeerAddress,
    protocol: string,
    options: CallerOptions,
    over: (outcome: CallOutcome | null) => void,
    secure: (wire: FramedSocket) => void,
  ) {
    this.peer = peer;
    this.to = to;
    this.#protocol = protocol;
    this.#options = options;
    this.#over = over;
    this.#secure = secure;
    this.#where = `${to.host}:${to.port}`;
    this.#timer = setTimeout(() => this.#timeOut(), options.limits.connectTimeout_ms);
    this.#socket = connectTls({
      host: to.host,
      port: to.port,
      secureContext: options.credentials.context,
      ALPNProtocols: [protocol],
      // The chain is judged in #secured; TLS would ask an authority, and there is none.
      rejectUnauthorized: false,
    });
    this.#socket.once('connect', () => {
      if (this.#step === 'tcp') this.#step = 'tls';
    });
    this.#socket.once('secureConnect', () => this.#secured());
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#failed(error));
    this.#socket.on('close', () => {
      // Once it is secured, the wire tells, and knows better.
      if (this.#wire === null) this.fail(`${this.#where} closed the connection before it was secured`);
    });
  }

  fail(reason: string): void {
    this.#fail(reason, null);
  }

  cancel(): void {
    if (!this.#leave()) return;
    this.#drop();
    this.#over(null);
  }

  admits(type: number): boolean {
    return this.#step === 'greeting' && (type === WELCOME || type === REFUSED);
  }

  frame(type: number, payload: Uint8Array): void {
    const wire = this.#wire!;
    if (type === REFUSED) this.fail(`refused by the peer: ${refusalText(payload)}`);
    else if (payload[0] !== VERSION)
      wire.offend('malformed-frame', `speaks version ${payload[0]}, expected ${VERSION}`);
    else if (this.#leave()) this.#over({ wire, address: this.to.address });
  }

  ended({ reason, trouble }: Ending): void {
    if (trouble !== null) this.#fail(`${this.#where}: ${reason}`, trouble);
    else {
      this.fail(`${this.#where} ended the connection before its greeting; it may have refused our certificate`);
    }
  }

  tick(): void {}

  #secured(): void {
    if (this.#step === 'over') return;
    const { limits, now_ms } = this.#options;
    const protocol = this.#socket.alpnProtocol;
    if (protocol !== this.#protocol) {
      this.#fail(`${this.#where} speaks another protocol than ${this.#protocol}`, 'handshake');
      return;
    }
    const verdict = checkPeer(this.#socket, now_ms(), this.to.address);
    if (!verdict.good) {
      this.#fail(`certificate of ${this.#where}: ${verdict.reason}`, 'certificate');
      return;
    }
    this.#step = 'greeting';
    this.#wire = new FramedSocket(this.#socket, this.#where, limits, this);
    this.#secure(this.#wire);
    this.#wire.send(HELLO, Uint8Array.of(VERSION));
  }

  #failed(error: NodeJS.ErrnoException): void {
    const code = error.code ?? error.message;
    if (code === 'ECONNREFUSED') this.fail(`nothing listens at ${this.#where}`);
    else if (this.#step === 'tcp') this.fail(`${this.#where} cannot be reached (${code})`);
    else if (this.#step === 'tls') this.fail(`${this.#where} broke the TLS handshake off (${code})`);
    // Later the wire sees to it.
  }

  #timeOut(): void {
    const limit = `within ${this.#options.limits.connectTimeout_ms} ms`;
    if (this.#step === 'tcp') this.fail(`timed out: no answer from ${this.#where} ${limit}`);
    else if (this.#step === 'tls') this.fail(`timed out: ${this.#where} did not end the TLS handshake ${limit}`);
    else this.fail(`timed out: ${this.#where} did not greet ${limit}; it may have refused our certificate`);
  }

  #fail(reason: string, trouble: TransportTrouble | null): void {
    if (!this.#leave()) return;
    this.#drop();
    this.#over({ wire: null, reason, trouble, remote: this.#where });
  }

  /** The attempt is over; false when it was before. */
  #leave(): boolean {
    if (this.#step === 'over') return false;
    this.#step = 'over';
    clearTimeout(this.#timer);
    return true;
  }

  #drop(): void {
    if (this.#wire !== null) this.#wire.destroy();
    else this.#socket.destroy();
  }
}
