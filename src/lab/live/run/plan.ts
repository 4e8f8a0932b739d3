/**
 * A scenario as a live network on this machine: who takes part, with which key, at which ports, and the home of each.
 *
 * Names, keys and accounts are those of the simulated run, so that the two can be laid side by side. They follow from the
 * scenario and are no secret: what is started here listens on the loopback address only.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HostCapacity } from '../../../actors/provider/capacity.ts';
import type { Genesis } from '../../../protocol/chain/genesis.ts';
import type { SignatureScheme } from '../../../protocol/codec/signature.ts';
import { RandomStreams } from '../../../worlds/simulated/streams.ts';
import { genesisOf } from '../../experiment/build-world.ts';
import { type Population, type ProviderMember, populate } from '../../experiment/population.ts';
import { dialLists, nodeLists } from '../../experiment/validators.ts';
import type { Capacity, Scenario } from '../../scenario/types.ts';
import type { Acquaintance, ContainersConfig, Directory, NodeConfig } from '../home/config-types.ts';
import { peerText } from '../home/endpoints.ts';
import type { Role } from '../home/folder.ts';
import { writeNodeHome, writeProviderHome, writeTenantHome } from '../home/write-home.ts';
import { freePorts } from './free-ports.ts';

const HOST = '127.0.0.1';
/** Accounts that a configuration names. */
const MAX_KNOWN = 1_000;

export interface PlannedMember {
  readonly name: string;
  readonly role: Role;
  readonly home: string;
  readonly address: string;
  /** Where its API listens. */
  readonly api: number;
}

export interface LivePlan {
  readonly genesis: Genesis;
  readonly population: Population;
  readonly streams: RandomStreams;
  /** In the order in which they are started: nodes first. */
  readonly members: readonly PlannedMember[];
  /** All validators' nodes. */
  readonly nodes: Directory;
}

export interface PlanOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly scheme: SignatureScheme;
  /** Where the homes are made. */
  readonly folder: string;
  /** Block time of height 0, microseconds since 1970. */
  readonly begins: number;
  /** What runs containers. */
  readonly containers: ContainersConfig;
}

/** Makes the homes of all participants of a scenario. */
export async function planLive(options: PlanOptions): Promise<LivePlan> {
  const { scenario, seed, scheme, folder, begins } = options;
  const streams = new RandomStreams(seed);
  const population = populate(scenario, null, streams, scheme);
  const clients = [...population.providers, ...population.tenants].flatMap(group => group.members);
  const { validators } = population;
  const providers = population.providers.flatMap(group => group.members);
  const ports = await freePorts(2 * validators.length + providers.length + clients.length);
  const take = (): number => ports.pop() as number;
  const listens = new Map([...validators, ...providers].map(({ name }) => [name, take()]));
  const placeOf = ({ name, address }: { name: string; address: string }) => ({
    host: HOST,
    port: listens.get(name) as number,
    address,
  });
  const endpointOf = (member: ProviderMember): string => peerText(placeOf(member));
  const genesis = genesisOf(scenario, population, { time: begins, endpointOf });
  const nodes: Directory = Object.fromEntries(validators.map(one => [one.name, placeOf(one)]));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const members = [
    ...nodeHomes(options, genesis, population, nodes, take, streams),
    ...providerHomes(options, genesis, population, nodes, listens, take),
    ...tenantHomes(options, genesis, population, nodes, take, providers.length),
  ];
  return { genesis, population, streams, members, nodes };
}

/** Whom the status pages show by name. */
function acquaintancesOf({ providers, tenants }: Population): NodeConfig['known'] {
  const known: Record<string, Acquaintance> = {};
  for (const { members } of providers)
    for (const { name, address, hosts } of members)
      known[name] = { account: address, capacity: hosts.reduce(together, NOTHING) };
  for (const { members } of tenants)
    for (const { name, address } of members) known[name] = { account: address, capacity: null };
  return Object.fromEntries(Object.entries(known).slice(0, MAX_KNOWN));
}

const NOTHING: Capacity = { cpu: 0, memory: 0, disk: 0, gpu: 0, bandwidth: 0 };

function together(sum: Capacity, { cpu, memory, disk, gpus, bandwidth }: HostCapacity): Capacity {
  return {
    cpu: sum.cpu + cpu,
    memory: sum.memory + memory,
    disk: sum.disk + disk,
    gpu: sum.gpu + 1_000 * gpus,
    bandwidth: sum.bandwidth + bandwidth,
  };
}

function nodeHomes(
  { scenario, folder, seed }: PlanOptions,
  genesis: Genesis,
  population: Population,
  nodes: Directory,
  take: () => number,
  streams: RandomStreams,
): PlannedMember[] {
  const { chain } = scenario;
  const { validators, providers } = population;
  const known = acquaintancesOf(population);
  const dials = dialLists(validators.length, chain.topology, streams);
  return validators.map(({ name, address, keys, spec }, i) => {
    const home = join(folder, name);
    const api = take();
    const peers = Object.fromEntries(Object.entries(nodes).filter(([other]) => other !== name));
    const { behaviour } = spec;
    const favoured =
      behaviour.kind === 'favour' ? providers.find(group => group.spec.name === behaviour.providers) : null;
    writeNodeHome({
      home,
      genesis,
      keySeed: keys.secretKey,
      name,
      listen: { host: HOST, port: (nodes[name] as Directory[string]).port },
      api: { host: HOST, port: api },
      seed: `${seed}/${name}`,
      peers,
      dials: (dials[i] as number[]).map(other => (validators[other] as (typeof validators)[number]).name),
      unjail: spec.unjail,
      timeouts: chain.timeouts,
      keepBlocks: chain.keepBlocks,
      snapshotEvery: chain.snapshotEvery,
      known,
      behaviour:
        behaviour.kind === 'favour'
          ? { kind: 'favour', accounts: favoured?.members.map(one => one.address) ?? [] }
          : behaviour,
    });
    return { name, role: 'node', home, address, api };
  });
}

/** The nodes of a client, in its order of preference: as in the simulated world. */
function directoryOf(nodes: Directory, names: readonly string[]): Directory {
  return Object.fromEntries(names.map(name => [name, nodes[name] as Directory[string]]));
}

function providerHomes(
  { folder, seed, containers }: PlanOptions,
  genesis: Genesis,
  population: Population,
  nodes: Directory,
  listens: ReadonlyMap<string, number>,
  take: () => number,
): PlannedMember[] {
  const nodesOf = nodeLists(population);
  let client = 0;
  return population.providers.flatMap(({ spec, members }) =>
    members.map(({ name, address, keys, region, attributes, hosts, costs }): PlannedMember => {
      const home = join(folder, name);
      const api = take();
      writeProviderHome({
        home,
        genesis,
        keySeed: keys.secretKey,
        name,
        listen: { host: HOST, port: listens.get(name) as number },
        api: { host: HOST, port: api },
        seed: `${seed}/${name}`,
        nodes: directoryOf(nodes, nodesOf(client++)),
        register: false,
        region,
        attributes,
        hosts,
        cost: {
          cpu: { quantity: 'rate', kind: 'constant', value: Number(costs.cpu) },
          memory: { quantity: 'rate', kind: 'constant', value: Number(costs.memory) },
          disk: { quantity: 'rate', kind: 'constant', value: Number(costs.disk) },
          gpu: { quantity: 'rate', kind: 'constant', value: Number(costs.gpu) },
        },
        strategy: spec.strategy,
        ringMembers: ringOf(spec.strategy, population),
        reserve: spec.reserve,
        bidProbability: spec.bidProbability,
        bidDelay: spec.bidDelay,
        behaviour: spec.behaviour,
        containers,
      });
      return { name, role: 'provider', home, address, api };
    }),
  );
}

function ringOf(strategy: Population['providers'][number]['spec']['strategy'], { providers }: Population): string[] {
  if (strategy.kind !== 'ring') return [];
  return providers.flatMap(({ spec, members }) =>
    spec.strategy.kind === 'ring' && spec.strategy.name === strategy.name ? members.map(one => one.name) : [],
  );
}

function tenantHomes(
  { folder, seed }: PlanOptions,
  genesis: Genesis,
  population: Population,
  nodes: Directory,
  take: () => number,
  clientsBefore: number,
): PlannedMember[] {
  const nodesOf = nodeLists(population);
  let client = clientsBefore;
  return population.tenants.flatMap(({ spec, members }) =>
    members.map(({ name, address, keys }): PlannedMember => {
      const home = join(folder, name);
      const api = take();
      writeTenantHome({
        home,
        genesis,
        keySeed: keys.secretKey,
        name,
        api: { host: HOST, port: api },
        seed: `${seed}/${name}`,
        nodes: directoryOf(nodes, nodesOf(client++)),
        escrow: spec.escrow,
        refill: spec.refill,
        waitDuration: spec.waitDuration,
        openFor: spec.openFor,
      });
      return { name, role: 'tenant', home, address, api };
    }),
  );
}
