/** What an operator decides about a participant of a live network, as it is read from the config.yaml of its home. */
import type { HostCapacity } from '../../../actors/provider/capacity.ts';
import type { ValidatorConduct } from '../../../actors/validator/conduct.ts';
import type { PriceConversion } from '../../../protocol/manifest/market.ts';
import type { Attributes } from '../../../protocol/model/objects.ts';
import type { DockerOptions } from '../../../worlds/live/docker/options.ts';
import type { PeerAddress } from '../../../worlds/live/ports.ts';
import type {
  Capacity,
  Distribution,
  Escrow,
  ProviderBehaviour,
  ResourceRates,
  RoundTimeouts,
  SdlTerms,
  Strategy,
} from '../../scenario/types.ts';
import type { Endpoint } from './endpoints.ts';

/** From the loudest. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogConfig {
  /** What is less important than this is left out. */
  readonly level: LogLevel;
  /** Bytes of one file, after which the next is begun. */
  readonly size: number;
  /** Files that are kept, the current one included. */
  readonly files: number;
}

/** Whom a participant knows, by the names that it uses for them. */
export type Directory = Readonly<Record<string, PeerAddress>>;

interface AnyConfig {
  readonly name: string;
  /** The account of the key in the same home. */
  readonly address: string;
  /** Where its own users, on this machine or elsewhere, reach its API. */
  readonly api: Endpoint;
  /** Seed of what it draws; null: from its key, so that nobody can foresee it. */
  readonly seed: string | null;
  readonly log: LogConfig;
}

/** Whom the status page of a node shows by name, with what it offers where that is known. */
export interface Acquaintance {
  readonly account: string;
  /** Of all hosts of a provider together; the chain does not know it. */
  readonly capacity: Capacity | null;
}

export interface NodeConfig extends AnyConfig {
  readonly role: 'node';
  readonly listen: Endpoint;
  readonly peers: Directory;
  /** Which of the peers it calls. The others may call it. */
  readonly dials: readonly string[];
  /** Whether it votes with its key where that is a validator's. */
  readonly votes: boolean;
  /** What it bonds, and takes of others' rewards, to become a candidate where genesis has not made it one. */
  readonly candidate: { readonly stake: bigint; readonly commission: number } | null;
  readonly unjail: boolean;
  readonly timeouts: RoundTimeouts;
  readonly keepBlocks: number;
  readonly snapshotEvery: number;
  readonly keepEvents: number;
  /** What a node that begins with nothing trusts when it fetches the state; null: it fetches all blocks. */
  readonly stateSync: 'genesis' | { readonly height: number; readonly hash: string } | null;
  readonly mempool: { readonly count: number; readonly bytes: number };
  /** Others by the names that its operator uses for them; for people alone. */
  readonly known: Readonly<Record<string, Acquaintance>>;
  readonly behaviour: ValidatorConduct;
}

/** Docker, as far as an operator decides about it; what is absent is as safe as the backend knows how to be. */
export interface DockerConfig {
  readonly kind: 'docker';
  /** Names the containers of a network that lives no longer than one run of it; else null. */
  readonly run: string | null;
  readonly options: Omit<DockerOptions, 'owner' | 'hosts' | 'problem'>;
}

/** `none`: leases are kept and nothing runs, which tenants are told. */
export type ContainersConfig = { readonly kind: 'none' } | DockerConfig;

export interface ProviderConfig extends AnyConfig {
  readonly role: 'provider';
  readonly listen: Endpoint;
  /** Nodes that it asks, in order of preference. */
  readonly nodes: Directory;
  /** Where tenants reach it, as it is registered; null: where it listens. */
  readonly endpoint: Endpoint | null;
  /** Whether it registers itself, and again when what it says of itself has changed. */
  readonly register: boolean;
  readonly region: string;
  readonly attributes: Attributes;
  readonly hosts: readonly HostCapacity[];
  readonly cost: ResourceRates;
  readonly strategy: Strategy;
  /** Names of the members of its ring, where its strategy is one. */
  readonly ringMembers: readonly string[];
  readonly reserve: 'bids' | 'none';
  readonly bidProbability: number;
  readonly bidDelay: Distribution<'duration'>;
  readonly behaviour: ProviderBehaviour;
  readonly containers: ContainersConfig;
}

export interface TenantConfig extends AnyConfig {
  readonly role: 'tenant';
  readonly nodes: Directory;
  /** What holds for its deployments where nothing else is said. */
  readonly terms: SdlTerms;
  readonly escrow: Escrow;
  readonly refill: { readonly below: number; readonly to: number } | null;
  /** blocks */
  readonly waitDuration: number;
  /** microseconds */
  readonly openFor: number;
  readonly conversion: PriceConversion;
}

export type Config = NodeConfig | ProviderConfig | TenantConfig;
export type ConfigOf<R extends Config['role']> = Extract<Config, { readonly role: R }>;
