/**
 * Facilitation: what is due in a block, whoever proposes it.
 *
 * `dueFacilitation` is a pure function of the parent state and of the block's height and time: exhausted escrows first,
 * because nobody may overdraw; then due matches, stale leases, expiries and closings, in order of due height, then of
 * creation. A block begins with exactly the first of them (chain/execute.ts); so a proposer can neither delay a match
 * nor take a last look.
 */
import type { DueItem } from '../ledger/due-index.ts';
import { compareDue } from '../ledger/due-index.ts';
import type { Order } from '../model/market-rows.ts';
import type { Facilitation } from '../model/messages.ts';
import type { Refusal, State } from '../model/state.ts';
import { closeExhausted, deploymentClosed, isExhausted } from './deployments.ts';
import { breakLease, expireReset } from './leases.ts';
import { closeDueOrder, decideOrder, eligibleBids, releaseFulfillments, submitLease } from './match.ts';
import { matchingRule } from './matching.ts';
import { DUE, keepExpiryDue, lapseOrder } from './orders.ts';
import { isStale } from './settlement.ts';

export interface DueFacilitation {
  /** Not subject to the limit: a block that skipped one would overdraw an escrow. */
  readonly exhausted: readonly Facilitation[];
  readonly due: readonly Facilitation[];
}

/**
 * What is due at (height, time), computed from the state after the parent block. Leaves the state as it found it.
 */
export function dueFacilitation(state: State, height: number, time: number): DueFacilitation {
  return state.at(height, time, () => collectDue(state, height, time));
}

function collectDue(state: State, height: number, time: number): DueFacilitation {
  const exhausted: Facilitation[] = [];
  const ending = new Set<string>();
  const items: DueItem[] = state.dueAtHeight.peek(height);
  let timed = false;
  for (const item of state.dueAtTime.peek(time)) {
    if (item.kind === DUE.exhaustion) {
      if (!isExhausted(state, state.deployments.need(item.key), time)) continue;
      ending.add(item.key);
      // A stale lease is broken, not closed: its unconfirmed stretch stays unpaid even when the escrow ends with it.
      for (const lease of state.deployments.need(item.key).leases) {
        if (isStale(state, state.leases.need(lease))) exhausted.push({ type: 'SubmitStaleLease', lease });
      }
      exhausted.push({ type: 'CloseExhausted', deployment: item.key });
    } else if (item.kind === DUE.expiry) {
      // What a clock brings is due from the first height that reaches it, which is this one.
      items.push({ ...item, due: height });
      timed = true;
    }
  }
  if (timed) items.sort(compareDue);
  const due: Facilitation[] = [];
  const seen = new Set<string>();
  for (const item of items) {
    const message = messageFor(state, item, ending);
    if (message === null) continue;
    if ('order' in message) {
      // Match and expiry of one order may fall due together: the first of them decides.
      if (seen.has(message.order)) continue;
      seen.add(message.order);
    }
    due.push(message);
  }
  return { exhausted, due };
}

function messageFor(state: State, item: DueItem, ending: ReadonlySet<string>): Facilitation | null {
  switch (item.kind) {
    case DUE.match:
    case DUE.expiry: {
      const order = state.orders.need(item.key);
      if (ending.has(order.deployment)) return null;
      return item.kind === DUE.match ? matchMessage(state, order) : expiryMessage(state, order);
    }
    case DUE.stale: {
      const lease = state.leases.need(item.key);
      return ending.has(lease.deployment) ? null : { type: 'SubmitStaleLease', lease: item.key };
    }
    case DUE.reset:
      return { type: 'ExpireReset', lease: item.key };
    case DUE.closed:
      return { type: 'DeploymentClosed', deployment: item.key };
    default:
      // Maturing stake and ending votes are no facilitation: they happen by themselves.
      return null;
  }
}

function matchMessage(state: State, order: Readonly<Order>): Facilitation | null {
  const outcome = decideOrder(state, order);
  switch (outcome.kind) {
    case 'lease':
      return { type: 'SubmitLease', order: order.id, fulfillment: outcome.fulfillment };
    case 'insufficient_funds':
      return { type: 'CloseOrder', order: order.id, reason: 'insufficient_funds' };
    case 'ineligible':
      return order.lapsed
        ? { type: 'CloseOrder', order: order.id, reason: 'expired' }
        : { type: 'ReleaseFulfillments', order: order.id };
    case 'none':
      return null;
  }
}

function expiryMessage(state: State, order: Readonly<Order>): Facilitation | null {
  const waits = staysBeyondItsTime(state, order);
  return waits ? null : { type: 'CloseOrder', order: order.id, reason: 'expired' };
}

/** An order with an eligible bid stays until matched; under a rule that waits for its tenant, only once it chose. */
function staysBeyondItsTime(state: State, order: Readonly<Order>): boolean {
  if (eligibleBids(state, order).bids.length === 0) return false;
  return !matchingRule(state.params.matchingRule).needsChoice || order.chosen !== '';
}

/** Executes one facilitation message. A refusal leaves its item due, for the next block to look at afresh. */
export function facilitate(state: State, msg: Facilitation): Refusal | null {
  switch (msg.type) {
    case 'SubmitLease':
      return submitLease(state, msg);
    case 'SubmitStaleLease':
      return breakLease(state, msg);
    case 'CloseOrder':
      return closeDueOrder(state, msg);
    case 'ReleaseFulfillments':
      return releaseFulfillments(state, msg);
    case 'CloseExhausted':
      return closeExhausted(state, msg);
    case 'ExpireReset':
      return expireReset(state, msg);
    case 'DeploymentClosed':
      return deploymentClosed(state, msg);
  }
}

/**
 * After the facilitation of a block: orders whose time has come while an eligible bid waits for its match are marked,
 * so that no later block looks at them again before the match does. Those that the block had no room for stay due.
 */
export function lapseDueOrders(state: State): void {
  for (const item of state.dueAtTime.peek(state.time)) {
    if (item.kind !== DUE.expiry) continue;
    const order = state.orders.need(item.key);
    if (staysBeyondItsTime(state, order)) lapseOrder(state, item.key);
    else keepExpiryDue(state, item.key);
  }
}
