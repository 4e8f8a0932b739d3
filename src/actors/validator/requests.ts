/** What whoever runs a node may ask of it, and what it answers. */
import type { Transaction } from '../../protocol/chain/transaction.ts';
import type { Peer } from './peers.ts';

export type NodeRequest =
  /** Takes a transaction in as if a client had sent it. */
  { readonly type: 'submit'; readonly tx: Transaction } | { readonly type: 'status' };

/** Whether the node holds the transaction for a block now; what becomes of it there, the block tells. */
export type SubmitReply =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: string; readonly detail: string };

/** How a node is. */
export interface NodeReport {
  /** Of its newest block. */
  readonly height: number;
  /** The account that it signs for; null: it only follows. */
  readonly validator: string | null;
  /** Round of the height that is being decided. */
  readonly round: number;
  /** Whether it fetches blocks or the state, because it is behind. */
  readonly isCatchingUp: boolean;
  /** Nodes that it is connected to, or calls. */
  readonly peers: readonly { readonly name: string; readonly isConnected: boolean; readonly height: number | null }[];
  readonly mempool: { readonly count: number; readonly bytes: number };
}

/** The nodes that a node calls, and those that it is connected with. */
export function peersReport(called: Iterable<string>, peers: Iterable<Peer>): NodeReport['peers'] {
  const connected = new Map([...peers].map(({ name, height }) => [name, height < 0 ? null : height]));
  const names = new Set([...called, ...connected.keys()]);
  return [...names].map(name => ({ name, isConnected: connected.has(name), height: connected.get(name) ?? null }));
}
