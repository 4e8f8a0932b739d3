/**
 * A validator set: who may vote at a height, with what power, in one canonical order.
 *
 * Order is power descending, then address ascending, so that a set has one hash however it came about. Thresholds
 * count power, never heads, and are exact: three times the total is a safe integer by construction of genesis.
 */

import { address } from '../codec/address.ts';
import { equalBytes } from '../codec/bytes.ts';
import { sha256 } from '../codec/sha256.ts';
import { type Codec, encode, fixedBytes, list, struct, uint } from '../codec/struct.ts';
import { compareTexts } from '../codec/utf8.ts';
import { MAX_VALIDATORS, type Validator } from './types.ts';

/** The members of a set as bytes. What is read is a list like any other: only `ValidatorSet` makes sure it is a set. */
export const members: Codec<readonly Validator[]> = list(
  struct({ address, consensusKey: fixedBytes(32), power: uint }),
  MAX_VALIDATORS,
);

/** Canonical order of a set. */
export function compareValidators(left: Validator, right: Validator): number {
  return right.power - left.power || compareTexts(left.address, right.address);
}

/** How many sets are shared. */
const RECENT = 8;

export class ValidatorSet {
  static readonly #recent: ValidatorSet[] = [];

  /**
   * The set of these members: a new one, or one that was made before. A set never changes, and the validators of a
   * simulation all need the same ones. Throws as the constructor does.
   */
  static of(validators: readonly Validator[]): ValidatorSet {
    const recent = ValidatorSet.#recent;
    const found = recent.find(one => one.#consistsOf(validators));
    if (found !== undefined) return found;
    const made = new ValidatorSet(validators);
    recent.unshift(made);
    if (recent.length > RECENT) recent.pop();
    return made;
  }

  /** In canonical order. */
  readonly members: readonly Validator[];
  readonly totalPower: number;
  readonly #places = new Map<string, number>();
  #hash: Uint8Array | null = null;

  /** Throws RangeError when an address stands twice, a power is not a positive integer, or the set is empty. */
  constructor(validators: readonly Validator[]) {
    this.members = [...validators].sort(compareValidators);
    let total = 0;
    for (const [place, one] of this.members.entries()) {
      if (!Number.isSafeInteger(one.power) || one.power <= 0)
        throw new RangeError(`validator ${one.address} has power ${one.power}, expected a positive integer`);
      if (this.#places.has(one.address)) throw new RangeError(`validator ${one.address} stands twice in a set`);
      this.#places.set(one.address, place);
      total += one.power;
    }
    if (total === 0) throw new RangeError('a validator set of nobody');
    if (!Number.isSafeInteger(3 * total))
      throw new RangeError(`a total power of ${total} is too large to count thirds`);
    this.totalPower = total;
  }

  /** Whether these are the members, each once, with the same keys and powers. */
  #consistsOf(validators: readonly Validator[]): boolean {
    return (
      validators.length === this.size &&
      new Set(validators.map(one => one.address)).size === this.size &&
      validators.every(({ address, consensusKey, power }) => {
        const member = this.get(address);
        return member !== undefined && member.power === power && equalBytes(member.consensusKey, consensusKey);
      })
    );
  }

  get size(): number {
    return this.members.length;
  }

  /** The member of this address, or undefined. */
  get(address: string): Validator | undefined {
    const place = this.#places.get(address);
    return place === undefined ? undefined : this.members[place];
  }

  has(address: string): boolean {
    return this.#places.has(address);
  }

  /** Place in canonical order, or -1. */
  place(address: string): number {
    return this.#places.get(address) ?? -1;
  }

  /** More than two thirds of all power. Exactly two thirds is not enough. */
  isQuorum(power: number): boolean {
    return 3 * power > 2 * this.totalPower;
  }

  /** More than a third of all power: at least one of them is honest. */
  isBeyondThird(power: number): boolean {
    return 3 * power > this.totalPower;
  }

  /** SHA-256 over the members in canonical order: addresses, keys, powers. */
  hash(): Uint8Array {
    this.#hash ??= sha256(encode(members, this.members));
    return this.#hash;
  }
}
