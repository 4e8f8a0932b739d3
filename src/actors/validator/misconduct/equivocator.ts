/**
 * Says one thing to half of its peers and another to the other half.
 *
 * Halves are made by name, so that several equivocators make the same ones. The half that is lied to always hears the
 * same lie: whatever is said again, because something was lost, is said as the first time. Its own node hears nothing of
 * its other statements, else it would accuse itself.
 */
import type { Chain } from '../../../protocol/chain/chain.ts';
import type { Proposal, ValueId, Vote } from '../../../protocol/consensus/types.ts';
import type { PeerName } from '../../actor.ts';
import type { Wire } from '../../wire.ts';
import type { Version } from '../conduct.ts';
import { blockOfParts, type Forger, type Offer, otherBlock, type PartMessage, withoutStatements } from './forger.ts';
import type { Note, Sending, Speech } from './tampered.ts';

/** Heights of which is remembered what was said. */
const REMEMBERED = 4;

/** Which half a peer is in. */
export function isLiedTo(peer: PeerName): boolean {
  return peer.charCodeAt(peer.length - 1) % 2 === 1;
}

/** What it knows and said of one height. */
class Memory {
  /** By own value: what the others are offered instead. */
  readonly offers = new Map<ValueId, Offer>();
  /** By round: values that were proposed, by whomever. */
  readonly proposed = new Map<number, ValueId[]>();
  /** By step and round: the vote that the others get. */
  readonly votes = new Map<string, Vote>();
}

export class Equivocator implements Speech {
  readonly #forger: Forger;
  readonly #of: ReadonlySet<Version>;
  readonly #chain: () => Chain;
  readonly #heights = new Map<number, Memory>();

  constructor(forger: Forger, of: readonly Version[], chain: () => Chain) {
    this.#forger = forger;
    this.#of = new Set(of);
    this.#chain = chain;
  }

  hear(message: Wire): Wire | null {
    if (message.type === 'proposal') this.#learn(message.proposal);
    return withoutStatements(message, this.#forger.address);
  }

  distort(said: readonly Sending[], note: Note): readonly Sending[] {
    this.#prepareOffers(said);
    return said.flatMap(one => (isLiedTo(one.peer) ? this.#other(one, note) : [one]));
  }

  #other(one: Sending, note: Note): readonly Sending[] {
    const { message } = one;
    if (message.type === 'proposal') {
      const offer = this.#offerFor(message.proposal.height, message.proposal.value);
      if (offer === undefined || message.proposal.proposer !== this.#forger.address) return [one];
      note('second-proposal');
      return [{ ...one, message: { type: 'proposal', proposal: offer.proposal } }];
    }
    if (message.type === 'part') {
      const offer = this.#offerFor(message.height, message.value);
      if (offer === undefined) return [one];
      // All parts of the other offer go with the first of this one.
      return message.part.index === 0 ? offer.parts.map(part => ({ ...one, message: part })) : [];
    }
    if (message.type !== 'votes' || !this.#of.has('votes')) return [one];
    const votes = message.votes.map(vote => (vote.validator === this.#forger.address ? this.#otherVote(vote) : vote));
    if (votes.some((vote, i) => vote !== message.votes[i])) note('second-vote');
    return [{ ...one, message: { type: 'votes', votes } }];
  }

  #prepareOffers(said: readonly Sending[]): void {
    for (const { message } of said) {
      if (message.type !== 'proposal') continue;
      const { proposal } = message;
      this.#learn(proposal);
      if (proposal.proposer === this.#forger.address) this.#prepareOffer(proposal, said);
    }
  }

  #prepareOffer(proposal: Proposal, said: readonly Sending[]): void {
    const memory = this.#memory(proposal.height);
    if (memory.offers.has(proposal.value)) return;
    const parts = partsOf(proposal.value, said);
    // Without the parts there is nothing to make another block of; a proposal alone is repeated as it was.
    if (parts.length < proposal.parts) return;
    if (this.#of.has('bodies')) {
      memory.offers.set(proposal.value, this.#forger.offer(proposal, proposal.value, new Uint8Array(64).fill(1)));
    } else if (this.#of.has('proposals')) {
      const other = otherBlock(blockOfParts(parts.map(one => one.part)), this.#chain());
      if (other !== null) memory.offers.set(proposal.value, this.#forger.offerBlock(proposal, other));
    }
  }

  /** A vote that contradicts an own one: for the other value that was proposed, else for nil, else for anything. */
  #otherVote(own: Vote): Vote {
    const memory = this.#memory(own.height);
    const key = `${own.kind}/${own.round}`;
    let vote = memory.votes.get(key);
    if (vote === undefined) {
      const instead = own.value === null ? undefined : memory.offers.get(own.value)?.proposal.value;
      const others = (memory.proposed.get(own.round) ?? []).filter(value => value !== own.value);
      const last = own.value === null ? 'f'.repeat(64) : null;
      vote = this.#forger.vote(own, { value: instead ?? others[0] ?? last });
      memory.votes.set(key, vote);
    }
    return vote;
  }

  #learn({ height, round, value }: Proposal): void {
    const { proposed } = this.#memory(height);
    const known = proposed.get(round);
    if (known === undefined) proposed.set(round, [value]);
    else if (!known.includes(value)) known.push(value);
  }

  #offerFor(height: number, value: ValueId): Offer | undefined {
    return this.#memory(height).offers.get(value);
  }

  #memory(height: number): Memory {
    let memory = this.#heights.get(height);
    if (memory === undefined) {
      this.#heights.set(height, (memory = new Memory()));
      const now = this.#chain().height;
      for (const past of this.#heights.keys()) if (past < now - REMEMBERED) this.#heights.delete(past);
    }
    return memory;
  }
}

/** The parts of a value that go to one peer, in order. */
function partsOf(value: ValueId, said: readonly Sending[]): PartMessage[] {
  const parts = new Map<number, PartMessage>();
  for (const { message } of said)
    if (message.type === 'part' && message.value === value) parts.set(message.part.index, message);
  return [...parts.values()];
}
