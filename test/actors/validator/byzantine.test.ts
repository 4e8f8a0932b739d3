/**
 * Validators that misbehave, with less than a third of the power: for each way to do so, several sizes and stakes. The
 * honest agree, go on, sign nothing twice and lose nothing; what can be proved of the others is punished, once.
 *
 * Each case also asks whether the misconduct took place. At the end misconduct beyond a third, which must show.
 */
import { describe, expect, test } from 'vitest';
import type { ValidatorConduct } from '../../../src/actors/validator/conduct.ts';
import { MICRO_PER_AKASH } from '../../../src/protocol/ledger/money.ts';
import { type NetOptions, ValidatorNet } from '../../support/validator-net.ts';

const SECOND = 1_000_000;
const HONEST: ValidatorConduct = { kind: 'honest' };

interface Case {
  readonly stakes: readonly number[];
  readonly bad: readonly number[];
}

/** The bad ones have less than a third of the power, and nearly that much. */
const CASES: readonly Case[] = [
  { stakes: [10, 10, 10, 10], bad: [3] },
  { stakes: [10, 11, 12, 13, 14], bad: [4] },
  { stakes: [10, 10, 10, 10, 10, 10, 10], bad: [1, 4] },
  { stakes: [40, 7, 30, 22, 22, 5, 1], bad: [0] },
];

interface Outcome {
  readonly net: ValidatorNet;
  /** By node: what was burned of its stake for double-signing, and how often evidence was heard. */
  readonly burned: ReadonlyMap<string, bigint>;
  readonly tombstoned: readonly string[];
  /** Slashed for whatever, or jailed. */
  readonly punished: ReadonlySet<string>;
  readonly inSet: readonly string[];
}

function run({ stakes, bad }: Case, conduct: ValidatorConduct, more: Partial<NetOptions> = {}): Outcome {
  const net = new ValidatorNet({
    stakes,
    load: 2,
    conduct: i => (bad.includes(i) ? conduct : HONEST),
    ...more,
  });
  const burned = new Map<string, bigint>();
  const tombstoned: string[] = [];
  const punished = new Set<string>();
  let height = 0;
  let inSet: readonly string[] = [];
  net.onBlock.push((_, result, chain) => {
    if (result.height <= height) return;
    height = result.height;
    inSet = chain.validators.members.map(one => net.nodeOf(one.address)!);
    for (const event of result.events) {
      if (event.type === 'OffencePunished') {
        const node = net.nodeOf(event.validator)!;
        burned.set(node, (burned.get(node) ?? 0n) + event.burned);
        punished.add(node);
      } else if (event.type === 'ValidatorTombstoned') tombstoned.push(net.nodeOf(event.validator)!);
      else if (event.type === 'ValidatorJailed') punished.add(net.nodeOf(event.validator)!);
      else if (event.type === 'StakeSlashed') punished.add(net.nodeOf(event.source) ?? event.source);
    }
  });
  net.run(60 * SECOND);
  return { net, burned, tombstoned, punished, inSet };
}

function expectSafeAndLive({ net, punished }: Outcome, { stakes, bad }: Case, least: number): void {
  expect(net.disagreements).toEqual([]);
  expect(net.halted).toEqual([]);
  const honest = stakes.map((_, i) => i).filter(i => !bad.includes(i));
  for (const i of honest) expect(net.heights[i]).toBeGreaterThan(least);
  const twice = net.doubleSigned.map(key => net.nodeOf(key.split('/')[0]!)!);
  for (const i of honest) {
    expect(twice).not.toContain(net.names[i]);
    expect(punished).not.toContain(net.names[i]);
  }
  // The honest never turn against each other.
  const isHonest = (name: string): boolean => honest.some(i => net.names[i] === name);
  const drops = net.observed.filter(one => one.metric === 'node/dropped' && isHonest(one.node));
  expect(drops.filter(one => isHonest(one.label.split(':')[0]!))).toEqual([]);
}

function distortionsOf({ net }: Outcome, { bad }: Case): Map<string, number> {
  const all = new Map<string, number>();
  for (const i of bad)
    for (const [what, count] of net.distortions(net.names[i]!)) all.set(what, (all.get(what) ?? 0) + count);
  return all;
}

const CONDUCTS: readonly (readonly [string, ValidatorConduct, what: string, leastHeights: number])[] = [
  ['withholding half', { kind: 'withhold', share: 0.5, of: ['votes', 'proposals', 'parts'] }, 'withheld', 20],
  ['withholding everything', { kind: 'withhold', share: 1, of: ['votes', 'proposals', 'parts'] }, 'withheld', 15],
  ['withholding parts', { kind: 'withhold', share: 1, of: ['parts'] }, 'withheld', 15],
  ['voting nil', { kind: 'voteNil' }, 'nil', 40],
  ['wrong proof of lock', { kind: 'wrongProofOfLock' }, 'wrong-lock', 15],
  ['two bodies of one block', { kind: 'equivocate', of: ['bodies'] }, 'second-proposal', 15],
  ['wrong app hash', { kind: 'invalidBlocks', faults: ['appHash'] }, 'invalid-block/appHash', 30],
  ['wrong time', { kind: 'invalidBlocks', faults: ['time'] }, 'invalid-block/time', 30],
  ['transaction not includable', { kind: 'invalidBlocks', faults: ['transaction'] }, 'invalid-block/transaction', 30],
  ['lies', { kind: 'lie', about: ['blocks', 'heights', 'answers'] }, 'lie/hello', 40],
];

describe.each(CASES)('$stakes with $bad', one => {
  test.each(CONDUCTS)('%s', (_, conduct, what, least) => {
    const outcome = run(one, conduct);
    expectSafeAndLive(outcome, one, least);
    // Who was given garbage under a block's name leaves the culprit alone for as long as this runs: once must do.
    expect(distortionsOf(outcome, one).get(what)).toBeGreaterThan(0);
    // None of this can be proved by signatures.
    expect(outcome.burned.size).toBe(0);
    expect(outcome.tombstoned).toEqual([]);
  });

  test.each([
    ['votes', { kind: 'equivocate', of: ['votes'] }],
    ['proposals', { kind: 'equivocate', of: ['proposals'] }],
    ['votes and proposals', { kind: 'equivocate', of: ['votes', 'proposals'] }],
  ] as const)('two versions of %s, one to each half, cost a twentieth once, and the place', (_, conduct) => {
    const outcome = run(one, conduct);
    expectSafeAndLive(outcome, one, 35);
    const names = one.bad.map(i => outcome.net.names[i]!);
    expect([...outcome.tombstoned].sort((a, b) => (a < b ? -1 : 1))).toEqual(names);
    for (const i of one.bad) {
      const name = outcome.net.names[i]!;
      expect(outcome.burned.get(name)).toBe((BigInt(one.stakes[i]!) * MICRO_PER_AKASH) / 20n);
      expect(outcome.inSet).not.toContain(name);
    }
    expect(outcome.inSet).toHaveLength(one.stakes.length - one.bad.length);
  });

  test('small changes in what is said: whoever does not sign them is left alone by everybody', () => {
    const fields = ['round', 'height', 'value', 'validator', 'signature'] as const;
    const outcome = run(one, { kind: 'mutate', share: 0.5, fields, signed: false });
    expectSafeAndLive(outcome, one, 15);
    expect(distortionsOf(outcome, one).get('mutated')).toBeGreaterThan(1);
    expect(outcome.burned.size).toBe(0);
    for (const name of outcome.net.names.filter((__, i) => !one.bad.includes(i))) {
      const dropped = outcome.net.observed.filter(o => o.metric === 'node/dropped' && o.node === name);
      expect(new Set(dropped.map(o => o.label.split(':')[0]))).toEqual(new Set(one.bad.map(i => outcome.net.names[i])));
    }
  });

  test('small changes that are signed', () => {
    const fields = ['round', 'height', 'value'] as const;
    const outcome = run(one, { kind: 'mutate', share: 0.3, fields, signed: true });
    expectSafeAndLive(outcome, one, 15);
    expect(distortionsOf(outcome, one).get('mutated')).toBeGreaterThan(3);
    for (const [name, burned] of outcome.burned) {
      const stake = BigInt(one.stakes[outcome.net.names.indexOf(name)]!) * MICRO_PER_AKASH;
      expect(burned).toBe(stake / 20n);
    }
  });

  test('twins who see different halves', () => {
    const halves = (twin: number): [string[], string[]] => {
      const all = one.stakes.map((_, i) => `validator-${i}`);
      const left = all.filter((_, i) => i % 2 === 0);
      const right = all.filter((_, i) => i % 2 === 1);
      const name = `validator-${twin}`;
      // The twin is on the side where the validator is not.
      (left.includes(name) ? right : left).push(`${name}-twin`);
      return [left, right];
    };
    const outcome = run(
      one,
      { kind: 'twins' },
      {
        faults: [5, 15, 25].map(at => ({
          at: at * SECOND,
          kind: 'partition' as const,
          groups: halves(one.bad[0]!),
          for: 4 * SECOND,
        })),
      },
    );
    const net = outcome.net;
    expect(net.names).toHaveLength(one.stakes.length + one.bad.length);
    expectSafeAndLive(outcome, one, 20);
  });
});

describe('seven with two', () => {
  test('invalid blocks are found invalid by all who get them, and never decided', () => {
    const one = CASES[2]!;
    const outcome = run(one, { kind: 'invalidBlocks', faults: ['appHash', 'time', 'transaction'] });
    const proposed = [...distortionsOf(outcome, one).values()].reduce((sum, count) => sum + count, 0);
    const found = outcome.net.observed.filter(o => o.metric === 'consensus/invalid-block' && o.node === 'validator-0');
    expect(proposed).toBeGreaterThan(3);
    expect(found).toHaveLength(proposed);
  });
});

describe('beyond a third', () => {
  /** Two of four run twice, and each side of the partition has three instances. */
  const twinned = (): ValidatorNet =>
    new ValidatorNet({
      stakes: [10, 10, 10, 10],
      load: 2,
      conduct: i => (i >= 2 ? { kind: 'twins' } : HONEST),
      faults: [
        {
          at: 5 * SECOND,
          kind: 'partition',
          groups: [
            ['validator-0', 'validator-2', 'validator-3'],
            ['validator-1', 'validator-2-twin', 'validator-3-twin'],
          ],
          for: 20 * SECOND,
        },
      ],
    });

  test('twins of half of the power give each side of a partition its own chain, and that is seen', () => {
    const net = twinned();
    expect(() => net.run(24 * SECOND)).toThrow(/all nodes execute the same block/);
    expect(Math.min(...net.heights.slice(0, 2))).toBeGreaterThan(3);
  });

  test('half of the power that is silent stops the chain', () => {
    const net = new ValidatorNet({
      stakes: [10, 10, 10, 10],
      conduct: i => (i >= 2 ? { kind: 'withhold', share: 1, of: ['votes', 'proposals', 'parts'] } : HONEST),
    }).run(60 * SECOND);
    expect(net.heights[0]).toBe(0);
    expect(net.heights[1]).toBe(0);
    expect(net.disagreements).toEqual([]);
  });
});
