/**
 * What participants say to each other. Chain access is messages: a tenant or provider asks, submits and subscribes at a
 * node that it does not trust. A message that goes to many peers is one frozen object.
 */

import type { Transaction } from '../protocol/chain/transaction.ts';
import type { Event } from '../protocol/model/events.ts';
import type { ResourceGroup } from '../protocol/model/objects.ts';
import type { Params } from '../protocol/model/params.ts';

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
  | { readonly type: 'answer'; readonly answer: Answer };

const TYPE_DIGEST: { readonly [T in Wire['type']]: number } = {
  submit: 1,
  refused: 2,
  subscribe: 3,
  events: 4,
  query: 5,
  answer: 6,
};

/** 32 bits that tell messages apart in a trace, read off what the message carries already. */
export function digestOfWire(message: Wire): number {
  const base = Math.imul(TYPE_DIGEST[message.type], 0x9e3779b1);
  switch (message.type) {
    case 'submit':
      return base ^ message.tx.fingerprint;
    case 'refused':
      return base ^ message.nonce;
    case 'events':
      return base ^ Math.imul(message.height, 0x85ebca6b) ^ message.events.length;
    default:
      return base;
  }
}
