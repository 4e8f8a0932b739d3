/**
 * Deployments: what a tenant asks for, and the escrow that pays for it (paper, section 3.2; MARKET rules, 2 to 4).
 */

import { Deployment, type Slot } from '../model/market-rows.ts';
import type { Facilitation, MessageOf } from '../model/messages.ts';
import {
  type DeploymentInfrastructure,
  deploymentId,
  faultOfResources,
  MAX_INFRASTRUCTURES,
  totalPrice,
} from '../model/objects.ts';
import { type Refusal, refuse, type State } from '../model/state.ts';
import { closeLeases, type LeaseEnd, onePeriod, scheduleDeploymentClosed } from './leases.ts';
import { closeOrder, type OrderCloseReason, openOrder } from './orders.ts';
import { debtOfDeployment, freeEscrow, scheduleExhaustion } from './settlement.ts';

function faultOfInfrastructures(list: readonly DeploymentInfrastructure[]): string | null {
  for (const [i, one] of list.entries()) {
    const fault = faultOfResources(one.resources);
    if (fault !== null) return `infrastructure ${i}: ${fault}`;
  }
  return null;
}

/** One period of everything at its maximum price, in micro-AKASH. */
function reserveFor(state: State, list: readonly DeploymentInfrastructure[]): bigint {
  let reserve = 0n;
  for (const one of list) reserve += onePeriod(state, totalPrice(one.resources));
  return reserve;
}

/** Funds an escrow and opens an order per infrastructure. The nonce has named the deployment before it is used up. */
export function submitDeployment(
  state: State,
  tenant: string,
  nonce: string,
  msg: MessageOf<'SubmitDeployment'>,
): Refusal | null {
  const { params } = state;
  const { infrastructure } = msg;
  if (infrastructure.length === 0) return refuse('bad_deployment', 'there is no infrastructure');
  const fault = faultOfInfrastructures(infrastructure);
  if (fault !== null) return refuse('bad_deployment', fault);
  if (msg.openFor === 0 || msg.openFor > params.maxOpenFor) {
    return refuse('bad_deployment', `openFor is ${msg.openFor} us, 1 to ${params.maxOpenFor} are expected`);
  }
  if (msg.waitDuration > params.maxWaitDuration) {
    return refuse(
      'bad_deployment',
      `waitDuration is ${msg.waitDuration} blocks, at most ${params.maxWaitDuration} are expected`,
    );
  }
  const reserve = reserveFor(state, infrastructure);
  if (msg.escrow < reserve)
    return refuse('insufficient_escrow', `escrow is ${msg.escrow} uakt, one period costs up to ${reserve}`);
  const balance = state.balanceOf(tenant);
  if (balance < msg.escrow)
    return refuse('insufficient_funds', `escrow is ${msg.escrow} uakt, the balance is ${balance}`);

  const id = deploymentId(tenant, nonce);
  if (state.deployments.has(id)) return refuse('bad_deployment', `there is a deployment ${id} already`);
  const slots = infrastructure.map(
    (one, group): Slot => ({ group, infrastructure: one, sequence: -1, stands: 'ended' }),
  );
  const { version, waitDuration, openFor } = msg;
  const row = new Deployment(id, tenant, state.nextSequence(), state.height, version, waitDuration, openFor, slots);
  state.deployments.insert(row);
  state.depositEscrow(id, tenant, msg.escrow);
  state.emit({ type: 'DeploymentSubmitted', deployment: id, tenant, escrow: msg.escrow });
  for (const slot of slots) openOrder(state, row, slot);
  return null;
}

function openDeploymentOf(state: State, id: string, tenant: string): Readonly<Deployment> | Refusal {
  const found = state.deployments.get(id);
  if (found === undefined) return refuse('no_deployment', `there is no deployment ${id}`);
  if (found.tenant !== tenant) return refuse('not_owner', `the deployment belongs to ${found.tenant}`);
  if (found.state !== 'open') return refuse('closing', 'the deployment is closing');
  return found;
}

function isRefusal(value: object): value is Refusal {
  return 'code' in value;
}

/** New manifest version; added infrastructure opens orders, removed one ends; new prices hold for new orders only. */
export function updateDeployment(state: State, tenant: string, msg: MessageOf<'UpdateDeployment'>): Refusal | null {
  const found = openDeploymentOf(state, msg.deployment, tenant);
  if (isRefusal(found)) return found;
  const fault = faultOfInfrastructures(msg.add) ?? faultOfChanges(found, msg);
  if (fault !== null) return refuse('bad_update', fault);
  const reserve = reserveFor(state, msg.add);
  const free = freeEscrow(state, found);
  if (free < reserve)
    return refuse('insufficient_escrow', `${free} uakt of escrow are free, the added orders need ${reserve}`);

  const row = state.deployments.edit(msg.deployment);
  row.version = msg.version;
  const firstGroup = row.nextGroup;
  row.nextGroup += msg.add.length;
  row.slots = row.slots.map(slot => reprice(slot, msg));
  const added = msg.add.map(
    (one, i): Slot => ({ group: firstGroup + i, infrastructure: one, sequence: -1, stands: 'ended' }),
  );
  for (const group of msg.remove) endSlot(state, row, group, 'removed');
  row.slots = [...row.slots.filter(slot => !msg.remove.includes(slot.group)), ...added];
  state.emit({ type: 'DeploymentUpdated', deployment: row.id, tenant });
  for (const slot of added) openOrder(state, row, slot);
  scheduleExhaustion(state, row.id);
  return null;
}

function faultOfChanges(deployment: Readonly<Deployment>, msg: MessageOf<'UpdateDeployment'>): string | null {
  const groups = new Set(deployment.slots.map(slot => slot.group));
  const removed = new Set(msg.remove);
  if (removed.size !== msg.remove.length) return 'a group is removed twice';
  for (const group of msg.remove) if (!groups.has(group)) return `there is no group ${group} to remove`;
  const repriced = new Set<number>();
  for (const { group, prices } of msg.reprice) {
    const slot = deployment.slots.find(one => one.group === group);
    if (slot === undefined || removed.has(group)) return `there is no group ${group} to reprice`;
    if (repriced.has(group)) return `group ${group} is repriced twice`;
    repriced.add(group);
    const expected = slot.infrastructure.resources.length;
    if (prices.length !== expected) return `group ${group}: found ${prices.length} prices, expected ${expected}`;
    if (prices.some(price => price === 0n)) return `group ${group}: a price of 0`;
  }
  const count = groups.size - removed.size + msg.add.length;
  return count > MAX_INFRASTRUCTURES ? `${count} infrastructures, at most ${MAX_INFRASTRUCTURES} are expected` : null;
}

function reprice(slot: Slot, msg: MessageOf<'UpdateDeployment'>): Slot {
  const change = msg.reprice.find(one => one.group === slot.group);
  if (change === undefined) return slot;
  const resources = slot.infrastructure.resources.map((group, i) => ({ ...group, price: change.prices[i] as bigint }));
  return { ...slot, infrastructure: { ...slot.infrastructure, resources } };
}

/** Ends what stands in a slot. */
function endSlot(state: State, deployment: Readonly<Deployment>, group: number, reason: 'removed'): void {
  const order = openOrderOf(state, deployment, group);
  if (order !== undefined) closeOrder(state, order, reason);
  const leases = deployment.leases.filter(id => state.leases.need(id).group === group);
  closeLeases(state, deployment.id, leases, reason);
}

function openOrderOf(state: State, deployment: Readonly<Deployment>, group: number) {
  const slot = deployment.slots.find(one => one.group === group);
  return slot?.stands === 'order' ? state.orders.get(`${deployment.id}/${group}/${slot.sequence}`) : undefined;
}

/** Billing stops in this block; leases enter closing; the unused escrow returns now. */
export function closeDeployment(state: State, tenant: string, msg: MessageOf<'CloseDeployment'>): Refusal | null {
  const found = openDeploymentOf(state, msg.deployment, tenant);
  if (isRefusal(found)) return found;
  endDeployment(state, found, 'tenant_closed');
  return null;
}

function endDeployment(state: State, found: Readonly<Deployment>, reason: OrderCloseReason & LeaseEnd): void {
  for (const slot of found.slots) {
    const order = openOrderOf(state, found, slot.group);
    if (order !== undefined) closeOrder(state, order, reason);
  }
  closeLeases(state, found.id, found.leases, reason);
  const row = state.deployments.edit(found.id);
  const refund = row.escrow;
  if (refund > 0n) {
    state.takeEscrow(row.id, refund);
    state.credit(row.tenant, refund);
  }
  row.state = 'closing';
  row.reason = reason;
  scheduleExhaustion(state, row.id);
  state.emit({ type: 'DeploymentClosing', deployment: row.id, tenant: row.tenant, reason, refund });
  scheduleDeploymentClosed(state, row);
}

/** Anyone adds to a deployment's escrow. */
export function depositEscrow(state: State, from: string, msg: MessageOf<'DepositEscrow'>): Refusal | null {
  const found = state.deployments.get(msg.deployment);
  if (found === undefined) return refuse('no_deployment', `there is no deployment ${msg.deployment}`);
  if (found.state !== 'open') return refuse('closing', 'the deployment is closing');
  if (msg.amount === 0n) return refuse('bad_amount', 'an amount above 0 is expected');
  const balance = state.balanceOf(from);
  if (balance < msg.amount)
    return refuse('insufficient_funds', `${msg.amount} uakt are to move, the balance is ${balance}`);
  state.depositEscrow(found.id, from, msg.amount);
  scheduleExhaustion(state, found.id);
  const { tenant, escrow } = found;
  state.emit({ type: 'EscrowDeposited', deployment: found.id, tenant, from, amount: msg.amount, escrow });
  return null;
}

/** Whether the debt of a deployment exceeds its escrow at a block time. */
export function isExhausted(state: State, deployment: Readonly<Deployment>, time: number): boolean {
  return deployment.state === 'open' && debtOfDeployment(state, deployment, time) > deployment.escrow;
}

/** Facilitation: the escrow cannot pay the debt of this block; everything of the deployment ends, paid pro rata. */
export function closeExhausted(state: State, msg: Extract<Facilitation, { type: 'CloseExhausted' }>): Refusal | null {
  const found = state.deployments.get(msg.deployment);
  if (found === undefined) return refuse('no_deployment', `there is no deployment ${msg.deployment}`);
  if (!isExhausted(state, found, state.time)) return refuse('not_exhausted', 'the escrow covers the debt');
  endDeployment(state, found, 'insufficient_funds');
  return null;
}

/** Facilitation: the last lease has left; the deployment is closed and leaves the state. */
export function deploymentClosed(
  state: State,
  msg: Extract<Facilitation, { type: 'DeploymentClosed' }>,
): Refusal | null {
  const found = state.deployments.get(msg.deployment);
  if (found === undefined) return refuse('no_deployment', `there is no deployment ${msg.deployment}`);
  if (found.state !== 'closing' || found.leases.length > 0 || found.closedDue === null) {
    return refuse('not_closed', `the deployment is ${found.state} with ${found.leases.length} leases`);
  }
  state.dueAtHeight.remove(found.closedDue);
  state.deployments.remove(found.id);
  state.emit({ type: 'DeploymentClosed', deployment: found.id, tenant: found.tenant, reason: found.reason });
  return null;
}
