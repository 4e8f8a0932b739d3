/**
 * Bidding strategies: how much a provider asks for, as a pure function over what it can see. Each names its source.
 *
 * A strategy answers with a price for each group, or null for no bid. It never sees another's costs, nor the future.
 */
import type { DeploymentInfrastructure, ResourceGroup } from '../../protocol/model/objects.ts';
import { costOfUnit, scalePrice, type UnitCosts } from './costs.ts';

/** What a provider sees when it decides on a bid. */
export interface BidView {
  /** Id of the order. */
  readonly order: string;
  readonly infrastructure: DeploymentInfrastructure;
  readonly costs: UnitCosts;
  /** 0 to 1, what is promised in open bids included. */
  readonly utilisation: number;
  /** Newest clearing price in the region as a share of that order's maximum; null when none was seen. */
  readonly lastClearing: number | null;
  /** Lowest open bid on this very order as a share of its maximum; null when none is known. */
  readonly lowestBid: number | null;
  /** Open bids of others that are known. */
  readonly bids: number;
  /** Block time, microseconds. */
  readonly time: number;
  /** A uniform draw in [0, 1) of the provider's own stream. */
  draw(): number;
}

export type Strategy = (view: BidView) => readonly bigint[] | null;

/** How long before matching a provider places its bid; null = as soon as it has thought. */
export interface Bidder {
  readonly strategy: Strategy;
  /** Bids this long before the wait of the order ends, to see the book first and be seen last. */
  readonly lead_us: number | null;
  /** Whether the strategy looks at open bids. */
  readonly watchesBook: boolean;
  /** Whether it looks at clearing prices. */
  readonly watchesPrices: boolean;
}

function priced(view: BidView, price: (group: ResourceGroup, cost: bigint) => bigint): bigint[] {
  return view.infrastructure.resources.map(group => price(group, costOfUnit(group.compute, view.costs)));
}

/** Cost plus a margin: the textbook seller. */
export function costPlus(margin: number): Strategy {
  return view => priced(view, (_group, cost) => scalePrice(cost, 1 + margin));
}

/** The margin grows with utilisation, as in yield management: base + slope x utilisation ^ exponent. */
export function byUtilisation(base: number, slope: number, exponent: number): Strategy {
  return view => priced(view, (_group, cost) => scalePrice(cost, 1 + base + slope * view.utilisation ** exponent));
}

function noLessThan(price: bigint, floor: bigint): bigint {
  return price < floor ? floor : price;
}

/** Just below what the market cleared at last, never below cost plus `floor`; `start` is the margin before any news. */
export function undercut(step: number, floor: number, start: number): Strategy {
  return view =>
    priced(view, (group, cost) => {
      const least = scalePrice(cost, 1 + floor);
      if (view.lastClearing === null) return scalePrice(cost, 1 + start);
      return noLessThan(scalePrice(group.price, view.lastClearing * (1 - step)), least);
    });
}

/** Best response to the visible book: a step below the lowest open bid, else the maximum; never below cost. */
export function bestResponse(step: number): Strategy {
  return view =>
    priced(view, (group, cost) => {
      if (view.lowestBid === null) return noLessThan(group.price, cost);
      return noLessThan(scalePrice(group.price, view.lowestBid * (1 - step)), cost);
    });
}

/** Zero intelligence, constrained: uniform between cost and maximum (Gode & Sunder 1993). */
export function zeroIntelligence(): Strategy {
  return view => {
    const share = view.draw();
    return priced(view, (group, cost) => (group.price <= cost ? cost : cost + scalePrice(group.price - cost, share)));
  };
}

/** A price list. */
export function fixedPrices(list: UnitCosts): Strategy {
  return view => view.infrastructure.resources.map(group => noLessThan(costOfUnit(group.compute, list), 1n));
}

/**
 * A price per unit from a function of what one unit costs and may cost at most (uakt/h), the provider's utilisation, the
 * visible book and the last clearing price.
 */
export function byFormula(formula: (values: Record<string, number>) => number): Strategy {
  return view => {
    const prices: bigint[] = [];
    for (const group of view.infrastructure.resources) {
      const maximum = toMicroPerHour(group.price);
      const price = formula({
        cost: toMicroPerHour(costOfUnit(group.compute, view.costs)),
        maximum,
        utilization: view.utilisation,
        utilisation: view.utilisation,
        lowest: (view.lowestBid ?? 1) * maximum,
        bids: view.bids,
        last: (view.lastClearing ?? 1) * maximum,
        hour: (view.time / 3_600_000_000) % 24,
      });
      if (!(price > 0)) return null;
      prices.push(BigInt(Math.round((price * 1e6) / 3600)));
    }
    return prices;
  };
}

/** pico-AKASH/s as micro-AKASH per hour. */
function toMicroPerHour(price: bigint): number {
  return (Number(price) * 3600) / 1e6;
}

/**
 * A wash trader's: orders that name it by an attribute are its own, and the most that they offer is the price, since
 * the money comes back; for all others, what it does otherwise.
 */
export function toItself(attribute: string, self: string, otherwise: Strategy): Strategy {
  return view =>
    view.infrastructure.attributes[attribute] === self ? priced(view, group => group.price) : otherwise(view);
}

/**
 * A ring: for each order one member is named in turn (by the order's id, so that all agree without a word), and asks
 * `margin` above cost but no less than `floor` of the maximum; the others stay away. Every order then has one bid.
 */
export function ring(margin: number, floor: number, members: readonly string[], self: string): Strategy {
  return view => {
    let hash = 0;
    for (let i = 0; i < view.order.length; i++) hash = (Math.imul(hash, 31) + view.order.charCodeAt(i)) >>> 0;
    if (members[hash % members.length] !== self) return null;
    return priced(view, (group, cost) =>
      noLessThan(noLessThan(scalePrice(group.price, floor), scalePrice(cost, 1 + margin)), cost),
    );
  };
}
