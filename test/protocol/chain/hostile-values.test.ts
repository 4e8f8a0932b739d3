/**
 * Values that are valid where they come in and have no bytes where they go: what a transaction may say must be something
 * that state, events and receipts can hold, or a single transaction stops every node.
 */

import { describe, expect, test } from 'vitest';
import { EncodeError } from '../../../src/protocol/codec/errors.ts';
import { MAX_PRICE } from '../../../src/protocol/model/objects.ts';
import { bid, type ChainDriver, group, hashOf, infrastructure } from '../../support/chain-driver.ts';
import { addressOfName, deploymentIdOf, hashOfState, market, order } from '../support.ts';

/** Sends it; the block must be made, whatever becomes of the message, and the chain must go on. */
function survives(d: ChainDriver, name: string, message: Parameters<ChainDriver['send']>[1]): string {
  d.send(name, message);
  const { receipts } = d.block();
  d.run(2);
  expect(Buffer.from(d.chain.appHash).toString('hex')).toBe(hashOfState(d.state));
  return receipts.at(-1)!.code;
}
const far = 'ü'.repeat(64); // 128 bytes

describe('one transaction never stops the chain', () => {
  test('new prices above the largest that an order may have are refused', () => {
    const d = market();
    const id = order(d, {}, { waitDuration: 50 });
    const reprice = [{ group: 0, prices: [MAX_PRICE + 1n] }];
    const message = {
      type: 'UpdateDeployment',
      deployment: deploymentIdOf(id),
      version: hashOf('v'),
      add: [],
      remove: [],
      reprice,
    } as const;
    expect(() => survives(d, 'tom', message)).toThrow(EncodeError);
  });

  test('collateral beyond all tokens that could ever be', () => {
    const d = market();
    const resources = [group({ collateral: 2n ** 256n - 1n, count: 100_000 })];
    const message = {
      type: 'SubmitDeployment',
      infrastructure: [infrastructure({ resources })],
      waitDuration: 2,
      openFor: 1_000_000,
      version: hashOf('v'),
      escrow: 10n ** 8n,
    } as const;
    expect(() => survives(d, 'tom', message)).toThrow(EncodeError);
  });

  test('collateral of many groups whose sum has no bytes', () => {
    const d = market();
    const resources = [group({ collateral: 2n ** 256n - 1n }), group({ collateral: 1n })];
    const message = {
      type: 'SubmitDeployment',
      infrastructure: [infrastructure({ resources })],
      waitDuration: 2,
      openFor: 1_000_000,
      version: hashOf('v'),
      escrow: 10n ** 8n,
    } as const;
    expect(() => survives(d, 'tom', message)).toThrow(EncodeError);
  });

  test('a failure whose detail is long in bytes: regions of 128 bytes each', () => {
    const d = market({ providers: { far: { region: 'ö'.repeat(64) } } });
    const id = order(d, { region: far }, { waitDuration: 50 });
    expect(survives(d, 'far', bid(d.order(id), 5n))).toBe('ineligible');
  });

  test('a failure whose detail is of characters of four bytes and two UTF-16 units: none is cut in two', () => {
    for (const prefix of ['', 'x']) {
      const d = market({ providers: { far: { region: `${prefix}${'\u{1F600}'.repeat(31)}` } } });
      const id = order(d, { region: `${'\u{1F601}'.repeat(32)}` }, { waitDuration: 50 });
      expect(survives(d, 'far', bid(d.order(id), 5n))).toBe('ineligible');
    }
  });

  test('a failure that quotes an id of 200 bytes', () => {
    const d = market();
    expect(survives(d, 'ann', { type: 'CancelFulfillment', order: 'é'.repeat(100) })).toBe('order_not_open');
    expect(survives(d, 'ann', { type: 'CancelFulfillment', order: '\u{1F600}'.repeat(50) })).toBe('order_not_open');
    expect(survives(d, 'ann', { type: 'Revoke', grant: 'x'.repeat(200) })).toBe('no_grant');
  });

  test('a bid that is not eligible any more, for a reason of 256 bytes and more', () => {
    const d = market({ providers: { far: { region: far } } });
    const id = order(d, { region: far }, { waitDuration: 4 });
    d.must('far', bid(d.order(id), 5n));
    d.must('far', {
      type: 'UpdateProvider',
      region: 'z'.repeat(128),
      attributes: {},
      certificate: hashOf('c'),
      endpoint: '',
    });
    d.run(3);
    expect(d.events('FulfillmentClosed').map(one => one.reason.slice(0, 11))).toEqual(['ineligible:']);
    expect(Buffer.from(d.chain.appHash).toString('hex')).toBe(hashOfState(d.state));
  });

  test('the largest of everything that the largest supply can pay: price, groups, counts', () => {
    const d = market({ accounts: { tom: { balance: 49n * 10n ** 19n } } });
    // 64 x 50 units at 10^24 / 64 pico-AKASH/s: 5 x 10^25, and a period of 8 s costs 4 x 10^20 uakt.
    const price = MAX_PRICE / 64n;
    const resources = Array.from({ length: 64 }, () => group({ price, count: 50, collateral: 0n }));
    const id = order(d, { resources }, { escrow: 4n * 10n ** 20n, waitDuration: 3 });
    d.must('ann', bid(d.order(id), price));
    d.run(2);
    expect(d.lease(id).price).toBe(64n * 50n * price);
    expect(survives(d, 'tom', { type: 'CloseDeployment', deployment: deploymentIdOf(id) })).toBe('');
  });

  test('names that every object has: attributes called like them', () => {
    const d = market();
    const attributes = JSON.parse('{"__proto__":"x","constructor":"y","toString":"z"}') as Record<string, string>;
    const message = {
      type: 'UpdateProvider',
      region: 'eu',
      attributes,
      certificate: hashOf('c'),
      endpoint: '',
    } as const;
    expect(survives(d, 'ann', message)).toBe('');
    const id = order(d, { attributes }, { waitDuration: 2 });
    d.send('bob', bid(d.order(id), 4n));
    d.send('ann', bid(d.order(id), 5n));
    d.run(2);
    expect(d.events('LeaseCreated').map(one => d.name(one.provider))).toEqual(['ann']);
  });

  test('one address for everything: tenant, provider, validator, grantee of itself', () => {
    const d = market({ providers: { validator: {} }, validators: { solo: {} } });
    const self = addressOfName('validator');
    const [id] = d.deploy('validator', { waitDuration: 2 });
    d.must('validator', bid(d.order(id!), 5n));
    d.block();
    expect(d.lease(id!)).toMatchObject({ tenant: self, provider: self });
    expect(survives(d, 'validator', { type: 'Transfer', to: self, amount: 1n })).toBe('');
  });
});
