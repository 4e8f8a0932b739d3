/** `orrery provider status`: capacity, leases, workloads. */
import * as schemas from '../../lab/live/api/participant-schemas.ts';
import { needDaemon } from '../../lab/live/daemon/api-client.ts';
import { bytes, counted, grouped, percent, perHour, priceUnitFor } from '../../lab/report/format.ts';
import { stringify } from '../../lab/report/json.ts';
import { EXIT } from '../errors.ts';
import { tableText } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { factsText, shortAddress, withoutTenant } from './facts.ts';

const MAX_ROWS = 30;
const right = 'right' as const;

export async function printProviderStatus(root: string, json: boolean, terminal: Terminal): Promise<number> {
  const provider = needDaemon(root, 'provider');
  const { run } = provider;
  const [status, { leases }, { workloads }] = await Promise.all([
    provider.call('/status', schemas.providerStatus),
    provider.call('/leases', schemas.providerLeases),
    provider.call('/workloads', schemas.providerWorkloads),
  ]);
  if (json) {
    const { pid, genesisHash, chainId, listen, api } = run;
    const own = { pid, chain_id: chainId, genesis_hash: genesisHash, listen, api };
    terminal.out(`${stringify({ ...status, ...own, lease_list: leases, workload_list: workloads }, 2)}\n`);
    return EXIT.ok;
  }
  const { capacity, used } = status;
  const gpus = capacity.gpu_milli === 0 ? '' : `, ${used.gpu_milli / 1e3} of ${capacity.gpu_milli / 1e3} GPUs`;
  terminal.out(
    factsText(terminal, [
      ['provider', `${status.name} in ${status.region} (process ${run.pid})`],
      ['account', status.address],
      ['register', status.registered ? 'as its config.yaml says' : 'not yet; its account has to pay for that'],
      ['chain', run.chainId],
      ['genesis', run.genesisHash],
      ['height', `${grouped(status.height)}, ${status.node === null ? 'no node in reach' : `told by ${status.node}`}`],
      [
        'used',
        `${used.cpu_milli / 1e3} of ${capacity.cpu_milli / 1e3} vCPUs, ${bytes(used.memory_bytes)} of ` +
          `${bytes(capacity.memory_bytes)}${gpus} (${percent(status.utilisation_ppm / 1e6)})`,
      ],
      ['bids', `${counted(status.open_bids, 'open bid')}, ${counted(status.leases, 'lease')}`],
    ]),
  );
  if (leases.length > 0) {
    const prices = leases.map(one => BigInt(one.price_pakt_per_s));
    const unit = priceUnitFor(prices.reduce((a, b) => (a > b ? a : b)));
    const rows = leases.slice(0, MAX_ROWS).map(({ lease, state, served, price_pakt_per_s }) => {
      const tenant = shortAddress(lease.slice(0, lease.indexOf('/')));
      return [
        `${tenant}/${withoutTenant(lease)}`,
        state,
        served ? 'runs' : '-',
        perHour(BigInt(price_pakt_per_s), unit),
      ];
    });
    const columns = [{ head: 'lease' }, { head: 'state' }, { head: '' }, { head: 'price', align: right }];
    terminal.out(`\n${tableText(terminal, columns, rows)}`);
  }
  if (workloads.length > 0) {
    const rows = workloads.slice(0, MAX_ROWS).map(({ workload, image, host, state }) => {
      return [withoutTenant(workload), image.length > 36 ? `${image.slice(0, 33)}...` : image, String(host), state];
    });
    const columns = [{ head: 'workload' }, { head: 'image' }, { head: 'host', align: right }, { head: 'state' }];
    terminal.out(`\n${tableText(terminal, columns, rows)}`);
  }
  if (Math.max(leases.length, workloads.length) > MAX_ROWS) terminal.out('there are more; --json has all\n');
  return EXIT.ok;
}
