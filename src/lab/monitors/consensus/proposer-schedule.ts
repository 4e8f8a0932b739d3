/**
 * Proposals come from whose turn it is: the weighted round robin over the height's set, one step per round.
 */
import type { Heard } from './heard.ts';
import type { Rotation } from './rotation.ts';
import { WordMonitor } from './word-monitor.ts';
import { PROPOSAL, type Word } from './words.ts';

export class ProposerScheduleMonitor extends WordMonitor {
  readonly name = 'proposer schedule';
  readonly #rotation: Rotation;

  constructor(heard: Heard, rotation: Rotation) {
    super(heard);
    this.#rotation = rotation;
  }

  override onDecided(node: string, height: number, block: string, time: number): void {
    super.onDecided(node, height, block, time);
    // Sets of the past cannot be asked for later.
    this.#rotation.follow(height + 1);
  }

  protected onWord(word: Word): void {
    if (word.step !== PROPOSAL) return;
    const turn = this.#rotation.proposer(word.height, word.round);
    if (turn !== undefined && turn !== word.speaker.address)
      this.accuse(word, 'a node proposes only in rounds that are its validator’s', { turn });
  }
}
