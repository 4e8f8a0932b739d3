/**
 * Downtime: a validator that signs too few of the newest blocks loses a little stake and sits out until it asks to come
 * back (MARKET rules, section 5).
 *
 * Signatures are counted from the commit of the parent block; a precommit for nil counts as signed. The count slides
 * over `downtimeWindow` blocks, one bit each. A validator that misses nothing has no row and costs a look; one that
 * misses a block, or whose miss leaves the window, costs one change. The record is one of membership: it begins afresh
 * after a jail, when its validator leaves the set, and when the window's length changes.
 */
import { PPM } from '../ledger/money.ts';
import { type SetRow, SigningRow } from '../model/stake-rows.ts';
import type { State } from '../model/state.ts';
import { setRowAt } from './set-history.ts';
import { slashValidator } from './slashing.ts';

/** How many blocks of the window a validator may miss. */
function mayMiss(state: State): number {
  const { downtimeWindow, minSigned } = state.params;
  const parts = downtimeWindow * minSigned + PPM - 1;
  return downtimeWindow - Math.floor(parts / PPM);
}

/**
 * At the beginning of a block that carries the commit of its parent: counts who signed the parent.
 * @param height the parent's height
 * @param signed whether the commit holds a signature of this validator
 */
export function recordSigners(state: State, height: number, signed: (address: string) => boolean): void {
  const set = setRowAt(state, height);
  if (set === undefined) throw new Error(`the validator set of height ${height} is not kept`);
  if (set.from === height) forgetLeavers(state, set);
  const most = mayMiss(state);
  for (const { address } of set.members) {
    // In the last heights before its jail acts, nothing more is counted against a validator.
    if (state.candidates.need(address).jailed) continue;
    const missed = count(state, address, height, !signed(address));
    if (missed > most) jail(state, address, height, missed);
  }
}

/** Notes one block of one validator; returns the misses in the window, 0 when this one changed nothing. */
function count(state: State, address: string, height: number, misses: boolean): number {
  const window = state.params.downtimeWindow;
  const row = state.signings.get(address);
  if (row === undefined) {
    if (!misses) return 0;
    state.signings.insert(new SigningRow(address, window));
  }
  const place = height % window;
  const bits = (row ?? state.signings.need(address)).misses;
  const bit = 1 << (place & 7);
  const missedBefore = ((bits[place >> 3] as number) & bit) !== 0;
  if (missedBefore === misses) return 0;
  const changed = bits.slice();
  changed[place >> 3] = (bits[place >> 3] as number) ^ bit;
  const edited = state.signings.edit(address);
  edited.misses = changed;
  edited.missed += misses ? 1 : -1;
  const { missed } = edited;
  if (missed === 0) state.signings.remove(address);
  return missed;
}

function jail(state: State, validator: string, height: number, missed: number): void {
  const until = state.time + state.params.downtimeJail;
  const candidate = state.candidates.edit(validator);
  candidate.jailed = true;
  candidate.jailedUntil = until;
  state.signings.remove(validator);
  const burned = slashValidator(state, validator, state.params.downtimeSlash, 'downtime', { offence: height });
  state.emit({ type: 'ValidatorJailed', validator, until, missed, burned });
}

/** The first block of a set: who left with the one before starts afresh if it comes back. */
function forgetLeavers(state: State, set: Readonly<SetRow>): void {
  const before = state.sets.get(String(set.number - 1));
  if (before === undefined) return;
  const staying = new Set(set.members.map(one => one.address));
  for (const { address } of before.members) {
    if (!staying.has(address) && state.signings.has(address)) state.signings.remove(address);
  }
}

/** Forgets all that was counted: places in a window of another length mean other blocks. */
export function forgetSignings(state: State): void {
  for (const { address } of state.signings.sorted()) state.signings.remove(address);
}
