/** What a world gives an actor, and what no world does. */
import { describe, expect, it } from 'vitest';
import type { Input } from '../../../src/actors/actor.ts';
import { InputCheck } from '../../../src/worlds/live/input-check.ts';
import type { Told } from '../../../src/worlds/live/replay.ts';

const RECOVERED: Input<string> = { kind: 'recovered', incarnation: 2, workloads: [] };
const bytes = new Uint8Array(1);

/** Goes through inputs and what the actor did; what is wrong with the last input. */
function faultAfter(...steps: (Input<unknown> | Told<unknown>[])[]): string | null {
  const check = new InputCheck(2);
  let fault: string | null = null;
  let now = 100;
  let index = 0;
  for (const step of steps) {
    expect(fault).toBeNull();
    if (Array.isArray(step)) check.note(step);
    else fault = check.fault({ index: index++, now: (now += 10), input: step });
  }
  return fault;
}

const connected = (connection: number): Input<unknown> => ({ kind: 'connected', connection, peer: 'b', inbound: true });
const message = (connection: number): Input<unknown> => ({ kind: 'message', connection, from: 'b', message: 'm' });
const logged = (index: number): Input<unknown> => ({ kind: 'logged', index, entry: bytes });
const got = (key: string): Input<unknown> => ({ kind: 'got', key, value: null });

describe('an actor is given', () => {
  it('its log, that it has recovered, and then the rest', () => {
    expect(faultAfter(logged(4), logged(5), RECOVERED, connected(1))).toBeNull();
    expect(faultAfter(logged(4), logged(6))).toBe('log entry 5');
    expect(faultAfter(logged(4), connected(1))).toMatch(/before anything else/);
    expect(faultAfter(RECOVERED, logged(4))).toMatch(/recovered already/);
    expect(faultAfter(RECOVERED, RECOVERED)).toMatch(/recovered already/);
    expect(faultAfter({ ...RECOVERED, incarnation: 3 } as Input<unknown>)).toBe('incarnation 2');
  });

  it('nothing in the past', () => {
    const check = new InputCheck(2);
    expect(check.fault({ index: 0, now: 5, input: RECOVERED })).toBeNull();
    expect(check.fault({ index: 1, now: 5, input: connected(1) })).toBeNull();
    expect(check.fault({ index: 2, now: 4, input: message(1) })).toBe(
      'a time not before 5 us, when it was given something else',
    );
  });

  it('messages of open connections only', () => {
    const ended: Input<unknown> = { kind: 'disconnected', connection: 3, peer: 'b', reason: '' };
    expect(faultAfter(RECOVERED, connected(3), message(3), ended, connected(4), message(4))).toBeNull();
    expect(faultAfter(RECOVERED, message(3))).toBe('a connection that is open, not 3');
    expect(faultAfter(RECOVERED, connected(3), ended, message(3))).toBe('a connection that is open, not 3');
    expect(faultAfter(RECOVERED, ended)).toBe('a connection that is open, not 3');
    const doubled = 'a connection with another number than 3, which there was before';
    expect(faultAfter(RECOVERED, connected(3), connected(3))).toBe(doubled);
    expect(faultAfter(RECOVERED, connected(3), ended, connected(3))).toBe(doubled);
    // Whoever is known and whoever is not take turns: the one that came first may be told of last.
    expect(faultAfter(RECOVERED, connected(4), connected(3), message(3), message(4))).toBeNull();
  });

  it('answers of the store in the order of its questions, each once', () => {
    const asked: Told<unknown>[] = [
      { kind: 'get', key: 'a' },
      { kind: 'scan', prefix: 'b' },
      { kind: 'get', key: 'c' },
    ];
    const scanned: Input<unknown> = { kind: 'scanned', prefix: 'b', entries: [] };
    const failed: Input<unknown> = { kind: 'storeFailed', operation: 'get c', reason: 'rotten' };
    expect(faultAfter(RECOVERED, asked, got('a'), scanned, failed)).toBeNull();
    expect(faultAfter(RECOVERED, asked, scanned)).toBe('the answer of the store to: get a');
    expect(faultAfter(RECOVERED, asked, got('a'), got('c'))).toBe('the answer of the store to: scan b');
    expect(faultAfter(RECOVERED, asked, got('a'), scanned, got('c'), got('c'))).toMatch(/answered everything/);
  });

  it('barriers, timers, answers and requests as they were asked for', () => {
    const sync: Told<unknown>[] = [{ kind: 'sync', token: 7 }];
    const synced: Input<unknown> = { kind: 'synced', token: 7 };
    expect(faultAfter(RECOVERED, sync, synced)).toBeNull();
    expect(faultAfter(RECOVERED, sync, synced, synced)).toMatch(/a barrier that was asked for/);
    const timer: Input<unknown> = { kind: 'timer', id: 't' };
    const set = (at: number): Told<unknown>[] => [{ kind: 'setTimer', id: 't', at }];
    expect(faultAfter(RECOVERED, set(120), timer)).toBeNull();
    expect(faultAfter(RECOVERED, set(121), timer)).toBe('nothing of this timer before 121 us');
    expect(faultAfter(RECOVERED, set(120), timer, timer)).toMatch(/a timer that was set/);
    // Behind a barrier the old deadline still holds, and both may fire.
    expect(faultAfter(RECOVERED, set(110), set(130), timer, timer)).toBeNull();
    const ask: Told<unknown>[] = [{ kind: 'ask', id: 'q', program: 'p', question: 1 }];
    const answered: Input<unknown> = { kind: 'answered', id: 'q', answer: 1, error: null };
    expect(faultAfter(RECOVERED, ask, ask, answered, answered)).toBeNull();
    expect(faultAfter(RECOVERED, answered)).toMatch(/a question that is open/);
    const request = (id: number): Input<unknown> => ({ kind: 'request', id, request: 'please' });
    expect(faultAfter(RECOVERED, request(1), request(2))).toBeNull();
    expect(faultAfter(RECOVERED, request(2))).toBe('request 1');
    expect(faultAfter(RECOVERED, request(1), request(1))).toBe('request 2');
  });
});
