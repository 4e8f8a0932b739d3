/**
 * Brings a backend's book and its engine together, and lets go of what nobody has asked for in a while.
 *
 * What is found at the engine with this owner's labels is adopted when it runs and is kept apart as it should be, kept
 * for its log when it has ended, and removed when it is neither.
 */
import type Docker from 'dockerode';
import type { Access } from './access.ts';
import type { Book, Entry } from './book.ts';
import { overDisk } from './disk-watch.ts';
import { type Engine, reasonOf } from './engine.ts';
import type { Isolation } from './isolation.ts';
import { type Claim, claimOf, isOwn, LABELS, labelFilters, networkName, portsOf } from './labels.ts';
import type { Launcher } from './launch.ts';
import type { DockerSettings } from './options.ts';
import { Turns } from './turns.ts';
import type { Volumes } from './volumes.ts';

/** Why a workload was ended whose image has a health check. */
export const UNHEALTHY = 'unhealthy, by its own health check';

/** What the upkeep needs of the backend that it is a part of. */
export interface UpkeepParts {
  readonly engine: Engine;
  readonly settings: DockerSettings;
  readonly isolation: Isolation;
  readonly access: Access;
  readonly launcher: Launcher;
  readonly volumes: Volumes;
  readonly book: Book;
  /** Ids of workloads that were stopped and whose containers may still be there. */
  readonly doomed: Set<string>;
  /** Whether an operation on a workload is under way. */
  isBusy(id: string): boolean;
  /** Queues an operation on a workload. */
  queue(id: string, what: string, work: () => Promise<void>): void;
  /** Looks whether a workload has ended, and tells so. */
  checkEnd(entry: Entry): Promise<void>;
  /** Ends a workload for this reason. */
  condemn(entry: Entry, verdict: string): void;
}

export class Upkeep {
  readonly #parts: UpkeepParts;
  readonly #turns = new Turns();
  /** Networks that nobody is in, by when that was seen first. */
  readonly #empty = new Map<string, number>();

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  /** Resolves once nothing is being compared any more. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }

  /**
   * Compares the book with the engine's list. Throws when the engine does not give one.
   * @param claimed whether what is adopted is what its provider knows of
   */
  reconcile(claimed: boolean): Promise<void> {
    return this.#turns.run('reconcile', async () => {
      const { engine, settings, isolation, book } = this.#parts;
      const filters = { label: labelFilters(settings.owner) };
      const listed = await engine.call('list the containers', (docker, abortSignal) =>
        docker.listContainers({ all: true, filters, abortSignal }),
      );
      const networks = await isolation.networks.list();
      const sound = new Set(networks.filter(network => network.isSound).map(network => network.name));
      const own = listed.filter(info => isOwn(info.Labels, settings.owner));
      const there = new Set(own.map(info => info.Id));
      await Promise.all(own.map(info => this.#meet(info, sound, claimed)));
      for (const entry of book.all()) {
        const isMissed = entry.state === 'running' && entry.container !== null && !there.has(entry.container);
        if (isMissed) this.#parts.queue(entry.claim.id, 'end', () => this.#parts.checkEnd(entry));
      }
    });
  }

  /** Removes what ended, or was left by an outage, long enough ago; and networks that nobody came back to. */
  async putInOrder(): Promise<void> {
    const { launcher, settings, isolation, volumes, book } = this.#parts;
    // Somebody else's hand may have emptied the tables.
    await isolation.firewall?.ensure();
    await this.reconcile(true);
    const before = Date.now() - settings.keepEnded_ms;
    for (const entry of book.all()) if (entry.since_ms <= before) this.#letGo(entry);
    const there = new Set([
      ...(await isolation.networks.list()).map(one => one.network),
      ...(await volumes.networks()),
    ]);
    for (const network of [...this.#empty.keys()]) if (!there.has(network)) this.#empty.delete(network);
    for (const network of there) {
      const since = this.#empty.get(network);
      if (book.hasMembers(network)) this.#empty.delete(network);
      else if (since === undefined) this.#empty.set(network, Date.now());
      else if (since <= before) await launcher.removeNetwork(network, () => book.hasMembers(network));
    }
  }

  /** Measures what workloads use of their disk, and ends those that use too much. */
  async checkDisks(): Promise<void> {
    const { engine, settings, book, condemn } = this.#parts;
    if (!book.all().some(entry => entry.state === 'running')) return;
    for (const [id, what] of await overDisk(engine, settings.owner)) {
      const entry = book.get(id);
      if (entry?.state === 'running') condemn(entry, what);
    }
  }

  #letGo(entry: Entry): void {
    const isIdle = (): boolean => entry.state === 'ended' || (entry.state === 'running' && !entry.isClaimed);
    if (!isIdle()) return;
    this.#parts.queue(entry.claim.id, 'let go', async () => {
      if (!isIdle()) return;
      await entry.ports.close();
      this.#parts.book.remove(entry);
      if (entry.container !== null) await this.#parts.launcher.remove(entry.container);
    });
  }

  /** Decides what a container that is there means. */
  async #meet(info: Docker.ContainerInfo, sound: ReadonlySet<string>, claimed: boolean): Promise<void> {
    const { settings, book, isBusy, queue, checkEnd, doomed, isolation, access } = this.#parts;
    const claim = claimOf(info.Labels);
    if (claim === null && access.uses(info)) return;
    if (claim === null || !book.hasHost(claim.host)) {
      this.#removeOrphan(info, 'belongs to no workload');
      return;
    }
    if (isBusy(claim.id)) return; // Who works on it knows better.
    const entry = book.get(claim.id);
    const runs = info.State === 'running' || info.State === 'paused';
    if (entry !== undefined) {
      if (entry.container !== info.Id) this.#removeOrphan(info, `is not the container of ${claim.id}`);
      else if (entry.state === 'running' && !runs) queue(claim.id, 'end', () => checkEnd(entry));
      else if (entry.state === 'running') this.#checkHealth(entry, info);
      return;
    }
    const isApart = claim.network === null || sound.has(networkName(settings.owner, claim.network));
    if (doomed.has(claim.id)) this.#removeOrphan(info, 'was stopped');
    else if (runs && isApart) await this.#adopt(info, claim, claimed);
    else if (runs) this.#removeOrphan(info, `is kept apart otherwise than by ${isolation.networks.isolation}`);
    else if (info.State === 'created') this.#removeOrphan(info, 'was never started');
    else book.enter(claim, 'ended', portsOf(info.Labels), info.Id);
  }

  async #adopt(info: Docker.ContainerInfo, claim: Claim, claimed: boolean): Promise<void> {
    const { book, launcher, settings } = this.#parts;
    const given = portsOf(info.Labels);
    const entry = book.enter(claim, 'running', given, info.Id);
    entry.isClaimed = claimed;
    try {
      const ports = await launcher.adoptPorts(info.Id, claim.network, given);
      if (entry.state !== 'running') {
        await ports.close();
        return;
      }
      entry.ports = ports;
      entry.given = ports.given;
      this.#checkHealth(entry, info);
    } catch (error) {
      settings.problem(`publish the ports of ${claim.id} again: ${reasonOf(error)}`);
    }
  }

  /** Whether a workload is well is told once, when that changes; it may have changed while nobody listened. */
  #checkHealth(entry: Entry, { Status }: Docker.ContainerInfo): void {
    if (this.#parts.settings.unhealthy === 'restart' && Status.includes('(unhealthy)')) {
      this.#parts.condemn(entry, UNHEALTHY);
    }
  }

  #removeOrphan(info: Docker.ContainerInfo, why: string): void {
    const { settings, queue, launcher, book, doomed } = this.#parts;
    settings.problem(`container ${info.Id.slice(0, 12)} ${why}: it is removed`);
    const id = info.Labels[LABELS.workload] ?? '';
    queue(id, 'remove an orphan', async () => {
      await launcher.remove(info.Id);
      if (book.get(id) === undefined) doomed.delete(id);
    });
  }
}
