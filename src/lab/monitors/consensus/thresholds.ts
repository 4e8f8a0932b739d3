/**
 * How much voting power a node knew behind something, and whether that is enough.
 *
 * Power is counted, never heads; every validator counts once. A node's own word never reaches it over the network, so it
 * counts as said unless it is known to have said something else in that step.
 */
import type { Heard } from './heard.ts';
import { type Electorate, heardBy, PREVOTE, type Step, saidFor, type Word } from './words.ts';

/** More than two thirds of all power. */
export function isQuorum(electorate: Electorate, power: number): boolean {
  return 3 * power > 2 * electorate.total;
}

/** More than one third of all power: somebody honest is among them. */
export function isBeyondThird(electorate: Electorate, power: number): boolean {
  return 3 * power > electorate.total;
}

/**
 * Power whose words for a value (null: nil; undefined: any) in a step of a round a node knew by a moment.
 * @param place of the node
 */
export function powerKnown(
  heard: Heard,
  electorate: Electorate,
  place: number,
  height: number,
  round: number,
  step: Step,
  value: string | null | undefined,
  by: number,
): number {
  const slots = heard.slots(height, round, step);
  const { speakers, powers } = electorate;
  let power = 0;
  for (let i = 0; i < speakers.length; i++) {
    const speaker = speakers[i]!;
    const slot = slots[speaker.id];
    const known = speaker.place === place ? mayHaveSaid(slot, value) : hasHeard(slot, value, place, by);
    if (known) power += powers[i]!;
  }
  return power;
}

/** Whether a node knew a polka for a value in a round by a moment. */
export function knewPolka(
  heard: Heard,
  electorate: Electorate,
  place: number,
  height: number,
  round: number,
  value: string | null,
  by: number,
): boolean {
  return isQuorum(electorate, powerKnown(heard, electorate, place, height, round, PREVOTE, value, by));
}

function mayHaveSaid(slot: Word | undefined, value: string | null | undefined): boolean {
  let word = saidFor(slot);
  if (word === undefined || value === undefined) return true;
  for (; word !== undefined; word = saidFor(word.other)) if (word.value === value) return true;
  return false;
}

function hasHeard(slot: Word | undefined, value: string | null | undefined, place: number, by: number): boolean {
  for (let word = slot; word !== undefined; word = word.other)
    if ((value === undefined || word.value === value) && heardBy(word, place, by)) return true;
  return false;
}
