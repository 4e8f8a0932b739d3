/**
 * A provider's reputation, reckoned again from public events, as the range in which the chain's value must lie.
 *
 *     reputation = w x stakeTerm + (1 - w) x record, in parts per million
 *
 * The stake term is exact: own bonded stake over all bonded provider stake. The record is the mean of a Beta posterior
 * over weights that decay with a half-life; the chain does so in steps of an integer table, here it is done with powers
 * of two and with tolerance for where in a step a weight was added. An order whose requirement lies within the range is
 * one on which this reckoning has no opinion.
 */
import type { Genesis } from '../../protocol/chain/genesis.ts';
import type { Event } from '../../protocol/model/events.ts';
import type { Params } from '../../protocol/model/params.ts';
import type { State } from '../../protocol/model/state.ts';

const PPM = 1_000_000;
/** Part of a half-life by which the chain's table may be early or late. */
const STEP_TOLERANCE = 1 / 32;
/** Parts per million for the roundings of the terms and of their sum. */
const ROUNDING_PPM = 4;

interface Weights {
  kept: number;
  broken: number;
  /** Microseconds: until when the weights are decayed. */
  time: number;
  /** Number of times that something was added or decayed, each good for a micro-AKASH of rounding. */
  changes: number;
}

export interface Range {
  readonly least: number;
  readonly most: number;
}

export class ReputationBounds {
  readonly #weights = new Map<string, Weights>();
  /** Own bonded stake of every account, and of all providers together. */
  readonly #own = new Map<string, bigint>();
  #providerStake = 0n;
  /** Accounts slashed in this block, whose own stake is not known until it is over. */
  readonly #slashed = new Set<string>();
  /** Paid since the newest confirmation, collateral and price, by lease. */
  readonly #leases = new Map<string, { provider: string; paid: number; price: bigint }>();

  constructor(genesis: Genesis) {
    for (const { address, stake } of genesis.accounts) this.#own.set(address, stake);
    for (const { address } of genesis.providers) this.#register(address, genesis.time);
  }

  #register(provider: string, time: number): void {
    this.#weights.set(provider, { kept: 0, broken: 0, time, changes: 0 });
    this.#providerStake += this.ownStake(provider);
  }

  /** Own bonded stake, micro-AKASH. */
  ownStake(account: string): bigint {
    return this.#own.get(account) ?? 0n;
  }

  /** @param time block time of the event, microseconds */
  apply(event: Event, params: Params, time: number): void {
    switch (event.type) {
      case 'ProviderRegistered':
        this.#register(event.provider, time);
        return;
      case 'StakeBonded':
        if (event.account === event.validator) this.#changeStake(event.account, event.amount);
        return;
      case 'StakeUnbonding':
        if (event.account === event.source) this.#changeStake(event.account, -event.amount);
        if (event.account === event.target) this.#changeStake(event.account, event.amount);
        return;
      case 'StakeSlashed':
        // Stake is slashed wherever it is, and the event does not say where: the rest of the block is unsure.
        this.#slashed.add(event.account);
        return;
      case 'LeaseCreated':
        this.#leases.set(event.lease, { provider: event.provider, paid: 0, price: event.price });
        return;
      case 'LeasePaid': {
        const lease = this.#leases.get(event.lease);
        if (lease !== undefined) lease.paid += Number(event.amount);
        return;
      }
      case 'LeaseConfirmed': {
        const lease = this.#leases.get(event.lease);
        if (lease === undefined) return;
        this.#add(lease.provider, lease.paid, 0, params, time);
        lease.paid = 0;
        return;
      }
      case 'LeaseBroken':
      case 'LeaseClosed': {
        const lease = this.#leases.get(event.lease);
        this.#leases.delete(event.lease);
        if (lease === undefined || (event.type === 'LeaseClosed' && event.resetConfirmed)) return;
        const period = params.reconfirmationPeriod * params.targetBlockInterval;
        const onePeriod = Number((lease.price * BigInt(period) + 999_999_999_999n) / 1_000_000_000_000n);
        const forfeited = event.type === 'LeaseBroken' ? Number(event.forfeited) : 0;
        this.#add(lease.provider, 0, Math.max(forfeited, onePeriod), params, time);
        return;
      }
      default:
    }
  }

  /** Reads from the state after a block what its events left open. */
  settle(state: State): void {
    for (const account of this.#slashed) {
      const now = state.delegations.get(`${account}/${account}`)?.amount ?? 0n;
      this.#changeStake(account, now - this.ownStake(account));
    }
    this.#slashed.clear();
  }

  #changeStake(account: string, change: bigint): void {
    this.#own.set(account, this.ownStake(account) + change);
    if (this.#weights.has(account)) this.#providerStake += change;
  }

  #add(provider: string, kept: number, broken: number, params: Params, time: number): void {
    const row = this.#weights.get(provider);
    if (row === undefined) return;
    const factor = 2 ** (-(time - row.time) / params.reputationHalfLife);
    row.kept = row.kept * factor + kept;
    row.broken = row.broken * factor + broken;
    row.time = time;
    row.changes += 1;
  }

  /** Kept and broken weight at a time, micro-AKASH, and by how much either may be off. */
  weights(provider: string, params: Params, time: number): { kept: Range; broken: Range } | undefined {
    const row = this.#weights.get(provider);
    if (row === undefined) return undefined;
    const factor = 2 ** (-(time - row.time) / params.reputationHalfLife);
    const range = (weight: number): Range => {
      const slack = row.changes + 2;
      const early = 2 ** STEP_TOLERANCE;
      return { least: Math.max(0, (weight * factor) / early - slack), most: weight * factor * early + slack };
    };
    return { kept: range(row.kept), broken: range(row.broken) };
  }

  /** The range of a provider's reputation at a time, parts per million; undefined when it is no provider. */
  range(provider: string, params: Params, time: number): Range | undefined {
    const weights = this.weights(provider, params, time);
    if (weights === undefined) return undefined;
    if (this.#slashed.size > 0) return { least: 0, most: PPM };
    const { kept, broken } = weights;
    const own = this.ownStake(provider);
    const stakeTerm = this.#providerStake === 0n ? 0 : Number((own * BigInt(PPM)) / this.#providerStake);
    const priorKept = Number(params.reputationPriorKept);
    const priorBroken = Number(params.reputationPriorBroken);
    const mean = (k: number, b: number, otherwise: number): number => {
      const all = priorKept + priorBroken + k + b;
      return all === 0 ? otherwise : (PPM * (priorKept + k)) / all;
    };
    const w = params.reputationStakeWeight / PPM;
    const join = (record: number): number => w * stakeTerm + (1 - w) * record;
    return {
      least: join(mean(kept.least, broken.most, 0)) - ROUNDING_PPM,
      most: join(mean(kept.most, broken.least, PPM)) + ROUNDING_PPM,
    };
  }
}
