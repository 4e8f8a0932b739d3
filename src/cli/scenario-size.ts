/** How large a scenario is, in a few words. */
import { counted, span } from '../lab/report/format.ts';
import type { Scenario } from '../lab/scenario/types.ts';

/** `20 providers, 60 tenants, 7 days`; `?` where only a trace knows. */
export function sizeOf({ providers, tenants, horizon }: Scenario): string {
  let count = 0;
  let fromTrace = false;
  for (const { supply } of providers) {
    if (supply.kind === 'counted') count += supply.count;
    else fromTrace = true;
  }
  const supply = fromTrace
    ? `providers from a trace${count > 0 ? ` and ${counted(count, 'provider')}` : ''}`
    : counted(count, 'provider');
  const demand = tenants.reduce((sum, one) => sum + one.count, 0);
  return `${supply}, ${counted(demand, 'tenant')}, ${span(horizon / 1e6)}`;
}
