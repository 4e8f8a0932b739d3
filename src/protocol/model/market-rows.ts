/**
 * Rows of the market: providers, deployments, orders, bids, leases. Fields whose type is DueItem are handles into the
 * due-indexes; of them, the commitment shows only what cannot be reckoned from other fields.
 */
import type { DueItem } from '../ledger/due-index.ts';
import { Row } from '../ledger/journal.ts';
import type { Attributes, DeploymentInfrastructure, ResourceGroup } from './objects.ts';

export class Provider extends Row {
  readonly address: string;
  readonly sequence: number;
  region: string;
  attributes: Attributes;
  certificate: Uint8Array;
  endpoint: string;
  /** Block time until which the provider may neither bid nor win; 0 when it was never jailed. */
  jailedUntil = 0;
  /** Decayed weights of the record in micro-AKASH, as of `recordStep`. */
  kept = 0n;
  broken = 0n;
  recordStep = 0;
  keptLeases = 0;
  brokenLeases = 0;
  constructor(
    address: string,
    sequence: number,
    region: string,
    attributes: Attributes,
    certificate: Uint8Array,
    endpoint: string,
  ) {
    super();
    this.address = address;
    this.sequence = sequence;
    this.region = region;
    this.attributes = attributes;
    this.certificate = certificate;
    this.endpoint = endpoint;
  }
  leaf(): string {
    return `provider/${this.address}`;
  }
  copy(): object {
    return {
      region: this.region,
      attributes: this.attributes,
      certificate: this.certificate,
      endpoint: this.endpoint,
      jailedUntil: this.jailedUntil,
      kept: this.kept,
      broken: this.broken,
      recordStep: this.recordStep,
      keptLeases: this.keptLeases,
      brokenLeases: this.brokenLeases,
    };
  }
}

/** One infrastructure of a deployment, and what stands for it now. */
export interface Slot {
  readonly group: number;
  readonly infrastructure: DeploymentInfrastructure;
  /** Sequence number of its newest order. */
  readonly sequence: number;
  /** `ended`: its order closed unmatched, its lease ended without renewal, or the tenant removed it. */
  readonly stands: 'order' | 'lease' | 'ended';
}

export class Deployment extends Row {
  readonly id: string;
  readonly tenant: string;
  readonly sequence: number;
  readonly height: number;
  version: Uint8Array;
  readonly waitDuration: number;
  readonly openFor: number;
  escrow = 0n;
  state: 'open' | 'closing' = 'open';
  reason = '';
  slots: readonly Slot[];
  /** Numbers the next infrastructure; never reused, so that order ids are not. */
  nextGroup: number;
  /** Ids of pending, active and closing leases, in order of creation. */
  leases: readonly string[] = [];
  exhaustionDue: DueItem | null = null;
  closedDue: DueItem | null = null;
  constructor(
    id: string,
    tenant: string,
    sequence: number,
    height: number,
    version: Uint8Array,
    waitDuration: number,
    openFor: number,
    slots: readonly Slot[],
  ) {
    super();
    this.id = id;
    this.tenant = tenant;
    this.sequence = sequence;
    this.height = height;
    this.version = version;
    this.waitDuration = waitDuration;
    this.openFor = openFor;
    this.slots = slots;
    this.nextGroup = slots.length;
  }
  leaf(): string {
    return `deployment/${this.id}`;
  }
  copy(): object {
    return {
      version: this.version,
      escrow: this.escrow,
      state: this.state,
      reason: this.reason,
      slots: this.slots,
      nextGroup: this.nextGroup,
      leases: this.leases,
      exhaustionDue: this.exhaustionDue,
      closedDue: this.closedDue,
    };
  }
}

/** An order that is open. Orders that are matched or closed have left the state. */
export class Order extends Row {
  readonly id: string;
  readonly deployment: string;
  readonly tenant: string;
  readonly group: number;
  readonly sequence: number;
  readonly infrastructure: DeploymentInfrastructure;
  readonly height: number;
  readonly time: number;
  /** From this height on it may match. */
  readonly matchFrom: number;
  /** Bids are accepted before this block time. */
  readonly closesAt: number;
  readonly collateral: bigint;
  /** Open bids, by placement. */
  fulfillments: readonly string[] = [];
  /** Bids that were withdrawn or replaced: they number a provider's next attempt. */
  withdrawn: readonly Withdrawn[] = [];
  /** Block time has passed `closesAt` while an eligible bid was there: stays until matched, or closes for want of one. */
  lapsed = false;
  chosen = '';
  matchDue: DueItem | null = null;
  expiryDue: DueItem | null = null;
  constructor(
    id: string,
    deployment: Readonly<Deployment>,
    slot: Slot,
    sequence: number,
    height: number,
    time: number,
    collateral: bigint,
  ) {
    super();
    this.id = id;
    this.deployment = deployment.id;
    this.tenant = deployment.tenant;
    this.group = slot.group;
    this.sequence = sequence;
    this.infrastructure = slot.infrastructure;
    this.height = height;
    this.time = time;
    this.matchFrom = height + deployment.waitDuration;
    this.closesAt = time + deployment.openFor;
    this.collateral = collateral;
  }
  leaf(): string {
    return `deployment/${this.deployment}`;
  }
  copy(): object {
    return {
      fulfillments: this.fulfillments,
      withdrawn: this.withdrawn,
      lapsed: this.lapsed,
      chosen: this.chosen,
      matchDue: this.matchDue,
      expiryDue: this.expiryDue,
    };
  }
}

export interface Withdrawn {
  readonly provider: string;
  readonly total: bigint;
  /** Withdrawn by the provider itself, and not pushed out of a full book. */
  readonly cancelled: boolean;
}

/** A bid: open, or bound in a lease. */
export class Fulfillment extends Row {
  readonly id: string;
  readonly order: string;
  readonly deployment: string;
  readonly provider: string;
  readonly resources: readonly ResourceGroup[];
  readonly total: bigint;
  readonly collateral: bigint;
  readonly height: number;
  /** Place among the transactions of its block. */
  readonly position: number;
  constructor(
    id: string,
    order: Readonly<Order>,
    provider: string,
    resources: readonly ResourceGroup[],
    total: bigint,
    height: number,
    position: number,
  ) {
    super();
    this.id = id;
    this.order = order.id;
    this.deployment = order.deployment;
    this.provider = provider;
    this.resources = resources;
    this.total = total;
    this.collateral = order.collateral;
    this.height = height;
    this.position = position;
  }
  leaf(): string {
    return `deployment/${this.deployment}`;
  }
  copy(): object {
    return {};
  }
}

export type LeaseState = 'pending' | 'active' | 'closing';

/** A lease that is not closed. Its id is its order's. */
export class Lease extends Row {
  readonly id: string;
  readonly deployment: string;
  readonly tenant: string;
  readonly provider: string;
  readonly fulfillment: string;
  readonly group: number;
  readonly sequence: number;
  readonly infrastructure: DeploymentInfrastructure;
  readonly resources: readonly ResourceGroup[];
  /** pico-AKASH per second for everything. */
  readonly price: bigint;
  readonly collateral: bigint;
  readonly height: number;
  readonly time: number;
  state: LeaseState = 'pending';
  /** Block time at which billing began; meaningless while pending. */
  billingStart = 0;
  /** All that was ever paid for it, before tax. */
  paid = 0n;
  /** Of that, what was paid up to the newest confirmation. */
  vouched = 0n;
  /** Height of the match or of the newest confirmation. */
  confirmedAt: number;
  reason = '';
  due: DueItem | null = null;
  constructor(
    order: Readonly<Order>,
    fulfillment: Readonly<Fulfillment>,
    resources: readonly ResourceGroup[],
    price: bigint,
    sequence: number,
    height: number,
    time: number,
  ) {
    super();
    this.id = order.id;
    this.deployment = order.deployment;
    this.tenant = order.tenant;
    this.provider = fulfillment.provider;
    this.fulfillment = fulfillment.id;
    this.group = order.group;
    this.sequence = sequence;
    this.infrastructure = order.infrastructure;
    this.resources = resources;
    this.price = price;
    this.collateral = fulfillment.collateral;
    this.height = height;
    this.time = time;
    this.confirmedAt = height;
  }
  leaf(): string {
    return `deployment/${this.deployment}`;
  }
  copy(): object {
    return {
      state: this.state,
      billingStart: this.billingStart,
      paid: this.paid,
      vouched: this.vouched,
      confirmedAt: this.confirmedAt,
      reason: this.reason,
      due: this.due,
    };
  }
}
