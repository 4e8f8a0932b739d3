/** The API of a provider, for its operator: how it is, what it has leased, what runs. It takes no orders. */
import type { FastifyInstance } from 'fastify';
import { VERSION } from '../../experiment/version-node.ts';
import { addressesJson } from './addresses.ts';
import { addEndpoint } from './endpoint.ts';
import { compute } from './market-json.ts';
import { gauge, metricsText } from './metrics-text.ts';
import * as schemas from './participant-schemas.ts';
import { type ApiOptions, type ApiServer, listen, makeServer } from './server.ts';
import { utilisation } from './survey.ts';
import type { ProviderView } from './views.ts';

/** Serves a provider's API. Rejects when it cannot listen there. */
export async function startProviderApi(view: ProviderView, options: ApiOptions = {}): Promise<ApiServer> {
  return listen(await providerApi(view, options), options);
}

/** The same without listening. */
export async function providerApi(view: ProviderView, options: ApiOptions = {}): Promise<FastifyInstance> {
  const app = await makeServer('provider', options);
  addEndpoint(app, {
    method: 'GET',
    path: '/status',
    name: 'status',
    summary: 'The provider',
    reply: schemas.providerStatus,
    handle: () => {
      const { name, address, region, height, node, registered, capacity, used, openBids } = view.status();
      return {
        name,
        address,
        version: VERSION,
        region,
        height,
        node,
        registered,
        capacity: compute(capacity),
        used: compute(used),
        utilisation_ppm: utilisation(used, capacity),
        open_bids: openBids,
        leases: view.leases().length,
        workloads: view.workloads().length,
      };
    },
  });
  addEndpoint(app, {
    method: 'GET',
    path: '/leases',
    name: 'leases',
    summary: 'Leases that it holds',
    reply: schemas.providerLeases,
    handle: () => ({
      leases: view.leases().map(({ lease, state, price, served }) => {
        return { lease, state, price_pakt_per_s: price.toString(), served };
      }),
    }),
  });
  addEndpoint(app, {
    method: 'GET',
    path: '/workloads',
    name: 'workloads',
    summary: 'What runs, or is about to',
    reply: schemas.providerWorkloads,
    handle: () => ({
      workloads: view.workloads().map(({ id, lease, image, host, state, addresses }) => {
        return { workload: id, lease, image, host, state, addresses: addressesJson(addresses) };
      }),
    }),
  });
  addEndpoint(app, {
    method: 'GET',
    path: '/metrics',
    name: 'metrics',
    summary: 'Metrics in the text format of Prometheus',
    reply: null,
    handle: () => metricsOf(view),
  });
  await app.ready();
  return app;
}

function metricsOf(view: ProviderView): string {
  const { height, capacity, used, openBids } = view.status();
  const leases = view.leases();
  const workloads = view.workloads();
  const byState = <S extends string>(states: readonly S[], rows: readonly { readonly state: S }[]) =>
    states.map(state => ({ labels: { state }, value: rows.filter(row => row.state === state).length }));
  return metricsText([
    gauge('height', 'newest height that it knows of', height),
    gauge('utilisation_ratio', 'share of its scarcest resource that is used', utilisation(used, capacity) / 1e6),
    gauge('cpu_used_vcpus', 'processors that leases and bids take', used.cpu / 1_000),
    gauge('cpu_capacity_vcpus', 'processors that it has', capacity.cpu / 1_000),
    gauge('memory_used_bytes', 'memory that leases and bids take', used.memory),
    gauge('memory_capacity_bytes', 'memory that it has', capacity.memory),
    gauge('bids_open', 'bids that stand', openBids),
    {
      name: 'leases',
      about: 'leases that it holds',
      kind: 'gauge',
      values: byState(['pending', 'active', 'closing'], leases),
    },
    {
      name: 'workloads',
      about: 'workloads that run, or are about to',
      kind: 'gauge',
      values: byState(['starting', 'running', 'stopping', 'failed'], workloads),
    },
  ]);
}
