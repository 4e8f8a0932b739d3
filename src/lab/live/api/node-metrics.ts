/** What a node tells Prometheus: where the chain is, how rounds go, who is there, what waits. */

import { counter, gauge, metricsText } from './metrics-text.ts';
import type { NodeApi } from './node-api.ts';

export function nodeMetrics({ view, recent, subscribers, surveyor }: NodeApi): string {
  const chain = view.chain();
  const { state } = chain;
  const { counts, orders } = surveyor.of(chain);
  const { round, catchingUp, peers, mempool } = view.status();
  const { newest } = recent;
  const committed =
    newest === null ? null : (newest.commit ?? recent.get(newest.block.header.height - 1)?.commit ?? null);
  return metricsText([
    gauge('height', 'number of the newest block', state.height),
    gauge('block_time_seconds', 'time of the newest block since 1970', state.time / 1e6),
    gauge('round', 'round of the height that is being decided', round),
    ...(committed === null ? [] : [gauge('commit_round', 'round of the newest commit', committed.round)]),
    ...(newest?.interval
      ? [gauge('block_interval_seconds', 'between the newest two blocks', newest.interval / 1e6)]
      : []),
    gauge('catching_up', '1 while the node fetches blocks or a snapshot', catchingUp ? 1 : 0),
    gauge('peers', 'peers that are connected', peers.filter(one => one.connected).length),
    gauge('mempool_transactions', 'transactions that wait for a block', mempool.count),
    gauge('mempool_bytes', 'their size', mempool.bytes),
    gauge('validators', 'validators of the next block', chain.validators.size),
    gauge('providers', 'registered providers', state.providers.size),
    gauge('deployments', 'deployments that stand', state.deployments.size),
    gauge('orders_open', 'open orders', orders.length),
    {
      name: 'leases',
      about: 'leases that are not closed',
      kind: 'gauge',
      values: Object.entries(counts).map(([name, value]) => ({ labels: { state: name }, value })),
    },
    gauge('event_clients', 'WebSocket clients', subscribers.size),
    counter('event_clients_dropped_total', 'WebSocket clients that read too slowly', subscribers.dropped),
  ]);
}
