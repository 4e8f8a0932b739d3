/**
 * Votes are dated and placed as they should be: rounds and heights are counts, the voter stands in the set of the height,
 * and a vote's time is above its parent block's ("a vote's time is max(now, block time + 1)"). How far above depends on
 * the voter's clock, which nobody sees.
 */
import type { Gossip } from '../../../actors/gossip.ts';
import type { Proposal, Vote } from '../../../protocol/consensus/types.ts';
import { MonitorViolation } from '../monitor.ts';
import { type Heard, isWellFormed } from './heard.ts';
import { WordMonitor } from './word-monitor.ts';
import { PREVOTE, PROPOSAL, STEP_NAMES, type Step, type Word } from './words.ts';

export class VoteFormMonitor extends WordMonitor {
  readonly name = 'vote form';
  readonly #timeOfBlock: ((height: number) => number | undefined) | undefined;

  /** @param timeOfBlock time of an executed block, microseconds; undefined when it is not known */
  constructor(heard: Heard, timeOfBlock?: (height: number) => number | undefined) {
    super(heard);
    this.#timeOfBlock = timeOfBlock;
  }

  override onReceived(node: string, message: Gossip, time: number): void {
    this.time = time;
    // Where signatures are checked, what cannot be written as bytes cannot have been signed by whom it names.
    if (this.heard.isTrusting)
      if (message.type === 'votes') {
        for (const vote of message.votes)
          if (!isWellFormed(PREVOTE, vote)) this.#misshapen(PREVOTE, vote, vote.validator);
      } else if (message.type === 'proposal' && !isWellFormed(PROPOSAL, message.proposal))
        this.#misshapen(PROPOSAL, message.proposal, message.proposal.proposer);
    super.onReceived(node, message, time);
  }

  protected onWord(word: Word): void {
    const { height, speaker } = word;
    const electorate = this.heard.electorate(height);
    if (electorate !== undefined && !electorate.speakers.includes(speaker))
      this.accuse(word, 'who speaks of a height stands in its validator set');
    if (word.step === PROPOSAL) return;
    const { time } = word.said as Vote;
    const parent = this.#timeOfBlock?.(height - 1);
    if (parent !== undefined && time <= parent)
      this.accuse(word, 'a vote is dated after the parent block', { signedAt: time, parent });
  }

  #misshapen(step: Step, said: Vote | Proposal, address: string): void {
    const speaker = this.heard.speakerAt(address, said.height);
    if (speaker === undefined || !this.heard.isJudged(speaker)) return;
    throw new MonitorViolation(this.name, said.height, 'heights, rounds and times are counts', {
      node: speaker.node,
      round: said.round,
      step: step === PROPOSAL ? STEP_NAMES[PROPOSAL] : (said as Vote).kind,
      validator: address,
      ...(step === PROPOSAL ? { polRound: (said as Proposal).polRound } : { signedAt: (said as Vote).time }),
      heard: this.time,
    });
  }
}
