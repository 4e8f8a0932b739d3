/**
 * genesis.json: where a chain begins, as a text that all of its participants share.
 *
 * The text is canonical: keys in the order of their letters, no spaces, amounts of money as text, bytes in hexadecimal.
 * So equal beginnings have equal texts, and the SHA-256 of the text names the chain more exactly than its id does: two
 * chains may be called the same. A file that somebody has formatted anew is read all the same and has the same hash.
 */
import { createHash } from 'node:crypto';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { faultOfGenesis, type Genesis } from '../../../protocol/chain/genesis.ts';
import {
  PARAMETER_NAMES,
  PARAMETERS,
  type ParameterName,
  type ParameterValue,
  type Params,
} from '../../../protocol/model/params.ts';
import { canonical } from '../../report/json.ts';
import { flatten, list, mapOf, matching, shape, text } from '../../scenario/fields.ts';
import { dotted } from '../../scenario/problem.ts';
import { grouped, show } from '../../scenario/units.ts';
import { readLimited, UnusableHome } from './files.ts';

/** Largest genesis that is read: some hundred thousand accounts. */
export const MAX_GENESIS_BYTES = 64 << 20;
const MAX_ENTRIES = 1_000_000;
/** What the file says of itself, so that another file is told at once. */
const FORMAT = 'orrery-genesis/1';

const amount = matching(/^(0|[1-9]\d{0,30})$/, 'micro-AKASH as text, such as "1000000"').transform(BigInt);
const hex = (bytes: number) =>
  matching(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `${bytes} bytes in hexadecimal`).transform(hexToBytes);
const integer = (expected: string) =>
  z.number({ error: expected }).int({ error: expected }).min(0, { error: expected });

const shapes = shape({
  format: z.literal(FORMAT, { error: `"${FORMAT}"` }),
  chainId: text(64, 'a chain id'),
  time: integer('microseconds since 1970'),
  params: z.record(z.string(), z.union([z.number(), z.string()], { error: 'a number or text' }), {
    error: 'a map of parameters',
  }),
  accounts: list(shape({ address: text(64), balance: amount, stake: amount }), 1, MAX_ENTRIES, 'accounts'),
  candidates: list(
    shape({ address: text(64), consensusKey: hex(32), commission: integer('parts per million') }),
    1,
    MAX_ENTRIES,
    'candidates',
  ),
  providers: list(
    shape({
      address: text(64),
      region: text(128, 'a region'),
      attributes: mapOf(text(256), text(256), 256, 'attributes'),
      certificate: hex(32),
      endpoint: z.string({ error: 'text' }).max(256, { error: 'at most 256 characters' }),
    }),
    0,
    MAX_ENTRIES,
    'providers',
  ),
});

/** The canonical text, without a line end. Throws when the genesis is faulty. */
export function genesisText(genesis: Genesis): string {
  const fault = faultOfGenesis(genesis);
  if (fault !== null) throw new Error(`genesis: ${fault}`);
  const { chainId, time, params, accounts, candidates, providers } = genesis;
  return canonical({
    format: FORMAT,
    chainId,
    time,
    params: Object.fromEntries(PARAMETER_NAMES.map(name => [name, written(params[name])])),
    accounts: accounts.map(({ address, balance, stake }) => ({
      address,
      balance: balance.toString(),
      stake: stake.toString(),
    })),
    candidates: candidates.map(one => ({ ...one, consensusKey: bytesToHex(one.consensusKey) })),
    providers: providers.map(one => ({ ...one, certificate: bytesToHex(one.certificate) })),
  });
}

function written(value: ParameterValue): number | string {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** SHA-256 of the canonical text, 64 hexadecimal digits. */
export function genesisHash(genesis: Genesis): string {
  return createHash('sha256').update(genesisText(genesis)).digest('hex');
}

/**
 * Reads a genesis.
 * @throws UnusableHome with every error found
 */
export function readGenesisFile(path: string): Genesis {
  return parseGenesis(path, readLimited(path, MAX_GENESIS_BYTES, 'the genesis of a chain').toString('utf8'));
}

/**
 * Reads the text of a genesis.
 * @param path how it is called in errors
 * @throws UnusableHome with every error found
 */
export function parseGenesis(path: string, content: string): Genesis {
  let data: unknown;
  try {
    data = JSON.parse(content);
  } catch (error) {
    throw new UnusableHome(`${path}: found no JSON (${(error as Error).message}), expected the genesis of a chain`);
  }
  const result = shapes.safeParse(data);
  if (!result.success) {
    const lines = flatten(result.error.issues).map(({ path: at, expected, found }) => {
      const where = at.length === 0 ? '' : `${dotted(at)}: `;
      return `${path}: ${where}found ${found ?? show(valueAt(data, at))}, expected ${expected}`;
    });
    throw new UnusableHome(lines.slice(0, MAX_ERRORS).join('\n'));
  }
  const { format: _, params, ...rest } = result.data;
  const genesis: Genesis = { ...rest, params: paramsOf(path, params) };
  const fault = faultOfGenesis(genesis);
  if (fault !== null) throw new UnusableHome(`${path}: found a genesis that no chain starts from: ${fault}`);
  return genesis;
}

/** Errors that are shown of one file: a genesis of another format has as many as it has lines. */
const MAX_ERRORS = 20;

function paramsOf(path: string, found: Readonly<Record<string, number | string>>): Params {
  const missing = PARAMETER_NAMES.filter(name => !Object.hasOwn(found, name));
  const unknown = Object.keys(found).filter(name => !Object.hasOwn(PARAMETERS, name));
  if (missing.length > 0 || unknown.length > 0) {
    const parts = [
      ...(missing.length > 0 ? [`without the parameters ${missing.join(', ')}`] : []),
      ...(unknown.length > 0 ? [`with the unknown parameters ${unknown.map(show).join(', ')}`] : []),
    ];
    const expected = `all ${grouped(PARAMETER_NAMES.length)} that this version knows and no others`;
    throw new UnusableHome(`${path}: params: found a genesis ${parts.join(' and ')}, expected ${expected}`);
  }
  return Object.fromEntries(
    PARAMETER_NAMES.map(name => [name, paramOf(path, name, found[name] as number | string)]),
  ) as unknown as Params;
}

function paramOf(path: string, name: ParameterName, value: number | string): ParameterValue {
  if (PARAMETERS[name].kind !== 'money') return value;
  if (typeof value === 'string' && /^(0|[1-9]\d{0,30})$/.test(value)) return BigInt(value);
  throw new UnusableHome(`${path}: params.${name}: found ${show(value)}, expected micro-AKASH as text, such as "50"`);
}

function valueAt(data: unknown, path: readonly (string | number)[]): unknown {
  let at: unknown = data;
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[step];
  }
  return at;
}
