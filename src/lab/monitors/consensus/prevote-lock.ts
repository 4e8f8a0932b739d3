/**
 * Locks hold. Who precommitted a value in an earlier round of the height is locked on it, and prevotes another only with
 * line 28: for a proposal with a proof-of-lock round that is not below the locked round and is below the prevote's own, and
 * with the polka of that round. Line 22 allows a fresh proposal only to who is not locked, or locked on its value.
 */
import type { Heard } from './heard.ts';
import type { Rotation } from './rotation.ts';
import { isBehind, isSupported, lockBefore } from './support.ts';
import { WordMonitor } from './word-monitor.ts';
import { PRECOMMIT, PREVOTE, saidFor, type Word } from './words.ts';

export class PrevoteLockMonitor extends WordMonitor {
  readonly name = 'lock';
  readonly #rotation: Rotation;

  constructor(heard: Heard, rotation: Rotation) {
    super(heard);
    this.#rotation = rotation;
  }

  protected onWord(word: Word): void {
    if (word.value === null) return;
    if (word.step === PREVOTE) this.#check(word);
    // A precommit may be heard after prevotes of later rounds.
    else if (word.step === PRECOMMIT && isBehind(word))
      for (const [round, steps] of this.heard.book(word.height)?.rounds ?? []) {
        const prevote = round > word.round ? saidFor(steps[PREVOTE][word.speaker.id]) : undefined;
        if (prevote !== undefined) this.#check(prevote);
      }
  }

  #check(prevote: Word): void {
    if (prevote.value === null) return;
    const { heard } = this;
    const electorate = heard.electorate(prevote.height);
    if (electorate === undefined) return;
    const lock = lockBefore(heard, prevote);
    if (lock === undefined || lock.value === prevote.value) return;
    if (!isSupported(heard, this.#rotation, electorate, prevote, lock.round, heard.deadline(prevote)))
      this.accuse(prevote, 'a locked node prevotes another value only for a polka no older than its lock', {
        lockedRound: lock.round,
        lockedValue: lock.value,
      });
  }
}
