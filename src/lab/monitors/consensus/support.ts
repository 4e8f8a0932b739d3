/**
 * What a prevote for a value leans on: a proposal of its round, and the polka that the proposal points to.
 */
import { NO_ROUND } from '../../../protocol/consensus/types.ts';
import type { Heard } from './heard.ts';
import type { Rotation } from './rotation.ts';
import { knewPolka } from './thresholds.ts';
import { type Electorate, heardBy, PRECOMMIT, PROPOSAL, type Slots, saidFor, type Word } from './words.ts';

/**
 * Whether a node may prevote a value: it had, by a moment, a proposal of the value from the round's proposer, either a
 * fresh one (only when `least` is NO_ROUND), or one with a proof-of-lock round from `least` on and below the prevote's,
 * with the polka of that round.
 */
export function isSupported(
  heard: Heard,
  rotation: Rotation,
  electorate: Electorate,
  prevote: Word,
  least: number,
  by: number,
): boolean {
  const { height, round, value, speaker } = prevote;
  const slots = heard.slots(height, round, PROPOSAL);
  const turn = rotation.proposer(height, round);
  const suffices = (polRound: number): boolean => {
    if (polRound < least) return false;
    if (polRound === NO_ROUND) return true;
    return polRound < round && knewPolka(heard, electorate, speaker.place, height, polRound, value, by);
  };
  for (const slot of turn === undefined ? slots : slotOf(heard, slots, turn))
    for (let one = slot; one !== undefined; one = one.other) {
      const known = one.speaker === speaker || heardBy(one, speaker.place, by);
      if (known && one.value === value && suffices(one.polRound)) return true;
    }
  // Its own proposal, which nobody has heard yet: it may point to any round.
  const mayBeOwn = (turn === undefined || turn === speaker.address) && saidFor(slots[speaker.id]) === undefined;
  if (!mayBeOwn) return false;
  for (let polRound = least; polRound < round; polRound++) if (suffices(polRound)) return true;
  return least === NO_ROUND;
}

/** The newest non-nil precommit of a speaker in an earlier round of a height, as far as anybody heard: its lock. */
export function lockBefore(heard: Heard, word: Word): Word | undefined {
  const { height, round, speaker } = word;
  let lock: Word | undefined;
  for (const [earlier, steps] of heard.book(height)?.rounds ?? []) {
    if (earlier >= round || (lock !== undefined && earlier < lock.round)) continue;
    const precommit = saidFor(steps[PRECOMMIT][speaker.id]);
    if (precommit !== undefined && precommit.value !== null) lock = precommit;
  }
  return lock;
}

/** Whether the speaker of a word was heard in a later round of its height before. */
export function isBehind({ speaker, height, round }: Word): boolean {
  return speaker.height > height || (speaker.height === height && speaker.round > round);
}

function slotOf(heard: Heard, slots: Slots, address: string): Slots {
  const speaker = heard.speaker(address);
  return speaker === undefined ? [] : [slots[speaker.id]];
}
