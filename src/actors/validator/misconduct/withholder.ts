/** Keeps some of what it has to say to itself. */
import type { ValueId } from '../../../protocol/consensus/types.ts';
import type { RandomStream } from '../../actor.ts';
import type { Wire } from '../../wire.ts';
import type { Statement } from '../conduct.ts';
import type { Note, Sending, Speech } from './tampered.ts';

export class Withholder implements Speech {
  readonly #address: string;
  readonly #share: number;
  readonly #of: ReadonlySet<Statement>;
  readonly #random: RandomStream;
  /** The newest block that it proposed itself. */
  #own: ValueId = '';

  /** @param share of its own statements; drawn for each recipient */
  constructor(address: string, share: number, of: readonly Statement[], random: RandomStream) {
    this.#address = address;
    this.#share = share;
    this.#of = new Set(of);
    this.#random = random;
  }

  distort(said: readonly Sending[], note: Note): readonly Sending[] {
    return said.flatMap(one => {
      const message = this.#keep(one.message, note);
      return message === null ? [] : [{ ...one, message }];
    });
  }

  #keep(message: Wire, note: Note): Wire | null {
    switch (message.type) {
      case 'proposal':
        if (message.proposal.proposer !== this.#address) return message;
        this.#own = message.proposal.value;
        return this.#withholds('proposals', note) ? null : message;
      case 'part':
        return message.value === this.#own && this.#withholds('parts', note) ? null : message;
      case 'votes': {
        const votes = message.votes.filter(one => one.validator !== this.#address || !this.#withholds('votes', note));
        return votes.length === 0 ? null : { type: 'votes', votes };
      }
      default:
        return message;
    }
  }

  #withholds(what: Statement, note: Note): boolean {
    if (!this.#of.has(what) || this.#random.uniform() >= this.#share) return false;
    note('withheld');
    return true;
  }
}
