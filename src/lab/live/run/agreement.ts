/**
 * Whether all nodes of a live network have the same block and the same state at each height, as they tell themselves
 * when they have executed it; also those that a start executes again.
 */
import { equalBytes } from '../../../protocol/codec/bytes.ts';
import { MonitorViolation } from '../../monitors/monitor.ts';

interface Reached {
  readonly hash: Uint8Array;
  readonly appHash: Uint8Array;
  readonly by: string;
}

/** Heights that are remembered. */
const KEPT = 20_000;

export class Agreement {
  readonly #reached = new Map<number, Reached>();
  readonly #heights = new Map<string, number>();

  /** The newest height of each node. */
  get heights(): ReadonlyMap<string, number> {
    return this.#heights;
  }

  /** @throws MonitorViolation when this is not what another node had at this height */
  onExecuted(by: string, height: number, hash: Uint8Array, appHash: Uint8Array): void {
    this.#heights.set(by, Math.max(height, this.#heights.get(by) ?? 0));
    const other = this.#reached.get(height);
    if (other === undefined) {
      this.#reached.set(height, { hash, appHash, by });
      this.#reached.delete(height - KEPT);
      return;
    }
    const sameBlock = equalBytes(hash, other.hash);
    if (sameBlock && equalBytes(appHash, other.appHash)) return;
    throw new MonitorViolation('agreement', height, 'all nodes have the same block and the same state at a height', {
      differs: sameBlock ? 'state' : 'block',
      left: other.by,
      right: by,
    });
  }
}
