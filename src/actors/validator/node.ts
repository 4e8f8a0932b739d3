/**
 * A node: keeps the chain with its peers, takes transactions in, answers questions and serves subscriptions. With the
 * keys of a validator it also proposes and votes; without, it follows.
 *
 * Durable before visible: a block is in the store, and the store synced, before anyone is told of it.
 */
import type { Block } from '../../protocol/chain/block.ts';
import { Chain } from '../../protocol/chain/chain.ts';
import { restoreChain, type Snapshot } from '../../protocol/chain/snapshot.ts';
import { heightOf, type TrustedPoint } from '../../protocol/chain/snapshot-manifest.ts';
import type { Transaction } from '../../protocol/chain/transaction.ts';
import type { Evidence } from '../../protocol/consensus/evidence.ts';
import type { Root } from '../../protocol/consensus/light-client.ts';
import type { Commit } from '../../protocol/consensus/types.ts';
import type { Actor, ConnectionId, Effects, Input, PeerName, Time, TimerId } from '../actor.ts';
import type { Gossip } from '../gossip.ts';
import { isLeaseWire } from '../lease-wire.ts';
import type { Wire } from '../wire.ts';
import { BlockStore, type Committed } from './block-store.ts';
import { BlockSync, type BlockSyncHost } from './block-sync.ts';
import { ClientDesk } from './client-desk.ts';
import { Dialer } from './dialer.ts';
import { type DecidedBlock, Engine, type EngineHost } from './engine.ts';
import { EvidencePool } from './evidence-pool.ts';
import { Intake } from './intake.ts';
import { LightFeed } from './light-feed.ts';
import { Mempool } from './mempool.ts';
import type { NodeOptions } from './node-options.ts';
import { Operator } from './operator.ts';
import { MAX_PEERS, newPeer, type Peer, Peers } from './peers.ts';
import { Recovery, type RecoveryHost } from './recovery.ts';
import { type NodeReport, type NodeRequest, peersReport, type SubmitReply } from './requests.ts';
import { Signer } from './signer.ts';
import { SnapshotStore } from './snapshot-store.ts';
import { ownRootOf, StateSync, type StateSyncHost } from './state-sync.ts';
import { StoreServer } from './store-server.ts';
import { Subscriptions } from './subscriptions.ts';

export type { NodeOptions } from './node-options.ts';

/** Blocks of which a node keeps the events when it is not told. */
const KEEP_EVENTS = 100;

export class Node implements Actor<Wire>, EngineHost, BlockSyncHost, StateSyncHost, RecoveryHost {
  readonly signer: Signer | null;
  readonly #options: NodeOptions;
  #chain: Chain;
  readonly #peers: Peers;
  readonly #dialer: Dialer;
  readonly #mempool: Mempool;
  readonly #evidence = new EvidencePool();
  readonly #engine: Engine;
  readonly #sync: BlockSync;
  /** While the state is being fetched. */
  #stateSync: StateSync | null = null;
  readonly #recovery: Recovery;
  readonly #store: BlockStore;
  readonly #server: StoreServer;
  readonly #snapshots: SnapshotStore;
  readonly #subscriptions = new Subscriptions();
  readonly #feed: LightFeed;
  readonly #intake: Intake;
  readonly #desk: ClientDesk;

  constructor(options: NodeOptions) {
    const { validator, timeouts } = options;
    const { scheme, genesis } = options.chain;
    this.#options = options;
    this.#chain = new Chain(options.chain);
    this.signer = validator === null ? null : new Signer(validator.address, genesis.chainId, validator.keys, scheme);
    this.#peers = new Peers(options.knows ?? null);
    this.#dialer = new Dialer(options.dials);
    this.#mempool = new Mempool(() => this.#chain, options.mempool);
    this.#engine = new Engine({ scheme, signer: this.signer, timeouts, peers: this.#peers }, this);
    this.#sync = new BlockSync(this.#peers, scheme, this);
    this.#recovery = new Recovery(this);
    this.#store = new BlockStore(options.keepBlocks);
    this.#server = new StoreServer(this.#store, () => this.#chain);
    this.#snapshots = new SnapshotStore(options.snapshotEvery);
    this.#feed = new LightFeed(this.#chain.hasCommitment ? (options.keepEvents ?? KEEP_EVENTS) : 0);
    const operator =
      validator === null
        ? null
        : new Operator({ ...validator, scheme, unjails: options.unjails ?? false, joins: options.joins ?? null });
    this.#intake = new Intake(this.#mempool, this.#peers, operator);
    this.#desk = new ClientDesk(() => this.#chain, this.#intake, this.#subscriptions, this.#feed);
  }

  get chain(): Chain {
    return this.#chain;
  }

  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): void {
    if (this.#dialer.receive(input, now, out)) return;
    switch (input.kind) {
      case 'logged':
        this.#engine.log.recover(input.index, input.entry);
        return;
      case 'recovered':
        this.#recovery.start(out);
        return;
      case 'got':
        if (!this.#recovery.receive(input, now, out)) this.#server.onGot(input.key, input.value, out);
        return;
      case 'connected':
        // Who calls says first whether it is a node or a client.
        if (!input.inbound) this.#welcome(input.connection, input.peer, now, out);
        return;
      case 'disconnected':
        this.#gone(input.connection, now, out);
        return;
      case 'timer':
        this.#onTimer(input.id, now, out);
        return;
      case 'synced':
        if (this.#engine.onSynced(input.token, now, out)) this.#sync.onExecuted(now, out);
        return;
      case 'message':
        this.#onMessage(input.connection, input.from, input.message, now, out);
        return;
      case 'request':
        this.#onRequest(input.id, input.request as NodeRequest, out);
        return;
      default:
        return;
    }
  }

  /** Whether it knows again what it knew before it was started. */
  get isRecovered(): boolean {
    return this.#recovery.isDone;
  }

  /** How it is, for whoever runs it. */
  report(): NodeReport {
    return {
      height: this.#chain.height,
      validator: this.signer?.address ?? null,
      round: this.#engine.round,
      isCatchingUp: this.#stateSync !== null || this.#sync.isRunning || !this.#recovery.isDone,
      peers: peersReport(this.#dialer.names, this.#peers.all),
      mempool: { count: this.#mempool.size, bytes: this.#mempool.bytes },
    };
  }

  // What consensus asks.

  propose(lastCommit: Commit | null): Block {
    const { chain } = this;
    const { validator } = this.#options;
    if (validator === null) throw new Error('a node without keys was asked to propose');
    const { address, keys } = validator;
    const reports = this.#evidence.reports(chain, address, keys, this.#options.chain.scheme);
    return chain.propose(chain.timeAfter(lastCommit), address, this.#mempool.pick(reports), lastCommit);
  }

  store({ block, bytes, commit }: DecidedBlock, out: Effects<Wire>): void {
    const { height } = block.header;
    this.#store.add(height, { commit, block: bytes }, this.#snapshots.neededFrom, out);
  }

  execute({ block, commit }: DecidedBlock, _now: Time, out: Effects<Wire>): void {
    const result = this.#chain.apply(block);
    this.#snapshots.saveIfDue(this.#chain, out);
    this.#options.watch?.(block, result, this.#chain, commit);
    this.#evidence.settle(this.#chain.state);
    this.#intake.settle(block, out);
    this.#subscriptions.collect(block, result);
    this.#subscriptions.flush(result.height, result.time, out);
    this.#feed.add(block, commit, result, this.#chain);
    this.#feed.flush(out);
    if (!this.#sync.isRunning) this.#intake.fromOperator(this.#chain, out);
  }

  offence(evidence: Evidence): void {
    this.#evidence.add(evidence);
  }

  // What block sync asks.

  get isStoring(): boolean {
    return this.#engine.isStoring;
  }

  adopt(decided: DecidedBlock, out: Effects<Wire>): void {
    out.observe('node/fetched', decided.block.header.height);
    this.#engine.adopt(decided, out);
  }

  disagree(reason: string, out: Effects<Wire>): void {
    out.halt(`more than two thirds decided a block that is invalid here: ${reason}`);
  }

  drop(connection: ConnectionId, reason: string, out: Effects<Wire>, now: Time): void {
    const peer = this.#peers.get(connection);
    out.observe('node/dropped', 1, `${peer?.name ?? 'client'}: ${reason}`);
    out.disconnect(connection);
    if (peer !== undefined) this.#dialer.ban(peer.name, now, out);
    this.#gone(connection, now, out);
  }

  // What recovery asks.

  restore(snapshot: Snapshot): void {
    const height = heightOf(snapshot.manifest);
    this.#chain = restoreChain(this.#options.chain, snapshot, null);
    this.#snapshots.restore(height, snapshot.chunks.length);
  }

  restoreKept(record: Uint8Array | null): void {
    this.#store.restore(record);
  }

  replay(block: Block): void {
    const result = this.#chain.apply(block);
    this.#feed.add(block, null, result, this.#chain);
    this.#options.watch?.(block, result, this.#chain, null);
  }

  recovered(lastCommit: Commit | null, now: Time, out: Effects<Wire>): void {
    this.#store.recovered(this.#snapshots.neededFrom, this.#chain.height, out);
    if (lastCommit !== null) this.#feed.commitOfNewest(lastCommit);
    this.#dialer.start(out);
    const { stateSync } = this.#options;
    if (stateSync === undefined || this.#chain.height > 0) {
      this.#engine.resume(lastCommit, now, out);
      return;
    }
    this.#startStateSync(stateSync.trust === 'genesis' ? ownRootOf(this.#chain) : stateSync.trust, now, out);
  }

  // What state sync asks.

  adoptSnapshot(snapshot: Snapshot, trusted: TrustedPoint): void {
    this.#chain = restoreChain(this.#options.chain, snapshot, trusted);
  }

  stateSynced(newest: Committed | null, now: Time, out: Effects<Wire>): void {
    this.#stateSync = null;
    const { height } = this.#chain;
    if (newest !== null) {
      this.#store.jumpTo(height, newest, out);
      this.#snapshots.save(this.#chain, out);
      out.observe('node/state-synced', height);
    }
    // Where no snapshot was to be had, a node that was under way stays where it is, and asks again when it is told more.
    if (newest !== null || height === 0) this.#engine.resume(newest?.commit ?? null, now, out);
    this.#sync.onPeers(now, out);
  }

  /** Nobody keeps the blocks any more that this node lacks. */
  #catchUpByState(now: Time, out: Effects<Wire>): void {
    if (this.#engine.isStoring) return;
    out.observe('node/beyond-reach', this.#chain.height);
    this.#startStateSync(ownRootOf(this.#chain), now, out);
  }

  #startStateSync(root: Root, now: Time, out: Effects<Wire>): void {
    this.#stateSync = new StateSync(this.#peers, this.#options.chain.scheme, root, this);
    this.#stateSync.start(now, out);
  }

  #onTimer(id: TimerId, now: Time, out: Effects<Wire>): void {
    if (this.#stateSync?.onTimer(id, now, out)) return;
    if (!this.#engine.onTimer(id, now, out)) this.#sync.onTimer(id, now, out);
  }

  #onMessage(connection: ConnectionId, from: PeerName, message: Wire, now: Time, out: Effects<Wire>): void {
    if (!this.#recovery.isDone) {
      // Not ready for anybody: whoever wants something tries again.
      if (message.type !== 'hello') out.disconnect(connection);
      else this.#onHello(connection, from, message, now, out);
      return;
    }
    switch (message.type) {
      case 'submit':
      case 'subscribe':
      case 'query':
      case 'follow': {
        const fault = this.#desk.receive(message, connection, from, out);
        if (fault !== null) this.#turnAway(connection, from, fault, now, out);
        return;
      }
      case 'hello':
        this.#onHello(connection, from, message, now, out);
        return;
      case 'getLight':
        this.#onGetLight(connection, message, out);
        return;
      case 'refused':
      case 'header':
      case 'events':
      case 'answer':
      case 'piece':
        // Only a node says this, and not to a node.
        this.#turnAway(connection, from, message.type, now, out);
        return;
      default: {
        const peer = this.#peers.get(connection);
        // What tenants and providers say to each other is nothing for a node.
        if (peer === undefined || isLeaseWire(message)) this.#turnAway(connection, from, message.type, now, out);
        else this.#onGossip(peer, message, now, out);
      }
    }
  }

  #onGossip(
    peer: Peer,
    message: Exclude<Gossip, { readonly type: 'hello' | 'getLight' }>,
    now: Time,
    out: Effects<Wire>,
  ): void {
    switch (message.type) {
      case 'proposal':
      case 'part':
      case 'votes':
        if (!this.#engine.onMessage(message, peer.connection, now, out))
          this.drop(peer.connection, `a ${message.type} that does not verify`, out, now);
        return;
      case 'links':
        if (!this.#engine.onLinks(peer, message.lacks))
          this.drop(peer.connection, `${message.lacks.length} validators that it lacks`, out, now);
        return;
      case 'inventory':
        if (message.height <= this.#chain.height && !message.decided) this.#tellHeight(peer, out);
        else this.#engine.onInventory(message, peer, now, out);
        return;
      case 'ahead':
        peer.height = message.height;
        peer.oldest = message.oldest;
        if (this.#stateSync !== null) return;
        if (this.#peers.areBeyondReach(this.#chain.height)) this.#catchUpByState(now, out);
        else this.#sync.onHeight(peer, now, out);
        return;
      case 'getBlock':
      case 'getSnapshot':
      case 'getChunk':
        this.#server.onQuestion(message, peer.connection, out);
        return;
      case 'block':
        peer.height = Math.max(peer.height, message.newest);
        if (this.#stateSync !== null) this.#stateSync.onMessage(message, peer, now, out);
        else this.#sync.onPiece(message, peer, now, out);
        return;
      case 'light':
      case 'snapshot':
      case 'chunk':
        this.#stateSync?.onMessage(message, peer, now, out);
        return;
      case 'relay':
        if (!this.#intake.fromPeer(message, () => this.#engine.recipientsFrom(peer), out))
          this.drop(peer.connection, 'a transaction with a signature that does not hold', out, now);
        return;
    }
  }

  /** Whoever says what is not for a node is not listened to any more. */
  #turnAway(connection: ConnectionId, from: PeerName, what: string, now: Time, out: Effects<Wire>): void {
    out.observe('peer/turned-away', 1, `${from}: ${what}`);
    out.disconnect(connection);
    this.#gone(connection, now, out);
  }

  /** Asked mostly for what is new: that is at hand, what is older is in the store. */
  #onGetLight(
    connection: ConnectionId,
    question: Extract<Gossip, { readonly type: 'getLight' }>,
    out: Effects<Wire>,
  ): void {
    const { height } = question;
    const block = this.#feed.light(height);
    if (block === null) this.#server.onQuestion(question, connection, out);
    else out.send(connection, { type: 'light', height, block });
  }

  get #network(): string {
    return this.#options.network ?? this.#chain.chainId;
  }

  #onRequest(id: number, request: NodeRequest, out: Effects<Wire>): void {
    out.reply(id, request.type === 'status' ? this.report() : this.#submit(request.tx, out));
  }

  #submit(tx: Transaction, out: Effects<Wire>): SubmitReply {
    // What others claim to have beyond it does not keep a node that is under way from what it does.
    if (!this.#recovery.isDone || (this.#stateSync !== null && this.#chain.height === 0))
      return { ok: false, code: 'not_ready', detail: 'the node does not know the state yet; expected once it does' };
    return this.#intake.fromOwner(tx, out);
  }

  #onHello(
    connection: ConnectionId,
    name: PeerName,
    hello: Extract<Gossip, { readonly type: 'hello' }>,
    now: Time,
    out: Effects<Wire>,
  ): void {
    if (hello.chainId !== this.#network) {
      this.#sendAway(connection, name, now, out);
      return;
    }
    const isFull = this.#peers.get(connection) === undefined && this.#peers.count >= MAX_PEERS;
    if (isFull || this.#dialer.isBanned(name, now)) {
      if (isFull) out.observe('node/full', 1, name);
      out.disconnect(connection);
      return;
    }
    const known = this.#peers.get(connection) ?? this.#welcome(connection, name, now, out);
    known.validator = hello.validator;
    known.height = hello.height;
    this.#engine.peersChanged(now, out);
    // One block behind is what consensus mends by itself.
    if (this.#stateSync !== null) this.#stateSync.onPeer(known, out);
    else if (this.#recovery.isDone && hello.height > this.#chain.height + 1) this.#sync.onHeight(known, now, out);
  }

  /** Who belongs to another network hears the name of this one; whom this node called, it leaves alone for a while. */
  #sendAway(connection: ConnectionId, name: PeerName, now: Time, out: Effects<Wire>): void {
    out.observe('node/other-network', 1, name);
    if (this.#peers.get(connection) === undefined) this.#greet(connection, out);
    else this.#dialer.ban(name, now, out);
    out.disconnect(connection);
    this.#gone(connection, now, out);
  }

  #welcome(connection: ConnectionId, name: PeerName, _now: Time, out: Effects<Wire>): Peer {
    const peer = newPeer(connection, name);
    this.#peers.add(peer);
    this.#greet(connection, out);
    return peer;
  }

  #greet(connection: ConnectionId, out: Effects<Wire>): void {
    const { height } = this.#chain;
    out.send(connection, { type: 'hello', chainId: this.#network, validator: this.signer?.address ?? '', height });
  }

  #tellHeight(peer: Peer, out: Effects<Wire>): void {
    out.send(peer.connection, { type: 'ahead', height: this.#chain.height, oldest: this.#store.oldest });
  }

  #gone(connection: ConnectionId, now: Time, out: Effects<Wire>): void {
    this.#subscriptions.remove(connection);
    this.#feed.remove(connection);
    if (this.#peers.get(connection) === undefined) return;
    this.#peers.remove(connection);
    this.#engine.peersChanged(now, out);
    this.#sync.onGone(connection, now, out);
  }
}
