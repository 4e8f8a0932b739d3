/**
 * One network of validators whose processes are killed at drawn effects, each with its unsynced writes in doubt, and
 * what must hold whatever was struck: nobody signs two versions of a statement, all states agree, and the chain goes on.
 * Disks are not lost: a validator that forgets what it signed is another experiment.
 */
import seedrandom from 'seedrandom';
import type { Fault } from '../../../src/worlds/simulated/faults.ts';
import type { Moment } from '../../../src/worlds/simulated/moments.ts';
import { type NetOptions, ValidatorNet } from '../../support/validator-net.ts';

const SECOND = 1_000_000;

/** The effects between which a validator's durable state changes, or becomes visible. */
const EFFECTS = ['append', 'put', 'sync', 'send', 'setTimer', 'truncateLog', 'delete', 'any'] as const;

/** One network and its kills, in words that a reader can put back into a test. */
export interface KillCase {
  readonly options: NetOptions;
  readonly kills: number;
}

/** Draws a network of 1..7 validators, and one to five kills of any of them. */
export function drawKillCase(seed: string): KillCase {
  const random = seedrandom.alea(seed);
  const below = (bound: number): number => Math.floor(random() * bound);
  const size = 1 + below(7);
  const stakes = Array.from({ length: size }, () => 1 + below(20));
  const kills = 1 + below(5);
  const faults = Array.from({ length: kills }, () => {
    const target = `validator-${below(size)}`;
    const effect = EFFECTS[below(EFFECTS.length)]!;
    // Stores and logs are written, and cut, once or a few times in a height; messages and timers far more often.
    const nth = 1 + below(effect === 'truncateLog' || effect === 'delete' ? 12 : effect === 'any' ? 250 : 60);
    const point = random() < 0.5 ? ('before' as const) : ('after' as const);
    const silent = random() < 0.2;
    return {
      kind: 'crash' as const,
      target,
      at: { actor: target, effect, nth, point },
      for: 1 + below(4 * SECOND),
      silent,
    };
  });
  const options: NetOptions = {
    seed,
    stakes,
    faults,
    latency: 1_000 + below(100_000),
    snapshotEvery: [0, 3, 7][below(3)]!,
    keepBlocks: [5, 1_000][below(2)]!,
    ...(random() < 0.5 ? { load: 3 } : {}),
  };
  return { options, kills };
}

/** Times two seconds that a network gets to be level again. */
const PATIENCE = 8;

/**
 * Draws a network of 3..7 validators in which nearly all are killed around the same votes, twice. What one validator
 * forgets alone, a lock above all, the others make good; what many forget at once turns into another block.
 */
export function drawStorm(seed: string): KillCase {
  const random = seedrandom.alea(seed);
  const below = (bound: number): number => Math.floor(random() * bound);
  const size = 3 + below(5);
  const faults: Fault[] = [];
  for (const height of [2 + below(3), 7 + below(3)]) {
    for (let i = 0; i < size; i++) {
      if (random() < 0.15) continue;
      const target = `validator-${i}`;
      const messageType = ['proposal', 'prevote', 'precommit', 'precommit', 'precommit'][below(5)]!;
      const on = (['sent', 'arrives', 'handled'] as const)[below(3)]!;
      const whose = on === 'sent' ? { from: target } : { to: target };
      const at: Moment = { messageType, height, on, nth: 1 + below(size - 1), ...whose };
      faults.push({
        kind: 'crash',
        target,
        at: { ...at, after_us: random() < 0.5 ? 0 : below(4_000) },
        for: 1 + below(6 * SECOND),
      });
    }
  }
  const options: NetOptions = {
    seed,
    stakes: new Array<number>(size).fill(10),
    faults,
    latency: 1_000 + below(50_000),
    snapshotEvery: 3,
    // With transactions, which not every proposer has heard of yet, two proposals are not the same by chance.
    load: 3,
  };
  return { options, kills: faults.length };
}

export interface KillResult {
  /** How many of the kills found their moment. */
  readonly struck: number;
  /** What must not be, each in words. */
  readonly problems: readonly string[];
}

export interface Expectations {
  readonly until: number;
  /** Every node is at least here in the end. */
  readonly height: number;
}

/** Runs a network with kills and says what was wrong. */
export function runKillCase(options: NetOptions, { until, height }: Expectations): KillResult {
  const problems: string[] = [];
  let starts = 0;
  const net = new ValidatorNet({
    ...options,
    wrap: (_, node) => {
      starts += 1;
      return node;
    },
  });
  // Stricter than "no two values": whatever is signed for a step is signed in one version, its time included.
  const signatures = new Map<string, string>();
  const note = (step: string, signature: Uint8Array): void => {
    const text = signature.join();
    const first = signatures.get(step);
    if (first === undefined) signatures.set(step, text);
    else if (first !== text) problems.push(`${step} was signed twice`);
  };
  net.onMessage.push((_, message) => {
    if (message.type === 'proposal') {
      const { proposer, height: at, round, signature } = message.proposal;
      note(`${proposer}/${at}/${round}/proposal`, signature);
    } else if (message.type === 'votes') {
      for (const { validator, height: at, round, kind, signature } of message.votes)
        note(`${validator}/${at}/${round}/${kind}`, signature);
    }
  });
  net.run(until);
  // Whoever was killed just now is given the time to come back.
  for (let i = 0; i < PATIENCE && spreadOf(net.heights) > 1; i++) net.run(net.world.now + 2 * SECOND);
  const { heights } = net;
  for (const step of net.doubleSigned) problems.push(`${step} has two values`);
  for (const at of net.disagreements) problems.push(`two blocks or states of height ${at}`);
  for (const halt of net.halted) problems.push(`halted: ${halt}`);
  if (Math.min(...heights) < height) problems.push(`too slow: heights ${heights.join()}, expected ${height}`);
  if (spreadOf(heights) > 1) problems.push(`somebody lags: heights ${heights.join()}`);
  return { struck: starts - net.names.length, problems };
}

function spreadOf(heights: readonly number[]): number {
  return Math.max(...heights) - Math.min(...heights);
}
