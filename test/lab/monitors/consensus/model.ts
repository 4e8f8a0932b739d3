/**
 * A small model of consensus, for histories nobody would think of: Algorithm 1 written down line by line over the plain
 * list of what a node has, in a world where any message may arrive at any time, in any order, twice, and any timeout may
 * fire once it was started.
 *
 * One honest node may have a `flaw`: a rule that it does not keep. The liars are a minority and say anything.
 */
import type { Proposal, ValueId, Vote } from '../../../../src/protocol/consensus/types.ts';
import type { ValidatorSet } from '../../../../src/protocol/consensus/validator-set.ts';
import { message, precommit, prevote, proposal, type Told } from './told.ts';

export type Flaw =
  | 'forgets its lock'
  | 'takes two thirds for a quorum'
  | 'counts heads'
  | 'believes a proof-of-lock round'
  | 'unlocks on a nil polka'
  | 'names a polka it has not'
  | 'proposes out of turn'
  | 'forgets the valid value'
  | 'skips a round behind anyone'
  | 'enters the next round too early'
  | 'precommits nil on a timeout of its own'
  | 'decides on prevotes'
  | 'forgets what it signed';

export interface World {
  readonly told: Told;
  readonly setAt: (height: number) => ValidatorSet;
  readonly proposer: (height: number, round: number) => string;
  readonly liars: readonly number[];
  readonly nodes: number;
  /** Uniform in [0, n). */
  readonly below: (n: number) => number;
  readonly flawed?: { readonly node: number; readonly flaw: Flaw };
}

type Word = Vote | Proposal;
const isVote = (word: Word): word is Vote => 'kind' in word;
const speakerOf = (word: Word): string => (isVote(word) ? word.validator : word.proposer);

class Node {
  height = 1;
  round = -1;
  step: 'propose' | 'prevote' | 'precommit' = 'propose';
  locked: { value: ValueId; round: number } | null = null;
  valid: { value: ValueId; round: number } | null = null;
  readonly words = new Set<Word>();
  readonly #fired = new Set<string>();
  /** Timeouts that were started, as `kind/height/round`. */
  timers: string[] = [];
  outbox: Word[] = [];
  readonly #world: World;
  readonly #index: number;

  constructor(world: World, index: number) {
    this.#world = world;
    this.#index = index;
  }

  #has(flaw: Flaw): boolean {
    const { flawed } = this.#world;
    return flawed?.node === this.#index && flawed.flaw === flaw;
  }

  get #set(): ValidatorSet {
    return this.#world.setAt(this.height);
  }

  get #name(): string {
    return `v${this.#index}`;
  }

  startRound(round: number): void {
    this.round = round;
    this.step = 'propose';
    const turn = this.#world.proposer(this.height, round) === this.#name;
    if (this.#set.has(this.#name) && (turn || (this.#has('proposes out of turn') && this.#world.below(3) === 0))) {
      const fresh = `${this.height}.${this.#index}.${round}`;
      const old = this.#has('forgets the valid value') ? null : this.valid;
      const polRound = old?.round ?? (this.#has('names a polka it has not') && round > 0 ? round - 1 : -1);
      const { height } = this;
      this.#say(proposal(this.#index, round, old?.value ?? fresh, polRound, { height }));
    }
    this.timers.push(`propose/${this.height}/${round}`);
  }

  fire(timer: string): void {
    const [kind, height, round] = timer.split('/');
    if (Number(height) !== this.height || Number(round) !== this.round) return;
    if (kind === 'propose' && this.step === 'propose') this.#vote('prevote', null);
    else if (kind === 'prevote' && this.step === 'prevote') this.#vote('precommit', null);
    else if (kind === 'precommit') this.startRound(this.round + 1);
    this.settle();
  }

  /** Acts on what it has until there is nothing more to do. Returns the block it decides, or null. */
  settle(): ValueId | null {
    for (let i = 0; i < 100; i++) {
      const decided = this.#decision();
      if (decided !== null) return decided;
      if (!this.#act()) return null;
    }
    throw new Error('a node of the model does not come to rest');
  }

  advance(): void {
    this.height++;
    this.locked = this.valid = null;
    this.startRound(0);
  }

  #decision(): ValueId | null {
    const kind = this.#has('decides on prevotes') ? 'prevote' : 'precommit';
    for (const word of this.words) {
      if (isVote(word) || word.height !== this.height) continue;
      for (const { round } of this.#votes()) if (this.#quorum(kind, round, word.value)) return word.value;
    }
    return null;
  }

  #act(): boolean {
    const { height, round } = this;
    // 55
    const ahead = new Set<string>();
    let target = 0;
    for (const word of this.words)
      if (word.height === height && word.round > round) {
        const others = [...this.words].filter(one => one.height === height && one.round === word.round);
        const names = new Set(others.map(speakerOf));
        const power = this.#power(names);
        if (3 * power > this.#set.totalPower || this.#has('skips a round behind anyone')) {
          target = Math.max(target, word.round);
          ahead.add(speakerOf(word));
        }
      }
    if (target > round) {
      this.startRound(target);
      return true;
    }
    if (!this.#set.has(this.#name)) return false;
    if (this.step === 'propose')
      for (const one of this.words) {
        if (isVote(one) || one.height !== height || one.round !== round) continue;
        if (one.proposer !== this.#world.proposer(height, round)) continue;
        const polka = this.#has('believes a proof-of-lock round') || this.#quorum('prevote', one.polRound, one.value);
        const free = this.locked === null || this.locked.value === one.value || this.#has('forgets its lock');
        // 22
        if (one.polRound === -1) {
          const later = this.#has('unlocks on a nil polka') && this.locked !== null;
          const unlocked =
            later && [...Array(round).keys()].some(r => r > this.locked!.round && this.#quorum('prevote', r, null));
          this.#vote('prevote', free || unlocked ? one.value : null);
          return true;
        }
        // 28
        if (one.polRound < round && polka) {
          this.#vote('prevote', free || this.locked!.round <= one.polRound ? one.value : null);
          return true;
        }
      }
    // 34, 47
    if (
      this.step === 'prevote' &&
      this.#quorum('prevote', round, undefined) &&
      this.#once(`prevote/${height}/${round}`)
    )
      return true;
    const early = this.#has('enters the next round too early') && this.step === 'precommit';
    if ((early || this.#quorum('precommit', round, undefined)) && this.#once(`precommit/${height}/${round}`))
      return true;
    if (
      this.step === 'prevote' &&
      this.#has('precommits nil on a timeout of its own') &&
      this.#once(`prevote/${height}/${round}`)
    )
      return true;
    // 36
    if (this.step !== 'propose')
      for (const one of this.words) {
        if (isVote(one) || one.height !== height || one.round !== round) continue;
        if (one.proposer !== this.#world.proposer(height, round)) continue;
        if (!this.#quorum('prevote', round, one.value) || this.#fired.has(`36/${height}/${round}`)) continue;
        this.#fired.add(`36/${height}/${round}`);
        this.valid = { value: one.value, round };
        if (this.step === 'prevote') {
          this.locked = this.valid;
          this.#vote('precommit', one.value);
        }
        return true;
      }
    // 44
    if (this.step === 'prevote' && this.#quorum('prevote', round, null)) {
      this.#vote('precommit', null);
      return true;
    }
    return false;
  }

  #once(timer: string): boolean {
    if (this.#fired.has(timer)) return false;
    this.#fired.add(timer);
    this.timers.push(timer);
    return true;
  }

  #vote(kind: 'prevote' | 'precommit', value: ValueId | null): void {
    this.step = kind;
    if (!this.#set.has(this.#name)) return;
    const { height } = this;
    const make = kind === 'prevote' ? prevote : precommit;
    const forgets = this.#has('forgets what it signed') && this.#world.below(3) === 0;
    if (forgets) this.#say(make(this.#index, this.round, value, { height, time: 999 }));
    this.#say(make(this.#index, this.round, value, { height }));
  }

  #say(word: Word): void {
    this.words.add(word);
    this.outbox.push(word);
  }

  *#votes(): Iterable<Vote> {
    for (const word of this.words) if (isVote(word) && word.height === this.height) yield word;
  }

  #quorum(kind: 'prevote' | 'precommit', round: number, value: ValueId | null | undefined): boolean {
    const names = new Set<string>();
    for (const one of this.#votes())
      if (one.kind === kind && one.round === round && (value === undefined || one.value === value))
        names.add(one.validator);
    if (this.#has('counts heads')) return 3 * names.size > 2 * this.#set.size;
    const power = 3 * this.#power(names);
    const needed = 2 * this.#set.totalPower;
    return power > needed || (power === needed && this.#has('takes two thirds for a quorum'));
  }

  #power(names: Iterable<string>): number {
    let power = 0;
    for (const name of names) power += this.#set.get(name)?.power ?? 0;
    return power;
  }
}

/**
 * Lives a history of so many happenings. Throws what a monitor finds.
 * @returns the height that each node came to, and the highest round anybody was in
 */
export function live(world: World, happenings: number): { heights: number[]; rounds: number } {
  const { told, below } = world;
  const nodes = Array.from({ length: world.nodes }, (_, i) => new Node(world, i));
  const flight: { readonly word: Word; readonly to: number }[] = [];
  const blocks: ValueId[] = [];
  let rounds = 0;
  const spread = (from: number): void => {
    for (const word of nodes[from]!.outbox.splice(0))
      for (let to = 0; to < nodes.length; to++) if (to !== from) flight.push({ word, to });
  };
  const turn = (i: number): void => {
    // One height at a time: whoever has a quorum alone would never stop.
    const value = nodes[i]!.settle();
    if (value !== null) {
      told.decide(i, value, nodes[i]!.height);
      blocks[nodes[i]!.height] ??= value;
      nodes[i]!.advance();
    }
    rounds = Math.max(rounds, nodes[i]!.round);
    spread(i);
  };
  for (const [i, node] of nodes.entries()) {
    told.start(i);
    node.startRound(0);
    turn(i);
  }
  for (let n = 0; n < happenings; n++) {
    const dice = below(100);
    const i = below(nodes.length);
    const node = nodes[i]!;
    if (dice < 80 && flight.length > 0) {
      // Mostly what is oldest, sometimes anything.
      const at = below(4) === 0 ? below(flight.length) : below(Math.min(flight.length, 6));
      const { word, to } = flight[at]!;
      if (below(20) !== 0) flight.splice(at, 1);
      told.take(to, message(word));
      nodes[to]!.words.add(word);
      turn(to);
    } else if (dice < 92) {
      const [timer] = node.timers.splice(below(node.timers.length), 1);
      if (timer !== undefined) node.fire(timer);
      turn(i);
    } else if (dice < 94) {
      told.start(i);
      for (let height = Math.max(1, node.height - 1 - below(3)); height < node.height; height++)
        told.decide(i, blocks[height]!, height);
    } else if (dice < 95 && blocks[node.height] !== undefined) {
      told.served(i, node.height).decide(i, blocks[node.height]!, node.height);
      node.advance();
      turn(i);
    } else if (world.liars.length > 0) lie(world, nodes, flight);
  }
  return { heights: nodes.map(({ height }) => height), rounds };
}

/** A liar says something to some: a vote or a proposal for a value that somebody has heard of, in some round. */
function lie(world: World, nodes: readonly Node[], flight: { word: Word; to: number }[]): void {
  const { below, liars } = world;
  const liar = liars[below(liars.length)]!;
  const model = nodes[below(nodes.length)]!;
  const height = model.height + below(2);
  const round = Math.max(0, model.round) + below(3) - below(2);
  const values = [...model.words].filter(one => one.height === height && one.value !== null).map(one => one.value);
  const value = below(4) === 0 ? null : (values[below(values.length)] ?? `${height}.lie.${below(3)}`);
  const name = `v${liar}`;
  const kind = below(5);
  let word: Word;
  if (kind < 2) word = prevote(liar, round, value, { height });
  else if (kind < 4) word = precommit(liar, round, value, { height });
  else if (world.proposer(height, round) === name || below(4) === 0)
    word = proposal(liar, round, value ?? `${height}.lie`, below(round + 2) - 1, { height });
  else return;
  for (let to = 0; to < nodes.length; to++) if (to !== liar && below(3) > 0) flight.push({ word, to });
}
