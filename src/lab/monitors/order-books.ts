/**
 * The referee's view of an open order: its bids, and who must win among them by brute force.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { Transaction } from '../../protocol/chain/transaction.ts';
import type { DeploymentInfrastructure, ResourceGroup } from '../../protocol/model/objects.ts';
import type { Params } from '../../protocol/model/params.ts';
import { deploymentOfLease } from './collateral.ts';
import type { Answer, ProviderBooks } from './eligibility.ts';

export interface Bid {
  readonly id: string;
  readonly provider: string;
  readonly resources: readonly ResourceGroup[];
  readonly total: bigint;
  readonly height: number;
  /** Place in its block. */
  readonly position: number;
}

export interface OrderBook {
  readonly id: string;
  readonly infrastructure: DeploymentInfrastructure;
  readonly matchFrom: number;
  /** Block time at which bidding ends, microseconds. */
  readonly closesAt: number;
  readonly bids: Map<string, Bid>;
  /** Ids of bids that were ever placed. */
  readonly placed: Set<string>;
  /** Totals of bids that their providers cancelled. */
  readonly cancelled: bigint[];
  /** The provider that the tenant chose; empty when none. */
  chosen: string;
  /** Its time was over when an eligible bid was there: it stays until its match decides. */
  stays: boolean;
}

/** A bid as the referee ranks it. */
export interface Ranked {
  readonly bid: Bid;
  readonly answer: Exclude<Answer, 'no'>;
  /** Placed only when the order was ripe already. */
  readonly late: boolean;
}

/** Lower total first, then earlier placement; the comparator that was once in use breaks ties by address. */
export function compareBids(left: Bid, right: Bid, rule: Params['matchingRule']): number {
  if (left.total !== right.total) return left.total < right.total ? -1 : 1;
  if (rule === 'lowest-price-address-ties') return left.provider < right.provider ? -1 : 1;
  return left.height !== right.height ? left.height - right.height : left.position - right.position;
}

/**
 * The bids that may win an order now, best first. Bids placed when the order was ripe already come after all others,
 * since they compete only if no eligible one was placed before.
 */
export function rankBids(order: OrderBook, providers: ProviderBooks, params: Params, time: number): Ranked[] {
  const ranked: Ranked[] = [];
  for (const bid of order.bids.values()) {
    const answer = providers.admits(bid.provider, order.infrastructure, params, time);
    if (answer === 'no') continue;
    if (params.matchingRule === 'tenant-chosen' && bid.provider !== order.chosen) continue;
    ranked.push({ bid, answer, late: bid.height >= order.matchFrom });
  }
  return ranked.sort((left, right) => {
    if (left.late !== right.late) return left.late ? 1 : -1;
    return compareBids(left.bid, right.bid, params.matchingRule);
  });
}

/** Under the flawed comparator, whether a cancelled bid that was no dearer than the best one blocks the order. */
export function blockedByCancelled(order: OrderBook, ranked: readonly Ranked[], params: Params): boolean {
  const best = ranked[0];
  if (params.matchingRule !== 'cancelled-bid-blocks' || best === undefined) return false;
  return order.cancelled.some(total => total <= best.bid.total);
}

/**
 * The bid that a better one pushes out of a full book: the highest total, and of equal ones the latest. One placed when
 * the order was ripe already pushes out only its like, or it would decide against bids that were placed before it.
 */
export function worstBid(order: OrderBook, height: number): Bid | undefined {
  let worst: Bid | undefined;
  for (const bid of order.bids.values()) {
    if (height >= order.matchFrom && bid.height < order.matchFrom) continue;
    if (worst === undefined || compareWorse(bid, worst) > 0) worst = bid;
  }
  return worst;
}

function compareWorse(left: Bid, right: Bid): number {
  if (left.total !== right.total) return left.total > right.total ? 1 : -1;
  return left.height !== right.height ? left.height - right.height : left.position - right.position;
}

/** A provider's open bid on an order. */
export function bidOf(order: OrderBook, provider: string): Bid | undefined {
  for (const bid of order.bids.values()) if (bid.provider === provider) return bid;
  return undefined;
}

/** What a transaction offers for an order; undefined when it is no bid on it. */
export function offerOf(tx: Transaction | undefined, order: string): readonly ResourceGroup[] | undefined {
  const message = tx?.body.message;
  return message?.type === 'SubmitFulfillment' && message.order === order ? message.resources : undefined;
}

/** A bid as a violation tells of it. */
export function shown(bid: Bid, late: boolean): string {
  return `${bid.id} total ${bid.total} placed ${bid.height}.${bid.position}${late ? ' late' : ''}`;
}

/**
 * Whether what was due for the parent state may no longer be so when its turn comes: because something before it in the
 * block cost a bidder its reputation or freedom, or changed the same deployment.
 */
export function mayFail(block: Block, index: number): boolean {
  const one = block.facilitation[index] as { readonly order: string };
  return block.facilitation.slice(0, index).some(earlier => {
    if ('order' in earlier) return deploymentOfLease(earlier.order) === deploymentOfLease(one.order);
    return 'lease' in earlier || earlier.deployment === deploymentOfLease(one.order);
  });
}
