/**
 * Questions about leaves of the state: asked, answered, and believed when the header that proves the answer is there,
 * which is one block after the state that it is about.
 */
import { restoreDeployment } from '../../protocol/chain/deployment-leaf.ts';
import {
  accountLeafName,
  accountOfLeaf,
  deploymentLeafName,
  endpointOfLeaf,
  PARAMS_LEAF,
  paramsOfLeaf,
  providerLeafName,
} from '../../protocol/chain/light-chain.ts';
import { ByteReader } from '../../protocol/codec/bytes.ts';
import type { Params } from '../../protocol/model/params.ts';
import { State } from '../../protocol/model/state.ts';
import type { Time } from '../actor.ts';
import { deploymentViewOf } from '../deployment-view.ts';
import type { Answer, ProvenLeaf, Query } from '../wire.ts';

/** What a leaf answers. */
export type Subject = Extract<Query, { readonly what: 'status' | 'account' | 'deployment' | 'endpoint' }>;

interface Question {
  readonly about: Subject;
  readonly leaf: string;
  /** An answer about an older state than this is out of date. */
  readonly from: number;
  readonly askedAt: Time;
  isOutOfDate: boolean;
  answer: { readonly height: number; readonly value: ProvenLeaf } | null;
}

/** An answer that a header can be held against: the one after `height`. */
export interface Claim {
  readonly about: Subject;
  readonly height: number;
  readonly value: ProvenLeaf;
}

function leafOf(subject: Subject): string {
  switch (subject.what) {
    case 'status':
      return PARAMS_LEAF;
    case 'account':
      return accountLeafName(subject.address);
    case 'deployment':
      return deploymentLeafName(subject.id);
    case 'endpoint':
      return providerLeafName(subject.address);
  }
}

/** What a client knows of the chain before it has read any leaf. */
export interface Ground {
  readonly chainId: string;
  readonly params: Params;
}

/** What a proven leaf says, as an answer. `time`: block time of its state, microseconds. */
export function answerOfClaim({ about, height, value }: Claim, { chainId, params }: Ground, time: Time): Answer {
  const { bytes } = value;
  switch (about.what) {
    case 'account':
      return { what: 'account', value: { address: about.address, ...accountOfLeaf(bytes) } };
    case 'endpoint':
      return { what: 'endpoint', value: { address: about.address, endpoint: endpointOfLeaf(bytes) } };
    case 'deployment': {
      const { id } = about;
      const state = new State(params, false);
      if (bytes !== null) restoreDeployment(new ByteReader(bytes), state, id);
      return { what: 'deployment', value: { id, height, view: deploymentViewOf(state, id) } };
    }
    case 'status':
      if (bytes === null) throw new Error(`the state of height ${height} is proven to have no parameters`);
      return { what: 'status', value: { chainId, height, time, params: paramsOfLeaf(bytes) } };
  }
}

export class Questions {
  #open: Question[] = [];

  /** Notes a question: the leaf to ask for, or null when that is asked already. */
  ask(about: Subject, from: number, now: Time): string | null {
    const leaf = leafOf(about);
    if (this.#open.some(one => one.leaf === leaf && one.answer === null)) return null;
    this.#open.push({ about, leaf, from, askedAt: now, isOutOfDate: false, answer: null });
    return leaf;
  }

  /** Notes an answer. One that nobody waits for changes nothing. */
  answer(height: number, value: ProvenLeaf): void {
    const one = this.#open.find(({ leaf, answer }) => leaf === value.leaf && answer === null);
    if (one === undefined || !Number.isSafeInteger(height)) return;
    if (height >= one.from) one.answer = { height, value };
    else one.isOutOfDate = true;
  }

  /** Takes out the answers that are proven, or refuted, by headers up to this height, in the order of asking. */
  takeProvable(height: number): Claim[] {
    const isReady = ({ answer }: Question): boolean => answer !== null && answer.height < height;
    if (!this.#open.some(isReady)) return [];
    const ready = this.#open.filter(isReady);
    this.#open = this.#open.filter(one => !isReady(one));
    return ready.map(({ about, answer }) => ({ about, ...(answer as { height: number; value: ProvenLeaf }) }));
  }

  /** Leaves to be asked for again, because the node that was asked did not know the newest state. */
  takeOutOfDate(): string[] {
    const leaves: string[] = [];
    for (const one of this.#open) {
      if (one.isOutOfDate && one.answer === null) leaves.push(one.leaf);
      one.isOutOfDate = false;
    }
    return leaves;
  }

  /** Whether one is open that was asked before this time. */
  hasOlderThan(time: Time): boolean {
    return this.#open.some(one => one.askedAt < time);
  }

  clear(): void {
    this.#open = [];
  }
}
