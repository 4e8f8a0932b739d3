/** A node that proposes other blocks than an honest one would, and believes in them. */
import type { Block } from '../../../protocol/chain/block.ts';
import type { Chain } from '../../../protocol/chain/chain.ts';
import type { Commit } from '../../../protocol/consensus/types.ts';
import type { Effects, Input, Time } from '../../actor.ts';
import type { Wire } from '../../wire.ts';
import type { DecidedBlock } from '../engine.ts';
import { Node, type NodeOptions } from '../node.ts';

export interface BlockDistortion {
  /** What is proposed instead of this block, with a word for it; null to leave it as it is. */
  distort(block: Block, chain: Chain): { readonly block: Block; readonly what: string } | null;
  /** The chain has this block now. */
  onExecuted?(block: Block): void;
}

export class BadProposer extends Node {
  readonly #distortion: BlockDistortion;
  /** What was done in this turn. */
  #done: string[] = [];

  constructor(options: NodeOptions, distortion: BlockDistortion) {
    super(options);
    this.#distortion = distortion;
  }

  override receive(input: Input<Wire>, now: Time, out: Effects<Wire>): void {
    super.receive(input, now, out);
    for (const what of this.#done) out.observe(`byzantine/${what}`, 1);
    this.#done = [];
  }

  override propose(lastCommit: Commit | null): Block {
    const honest = super.propose(lastCommit);
    const distorted = this.#distortion.distort(honest, this.chain);
    if (distorted === null) return honest;
    this.#done.push(distorted.what);
    return distorted.block;
  }

  override execute(decided: DecidedBlock, now: Time, out: Effects<Wire>): void {
    super.execute(decided, now, out);
    this.#distortion.onExecuted?.(decided.block);
  }
}
