/**
 * The votes of one height, tallied by power.
 *
 * An equivocator may vote for several values. Its first vote is not privileged: in the tally of each value every
 * validator counts once, so that whoever holds the votes of a quorum for a value sees that quorum, in whatever order
 * they came and whatever else their voters said. Were only first votes counted, one validator could show A to some and
 * B to others, and those who saw A first would never believe a polka for B that locked the others. Two values cannot
 * both reach a quorum this way while less than a third is faulty: two quorums share more than a third of all power, and
 * whoever is in both has equivocated. Power "for anything" and power present in a round count every validator once.
 *
 * Memory is bounded against whoever signs without end:
 * - of a validator's votes of one step, the first and one that conflicts with it (the evidence) are kept whatever their
 *   values; further ones only for nil or for a value that the tally already knows, because others voted for it or
 *   `expect` named it. A tally thus knows at most two values per validator besides those named. A vote refused for an
 *   unknown value is accepted when it comes again after an honest vote for that value, without which no quorum is.
 * - of rounds above the current one a validator occupies at most MAX_ROUNDS_AHEAD. Its lowest one gives way to a higher
 *   one, since where a validator is now matters more than where it was; except where more than a third has gathered.
 */
import { NO_ROUND, type ValueId, type Vote, type VoteKind } from './types.ts';
import type { ValidatorSet } from './validator-set.ts';

/** Rounds above the current one in which one validator may be held. */
export const MAX_ROUNDS_AHEAD = 4;

export type Threshold =
  /** A quorum of one step's votes, for whatever. */
  | { readonly type: 'any'; readonly kind: VoteKind; readonly round: number }
  /** A quorum of one step's votes for one value, or for nil. */
  | { readonly type: 'value'; readonly kind: VoteKind; readonly round: number; readonly value: ValueId | null }
  /** More than a third of the power has shown itself in this round. */
  | { readonly type: 'skip'; readonly round: number };

/** Two votes that no honest validator signs both: same height, round and step, different values. */
export interface VoteConflict {
  readonly first: Vote;
  readonly second: Vote;
}

export interface Added {
  /** Whether the vote is now counted and was not before. */
  readonly kept: boolean;
  /** What was reached with this vote; each threshold is told once. */
  readonly reached: readonly Threshold[];
  /** Told once per validator, round and step. */
  readonly conflict: VoteConflict | null;
}

const NONE: readonly Threshold[] = Object.freeze([]);
const KEPT: Added = Object.freeze({ kept: true, reached: NONE, conflict: null });
const DROPPED: Added = Object.freeze({ kept: false, reached: NONE, conflict: null });

/** Support of one value in one step of one round. */
interface Support {
  readonly value: ValueId | null;
  power: number;
  quorum: boolean;
}

/** One step of one round. */
class Tally {
  readonly kind: VoteKind;
  /** By place in the set: what came first. */
  readonly first: (Vote | undefined)[];
  /** By place: what came later and conflicts with the first. */
  conflicting: Map<number, Vote[]> | null = null;
  readonly supports = new Map<ValueId | null, Support>();
  /** The support that was looked up last: nearly all votes are for one value. */
  latest: Support | null = null;
  power = 0;
  quorum = false;
  /** The first value (or nil) that reached a quorum. */
  leader: Support | null = null;

  constructor(kind: VoteKind, size: number) {
    this.kind = kind;
    this.first = new Array<Vote | undefined>(size).fill(undefined);
  }

  support(value: ValueId | null): Support {
    if (this.latest !== null && this.latest.value === value) return this.latest;
    let found = this.supports.get(value);
    if (found === undefined) this.supports.set(value, (found = { value, power: 0, quorum: false }));
    return (this.latest = found);
  }

  /** The vote of the validator at a place for a value. */
  find(place: number, value: ValueId | null): Vote | undefined {
    const first = this.first[place];
    if (first === undefined || first.value === value) return first;
    return this.conflicting?.get(place)?.find(one => one.value === value);
  }
}

/** One round. */
class RoundVotes {
  readonly round: number;
  readonly prevote: Tally;
  readonly precommit: Tally;
  /** Place of the proposer if its proposal is here, else -1. */
  proposer = -1;
  /** Power of all that have shown themselves in this round, each once. */
  present = 0;
  crowded = false;

  constructor(round: number, size: number) {
    this.round = round;
    this.prevote = new Tally('prevote', size);
    this.precommit = new Tally('precommit', size);
  }

  isPresent(place: number): boolean {
    return (
      this.prevote.first[place] !== undefined || this.precommit.first[place] !== undefined || this.proposer === place
    );
  }
}

export class VoteKeeper {
  readonly set: ValidatorSet;
  readonly #rounds = new Map<number, RoundVotes>();
  /** By place: rounds above the current one in which the validator is present, unordered. */
  readonly #ahead: (number[] | undefined)[];
  #latest: RoundVotes | null = null;
  #round = 0;
  #skip = NO_ROUND;

  constructor(set: ValidatorSet) {
    this.set = set;
    this.#ahead = new Array<number[] | undefined>(set.size).fill(undefined);
  }

  /** The highest round in which more than a third of the power has shown itself, or NO_ROUND. */
  get highestCrowded(): number {
    return this.#skip;
  }

  /** Tells the keeper which round is the current one; rounds up to it take no part in the bound on rounds ahead. */
  enterRound(round: number): void {
    this.#round = round;
  }

  /**
   * Counts a vote of this height whose signature holds. Strangers' votes, repetitions (also with another time) and votes
   * beyond the bounds are dropped.
   */
  add(vote: Vote): Added {
    const place = this.set.place(vote.validator);
    if (place < 0) return DROPPED;
    const votes = this.#enter(place, vote.round);
    if (votes === null) return DROPPED;
    const tally = vote.kind === 'prevote' ? votes.prevote : votes.precommit;
    const before = tally.first[place];
    if (before !== undefined) return before.value === vote.value ? DROPPED : this.#addConflicting(tally, place, vote);
    const power = this.set.members[place]!.power;
    if (!votes.isPresent(place)) votes.present += power;
    tally.first[place] = vote;
    tally.power += power;
    const support = tally.support(vote.value);
    support.power += power;
    if (
      (tally.quorum || !this.set.isQuorum(tally.power)) &&
      (support.quorum || !this.set.isQuorum(support.power)) &&
      (votes.crowded || !this.set.isBeyondThird(votes.present))
    )
      return KEPT;
    const reached: Threshold[] = [];
    this.#crowd(votes, reached);
    if (!tally.quorum && this.set.isQuorum(tally.power)) {
      tally.quorum = true;
      reached.push({ type: 'any', kind: tally.kind, round: vote.round });
    }
    this.#lead(tally, support, vote.round, reached);
    return { kept: true, reached, conflict: null };
  }

  /** Counts the proposer of a round as present in it; returns the thresholds that this reached. */
  addProposer(round: number, proposer: string): readonly Threshold[] {
    const place = this.set.place(proposer);
    const votes = place < 0 ? null : this.#enter(place, round);
    if (votes === null || votes.proposer === place) return NONE;
    if (!votes.isPresent(place)) votes.present += this.set.members[place]!.power;
    votes.proposer = place;
    const reached: Threshold[] = [];
    this.#crowd(votes, reached);
    return reached;
  }

  /**
   * Makes a value known in a round, so that votes for it are accepted from equivocators too. To be called for what the
   * host has cause to expect a quorum for: a proposed value, one that a peer claims a quorum for. The caller bounds how
   * many there are.
   */
  expect(round: number, value: ValueId): void {
    const votes = this.#rounds.get(round) ?? (round <= this.#round ? this.#open(round) : null);
    votes?.prevote.support(value);
    votes?.precommit.support(value);
  }

  /** The vote of this validator for this value. */
  find(kind: VoteKind, round: number, validator: string, value: ValueId | null): Vote | undefined {
    const place = this.set.place(validator);
    return place < 0 ? undefined : this.#tally(kind, round)?.find(place, value);
  }

  /** Whether a vote of this validator for this value is here. */
  has(kind: VoteKind, round: number, validator: string, value: ValueId | null): boolean {
    return this.find(kind, round, validator, value) !== undefined;
  }

  /** Whether more than two thirds voted for this value, or for nil. */
  hasQuorum(kind: VoteKind, round: number, value: ValueId | null): boolean {
    return this.#tally(kind, round)?.supports.get(value)?.quorum ?? false;
  }

  /** Whether more than two thirds voted at all. */
  hasQuorumOfAny(kind: VoteKind, round: number): boolean {
    return this.#tally(kind, round)?.quorum ?? false;
  }

  /** What a quorum voted for: a value, nil (null), or undefined when there is none. */
  quorumValue(kind: VoteKind, round: number): ValueId | null | undefined {
    return this.#tally(kind, round)?.leader?.value;
  }

  /** Power behind one value. */
  powerFor(kind: VoteKind, round: number, value: ValueId | null): number {
    return this.#tally(kind, round)?.supports.get(value)?.power ?? 0;
  }

  /** Power of all who voted, each once. */
  powerOfAny(kind: VoteKind, round: number): number {
    return this.#tally(kind, round)?.power ?? 0;
  }

  /** All votes of a step in the order of the set, conflicting ones included. */
  votesOf(kind: VoteKind, round: number): Vote[] {
    const tally = this.#tally(kind, round);
    const votes: Vote[] = [];
    if (tally === undefined) return votes;
    for (const [place, first] of tally.first.entries()) {
      if (first === undefined) continue;
      votes.push(first);
      const more = tally.conflicting?.get(place);
      if (more !== undefined) votes.push(...more);
    }
    return votes;
  }

  /** The votes of a step for one value, in the order of the set. */
  votesFor(kind: VoteKind, round: number, value: ValueId | null): Vote[] {
    const tally = this.#tally(kind, round);
    const votes: Vote[] = [];
    if (tally === undefined) return votes;
    for (let place = 0; place < tally.first.length; place++) {
      const vote = tally.find(place, value);
      if (vote !== undefined) votes.push(vote);
    }
    return votes;
  }

  /** Rounds in which anything was said, ascending. */
  rounds(): number[] {
    return [...this.#rounds.keys()].sort((left, right) => left - right);
  }

  #addConflicting(tally: Tally, place: number, vote: Vote): Added {
    const more = tally.conflicting?.get(place);
    if (more?.some(one => one.value === vote.value)) return DROPPED;
    if (more !== undefined && vote.value !== null && !tally.supports.has(vote.value)) return DROPPED;
    if (more !== undefined) more.push(vote);
    else (tally.conflicting ??= new Map<number, Vote[]>()).set(place, [vote]);
    const support = tally.support(vote.value);
    support.power += this.set.members[place]!.power;
    const reached: Threshold[] = [];
    this.#lead(tally, support, vote.round, reached);
    return {
      kept: true,
      reached,
      conflict: more === undefined ? { first: tally.first[place]!, second: vote } : null,
    };
  }

  #crowd(votes: RoundVotes, reached: Threshold[]): void {
    if (votes.crowded || !this.set.isBeyondThird(votes.present)) return;
    votes.crowded = true;
    if (votes.round > this.#skip) this.#skip = votes.round;
    reached.push({ type: 'skip', round: votes.round });
  }

  #lead(tally: Tally, support: Support, round: number, reached: Threshold[]): void {
    if (support.quorum || !this.set.isQuorum(support.power)) return;
    support.quorum = true;
    tally.leader ??= support;
    reached.push({ type: 'value', kind: tally.kind, round, value: support.value });
  }

  #tally(kind: VoteKind, round: number): Tally | undefined {
    const votes = this.#latest?.round === round ? this.#latest : this.#rounds.get(round);
    return kind === 'prevote' ? votes?.prevote : votes?.precommit;
  }

  #open(round: number): RoundVotes {
    if (this.#latest !== null && this.#latest.round === round) return this.#latest;
    let votes = this.#rounds.get(round);
    if (votes === undefined) this.#rounds.set(round, (votes = new RoundVotes(round, this.set.size)));
    return (this.#latest = votes);
  }

  /** The round's record if the validator at this place may show itself there, else null. */
  #enter(place: number, round: number): RoundVotes | null {
    if (round <= this.#round) return this.#open(round);
    const known = this.#rounds.get(round);
    if (known?.isPresent(place)) return known;
    const ahead = (this.#ahead[place] ?? []).filter(one => one > this.#round);
    if (ahead.length >= MAX_ROUNDS_AHEAD) {
      const lowest = Math.min(...ahead.filter(one => this.#rounds.get(one)?.crowded === false));
      // With none to leave the minimum is infinite.
      if (lowest > round) return null;
      this.#leave(place, lowest);
      ahead.splice(ahead.indexOf(lowest), 1);
    }
    ahead.push(round);
    this.#ahead[place] = ahead;
    return this.#open(round);
  }

  /** Takes back whatever the validator at this place said in a round in which nothing was reached yet. */
  #leave(place: number, round: number): void {
    const votes = this.#rounds.get(round)!;
    const power = this.set.members[place]!.power;
    votes.present -= power;
    if (votes.proposer === place) votes.proposer = -1;
    for (const tally of [votes.prevote, votes.precommit]) {
      const first = tally.first[place];
      if (first === undefined) continue;
      tally.power -= power;
      for (const vote of [first, ...(tally.conflicting?.get(place) ?? [])]) tally.support(vote.value).power -= power;
      tally.first[place] = undefined;
      tally.conflicting?.delete(place);
    }
    if (votes.present > 0) return;
    this.#rounds.delete(round);
    if (this.#latest === votes) this.#latest = null;
  }
}
