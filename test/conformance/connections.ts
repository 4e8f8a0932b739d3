/** The contract of connections: handshake, order, at most once, breaking, bounded queues, size limit, tunnels. */
import { describe, expect, it } from 'vitest';
import { MAX_MESSAGE_BYTES } from '../../src/actors/actor.ts';
import { kinds, only, recording, type Sight, texts, type WorldUnderTest } from './world-under-test.ts';

export function connectionContract(subject: WorldUnderTest): void {
  describe(`${subject.name}: connections`, { concurrent: subject.concurrent }, () => {
    it('tells both sides of a new connection, and carries messages both ways in order, each once', async () => {
      const world = await subject.open({ seed: 41 });
      const a: Sight[] = [];
      const b: Sight[] = [];
      world.add(
        'b',
        recording(b, (input, out) => {
          if (input.kind === 'connected') out.send(input.connection, { text: 'welcome' });
          if (input.kind === 'message') out.send(input.connection, { text: `re: ${input.message.text}` });
        }),
      );
      world.add(
        'a',
        recording(a, (input, out) => {
          if (input.kind === 'recovered') out.connect('b');
          if (input.kind !== 'connected') return;
          for (let i = 0; i < 50; i++) out.send(input.connection, { text: String(i) });
        }),
      );
      await world.run(300);
      expect(only(a, 'connected')).toMatchObject([{ peer: 'b', inbound: false }]);
      expect(only(b, 'connected')).toMatchObject([{ peer: 'a', inbound: true }]);
      const numbers = Array.from({ length: 50 }, (_, i) => String(i));
      expect(texts(b)).toEqual(numbers);
      expect(texts(a)).toEqual(['welcome', ...numbers.map(each => `re: ${each}`)]);
      expect(kinds(a).slice(0, 3)).toEqual(['recovered', 'connected', 'message']);
      expect(only(b, 'message')[0]).toMatchObject({ from: 'a', connection: only(b, 'connected')[0]!.connection });
      await world.close();
    });

    it('refuses a connection to a peer that is down or unknown', async () => {
      const world = await subject.open({ seed: 42 });
      const a: Sight[] = [];
      world.add('down', recording([]));
      await world.run(10);
      world.crash('down');
      world.add(
        'a',
        recording(a, (input, out) => {
          if (input.kind !== 'recovered') return;
          out.connect('down');
          out.connect('nobody');
        }),
      );
      await world.run(300);
      const refused = only(a, 'refused')
        .map(input => input.peer)
        .sort((x, y) => (x < y ? -1 : 1));
      expect(refused).toEqual(['down', 'nobody']);
      expect(only(a, 'connected')).toEqual([]);
      await world.close();
    });

    it('delivers what was sent before a disconnect, then tells the peer; the one that disconnects hears no more of it', async () => {
      const world = await subject.open({ seed: 43 });
      const a: Sight[] = [];
      const b: Sight[] = [];
      world.add(
        'b',
        recording(b, (input, out) => {
          if (input.kind === 'message') out.send(input.connection, { text: 'too late' });
        }),
      );
      world.add(
        'a',
        recording(a, (input, out) => {
          if (input.kind === 'recovered') out.connect('b');
          if (input.kind !== 'connected') return;
          out.send(input.connection, { text: 'one' });
          out.send(input.connection, { text: 'two' });
          out.disconnect(input.connection);
          out.send(input.connection, { text: 'never' });
        }),
      );
      await world.run(200);
      expect(kinds(b)).toEqual(['recovered', 'connected', 'message', 'message', 'disconnected']);
      expect(texts(b)).toEqual(['one', 'two']);
      expect(kinds(a)).toEqual(['recovered', 'connected']);
      await world.close();
    });

    it('tells peers when a process dies; after its restart they can connect again', async () => {
      const world = await subject.open({ seed: 44 });
      const a: Sight[] = [];
      const b: Sight[] = [];
      world.add('b', recording(b));
      world.add(
        'a',
        recording(a, (input, out, now) => {
          if (input.kind === 'recovered' || input.kind === 'timer') out.connect('b');
          if (input.kind === 'connected') out.send(input.connection, { text: `hello ${only(a, 'connected').length}` });
          if (input.kind === 'disconnected' || input.kind === 'refused') out.setTimer('again', now + 20_000);
        }),
      );
      await world.run(50);
      world.crash('b');
      await world.run(100);
      expect(only(a, 'disconnected')).toMatchObject([{ peer: 'b' }]);
      expect(only(a, 'refused').length).toBeGreaterThan(0);
      world.restart('b');
      await world.run(200);
      expect(only(a, 'connected')).toHaveLength(2);
      expect(texts(b)).toEqual(['hello 1', 'hello 2']);
      expect(only(a, 'disconnected')).toHaveLength(1);
      await world.close();
    });

    it('loses nothing and tells nobody when a cut heals before the keep-alive runs out', async () => {
      const world = await subject.open({ seed: 45, keepAlive_ms: 2_000 });
      const a: Sight[] = [];
      const b: Sight[] = [];
      world.add('b', recording(b));
      world.add(
        'a',
        recording(a, (input, out) => {
          if (input.kind === 'recovered') out.connect('b');
          const connected = only(a, 'connected')[0];
          if (input.kind === 'request') out.send(connected!.connection, { text: input.request });
        }),
      );
      await world.run(50);
      world.cut('a', 'b');
      world.cut('b', 'a');
      for (const each of ['one', 'two', 'three']) {
        world.request('a', each);
        await world.run(50);
      }
      expect(texts(b)).toEqual([]);
      world.heal('a', 'b');
      world.heal('b', 'a');
      await world.run(3_000);
      expect(texts(b)).toEqual(['one', 'two', 'three']);
      expect([...only(a, 'disconnected'), ...only(b, 'disconnected')]).toEqual([]);
      await world.close();
    });

    it('gives a black-holed connection up after the keep-alive, on both sides, and drops what waited', async () => {
      const world = await subject.open({ seed: 46, keepAlive_ms: 600, connectTimeout_ms: 200 });
      const a: Sight[] = [];
      const b: Sight[] = [];
      world.add('b', recording(b));
      world.add(
        'a',
        recording(a, (input, out) => {
          if (input.kind === 'recovered') out.connect('b');
          if (input.kind === 'request') out.send(only(a, 'connected')[0]!.connection, { text: input.request });
          if (input.kind === 'disconnected') out.connect('b');
        }),
      );
      await world.run(50);
      world.cut('a', 'b');
      world.cut('b', 'a');
      world.request('a', 'lost');
      await world.run(50);
      expect(only(a, 'disconnected')).toEqual([]);
      await world.run(2_000);
      expect(only(a, 'disconnected')).toHaveLength(1);
      expect(only(b, 'disconnected')).toHaveLength(1);
      expect(only(a, 'refused')).toHaveLength(1);
      world.heal('a', 'b');
      world.heal('b', 'a');
      await world.run(500);
      expect(texts(b)).toEqual([]);
      await world.close();
    });

    it('bounds the send queue: what does not fit is dropped, `queueFull` tells once, `drained` when there is room', async () => {
      const world = await subject.open({ seed: 47, queueMessages: 10, keepAlive_ms: 5_000 });
      const a: Sight[] = [];
      const b: Sight[] = [];
      world.add('b', recording(b));
      world.add(
        'a',
        recording(a, (input, out) => {
          if (input.kind === 'recovered') out.connect('b');
          if (input.kind !== 'request') return;
          const { connection } = only(a, 'connected')[0]!;
          for (let i = 0; i < 30; i++) out.send(connection, { text: String(i) });
        }),
      );
      await world.run(50);
      world.cut('a', 'b');
      world.request('a', 'go');
      await world.run(50);
      expect(only(a, 'queueFull')).toMatchObject([{ peer: 'b', connection: only(a, 'connected')[0]!.connection }]);
      expect(only(a, 'drained')).toEqual([]);
      world.heal('a', 'b');
      await world.run(200);
      expect(only(a, 'drained')).toHaveLength(1);
      expect(texts(b)).toEqual(Array.from({ length: 10 }, (_, i) => String(i)));
      await world.close();
    });

    it('holds messages for a peer that is paused, and delivers them in order when it goes on', async () => {
      const world = await subject.open({ seed: 48 });
      const a: Sight[] = [];
      const b: Sight[] = [];
      world.add('b', recording(b));
      world.add(
        'a',
        recording(a, (input, out) => {
          if (input.kind === 'recovered') out.connect('b');
          if (input.kind === 'request') out.send(only(a, 'connected')[0]!.connection, { text: input.request });
        }),
      );
      await world.run(50);
      world.request('a', 'before');
      world.pause('b');
      for (const each of ['one', 'two']) {
        world.request('a', each);
        await world.run(30);
      }
      expect(texts(b)).toEqual([]);
      world.resume('b');
      world.request('a', 'after');
      await world.run(100);
      expect(texts(b)).toEqual(['before', 'one', 'two', 'after']);
      await world.close();
    });

    it('takes messages up to the limit, and breaks on one that is larger', async () => {
      const world = await subject.open({ seed: 49, bandwidth: 100_000_000 });
      const a: Sight[] = [];
      const b: Sight[] = [];
      world.add('b', recording(b));
      world.add(
        'a',
        recording(a, (input, out) => {
          if (input.kind === 'recovered') out.connect('b');
          if (input.kind !== 'request') return;
          out.send(only(a, 'connected')[0]!.connection, { text: 'big', bytes: Number(input.request) });
        }),
      );
      await world.run(50);
      world.request('a', String(MAX_MESSAGE_BYTES));
      await world.run(100);
      expect(texts(b)).toEqual(['big']);
      world.request('a', String(MAX_MESSAGE_BYTES + 1));
      await expect(world.run(100)).rejects.toThrow(/actor a .*at most 262144 bytes, found 262145/);
      await world.close();
    });

    it('opens tunnels to peers that are up, and tells when they close', async () => {
      const world = await subject.open({ seed: 50 });
      const a: Sight[] = [];
      world.add('b', recording([]));
      world.add('down', recording([]));
      await world.run(10);
      world.crash('down');
      world.add(
        'a',
        recording(a, (input, out) => {
          if (input.kind === 'recovered') {
            out.openTunnel('t1', 'b');
            out.openTunnel('t2', 'down');
            out.openTunnel('t3', 'b');
          }
          if (input.kind === 'request') out.closeTunnel(input.request);
        }),
      );
      await world.run(300);
      const now = (): { [id: string]: boolean[] } => {
        const states: { [id: string]: boolean[] } = {};
        for (const { id, open } of only(a, 'tunnel')) (states[id] ??= []).push(open);
        return states;
      };
      expect(now()).toEqual({ t1: [true], t2: [false], t3: [true] });
      world.request('a', 't1');
      world.request('a', 'never opened');
      await world.run(100);
      world.crash('b');
      await world.run(300);
      expect(now()).toEqual({ t1: [true, false], t2: [false], t3: [true, false], 'never opened': [false] });
      await world.close();
    });

    it('tells both sides when a connection breaks; each message arrives at most once, and a new connection works', async () => {
      const world = await subject.open({ seed: 51 });
      const a: Sight[] = [];
      const b: Sight[] = [];
      world.add('b', recording(b));
      world.add(
        'a',
        recording(a, (input, out) => {
          if (input.kind === 'recovered' || input.kind === 'disconnected') out.connect('b');
          const { connection } = only(a, 'connected').at(-1) ?? { connection: 0 };
          if (input.kind === 'request')
            for (let i = 0; i < 20; i++) out.send(connection, { text: `${input.request}${i}` });
        }),
      );
      await world.run(50);
      world.request('a', 'before ');
      world.breakConnections('a', 'b');
      await world.run(200);
      expect(only(a, 'disconnected')).toHaveLength(1);
      expect(only(b, 'disconnected')).toHaveLength(1);
      expect(only(a, 'connected')).toHaveLength(2);
      world.request('a', 'after ');
      await world.run(200);
      const all = Array.from({ length: 20 }, (_, i) => String(i));
      const [first, second] = only(b, 'connected').map(input => input.connection);
      const over = (connection: number | undefined): string[] =>
        only(b, 'message').flatMap(input => (input.connection === connection ? [input.message.text] : []));
      // A part of what was under way, from its beginning on, and all that came later.
      expect(over(first)).toEqual(all.map(each => `before ${each}`).slice(0, over(first).length));
      expect(over(second)).toEqual(all.map(each => `after ${each}`));
      await world.close();
    });
  });
}
