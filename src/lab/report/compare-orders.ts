/**
 * What happened to each order, step by step, so that the same order of two runs can be laid side by side. Orders are known
 * by their tenants' names: the same participant has another account in another world.
 *
 * A step is something that decides what comes next: opening, bids, the match, the first confirmation, the end. Payments
 * and later confirmations are no steps; how many there are is a matter of time.
 */
import type { EventRow } from './event-rows.ts';
import { perHour } from './format.ts';
import { friendlyName } from './order-index.ts';

/** Most orders of a run that are kept, and steps of each; what is beyond is counted and left out. */
const MAX_ORDERS = 200_000;
const MAX_STEPS = 400;

export interface OrderSteps {
  /** By the order's name, such as `web-3/2/0/0`, in order of opening. */
  readonly orders: ReadonlyMap<string, readonly string[]>;
  /** Orders and steps that were left out. */
  readonly leftOut: number;
}

function priced(details: string, field: string): string {
  const price = (JSON.parse(details) as Readonly<Record<string, unknown>>)[field];
  return typeof price === 'string' ? perHour(BigInt(price), 'uakt/h') : '?';
}

function reasonIn(details: string): string {
  const { reason } = JSON.parse(details) as { readonly reason?: unknown };
  return typeof reason === 'string' ? reason : '?';
}

/** What an event is as a step of its order, or null. */
function stepOf({ type, participant, details }: EventRow): string | null {
  switch (type) {
    case 'OrderOpened':
      return 'opened';
    case 'FulfillmentPlaced':
      return `bid ${participant} ${priced(details, 'total')}`;
    case 'FulfillmentChosen':
      return `chosen ${participant}`;
    case 'LeaseCreated':
      return `matched ${participant} ${priced(details, 'price')}`;
    case 'LeaseActive':
      return 'active';
    case 'OrderClosed':
      return `closed ${reasonIn(details)}`;
    case 'LeaseClosing':
      return `closing ${reasonIn(details)}`;
    case 'LeaseClosed':
      return 'closed';
    case 'LeaseBroken':
      return 'broken';
    default:
      return null;
  }
}

/**
 * The steps of every order of a run.
 * @throws SyntaxError for details that are no JSON
 */
export function stepsOfOrders(rows: Iterable<EventRow>): OrderSteps {
  const orders = new Map<string, string[]>();
  /** By id; an order's id does not tell its tenant's name. */
  const names = new Map<string, string>();
  let leftOut = 0;
  for (const row of rows) {
    const step = stepOf(row);
    if (step === null) continue;
    if (row.type === 'OrderOpened') {
      if (names.size >= MAX_ORDERS) {
        leftOut += 1;
        continue;
      }
      const name = friendlyName(row.subject, row.participant);
      names.set(row.subject, name);
      orders.set(name, []);
    }
    const steps = orders.get(names.get(row.subject) ?? '');
    if (steps === undefined) continue;
    if (steps.length < MAX_STEPS) steps.push(step);
    else leftOut += 1;
  }
  return { orders, leftOut };
}

export interface OrderDifference {
  readonly order: string;
  /** Place of the first step that differs, from 1. */
  readonly step: number;
  /** What happened there; null: nothing any more. */
  readonly a: string | null;
  readonly b: string | null;
  /** Whether the same things happen in both, in another order. */
  readonly reordered: boolean;
}

export interface OrderComparison {
  readonly both: number;
  readonly alike: number;
  /** Names of orders that only one run has: how many, and the first. */
  readonly onlyA: { readonly count: number; readonly first: string | null };
  readonly onlyB: { readonly count: number; readonly first: string | null };
  /** In order of opening in the first run; at most MAX_DIFFERENCES. */
  readonly differences: readonly OrderDifference[];
  readonly different: number;
  readonly reordered: number;
  readonly leftOut: number;
}

/** Differences that are told one by one. */
const MAX_DIFFERENCES = 1_000;

export function compareOrders(a: OrderSteps, b: OrderSteps): OrderComparison {
  const differences: OrderDifference[] = [];
  let both = 0;
  let different = 0;
  let reordered = 0;
  for (const [order, left] of a.orders) {
    const right = b.orders.get(order);
    if (right === undefined) continue;
    both += 1;
    const difference = firstDifference(order, left, right);
    if (difference === null) continue;
    different += 1;
    if (difference.reordered) reordered += 1;
    if (differences.length < MAX_DIFFERENCES) differences.push(difference);
  }
  return {
    both,
    alike: both - different,
    onlyA: only(a, b),
    onlyB: only(b, a),
    differences,
    different,
    reordered,
    leftOut: a.leftOut + b.leftOut,
  };
}

function only(one: OrderSteps, other: OrderSteps): { count: number; first: string | null } {
  const names = [...one.orders.keys()].filter(name => !other.orders.has(name));
  return { count: names.length, first: names[0] ?? null };
}

function firstDifference(order: string, left: readonly string[], right: readonly string[]): OrderDifference | null {
  const length = Math.max(left.length, right.length);
  for (let i = 0; i < length; i++) {
    if (left[i] === right[i]) continue;
    const reordered = left.length === right.length && left.toSorted().join('\n') === right.toSorted().join('\n');
    return { order, step: i + 1, a: left[i] ?? null, b: right[i] ?? null, reordered };
  }
  return null;
}
