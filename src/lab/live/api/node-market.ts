/** Endpoints of a node about the market: providers, deployments, orders with their bids, leases. */
import type { FastifyInstance } from 'fastify';
import { addEndpoint } from './endpoint.ts';
import { notFound } from './errors.ts';
import {
  deploymentJson,
  leaseDetail,
  leaseJson,
  type MarketSource,
  orderDetail,
  orderJson,
  providerDetail,
  providerJson,
} from './market-json.ts';
import type { NodeApi } from './node-api.ts';
import * as schemas from './node-schemas.ts';
import { type Page, page, pathOf } from './words.ts';

export function addMarketEndpoints(app: FastifyInstance, api: NodeApi): void {
  const source = (): MarketSource => {
    const { view, surveyor, nameOf } = api;
    const chain = view.chain();
    const survey = surveyor.of(chain);
    return { state: chain.state, survey, nameOf, capacityOf: address => view.capacityOf?.(address) ?? null };
  };
  addProviders(app, source);
  addOrders(app, source);
  addLeases(app, source);
  addEndpoint(app, {
    method: 'GET',
    path: '/deployments/{id}',
    name: 'deployment',
    summary: 'A deployment that stands',
    params: pathOf('id', 'tenant/nonce'),
    reply: schemas.deployment,
    handle: ({ params }) => {
      const from = source();
      const row = from.state.deployments.get(params.id);
      if (row === undefined)
        throw notFound('deployment', params.id, 'one that stands: what is closed leaves the state');
      return deploymentJson(from, row);
    },
  });
}

function addProviders(app: FastifyInstance, source: () => MarketSource): void {
  addEndpoint(app, {
    method: 'GET',
    path: '/providers',
    name: 'providers',
    summary: 'Registered providers, the newest first',
    query: page,
    reply: schemas.providers,
    handle: ({ query }) => {
      const from = source();
      const rows = [...from.state.providers.unordered()].sort((a, b) => b.sequence - a.sequence);
      const { part, next } = pageOf(rows, query);
      return { height: from.state.height, providers: part.map(row => providerJson(from, row)), next };
    },
  });
  addEndpoint(app, {
    method: 'GET',
    path: '/providers/{address}',
    name: 'provider',
    summary: 'A provider with its reputation and public record',
    params: pathOf('address', 'account address'),
    reply: schemas.providerDetail,
    handle: ({ params }) => {
      const from = source();
      const row = from.state.providers.get(params.address);
      if (row === undefined) throw notFound('provider', params.address, 'the address of a registered provider');
      return providerDetail(from, row);
    },
  });
}

function addOrders(app: FastifyInstance, source: () => MarketSource): void {
  addEndpoint(app, {
    method: 'GET',
    path: '/orders',
    name: 'orders',
    summary: 'Open orders with their bids, the newest first',
    query: page,
    reply: schemas.orders,
    handle: ({ query }) => {
      const from = source();
      const { part, next } = pageOf(from.survey.orders, query);
      return { height: from.state.height, orders: part.map(row => orderJson(from, row)), next };
    },
  });
  addEndpoint(app, {
    method: 'GET',
    path: '/orders/{id}',
    name: 'order',
    summary: 'An open order with its bids',
    params: pathOf('id', 'tenant/nonce/group/sequence'),
    reply: schemas.orderDetail,
    handle: ({ params }) => {
      const from = source();
      const row = from.state.orders.get(params.id);
      if (row === undefined) throw notFound('order', params.id, 'one that is open: what is matched is a lease');
      return orderDetail(from, row);
    },
  });
}

function addLeases(app: FastifyInstance, source: () => MarketSource): void {
  addEndpoint(app, {
    method: 'GET',
    path: '/leases',
    name: 'leases',
    summary: 'Leases that are not closed, the newest first',
    query: page,
    reply: schemas.leases,
    handle: ({ query }) => {
      const from = source();
      const { part, next } = pageOf(from.survey.leases, query);
      return { height: from.state.height, leases: part.map(row => leaseJson(from, row)), next };
    },
  });
  addEndpoint(app, {
    method: 'GET',
    path: '/leases/{id}',
    name: 'lease',
    summary: 'A lease that is not closed',
    params: pathOf('id', 'the id of its order'),
    reply: schemas.leaseDetail,
    handle: ({ params }) => {
      const from = source();
      const row = from.state.leases.get(params.id);
      if (row === undefined) throw notFound('lease', params.id, 'one that is not closed');
      return leaseDetail(from, row);
    },
  });
}

/** The page of a list whose newest entries come first. */
export function pageOf<T extends { readonly sequence: number }>(
  rows: readonly T[],
  { limit, before }: Page,
): { readonly part: readonly T[]; readonly next: number | null } {
  let from = 0;
  if (before !== undefined) {
    from = rows.findIndex(row => row.sequence < before);
    if (from < 0) return { part: [], next: null };
  }
  const part = rows.slice(from, from + limit);
  return { part, next: from + limit < rows.length ? part.at(-1)!.sequence : null };
}
