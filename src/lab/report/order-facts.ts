/**
 * The facts of one order, gathered from the events of a run: what was asked, every bid and what became of it, the
 * lease, its payments and its end. How they are told is order-story.ts's business.
 */
import { z } from 'zod';
import type { EventRow } from './event-rows.ts';
import { deploymentOfOrder, type FoundOrder, friendlyName } from './order-index.ts';

const amount = z.string().transform(BigInt);

const compute = z.object({
  cpu: z.number(),
  memory: z.number(),
  disk: z.number(),
  bandwidth: z.number(),
  gpu: z.number(),
});
const resources = z.array(z.object({ compute, price: amount, collateral: amount, count: z.number() }));

const opened = z.object({
  tenant: z.string(),
  infrastructure: z.object({
    region: z.string(),
    persist: z.boolean(),
    resources,
    attributes: z.record(z.string(), z.string()),
    reputationAtLeast: z.number(),
  }),
  matchFrom: z.number(),
  closesAt: z.number(),
  collateral: amount,
});
const placed = z.object({ fulfillment: z.string(), provider: z.string(), total: amount });
const closedBid = z.object({ fulfillment: z.string(), reason: z.string() });
const failed = z.object({ account: z.string(), message: z.string(), code: z.string(), detail: z.string() });
const created = z.object({
  fulfillment: z.string(),
  tenant: z.string(),
  provider: z.string(),
  price: amount,
  maximum: amount,
  collateral: amount,
});
const paid = z.object({ amount, tax: amount });
const closing = z.object({ reason: z.string(), unpaid: amount });
const closed = z.object({ reason: z.string(), collateral: amount, resetConfirmed: z.boolean() });
const broken = z.object({
  forfeited: amount,
  toTenant: amount,
  burned: amount,
  stakeSlashed: amount,
  unpaid: amount,
  renewed: z.boolean(),
});
const orderClosed = z.object({ reason: z.string() });
const chosen = z.object({ provider: z.string() });
const submitted = z.object({ escrow: amount });
const deposited = z.object({ from: z.string(), amount, escrow: amount });
const deploymentClosing = z.object({ reason: z.string(), refund: amount });

/** When something happened. */
export interface Moment {
  readonly height: number;
  /** simulated seconds */
  readonly time: number;
}

export interface Bid extends Moment {
  readonly provider: string;
  /** pico-AKASH per second for everything */
  readonly total: bigint;
  /** won, lost, replaced, cancelled, ineligible: ..., order_closed; open when the run ended before the order. */
  outcome: string;
  ended: Moment | null;
}

/** A transaction about the order that was refused. */
export interface Refused extends Moment {
  readonly account: string;
  readonly message: string;
  readonly code: string;
  readonly detail: string;
}

export interface Payment extends Moment {
  readonly amount: bigint;
  readonly tax: bigint;
}

export interface Lease extends Moment, z.infer<typeof created> {
  active: Moment | null;
  readonly confirmations: Moment[];
  readonly payments: Payment[];
  closing: (Moment & z.infer<typeof closing>) | null;
  closed: (Moment & z.infer<typeof closed>) | null;
  broken: (Moment & z.infer<typeof broken>) | null;
}

export interface OrderFacts {
  readonly id: string;
  readonly name: string;
  opened: (Moment & z.infer<typeof opened>) | null;
  /** In the order in which they were placed. */
  readonly bids: Bid[];
  readonly refused: Refused[];
  /** Providers that the tenant chose, under rules where it may. */
  readonly chosen: (Moment & { readonly provider: string })[];
  lease: Lease | null;
  closed: (Moment & { readonly reason: string }) | null;
  /** The order that took its place after a broken lease. */
  next: { readonly name: string; readonly opened: Moment; end: (Moment & { readonly text: string }) | null } | null;
  escrow: (Moment & { readonly amount: bigint }) | null;
  readonly deposits: (Moment & z.infer<typeof deposited>)[];
  deploymentClosing: (Moment & z.infer<typeof deploymentClosing>) | null;
  /** Rows that went into this, as they stand in the file. */
  readonly rows: EventRow[];
}

/** Gathers the facts of an order in one pass. */
export function factsOf(rows: Iterable<EventRow>, order: FoundOrder): OrderFacts {
  const deployment = deploymentOfOrder(order.id);
  const next = nextOrder(order.id);
  const facts: OrderFacts = {
    id: order.id,
    name: order.name,
    opened: null,
    bids: [],
    refused: [],
    chosen: [],
    lease: null,
    closed: null,
    next: null,
    escrow: null,
    deposits: [],
    deploymentClosing: null,
    rows: [],
  };
  const bids = new Map<string, Bid>();
  for (const row of rows) {
    if (row.subject === order.id) ofOrder(facts, bids, row);
    else if (row.subject === deployment) ofDeployment(facts, row);
    else if (row.subject === next) ofNext(facts, row);
  }
  return facts;
}

/** `tenant/nonce/group/sequence` with the next sequence. */
function nextOrder(id: string): string {
  const slash = id.lastIndexOf('/');
  return `${id.slice(0, slash + 1)}${Number(id.slice(slash + 1)) + 1}`;
}

function ofOrder(facts: OrderFacts, bids: Map<string, Bid>, row: EventRow): void {
  const { height, time } = row;
  const at = { height, time };
  const details: unknown = JSON.parse(row.details);
  const { lease } = facts;
  facts.rows.push(row);
  switch (row.type) {
    case 'OrderOpened':
      facts.opened = { ...at, ...opened.parse(details) };
      break;
    case 'FulfillmentPlaced': {
      const { fulfillment, provider, total } = placed.parse(details);
      const bid: Bid = { ...at, provider, total, outcome: 'open', ended: null };
      bids.set(fulfillment, bid);
      facts.bids.push(bid);
      break;
    }
    case 'FulfillmentClosed': {
      const { fulfillment, reason } = closedBid.parse(details);
      const bid = bids.get(fulfillment);
      if (bid !== undefined) Object.assign(bid, { outcome: reason, ended: at });
      break;
    }
    case 'FulfillmentChosen':
      facts.chosen.push({ ...at, ...chosen.parse(details) });
      break;
    case 'TransactionFailed':
      facts.refused.push({ ...at, ...failed.parse(details) });
      break;
    case 'LeaseCreated': {
      const parsed = created.parse(details);
      const winner = bids.get(parsed.fulfillment);
      if (winner !== undefined) Object.assign(winner, { outcome: 'won', ended: at });
      const ends = { active: null, confirmations: [], payments: [], closing: null, closed: null, broken: null };
      facts.lease = { ...at, ...parsed, ...ends };
      break;
    }
    case 'LeaseActive':
      if (lease !== null) lease.active = at;
      break;
    case 'LeaseConfirmed':
      lease?.confirmations.push(at);
      break;
    case 'LeasePaid':
      lease?.payments.push({ ...at, ...paid.parse(details) });
      break;
    case 'LeaseClosing':
      if (lease !== null) lease.closing = { ...at, ...closing.parse(details) };
      break;
    case 'LeaseClosed':
      if (lease !== null) lease.closed = { ...at, ...closed.parse(details) };
      break;
    case 'LeaseBroken':
      if (lease !== null) lease.broken = { ...at, ...broken.parse(details) };
      break;
    case 'OrderClosed':
      facts.closed = { ...at, ...orderClosed.parse(details) };
      break;
    default:
  }
}

function ofDeployment(facts: OrderFacts, row: EventRow): void {
  const { height, time } = row;
  const at = { height, time };
  const details: unknown = JSON.parse(row.details);
  facts.rows.push(row);
  if (row.type === 'DeploymentSubmitted') facts.escrow = { ...at, amount: submitted.parse(details).escrow };
  if (row.type === 'EscrowDeposited') facts.deposits.push({ ...at, ...deposited.parse(details) });
  if (row.type === 'DeploymentClosing') facts.deploymentClosing = { ...at, ...deploymentClosing.parse(details) };
}

function ofNext(facts: OrderFacts, row: EventRow): void {
  const { height, time } = row;
  const at = { height, time };
  if (row.type === 'OrderOpened') {
    facts.next = { name: friendlyName(row.subject, row.participant), opened: at, end: null };
  } else if (row.type === 'LeaseCreated' && facts.next !== null) {
    facts.next.end = { ...at, text: `matched to ${row.participant}` };
  } else if (row.type === 'OrderClosed' && facts.next !== null) {
    facts.next.end = {
      ...at,
      text: `closed: ${orderClosed.parse(JSON.parse(row.details)).reason.replaceAll('_', ' ')}`,
    };
  }
}
