/**
 * From a scenario to a world with everybody in it: genesis, the validator, providers, tenants, faults.
 */

import { Provider, type ProviderOptions } from '../../actors/provider/provider.ts';
import { Tenant, type TenantRequest } from '../../actors/tenant/tenant.ts';
import { describeWire, digestOfWire, type Wire } from '../../actors/wire.ts';
import type { Block } from '../../protocol/chain/block.ts';
import type { BlockResult } from '../../protocol/chain/chain.ts';
import type { Genesis, GenesisAccount } from '../../protocol/chain/genesis.ts';
import type { SignatureScheme } from '../../protocol/codec/signature.ts';
import { defaultParams, withParams } from '../../protocol/model/params.ts';
import type { State } from '../../protocol/model/state.ts';
import { RandomStreams } from '../../worlds/simulated/streams.ts';
import { type Ports, SimulatedWorld, type WorldOptions } from '../../worlds/simulated/world.ts';
import { protocolParams } from '../scenario/chain-params.ts';
import { sampler } from '../scenario/distributions.ts';
import type { Trace } from '../scenario/trace.ts';
import type { Scenario } from '../scenario/types.ts';
import { bidderOf, conductOf } from './bidders.ts';
import { type Population, type ProviderGroup, populate } from './population.ts';
import { durationSampler, latencyModel } from './samplers.ts';
import { addValidators, nodeLists, WatchedChain } from './validators.ts';
import { worldFaults } from './world-faults.ts';

/** What a validator can spend: the fees of what it reports. micro-AKASH. */
const VALIDATOR_BALANCE = 1_000_000_000n;
const NO_CERTIFICATE = new Uint8Array(32);

export interface BuildRequest {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly trace: Trace | null;
  readonly scheme: SignatureScheme;
  readonly watch: (block: Block, result: BlockResult, state: State) => void;
  /** What a lease's units run, where tenants hand over manifests; see ProviderOptions. */
  readonly imagesOf?: ProviderOptions['imagesOf'];
  readonly onObserve: NonNullable<WorldOptions<Wire, TenantRequest>['onObserve']>;
}

export interface BuiltWorld {
  readonly world: SimulatedWorld<Wire, TenantRequest>;
  /** The chain as its validators brought it forth. */
  readonly watched: WatchedChain;
  readonly genesis: Genesis;
  readonly population: Population;
  readonly streams: RandomStreams;
}

function genesisOf(scenario: Scenario, population: Population): Genesis {
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
  return {
    chainId: scenario.name,
    time: 0,
    params: withParams(defaultParams(), {
      ...protocolParams(scenario.chain.params).values,
      targetBlockInterval: scenario.chain.blockInterval,
    }),
    accounts,
    candidates: validators.map(({ address, keys, spec }) => ({
      address,
      consensusKey: keys.publicKey,
      commission: spec.commission,
    })),
    providers: population.providers.flatMap(({ members }) =>
      members.map(({ address, name, region, attributes }) => ({
        address,
        region,
        attributes,
        certificate: NO_CERTIFICATE,
        endpoint: name,
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
  const world = new SimulatedWorld<Wire, TenantRequest>({
    seed,
    network: { latency: latencyModel(scenario.network) },
    digestOf: digestOfWire,
    describe: describeWire,
    digestOfRequest: request_ => request_.infrastructure.length,
    faults: worldFaults(scenario.faults, population),
    onObserve: request.onObserve,
  });
  const watched = new WatchedChain(genesis, request.watch);
  addValidators(world, { scenario, genesis, population, scheme, watched, streams });
  const nodesOf = nodeLists(population);
  let clients = 0;
  const rings = ringsOf(population.providers);
  for (const group of population.providers) {
    addProviders(world, group, {
      rings,
      streams,
      scheme,
      nodesOf: () => nodesOf(clients++),
      imagesOf: request.imagesOf,
    });
  }
  for (const { members } of population.tenants) {
    for (const { name, region, address, keys } of members) {
      const nodes = nodesOf(clients++);
      world.addActor({
        name,
        region,
        start: () => new Tenant({ address, keys, scheme, nodes }),
      });
    }
  }
  return { world, watched, genesis, population, streams };
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
  /** The nodes of the next client. */
  readonly nodesOf: () => readonly string[];
  readonly imagesOf: ProviderOptions['imagesOf'];
}

function addProviders(
  world: SimulatedWorld<Wire, TenantRequest>,
  { spec, members }: ProviderGroup,
  { rings, streams, scheme, nodesOf, imagesOf }: ProviderSettings,
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
          imagesOf,
        }),
    });
  }
}
