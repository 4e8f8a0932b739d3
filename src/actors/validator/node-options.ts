/** What a node is set up with. */
import type { Block } from '../../protocol/chain/block.ts';
import type { BlockResult, Chain, ChainOptions } from '../../protocol/chain/chain.ts';
import type { KeyPair } from '../../protocol/codec/signature.ts';
import type { Commit, ValueId } from '../../protocol/consensus/types.ts';
import type { PeerName } from '../actor.ts';
import type { Timeouts } from './height.ts';
import type { MempoolLimits } from './mempool.ts';
import type { CandidateOffer } from './operator.ts';

export interface NodeOptions {
  readonly chain: ChainOptions;
  /** The account of the validator whose node this is, with keys that are also its consensus keys; null to follow. */
  readonly validator: { readonly address: string; readonly keys: KeyPair } | null;
  /** Nodes that this one connects to. Others may connect here. */
  readonly dials: readonly PeerName[];
  /** Nodes that it was told of by name, those that it calls among them; what others claim of heights counts only where it
   * is connected to none of these. Absent: all count. */
  readonly knows?: readonly PeerName[];
  readonly timeouts: Timeouts;
  readonly mempool: MempoolLimits;
  /** How many blocks the store keeps at least. */
  readonly keepBlocks: number;
  /** A snapshot of the state at every so many heights; 0 = never. */
  readonly snapshotEvery: number;
  /** A node that begins with nothing fetches a snapshot from its peers, trusting what this says, or the genesis set. */
  readonly stateSync?: { readonly trust: 'genesis' | { readonly height: number; readonly value: ValueId } };
  /** Whether its operator asks for a jailed validator to come back, as soon as the chain allows it. */
  readonly unjails?: boolean;
  /** With what its account becomes a candidate where it is none. */
  readonly joins?: CandidateOffer | null;
  /**
   * The network that it belongs to, at most 64 bytes: who says another one is no peer. The chain's id, if absent; but two
   * chains may have the same id, which a hash of their genesis tells apart.
   */
  readonly network?: string;
  /**
   * Blocks of which it keeps the events in memory, for light clients that missed some; 0: it serves none. Only a chain
   * that commits to its state in every block can serve them.
   */
  readonly keepEvents?: number;
  /**
   * Whoever watches this node from outside, after each block, also those that a start executes again. `commit`: the one
   * by which it was decided here; null where none is at hand.
   */
  readonly watch?: (block: Block, result: BlockResult, chain: Chain, commit: Commit | null) => void;
}
