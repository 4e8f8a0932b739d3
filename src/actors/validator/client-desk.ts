/** What clients ask of a node, as far as it can be answered at once: transactions in, questions, and what they follow. */
import type { Chain } from '../../protocol/chain/chain.ts';
import type { ConnectionId, Effects, PeerName } from '../actor.ts';
import type { Wire } from '../wire.ts';
import type { Intake } from './intake.ts';
import type { LightFeed } from './light-feed.ts';
import { answerInMessages } from './queries.ts';
import type { Subscriptions } from './subscriptions.ts';

export type ClientMessage = Extract<Wire, { readonly type: 'submit' | 'subscribe' | 'query' | 'follow' }>;

export class ClientDesk {
  readonly #chain: () => Chain;
  readonly #intake: Intake;
  readonly #subscriptions: Subscriptions;
  readonly #feed: LightFeed;

  /** @param chain the chain as it is now: a node may start over from a snapshot */
  constructor(chain: () => Chain, intake: Intake, subscriptions: Subscriptions, feed: LightFeed) {
    this.#chain = chain;
    this.#intake = intake;
    this.#subscriptions = subscriptions;
    this.#feed = feed;
  }

  /** Does what is asked; returns null, or in a few words what no client that means well asks. */
  receive(message: ClientMessage, connection: ConnectionId, from: PeerName, out: Effects<Wire>): string | null {
    switch (message.type) {
      case 'submit':
        this.#intake.fromClient(connection, from, message.tx, out);
        return null;
      case 'subscribe':
        if (message.topics.every(topic => this.#subscriptions.add(topic, connection))) return null;
        return 'subscribe to more topics than a connection may';
      case 'query': {
        const messages = answerInMessages(this.#chain(), message.query);
        if (messages === null) return `query ${message.query.what} that cannot be answered`;
        for (const one of messages) out.send(connection, one);
        return null;
      }
      case 'follow':
        return this.#feed.follow(message, connection, out) ? null : 'follow of what there is not';
    }
  }
}
