/**
 * Keeping leases: starting what was leased, confirming it, putting it back on its feet, tearing it down.
 *
 * A confirmation says that the resources are provided and, once the manifest has arrived, that its workloads were
 * started. So it is sent only while the capacity is reserved on hosts that are up, and, where there is something to
 * start, when all of it has started once. A tenant that sends no manifest bears its own delay: until it comes, the
 * resources are held, confirmed and paid for. A workload that exits by itself is started again and breaks nothing.
 */

import type { ManifestService } from '../../protocol/manifest/types.ts';
import { deploymentOf } from '../../protocol/model/objects.ts';
import type { Effects, Time, WorkloadAddress, WorkloadEvent, WorkloadSpec } from '../actor.ts';
import type { ChainClient } from '../client/chain-client.ts';
import type { LeaseStatus } from '../lease-wire.ts';
import type { Wire } from '../wire.ts';
import type { CapacityBook, Reservation } from './capacity.ts';
import type { Conduct } from './conduct.ts';
import { type KeptLease, type LeaseFacts, type LeaseTerms, newLease } from './kept-lease.ts';
import { leaseStatusOf } from './lease-status.ts';
import type { HeldManifest, ManifestShelf } from './manifest-shelf.ts';
import { assignUnits, hasVersion, leaseOfWorkload, placeOfWorkload, specOf } from './workload-specs.ts';

export class LeaseKeeper {
  readonly #leases = new Map<string, KeptLease>();
  readonly #book: CapacityBook;
  readonly #chain: ChainClient;
  readonly #conduct: Conduct;
  readonly #shelf: ManifestShelf;
  readonly #onChange: (lease: string, now: Time, out: Effects<Wire>) => void;
  /** Capacity that outside work holds, by the lease that it was taken from. */
  readonly #outside = new Map<string, Reservation>();
  /** At least as many as there are leases without capacity; 0 when there surely are none. */
  #waiting = 0;

  /** @param onChange is called when the status of a lease with a manifest has changed */
  constructor(
    book: CapacityBook,
    chain: ChainClient,
    conduct: Conduct,
    shelf: ManifestShelf,
    onChange: (lease: string, now: Time, out: Effects<Wire>) => void,
  ) {
    this.#book = book;
    this.#chain = chain;
    this.#conduct = conduct;
    this.#shelf = shelf;
    this.#onChange = onChange;
  }

  has(lease: string): boolean {
    return this.#leases.has(lease);
  }

  get size(): number {
    return this.#leases.size;
  }

  /** All leases, for whoever looks. */
  get all(): Iterable<KeptLease> {
    return this.#leases.values();
  }

  /** What a manifest for a lease must fit; null: there is no such lease that is served. */
  facts(lease: string): LeaseFacts | null {
    const kept = this.#leases.get(lease);
    if (kept?.stage !== 'serving') return null;
    const { resources, version, plan } = kept;
    return { resources, version, held: plan?.version ?? null };
  }

  /** How a lease's services are; null: there is no such lease. */
  status(lease: string): LeaseStatus | null {
    const kept = this.#leases.get(lease);
    return kept === undefined ? null : leaseStatusOf(lease, kept.plan, [...kept.workloads.all]);
  }

  /** Names of the workloads that run a service of a lease, by replica; `service` empty: of all. */
  replicas(lease: string, service: string): readonly { readonly service: string; readonly id: string }[] {
    const found: { readonly service: string; readonly id: string }[] = [];
    for (const { spec } of this.#leases.get(lease)?.workloads.all ?? []) {
      const name = spec.service?.name ?? '';
      if (name !== '' && (service === '' || service === name)) found.push({ service: name, id: spec.id });
    }
    return found;
  }

  /** A lease is won. `promised` is what its bid reserved; without it, capacity is looked for now. */
  begin(terms: LeaseTerms, promised: Reservation | null, now: Time, out: Effects<Wire>): void {
    const kept = this.#keep(terms, promised ?? this.#book.reserve(terms.resources), out);
    kept.wonAt = now;
    this.#startWorkloads(kept, out);
    this.#confirmIfServing(kept, now, out);
    this.#expectOffers(kept, now, out);
  }

  #keep(terms: LeaseTerms, reservation: Reservation | null, out: Effects<Wire>): KeptLease {
    const kept = newLease(terms, reservation);
    this.#leases.set(kept.id, kept);
    if (reservation === null) {
      this.#waiting += 1;
      out.observe('overcommitted', 1, kept.id);
    }
    return kept;
  }

  #expectOffers({ id }: KeptLease, now: Time, out: Effects<Wire>): void {
    if (this.#conduct.offers !== null) out.setTimer(`offer:${id}`, now + this.#conduct.offers.next_us());
  }

  /** Takes up a lease that was there before a restart, with the containers that still run for it. */
  resume(
    terms: LeaseTerms,
    stage: 'pending' | 'active' | 'closing',
    running: readonly string[],
    now: Time,
    out: Effects<Wire>,
  ): void {
    const { lease, resources, version } = terms;
    if (this.#leases.has(lease)) return;
    const mine = running.filter(id => leaseOfWorkload(id) === lease);
    const hosts: number[] = [];
    for (const id of mine) {
      const { unit, host } = placeOfWorkload(id);
      hosts[unit] = host;
    }
    const adopted = this.#book.adopt(resources, hosts);
    const kept = this.#keep(terms, adopted ?? this.#book.reserve(resources), out);
    if (stage === 'closing') {
      kept.stage = 'closing';
      kept.workloads.stopFound(mine, out);
      if (kept.workloads.isSettled) this.#confirmReset(kept, out);
      return;
    }
    const held = hasVersion(version) ? this.#shelf.take(lease, resources) : null;
    kept.plan = held?.plan ?? null;
    kept.held = held?.held.replacing === true ? held.held : null;
    const specs = this.#specsOf(kept);
    // Nobody can say any more what runs there, or where: it makes room for what is to.
    if (adopted === null || specs.length === 0 || kept.held !== null) {
      kept.workloads.replace(specs, mine, out);
      if (kept.workloads.isSettled) this.#settled(kept, out);
    } else {
      kept.workloads.start(specs, out);
      kept.workloads.adopt();
    }
    this.#tellService(kept, out);
    this.#confirmIfServing(kept, now, out);
    this.#expectOffers(kept, now, out);
  }

  /** What is to run for a lease, by unit; nothing while its manifest has not come. */
  #specsOf({ id, reservation, plan, version }: KeptLease): WorkloadSpec[] {
    if (reservation === null || !this.#conduct.runs || (plan === null && hasVersion(version))) return [];
    return reservation.placements.map((placement, i) => specOf(id, i, placement, plan?.services[i] ?? null));
  }

  #startWorkloads(kept: KeptLease, out: Effects<Wire>): void {
    kept.workloads.start(this.#specsOf(kept), out);
  }

  /** The chain shows another version of a deployment; its manifest is to come. */
  versionIs(deployment: string, version: Uint8Array): void {
    for (const kept of this.#leases.values()) if (deploymentOf(kept.id) === deployment) kept.version = version;
  }

  /**
   * A lease's manifest has come, and was found to be its tenant's, of the chain's version, and to fit the lease. It is
   * stored; when it is durable, its workloads are started, in place of what runs.
   * @param services by unit
   */
  accept(
    lease: string,
    { version, group, bytes }: Pick<HeldManifest, 'version' | 'group' | 'bytes'>,
    services: readonly ManifestService[],
    now: Time,
    out: Effects<Wire>,
  ): void {
    const kept = this.#leases.get(lease);
    if (kept?.stage !== 'serving') throw new Error(`a manifest came for ${lease}, which is not served`);
    const before = kept.plan?.services.map(one => one.name) ?? [];
    const assigned = assignUnits(services, before, kept.resources);
    const replacing = !kept.workloads.isEmpty;
    const held = { version, group, bytes, units: assigned.map(one => one.name), replacing };
    this.#shelf.put(lease, held, out);
    if (kept.plan === null && kept.wonAt >= 0) out.observe('manifest_accepted', now - kept.wonAt, lease);
    kept.version = version;
    kept.plan = { version, services: assigned };
    kept.held = replacing ? held : null;
    kept.workloads.replace(this.#specsOf(kept), [...kept.workloads.ids], out);
    this.#tellService(kept, out);
    this.#onChange(lease, now, out);
  }

  #serves(kept: KeptLease): boolean {
    if (kept.stage !== 'serving' || kept.reservation === null || !this.#conduct.confirms) return false;
    return kept.workloads.isStarted;
  }

  #confirmIfServing(kept: KeptLease, now: Time, out: Effects<Wire>): void {
    if (!this.#serves(kept)) return;
    const due = kept.confirmedAt < 0 ? now : kept.confirmedAt + this.#confirmationInterval_us;
    if (now >= due) {
      this.#chain.submit({ type: 'SubmitLeaseConfirmation', lease: kept.id, reset: false }, out);
      kept.confirmedAt = now;
    }
    out.setTimer(kept.id, kept.confirmedAt + this.#confirmationInterval_us);
  }

  /** Half a period: early enough that one lost confirmation does not make the lease stale, and no less than is taken. */
  get #confirmationInterval_us(): number {
    const { reconfirmationPeriod, targetBlockInterval } = this.#chain.params;
    return Math.max(Math.ceil(reconfirmationPeriod / 4), Math.floor(reconfirmationPeriod / 2)) * targetBlockInterval;
  }

  /** A confirmation is due. */
  confirmationDue(lease: string, now: Time, out: Effects<Wire>): void {
    const kept = this.#leases.get(lease);
    if (kept !== undefined) this.#confirmIfServing(kept, now, out);
  }

  workload(
    id: string,
    event: WorkloadEvent,
    addresses: readonly WorkloadAddress[],
    now: Time,
    out: Effects<Wire>,
  ): void {
    const kept = this.#leases.get(leaseOfWorkload(id));
    if (kept === undefined) return;
    const isServing = kept.stage === 'serving';
    if (event === 'stopped') {
      if (kept.workloads.stopped(id, isServing, out)) this.#settled(kept, out);
      return;
    }
    const workload = kept.workloads.happened(id, event, addresses);
    if (workload === undefined) return;
    if (event === 'started') {
      workload.failures = 0;
      const first = !workload.started;
      workload.started = true;
      if (first) this.#confirmIfServing(kept, now, out);
    } else if (event !== 'lost' && isServing) {
      out.setTimer(`restart:${id}`, kept.workloads.retryAt(workload, now));
    }
    this.#tellService(kept, out);
    if (kept.plan !== null && isServing) this.#onChange(kept.id, now, out);
  }

  /** What was being stopped has stopped. */
  #settled(kept: KeptLease, out: Effects<Wire>): void {
    if (kept.stage === 'closing') this.#confirmReset(kept, out);
    else if (kept.held !== null) {
      this.#shelf.replaced(kept.id, kept.held, out);
      kept.held = null;
    }
  }

  /** Starts a workload again that had failed or exited. */
  restartWorkload(id: string, out: Effects<Wire>): void {
    const kept = this.#leases.get(leaseOfWorkload(id));
    if (kept?.stage === 'serving') kept.workloads.restart(id, out);
  }

  /** A host went away or came back: what stood on it moves to where there is room, or waits for it. */
  host(host: number, up: boolean, now: Time, out: Effects<Wire>): void {
    this.#book.setUp(host, up);
    for (const kept of this.#leases.values()) {
      if (kept.stage !== 'serving') continue;
      const hit = !up && kept.reservation?.placements.some(one => one.host === host) === true;
      if (hit) {
        this.#book.release(kept.reservation as Reservation);
        for (const id of kept.workloads.ids) out.stopWorkload(id);
      }
      if (!hit && kept.reservation !== null) continue;
      kept.reservation = this.#book.reserve(kept.resources);
      this.#startWorkloads(kept, out);
      this.#tellService(kept, out);
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
    kept.workloads.stop(out);
    this.#tellService(kept, out);
    if (kept.workloads.isSettled) this.#confirmReset(kept, out);
  }

  /** Says whether all that a lease is for runs, when that has changed: its tenant has, or has not, a service. */
  #tellService(kept: KeptLease, out: Effects<Wire>): void {
    const isThere = kept.stage === 'serving' && kept.workloads.isRunning;
    if (isThere === kept.isThere) return;
    kept.isThere = isThere;
    out.observe('service', isThere ? 1 : 0, kept.id);
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
    if (kept.stage !== 'closing') kept.workloads.stop(out);
    this.#tellService(kept, out);
    if (kept.plan !== null) this.#shelf.drop(lease, out);
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
    kept.workloads.stop(out);
    this.#tellService(kept, out);
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
