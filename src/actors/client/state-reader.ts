/**
 * Asks for what the state says and believes it when it is proven: parameters, accounts, deployments, endpoints, and what
 * a provider holds.
 */
import type { Header } from '../../protocol/chain/block.ts';
import type { Effects, Time } from '../actor.ts';
import type { Answer, Query, Wire } from '../wire.ts';
import { Holdings } from './holdings.ts';
import type { LightOptions } from './light-options.ts';
import type { Peer } from './node-pool.ts';
import { isLeafProven } from './proofs.ts';
import { answerOfClaim, type Claim, Questions, type Subject } from './questions.ts';

/** What a client may ask; leaves are this file's own affair. */
export type Asked = Exclude<Query, { readonly what: 'leaf' }>;

export interface StateReaderHost {
  /** The newest height that is believed, and the believed header of a height if it is kept. */
  readonly newest: number;
  header(height: number): Header | undefined;
  /** Who is asked, and who is asked as well where no proof says that an answer is whole. */
  readonly leader: Peer | null;
  readonly witness: Peer | undefined;
  onAnswer(answer: Answer, now: Time, out: Effects<Wire>): void;
  /** The leader's answer is refuted. */
  onLie(reason: string, now: Time, out: Effects<Wire>): void;
}

export class StateReader {
  readonly #options: LightOptions;
  readonly #host: StateReaderHost;
  readonly #questions = new Questions();
  #holdings: Holdings | null = null;
  /** Deployments that the client itself asked for, not only the holdings. */
  readonly #deployments = new Set<string>();

  constructor(options: LightOptions, host: StateReaderHost) {
    this.#options = options;
    this.#host = host;
  }

  query(query: Asked, now: Time, out: Effects<Wire>): void {
    const { leader, witness } = this.#host;
    if (leader === null) return;
    if (query.what !== 'provider') {
      if (query.what === 'deployment') this.#deployments.add(query.id);
      this.#ask(query, now, out);
      return;
    }
    const asked = witness === undefined ? [leader] : [leader, witness];
    const names = asked.map(one => one.name);
    this.#holdings = new Holdings(query.address, this.#options.params, names, now);
    for (const peer of asked) this.#send(query, peer, out);
  }

  onAnswer(answer: Answer, from: Peer, now: Time, out: Effects<Wire>): void {
    const isLeader = from === this.#host.leader;
    if (answer.what === 'provider') {
      const added = this.#holdings?.name(from.name, answer.value) ?? [];
      for (const id of added) this.#ask({ what: 'deployment', id }, now, out);
      this.#believeHoldings(now, out);
    } else if (answer.what !== 'leaf') {
      if (isLeader) this.#host.onLie('an answer without proof', now, out);
    } else if (isLeader) {
      this.#questions.answer(answer.height, answer.value);
      this.believe(now, out);
    }
  }

  /** Passes on what the headers that are known prove. */
  believe(now: Time, out: Effects<Wire>): void {
    for (const claim of this.#questions.takeProvable(this.#host.newest)) {
      const header = this.#host.header(claim.height + 1);
      // Older than what is kept: it says nothing any more.
      if (header === undefined) this.#askOnce(claim, now, out);
      else if (isLeafProven(header.appHash, claim.value)) this.#proven(claim, now, out);
      else {
        this.#host.onLie(`not the leaf ${claim.value.leaf} after ${claim.height}`, now, out);
        return;
      }
    }
  }

  /** A node that was behind is asked again when there is a newer block. */
  askAgain(out: Effects<Wire>): void {
    const { leader } = this.#host;
    for (const leaf of this.#questions.takeOutOfDate())
      if (leader !== null) this.#send({ what: 'leaf', leaf }, leader, out);
  }

  /** Who leaves a question unanswered that was asked before this time; null: nobody. */
  lateSince(time: Time): Peer | null {
    const { leader, witness } = this.#host;
    if (this.#questions.hasOlderThan(time)) return leader;
    const holdings = this.#holdings;
    if (holdings === null || holdings.askedAt >= time) return null;
    if (leader !== null && holdings.isSilent(leader.name)) return leader;
    return witness !== undefined && holdings.isSilent(witness.name) ? witness : null;
  }

  /** A node is gone: what it would have said is done without. */
  forget(peer: Peer, now: Time, out: Effects<Wire>): void {
    this.#holdings?.forget(peer.name);
    if (peer !== this.#host.leader) this.#believeHoldings(now, out);
  }

  /** What was asked may be lost: whoever wants to know asks again. */
  clear(): void {
    this.#questions.clear();
    this.#deployments.clear();
    this.#holdings = null;
  }

  #send(query: Query, to: Peer, out: Effects<Wire>): void {
    if (to.connection !== null) out.send(to.connection, { type: 'query', query });
  }

  #askOnce({ about }: Claim, now: Time, out: Effects<Wire>): void {
    this.#ask(about, now, out);
  }

  #ask(about: Subject, now: Time, out: Effects<Wire>): void {
    const { leader, newest } = this.#host;
    // A node that has told of a header knows the state before it.
    const leaf = this.#questions.ask(about, newest - 1, now);
    if (leaf !== null && leader !== null) this.#send({ what: 'leaf', leaf }, leader, out);
  }

  #proven(claim: Claim, now: Time, out: Effects<Wire>): void {
    const { about, height, value } = claim;
    if (about.what === 'deployment') {
      this.#holdings?.prove(about.id, value.bytes);
      this.#believeHoldings(now, out);
      if (!this.#deployments.delete(about.id)) return;
    }
    const time = this.#host.header(height)?.time ?? 0;
    this.#host.onAnswer(answerOfClaim(claim, this.#options, time), now, out);
  }

  #believeHoldings(now: Time, out: Effects<Wire>): void {
    const view = this.#holdings?.view() ?? null;
    if (view === null) return;
    this.#holdings = null;
    this.#host.onAnswer({ what: 'provider', value: view }, now, out);
  }
}
