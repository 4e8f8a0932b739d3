/** A tenant's agent as a daemon: its actor, and what its API sees of it. */
import type {
  AccountReply,
  CloseReply,
  DeployReply,
  LogsReply,
  StatusReply,
  TenantRequest,
  UpdateReply,
} from '../../../actors/tenant/requests.ts';
import type { Tenant } from '../../../actors/tenant/tenant.ts';
import type { Genesis } from '../../../protocol/chain/genesis.ts';
import { freshSeed, randomStream } from '../../../worlds/live/random.ts';
import { startTenantApi } from '../api/tenant-api.ts';
import type { Outcome, TenantView } from '../api/views.ts';
import type { TenantConfig } from '../home/config-types.ts';
import type { OpenHome } from '../home/open-home.ts';
import { unanswered } from './client.ts';
import { type Ask, type Daemon, type RoleParts, type StartOptions, startParts } from './daemon.ts';
import { planDeployment, planUpdate } from './deployment.ts';
import { tenantActor } from './tenant-actor.ts';

/** How long each request may take: what the chain must take in, what a provider must answer, what is known here. */
const CHAIN_MS = 300_000;
const PROVIDER_MS = 60_000;
const STATUS_MS = 30_000;
/** How often the account is looked at, for whoever wants to see its balance. */
const ACCOUNT_EVERY_MS = 5_000;

export function startTenantDaemon(home: OpenHome<'tenant'>, options: StartOptions): Promise<Daemon> {
  return startParts<TenantRequest>(home, () => tenantParts(home), options);
}

function tenantParts(home: OpenHome<'tenant'>): RoleParts<TenantRequest> {
  const { config, genesis } = home;
  let tenant: Tenant | null = null;
  return {
    directory: config.nodes,
    listen: null,
    start: ports => {
      tenant = tenantActor(home, ports);
      return tenant;
    },
    api: async (ask, options) => {
      const link = (): Tenant['link'] => {
        if (tenant === null) throw new Error('found no tenant yet, expected one that was started');
        return tenant.link;
      };
      const balance = new Balance(ask);
      const api = await startTenantApi(viewOf({ config, genesis, link, balance, ask }), options);
      balance.start();
      return {
        ...api,
        close: () => {
          balance.stop();
          return api.close();
        },
      };
    },
  };
}

/** The account's balance, as the chain says it every few seconds. */
class Balance {
  readonly #ask: Ask<TenantRequest>;
  #value: bigint | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(ask: Ask<TenantRequest>) {
    this.#ask = ask;
  }

  get value(): bigint | null {
    return this.#value;
  }

  start(): void {
    // Where no node is in reach the old one stays; that no node is in reach, the status says.
    this.#ask({ type: 'account' }, STATUS_MS)
      .then(reply => {
        this.#value = (reply as AccountReply).balance;
      }, unanswered)
      .then(() => {
        if (!this.#isStopped) this.#timer = setTimeout(() => this.start(), ACCOUNT_EVERY_MS);
      });
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

interface ViewParts {
  readonly config: TenantConfig;
  readonly genesis: Genesis;
  readonly link: () => Tenant['link'];
  readonly balance: Balance;
  readonly ask: Ask<TenantRequest>;
}

function viewOf({ config, genesis, link, balance, ask }: ViewParts): TenantView {
  const random = randomStream(freshSeed(), 'regions');
  let serial = 0;
  const answered = async <Reply extends Outcome<unknown>>(request: TenantRequest, timeout_ms: number) => {
    try {
      return (await ask(request, timeout_ms)) as Reply;
    } catch (error) {
      return unanswered(error);
    }
  };
  return {
    status: () => {
      const { node, height } = link();
      const { name, address } = config;
      return { name, address, balance: balance.value, height, node: node === '' ? null : node };
    },
    deployments: deployment => answered<StatusReply>({ type: 'status', deployment }, STATUS_MS),
    deploy: async (sdl, terms) => {
      // Reckoned with the parameters of genesis: those that escrows depend on seldom change, and more is no harm.
      const planned = planDeployment(sdl, terms, config, genesis.params, serial, random);
      if (!planned.ok) return planned;
      serial += 1;
      const reply = await answered<DeployReply>(planned.request, CHAIN_MS);
      return reply.ok ? { ...reply, version: planned.request.version } : reply;
    },
    update: async (deployment, sdl) => {
      const planned = planUpdate(deployment, sdl);
      if (!planned.ok) return planned;
      const reply = await answered<UpdateReply>(planned.request, CHAIN_MS);
      return reply.ok ? { ok: true, version: planned.request.version } : reply;
    },
    close: deployment => answered<CloseReply>({ type: 'close', deployment }, CHAIN_MS),
    logs: (lease, service, lines) => answered<LogsReply>({ type: 'logs', lease, service, lines }, PROVIDER_MS),
  };
}
