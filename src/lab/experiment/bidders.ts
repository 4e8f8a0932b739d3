/** From a scenario's words to what a provider does: strategies and conduct, with what is drawn for each provider. */

import type { RandomStream } from '../../actors/actor.ts';
import { type Conduct, HONEST } from '../../actors/provider/conduct.ts';
import {
  type Bidder,
  bestResponse,
  byFormula,
  byUtilisation,
  costPlus,
  fixedPrices,
  ring,
  type Strategy,
  toItself,
  undercut,
  zeroIntelligence,
} from '../../actors/provider/strategies.ts';
import type { RandomStreams } from '../../worlds/simulated/streams.ts';
import { sampler } from '../scenario/distributions.ts';
import { checkExpression, compileExpression, STRATEGY_VARIABLES } from '../scenario/expression.ts';
import type { ProviderClass } from '../scenario/types.ts';
import { drawRates, type ProviderMember } from './population.ts';
import { OWN_MARK } from './wash-trade.ts';

/** What of a class decides how its members bid. */
export type Bidding = Pick<ProviderClass, 'strategy' | 'behaviour'>;

/** Variables of an expression that only the visible book can answer. */
const BOOK_VARIABLES = new Set(['lowest', 'bids']);

function plain(strategy: Strategy): Bidder {
  return { strategy, lead_us: null, watchesBook: false, watchesPrices: false };
}

/**
 * How a member of a class bids.
 * @param rings names of the members of each collusive ring
 */
export function bidderOf(
  spec: Bidding,
  member: Pick<ProviderMember, 'name'>,
  rings: ReadonlyMap<string, readonly string[]>,
  streams: RandomStreams,
): Bidder {
  const bidder = openBidderOf(spec, member, rings, streams);
  if (spec.behaviour.kind !== 'washTrader') return bidder;
  return { ...bidder, strategy: toItself(OWN_MARK, member.name, bidder.strategy) };
}

/** How it bids on the orders of others. */
function openBidderOf(
  spec: Bidding,
  member: Pick<ProviderMember, 'name'>,
  rings: ReadonlyMap<string, readonly string[]>,
  streams: RandomStreams,
): Bidder {
  const { strategy } = spec;
  switch (strategy.kind) {
    case 'costPlus':
      return plain(costPlus(sampler(strategy.margin, streams.stream('margin', member.name))()));
    case 'utilisation':
      return plain(byUtilisation(strategy.base, strategy.slope, strategy.exponent));
    case 'undercut':
      return { ...plain(undercut(strategy.step, strategy.floor, strategy.start)), watchesPrices: true };
    case 'fixed':
      return plain(fixedPrices(drawRates(strategy.price, streams, 'price', member.name)));
    case 'zeroIntelligence':
      return plain(zeroIntelligence());
    case 'bestResponse':
      return { ...plain(bestResponse(strategy.step)), watchesBook: true };
    case 'sniper': {
      const margin = sampler(strategy.margin, streams.stream('margin', member.name))();
      return { ...plain(costPlus(margin)), lead_us: strategy.lead };
    }
    case 'expression': {
      const { variables } = checkExpression(strategy.price, STRATEGY_VARIABLES);
      const formula = compileExpression(strategy.price, STRATEGY_VARIABLES);
      const watchesBook = variables.some(name => BOOK_VARIABLES.has(name));
      return { ...plain(byFormula(formula)), watchesBook, watchesPrices: variables.includes('last') };
    }
    case 'ring':
      return plain(ring(strategy.margin, strategy.floor, rings.get(strategy.name) ?? [], member.name));
  }
}

/** How a member of a class behaves. */
export function conductOf(spec: Pick<ProviderClass, 'behaviour'>, random: (purpose: string) => RandomStream): Conduct {
  const { behaviour } = spec;
  switch (behaviour.kind) {
    case 'honest':
    case 'washTrader':
      return HONEST;
    case 'freeRider':
      return { ...HONEST, runs: false };
    case 'noShow':
      return { ...HONEST, runs: false, confirms: false };
    case 'exitScammer':
      return { ...HONEST, exitAfter: behaviour.after };
    case 'defaulter': {
      const gap = sampler(behaviour.every, random('offers'));
      const gain = sampler(behaviour.gain, random('gains'));
      // A gain of g pico-AKASH/s for ever, discounted at d per second, is worth g / d pico-AKASH.
      const worth = (): bigint => BigInt(Math.round(gain() / behaviour.discount / 1e6));
      const occupied_us = Math.round(1e6 / behaviour.discount);
      return { ...HONEST, offers: { next_us: () => Math.max(1, gap()), worth, occupied_us } };
    }
    case 'bidAndCancel': {
      const chance = random('cancels');
      const delay = sampler(behaviour.after, random('cancel-delays'));
      return { ...HONEST, cancelAfter_us: () => (chance.uniform() < behaviour.probability ? delay() : null) };
    }
  }
}
