/**
 * State sync: a node that joins fetches a snapshot of the state instead of living through all of history.
 *
 * Nobody is trusted. A light client, which starts from what this node knows (the genesis set, or a block that its
 * operator names), verifies the header after the snapshot; that header names the block, the app hash and the roots; every
 * chunk is held against the manifest, and the restored rows against the app hash. Where no snapshot can be had, the node
 * goes on with block sync.
 */
import { decodeBlock, type Header, headerHash } from '../../protocol/chain/block.ts';
import type { Chain } from '../../protocol/chain/chain.ts';
import type { Snapshot } from '../../protocol/chain/snapshot.ts';
import { SnapshotAssembler } from '../../protocol/chain/snapshot-assembler.ts';
import {
  decodeManifest,
  heightOf,
  type Manifest,
  SnapshotError,
  snapshotId,
  type TrustedPoint,
  trustedPointOf,
} from '../../protocol/chain/snapshot-manifest.ts';
import { DecodeError } from '../../protocol/codec/errors.ts';
import type { SignatureScheme } from '../../protocol/codec/signature.ts';
import { verifyCommit } from '../../protocol/consensus/commit.ts';
import { ONE_THIRD, type Trusted } from '../../protocol/consensus/light-block.ts';
import { LightClient, type Root } from '../../protocol/consensus/light-client.ts';
import { type Commit, valueIdOf } from '../../protocol/consensus/types.ts';
import type { ConnectionId, Effects, Time, TimerId } from '../actor.ts';
import type { Gossip } from '../gossip.ts';
import type { Wire } from '../wire.ts';
import { type Committed, decodeCommitted } from './block-store.ts';
import { joinBytes } from './parts.ts';
import type { Peer, Peers } from './peers.ts';

const TIMER = 'state-sync';
/** Offers are gathered for so long, and every question is asked again after it. */
const PATIENCE_US = 2_000_000;
/** Rounds of patience without any progress after which the node does without. */
const MAX_IDLE_ROUNDS = 10;
const WINDOW = 8;
/** How far another's clock may be ahead. */
const CLOCK_DRIFT_US = 10_000_000;

export type StateSyncMessage = Extract<Gossip, { readonly type: 'snapshot' | 'chunk' | 'light' | 'block' }>;

export interface StateSyncHost {
  readonly chain: Chain;
  /** Start from this state. Throws SnapshotError when it is not what the trusted point says. */
  adoptSnapshot(snapshot: Snapshot, trusted: TrustedPoint): void;
  /** The state stands, and so does its newest block with the commit; go on from here. `null`: no snapshot was to be had. */
  stateSynced(newest: Committed | null, now: Time, out: Effects<Wire>): void;
  drop(peer: ConnectionId, reason: string, out: Effects<Wire>, now: Time): void;
}

interface Offer {
  readonly id: string;
  readonly manifest: Manifest;
  readonly peers: Set<ConnectionId>;
}

type Phase = 'offers' | 'header' | 'chunks' | 'block' | 'done';

export class StateSync {
  readonly #peers: Peers;
  readonly #scheme: SignatureScheme;
  readonly #host: StateSyncHost;
  readonly #light: LightClient<Header>;
  readonly #offers = new Map<string, Offer>();
  /** Snapshots that turned out to be false. */
  readonly #refused = new Set<string>();
  #phase: Phase = 'offers';
  #chosen: Offer | null = null;
  #trusted: TrustedPoint | null = null;
  #assembler: SnapshotAssembler | null = null;
  readonly #chunksAsked = new Set<number>();
  #pieces: Uint8Array[] = [];
  #turn = 0;
  #idleRounds = 0;

  constructor(peers: Peers, scheme: SignatureScheme, root: Root, host: StateSyncHost) {
    this.#peers = peers;
    this.#scheme = scheme;
    this.#host = host;
    this.#light = new LightClient<Header>(
      {
        chainId: host.chain.chainId,
        trustingPeriod: host.chain.state.params.trustingPeriod,
        trustLevel: ONE_THIRD,
        clockDrift: CLOCK_DRIFT_US,
        scheme,
        idOf: header => valueIdOf(headerHash(header)),
      },
      root,
    );
  }

  get isDone(): boolean {
    return this.#phase === 'done';
  }

  start(now: Time, out: Effects<Wire>): void {
    this.#peers.broadcast({ type: 'getSnapshot' }, out);
    out.setTimer(TIMER, now + PATIENCE_US);
  }

  /** A peer that came later is asked as well. */
  onPeer(peer: Peer, out: Effects<Wire>): void {
    if (this.#phase === 'offers') out.send(peer.connection, { type: 'getSnapshot' });
  }

  onTimer(id: TimerId, now: Time, out: Effects<Wire>): boolean {
    if (id !== TIMER) return false;
    if (this.#phase === 'done') return true;
    this.#idleRounds += 1;
    if (this.#idleRounds > MAX_IDLE_ROUNDS) {
      this.#finish(null, now, out);
      return true;
    }
    if (this.#phase === 'offers') this.#choose(now, out);
    else {
      // Whoever was asked did not answer: the next one is.
      this.#chunksAsked.clear();
      this.#pieces = [];
      this.#ask(out);
    }
    out.setTimer(TIMER, now + PATIENCE_US);
    return true;
  }

  onMessage(message: StateSyncMessage, peer: Peer, now: Time, out: Effects<Wire>): void {
    switch (message.type) {
      case 'snapshot':
        this.#onOffer(message.manifest, peer, now, out);
        return;
      case 'light':
        this.#onLight(message, peer, now, out);
        return;
      case 'chunk':
        this.#onChunk(message, peer, now, out);
        return;
      case 'block':
        this.#onPiece(message, peer, now, out);
        return;
    }
  }

  #onOffer(bytes: Uint8Array | null, peer: Peer, now: Time, out: Effects<Wire>): void {
    if (bytes === null || this.#phase === 'done') return;
    try {
      const manifest = decodeManifest(bytes);
      const id = valueIdOf(snapshotId(manifest));
      const known = this.#offers.get(id);
      if (known !== undefined) known.peers.add(peer.connection);
      else this.#offers.set(id, { id, manifest, peers: new Set([peer.connection]) });
    } catch (error) {
      if (!(error instanceof DecodeError || error instanceof SnapshotError)) throw error;
      this.#host.drop(peer.connection, `its snapshot: ${error.message}`, out, now);
    }
  }

  /** The newest offer; of two at one height the one that more peers made. */
  #choose(_now: Time, out: Effects<Wire>): void {
    const able = [...this.#offers.values()].filter(one => !this.#refused.has(one.id) && heightOf(one.manifest) > 0);
    able.sort(
      (left, right) => heightOf(right.manifest) - heightOf(left.manifest) || right.peers.size - left.peers.size,
    );
    const best = able[0];
    if (best === undefined || !this.#light.aimAt(heightOf(best.manifest) + 1)) {
      this.#peers.broadcast({ type: 'getSnapshot' }, out);
      return;
    }
    this.#chosen = best;
    this.#phase = 'header';
    this.#ask(out);
  }

  /** Asks for what the phase needs. */
  #ask(out: Effects<Wire>): void {
    if (this.#phase === 'header') {
      for (const { height } of this.#light.needs()) {
        const peer = this.#nextPeer();
        if (peer !== null) out.send(peer.connection, { type: 'getLight', height });
      }
    } else if (this.#phase === 'chunks') this.#askChunks(out);
    else if (this.#phase === 'block') {
      const peer = this.#nextPeer();
      if (peer !== null) out.send(peer.connection, { type: 'getBlock', height: this.#host.chain.height });
    }
  }

  #nextPeer(among: ReadonlySet<ConnectionId> | null = null): Peer | null {
    const able = [...this.#peers.all].filter(one => among === null || among.has(one.connection));
    this.#turn += 1;
    return able[this.#turn % able.length] ?? null;
  }

  #onLight(message: Extract<Gossip, { readonly type: 'light' }>, peer: Peer, now: Time, out: Effects<Wire>): void {
    if (this.#phase !== 'header' || this.#chosen === null || message.block === null) return;
    const { outcome, fault } = this.#light.give(peer.name, message.block, now);
    if (fault !== null && fault.node === peer.name) this.#host.drop(peer.connection, fault.reason, out, now);
    if (outcome === 'ignored') return;
    this.#idleRounds = 0;
    const next = this.#light.header(heightOf(this.#chosen.manifest) + 1);
    if (next !== undefined) this.#begin(this.#chosen, trustedPointOf(next), now, out);
    else if (outcome === 'expired' || outcome === 'diverged') this.#finish(null, now, out);
    else this.#ask(out);
  }

  #begin(chosen: Offer, trusted: TrustedPoint, now: Time, out: Effects<Wire>): void {
    try {
      this.#assembler = new SnapshotAssembler(chosen.manifest, trusted);
      this.#trusted = trusted;
      this.#phase = 'chunks';
      this.#askChunks(out);
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      this.#refuse(chosen, error.message, now, out);
    }
  }

  #askChunks(out: Effects<Wire>): void {
    const { manifest, peers } = this.#chosen as Offer;
    const height = heightOf(manifest);
    for (const index of (this.#assembler as SnapshotAssembler).missing()) {
      if (this.#chunksAsked.size >= WINDOW) return;
      if (this.#chunksAsked.has(index)) continue;
      const peer = this.#nextPeer(peers);
      if (peer === null) return;
      this.#chunksAsked.add(index);
      out.send(peer.connection, { type: 'getChunk', height, index });
    }
  }

  #onChunk(message: Extract<Gossip, { readonly type: 'chunk' }>, peer: Peer, now: Time, out: Effects<Wire>): void {
    const { height, index, bytes } = message;
    const chosen = this.#chosen;
    if (this.#phase !== 'chunks' || chosen === null || height !== heightOf(chosen.manifest)) return;
    const assembler = this.#assembler as SnapshotAssembler;
    this.#chunksAsked.delete(index);
    if (bytes === null) {
      // It keeps a newer one by now.
      chosen.peers.delete(peer.connection);
      if (chosen.peers.size === 0) this.#refuse(chosen, 'nobody keeps it any more', now, out);
      return;
    }
    const verdict = assembler.give(index, bytes);
    if (verdict === 'wrong') {
      chosen.peers.delete(peer.connection);
      this.#host.drop(peer.connection, `chunk ${index} of its snapshot is wrong`, out, now);
    } else this.#idleRounds = 0;
    if (assembler.isComplete) this.#restore(chosen, assembler.snapshot(), now, out);
    else this.#askChunks(out);
  }

  #restore(chosen: Offer, snapshot: Snapshot, now: Time, out: Effects<Wire>): void {
    try {
      this.#host.adoptSnapshot(snapshot, this.#trusted as TrustedPoint);
      this.#phase = 'block';
      this.#ask(out);
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      this.#refuse(chosen, error.message, now, out);
    }
  }

  /** This snapshot is of no use: on with the next. */
  #refuse(chosen: Offer, reason: string, now: Time, out: Effects<Wire>): void {
    out.observe('node/snapshot-refused', heightOf(chosen.manifest), reason);
    this.#refused.add(chosen.id);
    this.#offers.delete(chosen.id);
    this.#chosen = null;
    this.#assembler = null;
    this.#chunksAsked.clear();
    this.#phase = 'offers';
    this.#peers.broadcast({ type: 'getSnapshot' }, out);
    out.setTimer(TIMER, now + PATIENCE_US);
  }

  #onPiece(piece: Extract<Gossip, { readonly type: 'block' }>, peer: Peer, now: Time, out: Effects<Wire>): void {
    if (this.#phase !== 'block' || piece.height !== this.#host.chain.height) return;
    if (piece.index !== this.#pieces.length) return;
    this.#pieces.push(piece.bytes);
    if (this.#pieces.length < piece.total) return;
    const bytes = joinBytes(this.#pieces);
    this.#pieces = [];
    const found = this.#newestBlock(bytes);
    if (typeof found === 'string') {
      this.#host.drop(peer.connection, `block ${piece.height}: ${found}`, out, now);
      this.#ask(out);
    } else this.#finish(found, now, out);
  }

  /** The newest block of the restored state in these bytes, or why it is not that. */
  #newestBlock(bytes: Uint8Array): Committed | string {
    const { chain } = this.#host;
    try {
      const committed = decodeCommitted(bytes);
      const hash = valueIdOf(headerHash(decodeBlock(committed.block).header));
      if (hash !== valueIdOf(chain.newestHash)) return 'it is another block';
      const subject = { height: chain.height, value: hash };
      const fault =
        chain.lastValidators === null
          ? 'nobody voted on it'
          : verifyCommit(chain.chainId, chain.lastValidators, committed.commit as Commit, this.#scheme, subject);
      return fault ?? committed;
    } catch (error) {
      if (error instanceof DecodeError) return error.message;
      throw error;
    }
  }

  #finish(newest: Committed | null, now: Time, out: Effects<Wire>): void {
    this.#phase = 'done';
    out.cancelTimer(TIMER);
    this.#host.stateSynced(newest, now, out);
  }
}

/** What a node knows of the chain by itself: its newest block, or genesis. */
export function ownRootOf({ height, time, newestHash, validators }: Chain): Trusted {
  return { height, time, value: height === 0 ? null : valueIdOf(newestHash), nextValidators: validators };
}
