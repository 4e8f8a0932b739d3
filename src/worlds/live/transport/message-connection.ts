/**
 * One end of a connection for messages: what is under way, and what has been taken in.
 *
 * The bound on the queue is kept from end to end. A socket takes some megabytes before it says that it is full, and how
 * many differs from machine to machine; so the receiver tells how much it has taken in, and what was sent and not taken
 * in counts as queued, wherever it is. A message that does not fit is dropped; `full` tells of the first one, and
 * `drained` when half of the room is free again.
 */
import type { ConnectionId, PeerName } from '../../../actors/actor.ts';
import type { Ending, FramedSocket, FrameHandler } from './framed-socket.ts';
import { MESSAGE, TAKEN } from './frames.ts';
import type { TransportLimits } from './options.ts';

/** What was taken in is told after so many messages or bytes, or after so long. */
const TELL_MESSAGES = 64;
const TELL_BYTES = 128 * 1024;
const TELL_MS = 20;

export interface MessageConnectionEvents {
  message(connection: MessageConnection, bytes: Uint8Array): void;
  full(connection: MessageConnection): void;
  drained(connection: MessageConnection): void;
  ended(connection: MessageConnection, ending: Ending): void;
}

export class MessageConnection implements FrameHandler {
  readonly id: ConnectionId;
  readonly peer: PeerName;
  /** The account address that the peer has proven. */
  readonly address: string;
  readonly wire: FramedSocket;
  readonly #limits: TransportLimits;
  readonly #room: () => number;
  readonly #events: MessageConnectionEvents;
  #sentMessages = 0;
  #sentBytes = 0;
  /** Of what we sent, as much as the peer took in. */
  #takenMessages = 0;
  #takenBytes = 0;
  #full = false;
  /** When the peer last took something in, or there was nothing for it to take. */
  #progress_ms: number;
  /** Of what the peer sent, as much as we took in, and as we told. */
  #heardMessages = 0;
  #heardBytes = 0;
  #toldMessages = 0;
  #toldBytes = 0;
  #tellUnderway = false;
  /** Nothing is told: the peer keeps what does not fit. */
  #held = false;
  /** Nothing is read: what came waits for its turn. */
  #isClosed = false;
  #tellTimer: NodeJS.Timeout | null = null;

  /**
   * Takes over a socket whose greeting is over.
   * @param room bytes that may be under way over this connection now
   */
  constructor(
    id: ConnectionId,
    peer: PeerName,
    address: string,
    wire: FramedSocket,
    limits: TransportLimits,
    room: () => number,
    events: MessageConnectionEvents,
  ) {
    this.id = id;
    this.peer = peer;
    this.address = address;
    this.wire = wire;
    this.#limits = limits;
    this.#room = room;
    this.#events = events;
    this.#progress_ms = wire.clock_ms;
    wire.handler = this;
    wire.goLive();
  }

  /** Sends a message of at most MAX_MESSAGE_BYTES, or drops it for want of room. */
  send(bytes: Uint8Array): void {
    if (!this.wire.isOpen) return;
    const { queueMessages } = this.#limits;
    const waiting = this.#sentMessages - this.#takenMessages;
    const waitingBytes = this.#sentBytes - this.#takenBytes;
    if (waiting >= queueMessages || waitingBytes + bytes.length > this.#room()) {
      if (!this.#full) {
        this.#full = true;
        this.#events.full(this);
      }
      return;
    }
    if (waiting === 0) this.#progress_ms = this.wire.clock_ms;
    this.#sentMessages++;
    this.#sentBytes += bytes.length;
    this.wire.send(MESSAGE, bytes);
  }

  admits(type: number): boolean {
    return type === MESSAGE || type === TAKEN;
  }

  frame(type: number, payload: Uint8Array): void {
    if (type === MESSAGE) {
      this.#heardMessages++;
      this.#heardBytes += payload.length;
      this.#tellSoon();
      this.#events.message(this, payload);
      if (this.#held) this.#insist();
    } else this.#onTaken(payload);
  }

  ended(ending: Ending): void {
    this.stop();
    this.#events.ended(this, ending);
  }

  tick(now_ms: number): void {
    const { stallTimeout_ms } = this.#limits;
    if (this.#sentMessages === this.#takenMessages) this.#progress_ms = now_ms;
    else if (now_ms - this.#progress_ms > stallTimeout_ms) {
      this.wire.offend('too-slow', `took in nothing of what was sent for ${stallTimeout_ms} ms`);
    }
  }

  /** While `on`, what comes in is not told to the peer, so that it sends no more than fits. */
  hold(on: boolean): void {
    this.#held = on;
    if (!on && !this.#isClosed) this.wire.hold(false);
    if (!on && this.#toldMessages !== this.#heardMessages) this.#tellSoon();
  }

  /** While `on`, nothing is read. */
  close(on: boolean): void {
    this.#isClosed = on;
    this.wire.hold(on);
    // Whether it sends when it should wait, its next message shows again.
  }

  /** Stops what goes on by itself. */
  stop(): void {
    if (this.#tellTimer !== null) clearTimeout(this.#tellTimer);
    this.#tellTimer = null;
  }

  /** A peer that goes on sending when it should wait is not read any more. Whose queue is as long as ours never does. */
  #insist(): void {
    const { queueMessages, queueBytes } = this.#limits;
    const tooMany = this.#heardMessages - this.#toldMessages > queueMessages;
    if (tooMany || this.#heardBytes - this.#toldBytes > queueBytes) this.wire.hold(true);
  }

  #onTaken(payload: Uint8Array): void {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    const messages = payload.length === 16 ? Number(view.getBigUint64(0)) : -1;
    const bytes = payload.length === 16 ? Number(view.getBigUint64(8)) : -1;
    if (
      messages < this.#takenMessages ||
      messages > this.#sentMessages ||
      bytes < this.#takenBytes ||
      bytes > this.#sentBytes
    ) {
      const sent = `${this.#takenMessages} to ${this.#sentMessages} messages`;
      this.wire.offend('malformed-frame', `told to have taken in ${messages} messages, expected ${sent}`);
      return;
    }
    if (messages > this.#takenMessages) this.#progress_ms = this.wire.clock_ms;
    this.#takenMessages = messages;
    this.#takenBytes = bytes;
    const waiting = this.#sentMessages - messages;
    if (this.#full && waiting * 2 <= this.#limits.queueMessages && (this.#sentBytes - bytes) * 2 <= this.#room()) {
      this.#full = false;
      this.#events.drained(this);
    }
  }

  #tellSoon(): void {
    const many = this.#heardMessages - this.#toldMessages >= TELL_MESSAGES;
    if (many || this.#heardBytes - this.#toldBytes >= TELL_BYTES) this.#tell();
    else this.#tellTimer ??= setTimeout(() => this.#tell(), TELL_MS);
  }

  /** Tells the sums; one such frame is under way at a time, whatever comes in. */
  #tell(): void {
    this.stop();
    if (this.#held || this.#tellUnderway || this.#toldMessages === this.#heardMessages) return;
    this.#tellUnderway = true;
    this.#toldMessages = this.#heardMessages;
    this.#toldBytes = this.#heardBytes;
    const payload = new Uint8Array(16);
    const view = new DataView(payload.buffer);
    view.setBigUint64(0, BigInt(this.#heardMessages));
    view.setBigUint64(8, BigInt(this.#heardBytes));
    this.wire.send(TAKEN, payload, () => {
      this.#tellUnderway = false;
      if (this.wire.isOpen && this.#toldMessages !== this.#heardMessages) this.#tellSoon();
    });
  }
}
