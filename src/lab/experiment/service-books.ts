/**
 * For how long services were away, told twice: as the participants' worlds have it, and as the chain can know it.
 *
 * A service is what runs for one infrastructure of a deployment, whoever serves it. It is there while all workloads of a
 * lease run and the process of its provider lives, through which they are reached; it is away from the moment at which
 * that ends until all run again, with the same provider or another. Its end by its tenant's wish, or because nobody orders
 * it again, is no time without service. A provider that only does not act (paused, cut off) counts as there.
 *
 * The chain knows only what providers confirm. Its gap is the time from the last confirmation of a lease that was broken
 * to the first of the lease that took its place.
 */
import type { Event } from '../../protocol/model/events.ts';

/** Ids are `deployment/infrastructure/sequence`: what stays the same when a broken lease is ordered again. */
function slotOf(order: string): string {
  return order.slice(0, order.lastIndexOf('/'));
}

interface Slot {
  /** Leases all of whose workloads run, with their providers. */
  readonly there: Map<string, string>;
  /** Since when nothing is there; null while something is, or while nothing has been yet. */
  awayFrom: number | null;
  /** When it was confirmed last; null: never yet. */
  confirmedAt: number | null;
  /** The same of a lease that was broken, until another takes its place. */
  gapFrom: number | null;
}

/** Some stretches of time, in seconds. */
class Stretches {
  count = 0;
  longest = 0;
  #sum = 0;

  /** @param from, until microseconds */
  add(from: number, until: number): void {
    const length = (until - from) / 1e6;
    this.count += 1;
    this.#sum += length;
    this.longest = Math.max(this.longest, length);
  }

  /** 0 when there are none. */
  get mean(): number {
    return this.count === 0 ? 0 : this.#sum / this.count;
  }
}

export class ServiceBooks {
  readonly #slots = new Map<string, Slot>();
  /** Those that have ended. */
  readonly #outages = new Stretches();
  readonly #gaps = new Stretches();
  #began = 0;

  /** What happened on the chain. `time`: of its block, microseconds of the run. */
  onEvent(event: Event, time: number): void {
    switch (event.type) {
      case 'OrderOpened': {
        const key = slotOf(event.order);
        if (!this.#slots.has(key))
          this.#slots.set(key, { there: new Map(), awayFrom: null, confirmedAt: null, gapFrom: null });
        return;
      }
      case 'OrderClosed':
        this.#end(slotOf(event.order), time);
        return;
      case 'LeaseActive': {
        const slot = this.#slots.get(slotOf(event.lease));
        if (slot === undefined) return;
        if (slot.gapFrom !== null) this.#gaps.add(slot.gapFrom, time);
        slot.gapFrom = null;
        slot.confirmedAt = time;
        return;
      }
      case 'LeaseConfirmed': {
        const slot = this.#slots.get(slotOf(event.lease));
        if (slot !== undefined) slot.confirmedAt = time;
        return;
      }
      case 'LeaseBroken': {
        const slot = this.#slots.get(slotOf(event.lease));
        if (slot === undefined) return;
        slot.gapFrom ??= slot.confirmedAt;
        if (!event.renewed) this.#end(slotOf(event.lease), time);
        return;
      }
      case 'LeaseClosing':
        this.#end(slotOf(event.lease), time);
        return;
      default:
    }
  }

  /** A provider says whether all workloads of a lease run. */
  onService(provider: string, lease: string, isThere: boolean, time: number): void {
    const slot = this.#slots.get(slotOf(lease));
    if (slot === undefined) return;
    if (isThere) {
      slot.there.set(lease, provider);
      if (slot.awayFrom !== null) this.#outages.add(slot.awayFrom, time);
      slot.awayFrom = null;
    } else if (slot.there.delete(lease)) this.#gone(slot, time);
  }

  /** The process of a participant is no more: nothing is reached through it. */
  onProcessEnded(name: string, time: number): void {
    for (const slot of this.#slots.values()) {
      let held = false;
      for (const [lease, provider] of slot.there) if (provider === name) held = slot.there.delete(lease);
      if (held) this.#gone(slot, time);
    }
  }

  #gone(slot: Slot, time: number): void {
    if (slot.there.size > 0 || slot.awayFrom !== null) return;
    slot.awayFrom = time;
    this.#began += 1;
  }

  /** Nobody waits for it any more. */
  #end(key: string, time: number): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#slots.delete(key);
    if (slot.awayFrom !== null) this.#outages.add(slot.awayFrom, time);
  }

  /** @param now end of the run, microseconds */
  metrics(now: number): Record<string, number> {
    let longest = this.#outages.longest;
    for (const { awayFrom } of this.#slots.values())
      if (awayFrom !== null) longest = Math.max(longest, (now - awayFrom) / 1e6);
    return {
      outages: this.#began,
      outage_mean_s: this.#outages.mean,
      outage_max_s: longest,
      lease_gaps: this.#gaps.count,
      lease_gap_mean_s: this.#gaps.mean,
      lease_gap_max_s: this.#gaps.longest,
    };
  }
}

/** What each metric means, for columns.md. */
export const SERVICE_METRICS: { readonly [name: string]: string } = {
  outages: 'times that a service that had run was away: its provider or its workloads had died',
  outage_mean_s: 'mean time without service, until all workloads ran again or the service was given up; 0 without any',
  outage_max_s: 'longest time without service, one that had not ended when the run did included',
  lease_gaps: 'broken leases after which the same service was leased and confirmed again',
  lease_gap_mean_s: 'mean time from the last confirmation of a broken lease to the first of the one in its place',
  lease_gap_max_s: 'longest of the same',
};
