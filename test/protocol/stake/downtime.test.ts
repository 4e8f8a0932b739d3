/** MARKET rules, section 5: downtime (window, minimum): small slash, jail, Unjail. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { genesisState } from '../../../src/protocol/chain/genesis.ts';
import { recordSigners } from '../../../src/protocol/stake/downtime.ts';
import { advanceValidators } from '../../../src/protocol/stake/election.ts';
import { driverGenesis } from '../../support/chain-driver.ts';
import { AKASH, faultsOfBooks, SECOND } from '../support.ts';
import {
  accuse,
  at,
  block,
  blocksWithout,
  codeOf,
  delegate,
  slashesOf,
  stake,
  UNJAIL,
  undelegate,
  validating,
  validatorsOf,
} from './stake-support.ts';

/** Eight blocks of which half must be signed: the fifth miss jails. */
const WATCH = { downtimeWindow: 8, minSigned: 500_000, downtimeSlash: 10_000, downtimeJail: 20 * SECOND } as const;
const watched = (params = {}) => validatorsOf({ a: 100, b: 30, c: 10 }, { ...WATCH, ...params });
const missed = (name: string, d: ReturnType<typeof watched>) => d.state.signings.get(at(name))?.missed ?? 0;

describe('5 Downtime', () => {
  test('who misses more than the window allows is slashed a little, jailed, and leaves two heights later', () => {
    const d = watched();
    d.must('tom', delegate('b', 7n * AKASH));
    blocksWithout(d, 4, ['b']);
    expect([missed('b', d), missed('a', d), d.state.signings.size]).toEqual([4, 0, 1]);
    expect(d.events('ValidatorJailed')).toEqual([]);
    blocksWithout(d, 1, ['b']);
    const h = d.height;
    expect(d.events('ValidatorJailed')).toEqual([
      { type: 'ValidatorJailed', validator: at('b'), until: d.time + 20 * SECOND, missed: 5, burned: 370_000n },
    ]);
    expect(slashesOf(d)).toEqual({ b: 300_000n, tom: 70_000n });
    expect(d.events('StakeSlashed').map(one => one.reason)).toEqual(['downtime', 'downtime']);
    expect(d.state.signings.size).toBe(0);
    expect(d.chain.validators.has(at('b'))).toBe(true);
    blocksWithout(d, 1, ['b']);
    expect(d.height).toBe(h + 1);
    expect(validating(d)).toEqual([
      ['a', 100],
      ['c', 10],
    ]);
    blocksWithout(d, 4, ['b']);
    expect([missed('b', d), slashesOf(d).b, d.events('ValidatorJailed').length]).toEqual([0, 300_000n, 1]);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('the window slides: as many misses as it allows, for ever', () => {
    const d = watched();
    blocksWithout(d, 1);
    for (let i = 0; i < 6; i++) {
      blocksWithout(d, 4, ['b']);
      blocksWithout(d, 4);
    }
    expect([missed('b', d), d.events('ValidatorJailed')]).toEqual([4, []]);
    blocksWithout(d, 4);
    expect([missed('b', d), d.state.signings.size]).toEqual([0, 0]);
  });

  test.each([
    [0, 8],
    [1, 7],
    [125_000, 7],
    [125_001, 6],
    [1_000_000, 0],
  ])('minSigned %i ppm of 8: %i may be missed', (minSigned, may) => {
    const d = watched({ minSigned });
    blocksWithout(d, 1);
    blocksWithout(d, may, ['b']);
    expect(d.events('ValidatorJailed')).toEqual([]);
    blocksWithout(d, 1, ['b']);
    expect(d.events('ValidatorJailed').length).toBe(may === 8 ? 0 : 1);
  });

  test('once, however many more it misses before its jail acts', () => {
    const d = watched({ minSigned: 1_000_000 });
    blocksWithout(d, 1);
    blocksWithout(d, 2, ['b']);
    expect([d.events('ValidatorJailed').length, slashesOf(d)]).toEqual([1, { b: 300_000n }]);
  });

  test('also where nothing is slashed for it', () => {
    const d = watched({ downtimeSlash: 0 });
    blocksWithout(d, 1);
    blocksWithout(d, 5, ['b']);
    expect(d.events('ValidatorJailed')).toMatchObject([{ burned: 0n }]);
    blocksWithout(d, 1);
    expect(d.chain.validators.has(at('b'))).toBe(false);
  });

  test('blocks without a commit count for nobody', () => {
    const d = watched();
    d.run(20);
    expect([d.state.signings.size, d.events('ValidatorJailed')]).toEqual([0, []]);
  });

  test('stake on its way out is slashed as well', () => {
    const d = watched();
    d.must('tom', delegate('b', 7n * AKASH));
    blocksWithout(d, 4, ['b']);
    d.must('tom', undelegate('b', 7n * AKASH));
    blocksWithout(d, 1, ['b']);
    expect(slashesOf(d)).toEqual({ b: 300_000n, tom: 70_000n });
    expect(faultsOfBooks(d.state)).toEqual([]);
  });
});

describe('5 Unjail', () => {
  function jailed() {
    const d = watched();
    blocksWithout(d, 1);
    blocksWithout(d, 5, ['b']);
    expect(d.state.candidates.need(at('b')).jailed).toBe(true);
    return d;
  }

  test('in the first block at or after the end of the jail, and not before', () => {
    const d = jailed();
    d.run(18);
    expect(codeOf(d, 'b', UNJAIL)).toBe('still_jailed');
    expect(codeOf(d, 'b', UNJAIL)).toBe('');
    const h = d.height;
    expect(d.state.candidates.need(at('b'))).toMatchObject({ jailed: false, jailedUntil: 0 });
    expect(d.chain.validators.has(at('b'))).toBe(false);
    block(d);
    expect(d.height + 1).toBe(h + 2);
    expect(d.chain.validators.get(at('b'))?.power).toBe(29);
    expect(codeOf(d, 'b', UNJAIL)).toBe('not_jailed');
  });

  test('the count begins afresh', () => {
    const d = jailed();
    d.run(19);
    expect(codeOf(d, 'b', UNJAIL)).toBe('');
    d.run(2);
    blocksWithout(d, 4, ['b']);
    expect([missed('b', d), d.events('ValidatorJailed').length]).toEqual([4, 1]);
    blocksWithout(d, 1, ['b']);
    expect(d.events('ValidatorJailed').length).toBe(2);
  });

  test('a jailed one may be staked with, and can still be punished for what it signed', () => {
    const d = jailed();
    expect(codeOf(d, 'tom', delegate('b', AKASH))).toBe('');
    expect(accuse(d, 'b', 2)).toBe('');
    d.run(30);
    expect(codeOf(d, 'b', UNJAIL)).toBe('tombstoned');
  });

  test('a tombstoned one is not jailed on top', () => {
    const d = watched();
    blocksWithout(d, 1);
    blocksWithout(d, 4, ['b']);
    expect(accuse(d, 'b', 2)).toBe('');
    expect(d.state.signings.size).toBe(0);
    blocksWithout(d, 3, ['b']);
    expect([d.events('ValidatorJailed'), d.state.signings.size]).toEqual([[], 0]);
  });
});

describe('a record is one of membership', () => {
  test('who leaves the set for another reason begins afresh when it comes back', () => {
    const d = watched();
    blocksWithout(d, 1);
    blocksWithout(d, 3, ['c']);
    d.must('c', undelegate('c', 10n * AKASH));
    blocksWithout(d, 4);
    expect(d.chain.validators.has(at('c'))).toBe(false);
    expect(d.state.signings.size).toBe(0);
    d.must('c', stake(5n * AKASH));
    d.run(2);
    blocksWithout(d, 4, ['c']);
    expect([missed('c', d), d.events('ValidatorJailed')]).toEqual([4, []]);
  });

  test('a window of another length begins afresh', () => {
    const d = watched({ votingPeriod: 1, changeDelay: 1 });
    blocksWithout(d, 1);
    blocksWithout(d, 3, ['b']);
    d.must('a', { type: 'SubmitProposal', title: 't', changes: [{ name: 'downtimeWindow', value: '20' }] });
    d.must('a', { type: 'Vote', proposal: 1, choice: 'yes' });
    d.run(2);
    expect([d.params.downtimeWindow, d.state.signings.size]).toEqual([20, 0]);
    blocksWithout(d, 10, ['b']);
    expect(d.events('ValidatorJailed')).toEqual([]);
    blocksWithout(d, 1, ['b']);
    expect(d.events('ValidatorJailed').length).toBe(1);
  });
});

test('counts are those of the newest window of blocks, whatever was signed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(3), { maxLength: 80 }), (window, pattern) => {
      const state = genesisState(
        driverGenesis({
          validators: { a: {}, b: {} },
          params: { downtimeWindow: window, minSigned: 0 },
        }),
        false,
      );
      const history: boolean[] = [];
      for (const seen of pattern) {
        const chainwide = state.editChainwide();
        chainwide.height += 1;
        chainwide.time += SECOND;
        if (state.height > 1) {
          const misses = seen === 0;
          history.push(misses);
          recordSigners(state, state.height - 1, address => address !== at('b') || !misses);
        }
        state.events = [];
        advanceValidators(state);
        const expected = history.slice(-window).filter(one => one).length;
        expect(state.signings.get(at('b'))?.missed ?? 0).toBe(expected);
        expect(state.signings.has(at('a'))).toBe(false);
      }
    }),
    { numRuns: 200, seed: 7 },
  );
});
