/**
 * Consensus on one height: from proposals, votes and timers to votes, timers and a decision.
 *
 * The driver keeps what arrived and looks, after everything that changes the state, at all facts that are true now: it
 * does not pass facts on as they come true. A polka that came before the step in which it matters, a value that came
 * after the votes for it, two thresholds reached by one vote: nothing can be missed or hide another, because the facts
 * stand in tallies that are looked up in constant time, and the state machine tells what happens for the first time.
 *
 * The host tells which values it holds and whether they are valid (`onValue`), at any time: before the proposal, after
 * it, after the votes. When a quorum stands behind a value of which the host has not spoken, the driver asks for it
 * (`need`). A lock and a decision need the value and the quorum, not the proposal: the honest among the quorum had it.
 *
 * Everything that arrives is verified already; own votes and proposals come in like all others, after they were signed.
 * Nothing here knows what a value is, how long a timer runs, or that there is a network.
 */
import { MAX_PROPOSAL_ROUNDS_AHEAD, Proposals } from './proposals.ts';
import {
  initialState,
  type RoundInput,
  type RoundOutput,
  type RoundState,
  type Step,
  type Timer,
  transition,
} from './round.ts';
import { type Commit, NO_ROUND, type Proposal, type ValueId, type Vote, type VoteKind, voteOfCommit } from './types.ts';
import type { ValidatorSet } from './validator-set.ts';
import { type Threshold, VoteKeeper } from './votes.ts';

export type { Step, Timer, TimerKind } from './round.ts';

export type DriverOutput =
  /** This validator proposes in this round and has no value: give one to `propose`. */
  | { readonly type: 'getValue'; readonly round: number }
  /** Sign and send this proposal, and give it to `onProposal`. */
  | { readonly type: 'propose'; readonly round: number; readonly value: ValueId; readonly polRound: number }
  /** Sign and send this vote, and give it to `onVote`. */
  | { readonly type: 'vote'; readonly kind: VoteKind; readonly round: number; readonly value: ValueId | null }
  /** Start this timer; when it ends give it to `onTimeout`. */
  | ({ readonly type: 'timeout' } & Timer)
  /** A quorum voted for this value and the host has not said whether it is valid: fetch it. Told once per value. */
  | { readonly type: 'need'; readonly round: number; readonly value: ValueId }
  /** This round has begun. */
  | { readonly type: 'newRound'; readonly round: number }
  /** The height is decided; nothing but evidence and late votes comes of it any more. */
  | { readonly type: 'decide'; readonly round: number; readonly value: ValueId }
  | { readonly type: 'evidence'; readonly of: 'vote'; readonly first: Vote; readonly second: Vote }
  | { readonly type: 'evidence'; readonly of: 'proposal'; readonly first: Proposal; readonly second: Proposal };

export interface DriverOptions {
  readonly height: number;
  readonly set: ValidatorSet;
  /** Own address; null, or an address outside the set, makes a follower: it decides, but neither proposes nor votes. */
  readonly own: string | null;
  /** Whose turn it is to propose. Pure; asked for rounds up to MAX_PROPOSAL_ROUNDS_AHEAD above the current one. */
  readonly proposerOf: (round: number) => string;
}

export interface Decision {
  readonly round: number;
  readonly value: ValueId;
}

const NOTHING: readonly DriverOutput[] = Object.freeze([]);

export class Driver {
  readonly height: number;
  readonly set: ValidatorSet;
  readonly own: string | null;
  readonly #proposerOf: (round: number) => string;
  readonly #votes: VoteKeeper;
  readonly #proposals = new Proposals();
  readonly #values = new Map<ValueId, boolean>();
  readonly #needed = new Set<ValueId>();
  /** Values with a quorum of precommits: one, unless a third of the power is faulty. */
  readonly #committed: Decision[] = [];
  #certificate: Commit | null = null;
  #state: RoundState;
  #decision: Decision | null = null;
  /** The round in which a value was asked for and not given yet, or NO_ROUND. */
  #asked = NO_ROUND;

  constructor({ height, set, own, proposerOf }: DriverOptions) {
    this.height = height;
    this.set = set;
    this.own = own !== null && set.has(own) ? own : null;
    this.#proposerOf = proposerOf;
    this.#votes = new VoteKeeper(set);
    this.#state = initialState(height);
  }

  /** NO_ROUND before `start`. */
  get round(): number {
    return this.#state.round;
  }

  get step(): Step {
    return this.#state.step;
  }

  get lockedValue(): ValueId | null {
    return this.#state.lockedValue;
  }

  get lockedRound(): number {
    return this.#state.lockedRound;
  }

  get validValue(): ValueId | null {
    return this.#state.validValue;
  }

  get validRound(): number {
    return this.#state.validRound;
  }

  get decision(): Decision | null {
    return this.#decision;
  }

  /** Begins the height at a round. Votes, proposals and values may have come before, and may have decided it. */
  start(round = 0): readonly DriverOutput[] {
    if (this.#state.step !== 'unstarted') return NOTHING;
    const out: DriverOutput[] = [];
    this.#begin(round, out);
    return this.#examine(out);
  }

  /** The value that `getValue` asked for, valid by its making. Ignored when it comes too late. */
  propose(round: number, value: ValueId): readonly DriverOutput[] {
    if (round !== this.#asked || round !== this.#state.round) return NOTHING;
    this.#asked = NO_ROUND;
    const out: DriverOutput[] = [];
    this.#judge(value, true);
    this.#feed({ type: 'ownValue', round, value }, out);
    return this.#examine(out);
  }

  /**
   * A proposal whose signature holds. After the decision only an offence comes of it. Ignored: another height, a round
   * out of bounds, not from whose turn it is, a proof-of-lock round not before its own, repetitions.
   */
  onProposal(proposal: Proposal): readonly DriverOutput[] {
    const { round, polRound } = proposal;
    if (proposal.height !== this.height) return NOTHING;
    if (round < 0 || round > Math.max(this.#state.round, 0) + MAX_PROPOSAL_ROUNDS_AHEAD) return NOTHING;
    if (polRound < NO_ROUND || polRound >= round) return NOTHING;
    if (proposal.proposer !== this.#proposerOf(round)) return NOTHING;
    const { kept, conflictsWith } = this.#proposals.add(proposal);
    if (!kept) return NOTHING;
    const out: DriverOutput[] = [];
    if (conflictsWith !== null) out.push({ type: 'evidence', of: 'proposal', first: conflictsWith, second: proposal });
    if (this.#decision !== null) return out;
    this.#note(this.#votes.addProposer(round, proposal.proposer), out);
    this.#votes.expect(round, proposal.value);
    // The polka that the proposal refers to may hang on an equivocator's vote.
    if (polRound >= 0) this.#votes.expect(polRound, proposal.value);
    return this.#examine(out);
  }

  /** The host holds a value and found it valid or not. Throws RangeError when it had found otherwise before. */
  onValue(value: ValueId, valid: boolean): readonly DriverOutput[] {
    if (!this.#judge(value, valid) || this.#decision !== null) return NOTHING;
    return this.#examine([]);
  }

  /** A vote whose signature holds. Ignored: another height, strangers, repetitions, bounds (see votes.ts). */
  onVote(vote: Vote): readonly DriverOutput[] {
    if (vote.height !== this.height || vote.round < 0) return NOTHING;
    const { reached, conflict } = this.#votes.add(vote);
    if (reached.length === 0 && conflict === null) return NOTHING;
    const out: DriverOutput[] = [];
    if (conflict !== null) out.push({ type: 'evidence', of: 'vote', ...conflict });
    this.#note(reached, out);
    return this.#examine(out);
  }

  /**
   * A whole commit, as laggards get it. It is held apart from the tallies, whose bounds on rounds might refuse some of
   * its votes. Ignored: another height, no quorum. Its signatures hold.
   */
  onCommit(commit: Commit): readonly DriverOutput[] {
    if (commit.height !== this.height || this.#decision !== null || this.#certificate !== null) return NOTHING;
    const seen = new Set<string>();
    let power = 0;
    for (const { validator, forValue } of commit.signatures) {
      if (!forValue || seen.has(validator)) continue;
      seen.add(validator);
      power += this.set.get(validator)?.power ?? 0;
    }
    if (!this.set.isQuorum(power)) return NOTHING;
    this.#certificate = commit;
    const out: DriverOutput[] = [];
    this.#note([{ type: 'value', kind: 'precommit', round: commit.round, value: commit.value }], out);
    return this.#examine(out);
  }

  /** A timer has ended. Timers of other heights and rounds are ignored. */
  onTimeout({ kind, height, round }: Timer): readonly DriverOutput[] {
    const out: DriverOutput[] = [];
    const before = this.#state;
    this.#feed({ type: 'timeout', kind, height, round }, out);
    return this.#state === before ? NOTHING : this.#examine(out);
  }

  /** Kept proposals of a round: more than one if the proposer equivocated. */
  proposals(round: number): readonly Proposal[] {
    return this.#proposals.of(round);
  }

  /** Whether a value is known to be valid (true) or invalid (false), or not known. */
  verdict(value: ValueId): boolean | undefined {
    return this.#values.get(value);
  }

  hasVote(kind: VoteKind, round: number, validator: string, value: ValueId | null): boolean {
    return this.#votes.has(kind, round, validator, value);
  }

  /** All votes of a step in the order of the set, those of equivocators included: what gossip sends. */
  votesOf(round: number, kind: VoteKind): Vote[] {
    return this.#votes.votesOf(kind, round);
  }

  /** What a quorum prevoted in a round: a value, nil (null), or undefined when there is none. */
  polka(round: number): ValueId | null | undefined {
    return this.#votes.quorumValue('prevote', round);
  }

  /** The prevotes that are the polka for a value (or nil), in the order of the set; none if it has no polka. */
  polkaVotes(round: number, value: ValueId | null): Vote[] {
    return this.#votes.hasQuorum('prevote', round, value) ? this.#votes.votesFor('prevote', round, value) : [];
  }

  /** The tallies, for lookups. */
  get votes(): Omit<VoteKeeper, 'add' | 'addProposer' | 'enterRound' | 'expect'> {
    return this.#votes;
  }

  /**
   * A peer claims a quorum for a value: its votes will be accepted even from those who voted otherwise before. Whoever
   * passes claims on bounds them, for instance to one per peer, round and step.
   */
  expect(round: number, value: ValueId): void {
    this.#votes.expect(round, value);
  }

  /**
   * Why the height is decided: the precommits of the deciding round for the value or for nil, in the order of the set.
   * It grows with precommits that come late. Null before the decision.
   */
  commit(): Commit | null {
    if (this.#decision === null) return null;
    const { round, value } = this.#decision;
    if (!this.#votes.hasQuorum('precommit', round, value)) return this.#certificate;
    const signatures = [];
    for (const { address: validator } of this.set.members) {
      const vote =
        this.#votes.find('precommit', round, validator, value) ?? this.#votes.find('precommit', round, validator, null);
      if (vote === undefined) continue;
      const { time, signature } = vote;
      signatures.push({ validator, forValue: vote.value !== null, time, signature });
    }
    return { height: this.height, round, value, signatures };
  }

  /** The votes of `commit`. */
  commitVotes(): Vote[] {
    const commit = this.commit();
    return commit === null ? [] : commit.signatures.map(one => voteOfCommit(commit, one));
  }

  #judge(value: ValueId, valid: boolean): boolean {
    const before = this.#values.get(value);
    if (before !== undefined && before !== valid)
      throw new RangeError(`the value ${value} was found ${before ? 'valid' : 'invalid'} before, now the contrary`);
    this.#values.set(value, valid);
    return before === undefined;
  }

  /** Remembers decided values, and asks for values that a quorum wants. */
  #note(reached: readonly Threshold[], out: DriverOutput[]): void {
    for (const one of reached) {
      if (one.type !== 'value' || one.value === null) continue;
      const { round, value } = one;
      if (one.kind === 'precommit') this.#committed.push({ round, value });
      if (this.#decision !== null || this.#values.has(value) || this.#needed.has(value)) continue;
      this.#needed.add(value);
      out.push({ type: 'need', round, value });
    }
  }

  #begin(round: number, out: DriverOutput[]): void {
    this.#votes.enterRound(round);
    out.push({ type: 'newRound', round });
    const proposer = this.own !== null && this.#proposerOf(round) === this.own;
    this.#feed({ type: 'newRound', round, proposer }, out);
  }

  /** Gives one fact to the state machine and carries out what it says. */
  #feed(input: RoundInput, out: DriverOutput[]): void {
    const { state, outputs } = transition(this.#state, input);
    this.#state = state;
    for (const output of outputs) this.#carryOut(output, out);
  }

  #carryOut(output: RoundOutput, out: DriverOutput[]): void {
    switch (output.type) {
      case 'newRound':
        this.#begin(output.round, out);
        return;
      case 'getValue':
        this.#asked = output.round;
        out.push(output);
        return;
      case 'propose':
        out.push(output);
        // The signer may refuse to sign a second proposal for a round; the proposer must not wait for itself for ever.
        if (output.polRound !== NO_ROUND)
          out.push({ type: 'timeout', kind: 'propose', height: this.height, round: output.round });
        return;
      case 'vote':
        if (this.own !== null) out.push(output);
        return;
      case 'decide':
        this.#decision = { round: output.round, value: output.value };
        out.push(output);
        return;
      case 'timeout':
        out.push(output);
        return;
    }
  }

  /** Gives the machine facts that hold until none changes its state any more. */
  #examine(out: DriverOutput[]): readonly DriverOutput[] {
    let before: RoundState;
    do {
      before = this.#state;
      this.#pass(out);
    } while (this.#state !== before);
    return out.length === 0 ? NOTHING : out;
  }

  /** One look at all facts, those of most consequence first: what decides or leaves the round makes the rest moot. */
  #pass(out: DriverOutput[]): void {
    if (this.#decision !== null) return;
    const committed = this.#committed.find(one => this.#values.get(one.value) === true);
    const { round, step } = this.#state;
    const higher = this.#votes.highestCrowded;
    if (committed !== undefined) this.#feed({ type: 'commitValue', ...committed }, out);
    else if (step === 'unstarted') return;
    else if (higher > round) this.#feed({ type: 'skipRound', round: higher }, out);
    else this.#lookAtRound(round, step, out);
  }

  #lookAtRound(round: number, step: Step, out: DriverOutput[]): void {
    if (step === 'propose') this.#lookAtProposals(round, out);
    const polka = this.#votes.quorumValue('prevote', round);
    if (polka === null) this.#feed({ type: 'polkaNil', round }, out);
    else if (polka !== undefined && this.#values.get(polka) === true)
      this.#feed({ type: 'polkaValue', round, value: polka }, out);
    if (this.#votes.hasQuorumOfAny('prevote', round)) this.#feed({ type: 'polkaAny', round }, out);
    if (this.#votes.hasQuorumOfAny('precommit', round)) this.#feed({ type: 'precommitAny', round }, out);
  }

  /** The first proposal of the round that can be answered yet; once one is, the machine is past this step. */
  #lookAtProposals(round: number, out: DriverOutput[]): void {
    for (const { value, polRound } of this.#proposals.of(round)) {
      const valid = this.#values.get(value);
      if (valid === false) this.#feed({ type: 'invalidProposal', round }, out);
      else if (valid && polRound === NO_ROUND) this.#feed({ type: 'proposal', round, value }, out);
      else if (valid && this.#votes.hasQuorum('prevote', polRound, value))
        this.#feed({ type: 'proposalWithPolka', round, value, polRound }, out);
    }
  }
}
