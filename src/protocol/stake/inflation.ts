/** Inflation: new tokens for the fee pool, in proportion to block time; none unless the parameter says so. */
import type { State } from '../model/state.ts';

/**
 * No more tokens than this ever exist, in micro-AKASH: voting power is in whole AKASH, and the rotation of proposers
 * reckons with eight times the power of a set and of those who leave it, which must be a safe integer.
 */
export const SUPPLY_CEILING = 5n * 10n ** 20n;

const US_PER_YEAR = 365n * 86_400n * 1_000_000n;
const PPM_US_PER_YEAR = 1_000_000n * US_PER_YEAR;

/** Mints for the time since the parent block. The fraction below one micro-AKASH is carried over, never lost. */
export function mintInflation(state: State, elapsed_us: number): void {
  const { inflation } = state.params;
  if (inflation === 0 || elapsed_us <= 0) return;
  const chainwide = state.editChainwide();
  const supply = chainwide.genesisSupply + chainwide.minted - chainwide.burned;
  const due = supply * BigInt(inflation) * BigInt(elapsed_us) + chainwide.inflationRemainder;
  chainwide.inflationRemainder = due % PPM_US_PER_YEAR;
  const fresh = due / PPM_US_PER_YEAR;
  const room = supply < SUPPLY_CEILING ? SUPPLY_CEILING - supply : 0n;
  state.mint(fresh < room ? fresh : room);
}
