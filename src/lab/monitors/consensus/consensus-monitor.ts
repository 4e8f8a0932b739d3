/**
 * Monitors of consensus: small independent re-statements of single rules, which watch what every node receives.
 *
 * They see messages as they arrive, not as they are meant to be sent: what a node wanted to say and lost in a crash was
 * never said. What a node signed is known from whoever received it; what a node knew when it signed is what it had
 * received itself by then, and its own words.
 */
import type { Gossip } from '../../../actors/gossip.ts';
import type { ValidatorSet } from '../../../protocol/consensus/validator-set.ts';

/** What monitors may know beside the messages. */
export interface ConsensusFacts {
  readonly chainId: string;
  /** Who votes at a height; undefined when the chain has not come that far, or the height is long past. */
  setAt(height: number): ValidatorSet | undefined;
  /** The node of a validator; undefined for strangers. */
  nodeOf(address: string): string | undefined;
  /** Whether a node was declared to misbehave: its own words are not held against the protocol. */
  isByzantine(node: string): boolean;
}

export interface ConsensusMonitor {
  readonly name: string;
  /** A node takes a message. Throws MonitorViolation when a rule is broken. */
  onReceived(node: string, message: Gossip, time: number): void;
  /**
   * A node has executed the block of a height. Heights come in order per node, and again from where it restarts.
   * @param block value id of the block
   */
  onDecided(node: string, height: number, block: string, time: number): void;
  /** A node starts, for the first time or after a crash: what it held in memory is gone; what it had logged is not. */
  onStarted(node: string, time: number): void;
}
