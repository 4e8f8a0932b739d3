/**
 * What monitors of consensus write down: who speaks, what was said, and when each node came to hear it.
 *
 * A word is one proposal or one vote of one validator. Moments are counted in messages taken, not in clock time: of two
 * messages the later taken has the larger number, and 0 is never.
 */
import type { Proposal, ValueId, Vote } from '../../../protocol/consensus/types.ts';

/** The steps of a round in the order in which a validator signs them. */
export const PROPOSAL = 0;
export const PREVOTE = 1;
export const PRECOMMIT = 2;
export type Step = typeof PROPOSAL | typeof PREVOTE | typeof PRECOMMIT;
export const STEP_NAMES = ['proposal', 'prevote', 'precommit'] as const;

/** A validator, as far as monitors care. */
export interface Speaker {
  /** Small, and the same for the whole run. */
  readonly id: number;
  readonly address: string;
  /** Its node, and the place of that node among those that hear; undefined and -1 while nobody knows it. */
  node: string | undefined;
  place: number;
  /** From the newest set in which it was seen. */
  key: Uint8Array | undefined;
  /** The furthest that anybody heard it: a vouched word of its own. */
  height: number;
  round: number;
  step: Step;
}

/** A proposal or a vote. */
export interface Word {
  readonly speaker: Speaker;
  readonly height: number;
  readonly round: number;
  readonly step: Step;
  /** null only in votes. */
  readonly value: ValueId | null;
  /** Proof-of-lock round of a proposal; NO_ROUND in votes. */
  readonly polRound: number;
  readonly said: Vote | Proposal;
  /** When it was first heard by anybody, with its signature known to be good; 0 while that is not known. */
  firstHeard: number;
  /** By place of node: when that node first took it; 0 or missing while it has not. */
  readonly heardBy: number[];
  /** Another word of the same speaker for the same height, round and step. */
  other: Word | undefined;
}

/** Everything said in one round: per step the words by speaker id. */
export type RoundBook = readonly [proposals: Slots, prevotes: Slots, precommits: Slots];
export type Slots = (Word | undefined)[];

/** Who votes at a height, with what power. */
export interface Electorate {
  readonly speakers: readonly Speaker[];
  readonly powers: readonly number[];
  readonly total: number;
}

/** Everything said at one height. */
export interface HeightBook {
  readonly height: number;
  readonly rounds: Map<number, RoundBook>;
  /** By place of node: whether a committed block of this height was served to it. */
  readonly served: boolean[];
  electorate: Electorate | undefined;
}

/** Whether a word is known to be its speaker's. */
export function vouched(word: Word): boolean {
  return word.firstHeard !== 0;
}

/** The first vouched word for a slot, or undefined. */
export function saidFor(slot: Word | undefined): Word | undefined {
  let word = slot;
  while (word !== undefined && !vouched(word)) word = word.other;
  return word;
}

/** Whether a node had taken a word by a moment. */
export function heardBy(word: Word, place: number, by: number): boolean {
  const at = word.heardBy[place];
  return at !== undefined && at !== 0 && at <= by;
}
