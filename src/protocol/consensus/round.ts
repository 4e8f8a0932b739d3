/**
 * The state machine of one height: Algorithm 1 of "The latest gossip on BFT consensus" (arXiv 1807.04938).
 *
 * It is a pure function from a state and a fact to a state and what is to be done. Facts are already digested: "there
 * are prevotes of more than two thirds for v in this round", not a vote. Counting, keeping proposals and looking again
 * at what was pending after a change of step are the driver's work; time, signatures and the network are nobody's here.
 * The numbers in comments are the lines of the algorithm.
 *
 * A lock, once set, is only ever replaced by a lock of a later round. Nothing releases it: neither a quorum of nil
 * prevotes nor a later quorum for another value which this validator did not itself precommit.
 */
import { NO_ROUND, type ValueId, type VoteKind } from './types.ts';

export type Step = 'unstarted' | 'propose' | 'prevote' | 'precommit' | 'commit';

export type TimerKind = 'propose' | 'prevote' | 'precommit';

/** Names a timer. The machine never sees how long one runs. */
export interface Timer {
  readonly kind: TimerKind;
  readonly height: number;
  readonly round: number;
}

export interface RoundState {
  readonly height: number;
  /** NO_ROUND before the first round has begun. */
  readonly round: number;
  readonly step: Step;
  readonly lockedValue: ValueId | null;
  readonly lockedRound: number;
  /** The newest value known to have had a polka; what this validator proposes when its turn comes. */
  readonly validValue: ValueId | null;
  readonly validRound: number;
  /** Whether the prevote timer (34) and the precommit timer (47) of this round have been started. */
  readonly prevoteTimer: boolean;
  readonly precommitTimer: boolean;
}

/** A fact about the height. Facts of another round than the current one change nothing, unless said otherwise. */
export type RoundInput =
  /** 11: begin a round, above the current one. */
  | { readonly type: 'newRound'; readonly round: number; readonly proposer: boolean }
  /** The new value that `getValue` asked for. */
  | { readonly type: 'ownValue'; readonly round: number; readonly value: ValueId }
  /** 22: a valid value proposed without a proof-of-lock round. */
  | { readonly type: 'proposal'; readonly round: number; readonly value: ValueId }
  /** 28: a valid value proposed with the earlier round `polRound`, whose polka for it is known. */
  | { readonly type: 'proposalWithPolka'; readonly round: number; readonly value: ValueId; readonly polRound: number }
  /** 22 and 28 with an invalid value. */
  | { readonly type: 'invalidProposal'; readonly round: number }
  /** 34: prevotes of more than two thirds, for whatever. */
  | { readonly type: 'polkaAny'; readonly round: number }
  /** 36: a polka for a value that is known and valid. */
  | { readonly type: 'polkaValue'; readonly round: number; readonly value: ValueId }
  /** 44: a polka for nil. */
  | { readonly type: 'polkaNil'; readonly round: number }
  /** 47: precommits of more than two thirds, for whatever. */
  | { readonly type: 'precommitAny'; readonly round: number }
  /** 49: precommits of more than two thirds for a known and valid value, in any round whatsoever. */
  | { readonly type: 'commitValue'; readonly round: number; readonly value: ValueId }
  /** 55: more than a third is in this higher round. */
  | { readonly type: 'skipRound'; readonly round: number }
  /** 57, 61, 65 */
  | ({ readonly type: 'timeout' } & Timer);

export type RoundOutput =
  /** Obtain a new value and give it back as `ownValue`. */
  | { readonly type: 'getValue'; readonly round: number }
  | { readonly type: 'propose'; readonly round: number; readonly value: ValueId; readonly polRound: number }
  | { readonly type: 'vote'; readonly kind: VoteKind; readonly round: number; readonly value: ValueId | null }
  /** Start this timer. */
  | ({ readonly type: 'timeout' } & Timer)
  /** Begin this round: to be given back as `newRound`, with whose turn it is to propose. */
  | { readonly type: 'newRound'; readonly round: number }
  | { readonly type: 'decide'; readonly round: number; readonly value: ValueId };

export interface Transition {
  readonly state: RoundState;
  readonly outputs: readonly RoundOutput[];
}

const NOTHING: readonly RoundOutput[] = Object.freeze([]);

/** The state of a height before its first round. */
export function initialState(height: number): RoundState {
  return {
    height,
    round: NO_ROUND,
    step: 'unstarted',
    lockedValue: null,
    lockedRound: NO_ROUND,
    validValue: null,
    validRound: NO_ROUND,
    prevoteTimer: false,
    precommitTimer: false,
  };
}

/** What a fact changes. A fact without effect gives back the very same state and no outputs. */
export function transition(state: RoundState, input: RoundInput): Transition {
  switch (input.type) {
    case 'newRound':
      if (input.round <= state.round || state.step === 'commit') return unchanged(state);
      return beginRound(state, input.round, input.proposer);
    case 'commitValue':
      if (state.step === 'commit') return unchanged(state);
      return then({ ...state, step: 'commit' }, { type: 'decide', round: input.round, value: input.value });
    case 'skipRound':
      if (input.round <= state.round || state.step === 'unstarted' || state.step === 'commit') return unchanged(state);
      return then(state, { type: 'newRound', round: input.round });
    case 'timeout':
      if (input.height !== state.height || input.round !== state.round) return unchanged(state);
      return expire(state, input.kind);
    default:
      if (input.round !== state.round || state.step === 'unstarted') return unchanged(state);
      return inRound(state, input);
  }
}

type InRound = Exclude<RoundInput, { type: 'newRound' | 'commitValue' | 'skipRound' | 'timeout' }>;

/** Facts of the current round. */
function inRound(state: RoundState, input: InRound): Transition {
  const { round } = state;
  switch (input.type) {
    case 'ownValue':
      if (state.step !== 'propose') return unchanged(state);
      return then(state, { type: 'propose', round, value: input.value, polRound: NO_ROUND });
    case 'proposal':
      if (state.step !== 'propose') return unchanged(state);
      return prevote(state, state.lockedRound === NO_ROUND || state.lockedValue === input.value ? input.value : null);
    case 'proposalWithPolka': {
      if (state.step !== 'propose' || input.polRound < 0 || input.polRound >= round) return unchanged(state);
      // A polka as late as the lock or later shows that following it is safe. With one of the very round of the lock
      // the values are the same anyway, unless a third of the power is faulty; the algorithm says "at most".
      const free = state.lockedRound <= input.polRound || state.lockedValue === input.value;
      return prevote(state, free ? input.value : null);
    }
    case 'invalidProposal':
      return state.step === 'propose' ? prevote(state, null) : unchanged(state);
    case 'polkaAny':
      if (state.step !== 'prevote' || state.prevoteTimer) return unchanged(state);
      return then({ ...state, prevoteTimer: true }, { type: 'timeout', kind: 'prevote', height: state.height, round });
    case 'polkaValue':
      return polka(state, input.value);
    case 'polkaNil':
      return state.step === 'prevote' ? precommit(state, null) : unchanged(state);
    case 'precommitAny':
      if (state.precommitTimer) return unchanged(state);
      return then(
        { ...state, precommitTimer: true },
        { type: 'timeout', kind: 'precommit', height: state.height, round },
      );
  }
}

/** 11 to 21 */
function beginRound(before: RoundState, round: number, proposer: boolean): Transition {
  const state: RoundState = { ...before, round, step: 'propose', prevoteTimer: false, precommitTimer: false };
  if (proposer && state.validValue !== null)
    return then(state, { type: 'propose', round, value: state.validValue, polRound: state.validRound });
  const timer: RoundOutput = { type: 'timeout', kind: 'propose', height: state.height, round };
  // Obtaining a value may fail, so that the proposer of a new one has a timer too.
  return proposer ? { state, outputs: [{ type: 'getValue', round }, timer] } : then(state, timer);
}

/** 36 to 43. That this is the round's first is what a valid round other than the current one says. */
function polka(state: RoundState, value: ValueId): Transition {
  const { round, step } = state;
  if ((step !== 'prevote' && step !== 'precommit') || state.validRound === round) return unchanged(state);
  if (step === 'precommit') return { state: { ...state, validValue: value, validRound: round }, outputs: NOTHING };
  return precommit({ ...state, lockedValue: value, lockedRound: round, validValue: value, validRound: round }, value);
}

/** 57 to 67. The last has no condition on the step: whoever waits in an earlier one would stall the round. */
function expire(state: RoundState, kind: TimerKind): Transition {
  if (kind === 'propose') return state.step === 'propose' ? prevote(state, null) : unchanged(state);
  if (kind === 'prevote') return state.step === 'prevote' ? precommit(state, null) : unchanged(state);
  if (state.step === 'unstarted' || state.step === 'commit') return unchanged(state);
  return then(state, { type: 'newRound', round: state.round + 1 });
}

function prevote(state: RoundState, value: ValueId | null): Transition {
  return then({ ...state, step: 'prevote' }, { type: 'vote', kind: 'prevote', round: state.round, value });
}

function precommit(state: RoundState, value: ValueId | null): Transition {
  return then({ ...state, step: 'precommit' }, { type: 'vote', kind: 'precommit', round: state.round, value });
}

function then(state: RoundState, output: RoundOutput): Transition {
  return { state, outputs: [output] };
}

function unchanged(state: RoundState): Transition {
  return { state, outputs: NOTHING };
}
