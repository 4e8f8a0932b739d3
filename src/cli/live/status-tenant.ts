/** `orrery tenant status`: deployments, their leases, and where their services are reached. */
import type { z } from 'zod';
import * as schemas from '../../lab/live/api/participant-schemas.ts';
import { type ApiClient, needDaemon } from '../../lab/live/daemon/api-client.ts';
import { akash, counted, grouped, perHour, priceUnitFor } from '../../lab/report/format.ts';
import { stringify } from '../../lab/report/json.ts';
import { CommandError, EXIT } from '../errors.ts';
import type { Terminal } from '../terminal.ts';
import { factsText, shortAddress, withoutTenant } from './facts.ts';

export type Deployment = z.output<typeof schemas.tenantDeployment>;

/** All deployments of a running tenant. */
export async function deploymentsOf(tenant: ApiClient): Promise<Deployment[]> {
  return (await tenant.call('/deployments', schemas.tenantDeployments)).deployments;
}

/** The one deployment, or lease, that a word means: its id, or what stands behind the tenant's address in it. */
export function idOf(word: string, known: readonly string[], what: string): string {
  const found = known.filter(id => id === word || withoutTenant(id) === word);
  if (found.length === 1) return found[0]!;
  const list = known.length === 0 ? 'there is none' : `one of ${known.slice(0, 10).map(withoutTenant).join(', ')}`;
  throw new CommandError(`found no ${what} ${JSON.stringify(word)}, expected the id of one: ${list}`);
}

export async function printTenantStatus(
  root: string,
  word: string | null,
  json: boolean,
  terminal: Terminal,
): Promise<number> {
  const tenant = needDaemon(root, 'tenant');
  const { run } = tenant;
  const [status, all] = await Promise.all([tenant.call('/status', schemas.tenantStatus), deploymentsOf(tenant)]);
  const id =
    word === null
      ? null
      : idOf(
          word,
          all.map(one => one.deployment),
          'deployment',
        );
  const shown = all.filter(one => id === null || one.deployment === id);
  if (json) {
    const { pid, genesisHash, chainId, api } = run;
    const own = { pid, chain_id: chainId, genesis_hash: genesisHash, api };
    terminal.out(`${stringify(id === null ? { ...status, ...own, deployments: shown } : shown[0], 2)}\n`);
    return EXIT.ok;
  }
  if (id === null) {
    terminal.out(
      factsText(terminal, [
        ['tenant', `${status.name} (process ${run.pid})`],
        ['account', status.address],
        ['balance', status.balance_uakt === null ? 'not known yet' : akash(BigInt(status.balance_uakt))],
        ['chain', run.chainId],
        ['genesis', run.genesisHash],
        [
          'height',
          `${grouped(status.height)}, ${status.node === null ? 'no node in reach' : `told by ${status.node}`}`,
        ],
        ['stands', counted(all.length, 'deployment')],
      ]),
    );
  }
  for (const one of shown) terminal.out(`${id === null ? '\n' : ''}${deploymentText(terminal, one)}`);
  return EXIT.ok;
}

/** A deployment in lines. */
export function deploymentText(terminal: Pick<Terminal, 'colours'>, one: Deployment): string {
  const { bold, dim } = terminal.colours;
  const { deployment, state, escrow_uakt, open_orders, leases } = one;
  const waits = open_orders === 0 ? '' : `, ${counted(open_orders, 'open order')}`;
  let text = `${bold(`deployment ${withoutTenant(deployment)}`)}  ${state}, escrow ${akash(BigInt(escrow_uakt))}${waits}\n`;
  for (const { lease, provider, state: leased, price_pakt_per_s, delivery, services } of leases) {
    const price = BigInt(price_pakt_per_s);
    const unit = priceUnitFor(price);
    const at = `${shortAddress(provider)}, ${perHour(price, unit)}`;
    const manifest = delivery === null ? '' : `, manifest ${delivery.state.replaceAll('_', ' ')}`;
    text += `  lease ${withoutTenant(lease)}  ${leased} with ${at}${manifest}\n`;
    if (delivery !== null && delivery.detail !== '') text += `    ${delivery.detail}\n`;
    for (const { service, wanted, running, addresses } of services ?? []) {
      text += `    ${service}  ${running} of ${wanted} running\n`;
      for (const { port, protocol, host, host_port } of addresses) {
        text += `      ${dim(`port ${port}/${protocol}`)}  ${host}:${host_port}\n`;
      }
    }
  }
  return text;
}
