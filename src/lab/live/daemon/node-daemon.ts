/** A node as a daemon: what of its configuration becomes what of the actor, and what its API sees of it. */
import { hexToBytes } from '@noble/hashes/utils.js';
import { actorAndNode } from '../../../actors/validator/conduct.ts';
import type { Node, NodeOptions } from '../../../actors/validator/node.ts';
import type { NodeRequest, SubmitReply } from '../../../actors/validator/requests.ts';
import type { ChainOptions } from '../../../protocol/chain/chain.ts';
import type { Genesis } from '../../../protocol/chain/genesis.ts';
import { memoised } from '../../../protocol/codec/signature.ts';
import { valueIdOf } from '../../../protocol/consensus/types.ts';
import { ed25519Scheme } from '../../../worlds/live/ed25519.ts';
import { startNodeApi } from '../api/node-api.ts';
import type { BlockListener, NodeView } from '../api/views.ts';
import type { NodeConfig } from '../home/config-types.ts';
import type { OpenHome } from '../home/open-home.ts';
import { type Ask, type Daemon, type Onlooker, type RoleParts, type StartOptions, startParts } from './daemon.ts';

/** Signatures whose verdict is remembered: those of some hundred blocks of a large set. */
const REMEMBERED_SIGNATURES = 65_536;
/** How long a node may take to admit a transaction. */
const SUBMIT_MS = 10_000;

/** Live signatures are real ones. */
export const liveScheme = memoised(ed25519Scheme, REMEMBERED_SIGNATURES);

export function startNodeDaemon(home: OpenHome<'node'>, options: StartOptions): Promise<Daemon> {
  return startParts<NodeRequest>(home, () => nodeParts(home, options.onlooker ?? {}), options);
}

function nodeParts(home: OpenHome<'node'>, onlooker: Onlooker): RoleParts<NodeRequest> {
  const { config, genesis } = home;
  const listeners = new Set<BlockListener>();
  let node: Node | null = null;
  const made = (): Node => {
    if (node === null) throw new Error('found no node yet, expected one that was started');
    return node;
  };
  return {
    directory: config.peers,
    listen: config.listen,
    start: ports => {
      const built = actorAndNode(nodeOptions(home, listeners, onlooker), config.behaviour, ports.random('conduct'));
      node = built.node;
      return built.actor;
    },
    isReady: () => made().isRecovered,
    api: (ask, options) => startNodeApi(viewOf({ config, genesis, made, listeners, ask }), options),
  };
}

function nodeOptions(
  { config, genesis, genesisHash, identity }: OpenHome<'node'>,
  listeners: ReadonlySet<BlockListener>,
  onlooker: Onlooker,
): NodeOptions {
  const chain: ChainOptions = { genesis, scheme: liveScheme, commitEvery: 1, requireCommits: true };
  const { votes, dials, timeouts, mempool, keepBlocks, snapshotEvery, keepEvents, unjail, candidate } = config;
  const stateSync = stateSyncOf(config);
  return {
    chain,
    validator: votes ? { address: identity.address, keys: identity.keys } : null,
    dials,
    timeouts,
    mempool,
    keepBlocks,
    snapshotEvery,
    keepEvents,
    unjails: unjail,
    joins: candidate,
    network: genesisHash,
    ...(stateSync === null ? {} : { stateSync }),
    watch: (block, result, after, commit) => {
      onlooker.executed?.(result.height, result.hash, result.appHash, result.time);
      for (const listener of listeners) listener(block, result, after, commit);
    },
  };
}

function stateSyncOf({ stateSync }: NodeConfig): NonNullable<NodeOptions['stateSync']> | null {
  if (stateSync === null) return null;
  if (stateSync === 'genesis') return { trust: 'genesis' };
  return { trust: { height: stateSync.height, value: valueIdOf(hexToBytes(stateSync.hash)) } };
}

interface ViewParts {
  readonly config: NodeConfig;
  readonly genesis: Genesis;
  readonly made: () => Node;
  readonly listeners: Set<BlockListener>;
  readonly ask: Ask<NodeRequest>;
}

function viewOf({ config, genesis, made, listeners, ask }: ViewParts): NodeView {
  const names = new Map(Object.entries(config.peers).map(([name, { address }]) => [address, name]));
  names.set(config.address, config.name);
  return {
    genesis,
    chain: () => made().chain,
    status: () => {
      const { validator, round, isCatchingUp, peers, mempool } = made().report();
      return {
        name: config.name,
        validator,
        round,
        catchingUp: isCatchingUp,
        peers: peers.map(({ name, isConnected }) => ({ name, connected: isConnected })),
        mempool,
      };
    },
    submit: async tx => (await ask({ type: 'submit', tx }, SUBMIT_MS)) as SubmitReply,
    onBlock: listener => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    nameOf: address => names.get(address) ?? null,
  };
}
