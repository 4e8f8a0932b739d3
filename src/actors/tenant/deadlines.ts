/** When something is to be done about a deployment that is served: its lifetime's end, and topping up its escrow. */
import { costOfBlocks } from '../../protocol/ledger/money.ts';
import type { Params } from '../../protocol/model/params.ts';
import type { Effects, Time } from '../actor.ts';
import type { ChainClient } from '../client/chain-client.ts';
import type { Wire } from '../wire.ts';
import type { Kept } from './kept.ts';
import type { Outbox } from './outbox.ts';

/** What its leases cost for one period, micro-AKASH. */
function periodCost({ leases }: Kept, { reconfirmationPeriod, targetBlockInterval }: Params): bigint {
  let price = 0n;
  for (const one of leases.values()) price += one.price;
  return costOfBlocks(price, reconfirmationPeriod, targetBlockInterval);
}

export class Deadlines {
  readonly #chain: ChainClient;
  readonly #outbox: Outbox;

  constructor(chain: ChainClient, outbox: Outbox) {
    this.#chain = chain;
    this.#outbox = outbox;
  }

  /** When it is to be closed: counted from its first lease that served. */
  begin(kept: Kept, now: Time, out: Effects<Wire>): void {
    const { lifetime_us, closePending_us } = kept.request;
    if (kept.leasedAt === null) {
      kept.leasedAt = now;
      this.#outbox.put(kept, out);
      if (kept.serial !== null) out.sync();
    }
    if (lifetime_us !== null) out.setTimer(kept.id, Math.max(now, kept.leasedAt + lifetime_us));
    if (closePending_us !== null && !kept.served)
      out.setTimer(`pending:${kept.id}`, Math.max(now, kept.leasedAt + closePending_us));
  }

  /** Wakes when the escrow, as it is being used up, will cover no more than the floor. */
  planRefill(kept: Kept, now: Time, out: Effects<Wire>): void {
    const { params } = this.#chain;
    const { refill } = kept.request;
    const period = periodCost(kept, params);
    if (refill === null || period === 0n) return;
    const { reconfirmationPeriod, targetBlockInterval } = params;
    const above = kept.escrow - BigInt(refill.below) * period;
    const periods = above > 0n ? Number((above * 1000n) / period) / 1000 : 0;
    const wait_us = Math.max(targetBlockInterval, Math.floor(periods * reconfirmationPeriod * targetBlockInterval));
    out.setTimer(`refill:${kept.id}`, now + wait_us);
  }

  refill(kept: Kept, now: Time, out: Effects<Wire>): void {
    const { refill } = kept.request;
    const period = periodCost(kept, this.#chain.params);
    if (refill === null || period === 0n) return;
    const amount = BigInt(refill.to - refill.below) * period;
    if (amount > 0n) this.#chain.submit({ type: 'DepositEscrow', deployment: kept.id, amount }, out);
    else this.planRefill(kept, now, out);
  }

  /** There is nothing more to be done about it. */
  end({ id, request }: Kept, out: Effects<Wire>): void {
    if (request.lifetime_us !== null) out.cancelTimer(id);
    if (request.closePending_us !== null) out.cancelTimer(`pending:${id}`);
    if (request.refill !== null) out.cancelTimer(`refill:${id}`);
  }
}
