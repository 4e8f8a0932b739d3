/**
 * Who is to be passed what others said.
 *
 * Everybody says its own words to all of its peers, and tells them which validators it does not hear (`links`). So a node
 * knows which of its peers lack a link with the author of what came: to these, and to nobody else, it passes it on. Where
 * all are connected with all, nobody passes on anything; across a star, a ring, or around a link that is cut, everything
 * travels as far as it is needed.
 *
 * Around one missing link there may be many who could pass on. Of those who are connected with both ends only the first
 * BRIDGES do, in an order that changes with every height, so that what is missing comes twice and not a hundred times,
 * and nobody stands in the way for longer than a height.
 *
 * Little hangs on what peers claim. Between two validators a link is missing when both say so: who alone claims to lack
 * the others is not sent everything by everybody. Who claims links that it does not have makes itself, or those who would
 * hear of it, wait for the answer to an inventory (engine.ts), which asks nobody's leave.
 */
import { MAX_VALIDATORS } from '../../protocol/consensus/types.ts';
import type { ValidatorSet } from '../../protocol/consensus/validator-set.ts';
import type { Effects, Time, TimerId } from '../actor.ts';
import type { Wire } from '../wire.ts';
import type { Peer, Peers } from './peers.ts';

const TIMER = 'links';
/**
 * Links that change together are told together, after this long: by then the connections of a node that starts stand, also
 * around the world, and it has nothing to tell.
 */
const SETTLING_US = 1_000_000;
/** How many of those who could pass something on around a missing link do. */
const BRIDGES = 2;

const NOBODY: readonly Peer[] = Object.freeze([]);

/** Who said something first. */
interface Source {
  /** Of a validator; empty for anybody else. */
  readonly validator: string;
  /** Null where the two are not connected. */
  readonly peer: Peer | null;
}

export class Relaying {
  readonly #peers: Peers;
  readonly #own: string | null;
  #set: ValidatorSet | null = null;
  #height = 0;
  /** What this node lacks itself, in one text. */
  #lacks = '';
  #isTelling = false;
  /** Whether any peer lacks anybody. */
  #isNeeded = false;
  /** By author, for as long as links, set and height stay the same. */
  readonly #recipients = new Map<string, readonly Peer[]>();
  readonly #neighbours = new Map<Peer, readonly Peer[]>();

  constructor(peers: Peers, own: string | null) {
    this.#peers = peers;
    this.#own = own;
  }

  /** A height begins with this set, or connections have changed: peers are told what is different for them, if anything. */
  update(set: ValidatorSet, height: number, now: Time, out: Effects<Wire>): void {
    this.#set = set;
    this.#height = height;
    this.#lacks = this.#peers.lacking(set, this.#own).join(' ');
    this.#forget();
    if (this.#isTelling) return;
    for (const peer of this.#peers.all) {
      if (peer.toldLinks === this.#lacks) continue;
      this.#isTelling = true;
      out.setTimer(TIMER, now + SETTLING_US);
      return;
    }
  }

  /** Says whether the timer was this one's. */
  onTimer(id: TimerId, out: Effects<Wire>): boolean {
    if (id !== TIMER) return false;
    this.#isTelling = false;
    const message: Wire = { type: 'links', lacks: this.#lacks === '' ? [] : this.#lacks.split(' ') };
    for (const peer of this.#peers.all) {
      if (peer.toldLinks === this.#lacks) continue;
      peer.toldLinks = this.#lacks;
      out.send(peer.connection, message);
    }
    return true;
  }

  /** A peer has told whom it lacks; returns whether an honest one can say this. */
  onLinks(peer: Peer, lacks: readonly string[]): boolean {
    if (lacks.length > MAX_VALIDATORS) return false;
    peer.lacks = new Set(lacks);
    this.#forget();
    return true;
  }

  /** The peers to whom this node passes on what a validator signed. */
  recipients(author: string): readonly Peer[] {
    if (!this.#isNeeded) return NOBODY;
    let found = this.#recipients.get(author);
    if (found === undefined) {
      let peer: Peer | null = null;
      for (const one of this.#peers.all) if (one.validator === author) peer = one;
      this.#recipients.set(author, (found = this.#select({ validator: author, peer })));
    }
    return found;
  }

  /** The peers to whom this node passes on what a peer sends and did not sign: those whom the peer does not reach. */
  recipientsFrom(peer: Peer): readonly Peer[] {
    return this.#isSeated(peer) ? this.recipients(peer.validator) : this.#select({ validator: '', peer });
  }

  #forget(): void {
    // An empty map that is cleared is made anew.
    if (this.#recipients.size > 0) this.#recipients.clear();
    if (this.#neighbours.size > 0) this.#neighbours.clear();
    this.#isNeeded = false;
    for (const { lacks } of this.#peers.all) this.#isNeeded ||= lacks.size > 0;
  }

  #select(source: Source): readonly Peer[] {
    const selected: Peer[] = [];
    for (const peer of this.#peers.all) {
      if (isOf(peer, source) || this.#hears(peer, source)) continue;
      if (!this.#isLeftToOthers(peer, source)) selected.push(peer);
    }
    return selected.length === 0 ? NOBODY : selected;
  }

  /** Whether enough of those who hear the source, and whom this peer hears, come before this node. */
  #isLeftToOthers(to: Peer, source: Source): boolean {
    // What this node has at second hand itself, those who have it at first hand pass on.
    const own = source.peer === null ? Number.POSITIVE_INFINITY : this.#turn(this.#own, to);
    let before = 0;
    for (const other of this.#neighboursOf(to)) {
      if (isOf(other, source) || !this.#hears(other, source)) continue;
      if (this.#turn(other.validator, to) < own) before += 1;
      if (before >= BRIDGES) return true;
    }
    return false;
  }

  /** Validators among the peers that this peer hears. */
  #neighboursOf(to: Peer): readonly Peer[] {
    let found = this.#neighbours.get(to);
    if (found === undefined) {
      found = [...this.#peers.all].filter(
        one => one !== to && this.#isSeated(one) && this.#hears(to, { validator: one.validator, peer: one }),
      );
      this.#neighbours.set(to, found);
    }
    return found;
  }

  /** Whether a peer hears a source directly, as far as the two told. Links are told of with validators alone. */
  #hears(to: Peer, { validator, peer }: Source): boolean {
    if (validator !== '' && !to.lacks.has(validator)) return true;
    return peer !== null && this.#isSeated(to) && !peer.lacks.has(to.validator);
  }

  #isSeated({ validator }: Peer): boolean {
    return validator !== '' && this.#set?.has(validator) === true;
  }

  /** When it is a validator's turn to pass on to this peer; who is no validator comes after all of them. */
  #turn(address: string | null, to: Peer): number {
    const place = address === null ? -1 : (this.#set?.place(address) ?? -1);
    if (place < 0) return Number.POSITIVE_INFINITY;
    const { size } = this.#set as ValidatorSet;
    return (place + this.#height + Math.max(0, (this.#set as ValidatorSet).place(to.validator))) % size;
  }
}

function isOf(peer: Peer, source: Source): boolean {
  return peer === source.peer || (source.validator !== '' && peer.validator === source.validator);
}
