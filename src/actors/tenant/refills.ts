/** When a deployment's escrow is to be topped up, and by how much. */
import { costOfBlocks } from '../../protocol/ledger/money.ts';
import type { Params } from '../../protocol/model/params.ts';
import type { Kept } from './kept.ts';

/** What its leases cost for one period, micro-AKASH. */
function periodCost({ leases }: Kept, { reconfirmationPeriod, targetBlockInterval }: Params): bigint {
  let price = 0n;
  for (const one of leases.values()) price += one.price;
  return costOfBlocks(price, reconfirmationPeriod, targetBlockInterval);
}

/** Time until the escrow, as it is being used up, will cover no more than the floor; null: it is not to be refilled. */
export function planRefill(kept: Kept, params: Params): number | null {
  const { refill } = kept.request;
  const period = periodCost(kept, params);
  if (refill === null || period === 0n) return null;
  const { reconfirmationPeriod, targetBlockInterval } = params;
  const above = kept.escrow - BigInt(refill.below) * period;
  const periods = above > 0n ? Number((above * 1000n) / period) / 1000 : 0;
  return Math.max(targetBlockInterval, Math.floor(periods * reconfirmationPeriod * targetBlockInterval));
}

/** micro-AKASH to deposit; null: nothing is to be refilled. */
export function refillAmount(kept: Kept, params: Params): bigint | null {
  const { refill } = kept.request;
  const period = periodCost(kept, params);
  return refill === null || period === 0n ? null : BigInt(refill.to - refill.below) * period;
}
