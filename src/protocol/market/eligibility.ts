/**
 * Eligibility: whether a bid may win an order. Checked when the bid is placed and again at the match, because what it
 * rests on may have changed in between (MARKET rules, section 3.3).
 */
import { PPM } from '../ledger/money.ts';
import type { Fulfillment, Order, Provider } from '../model/market-rows.ts';
import { attributesMatch, faultOfOffer, type ResourceGroup } from '../model/objects.ts';
import type { State } from '../model/state.ts';
import { reputationOf } from './reputation.ts';

/** Why a provider may not serve an order now, or null. */
export function faultOfProvider(
  state: State,
  order: Readonly<Order>,
  provider: Readonly<Provider> | undefined,
): string | null {
  if (provider === undefined) return 'not a registered provider';
  if (provider.jailedUntil > state.time) return `jailed until ${provider.jailedUntil} us`;
  const wants = order.infrastructure;
  if (wants.region !== '' && wants.region !== provider.region) {
    return `region ${provider.region} is not ${wants.region}`;
  }
  if (!attributesMatch(wants.attributes, provider.attributes)) return 'attributes do not match';
  if (wants.reputationAtLeast > 0) {
    const reputation = reputationOf(state, provider);
    if (reputation < wants.reputationAtLeast) {
      return `reputation ${reputation} of ${PPM} is below ${wants.reputationAtLeast}`;
    }
  }
  return null;
}

/** Why these resources, offered by this provider, do not fit the order now, or null. */
export function faultOfBid(
  state: State,
  order: Readonly<Order>,
  provider: Readonly<Provider> | undefined,
  resources: readonly ResourceGroup[],
): string | null {
  return faultOfOffer(order.infrastructure.resources, resources) ?? faultOfProvider(state, order, provider);
}

/** Why an open bid may not win its order now, or null. Its collateral was locked in full when it was placed. */
export function faultOfFulfillment(state: State, order: Readonly<Order>, bid: Readonly<Fulfillment>): string | null {
  return faultOfBid(state, order, state.providers.get(bid.provider), bid.resources);
}
