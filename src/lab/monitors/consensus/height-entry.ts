/**
 * Nobody speaks of a height before it has executed the one before: messages of later heights are held until then.
 *
 * A node that has just started may have its state from a snapshot, which nobody sees; it is judged again from its first
 * block on.
 */
import { WordMonitor } from './word-monitor.ts';
import type { Word } from './words.ts';

export class HeightEntryMonitor extends WordMonitor {
  readonly name = 'height entry';
  /** The highest block each node has executed; of those that have executed one since they started. */
  readonly #executed = new Map<string, number>();
  readonly #settled = new Set<string>();

  override onStarted(node: string, time: number): void {
    super.onStarted(node, time);
    this.#settled.delete(node);
  }

  override onDecided(node: string, height: number, block: string, time: number): void {
    super.onDecided(node, height, block, time);
    this.#settled.add(node);
    this.#executed.set(node, Math.max(height, this.#executed.get(node) ?? 0));
  }

  protected onWord(word: Word): void {
    const node = word.speaker.node as string;
    if (!this.#settled.has(node)) return;
    const executed = this.#executed.get(node) as number;
    if (word.height > executed + 1)
      this.accuse(word, 'a node speaks of a height only after it has executed the one before', { executed });
  }
}
