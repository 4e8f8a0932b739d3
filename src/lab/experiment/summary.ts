/** The end of a run in numbers: the metrics of summary.csv, the classes, the expectations. */

import { reputationOf } from '../../protocol/market/reputation.ts';
import type { State } from '../../protocol/model/state.ts';
import { checkExpression, compileExpression, ExpressionError } from '../scenario/expression.ts';
import type { ChainBooks } from './chain-books.ts';
import { chainMetrics } from './chain-metrics.ts';
import { type ProviderBooks, scarcest, scarcestOf } from './ledger-of-providers.ts';
import { type TenantBooks, totalOf } from './ledger-of-tenants.ts';
import type { Population } from './population.ts';
import type { Recorder } from './recorder.ts';
import type { SdlBooks } from './sdl-books.ts';
import type { ServiceBooks } from './service-books.ts';
import type { ClassSummary, Expectation, RunRequest, RunResult } from './types.ts';

/** What identifies the course that a run took, where its world keeps a trace. */
export type RunTrace = Pick<RunResult, 'world' | 'traceHash' | 'events' | 'checkpoints' | 'window'>;

export interface SummaryInput {
  readonly request: Pick<RunRequest, 'scenario' | 'seed'>;
  readonly trace: RunTrace;
  /** At the end. */
  readonly state: State;
  readonly chainBooks: ChainBooks;
  readonly services: ServiceBooks;
  readonly recorder: Recorder;
  readonly books: ReadonlyMap<string, ProviderBooks>;
  readonly tenants: ReadonlyMap<string, TenantBooks>;
  /** Highest utilisation at any sample. */
  readonly peak: number;
  readonly population: Population;
  readonly sdl: SdlBooks | null;
  readonly notes: readonly string[];
}

type Metrics = Record<string, number | bigint>;

/** What each metric of the summary means, for columns.md. Class metrics follow them. */
export const METRICS: { readonly [name: string]: string } = {
  orders: 'orders opened after the warm-up',
  orders_matched: 'of these, matched to a lease',
  orders_expired: 'of these, closed without an eligible bid in time',
  orders_insufficient_funds: 'of these, closed because the escrow was short at the match',
  orders_tenant_closed: 'of these, closed by their tenants',
  orders_removed: 'of these, removed by an update of the deployment',
  orders_open: 'of these, open when the run ended',
  orders_before_warmup: 'orders opened before the end of the warm-up, in no other order metric',
  match_share: 'orders_matched / orders that ended',
  bids_per_order: 'bids placed per order',
  wait_mean_s: 'mean time from opening to match',
  wait_p95_s: '95th percentile of the same',
  price_per_vcpu_h_uakt: 'mean price of leases, micro-AKASH per vCPU and hour',
  price_per_gpu_h_uakt: 'mean price of leases with GPUs, micro-AKASH per GPU and hour, all else in it included',
  price_share: 'mean of price / maximum price over leases',
  utilisation: 'mean share of the scarcest resource that was leased, after the warm-up, over all providers',
  utilisation_peak: 'highest share that was leased at any sample of series.csv',
  deployments: 'deployments submitted',
  leases: 'leases made in the whole run',
  leases_active: 'leases that stood when the run ended',
  leases_tenant_closed: 'leases that their tenants closed',
  leases_insufficient_funds: 'leases ended by an exhausted escrow',
  leases_broken: 'leases broken by their providers',
  leases_renewed: 'of these, ordered again because the tenant asked to persist',
  resets_missed: 'closed leases whose teardown was not confirmed in time',
  lease_time_mean_s: 'mean time that a lease was billed',
  paid_uakt: 'paid for leases, before tax',
  unpaid_uakt: 'owed at the end of leases and not covered by the escrow',
  tax_uakt: 'lease tax',
  fees_uakt: 'transaction fees',
  forfeited_uakt: 'collateral of broken leases',
  burned_uakt: 'burned collateral and stake',
  blocks: 'blocks made',
  transactions: 'transactions in blocks',
  transactions_failed: 'of these, such that failed',
  facilitated: 'facilitation messages in blocks',
};

/** What runs with SDL files say besides. */
export const SDL_METRICS: { readonly [name: string]: string } = {
  sdl_files: 'SDL files in the folder',
  sdl_refused: 'of these, refused as SDL',
  sdl_unmappable: "of these, good SDL that cannot be said in the market's words",
  sdl_deployed: 'of these, deployed at least once',
  sdl_matched: 'of these, such that an order of them was matched to a lease',
  sdl_unmatched: 'files that were deployed and of which no order was ever matched',
  manifests_accepted: 'leases whose provider was handed the manifest',
  manifests_refused: 'manifests that a provider refused for good',
  manifest_wait_p50_s: 'from a lease to its provider having the manifest: the median',
  manifest_wait_p95_s: 'the same, 95th percentile',
};

export function summarise(input: SummaryInput): RunResult {
  const { request, trace, notes } = input;
  const classes = classSummaries(input);
  const files = input.sdl?.metrics() ?? {};
  const summary = {
    ...metricsOf(input),
    ...input.services.metrics(request.scenario.horizon),
    ...chainMetrics(input.chainBooks, input.state, request.scenario.horizon),
    ...files,
    ...classMetrics(classes, input.books),
    ...tenantMetrics(input.tenants),
  };
  return {
    seed: request.seed,
    ...trace,
    seconds: request.scenario.horizon / 1e6,
    summary,
    classes,
    expectations: request.scenario.expect.map(text => judge(text, summary)),
    notes,
  };
}

function metricsOf({ request, recorder, books, peak }: SummaryInput): Metrics {
  const { tally } = recorder;
  const { scenario } = request;
  const end = (name: string): number => tally.ends[name] ?? 0;
  const ended = Object.values(tally.ends).reduce((sum, count) => sum + count, 0);
  return {
    orders: tally.orders,
    orders_matched: end('matched'),
    orders_expired: end('expired'),
    orders_insufficient_funds: end('insufficient_funds'),
    orders_tenant_closed: end('tenant_closed'),
    orders_removed: end('removed'),
    orders_open: recorder.openOrdersMeasured,
    orders_before_warmup: tally.ordersBeforeWarmup,
    match_share: ended === 0 ? 0 : end('matched') / ended,
    bids_per_order: tally.orders === 0 ? 0 : tally.bids / tally.orders,
    wait_mean_s: tally.waits.mean,
    wait_p95_s: tally.waits.quantile(0.95),
    price_per_vcpu_h_uakt: tally.vcpuPrices.mean,
    price_per_gpu_h_uakt: tally.gpuPrices.mean,
    price_share: tally.priceShares.mean,
    utilisation: scarcestOf([...books.values()], 'area', scenario.horizon - scenario.warmup),
    utilisation_peak: peak,
    deployments: tally.deployments,
    leases: tally.leases,
    leases_active: recorder.activeLeases,
    leases_tenant_closed: tally.leaseEnds.tenant_closed ?? 0,
    leases_insufficient_funds: tally.leaseEnds.insufficient_funds ?? 0,
    leases_broken: tally.leasesBroken,
    leases_renewed: tally.leasesRenewed,
    resets_missed: tally.resetsMissed,
    lease_time_mean_s: tally.leaseTimes.mean,
    paid_uakt: tally.paid,
    unpaid_uakt: tally.unpaid,
    tax_uakt: tally.tax,
    fees_uakt: tally.fees,
    forfeited_uakt: tally.forfeited,
    burned_uakt: tally.burned,
    blocks: tally.blocks,
    transactions: tally.transactions,
    transactions_failed: tally.failed,
    facilitated: tally.facilitated,
  };
}

function classSummaries({ request, state, books, population }: SummaryInput): ClassSummary[] {
  const { scenario } = request;
  const span = scenario.horizon - scenario.warmup;
  return population.providers.map(({ spec, members }) => {
    const own = members.map(member => books.get(member.address) as ProviderBooks);
    const sum = (pick: (one: ProviderBooks) => bigint): bigint => own.reduce((total, one) => total + pick(one), 0n);
    const count = (pick: (one: ProviderBooks) => number): number => own.reduce((total, one) => total + pick(one), 0);
    const reputation = members.reduce(
      (total, member) => total + reputationOf(state, state.providers.need(member.address)),
      0,
    );
    return {
      name: spec.name,
      providers: members.length,
      bids: count(one => one.bids),
      leases: count(one => one.leases),
      broken: count(one => one.broken),
      income: sum(one => one.income),
      cost: sum(one => one.cost),
      lost: sum(one => one.lost),
      outside: sum(one => one.outside),
      utilisation: scarcestOf(own, 'area', span),
      reputation: members.length === 0 ? 0 : reputation / members.length / 1e6,
    };
  });
}

/** What the metrics of a provider class mean; each is named `<class>_<metric>`, with `_` for `-` in the class. */
export const PROVIDER_CLASS_METRICS: { readonly [name: string]: string } = {
  bids: 'bids placed',
  leases: 'leases won',
  broken: 'leases broken',
  defaults: 'leases left for an outside offer, noticed or not',
  income_uakt: 'payments received, after tax',
  profit_uakt: 'income - cost - lost + outside offers; transaction fees stand apart',
  lost_uakt: 'collateral and stake lost',
  outside_uakt: 'worth of outside offers taken',
  fees_uakt: 'transaction fees',
  utilisation: 'mean share of the scarcest resource that was leased, after the warm-up',
  reputation: 'mean reputation at the end, 0 to 1',
};

function prefixOf(className: string): string {
  return className.replaceAll('-', '_');
}

function classMetrics(classes: readonly ClassSummary[], books: ReadonlyMap<string, ProviderBooks>): Metrics {
  const metrics: Metrics = {};
  for (const one of classes) {
    const prefix = prefixOf(one.name);
    let fees = 0n;
    let defaults = 0;
    for (const book of books.values()) {
      if (book.className !== one.name) continue;
      fees += book.fees;
      defaults += book.defaults;
    }
    metrics[`${prefix}_bids`] = one.bids;
    metrics[`${prefix}_leases`] = one.leases;
    metrics[`${prefix}_broken`] = one.broken;
    metrics[`${prefix}_defaults`] = defaults;
    metrics[`${prefix}_income_uakt`] = one.income;
    metrics[`${prefix}_profit_uakt`] = one.income - one.cost - one.lost + one.outside;
    metrics[`${prefix}_lost_uakt`] = one.lost;
    metrics[`${prefix}_outside_uakt`] = one.outside;
    metrics[`${prefix}_fees_uakt`] = fees;
    metrics[`${prefix}_utilisation`] = one.utilisation;
    metrics[`${prefix}_reputation`] = one.reputation;
  }
  return metrics;
}

/** The same for a tenant class. They cover the whole run. */
export const TENANT_CLASS_METRICS: { readonly [name: string]: string } = {
  orders: 'orders opened',
  matched: 'of these, matched to a lease',
  expired: 'of these, closed without an eligible bid in time',
  broken: 'leases that providers broke',
  defaults: 'leases that providers left for an outside offer, noticed or not',
  paid_uakt: 'paid for leases, before tax',
  fees_uakt: 'transaction fees',
  compensation_uakt: 'collateral of broken leases received',
  served_h: 'billed hours of all leases together',
  wait_mean_s: 'mean time from the opening of an order to its match',
};

function tenantMetrics(tenants: ReadonlyMap<string, TenantBooks>): Metrics {
  const metrics: Metrics = {};
  for (const name of new Set([...tenants.values()].map(one => one.className))) {
    const prefix = prefixOf(name);
    const total = totalOf(tenants.values(), name);
    metrics[`${prefix}_orders`] = total.orders;
    metrics[`${prefix}_matched`] = total.matched;
    metrics[`${prefix}_expired`] = total.expired;
    metrics[`${prefix}_broken`] = total.broken;
    metrics[`${prefix}_defaults`] = total.defaults;
    metrics[`${prefix}_paid_uakt`] = total.paid;
    metrics[`${prefix}_fees_uakt`] = total.fees;
    metrics[`${prefix}_compensation_uakt`] = total.compensation;
    metrics[`${prefix}_served_h`] = total.served / 3.6e9;
    metrics[`${prefix}_wait_mean_s`] = total.matched === 0 ? 0 : total.waited / total.matched / 1e6;
  }
  return metrics;
}

/** Whether an expectation came true, with the values that it speaks of. */
function judge(text: string, summary: Metrics): Expectation {
  const values: Record<string, number> = {};
  for (const name of Object.keys(summary)) values[name] = Number(summary[name]);
  try {
    const { variables } = checkExpression(text, Object.keys(values));
    const holds = compileExpression(text, Object.keys(values))(values) !== 0;
    return { text, holds, detail: variables.map(name => `${name} = ${values[name]}`).join(', ') };
  } catch (error) {
    if (error instanceof ExpressionError) return { text, holds: false, detail: error.message };
    throw error;
  }
}

/** Rows of providers.csv. */
export function providerRows({ request, state, books }: SummaryInput): (string | number | bigint | null)[][] {
  const span = request.scenario.horizon - request.scenario.warmup;
  return [...books.values()].map(one => {
    const { name, address, region } = one.member;
    const reputation = reputationOf(state, state.providers.need(address)) / 1e6;
    return [
      name,
      one.className,
      address,
      region,
      one.bids,
      one.leases,
      one.broken,
      one.income,
      one.cost,
      one.lost,
      one.outside,
      one.profit,
      scarcest(one.area, one.total, span),
      reputation,
      state.balanceOf(address),
    ];
  });
}
