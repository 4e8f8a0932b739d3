/**
 * What a WebSocket client of a node can listen to: `blocks`, four groups of events that a person thinks in (`orders`,
 * `leases`, `payments`, `providers`), everything at once (`events`), and every topic of the chain itself, by its own name
 * (`account/akash1...`, `region/eu`, `market/eu`, `book/eu`, `validators`, `governance`).
 */
import type { Event, EventType } from '../../../protocol/model/events.ts';
import { topicsOf } from '../../../protocol/model/events.ts';

export const GROUPS = ['orders', 'leases', 'payments', 'providers', 'events'] as const;
export type Group = (typeof GROUPS)[number];

/** In which group an event is, besides `events`. */
const GROUP_OF: { readonly [T in EventType]?: Group } = {
  OrderOpened: 'orders',
  OrderClosed: 'orders',
  FulfillmentPlaced: 'orders',
  FulfillmentClosed: 'orders',
  FulfillmentChosen: 'orders',
  LeaseCreated: 'leases',
  LeaseActive: 'leases',
  LeaseConfirmed: 'leases',
  LeaseClosing: 'leases',
  LeaseClosed: 'leases',
  LeaseBroken: 'leases',
  LeasePaid: 'payments',
  ProviderRegistered: 'providers',
  ProviderUpdated: 'providers',
  ProviderJailed: 'providers',
};

/** Longest topic, characters. */
const MAX_TOPIC = 256;

/** Whether there can be anything under a topic. */
export function isTopic(topic: string): boolean {
  if (topic === 'blocks' || topic === 'validators' || topic === 'governance') return true;
  if ((GROUPS as readonly string[]).includes(topic)) return true;
  return topic.length <= MAX_TOPIC && /^(?:account\/.+|(?:region|market|book)\/.*)$/.test(topic);
}

/** The events of a block under those topics that are wanted, each in the order in which it happened. */
export function byTopic(events: readonly Event[], wanted: ReadonlySet<string>): Map<string, Event[]> {
  const lists = new Map<string, Event[]>();
  const put = (topic: string, event: Event): void => {
    if (!wanted.has(topic)) return;
    const list = lists.get(topic);
    if (list === undefined) lists.set(topic, [event]);
    else list.push(event);
  };
  for (const event of events) {
    const group = GROUP_OF[event.type];
    const topics = new Set(['events', ...(group === undefined ? [] : [group]), ...topicsOf(event)]);
    for (const topic of topics) put(topic, event);
  }
  return lists;
}

/** Fields of events that hold an account. */
const ACCOUNTS = [
  'account',
  'tenant',
  'provider',
  'from',
  'to',
  'validator',
  'source',
  'target',
  'proposer',
  'voter',
  'granter',
  'grantee',
  'candidate',
];

/** The names of those accounts in some events that have one, by address. */
export function namesIn(
  events: readonly Event[],
  nameOf: (address: string) => string | null,
): Readonly<Record<string, string>> {
  const names: Record<string, string> = {};
  for (const event of events) {
    for (const field of ACCOUNTS) {
      const address = (event as unknown as Readonly<Record<string, unknown>>)[field];
      const name = typeof address === 'string' && address !== '' ? nameOf(address) : null;
      if (name !== null) names[address as string] = name;
    }
  }
  return names;
}
