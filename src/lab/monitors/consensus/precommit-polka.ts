/**
 * Precommits have grounds. Line 36: a precommit for a value only with a proposal of that value and a polka for it in the
 * same round. Lines 34, 44, 61: a precommit for nil only after any prevotes of more than two thirds, for either it follows a
 * polka for nil, or a timeout that starts with them.
 *
 * The round of the proposal is not insisted on: a node that has the value from an earlier round of the height has what
 * the line needs to judge it.
 */
import type { Heard } from './heard.ts';
import type { Rotation } from './rotation.ts';
import { isQuorum, powerKnown } from './thresholds.ts';
import { WordMonitor } from './word-monitor.ts';
import { heardBy, PRECOMMIT, PREVOTE, PROPOSAL, type Slots, saidFor, type Word } from './words.ts';

export class PrecommitPolkaMonitor extends WordMonitor {
  readonly name = 'polka before precommit';
  readonly #rotation: Rotation;

  constructor(heard: Heard, rotation: Rotation) {
    super(heard);
    this.#rotation = rotation;
  }

  protected onWord(word: Word): void {
    if (word.step !== PRECOMMIT) return;
    const { heard } = this;
    const { height, round, value, speaker } = word;
    const electorate = heard.electorate(height);
    if (electorate === undefined) return;
    const by = heard.deadline(word);
    const wanted = value ?? undefined;
    const power = powerKnown(heard, electorate, speaker.place, height, round, PREVOTE, wanted, by);
    if (!isQuorum(electorate, power)) {
      const rule =
        value === null
          ? 'a node precommits nil only when it has prevotes of more than two thirds in the round'
          : 'a node precommits a value only when it has a polka for it in the round';
      this.accuse(word, rule, { power, total: electorate.total });
    }
    if (value !== null && !this.#knewProposal(word, value, by))
      this.accuse(word, 'a node precommits a value only when it has a proposal of it');
  }

  /** Whether its node had a proposal of the value in any round of the height, or could have made it. */
  #knewProposal(word: Word, value: string, by: number): boolean {
    const { heard } = this;
    const { height, speaker } = word;
    const rounds = heard.book(height)?.rounds;
    if (isAmong(rounds?.get(word.round)?.[PROPOSAL], word, value, by)) return true;
    for (const steps of rounds?.values() ?? []) if (isAmong(steps[PROPOSAL], word, value, by)) return true;
    // A proposal of its own that nobody has heard yet.
    for (let round = 0; round <= word.round; round++) {
      const turn = this.#rotation.proposer(height, round);
      if (turn !== undefined && turn !== speaker.address) continue;
      if (saidFor(heard.slots(height, round, PROPOSAL)[speaker.id]) === undefined) return true;
    }
    return false;
  }
}

function isAmong(proposals: Slots | undefined, { speaker }: Word, value: string, by: number): boolean {
  for (const slot of proposals ?? [])
    for (let one = slot; one !== undefined; one = one.other)
      if (one.value === value && (one.speaker === speaker || heardBy(one, speaker.place, by))) return true;
  return false;
}
