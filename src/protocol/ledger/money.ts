/**
 * Token arithmetic. Balances are integer micro-AKASH, prices integer pico-AKASH per second, times integer
 * microseconds; nothing here or anywhere in the protocol is a fraction.
 */

export const MICRO_PER_AKASH = 1_000_000n;
/** pico-AKASH/s times microseconds, per micro-AKASH. */
export const PICO_US_PER_MICRO = 1_000_000_000_000n;
/** Parts per million in a whole. */
export const PPM = 1_000_000;
const PPM_BIG = 1_000_000n;

/**
 * Cumulative pay of something with a price, since its billing began: floor(price x elapsed / 10^12).
 * Each payment is the difference of two such values, so that settling often or seldom pays the same.
 * @param price pico-AKASH per second
 * @param elapsed_us microseconds since billing began
 * @returns micro-AKASH
 */
export function cumulativePay(price: bigint, elapsed_us: number): bigint {
  if (elapsed_us <= 0) return 0n;
  return (price * BigInt(elapsed_us)) / PICO_US_PER_MICRO;
}

/** What `blocks` blocks of the target interval cost, rounded up, so that a reserve always covers the pay. */
export function costOfBlocks(price: bigint, blocks: number, interval_us: number): bigint {
  const product = price * BigInt(blocks) * BigInt(interval_us);
  return (product + PICO_US_PER_MICRO - 1n) / PICO_US_PER_MICRO;
}

/** floor(amount x parts / 10^6). */
export function partsOf(amount: bigint, parts: number): bigint {
  return (amount * BigInt(parts)) / PPM_BIG;
}

/** floor(10^6 x part / whole) as a number; 0 when the whole is 0. */
export function ppmOf(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Number((part * PPM_BIG) / whole);
}

/**
 * Shares `available` among `claims` in proportion, remaining micro-AKASH one by one in the order of the claims.
 * When everything can be paid, everyone gets the whole claim.
 */
export function proRata(available: bigint, claims: readonly bigint[]): bigint[] {
  let total = 0n;
  for (const claim of claims) total += claim;
  if (total <= available) return [...claims];
  let left = available;
  const shares = claims.map(claim => {
    const share = (available * claim) / total;
    left -= share;
    return share;
  });
  for (let i = 0; left > 0n && i < shares.length; i++) {
    if ((shares[i] as bigint) < (claims[i] as bigint)) {
      shares[i] = (shares[i] as bigint) + 1n;
      left -= 1n;
    }
  }
  return shares;
}
