/** How a provider behaves, honestly or not. Everything dishonest that a study wants is a setting here. */

/** Offers from outside the market for capacity that is leased. */
export interface OutsideOffers {
  /** Time to the next offer for a lease. */
  next_us(): number;
  /** What an offer gains over the lease's price, as a present value in micro-AKASH. */
  worth(): bigint;
  /** How long the outside work holds the capacity. */
  readonly occupied_us: number;
}

export interface Conduct {
  /** Starts the workloads of its leases. */
  readonly runs: boolean;
  /** Confirms its leases. */
  readonly confirms: boolean;
  readonly offers: OutsideOffers | null;
  /** Walks away from everything once it was paid so much, micro-AKASH; null = never. */
  readonly exitAfter: bigint | null;
  /** Withdraws some bids again: the time after which, or null for a bid that stays. */
  readonly cancelAfter_us: (() => number | null) | null;
}

export const HONEST: Conduct = { runs: true, confirms: true, offers: null, exitAfter: null, cancelAfter_us: null };
