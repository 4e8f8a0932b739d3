/**
 * What has come for an actor and waits for its turn: inputs, and messages as bytes, which are read only when their turn
 * comes.
 *
 * Each connection waits in a line of its own, and lines take turns, one arrival each: however much one peer sends, the
 * others wait no longer than for one message of it. Within a line the order is that of arrival. Turns go round among
 * three: what is of no connection (answers of the store, requests of the owner, workloads), peers that are known by name,
 * and strangers. Of these there may be any number, and all together they have no more turns than the others.
 *
 * A line that is longer than its share of the room is closed: nothing more is read of that connection until half of it
 * is gone. So the room is bounded however many connections there are. Beyond a first bound over all lines the transport
 * is asked to leave messages with their senders, and what goes beyond the last one breaks the participant.
 */
import type { ConnectionId, Input, PeerName, Time } from '../../actors/actor.ts';
import { ADDRESS_LENGTH, ADDRESS_PREFIX } from '../../protocol/codec/address.ts';

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

/** Whose line an arrival waits in; null: in none of a connection. */
function ownerOf({ input, incoming }: Arrival<unknown, unknown>): { connection: ConnectionId; peer: PeerName } | null {
  if (incoming !== null) return { connection: incoming.connection, peer: incoming.from };
  switch (input?.kind) {
    case 'connected':
    case 'disconnected':
    case 'queueFull':
    case 'drained':
      return input;
    default:
      return null;
  }
}

/** Who is known by no name bears its account address. */
function isStranger(peer: PeerName): boolean {
  return peer.length === ADDRESS_LENGTH && peer.startsWith(`${ADDRESS_PREFIX}1`);
}

type Close = (connection: ConnectionId, on: boolean) => void;

/** Lines of connections that take turns. */
class Lines<Message, Request> {
  private readonly close: Close;
  /** Those in which something waits; the first of them has the next turn. */
  private readonly waiting = new Map<ConnectionId, Line<Message, Request>>();

  constructor(close: Close) {
    this.close = close;
  }

  get first(): Arrival<Message, Request> | undefined {
    return this.next?.[1].first;
  }

  add(connection: ConnectionId, arrival: Arrival<Message, Request>): void {
    let line = this.waiting.get(connection);
    if (line === undefined) this.waiting.set(connection, (line = new Line()));
    line.add(arrival);
    if (line.isClosed || !this.isBeyondShare(line, 1)) return;
    line.isClosed = true;
    this.close(connection, true);
  }

  take(): Arrival<Message, Request> {
    const [connection, line] = this.next!;
    const arrival = line.take();
    // Put last, or away: the next line has the next turn.
    this.waiting.delete(connection);
    if (line.length > 0) this.waiting.set(connection, line);
    if (line.isClosed && (line.length === 0 || !this.isBeyondShare(line, 2))) {
      line.isClosed = false;
      this.close(connection, false);
    }
    return arrival;
  }

  clear(): void {
    this.waiting.clear();
  }

  private get next(): [ConnectionId, Line<Message, Request>] | undefined {
    return this.waiting.entries().next().value;
  }

  /** Whether a line holds more than its share of the room, times one over `part`. */
  private isBeyondShare(line: Line<Message, Request>, part: number): boolean {
    const count = Math.max(1, this.waiting.size);
    const inputs = Math.max(LEAST_SHARE_INPUTS, CROWDED_INPUTS / 2 / count);
    const bytes = Math.max(LEAST_SHARE_BYTES, CROWDED_BYTES / 2 / count);
    return line.length * part > inputs || line.bytes * part > bytes;
  }
}

/** Whatever has turns. */
type Queue<Message, Request> = Pick<Lines<Message, Request>, 'first' | 'take'>;

export class Inbox<Message, Request> {
  /** Whether so much waits that senders should keep what they have. */
  isCrowded = false;
  private own = new Line<Message, Request>();
  private readonly known: Lines<Message, Request>;
  private readonly strangers: Lines<Message, Request>;
  /** Which of the three has the next turn, if something waits there. */
  private turn = 0;
  private count = 0;
  private bytes = 0;

  /** @param close nothing more is to be read of a connection, or again */
  constructor(close: Close = () => {}) {
    this.known = new Lines(close);
    this.strangers = new Lines(close);
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
    const owner = ownerOf(arrival);
    if (owner === null) this.own.add(arrival);
    else (isStranger(owner.peer) ? this.strangers : this.known).add(owner.connection, arrival);
    if (this.count >= CROWDED_INPUTS || this.bytes >= CROWDED_BYTES) this.isCrowded = true;
  }

  /** When what is taken next came; null when there is nothing. */
  get firstAt(): Time | null {
    return this.count === 0 ? null : this.queueAt(this.turnNow()).first!.at;
  }

  /** What has the next turn; undefined when there is nothing. */
  take(): Arrival<Message, Request> | undefined {
    if (this.count === 0) return undefined;
    const turn = this.turnNow();
    this.turn = (turn + 1) % 3;
    const arrival = this.queueAt(turn).take();
    this.count--;
    this.bytes -= sizeOf(arrival);
    if (this.count * 2 <= CROWDED_INPUTS && this.bytes * 2 <= CROWDED_BYTES) this.isCrowded = false;
    return arrival;
  }

  clear(): void {
    this.own = new Line();
    this.known.clear();
    this.strangers.clear();
    this.count = 0;
    this.bytes = 0;
    this.isCrowded = false;
  }

  private queueAt(turn: number): Queue<Message, Request> {
    return turn === 0 ? this.own : turn === 1 ? this.known : this.strangers;
  }

  /** Whose turn it is: who has nothing is passed by. Something waits. */
  private turnNow(): number {
    let turn = this.turn;
    while (this.queueAt(turn).first === undefined) turn = (turn + 1) % 3;
    return turn;
  }
}
