/**
 * Election: which candidates validate (MARKET rules, section 5), and in what rotation they propose.
 *
 * What a block does to stake acts two heights later, so that everybody who votes on a block knows the sets of that height
 * and of the next. Whose turn it is to propose moves on by one step per height, also where nothing else changes.
 */
import { nextPriorities } from '../consensus/proposer.ts';
import type { Validator } from '../consensus/types.ts';
import { MICRO_PER_AKASH } from '../ledger/money.ts';
import type { Event } from '../model/events.ts';
import type { Candidate, Elected } from '../model/stake-rows.ts';
import type { State } from '../model/state.ts';
import { advanceHorizon, keepSet } from './set-history.ts';

/** Events after which another set may be elected. */
const CAUSES: ReadonlySet<Event['type']> = new Set([
  'StakeBonded',
  'StakeUnbonding',
  'StakeSlashed',
  'CandidateRegistered',
  'ValidatorJailed',
  'ValidatorUnjailed',
  'ValidatorTombstoned',
  'ParameterChanged',
]);

/** A total order, since no two candidates registered at once. */
function compareCandidates(left: Readonly<Candidate>, right: Readonly<Candidate>): number {
  if (left.stake !== right.stake) return left.stake > right.stake ? -1 : 1;
  return left.sequence - right.sequence;
}

/** The top slots by own and delegated stake; ties go to the earlier registration. Jailed ones and such without a whole AKASH do not count. */
export function elect(state: State): Validator[] {
  return [...state.candidates.unordered()]
    .filter(one => !one.jailed && one.stake >= MICRO_PER_AKASH)
    .sort(compareCandidates)
    .slice(0, state.params.validatorSlots)
    .map(one => ({
      address: one.address,
      consensusKey: one.consensusKey,
      power: Number(one.stake / MICRO_PER_AKASH),
    }));
}

/** Whether two sets have the same members with the same power. A member's key never changes. */
function sameSet(left: readonly Validator[], right: readonly Validator[]): boolean {
  if (left.length !== right.length) return false;
  const powers = new Map(left.map(one => [one.address, one.power]));
  return right.every(one => powers.get(one.address) === one.power);
}

/** The members of the next height with the priorities that one step from this height's leaves them. */
function rotated(seats: readonly Elected[], members: readonly Validator[]): readonly Elected[] {
  // Who is alone is always at 0.
  if (members === seats && seats.length === 1) return seats;
  const priorities = nextPriorities(seats, members);
  return members.map(({ address, consensusKey, power }, i) => {
    return { address, consensusKey, power, priority: priorities[i] as number };
  });
}

/** The sets of heights 1 and 2. */
export function startValidators(state: State): void {
  const members = elect(state);
  const first = members.map(one => ({ ...one, priority: 0 }));
  const seats = state.editSeats();
  seats.validators = first;
  seats.upcoming = rotated(first, first);
  seats.validatorsSet = seats.upcomingSet = keepSet(state, 1, members);
}

/**
 * At the end of each block: the set of the next height is the one that was upcoming, and the one after is elected anew
 * when an event of this block gives cause. It never becomes empty: if nobody is electable, the last set stays.
 */
export function advanceValidators(state: State): void {
  const { validators, upcoming, upcomingSet } = state.seats;
  let number = upcomingSet;
  let members: readonly Validator[] = upcoming;
  if (state.events.some(one => CAUSES.has(one.type))) {
    const fresh = elect(state);
    if (fresh.length > 0 && !sameSet(fresh, upcoming)) members = fresh;
  }
  if (members !== upcoming) {
    const from = state.height + 2;
    number = keepSet(state, from, members);
    const power = members.reduce((sum, one) => sum + one.power, 0);
    state.emit({ type: 'ValidatorSetChanged', height: from, size: members.length, power });
  }
  const next = rotated(upcoming, members);
  if (next !== upcoming || validators !== upcoming) {
    const seats = state.editSeats();
    seats.validators = upcoming;
    seats.validatorsSet = upcomingSet;
    seats.upcoming = next;
    seats.upcomingSet = number;
  }
  advanceHorizon(state);
}
