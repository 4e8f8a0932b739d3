/** Votes, proposals and sets in few words, for tests of the core of consensus, which never looks at signatures. */
import { expect } from 'vitest';
import { Driver, type DriverOutput } from '../../../src/protocol/consensus/driver.ts';
import { NO_ROUND, type Proposal, type Vote, type VoteKind } from '../../../src/protocol/consensus/types.ts';
import { ValidatorSet } from '../../../src/protocol/consensus/validator-set.ts';

export const HEIGHT = 7;

/** A set of the validators v0, v1, ... with these powers. */
export function setOf(...powers: readonly number[]): ValidatorSet {
  return new ValidatorSet(
    powers.map((power, i) => ({ address: `v${i}`, consensusKey: new Uint8Array(32).fill(i + 1), power })),
  );
}

export function vote(
  kind: VoteKind,
  validator: number | string,
  round: number,
  value: string | null,
  more: Partial<Vote> = {},
): Vote {
  return {
    kind,
    height: HEIGHT,
    round,
    value,
    time: 1_000,
    validator: typeof validator === 'number' ? `v${validator}` : validator,
    signature: new Uint8Array(64),
    ...more,
  };
}

export const prevote = (validator: number | string, round: number, value: string | null, more: Partial<Vote> = {}) =>
  vote('prevote', validator, round, value, more);
export const precommit = (validator: number | string, round: number, value: string | null, more: Partial<Vote> = {}) =>
  vote('precommit', validator, round, value, more);

export function proposal(
  proposer: number | string,
  round: number,
  value: string,
  polRound = NO_ROUND,
  more: Partial<Proposal> = {},
): Proposal {
  return {
    height: HEIGHT,
    round,
    polRound,
    value,
    parts: 1,
    partsRoot: new Uint8Array(32),
    proposer: typeof proposer === 'number' ? `v${proposer}` : proposer,
    signature: new Uint8Array(64),
    ...more,
  };
}

/** In round r it is the turn of validator r mod n. */
export function driver(set: ValidatorSet, own: number | string | null): Driver {
  return new Driver({
    height: HEIGHT,
    set,
    own: typeof own === 'number' ? `v${own}` : own,
    proposerOf: round => `v${round % set.size}`,
  });
}

/** Outputs as short words. */
export function told(outputs: readonly DriverOutput[]): string[] {
  return outputs.map(one => {
    switch (one.type) {
      case 'vote':
        return `${one.kind} ${one.round} ${one.value ?? 'nil'}`;
      case 'timeout':
        return `timer ${one.kind} ${one.round}`;
      case 'propose':
        return `propose ${one.round} ${one.value} ${one.polRound}`;
      case 'evidence':
        return `evidence ${one.of} ${one.of === 'vote' ? one.first.validator : one.first.proposer}`;
      case 'getValue':
      case 'newRound':
        return `${one.type} ${one.round}`;
      case 'need':
      case 'decide':
        return `${one.type} ${one.round} ${one.value}`;
    }
    throw new TypeError(`an output unknown to the tests: ${JSON.stringify(one)}`);
  });
}

export const timer = (kind: 'propose' | 'prevote' | 'precommit', round: number, height = HEIGHT) => ({
  kind,
  round,
  height,
});

export const FOUR = setOf(1, 1, 1, 1);
/** Gives several votes; returns what came of all. */
export const cast = (to: Driver, ...votes: Vote[]) => votes.flatMap(one => told(to.onVote(one)));
/** Validator 3 of four, which has prevoted value a of round 0. */
export function prevoted(): Driver {
  const node = driver(FOUR, 3);
  node.start();
  node.onValue('a', true);
  expect(told(node.onProposal(proposal(0, 0, 'a')))).toEqual(['prevote 0 a']);
  cast(node, prevote(3, 0, 'a'));
  return node;
}
/** The same, locked on a in round 0. */
export function locked(): Driver {
  const node = prevoted();
  expect(cast(node, prevote(0, 0, 'a'), prevote(1, 0, 'a'))).toEqual(['precommit 0 a']);
  cast(node, precommit(3, 0, 'a'));
  expect([node.lockedValue, node.lockedRound]).toEqual(['a', 0]);
  return node;
}
/** Takes a node to a round by the precommit timer. */
export function advance(node: Driver, round: number): void {
  while (node.round < round) {
    const before = node.round;
    node.onTimeout(timer('precommit', before));
    expect(node.round).toBe(before + 1);
  }
}
