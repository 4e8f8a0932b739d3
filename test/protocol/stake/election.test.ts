/** MARKET rules, section 5: the top slots validate; ties, jail and the empty set; changes two heights later. */
import { describe, expect, test } from 'vitest';
import { InvalidBlock } from '../../../src/protocol/chain/chain.ts';
import { genesisState } from '../../../src/protocol/chain/genesis.ts';
import { nextHeight, proposer, type Seat, stepped } from '../../../src/protocol/consensus/proposer.ts';
import type { Validator } from '../../../src/protocol/consensus/types.ts';
import { elect } from '../../../src/protocol/stake/election.ts';
import { validatorsAt } from '../../../src/protocol/stake/set-history.ts';
import { ChainDriver, driverGenesis } from '../../support/chain-driver.ts';
import { AKASH, addressOfName, FREE, SECOND } from '../support.ts';
import { block, delegate, validatorsOf } from './stake-support.ts';

const at = addressOfName;
type Stakes = Readonly<Record<string, bigint>>;
const setups = (stakes: Stakes) => Object.fromEntries(Object.entries(stakes).map(([name, stake]) => [name, { stake }]));

function chain(stakes: Stakes, validatorSlots = 100): ChainDriver {
  return new ChainDriver({
    accounts: { tom: {} },
    validators: setups(stakes),
    params: { ...FREE, targetBlockInterval: SECOND, validatorSlots, votingPeriod: 2, changeDelay: 2 },
  });
}
/** Names and voting power of those who validate the next block. */
const validating = (d: ChainDriver) => d.state.seats.validators.map(one => [d.name(one.address), one.power]);

describe('5 The top validatorSlots candidates by own plus delegated stake validate', () => {
  test('voting power = floor(stake / 1 AKASH)', () => {
    expect(validating(chain({ a: 2_999_999n, b: 5_000_000n, c: 1_000_000n }))).toEqual([
      ['b', 5],
      ['a', 2],
      ['c', 1],
    ]);
  });

  test.each([
    [1, ['c']],
    [2, ['c', 'a']],
    [3, ['c', 'a', 'b']],
    [4, ['c', 'a', 'b']],
  ])('validatorSlots %i', (slots, names) => {
    expect(validating(chain({ a: 2n * AKASH, b: AKASH, c: 3n * AKASH }, slots)).map(([name]) => name)).toEqual(names);
  });

  test('ties: earlier registration', () => {
    expect(validating(chain({ z: AKASH, m: AKASH, a: AKASH }, 2)).map(([name]) => name)).toEqual(['z', 'm']);
    expect(validating(chain({ a: AKASH, m: AKASH, z: AKASH }, 2)).map(([name]) => name)).toEqual(['a', 'm']);
    // Equal in power, not in stake: the larger stake goes first.
    expect(validating(chain({ a: AKASH, z: AKASH + 1n }, 1)).map(([name]) => name)).toEqual(['z']);
  });

  test('who has less than one AKASH, or is jailed, is not elected', () => {
    const state = genesisState(
      driverGenesis({ validators: setups({ a: AKASH, b: AKASH - 1n, c: 5n * AKASH }) }),
      false,
    );
    state.candidates.edit(at('c')).jailed = true;
    expect(elect(state).map(one => one.address)).toEqual([at('a')]);
  });

  test('a genesis without anybody electable is refused', () => {
    expect(() => chain({ a: AKASH - 1n })).toThrow('no candidate has a stake of 1 AKASH or more');
  });
});

describe('5 Changes take effect two heights later', () => {
  test('stake that moves in block h counts in the set of h + 2', () => {
    const d = chain({ a: 2n * AKASH, b: AKASH }, 1);
    d.block();
    d.must('tom', { type: 'Delegate', validator: at('b'), amount: 5n * AKASH });
    const h = d.height;
    // The set of a height is what stands in the state before its block.
    expect([d.height + 1, validating(d)]).toEqual([h + 1, [['a', 2]]]);
    d.block();
    expect([d.height + 1, validating(d)]).toEqual([h + 2, [['b', 6]]]);
  });

  test('blocks are proposed by a validator of their height only', () => {
    const d = chain({ a: 2n * AKASH, b: AKASH }, 1);
    const byB = () => d.chain.makeBlock(d.time + SECOND, at('b'), []);
    expect(() => d.apply(byB())).toThrow(InvalidBlock);
    d.must('tom', { type: 'Delegate', validator: at('b'), amount: 5n * AKASH });
    const h = d.height;
    expect(() => d.apply(byB())).toThrow(InvalidBlock); // h + 1
    d.block();
    d.apply(byB());
    expect(d.height).toBe(h + 2);
    expect(() => d.block()).toThrow('is not a validator'); // `a` proposes no more
  });

  test('a change of validatorSlots too, without any stake moving', () => {
    const d = chain({ a: 3n * AKASH, b: AKASH });
    d.send('a', { type: 'SubmitProposal', title: 'one slot', changes: [{ name: 'validatorSlots', value: '1' }] });
    d.must('a', { type: 'Vote', proposal: 1, choice: 'yes' });
    d.runUntil('ParameterChanged', 10);
    d.run(5);
    expect(validating(d)).toEqual([['a', 3]]);
  });
});

describe('5 The set never becomes empty', () => {
  test('when all stake leaves, the last set stays', () => {
    const d = chain({ a: AKASH });
    d.must('a', { type: 'Undelegate', validator: at('a'), amount: AKASH });
    d.run(6);
    expect(validating(d)).toEqual([['a', 1]]);
    d.must('a', { type: 'Stake', amount: 4n * AKASH });
    d.run(3);
    expect(validating(d)).toEqual([['a', 4]]);
  });

  test('fees wait in the pool while nobody has stake', () => {
    const d = chain({ a: AKASH });
    d.must('a', { type: 'Undelegate', validator: at('a'), amount: AKASH });
    d.must('tom', { type: 'Transfer', to: at('tom'), amount: 1n }, { fee: 7n });
    expect(d.state.chainwide.feePool).toBe(7n);
    d.must('a', { type: 'Stake', amount: AKASH });
    expect(d.state.chainwide.feePool).toBe(0n);
    expect(d.state.candidates.need(at('a')).rewards).toBe(7n);
  });
});

describe('Proposers take turns by weight', () => {
  const priorities = (d: ChainDriver) => d.state.seats.validators.map(one => [d.name(one.address), one.priority]);

  test('a height begins where one step from the height before leads', () => {
    const d = validatorsOf({ a: 3, b: 2, c: 1 });
    const turns: string[] = [];
    let seats: readonly Seat[] = d.state.seats.validators;
    expect(priorities(d)).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 0],
    ]);
    for (let i = 0; i < 12; i++) {
      expect(d.state.seats.validators.map(one => one.priority)).toEqual(seats.map(one => one.priority));
      const turn = proposer(d.state.seats.validators, 0);
      turns.push(d.name(turn));
      // That a height took more than one round makes no difference to the next.
      block(d, { proposer: proposer(d.state.seats.validators, i % 4) });
      seats = stepped(seats).seats;
    }
    const counts = ['a', 'b', 'c'].map(name => turns.filter(one => one === name).length);
    expect(counts).toEqual([6, 4, 2]);
  });

  test('a change of the set is applied to the step that leads to its height', () => {
    const d = validatorsOf({ a: 3, b: 2 });
    d.run(3);
    const before = d.state.seats.upcoming; // of the height after the next
    d.must('tom', delegate('b', 5n * AKASH));
    expect(d.state.seats.validators).toBe(before);
    const { upcoming } = d.state.seats;
    expect(upcoming.map(one => [d.name(one.address), one.power])).toEqual([
      ['b', 7],
      ['a', 3],
    ]);
    expect(upcoming.map(one => one.priority)).toEqual(nextHeight(before, upcoming).map(one => one.priority));
  });

  test('who validates alone has the turn and no priority; an unchanged set is the same object', () => {
    const d = validatorsOf({ a: 3 });
    const first = d.state.seats.validators;
    d.run(5);
    expect(d.state.seats.validators).toBe(first);
    expect(priorities(d)).toEqual([['a', 0]]);
  });

  test('who moves up without a change of power changes nothing', () => {
    const d = validatorsOf({ a: 3, b: 3 });
    d.must('tom', delegate('b', 5n));
    d.run(3);
    expect(d.events('ValidatorSetChanged')).toEqual([]);
    expect(validating(d)).toEqual([
      ['a', 3],
      ['b', 3],
    ]);
  });
});

describe('The sets of past heights are kept for evidence', () => {
  test('each as it was, and no longer than evidence can be about it', () => {
    const d = validatorsOf({ a: 30, b: 20, c: 10 }, { evidenceMaxAgeBlocks: 10, evidenceMaxAge: 2, trustingPeriod: 1 });
    const seen = new Map<number, string>();
    const shown = (set: readonly Validator[]) =>
      set.map(({ address, power }) => `${d.name(address)} ${power}`).join(', ');
    for (let i = 0; i < 60; i++) {
      seen.set(d.height + 1, shown(d.state.seats.validators));
      seen.set(d.height + 2, shown(d.state.seats.upcoming));
      if (i % 3 === 0) d.send('tom', delegate(['a', 'b', 'c'][(i % 7) % 3] as string, AKASH));
      block(d);
      const { evidenceFrom, oldestSet, nextSet } = d.state.chainwide;
      for (let height = evidenceFrom; height <= d.height; height++) {
        expect([height, shown(validatorsAt(d.state, height) ?? [])]).toEqual([height, seen.get(height)]);
      }
      expect(d.state.sets.size).toBe(nextSet - oldestSet);
      expect(d.state.sets.size).toBeLessThanOrEqual(7);
    }
    expect(d.state.chainwide.evidenceFrom).toBe(50);
    expect(validatorsAt(d.state, 1)).toBeUndefined();
  });
});
