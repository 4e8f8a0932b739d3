/**
 * Random sequences of all kinds of transactions, sound and unsound, over several sets of parameters, 10,000 operations in
 * all: every monitor holds at every block; a failed transaction changes nothing but its account's nonce and balance and
 * where the fee goes; the incremental app hash is the one reckoned from the rows; an invalid block leaves no trace; and
 * replaying the blocks gives the same app hash at every height.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MESSAGE_TYPES } from '../../src/protocol/model/messages.ts';
import { failureOf, PARAMETER_SETS, Tally } from './fuzz-run.ts';
import { opArbitrary } from './market-fuzzer.ts';
import { minimalFailing } from './minimal.ts';

const OPS_PER_RUN = 500;
const RUNS_PER_SET = 6;
const SHRINK_RUNS = 300;

describe('random transactions', () => {
  const tally = new Tally();

  test.each(Object.entries(PARAMETER_SETS))('%s: all monitors hold', (_, params) => {
    const lists = fc.sample(fc.array(opArbitrary, { minLength: OPS_PER_RUN, maxLength: OPS_PER_RUN }), {
      numRuns: RUNS_PER_SET,
      seed: 20_260_101,
    });
    for (const ops of lists) {
      const failure = failureOf(params, ops, tally);
      if (failure === undefined) continue;
      const least = minimalFailing(ops, part => failureOf(params, part)?.kind, SHRINK_RUNS);
      const told = failureOf(params, least)?.error ?? failure.error;
      expect.fail(
        `${told.message}\nafter ${least.length} operations:\n${least.map(op => JSON.stringify(op)).join('\n')}`,
      );
    }
  });

  test('were enough, and of every kind', () => {
    expect(tally.operations).toBeGreaterThanOrEqual(10_000);
    expect(tally.failuresAlone).toBeGreaterThan(50);
    expect(tally.invalidBlocks).toBeGreaterThan(200);
    expect(tally.leases).toBeGreaterThan(100);
    expect(tally.broken).toBeGreaterThan(20);
    expect(tally.exhausted).toBeGreaterThan(20);
    expect(tally.jailed).toBeGreaterThan(20);
    expect(tally.tombstoned).toBeGreaterThan(20);
    expect(tally.sets).toBeGreaterThan(100);
    expect(MESSAGE_TYPES.filter(one => !tally.succeeded.has(one))).toEqual([]);
    expect(MESSAGE_TYPES.filter(one => !tally.failed.has(one))).toEqual([]);
  });
});
