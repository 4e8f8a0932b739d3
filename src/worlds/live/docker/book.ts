/**
 * What a backend has of workloads: which there are, in which state, and what they hold of their hosts.
 *
 * A workload that ended stays in the book, holding nothing, as long as its container is kept for its log: its lease still
 * counts it among the members of its network.
 */
import type { WorkloadSpec } from '../../../actors/actor.ts';
import type { Claim, GivenPort } from './labels.ts';
import type { DockerHostShare } from './options.ts';
import { NO_PORTS, type PublishedPorts } from './publisher.ts';

/** Most workloads of one backend, ended ones included. */
export const MAX_WORKLOADS = 10_000;

/** `gone`: out of the book, with work on it still under way. */
export type WorkloadState = 'starting' | 'running' | 'stopping' | 'ended' | 'gone';

export interface Entry {
  readonly claim: Claim;
  state: WorkloadState;
  /** The engine's id of its container; null while there is none. */
  container: string | null;
  ports: PublishedPorts;
  /** The ports that it has or had, to have them again. */
  given: readonly GivenPort[];
  /** Why this backend ended it; null when it did not. */
  verdict: string | null;
  /** Its container was told to have ended, or the killer of the kernel to have been at it. */
  sawEnd: boolean;
  sawOutOfMemory: boolean;
  /** False for a survivor of an outage, of which its provider was told that it was lost. */
  isClaimed: boolean;
  /** When it came into its state (process clock, ms). */
  since_ms: number;
  /** Ends its start. */
  readonly abort: AbortController;
}

const UNITS = ['cpu', 'memory', 'disk', 'gpu'] as const;

export class Book {
  readonly #hosts: readonly DockerHostShare[];
  readonly #used: { cpu: number; memory: number; disk: number; gpu: number }[];
  readonly #entries = new Map<string, Entry>();

  constructor(hosts: readonly DockerHostShare[]) {
    this.#hosts = hosts;
    this.#used = hosts.map(() => ({ cpu: 0, memory: 0, disk: 0, gpu: 0 }));
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** All entries, in the order in which they came. A copy: whoever goes through it may change the book. */
  all(): readonly Entry[] {
    return [...this.#entries.values()];
  }

  hasHost(host: number): boolean {
    return Number.isInteger(host) && this.#hosts[host] !== undefined;
  }

  /** Whether any workload belongs to a private network. */
  hasMembers(network: string): boolean {
    for (const { claim } of this.#entries.values()) if (claim.network === network) return true;
    return false;
  }

  /** Why there is no room for a workload; null when there is. */
  refusal(spec: WorkloadSpec): string | null {
    const host = this.#hosts[spec.host];
    const used = this.#used[spec.host];
    if (host === undefined || used === undefined) return `there is no host ${spec.host}`;
    if (this.#entries.size >= MAX_WORKLOADS) return `there are ${MAX_WORKLOADS} workloads already`;
    for (const unit of UNITS) {
      const wanted = spec[unit];
      if (!Number.isSafeInteger(wanted) || wanted < 0) return `${unit} must be a whole number, found ${wanted}`;
      if (used[unit] + wanted > host[unit]) {
        return `host ${spec.host} has no room: ${unit} ${wanted} wanted, ${host[unit] - used[unit]} free`;
      }
    }
    return null;
  }

  /** Enters a workload in place of one of its id that ended, and takes its room. */
  enter(claim: Claim, state: WorkloadState, given: readonly GivenPort[], container: string | null): Entry {
    const present = this.#entries.get(claim.id);
    if (present !== undefined) {
      if (present.state !== 'ended') throw new Error(`${claim.id} is there already: ${present.state}`);
      this.remove(present);
    }
    const entry: Entry = {
      claim,
      state,
      container,
      ports: NO_PORTS,
      given,
      verdict: null,
      sawEnd: false,
      sawOutOfMemory: false,
      isClaimed: true,
      since_ms: Date.now(),
      abort: new AbortController(),
    };
    this.#entries.set(claim.id, entry);
    if (state !== 'ended') this.#reserve(claim, 1);
    return entry;
  }

  /** A workload ended: its room is free, its place is kept. */
  end(entry: Entry): void {
    if (entry.state === 'ended' || entry.state === 'gone') throw new Error(`${entry.claim.id} is ${entry.state}`);
    entry.state = 'ended';
    entry.since_ms = Date.now();
    this.#reserve(entry.claim, -1);
  }

  /** Takes a workload out. */
  remove(entry: Entry): void {
    if (entry.state === 'gone') return;
    if (entry.state !== 'ended') this.#reserve(entry.claim, -1);
    entry.state = 'gone';
    if (this.#entries.get(entry.claim.id) === entry) this.#entries.delete(entry.claim.id);
  }

  #reserve(claim: Claim, sign: 1 | -1): void {
    const used = this.#used[claim.host];
    if (used === undefined) throw new RangeError(`there is no host ${claim.host}`);
    for (const unit of UNITS) used[unit] += sign * claim[unit];
  }
}
