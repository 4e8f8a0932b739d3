/** MARKET rules, section 5: commission and rewards by stake; inflation is a parameter, 0 by default. */
import { describe, expect, test } from 'vitest';
import type { Message } from '../../../src/protocol/model/messages.ts';
import { ChainDriver } from '../../support/chain-driver.ts';
import { AKASH, addressOfName, FREE, faultsOfBooks, SECOND } from '../support.ts';

const FULL = 1_000n * AKASH;
const at = addressOfName;
const withdraw = (validator: string): Message => ({ type: 'WithdrawRewards', validator: at(validator) });
const delegate = (to: string, amount: bigint): Message => ({ type: 'Delegate', validator: at(to), amount });

/** Puts so many micro-AKASH of fees into one block; tim pays them. */
function fees(d: ChainDriver, amount: bigint): void {
  d.must('tim', { type: 'Transfer', to: at('tim'), amount: 1n }, { fee: amount });
}
function earned(d: ChainDriver, who: string, validator: string): bigint {
  const before = d.balance(who);
  d.must(who, withdraw(validator), { fee: 0n });
  return d.balance(who) - before;
}

/** A stake whose multiples by powers of two divide the scale of the rewards, so that nothing is rounded: 67.1 AKASH. */
const U = 2n ** 26n;

describe('5 Commission and rewards by stake', () => {
  function pair(commission: number): ChainDriver {
    const d = new ChainDriver({
      accounts: { tom: {}, tim: {} },
      validators: { validator: { stake: 3n * U, commission } },
      params: FREE,
    });
    d.must('tom', delegate('validator', U));
    return d;
  }

  test('without commission: 3 : 1', () => {
    const d = pair(0);
    fees(d, 4_000n);
    expect([earned(d, 'validator', 'validator'), earned(d, 'tom', 'validator')]).toEqual([3_000n, 1_000n]);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('a tenth of commission goes to the validator at once, the rest by stake', () => {
    const d = pair(100_000);
    fees(d, 4_000n);
    expect(d.balance('validator')).toBe(FULL + 400n);
    expect([earned(d, 'validator', 'validator'), earned(d, 'tom', 'validator')]).toEqual([2_700n, 900n]);
  });

  test('all of it as commission', () => {
    const d = pair(1_000_000);
    fees(d, 4_000n);
    expect(d.balance('validator')).toBe(FULL + 4_000n);
    expect([earned(d, 'validator', 'validator'), earned(d, 'tom', 'validator')]).toEqual([0n, 0n]);
  });

  test('withdrawing often or seldom pays the same, up to rounding', () => {
    const seldom = pair(0);
    const often = pair(0);
    let sum = 0n;
    for (let i = 0; i < 10; i++) {
      fees(seldom, 400n);
      fees(often, 400n);
      sum += earned(often, 'tom', 'validator');
    }
    expect([sum, earned(seldom, 'tom', 'validator')]).toEqual([1_000n, 1_000n]);
    expect(earned(seldom, 'tom', 'validator')).toBe(0n);
  });

  test('the past was earned with the old amount: more stake later earns from then on', () => {
    const d = pair(0);
    fees(d, 4_000n); // tom has 1 of 4: 1,000
    const before = d.balance('tom');
    d.must('tom', delegate('validator', 4n * U)); // pays the 1,000 and makes it 5 of 8
    expect(d.balance('tom') - before).toBe(1_000n - 4n * U);
    fees(d, 4_000n);
    expect([earned(d, 'tom', 'validator'), earned(d, 'validator', 'validator')]).toEqual([2_500n, 3_000n + 1_500n]);
  });

  test('a delegation that leaves is paid what it earned, and nothing later', () => {
    const d = pair(0);
    fees(d, 4_000n);
    const before = d.balance('tom');
    d.must('tom', { type: 'Undelegate', validator: at('validator'), amount: U });
    expect(d.balance('tom') - before).toBe(1_000n);
    fees(d, 4_000n);
    expect(d.attempt('tom', withdraw('validator')).code).toBe('no_stake');
    // 4,000 over three parts are not exact per token: the remainder stays in the validator's pool.
    expect(earned(d, 'validator', 'validator')).toBe(3_000n + 3_999n);
    expect(d.state.candidates.need(at('validator')).rewards).toBe(1n);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('who delegated after the fees gets none of them', () => {
    const d = pair(0);
    fees(d, 4_000n);
    d.must('tim', delegate('validator', U));
    expect(earned(d, 'tim', 'validator')).toBe(0n);
  });

  test('candidates that were not elected earn nothing', () => {
    const d = new ChainDriver({
      accounts: { tim: {} },
      validators: { validator: { stake: 2n * U }, second: { stake: U } },
      params: { ...FREE, validatorSlots: 1 },
    });
    fees(d, 4_000n);
    expect([earned(d, 'validator', 'validator'), earned(d, 'second', 'second')]).toEqual([4_000n, 0n]);
  });
});

describe('5 Inflation', () => {
  const YEAR = 365 * 86_400 * SECOND;

  test('is 0 by default', () => {
    const d = new ChainDriver({ accounts: { tim: {} }, params: FREE });
    d.block({ after: YEAR });
    expect(d.state.chainwide.minted).toBe(0n);
  });

  test('mints a share of the supply a year into the rewards', () => {
    const d = new ChainDriver({
      accounts: { tim: {} },
      validators: { validator: { stake: U } },
      params: { ...FREE, inflation: 70_000 },
    });
    // 1,000 AKASH of tim's, 1,000 AKASH and 2^26 of the validator's: 7 % of 2,067,108,864 are 144,697,620.48.
    d.block({ after: YEAR });
    expect(d.state.chainwide.minted).toBe(144_697_620n);
    expect(earned(d, 'validator', 'validator')).toBe(144_697_620n);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('no fraction is lost, however short the blocks', () => {
    const d = new ChainDriver({ accounts: { tim: {} }, params: { ...FREE, inflation: 1_000_000 } });
    // 3 x 10^9 a year = 95.129 per second: 10 blocks of .1 s make 95, where 10 x floor(9.51) would make 90.
    for (let i = 0; i < 10; i++) d.block({ after: SECOND / 10 });
    expect(d.state.chainwide.minted).toBe(95n);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });
});
