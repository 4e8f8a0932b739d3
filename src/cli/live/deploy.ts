/**
 * What a user has its tenant's agent do: deploy an SDL file, put another in its place, read logs, close. The agent is a
 * daemon; only `deploy --wait` does without one that runs, by running one for as long as it waits.
 */
import { basename, dirname } from 'node:path';
import * as schemas from '../../lab/live/api/participant-schemas.ts';
import { ApiClient, findDaemon, NoAnswer, needDaemon, Refused } from '../../lab/live/daemon/api-client.ts';
import type { Daemon } from '../../lab/live/daemon/daemon.ts';
import { stringify } from '../../lab/report/json.ts';
import { listFolderOfNode, readFileOfNode } from '../../lab/scenario/load-node.ts';
import { InvalidScenario } from '../../lab/scenario/problem.ts';
import { NOTES_FILES, readCatalogue } from '../../lab/scenario/sdl-folder.ts';
import { decode, MAX_FILE_BYTES, parseTree, plain } from '../../lab/scenario/tree.ts';
import { parseDuration, QuantityError } from '../../lab/scenario/units.ts';
import { CommandError, EXIT } from '../errors.ts';
import { interruptible } from '../interrupt.ts';
import { asErrors, readSdlFromDisk } from '../sdl-files.ts';
import type { Terminal } from '../terminal.ts';
import { withoutTenant } from './facts.ts';
import { readWhole } from './options.ts';
import { deploymentsOf, deploymentText, idOf } from './status-tenant.ts';
import { waitUntilServed } from './wait.ts';

export interface DeployOptions {
  readonly home: string;
  readonly file: string;
  readonly wait: boolean;
  readonly timeout?: string;
  readonly escrow?: string;
  readonly waitDuration?: string;
  readonly openFor?: string;
  readonly lifetime?: string;
  readonly region?: string;
  readonly collateral?: string;
  readonly reputationAtLeast?: string;
  readonly datacenters?: string;
  readonly persist?: boolean;
  readonly json: boolean;
}

/** How long the chain may take to take something in. */
const CHAIN_MS = 310_000;
const WAIT = '10m';
const MAX_BLOCKS = 100_000;
const US_PER_MS = 1_000;

/** What an agent says of what it was given, not of what became of it. */
const BAD_INPUT: ReadonlySet<string> = new Set(['bad_sdl', 'bad_terms', 'not_mappable', 'bad_request']);

/** What the chain says where money is short. */
const SHORT_OF_MONEY: ReadonlySet<string> = new Set(['no_account', 'no_fee', 'insufficient_funds']);

/** Calls an agent; what it refuses because of the input is bad input. */
async function asking<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new CommandError(error.message, BAD_INPUT.has(error.code) ? EXIT.badInput : EXIT.failed, { cause: error });
  }
}

/** Waits for an agent's word that the chain has taken in what it was given. */
async function inBlock<T>(call: Promise<T>, tenant: ApiClient, terminal: Terminal): Promise<T> {
  terminal.status('waiting for a block');
  try {
    return await asking(call);
  } catch (error) {
    if (error instanceof CommandError && error.cause instanceof Refused && SHORT_OF_MONEY.has(error.cause.code)) {
      const { address } = tenant.run;
      throw new CommandError(`${error.message}; its account ${address} has too little money`, EXIT.failed);
    }
    if (!(error instanceof NoAnswer)) throw error;
    const found = `no block with it within ${Math.round(error.after_ms / 1000)} s`;
    throw new CommandError(`found ${found}, expected one; the agent goes on trying`, EXIT.failed);
  } finally {
    terminal.status('');
  }
}

/** The text of an SDL file that is one. */
function readSdlText(file: string): string {
  const verdict = readSdlFromDisk(file);
  if (!verdict.reading.ok) throw new InvalidScenario(asErrors(verdict));
  return decode(file, readFileOfNode(file, MAX_FILE_BYTES));
}

type Terms = Record<string, unknown>;

/** What an orrery.yaml beside the file says about it, as it is written there. */
function notesBeside(file: string): Terms {
  const folder = dirname(file);
  const notes = NOTES_FILES.filter(name => listFolderOfNode(folder).includes(name));
  if (notes.length === 0) return {};
  const name = basename(file);
  // For its checks, of which one is that a file that it names is there.
  readCatalogue(folder, listFolderOfNode(folder), path => readFileOfNode(path, MAX_FILE_BYTES));
  const path = `${folder}/${notes[0]}`;
  const data = plain(parseTree(path, decode(path, readFileOfNode(path, MAX_FILE_BYTES)))) as {
    defaults?: Terms;
    files?: Record<string, Terms>;
  };
  const { weight: _, ...terms } = {
    ...data.defaults,
    ...(Object.hasOwn(data.files ?? {}, name) ? data.files?.[name] : {}),
  };
  return terms;
}

function readSpan(option: string, text: unknown): number {
  try {
    const value = parseDuration(text);
    if (value > 0) return value;
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
  }
  throw new CommandError(`${option}: found ${JSON.stringify(text)}, expected a duration above 0 such as 30m`);
}

/** Words of YAML on the command line, which the agent reads as those of a file. */
function words(option: string, text: string): unknown {
  return plain(parseTree(`--${option}`, text));
}

/** The terms of a deployment as the API takes them: options first, then what stands beside the file. */
function termsOf(options: DeployOptions): Terms {
  const { waitDuration: noted, openFor: opened, ...market } = notesBeside(options.file);
  const given: readonly (readonly [string, string, string | undefined])[] = [
    ['region', 'region', options.region],
    ['collateral', 'collateral', options.collateral],
    ['reputationAtLeast', 'reputation-at-least', options.reputationAtLeast],
    ['datacenters', 'datacenters', options.datacenters],
    ['escrow', 'escrow', options.escrow],
  ];
  for (const [key, option, text] of given) if (text !== undefined) market[key] = words(option, text);
  if (options.persist !== undefined) market.persist = options.persist;
  const { waitDuration, openFor, lifetime } = options;
  const blocks = waitDuration === undefined ? noted : readWhole('wait-duration', waitDuration, 0, MAX_BLOCKS);
  const open = openFor ?? opened;
  return {
    market,
    ...(blocks === undefined ? {} : { wait_blocks: blocks }),
    ...(open === undefined ? {} : { open_for_us: readSpan('open-for', open) }),
    ...(lifetime === undefined ? {} : { lifetime_us: readSpan('lifetime', lifetime) }),
  };
}

/** Deploys a file; returns the exit code. */
export async function deploy(options: DeployOptions, terminal: Terminal): Promise<number> {
  const { home, file, wait } = options;
  const patience_ms = readSpan('timeout', options.timeout ?? WAIT) / US_PER_MS;
  const body = { sdl: readSdlText(file), terms: termsOf(options) };
  const running = wait ? findDaemon(home, 'tenant') : needDaemon(home, 'tenant');
  if (running !== null) return deployBy(running, body, options, patience_ms, terminal);
  const { startDaemon } = await import('../../lab/live/daemon/start.ts');
  const own = await startDaemon(home, 'tenant');
  try {
    return await interruptible(signal => deployBy(clientOf(own), body, options, patience_ms, terminal, signal));
  } finally {
    await own.stop();
  }
}

function clientOf({ role, name, address, api }: Daemon): ApiClient {
  const { host, port } = api;
  const self = { pid: process.pid, start: null, startedAt_ms: Date.now(), chainId: '', genesisHash: '' };
  return new ApiClient({ ...self, role, name, address, api: { host, port }, listen: null });
}

async function deployBy(
  tenant: ApiClient,
  body: object,
  options: DeployOptions,
  patience_ms: number,
  terminal: Terminal,
  signal?: AbortSignal,
): Promise<number> {
  const { wait, json, home } = options;
  const until = Date.now() + patience_ms;
  const timeout_ms = wait ? Math.min(patience_ms, CHAIN_MS) : CHAIN_MS;
  const { deployment, version } = await inBlock(
    tenant.call('/deployments', schemas.deployed, { method: 'POST', body, timeout_ms }),
    tenant,
    terminal,
  );
  if (!json) terminal.out(`deployment ${withoutTenant(deployment)} is on the chain, version ${version}\n`);
  if (!wait) {
    if (json) terminal.out(`${stringify({ deployment, version }, 2)}\n`);
    else terminal.out(`  npx orrery tenant status ${withoutTenant(deployment)} --home ${home}\n`);
    return EXIT.ok;
  }
  const left_ms = Math.max(0, until - Date.now());
  const served = await waitUntilServed(tenant, deployment, { left_ms, patience_ms }, terminal, signal);
  if (json) terminal.out(`${stringify({ deployment, version, served: served.ok, detail: served }, 2)}\n`);
  else if (served.ok) terminal.out(deploymentText(terminal, served.deployment));
  else terminal.err(`${terminal.colours.red('error')}: ${served.why}\n`);
  return served.ok ? EXIT.ok : EXIT.failed;
}

export async function updateDeployment(
  home: string,
  word: string,
  file: string,
  json: boolean,
  terminal: Terminal,
): Promise<number> {
  const sdl = readSdlText(file);
  const tenant = needDaemon(home, 'tenant');
  const id = idOf(
    word,
    (await deploymentsOf(tenant)).map(one => one.deployment),
    'deployment',
  );
  const call = { method: 'PUT', body: { sdl }, timeout_ms: CHAIN_MS } as const;
  const { version } = await inBlock(tenant.call(`/deployments/${id}`, schemas.updated, call), tenant, terminal);
  if (json) terminal.out(`${stringify({ deployment: id, version }, 2)}\n`);
  else terminal.out(`deployment ${withoutTenant(id)} is at version ${version}\n`);
  return EXIT.ok;
}

export async function closeDeployment(home: string, word: string, json: boolean, terminal: Terminal): Promise<number> {
  const tenant = needDaemon(home, 'tenant');
  const id = idOf(
    word,
    (await deploymentsOf(tenant)).map(one => one.deployment),
    'deployment',
  );
  const call = { method: 'DELETE', timeout_ms: CHAIN_MS } as const;
  await inBlock(tenant.call(`/deployments/${id}`, schemas.closed, call), tenant, terminal);
  if (json) terminal.out(`${stringify({ deployment: id, closing: true }, 2)}\n`);
  else terminal.out(`deployment ${withoutTenant(id)} is closing; its escrow comes back when its leases have ended\n`);
  return EXIT.ok;
}

const MAX_LINES = 1_000;

export async function printLogs(
  home: string,
  word: string,
  { service, lines }: { readonly service: string | null; readonly lines: string },
  json: boolean,
  terminal: Terminal,
): Promise<number> {
  const count = readWhole('lines', lines, 1, MAX_LINES);
  const tenant = needDaemon(home, 'tenant');
  const all = await deploymentsOf(tenant);
  const ids = all.flatMap(one => one.leases.map(({ lease }) => lease));
  const isLease = ids.some(id => id === word || withoutTenant(id) === word);
  const id = isLease
    ? idOf(word, ids, 'lease')
    : idOf(
        word,
        all.map(one => one.deployment),
        'deployment or lease',
      );
  const leases = isLease ? [id] : (all.find(one => one.deployment === id)?.leases.map(({ lease }) => lease) ?? []);
  const query = `lines=${count}${service === null ? '' : `&service=${encodeURIComponent(service)}`}`;
  const found = [];
  for (const lease of leases) found.push(await asking(tenant.call(`/leases/${lease}/logs?${query}`, schemas.logs)));
  if (json) {
    terminal.out(`${stringify(found, 2)}\n`);
    return EXIT.ok;
  }
  if (leases.length === 0)
    throw new CommandError(`deployment ${withoutTenant(id)}: found no lease, expected one`, EXIT.failed);
  const replicas = found.flatMap(one => one.replicas);
  for (const { service: name, replica, lines: written } of replicas) {
    const before = replicas.length === 1 ? '' : `${terminal.colours.dim(`${name}-${replica} |`)} `;
    for (const line of written ?? ['(nothing to be had)']) terminal.out(`${before}${line}\n`);
  }
  return EXIT.ok;
}
