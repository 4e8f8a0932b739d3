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
 * What peers claim is believed, because little hangs on it. Who claims to lack what it does not lack is sent things twice;
 * who claims links that it does not have makes somebody wait for the answer to an inventory (engine.ts), which asks
 * nobody's leave.
 */
import { MAX_VALIDATORS } from '../../protocol/consensus/types.ts';
import type { ValidatorSet } from '../../protocol/consensus/validator-set.ts';
import type { Effects, Time, TimerId } from '../actor.ts';
import type { Wire } from '../wire.ts';
import type { Peer, Peers } from './peers.ts';

const TIMER = 'links';
/** Links that change together are told together, after this long. */
const SETTLING_US = 250_000;
/** How many of those who could pass something on around a missing link do. */
const BRIDGES = 2;

const NOBODY: readonly Peer[] = Object.freeze([]);

/** Who said something first: a validator by its address, or a peer that is none, by itself. */
type Source = string | Peer;

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
    if (found === undefined) this.#recipients.set(author, (found = this.#select(author)));
    return found;
  }

  /** The peers to whom this node passes on what nobody signed, or another than who sends it: those a peer does not reach. */
  recipientsFrom(peer: Peer): readonly Peer[] {
    return this.#isSeated(peer) ? this.recipients(peer.validator) : this.#select(peer);
  }

  #forget(): void {
    this.#recipients.clear();
    this.#neighbours.clear();
    this.#isNeeded = false;
    for (const { lacks } of this.#peers.all) this.#isNeeded ||= lacks.size > 0;
  }

  #select(source: Source): readonly Peer[] {
    const selected: Peer[] = [];
    let isNear = typeof source !== 'string';
    for (const peer of this.#peers.all) isNear ||= peer.validator === source;
    for (const peer of this.#peers.all) {
      if (peer === source || peer.validator === source || this.#hears(peer, source)) continue;
      if (!this.#isLeftToOthers(peer, source, isNear)) selected.push(peer);
    }
    return selected.length === 0 ? NOBODY : selected;
  }

  /** Whether enough of those who hear the source, and whom this peer hears, come before this node. */
  #isLeftToOthers(to: Peer, source: Source, isNear: boolean): boolean {
    // What this node has at second hand itself, those who have it at first hand pass on.
    const own = isNear ? this.#turn(this.#own, to) : Number.POSITIVE_INFINITY;
    let before = 0;
    for (const other of this.#neighboursOf(to)) {
      if (other === source || other.validator === source || !this.#hears(other, source)) continue;
      if (this.#turn(other.validator, to) < own) before += 1;
      if (before >= BRIDGES) return true;
    }
    return false;
  }

  /** Validators among the peers that this peer hears. */
  #neighboursOf(to: Peer): readonly Peer[] {
    let found = this.#neighbours.get(to);
    if (found === undefined) {
      found = [...this.#peers.all].filter(one => one !== to && this.#isSeated(one) && !to.lacks.has(one.validator));
      this.#neighbours.set(to, found);
    }
    return found;
  }

  /** Whether a peer hears a source directly, as far as the two told. Only validators are told of. */
  #hears(peer: Peer, source: Source): boolean {
    if (typeof source === 'string') return !peer.lacks.has(source);
    return this.#isSeated(peer) && !source.lacks.has(peer.validator);
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
