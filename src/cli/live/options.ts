/** Options that the commands of the live world share, and how their values are read. */
import type { Argv } from 'yargs';
import type { Directory } from '../../lab/live/home/config-types.ts';
import { type Endpoint, parseEndpoint, parsePeer } from '../../lab/live/home/endpoints.ts';
import { parseMoney, QuantityError } from '../../lab/scenario/units.ts';
import { isAddress } from '../../protocol/codec/address.ts';
import { CommandError } from '../errors.ts';

export const HOME = { type: 'string', requiresArg: true, demandOption: true, describe: 'its home directory' } as const;
export const JSON_OUTPUT = { type: 'boolean', default: false, describe: 'print JSON for machines' } as const;
const REPEATED = { type: 'string', array: true, nargs: 1, default: [], defaultDescription: 'none' } as const;

export const LISTEN = {
  type: 'string',
  requiresArg: true,
  describe: 'host:port where others reach it; 0.0.0.0 for all of this machine',
} as const;
export const API = { type: 'string', requiresArg: true, describe: 'host:port of its HTTP API' } as const;
export const NAME = {
  type: 'string',
  requiresArg: true,
  describe: 'what it is called; by default as its folder',
} as const;
export const SET = { ...REPEATED, describe: 'a value of config.yaml: path=value (may be repeated)' } as const;
export const NODES = {
  ...REPEATED,
  describe: 'a node that it asks: NAME=akash1...@host:port (may be repeated)',
} as const;
export const PEERS = {
  ...REPEATED,
  describe: 'a node that it calls: NAME=akash1...@host:port (may be repeated)',
} as const;
export const FUND = { ...REPEATED, describe: 'an account of the new chain: ADDRESS=AMOUNT (may be repeated)' } as const;
export const GENESIS = {
  type: 'string',
  requiresArg: true,
  describe: 'genesis.json of the chain that it joins',
} as const;
export const BESIDE = {
  type: 'string',
  requiresArg: true,
  describe: 'the home of a node on this machine, to take genesis and node from',
} as const;

/** Options of every `start`. */
export function startOptions(yargs: Argv): Argv {
  return yargs
    .option('home', HOME)
    .option('parent', {
      type: 'string',
      requiresArg: true,
      describe: 'stop when the process of this number is gone',
    })
    .option('record', {
      type: 'string',
      requiresArg: true,
      describe: 'a folder in which it records all that it is given and does, its key too',
    })
    .option('until-eof', { type: 'boolean', default: false, describe: 'stop when standard input is closed' })
    .option('json', JSON_OUTPUT);
}

/** Reads a value with a parser of units. */
function read<T>(option: string, text: string, parse: (value: unknown) => T): T {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    throw new CommandError(`--${option}: ${error.message}`);
  }
}

export function readEndpoint(option: string, text: string | undefined, otherwise: string): Endpoint {
  return read(option, text ?? otherwise, parseEndpoint);
}

function splitPair(option: string, pair: string, expected: string): [string, string] {
  const cut = pair.indexOf('=');
  if (cut <= 0) throw new CommandError(`--${option}: found ${JSON.stringify(pair)}, expected ${expected}`);
  return [pair.slice(0, cut), pair.slice(cut + 1)];
}

/** `NAME=akash1...@host:port`, each name once. */
export function readPeers(option: string, pairs: readonly string[]): Directory {
  const found = new Map<string, Directory[string]>();
  for (const pair of pairs) {
    const [name, place] = splitPair(option, pair, 'NAME=akash1...@host:port');
    if (found.has(name)) throw new CommandError(`--${option}: found the name ${name} twice, expected each once`);
    found.set(name, read(option, place, parsePeer));
  }
  return Object.fromEntries(found);
}

/** `ADDRESS=AMOUNT`, each account once; micro-AKASH. */
export function readFunds(option: string, pairs: readonly string[]): Map<string, bigint> {
  const funds = new Map<string, bigint>();
  for (const pair of pairs) {
    const [account, amount] = splitPair(option, pair, "ADDRESS=AMOUNT, such as 'akash1...=500 akash'");
    if (!isAddress(account)) {
      throw new CommandError(`--${option}: found ${JSON.stringify(account)}, expected an account such as akash1...`);
    }
    if (funds.has(account)) throw new CommandError(`--${option}: found ${account} twice, expected each account once`);
    funds.set(account, read(option, amount, parseMoney));
  }
  return funds;
}

export function readMoney(option: string, text: string): bigint {
  return read(option, text, parseMoney);
}

/** A whole number of an option that may be absent. */
export function readWhole(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const found = JSON.stringify(text);
  throw new CommandError(`--${option}: found ${found}, expected a whole number from ${least} to ${most}`);
}
