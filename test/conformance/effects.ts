/** The contract of effects: one FIFO, barriers, timers, crashes, requests, questions, observations, halting. */
import { describe, expect, it } from 'vitest';
import { bytes, kinds, type Out, only, recording, type Sight, texts, type WorldUnderTest } from './world-under-test.ts';

export function effectContract(subject: WorldUnderTest): void {
  describe(`${subject.name}: the order of effects`, { concurrent: subject.concurrent }, () => {
    it('gives an actor `recovered` first, also at its first start, with incarnation 0', async () => {
      const world = await subject.open({ seed: 1 });
      const seen: Sight[] = [];
      world.add('a', recording(seen));
      world.request('a', 'early');
      await world.run(50);
      expect(kinds(seen)[0]).toBe('recovered');
      expect(seen[0]!.input).toEqual({ kind: 'recovered', incarnation: 0, workloads: [] });
      await world.close();
    });

    it('performs what follows a sync only when that is reached, and in order', async () => {
      const world = await subject.open({ seed: 2, sync_ms: 100 });
      const seen: Sight[] = [];
      const got: Sight[] = [];
      world.add('b', recording(got));
      world.add(
        'a',
        recording(seen, (input, out) => {
          if (input.kind === 'recovered') out.connect('b');
          if (input.kind !== 'connected') return;
          out.observe('before', 1);
          out.append(bytes('entry'));
          out.sync(1);
          out.observe('between', 2);
          out.send(input.connection, { text: 'first' });
          out.put('key', bytes('value'));
          out.sync(2);
          out.send(input.connection, { text: 'second' });
          out.observe('after', 3);
        }),
      );
      for (let i = 0; i < 100 && only(seen, 'connected').length === 0; i++) await world.run(5);
      expect(only(seen, 'connected')).toHaveLength(1);
      expect(world.observations.map(each => each.metric)).toEqual(['before']);
      expect(texts(got)).toEqual([]);
      // In small steps up to the first barrier; the second one is then still ahead.
      for (let i = 0; i < 100 && world.observations.length < 2; i++) await world.run(5);
      expect(world.observations.map(each => each.metric)).toEqual(['before', 'between']);
      expect(only(seen, 'synced').map(input => input.token)).toEqual([1]);
      await world.run(500);
      expect(world.observations.map(each => each.metric)).toEqual(['before', 'between', 'after']);
      expect(only(seen, 'synced').map(input => input.token)).toEqual([1, 2]);
      expect(texts(got)).toEqual(['first', 'second']);
      await world.close();
    });

    it('reaches a sync that has nothing to write at once', async () => {
      const world = await subject.open({ seed: 13, sync_ms: 60_000 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out) => {
          if (input.kind !== 'recovered') return;
          out.sync(3);
          out.observe('behind', 1);
        }),
      );
      await world.run(100);
      expect(world.observations.map(each => each.metric)).toEqual(['behind']);
      expect(only(seen, 'synced')).toEqual([{ kind: 'synced', token: 3 }]);
      await world.close();
    });

    it('refuses effects outside the turn of their actor', async () => {
      const world = await subject.open({ seed: 14 });
      const kept: Out[] = [];
      world.add(
        'a',
        recording([], (_input, out) => void kept.push(out)),
      );
      await world.run(20);
      expect(kept).toHaveLength(1);
      expect(() => kept[0]!.setTimer(1, 1)).toThrow(/not its turn/);
      await world.close();
    });

    it('queues the effects of later inputs behind a pending barrier too', async () => {
      const world = await subject.open({ seed: 3, sync_ms: 200 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out, now) => {
          if (input.kind === 'recovered') {
            out.setTimer('tick', now + 10_000);
            out.append(bytes('entry'));
            out.sync(7);
            out.observe('from recovered', 1);
          }
          if (input.kind === 'timer') out.observe('from timer', 2);
        }),
      );
      await world.run(40);
      expect(only(seen, 'timer')).toHaveLength(1);
      expect(world.observations).toEqual([]);
      await world.run(400);
      expect(world.observations.map(each => each.metric)).toEqual(['from recovered', 'from timer']);
      await world.close();
    });

    it('keeps inputs coming and timers on time while a sync is pending', async () => {
      const world = await subject.open({ seed: 4, sync_ms: 100 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out, now) => {
          if (input.kind !== 'recovered') return;
          out.setTimer('late', now + 30_000);
          out.setTimer('early', now + 10_000);
          out.append(bytes('entry'));
          out.sync(1);
        }),
      );
      world.request('a', 'meanwhile');
      await world.run(400);
      const order = seen.map(({ input }) => (input.kind === 'timer' ? input.id : input.kind));
      expect(order.filter(each => each !== 'request')).toEqual(['recovered', 'early', 'late', 'synced']);
      expect(order.indexOf('request')).toBeLessThan(order.indexOf('synced'));
      await world.close();
    });

    it('fires a timer that is set behind a barrier at once when its deadline has passed', async () => {
      const world = await subject.open({ seed: 5, sync_ms: 200 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out, now) => {
          if (input.kind !== 'recovered') return;
          out.put('key', bytes('value'));
          out.sync();
          out.setTimer('past', now + 10_000);
        }),
      );
      await world.run(100);
      expect(only(seen, 'timer')).toHaveLength(0);
      await world.run(300);
      expect(only(seen, 'timer')).toHaveLength(1);
      await world.close();
    });

    it('moves a timer that is set again, and drops one that is cancelled', async () => {
      const world = await subject.open({ seed: 6 });
      const seen: Sight[] = [];
      let started = 0;
      world.add(
        'a',
        recording(seen, (input, out, now) => {
          if (input.kind !== 'recovered') return;
          started = now;
          out.setTimer(1, now + 20_000);
          out.setTimer(1, now + 60_000);
          out.setTimer('gone', now + 20_000);
          out.cancelTimer('gone');
          out.cancelTimer('never set');
        }),
      );
      await world.run(300);
      expect(only(seen, 'timer').map(input => input.id)).toEqual([1]);
      expect(seen.at(-1)!.at).toBeGreaterThanOrEqual(started + 60_000);
      await world.close();
    });

    it('does not fire timers of a paused process that an input before them cancels or moves', async () => {
      const world = await subject.open({ seed: 15 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out, now) => {
          if (input.kind === 'recovered') {
            for (const id of [1, 2, 3, 4]) out.setTimer(id, now + 10_000 * id);
          }
          if (input.kind !== 'timer' || input.id !== 1) return;
          out.cancelTimer(2);
          out.setTimer(3, now + 100_000);
        }),
      );
      await world.run(1);
      world.pause('a');
      await world.run(60);
      expect(only(seen, 'timer')).toEqual([]);
      world.resume('a');
      await world.run(50);
      expect(only(seen, 'timer').map(input => input.id)).toEqual([1, 4]);
      await world.run(200);
      expect(only(seen, 'timer').map(input => input.id)).toEqual([1, 4, 3]);
      world.pause('a');
      world.request('a', 'once');
      await world.run(20);
      world.resume('a');
      await world.run(20);
      world.pause('a');
      world.resume('a');
      await world.run(20);
      expect(only(seen, 'request').map(input => input.request)).toEqual(['once']);
      await world.close();
    });

    it('never fires a timer early', async () => {
      const world = await subject.open({ seed: 7 });
      const late: number[] = [];
      world.add(
        'a',
        recording([], (input, out, now) => {
          if (input.kind === 'recovered') out.setTimer(now + 5_000, now + 5_000);
          if (input.kind !== 'timer') return;
          late.push(now - (input.id as number));
          if (late.length < 20) out.setTimer(now + 777, now + 777);
        }),
      );
      await world.run(500);
      expect(late).toHaveLength(20);
      expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
      await world.close();
    });

    it('drops at a crash what is behind an unreached barrier, and timers', async () => {
      const world = await subject.open({ seed: 8, sync_ms: 200 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out, now) => {
          if (input.kind !== 'recovered' || input.incarnation > 0) return;
          out.observe('before', 1);
          out.setTimer('never', now + 120_000);
          out.append(bytes('entry'));
          out.sync(1);
          out.observe('behind', 2);
        }),
      );
      await world.run(50);
      world.crash('a');
      world.restart('a');
      await world.run(500);
      expect(world.observations.map(each => each.metric)).toEqual(['before']);
      expect(only(seen, 'synced')).toEqual([]);
      expect(only(seen, 'timer')).toEqual([]);
      expect(only(seen, 'recovered').map(input => input.incarnation)).toEqual([0, 1]);
      await world.close();
    });

    it('halts an actor whose sync fails; nothing behind the barrier happens', async () => {
      const world = await subject.open({ seed: 9, sync_ms: 5 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out) => {
          if (input.kind !== 'request') return;
          out.append(bytes(input.request));
          out.sync(1);
          out.observe('behind', 1);
        }),
      );
      await world.run(20);
      world.failDisk('a', true);
      world.request('a', 'write');
      await world.run(100);
      world.request('a', 'not seen');
      await world.run(50);
      expect(world.halts.map(each => each.actor)).toEqual(['a']);
      expect(world.halts[0]!.reason).toMatch(/sync/);
      expect(only(seen, 'synced')).toEqual([]);
      expect(world.observations).toEqual([]);
      expect(only(seen, 'request').map(input => input.request)).toEqual(['write']);
      await world.close();
    });

    it('stops an actor that halts, until a restart', async () => {
      const world = await subject.open({ seed: 10 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out, now) => {
          if (input.kind === 'recovered') out.setTimer('tick', now + 20_000);
          if (input.kind !== 'request') return;
          out.halt(`asked to: ${input.request}`);
          out.observe('after halt', 1);
        }),
      );
      await world.run(5);
      world.request('a', 'please');
      await world.run(100);
      expect(world.halts).toEqual([{ actor: 'a', reason: 'asked to: please' }]);
      expect(world.observations).toEqual([]);
      expect(only(seen, 'timer')).toEqual([]);
      world.restart('a');
      await world.run(100);
      expect(only(seen, 'recovered')).toHaveLength(2);
      expect(only(seen, 'timer')).toHaveLength(1);
      await world.close();
    });

    it('carries requests to an actor and its replies back', async () => {
      const world = await subject.open({ seed: 11 });
      world.add(
        'a',
        recording([], (input, out) => {
          if (input.kind !== 'request') return;
          out.reply(input.id, { echo: input.request });
          out.reply(input.id, 'a second answer goes nowhere');
        }),
      );
      await world.run(5);
      world.request('a', 'one');
      world.request('a', 'two');
      await world.run(50);
      const answers = world.replies.map(each => JSON.stringify(each.answer)).sort((x, y) => (x < y ? -1 : 1));
      expect(answers).toEqual(['{"echo":"one"}', '{"echo":"two"}']);
      await world.close();
    });

    it('answers questions to external programs, errors included', async () => {
      const programs = {
        double: (question: unknown) => (question as number) * 2,
        broken: () => {
          throw new Error('out of ideas');
        },
      };
      const world = await subject.open({ seed: 12, programs });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out) => {
          if (input.kind !== 'recovered') return;
          out.ask('q1', 'double', 21);
          out.ask('q2', 'broken', null);
          out.ask('q3', 'missing', null);
        }),
      );
      await world.run(500);
      const answers = new Map(only(seen, 'answered').map(input => [input.id, input]));
      expect(answers.get('q1')).toMatchObject({ answer: 42, error: null });
      expect(answers.get('q2')!.error).toMatch(/out of ideas/);
      expect(answers.get('q3')!.error).toMatch(/missing/);
      await world.close();
    });

    it('shows a clock that never falls, within an incarnation or from one to the next', async () => {
      const world = await subject.open({ seed: 16 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out, now) => {
          if (input.kind === 'recovered' || input.kind === 'timer') out.setTimer('tick', now + 3_000);
        }),
      );
      await world.run(60);
      world.crash('a');
      await world.run(20);
      world.restart('a');
      for (let i = 0; i < 10; i++) {
        world.request('a', String(i));
        await world.run(7);
      }
      const times = seen.map(sight => sight.at);
      expect(times.length).toBeGreaterThan(20);
      expect(times.every((at, i) => Number.isSafeInteger(at) && at >= (times[i - 1] ?? 0))).toBe(true);
      await world.close();
    });
  });
}
