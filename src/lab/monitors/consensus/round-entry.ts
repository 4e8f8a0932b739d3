/**
 * Rounds are not entered for nothing. Line 65: the round after one of which the node has any precommits of more than two
 * thirds, from line 47; line 55: a later one, on words of more than a third of power from rounds that late. Every other
 * round was entered by somebody else.
 *
 * Line 55 speaks of one round; here its words may be spread over that round and those above it, so that reading it
 * either way is accepted.
 */
import { isBeyondThird, isQuorum, powerKnown } from './thresholds.ts';
import { WordMonitor } from './word-monitor.ts';
import { type Electorate, heardBy, PRECOMMIT, saidFor, type Word } from './words.ts';

export class RoundEntryMonitor extends WordMonitor {
  readonly name = 'round entry';

  protected onWord(word: Word): void {
    if (word.round === 0 || !this.#isFirstOfRound(word)) return;
    const { heard } = this;
    const { height, round, speaker } = word;
    const electorate = heard.electorate(height);
    if (electorate === undefined) return;
    const by = heard.deadline(word);
    const precommits = powerKnown(heard, electorate, speaker.place, height, round - 1, PRECOMMIT, undefined, by);
    if (isQuorum(electorate, precommits)) return;
    const ahead = this.#powerAhead(electorate, word, by);
    if (!isBeyondThird(electorate, ahead))
      this.accuse(word, 'a node enters a round after precommits of the round before, or behind a third of all power', {
        precommits,
        ahead,
        total: electorate.total,
      });
  }

  /** Entering is judged once, by what is heard first of a speaker's words in the round. */
  #isFirstOfRound(word: Word): boolean {
    for (const slots of this.heard.book(word.height)?.rounds.get(word.round) ?? []) {
      const other = saidFor(slots[word.speaker.id]);
      if (other === undefined || other === word) continue;
      if (other.firstHeard < word.firstHeard || (other.firstHeard === word.firstHeard && other.step < word.step))
        return false;
    }
    return true;
  }

  /** Power of the others of whom the node had any word from the round or a later one. */
  #powerAhead(electorate: Electorate, { height, round, speaker }: Word, by: number): number {
    const counted = new Set<number>();
    for (const [later, steps] of this.heard.book(height)?.rounds ?? []) {
      if (later < round) continue;
      for (const slots of steps)
        for (const slot of slots)
          for (let one = slot; one !== undefined; one = one.other)
            if (one.speaker !== speaker && heardBy(one, speaker.place, by)) counted.add(one.speaker.id);
    }
    let power = 0;
    for (const [i, { id }] of electorate.speakers.entries()) if (counted.has(id)) power += electorate.powers[i]!;
    return power;
  }
}
