/**
 * A secured socket that speaks in frames, and what is the same whatever they mean: keep-alive, time for a frame that has
 * begun, fairness among connections, a farewell at the end.
 *
 * A connection ends in one of four ways. `finish` says goodbye after all that was sent before; `refuse` says why there
 * is none; `offend` and `destroy` drop it at once. When the other side ends it, or is given up, the handler is told, once.
 * After an ending of our own the handler hears nothing more, and what still comes is thrown away.
 *
 * Times are measured by a clock that stands still while this process is held up: what came meanwhile has not been read
 * yet, and nobody is to blame for that.
 */
import type { TLSSocket } from 'node:tls';
import { BYE, FrameDecoder, frameHeader, MalformedFrame, PING, PONG, REFUSED } from './frames.ts';
import type { TransportLimits, TransportTrouble } from './options.ts';

/** Why a peer says goodbye. */
export const BYE_CLOSED = 0;
export const BYE_STOPPING = 1;

/** Longest text of a refusal, in characters. */
const MAX_REASON = 160;

/** How a connection ended, and whether the peer is to blame. */
export interface Ending {
  readonly reason: string;
  readonly trouble: TransportTrouble | null;
}

/** What is done with frames; changes as a connection goes from its greeting to its use. */
export interface FrameHandler {
  /** Whether a frame of this type has a place now; PING, PONG and BYE are seen to already. */
  admits(type: number): boolean;
  frame(type: number, payload: Uint8Array): void;
  ended(ending: Ending): void;
  /** Several times within each of the connection's limits of time. */
  tick(now_ms: number): void;
}

type State = 'open' | 'ending' | 'closed';

const NOTHING = new Uint8Array(0);

/** Stretches without progress that are followed by another one before an ending that goes on is cut short. */
const MAX_LINGERS = 12;

/** Milliseconds of a clock that nobody sets. */
export function monotonic_ms(): number {
  return performance.now();
}

export class FramedSocket {
  /** `address:port` of the other end. */
  readonly remote: string;
  handler: FrameHandler;
  /** Called once, when the socket is gone for good. */
  onClosed: () => void = () => {};
  readonly #socket: TLSSocket;
  readonly #limits: TransportLimits;
  readonly #decoder: FrameDecoder;
  #state: State = 'open';
  /** After the greeting: pings are sent and answered. */
  #live = false;
  #corked = false;
  #pongUnderway = false;
  /** Nothing is read, because the participant cannot take any more. */
  #isHeld = false;
  #lastHeard_ms = 0;
  #lastPing_ms = 0;
  /** Since when a frame has begun and not ended; null when there is none. */
  #partialSince_ms: number | null = null;
  readonly #tick_ms: number;
  /** What `clock_ms` was at the last tick, and when that was. */
  #ticked_ms = 0;
  #tickedAt_ms = monotonic_ms();
  readonly #ticker: NodeJS.Timeout;
  #heardWhileEnding = false;
  #linger: NodeJS.Timeout | null = null;
  #error: NodeJS.ErrnoException | null = null;

  /** @param socket one whose handshake is over */
  constructor(socket: TLSSocket, remote: string, limits: TransportLimits, handler: FrameHandler) {
    this.#socket = socket;
    this.remote = remote;
    this.#limits = limits;
    this.handler = handler;
    this.#decoder = new FrameDecoder(type => this.#admits(type));
    const { keepAlive_ms, partialFrameTimeout_ms, stallTimeout_ms } = limits;
    this.#tick_ms = Math.max(
      5,
      Math.floor(Math.min(keepAlive_ms / 6, partialFrameTimeout_ms / 4, stallTimeout_ms / 4)),
    );
    this.#ticker = setInterval(() => this.#onTick(), this.#tick_ms);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Uint8Array) => this.#onData(chunk));
    socket.on('end', () => this.#lost('the connection ended without a farewell'));
    socket.on('error', error => {
      this.#error = error;
    });
    socket.on('close', () => this.#onClose());
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Milliseconds that this connection has been served: time in which this process was held up hardly counts. */
  get clock_ms(): number {
    return this.#ticked_ms + Math.min(monotonic_ms() - this.#tickedAt_ms, 2 * this.#tick_ms);
  }

  /** The greeting is over: from now on both sides ping, and may say goodbye. */
  goLive(): void {
    this.#live = true;
    this.#lastHeard_ms = this.clock_ms;
  }

  /**
   * Sends a frame; nothing when the connection is ending.
   * @param left called when it has been handed to the operating system
   */
  send(type: number, payload: Uint8Array, left?: () => void): void {
    if (this.#state !== 'open') return;
    this.#cork();
    this.#socket.write(frameHeader(type, payload.length));
    this.#socket.write(payload, error => {
      // With an error it did not leave: the socket is gone, and says so itself.
      if (error == null) left?.();
    });
  }

  /**
   * While `on`, nothing is read, and TCP makes the peer wait. Its pings are not answered either, so this is for a peer
   * that sends more than was asked for.
   */
  hold(on: boolean): void {
    if (this.#isHeld === on) return;
    this.#isHeld = on;
    if (this.#state !== 'open') return;
    if (on) this.#socket.pause();
    else setImmediate(() => this.#readOn());
  }

  /** What was sent before still leaves, then the farewell; the handler hears no more. */
  finish(code: number): void {
    this.send(BYE, Uint8Array.of(code));
    this.#endSoftly(MAX_LINGERS);
  }

  /** Says why not, and ends. */
  refuse(reason: string): void {
    this.send(REFUSED, new TextEncoder().encode(printable(reason)));
    this.#endSoftly(1);
  }

  /** The peer did what no well-behaved one does: drops the connection and tells the handler why. */
  offend(trouble: TransportTrouble, reason: string): void {
    this.#end({ reason, trouble });
  }

  /** Gives the connection up, and tells the handler why. */
  giveUp(reason: string): void {
    this.#end({ reason, trouble: null });
  }

  /** Drops the connection; the handler hears no more. */
  destroy(): void {
    if (this.#state === 'closed') return;
    this.#state = 'ending';
    this.#socket.destroy();
  }

  #admits(type: number): boolean {
    return (this.#live && (type === PING || type === PONG || type === BYE)) || this.handler.admits(type);
  }

  /** All that is sent within one turn leaves as one piece. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#socket.uncork();
    });
  }

  #onData(chunk: Uint8Array): void {
    this.#heardWhileEnding = true;
    if (this.#state !== 'open') return;
    this.#lastHeard_ms = this.clock_ms;
    this.#decoder.push(chunk);
    this.#handleFrames();
  }

  #handleFrames(): void {
    for (let handled = 0; handled < this.#limits.framesPerTurn; handled++) {
      if (this.#isHeld || !this.#handleNext()) return;
    }
    if (!this.#decoder.hasRest) return;
    // Whoever sends many small frames waits for the others; meanwhile TCP slows it down.
    this.#socket.pause();
    setImmediate(() => this.#readOn());
  }

  /** Goes on where the last turn stopped. */
  #readOn(): void {
    if (this.#state !== 'open' || this.#isHeld) return;
    if (this.#decoder.hasRest) this.#handleFrames();
    if (this.isOpen && !this.#isHeld && !this.#decoder.hasRest) this.#socket.resume();
  }

  /** Handles one frame; false when there is none, or nothing is to be done any more. */
  #handleNext(): boolean {
    let frame: ReturnType<FrameDecoder['next']>;
    try {
      frame = this.#decoder.next();
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      this.offend('malformed-frame', error.message);
      return false;
    }
    if (frame === null) {
      if (this.#decoder.isWithinFrame) this.#partialSince_ms ??= this.clock_ms;
      return false;
    }
    this.#partialSince_ms = null;
    if (frame.type === PING) this.#pong();
    else if (frame.type === BYE) this.#onBye(frame.payload);
    else if (frame.type !== PONG) this.handler.frame(frame.type, frame.payload);
    return this.isOpen;
  }

  /** One answer at a time: it is enough for any number of pings, and a flood of them must not pile answers up. */
  #pong(): void {
    if (this.#pongUnderway) return;
    this.#pongUnderway = true;
    this.send(PONG, NOTHING, () => {
      this.#pongUnderway = false;
    });
  }

  #onBye(payload: Uint8Array): void {
    const { handler } = this;
    const reason = payload[0] === BYE_STOPPING ? 'peer stopped' : 'closed by peer';
    this.#endSoftly(1);
    handler.ended({ reason, trouble: null });
  }

  #onTick(): void {
    const now_ms = this.clock_ms;
    this.#ticked_ms = now_ms;
    this.#tickedAt_ms = monotonic_ms();
    if (this.#state !== 'open') return;
    // Who is not listened to cannot be told to be silent.
    if (this.#isHeld) this.#lastHeard_ms = now_ms;
    if (this.#isHeld) return;
    const { keepAlive_ms, partialFrameTimeout_ms } = this.#limits;
    if (this.#partialSince_ms !== null && now_ms - this.#partialSince_ms > partialFrameTimeout_ms) {
      this.offend('too-slow', `a frame was not complete within ${partialFrameTimeout_ms} ms`);
      return;
    }
    if (!this.#live) return;
    const silence_ms = now_ms - this.#lastHeard_ms;
    if (silence_ms > keepAlive_ms) {
      this.giveUp('timed out');
      return;
    }
    if (silence_ms >= keepAlive_ms / 3 && now_ms - this.#lastPing_ms >= keepAlive_ms / 3) {
      this.#lastPing_ms = now_ms;
      this.send(PING, NOTHING);
    }
    this.handler.tick(now_ms);
  }

  #lost(reason: string): void {
    if (this.#state === 'open') this.giveUp(this.#error === null ? reason : `${reason} (${this.#error.code})`);
  }

  #end(ending: Ending): void {
    if (this.#state !== 'open') return;
    const { handler } = this;
    this.destroy();
    handler.ended(ending);
  }

  /**
   * Lets what was written leave, and reads on, to nowhere: unread bytes would make the system drop what is under way.
   * @param lingers stretches of time that the end may take, each but the last one with progress
   */
  #endSoftly(lingers: number): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#decoder.clear();
    this.#socket.end();
    this.#socket.resume();
    this.#lingerOn(lingers);
  }

  #lingerOn(lingers: number): void {
    const waiting = this.#socket.writableLength;
    this.#heardWhileEnding = false;
    this.#linger = setTimeout(() => {
      const progressed = this.#heardWhileEnding || this.#socket.writableLength < waiting;
      if (progressed && lingers > 1) this.#lingerOn(lingers - 1);
      else this.#socket.destroy();
    }, this.#limits.lingerTimeout_ms);
  }

  #onClose(): void {
    this.#lost('the connection was lost');
    this.#state = 'closed';
    clearInterval(this.#ticker);
    if (this.#linger !== null) clearTimeout(this.#linger);
    this.#decoder.clear();
    this.onClosed();
  }
}

/** A text that a peer may be shown, or that it showed us. */
export function printable(text: string): string {
  return text.slice(0, MAX_REASON).replace(/[^\x20-\x7e]/g, '?');
}

/** The reason in a REFUSED frame. */
export function refusalText(payload: Uint8Array): string {
  return printable(new TextDecoder().decode(payload));
}
