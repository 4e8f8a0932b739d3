/** Inflation: new tokens for the fee pool, in proportion to block time; none unless the parameter says so. */
import type { State } from '../model/state.ts';

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
  state.mint(due / PPM_US_PER_YEAR);
}
