/**
 * A node without a vote in the launcher's own process: it follows the chain as any node does, so that every block of a
 * live run can be looked at here as it would be in a simulated one.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DEFAULT_TIMEOUTS } from '../../../actors/validator/height.ts';
import { Node } from '../../../actors/validator/node.ts';
import { wireCodec } from '../../../actors/wire-bytes.ts';
import type { Block } from '../../../protocol/chain/block.ts';
import type { BlockResult, Chain } from '../../../protocol/chain/chain.ts';
import type { Genesis } from '../../../protocol/chain/genesis.ts';
import type { SignatureScheme } from '../../../protocol/codec/signature.ts';
import { WallClock } from '../../../worlds/live/clock.ts';
import { tlsIdentity } from '../../../worlds/live/identity/identity.ts';
import { Participant } from '../../../worlds/live/participant.ts';
import { LiveStorage } from '../../../worlds/live/storage/storage.ts';
import { LiveTransport } from '../../../worlds/live/transport/transport.ts';
import type { Directory } from '../home/config-types.ts';
import { genesisHash } from '../home/genesis-file.ts';

const NAME = 'follower';
const SEED_BYTES = 32;
const MEMPOOL = { count: 1_000, bytes: 1 << 20 };
const KEEP_BLOCKS = 100;

export interface FollowerOptions {
  readonly genesis: Genesis;
  readonly nodes: Directory;
  /** Where it keeps what a node keeps. */
  readonly home: string;
  readonly scheme: SignatureScheme;
  /** Each block, once. */
  readonly onBlock: (block: Block, result: BlockResult, chain: Chain) => void;
  readonly onFailure: (error: Error) => void;
}

export interface Follower {
  readonly chain: Chain;
  close(): Promise<void>;
}

/** Starts to follow. */
export async function startFollower(options: FollowerOptions): Promise<Follower> {
  const { genesis, nodes, home, scheme, onBlock, onFailure } = options;
  const names = new Map(Object.entries(nodes).map(([name, { address }]) => [address, name]));
  let height = 0;
  const node = new Node({
    chain: { genesis, scheme, commitEvery: 1, requireCommits: true },
    validator: null,
    dials: Object.keys(nodes),
    timeouts: DEFAULT_TIMEOUTS,
    mempool: MEMPOOL,
    keepBlocks: KEEP_BLOCKS,
    snapshotEvery: 0,
    keepEvents: 0,
    network: genesisHash(genesis),
    watch: (block, result, chain) => {
      if (result.height <= height) return;
      height = result.height;
      onBlock(block, result, chain);
    },
  });
  const problems = new Set<string>();
  const participant = await Participant.start({
    name: NAME,
    start: () => node,
    codec: wireCodec,
    clock: new WallClock(0),
    storage: await LiveStorage.open(join(home, 'data')),
    transport: async events =>
      LiveTransport.open({
        identity: await tlsIdentity(randomBytes(SEED_BYTES)),
        events,
        resolve: name => nodes[name] ?? null,
        nameOf: address => names.get(address) ?? null,
        log: ({ reason }) => void problems.add(reason),
        listen: null,
        acceptsUnknown: false,
      }),
    log: line => void problems.add(line),
  });
  void participant.ended.then(ended => {
    if (ended.how !== 'closed')
      onFailure(new Error(`the node that looks on ${ended.how}: ${[ended.reason, ...problems].join('; ')}`));
  });
  return {
    get chain() {
      return node.chain;
    },
    close: async () => void (await participant.close()),
  };
}
