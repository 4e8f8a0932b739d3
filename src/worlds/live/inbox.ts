/**
 * What has come for an actor and waits for its turn: inputs, and messages as bytes, which are read only when their turn
 * comes.
 *
 * Each connection waits in a line of its own, and lines take turns, one arrival each: however much one peer sends, the
 * others wait no longer than for one message of it. Within a line the order is that of arrival. What is of no connection
 * (answers of the store, requests of the owner, workloads) has a line that is served every second time.
 *
 * A line that is longer than its share of the room is closed: nothing more is read of that connection until half of it
 * is gone. So the room is bounded however many connections there are. Beyond a first bound over all lines the transport
 * is asked to leave messages with their senders, and what goes beyond the last one breaks the participant.
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
/** A line is closed when it has more than its share of that room, but never before it has so much. */
export const LEAST_SHARE_INPUTS = 64;
export const LEAST_SHARE_BYTES = 64 * 1024;

/** Taken arrivals that are kept before a line is cut, so that taking costs the same whatever its length. */
const SLACK = 1_024;

/** Arrivals in order. */
class Line<Message, Request> {
  bytes = 0;
  isClosed = false;
  private arrivals: Arrival<Message, Request>[] = [];
  private taken = 0;

  get length(): number {
    return this.arrivals.length - this.taken;
  }

  get first(): Arrival<Message, Request> | undefined {
    return this.arrivals[this.taken];
  }

  add(arrival: Arrival<Message, Request>): void {
    this.arrivals.push(arrival);
    this.bytes += sizeOf(arrival);
  }

  take(): Arrival<Message, Request> {
    const arrival = this.arrivals[this.taken]!;
    this.taken++;
    this.bytes -= sizeOf(arrival);
    if (this.taken === this.arrivals.length || (this.taken > SLACK && this.taken * 2 > this.arrivals.length)) {
      this.arrivals = this.arrivals.slice(this.taken);
      this.taken = 0;
    }
    return arrival;
  }
}

function sizeOf({ incoming }: Arrival<unknown, unknown>): number {
  return incoming?.bytes.length ?? 0;
}

/** The connection in whose line an arrival waits; null: in none. */
function connectionOf({ input, incoming }: Arrival<unknown, unknown>): ConnectionId | null {
  if (incoming !== null) return incoming.connection;
  switch (input?.kind) {
    case 'connected':
    case 'disconnected':
    case 'queueFull':
    case 'drained':
      return input.connection;
    default:
      return null;
  }
}

export class Inbox<Message, Request> {
  /** Whether so much waits that senders should keep what they have. */
  isCrowded = false;
  private readonly close: (connection: ConnectionId, on: boolean) => void;
  private own = new Line<Message, Request>();
  /** Lines in which something waits; the first of them has the next turn. */
  private readonly lines = new Map<ConnectionId, Line<Message, Request>>();
  private isOwnTurn = true;
  private count = 0;
  private bytes = 0;

  /** @param close nothing more is to be read of a connection, or again */
  constructor(close: (connection: ConnectionId, on: boolean) => void = () => {}) {
    this.close = close;
  }

  get length(): number {
    return this.count;
  }

  /** @throws RangeError when more waits than may */
  add(arrival: Arrival<Message, Request>): void {
    this.bytes += sizeOf(arrival);
    if (this.count >= MAX_INPUTS || this.bytes > MAX_INPUT_BYTES) {
      throw new RangeError(
        `${this.count} inputs with ${this.bytes} bytes wait, at most ${MAX_INPUTS} with ${MAX_INPUT_BYTES} may`,
      );
    }
    this.count++;
    const connection = connectionOf(arrival);
    if (connection === null) this.own.add(arrival);
    else this.addToLine(connection, arrival);
    if (this.count >= CROWDED_INPUTS || this.bytes >= CROWDED_BYTES) this.isCrowded = true;
  }

  /** When what is taken next came; null when there is nothing. */
  get firstAt(): Time | null {
    return (this.isOwnNext ? this.own.first : this.nextLine()?.[1].first)?.at ?? null;
  }

  /** What has the next turn; undefined when there is nothing. */
  take(): Arrival<Message, Request> | undefined {
    if (this.count === 0) return undefined;
    const arrival = this.isOwnNext ? this.own.take() : this.takeFromLine();
    this.isOwnTurn = !this.isOwnNext;
    this.count--;
    this.bytes -= sizeOf(arrival);
    if (this.count * 2 <= CROWDED_INPUTS && this.bytes * 2 <= CROWDED_BYTES) this.isCrowded = false;
    return arrival;
  }

  clear(): void {
    this.own = new Line();
    this.lines.clear();
    this.count = 0;
    this.bytes = 0;
    this.isCrowded = false;
  }

  private get isOwnNext(): boolean {
    return this.own.length > 0 && (this.isOwnTurn || this.lines.size === 0);
  }

  private nextLine(): [ConnectionId, Line<Message, Request>] | undefined {
    return this.lines.entries().next().value;
  }

  private addToLine(connection: ConnectionId, arrival: Arrival<Message, Request>): void {
    let line = this.lines.get(connection);
    if (line === undefined) this.lines.set(connection, (line = new Line()));
    line.add(arrival);
    if (line.isClosed || !this.isBeyondShare(line, 1)) return;
    line.isClosed = true;
    this.close(connection, true);
  }

  private takeFromLine(): Arrival<Message, Request> {
    const [connection, line] = this.nextLine()!;
    const arrival = line.take();
    // Put last, or away: the next line has the next turn.
    this.lines.delete(connection);
    if (line.length > 0) this.lines.set(connection, line);
    if (line.isClosed && (line.length === 0 || !this.isBeyondShare(line, 2))) {
      line.isClosed = false;
      this.close(connection, false);
    }
    return arrival;
  }

  /** Whether a line holds more than its share of the room, times one over `part`. */
  private isBeyondShare(line: Line<Message, Request>, part: number): boolean {
    const inputs = Math.max(LEAST_SHARE_INPUTS, CROWDED_INPUTS / 2 / Math.max(1, this.lines.size));
    const bytes = Math.max(LEAST_SHARE_BYTES, CROWDED_BYTES / 2 / Math.max(1, this.lines.size));
    return line.length * part > inputs || line.bytes * part > bytes;
  }
}
