/**
 * Decisions. Line 49: a node executes a block only when it has precommits for it of more than two thirds in one round, of
 * whatever round, or was served it as a committed block. All nodes execute the same block of a height, and every node one
 * height after the other.
 *
 * A node that starts goes on from wherever its state is; what it has executed before, it may execute again.
 */
import { type Facts, MonitorViolation } from '../monitor.ts';
import type { ConsensusFacts } from './consensus-monitor.ts';
import type { Heard } from './heard.ts';
import { isQuorum, powerKnown } from './thresholds.ts';
import { WordMonitor } from './word-monitor.ts';
import { PRECOMMIT } from './words.ts';

/** Heights behind the newest of which it is remembered what was executed: a laggard may be far behind. */
const HEIGHTS_REMEMBERED = 4096;

/** How far a node is. */
interface Progress {
  /** The block executed last, since it started; undefined before the first. */
  last: number | undefined;
  highest: number;
}

export class DecisionMonitor extends WordMonitor {
  readonly name = 'decisions';
  readonly #facts: ConsensusFacts;
  readonly #progress = new Map<string, Progress>();
  readonly #blocks = new Map<number, { readonly block: string; readonly node: string }>();
  #newest = 0;

  constructor(heard: Heard, facts: ConsensusFacts) {
    super(heard);
    this.#facts = facts;
  }

  override onStarted(node: string, time: number): void {
    super.onStarted(node, time);
    const progress = this.#progress.get(node);
    if (progress !== undefined) progress.last = undefined;
  }

  override onDecided(node: string, height: number, block: string, time: number): void {
    super.onDecided(node, height, block, time);
    if (this.#facts.isByzantine(node)) return;
    let progress = this.#progress.get(node);
    if (progress === undefined) this.#progress.set(node, (progress = { last: undefined, highest: 0 }));
    const { last, highest } = progress;
    if (last !== undefined && height !== last + 1)
      this.#broken(node, height, 'a node executes one height after the other', { block, before: last });
    this.#checkAgreement(node, height, block);
    if (height > highest) this.#checkGrounds(node, height, block);
    progress.last = height;
    progress.highest = Math.max(height, highest);
  }

  protected onWord(): void {}

  #checkAgreement(node: string, height: number, block: string): void {
    const first = this.#blocks.get(height);
    if (first !== undefined) {
      if (first.block !== block)
        this.#broken(node, height, 'all nodes execute the same block', { block, other: first.block, by: first.node });
      return;
    }
    if (height <= this.#newest - HEIGHTS_REMEMBERED) return;
    this.#blocks.set(height, { block, node });
    // Heights come nearly in order: what a leap leaves behind is bounded by what was there.
    while (this.#newest < height) {
      this.#newest++;
      this.#blocks.delete(this.#newest - HEIGHTS_REMEMBERED);
    }
  }

  #checkGrounds(node: string, height: number, block: string): void {
    const { heard } = this;
    const place = heard.placeOf(node);
    const electorate = heard.electorate(height);
    // Forgotten, or on a chain whose sets nobody knows.
    if (electorate === undefined) return;
    if (heard.book(height)?.served[place] === true || heard.book(height + 1)?.served[place] === true) return;
    let own = 0;
    for (const [i, speaker] of electorate.speakers.entries()) if (speaker.place === place) own += electorate.powers[i]!;
    // Who has a quorum alone needs to hear nobody.
    if (isQuorum(electorate, own)) return;
    let most = 0;
    let round: number | string = 'none';
    for (const one of heard.book(height)?.rounds.keys() ?? []) {
      const power = powerKnown(heard, electorate, place, height, one, PRECOMMIT, block, heard.now);
      if (isQuorum(electorate, power)) return;
      if (power > most) [most, round] = [power, one];
    }
    this.#broken(node, height, 'a node executes a block only when it has its precommits, or was served it', {
      block,
      round,
      most,
      total: electorate.total,
    });
  }

  #broken(node: string, height: number, rule: string, facts: Facts): never {
    throw new MonitorViolation(this.name, height, rule, { node, ...facts, at: this.time });
  }
}
