/**
 * Invariant 4, and the part of 8 that is about orders: every lease's fulfillment was eligible and best when it was
 * matched, by brute force from public events and transactions alone; what is ripe is matched, and what nobody wants
 * expires, in the next block.
 *
 * The referee also holds the book's rules: who may place a bid, who is refused, whom a better bid pushes out.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { BlockResult } from '../../protocol/chain/chain.ts';
import type { Genesis } from '../../protocol/chain/genesis.ts';
import type { Event, EventOf } from '../../protocol/model/events.ts';
import type { ResourceGroup } from '../../protocol/model/objects.ts';
import type { State } from '../../protocol/model/state.ts';
import { Agenda } from './agenda.ts';
import { totalOf } from './billing.ts';
import { deploymentOfLease } from './collateral.ts';
import { offerFits, ProviderBooks } from './eligibility.ts';
import { mustBeComplete } from './liveness.ts';
import { EventMonitor, type MonitorOptions } from './monitor.ts';
import {
  type Bid,
  bidOf,
  blockedByCancelled,
  mayFail,
  type OrderBook,
  offerOf,
  type Ranked,
  rankBids,
  shown,
  worstBid,
} from './order-books.ts';

/** Refusals for want of money, which public events alone cannot check. */
const MONEY_CODES = new Set(['insufficient_collateral', 'insufficient_funds']);

export class MatchReferee extends EventMonitor {
  readonly name = 'match referee';
  readonly #providers: ProviderBooks;
  readonly #orders = new Map<string, OrderBook>();
  /** Orders by the height from which they may match, and by the time at which they may expire. */
  readonly #ripens = new Agenda();
  readonly #expires = new Agenda();
  /** Orders that may match and have bids; orders whose time is over. */
  readonly #ripe = new Set<string>();
  readonly #over = new Set<string>();
  /** Who may win each order of which this block's facilitation speaks, judged before its bids are closed. */
  readonly #verdicts = new Map<string, Ranked[]>();
  #block: Block | undefined;
  /** The order of which a bid was pushed out just now. */
  #replacedOn = '';

  constructor(genesis: Genesis, options: MonitorOptions) {
    super(genesis.params, options);
    this.#providers = new ProviderBooks(genesis);
  }

  protected override beginBlock(block: Block, result: BlockResult): void {
    this.#block = block;
    this.#verdicts.clear();
    const done = new Set<string>();
    const exhausted = new Set<string>();
    for (const [i, one] of block.facilitation.entries()) {
      if (one.type === 'CloseExhausted') exhausted.add(one.deployment);
      if (one.type !== 'SubmitLease' && one.type !== 'CloseOrder' && one.type !== 'ReleaseFulfillments') continue;
      done.add(one.order);
      const order = this.known(this.#orders.get(one.order), 'no facilitation names a missing order', () => one);
      if (one.type === 'CloseOrder' && one.reason === 'expired') {
        this.#expectExpired(order);
        continue;
      }
      this.#expectRipe(order);
      if (one.type === 'ReleaseFulfillments') this.#expectNoWinner(order);
      const ok = result.receipts[i]?.ok === true || mayFail(block, i);
      this.expect(ok, 'what is due succeeds', () => ({ ...one, receipt: result.receipts[i] }));
    }
    this.#expectNothingLeft(block, done, exhausted);
  }

  #rank(order: OrderBook): Ranked[] {
    return rankBids(order, this.#providers, this.params, this.time);
  }

  #expectExpired(order: OrderBook): void {
    const over = this.time >= order.closesAt;
    this.expect(over, 'an order expires when its time is over', () => ({ order: order.id, closesAt: order.closesAt }));
    this.#expectNoWinner(order);
  }

  #expectNoWinner(order: OrderBook): void {
    const ranked = this.#rank(order);
    const wanted = ranked.find(one => one.answer === 'yes');
    const waits = wanted !== undefined && !blockedByCancelled(order, ranked, this.params);
    this.expect(!waits, 'an order with an eligible fulfillment stays until matched', () => ({
      order: order.id,
      fulfillment: wanted?.bid.id,
    }));
  }

  #expectRipe(order: OrderBook): void {
    this.expect(this.height >= order.matchFrom, 'an order is matched after its wait', () => ({
      order: order.id,
      matchFrom: order.matchFrom,
    }));
  }

  /** Liveness: every ripe order with an eligible bid, and every order whose time is over without one, was dealt with. */
  #expectNothingLeft(block: Block, done: ReadonlySet<string>, exhausted: ReadonlySet<string>): void {
    for (const id of this.#ripens.take(this.height)) if ((this.#orders.get(id)?.bids.size ?? 0) > 0) this.#ripe.add(id);
    for (const id of this.#expires.take(this.time)) if (this.#orders.has(id)) this.#over.add(id);
    const complete = mustBeComplete(block, this.params);
    for (const set of [this.#ripe, this.#over]) {
      for (const id of set) {
        if (done.has(id) || exhausted.has(deploymentOfLease(id))) continue;
        this.#expectNotDue(id, complete);
      }
    }
  }

  /** An order of which this block's facilitation does not speak, though it is ripe or its time is over. */
  #expectNotDue(id: string, complete: boolean): void {
    const order = this.known(this.#orders.get(id), 'an order ends once', () => ({ order: id }));
    const ranked = this.#rank(order);
    const over = this.time >= order.closesAt;
    if (order.bids.size === 0) order.stays = false;
    else if (over && this.#isWanted(order)) order.stays = true;
    if (!complete) return;
    const blocked = blockedByCancelled(order, ranked, this.params);
    const wins = !blocked && this.height >= order.matchFrom ? ranked.find(one => one.answer === 'yes') : undefined;
    this.expect(wins === undefined, 'a ripe order with an eligible bid is matched in the next block', () => ({
      order: id,
      matchFrom: order.matchFrom,
      fulfillment: wins?.bid.id,
    }));
    const waits = ranked.length > 0 || (order.stays && this.height < order.matchFrom);
    this.expect(!over || waits, 'an order that nobody can win expires in the next block', () => ({
      order: id,
      closesAt: order.closesAt,
      now: this.time,
    }));
  }

  /** Whether an order outstays its time: an eligible bid is there, and its tenant has chosen where it has to. */
  #isWanted(order: OrderBook): boolean {
    if (this.params.matchingRule === 'tenant-chosen' && order.chosen === '') return false;
    return [...order.bids.values()].some(
      bid => this.#providers.admits(bid.provider, order.infrastructure, this.params, this.time) !== 'no',
    );
  }

  protected override onEvent(event: Event, block: Block): void {
    switch (event.type) {
      case 'OrderOpened':
        this.#open(event);
        break;
      case 'OrderClosed':
        this.#forget(event.order);
        break;
      case 'FulfillmentPlaced':
        this.#place(event, block);
        break;
      case 'FulfillmentChosen':
        this.#order(event.order).chosen = event.provider;
        break;
      case 'FulfillmentClosed':
        this.#closeBid(event);
        break;
      case 'LeaseCreated':
        this.#match(event);
        break;
      case 'TransactionFailed':
        if (event.message === 'SubmitFulfillment') this.#refused(event, block);
        break;
      default:
    }
    this.#providers.apply(event, this.params, this.time);
  }

  #open(event: EventOf<'OrderOpened'>): void {
    const { order: id, infrastructure, matchFrom, closesAt } = event;
    this.expect(matchFrom >= this.height && closesAt > this.time, 'an order waits and stays open from now on', () => ({
      order: id,
      matchFrom,
      closesAt,
      now: this.time,
    }));
    const cancelled: bigint[] = [];
    const order = { id, infrastructure, matchFrom, closesAt, bids: new Map(), placed: new Set<string>(), cancelled };
    this.#orders.set(id, { ...order, chosen: '', stays: false });
    this.#ripens.add(matchFrom, id);
    this.#expires.add(closesAt, id);
  }

  #order(id: string): OrderBook {
    return this.known(this.#orders.get(id), 'no event names a missing order', () => ({ order: id }));
  }

  #forget(id: string): void {
    this.#orders.delete(id);
    this.#ripe.delete(id);
    this.#over.delete(id);
  }

  #place(event: EventOf<'FulfillmentPlaced'>, block: Block): void {
    const { fulfillment: id, provider, position } = event;
    const order = this.#order(event.order);
    const resources = offerOf(block.transactions[position], order.id);
    this.expect(resources !== undefined, 'a bid comes from its transaction', () => ({ fulfillment: id, position }));
    const offer = resources as readonly ResourceGroup[];
    this.expect(!order.placed.has(id), 'an id names one bid', () => ({ fulfillment: id }));
    this.expect(this.time < order.closesAt, 'bids are accepted before the order closes', () => ({
      fulfillment: id,
      closesAt: order.closesAt,
      now: this.time,
    }));
    const fits = offerFits(order.infrastructure.resources, offer);
    this.expect(fits, 'an offer is what was ordered, for no more than its maximum', () => ({ fulfillment: id, offer }));
    const admitted = this.#providers.admits(provider, order.infrastructure, this.params, this.time);
    this.expect(admitted !== 'no', 'only the eligible bid', () => ({ fulfillment: id, provider }));
    const rival = bidOf(order, provider);
    this.expect(rival === undefined, 'a provider has one open bid per order', () => ({
      fulfillment: id,
      open: rival?.id,
    }));
    const total = totalOf(offer);
    this.expect(event.total === total, 'a bid tells its total', () => ({
      fulfillment: id,
      found: event.total,
      expected: total,
    }));
    order.placed.add(id);
    order.bids.set(id, { id, provider, resources: offer, total, height: this.height, position });
    if (this.height >= order.matchFrom) this.#ripe.add(order.id);
    // Governance may make books smaller than they are: then a bid may still take the place of another.
    const fitsIn = order.bids.size <= this.params.maxFulfillments || this.#replacedOn === order.id;
    this.#replacedOn = '';
    this.expect(fitsIn, 'a book holds so many bids and no more', () => ({
      order: order.id,
      bids: order.bids.size,
    }));
  }

  #closeBid(event: EventOf<'FulfillmentClosed'>): void {
    const { fulfillment: id, reason } = event;
    const order = this.#orders.get(event.order);
    if (order === undefined) return;
    const bid = this.known(order.bids.get(id), 'a bid ends once', () => event);
    if (order.chosen === bid.provider) order.chosen = '';
    if (reason === 'replaced') {
      const worst = worstBid(order, this.height);
      const full = order.bids.size >= this.params.maxFulfillments;
      this.expect(worst === bid && full, 'a full book lets go its worst', () => ({
        order: order.id,
        closed: id,
        worst: worst?.id,
        bids: order.bids.size,
      }));
      this.#expectReplacedBy(order, bid);
      this.#replacedOn = order.id;
    } else if (reason === 'cancelled') {
      order.cancelled.push(bid.total);
    } else if (reason === 'lost' || reason.startsWith('ineligible')) {
      const verdict = this.#judge(order);
      const status = verdict.find(one => one.bid === bid)?.answer ?? 'no';
      const right = reason === 'lost' || status !== 'yes' || this.params.matchingRule === 'tenant-chosen';
      this.expect(right, 'an eligible bid is not closed as ineligible', () => event);
    } else {
      this.expect(reason === 'order_closed', 'a bid ends for a known reason', () => event);
    }
    order.bids.delete(id);
    if (order.bids.size === 0) this.#ripe.delete(order.id);
  }

  /** The bid that pushes another one out is cheaper; it is of a transaction of this block on the same order. */
  #expectReplacedBy(order: OrderBook, worst: Bid): void {
    const cheaper = this.#block?.transactions.some(tx => {
      const offer = offerOf(tx, order.id);
      return offer !== undefined && totalOf(offer) < worst.total;
    });
    this.expect(cheaper === true, 'only a strictly lower total replaces the worst bid', () => ({
      order: order.id,
      replaced: worst.id,
      total: worst.total,
    }));
  }

  #judge(order: OrderBook): Ranked[] {
    let verdict = this.#verdicts.get(order.id);
    if (verdict === undefined) this.#verdicts.set(order.id, (verdict = this.#rank(order)));
    return verdict;
  }

  #match(event: EventOf<'LeaseCreated'>): void {
    const order = this.#order(event.lease);
    const named = this.#block?.facilitation.some(
      one => one.type === 'SubmitLease' && one.fulfillment === event.fulfillment,
    );
    this.expect(named === true, 'a lease comes from a SubmitLease', () => ({ lease: event.lease }));
    const ranked = this.#judge(order);
    const winner = ranked.find(one => one.bid.id === event.fulfillment);
    const certain = ranked.find(one => one.answer === 'yes');
    this.expect(winner !== undefined, 'the winner is eligible', () => ({
      lease: event.lease,
      fulfillment: event.fulfillment,
      best: certain?.bid.id,
    }));
    const { bid, late } = winner as Ranked;
    this.expect(bid.provider === event.provider, 'a lease goes to who placed the bid', () => ({
      lease: event.lease,
      found: event.provider,
      expected: bid.provider,
    }));
    const best = certain === undefined || ranked.indexOf(winner as Ranked) <= ranked.indexOf(certain);
    this.expect(best, 'the best eligible bid wins', () => ({
      lease: event.lease,
      rule: this.params.matchingRule,
      found: shown(bid, late),
      expected: certain === undefined ? undefined : shown(certain.bid, certain.late),
    }));
    this.expect(!blockedByCancelled(order, ranked, this.params), 'the flawed rule is as flawed as it was', () => ({
      lease: event.lease,
    }));
    this.#checkPrice(
      event,
      order,
      bid,
      ranked.filter(one => one.late === late),
    );
    this.#forget(event.lease);
  }

  #checkPrice(event: EventOf<'LeaseCreated'>, order: OrderBook, bid: Bid, rivals: readonly Ranked[]): void {
    const { resources, lease } = event;
    const fits = offerFits(order.infrastructure.resources, resources);
    this.expect(fits, 'what is leased is what was ordered, for no more than its maximum', () => ({ lease, resources }));
    if (this.params.matchingRule !== 'second-price') {
      const same = resources.every((one, i) => one.price === bid.resources[i]?.price);
      this.expect(same && event.price === bid.total, 'the winner is paid what it asked for', () => ({
        lease,
        found: resources.map(one => one.price),
        expected: bid.resources.map(one => one.price),
      }));
      return;
    }
    const others = rivals.filter(one => one.bid !== bid);
    const second = others.find(one => one.answer === 'yes')?.bid.total;
    const least = others[0]?.bid.total ?? bid.total;
    const most = second ?? totalOf(order.infrastructure.resources);
    this.expect(event.price >= least && event.price <= most, 'the winner is paid the second-lowest total', () => ({
      lease,
      found: event.price,
      least,
      most,
    }));
  }

  /** A bid that was refused: there must be a reason for it that the rules know. */
  #refused(event: EventOf<'TransactionFailed'>, block: Block): void {
    const { account, nonce } = event;
    const tx = block.transactions.find(one => one.body.account === account && one.body.nonce === nonce);
    if (tx?.body.message.type !== 'SubmitFulfillment' || tx.body.grant !== '') return;
    if (MONEY_CODES.has(event.code)) return;
    const { resources, order: id } = tx.body.message;
    const order = this.#orders.get(id);
    if (order === undefined || this.time >= order.closesAt) return;
    if (!offerFits(order.infrastructure.resources, resources)) return;
    if (this.#providers.admits(account, order.infrastructure, this.params, this.time) !== 'yes') return;
    if (bidOf(order, account) !== undefined) return;
    const worst = worstBid(order, this.height);
    const full = order.bids.size >= this.params.maxFulfillments;
    const fits = !full || (worst !== undefined && totalOf(resources) < worst.total);
    this.expect(!fits, 'a bid that is in order is accepted', () => ({
      order: id,
      provider: account,
      code: event.code,
      detail: event.detail,
      bids: order.bids.size,
    }));
  }

  protected override endBlock(_block: Block, _result: BlockResult, state: State): void {
    this.#providers.reputation.settle(state);
  }

  protected override full(state: State): void {
    for (const [id, order] of this.#orders) {
      const row = this.known(state.orders.get(id), 'an open order is in the state', () => ({ order: id }));
      const found = [...row.fulfillments].sort();
      const expected = [...order.bids.keys()].sort();
      const same = found.length === expected.length && found.every((bid, i) => bid === expected[i]);
      this.expect(same, 'an order has the bids that were placed and not closed', () => ({
        order: id,
        found,
        expected,
      }));
    }
    for (const address of this.#providers.addresses) {
      const found = state.delegations.get(`${address}/${address}`)?.amount ?? 0n;
      const expected = this.#providers.reputation.ownStake(address);
      this.expect(found === expected, "a provider's own stake is what was bonded", () => ({
        address,
        found,
        expected,
      }));
    }
  }
}
