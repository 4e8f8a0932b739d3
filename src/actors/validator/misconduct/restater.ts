/**
 * Validators that say, consistently and to everybody, something else than their node: nil, or a lock nobody saw. Their
 * node does not hear of it, else it would accuse itself.
 */
import type { Proposal } from '../../../protocol/consensus/types.ts';
import type { Wire } from '../../wire.ts';
import { type Forger, withoutStatements } from './forger.ts';
import type { Note, Sending, Speech } from './tampered.ts';

/** Votes nil in every step of every round. */
export class NilVoter implements Speech {
  readonly #forger: Forger;
  constructor(forger: Forger) {
    this.#forger = forger;
  }

  hear(message: Wire): Wire | null {
    return withoutStatements(message, this.#forger.address);
  }

  distort(said: readonly Sending[], note: Note): readonly Sending[] {
    return said.map(one => {
      if (one.message.type !== 'votes') return one;
      const votes = one.message.votes.map(vote => {
        if (vote.validator !== this.#forger.address || vote.value === null) return vote;
        note('nil');
        return this.#forger.vote(vote, { value: null });
      });
      return { ...one, message: { type: 'votes' as const, votes } };
    });
  }
}

/** Claims for its proposals a polka in the round before, or in this very one where there is none before. */
export class WrongProofOfLock implements Speech {
  readonly #forger: Forger;
  constructor(forger: Forger) {
    this.#forger = forger;
  }

  hear(message: Wire): Wire | null {
    return withoutStatements(message, this.#forger.address);
  }

  distort(said: readonly Sending[], note: Note): readonly Sending[] {
    return said.map(one => {
      if (one.message.type !== 'proposal' || one.message.proposal.proposer !== this.#forger.address) return one;
      note('wrong-lock');
      return { ...one, message: { type: 'proposal' as const, proposal: this.#restate(one.message.proposal) } };
    });
  }

  #restate(proposal: Proposal): Proposal {
    const before = Math.max(0, proposal.round - 1);
    // Its node may have had a true one there.
    const polRound = proposal.polRound === before ? proposal.round : before;
    return this.#forger.proposal(proposal, { polRound });
  }
}
