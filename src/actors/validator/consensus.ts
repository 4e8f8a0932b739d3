/**
 * How a validator comes to the next block: the seam between the node, which knows transactions and clients, and what
 * decides. Here is the set of one, which decides alone at every block interval.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { Effects, Input, Time } from '../actor.ts';
import type { Wire } from '../wire.ts';

/** What a way of deciding asks of its node. */
export interface ConsensusHost {
  /** A block for the next height at about this time. */
  propose(now: Time): Block;
  /** This block is the chain's next: execute it, store it, tell everybody. */
  decided(block: Block, now: Time, out: Effects<Wire>): void;
  /** Time between blocks that the chain aims at, microseconds. */
  blockInterval(): number;
}

export interface Consensus {
  /** Takes an input that is its own; returns whether it was. */
  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): boolean;
}

const BLOCK_TIMER = 'block';

/** A validator set of one: whatever it proposes is decided. */
export class SoloConsensus implements Consensus {
  readonly #host: ConsensusHost;
  #next: Time = 0;

  constructor(host: ConsensusHost) {
    this.#host = host;
  }

  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): boolean {
    if (input.kind === 'recovered') {
      this.#next = now + this.#host.blockInterval();
      out.setTimer(BLOCK_TIMER, this.#next);
      return false;
    }
    if (input.kind !== 'timer' || input.id !== BLOCK_TIMER) return false;
    this.#host.decided(this.#host.propose(now), now, out);
    // On a grid rather than after each block, so that late timers do not add up; never faster than the interval.
    this.#next = Math.max(this.#next + this.#host.blockInterval(), now + 1);
    out.setTimer(BLOCK_TIMER, this.#next);
    return true;
  }
}
