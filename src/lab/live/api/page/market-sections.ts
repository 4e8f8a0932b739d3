/** What the status page shows of the market: open orders with their bids, leases, providers. */
import type { z } from 'zod';
import type * as schemas from '../node-schemas.ts';
import type { PageElement } from './dom.ts';
import { at, badge, bar, fill, make, meter, row, who } from './elements.ts';
import { akash, asks, grouped, learn, objectName, percent, perHour, regionName, span } from './phrases.ts';

type Order = z.infer<typeof schemas.order>;
type Lease = z.infer<typeof schemas.lease>;
type Provider = z.infer<typeof schemas.provider>;

/** Entries that the page has room for; a note says how many there are. */
const MAX_ORDERS = 24;
const MAX_ROWS = 40;
const MAX_TAGS = 8;

function orderCard(order: Order, height: number): PageElement {
  const most = Number(order.maximum_pakt_per_s);
  const eligible = order.bids.filter(one => one.ineligible === null).map(one => Number(one.total_pakt_per_s));
  const best = Math.min(...eligible);
  const wait = order.match_from_height - height - 1;
  const soon = wait <= 0 ? 'matches in the next block' : `matches in ${grouped(wait + 1)} blocks`;
  const bids = [...order.bids].sort((a, b) => Number(a.total_pakt_per_s) - Number(b.total_pakt_per_s));
  const lines = bids.map(one => {
    const total = Number(one.total_pakt_per_s);
    const leads = one.ineligible === null && total === best;
    const line = make('li', leads ? 'best' : '', who(one.provider, one.provider_name));
    line.append(make('span', 'num', `${leads ? 'lowest \u00b7 ' : ''}${perHour(one.total_pakt_per_s)}`));
    line.append(bar(most === 0 ? 0 : total / most));
    if (one.ineligible !== null) line.append(make('span', 'why', `may not win: ${one.ineligible}`));
    return line;
  });
  const title = make('strong', '', objectName(order.order));
  title.title = order.order;
  return make(
    'li',
    'order',
    make('div', 'order-head', title, make('span', '', order.bids.length === 0 ? 'open' : soon)),
    make(
      'p',
      'asks',
      `${asks(order.asks)} \u00b7 ${regionName(order.region)} \u00b7 at most ${perHour(order.maximum_pakt_per_s)}`,
    ),
    lines.length === 0 ? make('p', 'empty', 'No bid yet.') : make('ol', 'bids', ...lines),
  );
}

export function showOrders(list: readonly Order[], height: number): void {
  for (const one of list) learn(one.tenant, one.tenant_name);
  const cards = list.slice(0, MAX_ORDERS).map(one => orderCard(one, height));
  fill('orders', cards, 0, 'No order is open.');
  note('orders', list.length, cards.length);
}

const STATES = {
  pending: () => badge('warn', '\u25d4', 'pending'),
  active: () => badge('good', '\u25cf', 'active'),
  closing: () => badge('', '\u25cc', 'closing'),
};

export function showLeases(list: readonly Lease[], time_us: number): void {
  const rows = list.slice(0, MAX_ROWS).map(one => {
    learn(one.tenant, one.tenant_name);
    const from = one.billing_start_us ?? one.time_us;
    const lease = make('span', 'sub', one.lease.slice(one.lease.indexOf('/')));
    lease.title = one.lease;
    return row([
      ['State', STATES[one.state]()],
      ['Tenant', make('span', '', who(one.tenant, one.tenant_name), lease)],
      ['Provider', make('span', '', who(one.provider, one.provider_name), make('span', 'sub', one.region))],
      ['Price', perHour(one.price_pakt_per_s), 'num'],
      ['Paid', akash(one.paid_uakt), 'num'],
      ['For', span(time_us - from), 'num'],
    ]);
  });
  fill('leases', rows, 6, 'No lease stands.');
  note('leases', list.length, rows.length);
}

function usage(one: Provider): PageElement {
  const taken = one.leases === 0 ? 'nothing' : asks(one.used);
  if (one.utilisation_ppm === null) return make('span', '', taken);
  return make('span', '', meter(one.utilisation_ppm / 1e6, percent(one.utilisation_ppm)), make('span', 'sub', taken));
}

export function showProviders(list: readonly Provider[]): void {
  const sorted = [...list].sort((a, b) => b.reputation_ppm - a.reputation_ppm || b.leases - a.leases);
  const rows = sorted.slice(0, MAX_ROWS).map(one => {
    learn(one.address, one.name);
    const title = make('span', '', who(one.address, one.name));
    if (one.jailed_until_us !== null) title.append(' ', badge('bad', '\u25a0', 'jailed'));
    const words = Object.entries(one.attributes).slice(0, MAX_TAGS);
    if (words.length > 0)
      title.append(make('span', 'tags', ...words.map(([k, v]) => make('span', 'tag', `${k}: ${v}`))));
    return row([
      ['Provider', title],
      ['Region', make('span', 'who', one.region)],
      ['Reputation', meter(one.reputation_ppm / 1e6, (one.reputation_ppm / 1e6).toFixed(3))],
      ['In use', usage(one)],
      ['Leases', grouped(one.leases), 'num'],
    ]);
  });
  fill('providers', rows, 5, 'No provider is registered.');
  note('providers', list.length, rows.length);
}

function note(id: string, all: number, shown: number): void {
  at(`${id}-note`).textContent = shown < all ? `${shown} of ${grouped(all)}` : all === 0 ? '' : grouped(all);
}
