/**
 * A node's disk: an append log and a key-value store behind a write cache.
 *
 * Writes are visible to their own node at once, and durable from the next finished sync on. At a crash, what was not
 * synced may be gone, in part.
 *  - Of the log a prefix of the unsynced operations survives. A sector is written whole or not at all, so that an entry
 *    which lies across sectors may be torn in the middle: its checksum fails, recovery cuts it off with all behind it,
 *    and nobody is told, for none of it was ever durable.
 *  - Each unsynced put or delete survives or not by itself, whatever was written after it. A put is a new file that is
 *    renamed into its place: torn, it never gets its name; and as long as the directory was not synced, the rename may
 *    be rolled back, to the value before or to any that was put since the last sync.
 * What was synced is found again as it was written, or, where bits have rotted, found damaged: every record has a
 * checksum. A damaged value fails its reads until it is overwritten; a damaged log entry is a hole in the middle of what
 * was durable, over which no recovery may pass in silence, so that the log cannot be replayed.
 *
 * Once a write has failed (full, I/O error), every sync fails until the node restarts: nobody can tell any more what
 * the device holds.
 *
 * This file knows nothing of time; it says how long an operation takes, and the world waits.
 */
import type { RandomStream } from '../../actors/actor.ts';
import { compareKeys, lowerBound } from './keys.ts';
import { constantSampler, type Sampler } from './latency.ts';
import { drawInteger } from './streams.ts';

export interface DiskModel {
  /** Duration of a sync, besides the transfer; constant microseconds or a sampler. Default 2,000; 0 is allowed. */
  readonly sync_us?: number | Sampler;
  /** Duration of a get or scan, besides the transfer. Default 100. */
  readonly read_us?: number | Sampler;
  /** Throughput; null (the default) transfers at once. */
  readonly bytes_per_s?: number | null;
  /** What fits; null (the default) is boundless. */
  readonly capacity_bytes?: number | null;
  /** What the device writes whole or not at all. Default 512. */
  readonly sector_bytes?: number;
}

/** What each stored entry costs beyond its own bytes: header and checksum. */
const ENTRY_OVERHEAD = 16;

/** What undoes a store operation: the value that the key had before. */
interface StoreWrite {
  readonly key: string;
  readonly before: Uint8Array | null;
  readonly after: Uint8Array | null;
}

/** The durable content of a disk at some time. */
export interface DiskSnapshot {
  readonly firstIndex: number;
  readonly log: readonly Uint8Array[];
  readonly store: ReadonlyMap<string, Uint8Array>;
}

/** An unsynced log operation: an entry, or (a number) the index before which entries are dropped. */
type LogWrite = Uint8Array | number;

export class SimulatedDisk {
  /** Faults that are in force. While there are errors, all fails; while there are fillers, what needs room does. */
  private errors = 0;
  private fillers = 0;
  private slowdowns: number[] = [];
  private slowness = 1;
  // How often what is rare has happened; for probes.
  /** Log entries that a crash tore in the middle. */
  tornEntries = 0;
  /** Puts and deletes that a crash undid. */
  undoneWrites = 0;
  /** Reads that found damage. */
  damagedReads = 0;

  private readonly syncTime: Sampler;
  private readonly readTime: Sampler;
  private readonly throughput: number;
  private readonly capacity: number;
  private readonly sector: number;
  private readonly stream: RandomStream;

  private log: Uint8Array[] = [];
  private firstIndex = 0;
  private readonly store = new Map<string, Uint8Array>();
  /** Keys in byte order; null until the first scan. */
  private ordered: string[] | null = null;
  private used = 0;
  /** Bytes that were ever written to the log and not cut off again: where the next entry begins on the device. */
  private logBytes = 0;
  /** Stored copies whose bits have rotted; null while there is none. */
  private damaged: Set<Uint8Array> | null = null;

  private logWrites: LogWrite[] = [];
  /** The log as it was at the last sync, for entries that an unsynced truncation dropped. */
  private droppedEntries: Uint8Array[] = [];
  private storeWrites: StoreWrite[] = [];
  private unsyncedBytes = 0;
  /** Why no sync can succeed any more, or null. */
  private failure: string | null = null;

  constructor(model: DiskModel, stream: RandomStream) {
    this.syncTime = asSampler(model.sync_us ?? 2_000);
    this.readTime = asSampler(model.read_us ?? 100);
    this.throughput = positive(model.bytes_per_s ?? null, 'bytes_per_s');
    this.capacity = positive(model.capacity_bytes ?? null, 'capacity_bytes');
    this.sector = positive(model.sector_bytes ?? 512, 'sector_bytes');
    this.stream = stream;
  }

  /** Bytes in use, headers included. */
  get usedBytes(): number {
    return this.used;
  }

  /** Number of the next entry. */
  get logEnd(): number {
    return this.firstIndex + this.log.length;
  }

  /** Is there anything that a sync would have to write? */
  get dirty(): boolean {
    return this.logWrites.length > 0 || this.storeWrites.length > 0 || this.failure !== null;
  }

  /** An I/O error begins or ends; they nest. */
  setErroring(on: boolean): void {
    this.errors = Math.max(0, this.errors + (on ? 1 : -1));
  }

  /** Somebody fills the disk, or takes it back; they nest. */
  setFilled(on: boolean): void {
    this.fillers = Math.max(0, this.fillers + (on ? 1 : -1));
  }

  /** The disk begins to take `factor` times as long, or stops to; they multiply. */
  setSlow(factor: number, on: boolean): void {
    if (on) this.slowdowns.push(factor);
    else this.slowdowns.splice(this.slowdowns.indexOf(factor), 1);
    this.slowness = this.slowdowns.reduce((product, each) => product * each, 1);
  }

  /** Adds a log entry. Returns why that failed, or null. */
  append(entry: Uint8Array): string | null {
    const failure = this.admit(entry.length + ENTRY_OVERHEAD);
    if (failure !== null) return failure;
    const copy = entry.slice();
    this.used += copy.length + ENTRY_OVERHEAD;
    this.logBytes += copy.length + ENTRY_OVERHEAD;
    this.log.push(copy);
    this.logWrites.push(copy);
    return null;
  }

  /** Drops log entries before `index`. Returns why that failed, or null. */
  truncate(index: number): string | null {
    if (!Number.isSafeInteger(index) || index < 0 || index > this.logEnd) {
      throw new RangeError(`the log can be truncated at 0..${this.logEnd}, found ${index}`);
    }
    if (index <= this.firstIndex) return null;
    const failure = this.admit(0);
    if (failure !== null) return failure;
    const dropped = this.log.splice(0, index - this.firstIndex);
    for (const entry of dropped) {
      this.used -= entry.length + ENTRY_OVERHEAD;
      this.droppedEntries.push(entry);
    }
    this.firstIndex = index;
    this.logWrites.push(index);
    return null;
  }

  /** Stores a value, or with null deletes the key. Returns why that failed, or null. */
  write(key: string, value: Uint8Array | null): string | null {
    const before = this.store.get(key) ?? null;
    if (value === null && before === null) return this.admit(0);
    const growth = (value === null ? 0 : cost(key, value)) - (before === null ? 0 : cost(key, before));
    const failure = this.admit(growth);
    if (failure !== null) return failure;
    const after = value === null ? null : value.slice();
    this.assign(key, after);
    this.storeWrites.push({ key, before, after });
    return null;
  }

  /** A copy of a stored value, or null. */
  read(key: string): Uint8Array | null {
    return this.store.get(key)?.slice() ?? null;
  }

  /** Copies of all entries whose key starts with `prefix`, in byte order of keys. */
  scan(prefix: string): (readonly [string, Uint8Array])[] {
    if (this.ordered === null) this.ordered = [...this.store.keys()].sort(compareKeys);
    const found: (readonly [string, Uint8Array])[] = [];
    for (let at = lowerBound(this.ordered, prefix); at < this.ordered.length; at++) {
      const key = this.ordered[at]!;
      if (!key.startsWith(prefix)) break;
      found.push([key, this.store.get(key)!.slice()]);
    }
    return found;
  }

  /** Why reading a key fails right now, or null. */
  readFailure(key: string): string | null {
    if (this.errors > 0) return 'I/O error';
    if (this.damaged === null) return null;
    const value = this.store.get(key);
    if (value === undefined || !this.damaged.has(value)) return null;
    this.damagedReads++;
    return `the value of ${key} is damaged: its checksum does not match`;
  }

  /** Why a scan fails right now, or null. */
  scanFailure(prefix: string): string | null {
    if (this.errors > 0) return 'I/O error';
    if (this.damaged === null) return null;
    const found = this.scan(prefix).find(([key]) => this.damaged!.has(this.store.get(key)!));
    return found === undefined ? null : this.readFailure(found[0]);
  }

  /** Why the log cannot be replayed right now, or null. */
  replayFailure(): string | null {
    if (this.errors > 0) return 'the log cannot be read: I/O error';
    const { damaged } = this;
    const hole = damaged === null ? -1 : this.log.findIndex(entry => damaged.has(entry));
    if (hole < 0) return null;
    this.damagedReads++;
    return `log entry ${this.firstIndex + hole} is damaged: its checksum does not match`;
  }

  /** Damages log entries or stored values that are drawn: `count` of them, or all when there are fewer. */
  rot(of: 'log' | 'store', count: number, draws: RandomStream): void {
    const keys = of === 'store' ? [...this.store.keys()].sort(compareKeys) : [...this.log.keys()];
    this.damaged ??= new Set();
    for (let i = 0; i < count && keys.length > 0; i++) {
      const [victim] = keys.splice(drawInteger(draws, keys.length), 1);
      // A copy of its own is damaged: what the write cache still holds stays whole, and may survive a crash as that.
      if (typeof victim === 'number') {
        const copy = this.log[victim]!.slice();
        this.log[victim] = copy;
        this.damaged.add(copy);
      } else {
        const copy = this.store.get(victim!)!.slice();
        this.store.set(victim!, copy);
        this.damaged.add(copy);
      }
    }
  }

  /** What is durable now. */
  snapshot(): DiskSnapshot {
    const { first, entries } = this.durableLog();
    const store = new Map(this.store);
    for (let i = this.storeWrites.length - 1; i >= 0; i--) {
      const { key, before } = this.storeWrites[i]!;
      if (before === null) store.delete(key);
      else store.set(key, before);
    }
    return { firstIndex: first, log: entries, store };
  }

  /** The device is replaced by one with the content of a snapshot. */
  restore(snapshot: DiskSnapshot): void {
    this.wipe();
    this.log = [...snapshot.log];
    this.firstIndex = snapshot.firstIndex;
    for (const entry of this.log) this.used += entry.length + ENTRY_OVERHEAD;
    this.logBytes = this.used;
    for (const [key, value] of snapshot.store) this.assign(key, value);
  }

  /** How long a sync takes that starts now, in microseconds. */
  syncDuration(): number {
    return this.duration(this.syncTime, this.unsyncedBytes);
  }

  /** How long a read of so many bytes takes, in microseconds. */
  readDuration(bytes: number): number {
    return this.duration(this.readTime, bytes);
  }

  /** Ends a sync. Returns why it failed, or null when all that was written before is durable. */
  commit(): string | null {
    if (this.errors > 0) this.failure ??= 'I/O error';
    if (this.failure !== null) return this.failure;
    this.forgetWrites();
    return null;
  }

  /**
   * Power is lost: draws what of the unsynced writes survives, and forgets the rest.
   * @param draws this crash's own stream, so that it disturbs no other draw
   */
  crash(draws: RandomStream): void {
    this.crashLog(draws);
    this.crashStore(draws);
    this.forgetWrites();
    this.failure = null;
  }

  /** The device is replaced by an empty one. */
  wipe(): void {
    this.log = [];
    this.firstIndex = 0;
    this.store.clear();
    this.ordered = null;
    this.used = 0;
    this.logBytes = 0;
    this.damaged = null;
    this.forgetWrites();
    this.failure = null;
  }

  /** The log as a restart finds it: number of the first entry, and copies of the entries. */
  replay(): { readonly first: number; readonly entries: readonly Uint8Array[] } {
    return { first: this.firstIndex, entries: this.log.map(entry => entry.slice()) };
  }

  /** The log as it was at the last sync. */
  private durableLog(): { first: number; entries: Uint8Array[] } {
    const appended = this.logWrites.filter(write => typeof write !== 'number').length;
    const whole = [...this.droppedEntries, ...this.log];
    return { first: this.logEnd - whole.length, entries: whole.slice(0, whole.length - appended) };
  }

  private crashLog(draws: RandomStream): void {
    const { logWrites } = this;
    if (logWrites.length === 0) return;
    const survivors = drawInteger(draws, logWrites.length + 1);
    const begun = draws.uniform() < 0.5;
    // Back to the state of the last sync, then forward by the operations that survived.
    const durable = this.durableLog();
    const { entries } = durable;
    let { first } = durable;
    for (const write of logWrites.slice(0, survivors)) {
      if (typeof write === 'number') {
        entries.splice(0, write - first);
        first = write;
      } else {
        entries.push(write);
      }
    }
    for (const write of logWrites.slice(survivors)) {
      if (typeof write !== 'number') this.logBytes -= write.length + ENTRY_OVERHEAD;
    }
    const next = logWrites[survivors];
    if (begun && next !== undefined && typeof next !== 'number' && this.spansSectors(this.logBytes, next)) {
      this.tornEntries++;
    }
    for (const entry of this.log) this.used -= entry.length + ENTRY_OVERHEAD;
    for (const entry of entries) this.used += entry.length + ENTRY_OVERHEAD;
    this.log = entries;
    this.firstIndex = first;
  }

  private crashStore(draws: RandomStream): void {
    for (let i = this.storeWrites.length - 1; i >= 0; i--) {
      const { key, before } = this.storeWrites[i]!;
      this.assign(key, before);
    }
    for (const { key, after } of this.storeWrites) {
      if (draws.uniform() < 0.5) this.assign(key, after);
      else this.undoneWrites++;
    }
  }

  /** Does an entry that begins there lie in more than one sector? Only then can it be torn. */
  private spansSectors(begin: number, entry: Uint8Array): boolean {
    const last = begin + entry.length + ENTRY_OVERHEAD - 1;
    return Math.floor(begin / this.sector) !== Math.floor(last / this.sector);
  }

  private assign(key: string, value: Uint8Array | null): void {
    const before = this.store.get(key);
    if (before !== undefined) this.used -= cost(key, before);
    if (value === null) {
      if (before === undefined) return;
      this.store.delete(key);
      if (this.ordered !== null) this.ordered.splice(lowerBound(this.ordered, key), 1);
      return;
    }
    this.used += cost(key, value);
    this.store.set(key, value);
    if (before === undefined && this.ordered !== null) {
      this.ordered.splice(lowerBound(this.ordered, key), 0, key);
    }
  }

  private admit(growth: number): string | null {
    let failure: string | null = null;
    if (this.errors > 0) failure = 'I/O error';
    else if (growth > 0 && (this.fillers > 0 || this.used + growth > this.capacity)) failure = 'disk full';
    if (failure === null) {
      this.unsyncedBytes += growth > 0 ? growth : ENTRY_OVERHEAD;
    } else {
      this.failure ??= failure;
    }
    return failure;
  }

  private forgetWrites(): void {
    this.logWrites = [];
    this.droppedEntries = [];
    this.storeWrites = [];
    this.unsyncedBytes = 0;
  }

  private duration(sampler: Sampler, bytes: number): number {
    const base = sampler.constant ?? sampler.sample(this.stream);
    return Math.round((base + (bytes * 1e6) / this.throughput) * this.slowness);
  }
}

function asSampler(value: number | Sampler): Sampler {
  return typeof value === 'number' ? constantSampler(value) : value;
}

function positive(value: number | null, what: string): number {
  if (value === null) return Number.POSITIVE_INFINITY;
  if (!(value > 0)) throw new RangeError(`a disk's ${what} must be positive, found ${value}`);
  return value;
}

function cost(key: string, value: Uint8Array): number {
  return key.length + value.length + ENTRY_OVERHEAD;
}
