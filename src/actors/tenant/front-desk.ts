/**
 * Answers what users ask about deployments that stand: to close one, to update it, how it is, what its services wrote. Of
 * that, providers know the last two, with whom the courier speaks.
 */
import { deploymentOf } from '../../protocol/model/objects.ts';
import type { Effects, Time } from '../actor.ts';
import type { ChainClient } from '../client/chain-client.ts';
import type { LeaseWire } from '../lease-wire.ts';
import type { Wire } from '../wire.ts';
import { Courier, type CourierHost, type CourierOptions } from './courier.ts';
import { Inquiries } from './inquiries.ts';
import type { Kept } from './kept.ts';
import {
  type AccountRequest,
  type DeployRequest,
  type Failure,
  failure,
  type StatusReply,
  type TenantDeploymentStatus,
  type TenantRequest,
  type UpdateRequest,
} from './requests.ts';

export interface FrontDeskHost {
  find(deployment: string): Kept | undefined;
  all(): readonly Kept[];
  close(kept: Kept, out: Effects<Wire>): void;
  update(kept: Kept, request: UpdateRequest, reply: number, out: Effects<Wire>): void;
}

function noDeployment(id: string): Failure {
  return failure('no_deployment', `there is no deployment ${id} of this tenant`);
}

export class FrontDesk implements CourierHost {
  readonly courier: Courier;
  readonly #chain: ChainClient;
  readonly #host: FrontDeskHost;
  readonly #inquiries: Inquiries;
  /** Requests to close, by deployment. */
  readonly #closers = new Map<string, number[]>();

  constructor(chain: ChainClient, options: CourierOptions, host: FrontDeskHost) {
    this.#chain = chain;
    this.courier = new Courier(options, this);
    this.#host = host;
    this.#inquiries = new Inquiries(this.courier);
  }

  /** @param id the request's number, to be answered once */
  request(
    id: number,
    request: Exclude<TenantRequest, DeployRequest | AccountRequest>,
    now: Time,
    out: Effects<Wire>,
  ): void {
    switch (request.type) {
      case 'update': {
        const kept = this.#host.find(request.deployment);
        if (kept === undefined) out.reply(id, noDeployment(request.deployment));
        else if (kept.closing) out.reply(id, failure('closing', `the deployment ${kept.id} is closing`));
        else this.#host.update(kept, request, id, out);
        return;
      }
      case 'close': {
        const kept = this.#host.find(request.deployment);
        if (kept === undefined) {
          out.reply(id, noDeployment(request.deployment));
          return;
        }
        this.#closers.set(kept.id, [...(this.#closers.get(kept.id) ?? []), id]);
        this.#host.close(kept, out);
        return;
      }
      case 'status':
        this.#status(request.deployment, id, now, out);
        return;
      case 'logs': {
        const lease = this.#host.find(deploymentOf(request.lease))?.leases.get(request.lease);
        if (lease !== undefined) this.#inquiries.logs(request, lease.provider, id, now, out);
        else out.reply(id, failure('unknown_lease', `there is no lease ${request.lease} of this tenant`));
        return;
      }
    }
  }

  #status(deployment: string | null, id: number, now: Time, out: Effects<Wire>): void {
    const one = deployment === null ? undefined : this.#host.find(deployment);
    if (deployment !== null && one === undefined) {
      out.reply(id, noDeployment(deployment));
      return;
    }
    const asked = one === undefined ? this.#host.all() : [one];
    const leases = asked.flatMap(kept => [...kept.leases.keys()]);
    const finish = (later: Effects<Wire>): void => {
      const deployments = asked.filter(kept => this.#host.find(kept.id) === kept).map(kept => this.describe(kept));
      later.reply(id, { ok: true, deployments } satisfies StatusReply);
    };
    this.#inquiries.status(id, leases, finish, now, out);
  }

  /** How a deployment stands, as far as is known. */
  describe(kept: Kept): TenantDeploymentStatus {
    return {
      deployment: kept.id,
      version: kept.version,
      state: kept.closing ? 'closing' : 'open',
      escrow: kept.escrow,
      openOrders: kept.orders.size,
      leases: [...kept.leases].map(([lease, { provider, price, active }]) => ({
        lease,
        provider,
        state: active ? ('active' as const) : ('pending' as const),
        price,
        delivery: this.courier.delivery(lease),
        services: this.courier.services(lease),
      })),
    };
  }

  /** A deployment is closing or closed (`code` null), or the chain refused to close it. */
  closed(deployment: string, code: string | null, out: Effects<Wire>): void {
    const replies = this.#closers.get(deployment);
    if (replies === undefined) return;
    this.#closers.delete(deployment);
    const answer = code === null ? { ok: true } : failure(code, `the chain refused to close ${deployment}`);
    for (const reply of replies) out.reply(reply, answer);
  }

  // What the courier asks and tells.

  get chainId(): string | null {
    return this.#chain.ready ? this.#chain.chainId : null;
  }

  askEndpoint(provider: string, out: Effects<Wire>): void {
    this.#chain.query({ what: 'endpoint', address: provider }, out);
  }

  onStatus(lease: string, _now: Time, out: Effects<Wire>): void {
    this.#inquiries.onStatus(lease, out);
  }

  onLog(message: Extract<LeaseWire, { readonly type: 'leaseLog' }>, provider: string, out: Effects<Wire>): void {
    this.#inquiries.onLog(message, provider, out);
  }

  onGone(provider: string, out: Effects<Wire>): void {
    this.#inquiries.onGone(provider, out);
  }

  /** Takes a timer if it is one of these; returns whether it was. */
  onTimer(id: string, out: Effects<Wire>): boolean {
    return this.#inquiries.onTimer(id, out);
  }
}
