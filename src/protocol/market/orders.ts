/**
 * Orders and the bids on them: opening, bidding, withdrawing, closing (MARKET rules, section 3).
 *
 * An open order sits in two due-indexes: by block time for its expiry, and, while it holds bids, by height for its
 * match. Both are kept exact here, so that a block finds what is due without looking at anything else.
 */

import { excerpt } from '../model/events.ts';
import { type Deployment, Fulfillment, Order, type Slot } from '../model/market-rows.ts';
import type { MessageOf } from '../model/messages.ts';
import { fulfillmentId, orderId, totalCollateral, totalPrice } from '../model/objects.ts';
import { type Refusal, refuse, type State } from '../model/state.ts';
import { faultOfBid } from './eligibility.ts';
import { compareBids, matchingRule } from './matching.ts';

export type OrderCloseReason = 'expired' | 'insufficient_funds' | 'tenant_closed' | 'removed';

/** Kinds of things that fall due. */
export const DUE = {
  match: 'match',
  expiry: 'expiry',
  stale: 'stale',
  reset: 'reset',
  closed: 'closed',
  exhaustion: 'exhaustion',
} as const;

/** Replaces what stands in one slot of a deployment. */
export function setSlot(state: State, deployment: string, slot: Slot): void {
  const row = state.deployments.edit(deployment);
  row.slots = row.slots.map(old => (old.group === slot.group ? slot : old));
}

/** Opens the next order for a slot. Whoever calls has made sure that neither an order nor a lease stands there. */
export function openOrder(state: State, deployment: Readonly<Deployment>, slot: Slot): Order {
  const sequence = slot.sequence + 1;
  const id = orderId(deployment.id, slot.group, sequence);
  const collateral = totalCollateral(slot.infrastructure.resources, state.params.collateralBasis);
  const order = new Order(id, deployment, slot, state.nextSequence(), state.height, state.time, collateral);
  order.expiryDue = state.dueAtTime.add(order.closesAt, order.sequence, DUE.expiry, id);
  state.orders.insert(order);
  setSlot(state, deployment.id, { ...slot, sequence, stands: 'order' });
  state.emit({
    type: 'OrderOpened',
    order: id,
    tenant: order.tenant,
    infrastructure: order.infrastructure,
    matchFrom: order.matchFrom,
    closesAt: order.closesAt,
    collateral,
  });
  return order;
}

/** Ends an open bid: its collateral returns. The order's own list is the caller's to mend. */
function closeFulfillment(state: State, order: Readonly<Order>, bid: Readonly<Fulfillment>, reason: string): void {
  state.releaseCollateral(bid.provider, bid.collateral);
  state.fulfillments.remove(bid.id);
  state.emit({
    type: 'FulfillmentClosed',
    fulfillment: bid.id,
    order: order.id,
    provider: bid.provider,
    region: order.infrastructure.region,
    total: bid.total,
    reason: excerpt(reason),
  });
}

/** Takes an order out of the state; its bids but `except` close with `bidReason`. */
export function removeOrder(state: State, order: Readonly<Order>, except: string, bidReason: string): void {
  for (const id of order.fulfillments) {
    if (id !== except) closeFulfillment(state, order, state.fulfillments.need(id), bidReason);
  }
  if (order.matchDue !== null) order.matchDue.index.remove(order.matchDue);
  if (order.expiryDue !== null) order.expiryDue.index.remove(order.expiryDue);
  state.orders.remove(order.id);
}

/** Closes an order that will not be matched; what stood in its slot has ended. */
export function closeOrder(state: State, order: Readonly<Order>, reason: OrderCloseReason): void {
  removeOrder(state, order, '', 'order_closed');
  const slot = slotOf(state.deployments.need(order.deployment), order.group);
  setSlot(state, order.deployment, { ...slot, stands: 'ended' });
  const region = order.infrastructure.region;
  state.emit({ type: 'OrderClosed', order: order.id, tenant: order.tenant, region, reason });
}

export function slotOf(deployment: Readonly<Deployment>, group: number): Slot {
  const slot = deployment.slots.find(one => one.group === group);
  if (slot === undefined) throw new Error(`deployment ${deployment.id} has no slot ${group}`);
  return slot;
}

/** Gives up the bids that are not eligible any more, so that the order goes on without them. */
export function releaseIneligible(state: State, order: Readonly<Order>, faults: ReadonlyMap<string, string>): void {
  const row = state.orders.edit(order.id);
  for (const id of faults.keys()) {
    const { provider, total } = state.fulfillments.need(id);
    row.withdrawn = [...row.withdrawn, { provider, total, cancelled: false }];
    if (row.chosen === provider) row.chosen = '';
  }
  for (const [id, fault] of faults) closeFulfillment(state, order, state.fulfillments.need(id), `ineligible: ${fault}`);
  row.fulfillments = row.fulfillments.filter(id => !faults.has(id));
  scheduleOrder(state, row);
}

/** Keeps the due-indexes true to whether the order holds bids. */
function scheduleOrder(state: State, order: Order): void {
  const rule = matchingRule(state.params.matchingRule);
  const mayMatch = order.fulfillments.length > 0 && (!rule.needsChoice || order.chosen !== '');
  if (mayMatch && order.matchDue === null) {
    const due = Math.max(order.matchFrom, state.height + 1);
    order.matchDue = state.dueAtHeight.add(due, order.sequence, DUE.match, order.id);
  } else if (!mayMatch && order.matchDue !== null) {
    order.matchDue.index.remove(order.matchDue);
    order.matchDue = null;
  }
  if (!mayMatch && order.expiryDue === null) {
    order.expiryDue = state.dueAtTime.add(order.closesAt, order.sequence, DUE.expiry, order.id);
    order.lapsed = false;
  }
}

/**
 * The order's time has come and the block had no room for its expiry: from now on it is due since this height, so that
 * what falls due later does not overtake it.
 */
export function keepExpiryDue(state: State, orderKey: string): void {
  const order = state.orders.edit(orderKey);
  if (order.expiryDue !== null) order.expiryDue.index.remove(order.expiryDue);
  order.expiryDue = state.dueAtHeight.add(state.height, order.sequence, DUE.expiry, order.id);
}

/** Puts every open order where a changed matching rule wants it. */
export function rescheduleOrders(state: State): void {
  for (const { id } of state.orders.sorted()) scheduleOrder(state, state.orders.edit(id));
}

/** The block's time has reached the order's, and an eligible bid is there: it now stays until its match decides. */
export function lapseOrder(state: State, orderKey: string): void {
  const order = state.orders.edit(orderKey);
  if (order.expiryDue !== null) order.expiryDue.index.remove(order.expiryDue);
  order.expiryDue = null;
  order.lapsed = true;
}

/** An open bid of a provider on an order, if it has one. */
export function bidOf(state: State, order: Readonly<Order>, provider: string): Readonly<Fulfillment> | undefined {
  for (const id of order.fulfillments) {
    const bid = state.fulfillments.need(id);
    if (bid.provider === provider) return bid;
  }
  return undefined;
}

/**
 * The bid that a full book gives up for a cheaper one: the highest total, then the latest. A bid placed when matching
 * was due already can only push out another such bid, because it may not decide against one placed before.
 */
function worstBid(state: State, order: Readonly<Order>): Readonly<Fulfillment> | undefined {
  let worst: Readonly<Fulfillment> | undefined;
  for (const id of order.fulfillments) {
    const bid = state.fulfillments.need(id);
    if (state.height >= order.matchFrom && bid.height < order.matchFrom) continue;
    if (worst === undefined || compareBids(bid, worst) > 0) worst = bid;
  }
  return worst;
}

/** Posts collateral and places a bid (paper, section 3.3, SubmitFulfillment). */
export function submitFulfillment(state: State, provider: string, msg: MessageOf<'SubmitFulfillment'>): Refusal | null {
  const order = state.orders.get(msg.order);
  if (order === undefined) return refuse('order_not_open', `there is no open order ${msg.order}`);
  if (state.time >= order.closesAt) {
    return refuse('order_not_open', `bids were accepted before ${order.closesAt} us, it is ${state.time}`);
  }
  if (bidOf(state, order, provider) !== undefined)
    return refuse('has_bid', 'the provider has an open bid on this order');
  const fault = faultOfBid(state, order, state.providers.get(provider), msg.resources);
  if (fault !== null) return refuse('ineligible', fault);
  const total = totalPrice(msg.resources);
  let replaced: Readonly<Fulfillment> | undefined;
  if (order.fulfillments.length >= state.params.maxFulfillments) {
    replaced = worstBid(state, order);
    if (replaced === undefined || total >= replaced.total) {
      const bar = replaced === undefined ? 'earlier bids decide' : `a bid below ${replaced.total} is expected`;
      return refuse('order_full', `the order holds ${order.fulfillments.length} bids; ${bar}, found ${total}`);
    }
  }
  const balance = state.balanceOf(provider);
  if (balance < order.collateral) {
    return refuse('insufficient_collateral', `collateral is ${order.collateral} uakt, the balance is ${balance}`);
  }
  placeBid(state, order.id, provider, msg, total, replaced);
  return null;
}

function placeBid(
  state: State,
  orderKey: string,
  provider: string,
  msg: MessageOf<'SubmitFulfillment'>,
  total: bigint,
  replaced: Readonly<Fulfillment> | undefined,
): void {
  const order = state.orders.edit(orderKey);
  if (replaced !== undefined) {
    closeFulfillment(state, order, replaced, 'replaced');
    order.fulfillments = order.fulfillments.filter(id => id !== replaced.id);
    if (order.chosen === replaced.provider) order.chosen = '';
    order.withdrawn = [...order.withdrawn, { provider: replaced.provider, total: replaced.total, cancelled: false }];
  }
  let attempt = 0;
  for (const bid of order.withdrawn) if (bid.provider === provider) attempt += 1;
  const id = fulfillmentId(order.id, provider, attempt);
  const bid = new Fulfillment(id, order, provider, msg.resources, total, state.height, state.position);
  state.lockCollateral(provider, order.collateral);
  state.fulfillments.insert(bid);
  order.fulfillments = [...order.fulfillments, id];
  scheduleOrder(state, order);
  state.emit({
    type: 'FulfillmentPlaced',
    fulfillment: id,
    order: order.id,
    provider,
    region: order.infrastructure.region,
    total,
    collateral: order.collateral,
    position: state.position,
  });
}

/** Withdraws a bid before it is matched; the provider may bid again. */
export function cancelFulfillment(state: State, provider: string, msg: MessageOf<'CancelFulfillment'>): Refusal | null {
  const found = state.orders.get(msg.order);
  if (found === undefined) return refuse('order_not_open', `there is no open order ${msg.order}`);
  const bid = bidOf(state, found, provider);
  if (bid === undefined) return refuse('no_bid', 'the provider has no open bid on this order');
  const order = state.orders.edit(msg.order);
  closeFulfillment(state, order, bid, 'cancelled');
  order.fulfillments = order.fulfillments.filter(id => id !== bid.id);
  order.withdrawn = [...order.withdrawn, { provider, total: bid.total, cancelled: true }];
  if (order.chosen === provider) order.chosen = '';
  scheduleOrder(state, order);
  return null;
}

/** Under the `tenant-chosen` rule, the tenant names the provider that shall win. */
export function chooseFulfillment(state: State, tenant: string, msg: MessageOf<'ChooseFulfillment'>): Refusal | null {
  const rule = state.params.matchingRule;
  if (!matchingRule(rule).needsChoice) return refuse('rule_decides', `under ${rule} the rule decides, not the tenant`);
  const found = state.orders.get(msg.order);
  if (found === undefined) return refuse('order_not_open', `there is no open order ${msg.order}`);
  if (found.tenant !== tenant) return refuse('not_owner', `the order belongs to ${found.tenant}`);
  if (bidOf(state, found, msg.provider) === undefined) return refuse('no_bid', `${msg.provider} has no open bid`);
  const order = state.orders.edit(msg.order);
  order.chosen = msg.provider;
  scheduleOrder(state, order);
  state.emit({ type: 'FulfillmentChosen', order: msg.order, provider: msg.provider, tenant });
  return null;
}
