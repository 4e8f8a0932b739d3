/** `/events`: a WebSocket that tells of blocks and of what happened in them, as soon as they are executed. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { blockSummary } from './chain-json.ts';
import { sourcedSchema } from './endpoint.ts';
import { ApiError } from './errors.ts';
import type { NodeApi } from './node-api.ts';
import { toJson } from './to-json.ts';
import { byTopic, GROUPS, namesIn } from './topics.ts';

const query = z.object({
  topics: z
    .string()
    .max(4_096, 'at most 4096 characters')
    .default('blocks')
    .describe(`separated by commas: blocks, ${GROUPS.join(', ')}, or a topic of the chain such as account/akash1...`),
});

const ABOUT =
  'A WebSocket. Begins with {"type":"hello"}, then {"type":"block","block":{...}} under the topic blocks and ' +
  '{"type":"events","topic":"...","height":0,"time_us":0,"names":{...},"events":[...]} under any other. Takes {"subscribe":[topics]} ' +
  'and {"unsubscribe":[topics]}. Who reads too slowly is closed with code 4001, who asks too much in a second with 1008.';

export function addNodeEvents(app: FastifyInstance, { view, recent, subscribers, nameOf, onRefused }: NodeApi): void {
  app.route({
    method: 'GET',
    url: '/events',
    schema: {
      operationId: 'events',
      summary: 'Blocks and events as they happen (WebSocket)',
      description: ABOUT,
      querystring: sourcedSchema(query, 'input'),
    } as object,
    handler: async () => {
      throw new ApiError(426, 'upgrade_required', 'a plain request', 'a WebSocket');
    },
    wsHandler: (socket, request) => {
      const { topics } = request.query as z.output<typeof query>;
      const chain = view.chain();
      const first = { type: 'hello', chain_id: chain.chainId, height: chain.height, time_us: chain.time };
      subscribers.add(
        socket,
        topics.split(',').filter(one => one !== ''),
        first,
        (code, reason) =>
          onRefused({ remote: request.ip, request: 'WebSocket /events', code: `close_${code}`, reason }),
      );
    },
  });
  const tell = (height: number): void => {
    const kept = recent.get(height);
    if (kept === undefined) return;
    const { block, result } = kept;
    subscribers.send('blocks', { type: 'block', block: blockSummary(kept, nameOf) });
    const time_us = block.header.time;
    for (const [topic, events] of byTopic(result.events, subscribers.topics())) {
      const names = namesIn(events, nameOf);
      subscribers.send(topic, {
        type: 'events',
        topic,
        height,
        time_us,
        names,
        events: events.map(one => toJson(one)),
      });
    }
  };
  // Told after the node's turn: its own work comes first, and nothing here can throw into it.
  const unwatch = view.onBlock((_, { height }) => {
    if (subscribers.size > 0) setImmediate(tell, height);
  });
  app.addHook('preClose', async () => {
    unwatch();
  });
}
