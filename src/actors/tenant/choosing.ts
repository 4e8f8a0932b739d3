/** How a tenant chooses among the bids on its orders, where the chain leaves that to it. */
import { bookTopic, type EventOf } from '../../protocol/model/events.ts';
import type { Effects, Time } from '../actor.ts';
import type { ChainClient } from '../client/chain-client.ts';
import type { Wire } from '../wire.ts';

interface SeenBid {
  readonly provider: string;
  readonly total: bigint;
}

export class Choosing {
  readonly #chain: ChainClient;
  /** Bids seen, by own order that is to be decided. */
  readonly #bids = new Map<string, SeenBid[]>();

  constructor(chain: ChainClient) {
    this.#chain = chain;
  }

  /** An order of this tenant's is open: it will choose when matching begins. */
  opened(event: EventOf<'OrderOpened'>, height: number, now: Time, out: Effects<Wire>): void {
    const { matchingRule, targetBlockInterval } = this.#chain.params;
    if (matchingRule !== 'tenant-chosen') return;
    this.#bids.set(event.order, []);
    this.#chain.subscribe(bookTopic(event.infrastructure.region), out);
    out.setTimer(`choose:${event.order}`, now + Math.max(1, event.matchFrom - height) * targetBlockInterval);
  }

  placed({ order, provider, total }: EventOf<'FulfillmentPlaced'>): void {
    this.#bids.get(order)?.push({ provider, total });
  }

  withdrawn({ order, provider }: EventOf<'FulfillmentClosed'>): void {
    const bids = this.#bids.get(order);
    const at = bids?.findIndex(bid => bid.provider === provider) ?? -1;
    if (at >= 0) bids?.splice(at, 1);
  }

  /** The order is decided, or over. */
  forget(order: string): void {
    this.#bids.delete(order);
  }

  /** Names the cheapest bid seen; looks again a block later when there is none yet. */
  choose(order: string, now: Time, out: Effects<Wire>): void {
    const bids = this.#bids.get(order);
    if (bids === undefined) return;
    let best: SeenBid | undefined;
    for (const bid of bids) if (best === undefined || bid.total < best.total) best = bid;
    if (best !== undefined) this.#chain.submit({ type: 'ChooseFulfillment', order, provider: best.provider }, out);
    else out.setTimer(`choose:${order}`, now + this.#chain.params.targetBlockInterval);
  }
}
