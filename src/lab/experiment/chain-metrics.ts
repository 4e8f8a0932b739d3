/** The metrics of a chain of several validators: what each means, and its value. A validator alone has none of them. */
import type { State } from '../../protocol/model/state.ts';
import type { ChainBooks } from './chain-books.ts';
import { validatorMetrics } from './ledger-of-validators.ts';

/** With more validators than this, the summary names none of them; validators.csv does. */
const MOST_NAMED = 16;

/** What each metric means, for columns.md. */
export const CHAIN_METRICS: { readonly [name: string]: string } = {
  validators: 'validators in the set when the run ended',
  block_interval_mean_s: 'mean time between blocks, from the first node that executed one to the first of the next',
  block_interval_p90_s: '90th percentile of the same',
  block_interval_max_s: 'longest of the same',
  rounds_mean: 'mean number of rounds that a block took; 1 when every proposer was heard in time',
  rounds_max: 'most rounds that a block took',
  commit_p50_s: 'median time from the first proposal of a height to the execution of its block, over nodes and blocks',
  commit_p90_s: '90th percentile of the same',
  signed_share: 'mean share of the voting power whose precommits are in the commit of a block',
  blocks_missed: 'precommits that are missing from commits, one for each validator and block',
  proposer_gap: 'largest difference, over validators, of the share of blocks proposed and the mean share of power',
  set_changes: 'times that the validator set changed, in members or power',
  jails: 'times that a validator was jailed for missing too many blocks',
  unjails: 'times that one of them came back',
  tombstoned: 'validators that double-signed and are out for good',
  offences: 'offences that evidence was punished for',
  slashed_uakt: 'stake of validators and their delegators that was burned for lapses',
  blocks_fetched: 'blocks that nodes fetched decided from others, to catch up',
  stall_max_s: 'longest time for which some node executed no new block',
  heights_apart: 'blocks between the first and the last of all nodes when the run ended',
  peers_dropped: 'times that a node broke with another for a message that no honest node sends',
};

/** The same for the validators of a region; each is named `region_<region>_<metric>`, with `_` for other signs. */
export const REGION_METRICS: { readonly [name: string]: string } = {
  commit_p50_s: 'median time from the first proposal of a height to the execution of its block',
  commit_p90_s: '90th percentile of the same',
  missed: 'precommits of its validators that are missing from commits',
  height: 'newest block of the node that is furthest behind when the run ended',
  stall_s: 'longest time for which some node executed no new block',
};

export function regionPrefix(region: string): string {
  return `region_${region.replaceAll(/[^A-Za-z0-9]/g, '_')}`;
}

/** @param now end of the run, microseconds */
export function chainMetrics(books: ChainBooks, state: State, now: number): Record<string, number | bigint> {
  const { tally, latencies } = books;
  if (books.validators.size < 2) return {};
  const each = [...books.validators.values()];
  const { greatest, least } = books.heights();
  const blocks = each.reduce((sum, one) => sum + one.proposed, 0);
  const gaps = each.map(one => Math.abs(one.proposed - one.expected) / Math.max(1, blocks));
  const metrics: Record<string, number | bigint> = {
    validators: state.seats.validators.length,
    block_interval_mean_s: tally.intervals.mean,
    block_interval_p90_s: tally.intervals.quantile(0.9),
    block_interval_max_s: tally.intervalMost / 1e6,
    rounds_mean: tally.committed === 0 ? 0 : 1 + tally.roundsExtra / tally.committed,
    rounds_max: tally.roundsMost,
    commit_p50_s: latencies.quantile(0.5),
    commit_p90_s: latencies.quantile(0.9),
    signed_share: tally.committed === 0 ? 0 : tally.signedShares / tally.committed,
    blocks_missed: tally.missed,
    proposer_gap: gaps.reduce((most, gap) => Math.max(most, gap), 0),
    set_changes: tally.setChanges,
    jails: tally.jails,
    unjails: tally.unjails,
    tombstoned: tally.tombstoned,
    offences: tally.offences,
    slashed_uakt: tally.slashed,
    blocks_fetched: tally.fetched,
    stall_max_s: each.reduce((most, one) => Math.max(most, one.stall(now)), 0) / 1e6,
    heights_apart: greatest - least,
    peers_dropped: tally.dropped,
  };
  for (const [region, own] of books.regions) {
    const prefix = regionPrefix(region);
    const members = each.filter(one => one.member.region === region);
    metrics[`${prefix}_commit_p50_s`] = own.quantile(0.5);
    metrics[`${prefix}_commit_p90_s`] = own.quantile(0.9);
    metrics[`${prefix}_missed`] = members.reduce((sum, one) => sum + one.missed, 0);
    metrics[`${prefix}_height`] = books.heights(region).least;
    metrics[`${prefix}_stall_s`] = members.reduce((most, one) => Math.max(most, one.stall(now)), 0) / 1e6;
  }
  if (each.length > MOST_NAMED) return metrics;
  each.forEach((one, i) => {
    for (const [name, value] of Object.entries(validatorMetrics(one, state, now)))
      metrics[`validator_${i}_${name}`] = value;
  });
  return metrics;
}

/** What series.csv says of the chain at a time. */
export function chainSamples(books: ChainBooks, state: State): [string, number][] {
  if (books.validators.size < 2) return [];
  const { greatest, least } = books.heights();
  const { tally } = books;
  const samples: [string, number][] = [
    ['height', greatest],
    ['height_least', least],
    ['validators', state.seats.validators.length],
    ['rounds_extra', tally.roundsExtra],
    ['blocks_missed', tally.missed],
  ];
  const latency = books.takeRecentLatency();
  if (latency !== null) samples.push(['commit_latency_s', latency]);
  for (const region of books.regions.keys()) samples.push([`height/${region}`, books.heights(region).least]);
  return samples;
}
