/**
 * Reputation (paper, section 2.2.1: stake is factored into a provider's reputation score), in parts per million:
 *
 *     reputation = w x stakeTerm + (1 - w) x record
 *
 * The stake term is a provider's own bonded stake over that of all providers: linear, so that splitting one provider
 * into several never gains. The record is the mean of a Beta posterior over what was paid for kept leases against what
 * was broken; both decay with a half-life, so that an old sin and an old merit weigh less.
 */
import { costOfBlocks, PPM, ppmOf } from '../ledger/money.ts';
import type { Lease, Provider } from '../model/market-rows.ts';
import type { Params } from '../model/params.ts';
import type { State } from '../model/state.ts';

/** Decay steps in a half-life. */
const STEPS = 64;
/** 2^32 x 2^(-i/64): integers, so that every machine decays alike. */
const DECAY: readonly bigint[] = [
  4294967296n,
  4248701965n,
  4202935003n,
  4157661043n,
  4112874773n,
  4068570940n,
  4024744348n,
  3981389855n,
  3938502376n,
  3896076880n,
  3854108391n,
  3812591987n,
  3771522796n,
  3730896002n,
  3690706840n,
  3650950594n,
  3611622603n,
  3572718252n,
  3534232978n,
  3496162267n,
  3458501653n,
  3421246719n,
  3384393094n,
  3347936457n,
  3311872529n,
  3276197082n,
  3240905930n,
  3205994934n,
  3171459999n,
  3137297074n,
  3103502151n,
  3070071267n,
  3037000500n,
  3004285971n,
  2971923842n,
  2939910317n,
  2908241642n,
  2876914102n,
  2845924021n,
  2815267765n,
  2784941738n,
  2754942382n,
  2725266179n,
  2695909648n,
  2666869345n,
  2638141863n,
  2609723834n,
  2581611923n,
  2553802834n,
  2526293303n,
  2499080105n,
  2472160047n,
  2445529972n,
  2419186755n,
  2393127307n,
  2367348571n,
  2341847524n,
  2316621173n,
  2291666561n,
  2266980759n,
  2242560872n,
  2218404036n,
  2194507417n,
  2170868212n,
];
const DECAY_BITS = 32n;

/** Number of the decay step that a time lies in. Steps are on one grid for all, so reading often decays no less. */
function stepAt(time: number, halfLife: number): number {
  const scaled = time * STEPS;
  // Below 2^53 the floor of the quotient is exact; beyond, a bigint's is.
  return Number.isSafeInteger(scaled)
    ? Math.floor(scaled / halfLife)
    : Number((BigInt(time) * BigInt(STEPS)) / BigInt(halfLife));
}

/** A weight after some steps of decay. */
export function decayed(weight: bigint, steps: number): bigint {
  if (weight === 0n || steps <= 0) return weight;
  const halvings = Math.floor(steps / STEPS);
  if (halvings > 300) return 0n;
  return (weight * (DECAY[steps % STEPS] as bigint)) >> (DECAY_BITS + BigInt(halvings));
}

/** The kept and broken weights of a record as of a time, in micro-AKASH. */
export function recordAt(provider: Readonly<Provider>, params: Params, time: number): { kept: bigint; broken: bigint } {
  const steps = stepAt(time, params.reputationHalfLife) - provider.recordStep;
  return { kept: decayed(provider.kept, steps), broken: decayed(provider.broken, steps) };
}

/** The mean of the Beta posterior, in parts per million. */
export function recordTerm(kept: bigint, broken: bigint, params: Params): number {
  const good = params.reputationPriorKept + kept;
  const all = good + params.reputationPriorBroken + broken;
  return all === 0n ? PPM / 2 : ppmOf(good, all);
}

/** A provider's own bonded stake: what it delegated to itself. */
export function ownStake(state: State, address: string): bigint {
  return state.delegations.get(`${address}/${address}`)?.amount ?? 0n;
}

/** A registered provider's reputation now, in parts per million. */
export function reputationOf(state: State, provider: Readonly<Provider>): number {
  const params = state.params;
  const { kept, broken } = recordAt(provider, params, state.time);
  const stake = ppmOf(ownStake(state, provider.address), state.chainwide.providerStake);
  const weight = params.reputationStakeWeight;
  return Math.floor((weight * stake + (PPM - weight) * recordTerm(kept, broken, params)) / PPM);
}

function bringUp(state: State, address: string): Provider {
  const provider = state.providers.edit(address);
  const step = stepAt(state.time, state.params.reputationHalfLife);
  const steps = step - provider.recordStep;
  if (steps > 0) {
    provider.kept = decayed(provider.kept, steps);
    provider.broken = decayed(provider.broken, steps);
    provider.recordStep = step;
  }
  return provider;
}

/** The record of a newly registered provider starts on today's step. */
export function startRecord(state: State, address: string): void {
  state.providers.edit(address).recordStep = stepAt(state.time, state.params.reputationHalfLife);
}

/** A change of the half-life moves the grid: records are decayed on the old one and go on on the new one. */
export function regridRecords(state: State, oldHalfLife: number): void {
  for (const row of state.providers.sorted()) {
    const provider = state.providers.edit(row.address);
    const steps = stepAt(state.time, oldHalfLife) - provider.recordStep;
    provider.kept = decayed(provider.kept, steps);
    provider.broken = decayed(provider.broken, steps);
    provider.recordStep = stepAt(state.time, state.params.reputationHalfLife);
  }
}

/** A confirmation that was paid adds what was paid. */
export function recordKept(state: State, provider: string, paid: bigint): void {
  if (paid > 0n) bringUp(state, provider).kept += paid;
}

/**
 * A broken lease adds the larger of the collateral that it forfeits and the price of one period, and may slash and
 * jail, as the parameters say.
 */
export function recordBroken(state: State, lease: Readonly<Lease>, forfeited: bigint): void {
  const params = state.params;
  const onePeriod = costOfBlocks(lease.price, params.reconfirmationPeriod, params.targetBlockInterval);
  const provider = bringUp(state, lease.provider);
  provider.broken += forfeited > onePeriod ? forfeited : onePeriod;
  provider.brokenLeases += 1;
  if (params.jailAfterBroken > 0 && provider.brokenLeases % params.jailAfterBroken === 0) {
    provider.jailedUntil = state.time + params.jailDuration;
    state.emit({ type: 'ProviderJailed', provider: lease.provider, until: provider.jailedUntil });
  }
}
