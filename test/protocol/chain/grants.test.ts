/** MARKET rules, section 2, Grant and Revoke: which messages, on which deployment, how much, until when. */
import { describe, expect, test } from 'vitest';
import { MESSAGE_TYPES, type Message, type MessageOf } from '../../../src/protocol/model/messages.ts';
import { bid, type ChainDriver, confirmation, deployment } from '../../support/chain-driver.ts';
import {
  AKASH,
  activeLease,
  addressOfName,
  closing,
  deploymentIdOf,
  faultsOfBooks,
  market,
  order,
  pendingLease,
  SECOND,
} from '../support.ts';

const FULL = 1_000n * AKASH;
const at = addressOfName;

/** Tom grants; the grant's id. */
function grant(
  d: ChainDriver,
  messages: readonly string[],
  changes: Partial<Omit<MessageOf<'Grant'>, 'type'>> = {},
  by = 'tom',
): string {
  const id = `${at(by)}/${d.nonce(by)}`;
  d.must(by, {
    type: 'Grant',
    grantee: at('tim'),
    messages,
    deployment: '',
    limit: 10n ** 18n,
    expires: d.time + 1_000 * SECOND,
    ...changes,
  });
  return id;
}
const transfer = (amount: bigint): Message => ({ type: 'Transfer', to: at('cal'), amount });

describe('2 Grant: which messages', () => {
  test('the grantee signs, pays the fee and uses its nonce; the granter’s tokens move', () => {
    const d = market({ params: { feeBase: 100n } });
    const id = grant(d, ['Transfer']);
    const [tom, tim, nonce] = [d.balance('tom'), d.balance('tim'), d.state.accounts.need(at('tom')).nonce];
    d.must('tim', transfer(7n), { grant: id });
    expect([d.balance('tom'), d.balance('tim'), d.balance('cal')]).toEqual([tom - 7n, tim - 100n, FULL + 7n]);
    expect([d.state.accounts.need(at('tom')).nonce, d.nonce('tim')]).toEqual([nonce, 1]);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('only those that are named', () => {
    const d = market();
    const id = grant(d, ['Stake', 'Vote']);
    expect(d.attempt('tim', transfer(7n), { grant: id }).code).toBe('not_granted');
    expect(d.attempt('tim', { type: 'Stake', amount: 7n }, { grant: id }).ok).toBe(true);
    expect(d.state.accounts.need(at('tom')).bonded).toBe(7n);
  });

  test('only for the grantee', () => {
    const d = market();
    const id = grant(d, ['Transfer']);
    expect(d.attempt('cal', transfer(7n), { grant: id }).code).toBe('no_grant');
    expect(d.attempt('tom', transfer(7n), { grant: id }).code).toBe('no_grant');
    expect(d.attempt('tim', transfer(7n), { grant: `${id}9` }).code).toBe('no_grant');
    expect(d.balance('cal')).toBe(FULL);
  });

  test.each(['Grant', 'Revoke'])('%s cannot be granted', type => {
    const d = market();
    expect(() => grant(d, ['Transfer', type])).toThrow('cannot be granted');
  });

  test('everything else can', () => {
    for (const type of MESSAGE_TYPES) {
      if (type !== 'Grant' && type !== 'Revoke') grant(market(), [type]);
    }
  });

  test('refuses no messages, unknown ones, and a grant to oneself', () => {
    const d = market();
    expect(() => grant(d, [])).toThrow('no messages');
    expect(() => grant(d, ['SubmitLease'])).toThrow('unknown message');
    expect(() => grant(d, ['Vote'], { grantee: at('tom') })).toThrow('from itself');
  });

  test('a provider lets another key confirm its leases', () => {
    const d = market();
    const lease = pendingLease(d);
    const id = grant(d, ['SubmitLeaseConfirmation'], { limit: 0n }, 'ann');
    d.must('tim', confirmation(lease), { grant: id });
    expect(d.lease(lease).state).toBe('active');
  });

  test('what it creates is the granter’s, under an id that never meets one of its own', () => {
    const d = market();
    const id = grant(d, ['SubmitDeployment']);
    d.must('tim', deployment(), { grant: id });
    d.must('tom', deployment());
    // Tom's nonces 0 and 1: the grant and its own deployment; tim's nonce 0 under grant 0.
    expect(d.state.deployments.sorted().map(one => [one.id, d.name(one.tenant)])).toEqual([
      [`${at('tom')}/0.0`, 'tom'],
      [`${at('tom')}/1`, 'tom'],
    ]);
  });

  test('a message that fails fails as the granter’s own would', () => {
    const d = market();
    const id = grant(d, ['Transfer']);
    expect(d.attempt('tim', transfer(FULL + 1n), { grant: id }).code).toBe('insufficient_funds');
    expect(d.state.grants.need(id).left).toBe(10n ** 18n);
  });
});

describe('2 Grant: on which deployment', () => {
  test('messages on it, on its orders and its leases; on no other and on none', () => {
    const d = market();
    const [mine, other] = [activeLease(d), activeLease(d, { provider: 'bob' })];
    const types = ['DepositEscrow', 'CloseDeployment', 'Transfer', 'SubmitDeployment'];
    const id = grant(d, types, { deployment: deploymentIdOf(mine) });
    const deposit = (lease: string): Message => ({
      type: 'DepositEscrow',
      deployment: deploymentIdOf(lease),
      amount: 5n,
    });
    expect(d.attempt('tim', deposit(other), { grant: id }).code).toBe('not_granted');
    expect(d.attempt('tim', closing(other), { grant: id }).code).toBe('not_granted');
    expect(d.attempt('tim', transfer(5n), { grant: id }).code).toBe('not_granted');
    expect(d.attempt('tim', deployment(), { grant: id }).code).toBe('not_granted');
    expect(d.attempt('tim', deposit(mine), { grant: id }).ok).toBe(true);
    expect(d.attempt('tim', closing(mine), { grant: id }).ok).toBe(true);
    expect(d.lease(other).state).toBe('active');
  });

  test('a provider’s grant for bids and confirmations of one deployment', () => {
    const d = market();
    const [first, second] = [order(d, {}, { waitDuration: 2 }), order(d, {}, { waitDuration: 2 })];
    const id = grant(d, ['SubmitFulfillment', 'SubmitLeaseConfirmation'], { deployment: deploymentIdOf(first) }, 'ann');
    expect(d.attempt('tim', bid(d.order(second), 5n), { grant: id }).code).toBe('not_granted');
    d.must('tim', bid(d.order(first), 5n), { grant: id });
    d.block();
    d.must('tim', confirmation(first), { grant: id });
    expect(d.lease(first)).toMatchObject({ state: 'active', provider: at('ann') });
  });
});

describe('2 Grant: how much', () => {
  test('may leave the granter’s balance in all, to the micro-AKASH', () => {
    const d = market();
    const id = grant(d, ['Transfer'], { limit: 10n });
    expect(d.attempt('tim', transfer(11n), { grant: id }).code).toBe('grant_limit');
    expect(d.balance('cal')).toBe(FULL);
    d.must('tim', transfer(4n), { grant: id });
    expect(d.attempt('tim', transfer(7n), { grant: id }).code).toBe('grant_limit');
    d.must('tim', transfer(6n), { grant: id });
    expect(d.state.grants.need(id).left).toBe(0n);
    expect(d.attempt('tim', transfer(1n), { grant: id }).code).toBe('grant_limit');
    expect([d.balance('tom'), d.balance('cal')]).toEqual([FULL - 10n, FULL + 10n]);
  });

  test('collateral and escrow count; what comes back gives nothing back', () => {
    const d = market();
    const target = order(d, {}, { waitDuration: 50 });
    const id = grant(d, ['SubmitFulfillment', 'CancelFulfillment'], { limit: AKASH }, 'ann');
    d.must('tim', bid(d.order(target), 5n), { grant: id });
    d.must('tim', { type: 'CancelFulfillment', order: target }, { grant: id });
    expect(d.attempt('tim', bid(d.order(target), 5n), { grant: id }).code).toBe('grant_limit');
    expect(d.balance('ann')).toBe(FULL);
  });

  test('what is earned in the same message does not count against what leaves', () => {
    const d = market({ params: { feeBase: 1_000n } });
    d.must('tom', { type: 'Delegate', validator: at('validator'), amount: 500n * AKASH });
    d.run(1);
    d.must('tim', transfer(1n));
    const id = grant(d, ['Delegate'], { limit: 100n });
    // A third of the fees is tom's and is paid to it with the message; 101 would leave its balance all the same.
    const receipt = d.attempt('tim', { type: 'Delegate', validator: at('validator'), amount: 101n }, { grant: id });
    expect(receipt.code).toBe('grant_limit');
  });
});

describe('2 Grant: until when; Revoke', () => {
  test('not in a block at or after its end', () => {
    const d = market();
    const id = grant(d, ['Transfer'], { expires: d.time + 3 * SECOND }); // in the block at + 1 s
    expect(d.attempt('tim', transfer(1n), { grant: id }).ok).toBe(true);
    expect(d.attempt('tim', transfer(1n), { grant: id }).code).toBe('grant_expired');
  });

  test('an end that has passed is refused', () => {
    const d = market();
    expect(() => grant(d, ['Transfer'], { expires: d.time + SECOND })).toThrow('bad_grant');
  });

  test.each(['tom', 'tim'])('%s may revoke it', name => {
    const d = market();
    const id = grant(d, ['Transfer']);
    expect(d.attempt('cal', { type: 'Revoke', grant: id }).code).toBe('not_owner');
    d.must(name, { type: 'Revoke', grant: id });
    expect(d.attempt('tim', transfer(1n), { grant: id }).code).toBe('no_grant');
    expect(d.attempt(name, { type: 'Revoke', grant: id }).code).toBe('no_grant');
    expect(d.events('Revoked')).toMatchObject([{ grant: id, granter: at('tom'), grantee: at('tim') }]);
  });
});
