/** Waits until a deployment is leased and runs, and says meanwhile where it stands. */

import { Interrupted } from '../../lab/experiment/pool.ts';
import type { ApiClient } from '../../lab/live/daemon/api-client.ts';
import { counted } from '../../lab/report/format.ts';
import type { Terminal } from '../terminal.ts';
import { type Deployment, deploymentsOf } from './status-tenant.ts';

const LOOK_MS = 500;

export type Served =
  | { readonly ok: true; readonly deployment: Deployment }
  | { readonly ok: false; readonly why: string };

/** Verdicts of providers on a manifest that a later try will not change. */
const REFUSALS: ReadonlySet<string> = new Set(['not_tenant', 'too_large', 'wrong_hash', 'malformed', 'mismatch']);

/** Where a deployment stands, in words; null: all of it runs. */
export function missingOf({ open_orders, leases }: Deployment): string | null {
  if (open_orders > 0) return `${counted(open_orders, 'order')} without a lease`;
  if (leases.length === 0) return 'no order yet';
  const pending = leases.filter(one => one.state === 'pending').length;
  const unheard = leases.filter(one => one.services === null).length;
  if (unheard > 0) return `${counted(unheard, 'provider')} that did not answer yet`;
  const services = leases.flatMap(one => one.services ?? []);
  const stopped = services.filter(one => one.running < one.wanted).length;
  if (stopped > 0) return `${counted(stopped, 'service')} not running yet`;
  return pending > 0 ? `${counted(pending, 'lease')} not confirmed yet` : null;
}

/**
 * Waits for a deployment, for what is left of the time that its user has.
 * @throws Interrupted when the signal fires
 */
export async function waitUntilServed(
  tenant: ApiClient,
  id: string,
  { left_ms, patience_ms }: { readonly left_ms: number; readonly patience_ms: number },
  terminal: Terminal,
  signal?: AbortSignal,
): Promise<Served> {
  const until = Date.now() + left_ms;
  let seen = false;
  for (;;) {
    if (signal?.aborted === true) throw new Interrupted();
    const found = (await deploymentsOf(tenant)).find(one => one.deployment === id);
    if (found === undefined || found.state === 'closing') {
      // A provider's confirmation of the end may come in the very next block.
      const how = seen ? 'its leases ended' : 'no provider would serve it at its price';
      return { ok: false, why: `the deployment closed: ${how}` };
    }
    seen ||= found.leases.length > 0;
    const refused = found.leases.find(one => one.delivery !== null && REFUSALS.has(one.delivery.state));
    if (refused !== undefined) {
      const { state, detail } = refused.delivery as NonNullable<typeof refused.delivery>;
      return {
        ok: false,
        why: `${refused.provider} did not take the manifest: ${state}${detail === '' ? '' : `: ${detail}`}`,
      };
    }
    const missing = missingOf(found);
    if (missing === null) {
      terminal.status('');
      return { ok: true, deployment: found };
    }
    terminal.status(`waiting: ${missing}`);
    if (Date.now() > until) {
      terminal.status('');
      return {
        ok: false,
        why: `found ${missing} after ${Math.round(patience_ms / 1000)} s, expected all to run; it goes on`,
      };
    }
    await new Promise(resolve => setTimeout(resolve, LOOK_MS));
  }
}
