/**
 * What most monitors of consensus are: a rule about one word at a time, asked when the word is first heard by anybody,
 * of speakers that are not declared byzantine.
 */
import type { Gossip } from '../../../actors/gossip.ts';
import { type Facts, MonitorViolation } from '../monitor.ts';
import type { ConsensusMonitor } from './consensus-monitor.ts';
import type { Heard } from './heard.ts';
import { STEP_NAMES, type Word } from './words.ts';

export abstract class WordMonitor implements ConsensusMonitor {
  abstract readonly name: string;
  protected readonly heard: Heard;
  /** When the message at hand was taken, microseconds. */
  protected time = 0;

  constructor(heard: Heard) {
    this.heard = heard;
  }

  onReceived(node: string, message: Gossip, time: number): void {
    const news = this.heard.take(node, message);
    if (news.length === 0) return;
    this.time = time;
    for (const word of news) if (this.heard.isJudged(word.speaker)) this.onWord(word);
  }

  onDecided(node: string, height: number, _block: string, time: number): void {
    this.time = time;
    this.heard.decided(node, height);
  }

  onStarted(_node: string, time: number): void {
    this.time = time;
  }

  /** A word of an honest validator is heard for the first time. */
  protected abstract onWord(word: Word): void;

  /** Throws: a word that should not have been said. */
  protected accuse(word: Word, rule: string, facts: Facts = {}): never {
    throw new MonitorViolation(this.name, word.height, rule, {
      node: word.speaker.node,
      round: word.round,
      step: STEP_NAMES[word.step],
      value: word.value ?? 'nil',
      validator: word.speaker.address,
      ...facts,
      heard: this.time,
    });
  }
}
