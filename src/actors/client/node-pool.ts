/**
 * The nodes that a client is connected with: as many as it needs of those that it knows, called one at a time in order of
 * preference. Those that lied, were silent or out of reach are left alone for a while.
 */
import type { ConnectionId, Effects, PeerName, Time } from '../actor.ts';
import { Pieces } from '../pieces.ts';
import type { Wire } from '../wire.ts';

export const DIAL_TIMER = 'chain/dial';

/** A node in use. */
export interface Peer {
  readonly name: PeerName;
  /** Null while it is being called. */
  connection: ConnectionId | null;
  readonly pieces: Pieces;
}

export class NodePool {
  readonly #names: readonly PeerName[];
  readonly #wanted: number;
  readonly #avoidedUntil = new Map<PeerName, Time>();
  #peers: Peer[] = [];

  /**
   * @param names all that are known, in order of preference
   * @param wanted how many are to be in use
   */
  constructor(names: readonly PeerName[], wanted: number) {
    this.#names = names;
    this.#wanted = wanted;
  }

  byConnection(connection: ConnectionId): Peer | undefined {
    return this.#peers.find(one => one.connection === connection);
  }

  byName(name: PeerName): Peer | undefined {
    return this.#peers.find(one => one.name === name);
  }

  /** One that is connected, other than this. */
  other(than: Peer | null): Peer | undefined {
    return this.#peers.find(one => one !== than && one.connection !== null);
  }

  /** Calls whoever may be asked, until enough are there. */
  dial(now: Time, out: Effects<Wire>): void {
    if (this.#peers.length >= this.#wanted || this.#peers.some(one => one.connection === null)) return;
    let best: PeerName | null = null;
    for (const name of this.#names) {
      if (this.byName(name) !== undefined) continue;
      // Who was avoided longest ago: two that are out of reach must not be tried in turn for ever before a third.
      if (best === null || this.#avoided(name) < this.#avoided(best)) best = name;
    }
    if (best === null) return;
    if (this.#avoided(best) <= now) {
      this.#peers.push({ name: best, connection: null, pieces: new Pieces() });
      out.connect(best);
    } else out.setTimer(DIAL_TIMER, this.#avoided(best));
  }

  /** A call was answered: the node, or null when it is not wanted any more. */
  connected(name: PeerName, connection: ConnectionId): Peer | null {
    const peer = this.#peers.find(one => one.name === name && one.connection === null);
    if (peer === undefined) return null;
    peer.connection = connection;
    return peer;
  }

  /** Takes a node out of use; it is not called again before that time. */
  remove(peer: Peer, until: Time): void {
    this.#peers = this.#peers.filter(one => one !== peer);
    this.#avoidedUntil.set(peer.name, Math.max(until, this.#avoided(peer.name)));
  }

  #avoided(name: PeerName): Time {
    return this.#avoidedUntil.get(name) ?? 0;
  }
}
