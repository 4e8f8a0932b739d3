/** Events of one order as rows, written as the runner writes them. */
import type { EventRow } from '../../../src/lab/report/event-rows.ts';

export const TENANT = 'akash1tenant';
export const ORDER = `${TENANT}/4/0/0`;
export const NEXT = `${TENANT}/4/0/1`;

/** A row of events.csv. `details` are its fields; bigint as text, as in the file. */
export function row(height: number, type: string, subject: string, who: string, details: object): EventRow {
  const text = JSON.stringify(details, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
  return { height, time: height * 6, type, subject, participant: who, details: text };
}

export function opened(height: number, id = ORDER, changes: object = {}): EventRow {
  const compute = { cpu: 2000, memory: 4 * 2 ** 30, disk: 0, bandwidth: 0, gpu: 500 };
  const resources = [{ compute, price: 250_000n, collateral: 2_000_000n, count: 2 }];
  const infrastructure = { region: 'eu', persist: true, resources, attributes: {}, reputationAtLeast: 0, ...changes };
  return row(height, 'OrderOpened', id, 'web-3', {
    order: id,
    tenant: 'web-3',
    infrastructure,
    matchFrom: height + 3,
    closesAt: (height * 6 + 60) * 1e6,
    collateral: 4_000_000n,
  });
}

/** A bid, in pico-AKASH per second; `attempt` tells bids of one provider apart. */
export function placed(height: number, provider: string, total: bigint, attempt = 0): EventRow {
  const fulfillment = `${ORDER}/akash1${provider}/${attempt}`;
  const fields = { fulfillment, order: ORDER, provider, region: 'eu', total, collateral: 4_000_000n, position: 0 };
  return row(height, 'FulfillmentPlaced', ORDER, provider, fields);
}

export function bidClosed(height: number, provider: string, reason: string, attempt = 0): EventRow {
  const fulfillment = `${ORDER}/akash1${provider}/${attempt}`;
  return row(height, 'FulfillmentClosed', ORDER, provider, { fulfillment, order: ORDER, provider, reason, total: 0n });
}

export function refused(
  height: number,
  account: string,
  code: string,
  detail: string,
  message = 'SubmitFulfillment',
): EventRow {
  return row(height, 'TransactionFailed', ORDER, account, { account, nonce: 1, message, code, detail, object: ORDER });
}

export function leased(height: number, provider: string, price: bigint): EventRow {
  return row(height, 'LeaseCreated', ORDER, provider, {
    lease: ORDER,
    fulfillment: `${ORDER}/akash1${provider}/0`,
    tenant: 'web-3',
    provider,
    region: 'eu',
    resources: [],
    price,
    maximum: 500_000n,
    collateral: 4_000_000n,
    bids: 3,
  });
}

export function active(height: number, provider: string): EventRow {
  return row(height, 'LeaseActive', ORDER, provider, { lease: ORDER, tenant: 'web-3', provider });
}

/** A confirmation and the payment that comes with it. */
export function confirmed(height: number, provider: string, amount: bigint): EventRow[] {
  const paid = { lease: ORDER, tenant: 'web-3', provider, amount, tax: amount / 10n, paid: amount };
  return [
    row(height, 'LeasePaid', ORDER, provider, paid),
    row(height, 'LeaseConfirmed', ORDER, provider, { lease: ORDER, tenant: 'web-3', provider }),
  ];
}

export function broken(height: number, provider: string, renewed: boolean): EventRow {
  return row(height, 'LeaseBroken', ORDER, provider, {
    lease: ORDER,
    tenant: 'web-3',
    provider,
    forfeited: 4_000_000n,
    toTenant: 3_000_000n,
    burned: 1_000_000n,
    stakeSlashed: 0n,
    unpaid: 77n,
    renewed,
  });
}
