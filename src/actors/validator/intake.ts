/**
 * How transactions come to a node: from clients, from whoever runs it, from its operator by itself, from other nodes; and
 * what becomes of those that come into no block.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { Chain } from '../../protocol/chain/chain.ts';
import type { Transaction } from '../../protocol/chain/transaction.ts';
import type { ConnectionId, Effects, PeerName } from '../actor.ts';
import type { Wire } from '../wire.ts';
import type { Mempool } from './mempool.ts';
import type { Operator } from './operator.ts';
import type { Peer, Peers } from './peers.ts';
import type { SubmitReply } from './requests.ts';

type Relay = Extract<Wire, { readonly type: 'relay' }>;

export class Intake {
  readonly #mempool: Mempool;
  readonly #peers: Peers;
  /** null where nobody operates this node. */
  readonly #operator: Operator | null;

  constructor(mempool: Mempool, peers: Peers, operator: Operator | null) {
    this.#mempool = mempool;
    this.#peers = peers;
    this.#operator = operator;
  }

  /** A client submits a transaction. */
  fromClient(connection: ConnectionId, from: PeerName, tx: Transaction, out: Effects<Wire>): void {
    const admission = this.#mempool.add(tx, connection);
    if (admission === 'added') this.#peers.broadcast({ type: 'relay', tx }, out);
    else if (admission !== 'known') {
      out.observe('peer/refused', 1, `${from}: ${tx.body.message.type}: ${admission.code}`);
      refuse(connection, tx, admission.code, admission.detail, out);
    }
  }

  /** Whoever runs this node submits a transaction. */
  fromOwner(tx: Transaction, out: Effects<Wire>): SubmitReply {
    const admission = this.#mempool.add(tx, null);
    if (admission === 'added') this.#peers.broadcast({ type: 'relay', tx }, out);
    else if (admission !== 'known') return { ok: false, code: admission.code, detail: admission.detail };
    return { ok: true };
  }

  /**
   * Another node passes a transaction on, and so does this one, to those whom the other does not reach. Returns whether
   * an honest one can have sent it: states may differ for a moment, but none passes on what it has not verified.
   */
  fromPeer(message: Relay, recipients: () => Iterable<Peer>, out: Effects<Wire>): boolean {
    const admission = this.#mempool.add(message.tx, null);
    if (admission === 'added') for (const { connection } of recipients()) out.send(connection, message);
    return typeof admission === 'string' || admission.code !== 'bad_signature';
  }

  /** After a block: what its operator wants goes the way of any client's transaction. */
  fromOperator(chain: Chain, out: Effects<Wire>): void {
    const tx = this.#operator?.afterBlock(chain) ?? null;
    if (tx === null) return;
    const reply = this.fromOwner(tx, out);
    if (!reply.ok) out.observe('node/refused', 1, `${tx.body.message.type}: ${reply.code}`);
  }

  /** After a block: whoever sent what it made impossible is told. */
  settle(block: Block, out: Effects<Wire>): void {
    for (const { tx, sender, refusal } of this.#mempool.afterBlock(block.transactions))
      if (sender !== null) refuse(sender, tx, refusal.code, refusal.detail, out);
  }
}

function refuse(to: ConnectionId, tx: Transaction, code: string, detail: string, out: Effects<Wire>): void {
  out.send(to, { type: 'refused', account: tx.body.account, nonce: tx.body.nonce, code, detail });
}
