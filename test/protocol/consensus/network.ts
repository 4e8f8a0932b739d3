/**
 * Drivers on a network that is first adverse and then fair, with some validators that sign whatever they like.
 *
 * First: any message reaches anyone at any time or not yet, timers end at any time, nodes begin when they like. Then:
 * whatever anyone ever held reaches everyone (gossip), and a timer ends only when nothing is under way. What each honest
 * node did is held against what had reached it, by rules that share nothing with the code under test.
 */
import { Driver, type DriverOutput, type Timer } from '../../../src/protocol/consensus/driver.ts';
import { Rotation } from '../../../src/protocol/consensus/proposer.ts';
import type { Proposal, Vote, VoteKind } from '../../../src/protocol/consensus/types.ts';
import { HEIGHT, proposal, setOf, vote } from './words.ts';

export interface NetworkOptions {
  readonly powers: readonly number[];
  /** Places of validators that sign whatever they like. */
  readonly faulty: readonly number[];
  readonly seed: number;
  /** Length of the adverse phase. */
  readonly adverse: number;
}

type Message =
  | { readonly type: 'vote'; readonly vote: Vote }
  | { readonly type: 'proposal'; readonly proposal: Proposal }
  | { readonly type: 'value'; readonly value: string; readonly valid: boolean };

interface Node {
  readonly name: string | null;
  readonly driver: Driver;
  readonly pending: Message[];
  readonly timers: { readonly timer: Timer; readonly due: number }[];
  readonly book: Book;
  started: boolean;
}

export interface Outcome {
  readonly decisions: readonly (string | null)[];
  readonly rounds: number;
  /** Rules that were broken, in words. */
  readonly broken: readonly string[];
  readonly evidence: number;
  readonly skips: number;
  readonly relocks: number;
}

/** Bases of the timers; they grow with the round. */
const WAIT = { propose: 300, prevote: 100, precommit: 100 } as const;

/** Numbers below `bound` from a seed (mulberry32). */
function dice(seed: number): (bound: number) => number {
  let state = seed | 0;
  return bound => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** What reached one node and what it did, judged rule by rule. */
class Book {
  readonly broken: string[] = [];
  readonly #powers: readonly number[];
  readonly #total: number;
  readonly #votes = new Map<string, Set<number>>();
  readonly #proposals: Proposal[] = [];
  readonly #cast = new Map<string, string | null>();
  /** Newest precommit for a value: the lock, as far as anyone can tell from outside. */
  #lock: { readonly round: number; readonly value: string } | null = null;
  relocks = 0;

  constructor(powers: readonly number[]) {
    this.#powers = powers;
    this.#total = powers.reduce((a, b) => a + b, 0);
  }

  received(message: Message): void {
    if (message.type === 'proposal') this.#proposals.push(message.proposal);
    if (message.type !== 'vote') return;
    const { kind, round, value, validator } = message.vote;
    const key = `${kind} ${round} ${value}`;
    if (!this.#votes.has(key)) this.#votes.set(key, new Set());
    this.#votes.get(key)!.add(Number(validator.slice(1)));
  }

  #quorum(kind: VoteKind, round: number, value: string | null): boolean {
    let power = 0;
    for (const place of this.#votes.get(`${kind} ${round} ${value}`) ?? []) power += this.#powers[place]!;
    return power * 3 > this.#total * 2;
  }

  cast(kind: VoteKind, round: number, value: string | null): void {
    const slot = `${kind} ${round}`;
    if (this.#cast.has(slot)) this.broken.push(`voted twice: ${slot}`);
    this.#cast.set(slot, value);
    if (value === null) return;
    if (value.startsWith('bad')) this.broken.push(`voted for an invalid value: ${slot} ${value}`);
    if (kind === 'precommit') {
      if (!this.#quorum('prevote', round, value)) this.broken.push(`precommitted without a polka: ${slot} ${value}`);
      if (this.#lock !== null && this.#lock.value !== value) this.relocks++;
      this.#lock = { round, value };
      return;
    }
    const offers = this.#proposals.filter(one => one.round === round && one.value === value);
    if (offers.length === 0) this.broken.push(`prevoted without a proposal: ${slot} ${value}`);
    const lock = this.#lock;
    const proven = (one: Proposal) =>
      one.polRound >= 0 && one.polRound < round && this.#quorum('prevote', one.polRound, value);
    if (!offers.some(one => one.polRound < 0 || proven(one)))
      this.broken.push(`prevoted on the word of a proof-of-lock round: ${slot} ${value}`);
    if (lock !== null && lock.value !== value && !offers.some(one => one.polRound >= lock.round && proven(one)))
      this.broken.push(`prevoted against its lock: ${slot} ${value}, locked on ${lock.value} in ${lock.round}`);
  }

  decided(round: number, value: string): void {
    if (!this.#quorum('precommit', round, value)) this.broken.push(`decided without a quorum: ${round} ${value}`);
    if (value.startsWith('bad')) this.broken.push(`decided an invalid value: ${value}`);
  }
}

export class Network {
  readonly #options: NetworkOptions;
  readonly #roll: (bound: number) => number;
  readonly #rotation: Rotation;
  readonly #nodes: Node[];
  /** Everything ever said, for gossip. */
  readonly #said: Message[] = [];
  #evidence = 0;
  #skips = 0;
  #now = 0;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.#roll = dice(options.seed);
    const { powers, faulty } = options;
    const set = setOf(...powers);
    this.#rotation = new Rotation(powers.map((power, i) => ({ address: `v${i}`, power, priority: 0 })));
    const names = powers.map((_, i) => i).filter(i => !faulty.includes(i));
    // The last one only follows.
    this.#nodes = [...names.map(i => `v${i}`), null].map(name => ({
      name,
      driver: new Driver({ height: HEIGHT, set, own: name, proposerOf: round => this.#rotation.proposer(round) }),
      pending: [],
      timers: [],
      book: new Book(powers),
      started: false,
    }));
  }

  run(): Outcome {
    for (let i = 0; i < this.#options.adverse; i++) this.#adverseMoment();
    for (const node of this.#nodes) this.#start(node);
    const highest = () => Math.max(...this.#nodes.map(node => node.driver.round));
    // Every validator has had its turn several times by then.
    const last = highest() + 20 + 4 * this.#options.powers.reduce((a, b) => a + b, 0);
    // Without a timer left to end, whoever has not decided never will.
    let alive = true;
    while (alive && highest() < last && this.#nodes.some(node => node.driver.decision === null)) {
      this.#settle();
      if (this.#roll(3) === 0) this.#mischief();
      else alive = this.#endTimer();
    }
    this.#settle();
    const decisions = this.#nodes.map(node => node.driver.decision?.value ?? null);
    return {
      decisions,
      rounds: highest() + 1,
      broken: this.#nodes.flatMap(node => node.book.broken.map(what => `${node.name}: ${what}`)),
      evidence: this.#evidence,
      skips: this.#skips,
      relocks: this.#nodes.reduce((sum, node) => sum + node.book.relocks, 0),
    };
  }

  #adverseMoment(): void {
    const node = this.#nodes[this.#roll(this.#nodes.length)]!;
    const chance = this.#roll(20);
    if (!node.started) {
      if (chance === 0) this.#start(node);
      else if (chance < 6) this.#deliverSome(node);
    } else if (chance < 14) this.#deliverSome(node);
    else if (chance < 17) this.#mischief();
    else if (node.timers.length > 0) {
      const { timer } = node.timers.splice(this.#roll(node.timers.length), 1)[0]!;
      this.#carryOut(node, node.driver.onTimeout(timer));
    }
  }

  #start(node: Node): void {
    if (node.started) return;
    node.started = true;
    this.#carryOut(node, node.driver.start());
  }

  #deliverSome(node: Node): void {
    if (node.pending.length === 0) return;
    const at = this.#roll(node.pending.length);
    const message = node.pending[at]!;
    // Some come twice.
    if (this.#roll(10) !== 0) node.pending.splice(at, 1);
    this.#deliver(node, message);
  }

  #deliver(node: Node, message: Message): boolean {
    node.book.received(message);
    let done: readonly DriverOutput[];
    if (message.type === 'vote') done = node.driver.onVote(message.vote);
    else if (message.type === 'proposal') done = node.driver.onProposal(message.proposal);
    else done = node.driver.onValue(message.value, message.valid);
    this.#carryOut(node, done);
    return done.length > 0;
  }

  /** Everything reaches everyone, again and again, until nothing comes of it. */
  #settle(): void {
    let moved = true;
    while (moved) {
      moved = false;
      for (const node of this.#nodes) {
        if (node.driver.decision !== null) continue;
        node.pending.length = 0;
        const lacking = this.#said.filter(
          one =>
            one.type !== 'vote' ||
            !node.driver.hasVote(one.vote.kind, one.vote.round, one.vote.validator, one.vote.value),
        );
        while (lacking.length > 0) {
          const message = lacking.splice(this.#roll(lacking.length), 1)[0]!;
          if (this.#deliver(node, message)) moved = true;
        }
      }
    }
  }

  /** The timer that is due first ends; false when there is none. */
  #endTimer(): boolean {
    let first: Node | null = null;
    for (const node of this.#nodes) {
      node.timers.sort((a, b) => a.due - b.due);
      if (node.timers[0] !== undefined && (first === null || node.timers[0].due < first.timers[0]!.due)) first = node;
    }
    if (first === null) return false;
    const { timer, due } = first.timers.shift()!;
    this.#now = Math.max(this.#now, due);
    this.#carryOut(first, first.driver.onTimeout(timer));
    return true;
  }

  /** A faulty validator says something to someone. */
  #mischief(): void {
    const { faulty } = this.#options;
    if (faulty.length === 0) return;
    const one = faulty[this.#roll(faulty.length)]!;
    const victim = this.#nodes[this.#roll(this.#nodes.length)]!;
    // Half of it is meant: in the round where the victim is, for a value that others are not told to like.
    const meant = this.#roll(2) === 0;
    const round = Math.max(0, victim.driver.round + (meant ? 0 : this.#roll(4) - 1));
    const offered = [...new Set(this.#said.flatMap(said => (said.type === 'proposal' ? [said.proposal.value] : [])))];
    const likes = meant ? this.#nodes.indexOf(victim) % (offered.length + 1) : this.#roll(offered.length + 1);
    const liked = !meant && this.#roll(4) === 0 ? `bad${this.#roll(2)}` : offered.at(-1 - likes);
    if (this.#rotation.proposer(round) === `v${one}` && this.#roll(2) === 0) {
      const value = liked ?? `good${one}.${round}.${this.#roll(3)}`;
      this.#tell({ type: 'value', value, valid: !value.startsWith('bad') }, null);
      this.#tell({ type: 'proposal', proposal: proposal(one, round, value, this.#roll(round + 1) - 1) }, victim);
      return;
    }
    const kind: VoteKind = this.#roll(2) === 0 ? 'prevote' : 'precommit';
    this.#tell(
      { type: 'vote', vote: vote(kind, one, round, !meant && this.#roll(3) === 0 ? null : (liked ?? null)) },
      victim,
    );
  }

  /** Puts a message on its way to one node, or to all; gossip knows it either way. */
  #tell(message: Message, only: Node | null): void {
    this.#said.push(message);
    for (const node of this.#nodes) if (only === null || node === only) node.pending.push(message);
  }

  #carryOut(node: Node, outputs: readonly DriverOutput[]): void {
    const { name, driver, book } = node;
    for (const one of outputs) {
      if (name === null && (one.type === 'vote' || one.type === 'propose' || one.type === 'getValue'))
        book.broken.push(`a follower took part: ${one.type}`);
      switch (one.type) {
        case 'vote': {
          book.cast(one.kind, one.round, one.value);
          const own: Message = { type: 'vote', vote: vote(one.kind, name!, one.round, one.value) };
          this.#tell(own, null);
          this.#deliver(node, own);
          break;
        }
        case 'propose': {
          const own: Message = { type: 'proposal', proposal: proposal(name!, one.round, one.value, one.polRound) };
          this.#tell(own, null);
          this.#deliver(node, own);
          break;
        }
        case 'getValue': {
          const value = `good${name}.${one.round}`;
          this.#tell({ type: 'value', value, valid: true }, null);
          this.#carryOut(node, driver.propose(one.round, value));
          break;
        }
        case 'timeout':
          node.timers.push({ timer: one, due: this.#now + WAIT[one.kind] * (1 + one.round) });
          break;
        case 'decide':
          book.decided(one.round, one.value);
          break;
        case 'evidence':
          this.#evidence++;
          if (
            !this.#options.faulty.some(i => `v${i}` === (one.of === 'vote' ? one.first.validator : one.first.proposer))
          )
            book.broken.push('an honest validator was accused');
          break;
        case 'newRound':
          if (one.round > 0 && !node.timers.some(({ timer }) => timer.round === one.round - 1)) this.#skips++;
          break;
        case 'need':
          break;
      }
    }
  }
}
