/**
 * Whose turn it is to propose, worked out anew from the rule alone: weighted round robin by priority.
 *
 * Every step rescales, centres, adds each power to its priority, and lets the largest propose, which then pays the total.
 * Between heights the priorities are taken over, the set's changes applied, and exactly one step is made, however many
 * rounds the parent took; a round is one more step from there. So the answer depends on the sets and the round, never on
 * how somebody got there.
 */
import type { ValidatorSet } from '../../../protocol/consensus/validator-set.ts';

/** The height whose set begins the rotation. */
const FIRST_HEIGHT = 1;
/** Heights whose turns are remembered. */
const HEIGHTS_KEPT = 130;

interface Candidate {
  readonly address: string;
  readonly power: bigint;
  priority: bigint;
}

/** A height's priorities, walked as far as anybody asked. */
interface Turns {
  /** After the step of round 0: where the next height begins. */
  readonly opening: readonly Candidate[];
  readonly walked: Candidate[];
  readonly proposers: string[];
}

export class Rotation {
  readonly #setAt: (height: number) => ValidatorSet | undefined;
  readonly #turns = new Map<number, Turns>();
  #tip = FIRST_HEIGHT - 1;

  constructor(setAt: (height: number) => ValidatorSet | undefined) {
    this.#setAt = setAt;
  }

  /**
   * The validator whose turn a round is. Undefined when a set on the way there is not known, or the height is long
   * past.
   */
  proposer(height: number, round: number): string | undefined {
    this.follow(height);
    const turns = this.#turns.get(height);
    if (turns === undefined) return undefined;
    while (turns.proposers.length <= round) turns.proposers.push(step(turns.walked));
    return turns.proposers[round];
  }

  /** Takes note of the sets up to a height, while they can be asked for. */
  follow(height: number): void {
    while (this.#tip < height) {
      const set = this.#setAt(this.#tip + 1);
      if (set === undefined) return;
      const parent = this.#turns.get(this.#tip)?.opening ?? [];
      const candidates = updated(parent, set);
      const first = step(candidates);
      this.#tip++;
      this.#turns.set(this.#tip, {
        opening: candidates.map(one => ({ ...one })),
        walked: candidates,
        proposers: [first],
      });
      this.#turns.delete(this.#tip - HEIGHTS_KEPT);
    }
  }
}

/** Priorities taken over into the next set: newcomers start at -1.125 times the power before removals. */
function updated(parent: readonly Candidate[], set: ValidatorSet): Candidate[] {
  const old = new Map(parent.map(one => [one.address, one]));
  const staying = set.members.map(({ address, power }) => ({ address, power: BigInt(power) }));
  let before = 0n;
  for (const { address, power } of staying) {
    before += power;
    old.delete(address);
  }
  for (const { power } of old.values()) before += power;
  const kept = new Map(parent.map(one => [one.address, one.priority]));
  const candidates = staying.map(one => ({ ...one, priority: kept.get(one.address) ?? -(before + (before >> 3n)) }));
  level(candidates);
  return candidates;
}

/** One turn: returns who proposes. */
function step(candidates: Candidate[]): string {
  level(candidates);
  let chosen = candidates[0] as Candidate;
  for (const one of candidates) {
    one.priority += one.power;
    if (one.priority > chosen.priority || (one.priority === chosen.priority && one.address < chosen.address))
      chosen = one;
  }
  chosen.priority -= totalOf(candidates);
  return chosen.address;
}

/** Brings priorities within twice the total of each other, and their mean to zero. */
function level(candidates: Candidate[]): void {
  const window = 2n * totalOf(candidates);
  let [least, most] = [(candidates[0] as Candidate).priority, (candidates[0] as Candidate).priority];
  for (const { priority } of candidates) {
    if (priority < least) least = priority;
    if (priority > most) most = priority;
  }
  if (most - least > window) {
    const ratio = (most - least + window - 1n) / window;
    // Division of bigints truncates toward zero, which is what the rule says.
    for (const one of candidates) one.priority /= ratio;
  }
  const count = BigInt(candidates.length);
  let sum = 0n;
  for (const { priority } of candidates) sum += priority;
  const mean = sum >= 0n ? sum / count : -((-sum + count - 1n) / count);
  for (const one of candidates) one.priority -= mean;
}

function totalOf(candidates: readonly Candidate[]): bigint {
  let total = 0n;
  for (const { power } of candidates) total += power;
  return total;
}
