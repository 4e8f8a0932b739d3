/**
 * Questions of a user that only providers can answer: how services are right now, and what they wrote. Each is answered
 * in a stated time, with what is known then.
 */
import type { Effects, Time } from '../actor.ts';
import { type LeaseWire, MAX_LOG_LINES } from '../lease-wire.ts';
import type { Wire } from '../wire.ts';
import type { Courier } from './courier.ts';
import { failure, type LogsReply, type LogsRequest, logFailure } from './requests.ts';

const STATUS_TIMER = 'inquiry/status:';
const LOG_TIMER = 'inquiry/log:';
/** How long a status waits for providers, and a log. */
const STATUS_US = 3_000_000;
const LOG_US = 20_000_000;
/** Questions of each kind that may be open. */
const MAX_OPEN = 64;

interface OpenStatus {
  readonly waiting: Set<string>;
  readonly finish: (out: Effects<Wire>) => void;
}

interface OpenLog {
  readonly reply: number;
  readonly provider: string;
}

export class Inquiries {
  readonly #courier: Courier;
  /** By the request's number. */
  readonly #statuses = new Map<number, OpenStatus>();
  /** By serial. */
  readonly #logs = new Map<number, OpenLog>();
  #serial = 0;

  constructor(courier: Courier) {
    this.#courier = courier;
  }

  /**
   * Asks about leases, and calls `finish` when all have been told of or the time is over.
   * @param reply the request's number
   */
  status(
    reply: number,
    leases: readonly string[],
    finish: (out: Effects<Wire>) => void,
    now: Time,
    out: Effects<Wire>,
  ): void {
    const isFull = this.#statuses.size >= MAX_OPEN;
    const waiting = new Set<string>();
    for (const lease of leases) {
      if (!isFull && this.#courier.ask(lease, { type: 'getLeaseStatus', lease }, out)) waiting.add(lease);
    }
    if (waiting.size === 0) {
      finish(out);
      return;
    }
    this.#statuses.set(reply, { waiting, finish });
    out.setTimer(`${STATUS_TIMER}${reply}`, now + STATUS_US);
  }

  onStatus(lease: string, out: Effects<Wire>): void {
    for (const [reply, { waiting }] of this.#statuses) {
      if (waiting.delete(lease) && waiting.size === 0) this.#finishStatus(reply, out);
    }
  }

  #finishStatus(reply: number, out: Effects<Wire>): void {
    const open = this.#statuses.get(reply);
    if (open === undefined) return;
    this.#statuses.delete(reply);
    out.cancelTimer(`${STATUS_TIMER}${reply}`);
    open.finish(out);
  }

  /** @param provider of the lease, which is one of this tenant's */
  logs({ lease, service, lines }: LogsRequest, provider: string, reply: number, now: Time, out: Effects<Wire>): void {
    if (!Number.isSafeInteger(lines) || lines < 1 || lines > MAX_LOG_LINES) {
      out.reply(reply, failure('bad_lines', `found ${lines} lines, expected 1 to ${MAX_LOG_LINES}`));
      return;
    }
    if (this.#logs.size >= MAX_OPEN) {
      out.reply(reply, failure('busy', `${MAX_OPEN} logs are being asked for already`));
      return;
    }
    this.#serial += 1;
    const serial = this.#serial;
    if (!this.#courier.ask(lease, { type: 'getLeaseLog', serial, lease, service: service ?? '', lines }, out)) {
      out.reply(reply, failure('not_connected', 'there is no connection to the provider of the lease'));
      return;
    }
    this.#logs.set(serial, { reply, provider });
    out.setTimer(`${LOG_TIMER}${serial}`, now + LOG_US);
  }

  onLog(
    { serial, code, replicas }: Extract<LeaseWire, { readonly type: 'leaseLog' }>,
    provider: string,
    out: Effects<Wire>,
  ): void {
    // Another provider has nothing to say about it.
    if (this.#logs.get(serial)?.provider !== provider) return;
    this.#finishLog(serial, code === 'ok' ? { ok: true, replicas } : logFailure(code), out);
  }

  /** The connection to a provider is gone, with what it was asked. */
  onGone(provider: string, out: Effects<Wire>): void {
    for (const [serial, open] of this.#logs) {
      if (open.provider === provider)
        this.#finishLog(serial, failure('not_connected', 'the connection to the provider broke'), out);
    }
  }

  #finishLog(serial: number, answer: LogsReply, out: Effects<Wire>): void {
    const open = this.#logs.get(serial);
    if (open === undefined) return;
    this.#logs.delete(serial);
    out.cancelTimer(`${LOG_TIMER}${serial}`);
    out.reply(open.reply, answer);
  }

  /** Takes a timer if it is one of these; returns whether it was. */
  onTimer(id: string, out: Effects<Wire>): boolean {
    if (id.startsWith(STATUS_TIMER)) this.#finishStatus(Number(id.slice(STATUS_TIMER.length)), out);
    else if (id.startsWith(LOG_TIMER)) {
      this.#finishLog(Number(id.slice(LOG_TIMER.length)), failure('timeout', 'the provider does not answer'), out);
    } else return false;
    return true;
  }
}
