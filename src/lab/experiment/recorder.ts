/**
 * What a run is measured by: reads the public events of each block and writes rows and sums. It looks on; nothing that
 * it does can change an outcome. Memory holds what is open, never what is over.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { BlockResult } from '../../protocol/chain/chain.ts';
import type { Event, EventOf } from '../../protocol/model/events.ts';
import { type ResourceGroup, totalPrice } from '../../protocol/model/objects.ts';
import type { ObservedFile } from '../scenario/types.ts';
import { Histogram } from './histogram.ts';
import type { ProviderBooks } from './ledger-of-providers.ts';
import type { TenantBooks } from './ledger-of-tenants.ts';
import { storyOf } from './story.ts';
import type { Cell, RunSink } from './types.ts';

interface OpenOrder {
  readonly tenant: string;
  readonly region: string;
  readonly height: number;
  readonly time: number;
  readonly maximum: bigint;
  readonly collateral: bigint;
  readonly resources: readonly ResourceGroup[];
  bids: number;
}

interface OpenLease {
  readonly event: EventOf<'LeaseCreated'>;
  readonly time: number;
  activeAt: number | null;
  paid: bigint;
  confirmations: number;
}

export interface RecorderOptions {
  readonly sink: RunSink;
  readonly files: readonly ObservedFile[];
  readonly warmup: number;
  readonly nameOf: (address: string) => string;
  readonly books: ReadonlyMap<string, ProviderBooks>;
  readonly tenants: ReadonlyMap<string, TenantBooks>;
}

/** pico-AKASH/s as micro-AKASH/s for a cell: exact to six digits. */
function perSecond(price: bigint): number {
  return Number(price) / 1e6;
}

function seconds(time: number): number {
  return time / 1e6;
}

/** Sums over orders that were opened after the warm-up, unless said otherwise. */
export class Tally {
  orders = 0;
  ordersBeforeWarmup = 0;
  readonly ends: Record<string, number> = {
    matched: 0,
    expired: 0,
    insufficient_funds: 0,
    tenant_closed: 0,
    removed: 0,
  };
  bids = 0;
  readonly waits = new Histogram();
  readonly priceShares = new Histogram();
  readonly vcpuPrices = new Histogram();
  readonly gpuPrices = new Histogram();
  deployments = 0;
  leases = 0;
  leasesBroken = 0;
  leasesRenewed = 0;
  readonly leaseEnds: Record<string, number> = { tenant_closed: 0, removed: 0, insufficient_funds: 0 };
  readonly leaseTimes = new Histogram();
  resetsMissed = 0;
  paid = 0n;
  tax = 0n;
  forfeited = 0n;
  burned = 0n;
  unpaid = 0n;
  transactions = 0;
  failed = 0;
  fees = 0n;
  blocks = 0;
  facilitated = 0;
}

export class Recorder {
  readonly tally = new Tally();
  readonly #options: RecorderOptions;
  readonly #files: ReadonlySet<ObservedFile>;
  readonly #orders = new Map<string, OpenOrder>();
  readonly #leases = new Map<string, OpenLease>();
  /** Prices per vCPU-hour of leases made since the last sample. */
  #recentPrice = 0;
  #recentLeases = 0;
  #activeLeases = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#files = new Set(options.files);
  }

  /** Each block, once; returns how many of its transactions failed, and their size in bytes. */
  watch(block: Block, result: BlockResult): { readonly failed: number; readonly bytes: number } {
    const { tally } = this;
    tally.blocks += 1;
    tally.facilitated += block.facilitation.length;
    tally.transactions += block.transactions.length;
    let failed = 0;
    for (let i = block.facilitation.length; i < result.receipts.length; i++) if (!result.receipts[i]?.ok) failed += 1;
    tally.failed += failed;
    let bytes = 0;
    for (const tx of block.transactions) {
      bytes += tx.size;
      tally.fees += tx.body.fee;
      const payer = this.#booksOf(tx.body.account) ?? this.#options.tenants.get(tx.body.account);
      if (payer !== undefined) payer.fees += tx.body.fee;
    }
    for (const event of result.events) this.#onEvent(event, result.height, result.time);
    return { failed, bytes };
  }

  #row(table: ObservedFile, cells: readonly Cell[]): void {
    this.#options.sink.row(table, cells);
  }

  #booksOf(address: string): ProviderBooks | undefined {
    return this.#options.books.get(address);
  }

  #booksOfTenant(address: string): TenantBooks | undefined {
    return this.#options.tenants.get(address);
  }

  #onEvent(event: Event, height: number, time: number): void {
    if (this.#files.has('events')) this.#row('events', storyOf(event, height, time, this.#options.nameOf));
    switch (event.type) {
      case 'DeploymentSubmitted':
        this.tally.deployments += 1;
        return;
      case 'OrderOpened':
        this.#opened(event, height, time);
        return;
      case 'FulfillmentPlaced':
        this.#bid(event);
        return;
      case 'OrderClosed':
        this.#orderEnded(event.order, event.reason, null, time);
        return;
      case 'LeaseCreated':
        this.#leased(event, time);
        return;
      case 'LeaseActive': {
        const lease = this.#leases.get(event.lease);
        if (lease !== undefined) lease.activeAt = time;
        return;
      }
      case 'LeaseConfirmed': {
        const lease = this.#leases.get(event.lease);
        if (lease !== undefined) lease.confirmations += 1;
        return;
      }
      case 'LeasePaid':
        this.#paid(event, height, time);
        return;
      case 'LeaseClosing':
        this.tally.unpaid += event.unpaid;
        this.tally.leaseEnds[event.reason] = (this.tally.leaseEnds[event.reason] ?? 0) + 1;
        this.#leaseEnded(event.lease, event.reason, 0n, time);
        return;
      case 'LeaseClosed':
        if (!event.resetConfirmed) this.tally.resetsMissed += 1;
        return;
      case 'LeaseBroken':
        this.#broken(event, time);
        return;
      default:
    }
  }

  #opened(event: EventOf<'OrderOpened'>, height: number, time: number): void {
    const { infrastructure, tenant, collateral } = event;
    const { region, resources } = infrastructure;
    const maximum = totalPrice(resources);
    this.#orders.set(event.order, { tenant, region, height, time, maximum, collateral, resources, bids: 0 });
    const books = this.#booksOfTenant(tenant);
    if (books !== undefined) books.orders += 1;
    if (time >= this.#options.warmup) this.tally.orders += 1;
    else this.tally.ordersBeforeWarmup += 1;
  }

  #bid(event: EventOf<'FulfillmentPlaced'>): void {
    const order = this.#orders.get(event.order);
    if (order !== undefined) {
      order.bids += 1;
      if (order.time >= this.#options.warmup) this.tally.bids += 1;
    }
    const books = this.#booksOf(event.provider);
    if (books !== undefined) books.bids += 1;
  }

  #orderEnded(id: string, end: string, lease: EventOf<'LeaseCreated'> | null, time: number): void {
    const order = this.#orders.get(id);
    if (order === undefined) return;
    this.#orders.delete(id);
    const books = this.#booksOfTenant(order.tenant);
    if (books !== undefined && lease !== null) {
      books.matched += 1;
      books.waited += time - order.time;
    } else if (books !== undefined && end === 'expired') books.expired += 1;
    if (order.time >= this.#options.warmup) {
      this.tally.ends[end] = (this.tally.ends[end] ?? 0) + 1;
      if (lease !== null) this.#measure(order, lease, time);
    }
    this.#orderRow(id, order, end, lease, time);
  }

  #measure(order: OpenOrder, lease: EventOf<'LeaseCreated'>, time: number): void {
    this.tally.waits.add(seconds(time - order.time));
    this.tally.priceShares.add(Number(lease.price) / Number(lease.maximum));
    const perVcpu = pricePerVcpuHour(lease);
    if (perVcpu !== null) this.tally.vcpuPrices.add(perVcpu);
    const perGpu = pricePerGpuHour(lease);
    if (perGpu !== null) this.tally.gpuPrices.add(perGpu);
  }

  #orderRow(
    id: string,
    order: OpenOrder,
    end: string,
    lease: EventOf<'LeaseCreated'> | null,
    time: number | null,
  ): void {
    if (!this.#files.has('orders')) return;
    this.#row('orders', [
      id,
      this.#options.nameOf(order.tenant),
      order.region,
      order.height,
      seconds(order.time),
      perSecond(order.maximum),
      order.collateral,
      order.bids,
      end,
      time === null ? null : seconds(time),
      time === null ? null : seconds(time - order.time),
      lease === null ? null : perSecond(lease.price),
      lease === null ? null : this.#options.nameOf(lease.provider),
    ]);
  }

  #leased(event: EventOf<'LeaseCreated'>, time: number): void {
    this.#orderEnded(event.lease, 'matched', event, time);
    this.#leases.set(event.lease, { event, time, activeAt: null, paid: 0n, confirmations: 0 });
    this.#activeLeases += 1;
    this.tally.leases += 1;
    const perVcpu = pricePerVcpuHour(event);
    if (perVcpu !== null) {
      this.#recentPrice += perVcpu;
      this.#recentLeases += 1;
    }
    const books = this.#booksOf(event.provider);
    if (books === undefined) return;
    books.leases += 1;
    books.lease(event.resources, 1, time);
  }

  #paid(event: EventOf<'LeasePaid'>, height: number, time: number): void {
    const net = event.amount - event.tax;
    this.tally.paid += event.amount;
    this.tally.tax += event.tax;
    const lease = this.#leases.get(event.lease);
    if (lease !== undefined) lease.paid += event.amount;
    const books = this.#booksOf(event.provider);
    if (books !== undefined) books.income += net;
    const payer = this.#booksOfTenant(event.tenant);
    if (payer !== undefined) payer.paid += event.amount;
    if (!this.#files.has('payments')) return;
    const { nameOf } = this.#options;
    this.#row('payments', [
      seconds(time),
      height,
      event.lease,
      nameOf(event.tenant),
      nameOf(event.provider),
      event.amount,
      event.tax,
    ]);
  }

  #broken(event: EventOf<'LeaseBroken'>, time: number): void {
    this.tally.leasesBroken += 1;
    if (event.renewed) this.tally.leasesRenewed += 1;
    this.tally.forfeited += event.forfeited;
    this.tally.burned += event.burned + event.stakeSlashed;
    const books = this.#booksOf(event.provider);
    if (books !== undefined) {
      books.broken += 1;
      books.lost += event.forfeited + event.stakeSlashed;
    }
    const tenant = this.#booksOfTenant(event.tenant);
    if (tenant !== undefined) {
      tenant.broken += 1;
      tenant.compensation += event.toTenant;
    }
    this.#leaseEnded(event.lease, 'broken', event.forfeited, time);
  }

  #leaseEnded(id: string, end: string, forfeited: bigint, time: number): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    this.#leases.delete(id);
    this.#activeLeases -= 1;
    const { event } = lease;
    const books = this.#booksOf(event.provider);
    books?.lease(event.resources, -1, time);
    if (lease.activeAt !== null) {
      this.#served(lease, lease.activeAt, time);
      this.tally.leaseTimes.add(seconds(time - lease.activeAt));
    }
    this.#leaseRow(id, lease, end, forfeited, time);
  }

  /** What serving a lease cost its provider, and how long its tenant had it. */
  #served({ event }: OpenLease, from: number, until: number): void {
    this.#booksOf(event.provider)?.charge(event.resources, until - from);
    const tenant = this.#booksOfTenant(event.tenant);
    if (tenant !== undefined) tenant.served += until - from;
  }

  #leaseRow(id: string, lease: OpenLease, end: string, forfeited: bigint, time: number | null): void {
    if (!this.#files.has('leases')) return;
    const { event } = lease;
    const { nameOf } = this.#options;
    this.#row('leases', [
      id,
      nameOf(event.tenant),
      nameOf(event.provider),
      this.#booksOf(event.provider)?.className ?? null,
      seconds(lease.time),
      lease.activeAt === null ? null : seconds(lease.activeAt),
      time === null ? null : seconds(time),
      end,
      perSecond(event.price),
      lease.paid,
      event.collateral,
      forfeited,
      lease.confirmations,
    ]);
  }

  /** A provider walked away from a lease for an outside offer that gains it so much. */
  tookOffer(provider: string, lease: string, gain: bigint): void {
    const books = this.#booksOf(provider);
    if (books !== undefined) {
      books.outside += gain;
      books.defaults += 1;
    }
    const tenant = this.#booksOfTenant(lease.slice(0, lease.indexOf('/')));
    if (tenant !== undefined) tenant.defaults += 1;
  }

  get openOrders(): number {
    return this.#orders.size;
  }
  /** Open orders among those that count after the warm-up. */
  get openOrdersMeasured(): number {
    let count = 0;
    for (const order of this.#orders.values()) if (order.time >= this.#options.warmup) count += 1;
    return count;
  }
  get activeLeases(): number {
    return this.#activeLeases;
  }

  /** Mean price per vCPU-hour of the leases made since the last call, micro-AKASH; null when there were none. */
  takeRecentPrice(): number | null {
    const mean = this.#recentLeases === 0 ? null : this.#recentPrice / this.#recentLeases;
    this.#recentPrice = 0;
    this.#recentLeases = 0;
    return mean;
  }

  /** At the end of the run: what is still open gets its row, and its cost so far. */
  finish(time: number): void {
    for (const [id, order] of this.#orders) this.#orderRow(id, order, 'open', null, null);
    for (const [id, lease] of this.#leases) {
      if (lease.activeAt !== null) this.#served(lease, lease.activeAt, time);
      this.#leaseRow(id, lease, 'open', 0n, null);
    }
    for (const books of this.#options.books.values()) books.advance(time);
  }
}

/** micro-AKASH per GPU and hour, with all that comes with the GPU; null for leases without any. */
function pricePerGpuHour(event: EventOf<'LeaseCreated'>): number | null {
  let gpu = 0;
  for (const { compute, count } of event.resources) gpu += compute.gpu * count;
  return gpu === 0 ? null : (Number(event.price) * 3600 * 1000) / (gpu * 1e6);
}

/** micro-AKASH per vCPU and hour; null for leases without cpu. */
function pricePerVcpuHour(event: EventOf<'LeaseCreated'>): number | null {
  let cpu = 0;
  for (const { compute, count } of event.resources) cpu += compute.cpu * count;
  return cpu === 0 ? null : (Number(event.price) * 3600 * 1000) / (cpu * 1e6);
}
