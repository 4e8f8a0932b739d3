/**
 * The event queue: what happens next in a simulated world.
 *
 * Events are ordered by (time, tie, sequence): the tie is 0 or a keyed hash chosen by the caller, the sequence counts
 * pushes, so the order is total and the same in every run. The queue is a 4-ary heap in typed arrays; the heap carries
 * only time and slot number, everything else about an event lives in its slot. Slots are pooled: an event costs no
 * allocation, no closure and no promise.
 *
 * What makes it fast, in order of effect:
 *  - The heap starts at physical index 3, so four siblings share one cache line, and choosing the least of them is
 *    done without unpredictable branches.
 *  - A dispatched event leaves the root vacant; the first event that its handler pushes goes straight in there.
 *  - A cancelled event stays in the heap as a dead entry (its payload is let go at once). When more than half of the
 *    entries are dead, the heap is rebuilt from the live ones. So a cancel costs amortised O(1), and no position table
 *    has to be kept up while entries move.
 */

/** Marks a cancelled entry; event kinds must be below this. */
const DEAD = 255;

/** Physical index of the root: children of physical index p are 4p - 8 .. 4p - 5, always an aligned group of four. */
const ROOT = 3;

/** The most events that can be pending; beyond it something is leaking events. */
export const MAX_PENDING = 1 << 27;

/** A pending event's slot. Valid until that event is dispatched or cancelled; after that it belongs to another. */
export type EventHandle = number;

export class EventQueue<Subject, Payload> {
  /** Time of the event that `pop` took last, in the unit of the pushes. */
  time = 0;
  /** Kind of the event that `pop` took last. */
  kind = 0;
  /** Subject of the event that `pop` took last. */
  subject: Subject;
  /** Payload of the event that `pop` took last. */
  payload: Payload;

  private readonly noSubject: Subject;
  private readonly noPayload: Payload;
  /** In heap order. Beyond the last entry there are only infinities, so a group of siblings is always complete. */
  private times: Float64Array;
  private slots: Int32Array;
  /** Entries in the heap, dead ones and a vacant root included. */
  private entries = 0;
  private dead = 0;
  private vacant = false;
  private nextSequence = 0;

  private sequences: Float64Array;
  private ties: Uint32Array;
  private kinds: Uint8Array;
  /** Subject and payload of each slot, side by side. */
  private readonly objects: (Subject | Payload)[] = [];
  private free: Int32Array;
  private freeCount = 0;

  /**
   * @param noSubject what an empty slot holds instead of a subject
   * @param noPayload what an empty slot holds instead of a payload
   * @param capacity events that fit before the arrays grow
   */
  constructor(noSubject: Subject, noPayload: Payload, capacity = 1024) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_PENDING) {
      throw new RangeError(`capacity must be an integer from 1 to ${MAX_PENDING}, found ${capacity}`);
    }
    this.subject = this.noSubject = noSubject;
    this.payload = this.noPayload = noPayload;
    this.times = new Float64Array(capacity + ROOT + 4).fill(Number.POSITIVE_INFINITY);
    this.slots = new Int32Array(capacity + ROOT + 4);
    this.sequences = new Float64Array(capacity);
    this.ties = new Uint32Array(capacity);
    this.kinds = new Uint8Array(capacity);
    this.free = new Int32Array(capacity);
    this.addSlots(0, capacity);
  }

  /** Pending events, cancelled ones not counted. */
  get size(): number {
    return this.entries - this.dead - (this.vacant ? 1 : 0);
  }

  /**
   * Adds an event.
   * @param time finite and not negative; the queue itself does not ask that it lies in the future
   * @param tie unsigned 32-bit; orders events of the same time before the sequence does
   * @param kind 0..254, for the caller
   * @returns a handle for `cancel`
   */
  push(time: number, tie: number, kind: number, subject: Subject, payload: Payload): EventHandle {
    // One comparison catches NaN, infinities and negative times alike.
    if (!(time >= 0 && time < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`an event needs a finite time that is not negative, found ${time}`);
    }
    if (this.freeCount === 0) this.grow();
    const slot = this.free[--this.freeCount]!;
    this.sequences[slot] = this.nextSequence++;
    this.ties[slot] = tie;
    this.kinds[slot] = kind;
    this.objects[2 * slot] = subject;
    this.objects[2 * slot + 1] = payload;
    if (this.vacant) {
      this.vacant = false;
      this.siftDown(ROOT, time, slot);
    } else {
      this.siftUp(ROOT + this.entries++, time, slot);
    }
    return slot;
  }

  /** Time of the next event, or Infinity when there is none. */
  peek(): number {
    if (this.vacant || (this.dead > 0 && this.kinds[this.slots[ROOT]!] === DEAD)) this.settle();
    return this.entries === 0 ? Number.POSITIVE_INFINITY : this.times[ROOT]!;
  }

  /** Takes the next event into `time`, `kind`, `subject` and `payload`. Returns false when there is none. */
  pop(): boolean {
    if (this.vacant || (this.dead > 0 && this.kinds[this.slots[ROOT]!] === DEAD)) this.settle();
    if (this.entries === 0) return false;
    const slot = this.slots[ROOT]!;
    this.time = this.times[ROOT]!;
    this.kind = this.kinds[slot]!;
    this.subject = this.objects[2 * slot] as Subject;
    this.payload = this.objects[2 * slot + 1] as Payload;
    this.release(slot);
    this.vacant = true;
    return true;
  }

  /** Takes a pending event back. A handle that is not pending any more is an error of the caller. */
  cancel(handle: EventHandle): void {
    if (handle < 0 || handle >= this.kinds.length || this.sequences[handle] === -1) {
      throw new RangeError(`event ${handle} is not pending`);
    }
    this.objects[2 * handle] = this.noSubject;
    this.objects[2 * handle + 1] = this.noPayload;
    this.kinds[handle] = DEAD;
    this.sequences[handle] = -1;
    this.dead++;
    if (this.dead > 64 && this.dead * 2 > this.entries) this.rebuild();
  }

  private release(slot: number): void {
    this.objects[2 * slot] = this.noSubject;
    this.objects[2 * slot + 1] = this.noPayload;
    this.sequences[slot] = -1;
    this.free[this.freeCount++] = slot;
  }

  /** Fills a vacant root with the last entry, and takes dead entries off the top. */
  private settle(): void {
    for (;;) {
      if (!this.vacant) {
        if (this.entries === 0) return;
        const slot = this.slots[ROOT]!;
        if (this.kinds[slot] !== DEAD) return;
        this.kinds[slot] = 0;
        this.free[this.freeCount++] = slot;
        this.dead--;
      }
      this.vacant = false;
      const last = ROOT + --this.entries;
      const time = this.times[last]!;
      this.times[last] = Number.POSITIVE_INFINITY;
      if (this.entries > 0) this.siftDown(ROOT, time, this.slots[last]!);
    }
  }

  /** Of two slots with the same time: is the first one earlier? A dead slot's place among equals does not matter. */
  private earlier(a: number, b: number): boolean {
    const tieA = this.ties[a]!;
    const tieB = this.ties[b]!;
    return tieA !== tieB ? tieA < tieB : this.sequences[a]! < this.sequences[b]!;
  }

  private siftUp(start: number, time: number, slot: number): void {
    const times = this.times;
    const slots = this.slots;
    let hole = start;
    while (hole > ROOT) {
      const parent = (hole >> 2) + 2;
      const above = times[parent]!;
      if (above < time || (above === time && this.earlier(slots[parent]!, slot))) break;
      times[hole] = above;
      slots[hole] = slots[parent]!;
      hole = parent;
    }
    times[hole] = time;
    slots[hole] = slot;
  }

  private siftDown(start: number, time: number, slot: number): void {
    const times = this.times;
    const slots = this.slots;
    const end = ROOT + this.entries;
    let hole = start;
    for (;;) {
      const first = 4 * hole - 8;
      if (first >= end) break;
      const best = this.least(times, slots, first);
      const below = times[best]!;
      if (time < below || (time === below && this.earlier(slot, slots[best]!))) break;
      times[hole] = below;
      slots[hole] = slots[best]!;
      hole = best;
    }
    times[hole] = time;
    slots[hole] = slot;
  }

  /** The least of four siblings. The arithmetic on comparisons keeps the processor from guessing wrong. */
  private least(times: Float64Array, slots: Int32Array, first: number): number {
    const a = times[first]!;
    const b = times[first + 1]!;
    const c = times[first + 2]!;
    const d = times[first + 3]!;
    let left = first + +(b < a);
    let right = first + 2 + +(d < c);
    if (a === b && this.earlier(slots[first + 1]!, slots[first]!)) left = first + 1;
    if (c === d && this.earlier(slots[first + 3]!, slots[first + 2]!)) right = first + 3;
    const leftTime = times[left]!;
    const rightTime = times[right]!;
    if (leftTime === rightTime) return this.earlier(slots[right]!, slots[left]!) ? right : left;
    return left + (right - left) * +(rightTime < leftTime);
  }

  /** Drops the dead entries and makes a heap of the rest, in O(n). */
  private rebuild(): void {
    if (this.vacant) this.settle();
    let kept = ROOT;
    const end = ROOT + this.entries;
    for (let at = ROOT; at < end; at++) {
      const slot = this.slots[at]!;
      if (this.kinds[slot] === DEAD) {
        this.kinds[slot] = 0;
        this.free[this.freeCount++] = slot;
      } else {
        this.times[kept] = this.times[at]!;
        this.slots[kept++] = slot;
      }
    }
    this.times.fill(Number.POSITIVE_INFINITY, kept, end);
    this.entries = kept - ROOT;
    this.dead = 0;
    for (let at = ((kept - 1) >> 2) + 2; at >= ROOT; at--) {
      if (at < kept) this.siftDown(at, this.times[at]!, this.slots[at]!);
    }
  }

  private grow(): void {
    const old = this.kinds.length;
    if (old >= MAX_PENDING) throw new RangeError(`more than ${MAX_PENDING} events are pending`);
    const capacity = Math.min(old * 2, MAX_PENDING);
    const times = new Float64Array(capacity + ROOT + 4).fill(Number.POSITIVE_INFINITY);
    times.set(this.times);
    this.times = times;
    this.slots = enlarged(this.slots, new Int32Array(capacity + ROOT + 4));
    this.sequences = enlarged(this.sequences, new Float64Array(capacity));
    this.ties = enlarged(this.ties, new Uint32Array(capacity));
    this.kinds = enlarged(this.kinds, new Uint8Array(capacity));
    this.free = new Int32Array(capacity);
    this.addSlots(old, capacity);
  }

  private addSlots(from: number, to: number): void {
    for (let slot = from; slot < to; slot++) {
      this.objects.push(this.noSubject, this.noPayload);
      this.sequences[slot] = -1;
    }
    // Low slots are handed out first.
    for (let slot = to - 1; slot >= from; slot--) this.free[this.freeCount++] = slot;
  }
}

function enlarged<A extends Float64Array | Int32Array | Uint32Array | Uint8Array>(old: A, larger: A): A {
  larger.set(old);
  return larger;
}
