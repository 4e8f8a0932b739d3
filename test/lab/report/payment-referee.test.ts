/**
 * The referee of payments: agrees with whole simulated markets in which everything happens that moves money, and finds
 * every amount that is changed by a single micro-AKASH.
 */
import { describe, expect, test } from 'vitest';
import { runScenario } from '../../../src/lab/experiment/run-scenario.ts';
import type { Cell } from '../../../src/lab/experiment/types.ts';
import type { EventRow } from '../../../src/lab/report/event-rows.ts';
import { judgePayments, type PaymentVerdict, paymentRulesOf } from '../../../src/lab/report/payment-referee.ts';
import { checkProtocolParams, paramsOfChain } from '../../../src/lab/scenario/chain-params.ts';
import { loadScenario } from '../../../src/lab/scenario/load.ts';

/** Little escrow, several leases a deployment, providers that die, tenants that close at any time, a tax. */
const MARKET = `name: money
question: Is every payment as the rules say?
horizon: 2h
chain:
  blockInterval: 3s
  params: { reconfirmationPeriod: 20, resetGrace: 20, leaseTax: 7%, collateralTo: split, collateralSplit: 30% }
providers:
  all:
    count: 6
    region: eu
    capacity: { cpu: 64, memory: 64Gi, disk: 1Ti }
    cost: { cpu: 900000 uakt/h }
    strategy: { costPlus: { margin: { uniform: [0.1, 0.4] } } }
    balance: 10000 akash
    containers: { pull: 0s, start: { uniform: [1s, 40s] }, stop: 1s }
tenants:
  steady:
    count: 6
    balance: 1000 akash
    arrivals: { poisson: { every: 4m } }
    lifetime: { uniform: [10s, 15m] }
    escrow: { periods: 9.7 }
    deployment: &web
      - { persist: true, groups: [{ cpu: 1, memory: 1Gi, price: 2 akash/h, collateral: 1 akash }] }
      - { persist: true, groups: [{ cpu: 2, memory: 1Gi, price: 3 akash/h, collateral: 333333 uakt, count: 3 }] }
      - { groups: [{ cpu: 0.3, memory: 1Gi, price: 1.7 akash/h, collateral: 1 uakt }] }
  poor:
    count: 6
    balance: 1000 akash
    arrivals: { poisson: { every: 4m } }
    lifetime: { uniform: [10s, 15m] }
    escrow: { periods: 1.3 }
    deployment: *web
  fickle:
    count: 6
    balance: 1000 akash
    arrivals: { poisson: { every: 4m } }
    lifetime: 15m
    escrow: { periods: 1.1 }
    behaviour: { closeWhilePending: { probability: 0.5 } }
    deployment: *web
faults:
  - { at: 20m, kind: crash, target: all-0, for: 5m }
  - { at: 40m, kind: crash, target: all-1, for: 5m }
  - { at: 60m, kind: crash, target: all, for: 5m }
observe: { files: [events] }
`;

function run(seed: number, params: Readonly<Record<string, string>> = {}) {
  const overrides = Object.entries(params).map(([name, value]) => `chain.params.${name}=${value}`);
  const options = { checkParams: checkProtocolParams, readFile: () => MARKET, overrides };
  const { scenario } = loadScenario('money.yaml', options);
  const rows: EventRow[] = [];
  const sink = {
    row: (table: string, cells: readonly Cell[]): void => {
      if (table !== 'events') return;
      const [height, time, type, subject, participant, details] = cells as [
        number,
        number,
        string,
        string,
        string,
        string,
      ];
      rows.push({ height, time, type, subject, participant, details });
    },
  };
  const { summary } = runScenario({ scenario, seed, trace: null, sink }, { ed25519: null });
  const rules = paymentRulesOf({ ...paramsOfChain(scenario.chain) });
  return { rows, rules, summary };
}

function expectRight({ payments, right, others, othersRight, wrong }: PaymentVerdict): void {
  expect(wrong).toEqual([]);
  expect([right, othersRight]).toEqual([payments, others]);
  expect(Math.min(payments, others)).toBeGreaterThan(100);
}

describe('payments of whole markets', () => {
  test.each([1, 2, 3])('are as the rules say, seed %i', seed => {
    const { rows, rules, summary } = run(seed);
    expectRight(judgePayments(rows, rules));
    // All that moves money did happen.
    for (const name of ['leases_broken', 'leases_renewed', 'leases_tenant_closed', 'leases_insufficient_funds'])
      expect(Number(summary[name]), name).toBeGreaterThan(0);
    for (const name of ['tax_uakt', 'burned_uakt', 'unpaid_uakt'])
      expect(Number(summary[name]), name).toBeGreaterThan(0);
  });

  test.each([
    { settlement: 'per_block' },
    { pendingClose: 'free' },
    { collateralTo: 'burn' },
    { collateralTo: 'tenant' },
  ])('are as the rules say with %o', params => {
    const { rows, rules } = run(4, params);
    expectRight(judgePayments(rows, rules));
  });
});

describe('an amount that is wrong', () => {
  const { rows, rules } = run(5);
  const more = (text: unknown): string => String(BigInt(String(text)) + 1n);
  /** The run with one field of the event in the middle of its kind changed: raised by one micro-AKASH, if not otherwise. */
  const doctored = (type: string, field: string, change = more): PaymentVerdict => {
    const kind = rows.filter(one => one.type === type);
    const chosen = kind[Math.floor(kind.length / 2)];
    if (chosen === undefined) throw new Error(`found no ${type}, expected some`);
    const details = JSON.parse(chosen.details) as Record<string, unknown>;
    const changed = { ...chosen, details: JSON.stringify({ ...details, [field]: change(details[field]) }) };
    return judgePayments(
      rows.map(one => (one === chosen ? changed : one)),
      rules,
    );
  };

  test.each([
    ['LeasePaid', 'amount', 'a payment'],
    ['LeasePaid', 'tax', 'the lease tax'],
    ['LeaseClosing', 'unpaid', 'what stayed unpaid'],
    ['LeaseClosed', 'collateral', 'collateral that returned'],
    ['LeaseBroken', 'forfeited', 'the forfeit'],
    ['LeaseBroken', 'toTenant', 'the forfeit to the tenant'],
    ['LeaseBroken', 'burned', 'the forfeit that was burned'],
    ['LeaseBroken', 'unpaid', 'what stayed unpaid'],
    ['LeaseCreated', 'collateral', 'collateral that was posted'],
    ['DeploymentClosing', 'refund', 'escrow that returned'],
  ])('is found: %s, %s', (type, field, what) => {
    const { wrong } = doctored(type, field);
    expect(wrong[0]).toMatchObject({ what });
    expect(wrong[0]!.found - wrong[0]!.expected).toBe(1n);
  });

  test('is found where a payment is missing, or the price was another one', () => {
    const payment = rows.find(one => one.type === 'LeasePaid');
    const missing = judgePayments(
      rows.filter(one => one !== payment),
      rules,
    );
    expect(missing.wrong[0]).toMatchObject({ about: payment!.subject, what: 'a payment', found: 0n });
    const { payments, right } = doctored('LeaseCreated', 'price', price => String(2n * BigInt(String(price))));
    expect(right).toBeLessThan(payments);
    expect(judgePayments(rows, { ...rules, leaseTax: rules.leaseTax + 1_000 }).right).toBeLessThan(payments);
    expect(judgePayments(rows, { ...rules, reconfirmationPeriod: 5 }).wrong).not.toEqual([]);
  });

  test('of a lease that nobody made is refused', () => {
    const orphan = { ...rows.find(one => one.type === 'LeasePaid')!, subject: 'nobody/0/0/0' };
    expect(() => judgePayments([orphan], rules)).toThrow('found an event of the lease nobody/0/0/0');
  });
});
