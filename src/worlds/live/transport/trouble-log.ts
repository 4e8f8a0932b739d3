/**
 * Trouble that others make, told once: the first time that an offender does a thing of one kind, and then not again for an
 * hour, when it is also told how often it happened meanwhile. Memory is bounded, and so is the pace: whoever comes from
 * ever new addresses does not fill the log.
 */
/** Offenders that are remembered; beyond, whoever offended least recently is forgotten. */
const MAX_OFFENDERS = 4_096;
const SILENCE_MS = 3_600_000;
/** Lines in one stretch of this length. */
const MAX_LINES = 50;
const STRETCH_MS = 10_000;

/** What was done, and what is known about it. */
export interface Trouble {
  readonly level: 'info' | 'warn' | 'error';
  /** Of which kind it is. */
  readonly what: string;
  readonly reason: string;
}

/** Told when there was so much of it that not all was told. */
export interface Suppressed {
  readonly level: 'warn';
  readonly what: 'suppressed';
  readonly reason: string;
}

interface Record {
  loggedAt_ms: number;
  suppressed: number;
}

export class TroubleLog<Event extends Trouble> {
  readonly #log: (event: Event | Suppressed) => void;
  readonly #now_ms: () => number;
  readonly #offenders = new Map<string, Record>();
  #stretchStart_ms: number;
  #lines = 0;
  #dropped = 0;

  /** @param now_ms a clock that nobody sets */
  constructor(log: (event: Event | Suppressed) => void, now_ms: () => number) {
    this.#log = log;
    this.#now_ms = now_ms;
    this.#stretchStart_ms = now_ms();
  }

  /** Tells of trouble, unless this offender's of this kind was told already. */
  note(offender: string, event: Event): void {
    const now_ms = this.#now_ms();
    const key = `${event.what} ${offender}`;
    const known = this.#offenders.get(key);
    this.#offenders.delete(key);
    if (known !== undefined && now_ms - known.loggedAt_ms < SILENCE_MS) {
      known.suppressed++;
      this.#offenders.set(key, known);
      return;
    }
    this.#offenders.set(key, { loggedAt_ms: now_ms, suppressed: 0 });
    if (this.#offenders.size > MAX_OFFENDERS) this.#offenders.delete(this.#offenders.keys().next().value!);
    const before = known?.suppressed ?? 0;
    const times = before === 0 ? '' : ` (and ${before} more times in the hour before)`;
    this.#write({ ...event, reason: `${event.reason}${times}` }, now_ms);
  }

  #write(event: Event, now_ms: number): void {
    if (now_ms - this.#stretchStart_ms >= STRETCH_MS) {
      this.#stretchStart_ms = now_ms;
      this.#lines = 0;
      const dropped = this.#dropped;
      this.#dropped = 0;
      if (dropped > 0) this.#log({ level: 'warn', what: 'suppressed', reason: `${dropped} offences were not logged` });
    }
    if (this.#lines >= MAX_LINES) {
      this.#dropped++;
      return;
    }
    this.#lines++;
    this.#log(event);
  }
}
