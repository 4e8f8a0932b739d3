/**
 * Finds an order among the events of a run, by as much of its name as somebody cares to type, or by what became of it.
 */
import type { EventRow } from './event-rows.ts';
import { moment } from './format.ts';

/** What an order may be picked by: `broken:2` is the second whose lease broke. */
export const KINDS = ['matched', 'broken', 'expired', 'insufficient_funds', 'tenant_closed', 'renewed'] as const;
export type Kind = (typeof KINDS)[number];

const ABOUT_KIND: Readonly<Record<Kind, string>> = {
  matched: 'matched to a provider',
  broken: 'matched, and its lease broken by the provider',
  expired: 'found no eligible bid in time',
  insufficient_funds: 'closed because the escrow was short',
  tenant_closed: 'closed by its tenant before it was matched',
  renewed: 'ordered again after its lease was broken',
};

export interface FoundOrder {
  readonly id: string;
  /** With the tenant's name instead of its account: `web-3/2/0/0`. */
  readonly name: string;
}

/** `tenant/nonce` of an order. */
export function deploymentOfOrder(id: string): string {
  return id.split('/').slice(0, 2).join('/');
}

/** An order's id with its tenant's name in place of the account. */
export function friendlyName(id: string, tenant: string): string {
  return `${tenant}${id.slice(id.indexOf('/'))}`;
}

function kindsOf(row: EventRow): readonly Kind[] {
  switch (row.type) {
    case 'LeaseCreated':
      return ['matched'];
    case 'LeaseBroken':
      return row.details.includes('"renewed":true') ? ['broken', 'renewed'] : ['broken'];
    case 'OrderClosed': {
      const reason = KINDS.find(kind => row.details.endsWith(`"reason":"${kind}"}`));
      return reason === undefined ? [] : [reason];
    }
    default:
      return [];
  }
}

function tenantIn(row: EventRow): string {
  const { tenant } = JSON.parse(row.details) as { tenant?: unknown };
  return typeof tenant === 'string' ? tenant : '';
}

/** Most orders that an ambiguous name is answered with. */
const MAX_CANDIDATES = 10;

export interface Search {
  readonly found: FoundOrder | null;
  /** Orders that it may be, when it is not one alone. */
  readonly candidates: readonly FoundOrder[];
  /** There are more than `candidates` shows. */
  readonly more: boolean;
}

/**
 * Looks for an order: by its id, its name, the beginning or end of either, or `kind:n`.
 * @param wanted such as `web-3/2`, `web-3/2/0/1`, `broken:1`
 */
export function findOrder(rows: Iterable<EventRow>, wanted: string): Search {
  const byKind = /^([a-z_]+):(\d{1,9})$/.exec(wanted);
  if (byKind !== null && (KINDS as readonly string[]).includes(byKind[1]!)) {
    return nthOfKind(rows, byKind[1] as Kind, Number(byKind[2]));
  }
  const candidates: FoundOrder[] = [];
  let more = false;
  for (const row of rows) {
    if (row.type !== 'OrderOpened') continue;
    const name = friendlyName(row.subject, row.participant);
    const order = { id: row.subject, name };
    if (name === wanted || order.id === wanted) return { found: order, candidates: [], more: false };
    if (!abbreviates(wanted, name) && !abbreviates(wanted, order.id)) continue;
    if (candidates.length < MAX_CANDIDATES) candidates.push(order);
    else more = true;
  }
  return candidates.length === 1
    ? { found: candidates[0]!, candidates: [], more: false }
    : { found: null, candidates, more };
}

/** Whether a text is the beginning of a name, or its end from a slash on. */
function abbreviates(text: string, name: string): boolean {
  return name.startsWith(text.includes('/') ? `${text}/` : text) || name.startsWith(text) || name.endsWith(`/${text}`);
}

function nthOfKind(rows: Iterable<EventRow>, kind: Kind, n: number): Search {
  let count = 0;
  for (const row of rows) {
    if (!kindsOf(row).includes(kind)) continue;
    count += 1;
    if (count !== n) continue;
    return { found: { id: row.subject, name: friendlyName(row.subject, tenantIn(row)) }, candidates: [], more: false };
  }
  return { found: null, candidates: [], more: false };
}

export interface Suggestion extends FoundOrder {
  readonly about: string;
  /** How it may be picked. */
  readonly pick: string;
}

/** Orders that are worth a look: the first of each kind, the one with most bids, the one that waited longest. */
export function interestingOrders(rows: Iterable<EventRow>): Suggestion[] {
  const first = new Map<Kind, { row: EventRow; count: number }>();
  const open = new Map<string, number>();
  let most: { row: EventRow; bids: number } | null = null;
  let longest: { row: EventRow; wait: number } | null = null;
  for (const row of rows) {
    if (row.type === 'OrderOpened') open.set(row.subject, row.time);
    for (const kind of kindsOf(row)) {
      const seen = first.get(kind);
      if (seen === undefined) first.set(kind, { row, count: 1 });
      else seen.count += 1;
    }
    if (row.type === 'LeaseCreated') {
      const bids = Number(/"bids":(\d+)\}$/.exec(row.details)?.[1] ?? 0);
      if (bids > (most?.bids ?? 0)) most = { row, bids };
      const wait = row.time - (open.get(row.subject) ?? row.time);
      if (wait > (longest?.wait ?? 0)) longest = { row, wait };
    }
    if (row.type === 'LeaseCreated' || row.type === 'OrderClosed') open.delete(row.subject);
  }
  const suggestions: Suggestion[] = [];
  for (const kind of KINDS) {
    const seen = first.get(kind);
    if (seen === undefined) continue;
    const about = `${ABOUT_KIND[kind]}, ${moment(seen.row.time)} (the first of ${seen.count})`;
    suggestions.push({ ...named(seen.row), about, pick: `${kind}:1` });
  }
  if (most !== null) {
    const order = named(most.row);
    suggestions.push({ ...order, about: `got the most bids: ${most.bids}`, pick: order.name });
  }
  if (longest !== null) {
    const order = named(longest.row);
    suggestions.push({ ...order, about: `waited longest for its match: ${longest.wait} s`, pick: order.name });
  }
  return suggestions;
}

function named(row: EventRow): FoundOrder {
  return { id: row.subject, name: friendlyName(row.subject, tenantIn(row)) };
}
