/**
 * The leaf of a deployment: the deployment, the orders that stand in its slots with their bids, and its leases with the
 * bids that won them. Written for the commitment, and read back from a snapshot into rows and their places in the
 * due-indexes.
 */
import type { ByteReader, ByteWriter } from '../codec/bytes.ts';
import { DUE } from '../market/orders.ts';
import { scheduleExhaustion } from '../market/settlement.ts';
import { Deployment, Fulfillment, Lease, Order, type Slot } from '../model/market-rows.ts';
import { orderId } from '../model/objects.ts';
import type { State } from '../model/state.ts';
import { deploymentPart, dueHeight, fulfillmentPart, leasePart, orderPart } from './leaf-shapes.ts';

/** Appends the bytes of a deployment's leaf. */
export function writeDeployment(writer: ByteWriter, state: State, row: Readonly<Deployment>): void {
  deploymentPart.write(writer, row);
  dueHeight.write(writer, row.closedDue?.due);
  for (const slot of row.slots) {
    if (slot.stands === 'order')
      writeOrder(writer, state, state.orders.need(orderId(row.id, slot.group, slot.sequence)));
  }
  for (const key of row.leases) {
    const lease = state.leases.need(key);
    leasePart.write(writer, lease);
    dueHeight.write(writer, lease.due?.due);
    fulfillmentPart.write(writer, state.fulfillments.need(lease.fulfillment));
  }
}

function writeOrder(writer: ByteWriter, state: State, order: Readonly<Order>): void {
  orderPart.write(writer, order);
  // The height from which it may match is that of its first bid, which may have gone since.
  dueHeight.write(writer, order.matchDue?.due);
  // An order that has not lapsed expires by time, unless that has come and a block had no room: then since that height.
  const waits = order.expiryDue !== null && order.expiryDue.index === state.dueAtHeight;
  dueHeight.write(writer, waits ? order.expiryDue?.due : undefined);
  for (const bid of order.fulfillments) fulfillmentPart.write(writer, state.fulfillments.need(bid));
}

/**
 * Puts what a deployment's leaf shows into a state that does not have it. Throws DecodeError when the bytes are no leaf
 * of this deployment; whether they are all of what the rows hold is for the caller to compare.
 */
export function restoreDeployment(reader: ByteReader, state: State, key: string): void {
  const cut = key.indexOf('/');
  if (cut < 0) throw reader.error(`deployment ${key}`, 'an id of tenant and nonce');
  const part = deploymentPart.read(reader);
  const { sequence, height, version, waitDuration, openFor, slots } = part;
  const row = new Deployment(key, key.slice(0, cut), sequence, height, version, waitDuration, openFor, slots);
  row.escrow = part.escrow;
  row.state = part.state;
  row.reason = part.reason;
  row.nextGroup = part.nextGroup;
  row.leases = part.leases;
  const closedAt = dueHeight.read(reader);
  if (closedAt !== undefined) row.closedDue = state.dueAtHeight.add(closedAt, sequence, DUE.closed, key);
  state.deployments.insert(row);
  for (const slot of slots) if (slot.stands === 'order') restoreOrder(reader, state, row, slot);
  for (const id of part.leases) restoreLease(reader, state, row, id);
  scheduleExhaustion(state, key);
}

function restoreOrder(reader: ByteReader, state: State, deployment: Readonly<Deployment>, slot: Slot): void {
  const part = orderPart.read(reader);
  const { id, infrastructure, sequence, height, time } = part;
  const expected = orderId(deployment.id, slot.group, slot.sequence);
  if (id !== expected) throw reader.error(`order ${id}`, `order ${expected}`);
  if (state.orders.has(id)) throw reader.error(`order ${id} again`, 'one order in a slot');
  const order = new Order(id, deployment, { ...slot, infrastructure }, sequence, height, time, part.collateral);
  order.fulfillments = part.fulfillments;
  order.withdrawn = part.withdrawn;
  order.lapsed = part.lapsed;
  order.chosen = part.chosen;
  const matchAt = dueHeight.read(reader);
  if (matchAt !== undefined) order.matchDue = state.dueAtHeight.add(matchAt, sequence, DUE.match, id);
  const expiryAt = dueHeight.read(reader);
  if (expiryAt !== undefined) order.expiryDue = state.dueAtHeight.add(expiryAt, sequence, DUE.expiry, id);
  else if (!order.lapsed) order.expiryDue = addAtTime(reader, state, order);
  state.orders.insert(order);
  for (const bid of part.fulfillments) restoreFulfillment(reader, state, order, bid);
}

function addAtTime(reader: ByteReader, state: State, order: Readonly<Order>): Order['expiryDue'] {
  // A sum of two numbers that were read: the index takes safe integers only.
  if (!Number.isSafeInteger(order.closesAt))
    throw reader.error(`order ${order.id} closing at ${order.closesAt}`, 'a time');
  return state.dueAtTime.add(order.closesAt, order.sequence, DUE.expiry, order.id);
}

function restoreFulfillment(reader: ByteReader, state: State, order: Readonly<Order>, key: string): Fulfillment {
  const { id, provider, resources, total, height, position } = fulfillmentPart.read(reader);
  if (id !== key) throw reader.error(`bid ${id}`, `bid ${key}`);
  if (state.fulfillments.has(id)) throw reader.error(`bid ${id} again`, 'each bid once');
  const row = new Fulfillment(id, order, provider, resources, total, height, position);
  state.fulfillments.insert(row);
  return row;
}

const LEASE_ID = /^(.*)\/(0|[1-9][0-9]{0,14})\/(0|[1-9][0-9]{0,14})$/;

function restoreLease(reader: ByteReader, state: State, deployment: Readonly<Deployment>, key: string): void {
  const part = leasePart.read(reader);
  const { id, infrastructure, resources, price, sequence, height, time, collateral } = part;
  if (id !== key) throw reader.error(`lease ${id}`, `lease ${key}`);
  if (state.leases.has(id)) throw reader.error(`lease ${id} again`, 'each lease once');
  const match = LEASE_ID.exec(id);
  if (match === null || match[1] !== deployment.id) throw reader.error(`lease ${id}`, `a lease of ${deployment.id}`);
  const dueAt = dueHeight.read(reader);
  // What it was matched from has left the state; of it, what a lease and its bid have in common with it.
  const slot: Slot = { group: Number(match[2]), infrastructure, sequence: Number(match[3]), stands: 'lease' };
  const order = new Order(id, deployment, slot, sequence, height, time, collateral);
  const lease = new Lease(
    order,
    restoreFulfillment(reader, state, order, part.fulfillment),
    resources,
    price,
    sequence,
    height,
    time,
  );
  lease.state = part.state;
  lease.billingStart = part.billingStart;
  lease.paid = part.paid;
  lease.vouched = part.vouched;
  lease.confirmedAt = part.confirmedAt;
  lease.reason = part.reason;
  const kind = part.state === 'closing' ? DUE.reset : DUE.stale;
  if (dueAt !== undefined) lease.due = state.dueAtHeight.add(dueAt, sequence, kind, id);
  state.leases.insert(lease);
}
