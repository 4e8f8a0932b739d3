/**
 * Histories of consensus told by hand: who said what, who heard it, who executed what. Validators are called v0, v1, ...
 * and live on the nodes n0, n1, ...; what is not said otherwise is said at height 1.
 */
import { expect } from 'vitest';
import type { Gossip } from '../../../../src/actors/gossip.ts';
import { consensusMonitors, type MoreFacts } from '../../../../src/lab/monitors/consensus/all-consensus-monitors.ts';
import type { ConsensusFacts, ConsensusMonitor } from '../../../../src/lab/monitors/consensus/consensus-monitor.ts';
import { Rotation } from '../../../../src/lab/monitors/consensus/rotation.ts';
import { MonitorViolation } from '../../../../src/lab/monitors/monitor.ts';
import type { Proposal, Vote, VoteKind } from '../../../../src/protocol/consensus/types.ts';
import { ValidatorSet } from '../../../../src/protocol/consensus/validator-set.ts';

/** A set of v0, v1, ... with these powers; power 0 is left out. */
export function setOf(...powers: readonly number[]): ValidatorSet {
  return new ValidatorSet(
    powers
      .map((power, i) => ({ address: `v${i}`, consensusKey: new Uint8Array(32).fill(i + 1), power }))
      .filter(({ power }) => power > 0),
  );
}

export const EQUAL = setOf(1, 1, 1, 1);

const SIGNATURE = new Uint8Array(64);

export function vote(
  kind: VoteKind,
  validator: number,
  round: number,
  value: string | null,
  more: Partial<Vote> = {},
): Vote {
  const base = { kind, height: 1, round, value, time: 1_000, validator: `v${validator}`, signature: SIGNATURE };
  return { ...base, ...more };
}
export const prevote = (validator: number, round: number, value: string | null, more: Partial<Vote> = {}): Vote =>
  vote('prevote', validator, round, value, more);
export const precommit = (validator: number, round: number, value: string | null, more: Partial<Vote> = {}): Vote =>
  vote('precommit', validator, round, value, more);

export function proposal(
  validator: number,
  round: number,
  value: string,
  polRound = -1,
  more: Partial<Proposal> = {},
): Proposal {
  const partsRoot = new Uint8Array(32);
  const proposer = `v${validator}`;
  return { height: 1, round, polRound, value, parts: 1, partsRoot, proposer, signature: SIGNATURE, ...more };
}

export function message(word: Vote | Proposal): Gossip {
  return 'kind' in word ? { type: 'votes', votes: [word] } : { type: 'proposal', proposal: word };
}

export interface Setting {
  /** The set of a height, or of all. */
  readonly sets?: ValidatorSet | ((height: number) => ValidatorSet | undefined);
  /** Validators whose nodes misbehave. */
  readonly byzantine?: readonly number[];
  readonly more?: MoreFacts;
  readonly nodeOf?: (address: string) => string | undefined;
}

const nodeOfName = (address: string): string | undefined =>
  /^v\d+$/.test(address) ? `n${address.slice(1)}` : undefined;

export class Told {
  readonly monitors: readonly ConsensusMonitor[];
  readonly facts: ConsensusFacts;
  readonly #rotation: Rotation;
  #time = 0;

  constructor({ sets = EQUAL, byzantine = [], more = {}, nodeOf = nodeOfName }: Setting = {}) {
    const lying = new Set(byzantine.map(i => `n${i}`));
    const setAt = typeof sets === 'function' ? sets : (height: number) => (height > 0 ? sets : undefined);
    this.facts = {
      chainId: 'told',
      setAt,
      nodeOf,
      isByzantine: node => lying.has(node),
    };
    this.monitors = consensusMonitors(this.facts, more);
    this.#rotation = new Rotation(setAt);
  }

  /** Number of the validator whose turn it is. */
  turn(round: number, height = 1): number {
    return Number(this.#rotation.proposer(height, round)?.slice(1));
  }

  /** Nodes take words, one message each, in this order. */
  hear(nodes: number | readonly number[], ...words: readonly (Vote | Proposal)[]): this {
    for (const node of typeof nodes === 'number' ? [nodes] : nodes)
      for (const word of words) this.take(node, message(word));
    return this;
  }

  take(node: number, gossip: Gossip): this {
    this.#time += 10;
    for (const monitor of this.monitors) monitor.onReceived(`n${node}`, gossip, this.#time);
    return this;
  }

  /** A block of height 1 and up is executed. */
  decide(nodes: number | readonly number[], block: string, height = 1): this {
    for (const node of typeof nodes === 'number' ? [nodes] : nodes) {
      this.#time += 10;
      for (const monitor of this.monitors) monitor.onDecided(`n${node}`, height, block, this.#time);
    }
    return this;
  }

  start(node: number): this {
    this.#time += 10;
    for (const monitor of this.monitors) monitor.onStarted(`n${node}`, this.#time);
    return this;
  }

  served(node: number, height: number): this {
    return this.take(node, { type: 'block', height, index: 0, total: 1, bytes: SIGNATURE, newest: height });
  }

  /** Everybody hears everything of these words that is not its own. */
  all(...words: readonly (Vote | Proposal)[]): this {
    for (const word of words)
      for (const node of [0, 1, 2, 3])
        if (('kind' in word ? word.validator : word.proposer) !== `v${node}`) this.hear(node, word);
    return this;
  }
}

/** What telling it finds: the monitor that throws, and its words. */
export function found(tell: () => unknown): MonitorViolation {
  try {
    tell();
  } catch (error) {
    if (error instanceof MonitorViolation) return error;
    throw error;
  }
  throw new Error('nothing was found');
}

/** Telling it makes a monitor accuse a node, in a message with node, height and round. */
export function expectFound(tell: () => unknown, monitor: string, node: number, height: number, round?: number): void {
  const violation = found(tell);
  expect(violation.monitor).toBe(monitor);
  expect(violation.message).toContain(`height ${height}:`);
  expect(violation.message).toContain(`node=n${node},`);
  if (round !== undefined) expect(violation.message).toContain(`round=${round},`);
}
