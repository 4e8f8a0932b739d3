/** The nodes that a node is connected to. */
import { MAX_VALIDATORS } from '../../protocol/consensus/types.ts';
import type { ValidatorSet } from '../../protocol/consensus/validator-set.ts';
import type { ConnectionId, Effects, PeerName } from '../actor.ts';
import type { Wire } from '../wire.ts';

export interface Peer {
  readonly connection: ConnectionId;
  readonly name: PeerName;
  /** The validator that it says it is; empty for none. Only an optimisation believes it. */
  validator: string;
  /** Its newest block, as far as it told. */
  height: number;
  /** The oldest block that it can serve, as far as it told. */
  oldest: number;
  /** When its inventory was last answered. */
  answeredAt: number;
  /** Validators that it does not hear directly, as far as it told. Only an optimisation believes it. */
  lacks: ReadonlySet<string>;
  /** The `links` that it was told last, in one text; empty: that nobody is lacking, which goes without saying. */
  toldLinks: string;
}

/** Most peers of a node: all validators of the largest set, and some who are none. */
export const MAX_PEERS = MAX_VALIDATORS + 200;

const NOBODY: ReadonlySet<string> = new Set();

/** A peer of which nothing is known yet but who called, or was called. */
export function newPeer(connection: ConnectionId, name: PeerName): Peer {
  return { connection, name, validator: '', height: -1, oldest: 1, answeredAt: -1, lacks: NOBODY, toldLinks: '' };
}

export class Peers {
  readonly #byConnection = new Map<ConnectionId, Peer>();
  readonly #knows: ReadonlySet<PeerName> | null;

  /** @param knows names of nodes that this one was told of; null: all are as good as any other */
  constructor(knows: Iterable<PeerName> | null = null) {
    this.#knows = knows === null ? null : new Set(knows);
  }

  get all(): Iterable<Peer> {
    return this.#byConnection.values();
  }

  get count(): number {
    return this.#byConnection.size;
  }

  get(connection: ConnectionId): Peer | undefined {
    return this.#byConnection.get(connection);
  }

  add(peer: Peer): void {
    this.#byConnection.set(peer.connection, peer);
  }

  remove(connection: ConnectionId): void {
    this.#byConnection.delete(connection);
  }

  /**
   * Those whose word about heights counts. Anybody may say that it is a node and has blocks that nobody else has, under
   * any number of names; so where there is a node that this one was told of, what strangers claim is left alone.
   */
  get believed(): Peer[] {
    const all = [...this.#byConnection.values()];
    const known = this.#knows === null ? all : all.filter(one => this.#knows?.has(one.name));
    return known.length > 0 ? known : all;
  }

  /** Whether some are ahead of this height, and none of them can serve the block after it any more. */
  areBeyondReach(height: number): boolean {
    let someAhead = false;
    for (const peer of this.believed) {
      if (peer.height <= height) continue;
      if (peer.oldest <= height + 1) return false;
      someAhead = true;
    }
    return someAhead;
  }

  /** The greatest height that any of them told of, or -1. */
  get greatestHeight(): number {
    let greatest = -1;
    for (const peer of this.believed) greatest = Math.max(greatest, peer.height);
    return greatest;
  }

  /** Sends one message to all, but not back to where it came from. */
  broadcast(message: Wire, out: Effects<Wire>, except: ConnectionId | null = null): void {
    for (const { connection } of this.all) if (connection !== except) out.send(connection, message);
  }

  /** The other validators of a set with which there is no connection, in the order of the set. */
  lacking(set: ValidatorSet, own: string | null): string[] {
    const direct = new Set<string>();
    for (const peer of this.all) direct.add(peer.validator);
    return set.members.map(one => one.address).filter(address => address !== own && !direct.has(address));
  }
}
