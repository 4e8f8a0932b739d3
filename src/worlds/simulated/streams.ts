/**
 * Keyed random streams.
 *
 * Every stream is named by what it is for and for whom (`seed/purpose/entity`), and is seeded by that name alone. So
 * adding or removing one actor, link or fault leaves the draws of all others as they were, which is what makes common
 * random numbers, A/B comparison and shrinking work. The generator is Alea from the seedrandom package: 32 bits a draw.
 */
import seedrandom from 'seedrandom';
import type { RandomStream } from '../../actors/actor.ts';

/** Numbers of one generator's state: s0, s1, s2 and the carry. */
const STATE = 4;

export class RandomStreams {
  readonly seed: string;
  /**
   * The states of all streams, side by side: a world has hundreds of thousands of them and draws from a different one
   * at each event, so what counts is how few cache lines a draw touches.
   */
  states = new Float64Array(64 * STATE);
  private count = 0;

  constructor(seed: string | number) {
    this.seed = String(seed);
  }

  /**
   * A stream that starts at its beginning: asked twice for one key, this gives two streams with the same draws.
   * @param purpose what is drawn, e.g. `latency`
   * @param entity for whom, e.g. `validator-0>validator-1`
   */
  stream(purpose: string, entity: string): RandomStream {
    const { s0, s1, s2, c } = seedrandom.alea(this.key(purpose, entity), { state: true }).state();
    const at = this.count++ * STATE;
    if (at === this.states.length) {
      const larger = new Float64Array(2 * at);
      larger.set(this.states);
      this.states = larger;
    }
    this.states.set([s0, s1, s2, c], at);
    return new AleaStream(this, at);
  }

  /** A 32-bit number that depends on the seed and the key only; for hashing with a key of the world's own. */
  key32(purpose: string, entity: string): number {
    return seedrandom.alea(this.key(purpose, entity)).int32() >>> 0;
  }

  /** The entity comes last and may hold any character; a slash in the others must not look like the separator. */
  private key(purpose: string, entity: string): string {
    return `${escaped(this.seed)}/${escaped(purpose)}/${entity}`;
  }
}

/** One stream: the step of seedrandom's Alea, on a state that lies beside the others. */
class AleaStream implements RandomStream {
  private readonly owner: RandomStreams;
  private readonly at: number;

  constructor(owner: RandomStreams, at: number) {
    this.owner = owner;
    this.at = at;
  }

  uniform(): number {
    const { states } = this.owner;
    const { at } = this;
    const t = 2091639 * states[at]! + states[at + 3]! * 2.3283064365386963e-10;
    const carry = t | 0;
    states[at] = states[at + 1]!;
    states[at + 1] = states[at + 2]!;
    states[at + 3] = carry;
    return (states[at + 2] = t - carry);
  }
}

function escaped(part: string): string {
  return part.replaceAll('%', '%25').replaceAll('/', '%2F');
}

/** An integer from 0 to `below` - 1. */
export function drawInteger(stream: RandomStream, below: number): number {
  return Math.floor(stream.uniform() * below);
}

/** True with the given probability; draws also when that is 0 or 1, so that later draws stay in place. */
export function drawChance(stream: RandomStream, probability: number): boolean {
  return stream.uniform() < probability;
}
