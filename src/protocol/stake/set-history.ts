/**
 * What evidence is judged by after the fact: the validator sets of past heights, and when evidence has expired.
 *
 * A set is kept when it differs from the one before, and until no evidence about its heights can be brought any more.
 * Evidence expires only when it is older than both limits, in blocks and in time. For the time of past blocks there are
 * milestones, a hundred or so in the age of evidence, not one per block; evidence therefore lives up to a hundredth
 * longer than its limits, and never shorter. Both kinds of rows are numbered, and come and go at the two ends, so that
 * a block looks at the oldest one only, and a height is found by halving.
 */
import type { Validator } from '../consensus/types.ts';
import { Milestone, SetRow } from '../model/stake-rows.ts';
import type { State } from '../model/state.ts';

/** How many milestones there are in the age of evidence, as counted in blocks. */
const MILESTONES = 100;

/** Keeps the set that validates from a height on; returns its number. */
export function keepSet(state: State, from: number, members: readonly Validator[]): number {
  const chainwide = state.editChainwide();
  const number = chainwide.nextSet;
  const kept = members.map(({ address, consensusKey, power }) => ({ address, consensusKey, power }));
  state.sets.insert(new SetRow(number, from, kept));
  chainwide.nextSet += 1;
  return number;
}

/** The row of the set of a height; undefined when it is no longer kept. At most the next height's is known. */
export function setRowAt(state: State, height: number): Readonly<SetRow> | undefined {
  const { oldestSet, nextSet } = state.chainwide;
  let low = oldestSet;
  let high = nextSet - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (state.sets.need(String(middle)).from <= height) low = middle;
    else high = middle - 1;
  }
  const row = state.sets.need(String(low));
  return row.from <= height ? row : undefined;
}

/** Who validated a height, or will validate the next; undefined when that is no longer kept. */
export function validatorsAt(state: State, height: number): readonly Validator[] | undefined {
  return setRowAt(state, height)?.members;
}

/** At the end of each block: sets a milestone where one is due, and forgets what evidence can no longer be about. */
export function advanceHorizon(state: State): void {
  const { height, time } = state;
  const { evidenceMaxAgeBlocks, evidenceMaxAge } = state.params;
  const stride = Math.max(1, Math.floor(evidenceMaxAgeBlocks / MILESTONES));
  if (height % stride === 0) {
    const chainwide = state.editChainwide();
    state.milestones.insert(new Milestone(chainwide.nextMilestone, height, time));
    chainwide.nextMilestone += 1;
  }
  for (;;) {
    const oldest = state.milestones.get(String(state.chainwide.oldestMilestone));
    if (oldest === undefined) return;
    if (height - oldest.height <= evidenceMaxAgeBlocks || time - oldest.time <= evidenceMaxAge) return;
    state.milestones.remove(String(oldest.number));
    const chainwide = state.editChainwide();
    chainwide.oldestMilestone += 1;
    chainwide.evidenceFrom = oldest.height + 1;
    forgetSets(state);
  }
}

/** Removes the sets whose last height lies before the first that evidence may be about. */
function forgetSets(state: State): void {
  const chainwide = state.editChainwide();
  while (chainwide.oldestSet + 1 < chainwide.nextSet) {
    if (state.sets.need(String(chainwide.oldestSet + 1)).from > chainwide.evidenceFrom) return;
    state.sets.remove(String(chainwide.oldestSet));
    chainwide.oldestSet += 1;
  }
}
