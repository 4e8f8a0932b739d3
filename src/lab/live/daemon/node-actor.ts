/** A node's actor: what of a home's configuration becomes what of it. Daemons and replays make the same one. */
import { hexToBytes } from '@noble/hashes/utils.js';
import type { Actor } from '../../../actors/actor.ts';
import { actorAndNode } from '../../../actors/validator/conduct.ts';
import type { Node, NodeOptions } from '../../../actors/validator/node.ts';
import type { Wire } from '../../../actors/wire.ts';
import type { ChainOptions } from '../../../protocol/chain/chain.ts';
import { valueIdOf } from '../../../protocol/consensus/types.ts';
import type { ParticipantPorts } from '../../../worlds/live/participant-options.ts';
import type { NodeConfig } from '../home/config-types.ts';
import type { OpenHome } from '../home/open-home.ts';
import { liveScheme } from './live-scheme.ts';

type Watch = NonNullable<NodeOptions['watch']>;

/** What a node lets be seen of each block that it executes, also of one that a start executes again. */
export interface ExecutedBlock {
  readonly height: number;
  readonly hash: Uint8Array;
  /** Of the state after it. */
  readonly appHash: Uint8Array;
}

/** Whether something shown is a block that a node has executed. */
export function isExecutedBlock(shown: unknown): shown is ExecutedBlock {
  return typeof shown === 'object' && shown !== null && 'height' in shown && 'hash' in shown && 'appHash' in shown;
}

/**
 * The actor of a node's home, and the node within.
 * @param watch is told of each block that the node has executed
 */
export function nodeActor(
  home: OpenHome<'node'>,
  ports: ParticipantPorts,
  watch: Watch,
): { readonly actor: Actor<Wire>; readonly node: Node } {
  const options = nodeOptions(home, (block, result, chain, commit) => {
    const { height, hash, appHash } = result;
    ports.show({ height, hash, appHash } satisfies ExecutedBlock);
    watch(block, result, chain, commit);
  });
  return actorAndNode(options, home.config.behaviour, ports.random('conduct'));
}

function nodeOptions({ config, genesis, genesisHash, identity }: OpenHome<'node'>, watch: Watch): NodeOptions {
  const chain: ChainOptions = { genesis, scheme: liveScheme, commitEvery: 1, requireCommits: true };
  const { votes, dials, timeouts, mempool, keepBlocks, snapshotEvery, keepEvents, unjail, candidate } = config;
  const stateSync = stateSyncOf(config);
  return {
    chain,
    validator: votes ? { address: identity.address, keys: identity.keys } : null,
    dials,
    knows: Object.keys(config.peers),
    timeouts,
    mempool,
    keepBlocks,
    snapshotEvery,
    keepEvents,
    unjails: unjail,
    joins: candidate,
    network: genesisHash,
    ...(stateSync === null ? {} : { stateSync }),
    watch,
  };
}

function stateSyncOf({ stateSync }: NodeConfig): NonNullable<NodeOptions['stateSync']> | null {
  if (stateSync === null) return null;
  if (stateSync === 'genesis') return { trust: 'genesis' };
  return { trust: { height: stateSync.height, value: valueIdOf(hexToBytes(stateSync.hash)) } };
}
