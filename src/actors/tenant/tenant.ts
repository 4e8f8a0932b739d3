/**
 * The tenant's agent: submits deployments, watches their orders and leases, has manifests brought to whoever won, tops up
 * escrows, closes what has served its time or what nobody serves.
 *
 * What it was asked to deploy outlasts a restart (outbox.ts): it then asks the chain how its deployments stand, and goes
 * on from there.
 */

import type { Event, EventOf } from '../../protocol/model/events.ts';
import type { Message } from '../../protocol/model/messages.ts';
import { deploymentOf } from '../../protocol/model/objects.ts';
import type { Actor, Effects, Input, RandomStream, Time } from '../actor.ts';
import { ChainClient, type ChainClientOptions, type ChainListener } from '../client/chain-client.ts';
import { isLeaseWire } from '../lease-wire.ts';
import type { AccountView, Answer, ChainStatus, DeploymentView, Wire } from '../wire.ts';
import { Choosing } from './choosing.ts';
import type { Courier } from './courier.ts';
import { Deadlines } from './deadlines.ts';
import { FrontDesk, type FrontDeskHost } from './front-desk.ts';
import { type Kept, newKept } from './kept.ts';
import { checkManifest, goodsOf } from './manifests.ts';
import { OUTBOX, Outbox } from './outbox.ts';
import {
  type AccountReply,
  type DeployRequest,
  failure,
  type TenantDeploymentStatus,
  type TenantRequest,
  type UpdateRequest,
} from './requests.ts';
import { Submissions } from './submissions.ts';
import { TakeUp, type TakeUpHost } from './take-up.ts';
import { Updates } from './updates.ts';

export type { DeployRequest, TenantRequest } from './requests.ts';

export interface TenantOptions extends Omit<ChainClientOptions, 'topics'> {
  /** For challenges to providers: nobody should foresee it. */
  readonly random: RandomStream;
  /** What is to outlast a restart: deployments that have a manifest, or all. */
  readonly keeps: 'manifests' | 'all';
}

const TAKE_UP_TIMER = 'tenant/take-up';

export class Tenant implements Actor<Wire, TenantRequest>, ChainListener, FrontDeskHost, TakeUpHost {
  readonly #keepsAll: boolean;
  readonly #chain: ChainClient;
  readonly #courier: Courier;
  readonly #desk: FrontDesk;
  readonly #outbox = new Outbox();
  readonly #takeUp: TakeUp;
  readonly #updates: Updates;
  readonly #choosing: Choosing;
  readonly #submissions: Submissions;
  readonly #deadlines: Deadlines;
  readonly #deployments = new Map<string, Kept>();
  /** Requests that wait to hear of the account. */
  #accountReplies: number[] = [];

  constructor({ random, keeps, ...options }: TenantOptions) {
    const { address, keys, scheme, nodes } = options;
    this.#keepsAll = keeps === 'all';
    this.#chain = new ChainClient({ ...options, topics: [] }, this);
    this.#desk = new FrontDesk(this.#chain, { address, keys, scheme, random, nodes }, this);
    this.#courier = this.#desk.courier;
    this.#updates = new Updates(this.#chain, this.#outbox);
    this.#takeUp = new TakeUp(this.#chain, this.#outbox, this);
    this.#choosing = new Choosing(this.#chain);
    this.#submissions = new Submissions(this.#chain, this.#outbox);
    this.#deadlines = new Deadlines(this.#chain, this.#outbox);
  }

  /** The node that it asks now (empty: none is in reach), and the newest height that it knows of. */
  get link(): { readonly node: string; readonly height: number } {
    const { node, height } = this.#chain;
    return { node, height };
  }

  /** How all deployments stand, as far as is known. */
  get statuses(): readonly TenantDeploymentStatus[] {
    return [...this.#deployments.values()].map(kept => this.#desk.describe(kept));
  }

  receive(input: Input<Wire, TenantRequest>, now: Time, out: Effects<Wire>): void {
    switch (input.kind) {
      case 'request':
        if (this.#takeUp.isDone) this.#request(input.id, input.request, now, out);
        else this.#takeUp.defer(input, out);
        return;
      case 'recovered':
        this.#chain.receive(input, now, out);
        this.#takeUp.begin(input.incarnation, out);
        return;
      case 'scanned':
        if (input.prefix !== OUTBOX) break;
        this.#takeUp.scanned(input.entries, out);
        this.#goOn(now, out);
        return;
      case 'storeFailed':
        if (!this.#takeUp.isFailed(input)) break;
        // Without it nobody knows what was deployed here, and what is to be handed to whom.
        out.halt(`the outbox cannot be read: ${input.reason}`);
        return;
      case 'connected':
        if (!input.inbound) break;
        // Nobody has any business to call a tenant.
        out.disconnect(input.connection);
        return;
      default:
    }
    if (this.#courier.receive(input as Input<Wire>, now, out)) return;
    // What a provider says is never taken for a node's word.
    if (input.kind === 'message' && isLeaseWire(input.message)) return;
    if (this.#chain.receive(input as Input<Wire>, now, out)) return;
    if (input.kind === 'timer') this.#timer(String(input.id), now, out);
  }

  #request(id: number, request: TenantRequest, now: Time, out: Effects<Wire>): void {
    if (request.type === 'deploy') this.#deploy(request, id, out);
    else if (request.type === 'account') this.#askAccount(id, out);
    else this.#desk.request(id, request, now, out);
  }

  #askAccount(reply: number, out: Effects<Wire>): void {
    this.#accountReplies.push(reply);
    this.#chain.query({ what: 'account', address: this.#chain.address }, out);
  }

  #deploy({ manifest, groups, ...request }: DeployRequest, reply: number, out: Effects<Wire>): void {
    const { version, infrastructure } = request;
    const checked = manifest === null ? null : checkManifest(manifest, version, groups, infrastructure.length);
    if (checked?.ok === false) {
      out.reply(reply, checked);
      return;
    }
    const serial = this.#keepsAll || manifest !== null ? this.#outbox.take() : null;
    const kept = newKept(request, manifest !== null, serial, reply);
    if (checked !== null) {
      kept.manifests.set(version.toHex(), checked.held);
      this.#outbox.putManifest(kept, version.toHex(), checked.held, out);
    }
    this.#outbox.put(kept, out);
    this.#submissions.submit(kept, out);
  }

  // After a start.

  #goOn(now: Time, out: Effects<Wire>): void {
    for (const { id, request } of this.#takeUp.go(out)) this.#request(id, request, now, out);
  }

  known(kept: Kept, out: Effects<Wire>): void {
    this.#deployments.set(kept.id, kept);
    this.#chain.query({ what: 'deployment', id: kept.id }, out);
  }

  unsent(kept: Kept, out: Effects<Wire>): void {
    this.#submissions.submit(kept, out);
  }

  /** How a deployment stands, by the chain: what events did not tell, because nobody was there to be told. */
  #learn(id: string, height: number, view: DeploymentView | null, now: Time, out: Effects<Wire>): void {
    const kept = this.#deployments.get(id);
    if (kept === undefined) return;
    if (height < kept.height) {
      this.#chain.query({ what: 'deployment', id }, out);
      return;
    }
    if (view === null) {
      this.#forget(kept, now, out);
      return;
    }
    this.#made(kept, out);
    kept.escrow = view.escrow;
    kept.closing ||= view.state === 'closing';
    this.#updates.seen(kept, view.version, out);
    kept.orders.clear();
    for (const order of view.orders) kept.orders.add(order);
    const standing = view.leases.filter(one => one.state !== 'closing');
    for (const lease of [...kept.leases.keys()]) {
      if (!standing.some(one => one.lease === lease)) this.#leaseOver(kept, lease, now, out);
    }
    for (const { lease, provider, price, state } of standing) {
      kept.leases.set(lease, { provider, price, active: state === 'active' });
      kept.served ||= state === 'active';
      this.#handOver(kept, lease, provider, now, out);
    }
    if (standing.length > 0) this.#deadlines.begin(kept, now, out);
    if (kept.served) this.#deadlines.planRefill(kept, now, out);
    this.#closeIfIdle(kept, out);
  }

  // What the chain's client tells.

  onReady(_status: ChainStatus, now: Time, out: Effects<Wire>): void {
    this.#courier.onChainReady(now, out);
    // The client is about to send what waits; what a start adds goes behind it.
    if (this.#takeUp.isDone) this.#catchUp(out);
    else out.setTimer(TAKE_UP_TIMER, now);
  }

  /** Somebody who takes a node at its word misses what happens while none is in reach. */
  #catchUp(out: Effects<Wire>): void {
    const nonce = this.#chain.nonce as number;
    for (const kept of this.#submissions.takeSettled(nonce)) this.#deployments.set(kept.id, kept);
    for (const kept of this.#deployments.values()) if (kept.serial !== null) this.known(kept, out);
  }

  onAnswer(answer: Answer, now: Time, out: Effects<Wire>): void {
    if (answer.what === 'deployment') {
      const { id, height, view } = answer.value;
      this.#learn(id, height, view, now, out);
    } else if (answer.what === 'endpoint') {
      this.#courier.onEndpoint(answer.value.address, answer.value.endpoint, now, out);
    }
  }

  onAccount({ balance }: AccountView, _now: Time, out: Effects<Wire>): void {
    const replies = this.#accountReplies;
    this.#accountReplies = [];
    for (const reply of replies) out.reply(reply, { ok: true, balance } satisfies AccountReply);
  }

  onSigned(message: Message, nonce: number, out: Effects<Wire>): void {
    if (!this.#submissions.signed(message, nonce, out)) this.#updates.signed(message, nonce, out);
  }

  onRefused(message: Message, code: string, _now: Time, out: Effects<Wire>): void {
    out.observe('refused', 1, `${message.type}: ${code}`);
    if (message.type === 'SubmitDeployment') this.#submissions.refused(message, code, out);
    else if (message.type === 'CloseDeployment') this.#desk.closed(message.deployment, code, out);
    else this.#updates.refused(message, code, out);
  }

  onEvent(event: Event, height: number, _time: Time, now: Time, out: Effects<Wire>): void {
    const me = this.#chain.address;
    switch (event.type) {
      case 'TransactionFailed':
        if (event.account === me) this.#failed(event, out);
        return;
      case 'DeploymentSubmitted':
        if (event.tenant === me) this.#accepted(event, height, out);
        return;
      case 'OrderOpened':
        if (event.tenant === me) this.#opened(event, height, now, out);
        return;
      case 'OrderClosed':
        if (event.tenant === me) this.#orderClosed(event, height, out);
        return;
      case 'FulfillmentPlaced':
        this.#choosing.placed(event);
        return;
      case 'FulfillmentClosed':
        this.#choosing.withdrawn(event);
        return;
      case 'EscrowDeposited':
        this.#deposited(event, height, now, out);
        return;
      case 'DeploymentUpdated':
        // The event does not say to which version.
        if (this.#of(event.deployment, height) !== undefined)
          this.#chain.query({ what: 'deployment', id: event.deployment }, out);
        return;
      case 'DeploymentClosing': {
        // Not always this tenant's doing: an exhausted escrow ends a deployment too.
        const kept = this.#of(event.deployment, height);
        if (kept !== undefined) kept.closing = true;
        this.#desk.closed(event.deployment, null, out);
        return;
      }
      case 'DeploymentClosed': {
        const kept = this.#of(event.deployment, height);
        if (kept !== undefined) this.#forget(kept, now, out);
        return;
      }
      default:
        this.#onLeaseEvent(event, height, now, out);
    }
  }

  /** The deployment that something happened to in a block. */
  #of(id: string, height: number): Kept | undefined {
    const kept = this.#deployments.get(id);
    if (kept !== undefined) kept.height = Math.max(kept.height, height);
    return kept;
  }

  #failed({ message, code, nonce, object }: EventOf<'TransactionFailed'>, out: Effects<Wire>): void {
    out.observe('failed', 1, `${message}: ${code}`);
    if (message === 'SubmitDeployment') this.#submissions.failed(nonce, code, out);
    else if (message === 'CloseDeployment') this.#desk.closed(object, code, out);
    else if (message === 'UpdateDeployment') this.#updates.failed(nonce, code, out);
  }

  #accepted(event: EventOf<'DeploymentSubmitted'>, height: number, out: Effects<Wire>): void {
    const kept = this.#submissions.accepted(event);
    const { deployment } = event;
    if (kept !== null) {
      kept.height = height;
      this.#deployments.set(deployment, kept);
      this.#made(kept, out);
    } else if (!this.#deployments.has(deployment)) {
      // Made by somebody else under a grant, or before a restart and not to be kept.
      out.observe('deployment_unknown', 1, deployment);
    }
  }

  /** The chain has it. */
  #made(kept: Kept, out: Effects<Wire>): void {
    if (kept.reply !== null) out.reply(kept.reply, { ok: true, deployment: kept.id });
    kept.reply = null;
  }

  #opened(event: EventOf<'OrderOpened'>, height: number, now: Time, out: Effects<Wire>): void {
    const kept = this.#of(deploymentOf(event.order), height);
    if (kept === undefined) return;
    kept.orders.add(event.order);
    this.#choosing.opened(event, height, now, out);
  }

  #orderClosed(event: EventOf<'OrderClosed'>, height: number, out: Effects<Wire>): void {
    this.#choosing.forget(event.order);
    const kept = this.#of(deploymentOf(event.order), height);
    if (kept === undefined) return;
    kept.orders.delete(event.order);
    this.#closeIfIdle(kept, out);
  }

  /** Nothing stands for the deployment and nothing will: its escrow is better at home. */
  #closeIfIdle(kept: Kept, out: Effects<Wire>): void {
    if (kept.orders.size === 0 && kept.leases.size === 0) this.#close(kept, out);
  }

  #close(kept: Kept, out: Effects<Wire>): void {
    if (kept.closing) return;
    kept.closing = true;
    this.#chain.submit({ type: 'CloseDeployment', deployment: kept.id }, out);
  }

  #onLeaseEvent(event: Event, height: number, now: Time, out: Effects<Wire>): void {
    if (!('lease' in event) || !('tenant' in event) || event.tenant !== this.#chain.address) return;
    const kept = this.#of(deploymentOf(event.lease), height);
    if (kept === undefined) return;
    switch (event.type) {
      case 'LeaseCreated':
        this.#leased(kept, event, now, out);
        return;
      case 'LeaseActive': {
        const lease = kept.leases.get(event.lease);
        if (lease !== undefined) lease.active = true;
        kept.served = true;
        this.#deadlines.planRefill(kept, now, out);
        return;
      }
      case 'LeasePaid':
        kept.escrow -= event.amount;
        return;
      case 'LeaseBroken':
        this.#leaseOver(kept, event.lease, now, out);
        if (!event.renewed) this.#closeIfIdle(kept, out);
        return;
      case 'LeaseClosing':
        this.#leaseOver(kept, event.lease, now, out);
        return;
      default:
    }
  }

  #leased(kept: Kept, event: EventOf<'LeaseCreated'>, now: Time, out: Effects<Wire>): void {
    this.#choosing.forget(event.lease);
    kept.orders.delete(event.lease);
    const first = kept.leases.size === 0 && !kept.served;
    // One that broke before it served does not count.
    if (first) kept.leasedAt = null;
    kept.leases.set(event.lease, { provider: event.provider, price: event.price, active: false });
    this.#handOver(kept, event.lease, event.provider, now, out);
    if (first) this.#deadlines.begin(kept, now, out);
  }

  #handOver(kept: Kept, lease: string, provider: string, now: Time, out: Effects<Wire>): void {
    const held = kept.manifests.get(kept.version.toHex());
    const goods = held === undefined ? null : goodsOf(kept.id, lease, kept.version, held);
    if (goods !== null) this.#courier.want(lease, provider, goods, now, out);
  }

  #leaseOver(kept: Kept, lease: string, now: Time, out: Effects<Wire>): void {
    kept.leases.delete(lease);
    this.#courier.drop(lease, now, out);
  }

  #timer(id: string, now: Time, out: Effects<Wire>): void {
    if (id === TAKE_UP_TIMER) {
      this.#goOn(now, out);
      return;
    }
    if (this.#desk.onTimer(id, out)) return;
    // Under a deployment's own id stands the end of its lifetime.
    const cut = id.indexOf(':');
    const subject = id.slice(cut + 1);
    const kind = cut < 0 ? 'end' : id.slice(0, cut);
    if (kind === 'choose') {
      this.#choosing.choose(subject, now, out);
      return;
    }
    const kept = this.#deployments.get(subject);
    if (kept === undefined || kept.closing) return;
    if (kind === 'end' || (kind === 'pending' && !kept.served)) this.#close(kept, out);
    else if (kind === 'refill') this.#deadlines.refill(kept, now, out);
  }

  #deposited(event: EventOf<'EscrowDeposited'>, height: number, now: Time, out: Effects<Wire>): void {
    const kept = this.#of(event.deployment, height);
    if (kept === undefined) return;
    kept.escrow += event.amount;
    this.#deadlines.planRefill(kept, now, out);
  }

  /** The deployment is over, or never was. */
  #forget(kept: Kept, now: Time, out: Effects<Wire>): void {
    const { id } = kept;
    this.#deployments.delete(id);
    for (const lease of kept.leases.keys()) this.#courier.drop(lease, now, out);
    this.#outbox.drop(kept, out);
    this.#updates.forget(kept, out);
    this.#desk.closed(id, null, out);
    if (kept.reply !== null) out.reply(kept.reply, failure('not_made', 'the chain has no such deployment'));
    kept.reply = null;
    this.#deadlines.end(kept, out);
  }

  // What the front desk asks.

  find(deployment: string): Kept | undefined {
    return this.#deployments.get(deployment);
  }

  all(): readonly Kept[] {
    return [...this.#deployments.values()];
  }

  close(kept: Kept, out: Effects<Wire>): void {
    this.#close(kept, out);
  }

  update(kept: Kept, request: UpdateRequest, reply: number, out: Effects<Wire>): void {
    this.#updates.begin(kept, request, reply, out);
  }
}
