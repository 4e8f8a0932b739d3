/** The validators of a scenario: their nodes, who is connected to whom, and whether they agree. */
import { twinOf, type ValidatorConduct, validatorNode } from '../../actors/validator/conduct.ts';
import type { NodeOptions } from '../../actors/validator/node.ts';
import type { Wire } from '../../actors/wire.ts';
import type { Block } from '../../protocol/chain/block.ts';
import type { BlockResult, Chain } from '../../protocol/chain/chain.ts';
import { type Genesis, genesisState } from '../../protocol/chain/genesis.ts';
import { equalBytes } from '../../protocol/codec/bytes.ts';
import type { SignatureScheme } from '../../protocol/codec/signature.ts';
import type { State } from '../../protocol/model/state.ts';
import type { RandomStreams } from '../../worlds/simulated/streams.ts';
import type { SimulatedWorld } from '../../worlds/simulated/world.ts';
import { MonitorViolation } from '../monitors/monitor.ts';
import type { Scenario, Topology, ValidatorBehaviour } from '../scenario/types.ts';
import { ConsensusWatch } from './consensus-watch.ts';
import type { Population } from './population.ts';

const MEMPOOL = { count: 200_000, bytes: 256 << 20 };
/** Heights over which nodes are compared: one that lags further is compared when it has caught up. */
const COMPARED = 20_000;

/** A block that no node had executed before, the chain as it is after it, and the world's time. */
export type Watch = (block: Block, result: BlockResult, chain: Chain, now: number) => void;
/** A node has executed a block, also one that a start executes again. */
export type OnExecuted = (node: string, height: number, now: number) => void;

interface Reached {
  readonly hash: Uint8Array;
  readonly appHash: Uint8Array;
  readonly by: string;
}

/** The chain as the world's nodes bring it forth: each height once, and the same one on all of them. */
export class WatchedChain {
  readonly #genesis: Genesis;
  readonly #watch: Watch;
  readonly #onExecuted: OnExecuted;
  readonly #compares: boolean;
  readonly #reached = new Map<number, Reached>();
  #height = 0;
  #newest: Chain | null = null;

  constructor(genesis: Genesis, watch: Watch, onExecuted: OnExecuted = () => undefined) {
    this.#genesis = genesis;
    this.#watch = watch;
    this.#onExecuted = onExecuted;
    this.#compares = genesis.candidates.length > 1;
  }

  get height(): number {
    return this.#height;
  }

  /** The state after the newest block that any node has reached. */
  get state(): State {
    return this.#newest?.state ?? genesisState(this.#genesis, false);
  }

  /** A node has executed a block. Throws MonitorViolation when another one has another block, or another state. */
  onBlock(node: string, block: Block, result: BlockResult, chain: Chain, now: number): void {
    const { height, hash, appHash } = result;
    if (this.#compares) {
      const other = this.#reached.get(height);
      if (other === undefined) this.#reached.set(height, { hash, appHash, by: node });
      else this.#compare(other, { hash, appHash, by: node }, height);
      this.#reached.delete(height - COMPARED);
    }
    if (height > this.#height) {
      this.#height = height;
      this.#newest = chain;
      this.#watch(block, result, chain, now);
    }
    this.#onExecuted(node, height, now);
  }

  #compare(left: Reached, right: Reached, height: number): void {
    const what = !equalBytes(left.hash, right.hash)
      ? 'block'
      : equalBytes(left.appHash, right.appHash)
        ? null
        : 'state';
    if (what === null) return;
    throw new MonitorViolation('agreement', height, 'all nodes have the same block and the same state at a height', {
      differs: what,
      left: left.by,
      right: right.by,
    });
  }
}

export interface ValidatorSettings {
  readonly scenario: Scenario;
  readonly genesis: Genesis;
  readonly population: Population;
  readonly scheme: SignatureScheme;
  readonly streams: RandomStreams;
  readonly watched: WatchedChain;
  /** Null where there is one validator, which cannot disagree. */
  readonly watch: ConsensusWatch | null;
}

export function addValidators<Request>(world: SimulatedWorld<Wire, Request>, settings: ValidatorSettings): void {
  const { scenario, genesis, population, scheme, streams, watched, watch } = settings;
  const { commitments, clients, topology, timeouts, keepBlocks, snapshotEvery } = scenario.chain;
  const { validators } = population;
  const chain = { genesis, scheme, commitEvery: commitments?.every ?? 0, requireCommits: true };
  const dials = dialLists(validators.length, topology, streams);
  validators.forEach((member, index) => {
    const { address, keys, spec } = member;
    const called = dials[index]!.map(other => validators[other]!.name);
    const conduct = conductOf(spec.behaviour, population);
    const add = (name: string, calls: readonly string[]): void => {
      world.addActor({
        name,
        region: member.region,
        start: ports => {
          const options: NodeOptions = {
            chain,
            validator: { address, keys },
            dials: calls,
            timeouts,
            mempool: MEMPOOL,
            keepBlocks,
            snapshotEvery,
            ...(clients === 'light' ? {} : { keepEvents: 0 }),
            unjails: spec.unjail,
            watch: (block, result, after) => {
              watch?.onBlock(name, result, after, world.now);
              watched.onBlock(name, block, result, after, world.now);
            },
          };
          const node = validatorNode(options, conduct, ports.random('conduct'));
          return watch === null ? node : watch.tapped(name, node);
        },
      });
    };
    add(member.name, called);
    // Nobody expects a second instance, so that it calls all whom the first is connected with or may be.
    if (conduct.kind === 'twins')
      add(
        twinOf(member.name),
        validators.map(one => one.name).filter(one => one !== member.name),
      );
  });
}

function conductOf(behaviour: ValidatorBehaviour, population: Population): ValidatorConduct {
  if (behaviour.kind !== 'favour') return behaviour;
  const group = population.providers.find(({ spec }) => spec.name === behaviour.providers);
  return { kind: 'favour', accounts: group?.members.map(one => one.address) ?? [] };
}

/** The monitors of consensus; null for one validator. */
export function consensusWatch(
  genesis: Genesis,
  population: Population,
  scheme: SignatureScheme,
): ConsensusWatch | null {
  if (population.validators.length === 1) return null;
  return new ConsensusWatch({
    genesis,
    scheme,
    nodes: new Map(population.validators.map(one => [one.address, one.name])),
    byzantine: new Set(
      population.validators.flatMap(({ name, spec }) => (spec.behaviour.kind === 'honest' ? [] : [name, twinOf(name)])),
    ),
  });
}

/**
 * Whom each node calls. In a mesh everybody is connected with everybody, once. In a partial mesh all stand in a ring, so
 * that nobody is cut off, and each calls others at random until it has about `degree` connections.
 */
export function dialLists(count: number, topology: Topology, streams: RandomStreams): number[][] {
  if (topology.kind === 'mesh' || count <= topology.degree + 1) {
    return Array.from({ length: count }, (_, i) => Array.from({ length: i }, (__, j) => j));
  }
  const stream = streams.stream('topology', 'validators');
  const connected = Array.from({ length: count }, () => new Set<number>());
  const dials: number[][] = Array.from({ length: count }, () => []);
  const connect = (from: number, to: number): void => {
    if (from === to || connected[from]!.has(to)) return;
    connected[from]!.add(to);
    connected[to]!.add(from);
    dials[from]!.push(to);
  };
  for (let i = 0; i < count; i++) connect(i, (i + 1) % count);
  for (let i = 0; i < count; i++) {
    for (let tries = 0; connected[i]!.size < topology.degree && tries < 10 * topology.degree; tries++) {
      const other = Math.floor(stream.uniform() * count);
      if (connected[other]!.size <= topology.degree) connect(i, other);
    }
  }
  return dials;
}

/** Which nodes each client asks, in order of preference: clients are spread over all of them in turn. */
export function nodeLists(population: Population): (client: number) => string[] {
  const names = population.validators.map(one => one.name);
  return client => names.map((_, i) => names[(client + i) % names.length]!);
}
