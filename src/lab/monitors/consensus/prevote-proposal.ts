/**
 * A prevote for a value answers a proposal. Line 22: a proposal of the round by its proposer, without a proof-of-lock
 * round; line 28: or with one below the round, whose polka the node has. Without either it can only prevote nil.
 */
import { NO_ROUND } from '../../../protocol/consensus/types.ts';
import type { Heard } from './heard.ts';
import type { Rotation } from './rotation.ts';
import { isSupported } from './support.ts';
import { WordMonitor } from './word-monitor.ts';
import { PREVOTE, type Word } from './words.ts';

export class PrevoteProposalMonitor extends WordMonitor {
  readonly name = 'proposal before prevote';
  readonly #rotation: Rotation;

  constructor(heard: Heard, rotation: Rotation) {
    super(heard);
    this.#rotation = rotation;
  }

  protected onWord(word: Word): void {
    if (word.step !== PREVOTE || word.value === null) return;
    const electorate = this.heard.electorate(word.height);
    if (electorate === undefined) return;
    if (!isSupported(this.heard, this.#rotation, electorate, word, NO_ROUND, this.heard.deadline(word)))
      this.accuse(
        word,
        'a node prevotes a value only when it has a proposal of it by the round’s proposer, and the polka it points to',
        { proposer: this.#rotation.proposer(word.height, word.round) ?? 'unknown' },
      );
  }
}
