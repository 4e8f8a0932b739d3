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
    column('round', 'round in which its commit was made, counted from 0; empty for the newest'),
    column('proposer', 'name of the validator that proposed it'),
    column('signers', 'validators whose precommits are in its commit, as the next block carries it'),
    column('power_signed', 'their share of the voting power, 0 to 1'),
    column('proposed_s', "world's time of the first proposal of its height in seconds"),
    column('nodes', 'nodes that decided it with the others; one that fetched it later is not among them'),
    column('commit_p50_s', 'median time from that proposal to its execution, over these nodes'),
    column('commit_p90_s', '90th percentile of the same'),
    column('commit_max_s', 'the same for the last of them'),
    column('transactions', 'transactions in it'),
    column('failed', 'of these, such that failed'),
    column('facilitation', 'matches, expiries and the like that it began with'),
    column('events', 'public events'),
    column('bytes', 'size of its transactions in bytes'),
  ],
  validators: [
    column('validator', 'name of the validator'),
    column('region', 'its region'),
    column('address', 'its account'),
    column('stake_uakt', 'own and delegated stake when the run ended'),
    column('own_stake_uakt', 'its own part of it'),
    column('power_share', 'its share of the voting power when the run ended, 0 when it was not in the set'),
    column('proposed', 'blocks that it proposed'),
    column('proposer_share', 'the same, of all blocks'),
    column('mean_power_share', 'its share of the voting power, mean over all blocks'),
    column('signed', 'blocks whose commit holds its precommit, as the next block carries it'),
    column('missed', 'blocks that it could have signed, and whose commit lacks its precommit'),
    column('jailed', 'times that it was jailed for missing too many'),
    column('unjailed', 'times that it came back'),
    column('tombstoned', '1 when it double-signed and is out for good'),
    column('slashed_uakt', 'stake that was burned for its lapses, own and delegated'),
    column('rewards_uakt', 'commission and rewards of its own stake, withdrawn or not'),
    column('height', 'newest block that its node executed'),
    column('fetched', 'blocks that its node fetched decided, to catch up'),
    column('longest_stall_s', 'longest time for which its node executed no new block'),
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
    column('participant', 'name of whom it is about'),
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
  workloads: [
    column('provider', 'name of the provider'),
    column('workload', 'its own name for the container: lease, unit and host'),
    column('image', 'what ran in it'),
    column('pulled_s', 'how long its image was fetched; empty: it was there, or the engine does not tell'),
    column('started_s', 'from the wish to start it until it ran, the image fetched; empty: it never ran'),
    column('stopped_s', 'from the wish to stop it until it was gone; empty: nobody asked'),
  ],
};
