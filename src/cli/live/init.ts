/**
 * `orrery ROLE init`: makes a home and says what comes next. A node without a genesis begins a chain of its own; everybody
 * else joins one, by its genesis and the place of a node.
 */
import { basename, join, resolve } from 'node:path';
import { readRunFile } from '../../lab/live/daemon/run-file.ts';
import { readConfig } from '../../lab/live/home/config-file.ts';
import type { Config, Directory } from '../../lab/live/home/config-types.ts';
import { endpointText, peerText } from '../../lab/live/home/endpoints.ts';
import { homePaths } from '../../lab/live/home/folder.ts';
import { readGenesisFile } from '../../lab/live/home/genesis-file.ts';
import { identityOf, newSeed } from '../../lab/live/home/identity-key.ts';
import { newChain } from '../../lab/live/home/new-chain.ts';
import { type WrittenHome, writeNodeHome, writeProviderHome, writeTenantHome } from '../../lab/live/home/write-home.ts';
import { stringify } from '../../lab/report/json.ts';
import { protocolParams } from '../../lab/scenario/chain-params.ts';
import { constant } from '../../lab/scenario/distributions.ts';
import { parseTree, plain } from '../../lab/scenario/tree.ts';
import { parseDuration, parseRate, QuantityError } from '../../lab/scenario/units.ts';
import type { Genesis } from '../../protocol/chain/genesis.ts';
import type { ParameterValue } from '../../protocol/model/params.ts';
import { quoted } from '../arguments.ts';
import { CommandError } from '../errors.ts';
import type { Terminal } from '../terminal.ts';
import { readEndpoint, readFunds, readMoney, readPeers } from './options.ts';

interface InitOptions {
  readonly home: string;
  readonly name?: string;
  readonly genesis?: string;
  readonly api?: string;
  readonly listen?: string;
  readonly set: readonly string[];
  readonly json: boolean;
}

export interface NodeInitOptions extends InitOptions {
  readonly chainId?: string;
  readonly blockInterval?: string;
  readonly fund: readonly string[];
  readonly peer: readonly string[];
  readonly stake?: string;
}

export interface ClientInitOptions extends InitOptions {
  readonly node: readonly string[];
  readonly beside?: string;
}

/** Where each role listens when nobody says so: apart, so that one of each fits on a machine. */
const PORTS = { node: 26_600, nodeApi: 26_601, provider: 26_610, providerApi: 26_611, tenantApi: 26_621 } as const;
const here = (port: number): string => `127.0.0.1:${port}`;

const PARAMS = /^params\.([^=.]+)=([\s\S]*)$/;

/** A name for a participant from that of its folder. */
function nameOf({ home, name }: InitOptions): string {
  if (name !== undefined) return name;
  const made = basename(resolve(home))
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64);
  return made === '' ? 'nameless' : made;
}

export function initNode(options: NodeInitOptions, terminal: Terminal): void {
  const { home, stake, peer } = options;
  const keySeed = newSeed();
  const params = options.set.filter(one => PARAMS.test(one));
  const genesis = options.genesis === undefined ? begin(options, params, keySeed) : join_(options, params);
  const written = writeNodeHome({
    home,
    name: nameOf(options),
    keySeed,
    genesis,
    listen: readEndpoint('listen', options.listen, here(PORTS.node)),
    api: readEndpoint('api', options.api, here(PORTS.nodeApi)),
    peers: readPeers('peer', peer),
    ...(stake === undefined ? {} : { candidate: { stake: readMoney('stake', stake), commission: 100_000 } }),
    overrides: options.set.filter(one => !PARAMS.test(one)),
  });
  tell(written, terminal, options.json, nodeAdvice(written, genesis));
}

/** A chain whose first validator is this node. */
function begin(options: NodeInitOptions, params: readonly string[], keySeed: Uint8Array): Genesis {
  if (options.stake !== undefined) {
    throw new CommandError(
      '--stake: found without --genesis, expected with it; whoever begins a chain is its validator',
    );
  }
  const { chainId = 'orrery-1', blockInterval = '6s', fund } = options;
  return newChain(
    {
      chainId,
      blockInterval: interval(blockInterval),
      params: readParams(params),
      funds: readFunds('fund', fund),
    },
    identityOf(keySeed),
  );
}

/** The chain of somebody else, about which nothing can be decided here. */
function join_(options: NodeInitOptions, params: readonly string[]): Genesis {
  const { chainId, blockInterval, fund, genesis } = options;
  const decided = [
    ...(chainId === undefined ? [] : ['--chain-id']),
    ...(blockInterval === undefined ? [] : ['--block-interval']),
    ...(fund.length === 0 ? [] : ['--fund']),
    ...(params.length === 0 ? [] : ['--set params...']),
  ];
  if (decided.length > 0) {
    throw new CommandError(`found ${decided.join(' and ')} beside --genesis, expected none: a genesis has it all`);
  }
  return readGenesisFile(genesis as string);
}

function interval(text: string): number {
  try {
    const value = parseDuration(text);
    if (value > 0) return value;
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
  }
  throw new CommandError(`--block-interval: found ${JSON.stringify(text)}, expected a duration above 0 such as 1s`);
}

/** `params.NAME=VALUE` in the units of scenarios. */
function readParams(overrides: readonly string[]): Readonly<Record<string, ParameterValue>> {
  const written: Record<string, number | string | boolean> = {};
  for (const override of overrides) {
    const [, name = '', value = ''] = PARAMS.exec(override)!;
    const read = value.trim() === '' ? null : plain(parseTree(`--set ${override}`, value));
    if (typeof read !== 'string' && typeof read !== 'number' && typeof read !== 'boolean') {
      throw new CommandError(`--set ${override}: found no single value, expected one such as 10 or 30d`);
    }
    if (name === 'targetBlockInterval') throw new CommandError(`--set ${override}: expected --block-interval instead`);
    written[name] = read;
  }
  const { values, problems } = protocolParams(written);
  if (problems.length > 0) {
    const lines = problems.map(({ name, expected, unknown }) => {
      const found = unknown === true ? `the parameter ${JSON.stringify(name)}` : JSON.stringify(written[name]);
      return `--set params.${name}: found ${found}, expected ${expected}`;
    });
    throw new CommandError(lines.join('\n'));
  }
  return values;
}

/** Which chain a client joins, and whom it asks. */
function chainFor({ beside, genesis, node }: ClientInitOptions): { genesis: Genesis; nodes: Directory } {
  const nodes = readPeers('node', node);
  if (beside === undefined) {
    if (genesis !== undefined && node.length > 0) return { genesis: readGenesisFile(genesis), nodes };
    const missing = genesis === undefined ? '--genesis FILE' : '--node NAME=akash1...@host:port';
    throw new CommandError(`found no ${missing}, expected it; or --beside HOME, of a node on this machine`);
  }
  const paths = homePaths(beside);
  const config = readConfig('node', paths.config);
  const running = readRunFile(paths.run);
  const port = config.listen.port || (running.state === 'running' ? (running.run.listen?.port ?? 0) : 0);
  if (port === 0) {
    throw new CommandError(
      `${beside}: found a node that listens on any free port and does not run, expected it to run`,
    );
  }
  const host = ['0.0.0.0', '::'].includes(config.listen.host) ? '127.0.0.1' : config.listen.host;
  const found = { [config.name]: { host, port, address: config.address } };
  return { genesis: readGenesisFile(genesis ?? paths.genesis), nodes: { ...found, ...nodes } };
}

/** What a provider asks for its machine when it has not thought about it: about what today's market pays. */
const COSTS = { cpu: '9000 uakt/h', memory: '1800 uakt/h', disk: '20 uakt/h', gpu: '200000 uakt/h' } as const;
const GIB = 2 ** 30;

export function initProvider(options: ClientInitOptions, terminal: Terminal): void {
  const rate = (text: string) => constant('rate', Number(parseRate(text)));
  const written = writeProviderHome({
    home: options.home,
    name: nameOf(options),
    ...chainFor(options),
    listen: readEndpoint('listen', options.listen, here(PORTS.provider)),
    api: readEndpoint('api', options.api, here(PORTS.providerApi)),
    region: 'local',
    hosts: [{ cpu: 4_000, memory: 8 * GIB, disk: 64 * GIB, gpus: 0, bandwidth: 0 }],
    cost: { cpu: rate(COSTS.cpu), memory: rate(COSTS.memory), disk: rate(COSTS.disk), gpu: rate(COSTS.gpu) },
    strategy: { kind: 'costPlus', margin: constant('number', 0.2) },
    overrides: options.set,
  });
  tell(written, terminal, options.json, [
    'Its account needs money for fees and collateral. Whoever has some sends it:',
    `  npx orrery node send ${written.config.address} '1000 akash' --home NODE`,
    'Say in config.yaml what it offers and at what price, then start it. It registers',
    'itself as soon as its account can pay for that:',
    `  npx orrery provider start --home ${quoted(options.home)}`,
  ]);
}

export function initTenant(options: ClientInitOptions, terminal: Terminal): void {
  const written = writeTenantHome({
    home: options.home,
    name: nameOf(options),
    ...chainFor(options),
    api: readEndpoint('api', options.api, here(PORTS.tenantApi)),
    overrides: options.set,
  });
  tell(written, terminal, options.json, [
    'Its account needs money for fees and escrows. Whoever has some sends it:',
    `  npx orrery node send ${written.config.address} '1000 akash' --home NODE`,
    'Then start it, and deploy:',
    `  npx orrery tenant start --home ${quoted(options.home)}`,
    `  npx orrery tenant deploy FILE.sdl.yaml --home ${quoted(options.home)}`,
  ]);
}

function nodeAdvice({ paths, config }: WrittenHome<Extract<Config, { role: 'node' }>>, genesis: Genesis): string[] {
  const begins = genesis.candidates.some(one => one.address === config.address);
  const joining =
    config.candidate === null
      ? []
      : [
          'It becomes a validator once its account holds the stake and a fee.',
          'Whoever has money sends it a little more than the stake:',
          `  npx orrery node send ${config.address} '...' --home NODE`,
        ];
  const place =
    config.listen.port === 0
      ? []
      : [
          'Others join with its genesis and its place (nodes: --peer for --node):',
          `  --genesis ${quoted(join(paths.root, 'genesis.json'))}`,
          `  --node ${quoted(`${config.name}=${peerText({ ...config.listen, address: config.address })}`)}`,
        ];
  return [
    begins ? 'It is the only validator of a new chain. Start it:' : 'Start it:',
    `  npx orrery node start --home ${quoted(paths.root)}`,
    ...joining,
    ...place,
  ];
}

function tell<C extends Config>(
  { paths, config, genesisHash }: WrittenHome<C>,
  terminal: Terminal,
  json: boolean,
  advice: readonly string[],
): void {
  const listen = 'listen' in config ? endpointText(config.listen) : null;
  const { role, name, address } = config;
  if (json) {
    const api = endpointText(config.api);
    terminal.out(`${stringify({ home: paths.root, role, name, address, genesisHash, listen, api }, 2)}\n`);
    return;
  }
  const { bold } = terminal.colours;
  terminal.out(`${paths.root} is made, the home of the ${role} ${bold(name)}.\n`);
  terminal.out(`  account  ${address}\n  genesis  ${genesisHash}\n`);
  terminal.out(advice.map(line => `${line}\n`).join(''));
}
