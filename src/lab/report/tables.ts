/**
 * The tables of a results directory: every column with its meaning. columns.md is written from here, and so are the
 * headers of the CSV files; units are in the names.
 */
import type { TableName } from '../experiment/types.ts';

export interface Column {
  readonly name: string;
  readonly about: string;
}

function column(name: string, about: string): Column {
  return { name, about };
}

const TIME = column('time_s', 'simulated time in seconds since the start');
const HEIGHT = column('height', 'number of the block');

export const TABLES: { readonly [T in TableName]: readonly Column[] } = {
  series: [
    TIME,
    column('metric', 'what was sampled'),
    column('value', 'its value; the unit is in the name of the metric'),
  ],
  orders: [
    column('order', 'tenant/nonce/group/sequence'),
    column('tenant', 'name of the tenant'),
    column('region', 'region asked for; empty = any'),
    column('opened_height', 'block in which it was opened'),
    column('opened_s', 'time of that block in seconds'),
    column('maximum_uakt_per_s', 'the most that the tenant pays for everything, micro-AKASH per second'),
    column('collateral_uakt', 'collateral asked for, micro-AKASH'),
    column('bids', 'bids that it ever got'),
    column('end', 'matched, expired, insufficient_funds, tenant_closed, removed, or open at the end of the run'),
    column('ended_s', 'time of that end'),
    column('wait_s', 'from opening to end'),
    column('price_uakt_per_s', 'what the winner is paid, micro-AKASH per second'),
    column('provider', 'name of the winner'),
  ],
  leases: [
    column('lease', 'the id of its order'),
    column('tenant', 'name of the tenant'),
    column('provider', 'name of the provider'),
    column('provider_class', 'class of the provider'),
    column('created_s', 'time of the match'),
    column('active_s', 'time of the first confirmation'),
    column('ended_s', 'time at which billing ended or the lease broke'),
    column('end', 'tenant_closed, removed, insufficient_funds, broken, or open at the end of the run'),
    column('price_uakt_per_s', 'micro-AKASH per second'),
    column('paid_uakt', 'paid in all, before tax'),
    column('collateral_uakt', 'collateral posted'),
    column('forfeited_uakt', 'collateral lost'),
    column('confirmations', 'confirmations after the first'),
  ],
  providers: [
    column('provider', 'name of the provider'),
    column('class', 'its class'),
    column('address', 'its account'),
    column('region', 'its region'),
    column('bids', 'bids placed'),
    column('leases', 'leases won'),
    column('broken', 'leases broken'),
    column('income_uakt', 'payments received, after tax'),
    column('cost_uakt', 'what the time that its leases ran cost it'),
    column('lost_uakt', 'collateral and stake lost'),
    column('outside_uakt', 'worth of outside offers taken'),
    column('profit_uakt', 'income - cost - lost + outside'),
    column('utilisation', 'mean share of its scarcest resource that was leased, after the warm-up'),
    column('reputation', 'at the end, 0 to 1'),
    column('balance_uakt', 'at the end'),
  ],
  blocks: [
    HEIGHT,
    TIME,
    column('transactions', 'transactions in it'),
    column('failed', 'of these, such that failed'),
    column('facilitation', 'matches, expiries and the like that it began with'),
    column('events', 'public events'),
    column('bytes', 'size of its transactions in bytes'),
  ],
  payments: [
    TIME,
    HEIGHT,
    column('lease', 'the lease paid for'),
    column('tenant', 'name of the tenant'),
    column('provider', 'name of the provider'),
    column('amount_uakt', 'what left the escrow'),
    column('tax_uakt', 'of it, to the fee pool'),
  ],
  events: [
    HEIGHT,
    TIME,
    column('type', 'kind of event'),
    column('subject', 'order, lease or deployment that it is about'),
    column('participant', 'name of the provider or tenant that it is about'),
    column('details', 'all fields of the event, as JSON'),
  ],
  sdl: [
    column('file', 'name of the SDL file; every file of the folder has a row'),
    column('verdict', 'deployed, not drawn (by chance or weight), not mapped (to the market), or refused (as SDL)'),
    column('stage', 'of a refused file, what failed: read, schema or validate'),
    column('reason', 'why it was refused or not mapped'),
    column('version', 'SHA-256 of its manifest, as its deployments show it on the chain'),
    column('same_as', 'a file that is the same to the market, in whose row both are counted'),
    column('infrastructures', 'orders that a deployment of it opens at first'),
    column('maximum_uakt_per_s', 'the most that it pays for everything, micro-AKASH per second'),
    column('deployments', 'times that it was deployed, in the whole run'),
    column('orders', 'orders opened for it'),
    column('matched', 'of these, matched to a lease'),
    column('expired', 'of these, closed without an eligible bid in time'),
    column('ended_otherwise', 'of these, closed for another reason'),
    column('price_share', 'mean of price / maximum price over its leases'),
  ],
};
