/** Values as JSON: every event of the chain has a form, and no amount leaves without its unit. */
import { describe, expect, it } from 'vitest';
import { fieldName, toJson } from '../../../../src/lab/live/api/to-json.ts';
import { byTopic, isTopic, namesIn } from '../../../../src/lab/live/api/topics.ts';
import type { Event, EventOf, EventType } from '../../../../src/protocol/model/events.ts';
import { group, infrastructure } from '../../../support/chain-driver.ts';

type Fields<T extends EventType> = Omit<EventOf<T>, 'type'>;
const money = 12_345_678_901_234_567_890n;
const lease = { lease: 'l', tenant: 't', provider: 'p' };
const bid = { fulfillment: 'f', order: 'o', provider: 'p', region: 'eu', total: money };

/** One event of each type; a new type has to be added here, or this does not compile. */
const EVENTS: { readonly [T in EventType]: Fields<T> } = {
  TransactionFailed: { account: 'a', nonce: 1, message: 'Transfer', code: 'c', detail: 'd', object: '' },
  DeploymentSubmitted: { deployment: 'd', tenant: 't', escrow: money },
  OrderOpened: {
    order: 'o',
    tenant: 't',
    infrastructure: infrastructure(),
    matchFrom: 1,
    closesAt: 2,
    collateral: money,
  },
  OrderClosed: { order: 'o', tenant: 't', region: 'eu', reason: 'expired' },
  FulfillmentPlaced: { ...bid, collateral: money, position: 0 },
  FulfillmentClosed: { ...bid, reason: 'lost' },
  FulfillmentChosen: { order: 'o', provider: 'p', tenant: 't' },
  LeaseCreated: {
    ...lease,
    fulfillment: 'f',
    region: 'eu',
    resources: [group()],
    price: money,
    maximum: money,
    collateral: money,
    bids: 1,
    version: new Uint8Array(32),
  },
  LeaseActive: lease,
  LeaseConfirmed: lease,
  LeasePaid: { ...lease, amount: money, tax: 0n, paid: money },
  LeaseClosing: { ...lease, reason: 'r', unpaid: money },
  LeaseClosed: { ...lease, reason: 'r', collateral: money, resetConfirmed: true },
  LeaseBroken: {
    ...lease,
    forfeited: money,
    toTenant: money,
    burned: money,
    stakeSlashed: money,
    unpaid: money,
    renewed: false,
  },
  DeploymentUpdated: { deployment: 'd', tenant: 't' },
  DeploymentClosing: { deployment: 'd', tenant: 't', reason: 'r', refund: money },
  DeploymentClosed: { deployment: 'd', tenant: 't', reason: 'r' },
  EscrowDeposited: { deployment: 'd', tenant: 't', from: 'a', amount: money, escrow: money },
  ProviderRegistered: { provider: 'p', region: 'eu', attributes: { fooBar: 'amount' } },
  ProviderUpdated: { provider: 'p', region: 'eu', attributes: {} },
  ProviderJailed: { provider: 'p', until: 5 },
  Transferred: { from: 'a', to: 'b', amount: money },
  StakeBonded: { account: 'a', validator: 'v', amount: money },
  StakeUnbonding: { account: 'a', source: 'v', target: '', amount: money, maturesAt: 5 },
  StakeReleased: { account: 'a', source: 'v', amount: money },
  StakeSlashed: { account: 'a', source: 'v', amount: money, reason: 'r' },
  RewardsWithdrawn: { account: 'a', validator: 'v', amount: money },
  ProposalSubmitted: { proposal: 1, proposer: 'a', endsAt: 5 },
  Voted: { proposal: 1, voter: 'a', choice: 'yes' },
  ProposalEnded: { proposal: 1, outcome: 'passed', effectiveAt: 5 },
  ParameterChanged: { proposal: 1, name: 'feeBase', value: '5' },
  Granted: { grant: 'g', granter: 'a', grantee: 'b' },
  Revoked: { grant: 'g', granter: 'a', grantee: 'b' },
  CandidateRegistered: { candidate: 'a', consensusKey: new Uint8Array(32), commission: 1 },
  ValidatorJailed: { validator: 'v', until: 5, missed: 3, burned: money },
  ValidatorUnjailed: { validator: 'v' },
  ValidatorTombstoned: { validator: 'v', height: 5 },
  OffencePunished: { validator: 'v', offence: 'o', burned: money },
  ValidatorSetChanged: { height: 5, size: 3, power: 7 },
};
const ALL = Object.entries(EVENTS).map(([type, fields]) => ({ type, ...fields }) as Event);

describe('events as JSON', () => {
  it.each(ALL.map(one => [one.type, one] as const))('%s', (_, event) => {
    const text = JSON.stringify(toJson(event));
    const json = JSON.parse(text) as Record<string, unknown>;
    expect(json.type).toBe(event.type);
    for (const [name, value] of Object.entries(event)) {
      if (typeof value !== 'bigint') continue;
      expect(fieldName(name)).toMatch(/_(uakt|pakt_per_s)$/);
      expect(json[fieldName(name)]).toBe(value.toString());
    }
    expect(text).not.toMatch(/"[a-z]+[A-Z]\w*":(?!"amount")/);
  });

  it('say what a number counts, and leave somebody’s words alone', () => {
    expect(toJson(ALL.find(one => one.type === 'OrderOpened'))).toMatchObject({
      match_from_height: 1,
      closes_at_us: 2,
      collateral_uakt: money.toString(),
      infrastructure: {
        reputation_at_least_ppm: 0,
        resources: [{ compute: { cpu_milli: 1_000, memory_bytes: 2 ** 30 }, price_pakt_per_s: '1000000' }],
      },
    });
    expect(toJson(EVENTS.ProviderRegistered)).toEqual({
      provider: 'p',
      region: 'eu',
      attributes: { fooBar: 'amount' },
    });
    expect(toJson(EVENTS.CandidateRegistered)).toMatchObject({ consensus_key: '00'.repeat(32), commission_ppm: 1 });
  });

  it('refuse an amount whose unit nobody knows', () => {
    expect(() => toJson({ secretFund: 5n })).toThrow('secretFund');
    expect(() => toJson({ constructor: 5n })).toThrow('constructor');
    expect(() => toJson({ amount: () => 5n })).toThrow('function');
  });
});

describe('topics', () => {
  it.each([
    ['blocks', true],
    ['events', true],
    ['account/akash1x', true],
    ['region/', true],
    ['governance', true],
    ['account/', false],
    ['constructor', false],
    ['account', false],
    [`book/${'x'.repeat(300)}`, false],
    ['', false],
  ])('%s: %s', (topic, known) => {
    expect(isTopic(topic)).toBe(known);
  });

  it('have the events that were wanted, and no others', () => {
    const lists = byTopic(ALL, new Set(['events', 'payments', 'providers', 'account/t']));
    expect(lists.get('events')).toEqual(ALL);
    expect(lists.get('payments')?.map(one => one.type)).toEqual(['LeasePaid']);
    // Both a group of ours and a topic of the chain: each event once.
    expect(lists.get('providers')?.map(one => one.type)).toEqual([
      'ProviderRegistered',
      'ProviderUpdated',
      'ProviderJailed',
    ]);
    expect(lists.has('orders')).toBe(false);
    expect(namesIn(ALL, address => (address === 'p' ? 'eu-0' : null))).toEqual({ p: 'eu-0' });
  });
});
