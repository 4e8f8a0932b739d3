/** `orrery node status`: heights, peers, validators. */
import * as schemas from '../../lab/live/api/node-schemas.ts';
import { needDaemon } from '../../lab/live/daemon/api-client.ts';
import { akash, bytes, counted, grouped, shortSpan } from '../../lab/report/format.ts';
import { stringify } from '../../lab/report/json.ts';
import { EXIT } from '../errors.ts';
import { tableText } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { factsText, shortAddress } from './facts.ts';

const MAX_ROWS = 20;
const US_PER_S = 1e6;

export async function printNodeStatus(root: string, json: boolean, terminal: Terminal): Promise<number> {
  const node = needDaemon(root, 'node');
  const { run } = node;
  const [status, set, account] = await Promise.all([
    node.call('/status', schemas.nodeStatus),
    node.call('/validators', schemas.validators),
    node.call(`/accounts/${run.address}`, schemas.account).catch(() => null),
  ]);
  if (json) {
    const { pid, genesisHash, address, listen, api } = run;
    const balance_uakt = account?.balance_uakt ?? '0';
    const own = { pid, genesis_hash: genesisHash, address, listen, api, balance_uakt };
    terminal.out(`${stringify({ ...status, ...own, validators: set.validators }, 2)}\n`);
    return EXIT.ok;
  }
  const age = status.height === 0 ? '' : `, ${shortSpan(Math.max(0, status.now_us - status.time_us) / US_PER_S)} old`;
  const { orders_open, leases, providers, deployments } = status;
  terminal.out(
    factsText(terminal, [
      ['node', `${status.name} (process ${run.pid})`],
      ['account', run.address],
      ['balance', account === null ? '0 AKASH' : akash(BigInt(account.balance_uakt))],
      ['chain', status.chain_id],
      ['genesis', run.genesisHash],
      ['height', `${grouped(status.height)}${age}${status.catching_up ? ', catching up' : ''}`],
      ['round', `${status.round}${status.proposer === null ? '' : `, proposer ${shortAddress(status.proposer)}`}`],
      ['waiting', `${counted(status.mempool.transactions, 'transaction')}, ${bytes(status.mempool.size_bytes)}`],
      [
        'market',
        `${counted(providers, 'provider')}, ${counted(deployments, 'deployment')}, ${counted(orders_open, 'open order')}, ` +
          `${counted(leases.pending + leases.active, 'lease')}`,
      ],
    ]),
  );
  const peers = status.peers.map(({ name, connected }) => [name, connected ? 'connected' : 'out of reach']);
  if (peers.length > 0) {
    terminal.out(`\n${tableText(terminal, [{ head: 'peer' }, { head: '' }], peers.slice(0, MAX_ROWS))}`);
  }
  const rows = set.validators
    .slice(0, MAX_ROWS)
    .map(one => [
      one.name ?? shortAddress(one.address),
      grouped(one.power),
      akash(BigInt(one.stake_uakt)),
      one.tombstoned ? 'tombstoned' : one.jailed ? 'jailed' : (one.vote ?? '-'),
      grouped(one.missed_blocks),
    ]);
  const right = 'right' as const;
  const columns = [
    { head: 'validator' },
    { head: 'power', align: right },
    { head: 'stake', align: right },
    { head: 'vote' },
    { head: 'missed', align: right },
  ];
  terminal.out(`\n${tableText(terminal, columns, rows)}`);
  if (set.validators.length > MAX_ROWS) terminal.out(`and ${set.validators.length - MAX_ROWS} more; --json has all\n`);
  return EXIT.ok;
}
