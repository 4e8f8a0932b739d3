/**
 * Consensus from height to height: opens one after the other, holds what comes early, passes on what others may lack,
 * and asks for what is missing when a height does not get on.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { Chain } from '../../protocol/chain/chain.ts';
import type { SignatureScheme } from '../../protocol/codec/signature.ts';
import type { TimerKind } from '../../protocol/consensus/driver.ts';
import type { Evidence } from '../../protocol/consensus/evidence.ts';
import type { Commit, ValueId, Vote } from '../../protocol/consensus/types.ts';
import type { ConnectionId, Effects, Time, TimerId } from '../actor.ts';
import { type Gossip, MAX_VOTES } from '../gossip.ts';
import type { Wire } from '../wire.ts';
import { Height, type HeightHost, type Taken, TIMER_PREFIX, type Timeouts } from './height.ts';
import { InputLog } from './input-log.ts';
import { type Inventory, inventoryOf, sendMissing } from './inventory.ts';
import type { Peer, Peers } from './peers.ts';
import { Relaying } from './relaying.ts';
import type { Signer } from './signer.ts';

const START_TIMER = 'height';
const TICK_TIMER = 'gossip';
const RELAY_TIMER = 'relay';

/** A height that takes longer than this asks its peers for what it may lack, and again after each such time. */
const TICK_US = 1_000_000;
/** Votes are passed on together, those of this long. */
const RELAY_US = 20_000;
/** Messages of the next height that are held until this one is decided, of each peer, and bytes of blocks in them. */
const MAX_HELD = 2_048;
const MAX_HELD_BYTES = 16 * 1024 * 1024;

export type ConsensusMessage = Extract<Gossip, { readonly type: 'proposal' | 'part' | 'votes' }>;

/** What a peer sent too early. */
interface Held {
  readonly messages: ConsensusMessage[];
  bytes: number;
}

/** A block, its bytes, and why it is the chain's. */
export interface DecidedBlock {
  readonly block: Block;
  readonly bytes: Uint8Array;
  readonly commit: Commit;
}

export interface EngineOptions {
  readonly scheme: SignatureScheme;
  /** null for a node that only follows. */
  readonly signer: Signer | null;
  readonly timeouts: Timeouts;
  readonly peers: Peers;
}

/** What consensus asks of its node. */
export interface EngineHost {
  readonly chain: Chain;
  /** A block for the next height on top of this commit. */
  propose(lastCommit: Commit | null): Block;
  /** This block is the chain's next: put it into the store. */
  store(decided: DecidedBlock, out: Effects<Wire>): void;
  /** It is durable: execute it, tell everybody. */
  execute(decided: DecidedBlock, now: Time, out: Effects<Wire>): void;
  offence(evidence: Evidence): void;
  /** A peer sent what no honest node sends. */
  drop(peer: ConnectionId, reason: string, out: Effects<Wire>, now: Time): void;
}

export class Engine {
  readonly #options: EngineOptions;
  readonly #host: EngineHost;
  readonly log = new InputLog();
  #current: Height | null = null;
  /** The height before, which still collects late votes, and whose offences still count; null at a start. */
  #previous: Height | null = null;
  #lastCommit: Commit | null = null;
  /** Decided, and not yet known to be durable: nothing of it is visible, and nothing goes on, before it is. */
  #pending: (DecidedBlock & { readonly fetched: boolean }) | null = null;
  /** Who proposes in the first round of the current height. */
  #first = '';
  readonly #held = new Map<ConnectionId, Held>();
  readonly #relaying: Relaying;
  /** Who offered the values of the current height, each last: what its parts are passed on by. */
  readonly #offeredBy = new Map<ValueId, string>();
  #isTicking = false;
  #votesToRelay: { readonly vote: Vote; readonly from: ConnectionId }[] = [];

  constructor(options: EngineOptions, host: EngineHost) {
    this.#options = options;
    this.#host = host;
    this.#relaying = new Relaying(options.peers, options.signer?.address ?? null);
  }

  /** The height that is being decided; 0 before `resume`. */
  get height(): number {
    return this.#current?.height ?? 0;
  }

  /** Round of that height. */
  get round(): number {
    return Math.max(0, this.#current?.driver.round ?? 0);
  }

  /** Those to whom what this peer passes on unsigned, such as transactions, is to be passed on. */
  recipientsFrom(peer: Peer): readonly Peer[] {
    return this.#relaying.recipientsFrom(peer);
  }

  /** A peer has told whom it does not hear; returns whether an honest one can say this. */
  onLinks(peer: Peer, lacks: readonly string[]): boolean {
    return this.#relaying.onLinks(peer, lacks);
  }

  /** Takes up work where the chain and the log stand. `lastCommit`: of the newest block. */
  resume(lastCommit: Commit | null, now: Time, out: Effects<Wire>): void {
    this.#current?.cancelTimers(out);
    this.#previous = null;
    this.#lastCommit = lastCommit;
    const height = this.#host.chain.height + 1;
    const entries = this.log.takeRecovered(height);
    this.#current = this.#newHeight(height);
    if (entries.length === 0) this.log.startHeight(height);
    else {
      this.log.resumeHeight(height);
      this.#current.replay(entries, out);
    }
    if (this.#current.driver.step === 'unstarted') out.setTimer(START_TIMER, now + (height === 1 ? this.#interval : 0));
    else this.#tickAt(now, out);
    this.peersChanged(now, out);
    this.#settle(out);
  }

  /** Connections or the set changed: who must be served by passing on? */
  peersChanged(now: Time, out: Effects<Wire>): void {
    const { chain } = this.#host;
    for (const from of this.#held.keys()) if (this.#options.peers.get(from) === undefined) this.#held.delete(from);
    this.#relaying.update(chain.validators, chain.height + 1, now, out);
    const step = this.#current?.driver.step ?? 'unstarted';
    if (!this.#isTicking && step !== 'unstarted') this.#tickAt(now + TICK_US, out);
  }

  onTimer(id: TimerId, now: Time, out: Effects<Wire>): boolean {
    if (id === START_TIMER) {
      this.#lookBack(out);
      this.#current?.start(now, out);
      this.#tickAt(now + TICK_US, out);
    } else if (id === TICK_TIMER) this.#tick(now, out);
    else if (id === RELAY_TIMER) this.#relayVotes(out);
    else if (this.#relaying.onTimer(id, out)) return true;
    else if (typeof id === 'string' && id.startsWith(TIMER_PREFIX)) this.#onRoundTimer(id, now, out);
    else return false;
    this.#settle(out);
    return true;
  }

  /** Takes a message of consensus; says whether an honest peer can have sent it. */
  onMessage(message: ConsensusMessage, from: ConnectionId, now: Time, out: Effects<Wire>): boolean {
    if (this.#current === null) return true;
    const honest = this.#take(message, from, now, out);
    this.#settle(out);
    return honest;
  }

  /** Answers a stuck peer; returns whether the peer is ahead of this node. */
  onInventory(inventory: Inventory, peer: Peer, now: Time, out: Effects<Wire>): void {
    const current = this.#current;
    if (current === null || now < peer.answeredAt + TICK_US / 4) return;
    peer.answeredAt = now;
    const asked = inventory.height === current.height ? current : this.#previous;
    if (asked === null || asked.height !== inventory.height) return;
    this.#makeDurable(out);
    sendMissing(asked, inventory, peer, out);
  }

  /** Whether a decided block waits to be durable. */
  get isStoring(): boolean {
    return this.#pending !== null;
  }

  /** A block of this height that was decided elsewhere, and has been checked. */
  adopt(decided: DecidedBlock, out: Effects<Wire>): void {
    this.#store({ ...decided, fetched: true }, out);
  }

  /** The store is durable up to here; returns whether a block was executed. */
  onSynced(token: number, now: Time, out: Effects<Wire>): boolean {
    const pending = this.#pending;
    if (pending === null || token !== pending.block.header.height) return false;
    this.#pending = null;
    this.#previous = this.#current;
    this.#lastCommit = pending.commit;
    this.#host.execute(pending, now, out);
    this.#open(now + this.#interval, now, out);
    this.#settle(out);
    return true;
  }

  #take(message: ConsensusMessage, from: ConnectionId, now: Time, out: Effects<Wire>): boolean {
    if (message.type === 'votes') return message.votes.every(vote => this.#takeVoteFrom(vote, from, now, out));
    const current = this.#current as Height;
    const height = message.type === 'proposal' ? message.proposal.height : message.height;
    if (message.type === 'proposal' && height === this.#previous?.height)
      return this.#previous.onLateProposal(message.proposal) !== 'wrong';
    if (height !== current.height) return this.#hold(height, message, from);
    const taken =
      message.type === 'proposal'
        ? current.onProposal(message.proposal, now, out)
        : current.onPart(message.value, message.root, message.part, now, out);
    if (taken === 'new') this.#passOn(message, from, out);
    return taken !== 'wrong';
  }

  /** A proposal or a part, to those who do not hear who offers it. */
  #passOn(message: Exclude<ConsensusMessage, { type: 'votes' }>, from: ConnectionId, out: Effects<Wire>): void {
    if (message.type === 'proposal') this.#offeredBy.set(message.proposal.value, message.proposal.proposer);
    const author = message.type === 'proposal' ? message.proposal.proposer : this.#offeredBy.get(message.value);
    // The log may have brought back the proposal, and then nothing is known of who offered it but who sends its parts.
    const sender = this.#options.peers.get(from);
    const recipients =
      author !== undefined
        ? this.#relaying.recipients(author)
        : sender === undefined
          ? []
          : this.#relaying.recipientsFrom(sender);
    for (const { connection } of recipients) if (connection !== from) out.send(connection, message);
  }

  /** Keeps what is of the next height, within bounds. Anything else of another height is late or far ahead. */
  #hold(height: number, message: ConsensusMessage, from: ConnectionId): boolean {
    if (height !== (this.#current as Height).height + 1) return true;
    let held = this.#held.get(from);
    if (held === undefined) this.#held.set(from, (held = { messages: [], bytes: 0 }));
    const bytes = message.type === 'part' ? message.part.bytes.length : 0;
    if (held.messages.length >= MAX_HELD || held.bytes + bytes > MAX_HELD_BYTES) return true;
    held.messages.push(message);
    held.bytes += bytes;
    return true;
  }

  #takeVoteFrom(vote: Vote, from: ConnectionId, now: Time, out: Effects<Wire>): boolean {
    const taken = this.#takeVote(vote, now, out);
    if (taken === 'new' && this.#relaying.recipients(vote.validator).length > 0) {
      if (this.#votesToRelay.length === 0) out.setTimer(RELAY_TIMER, now + RELAY_US);
      this.#votesToRelay.push({ vote, from });
    }
    if (vote.height === (this.#current as Height).height + 1)
      this.#hold(vote.height, { type: 'votes', votes: [vote] }, from);
    return taken !== 'wrong';
  }

  #takeVote(vote: Vote, now: Time, out: Effects<Wire>): Taken {
    const current = this.#current as Height;
    if (vote.height === current.height) return current.onVote(vote, now, out);
    // Late precommits make the commit that the next block carries more complete.
    if (vote.height === this.#previous?.height) return this.#previous.onLate(vote);
    return 'old';
  }

  /**
   * Whoever proposes next asks what others saw of the height before: an equivocator that tells each half of the nodes
   * something else is found out by the first two that compare.
   */
  #lookBack(out: Effects<Wire>): void {
    const { peers, signer } = this.#options;
    if (this.#previous === null || this.#first !== signer?.address || peers.count === 0) return;
    peers.broadcast(inventoryOf(this.#previous, true), out);
  }

  #onRoundTimer(id: string, now: Time, out: Effects<Wire>): void {
    const [, kind, height, round] = id.split('/');
    if (Number(height) === this.#current?.height) this.#current.onTimeout(kind as TimerKind, Number(round), now, out);
  }

  #tick(now: Time, out: Effects<Wire>): void {
    if (this.#current === null || this.#current.driver.step === 'unstarted') return;
    if (this.#options.peers.count > 0) {
      this.#makeDurable(out);
      this.#options.peers.broadcast(inventoryOf(this.#current), out);
    }
    this.#tickAt(now + TICK_US, out);
  }

  /** Who has no peers has nobody to ask; the first that comes starts the ticking. */
  #tickAt(at: Time, out: Effects<Wire>): void {
    this.#isTicking = this.#options.peers.count > 0;
    if (this.#isTicking) out.setTimer(TICK_TIMER, at);
  }

  #relayVotes(out: Effects<Wire>): void {
    const byPeer = new Map<ConnectionId, Vote[]>();
    for (const { vote, from } of this.#votesToRelay) {
      for (const { connection } of this.#relaying.recipients(vote.validator)) {
        if (connection === from) continue;
        const votes = byPeer.get(connection);
        if (votes === undefined) byPeer.set(connection, [vote]);
        else votes.push(vote);
      }
    }
    this.#votesToRelay = [];
    for (const [connection, votes] of byPeer) {
      for (let at = 0; at < votes.length; at += MAX_VOTES)
        out.send(connection, { type: 'votes', votes: votes.slice(at, at + MAX_VOTES) });
    }
  }

  /** A height that is decided is stored, once. */
  #settle(out: Effects<Wire>): void {
    if (this.#pending !== null || this.#current === null || this.#current.decision === null) return;
    const { held, commit } = this.#current.decided;
    const { block, bytes } = held;
    this.#store({ block, bytes, commit, fetched: false }, out);
  }

  #store(decided: DecidedBlock & { readonly fetched: boolean }, out: Effects<Wire>): void {
    this.#pending = decided;
    this.#host.store(decided, out);
    out.sync(decided.block.header.height);
  }

  #open(startAt: Time, now: Time, out: Effects<Wire>): void {
    this.#current?.cancelTimers(out);
    if (this.#isTicking) out.cancelTimer(TICK_TIMER);
    this.#isTicking = false;
    const height = this.#host.chain.height + 1;
    this.#current = this.#newHeight(height);
    this.#offeredBy.clear();
    this.log.startHeight(height);
    this.peersChanged(now, out);
    out.setTimer(START_TIMER, startAt);
    const held = [...this.#held];
    this.#held.clear();
    for (const [from, { messages }] of held) {
      if (!messages.every(message => this.#take(message, from, now, out)))
        this.#host.drop(from, 'early messages that do not verify', out, now);
    }
  }

  /**
   * Before anything that was signed is seen by anybody: what led to it is durable, then the record of it. In this order,
   * for a record without the log would bind this validator to a block that nobody knows.
   */
  #makeDurable(out: Effects<Wire>): void {
    this.log.sync(out);
    if (this.#options.signer?.save(out)) out.sync();
  }

  get #interval(): number {
    return this.#host.chain.state.params.targetBlockInterval;
  }

  #newHeight(height: number): Height {
    const { chain } = this.#host;
    const { rotation } = chain;
    this.#first = rotation.proposer(0);
    return new Height(height, chain.validators, round => rotation.proposer(round), this.#hostOf(height, chain.time));
  }

  #hostOf(height: number, parentTime: Time): HeightHost {
    const { scheme, signer, timeouts, peers } = this.#options;
    return {
      chainId: this.#host.chain.chainId,
      scheme,
      signer,
      log: this.log,
      timeouts,
      parentTime,
      propose: () => this.#host.propose(this.#previous?.driver.commit() ?? this.#lastCommit),
      faultOfBlock: block =>
        block.header.height === height
          ? this.#host.chain.faultOfBlock(block)
          : `it is of height ${block.header.height}`,
      push: (message, out) => {
        // Where nobody listens nothing becomes visible; the block's own barrier will do.
        if (peers.count === 0) return;
        this.#makeDurable(out);
        peers.broadcast(message, out);
      },
      offence: evidence => this.#host.offence(evidence),
      observe: (metric, value, out) => out.observe(metric, value),
    };
  }
}
