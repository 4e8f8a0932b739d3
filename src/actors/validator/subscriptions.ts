/**
 * Who wants to hear of what. A block's events are gathered per topic that somebody follows, and each topic goes out as
 * one frozen message to all of its subscribers.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { BlockResult } from '../../protocol/chain/chain.ts';
import type { Transaction } from '../../protocol/chain/transaction.ts';
import { type Event, type TopicKind, visitTopics } from '../../protocol/model/events.ts';
import type { ConnectionId, Effects } from '../actor.ts';
import { inMessages } from '../pieces.ts';
import type { Wire } from '../wire.ts';

/** Topics of one connection. */
const MAX_TOPICS = 1_024;

interface Subscription {
  readonly topic: string;
  readonly connections: ConnectionId[];
  /** Events of the block that is being published. */
  events: Event[];
  /** For an account: its nonce after that block, when the block holds transactions of it; else -1. */
  nonce: number;
  waiting: boolean;
}

/** Kind and key of a topic's text. */
function partsOf(topic: string): [string, string] {
  const cut = topic.indexOf('/');
  return cut < 0 ? [topic, ''] : [topic.slice(0, cut), topic.slice(cut + 1)];
}

export class Subscriptions {
  /** By kind, then by key: an event's own fields are the keys, so that no text is put together to look one up. */
  readonly #kinds = new Map<string, Map<string, Subscription>>();
  /** How many topics each connection follows. */
  readonly #counts = new Map<ConnectionId, number>();
  /** Topics that have something to say about this block, in the order in which it came up. */
  #waiting: Subscription[] = [];
  readonly #visit = (kind: TopicKind, key: string): void => {
    const subscription = this.#kinds.get(kind)?.get(key);
    if (subscription === undefined) return;
    subscription.events.push(this.#event as Event);
    this.#wait(subscription);
  };
  #event: Event | null = null;

  /** Returns whether the connection may follow as many. */
  add(topic: string, connection: ConnectionId): boolean {
    const [kind, key] = partsOf(topic);
    const present = this.#kinds.get(kind)?.get(key);
    if (present?.connections.includes(connection)) return true;
    const count = this.#counts.get(connection) ?? 0;
    if (count >= MAX_TOPICS) return false;
    this.#counts.set(connection, count + 1);
    if (present !== undefined) {
      present.connections.push(connection);
      return true;
    }
    let keys = this.#kinds.get(kind);
    if (keys === undefined) {
      keys = new Map();
      this.#kinds.set(kind, keys);
    }
    keys.set(key, { topic, connections: [connection], events: [], nonce: -1, waiting: false });
    return true;
  }

  /** Forgets a connection that is gone. */
  remove(connection: ConnectionId): void {
    if (!this.#counts.delete(connection)) return;
    for (const keys of this.#kinds.values()) {
      for (const [key, { connections }] of keys) {
        const at = connections.indexOf(connection);
        if (at < 0) continue;
        connections.splice(at, 1);
        if (connections.length === 0) keys.delete(key);
      }
    }
  }

  #wait(subscription: Subscription): void {
    if (subscription.waiting) return;
    subscription.waiting = true;
    this.#waiting.push(subscription);
  }

  /** Gathers what a block has for each topic that is followed. */
  collect(block: Block, result: BlockResult): void {
    for (const event of result.events) {
      this.#event = event;
      visitTopics(event, this.#visit);
    }
    this.#event = null;
    const accounts = this.#kinds.get('account');
    if (accounts === undefined) return;
    for (const { body } of block.transactions as readonly Transaction[]) {
      const subscription = accounts.get(body.account);
      if (subscription === undefined) continue;
      subscription.nonce = body.nonce + 1;
      this.#wait(subscription);
    }
  }

  /** Sends what was gathered. */
  flush(height: number, time: number, out: Effects<Wire>): void {
    const dropped = new Set<ConnectionId>();
    for (const subscription of this.#waiting) {
      const { topic, connections, events, nonce } = subscription;
      const messages = inMessages(Object.freeze({ type: 'events', height, time, topic, events, nonce }));
      if (messages === null) out.observe('node/too-large', events.length, topic);
      for (const connection of connections) {
        // Who cannot be told all finds out what it can from the start of a connection.
        if (messages === null) dropped.add(connection);
        else for (const message of messages) out.send(connection, message);
      }
      subscription.events = [];
      subscription.nonce = -1;
      subscription.waiting = false;
    }
    this.#waiting = [];
    for (const connection of dropped) {
      out.disconnect(connection);
      this.remove(connection);
    }
  }
}
