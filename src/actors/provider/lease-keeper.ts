/**
 * Keeping leases: starting what was leased, confirming it, putting it back on its feet, tearing it down.
 *
 * A confirmation says that the resources are provided and that their workloads were started. So it is sent only while
 * the capacity is reserved on hosts that are up, and first when every workload has started once. A workload that exits
 * by itself is started again and breaks nothing.
 */
import type { ResourceGroup } from '../../protocol/model/objects.ts';
import type { Effects, Time, WorkloadEvent, WorkloadSpec } from '../actor.ts';
import type { ChainClient } from '../client/chain-client.ts';
import type { Wire } from '../wire.ts';
import type { CapacityBook, Reservation } from './capacity.ts';
import type { Conduct } from './conduct.ts';

/** First and longest wait before a workload that failed is started again. */
const RESTART_FIRST_US = 1_000_000;
const RESTART_LONGEST_US = 60_000_000;

/** What a unit runs whose tenant handed over no manifest. */
const NO_IMAGE = 'workload';

interface Workload {
  readonly spec: WorkloadSpec;
  /** Started at least once since it was placed here. */
  started: boolean;
  running: boolean;
  failures: number;
}

interface KeptLease {
  readonly id: string;
  readonly resources: readonly ResourceGroup[];
  readonly collateral: bigint;
  /** Null while the capacity is not there. */
  reservation: Reservation | null;
  workloads: Map<string, Workload>;
  /** When it was confirmed last, by this provider's clock; -1 = not yet. */
  confirmedAt: Time;
  stage: 'serving' | 'closing' | 'abandoned';
  /** Workloads that are still to stop before the reset is confirmed. */
  stopping: Set<string>;
}

/** `lease#unit@host`: tells a restarted provider where a container it finds belongs. */
function workloadId(lease: string, unit: number, host: number): string {
  return `${lease}#${unit}@${host}`;
}

/** The lease that a workload belongs to. */
function leaseOfWorkload(id: string): string {
  return id.slice(0, id.lastIndexOf('#'));
}

export class LeaseKeeper {
  readonly #leases = new Map<string, KeptLease>();
  readonly #book: CapacityBook;
  readonly #chain: ChainClient;
  readonly #conduct: Conduct;
  readonly #imagesOf: (lease: string) => readonly string[] | null;
  /** Capacity that outside work holds, by the lease that it was taken from. */
  readonly #outside = new Map<string, Reservation>();
  /** At least as many as there are leases without capacity; 0 when there surely are none. */
  #waiting = 0;

  /** @param imagesOf see ProviderOptions */
  constructor(
    book: CapacityBook,
    chain: ChainClient,
    conduct: Conduct,
    imagesOf: (lease: string) => readonly string[] | null = () => null,
  ) {
    this.#book = book;
    this.#chain = chain;
    this.#conduct = conduct;
    this.#imagesOf = imagesOf;
  }

  has(lease: string): boolean {
    return this.#leases.has(lease);
  }

  get size(): number {
    return this.#leases.size;
  }

  /** A lease is won. `reservation` is what its bid promised; without one, capacity is looked for now. */
  begin(
    lease: string,
    resources: readonly ResourceGroup[],
    collateral: bigint,
    promised: Reservation | null,
    now: Time,
    out: Effects<Wire>,
  ): void {
    const reservation = promised ?? this.#book.reserve(resources);
    const kept: KeptLease = {
      id: lease,
      resources,
      collateral,
      reservation,
      workloads: new Map(),
      confirmedAt: -1,
      stage: 'serving',
      stopping: new Set(),
    };
    this.#leases.set(lease, kept);
    if (reservation === null) {
      this.#waiting += 1;
      out.observe('overcommitted', 1, lease);
    }
    this.#startWorkloads(kept, out);
    this.#confirmIfServing(kept, now, out);
    if (this.#conduct.offers !== null) out.setTimer(`offer:${lease}`, now + this.#conduct.offers.next_us());
  }

  /** Takes up a lease that was there before a restart, with the containers that still run for it. */
  resume(
    lease: string,
    stage: 'pending' | 'active' | 'closing',
    resources: readonly ResourceGroup[],
    collateral: bigint,
    running: readonly string[],
    now: Time,
    out: Effects<Wire>,
  ): void {
    if (this.#leases.has(lease)) return;
    const mine = running.filter(id => leaseOfWorkload(id) === lease);
    const hosts: number[] = [];
    for (const id of mine) {
      const at = id.lastIndexOf('#');
      const [unit, host] = id
        .slice(at + 1)
        .split('@')
        .map(Number) as [number, number];
      hosts[unit] = host;
    }
    const reservation = this.#book.adopt(resources, hosts);
    if (reservation === null) for (const id of mine) out.stopWorkload(id);
    this.begin(lease, resources, collateral, reservation, now, out);
    const kept = this.#leases.get(lease) as KeptLease;
    if (reservation !== null) {
      for (const workload of kept.workloads.values()) {
        workload.started = true;
        workload.running = true;
      }
    }
    if (stage === 'closing') this.close(lease, out);
    else this.#confirmIfServing(kept, now, out);
  }

  #startWorkloads(kept: KeptLease, out: Effects<Wire>): void {
    kept.workloads = new Map();
    if (kept.reservation === null || !this.#conduct.runs) return;
    const images = this.#imagesOf(kept.id);
    kept.reservation.placements.forEach(({ host, unit }, i) => {
      const id = workloadId(kept.id, i, host);
      const { cpu, memory, disk, gpu } = unit;
      const spec: WorkloadSpec = { id, host, image: images?.[i] ?? NO_IMAGE, cpu, memory, disk, gpu, service: null };
      kept.workloads.set(id, { spec, started: false, running: false, failures: 0 });
      out.startWorkload(spec);
    });
  }

  #serves(kept: KeptLease): boolean {
    if (kept.stage !== 'serving' || kept.reservation === null || !this.#conduct.confirms) return false;
    for (const workload of kept.workloads.values()) if (!workload.started) return false;
    return true;
  }

  #confirmIfServing(kept: KeptLease, now: Time, out: Effects<Wire>): void {
    if (!this.#serves(kept)) return;
    const { reconfirmationPeriod, targetBlockInterval } = this.#chain.params;
    const quarter_us = Math.ceil(reconfirmationPeriod / 4) * targetBlockInterval;
    const earliest = kept.confirmedAt < 0 ? now : kept.confirmedAt + quarter_us;
    if (now < earliest) {
      out.setTimer(kept.id, earliest);
      return;
    }
    this.#chain.submit({ type: 'SubmitLeaseConfirmation', lease: kept.id, reset: false }, out);
    kept.confirmedAt = now;
    // Half a period: early enough that one lost confirmation does not make the lease stale.
    out.setTimer(kept.id, now + Math.max(quarter_us, Math.floor(reconfirmationPeriod / 2) * targetBlockInterval));
  }

  /** A confirmation is due. */
  confirmationDue(lease: string, now: Time, out: Effects<Wire>): void {
    const kept = this.#leases.get(lease);
    if (kept !== undefined) this.#confirmIfServing(kept, now, out);
  }

  workload(id: string, event: WorkloadEvent, now: Time, out: Effects<Wire>): void {
    const kept = this.#leases.get(leaseOfWorkload(id));
    if (kept === undefined) return;
    if (event === 'stopped') {
      if (kept.stopping.delete(id) && kept.stopping.size === 0 && kept.stage === 'closing')
        this.#confirmReset(kept, out);
      return;
    }
    const workload = kept.workloads.get(id);
    if (workload === undefined) return;
    workload.running = event === 'started';
    if (event === 'started') {
      workload.failures = 0;
      const first = !workload.started;
      workload.started = true;
      if (first) this.#confirmIfServing(kept, now, out);
    } else if (event !== 'lost' && kept.stage === 'serving') {
      workload.failures += 1;
      const wait = Math.min(RESTART_FIRST_US * 2 ** (workload.failures - 1), RESTART_LONGEST_US);
      out.setTimer(`restart:${id}`, now + wait);
    }
  }

  /** Starts a workload again that had failed or exited. */
  restartWorkload(id: string, out: Effects<Wire>): void {
    const kept = this.#leases.get(leaseOfWorkload(id));
    const workload = kept?.workloads.get(id);
    if (kept?.stage === 'serving' && workload !== undefined && !workload.running) out.startWorkload(workload.spec);
  }

  /** A host went away or came back: what stood on it moves to where there is room, or waits for it. */
  host(host: number, up: boolean, now: Time, out: Effects<Wire>): void {
    this.#book.setUp(host, up);
    for (const kept of this.#leases.values()) {
      if (kept.stage !== 'serving') continue;
      const hit = !up && kept.reservation?.placements.some(one => one.host === host) === true;
      if (hit) {
        this.#book.release(kept.reservation as Reservation);
        for (const id of kept.workloads.keys()) out.stopWorkload(id);
      }
      if (!hit && kept.reservation !== null) continue;
      kept.reservation = this.#book.reserve(kept.resources);
      this.#startWorkloads(kept, out);
      this.#confirmIfServing(kept, now, out);
    }
    this.#waiting = this.#countWaiting();
  }

  /** The lease is closing: tear down, then confirm the reset. */
  close(lease: string, out: Effects<Wire>): void {
    const kept = this.#leases.get(lease);
    if (kept === undefined || kept.stage === 'closing') return;
    kept.stage = 'closing';
    out.cancelTimer(lease);
    if (this.#conduct.offers !== null) out.cancelTimer(`offer:${lease}`);
    this.#stopAll(kept, out);
    if (kept.stopping.size === 0) this.#confirmReset(kept, out);
  }

  #stopAll(kept: KeptLease, out: Effects<Wire>): void {
    for (const id of kept.workloads.keys()) {
      kept.stopping.add(id);
      out.stopWorkload(id);
    }
  }

  #confirmReset(kept: KeptLease, out: Effects<Wire>): void {
    if (this.#conduct.confirms) {
      this.#chain.submit({ type: 'SubmitLeaseConfirmation', lease: kept.id, reset: true }, out);
    }
  }

  /** The lease is over on chain: the capacity is free again. */
  end(lease: string, now: Time, out: Effects<Wire>): void {
    const kept = this.#leases.get(lease);
    if (kept === undefined) return;
    this.#leases.delete(lease);
    out.cancelTimer(lease);
    if (this.#conduct.offers !== null) out.cancelTimer(`offer:${lease}`);
    if (kept.stage !== 'closing') this.#stopAll(kept, out);
    if (kept.reservation !== null) this.#book.release(kept.reservation);
    this.#placeWaiting(now, out);
  }

  /** Leases that are without capacity get what has become free. */
  #placeWaiting(now: Time, out: Effects<Wire>): void {
    if (this.#waiting === 0) return;
    for (const kept of this.#leases.values()) {
      if (kept.stage !== 'serving' || kept.reservation !== null) continue;
      kept.reservation = this.#book.reserve(kept.resources);
      if (kept.reservation === null) continue;
      this.#startWorkloads(kept, out);
      this.#confirmIfServing(kept, now, out);
    }
    this.#waiting = this.#countWaiting();
  }

  #countWaiting(): number {
    let count = 0;
    for (const kept of this.#leases.values()) if (kept.stage === 'serving' && kept.reservation === null) count += 1;
    return count;
  }

  /**
   * An outside offer for what a lease holds. Taken when its gain is worth more than the collateral that it forfeits;
   * then the workloads stop, the lease is left to go stale, and the capacity serves the outsider for a while.
   */
  offer(lease: string, now: Time, out: Effects<Wire>): void {
    const kept = this.#leases.get(lease);
    const offers = this.#conduct.offers;
    if (kept === undefined || offers === null || kept.stage !== 'serving') return;
    const worth = offers.worth();
    out.observe('outside_offer', Number(worth), lease);
    if (worth <= kept.collateral) {
      out.setTimer(`offer:${lease}`, now + offers.next_us());
      return;
    }
    out.observe('default', Number(worth), lease);
    this.abandon(kept, now + offers.occupied_us, out);
  }

  /** Walks away from a lease; its capacity is taken by other work until then. */
  abandon(kept: KeptLease, until: Time, out: Effects<Wire>): void {
    kept.stage = 'abandoned';
    out.cancelTimer(kept.id);
    this.#stopAll(kept, out);
    if (kept.reservation === null) return;
    // The outside work's from now on: when the lease ends before it, nothing is free yet.
    this.#outside.set(kept.id, kept.reservation);
    kept.reservation = null;
    out.setTimer(`outside:${kept.id}`, until);
  }

  /** Outside work is done. */
  outsideDone(lease: string, now: Time, out: Effects<Wire>): void {
    const reservation = this.#outside.get(lease);
    if (reservation === undefined) return;
    this.#outside.delete(lease);
    this.#book.release(reservation);
    this.#placeWaiting(now, out);
  }

  /** Walks away from everything at once. */
  abandonAll(now: Time, out: Effects<Wire>): void {
    for (const kept of this.#leases.values()) if (kept.stage === 'serving') this.abandon(kept, now, out);
  }

  /** Containers that run for no lease of this provider. */
  orphans(running: readonly string[]): string[] {
    return running.filter(id => !this.#leases.has(leaseOfWorkload(id)));
  }
}
