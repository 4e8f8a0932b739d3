/** Changes small things in what it says: a round, a height, a value, a voter, a byte of a signature or of a part. */
import type { Chain } from '../../../protocol/chain/chain.ts';
import type { Proposal, ValueId, Vote } from '../../../protocol/consensus/types.ts';
import type { RandomStream } from '../../actor.ts';
import type { Wire } from '../../wire.ts';
import type { MutatedField, ValidatorConduct } from '../conduct.ts';
import { type Forger, withoutStatements } from './forger.ts';
import type { Note, Sending, Speech } from './tampered.ts';

export type Mutations = Pick<Extract<ValidatorConduct, { readonly kind: 'mutate' }>, 'share' | 'fields' | 'signed'>;

export class Mutator implements Speech {
  readonly #forger: Forger;
  readonly #settings: Mutations;
  readonly #chain: () => Chain;
  readonly #random: RandomStream;

  constructor(forger: Forger, settings: Mutations, chain: () => Chain, random: RandomStream) {
    this.#forger = forger;
    this.#settings = settings;
    this.#chain = chain;
    this.#random = random;
  }

  hear(message: Wire): Wire | null {
    return withoutStatements(message, this.#forger.address);
  }

  distort(said: readonly Sending[], note: Note): readonly Sending[] {
    return said.map(one => {
      const { message } = one;
      if (message.type !== 'votes' && message.type !== 'proposal' && message.type !== 'part') return one;
      if (this.#random.uniform() >= this.#settings.share) return one;
      note('mutated');
      return { ...one, message: this.#mutate(message) };
    });
  }

  #mutate(message: Extract<Wire, { readonly type: 'votes' | 'proposal' | 'part' }>): Wire {
    const { fields } = this.#settings;
    const field = fields[Math.floor(this.#random.uniform() * fields.length)]!;
    switch (message.type) {
      case 'votes':
        return { type: 'votes', votes: message.votes.map(vote => this.#mutateVote(vote, field)) };
      case 'proposal':
        return { type: 'proposal', proposal: this.#mutateProposal(message.proposal, field) };
      case 'part':
        return { ...message, part: { ...message.part, bytes: this.#flip(message.part.bytes) } };
    }
  }

  /** Votes of others cannot be signed again: they keep a signature that does not fit. */
  #mutateVote(vote: Vote, field: MutatedField): Vote {
    const changes: Partial<Vote> = {
      round: { round: vote.round + 1 + Math.floor(this.#random.uniform() * 10) },
      height: { height: vote.height + 1 },
      value: { value: vote.value === null ? 'e'.repeat(64) : flipValue(vote.value) },
      validator: { validator: this.#other() },
      signature: { signature: this.#flip(vote.signature) },
    }[field];
    const signs = this.#settings.signed && field !== 'signature' && vote.validator === this.#forger.address;
    return signs ? this.#forger.vote(vote, changes) : { ...vote, ...changes };
  }

  #mutateProposal(proposal: Proposal, field: MutatedField): Proposal {
    const changes: Partial<Proposal> = {
      round: { round: proposal.round + 1 + Math.floor(this.#random.uniform() * 10) },
      height: { height: proposal.height + 1 },
      value: { value: flipValue(proposal.value) },
      validator: { proposer: this.#other() },
      signature: { signature: this.#flip(proposal.signature) },
    }[field];
    const signs = this.#settings.signed && field !== 'signature' && proposal.proposer === this.#forger.address;
    return signs ? this.#forger.proposal(proposal, changes) : { ...proposal, ...changes };
  }

  #other(): string {
    const { members } = this.#chain().validators;
    return members[Math.floor(this.#random.uniform() * members.length)]!.address;
  }

  #flip(bytes: Uint8Array): Uint8Array {
    const copy = bytes.slice();
    const at = Math.floor(this.#random.uniform() * copy.length);
    if (copy.length > 0) copy[at]! ^= 1 << Math.floor(this.#random.uniform() * 8);
    return copy;
  }
}

function flipValue(value: ValueId): ValueId {
  return (value.startsWith('0') ? '1' : '0') + value.slice(1);
}
