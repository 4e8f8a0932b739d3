/** How much a block may hold. */
import { partsOf } from '../ledger/money.ts';
import type { State } from '../model/state.ts';
import type { Transaction } from './transaction.ts';

/**
 * Bytes that a block may still take; everything but confirmations leaves a reserve to them, so that full blocks cannot
 * be used to make providers stale.
 */
export function blockLimits(state: State): { take(tx: Transaction): boolean } {
  const { maxBlockBytes, confirmationReserve } = state.params;
  const open = maxBlockBytes - Number(partsOf(BigInt(maxBlockBytes), confirmationReserve));
  let total = 0;
  let others = 0;
  return {
    take(tx) {
      const confirms = tx.body.message.type === 'SubmitLeaseConfirmation';
      if (total + tx.size > maxBlockBytes || (!confirms && others + tx.size > open)) return false;
      total += tx.size;
      if (!confirms) others += tx.size;
      return true;
    },
  };
}
