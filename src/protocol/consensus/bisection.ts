/**
 * The way from something trusted to a higher target: which height to look at next, and what follows from a block there.
 *
 * The target itself is tried first. Where too little of the trusted power signed it, the block half-way is tried, and so
 * on downwards; as soon as one is believed, the nearest that waits is tried again from there. A chain whose sets change
 * slowly is followed over years in one step, one whose sets change entirely at each height is followed height by height.
 */

import {
  type LightBlock,
  type LightFault,
  type LightHeader,
  type NodeName,
  type Trusted,
  type VerifyOptions,
  verify,
} from './light-block.ts';

/** A block on its way to be believed, and who gave it. */
interface Waiting<H extends LightHeader> {
  readonly node: NodeName;
  readonly block: LightBlock<H>;
}

/** A block that is believed, with what follows from it. */
export interface Believed<H extends LightHeader> extends Waiting<H> {
  readonly trusted: Trusted;
}

/** A node that gave a block which no honest node gives, and why. */
export interface NodeFault {
  readonly node: NodeName;
  readonly height: number;
  readonly fault: LightFault;
  readonly reason: string;
}

/** What came of one block. */
export interface Step<H extends LightHeader> {
  /** Believed now and not before, heights rising. */
  readonly believed: readonly Believed<H>[];
  readonly fault: NodeFault | null;
  /** Trust in the base ran out: there is no way from here. */
  readonly isExpired: boolean;
}

export class Bisection<H extends LightHeader> {
  readonly target: number;
  readonly #options: VerifyOptions<H>;
  readonly #isSequential: boolean;
  #base: Trusted;
  /** Not yet believed, the nearest last. Of all of them the base is known not to be enough. */
  #waiting: Waiting<H>[] = [];

  /** Throws RangeError unless the target is above the base. */
  constructor(base: Trusted, target: number, options: VerifyOptions<H>, isSequential: boolean) {
    if (!Number.isSafeInteger(target) || target <= base.height) {
      throw new RangeError(`no way from height ${base.height} to ${target}`);
    }
    this.#base = base;
    this.target = target;
    this.#options = options;
    this.#isSequential = isSequential;
  }

  /** The height of the block to give next, or null when the target is believed. */
  get need(): number | null {
    const { height } = this.#base;
    if (height === this.target) return null;
    if (this.#isSequential) return height + 1;
    const nearest = this.#waiting.at(-1);
    return nearest === undefined ? this.target : height + Math.floor((nearest.block.header.height - height) / 2);
  }

  /** Takes the block of the height that is needed. Throws RangeError for one of any other height. */
  give(node: NodeName, block: LightBlock<H>, now: number): Step<H> {
    if (block.header.height !== this.need) {
      throw new RangeError(`a block of height ${block.header.height} where ${this.need} is needed`);
    }
    this.#waiting.push({ node, block });
    const believed: Believed<H>[] = [];
    for (let next = this.#waiting.at(-1); next !== undefined; next = this.#waiting.at(-1)) {
      const said = verify(this.#base, next.block, now, this.#options);
      if (said.verdict === 'NOT_ENOUGH_TRUST') break;
      if (said.verdict === 'INVALID') {
        if (said.fault === 'expired') return { believed, fault: null, isExpired: true };
        const { height } = next.block.header;
        this.drop(next.node);
        return {
          believed,
          fault: { node: next.node, height, fault: said.fault, reason: said.reason },
          isExpired: false,
        };
      }
      this.#waiting.pop();
      this.#base = said.trusted;
      believed.push({ ...next, trusted: said.trusted });
    }
    return { believed, fault: null, isExpired: false };
  }

  /** Forgets what a node gave that is not believed yet. */
  drop(node: NodeName): void {
    this.#waiting = this.#waiting.filter(one => one.node !== node);
  }
}
