/**
 * Whose turn it is to propose: weighted round robin by priority.
 *
 * One step gives every member its power as priority, takes the one of the highest priority and subtracts the power of
 * all from it. Before a step priorities are brought into a window of twice the total power and centred around zero.
 *
 * The seats of a height carry the priorities with which the height begins: the proposer of its round r is who the step
 * number r + 1 takes. The next height begins where one step leads, however many rounds this one took, with changes of
 * membership applied to that. Rounds are computed one step at a time and never in one go: bringing priorities into
 * their window between steps changes them, so that a node that skipped rounds could otherwise disagree with one that
 * went through them.
 *
 * All is exact in safe integers. With P the power of all, priorities of a height lie in [-2P, 2P] and reach 3P within a
 * step; when membership changes, P counts the members that leave too, newcomers start at -9P/8, and no difference of
 * two priorities exceeds 8P.
 */
import { compareTexts } from '../codec/utf8.ts';

/** A member of a validator set and its priority. */
export interface Seat {
  readonly address: string;
  /** Positive integer. */
  readonly power: number;
  /** Integer; 0 at the chain's beginning. */
  readonly priority: number;
}

interface MovingSeat {
  readonly address: string;
  readonly power: number;
  priority: number;
}

/** ceil(a / b) for integers a >= 0, b > 0. Remainders are taken off before dividing, here and below: no fraction arises. */
function ceilQuotient(a: number, b: number): number {
  const rest = a % b;
  return Math.floor((a - rest) / b) + (rest === 0 ? 0 : 1);
}

function totalOf(seats: readonly { readonly power: number }[]): number {
  let total = 0;
  for (const seat of seats) total += seat.power;
  return total;
}

/** floor of the mean, without ever forming the sum, which may be beyond the safe integers. */
function floorMean(seats: readonly Seat[]): number {
  const count = seats.length;
  let quotients = 0;
  let rests = 0;
  for (const { priority } of seats) {
    const rest = ((priority % count) + count) % count;
    quotients += Math.floor((priority - rest) / count);
    rests += rest;
  }
  return quotients + Math.floor((rests - (rests % count)) / count);
}

/** Scales priorities down, toward zero, if they are further apart than twice the total power; then centres them. */
function settle(seats: MovingSeat[], total: number): void {
  let lowest = seats[0]!.priority;
  let highest = lowest;
  for (const { priority } of seats) {
    if (priority < lowest) lowest = priority;
    if (priority > highest) highest = priority;
  }
  if (highest - lowest > 2 * total && total > 0) {
    const ratio = ceilQuotient(highest - lowest, 2 * total);
    // The remainder has the sign of the dividend: what is left divides evenly, and toward zero.
    for (const seat of seats) seat.priority = Math.trunc((seat.priority - (seat.priority % ratio)) / ratio);
  }
  const mean = floorMean(seats);
  for (const seat of seats) seat.priority -= mean;
}

/** Adds powers, takes the highest priority (among equals the lowest address), subtracts the total; returns who it was. */
function advance(seats: MovingSeat[], total: number): MovingSeat {
  let taken = seats[0]!;
  for (const seat of seats) {
    seat.priority += seat.power;
    if (seat.priority > taken.priority) taken = seat;
    else if (seat.priority === taken.priority && compareTexts(seat.address, taken.address) < 0) taken = seat;
  }
  taken.priority -= total;
  return taken;
}

function copy(seats: readonly Seat[]): MovingSeat[] {
  if (seats.length === 0) throw new RangeError('a rotation of nobody');
  // Negative zero would be another state than zero to whoever compares encodings.
  return seats.map(({ address, power, priority }) => ({ address, power, priority: priority + 0 }));
}

/** Priorities scaled into the window of twice the total power and centred. The order of seats is kept. */
export function settled(seats: readonly Seat[]): Seat[] {
  const moving = copy(seats);
  settle(moving, totalOf(moving));
  return copy(moving);
}

/** Only the selection of one step, without settling before it. The order of seats is kept. */
export function advanced(seats: readonly Seat[]): { readonly seats: Seat[]; readonly proposer: string } {
  const moving = copy(seats);
  const { address } = advance(moving, totalOf(moving));
  return { seats: copy(moving), proposer: address };
}

/** One step: settled, then advanced. */
export function stepped(seats: readonly Seat[]): { readonly seats: Seat[]; readonly proposer: string } {
  return advanced(settled(seats));
}

function checkTotal(power: number): void {
  if (!Number.isSafeInteger(8 * power)) throw new RangeError(`a total power of ${power} is too large for priorities`);
}

/**
 * Seats for a membership: who stays keeps its priority, who is new starts behind all at -(P + floor(P / 8)), where P is
 * the power of the new membership and of those who leave. Then settled. The order is that of `members`. Throws
 * RangeError when nobody is left, an address stands twice, or 8P is no safe integer.
 */
export function reseated(
  seats: readonly Seat[],
  members: readonly { readonly address: string; readonly power: number }[],
): Seat[] {
  const staying = new Set(members.map(one => one.address));
  if (staying.size !== members.length) throw new RangeError('an address stands twice in a rotation');
  const priorities = new Map(seats.map(seat => [seat.address, seat.priority]));
  const before = totalOf(members) + totalOf(seats.filter(seat => !staying.has(seat.address)));
  checkTotal(before);
  const start = -(before + Math.floor((before - (before % 8)) / 8));
  return settled(members.map(({ address, power }) => ({ address, power, priority: priorities.get(address) ?? start })));
}

/**
 * The seats with which the next height begins: exactly one step from those of this height, however many rounds it took,
 * then the members of the next height (`reseated`). Throws as `reseated` does.
 */
export function nextHeight(
  seats: readonly Seat[],
  members: readonly { readonly address: string; readonly power: number }[],
): Seat[] {
  return reseated(stepped(seats).seats, members);
}

/** The priorities of `nextHeight`, in the order of `members`; where these are the seats themselves, quickly. */
export function nextPriorities(
  seats: readonly Seat[],
  members: readonly { readonly address: string; readonly power: number }[],
): number[] {
  if (members !== seats) return nextHeight(seats, members).map(one => one.priority);
  const moving = copy(seats);
  const total = totalOf(seats);
  checkTotal(total);
  settle(moving, total);
  advance(moving, total);
  settle(moving, total);
  return moving.map(one => one.priority + 0);
}

/** The proposers of one height. Remembers rounds already computed, so that each step is made once. */
export class Rotation {
  readonly #seats: MovingSeat[];
  readonly #total: number;
  readonly #proposers: string[] = [];

  /** `seats` as the height begins with them. Throws RangeError when there are none, or 3P is no safe integer. */
  constructor(seats: readonly Seat[]) {
    this.#seats = copy(seats);
    this.#total = totalOf(seats);
    if (!Number.isSafeInteger(3 * this.#total))
      throw new RangeError(`a total power of ${this.#total} is too large for priorities`);
  }

  /** Address of the proposer of a round. The first time it costs one step for each round not computed yet. */
  proposer(round: number): string {
    if (!Number.isSafeInteger(round) || round < 0) throw new RangeError(`no proposer of round ${round}`);
    while (this.#proposers.length <= round) {
      settle(this.#seats, this.#total);
      this.#proposers.push(advance(this.#seats, this.#total).address);
    }
    return this.#proposers[round]!;
  }
}

/** Address of the proposer of one round; `Rotation` is cheaper for several. */
export function proposer(seats: readonly Seat[], round: number): string {
  return new Rotation(seats).proposer(round);
}
