/**
 * The proposals of one height, by round.
 *
 * A proposer may send different proposals to different nodes. Two are kept per round: they are the evidence, and either
 * may be the one whose value arrives; a third would add nothing but memory. A quorum for a value whose proposal was not
 * kept still counts, since the driver asks for the value itself (see driver.ts).
 */
import type { Proposal } from './types.ts';

/** Rounds above the current one in which proposals are kept; gossip brings later ones again when their round comes. */
export const MAX_PROPOSAL_ROUNDS_AHEAD = 64;

const KEPT_PER_ROUND = 2;

const NONE: readonly Proposal[] = Object.freeze([]);

export interface ProposalAdded {
  readonly kept: boolean;
  /** The proposal that stood there before, when the two are an offence. Told once per round. */
  readonly conflictsWith: Proposal | null;
}

const DROPPED: ProposalAdded = Object.freeze({ kept: false, conflictsWith: null });

/** Whether two proposals of one round say the same. Their signatures may differ. */
export function sameProposal(left: Proposal, right: Proposal): boolean {
  return (
    left.value === right.value &&
    left.polRound === right.polRound &&
    left.parts === right.parts &&
    left.partsRoot.length === right.partsRoot.length &&
    left.partsRoot.every((byte, at) => byte === right.partsRoot[at])
  );
}

export class Proposals {
  readonly #rounds = new Map<number, Proposal[]>();

  /** In the order in which they came; at most two. */
  of(round: number): readonly Proposal[] {
    return this.#rounds.get(round) ?? NONE;
  }

  /** Rounds with a proposal, ascending. */
  rounds(): number[] {
    return [...this.#rounds.keys()].sort((left, right) => left - right);
  }

  /** Keeps a proposal that was found to come from the proposer of its round. */
  add(proposal: Proposal): ProposalAdded {
    const there = this.#rounds.get(proposal.round);
    if (there === undefined) {
      this.#rounds.set(proposal.round, [proposal]);
      return { kept: true, conflictsWith: null };
    }
    if (there.length >= KEPT_PER_ROUND || there.some(one => sameProposal(one, proposal))) return DROPPED;
    there.push(proposal);
    return { kept: true, conflictsWith: there[0]! };
  }
}
