/**
 * `orrery node send`: money from the account of a node's key to another one. The transaction is signed here, with the key
 * in the node's home, and handed to the node; what became of it, the account's nonce and the other account tell.
 */

import * as schemas from '../../lab/live/api/node-schemas.ts';
import { type ApiClient, needDaemon, Refused } from '../../lab/live/daemon/api-client.ts';
import { openHome } from '../../lab/live/home/open-home.ts';
import { akash } from '../../lab/report/format.ts';
import { stringify } from '../../lab/report/json.ts';
import { parseMoney, QuantityError } from '../../lab/scenario/units.ts';
import { payAndSign } from '../../protocol/chain/transaction.ts';
import { isAddress } from '../../protocol/codec/address.ts';
import { PARAMETER_NAMES, type Params, parameterFromText } from '../../protocol/model/params.ts';
import { ed25519Scheme } from '../../worlds/live/ed25519.ts';
import { CommandError, EXIT } from '../errors.ts';
import type { Terminal } from '../terminal.ts';

/** Time between looks, and blocks after which a transaction that none took in is given up. */
const LOOK_MS = 200;
const PATIENCE_BLOCKS = 20;
/** And how long it may take until there is another block at all. */
const PATIENCE_MS = 60_000;

/** The chain's parameters, as a node tells them. */
async function paramsOf(node: ApiClient): Promise<Params> {
  const { params } = await node.call('/params', schemas.params);
  const found = new Map(params.map(({ name, value }) => [name, parameterFromText(name, String(value))]));
  const missing = PARAMETER_NAMES.filter(name => found.get(name) === undefined);
  if (missing.length > 0) throw new Error(`found no ${missing.join(', ')} among the parameters, expected all`);
  return Object.fromEntries(found) as unknown as Params;
}

async function accountOf(
  node: ApiClient,
  address: string,
): Promise<{ nonce: number; balance: bigint; height: number }> {
  try {
    const { nonce, balance_uakt, height } = await node.call(`/accounts/${address}`, schemas.account);
    return { nonce, balance: BigInt(balance_uakt), height };
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== 'not_found') throw error;
    const { height } = await node.call('/status', schemas.nodeStatus);
    return { nonce: 0, balance: 0n, height };
  }
}

function readAmount(text: string): bigint {
  try {
    const amount = parseMoney(text);
    if (amount > 0n) return amount;
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
  }
  throw new CommandError(
    `amount: found ${JSON.stringify(text)}, expected an amount above nothing with its unit, such as '500 akash'`,
  );
}

/** Sends money; returns the exit code when it has arrived, or will not. */
export async function sendMoney(
  root: string,
  to: string,
  amountText: string,
  json: boolean,
  terminal: Terminal,
): Promise<number> {
  if (!isAddress(to)) throw new CommandError(`address: found ${JSON.stringify(to)}, expected one such as akash1...`);
  const amount = readAmount(amountText);
  const { identity, genesis } = openHome(root, 'node');
  const node = needDaemon(root, 'node');
  const params = await paramsOf(node);
  const account = identity.address;
  const { nonce, balance } = await accountOf(node, account);
  const message = { type: 'Transfer', to, amount } as const;
  const body = { chainId: genesis.chainId, account, nonce, grant: '', message };
  const tx = payAndSign(params, body, identity.keys, ed25519Scheme);
  if (balance < amount + tx.body.fee) {
    const found = `${akash(balance)} in the account of this node`;
    throw new CommandError(`found ${found}, expected ${akash(amount + tx.body.fee)}, the fee included`, EXIT.failed);
  }
  const transaction = tx.encode().toHex();
  await node.call('/transactions', schemas.admission, { method: 'POST', body: { transaction, encoding: 'hex' } });
  const height = await inBlock(node, account, nonce);
  const now = await accountOf(node, to);
  if (json) {
    terminal.out(`${stringify({ from: account, to, amount, fee: tx.body.fee, height, balance: now.balance }, 2)}\n`);
  } else {
    terminal.out(`${akash(amount)} sent to ${to}, which has ${akash(now.balance)} now (height ${height})\n`);
  }
  return EXIT.ok;
}

/** Waits until a block holds the transaction; returns a height at which one does. */
async function inBlock(node: ApiClient, account: string, nonce: number): Promise<number> {
  const first = (await accountOf(node, account)).height;
  let [newest, newestAt] = [first, performance.now()];
  for (;;) {
    const { nonce: next, height } = await accountOf(node, account);
    if (next > nonce) return height;
    if (height > newest) [newest, newestAt] = [height, performance.now()];
    if (performance.now() > newestAt + PATIENCE_MS) {
      const found = `no block after height ${height} for ${PATIENCE_MS / 1000} s`;
      throw new CommandError(`found ${found}, expected one with the transaction; it may still come`, EXIT.failed);
    }
    if (height > first + PATIENCE_BLOCKS) {
      throw new CommandError(`found no block with the transaction up to height ${height}, expected one`, EXIT.failed);
    }
    await new Promise(resolve => setTimeout(resolve, LOOK_MS));
  }
}
