/**
 * How a tenant goes on after a start: it reads its outbox, waits until the chain is in reach, and sorts what it finds into
 * what the chain has, about which it asks, and what it has not, which it sends again. Requests wait meanwhile.
 */
import { deploymentId } from '../../protocol/model/objects.ts';
import type { Effects, Input } from '../actor.ts';
import type { ChainClient } from '../client/chain-client.ts';
import type { Wire } from '../wire.ts';
import type { Kept } from './kept.ts';
import { OUTBOX, type Outbox } from './outbox.ts';
import { failure, type TenantRequest } from './requests.ts';

/** Requests that wait for a start to be done. */
const MAX_EARLY = 1_000;

export interface TakeUpHost {
  /** A deployment that the chain may have. */
  known(kept: Kept, out: Effects<Wire>): void;
  /** One that it cannot have yet: to be submitted (again). */
  unsent(kept: Kept, out: Effects<Wire>): void;
}

export class TakeUp {
  readonly #chain: ChainClient;
  readonly #outbox: Outbox;
  readonly #host: TakeUpHost;
  /** Null until the store has told. */
  #found: readonly Kept[] | null = [];
  #early: { readonly id: number; readonly request: TenantRequest }[] = [];

  constructor(chain: ChainClient, outbox: Outbox, host: TakeUpHost) {
    this.#chain = chain;
    this.#outbox = outbox;
    this.#host = host;
  }

  get isDone(): boolean {
    return this.#found?.length === 0;
  }

  /** A first start has nothing to find. */
  begin(incarnation: number, out: Effects<Wire>): void {
    if (incarnation === 0) return;
    this.#found = null;
    out.scan(OUTBOX);
  }

  /** Keeps a request until the start is done. */
  defer({ id, request }: Extract<Input<Wire, TenantRequest>, { kind: 'request' }>, out: Effects<Wire>): void {
    if (this.#early.length < MAX_EARLY) this.#early.push({ id, request });
    else out.reply(id, failure('busy', `${MAX_EARLY} requests wait already`));
  }

  scanned(entries: readonly (readonly [string, Uint8Array])[], out: Effects<Wire>): void {
    this.#found = this.#outbox.recover(entries, out);
  }

  /** Whether this failure is that of its own reading. */
  isFailed({ operation }: Extract<Input<Wire>, { kind: 'storeFailed' }>): boolean {
    return this.#found === null && operation.startsWith('scan');
  }

  /** Goes on if everything is there that it takes; the requests that have waited for it. */
  go(out: Effects<Wire>): readonly { readonly id: number; readonly request: TenantRequest }[] {
    const { nonce } = this.#chain;
    if (this.#found === null) return [];
    if (this.#found.length > 0) {
      if (nonce === null || !this.#chain.ready) return [];
      this.#sort(this.#found, nonce, out);
      this.#found = [];
    }
    const early = this.#early;
    this.#early = [];
    return early;
  }

  #sort(found: readonly Kept[], nonce: number, out: Effects<Wire>): void {
    const byId = new Map<string, Kept>();
    // Of two that were sent under one nonce, the later one took the place of the other, which never got in.
    for (const kept of found.toReversed()) {
      const id = kept.id === '' ? deploymentId(this.#chain.address, String(kept.nonce)) : kept.id;
      if (byId.has(id)) this.#outbox.drop(kept, out);
      else byId.set(id, kept);
    }
    const unsent: Kept[] = [];
    for (const [id, kept] of byId) {
      if (kept.id === '' && kept.nonce >= nonce) {
        unsent.push(kept);
        continue;
      }
      kept.id = id;
      this.#host.known(kept, out);
    }
    this.#sendAgain(unsent, nonce, out);
  }

  /**
   * Sends what was not included. What was sent before may still wait somewhere: under its own nonce it is the same
   * transaction, and cannot get in twice. A nonce before it, of something that is not known any more, is used up.
   */
  #sendAgain(unsent: readonly Kept[], first: number, out: Effects<Wire>): void {
    const { address } = this.#chain;
    let next = first;
    for (const kept of [...unsent].sort((a, b) => a.nonce - b.nonce)) {
      for (; next < kept.nonce; next++) this.#chain.submit({ type: 'Transfer', to: address, amount: 0n }, out);
      this.#host.unsent(kept, out);
      next += 1;
    }
  }
}
