/**
 * From a scenario to a world with everybody in it: genesis, the validator, providers, tenants, faults.
 */

import { Provider } from '../../actors/provider/provider.ts';
import { Tenant, type TenantRequest } from '../../actors/tenant/tenant.ts';
import { Node } from '../../actors/validator/node.ts';
import { digestOfWire, type Wire } from '../../actors/wire.ts';
import type { Block } from '../../protocol/chain/block.ts';
import { type BlockResult, Chain } from '../../protocol/chain/chain.ts';
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
import { type Population, type ProviderGroup, populate, VALIDATOR_NAME } from './population.ts';
import { durationSampler, latencyModel } from './samplers.ts';
import { worldFaults } from './world-faults.ts';

/** Stake with which the only validator starts, micro-AKASH. */
const VALIDATOR_STAKE = 1_000_000_000_000n;
const VALIDATOR_COMMISSION = 100_000;
const MEMPOOL = { count: 200_000, bytes: 256 << 20 };
/** Blocks that the validator's store holds: enough to serve a peer that was away for a while. */
const KEEP_BLOCKS = 64;
const NO_CERTIFICATE = new Uint8Array(32);

export interface BuildRequest {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly trace: Trace | null;
  readonly scheme: SignatureScheme;
  readonly watch: (block: Block, result: BlockResult, state: State) => void;
  readonly onObserve: NonNullable<WorldOptions<Wire, TenantRequest>['onObserve']>;
}

export interface BuiltWorld {
  readonly world: SimulatedWorld<Wire, TenantRequest>;
  readonly chain: Chain;
  readonly genesis: Genesis;
  readonly population: Population;
  readonly streams: RandomStreams;
}

function genesisOf(scenario: Scenario, population: Population): Genesis {
  const { validator } = population;
  const accounts: GenesisAccount[] = [{ address: validator.address, balance: 0n, stake: VALIDATOR_STAKE }];
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
    candidates: [
      { address: validator.address, consensusKey: validator.keys.publicKey, commission: VALIDATOR_COMMISSION },
    ],
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
  const chain = new Chain({ genesis, scheme, commitEvery: scenario.chain.commitments?.every ?? 0 });
  const world = new SimulatedWorld<Wire, TenantRequest>({
    seed,
    network: { latency: latencyModel(scenario.network) },
    digestOf: digestOfWire,
    digestOfRequest: request_ => request_.infrastructure.length,
    faults: worldFaults(scenario.faults, population),
    onObserve: request.onObserve,
  });
  world.addActor({
    name: VALIDATOR_NAME,
    start: () =>
      new Node({
        chain,
        address: population.validator.address,
        mempool: MEMPOOL,
        keepBlocks: KEEP_BLOCKS,
        watch: request.watch,
      }),
  });
  const rings = ringsOf(population.providers);
  for (const group of population.providers) addProviders(world, group, rings, streams, scheme);
  for (const { members } of population.tenants) {
    for (const { name, region, address, keys } of members) {
      world.addActor({
        name,
        region,
        start: () => new Tenant({ address, keys, scheme, nodes: [VALIDATOR_NAME] }),
      });
    }
  }
  return { world, chain, genesis, population, streams };
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

function addProviders(
  world: SimulatedWorld<Wire, TenantRequest>,
  { spec, members }: ProviderGroup,
  rings: ReadonlyMap<string, readonly string[]>,
  streams: RandomStreams,
  scheme: SignatureScheme,
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
          nodes: [VALIDATOR_NAME],
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
        }),
    });
  }
}
