/**
 * The API of a node: what the chain says, for who trusts this node and, by proofs, for who does not; transactions in;
 * events out; and a page for people. It reads the chain and never changes it: every write is a signed transaction.
 */
import type { FastifyInstance } from 'fastify';
import type { NameOf } from './chain-json.ts';
import { addChainEndpoints } from './node-chain.ts';
import { addNodeEvents } from './node-events.ts';
import { addMarketEndpoints } from './node-market.ts';
import { addTransactions } from './node-transactions.ts';
import { addPage } from './page/page.ts';
import { RECENT_LIMITS, RecentBlocks, type RecentLimits } from './recent-blocks.ts';
import { type ApiOptions, type ApiServer, listen, makeServer } from './server.ts';
import { SUBSCRIBER_LIMITS, type SubscriberLimits, Subscribers } from './subscribers.ts';
import { Surveyor } from './survey.ts';
import { isTopic } from './topics.ts';
import type { NodeView } from './views.ts';

export interface NodeApiOptions extends ApiOptions {
  readonly recent?: RecentLimits;
  readonly subscribers?: SubscriberLimits;
}

/** What the parts of a node's API share. */
export interface NodeApi {
  readonly view: NodeView;
  readonly recent: RecentBlocks;
  readonly subscribers: Subscribers;
  readonly surveyor: Surveyor;
  readonly nameOf: NameOf;
  readonly onRefused: NonNullable<ApiOptions['onRefused']>;
}

/** Serves a node's API. Closing it ends its watch of the node. Rejects when it cannot listen there. */
export async function startNodeApi(view: NodeView, options: NodeApiOptions = {}): Promise<ApiServer> {
  return listen(await nodeApi(view, options), options);
}

/** The same without listening. */
export async function nodeApi(view: NodeView, options: NodeApiOptions = {}): Promise<FastifyInstance> {
  const app = await makeServer('node', options);
  const api: NodeApi = {
    view,
    recent: new RecentBlocks(options.recent ?? RECENT_LIMITS),
    subscribers: new Subscribers(isTopic, options.subscribers ?? SUBSCRIBER_LIMITS),
    surveyor: new Surveyor(),
    nameOf: address => view.nameOf?.(address) ?? null,
    onRefused: refusal => options.onRefused?.(refusal),
  };
  const unwatch = view.onBlock((block, result, chain, commit) => api.recent.add(block, result, chain, commit));
  app.addHook('preClose', async () => {
    unwatch();
    api.recent.close();
    await api.subscribers.close();
  });
  addNodeEvents(app, api);
  addChainEndpoints(app, api);
  addMarketEndpoints(app, api);
  addTransactions(app, api);
  addPage(app);
  await app.ready();
  return app;
}
