/**
 * A proposal's proof-of-lock round is true. Lines 14 to 19 and 36: what is proposed again is validValue with validRound,
 * which was set by a polka for it in that round; so the round is an earlier one, and the proposer has its polka. And who
 * precommitted a value set validValue in the same step: it proposes that one again, or one with a later polka.
 */
import { NO_ROUND } from '../../../protocol/consensus/types.ts';
import { isBehind, lockBefore } from './support.ts';
import { knewPolka } from './thresholds.ts';
import { WordMonitor } from './word-monitor.ts';
import { PRECOMMIT, PROPOSAL, saidFor, type Word } from './words.ts';

export class ProofOfLockMonitor extends WordMonitor {
  readonly name = 'proof of lock';

  protected onWord(word: Word): void {
    const { heard } = this;
    if (word.step === PROPOSAL) {
      this.#checkPolka(word);
      this.#checkLock(word);
    } else if (word.step === PRECOMMIT && word.value !== null && isBehind(word))
      // A precommit may be heard after proposals of later rounds.
      for (const [round, steps] of heard.book(word.height)?.rounds ?? []) {
        const proposal = round > word.round ? saidFor(steps[PROPOSAL][word.speaker.id]) : undefined;
        if (proposal !== undefined) this.#checkLock(proposal);
      }
  }

  #checkPolka(proposal: Word): void {
    const { height, round, polRound, value, speaker } = proposal;
    if (polRound === NO_ROUND) return;
    if (polRound >= round)
      this.accuse(proposal, 'the proof-of-lock round of a proposal is an earlier round', { polRound });
    const electorate = this.heard.electorate(height);
    if (electorate === undefined) return;
    if (!knewPolka(this.heard, electorate, speaker.place, height, polRound, value, this.heard.deadline(proposal)))
      this.accuse(proposal, 'a proposer has the polka of the proof-of-lock round that it names', { polRound });
  }

  #checkLock(proposal: Word): void {
    const lock = lockBefore(this.heard, proposal);
    if (lock === undefined) return;
    const { polRound, value } = proposal;
    if (polRound < lock.round || (polRound === lock.round && value !== lock.value))
      this.accuse(proposal, 'who precommitted a value proposes it again, or one with a later polka', {
        polRound,
        lockedRound: lock.round,
        lockedValue: lock.value,
      });
  }
}
