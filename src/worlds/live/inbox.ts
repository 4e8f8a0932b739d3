/**
 * What has come for an actor and waits for its turn: inputs, and messages as bytes, which are read only when their turn
 * comes. It is bounded twice. Beyond the first bound the transport is asked to leave messages with their senders;
 * whatever comes nevertheless counts up to the second, and what goes beyond that breaks the participant.
 */
import type { ConnectionId, Input, PeerName, Time } from '../../actors/actor.ts';

/** A message as it came over a connection. */
export interface IncomingBytes {
  readonly connection: ConnectionId;
  readonly from: PeerName;
  readonly bytes: Uint8Array;
}

export interface Arrival<Message, Request> {
  /** When it came, by the participant's clock. */
  readonly at: Time;
  /** Null for a message that is still to be read. */
  readonly input: Input<Message, Request> | null;
  readonly incoming: IncomingBytes | null;
}

/** From here on messages wait with their senders, until half of it is gone. */
export const CROWDED_INPUTS = 8_192;
export const CROWDED_BYTES = 32 * 1024 * 1024;
/** No more than that waits. */
export const MAX_INPUTS = 1_000_000;
export const MAX_INPUT_BYTES = 1024 * 1024 * 1024;

/** Taken arrivals that are kept before the list is cut, so that taking costs the same whatever its length. */
const SLACK = 1_024;

export class Inbox<Message, Request> {
  /** Whether so much waits that senders should keep what they have. */
  isCrowded = false;
  private arrivals: Arrival<Message, Request>[] = [];
  private taken = 0;
  private bytes = 0;

  get length(): number {
    return this.arrivals.length - this.taken;
  }

  add(arrival: Arrival<Message, Request>): void {
    this.bytes += arrival.incoming?.bytes.length ?? 0;
    if (this.length >= MAX_INPUTS || this.bytes > MAX_INPUT_BYTES) {
      throw new RangeError(
        `${this.length} inputs with ${this.bytes} bytes wait, at most ${MAX_INPUTS} with ${MAX_INPUT_BYTES} may`,
      );
    }
    this.arrivals.push(arrival);
    if (this.length >= CROWDED_INPUTS || this.bytes >= CROWDED_BYTES) this.isCrowded = true;
  }

  /** When the first of them came; null when there is none. */
  get firstAt(): Time | null {
    return this.arrivals[this.taken]?.at ?? null;
  }

  /** The first of them; undefined when there is none. */
  take(): Arrival<Message, Request> | undefined {
    const arrival = this.arrivals[this.taken];
    if (arrival === undefined) return undefined;
    this.taken++;
    this.bytes -= arrival.incoming?.bytes.length ?? 0;
    if (this.taken === this.arrivals.length || (this.taken > SLACK && this.taken * 2 > this.arrivals.length)) {
      this.arrivals = this.arrivals.slice(this.taken);
      this.taken = 0;
    }
    if (this.length * 2 <= CROWDED_INPUTS && this.bytes * 2 <= CROWDED_BYTES) this.isCrowded = false;
    return arrival;
  }

  clear(): void {
    this.arrivals = [];
    this.taken = 0;
    this.bytes = 0;
    this.isCrowded = false;
  }
}
