/**
 * What a node tells light clients: header after header, each with what it proves of the block before it.
 *
 * A header names the events and the state of its parent, so what happened in a block can be proven from the next one on.
 * The newest blocks are kept with their events, so that a client which missed some, or which found out that another node
 * had kept something from it, is told all of it from where it stands.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { BlockResult, Chain } from '../../protocol/chain/chain.ts';
import { EventCommitment } from '../../protocol/chain/event-commitment.ts';
import { accountLeafName } from '../../protocol/chain/light-chain.ts';
import { equalBytes } from '../../protocol/codec/bytes.ts';
import { type LightBlock, lightBlockOf } from '../../protocol/consensus/light-block.ts';
import type { Commit } from '../../protocol/consensus/types.ts';
import type { ValidatorSet } from '../../protocol/consensus/validator-set.ts';
import type { Event } from '../../protocol/model/events.ts';
import type { ConnectionId, Effects } from '../actor.ts';
import { inMessages } from '../pieces.ts';
import type { HeaderMessage, ProvenLeaf, TopicBatch, Wire } from '../wire.ts';

type Header = Block['header'];
export type Follow = Extract<Wire, { readonly type: 'follow' }>;

/** Headers that one client is sent at a time; more of them with the next block. */
const BURST = 32;
/** Topics that a client may follow, and bytes of the name of one. */
const MAX_TOPICS = 256;
const MAX_TOPIC_LENGTH = 256;
const ACCOUNT_PREFIX = 'account/';

/** A block that clients may still be told of. */
class Recent {
  readonly header: Header;
  readonly #validators: ValidatorSet;
  readonly #next: ValidatorSet;
  readonly #events: readonly Event[];
  /** Null where it is not known yet: of the newest block after a restart. */
  commit: Commit | null;
  readonly leaves = new Map<string, ProvenLeaf>();
  #commitment: EventCommitment | null = null;
  readonly #batches = new Map<string, TopicBatch>();

  constructor(
    header: Header,
    commit: Commit | null,
    validators: ValidatorSet,
    next: ValidatorSet,
    events: readonly Event[],
  ) {
    this.header = header;
    this.commit = commit;
    this.#validators = validators;
    this.#next = next;
    this.#events = events;
  }

  get nextValidators(): ValidatorSet['members'] | null {
    return equalBytes(this.#validators.hash(), this.#next.hash()) ? null : this.#next.members;
  }

  get light(): LightBlock<Header> | null {
    return this.commit === null ? null : lightBlockOf(this.header, this.commit, this.#validators, this.#next);
  }

  /** The same object for everybody who follows the topic. */
  batch(topic: string): TopicBatch {
    const known = this.#batches.get(topic);
    if (known !== undefined) return known;
    this.#commitment ??= new EventCommitment(this.#events);
    const batch = { topic, events: this.#commitment.eventsOf(topic), proof: this.#commitment.prove(topic) };
    // An account's topic is followed by its owner alone.
    if (!topic.startsWith(ACCOUNT_PREFIX)) this.#batches.set(topic, batch);
    return batch;
  }
}

interface Follower {
  readonly serial: number;
  readonly topics: readonly string[];
  /** Height of the next header to be sent. */
  next: number;
}

export class LightFeed {
  /** Blocks that are kept; 0: nobody is served. */
  readonly #keep: number;
  readonly #recent = new Map<number, Recent>();
  #newest = 0;
  readonly #followers = new Map<ConnectionId, Follower>();
  /** How many follow an account. */
  readonly #accounts = new Map<string, number>();

  /** @param keep how many of the newest blocks are kept with their events */
  constructor(keep: number) {
    this.#keep = keep;
  }

  /** The light block of one of the newest heights, or null. */
  light(height: number): LightBlock<Header> | null {
    return this.#recent.get(height)?.light ?? null;
  }

  /**
   * A block was executed; the chain stands after it.
   * @param commit null where it is not known yet
   */
  add(block: Block, commit: Commit | null, result: BlockResult, chain: Chain): void {
    if (this.#keep === 0) return;
    const { height } = block.header;
    if (height !== this.#newest + 1) this.#recent.clear();
    const parent = this.#recent.get(height - 1);
    if (parent !== undefined) parent.commit ??= block.lastCommit;
    const voters = chain.lastValidators;
    if (voters === null) throw new Error(`nobody voted on block ${height}`);
    const recent = new Recent(block.header, commit, voters, chain.validators, result.events);
    this.#proveAccounts(block, recent, chain);
    this.#newest = height;
    this.#recent.set(height, recent);
    this.#recent.delete(height - this.#keep);
  }

  /** The commit of the newest block, when it was not known with the block. */
  commitOfNewest(commit: Commit): void {
    const newest = this.#recent.get(this.#newest);
    if (newest !== undefined && commit.height === this.#newest) newest.commit ??= commit;
  }

  /** Senders of transactions are shown where their account stands: only now is the state the one to prove it by. */
  #proveAccounts({ transactions }: Block, { leaves }: Recent, chain: Chain): void {
    for (const { body } of transactions) {
      if (!this.#accounts.has(body.account) || leaves.has(body.account)) continue;
      const leaf = accountLeafName(body.account);
      const { commitment } = chain;
      leaves.set(body.account, { leaf, bytes: commitment.leaf(leaf), proof: commitment.prove(leaf) });
    }
  }

  /** A client wants to follow; returns whether it asks for something that can be. */
  follow({ serial, from, topics }: Follow, connection: ConnectionId, out: Effects<Wire>): boolean {
    const isFit = (one: string): boolean => one.length <= MAX_TOPIC_LENGTH && one.isWellFormed();
    if (this.#keep === 0 || !isCount(serial) || !isCount(from)) return false;
    if (topics.length > MAX_TOPICS || !topics.every(isFit) || new Set(topics).size < topics.length) return false;
    this.remove(connection);
    const follower = { serial, topics: [...topics], next: from === 0 ? this.#newest + 1 : from };
    this.#followers.set(connection, follower);
    this.#count(follower, 1);
    this.#send(connection, follower, out);
    return true;
  }

  remove(connection: ConnectionId): void {
    const follower = this.#followers.get(connection);
    if (follower === undefined) return;
    this.#followers.delete(connection);
    this.#count(follower, -1);
  }

  #count({ topics }: Follower, by: 1 | -1): void {
    for (const topic of topics) {
      if (!topic.startsWith(ACCOUNT_PREFIX)) continue;
      const account = topic.slice(ACCOUNT_PREFIX.length);
      const count = (this.#accounts.get(account) ?? 0) + by;
      if (count === 0) this.#accounts.delete(account);
      else this.#accounts.set(account, count);
    }
  }

  /** Tells everybody what they do not know yet. */
  flush(out: Effects<Wire>): void {
    for (const [connection, follower] of this.#followers) this.#send(connection, follower, out);
  }

  #send(connection: ConnectionId, follower: Follower, out: Effects<Wire>): void {
    // Nothing can be said of a block whose events are gone: who is that far behind sees the gap.
    const oldest = this.#newest - this.#recent.size + 1;
    if (oldest > 1) follower.next = Math.max(follower.next, oldest + 1);
    for (let sent = 0; sent < BURST && follower.next <= this.#newest; sent++) {
      const header = this.#message(follower);
      if (header === null) return;
      const messages = inMessages(header);
      if (messages === null) {
        out.observe('node/too-large', follower.next, 'header');
        out.disconnect(connection);
        this.remove(connection);
        return;
      }
      for (const message of messages) out.send(connection, message);
      follower.next += 1;
    }
  }

  #message({ serial, topics, next }: Follower): HeaderMessage | null {
    const recent = this.#recent.get(next) as Recent;
    const parent = this.#recent.get(next - 1);
    const { header, commit, nextValidators } = recent;
    if (commit === null) return null;
    const batches = parent === undefined ? [] : topics.map(topic => parent.batch(topic));
    const leaves: ProvenLeaf[] = [];
    if (parent !== undefined && parent.leaves.size > 0) {
      for (const topic of topics) {
        const leaf = parent.leaves.get(topic.slice(ACCOUNT_PREFIX.length));
        if (leaf !== undefined && topic.startsWith(ACCOUNT_PREFIX)) leaves.push(leaf);
      }
    }
    return Object.freeze({ type: 'header' as const, serial, header, commit, nextValidators, batches, leaves });
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
