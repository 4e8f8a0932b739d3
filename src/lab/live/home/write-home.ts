/**
 * Makes the homes of participants: for an `init`, which knows little and takes defaults, and for a launcher, which knows
 * everything. What is written is read again before it is put in its place, so that no home is made that cannot start.
 */
import type { Genesis } from '../../../protocol/chain/genesis.ts';
import { overridden, parseConfig } from './config-file.ts';
import { CONFIG_SCHEMAS } from './config-schema.ts';
import { type Heading, nodeConfigText, providerConfigText, tenantConfigText } from './config-text.ts';
import type { Config, ConfigOf, NodeConfig, ProviderConfig, TenantConfig } from './config-types.ts';
import type { Words } from './config-words.ts';
import { type HomePaths, makeHome, type Role } from './folder.ts';
import { genesisHash, genesisText } from './genesis-file.ts';
import { identityOf, keyText, newSeed } from './identity-key.ts';

/** Fields that have a default may be left out; address and role follow from the key and the function. */
type Given<C extends Config, Needed extends keyof C> = Pick<C, Needed> & Partial<Omit<C, Needed | 'role' | 'address'>>;

interface AnyHome {
  /** Where the home is to be. */
  readonly home: string;
  readonly genesis: Genesis;
  /** Of the participant's key, 32 bytes; one that nobody else has, if absent. */
  readonly keySeed?: Uint8Array | undefined;
  /** `path=value`, in order: values of the configuration, in its own words, laid over all others. */
  readonly overrides?: readonly string[] | undefined;
}

export type NodeHome = AnyHome & Given<NodeConfig, 'name' | 'listen' | 'api'>;
export type ProviderHome = AnyHome &
  Given<ProviderConfig, 'name' | 'listen' | 'api' | 'nodes' | 'region' | 'hosts' | 'cost' | 'strategy'>;
export type TenantHome = AnyHome & Given<TenantConfig, 'name' | 'api' | 'nodes'>;

export interface WrittenHome<C extends Config> {
  readonly paths: HomePaths;
  readonly config: C;
  readonly genesisHash: string;
}

/**
 * What the schema says where nothing is written.
 * @param least the fields that have no default, in words
 */
function defaults<R extends Role>(role: R, least: Readonly<Record<string, Words>>): ConfigOf<R> {
  return CONFIG_SCHEMAS[role].parse({ role, ...least }) as ConfigOf<R>;
}

/** Words that any participant may have; all of them are laid over. */
const ANY = { name: 'any', address: identityOf(new Uint8Array(32)).address, api: '127.0.0.1:0' };
const SOME_NODE = { any: `${ANY.address}@127.0.0.1:1` };

/** Values laid over defaults, where they are given at all. */
function over<C extends Config>(base: C, given: object): C {
  const known = Object.entries(given).filter(([key, value]) => value !== undefined && key in base);
  return { ...base, ...Object.fromEntries(known) };
}

function write<C extends Config>(
  { home, genesis, keySeed, overrides = [] }: AnyHome,
  fill: (address: string) => C,
  textOf: (config: C, heading: Heading) => string,
): WrittenHome<C> {
  const seed = keySeed ?? newSeed();
  const hash = genesisHash(genesis);
  const heading = { chainId: genesis.chainId, genesisHash: hash };
  const { address } = identityOf(seed);
  let filled = fill(address);
  // The account is the key's, whatever anybody says.
  if (overrides.length > 0) filled = { ...overridden(filled.role, textOf(filled, heading), overrides), address } as C;
  const text = textOf(filled, heading);
  const config = parseConfig(filled.role, `${home}/config.yaml`, text) as C;
  const paths = makeHome(home, { config: text, key: keyText(seed), genesis: `${genesisText(genesis)}\n` });
  return { paths, config, genesisHash: hash };
}

/**
 * Makes the home of a node.
 * @throws UnusableHome when the place is taken or cannot be written to; InvalidScenario for values that do not fit
 */
export function writeNodeHome(options: NodeHome): WrittenHome<NodeConfig> {
  return write(
    options,
    address => {
      const config = over(defaults('node', { ...ANY, listen: '127.0.0.1:0' }), options);
      return { ...config, address, dials: options.dials ?? Object.keys(config.peers) };
    },
    nodeConfigText,
  );
}

/**
 * Makes the home of a provider.
 * @throws UnusableHome when the place is taken or cannot be written to; InvalidScenario for values that do not fit
 */
export function writeProviderHome(options: ProviderHome): WrittenHome<ProviderConfig> {
  const least = {
    ...ANY,
    listen: '127.0.0.1:0',
    nodes: SOME_NODE,
    region: 'any',
    capacity: { cpu: 1, memory: '1Gi' },
    cost: {},
    strategy: 'zeroIntelligence',
  };
  return write(options, address => ({ ...over(defaults('provider', least), options), address }), providerConfigText);
}

/**
 * Makes the home of a tenant.
 * @throws UnusableHome when the place is taken or cannot be written to; InvalidScenario for values that do not fit
 */
export function writeTenantHome(options: TenantHome): WrittenHome<TenantConfig> {
  const least = { ...ANY, nodes: SOME_NODE };
  return write(options, address => ({ ...over(defaults('tenant', least), options), address }), tenantConfigText);
}
