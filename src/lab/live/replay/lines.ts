/**
 * The connections between recorded participants, looked at when all is over: over a connection messages come as they were
 * sent, in order and without a gap, or not at all any more. An input that somebody removed, doubled or moved is found by
 * this also where nothing else depended on it.
 *
 * Each end has a number of its own for a connection, and nothing says which two belong together. So whatever an end
 * received must be how one of its peer's ends began; the one that comes closest says where it is not.
 */
import { hash } from 'node:crypto';
import type { Wire } from '../../../actors/wire.ts';
import { wireCodec } from '../../../actors/wire-bytes.ts';

/** Messages sent and received that are kept, eight bytes each. What comes later is not looked at. */
const MAX_MESSAGES = 16_000_000;
/** Hexadecimal digits of a hash that fit into a number. */
const SUM_DIGITS = 12;

/** A message by its bytes. */
export function sumOf(message: Wire): number {
  return Number.parseInt(hash('sha256', wireCodec.encode(message), 'hex').slice(0, SUM_DIGITS), 16);
}

/** An end of a connection: whose, in which incarnation, under which number, and to whom; participants by address. */
export interface LineEnd {
  readonly of: string;
  readonly incarnation: number;
  readonly connection: number;
  readonly peer: string;
}

interface End {
  readonly end: LineEnd;
  readonly inbound: boolean;
  readonly sent: number[];
  readonly received: number[];
  /** The numbers of the inputs in which it received them. */
  readonly inputs: number[];
  /** Some of what it sent was dropped for want of room. */
  wasFull: boolean;
}

/** An input that is not what came next over its connection. */
export interface OutOfTurn {
  readonly of: string;
  readonly incarnation: number;
  readonly input: number;
  readonly sender: string;
  /** Which message of the connection it was, counted from 1. */
  readonly number: number;
}

export class Lines {
  readonly #ends = new Map<string, End>();
  #count = 0;

  open(end: LineEnd, inbound: boolean): void {
    this.#ends.set(keyOf(end), { end, inbound, sent: [], received: [], inputs: [], wasFull: false });
  }

  send(end: LineEnd, sum: number): void {
    if (this.#hasRoom()) this.#ends.get(keyOf(end))?.sent.push(sum);
  }

  receive(end: LineEnd, sum: number, input: number): void {
    const one = this.#ends.get(keyOf(end));
    if (one === undefined || !this.#hasRoom()) return;
    one.received.push(sum);
    one.inputs.push(input);
  }

  /** An end was told that a message was dropped. */
  overflow(end: LineEnd): void {
    const one = this.#ends.get(keyOf(end));
    if (one !== undefined) one.wasFull = true;
  }

  /**
   * What did not come in its turn, the first of each connection.
   * @param known how much is known of what a participant has sent, by address: all, what came first, or nothing for sure
   */
  outOfTurn(known: (address: string) => 'all' | 'beginning' | 'nothing'): OutOfTurn[] {
    // Of what was sent last nobody can say then whether it was sent.
    if (this.#count >= MAX_MESSAGES) return [];
    const byPair = Map.groupBy(this.#ends.values(), ({ end }) => `${end.of} ${end.peer}`);
    return [...this.#ends.values()].flatMap((one): OutOfTurn[] => {
      const { of, incarnation, peer } = one.end;
      const extent = known(peer);
      if (one.received.length === 0 || extent === 'nothing') return [];
      const sources = (byPair.get(`${peer} ${of}`) ?? []).filter(({ inbound }) => inbound !== one.inbound);
      const reached = Math.max(0, ...sources.map(source => inTurn(one.received, source, extent === 'beginning')));
      // It may belong to an end that its peer had later than anybody knows.
      if (reached === 0 && extent === 'beginning') return [];
      const input = one.inputs[reached];
      return input === undefined ? [] : [{ of, incarnation, input, sender: peer, number: reached + 1 }];
    });
  }

  #hasRoom(): boolean {
    if (this.#count < MAX_MESSAGES) this.#count++;
    return this.#count < MAX_MESSAGES;
  }
}

/**
 * How many of the messages received are how a source began; of one that had no room, some may be missing in between.
 * @param goesOn whether the source may have sent more than is known
 */
function inTurn(received: readonly number[], { sent, wasFull }: End, goesOn: boolean): number {
  let at = 0;
  for (const [i, sum] of received.entries()) {
    if (wasFull) while (at < sent.length && sent[at] !== sum) at++;
    if (at >= sent.length && goesOn) return received.length;
    if (sent[at] !== sum) return i;
    at++;
  }
  return received.length;
}

function keyOf({ of, incarnation, connection }: LineEnd): string {
  return `${of} ${incarnation} ${connection}`;
}
