/**
 * The decision on one order: computed from state by everyone alike, executed as a facilitation message.
 */

import type { Fulfillment, Order } from '../model/market-rows.ts';
import type { Facilitation } from '../model/messages.ts';
import { type ResourceGroup, totalPrice } from '../model/objects.ts';
import { type Refusal, refuse, type State } from '../model/state.ts';
import { faultOfFulfillment } from './eligibility.ts';
import { createLease, onePeriod } from './leases.ts';
import { type Bid, matchingRule } from './matching.ts';
import { closeOrder, releaseIneligible } from './orders.ts';
import { freeEscrow } from './settlement.ts';

export type MatchOutcome =
  | { readonly kind: 'lease'; readonly fulfillment: string; readonly resources: readonly ResourceGroup[] }
  | { readonly kind: 'insufficient_funds' }
  /** No match, and bids that are not eligible: they are released, and the order goes on, or expires when its time has passed. */
  | { readonly kind: 'ineligible'; readonly faults: ReadonlyMap<string, string> }
  /** The rule finds no match among eligible bids. */
  | { readonly kind: 'none' };

/** The eligible bids of an order, and why the others are not. */
export function eligibleBids(
  state: State,
  order: Readonly<Order>,
): { bids: Readonly<Fulfillment>[]; faults: Map<string, string> } {
  const bids: Readonly<Fulfillment>[] = [];
  const faults = new Map<string, string>();
  for (const id of order.fulfillments) {
    const bid = state.fulfillments.need(id);
    const fault = faultOfFulfillment(state, order, bid);
    if (fault === null) bids.push(bid);
    else faults.set(id, fault);
  }
  return { bids, faults };
}

/** Bids placed when matching was due already compete only if no eligible one was placed before. */
function competing(order: Readonly<Order>, bids: readonly Readonly<Fulfillment>[]): readonly Readonly<Fulfillment>[] {
  const early = bids.filter(bid => bid.height < order.matchFrom);
  return early.length > 0 ? early : bids;
}

/** What becomes of an order now. Pure: reads state and changes nothing. */
export function decideOrder(state: State, order: Readonly<Order>): MatchOutcome {
  const { bids, faults } = eligibleBids(state, order);
  if (bids.length === 0) return faults.size === 0 ? { kind: 'none' } : { kind: 'ineligible', faults };
  const rule = matchingRule(state.params.matchingRule);
  // Where the tenant picks, its word decides and not the time of a bid.
  const field = rule.needsChoice ? bids : competing(order, bids);
  const book = {
    maximum: totalPrice(order.infrastructure.resources),
    chosen: order.chosen,
    withdrawn: order.withdrawn.filter(bid => bid.cancelled),
  };
  const match = rule.choose(book, field as readonly Bid[]);
  // A rule without a match among the eligible may have wanted one of the others.
  if (match === null) return faults.size > 0 ? { kind: 'ineligible', faults } : { kind: 'none' };
  const priced = match.pricedBy === null ? order.infrastructure : state.fulfillments.need(match.pricedBy);
  const need = onePeriod(state, totalPrice(priced.resources));
  if (freeEscrow(state, state.deployments.need(order.deployment)) < need) return { kind: 'insufficient_funds' };
  return { kind: 'lease', fulfillment: match.winner, resources: priced.resources };
}

/** Executes a match that a block claims: recomputed, so that a wrong one makes the block invalid. */
export function submitLease(state: State, msg: Extract<Facilitation, { type: 'SubmitLease' }>): Refusal | null {
  const order = state.orders.get(msg.order);
  if (order === undefined) return refuse('order_not_open', `there is no open order ${msg.order}`);
  const outcome = decideOrder(state, order);
  if (outcome.kind !== 'lease') return refuse('no_match', `the order's outcome is ${outcome.kind}`);
  if (outcome.fulfillment !== msg.fulfillment) return refuse('wrong_match', `the winner is ${outcome.fulfillment}`);
  createLease(state, order, state.fulfillments.need(outcome.fulfillment), outcome);
  return null;
}

/** Gives up the ineligible bids of an order that found no eligible one. */
export function releaseFulfillments(
  state: State,
  msg: Extract<Facilitation, { type: 'ReleaseFulfillments' }>,
): Refusal | null {
  const order = state.orders.get(msg.order);
  if (order === undefined) return refuse('order_not_open', `there is no open order ${msg.order}`);
  const outcome = decideOrder(state, order);
  if (outcome.kind !== 'ineligible') return refuse('eligible', `the order's outcome is ${outcome.kind}`);
  releaseIneligible(state, order, outcome.faults);
  return null;
}

/** Closes an order for want of bids in time, or of funds. */
export function closeDueOrder(state: State, msg: Extract<Facilitation, { type: 'CloseOrder' }>): Refusal | null {
  const order = state.orders.get(msg.order);
  if (order === undefined) return refuse('order_not_open', `there is no open order ${msg.order}`);
  closeOrder(state, order, msg.reason);
  return null;
}
