/** A node as a daemon: its actor, and what its API sees of it. */
import type { Node } from '../../../actors/validator/node.ts';
import type { NodeRequest, SubmitReply } from '../../../actors/validator/requests.ts';
import type { Genesis } from '../../../protocol/chain/genesis.ts';
import { startNodeApi } from '../api/node-api.ts';
import type { BlockListener, NodeView } from '../api/views.ts';
import type { NodeConfig } from '../home/config-types.ts';
import type { OpenHome } from '../home/open-home.ts';
import { type Ask, type Daemon, type Onlooker, type RoleParts, type StartOptions, startParts } from './daemon.ts';
import { nodeActor } from './node-actor.ts';

/** How long a node may take to admit a transaction. */
const SUBMIT_MS = 10_000;

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
      const built = nodeActor(home, ports, (block, result, after, commit) => {
        onlooker.executed?.(result.height, result.hash, result.appHash, result.time);
        for (const listener of listeners) listener(block, result, after, commit);
      });
      node = built.node;
      return built.actor;
    },
    isReady: () => made().isRecovered,
    api: (ask, options) => startNodeApi(viewOf({ config, genesis, made, listeners, ask }), options),
  };
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
  for (const [name, { account }] of Object.entries(config.known)) names.set(account, name);
  names.set(config.address, config.name);
  const capacities = new Map(Object.values(config.known).map(({ account, capacity }) => [account, capacity]));
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
    capacityOf: provider => capacities.get(provider) ?? null,
  };
}
