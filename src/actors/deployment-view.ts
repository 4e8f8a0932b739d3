/** What stands of a deployment according to a state, for its tenant after a restart and for the providers of its leases. */

import { orderId } from '../protocol/model/objects.ts';
import type { State } from '../protocol/model/state.ts';
import type { DeploymentView } from './wire.ts';

/** Null where the state has no such deployment: it is closed, or never was. */
export function deploymentViewOf(state: State, id: string): DeploymentView | null {
  const row = state.deployments.get(id);
  if (row === undefined) return null;
  const { version, escrow, slots, leases, state: stage } = row;
  return {
    version,
    state: stage,
    escrow,
    orders: slots.filter(slot => slot.stands === 'order').map(slot => orderId(id, slot.group, slot.sequence)),
    leases: leases.map(key => {
      const { provider, state: leaseStage, price } = state.leases.need(key);
      return { lease: key, provider, state: leaseStage, price };
    }),
  };
}
