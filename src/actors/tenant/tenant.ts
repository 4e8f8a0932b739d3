/**
 * The tenant's agent: submits deployments, watches their orders and leases, tops up escrows, closes what has served its
 * time or what nobody serves.
 */
import { costOfBlocks } from '../../protocol/ledger/money.ts';
import { bookTopic, type Event, type EventOf } from '../../protocol/model/events.ts';
import type { Message } from '../../protocol/model/messages.ts';
import { type DeploymentInfrastructure, deploymentOf } from '../../protocol/model/objects.ts';
import type { Actor, Effects, Input, Time } from '../actor.ts';
import { ChainClient, type ChainClientOptions, type ChainListener } from '../client/chain-client.ts';
import type { Answer, ChainStatus, Wire } from '../wire.ts';

/** What a user asks of its tenant agent. */
export interface DeployRequest {
  readonly type: 'deploy';
  readonly infrastructure: readonly DeploymentInfrastructure[];
  /** blocks */
  readonly waitDuration: number;
  /** microseconds */
  readonly openFor: number;
  readonly version: Uint8Array;
  /** micro-AKASH */
  readonly escrow: bigint;
  /** Close so long after the first lease; null = never. */
  readonly lifetime_us: number | null;
  /** Deposit again when escrow covers fewer than `below` periods of what is leased, up to `to`; null = never. */
  readonly refill: { readonly below: number; readonly to: number } | null;
  /** Close before the first confirmation, so long after the match; null = do not. */
  readonly closePending_us: number | null;
}
export type TenantRequest = DeployRequest;

interface Kept {
  readonly id: string;
  readonly request: DeployRequest;
  escrow: bigint;
  /** Price of each lease that stands, pico-AKASH/s. */
  readonly leases: Map<string, bigint>;
  openOrders: number;
  served: boolean;
  closing: boolean;
}

interface SeenBid {
  readonly provider: string;
  readonly total: bigint;
}

export class Tenant implements Actor<Wire, TenantRequest>, ChainListener {
  readonly #chain: ChainClient;
  /** Deployments that are submitted and not yet on chain, in order: the chain keeps that order. */
  readonly #submitted: { readonly request: DeployRequest; readonly reply: number }[] = [];
  readonly #deployments = new Map<string, Kept>();
  /** Bids seen on own orders, when this tenant has to choose among them. */
  readonly #bids = new Map<string, SeenBid[]>();

  constructor(options: Omit<ChainClientOptions, 'topics'>) {
    this.#chain = new ChainClient({ ...options, topics: [] }, this);
  }

  receive(input: Input<Wire, TenantRequest>, now: Time, out: Effects<Wire>): void {
    if (input.kind === 'request') {
      this.#deploy(input.request, input.id, out);
      return;
    }
    if (this.#chain.receive(input as Input<Wire>, now, out)) return;
    if (input.kind === 'timer') this.#timer(String(input.id), now, out);
  }

  #deploy(request: DeployRequest, reply: number, out: Effects<Wire>): void {
    const { infrastructure, waitDuration, openFor, version, escrow } = request;
    this.#submitted.push({ request, reply });
    this.#chain.submit({ type: 'SubmitDeployment', infrastructure, waitDuration, openFor, version, escrow }, out);
  }

  #timer(id: string, now: Time, out: Effects<Wire>): void {
    // Under a deployment's own id stands the end of its lifetime.
    const cut = id.indexOf(':');
    const subject = id.slice(cut + 1);
    const kind = cut < 0 ? 'end' : id.slice(0, cut);
    if (kind === 'choose') {
      this.#choose(subject, now, out);
      return;
    }
    const kept = this.#deployments.get(subject);
    if (kept === undefined || kept.closing) return;
    if (kind === 'end' || (kind === 'pending' && !kept.served)) this.#close(kept, out);
    else if (kind === 'refill') this.#refill(kept, now, out);
  }

  onReady(_status: ChainStatus, _now: Time, _out: Effects<Wire>): void {}
  onAnswer(_answer: Answer, _now: Time, _out: Effects<Wire>): void {}

  onRefused(message: Message, code: string, _now: Time, out: Effects<Wire>): void {
    out.observe('refused', 1, `${message.type}: ${code}`);
    if (message.type === 'SubmitDeployment') this.#deployFailed(code, out);
  }

  #deployFailed(code: string, out: Effects<Wire>): void {
    const entry = this.#submitted.shift();
    if (entry === undefined) throw new Error(`${this.#chain.address}: a deployment failed that was not submitted`);
    out.observe('deploy_failed', 1, code);
    out.reply(entry.reply, { ok: false, code });
  }

  onEvent(event: Event, height: number, _time: Time, now: Time, out: Effects<Wire>): void {
    const me = this.#chain.address;
    switch (event.type) {
      case 'TransactionFailed':
        if (event.account !== me) return;
        out.observe('failed', 1, `${event.message}: ${event.code}`);
        if (event.message === 'SubmitDeployment') this.#deployFailed(event.code, out);
        return;
      case 'DeploymentSubmitted':
        if (event.tenant === me) this.#accepted(event, out);
        return;
      case 'OrderOpened':
        if (event.tenant === me) this.#opened(event, height, now, out);
        return;
      case 'OrderClosed':
        if (event.tenant === me) this.#orderClosed(event, out);
        return;
      case 'FulfillmentPlaced':
        this.#bids.get(event.order)?.push({ provider: event.provider, total: event.total });
        return;
      case 'FulfillmentClosed':
        this.#forgetBid(event);
        return;
      case 'EscrowDeposited':
        this.#deposited(event, now, out);
        return;
      case 'DeploymentClosing': {
        // Not always this tenant's doing: an exhausted escrow ends a deployment too.
        const kept = this.#deployments.get(event.deployment);
        if (kept !== undefined) kept.closing = true;
        return;
      }
      case 'DeploymentClosed':
        this.#closed(event, out);
        return;
      default:
        this.#onLeaseEvent(event, now, out);
    }
  }

  #accepted(event: EventOf<'DeploymentSubmitted'>, out: Effects<Wire>): void {
    const entry = this.#submitted.shift();
    if (entry === undefined) throw new Error(`deployment ${event.deployment} appeared that was not submitted`);
    this.#deployments.set(event.deployment, {
      id: event.deployment,
      request: entry.request,
      escrow: event.escrow,
      leases: new Map(),
      openOrders: 0,
      served: false,
      closing: false,
    });
    out.reply(entry.reply, { ok: true, deployment: event.deployment });
  }

  #opened(event: EventOf<'OrderOpened'>, height: number, now: Time, out: Effects<Wire>): void {
    const kept = this.#deployments.get(deploymentOf(event.order));
    if (kept === undefined) return;
    kept.openOrders += 1;
    if (this.#chain.params.matchingRule !== 'tenant-chosen') return;
    this.#bids.set(event.order, []);
    this.#chain.subscribe(bookTopic(event.infrastructure.region), out);
    const wait_us = Math.max(1, event.matchFrom - height) * this.#chain.params.targetBlockInterval;
    out.setTimer(`choose:${event.order}`, now + wait_us);
  }

  /** Names the cheapest bid seen; looks again a block later when there is none yet. */
  #choose(order: string, now: Time, out: Effects<Wire>): void {
    const bids = this.#bids.get(order);
    if (bids === undefined) return;
    let best: SeenBid | undefined;
    for (const bid of bids) if (best === undefined || bid.total < best.total) best = bid;
    if (best !== undefined) this.#chain.submit({ type: 'ChooseFulfillment', order, provider: best.provider }, out);
    else out.setTimer(`choose:${order}`, now + this.#chain.params.targetBlockInterval);
  }

  #forgetBid(event: EventOf<'FulfillmentClosed'>): void {
    const bids = this.#bids.get(event.order);
    const at = bids?.findIndex(bid => bid.provider === event.provider) ?? -1;
    if (at >= 0) bids?.splice(at, 1);
  }

  #orderClosed(event: EventOf<'OrderClosed'>, out: Effects<Wire>): void {
    this.#bids.delete(event.order);
    const kept = this.#deployments.get(deploymentOf(event.order));
    if (kept === undefined) return;
    kept.openOrders -= 1;
    this.#closeIfIdle(kept, out);
  }

  /** Nothing stands for the deployment and nothing will: its escrow is better at home. */
  #closeIfIdle(kept: Kept, out: Effects<Wire>): void {
    if (kept.openOrders === 0 && kept.leases.size === 0 && !kept.closing) this.#close(kept, out);
  }

  #close(kept: Kept, out: Effects<Wire>): void {
    kept.closing = true;
    this.#chain.submit({ type: 'CloseDeployment', deployment: kept.id }, out);
  }

  #onLeaseEvent(event: Event, now: Time, out: Effects<Wire>): void {
    if (!('lease' in event) || !('tenant' in event) || event.tenant !== this.#chain.address) return;
    const kept = this.#deployments.get(deploymentOf(event.lease));
    if (kept === undefined) return;
    switch (event.type) {
      case 'LeaseCreated':
        this.#leased(kept, event, now, out);
        return;
      case 'LeaseActive':
        kept.served = true;
        this.#planRefill(kept, now, out);
        return;
      case 'LeasePaid':
        kept.escrow -= event.amount;
        return;
      case 'LeaseBroken':
        kept.leases.delete(event.lease);
        if (!event.renewed) this.#closeIfIdle(kept, out);
        return;
      case 'LeaseClosing':
        kept.leases.delete(event.lease);
        return;
      default:
    }
  }

  #leased(kept: Kept, event: EventOf<'LeaseCreated'>, now: Time, out: Effects<Wire>): void {
    this.#bids.delete(event.lease);
    kept.openOrders -= 1;
    const first = kept.leases.size === 0 && !kept.served;
    kept.leases.set(event.lease, event.price);
    if (!first) return;
    const { lifetime_us, closePending_us } = kept.request;
    if (lifetime_us !== null) out.setTimer(kept.id, now + lifetime_us);
    if (closePending_us !== null) out.setTimer(`pending:${kept.id}`, now + closePending_us);
  }

  #periodCost(kept: Kept): bigint {
    const { reconfirmationPeriod, targetBlockInterval } = this.#chain.params;
    let price = 0n;
    for (const one of kept.leases.values()) price += one;
    return costOfBlocks(price, reconfirmationPeriod, targetBlockInterval);
  }

  /** Wakes when the escrow, as it is being used up, will cover no more than the floor. */
  #planRefill(kept: Kept, now: Time, out: Effects<Wire>): void {
    const { refill } = kept.request;
    const period = this.#periodCost(kept);
    if (refill === null || period === 0n) return;
    const { reconfirmationPeriod, targetBlockInterval } = this.#chain.params;
    const above = kept.escrow - BigInt(refill.below) * period;
    const periods = above > 0n ? Number((above * 1000n) / period) / 1000 : 0;
    const wait_us = Math.max(targetBlockInterval, Math.floor(periods * reconfirmationPeriod * targetBlockInterval));
    out.setTimer(`refill:${kept.id}`, now + wait_us);
  }

  #refill(kept: Kept, now: Time, out: Effects<Wire>): void {
    const { refill } = kept.request;
    const period = this.#periodCost(kept);
    if (refill === null || period === 0n) return;
    const amount = BigInt(refill.to - refill.below) * period;
    if (amount > 0n) this.#chain.submit({ type: 'DepositEscrow', deployment: kept.id, amount }, out);
    else this.#planRefill(kept, now, out);
  }

  #deposited(event: EventOf<'EscrowDeposited'>, now: Time, out: Effects<Wire>): void {
    const kept = this.#deployments.get(event.deployment);
    if (kept === undefined) return;
    kept.escrow += event.amount;
    this.#planRefill(kept, now, out);
  }

  #closed(event: EventOf<'DeploymentClosed'>, out: Effects<Wire>): void {
    const kept = this.#deployments.get(event.deployment);
    if (kept === undefined) return;
    this.#deployments.delete(event.deployment);
    if (kept.request.lifetime_us !== null) out.cancelTimer(event.deployment);
    if (kept.request.closePending_us !== null) out.cancelTimer(`pending:${event.deployment}`);
    if (kept.request.refill !== null) out.cancelTimer(`refill:${event.deployment}`);
  }
}
