/**
 * An honest node whose words are distorted on their way out.
 *
 * Whatever the node says in one turn is held back until the turn is over, distorted as a whole (a proposal goes with its
 * parts), and sent. Everything else that it does happens as it wants: its log, its store and its timers are in order.
 */
import type { Actor, ConnectionId, Effects, Input, PeerName, Time, TimerId, WorkloadSpec } from '../../actor.ts';
import type { Wire } from '../../wire.ts';

/** A message on its way to a peer. */
export interface Sending {
  readonly connection: ConnectionId;
  /** Empty for a connection that the node knows nothing of any more. */
  readonly peer: PeerName;
  readonly message: Wire;
}

/** Called with what was done to a message, for whoever wants to count that. */
export type Note = (what: string) => void;

export interface Speech {
  /** What is sent instead of what the node said in one turn. */
  distort(said: readonly Sending[], note: Note): readonly Sending[];
  /** What the node hears of a message; null for nothing. */
  hear?(message: Wire): Wire | null;
}

type Said = Sending | { readonly connection: ConnectionId; readonly message: null };

export class Tampered implements Actor<Wire> {
  readonly #node: Actor<Wire>;
  readonly #speech: Speech;
  readonly #peers = new Map<ConnectionId, PeerName>();

  constructor(node: Actor<Wire>, speech: Speech) {
    this.#node = node;
    this.#speech = speech;
  }

  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): void {
    const heard = this.#hear(input);
    if (heard === null) return;
    const said: Said[] = [];
    this.#node.receive(heard, now, new HeldBack(out, said, this.#peers));
    if (said.length > 0) this.#speak(said, out);
  }

  #hear(input: Input<Wire>): Input<Wire> | null {
    if (input.kind === 'connected') this.#peers.set(input.connection, input.peer);
    else if (input.kind === 'disconnected') this.#peers.delete(input.connection);
    if (input.kind !== 'message' || this.#speech.hear === undefined) return input;
    const message = this.#speech.hear(input.message);
    return message === null ? null : { ...input, message };
  }

  /** What is said before a connection is closed is sent before it is closed. */
  #speak(said: readonly Said[], out: Effects<Wire>): void {
    const note: Note = what => out.observe(`byzantine/${what}`, 1);
    let words: Sending[] = [];
    const flush = (): void => {
      for (const { connection, message } of this.#speech.distort(words, note)) out.send(connection, message);
      words = [];
    };
    for (const one of said) {
      if (one.message !== null) words.push(one);
      else {
        flush();
        this.#peers.delete(one.connection);
        out.disconnect(one.connection);
      }
    }
    flush();
  }
}

/** The effects of a turn, of which what is said is held back. */
class HeldBack implements Effects<Wire> {
  readonly #out: Effects<Wire>;
  readonly #said: Said[];
  readonly #peers: ReadonlyMap<ConnectionId, PeerName>;

  constructor(out: Effects<Wire>, said: Said[], peers: ReadonlyMap<ConnectionId, PeerName>) {
    this.#out = out;
    this.#said = said;
    this.#peers = peers;
  }

  send(connection: ConnectionId, message: Wire): void {
    this.#said.push({ connection, peer: this.#peers.get(connection) ?? '', message });
  }
  disconnect(connection: ConnectionId): void {
    this.#said.push({ connection, message: null });
  }
  connect(peer: PeerName): void {
    this.#out.connect(peer);
  }
  setTimer(id: TimerId, at: Time): void {
    this.#out.setTimer(id, at);
  }
  cancelTimer(id: TimerId): void {
    this.#out.cancelTimer(id);
  }
  append(entry: Uint8Array): void {
    this.#out.append(entry);
  }
  truncateLog(index: number): void {
    this.#out.truncateLog(index);
  }
  put(key: string, value: Uint8Array): void {
    this.#out.put(key, value);
  }
  delete(key: string): void {
    this.#out.delete(key);
  }
  get(key: string): void {
    this.#out.get(key);
  }
  scan(prefix: string): void {
    this.#out.scan(prefix);
  }
  sync(token?: number): void {
    this.#out.sync(token);
  }
  readWorkloadLog(id: string, lines: number): void {
    this.#out.readWorkloadLog(id, lines);
  }

  startWorkload(spec: WorkloadSpec): void {
    this.#out.startWorkload(spec);
  }
  stopWorkload(id: string): void {
    this.#out.stopWorkload(id);
  }
  openTunnel(id: string, peer: PeerName): void {
    this.#out.openTunnel(id, peer);
  }
  closeTunnel(id: string): void {
    this.#out.closeTunnel(id);
  }
  ask(id: string, program: string, question: unknown): void {
    this.#out.ask(id, program, question);
  }
  reply(id: number, answer: unknown): void {
    this.#out.reply(id, answer);
  }
  observe(metric: string, value: number, label?: string): void {
    this.#out.observe(metric, value, label);
  }
  halt(reason: string): void {
    this.#out.halt(reason);
  }
}
