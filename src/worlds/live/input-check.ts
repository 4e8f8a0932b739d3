/**
 * Whether what an actor was given is what a world gives: each answer follows a question and comes once, in order where the
 * contract promises an order, and nothing is told of a connection that was never opened. By this a recording shows where an
 * input was removed, doubled or moved, also where the actor did nothing about it.
 *
 * Effects wait behind barriers, and a recording does not say for how long. Where that matters the check is the lenient one.
 */
import type { ConnectionId, Input, Time, TimerId } from '../../actors/actor.ts';
import type { RecordedInput, Told } from './replay.ts';

/** A timer that was set and has not fired as often as that. */
interface SetTimer {
  /** How often it may still fire. */
  left: number;
  /** The earliest deadline that it had since it last could not fire any more. */
  earliest: Time;
}

export class InputCheck {
  private readonly incarnation: number;
  private now: Time = 0;
  private isRecovered = false;
  private nextLogged: number | null = null;
  private nextRequest = 1;
  /** All that there ever were, and those that are open. */
  private readonly opened = new Set<ConnectionId>();
  private readonly connections = new Set<ConnectionId>();
  private readonly timers = new Map<TimerId, SetTimer>();
  /** Questions to the store, in order: `get key`, `scan prefix`. */
  private readonly questions: string[] = [];
  private answered = 0;
  /** Open questions to programs, and barriers that are told of; each may be there several times. */
  private readonly open = new Map<string, number>();

  /** @param incarnation which of its starts this is */
  constructor(incarnation: number) {
    this.incarnation = incarnation;
  }

  /** What is wrong with an input that comes now, in words; null: nothing. */
  fault({ now, input }: RecordedInput<unknown, unknown>): string | null {
    if (now < this.now) return `a time not before ${this.now} us, when it was given something else`;
    this.now = now;
    return this.isRecovered ? this.laterFault(input, now) : this.firstFault(input);
  }

  /** Takes note of what the actor did. */
  note(told: readonly Told<unknown>[]): void {
    for (const one of told) {
      if (one.kind === 'get') this.questions.push(`get ${one.key}`);
      else if (one.kind === 'scan') this.questions.push(`scan ${one.prefix}`);
      else if (one.kind === 'ask') this.expect(`program ${one.id}`);
      else if (one.kind === 'sync' && one.token !== null) this.expect(`sync ${one.token}`);
      else if (one.kind === 'setTimer') this.set(one.id, one.at);
    }
  }

  /** Before an actor has recovered it is told its log, and that it has recovered. */
  private firstFault(input: Input<unknown>): string | null {
    if (input.kind === 'logged') {
      const expected = this.nextLogged ?? input.index;
      this.nextLogged = input.index + 1;
      return input.index === expected ? null : `log entry ${expected}`;
    }
    if (input.kind !== 'recovered') return 'the log and that it has recovered, before anything else';
    this.isRecovered = true;
    return input.incarnation === this.incarnation ? null : `incarnation ${this.incarnation}`;
  }

  private laterFault(input: Input<unknown>, now: Time): string | null {
    switch (input.kind) {
      case 'logged':
      case 'recovered':
        return 'nothing of its log any more: it has recovered already';
      case 'connected': {
        // Peers and strangers take turns (inbox.ts): who came first is not always told of first.
        const isNew = !this.opened.has(input.connection);
        this.opened.add(input.connection);
        this.connections.add(input.connection);
        return isNew ? null : `a connection with another number than ${input.connection}, which there was before`;
      }
      case 'message':
      case 'queueFull':
      case 'drained':
        return this.connections.has(input.connection) ? null : `a connection that is open, not ${input.connection}`;
      case 'disconnected':
        return this.connections.delete(input.connection) ? null : `a connection that is open, not ${input.connection}`;
      case 'timer':
        return this.fire(input.id, now);
      case 'synced':
        return this.close(`sync ${input.token}`, 'a barrier that was asked for and not reached yet');
      case 'answered':
        return this.close(`program ${input.id}`, 'an answer to a question that is open');
      case 'got':
        return this.answer(`get ${input.key}`);
      case 'scanned':
        return this.answer(`scan ${input.prefix}`);
      case 'storeFailed':
        return /^(get|scan) /.test(input.operation) ? this.answer(input.operation) : null;
      case 'request': {
        const expected = this.nextRequest;
        this.nextRequest = input.id + 1;
        return input.id === expected ? null : `request ${expected}`;
      }
      default:
        return null;
    }
  }

  private set(id: TimerId, at: Time): void {
    const timer = this.timers.get(id);
    if (timer === undefined) this.timers.set(id, { left: 1, earliest: at });
    else {
      timer.left++;
      timer.earliest = Math.min(timer.earliest, at);
    }
  }

  private fire(id: TimerId, now: Time): string | null {
    const timer = this.timers.get(id);
    if (timer === undefined) return 'a timer that was set, and has not fired since';
    if (timer.earliest > now) return `nothing of this timer before ${timer.earliest} us`;
    if (--timer.left === 0) this.timers.delete(id);
    return null;
  }

  private expect(what: string): void {
    this.open.set(what, (this.open.get(what) ?? 0) + 1);
  }

  private close(what: string, expected: string): string | null {
    const count = this.open.get(what) ?? 0;
    if (count === 0) return expected;
    if (count === 1) this.open.delete(what);
    else this.open.set(what, count - 1);
    return null;
  }

  /** The store answers in the order in which it is asked. */
  private answer(what: string): string | null {
    const expected = this.questions[this.answered];
    if (expected === undefined) return 'no answer of the store: it has answered everything';
    if (expected !== what) return `the answer of the store to: ${expected}`;
    this.answered++;
    // Cut now and then, so that answering costs the same however much was asked.
    if (this.answered > 1_024 && this.answered * 2 > this.questions.length) {
      this.questions.splice(0, this.answered);
      this.answered = 0;
    }
    return null;
  }
}
