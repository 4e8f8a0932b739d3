/**
 * How the validators brought the chain forth: rounds, times from proposal to execution, turns, votes, lapses.
 *
 * A block is first heard of when some node has executed it; its commit is known with the next block, and other nodes
 * execute it later still. So a block is held for a while before its row is written; a node that comes by later than
 * that fetched the block, and is measured by how long it stood still instead.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { BlockResult, Chain } from '../../protocol/chain/chain.ts';
import type { ValidatorSet } from '../../protocol/consensus/validator-set.ts';
import type { Event } from '../../protocol/model/events.ts';
import { Histogram } from './histogram.ts';
import { ValidatorBooks } from './ledger-of-validators.ts';
import type { ValidatorMember } from './population.ts';
import type { Cell } from './types.ts';

/** Blocks that are held before their rows are written. */
const HELD = 64;

/** A block, from the first node that executed it until its row is written. Times are the world's, microseconds. */
interface HeldBlock {
  readonly height: number;
  /** block time */
  readonly time: number;
  readonly proposer: string;
  readonly set: ValidatorSet | null;
  /** The cells of its row that say what is in it. */
  readonly content: readonly Cell[];
  readonly proposedAt: number | null;
  round: number | null;
  signers: number | null;
  powerSigned: number | null;
  /** How long after the height's first proposal nodes had executed it. */
  readonly latencies: number[];
}

export interface ChainBooksOptions {
  readonly validators: readonly ValidatorMember[];
  readonly nameOf: (address: string) => string;
  /** Takes the rows of blocks.csv; null where nobody asked for them. */
  readonly onRow: ((cells: readonly Cell[]) => void) | null;
}

/** Counts of the whole run. */
export class ChainTally {
  /** Blocks whose commit is known: all but the newest. */
  committed = 0;
  /** Rounds beyond the first. */
  roundsExtra = 0;
  roundsMost = 0;
  missed = 0;
  /** Mean share of power that signed, summed over committed blocks. */
  signedShares = 0;
  fetched = 0;
  dropped = 0;
  jails = 0;
  unjails = 0;
  tombstoned = 0;
  offences = 0;
  slashed = 0n;
  setChanges = 0;
  /** Between the first executions of successive blocks. */
  readonly intervals = new Histogram();
  intervalMost = 0;
}

export class ChainBooks {
  readonly tally = new ChainTally();
  readonly validators = new Map<string, ValidatorBooks>();
  /** By node; all nodes are validators' nodes. */
  readonly #nodes = new Map<string, ValidatorBooks>();
  readonly #options: ChainBooksOptions;
  readonly latencies = new Histogram();
  readonly regions = new Map<string, Histogram>();
  /** When each height that is not decided yet was first proposed. */
  readonly #proposedAt = new Map<number, number>();
  /** The block that a node is about to execute, where it has fetched it. */
  readonly #fetching = new Map<string, number>();
  #held: HeldBlock[] = [];
  #newestAt = 0;
  #height = 0;
  #recentSum = 0;
  #recentCount = 0;

  constructor(options: ChainBooksOptions) {
    this.#options = options;
    for (const member of options.validators) {
      const books = new ValidatorBooks(member);
      this.validators.set(member.address, books);
      this.#nodes.set(member.name, books);
      if (member.region !== '' && !this.regions.has(member.region)) this.regions.set(member.region, new Histogram());
    }
  }

  /** What a node says of itself. */
  onObserve(node: string, time: number, metric: string, value: number): void {
    switch (metric) {
      case 'consensus/proposal':
        if (value > this.#height && !this.#proposedAt.has(value)) this.#proposedAt.set(value, time);
        return;
      case 'node/fetched':
        this.#fetching.set(node, value);
        return;
      case 'node/dropped':
        this.tally.dropped += 1;
        return;
      default:
    }
  }

  /** The chain has a block that it did not have before: `failed` and `bytes` are of its transactions. */
  onBlock(block: Block, result: BlockResult, chain: Chain, now: number, failed: number, bytes: number): void {
    const { height } = result;
    this.#countCommit(block);
    const content = [block.transactions.length, failed, block.facilitation.length, result.events.length, bytes];
    const set = chain.lastValidators;
    const proposer = this.validators.get(block.header.proposer);
    if (proposer !== undefined) proposer.proposed += 1;
    for (const { address, power } of set?.members ?? []) {
      const member = this.validators.get(address);
      if (member !== undefined) member.expected += power / (set as ValidatorSet).totalPower;
    }
    this.#held.push({
      height,
      time: result.time,
      proposer: block.header.proposer,
      set,
      content,
      proposedAt: this.#proposedAt.get(height) ?? null,
      round: null,
      signers: null,
      powerSigned: null,
      latencies: [],
    });
    this.#proposedAt.delete(height);
    if (height > 1) {
      this.tally.intervals.add((now - this.#newestAt) / 1e6);
      this.tally.intervalMost = Math.max(this.tally.intervalMost, now - this.#newestAt);
    }
    this.#newestAt = now;
    this.#height = height;
    for (const { body } of block.transactions) {
      const payer = this.validators.get(body.account);
      if (payer !== undefined) payer.fees += body.fee;
    }
    for (const event of result.events) this.#onEvent(event);
    if (this.#held.length > HELD) this.#write(this.#held.shift() as HeldBlock);
  }

  /** A node has executed a block. Comes after `onBlock` for the first that does. */
  onExecuted(node: string, height: number, now: number): void {
    const books = this.#nodes.get(node);
    // What a start executes again has been counted.
    if (books === undefined || height <= books.height) return;
    books.longestStall = books.stall(now);
    books.height = height;
    books.executedAt = now;
    if (this.#fetching.get(node) === height) {
      books.fetched += 1;
      this.tally.fetched += 1;
      return;
    }
    const first = this.#held[0]?.height ?? 0;
    const held = this.#held[height - first];
    if (held === undefined || held.proposedAt === null) return;
    const latency = now - held.proposedAt;
    held.latencies.push(latency);
    this.latencies.add(latency / 1e6);
    this.regions.get(books.member.region)?.add(latency / 1e6);
    this.#recentSum += latency;
    this.#recentCount += 1;
  }

  /** The commit that a block carries is of its parent, the newest that is held. */
  #countCommit({ lastCommit }: Block): void {
    const parent = this.#held.at(-1);
    if (lastCommit === null || parent?.set === null || parent?.height !== lastCommit.height) return;
    const signers = new Set(lastCommit.signatures.map(one => one.validator));
    let power = 0;
    for (const member of parent.set.members) {
      const books = this.validators.get(member.address);
      if (signers.has(member.address)) {
        power += member.power;
        if (books !== undefined) books.signed += 1;
      } else {
        this.tally.missed += 1;
        if (books !== undefined) books.missed += 1;
      }
    }
    parent.round = lastCommit.round;
    parent.signers = signers.size;
    parent.powerSigned = power / parent.set.totalPower;
    this.tally.committed += 1;
    this.tally.roundsExtra += lastCommit.round;
    this.tally.roundsMost = Math.max(this.tally.roundsMost, lastCommit.round + 1);
    this.tally.signedShares += parent.powerSigned;
  }

  #onEvent(event: Event): void {
    const { tally } = this;
    switch (event.type) {
      case 'ValidatorJailed': {
        tally.jails += 1;
        this.#slash(event.validator, event.burned);
        const books = this.validators.get(event.validator);
        if (books !== undefined) books.jails += 1;
        return;
      }
      case 'ValidatorUnjailed': {
        tally.unjails += 1;
        const books = this.validators.get(event.validator);
        if (books !== undefined) books.unjails += 1;
        return;
      }
      case 'ValidatorTombstoned': {
        tally.tombstoned += 1;
        const books = this.validators.get(event.validator);
        if (books !== undefined) books.tombstoned = true;
        return;
      }
      case 'OffencePunished':
        tally.offences += 1;
        this.#slash(event.validator, event.burned);
        return;
      case 'ValidatorSetChanged':
        tally.setChanges += 1;
        return;
      default:
    }
  }

  #slash(validator: string, burned: bigint): void {
    this.tally.slashed += burned;
    const books = this.validators.get(validator);
    if (books !== undefined) books.slashed += burned;
  }

  #write(held: HeldBlock): void {
    const { onRow, nameOf } = this.#options;
    if (onRow === null) return;
    const ordered = [...held.latencies].sort((left, right) => left - right);
    const at = (share: number): number | null =>
      ordered.length === 0 ? null : (ordered[Math.ceil(share * ordered.length) - 1] as number) / 1e6;
    onRow([
      held.height,
      held.time / 1e6,
      held.round,
      nameOf(held.proposer),
      held.signers,
      held.powerSigned,
      held.proposedAt === null ? null : held.proposedAt / 1e6,
      ordered.length,
      at(0.5),
      at(0.9),
      at(1),
      ...held.content,
    ]);
  }

  /** Mean time from proposal to execution since the last call, seconds; null when nothing was executed. */
  takeRecentLatency(): number | null {
    const mean = this.#recentCount === 0 ? null : this.#recentSum / this.#recentCount / 1e6;
    this.#recentSum = 0;
    this.#recentCount = 0;
    return mean;
  }

  /** Newest block of any node, and of the one that is furthest behind, in a region or anywhere. */
  heights(region: string | null = null): { readonly greatest: number; readonly least: number } {
    let greatest = 0;
    let least = this.#height;
    for (const { member, height } of this.validators.values()) {
      if (region !== null && member.region !== region) continue;
      greatest = Math.max(greatest, height);
      least = Math.min(least, height);
    }
    return { greatest, least };
  }

  /** At the end of the run: what is held gets its row. */
  finish(): void {
    for (const held of this.#held) this.#write(held);
    this.#held = [];
  }
}
