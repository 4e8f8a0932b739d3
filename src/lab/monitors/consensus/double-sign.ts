/**
 * Never two signatures for one height, round and step: neither two votes of one validator, nor two proposals, whoever
 * received them. Around the core: "same height/round/step again: same bytes get the same signature; if only the timestamp
 * differs, the old one; otherwise this vote is not sent".
 */
import { NO_ROUND, type Vote } from '../../../protocol/consensus/types.ts';
import { WordMonitor } from './word-monitor.ts';
import { PROPOSAL, saidFor, type Word } from './words.ts';

export class DoubleSignMonitor extends WordMonitor {
  readonly name = 'double sign';

  protected onWord(word: Word): void {
    const { speaker, height, round, step } = word;
    for (
      let other = saidFor(this.heard.slots(height, round, step)[speaker.id]);
      other !== undefined;
      other = saidFor(other.other)
    )
      if (other !== word)
        this.accuse(word, 'a validator signs one word for a height, round and step', {
          before: other.value ?? 'nil',
          ...(step === PROPOSAL
            ? { polRound: word.polRound, polRoundBefore: other.polRound === NO_ROUND ? 'none' : other.polRound }
            : { signedAt: (word.said as Vote).time, signedAtBefore: (other.said as Vote).time }),
        });
  }
}
