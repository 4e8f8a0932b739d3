/**
 * A light client: follows a chain by headers alone, asking several nodes and trusting none of them.
 *
 * It is a state machine without I/O. `needs` says which heights to ask for, `give` takes a node's answer and says what
 * came of it. What it comes to believe starts from a root: a genesis, or the value id of one block learned elsewhere.
 *
 * Headers may come from any one node; a bad one is refused and its giver named. A third or more of a set gone bad could
 * still sign two headers of one height, so the same height should be given by other nodes too. If one of them gives
 * another header, its whole way there is examined by its own blocks: either it cannot show one, and is named, or there
 * are two chains, and the client stops, for nobody can tell from headers which of them is right.
 */

import { type Believed, Bisection, type NodeFault } from './bisection.ts';
import { type Evidence, evidenceOfCommits } from './evidence.ts';
import {
  checkVerifyOptions,
  isExpired,
  type LightBlock,
  type LightHeader,
  type NodeName,
  type Trusted,
  type VerifyOptions,
  valueOrNull,
  verifyRoot,
} from './light-block.ts';
import type { ValueId } from './types.ts';

export interface LightClientOptions<H extends LightHeader> extends VerifyOptions<H> {
  /** Height by height, or as far as trust reaches in one step (the default). */
  readonly mode?: 'skipping' | 'sequential';
  /** Most headers kept, 2 or more (default 1,000); the lowest go first. */
  readonly capacity?: number;
}

/** Where trust begins. */
export type Root = Trusted | { readonly height: number; readonly value: ValueId };

/** A height to ask for, of one node, or of any where that is null. */
export interface Need {
  readonly height: number;
  readonly node: NodeName | null;
}

/** Two chains, each with all the signatures it needs. */
export interface Divergence<H extends LightHeader> {
  /** The lowest height at which two headers are known. */
  readonly height: number;
  readonly ours: LightBlock<H>;
  readonly theirs: LightBlock<H>;
  /** Who gave or confirmed ours, and who gave theirs. */
  readonly ourNodes: readonly NodeName[];
  readonly theirNode: NodeName;
  /** Validators who signed both in one round. Empty where the rounds differ: that shows nothing about anybody. */
  readonly evidence: readonly Evidence[];
}

/**
 * What came of a block. `ignored`: nobody asked for it. `going`: more is needed. `reached`: the height aimed at is
 * believed. `agreed`: another node has the same header. `refused`: see `fault`. `disputed`: another header than ours,
 * and nothing that is still trusted is old enough to say who lies. `expired`: trust ran out before the target was
 * reached; a new root is needed. `diverged`: there are two chains, see `divergence`.
 */
export type Outcome = 'ignored' | 'going' | 'reached' | 'agreed' | 'refused' | 'disputed' | 'expired' | 'diverged';

export interface Progress<H extends LightHeader> {
  readonly outcome: Outcome;
  /** Headers believed now and not before, heights rising. */
  readonly headers: readonly H[];
  /** The node to ask nothing more. */
  readonly fault: NodeFault | null;
}

/** Something believed; the genesis has no block. */
interface Kept<H extends LightHeader> {
  readonly trusted: Trusted;
  readonly block: LightBlock<H> | null;
  /** Who gave this header or the same one. */
  readonly nodes: NodeName[];
}

/** The examination of a node that gave another header. */
interface Inquiry<H extends LightHeader> {
  readonly way: Bisection<H>;
  /** What it contradicts. */
  readonly ours: Kept<H>;
  readonly believed: Believed<H>[];
}

/** Nodes examined at a time, and confirmations kept per header. */
const MAX_INQUIRIES = 16;
const MAX_CONFIRMATIONS = 64;
const DEFAULT_CAPACITY = 1_000;

export class LightClient<H extends LightHeader> {
  readonly #options: LightClientOptions<H>;
  readonly #isSequential: boolean;
  readonly #capacity: number;
  readonly #root: Root;
  /** By height, rising. */
  readonly #kept: Kept<H>[] = [];
  readonly #inquiries = new Map<NodeName, Inquiry<H>>();
  #aim: number | null = null;
  #way: Bisection<H> | null = null;
  #divergence: Divergence<H> | null = null;

  /** Throws RangeError for options that make no sense. */
  constructor(options: LightClientOptions<H>, root: Root) {
    checkVerifyOptions(options);
    this.#options = options;
    this.#isSequential = options.mode === 'sequential';
    this.#capacity = options.capacity ?? DEFAULT_CAPACITY;
    if (!Number.isSafeInteger(this.#capacity) || this.#capacity < 2) {
      throw new RangeError(`a light client that keeps ${this.#capacity} headers; at least 2 are needed`);
    }
    this.#root = root;
    if ('nextValidators' in root) this.#kept.push({ trusted: root, block: null, nodes: [] });
  }

  /** The highest that is believed, or null as long as the root's block has not come. */
  get latest(): Trusted | null {
    return this.#kept.at(-1)?.trusted ?? null;
  }

  /** The height aimed at, or null when it is reached. */
  get aim(): number | null {
    return this.#aim;
  }

  /** The two chains that were found; from then on the client takes nothing more. */
  get divergence(): Divergence<H> | null {
    return this.#divergence;
  }

  /** The believed header of a height, if it is kept. */
  header(height: number): H | undefined {
    return this.block(height)?.header;
  }

  /** The believed light block of a height, if it is kept. */
  block(height: number): LightBlock<H> | undefined {
    return this.#at(height)?.block ?? undefined;
  }

  /** Which nodes gave the believed header of a height. */
  confirmations(height: number): readonly NodeName[] {
    return this.#at(height)?.nodes ?? [];
  }

  /**
   * Sets out for a height, from the nearest below that is believed; what was aimed at before is given up. False if
   * nothing below it is kept, so that there is no way there.
   */
  aimAt(height: number): boolean {
    if (!Number.isSafeInteger(height) || height < 1) throw new RangeError(`no block has the height ${height}`);
    if (this.#aim === height) return true;
    if (this.#kept.length === 0) {
      if (height < this.#root.height) return false;
      this.#aim = height;
      return true;
    }
    if (this.#at(height) === undefined) {
      const base = this.#below(height);
      if (base === undefined) return false;
      this.#aim = height;
      this.#way = new Bisection(base.trusted, height, this.#options, this.#isSequential);
    } else this.#stop();
    return true;
  }

  /** What to ask for now: the way to the aim first, then the ways of nodes under examination. */
  needs(): readonly Need[] {
    if (this.#divergence !== null) return [];
    if (this.#kept.length === 0) return [{ height: this.#root.height, node: null }];
    const needs: Need[] = [];
    const height = this.#way?.need ?? null;
    if (height !== null) needs.push({ height, node: null });
    for (const [node, { way }] of this.#inquiries) if (way.need !== null) needs.push({ height: way.need, node });
    return needs;
  }

  /** Takes what a node answered. `now` is in microseconds, on a clock that is right to within the clock drift. */
  give(node: NodeName, block: LightBlock<H>, now: number): Progress<H> {
    const { height } = block.header;
    if (this.#divergence !== null) return progress('diverged');
    if (this.#kept.length === 0) return this.#giveRoot(node, block, now);
    const inquiry = this.#inquiries.get(node);
    if (inquiry !== undefined && inquiry.way.need === height) return this.#examine(node, inquiry, block, now);
    const kept = this.#at(height);
    if (kept !== undefined) return this.#compare(node, kept, block, now);
    const way = this.#way;
    if (way === null || way.need !== height) return progress('ignored');
    const { believed, fault, isExpired: isOver } = way.give(node, block, now);
    for (const one of believed) this.#keep({ trusted: one.trusted, block: one.block, nodes: [one.node] });
    const headers = believed.map(one => one.block.header);
    if (isOver) this.#stop();
    if (isOver) return { outcome: 'expired', headers, fault };
    if (fault !== null) return { outcome: 'refused', headers, fault };
    if (way.need !== null) return { outcome: 'going', headers, fault };
    this.#stop();
    return { outcome: 'reached', headers, fault };
  }

  /** Forgets a node that does not answer: what it gave and is not believed yet, and its examination. */
  drop(node: NodeName): void {
    this.#inquiries.delete(node);
    this.#way?.drop(node);
  }

  #stop(): void {
    this.#aim = null;
    this.#way = null;
  }

  #giveRoot(node: NodeName, block: LightBlock<H>, now: number): Progress<H> {
    const { height, value } = this.#root;
    if (block.header.height !== height || value === null) return progress('ignored');
    const said = verifyRoot({ height, value }, block, now, this.#options);
    if (said.verdict === 'SUCCESS') {
      this.#keep({ trusted: said.trusted, block, nodes: [node] });
      const aim = this.#aim;
      this.#aim = null;
      const isThere = aim === null || aim === height;
      if (!isThere) this.aimAt(aim);
      return { outcome: isThere ? 'reached' : 'going', headers: [block.header], fault: null };
    }
    if (said.verdict === 'INVALID' && said.fault !== 'expired') {
      return refused({ node, height, fault: said.fault, reason: said.reason });
    }
    return progress('expired');
  }

  /** A block of a height whose header is known: the same one, or the beginning of an examination. */
  #compare(node: NodeName, kept: Kept<H>, block: LightBlock<H>, now: number): Progress<H> {
    const { height } = block.header;
    if (kept.block === null) return progress('ignored');
    const value = valueOrNull(block.header, this.#options.idOf);
    if (value === null)
      return refused({ node, height, fault: 'malformed', reason: 'a header without canonical bytes' });
    if (value === kept.trusted.value) {
      if (!kept.nodes.includes(node) && kept.nodes.length < MAX_CONFIRMATIONS) kept.nodes.push(node);
      return progress('agreed');
    }
    if (height === this.#root.height) {
      return refused({ node, height, fault: 'root', reason: `a block ${value}, not ${kept.trusted.value}` });
    }
    // From the oldest that still counts: the nearer ones may themselves be of the wrong chain.
    const { trustingPeriod } = this.#options;
    const base = this.#kept.find(one => !isExpired(one.trusted, trustingPeriod, now));
    if (base === undefined || base.trusted.height >= height) return progress('disputed');
    if (this.#inquiries.has(node) || this.#inquiries.size >= MAX_INQUIRIES) return progress('ignored');
    // Always in the widest steps: what is asked is only whether there is such a chain at all.
    const way = new Bisection(base.trusted, height, this.#options, false);
    return this.#examine(node, { way, ours: kept, believed: [] }, block, now);
  }

  /** One more block of a node that gave another header than ours. */
  #examine(node: NodeName, inquiry: Inquiry<H>, block: LightBlock<H>, now: number): Progress<H> {
    const { believed, fault, isExpired: isOver } = inquiry.way.give(node, block, now);
    inquiry.believed.push(...believed);
    this.#inquiries.delete(node);
    if (fault !== null) return refused(fault);
    if (isOver) return progress('disputed');
    if (inquiry.way.need !== null) {
      this.#inquiries.set(node, inquiry);
      return progress('going');
    }
    this.#divergence = this.#divergenceOf(inquiry);
    this.#inquiries.clear();
    this.#stop();
    return progress('diverged');
  }

  /** Where the way of another node leaves ours, and who signed on both sides. */
  #divergenceOf({ ours: disputed, believed }: Inquiry<H>): Divergence<H> | null {
    let first: Divergence<H> | null = null;
    const evidence: Evidence[] = [];
    for (const { trusted, block: theirs, node: theirNode } of believed) {
      const { height, value } = trusted;
      // What is disputed may have been let go of meanwhile.
      const ours = height === disputed.trusted.height ? disputed : this.#at(height);
      if (ours === undefined || ours.block === null || ours.trusted.value === value) continue;
      evidence.push(...evidenceOfCommits(ours.block.commit, theirs.commit));
      first ??= { height, ours: ours.block, theirs, ourNodes: [...ours.nodes], theirNode, evidence };
    }
    return first;
  }

  #at(height: number): Kept<H> | undefined {
    const at = this.#placeOf(height);
    const kept = this.#kept[at];
    return kept?.trusted.height === height ? kept : undefined;
  }

  /** The highest kept below a height. */
  #below(height: number): Kept<H> | undefined {
    return this.#kept[this.#placeOf(height) - 1];
  }

  /** The first place with at least this height. */
  #placeOf(height: number): number {
    let low = 0;
    let high = this.#kept.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#kept[middle]!.trusted.height < height) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #keep(one: Kept<H>): void {
    this.#kept.splice(this.#placeOf(one.trusted.height), 0, one);
    if (this.#kept.length > this.#capacity) this.#kept.shift();
  }
}

function progress<H extends LightHeader>(outcome: Outcome): Progress<H> {
  return { outcome, headers: [], fault: null };
}

function refused<H extends LightHeader>(fault: NodeFault): Progress<H> {
  return { outcome: 'refused', headers: [], fault };
}
