/** Election: which candidates validate (MARKET rules, section 5). */
import { MICRO_PER_AKASH } from '../ledger/money.ts';
import type { Candidate, Elected } from '../model/stake-rows.ts';
import type { State } from '../model/state.ts';

function compareCandidates(left: Readonly<Candidate>, right: Readonly<Candidate>): number {
  if (left.stake !== right.stake) return left.stake > right.stake ? -1 : 1;
  return left.sequence - right.sequence;
}

/** The top slots by own and delegated stake; ties go to the earlier registration. Jailed ones and such without a whole AKASH do not count. */
export function elect(state: State): Elected[] {
  const able = state.candidates.sorted().filter(one => !one.jailed && one.stake >= MICRO_PER_AKASH);
  return able
    .sort(compareCandidates)
    .slice(0, state.params.validatorSlots)
    .map(one => ({
      address: one.address,
      consensusKey: one.consensusKey,
      power: Number(one.stake / MICRO_PER_AKASH),
    }));
}

/**
 * At the end of each block: the set of the next height is the one that was upcoming, and the one after is elected anew
 * when there is cause. It never becomes empty: if nobody is electable, the last set stays.
 */
export function advanceValidators(state: State, cause: boolean): void {
  const { validators, upcoming } = state.chainwide;
  const fresh = cause ? elect(state) : upcoming;
  const next = fresh.length > 0 ? fresh : upcoming;
  if (next === upcoming && validators === upcoming) return;
  const chainwide = state.editChainwide();
  chainwide.validators = upcoming;
  chainwide.upcoming = next;
}
