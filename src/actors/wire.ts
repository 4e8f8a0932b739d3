/**
 * What participants say to each other. Chain access is messages: a tenant or provider asks, submits and subscribes at a
 * node that it does not trust. A message that goes to many peers is one frozen object.
 */

import type { Transaction } from '../protocol/chain/transaction.ts';
import type { Event } from '../protocol/model/events.ts';
import type { ResourceGroup } from '../protocol/model/objects.ts';
import type { Params } from '../protocol/model/params.ts';
import { digestOfGossip, type Gossip } from './gossip.ts';

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

export type Query =
  | { readonly what: 'status' }
  | { readonly what: 'account'; readonly address: string }
  | { readonly what: 'provider'; readonly address: string };

export type Answer =
  | { readonly what: 'status'; readonly value: ChainStatus }
  | { readonly what: 'account'; readonly value: AccountView }
  | { readonly what: 'provider'; readonly value: ProviderView };

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
  | { readonly type: 'query'; readonly query: Query }
  | { readonly type: 'answer'; readonly answer: Answer }
  | Gossip;

const TYPE_DIGEST: { readonly [T in Exclude<Wire, Gossip>['type']]: number } = {
  submit: 1,
  refused: 2,
  subscribe: 3,
  events: 4,
  query: 5,
  answer: 6,
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
    case 'subscribe':
    case 'query':
    case 'answer':
      return baseOf(message.type);
    default:
      return digestOfGossip(message);
  }
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
