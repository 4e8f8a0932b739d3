/** What a tenant puts into a new deployment's escrow. */
import { cumulativePay } from '../../protocol/ledger/money.ts';
import { type DeploymentInfrastructure, totalPrice } from '../../protocol/model/objects.ts';
import type { Params } from '../../protocol/model/params.ts';
import type { Escrow } from '../scenario/types.ts';

/** The amount in micro-AKASH, and at least what the chain asks for where time is what was said. */
export function escrowFor(escrow: Escrow, infrastructure: readonly DeploymentInfrastructure[], params: Params): bigint {
  if (escrow.kind === 'money') return escrow.amount;
  let price = 0n;
  for (const one of infrastructure) price += totalPrice(one.resources);
  const period = params.reconfirmationPeriod * params.targetBlockInterval;
  const time_us = escrow.kind === 'periods' ? escrow.periods * period : Math.max(escrow.duration, period);
  // One micro-AKASH per infrastructure covers what the chain rounds up.
  return cumulativePay(price, Math.ceil(time_us)) + BigInt(infrastructure.length);
}
