/**
 * A small market in a simulated world: nodes, providers with containers, tenants with manifests, whatever faults a test
 * wants, and what was seen of it: what each container was started for, what was replied, what the chain came to.
 */
import type { Actor, Effects, Input, PeerName, Time, WorkloadSpec } from '../../src/actors/actor.ts';
import { type Conduct, HONEST } from '../../src/actors/provider/conduct.ts';
import { Provider } from '../../src/actors/provider/provider.ts';
import { digestOfRequest, type TenantRequest } from '../../src/actors/tenant/requests.ts';
import { Tenant } from '../../src/actors/tenant/tenant.ts';
import { DEFAULT_TIMEOUTS } from '../../src/actors/validator/height.ts';
import { Node } from '../../src/actors/validator/node.ts';
import { describeWire, digestOfWire, type Wire } from '../../src/actors/wire.ts';
import type { Chain } from '../../src/protocol/chain/chain.ts';
import type { Genesis } from '../../src/protocol/chain/genesis.ts';
import { trustedGenesis } from '../../src/protocol/chain/light-chain.ts';
import { addressOf } from '../../src/protocol/codec/address.ts';
import { sha256 } from '../../src/protocol/codec/sha256.ts';
import { keyedHashScheme } from '../../src/protocol/codec/signature.ts';
import { MICRO_PER_AKASH } from '../../src/protocol/ledger/money.ts';
import { DEFAULT_CONVERSION, infrastructureOf } from '../../src/protocol/manifest/market.ts';
import { readSdl } from '../../src/protocol/manifest/sdl.ts';
import type { Event } from '../../src/protocol/model/events.ts';
import { defaultParams, type Params, withParams } from '../../src/protocol/model/params.ts';
import type { Fault } from '../../src/worlds/simulated/faults.ts';
import { constantLatency, constantSampler } from '../../src/worlds/simulated/latency.ts';
import { SimulatedWorld } from '../../src/worlds/simulated/world.ts';

export const SECOND = 1_000_000;
const GIB = 2 ** 30;
const LARGE = { cpu: 32_000, memory: 128 * GIB, disk: 1024 * GIB };

export function keysOf(name: string) {
  return keyedHashScheme.keyPair(sha256(new TextEncoder().encode(name)));
}
export function accountOf(name: string): string {
  return addressOf(keysOf(name).publicKey);
}

/** One service of a test's SDL. */
export interface TestService {
  readonly name: string;
  readonly image: string;
  readonly count?: number;
  readonly env?: readonly string[];
  readonly volume?: boolean;
}

/** Resources of a service, as lines of a profile; the second kind also has a volume that outlasts containers. */
const PROFILES: { readonly [name: string]: readonly string[] } = {
  small: ['- size: 1Gi'],
  stored: ['- size: 1Gi', '- { name: data, size: 2Gi, attributes: { persistent: true, class: beta2 } }'],
};

/** An SDL in which each service runs in the same placement, or in one of its own name. */
export function sdlOf(services: readonly TestService[], placement: 'together' | 'apart' = 'together'): string {
  const profileOf = ({ volume = false }: TestService): string => (volume ? 'stored' : 'small');
  const placeOf = ({ name }: TestService): string => (placement === 'apart' ? name : 'dc');
  const used = Object.keys(PROFILES).filter(profile => services.some(one => profileOf(one) === profile));
  const lines = ['version: "2.0"', 'services:'];
  for (const { name, image, env = [], volume = false } of services) {
    lines.push(`  ${name}:`, `    image: ${image}`);
    if (env.length > 0) lines.push('    env:', ...env.map(one => `      - ${one}`));
    if (volume) lines.push('    params: { storage: { data: { mount: /data } } }');
    lines.push('    expose: [{ port: 80, to: [{ global: true }] }]');
  }
  lines.push('profiles:', '  compute:');
  for (const profile of used) {
    lines.push(`    ${profile}:`, '      resources:', '        cpu: { units: 0.5 }', '        memory: { size: 512Mi }');
    lines.push('        storage:', ...PROFILES[profile]!.map(line => `          ${line}`));
  }
  lines.push('  placement:');
  for (const place of new Set(services.map(placeOf))) {
    lines.push(`    ${place}:`, '      pricing:');
    for (const profile of used) lines.push(`        ${profile}: { denom: uakt, amount: 100000 }`);
  }
  lines.push('deployment:');
  for (const one of services)
    lines.push(`  ${one.name}: { ${placeOf(one)}: { profile: ${profileOf(one)}, count: ${one.count ?? 1} } }`);
  return lines.join('\n');
}

type Deploy = Extract<TenantRequest, { readonly type: 'deploy' }>;

/** What a tenant is asked for an SDL. */
export function deployRequest(sdl: string, changes: Partial<Deploy> & { readonly persist?: boolean } = {}): Deploy {
  const reading = readSdl(sdl);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  const { persist = false, ...rest } = changes;
  const terms = { region: '', persist, reputationAtLeast: 0, collateral: 100_000n };
  return {
    type: 'deploy',
    infrastructure: reading.groupSpecs.map(group => {
      const mapped = infrastructureOf(group, terms, DEFAULT_CONVERSION);
      if (!mapped.ok) throw new Error(mapped.reasons.join());
      return mapped.infrastructure;
    }),
    waitDuration: 1,
    openFor: 60 * SECOND,
    version: Uint8Array.fromHex(reading.version),
    escrow: 100n * MICRO_PER_AKASH,
    lifetime_us: null,
    refill: null,
    closePending_us: null,
    manifest: new TextEncoder().encode(reading.canonicalManifest),
    ...rest,
  };
}

export interface LeaseNetOptions {
  readonly seed?: number | string;
  readonly nodes?: number;
  readonly providers?: number;
  readonly tenants?: number;
  readonly light?: boolean;
  readonly faults?: readonly Fault[];
  readonly params?: Partial<Params>;
  readonly conduct?: Partial<Conduct>;
  readonly host?: { readonly cpu: number; readonly memory: number; readonly disk: number };
  /** Puts something between a participant and the world. */
  readonly wrap?: (name: PeerName, actor: Actor<Wire, TenantRequest>) => Actor<Wire, TenantRequest>;
  /** Endpoints that the chain tells, where they are not the providers' names. */
  readonly endpoint?: (name: PeerName) => string;
}

/** A container that was started, and what for. */
export interface Started {
  readonly provider: PeerName;
  readonly time: Time;
  readonly spec: WorkloadSpec;
}

/** Sees what a participant is told. */
class Heard implements Actor<Wire, TenantRequest> {
  readonly #inner: Actor<Wire, TenantRequest>;
  readonly #hear: (message: Wire, from: PeerName) => void;
  constructor(inner: Actor<Wire, TenantRequest>, hear: (message: Wire, from: PeerName) => void) {
    this.#inner = inner;
    this.#hear = hear;
  }
  receive(input: Input<Wire, TenantRequest>, now: Time, out: Effects<Wire>): void {
    if (input.kind === 'message') this.#hear(input.message, input.from);
    this.#inner.receive(input, now, out);
  }
}

export class LeaseNet {
  readonly world: SimulatedWorld<Wire, TenantRequest>;
  readonly genesis: Genesis;
  readonly providers: readonly PeerName[];
  readonly tenants: readonly PeerName[];
  readonly replies = new Map<number, unknown>();
  readonly failedRequests: number[] = [];
  readonly events: Event[] = [];
  readonly started: Started[] = [];
  readonly messages: { readonly to: PeerName; readonly from: PeerName; readonly message: Wire }[] = [];
  readonly observed: { readonly actor: PeerName; readonly metric: string; readonly value: number; label: string }[] =
    [];
  readonly halted: string[] = [];
  chain: Chain | null = null;
  /** By deployment: the versions that the chain has shown, and since when. */
  readonly versions = new Map<string, { readonly version: string; readonly since: Time }[]>();
  /** By provider and workload: what its container was started for. */
  readonly #specs = new Map<string, WorkloadSpec>();

  constructor(options: LeaseNetOptions = {}) {
    const { nodes = 1, providers = 1, tenants = 1, light = nodes > 1, host = LARGE } = options;
    const nodeNames = Array.from({ length: nodes }, (_, i) => `validator-${i}`);
    this.providers = Array.from({ length: providers }, (_, i) => `provider-${i}`);
    this.tenants = Array.from({ length: tenants }, (_, i) => `tenant-${i}`);
    const params = withParams(defaultParams(), {
      targetBlockInterval: SECOND,
      reconfirmationPeriod: 40,
      ...options.params,
    });
    const attributes = { 'storage/beta2': 'true' };
    const rich = 1_000_000n * MICRO_PER_AKASH;
    this.genesis = {
      chainId: 'market',
      time: 0,
      params,
      accounts: [...nodeNames, ...this.providers, ...this.tenants].map(name => ({
        address: accountOf(name),
        balance: rich,
        stake: nodeNames.includes(name) ? 10n * MICRO_PER_AKASH : 0n,
      })),
      candidates: nodeNames.map(name => ({
        address: accountOf(name),
        consensusKey: keysOf(name).publicKey,
        commission: 0,
      })),
      providers: this.providers.map(name => ({
        address: accountOf(name),
        region: 'eu',
        attributes,
        certificate: new Uint8Array(32),
        endpoint: options.endpoint?.(name) ?? name,
      })),
    };
    this.world = new SimulatedWorld<Wire, TenantRequest>({
      seed: options.seed ?? 1,
      network: { latency: constantLatency(20_000), keepAlive_us: 5 * SECOND },
      digestOf: digestOfWire,
      describe: describeWire,
      digestOfRequest,
      freeze: true,
      ...(options.faults === undefined ? {} : { faults: options.faults }),
      onReply: (_, id, answer) => this.replies.set(id, answer),
      onRequestFailed: (_, id) => this.failedRequests.push(id),
      onObserve: (actor, _, metric, value, label) => this.observed.push({ actor, metric, value, label: label ?? '' }),
      onHalt: (actor, _, reason) => this.halted.push(`${actor}: ${reason}`),
    });
    for (const [i, name] of nodeNames.entries()) this.#addNode(name, nodeNames.slice(0, i), i === 0);
    const root = light ? { chainId: 'market', root: trustedGenesis(this.genesis), params } : undefined;
    const client = (name: PeerName, i: number) => ({
      address: accountOf(name),
      keys: keysOf(name),
      scheme: keyedHashScheme,
      nodes: nodeNames.map((_, j) => nodeNames[(i + j) % nodes]!),
      light: root,
    });
    const seen = (name: PeerName, actor: Actor<Wire, TenantRequest>): Actor<Wire, TenantRequest> =>
      new Heard(options.wrap?.(name, actor) ?? actor, (message, from) =>
        this.messages.push({ to: name, from, message }),
      );
    for (const [i, name] of this.providers.entries()) {
      this.world.addActor({
        name,
        hosts: [{ ...host, gpu: 0 }],
        containers: {
          pull_us: constantSampler(SECOND),
          start_us: constantSampler(SECOND / 2),
          stop_us: constantSampler(SECOND / 2),
        },
        start: ({ random }) =>
          seen(
            name,
            new Provider({
              ...client(name, i),
              region: 'eu',
              attributes,
              hosts: [{ ...host, gpus: 0, bandwidth: 0 }],
              costs: { cpu: 1n, memory: 1n, disk: 1n, gpu: 1n },
              // The first provider is the cheapest, the next the second cheapest.
              bidder: {
                strategy: view => view.infrastructure.resources.map(one => one.price / BigInt(10 - i)),
                watchesBook: false,
                watchesPrices: false,
                lead_us: null,
              },
              reservesBids: true,
              bidProbability: 1,
              think_us: () => 0,
              random: random('bids'),
              challenges: random('challenges'),
              conduct: { ...HONEST, ...options.conduct },
            }) as Actor<Wire, TenantRequest>,
          ),
      });
      this.#watchContainers(name);
    }
    for (const [i, name] of this.tenants.entries()) {
      this.world.addActor({
        name,
        start: ({ random }) =>
          seen(name, new Tenant({ ...client(name, i), random: random('challenges'), keeps: 'manifests' })),
      });
    }
  }

  #addNode(name: PeerName, dials: readonly PeerName[], isWatched: boolean): void {
    this.world.addActor({
      name,
      start: () =>
        new Node({
          chain: { genesis: this.genesis, scheme: keyedHashScheme, commitEvery: 1, requireCommits: true },
          validator: { address: accountOf(name), keys: keysOf(name) },
          dials,
          timeouts: DEFAULT_TIMEOUTS,
          mempool: { count: 10_000, bytes: 10 << 20 },
          keepBlocks: 1_000,
          snapshotEvery: 0,
          watch: (_, result, chain) => {
            if (!isWatched) return;
            this.chain = chain;
            this.events.push(...result.events);
            for (const { id, version } of chain.state.deployments.unordered()) this.#noteVersion(id, version.toHex());
          },
        }) as Actor<Wire, TenantRequest>,
    });
  }

  #noteVersion(id: string, version: string): void {
    const known = this.versions.get(id) ?? [];
    if (known.length === 0) this.versions.set(id, known);
    if (known.at(-1)?.version !== version) known.push({ version, since: this.world.now });
  }

  #watchContainers(provider: PeerName): void {
    const backend = this.world.containers(provider);
    const start = backend.start.bind(backend);
    backend.start = spec => {
      const isNew = !backend.list().includes(spec.id);
      start(spec);
      if (!isNew || !backend.list().includes(spec.id)) return;
      this.#specs.set(`${provider} ${spec.id}`, spec);
      this.started.push({ provider, time: this.world.now, spec });
    };
  }

  /** What the containers of a provider were started for. */
  running(provider: PeerName): WorkloadSpec[] {
    return this.world
      .containers(provider)
      .list()
      .map(id => this.#specs.get(`${provider} ${id}`)!);
  }

  /** Images that a provider runs, sorted. */
  images(provider: PeerName): string[] {
    return this.running(provider)
      .map(one => one.image)
      .sort((a, b) => (a < b ? -1 : 1));
  }

  request(tenant: PeerName, request: TenantRequest, at = this.world.now): number {
    return this.world.request(at, tenant, request);
  }

  run(until: Time): this {
    this.world.run(until);
    return this;
  }

  /** Runs so long. */
  pass(time: Time): this {
    return this.run(this.world.now + time);
  }

  eventsOf<T extends Event['type']>(type: T): Extract<Event, { readonly type: T }>[] {
    return this.events.filter((one): one is Extract<Event, { readonly type: T }> => one.type === type);
  }

  /** How often something was observed, by label where one is given. */
  count(metric: string, label?: string): number {
    return this.observed.filter(one => one.metric === metric && (label === undefined || one.label === label)).length;
  }

  sent(type: Wire['type']): number {
    return this.messages.filter(one => one.message.type === type).length;
  }
}
