/** MARKET rules, sections 2 and 5: bonding, the ways out, and what stays slashable on the way. */
import { describe, expect, test } from 'vitest';
import type { Message } from '../../../src/protocol/model/messages.ts';
import { ChainDriver } from '../../support/chain-driver.ts';
import { AKASH, addressOfName, FREE, faultsOfBooks, market, pendingLease, SECOND } from '../support.ts';

const FULL = 1_000n * AKASH;
const at = addressOfName;
const stake = (amount: bigint): Message => ({ type: 'Stake', amount });
const delegate = (to: string, amount: bigint): Message => ({ type: 'Delegate', validator: at(to), amount });
const undelegate = (from: string, amount: bigint): Message => ({ type: 'Undelegate', validator: at(from), amount });
const redelegate = (from: string, to: string, amount: bigint): Message => ({
  type: 'Redelegate',
  source: at(from),
  target: at(to),
  amount,
});
const held = (d: ChainDriver, who: string, validator: string) =>
  d.state.delegations.get(`${at(who)}/${at(validator)}`)?.amount ?? 0n;

function stakers(params = {}): ChainDriver {
  return new ChainDriver({
    accounts: { tom: {}, tim: {} },
    providers: { ann: {} },
    validators: { validator: {}, second: {}, third: {} },
    params: { ...FREE, targetBlockInterval: SECOND, unbondingPeriod: 10 * SECOND, ...params },
  });
}

describe('2 Transactions: Stake, Delegate: no minimum', () => {
  test('one micro-AKASH, bonded with oneself', () => {
    const d = stakers();
    d.must('tom', stake(1n));
    expect([d.balance('tom'), held(d, 'tom', 'tom'), d.state.accounts.need(at('tom')).bonded]).toEqual([
      FULL - 1n,
      1n,
      1n,
    ]);
    expect(d.attempt('tom', stake(0n)).code).toBe('bad_amount');
    expect(d.attempt('tom', stake(FULL)).code).toBe('insufficient_funds');
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('with a candidate only', () => {
    const d = stakers();
    d.must('tom', delegate('validator', 5n));
    expect(held(d, 'tom', 'validator')).toBe(5n);
    expect(d.state.candidates.need(at('validator')).stake).toBe(FULL + 5n);
    expect(d.attempt('tom', delegate('ann', 5n)).code).toBe('no_candidate');
    expect(d.attempt('tom', delegate('validator', 0n)).code).toBe('bad_amount');
  });
});

describe('2 Transactions: Undelegate: unbonding period', () => {
  test('frees the stake in the first block at or after its time, and not before', () => {
    const d = stakers();
    d.must('tom', delegate('validator', 100n));
    d.must('tom', undelegate('validator', 40n));
    const until = d.time + 10 * SECOND;
    expect([held(d, 'tom', 'validator'), d.balance('tom'), d.state.chainwide.totalUnbonding]).toEqual([
      60n,
      FULL - 100n,
      40n,
    ]);
    expect(d.state.candidates.need(at('validator')).stake).toBe(FULL + 60n);
    d.run(9);
    expect(d.balance('tom')).toBe(FULL - 100n);
    expect(faultsOfBooks(d.state)).toEqual([]);
    d.block();
    expect(d.time).toBe(until);
    expect([d.balance('tom'), d.state.chainwide.totalUnbonding, d.state.unbondings.size]).toEqual([FULL - 60n, 0n, 0]);
    expect(d.events('StakeReleased')).toMatchObject([{ account: at('tom'), amount: 40n }]);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('no more than is staked there, and not nothing', () => {
    const d = stakers();
    d.must('tom', delegate('validator', 100n));
    expect(d.attempt('tom', undelegate('validator', 101n)).code).toBe('insufficient_stake');
    expect(d.attempt('tom', undelegate('second', 1n)).code).toBe('insufficient_stake');
    expect(d.attempt('tom', undelegate('validator', 0n)).code).toBe('bad_amount');
    expect(d.attempt('tom', undelegate('validator', 100n)).ok).toBe(true);
    expect(d.state.delegations.has(`${at('tom')}/${at('validator')}`)).toBe(false);
  });

  test('at most maxUnbondings on their way', () => {
    const d = stakers({ maxUnbondings: 2 });
    d.must('tom', delegate('validator', 100n));
    d.must('tom', undelegate('validator', 1n));
    d.must('tom', redelegate('validator', 'second', 1n));
    expect(d.attempt('tom', undelegate('validator', 1n)).code).toBe('too_many');
    expect(d.attempt('tom', redelegate('validator', 'second', 1n)).code).toBe('too_many');
    d.run(10);
    expect(d.attempt('tom', undelegate('validator', 1n)).ok).toBe(true);
  });

  test.each([SECOND, 25 * SECOND])('unbondingPeriod %i', unbondingPeriod => {
    const d = stakers({ unbondingPeriod });
    d.must('tom', stake(9n));
    d.must('tom', undelegate('tom', 9n));
    d.run(unbondingPeriod / SECOND - 1);
    expect(d.balance('tom')).toBe(FULL - 9n);
    d.block();
    expect(d.balance('tom')).toBe(FULL);
  });
});

describe('2 Transactions: Redelegate', () => {
  test('moves stake at once', () => {
    const d = stakers();
    d.must('tom', delegate('validator', 100n));
    d.must('tom', redelegate('validator', 'second', 30n));
    expect([held(d, 'tom', 'validator'), held(d, 'tom', 'second')]).toEqual([70n, 30n]);
    expect(d.state.accounts.need(at('tom')).bonded).toBe(100n);
    expect(d.state.chainwide.totalUnbonding).toBe(0n);
    d.run(10);
    expect(d.balance('tom')).toBe(FULL - 100n);
    expect([d.state.unbondings.size, d.state.accounts.need(at('tom')).unbondings]).toEqual([0, 0]);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('to another candidate only', () => {
    const d = stakers();
    d.must('tom', delegate('validator', 100n));
    expect(d.attempt('tom', redelegate('validator', 'validator', 1n)).code).toBe('same_validator');
    expect(d.attempt('tom', redelegate('validator', 'ann', 1n)).code).toBe('no_candidate');
    expect(d.attempt('tom', redelegate('validator', 'second', 101n)).code).toBe('insufficient_stake');
  });

  test('stake that moved may not move on before it has matured', () => {
    const d = stakers();
    d.must('tom', delegate('validator', 100n));
    d.must('tom', redelegate('validator', 'second', 100n));
    expect(d.attempt('tom', redelegate('second', 'third', 1n)).code).toBe('in_transit');
    expect(d.attempt('tim', delegate('second', 5n)).ok).toBe(true);
    expect(d.attempt('tim', redelegate('second', 'third', 5n)).ok).toBe(true); // another account's transit is its own
    d.run(8);
    expect(d.attempt('tom', redelegate('second', 'third', 1n)).ok).toBe(true);
  });
});

describe('5 Slashable while unbonding', () => {
  /** Ann has 1,000 of own stake, does what it does with it, and breaks a lease; a tenth is slashed. */
  function breaking(moves: readonly Message[]): ChainDriver {
    const d = market({
      providers: { ann: { stake: 1_000n } },
      validators: { validator: {}, second: {} },
      params: { brokenLeaseStakeSlash: 100_000, unbondingPeriod: 1_000 * SECOND },
    });
    for (const one of moves) d.must('ann', one);
    pendingLease(d);
    d.runUntil('LeaseBroken', 20);
    expect(faultsOfBooks(d.state)).toEqual([]);
    return d;
  }
  const slashed = (d: ChainDriver) => d.events('LeaseBroken').map(one => one.stakeSlashed);

  test('stake that stayed', () => {
    const d = breaking([]);
    expect(slashed(d)).toEqual([100n]);
    expect(held(d, 'ann', 'ann')).toBe(900n);
  });

  test('stake on its way out', () => {
    const d = breaking([undelegate('ann', 700n)]);
    expect(slashed(d)).toEqual([100n]); // 30 of the 300 that stayed, 70 of the 700 on their way
    expect([held(d, 'ann', 'ann'), d.state.chainwide.totalUnbonding, d.state.chainwide.burned]).toEqual([
      270n,
      630n,
      100n,
    ]);
    d.block({ after: 1_000 * SECOND });
    // What matures is what is left of it; 1 AKASH was the collateral.
    expect(d.balance('ann')).toBe(FULL - AKASH + 630n);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('stake that moved to a validator', () => {
    const d = breaking([redelegate('ann', 'second', 1_000n)]);
    expect(slashed(d)).toEqual([100n]);
    expect(held(d, 'ann', 'second')).toBe(900n);
    expect(d.state.candidates.need(at('second')).stake).toBe(FULL + 900n);
  });

  test('stake that moved to a validator cannot leave it before it has matured, and so cannot outrun its slash', () => {
    expect(() => breaking([redelegate('ann', 'second', 1_000n), undelegate('second', 1_000n)])).toThrow('in_transit');
    const d = breaking([delegate('second', 50n), redelegate('ann', 'second', 1_000n), undelegate('second', 50n)]);
    expect(slashed(d)).toEqual([100n]);
    expect(d.state.chainwide.totalUnbonding).toBe(50n);
  });

  test('what others delegated is not touched, nor what left before', () => {
    const d = breaking([undelegate('ann', 600n), delegate('second', 50n)]);
    expect(slashed(d)).toEqual([100n]); // 40 + 60
    expect(held(d, 'ann', 'second')).toBe(50n);
    const gone = market({
      providers: { ann: { stake: 1_000n } },
      params: { brokenLeaseStakeSlash: 100_000, unbondingPeriod: SECOND },
    });
    gone.must('ann', undelegate('ann', 600n));
    gone.run(1);
    pendingLease(gone);
    gone.runUntil('LeaseBroken', 20);
    expect(slashed(gone)).toEqual([40n]);
  });
});
