/**
 * Matching rules: given an order and the bids that are eligible for it, who wins and what is paid.
 *
 * A rule is a pure function behind a plug. `lowest-price` is the production rule (paper, section 3: the lowest price is
 * matched; of equal ones, the one placed first). The others are comparators for study; two of them were really in use
 * and are flawed on purpose.
 */
import { compareTexts } from '../codec/utf8.ts';
import type { Params } from '../model/params.ts';

/** An eligible bid as a rule sees it. */
export interface Bid {
  readonly id: string;
  readonly provider: string;
  /** pico-AKASH per second for everything. */
  readonly total: bigint;
  /** Height and place in its block at which it was placed: who was first. */
  readonly height: number;
  readonly position: number;
}

/** What a rule may know beside the bids. */
export interface OrderBook {
  /** The most that the tenant pays for everything, pico-AKASH per second. */
  readonly maximum: bigint;
  /** The provider that the tenant chose; empty when it has not. */
  readonly chosen: string;
  /** Bids that were withdrawn. Only a flawed rule looks at them. */
  readonly withdrawn: readonly { readonly total: bigint }[];
}

export interface Match {
  /** Id of the winning bid. */
  readonly winner: string;
  /** Whose prices are paid: a bid's id (the winner's under a first-price rule), or null for the order's maximum. */
  readonly pricedBy: string | null;
}

export interface MatchingRule {
  readonly name: Params['matchingRule'];
  /** Whether an order waits for its tenant, and so cannot outstay its time without it. */
  readonly needsChoice: boolean;
  /** The match, or null when the rule finds none among these bids. Never called without bids. */
  choose(book: OrderBook, bids: readonly Bid[]): Match | null;
}

/** Price-time priority: lower total first, then who was placed first. Never the provider's address. */
export function compareBids(left: Bid, right: Bid): number {
  if (left.total !== right.total) return left.total < right.total ? -1 : 1;
  return left.height - right.height || left.position - right.position;
}

function bestOf(bids: readonly Bid[], compare: (left: Bid, right: Bid) => number): Bid {
  let best = bids[0] as Bid;
  for (let i = 1; i < bids.length; i++) if (compare(bids[i] as Bid, best) < 0) best = bids[i] as Bid;
  return best;
}

function ownPrice(bid: Bid): Match {
  return { winner: bid.id, pricedBy: bid.id };
}

const lowestPrice: MatchingRule = {
  name: 'lowest-price',
  needsChoice: false,
  choose: (_book, bids) => ownPrice(bestOf(bids, compareBids)),
};

/** Vickrey's rule turned round: the lowest bid wins and is paid the second lowest; alone, the order's maximum. */
const secondPrice: MatchingRule = {
  name: 'second-price',
  needsChoice: false,
  choose: (_book, bids) => {
    const winner = bestOf(bids, compareBids);
    const others = bids.filter(bid => bid !== winner);
    return { winner: winner.id, pricedBy: others.length === 0 ? null : bestOf(others, compareBids).id };
  },
};

/** The tenant picks, as on today's Akash. */
const tenantChosen: MatchingRule = {
  name: 'tenant-chosen',
  needsChoice: true,
  choose: (book, bids) => {
    const chosen = bids.find(bid => bid.provider === book.chosen);
    return chosen === undefined ? null : ownPrice(chosen);
  },
};

/** Flawed: ties go to the lowest address, which a provider can grind for. */
const addressTies: MatchingRule = {
  name: 'lowest-price-address-ties',
  needsChoice: false,
  choose: (_book, bids) =>
    ownPrice(
      bestOf(bids, (left, right) =>
        left.total === right.total ? compareTexts(left.provider, right.provider) : left.total < right.total ? -1 : 1,
      ),
    ),
};

/** Flawed: a withdrawn bid still counts as the cheapest, cannot be matched, and so blocks the order for ever. */
const cancelledBlocks: MatchingRule = {
  name: 'cancelled-bid-blocks',
  needsChoice: false,
  choose: (book, bids) => {
    const best = bestOf(bids, compareBids);
    return book.withdrawn.some(bid => bid.total <= best.total) ? null : ownPrice(best);
  },
};

const RULES: { readonly [N in Params['matchingRule']]: MatchingRule } = {
  'lowest-price': lowestPrice,
  'second-price': secondPrice,
  'tenant-chosen': tenantChosen,
  'lowest-price-address-ties': addressTies,
  'cancelled-bid-blocks': cancelledBlocks,
};

export function matchingRule(name: Params['matchingRule']): MatchingRule {
  return RULES[name];
}
