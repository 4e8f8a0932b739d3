/**
 * One validator of several under a test's hand: no network and no other nodes. The test hands it inputs, speaks for the
 * other validators with their keys, reads off every effect in order, and may take its disk to another start as a crash
 * would have left it.
 */
import type { ConnectionId, Effects, Input, Time, TimerId } from '../../../src/actors/actor.ts';
import type { Part } from '../../../src/actors/gossip.ts';
import { DEFAULT_TIMEOUTS } from '../../../src/actors/validator/height.ts';
import { Node, type NodeOptions } from '../../../src/actors/validator/node.ts';
import { cutIntoParts } from '../../../src/actors/validator/parts.ts';
import type { Wire } from '../../../src/actors/wire.ts';
import { type Block, encodeBlock, headerHash } from '../../../src/protocol/chain/block.ts';
import { Chain, type ChainOptions } from '../../../src/protocol/chain/chain.ts';
import { keyedHashScheme } from '../../../src/protocol/codec/signature.ts';
import type { Rotation } from '../../../src/protocol/consensus/proposer.ts';
import {
  NO_ROUND,
  type Proposal,
  proposalSignBytes,
  type ValueId,
  type Vote,
  type VoteKind,
  valueIdOf,
  voteSignBytes,
} from '../../../src/protocol/consensus/types.ts';
import { keysOf, ValidatorNet } from '../../support/validator-net.ts';

const SECOND = 1_000_000;

export type Done =
  | { readonly effect: 'send'; readonly to: ConnectionId; readonly message: Wire }
  | { readonly effect: 'append'; readonly entry: Uint8Array }
  | { readonly effect: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly effect: 'observe'; readonly metric: string; readonly label: string }
  | { readonly effect: 'halt'; readonly reason: string }
  | { readonly effect: 'timer'; readonly id: TimerId; readonly at: Time }
  | { readonly effect: 'sync' | 'disconnect' | 'other'; readonly to: ConnectionId };

/** What is on a disk. */
export interface Disk {
  readonly firstIndex: number;
  readonly log: readonly Uint8Array[];
  readonly store: ReadonlyMap<string, Uint8Array>;
}

export const EMPTY_DISK: Disk = { firstIndex: 0, log: [], store: new Map() };

class Media implements Disk {
  firstIndex: number;
  readonly log: Uint8Array[];
  readonly store: Map<string, Uint8Array>;
  constructor({ firstIndex, log, store }: Disk) {
    this.firstIndex = firstIndex;
    this.log = [...log];
    this.store = new Map(store);
  }
  copy(): Disk {
    return new Media(this);
  }
}

/** An offer of a block: its name, and what its proposer would say. */
export interface Offered {
  readonly block: Block;
  readonly value: ValueId;
  readonly root: Uint8Array;
  readonly parts: readonly Part[];
}

/** A block as its proposer offers it. */
export function offerOf(block: Block): Offered {
  const value = valueIdOf(headerHash(block.header));
  return { block, value, ...cutIntoParts(value, encodeBlock(block)) };
}

export interface HandOptions {
  /** Whole AKASH; the node under test is the one at `index`. */
  readonly stakes?: readonly number[];
  readonly index?: number;
  readonly disk?: Disk;
  readonly node?: Partial<NodeOptions>;
}

export class NodeByHand implements Effects<Wire> {
  now: Time = SECOND;
  readonly done: Done[] = [];
  readonly node: Node;
  readonly chainOptions: ChainOptions;
  readonly addresses: readonly string[];
  readonly index: number;
  readonly timers = new Map<TimerId, Time>();
  /** By place of the validator. */
  readonly connections = new Map<number, ConnectionId>();
  /** The disk as the node sees it, and as it was at the last sync. */
  readonly #cached: Media;
  readonly #durable: Media;
  /** It remembers rounds that were computed. */
  #rotation: { readonly height: number; readonly of: Rotation } | null = null;
  #unsynced: ((media: Media) => void)[] = [];
  readonly #pending: Input<Wire>[] = [];

  constructor({ stakes = [10, 10, 10, 10], index = 0, disk = EMPTY_DISK, node = {} }: HandOptions = {}) {
    const net = new ValidatorNet({ stakes });
    this.addresses = net.addresses;
    this.index = index;
    this.chainOptions = { genesis: net.genesis, scheme: keyedHashScheme, commitEvery: 1, requireCommits: true };
    this.node = new Node({
      chain: this.chainOptions,
      validator: { address: this.addresses[index]!, keys: keysOf(`validator-${index}`) },
      dials: [],
      timeouts: DEFAULT_TIMEOUTS,
      mempool: { count: 1_000, bytes: 1 << 20 },
      keepBlocks: 1_000,
      snapshotEvery: 5,
      ...node,
    });
    this.#cached = new Media(disk);
    this.#durable = new Media(disk);
  }

  /** Starts the node, with peers for all other validators. */
  start(): this {
    const { firstIndex, log } = this.disk;
    log.forEach((entry, i) => {
      this.give({ kind: 'logged', index: firstIndex + i, entry });
    });
    this.give({ kind: 'recovered', incarnation: 0, workloads: [] });
    return this;
  }

  /** A peer calls, and says which validator it is. */
  meet(place: number, height = this.node.chain.height): ConnectionId {
    const connection = 100 + place;
    const peer = `validator-${place}`;
    this.connections.set(place, connection);
    this.give({ kind: 'connected', connection, peer, inbound: true });
    this.hear(place, { type: 'hello', chainId: 'net', validator: this.addresses[place]!, height });
    return connection;
  }

  meetAll(): this {
    this.addresses.forEach((_, place) => {
      if (place !== this.index) this.meet(place);
    });
    return this;
  }

  /** The height's first round begins. */
  begin(): this {
    return this.fire('height');
  }

  fire(id: TimerId): this {
    this.now = Math.max(this.now, this.timers.get(id) ?? 0);
    this.give({ kind: 'timer', id });
    return this;
  }

  /** A peer says something. */
  hear(place: number, message: Wire): void {
    const connection = this.connections.get(place);
    if (connection === undefined) throw new Error(`validator ${place} is not connected`);
    this.give({ kind: 'message', connection, from: `validator-${place}`, message });
  }

  /** Hands an input, and all that the world answers to it. */
  give(input: Input<Wire>): void {
    this.node.receive(input, this.now, this);
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift())
      this.node.receive(next, this.now, this);
  }

  // What others say.

  get height(): number {
    return this.node.chain.height + 1;
  }

  /** Place of the proposer of a round of the current height. */
  proposer(round: number): number {
    if (this.#rotation?.height !== this.height) this.#rotation = { height: this.height, of: this.node.chain.rotation };
    return this.addresses.indexOf(this.#rotation.of.proposer(round));
  }

  /** A block for the first height, as this validator would make it. */
  firstBlock(place: number): Offered {
    const chain = new Chain(this.chainOptions);
    return offerOf(chain.propose(chain.timeAfter(null), this.addresses[place]!, [], null));
  }

  vote(place: number, kind: VoteKind, round: number, value: ValueId | null, changes: Partial<Vote> = {}): Vote {
    const body = {
      kind,
      height: this.height,
      round,
      value,
      time: this.now,
      validator: this.addresses[place]!,
      ...changes,
    };
    const signature = keyedHashScheme.sign(keysOf(`validator-${place}`), voteSignBytes('net', body));
    return { ...body, signature };
  }

  proposal(place: number, round: number, offered: Offered, polRound = NO_ROUND): Proposal {
    const { value, root, parts } = offered;
    const body = {
      height: this.height,
      round,
      polRound,
      value,
      parts: parts.length,
      partsRoot: root,
      proposer: this.addresses[place]!,
    };
    return this.signedProposal(place, body);
  }

  /** A proposal with the signature of this validator, whatever it says. */
  signedProposal(place: number, body: Omit<Proposal, 'signature'>): Proposal {
    const signature = keyedHashScheme.sign(keysOf(`validator-${place}`), proposalSignBytes('net', body));
    return { ...body, signature };
  }

  /** Another validator proposes, with all parts. */
  hearOffer(place: number, round: number, offered: Offered, polRound = NO_ROUND): void {
    const { height } = this;
    this.hear(place, { type: 'proposal', proposal: this.proposal(place, round, offered, polRound) });
    this.hearParts(place, offered, height);
  }

  hearParts(place: number, { value, root, parts }: Offered, height = this.height): void {
    for (const part of parts) this.hear(place, { type: 'part', height, value, root, part });
  }

  /** Others vote. */
  hearVotes(places: readonly number[], kind: VoteKind, round: number, value: ValueId | null): void {
    for (const place of places) this.hear(place, { type: 'votes', votes: [this.vote(place, kind, round, value)] });
  }

  // What the node said.

  get sent(): readonly Wire[] {
    return this.done.flatMap(one => (one.effect === 'send' ? [one.message] : []));
  }

  /** Own votes that were sent, each once. */
  get votes(): readonly Vote[] {
    const own = this.addresses[this.index];
    return [...new Set(this.sent.flatMap(one => (one.type === 'votes' ? one.votes : [])))].filter(
      one => one.validator === own,
    );
  }

  /** Own votes in short: `prevote 0 VALUE` or `precommit 1 nil`. */
  get said(): readonly string[] {
    return this.votes.map(({ kind, round, value }) => `${kind} ${round} ${value?.slice(0, 8) ?? 'nil'}`);
  }

  get proposals(): readonly Proposal[] {
    return [...new Set(this.sent.flatMap(one => (one.type === 'proposal' ? [one.proposal] : [])))];
  }

  get halts(): readonly string[] {
    return this.done.flatMap(one => (one.effect === 'halt' ? [one.reason] : []));
  }

  get drops(): readonly string[] {
    return this.done.flatMap(one => (one.effect === 'observe' && one.metric === 'node/dropped' ? [one.label] : []));
  }

  /** The disk as it is, unsynced writes included. */
  get disk(): Disk {
    return this.#cached.copy();
  }

  /** The disk as it was at the last sync. */
  get durableDisk(): Disk {
    return this.#durable.copy();
  }

  #write(write: (media: Media) => void): void {
    write(this.#cached);
    this.#unsynced.push(write);
  }

  // What the node does.

  send(to: ConnectionId, message: Wire): void {
    this.done.push({ effect: 'send', to, message });
  }
  setTimer(id: TimerId, at: Time): void {
    this.timers.set(id, at);
    this.done.push({ effect: 'timer', id, at });
  }
  cancelTimer(id: TimerId): void {
    this.timers.delete(id);
  }
  append(entry: Uint8Array): void {
    this.#write(media => media.log.push(entry.slice()));
    this.done.push({ effect: 'append', entry });
  }
  truncateLog(index: number): void {
    this.#write(media => {
      media.log.splice(0, index - media.firstIndex);
      media.firstIndex = index;
    });
  }
  put(key: string, value: Uint8Array): void {
    this.#write(media => media.store.set(key, value.slice()));
    this.done.push({ effect: 'put', key, value });
  }
  delete(key: string): void {
    this.#write(media => media.store.delete(key));
  }
  get(key: string): void {
    this.#pending.push({ kind: 'got', key, value: this.#cached.store.get(key) ?? null });
  }
  scan(prefix: string): void {
    throw new Error(`nobody answers a scan of ${prefix}`);
  }
  sync(token?: number): void {
    for (const write of this.#unsynced) write(this.#durable);
    this.#unsynced = [];
    this.done.push({ effect: 'sync', to: -1 });
    if (token !== undefined) this.#pending.push({ kind: 'synced', token });
  }
  disconnect(to: ConnectionId): void {
    this.done.push({ effect: 'disconnect', to });
  }
  observe(metric: string, _value: number, label = ''): void {
    this.done.push({ effect: 'observe', metric, label });
  }
  halt(reason: string): void {
    this.done.push({ effect: 'halt', reason });
  }
  connect(): void {}
  readWorkloadLog(): void {}
  startWorkload(): void {}
  stopWorkload(): void {}
  openTunnel(): void {}
  closeTunnel(): void {}
  ask(): void {}
  reply(): void {}
}
