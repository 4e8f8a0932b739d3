/**
 * Deployments whose transactions are under way: what was asked for, until the chain has it, or it is known that it never
 * will.
 */
import type { EventOf } from '../../protocol/model/events.ts';
import type { Message } from '../../protocol/model/messages.ts';
import { deploymentId } from '../../protocol/model/objects.ts';
import type { Effects } from '../actor.ts';
import type { ChainClient } from '../client/chain-client.ts';
import type { Wire } from '../wire.ts';
import type { Kept } from './kept.ts';
import type { Outbox } from './outbox.ts';
import { failure } from './requests.ts';

export class Submissions {
  readonly #chain: ChainClient;
  readonly #outbox: Outbox;
  /** By the messages that make them, in the order of these. */
  readonly #open = new Map<Message, Kept>();

  constructor(chain: ChainClient, outbox: Outbox) {
    this.#chain = chain;
    this.#outbox = outbox;
  }

  submit(kept: Kept, out: Effects<Wire>): void {
    const { infrastructure, waitDuration, openFor, version, escrow } = kept.request;
    const message = { type: 'SubmitDeployment', infrastructure, waitDuration, openFor, version, escrow } as const;
    this.#open.set(message, kept);
    this.#chain.submit(message, out);
  }

  /** A transaction is about to be sent; returns whether it is one of these. */
  signed(message: Message, nonce: number, out: Effects<Wire>): boolean {
    const kept = this.#open.get(message);
    if (kept === undefined) return false;
    kept.nonce = nonce;
    if (kept.serial === null) return true;
    // Durable before it is sent: or nobody would know, after a crash, whether it was.
    this.#outbox.put(kept, out);
    out.sync();
    return true;
  }

  /** No block will hold a message. */
  refused(message: Message, code: string, out: Effects<Wire>): void {
    const kept = this.#open.get(message);
    if (kept !== undefined) this.#fail(message, kept, code, out);
  }

  /** The chain refused what was sent under this nonce. */
  failed(nonce: number, code: string, out: Effects<Wire>): void {
    for (const [message, kept] of this.#open) if (kept.nonce === nonce) this.#fail(message, kept, code, out);
  }

  #fail(message: Message, kept: Kept, code: string, out: Effects<Wire>): void {
    this.#open.delete(message);
    this.#outbox.drop(kept, out);
    out.observe('deploy_failed', 1, code);
    if (kept.reply !== null) out.reply(kept.reply, failure(code, 'the chain refused the deployment'));
    kept.reply = null;
  }

  /** The chain has made a deployment; null: none of these. */
  accepted({ deployment, tenant, escrow }: EventOf<'DeploymentSubmitted'>): Kept | null {
    for (const [message, kept] of this.#open) {
      if (deployment !== deploymentId(tenant, String(kept.nonce))) continue;
      this.#open.delete(message);
      kept.id = deployment;
      kept.escrow = escrow;
      return kept;
    }
    return null;
  }

  /** Those whose nonce is used up, so that the chain can be asked what became of them. */
  takeSettled(nonce: number): Kept[] {
    const settled: Kept[] = [];
    for (const [message, kept] of this.#open) {
      if (kept.serial === null || kept.nonce < 0 || kept.nonce >= nonce) continue;
      this.#open.delete(message);
      kept.id = deploymentId(this.#chain.address, String(kept.nonce));
      settled.push(kept);
    }
    return settled;
  }
}
