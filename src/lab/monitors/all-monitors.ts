/** The whole set of market monitors, as simulations and hunts put them on. */
import type { Genesis } from '../../protocol/chain/genesis.ts';
import { AuthorityMonitor } from './authority.ts';
import { BillingMonitor } from './billing.ts';
import { CollateralMonitor } from './collateral.ts';
import { EscrowMonitor } from './escrow.ts';
import { ForfeitMonitor } from './forfeits.ts';
import { LifecycleMonitor } from './lifecycle.ts';
import { LivenessMonitor } from './liveness.ts';
import { MatchReferee } from './match.ts';
import type { Monitor, MonitorOptions } from './monitor.ts';
import { SlotMonitor } from './slots.ts';
import { SupplyMonitor } from './supply.ts';

/**
 * A fresh set, for one chain followed from its genesis on.
 * @param options.fullEvery blocks between looks at everything; 0 = only at the end
 */
export function allMonitors(genesis: Genesis, options: MonitorOptions): Monitor[] {
  return [
    new SupplyMonitor(genesis, options),
    new CollateralMonitor(genesis, options),
    new LifecycleMonitor(genesis, options),
    new SlotMonitor(genesis, options),
    new MatchReferee(genesis, options),
    new BillingMonitor(genesis, options),
    new EscrowMonitor(genesis, options),
    new ForfeitMonitor(genesis, options),
    new LivenessMonitor(genesis, options),
    new AuthorityMonitor(genesis, options),
  ];
}
