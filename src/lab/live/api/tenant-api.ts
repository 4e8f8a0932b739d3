/**
 * The API of a tenant's agent, for its user: deployments in, their leases, addresses and logs out. What changes the chain
 * is a transaction that the agent signs with the tenant's key, so whoever reaches this API spends the tenant's money: it
 * listens on loopback, and takes nothing from a page of another origin (server.ts).
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { VERSION } from '../../experiment/version-node.ts';
import { addressesJson } from './addresses.ts';
import { addEndpoint } from './endpoint.ts';
import { ApiError, notFound } from './errors.ts';
import * as schemas from './participant-schemas.ts';
import { type ApiOptions, type ApiServer, listen, makeServer } from './server.ts';
import type { Outcome, TenantDeployment, TenantView } from './views.ts';
import { pathOf } from './words.ts';

/** Requests to the agent that wait for its answer at a time. */
const MAX_PENDING = 64;
const EXPECTED = 'a deployment of this tenant';

/** Serves a tenant's API. Rejects when it cannot listen there. */
export async function startTenantApi(view: TenantView, options: ApiOptions = {}): Promise<ApiServer> {
  return listen(await tenantApi(view, options), options);
}

/** The same without listening. */
export async function tenantApi(view: TenantView, options: ApiOptions = {}): Promise<FastifyInstance> {
  const app = await makeServer('tenant', options);
  const desk = new Desk();
  addEndpoint(app, {
    method: 'GET',
    path: '/status',
    name: 'status',
    summary: 'The tenant and its account',
    reply: schemas.tenantStatus,
    handle: () => {
      const { name, address, balance, height, node } = view.status();
      return { name, address, version: VERSION, balance_uakt: balance?.toString() ?? null, height, node };
    },
  });
  addReads(app, view, desk);
  addWrites(app, view, desk);
  await app.ready();
  return app;
}

function addReads(app: FastifyInstance, view: TenantView, desk: Desk): void {
  addEndpoint(app, {
    method: 'GET',
    path: '/deployments',
    name: 'deployments',
    summary: 'Deployments that stand, with their leases',
    reply: schemas.tenantDeployments,
    handle: async () => {
      const { deployments } = await desk.ask(() => view.deployments(null));
      return { deployments: deployments.map(deploymentJson) };
    },
  });
  addEndpoint(app, {
    method: 'GET',
    path: '/deployments/{id}',
    name: 'deployment',
    summary: 'A deployment with its leases',
    params: pathOf('id', 'tenant/nonce'),
    reply: schemas.tenantDeployment,
    handle: async ({ params }) => {
      const { deployments } = await desk.ask(() => view.deployments(params.id));
      const found = deployments.find(one => one.deployment === params.id);
      if (found === undefined) throw notFound('deployment', params.id, EXPECTED);
      return deploymentJson(found);
    },
  });
  addEndpoint(app, {
    method: 'GET',
    path: '/leases/{id}/logs',
    name: 'logs',
    summary: 'The newest lines that the services of a lease wrote, asked of its provider',
    params: pathOf('id', 'the id of a lease'),
    query: schemas.logQuery,
    reply: schemas.logs,
    handle: async ({ params, query }) => {
      const { replicas } = await desk.ask(() => view.logs(params.id, query.service ?? null, query.lines));
      const shown = replicas.map(one => ({ ...one, lines: one.lines === null ? null : [...one.lines] }));
      return { lease: params.id, replicas: shown };
    },
  });
}

function addWrites(app: FastifyInstance, view: TenantView, desk: Desk): void {
  addEndpoint(app, {
    method: 'POST',
    path: '/deployments',
    name: 'deploy',
    summary: 'Deploys an SDL file; answers when the deployment is on the chain',
    body: schemas.deploy,
    reply: schemas.deployed,
    status: 201,
    handle: async ({ body }) => {
      const { escrow_uakt, wait_blocks, open_for_us, lifetime_us, market } = body.terms;
      const { deployment, version } = await desk.ask(() =>
        view.deploy(body.sdl, {
          escrow: escrow_uakt === undefined ? null : BigInt(escrow_uakt),
          waitDuration: wait_blocks ?? null,
          openFor: open_for_us ?? null,
          lifetime: lifetime_us ?? null,
          ...(market === undefined ? {} : { market }),
        }),
      );
      return { deployment, version: bytesToHex(version) };
    },
  });
  addEndpoint(app, {
    method: 'PUT',
    path: '/deployments/{id}',
    name: 'update',
    summary: 'Another version of a deployment; answers when the chain shows it',
    params: pathOf('id', 'tenant/nonce'),
    body: schemas.update,
    reply: schemas.updated,
    handle: async ({ params, body }) => {
      const { version } = await desk.ask(() => view.update(params.id, body.sdl));
      return { deployment: params.id, version: bytesToHex(version) };
    },
  });
  addEndpoint(app, {
    method: 'DELETE',
    path: '/deployments/{id}',
    name: 'close',
    summary: 'Closes a deployment; answers when it is closing',
    params: pathOf('id', 'tenant/nonce'),
    reply: schemas.closed,
    handle: async ({ params }) => {
      await desk.ask(() => view.close(params.id));
      return { deployment: params.id, closing: true as const };
    },
  });
}

/** Words of the agent for what is not there. */
const ABSENT = new Set(['no_deployment', 'unknown_deployment', 'unknown_lease', 'unknown_service']);

/** Waits for the agent's answers, so many at a time, and turns its refusals into the API's. */
class Desk {
  #pending = 0;

  /** Throws ApiError when too many wait, or the agent refuses. */
  async ask<Done>(question: () => Promise<Outcome<Done>>): Promise<Done> {
    if (this.#pending >= MAX_PENDING) throw new ApiError(503, 'busy', `${this.#pending} requests that wait`, 'fewer');
    this.#pending += 1;
    try {
      const outcome = await question();
      if (outcome.ok) return outcome;
      const { code, detail } = outcome;
      throw new ApiError(ABSENT.has(code) ? 404 : 422, code, detail, 'what the market, or the agent, accepts');
    } finally {
      this.#pending -= 1;
    }
  }
}

function deploymentJson(one: TenantDeployment): z.infer<typeof schemas.tenantDeployment> {
  return {
    deployment: one.deployment,
    version: bytesToHex(one.version),
    state: one.state,
    escrow_uakt: one.escrow.toString(),
    open_orders: one.openOrders,
    leases: one.leases.map(lease => ({
      lease: lease.lease,
      provider: lease.provider,
      state: lease.state,
      price_pakt_per_s: lease.price.toString(),
      delivery: lease.delivery === null ? null : { ...lease.delivery },
      services:
        lease.services?.map(({ name, wanted, running, addresses }) => {
          return { service: name, wanted, running, addresses: addressesJson(addresses) };
        }) ?? null,
    })),
  };
}
