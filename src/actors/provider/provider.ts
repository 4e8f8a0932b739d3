/**
 * The datacenter's agent (paper, section 3.1): bids on orders that the datacenter can fulfil and keeps the leases that
 * it wins.
 */
import { bookTopic, type Event, type EventOf, marketTopic, regionTopic } from '../../protocol/model/events.ts';
import type { Message } from '../../protocol/model/messages.ts';
import { type Attributes, attributesMatch, type ResourceGroup, totalPrice } from '../../protocol/model/objects.ts';
import type { Actor, Effects, Input, RandomStream, Time, WorkloadAddress } from '../actor.ts';
import { ChainClient, type ChainClientOptions, type ChainListener } from '../client/chain-client.ts';
import type { AccountView, Answer, ChainStatus, LeaseView, Wire } from '../wire.ts';
import { CapacityBook, type HostCapacity, type Reservation } from './capacity.ts';
import type { Conduct } from './conduct.ts';
import type { UnitCosts } from './costs.ts';
import type { LeaseTerms } from './kept-lease.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { ManifestShelf } from './manifest-shelf.ts';
import { Registrar, type RegistrarOptions } from './registrar.ts';
import { leaseReport, type ProviderReport } from './report.ts';
import { Standing } from './standing.ts';
import type { Bidder } from './strategies.ts';
import { TenantDesk, type TenantDeskHost } from './tenant-desk.ts';

const NO_ADDRESSES: readonly WorkloadAddress[] = Object.freeze([]);

export interface ProviderOptions extends Omit<ChainClientOptions, 'topics'> {
  readonly region: string;
  readonly attributes: Attributes;
  readonly hosts: readonly HostCapacity[];
  readonly costs: UnitCosts;
  readonly bidder: Bidder;
  /** Whether open bids count as used capacity. */
  readonly reservesBids: boolean;
  /** Share of the orders that it looks at, 0 to 1. */
  readonly bidProbability: number;
  /** Time to think before a bid, microseconds. */
  readonly think_us: () => number;
  readonly random: RandomStream;
  readonly conduct: Conduct;
  /** How it gets into the register; without it, it is there, or somebody else sees to it. */
  readonly registrar?: RegistrarOptions | undefined;
  /** For challenges to tenants: nobody should foresee it. */
  readonly challenges: RandomStream;
}

type Opened = EventOf<'OrderOpened'>;

export class Provider implements Actor<Wire>, ChainListener, TenantDeskHost {
  readonly #options: ProviderOptions;
  readonly #chain: ChainClient;
  readonly #book: CapacityBook;
  readonly #keeper: LeaseKeeper;
  readonly #shelf = new ManifestShelf();
  readonly #desk: TenantDesk;
  readonly #registrar: Registrar | null;
  /** Orders that it means to bid on. */
  readonly #considered = new Map<string, Opened>();
  /** Its open bids, with what they promise; null where bids promise nothing. */
  readonly #bids = new Map<string, Reservation | null>();
  /** Totals of others' open bids per order, by fulfillment, for strategies that look. */
  readonly #seen = new Map<string, Map<string, bigint>>();
  /** Reputation that orders asked for, of those that it bid on and that asked. */
  readonly #asked = new Map<string, number>();
  /** What open bids offer that promise nothing and were not withdrawn yet. */
  readonly #offered = new Map<string, readonly ResourceGroup[]>();
  readonly #standing = new Standing();
  #lastClearing: number | null = null;
  #running: readonly string[] = [];
  #earned = 0n;
  #gone = false;
  #resumed = false;
  /** What it holds was told before the store had told of its manifests. */
  #asksAgain = false;
  /** Leases that ended, or began to, since this start, until the others are taken up. */
  readonly #endedEarly = new Map<string, 'closing' | 'over'>();

  constructor(options: ProviderOptions) {
    this.#options = options;
    const topics = [regionTopic(options.region), regionTopic('')];
    if (options.bidder.watchesBook) topics.push(bookTopic(options.region), bookTopic(''));
    if (options.bidder.watchesPrices) topics.push(marketTopic(options.region), marketTopic(''));
    this.#chain = new ChainClient({ ...options, topics }, this);
    this.#book = new CapacityBook(options.hosts);
    this.#keeper = new LeaseKeeper(this.#book, this.#chain, options.conduct, this.#shelf, (lease, now, out) =>
      this.#desk.onChange(lease, now, out),
    );
    const { address, keys, scheme, challenges } = options;
    this.#desk = new TenantDesk({ address, keys, scheme, random: challenges }, this.#keeper, this);
    this.#registrar = options.registrar === undefined ? null : new Registrar(options.registrar, this.#chain);
  }

  /** Whether it stands in the register as it wants to, as far as it sees to that itself. */
  get isRegistered(): boolean {
    return this.#registrar?.isRegistered ?? true;
  }

  /** How it is, for whoever runs it. */
  report(): ProviderReport {
    const { node, height } = this.#chain;
    return {
      node,
      height,
      isRegistered: this.isRegistered,
      ...this.#book.compute(),
      openBids: this.#bids.size,
      leases: [...this.#keeper.all].map(leaseReport),
    };
  }

  /** What the book says is in use, for whoever measures. */
  get book(): CapacityBook {
    return this.#book;
  }

  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): void {
    if (input.kind === 'recovered') this.#running = input.workloads;
    // First of all: what callers say must never be taken for a node's word.
    if (this.#desk.receive(input, now, out)) return;
    if (this.#registrar?.receive(input, out)) return;
    if (this.#chain.receive(input, now, out)) return;
    switch (input.kind) {
      case 'timer':
        this.#timer(String(input.id), now, out);
        return;
      case 'workload':
        this.#keeper.workload(input.id, input.event, input.addresses ?? NO_ADDRESSES, now, out);
        return;
      case 'host':
        this.#keeper.host(input.host, input.up, now, out);
        return;
      case 'recovered':
        this.#shelf.begin(input.incarnation, out);
        return;
      case 'scanned':
      case 'storeFailed':
        if (this.#shelf.receive(input, out) && this.#asksAgain && this.#chain.ready) this.#askWhatItHolds(out);
        return;
      default:
    }
  }

  /**
   * Under an order's own id stands the next thing that is due for it: its bid, and once it is leased, its confirmation.
   */
  #timer(id: string, now: Time, out: Effects<Wire>): void {
    if (this.#considered.has(id)) {
      this.#bid(id, now, out);
      return;
    }
    if (this.#keeper.has(id)) {
      this.#keeper.confirmationDue(id, now, out);
      return;
    }
    if (this.#desk.onTimer(id, out)) return;
    const cut = id.indexOf(':');
    const subject = id.slice(cut + 1);
    switch (id.slice(0, cut)) {
      case 'restart':
        this.#keeper.restartWorkload(subject, out);
        return;
      case 'cancel':
        if (this.#bids.has(subject)) this.#chain.submit({ type: 'CancelFulfillment', order: subject }, out);
        return;
      case 'offer':
        this.#keeper.offer(subject, now, out);
        return;
      case 'outside':
        this.#keeper.outsideDone(subject, now, out);
        return;
      default:
        throw new Error(`unknown timer ${id}`);
    }
  }

  onAccount(account: AccountView, now: Time, out: Effects<Wire>): void {
    this.#registrar?.onAccount(account, now, out);
  }

  onReady(_status: ChainStatus, _now: Time, out: Effects<Wire>): void {
    this.#askWhatItHolds(out);
  }

  #askWhatItHolds(out: Effects<Wire>): void {
    this.#chain.query({ what: 'provider', address: this.#chain.address }, out);
  }

  /** Takes up what the chain says it has, and stops what runs for nobody. */
  onAnswer(answer: Answer, now: Time, out: Effects<Wire>): void {
    if (answer.what === 'deployment') {
      this.#desk.onVersion(answer.value.id, answer.value.view?.version ?? null, now, out);
      return;
    }
    if (answer.what !== 'provider') return;
    if (this.#resumed) {
      this.#catchUp(answer.value.leases, now, out);
      return;
    }
    if (!this.#shelf.isReady) {
      // By the time that it is, this would be out of date.
      this.#asksAgain = true;
      return;
    }
    this.#resumed = true;
    for (const { state, ...terms } of answer.value.leases) {
      const ended = this.#endedEarly.get(terms.lease);
      if (ended !== 'over') this.#keeper.resume(terms, ended ?? state, this.#running, now, out);
    }
    this.#endedEarly.clear();
    this.#shelf.sweep(out);
    for (const { order, resources } of answer.value.bids) {
      if (!this.#bids.has(order))
        this.#bids.set(order, this.#options.reservesBids ? this.#book.reserve(resources) : null);
    }
    for (const id of this.#keeper.orphans(this.#running)) out.stopWorkload(id);
  }

  /**
   * Who takes a node at its word misses what happens while none is in reach; a light client is told later. What the node
   * says now goes with what it told before, message for message, so that only what was missed differs.
   */
  #catchUp(leases: readonly LeaseView[], now: Time, out: Effects<Wire>): void {
    if (this.#options.light !== undefined) return;
    const standing = new Set(leases.map(one => one.lease));
    for (const { id } of [...this.#keeper.all]) if (!standing.has(id)) this.#ended(id, now, out);
    for (const { state, ...terms } of leases) {
      this.#won(terms, now, out);
      if (state === 'closing') this.#keeper.close(terms.lease, out);
    }
  }

  #ended(lease: string, now: Time, out: Effects<Wire>): void {
    this.#keeper.end(lease, now, out);
    this.#desk.ended(lease);
  }

  onRefused(message: Message, code: string, now: Time, out: Effects<Wire>): void {
    out.observe('refused', 1, `${message.type}: ${code}`);
    this.#registrar?.onRefused(message, code, now, out);
    if (message.type === 'SubmitFulfillment') this.#dropBid(message.order);
  }

  onEvent(event: Event, height: number, time: Time, now: Time, out: Effects<Wire>): void {
    const me = this.#chain.address;
    this.#registrar?.onEvent(event, now, out);
    switch (event.type) {
      case 'OrderOpened':
        this.#consider(event, height, time, now, out);
        return;
      case 'OrderClosed':
        this.#forget(event.order, out);
        return;
      case 'FulfillmentPlaced':
        if (event.provider !== me && this.#options.bidder.watchesBook) this.#see(event);
        return;
      case 'FulfillmentClosed':
        if (event.provider === me) this.#dropBid(event.order);
        else this.#seen.get(event.order)?.delete(event.fulfillment);
        return;
      case 'TransactionFailed':
        if (event.account !== me) return;
        out.observe('failed', 1, `${event.message}: ${event.code}`);
        if (event.message === 'SubmitFulfillment' && event.code !== 'has_bid') {
          const asked = this.#asked.get(event.object);
          if (event.code === 'ineligible' && asked !== undefined) this.#standing.refused(asked, this.#earned);
          this.#dropBid(event.object);
        }
        return;
      case 'LeaseCreated':
        this.#lastClearing = Number(event.price) / Number(event.maximum);
        this.#forget(event.lease, out);
        if (event.provider === me) this.#won(event, now, out);
        return;
      default:
        this.#onLeaseEvent(event, now, out);
    }
  }

  #see(event: EventOf<'FulfillmentPlaced'>): void {
    const bids = this.#seen.get(event.order);
    if (bids === undefined) this.#seen.set(event.order, new Map([[event.fulfillment, event.total]]));
    else bids.set(event.fulfillment, event.total);
  }

  #onLeaseEvent(event: Event, now: Time, out: Effects<Wire>): void {
    if (!('lease' in event) || !('provider' in event) || event.provider !== this.#chain.address) return;
    switch (event.type) {
      case 'LeaseClosing':
        if (!this.#resumed) this.#endedEarly.set(event.lease, 'closing');
        this.#keeper.close(event.lease, out);
        return;
      case 'LeaseClosed':
      case 'LeaseBroken':
        if (!this.#resumed) this.#endedEarly.set(event.lease, 'over');
        this.#ended(event.lease, now, out);
        return;
      case 'LeasePaid':
        this.#earned += event.amount - event.tax;
        this.#maybeLeave(now, out);
        return;
      default:
    }
  }

  /** An exit scammer has earned enough: it walks away from everything, and its collateral with it. */
  #maybeLeave(now: Time, out: Effects<Wire>): void {
    const { exitAfter } = this.#options.conduct;
    if (exitAfter === null || this.#gone || this.#earned < exitAfter) return;
    this.#gone = true;
    out.observe('exit', Number(this.#earned));
    this.#keeper.abandonAll(now, out);
  }

  #consider(order: Opened, height: number, time: Time, now: Time, out: Effects<Wire>): void {
    const { attributes, bidProbability, random, bidder, think_us } = this.#options;
    if (this.#gone || this.#bids.has(order.order) || this.#registrar?.isAbsent === true) return;
    if (!attributesMatch(order.infrastructure.attributes, attributes)) return;
    if (!this.#standing.mayTry(order.infrastructure.reputationAtLeast, this.#earned)) {
      out.observe('declined', 1, 'reputation');
      return;
    }
    if (bidProbability < 1 && random.uniform() >= bidProbability) return;
    if (!this.#book.fits(order.infrastructure.resources)) {
      out.observe('declined', 1, 'no_capacity');
      return;
    }
    let wait = think_us();
    if (bidder.lead_us !== null) {
      const opensIn = (order.matchFrom - height) * this.#chain.params.targetBlockInterval - (now - time);
      wait = Math.max(0, opensIn - bidder.lead_us);
    }
    this.#considered.set(order.order, order);
    if (wait === 0) this.#bid(order.order, now, out);
    else out.setTimer(order.order, now + wait);
  }

  #bid(orderKey: string, now: Time, out: Effects<Wire>): void {
    const order = this.#considered.get(orderKey);
    if (order === undefined) return;
    this.#considered.delete(orderKey);
    if (!this.#chain.ready || now >= order.closesAt) return;
    const { infrastructure } = order;
    const prices = this.#price(order, now);
    const tooDear = prices?.some((price, i) => price > (infrastructure.resources[i] as ResourceGroup).price) ?? true;
    if (prices === null || tooDear) {
      out.observe('declined', 1, 'price');
      return;
    }
    const promised = this.#options.reservesBids ? this.#book.reserve(infrastructure.resources) : null;
    if (promised === null && (this.#options.reservesBids || !this.#book.fits(infrastructure.resources))) {
      out.observe('declined', 1, 'no_capacity');
      return;
    }
    this.#bids.set(orderKey, promised);
    if (infrastructure.reputationAtLeast > 0) this.#asked.set(orderKey, infrastructure.reputationAtLeast);
    if (promised === null) this.#offered.set(orderKey, infrastructure.resources);
    const resources = infrastructure.resources.map((group, i) => ({ ...group, price: prices[i] as bigint }));
    this.#chain.submit({ type: 'SubmitFulfillment', order: orderKey, resources }, out);
    const cancelAfter = this.#options.conduct.cancelAfter_us?.() ?? null;
    if (cancelAfter !== null) out.setTimer(`cancel:${orderKey}`, now + cancelAfter);
  }

  #price(order: Opened, now: Time): readonly bigint[] | null {
    const { bidder, costs, random } = this.#options;
    let lowest: bigint | null = null;
    const seen = this.#seen.get(order.order);
    for (const total of seen?.values() ?? []) if (lowest === null || total < lowest) lowest = total;
    return bidder.strategy({
      order: order.order,
      infrastructure: order.infrastructure,
      costs,
      utilisation: this.#book.utilisation(),
      lastClearing: this.#lastClearing,
      lowestBid: lowest === null ? null : Number(lowest) / Number(totalPrice(order.infrastructure.resources)),
      bids: seen?.size ?? 0,
      time: now,
      draw: () => random.uniform(),
    });
  }

  #won(event: LeaseTerms, now: Time, out: Effects<Wire>): void {
    if (this.#keeper.has(event.lease)) return;
    const promised = this.#bids.get(event.lease) ?? null;
    this.#bids.delete(event.lease);
    this.#asked.delete(event.lease);
    this.#offered.delete(event.lease);
    this.#keeper.begin(event, promised, now, out);
    if (!this.#options.reservesBids) this.#withdrawUnservable(out);
  }

  /** Bids that promise nothing may come to more than there is: those for which there is no room now are withdrawn. */
  #withdrawUnservable(out: Effects<Wire>): void {
    for (const order of this.#bids.keys()) {
      const resources = this.#offered.get(order);
      if (resources === undefined || this.#book.fits(resources)) continue;
      this.#offered.delete(order);
      this.#chain.submit({ type: 'CancelFulfillment', order }, out);
    }
  }

  /** The order is over for everybody: no bid is to be placed any more. */
  #forget(order: string, out: Effects<Wire>): void {
    if (this.#considered.delete(order)) out.cancelTimer(order);
    this.#seen.delete(order);
  }

  /** A bid is over without a lease: what it promised is free again. */
  #dropBid(order: string): void {
    const promised = this.#bids.get(order);
    if (promised === undefined) return;
    this.#bids.delete(order);
    this.#asked.delete(order);
    this.#offered.delete(order);
    if (promised !== null) this.#book.release(promised);
  }

  // What the desk asks.

  get chainId(): string | null {
    return this.#resumed && this.#chain.ready ? this.#chain.chainId : null;
  }

  askDeployment(id: string, out: Effects<Wire>): void {
    this.#chain.query({ what: 'deployment', id }, out);
  }
}
