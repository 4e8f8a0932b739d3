/**
 * What participants say to each other. Chain access is messages: a tenant or provider asks, submits and subscribes at a
 * node that it does not trust. A message that goes to many peers is one frozen object.
 */

import type { Header } from '../protocol/chain/block.ts';
import type { TopicProof } from '../protocol/chain/event-commitment.ts';
import type { Transaction } from '../protocol/chain/transaction.ts';
import type { StateProof } from '../protocol/codec/state-proof.ts';
import type { Commit, Validator } from '../protocol/consensus/types.ts';
import type { Event } from '../protocol/model/events.ts';
import type { ResourceGroup } from '../protocol/model/objects.ts';
import type { Params } from '../protocol/model/params.ts';
import { digestOfGossip, type Gossip, PART_BYTES } from './gossip.ts';
import { digestOfLeaseWire, isLeaseWire, type LeaseWire } from './lease-wire.ts';

export interface ChainStatus {
  readonly chainId: string;
  readonly height: number;
  readonly time: number;
  readonly params: Params;
}

/** A lease as its provider needs to know it after a restart. */
export interface LeaseView {
  readonly lease: string;
  readonly state: 'pending' | 'active' | 'closing';
  readonly resources: readonly ResourceGroup[];
  readonly collateral: bigint;
  /** Of its deployment. */
  readonly version: Uint8Array;
}

/** What stands of a deployment. */
export interface DeploymentView {
  readonly version: Uint8Array;
  readonly state: 'open' | 'closing';
  /** micro-AKASH */
  readonly escrow: bigint;
  /** Its open orders. */
  readonly orders: readonly string[];
  readonly leases: readonly {
    readonly lease: string;
    readonly provider: string;
    readonly state: 'pending' | 'active' | 'closing';
    /** pico-AKASH per second */
    readonly price: bigint;
  }[];
}

export interface AccountView {
  readonly address: string;
  readonly nonce: number;
  readonly balance: bigint;
}

export interface ProviderView {
  readonly leases: readonly LeaseView[];
  /** Its open bids. */
  readonly bids: readonly { readonly order: string; readonly resources: readonly ResourceGroup[] }[];
}

/** All events of a topic in a block, and the proof that these are all, under the events root of the next header. */
export interface TopicBatch {
  readonly topic: string;
  readonly events: readonly Event[];
  readonly proof: TopicProof;
}

/** A leaf of the state as it is committed, null where there is none, with the proof under the next header's app hash. */
export interface ProvenLeaf {
  readonly leaf: string;
  readonly bytes: Uint8Array | null;
  readonly proof: StateProof;
}

export type Query =
  /** A leaf of the state with its proof, for who does not take a node's word. */
  | { readonly what: 'leaf'; readonly leaf: string }
  | { readonly what: 'status' }
  | { readonly what: 'account'; readonly address: string }
  | { readonly what: 'provider'; readonly address: string }
  | { readonly what: 'deployment'; readonly id: string }
  /** Where a provider is reached. */
  | { readonly what: 'endpoint'; readonly address: string };

export type Answer =
  /** `height`: of the state that it is a leaf of. */
  | { readonly what: 'leaf'; readonly height: number; readonly value: ProvenLeaf }
  | { readonly what: 'status'; readonly value: ChainStatus }
  | { readonly what: 'account'; readonly value: AccountView }
  | { readonly what: 'provider'; readonly value: ProviderView }
  /** `height`: of the state. `view`: null where there is no such deployment. */
  | {
      readonly what: 'deployment';
      readonly value: { readonly id: string; readonly height: number; readonly view: DeploymentView | null };
    }
  /** `endpoint`: null where nobody of that address is registered. */
  | { readonly what: 'endpoint'; readonly value: { readonly address: string; readonly endpoint: string | null } };

/**
 * What a light client is told of a block: the header and why it is the chain's, and what this header proves of the block
 * before it: the events of each followed topic, and the accounts that sent transactions in it.
 */
export interface HeaderMessage {
  readonly type: 'header';
  /** Of the `follow` that this answers. */
  readonly serial: number;
  readonly header: Header;
  readonly commit: Commit;
  /** The set of the next height where it is another one than this height's, which the client knows. */
  readonly nextValidators: readonly Validator[] | null;
  /** One for each topic, in the order of the `follow`; none at height 1, before which nothing happened. */
  readonly batches: readonly TopicBatch[];
  readonly leaves: readonly ProvenLeaf[];
}

/** Pieces into which one message may be cut, each of at most PART_BYTES: 32 MiB, thirty times an ordinary block. */
export const MAX_PIECES = 256;
export const MAX_LARGE_BYTES = MAX_PIECES * PART_BYTES;

/**
 * What a node tells a client may be larger than a message: of a block that is full of orders, or of a provider with
 * thousands of leases. Then its bytes come in pieces, one right after the other (pieces.ts).
 */
export interface Piece {
  readonly type: 'piece';
  readonly index: number;
  readonly total: number;
  readonly bytes: Uint8Array;
}

export type Wire =
  | { readonly type: 'submit'; readonly tx: Transaction }
  /** The node will not put this transaction into a block. */
  | {
      readonly type: 'refused';
      readonly account: string;
      readonly nonce: number;
      readonly code: string;
      readonly detail: string;
    }
  | { readonly type: 'subscribe'; readonly topics: readonly string[] }
  | {
      readonly type: 'events';
      readonly height: number;
      readonly time: number;
      readonly topic: string;
      readonly events: readonly Event[];
      /** On an account's own topic, its nonce after a block with transactions of it; else -1. */
      readonly nonce: number;
    }
  /**
   * Headers from a height on (0: from the next block on), each with everything in these topics of the block before it.
   * Takes the place of what the same client followed before; `serial` tells the two apart.
   */
  | { readonly type: 'follow'; readonly serial: number; readonly from: number; readonly topics: readonly string[] }
  | HeaderMessage
  | { readonly type: 'query'; readonly query: Query }
  | { readonly type: 'answer'; readonly answer: Answer }
  | Piece
  | LeaseWire
  | Gossip;

const TYPE_DIGEST: { readonly [T in Exclude<Wire, Gossip | LeaseWire>['type']]: number } = {
  submit: 1,
  refused: 2,
  subscribe: 3,
  events: 4,
  query: 5,
  answer: 6,
  follow: 7,
  header: 8,
  piece: 9,
};

/** 32 bits that tell messages apart in a trace, read off what the message carries already. */
export function digestOfWire(message: Wire): number {
  switch (message.type) {
    case 'submit':
      return baseOf('submit') ^ message.tx.fingerprint;
    case 'refused':
      return baseOf('refused') ^ message.nonce;
    case 'events':
      return baseOf('events') ^ Math.imul(message.height, 0x85ebca6b) ^ message.events.length;
    case 'header':
      return baseOf('header') ^ Math.imul(message.header.height, 0x85ebca6b) ^ digestOfBatches(message.batches);
    case 'follow':
      return baseOf('follow') ^ message.from;
    case 'piece':
      return baseOf('piece') ^ Math.imul(message.index + 1, 0x85ebca6b) ^ message.bytes.length;
    case 'subscribe':
    case 'query':
    case 'answer':
      return baseOf(message.type);
    default:
      return isLeaseWire(message) ? digestOfLeaseWire(message) : digestOfGossip(message);
  }
}

function digestOfBatches(batches: readonly TopicBatch[]): number {
  let count = 0;
  for (const { events } of batches) count = 31 * (count & 0xffffff) + events.length;
  return count;
}

function baseOf(type: keyof typeof TYPE_DIGEST): number {
  return Math.imul(TYPE_DIGEST[type], 0x9e3779b1);
}

/** What a message is, for whoever waits for one of a certain type, height and round. Votes are told apart by their step. */
export function describeWire(message: Wire): { type: string; height?: number; round?: number } {
  switch (message.type) {
    case 'proposal':
      return { type: 'proposal', height: message.proposal.height, round: message.proposal.round };
    case 'votes': {
      const first = message.votes[0];
      return first === undefined ? { type: 'votes' } : { type: first.kind, height: first.height, round: first.round };
    }
    case 'header':
      return { type: 'header', height: message.header.height };
    case 'part':
    case 'inventory':
    case 'getBlock':
    case 'block':
    case 'ahead':
    case 'events':
      return { type: message.type, height: message.height };
    default:
      return { type: message.type };
  }
}
