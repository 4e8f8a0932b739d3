/**
 * What services wrote, for tenants that ask: the backend is asked once for each workload at a time, whoever wants to
 * know, and an answer is cut to what a message holds, the newest of each replica kept.
 */
import type { ConnectionId, Effects, Time } from '../actor.ts';
import {
  type LeaseWire,
  type LogVerdict,
  MAX_LOG_LINES,
  MAX_LOG_REPLICAS,
  MAX_LOG_UNITS,
  type ReplicaLog,
} from '../lease-wire.ts';
import type { Wire } from '../wire.ts';
import type { LeaseKeeper } from './lease-keeper.ts';

/** Questions that may be open, of one tenant and of all. */
const MAX_OF_ONE = 4;
const MAX_OPEN = 64;
/** How long the backend may take. */
const PATIENCE_US = 15_000_000;
const TIMER = 'log:';

type Question = Extract<LeaseWire, { readonly type: 'getLeaseLog' }>;

interface Open {
  readonly connection: ConnectionId;
  readonly question: Question;
  /** By workload, in the order of replicas; undefined: not told yet. */
  readonly found: Map<string, { readonly service: string; readonly replica: number; lines?: readonly string[] | null }>;
}

export class LogDesk {
  readonly #keeper: LeaseKeeper;
  readonly #open = new Map<number, Open>();
  /** Workloads that the backend was asked about. */
  readonly #reading = new Set<string>();
  #next = 0;

  constructor(keeper: LeaseKeeper) {
    this.#keeper = keeper;
  }

  /** @param isTheirs whether the lease is that of who asks */
  ask(connection: ConnectionId, question: Question, isTheirs: boolean, now: Time, out: Effects<Wire>): void {
    const { lease, service } = question;
    const replicas = isTheirs && this.#keeper.has(lease) ? this.#keeper.replicas(lease, service) : null;
    let own = 0;
    for (const open of this.#open.values()) if (open.connection === connection) own += 1;
    if (replicas === null) this.#answer(connection, question, 'unknown_lease', [], out);
    else if (replicas.length === 0) this.#answer(connection, question, 'unknown_service', [], out);
    else if (own >= MAX_OF_ONE || this.#open.size >= MAX_OPEN) this.#answer(connection, question, 'busy', [], out);
    else this.#read(connection, question, replicas.slice(0, MAX_LOG_REPLICAS), now, out);
  }

  #read(
    connection: ConnectionId,
    question: Question,
    replicas: readonly { readonly service: string; readonly id: string }[],
    now: Time,
    out: Effects<Wire>,
  ): void {
    const found: Open['found'] = new Map();
    const counts = new Map<string, number>();
    for (const { service, id } of replicas) {
      const replica = counts.get(service) ?? 0;
      counts.set(service, replica + 1);
      found.set(id, { service, replica });
    }
    this.#next += 1;
    this.#open.set(this.#next, { connection, question, found });
    out.setTimer(TIMER + this.#next, now + PATIENCE_US);
    for (const id of found.keys()) {
      if (this.#reading.has(id)) continue;
      this.#reading.add(id);
      out.readWorkloadLog(id, MAX_LOG_LINES);
    }
  }

  /** The backend has told what a workload wrote. */
  onLog(id: string, lines: readonly string[] | null, out: Effects<Wire>): void {
    this.#reading.delete(id);
    for (const [number, { found }] of this.#open) {
      const one = found.get(id);
      if (one === undefined) continue;
      one.lines = lines;
      if ([...found.values()].every(each => each.lines !== undefined)) this.#finish(number, out);
    }
  }

  #finish(number: number, out: Effects<Wire>): void {
    const open = this.#open.get(number);
    if (open === undefined) return;
    this.#open.delete(number);
    out.cancelTimer(TIMER + number);
    const { connection, question, found } = open;
    const room = Math.floor(MAX_LOG_UNITS / found.size);
    const replicas = [...found.values()].map(
      ({ service, replica, lines }): ReplicaLog => ({
        service,
        replica,
        lines: lines === undefined || lines === null ? null : newest(lines, question.lines, room),
      }),
    );
    this.#answer(connection, question, 'ok', replicas, out);
  }

  #answer(
    connection: ConnectionId,
    { serial }: Question,
    code: LogVerdict,
    replicas: readonly ReplicaLog[],
    out: Effects<Wire>,
  ): void {
    out.send(connection, { type: 'leaseLog', serial, code, replicas });
  }

  /** Who asked is gone. */
  forget(connection: ConnectionId, out: Effects<Wire>): void {
    for (const [number, open] of this.#open) {
      if (open.connection !== connection) continue;
      this.#open.delete(number);
      out.cancelTimer(TIMER + number);
    }
  }

  /** Takes a timer if it is one of these; returns whether it was. */
  onTimer(id: string, out: Effects<Wire>): boolean {
    if (!id.startsWith(TIMER)) return false;
    const number = Number(id.slice(TIMER.length));
    // What the backend owes an answer for is asked for again the next time.
    for (const [workload, { lines }] of this.#open.get(number)?.found ?? [])
      if (lines === undefined) this.#reading.delete(workload);
    this.#finish(number, out);
    return true;
  }
}

/** The newest lines, as many as are asked for and fit into so many UTF-16 units, oldest first. */
function newest(lines: readonly string[], count: number, room: number): string[] {
  const kept: string[] = [];
  let left = room;
  for (const line of lines.slice(-Math.min(count, MAX_LOG_LINES)).reverse()) {
    if (line.length > left && kept.length > 0) break;
    // Workloads write what they like; what travels is well-formed text.
    kept.push(line.slice(0, left).toWellFormed());
    left -= line.length;
    if (left <= 0) break;
  }
  return kept.reverse();
}
