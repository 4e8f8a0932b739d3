/** The parts of a participant: its clock, its timers, its inbox, its entropy, its requests. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf } from '../../../../src/protocol/codec/address.ts';
import { type MachineClocks, WallClock } from '../../../../src/worlds/live/clock.ts';
import { CROWDED_BYTES, CROWDED_INPUTS, Inbox, LEAST_SHARE_INPUTS } from '../../../../src/worlds/live/inbox.ts';
import { freshSeed, randomStream } from '../../../../src/worlds/live/random.ts';
import { MAX_OPEN_REQUESTS, Requests } from '../../../../src/worlds/live/requests.ts';
import { MAX_TIMERS, Timers } from '../../../../src/worlds/live/timers.ts';

/** A machine whose time passes by hand, and whose wall clock can be set. */
class HandMachine implements MachineClocks {
  true_ms = 1_000_000;
  set_ms = 0;

  wall_ms(): number {
    return Math.floor(this.true_ms + this.set_ms);
  }

  monotonic_us(): number {
    return this.true_ms * 1_000;
  }
}

describe('the clock', () => {
  it('counts microseconds since the epoch, and waits for one that is still to come', () => {
    const machine = new HandMachine();
    const clock = new WallClock(1_000_050, machine);
    expect(clock.now()).toBe(0);
    machine.true_ms += 30;
    expect(clock.now()).toBe(0);
    machine.true_ms += 30.25;
    expect(clock.now()).toBeGreaterThanOrEqual(8_000);
    expect(clock.now()).toBeLessThanOrEqual(12_000);
    const before = clock.now();
    machine.true_ms += 0.125;
    expect(clock.now() - before).toBe(125);
    expect(() => new WallClock(0.5, machine)).toThrow(/whole milliseconds/);
  });

  it('follows a step forward at once', () => {
    const machine = new HandMachine();
    const clock = new WallClock(0, machine);
    clock.now();
    machine.set_ms += 3_600_000;
    expect(clock.now()).toBe((machine.true_ms + 3_600_000) * 1_000);
  });

  it('goes at half its speed after a step back, until the wall has caught up', () => {
    const machine = new HandMachine();
    const clock = new WallClock(0, machine);
    const begin = clock.now();
    machine.set_ms -= 1_000;
    machine.true_ms += 100;
    expect(clock.now() - begin).toBe(50_000);
    for (let i = 0; i < 30; i++) {
      machine.true_ms += 100;
      clock.now();
    }
    expect(Math.abs(clock.now() - machine.wall_ms() * 1_000)).toBeLessThanOrEqual(2_000);
  });

  it('never falls, whatever is done to the wall', () => {
    const change = fc.record({
      passed_ms: fc.double({ min: 0, max: 500, noNaN: true }),
      set_ms: fc.integer({ min: -2_000, max: 2_000 }),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 50 }), changes => {
        const machine = new HandMachine();
        const clock = new WallClock(999_000, machine);
        let last = clock.now();
        for (const { passed_ms, set_ms } of changes) {
          machine.true_ms += passed_ms;
          machine.set_ms += set_ms;
          const now = clock.now();
          expect(Number.isSafeInteger(now)).toBe(true);
          expect(now).toBeGreaterThanOrEqual(last);
          last = now;
        }
      }),
    );
  });
});

describe('timers', () => {
  it('come in the order of their deadlines, and of setting where those are the same', () => {
    const action = fc.record({ id: fc.nat(12), at: fc.nat(20), cancels: fc.boolean(), takes: fc.boolean() });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 300 }), actions => {
        const timers = new Timers();
        let model: { id: number; at: number; sequence: number }[] = [];
        const next = (): { id: number; at: number } | undefined =>
          model.toSorted((a, b) => a.at - b.at || a.sequence - b.sequence)[0];
        actions.forEach(({ id, at, cancels, takes }, sequence) => {
          model = model.filter(each => each.id !== id);
          if (cancels) timers.cancel(id);
          else {
            timers.set(id, at);
            model.push({ id, at, sequence });
          }
          expect(timers.size).toBe(model.length);
          expect(timers.earliest()).toBe(next()?.at ?? null);
          if (!takes || model.length === 0) return;
          const expected = next()!.id;
          expect(timers.take()).toBe(expected);
          model = model.filter(each => each.id !== expected);
        });
      }),
    );
  });

  it('are limited, and take no more room however often they are moved', () => {
    const timers = new Timers();
    for (let i = 0; i < 200_000; i++) timers.set(i % 10, 1_000_000 - i);
    expect(timers.size).toBe(10);
    expect((timers as unknown as { heap: unknown[] }).heap.length).toBeLessThan(100);
    for (let i = 0; i < MAX_TIMERS - 10; i++) timers.set(`t${i}`, i);
    expect(() => timers.set('one more', 0)).toThrow(/more than 1000000 timers/);
    timers.set(0, 5);
    timers.clear();
    expect(timers.earliest()).toBeNull();
    expect(() => timers.take()).toThrow(/no timer/);
  });
});

describe('the inbox', () => {
  const incoming = (bytes: number): { connection: number; from: string; bytes: Uint8Array } => ({
    connection: 1,
    from: 'peer',
    bytes: new Uint8Array(bytes),
  });

  it('is crowded from a number of inputs or bytes on, until half of them are gone', () => {
    const inbox = new Inbox<never, never>();
    for (let i = 0; i < CROWDED_INPUTS; i++) {
      expect(inbox.isCrowded).toBe(false);
      inbox.add({ at: i, input: { kind: 'synced', token: i }, incoming: null });
    }
    expect(inbox.isCrowded).toBe(true);
    for (let i = 0; i < CROWDED_INPUTS / 2; i++) {
      expect(inbox.isCrowded).toBe(true);
      expect(inbox.firstAt).toBe(i);
      expect(inbox.take()!.at).toBe(i);
    }
    expect(inbox.isCrowded).toBe(false);
    inbox.clear();
    expect([inbox.length, inbox.firstAt, inbox.take()]).toEqual([0, null, undefined]);
    inbox.add({ at: 0, input: null, incoming: incoming(CROWDED_BYTES) });
    expect(inbox.isCrowded).toBe(true);
    inbox.take();
    expect(inbox.isCrowded).toBe(false);
  });

  it('lets the lines of connections take turns, each in its order', () => {
    const inbox = new Inbox<never, never>();
    const message = (connection: number, at: number) =>
      inbox.add({ at, input: null, incoming: { connection, from: 'peer', bytes: new Uint8Array(1) } });
    for (let at = 0; at < 100; at++) message(1, at);
    message(2, 100);
    inbox.add({ at: 101, input: { kind: 'disconnected', connection: 2, peer: 'peer', reason: '' }, incoming: null });
    inbox.add({ at: 102, input: { kind: 'synced', token: 1 }, incoming: null });
    inbox.add({ at: 103, input: { kind: 'synced', token: 2 }, incoming: null });
    const order: number[] = [];
    for (let i = 0; i < 6; i++) {
      const { firstAt } = inbox;
      order.push(inbox.take()!.at);
      expect(firstAt).toBe(order.at(-1));
    }
    expect(order).toEqual([102, 0, 103, 100, 1, 101]);
    expect(Array.from({ length: 98 }, () => inbox.take()!.at)).toEqual(Array.from({ length: 98 }, (_, i) => i + 2));
    expect([inbox.length, inbox.firstAt]).toEqual([0, null]);
  });

  it('hears strangers, however many they are, no more often than those whom it knows', () => {
    const inbox = new Inbox<never, never>();
    const stranger = addressOf(new Uint8Array(32));
    const message = (connection: number, from: string) =>
      inbox.add({ at: connection, input: null, incoming: { connection, from, bytes: new Uint8Array(1) } });
    for (let connection = 100; connection < 400; connection++)
      for (let i = 0; i < 3; i++) message(connection, stranger);
    for (let i = 0; i < 4; i++) message(1, 'friend');
    inbox.add({ at: 0, input: { kind: 'synced', token: 1 }, incoming: null });
    expect(Array.from({ length: 9 }, () => inbox.take()!.at)).toEqual([0, 1, 100, 1, 101, 1, 102, 1, 103]);
    expect(inbox.length).toBe(896);
  });

  it('closes the line of who sends more than its share, until half of it is gone', () => {
    const closed: string[] = [];
    const inbox = new Inbox<never, never>((connection, on) => closed.push(`${connection} ${on}`));
    const message = (connection: number, length: number) =>
      inbox.add({ at: 0, input: null, incoming: { connection, from: 'peer', bytes: new Uint8Array(length) } });
    for (let i = 0; i < CROWDED_INPUTS / 2; i++) message(1, 0);
    expect(closed).toEqual([]);
    message(1, 0);
    expect(closed).toEqual(['1 true']);
    for (let i = 0; i < CROWDED_INPUTS / 4; i++) inbox.take();
    expect(closed).toEqual(['1 true']);
    inbox.take();
    expect(closed).toEqual(['1 true', '1 false']);
    inbox.clear();
    // The more lines there are, the less may wait in each: the room is bounded whatever comes.
    closed.length = 0;
    for (let round = 0; round < 100; round++)
      for (let connection = 1; connection <= 500; connection++) {
        if (!closed.includes(`${connection} true`)) message(connection, 0);
      }
    expect(closed).toHaveLength(500);
    expect(inbox.length).toBe(500 * (LEAST_SHARE_INPUTS + 1));
    inbox.clear();
    closed.length = 0;
    message(1, CROWDED_BYTES / 2 + 1);
    expect(closed).toEqual(['1 true']);
    inbox.take();
    expect(closed).toEqual(['1 true', '1 false']);
  });

  it('refuses what goes beyond its limit', () => {
    const inbox = new Inbox<never, never>();
    const arrival = { at: 0, input: { kind: 'synced', token: 1 } as const, incoming: null };
    for (let i = 0; i < 1_000_000; i++) inbox.add(arrival);
    expect(() => inbox.add(arrival)).toThrow(/1000000 inputs with 0 bytes wait/);
  });
});

describe('entropy', () => {
  it('is the same for one seed and purpose, and another for every other', () => {
    const draws = (seed: string, purpose: string): number[] => {
      const stream = randomStream(seed, purpose);
      return Array.from({ length: 20 }, () => stream.uniform());
    };
    expect(draws('seed', 'a')).toEqual(draws('seed', 'a'));
    expect(draws('seed', 'b')).not.toEqual(draws('seed', 'a'));
    expect(draws('other', 'a')).not.toEqual(draws('seed', 'a'));
    expect(new Set(draws('seed', 'a')).size).toBe(20);
    expect(freshSeed()).not.toBe(freshSeed());
  });

  it('is uniform from 0 up to 1', () => {
    const stream = randomStream('seed', 'mean');
    const all = Array.from({ length: 10_000 }, () => stream.uniform());
    expect(all.every(each => each >= 0 && each < 1)).toBe(true);
    expect(Math.abs(all.reduce((sum, each) => sum + each, 0) / all.length - 0.5)).toBeLessThan(0.02);
  });
});

describe('requests', () => {
  it('are answered once, taken back by their clients, limited, and refused at the end', async () => {
    const requests = new Requests('a');
    const asked: number[] = [];
    const open = (signal?: AbortSignal): Promise<unknown> => requests.open(id => void asked.push(id), signal);
    const first = open();
    requests.answer(asked[0]!, 'yes');
    requests.answer(asked[0]!, 'no');
    requests.answer(99, 'nobody asked');
    expect(await first).toBe('yes');
    const controller = new AbortController();
    const second = open(controller.signal);
    controller.abort(new Error('too slow'));
    await expect(second).rejects.toThrow(/too slow/);
    await expect(open(controller.signal)).rejects.toThrow(/too slow/);
    const many = Array.from({ length: MAX_OPEN_REQUESTS }, () => open());
    await expect(open()).rejects.toThrow(/a is busy: 4096 requests are open/);
    requests.end('halted: why not');
    for (const each of await Promise.allSettled(many)) expect(each.status).toBe('rejected');
    await expect(open()).rejects.toThrow(/a is not running: halted: why not/);
  });
});
