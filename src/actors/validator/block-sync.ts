/**
 * Block sync: a node that is behind fetches decided blocks from its peers, checks each against the commit that decided
 * it and against its own chain, and drops peers that lie.
 *
 * Nothing that a peer claims stops consensus: the node goes on voting until a fetched block has proved itself.
 */
import { decodeBlock, faultOfBody, headerHash } from '../../protocol/chain/block.ts';
import type { Chain } from '../../protocol/chain/chain.ts';
import { DecodeError } from '../../protocol/codec/errors.ts';
import type { SignatureScheme } from '../../protocol/codec/signature.ts';
import { verifyCommit } from '../../protocol/consensus/commit.ts';
import { valueIdOf } from '../../protocol/consensus/types.ts';
import type { ConnectionId, Effects, Time, TimerId } from '../actor.ts';
import { type Gossip, MAX_PARTS, PART_BYTES } from '../gossip.ts';
import type { Wire } from '../wire.ts';
import { decodeCommitted } from './block-store.ts';
import type { DecidedBlock } from './engine.ts';
import { joinBytes } from './parts.ts';
import type { Peer, Peers } from './peers.ts';

const SYNC_TIMER = 'sync';
/** Blocks that are asked for at once. */
const WINDOW = 16;
/** A peer that has not served a block by then is not asked for it again. */
const PATIENCE_US = 5_000_000;

export type BlockPiece = Extract<Gossip, { readonly type: 'block' }>;

export interface BlockSyncHost {
  readonly chain: Chain;
  /** Whether a block is on its way to being the chain's newest already. */
  readonly isStoring: boolean;
  /** A fetched block has proved to be the chain's next: it is once it is durable (`onExecuted`). */
  adopt(fetched: DecidedBlock, out: Effects<Wire>): void;
  /** More than two thirds decided what this node finds invalid: it cannot go on. */
  disagree(reason: string, out: Effects<Wire>): void;
  /** A peer sent what no honest node sends. */
  drop(peer: ConnectionId, reason: string, out: Effects<Wire>, now: Time): void;
}

interface Request {
  readonly peer: ConnectionId;
  readonly deadline: Time;
  readonly pieces: Uint8Array[];
}

interface Arrived {
  readonly peer: ConnectionId;
  readonly bytes: Uint8Array;
}

export class BlockSync {
  readonly #peers: Peers;
  readonly #scheme: SignatureScheme;
  readonly #host: BlockSyncHost;
  readonly #requests = new Map<number, Request>();
  readonly #arrived = new Map<number, Arrived>();
  /** Which peer is asked next. */
  #turn = 0;
  /** Peers that did not serve a height in time: not asked for anything until they tell of themselves again. */
  readonly #slow = new Set<ConnectionId>();

  constructor(peers: Peers, scheme: SignatureScheme, host: BlockSyncHost) {
    this.#peers = peers;
    this.#scheme = scheme;
    this.#host = host;
  }

  get isRunning(): boolean {
    return this.#requests.size > 0 || this.#arrived.size > 0;
  }

  /** A peer has told its height: fetch what is missing here. */
  onHeight(peer: Peer, now: Time, out: Effects<Wire>): void {
    this.#slow.delete(peer.connection);
    this.#ask(now, out);
  }

  /** Peers may have told their heights while this was not listening. */
  onPeers(now: Time, out: Effects<Wire>): void {
    if (this.#peers.greatestHeight > this.#host.chain.height) this.#ask(now, out);
  }

  onPiece(piece: BlockPiece, peer: Peer, now: Time, out: Effects<Wire>): void {
    const request = this.#requests.get(piece.height);
    if (request === undefined || request.peer !== peer.connection) return;
    const { pieces } = request;
    if (piece.index !== pieces.length || piece.total > MAX_PARTS || piece.bytes.length > PART_BYTES) {
      this.#host.drop(peer.connection, `piece ${piece.index} of block ${piece.height} is out of order`, out, now);
      return;
    }
    pieces.push(piece.bytes);
    if (pieces.length < piece.total) return;
    this.#requests.delete(piece.height);
    this.#arrived.set(piece.height, { peer: peer.connection, bytes: joinBytes(pieces) });
    this.#adoptNext(now, out);
    this.#ask(now, out);
  }

  /** The chain has another block. */
  onExecuted(now: Time, out: Effects<Wire>): void {
    if (!this.isRunning) return;
    this.#adoptNext(now, out);
    this.#ask(now, out);
  }

  onTimer(id: TimerId, now: Time, out: Effects<Wire>): boolean {
    if (id !== SYNC_TIMER) return false;
    for (const [height, { peer, deadline }] of this.#requests) {
      if (deadline > now) continue;
      this.#requests.delete(height);
      this.#slow.add(peer);
    }
    this.#ask(now, out);
    return true;
  }

  /** What this peer was asked for, others are asked for. */
  onGone(connection: ConnectionId, now: Time, out: Effects<Wire>): void {
    this.#slow.delete(connection);
    for (const [height, { peer }] of this.#requests) if (peer === connection) this.#requests.delete(height);
    this.#ask(now, out);
  }

  #ask(now: Time, out: Effects<Wire>): void {
    // The block that is being stored is the chain's next already.
    const next = this.#host.chain.height + (this.#host.isStoring ? 2 : 1);
    for (const height of this.#requests.keys()) if (height < next) this.#requests.delete(height);
    for (const height of this.#arrived.keys()) if (height < next) this.#arrived.delete(height);
    let asked = false;
    for (let height = next; height < next + WINDOW; height++) {
      if (this.#requests.has(height) || this.#arrived.has(height)) continue;
      const peer = this.#peerFor(height);
      if (peer === null) break;
      this.#requests.set(height, { peer: peer.connection, deadline: now + PATIENCE_US, pieces: [] });
      out.send(peer.connection, { type: 'getBlock', height });
      asked = true;
    }
    if (asked) out.setTimer(SYNC_TIMER, now + PATIENCE_US);
  }

  /** The peers that have a block take turns. */
  #peerFor(height: number): Peer | null {
    const able = this.#peers.believed.filter(
      one => one.height >= height && one.oldest <= height && !this.#slow.has(one.connection),
    );
    this.#turn += 1;
    return able[this.#turn % able.length] ?? null;
  }

  #adoptNext(now: Time, out: Effects<Wire>): void {
    const height = this.#host.chain.height + 1;
    const arrived = this.#arrived.get(height);
    if (arrived === undefined || this.#host.isStoring) return;
    this.#arrived.delete(height);
    const found = this.#check(arrived.bytes);
    if (typeof found === 'string') {
      this.#host.drop(arrived.peer, `block ${height}: ${found}`, out, now);
      return;
    }
    const fault = this.#host.chain.faultOfBlock(found.block);
    if (fault === null) this.#host.adopt(found, out);
    else this.#host.disagree(fault, out);
  }

  /** The block in these bytes if it was decided for the next height, or why not. */
  #check(bytes: Uint8Array): DecidedBlock | string {
    const { chain } = this.#host;
    try {
      const { commit, block: blockBytes } = decodeCommitted(bytes);
      const block = decodeBlock(blockBytes);
      const subject = { height: chain.height + 1, value: valueIdOf(headerHash(block.header)) };
      const fault = verifyCommit(chain.chainId, chain.validators, commit, this.#scheme, subject);
      return fault ?? faultOfBody(block) ?? { block, bytes: blockBytes, commit };
    } catch (error) {
      if (error instanceof DecodeError) return error.message;
      throw error;
    }
  }
}
