/** MARKET rules, section 5: the top slots validate; ties, jail and the empty set; changes two heights later. */
import { describe, expect, test } from 'vitest';
import { InvalidBlock } from '../../../src/protocol/chain/chain.ts';
import { genesisState } from '../../../src/protocol/chain/genesis.ts';
import { elect } from '../../../src/protocol/stake/election.ts';
import { ChainDriver, driverGenesis } from '../../support/chain-driver.ts';
import { AKASH, addressOfName, FREE, SECOND } from '../support.ts';

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
const validating = (d: ChainDriver) => d.state.chainwide.validators.map(one => [d.name(one.address), one.power]);

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
