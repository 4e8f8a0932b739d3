/**
 * One height as a validator lives it: turns messages and timers into inputs of the consensus core, and what the core
 * says into signatures, timers and messages.
 *
 * Inputs that count are logged; what is signed is logged and synced before it is sent. While a log is fed again after a
 * start, nothing is logged, and what was signed then is the answer to what would be signed now.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { SignatureScheme } from '../../protocol/codec/signature.ts';
import { type Decision, Driver, type DriverOutput, type TimerKind } from '../../protocol/consensus/driver.ts';
import { type Evidence, evidenceOfProposals, evidenceOfVotes } from '../../protocol/consensus/evidence.ts';
import { proposalHolds, voteHolds } from '../../protocol/consensus/holds.ts';
import { sameProposal } from '../../protocol/consensus/proposals.ts';
import type { Commit, Proposal, ValueId, Vote } from '../../protocol/consensus/types.ts';
import type { ValidatorSet } from '../../protocol/consensus/validator-set.ts';
import type { Effects, Time } from '../actor.ts';
import type { Part } from '../gossip.ts';
import type { Wire } from '../wire.ts';
import type { InputLog, LogEntry } from './input-log.ts';
import { joinBytes } from './parts.ts';
import type { Signer } from './signer.ts';
import { type HeldValue, Values } from './values.ts';

/** How long to wait in a round's step: `base + round x delta`, microseconds. */
export type Timeouts = { readonly [K in TimerKind]: { readonly base: number; readonly delta: number } };

export const DEFAULT_TIMEOUTS: Timeouts = {
  propose: { base: 3_000_000, delta: 500_000 },
  prevote: { base: 1_000_000, delta: 500_000 },
  precommit: { base: 1_000_000, delta: 500_000 },
};

/** What a height asks of its validator. */
export interface HeightHost {
  readonly chainId: string;
  readonly scheme: SignatureScheme;
  readonly signer: Signer | null;
  readonly log: InputLog;
  readonly timeouts: Timeouts;
  /** A block for this height. */
  propose(now: Time): Block;
  /** Why a block cannot be this height's, or null. */
  faultOfBlock(block: Block): string | null;
  /** Block time of the parent. */
  readonly parentTime: Time;
  /** To all peers, once what was signed is durable. */
  push(message: Wire, out: Effects<Wire>): void;
  offence(evidence: Evidence): void;
  observe(metric: string, value: number, out: Effects<Wire>): void;
}

/** What became of a message. `wrong`: no honest peer sends this. */
export type Taken = 'new' | 'old' | 'wrong';

export const TIMER_PREFIX = 'round/';

export class Height {
  readonly height: number;
  readonly driver: Driver;
  readonly values = new Values();
  readonly #host: HeightHost;
  /** Statements that the log brought back, by step; not null while it is fed again. */
  #answers: Map<string, Vote | Proposal> | null = null;
  /** Timers of the current round that have not ended, by id; while the log is fed again they do not run. */
  readonly #timers = new Map<string, Time>();
  #ownBlocks: Map<number, LoggedBlock> | null = null;

  constructor(height: number, set: ValidatorSet, proposerOf: (round: number) => string, host: HeightHost) {
    this.height = height;
    this.#host = host;
    this.driver = new Driver({ height, set, own: host.signer?.address ?? null, proposerOf });
  }

  get decision(): Decision | null {
    return this.driver.decision;
  }

  /** The decided block. Throws before the decision. */
  get decided(): { readonly held: HeldValue; readonly commit: Commit } {
    const commit = this.driver.commit();
    const held = commit === null ? undefined : this.values.get(commit.value);
    if (commit === null || held === undefined) throw new Error(`height ${this.height} is not decided`);
    return { held, commit };
  }

  start(now: Time, out: Effects<Wire>): void {
    this.#record({ type: 'start', at: now });
    this.#carryOut(this.driver.start(), now, out);
  }

  onTimeout(kind: TimerKind, round: number, now: Time, out: Effects<Wire>): void {
    const { driver, height } = this;
    this.#timers.delete(timerId(kind, height, round));
    const [roundBefore, stepBefore] = [driver.round, driver.step];
    const outputs = driver.onTimeout({ kind, height, round });
    // One that came too late to change anything is of no use to the log.
    if (driver.round === roundBefore && driver.step === stepBefore) return;
    this.#record({ type: 'timeout', at: now, kind, round });
    this.#carryOut(outputs, now, out);
  }

  /** A vote of this height from the network. */
  onVote(vote: Vote, now: Time, out: Effects<Wire>): Taken {
    const { driver } = this;
    const voter = driver.set.get(vote.validator);
    if (voter === undefined || driver.hasVote(vote.kind, vote.round, vote.validator, vote.value)) return 'old';
    const { chainId, scheme } = this.#host;
    if (!voteHolds(vote, chainId, voter.consensusKey, scheme)) return 'wrong';
    const outputs = driver.onVote(vote);
    // What is beyond bounds is not kept, and must not be passed on either: it would go round for ever.
    if (!driver.hasVote(vote.kind, vote.round, vote.validator, vote.value)) return 'old';
    this.#record({ type: 'vote', at: now, vote });
    this.#carryOut(outputs, now, out);
    return 'new';
  }

  /** A vote that comes when the height is decided: it makes the commit more complete, or shows an offence. */
  onLate(vote: Vote): Taken {
    const { driver } = this;
    const voter = driver.set.get(vote.validator);
    if (voter === undefined || driver.hasVote(vote.kind, vote.round, vote.validator, vote.value)) return 'old';
    const { chainId, scheme } = this.#host;
    if (!voteHolds(vote, chainId, voter.consensusKey, scheme)) return 'wrong';
    this.#report(driver.onVote(vote));
    return driver.hasVote(vote.kind, vote.round, vote.validator, vote.value) ? 'new' : 'old';
  }

  /** A proposal that comes when the height is decided: it can show an offence. */
  onLateProposal(proposal: Proposal): Taken {
    const fault = this.#faultOfProposal(proposal);
    if (fault !== null) return fault;
    this.#report(this.driver.onProposal(proposal));
    return this.driver.proposals(proposal.round).includes(proposal) ? 'new' : 'old';
  }

  onProposal(proposal: Proposal, now: Time, out: Effects<Wire>): Taken {
    const { driver } = this;
    const fault = this.#faultOfProposal(proposal);
    if (fault !== null) return fault;
    const outputs = driver.onProposal(proposal);
    // Of somebody whose turn it is not, or a third one of a round.
    if (!driver.proposals(proposal.round).includes(proposal)) return 'old';
    this.#record({ type: 'proposal', at: now, proposal });
    this.values.expect(proposal);
    this.#carryOut(outputs, now, out);
    return 'new';
  }

  #faultOfProposal(proposal: Proposal): 'old' | 'wrong' | null {
    const { driver } = this;
    const proposer = driver.set.get(proposal.proposer);
    if (proposer === undefined || driver.proposals(proposal.round).some(one => sameProposal(one, proposal)))
      return 'old';
    const { chainId, scheme } = this.#host;
    return proposalHolds(proposal, chainId, proposer.consensusKey, scheme) ? null : 'wrong';
  }

  onPart(value: ValueId, root: Uint8Array, part: Part, now: Time, out: Effects<Wire>): Taken {
    if (this.values.get(value) !== undefined) return 'old';
    const taken = this.values.addPart(value, root, part);
    switch (taken) {
      case 'wrong':
        return 'wrong';
      case 'other':
        return 'old';
      case 'kept':
        return 'new';
      case 'spoiled':
        this.#host.observe('consensus/spoiled-block', 1, out);
        return 'new';
      default:
        if (this.#answers === null) this.#host.log.appendBlock(now, taken, 'received', 0);
        this.#judge(taken, now, out);
        return 'new';
    }
  }

  /** The height is over: its timers have nothing to say any more. */
  cancelTimers(out: Effects<Wire>): void {
    for (const id of this.#timers.keys()) out.cancelTimer(id);
    this.#timers.clear();
  }

  /**
   * Feeds the entries that a start brought back. What they led to then is not said, told or logged again; of the timers
   * those of the round in which this ends run on, to the deadlines that they had.
   */
  replay(entries: readonly LogEntry[], out: Effects<Wire>): void {
    this.#answers = new Map();
    this.#ownBlocks = new Map();
    const whole = joinPieces(entries);
    for (const one of whole) {
      if (one.type === 'signedVote') this.#answers.set(stepKey(one.vote.kind, one.vote.round), one.vote);
      else if (one.type === 'signedProposal') this.#answers.set(stepKey('proposal', one.proposal.round), one.proposal);
      else if (one.type === 'block' && one.whose === 'own') this.#ownBlocks.set(one.round, one);
    }
    for (const one of whole) this.#replayOne(one, out);
    this.#answers = null;
    this.#ownBlocks = null;
    for (const [id, at] of this.#timers) out.setTimer(id, at);
  }

  #replayOne(one: WholeEntry, out: Effects<Wire>): void {
    switch (one.type) {
      case 'start':
        this.start(one.at, out);
        return;
      case 'timeout':
        this.onTimeout(one.kind, one.round, one.at, out);
        return;
      case 'vote':
        this.onVote(one.vote, one.at, out);
        return;
      case 'proposal':
        this.onProposal(one.proposal, one.at, out);
        return;
      case 'block':
        if (one.whose === 'received') this.#judge(this.#fromLog(one), one.at, out);
        return;
      default:
        // What was signed is an answer, not an input.
        return;
    }
  }

  /** What is logged was a block before it was. */
  #fromLog({ value, bytes }: LoggedBlock): HeldValue {
    const held = this.values.addBytes(value, bytes);
    if (held === null) throw new Error(`the log holds other bytes than those of block ${value}`);
    return held;
  }

  #judge(held: HeldValue, now: Time, out: Effects<Wire>): void {
    const fault = this.#host.faultOfBlock(held.block);
    if (fault !== null) this.#host.observe('consensus/invalid-block', 1, out);
    this.#carryOut(this.driver.onValue(held.value, fault === null), now, out);
  }

  #record(one: LogEntry): void {
    if (this.#answers === null) this.#host.log.append(one);
  }

  #carryOut(outputs: readonly DriverOutput[], now: Time, out: Effects<Wire>): void {
    const queue = [...outputs];
    for (let i = 0; i < queue.length; i++) {
      for (const more of this.#carryOutOne(queue[i]!, now, out)) queue.push(more);
    }
  }

  #carryOutOne(output: DriverOutput, now: Time, out: Effects<Wire>): readonly DriverOutput[] {
    switch (output.type) {
      case 'getValue':
        return this.#makeValue(output.round, now);
      case 'propose':
        return this.#propose(output.round, output.value, output.polRound, out);
      case 'vote':
        return this.#vote(output.kind, output.round, output.value, now, out);
      case 'timeout': {
        const { base, delta } = this.#host.timeouts[output.kind];
        const id = timerId(output.kind, this.height, output.round);
        const at = now + base + output.round * delta;
        this.#timers.set(id, at);
        if (this.#answers === null) out.setTimer(id, at);
        return [];
      }
      case 'evidence':
        this.#report([output]);
        return [];
      case 'newRound':
        // Of the rounds before, no timer means anything any more.
        if (this.#answers === null) this.cancelTimers(out);
        else this.#timers.clear();
        if (output.round > 0) this.#observe('consensus/round', output.round, out);
        return [];
      default:
        // `need` is answered by asking peers for what is missing; `decide` is read off the driver.
        return [];
    }
  }

  /** What happened once is not seen again while the log is fed. */
  #observe(metric: string, value: number, out: Effects<Wire>): void {
    if (this.#answers === null) this.#host.observe(metric, value, out);
  }

  #report(outputs: readonly DriverOutput[]): void {
    for (const output of outputs) {
      const evidence = output.type === 'evidence' ? evidenceOf(output) : null;
      if (evidence !== null) this.#host.offence(evidence);
    }
  }

  #makeValue(round: number, now: Time): readonly DriverOutput[] {
    const logged = this.#ownBlocks?.get(round);
    const held = logged === undefined ? this.values.addOwn(this.#host.propose(now)) : this.#fromLog(logged);
    if (logged === undefined) this.#host.log.appendBlock(now, held, 'own', round);
    return this.driver.propose(round, held.value);
  }

  #propose(round: number, value: ValueId, polRound: number, out: Effects<Wire>): readonly DriverOutput[] {
    const { signer, log } = this.#host;
    const held = this.values.get(value);
    if (signer === null || held === undefined) return [];
    const logged = this.#answers?.get(stepKey('proposal', round)) as Proposal | undefined;
    const unsigned = {
      height: this.height,
      round,
      polRound,
      value,
      parts: held.parts.length,
      partsRoot: held.root,
    };
    const proposal = logged ?? signer.signProposal(unsigned);
    if (proposal === null || proposal.value !== value) return [];
    if (this.driver.set.size > 1) this.#observe('consensus/proposal', this.height, out);
    const { height } = this;
    if (logged === undefined) {
      log.append({ type: 'signedProposal', proposal });
      this.#host.push({ type: 'proposal', proposal }, out);
      for (const part of held.parts) this.#host.push({ type: 'part', height, value, root: held.root, part }, out);
    }
    return this.driver.onProposal(proposal);
  }

  #vote(
    kind: Vote['kind'],
    round: number,
    value: ValueId | null,
    now: Time,
    out: Effects<Wire>,
  ): readonly DriverOutput[] {
    const { signer, log } = this.#host;
    if (signer === null) return [];
    const logged = this.#answers?.get(stepKey(kind, round)) as Vote | undefined;
    // A vote is dated after the block it is for, or after the parent where that is unknown.
    const after = (value === null ? undefined : this.values.get(value)?.block.header.time) ?? this.#host.parentTime;
    const unsigned = { kind, height: this.height, round, value, time: Math.max(now, after + 1) };
    const vote = logged ?? signer.signVote(unsigned);
    if (vote === null || vote.value !== value) return [];
    if (logged === undefined) {
      log.append({ type: 'signedVote', vote });
      this.#host.push({ type: 'votes', votes: [vote] }, out);
    }
    return this.driver.onVote(vote);
  }
}

function evidenceOf(output: Extract<DriverOutput, { readonly type: 'evidence' }>): Evidence | null {
  return output.of === 'vote'
    ? evidenceOfVotes(output.first, output.second)
    : evidenceOfProposals(output.first, output.second);
}

function timerId(kind: TimerKind, height: number, round: number): string {
  return `${TIMER_PREFIX}${kind}/${height}/${round}`;
}

function stepKey(step: string, round: number): string {
  return `${step}/${round}`;
}

interface LoggedBlock {
  readonly type: 'block';
  readonly at: number;
  readonly value: ValueId;
  readonly bytes: Uint8Array;
  readonly whose: 'received' | 'own';
  readonly round: number;
}

type WholeEntry = Exclude<LogEntry, { readonly type: 'piece' }> | LoggedBlock;

/** Puts the pieces of blocks together. Pieces without their last one are of a block that the log did not get whole. */
function joinPieces(entries: readonly LogEntry[]): WholeEntry[] {
  const whole: WholeEntry[] = [];
  let pieces: Uint8Array[] = [];
  for (const one of entries) {
    if (one.type !== 'piece') {
      pieces = [];
      whole.push(one);
      continue;
    }
    pieces.push(one.bytes);
    if (one.last === 'no') continue;
    const bytes = joinBytes(pieces);
    pieces = [];
    whole.push({ type: 'block', at: one.at, value: one.value, bytes, whose: one.last, round: one.round });
  }
  return whole;
}
