/**
 * A node's disk: an append log and a key-value store behind a write cache.
 *
 * Writes are visible to their own node at once, and durable from the next finished sync on. At a crash, what was not
 * synced may be gone, in part: of the log a prefix of the unsynced operations survives (an entry that was torn in the
 * middle counts as not written, as a checksum would find), and each unsynced put or delete survives or not by itself.
 * Once a write has failed (full, I/O error), every sync fails until the node restarts: nobody can tell any more what
 * the device holds.
 *
 * This file knows nothing of time; it says how long an operation takes, and the world waits.
 */
import type { RandomStream } from '../../actors/actor.ts';
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
}

/** What each stored entry costs beyond its own bytes: header and checksum. */
const ENTRY_OVERHEAD = 16;

/** What undoes a store operation: the value that the key had before. */
interface StoreWrite {
  readonly key: string;
  readonly before: Uint8Array | null;
  readonly after: Uint8Array | null;
}

/** An unsynced log operation: an entry, or (a number) the index before which entries are dropped. */
type LogWrite = Uint8Array | number;

export class SimulatedDisk {
  /** Faults that are in force. While there are errors, all fails; while there are fillers, what needs room does. */
  private errors = 0;
  private fillers = 0;
  private slowdowns: number[] = [];
  private slowness = 1;
  /** Log entries that a crash tore in the middle; for probes. */
  tornEntries = 0;

  private readonly syncTime: Sampler;
  private readonly readTime: Sampler;
  private readonly throughput: number;
  private readonly capacity: number;
  private readonly stream: RandomStream;

  private log: Uint8Array[] = [];
  private firstIndex = 0;
  private readonly store = new Map<string, Uint8Array>();
  /** Keys in byte order; null until the first scan. */
  private ordered: string[] | null = null;
  private used = 0;

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

  /** Why reads fail right now, or null. */
  get readFailure(): string | null {
    return this.errors > 0 ? 'I/O error' : null;
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

  /** Power is lost: draws what of the unsynced writes survives, and forgets the rest. */
  crash(): void {
    this.crashLog();
    this.crashStore();
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
    this.forgetWrites();
    this.failure = null;
  }

  /** The log as a restart finds it: number of the first entry, and copies of the entries. */
  replay(): { readonly first: number; readonly entries: readonly Uint8Array[] } {
    return { first: this.firstIndex, entries: this.log.map(entry => entry.slice()) };
  }

  private crashLog(): void {
    if (this.logWrites.length === 0) return;
    const survivors = drawInteger(this.stream, this.logWrites.length + 1);
    const torn = this.stream.uniform() < 0.5;
    if (survivors < this.logWrites.length && torn && typeof this.logWrites[survivors] !== 'number') {
      this.tornEntries++;
    }
    // Back to the state of the last sync, then forward by the operations that survived.
    const appended = this.logWrites.filter(write => typeof write !== 'number').length;
    const whole = [...this.droppedEntries, ...this.log];
    let first = this.logEnd - whole.length;
    const entries = whole.slice(0, whole.length - appended);
    for (const write of this.logWrites.slice(0, survivors)) {
      if (typeof write === 'number') {
        entries.splice(0, write - first);
        first = write;
      } else {
        entries.push(write);
      }
    }
    for (const entry of this.log) this.used -= entry.length + ENTRY_OVERHEAD;
    for (const entry of entries) this.used += entry.length + ENTRY_OVERHEAD;
    this.log = entries;
    this.firstIndex = first;
  }

  private crashStore(): void {
    for (let i = this.storeWrites.length - 1; i >= 0; i--) {
      const { key, before } = this.storeWrites[i]!;
      this.assign(key, before);
    }
    for (const { key, after } of this.storeWrites) {
      if (this.stream.uniform() < 0.5) this.assign(key, after);
    }
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

/** Orders strings as their UTF-8 bytes would be. UTF-16 units differ from that for surrogates only. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const surrogateX = x >= 0xd800 && x <= 0xdfff;
    const surrogateY = y >= 0xd800 && y <= 0xdfff;
    return surrogateX === surrogateY ? x - y : surrogateX ? 1 : -1;
  }
  return a.length - b.length;
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
