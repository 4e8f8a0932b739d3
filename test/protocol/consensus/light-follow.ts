/** A light client at work: asking nodes, honest and other, until they have nothing more to give. */

import type { Trusted } from '../../../src/protocol/consensus/light-block.ts';
import {
  LightClient,
  type LightClientOptions,
  type Progress,
  type Root,
} from '../../../src/protocol/consensus/light-client.ts';
import type { ValidatorSet } from '../../../src/protocol/consensus/validator-set.ts';
import { type Header, type Light, optionsWith, SECOND, setOf } from './light-support.ts';

export const NOW = 500 * SECOND;

/** A client with the options of `optionsWith`. */
export function clientOf(root: Root, over: Partial<LightClientOptions<Header>> = {}): LightClient<Header> {
  return new LightClient({ ...optionsWith(), ...over }, root);
}
/** Trust in a genesis with this set. */
export const genesisOf = (set: ValidatorSet): Trusted => ({ height: 0, time: 0, value: null, nextValidators: set });

/** What a node answers: its block of a height. */
export type Node = (height: number) => Light;
export const honest =
  (chain: readonly Light[]): Node =>
  height =>
    chain[height - 1]!;

/** Asks one node until it has nothing more to give; heights asked for, and the last outcome. */
export function follow(client: LightClient<Header>, name: string, node: Node, now = NOW) {
  const asked: number[] = [];
  let last: Progress<Header> | null = null;
  for (let i = 0; i < 10_000; i++) {
    const need = client.needs().find(one => one.node === null || one.node === name);
    if (need === undefined) return { asked, last };
    asked.push(need.height);
    last = client.give(name, node(need.height), now);
    if (!['going', 'reached'].includes(last.outcome)) return { asked, last };
  }
  throw new Error(`no end: ${asked.slice(-10)}`);
}

/** Sets in each of which `step` of `size` validators are new. */
export const sliding = (heights: number, size: number, step: number): ValidatorSet[] =>
  Array.from({ length: heights + 1 }, (_, h) =>
    setOf(Object.fromEntries(Array.from({ length: size }, (_, i) => [`s${h * step + i}`, 1]))),
  );
