/**
 * From a scenario to a world with everybody in it: genesis, validators, providers, tenants, delegators, faults.
 */

import type { LightOptions } from '../../actors/client/light-options.ts';
import { Delegator, type StakeMessage } from '../../actors/delegator/delegator.ts';
import { Provider } from '../../actors/provider/provider.ts';
import { digestOfRequest, type TenantRequest } from '../../actors/tenant/requests.ts';
import { Tenant } from '../../actors/tenant/tenant.ts';
import { describeWire, digestOfWire, type Wire } from '../../actors/wire.ts';
import type { Genesis, GenesisAccount } from '../../protocol/chain/genesis.ts';
import { trustedGenesis } from '../../protocol/chain/light-chain.ts';
import type { SignatureScheme } from '../../protocol/codec/signature.ts';
import { RandomStreams } from '../../worlds/simulated/streams.ts';
import { type Ports, SimulatedWorld, type WorldOptions } from '../../worlds/simulated/world.ts';
import { paramsOfChain } from '../scenario/chain-params.ts';
import { sampler } from '../scenario/distributions.ts';
import type { Trace } from '../scenario/trace.ts';
import type { Scenario, StakeStep } from '../scenario/types.ts';
import { bidderOf, conductOf } from './bidders.ts';
import { type Population, type ProviderGroup, type ProviderMember, populate, VALIDATOR_BALANCE } from './population.ts';
import { durationSampler, latencyModel } from './samplers.ts';
import { addValidators, consensusWatch, nodeLists, type OnExecuted, type Watch, WatchedChain } from './validators.ts';
import { worldFaults } from './world-faults.ts';

const NO_CERTIFICATE = new Uint8Array(32);

export interface BuildRequest {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly trace: Trace | null;
  readonly scheme: SignatureScheme;
  readonly watch: Watch;
  /** Each node's execution of a block, after `watch` where it is the first. */
  readonly onExecuted?: OnExecuted;
  readonly onObserve: NonNullable<WorldOptions<Wire, TenantRequest>['onObserve']>;
  /** The process of a participant is no more. */
  readonly onEnd?: (name: string, time: number) => void;
}

export interface BuiltWorld {
  readonly world: SimulatedWorld<Wire, TenantRequest>;
  /** The chain as its validators brought it forth. */
  readonly watched: WatchedChain;
  readonly genesis: Genesis;
  readonly population: Population;
  readonly streams: RandomStreams;
}

/** Where and when a chain begins. */
export interface Beginning {
  /** Block time of height 0. */
  readonly time: number;
  /** Where a provider is reached: what its world's transport takes for a name. */
  readonly endpointOf: (member: ProviderMember) => string;
}

/** In the simulated world time begins with the chain, and participants are reached by their names. */
const SIMULATED: Beginning = { time: 0, endpointOf: member => member.name };

/** The genesis of a scenario: everybody in it with balance and stake, validators elected, providers registered. */
export function genesisOf(scenario: Scenario, population: Population, { time, endpointOf } = SIMULATED): Genesis {
  const { validators } = population;
  const accounts: GenesisAccount[] = validators.map(({ address, spec }) => ({
    address,
    balance: VALIDATOR_BALANCE,
    stake: spec.stake,
  }));
  for (const { spec, members } of population.providers) {
    for (const { address } of members) accounts.push({ address, balance: spec.balance, stake: spec.stake });
  }
  for (const { spec, members } of population.tenants) {
    for (const { address } of members) accounts.push({ address, balance: spec.balance, stake: 0n });
  }
  for (const { spec, members } of population.delegators) {
    for (const { address } of members) accounts.push({ address, balance: spec.balance, stake: 0n });
  }
  return {
    chainId: scenario.name,
    time,
    params: paramsOfChain(scenario.chain),
    accounts,
    candidates: validators.map(({ address, keys, spec }) => ({
      address,
      consensusKey: keys.publicKey,
      commission: spec.commission,
    })),
    providers: population.providers.flatMap(({ members }) =>
      members.map(member => ({
        address: member.address,
        region: member.region,
        attributes: member.attributes,
        certificate: NO_CERTIFICATE,
        endpoint: endpointOf(member),
      })),
    ),
  };
}

/** Builds the world of a scenario; nothing has happened in it yet. */
export function buildWorld(request: BuildRequest): BuiltWorld {
  const { scenario, seed, trace, scheme } = request;
  const streams = new RandomStreams(seed);
  const population = populate(scenario, trace, streams, scheme);
  const genesis = genesisOf(scenario, population);
  const watch = consensusWatch(genesis, population, scheme);
  const world = new SimulatedWorld<Wire, TenantRequest>({
    seed,
    network: { latency: latencyModel(scenario.network) },
    digestOf: digestOfWire,
    describe: describeWire,
    digestOfRequest,
    faults: worldFaults(scenario.faults, population),
    onObserve: (actor, time, metric, value, label) => {
      watch?.onObserve(actor, metric, time);
      request.onObserve(actor, time, metric, value, label);
    },
    ...(request.onEnd === undefined ? {} : { onEnd: request.onEnd }),
  });
  const watched = new WatchedChain(genesis, request.watch, request.onExecuted);
  addValidators(world, { scenario, genesis, population, scheme, watched, watch, streams });
  const nodesOf = nodeLists(population);
  const light = lightOptionsOf(scenario, genesis);
  let clients = 0;
  const rings = ringsOf(population.providers);
  for (const group of population.providers) {
    addProviders(world, group, {
      rings,
      streams,
      scheme,
      light,
      nodesOf: () => nodesOf(clients++),
    });
  }
  for (const { members } of population.tenants) {
    for (const { name, region, address, keys } of members) {
      const nodes = nodesOf(clients++);
      world.addActor({
        name,
        region,
        start: ({ random }: Ports) =>
          // What has no manifest is drawn by a scenario: its tenant need not remember it beyond a crash.
          new Tenant({ address, keys, scheme, nodes, light, random: random('challenges'), keeps: 'manifests' }),
      });
    }
  }
  for (const { spec, members } of population.delegators) {
    const script = spec.script.map(step => ({ at: step.at, message: messageOf(step, population) }));
    for (const { name, region, address, keys } of members) {
      const nodes = nodesOf(clients++);
      world.addActor({ name, region, start: () => new Delegator({ address, keys, scheme, nodes, light, script }) });
    }
  }
  return { world, watched, genesis, population, streams };
}

/** A step of a script, with validators by their accounts. */
function messageOf(step: StakeStep, { validators }: Population): StakeMessage {
  const account = (index: number): string => (validators[index] as (typeof validators)[number]).address;
  switch (step.kind) {
    case 'delegate':
      return { type: 'Delegate', validator: account(step.to), amount: step.amount };
    case 'undelegate':
      return { type: 'Undelegate', validator: account(step.from), amount: step.amount };
    case 'redelegate':
      return { type: 'Redelegate', source: account(step.from), target: account(step.to), amount: step.amount };
    case 'withdraw':
      return { type: 'WithdrawRewards', validator: account(step.from) };
  }
}

/** What the clients of a scenario start from: the set of genesis, known to all; undefined where they trust their node. */
function lightOptionsOf({ chain }: Scenario, genesis: Genesis): LightOptions | undefined {
  if (chain.clients === 'trusting') return undefined;
  return { chainId: genesis.chainId, root: trustedGenesis(genesis), params: genesis.params };
}

/** Names of the members of each collusive ring, over all classes. */
function ringsOf(groups: readonly ProviderGroup[]): Map<string, string[]> {
  const rings = new Map<string, string[]>();
  for (const { spec, members } of groups) {
    if (spec.strategy.kind !== 'ring') continue;
    const names = rings.get(spec.strategy.name) ?? [];
    names.push(...members.map(member => member.name));
    rings.set(spec.strategy.name, names);
  }
  return rings;
}

interface ProviderSettings {
  readonly rings: ReadonlyMap<string, readonly string[]>;
  readonly streams: RandomStreams;
  readonly scheme: SignatureScheme;
  /** What clients start from that trust no node. */
  readonly light: LightOptions | undefined;
  /** The nodes of the next client. */
  readonly nodesOf: () => readonly string[];
}

function addProviders(
  world: SimulatedWorld<Wire, TenantRequest>,
  { spec, members }: ProviderGroup,
  { rings, streams, scheme, light, nodesOf }: ProviderSettings,
): void {
  const { pull, start, stop, failure, lifetime } = spec.containers;
  const containers = {
    pull_us: durationSampler(pull),
    start_us: durationSampler(start),
    stop_us: durationSampler(stop),
    startFailure: failure,
    lifetime_us: lifetime === null ? null : durationSampler(lifetime),
  };
  for (const member of members) {
    const { name, region, address, keys, attributes, hosts, costs } = member;
    const bidder = bidderOf(spec, member, rings, streams);
    const nodes = nodesOf();
    world.addActor({
      name,
      region,
      containers,
      hosts: hosts.map(({ cpu, memory, disk, gpus }) => ({ cpu, memory, disk, gpu: gpus * 1000 })),
      start: (ports: Ports) =>
        new Provider({
          address,
          keys,
          scheme,
          nodes,
          light,
          region,
          attributes,
          hosts,
          costs,
          bidder,
          reservesBids: spec.reserve === 'bids',
          bidProbability: spec.bidProbability,
          think_us: sampler(spec.bidDelay, ports.random('think')),
          random: ports.random('bids'),
          conduct: conductOf(spec, ports.random),
          challenges: ports.random('challenges'),
        }),
    });
  }
}
