/**
 * The same programs in both worlds: each actor sees the same inputs, in the same order. What worlds may choose is left
 * out: times, the words of reasons, and the numbers of connections, which are counted anew.
 */
import { describe, expect, it } from 'vitest';
import type { WorkloadSpec } from '../../src/actors/actor.ts';
import { live } from './live.ts';
import { simulated } from './simulated.ts';
import {
  bytes,
  type Out,
  only,
  recording,
  type Seen,
  type Sight,
  type TestWorld,
  type WorldUnderTest,
} from './world-under-test.ts';

/** What an actor saw, with what worlds may choose left out. */
function story(seen: readonly Sight[]): unknown[] {
  const connections = new Map<number, number>();
  return seen.map(({ input }) => {
    const { reason: _reason, ...rest } = input as Seen & { readonly reason?: string };
    if (!('connection' in rest)) return rest;
    const { connection } = rest;
    if (!connections.has(connection)) connections.set(connection, connections.size);
    return { ...rest, connection: connections.get(connection) };
  });
}

type Program = (world: TestWorld) => Promise<Readonly<Record<string, readonly Sight[]>>>;

async function storiesIn(subject: WorldUnderTest, program: Program): Promise<Record<string, unknown[]>> {
  const world = await subject.open({ seed: 71, keepAlive_ms: 5_000, programs: { double: each => Number(each) * 2 } });
  const seen = await program(world);
  await world.close();
  return Object.fromEntries(Object.entries(seen).map(([name, sights]) => [name, story(sights)]));
}

async function compare(program: Program, least: number): Promise<void> {
  const [expected, found] = await Promise.all([storiesIn(simulated, program), storiesIn(live, program)]);
  expect(found).toEqual(expected);
  for (const [name, inputs] of Object.entries(expected)) {
    expect(inputs.length, `inputs of ${name}`).toBeGreaterThanOrEqual(least);
  }
}

const WORKLOAD: WorkloadSpec = {
  id: 'lease/1/0',
  host: 0,
  image: 'busybox',
  cpu: 100,
  memory: 1_000,
  disk: 1_000,
  gpu: 0,
  service: null,
};

/** One thing after the other, each when the one before has been answered. */
const STEPS: readonly (readonly [
  after: (input: Seen) => boolean,
  step: (out: Out, now: number, input: Seen) => void,
])[] = [
  [
    input => input.kind === 'recovered',
    out => {
      out.append(bytes('first'));
      out.put('key/a', bytes('a'));
      out.put('key/b', bytes('b'));
      out.sync(1);
      out.append(bytes('second'));
      out.sync(2);
    },
  ],
  [input => input.kind === 'synced' && input.token === 2, out => out.get('key/a')],
  [input => input.kind === 'got', out => out.scan('key/')],
  [input => input.kind === 'scanned', out => out.sync(3)],
  [input => input.kind === 'synced' && input.token === 3, out => out.connect('nobody')],
  [input => input.kind === 'refused', out => out.connect('b')],
  [
    input => input.kind === 'connected',
    (out, _now, input) => {
      if (input.kind !== 'connected') return;
      for (const text of ['one', 'two', 'three']) out.send(input.connection, { text });
    },
  ],
  [input => input.kind === 'message' && input.message.text === 're: three', out => out.openTunnel('t', 'b')],
  [input => input.kind === 'tunnel', out => out.startWorkload(WORKLOAD)],
  [input => input.kind === 'workload', out => out.readWorkloadLog(WORKLOAD.id, 10)],
  [input => input.kind === 'workloadLog', out => out.ask('question', 'double', 21)],
  [input => input.kind === 'answered', out => out.ask('other', 'missing', null)],
  [input => input.kind === 'answered', (out, now) => out.setTimer('tick', now + 20_000)],
  [input => input.kind === 'timer', out => out.stopWorkload(WORKLOAD.id)],
  [input => input.kind === 'workload', out => out.closeTunnel('t')],
  [
    input => input.kind === 'tunnel',
    out => {
      out.truncateLog(1);
      out.delete('key/a');
      out.startWorkload(WORKLOAD);
      out.sync(4);
    },
  ],
];

const everything: Program = async world => {
  const a: Sight[] = [];
  const b: Sight[] = [];
  let step = 0;
  world.add(
    'b',
    recording(b, (input, out) => {
      if (input.kind === 'message') out.send(input.connection, { text: `re: ${input.message.text}` });
      if (input.kind === 'disconnected') out.connect('a');
    }),
  );
  world.add(
    'a',
    recording(a, (input, out, now) => {
      const [after, act] = STEPS[step] ?? [];
      if (after?.(input) !== true) return;
      step++;
      act!(out, now, input);
    }),
    { hosts: 1 },
  );
  for (let i = 0; i < 200 && step < STEPS.length; i++) await world.run(20);
  expect(step).toBe(STEPS.length);
  await world.run(300);
  world.crash('a');
  await world.run(500);
  world.restart('a');
  await world.run(300);
  world.request('a', 'the end');
  await world.run(100);
  return { a, b };
};

/** Three that call each other; each sees of each of the others a sequence of its own. */
const chatter = (speaker: string): Program => {
  return async world => {
    const names = ['a', 'b', 'c'];
    const seen = new Map<string, Sight[]>(names.map(name => [name, []]));
    for (const name of names) {
      const own = seen.get(name)!;
      world.add(
        name,
        recording(own, (input, out) => {
          if (input.kind === 'request') for (const other of names) if (other !== name) out.connect(other);
          if (input.kind === 'connected' && !input.inbound) {
            for (let i = 0; i < 20; i++) out.send(input.connection, { text: `${name} ${i}`, bytes: 1_000 * i + 100 });
          }
          if (input.kind !== 'message' || !/^[abc] \d*9$/.test(input.message.text)) return;
          out.send(input.connection, { text: `heard ${input.message.text}` });
        }),
      );
    }
    await world.run(50);
    world.request(speaker, 'speak');
    await world.run(500);
    // Of one that speaks to two, what it hears of both is mixed in an order that the world chooses.
    return Object.fromEntries(
      [...seen].flatMap(([name, sights]) =>
        names
          .filter(other => other !== name && (name === speaker || other === speaker))
          .map(other => [`${name} of ${other}`, sights.filter(({ input }) => concerns(input, other))] as const),
      ),
    );
  };
};

function concerns(input: Seen, peer: string): boolean {
  return (input.kind === 'message' && input.from === peer) || (input.kind === 'connected' && input.peer === peer);
}

describe('both worlds', () => {
  it('show an actor the same, whatever it does', async () => {
    await compare(everything, 7);
  });

  it.each(['a', 'b', 'c'])('show three actors the same when %s speaks', async speaker => {
    await compare(chatter(speaker), 3);
  });

  it('would show it if they did not', async () => {
    const halts: Program = async world => {
      const a: Sight[] = [];
      world.add(
        'a',
        recording(a, (input, out) => {
          if (input.kind === 'recovered') out.ask('question', 'double', 1);
        }),
      );
      await world.run(200);
      expect(only(a, 'answered')).toHaveLength(1);
      return { a };
    };
    const [expected, found] = [await storiesIn(simulated, halts), await storiesIn(live, halts)];
    expect(found).toEqual(expected);
    const other = { a: expected.a!.map(input => ({ ...(input as Seen), id: 'another' })) };
    expect(other).not.toEqual(expected);
  });
});
