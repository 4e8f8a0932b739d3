/** Determinism of a world, its guard rails, and how it ends when something breaks. */
import { describe, expect, it } from 'vitest';
import type { Actor, Input } from '../../../src/actors/actor.ts';
import { logNormalSampler, regionMatrix } from '../../../src/worlds/simulated/latency.ts';
import { type Ports, SimulatedWorld, WorldError, type WorldOptions } from '../../../src/worlds/simulated/world.ts';

interface Ball {
  readonly from: string;
  readonly n: number;
}

const SECOND = 1_000_000;

/** An actor that does a little of everything, with draws of its own, and notes what it sees. */
function player(name: string, peers: readonly string[], diary: string[]): (ports: Ports) => Actor<Ball> {
  return ({ random }) => {
    const dice = random('dice');
    let n = 0;
    return {
      receive(input, now, out) {
        diary.push(`${now} ${name} ${JSON.stringify(input)}`);
        if (input.kind === 'recovered') {
          for (const peer of peers) out.connect(peer);
          out.setTimer('tick', now + 1_000 + Math.floor(dice.uniform() * 1_000_000));
        } else if (input.kind === 'connected') {
          out.send(input.connection, { from: name, n: n++ });
        } else if (input.kind === 'message' && input.message.n < 50) {
          if (dice.uniform() < 0.2) {
            out.append(Uint8Array.of(input.message.n));
            out.sync(input.message.n);
          }
          out.send(input.connection, { from: name, n: input.message.n + 1 });
        } else if (input.kind === 'timer') {
          out.observe('tick', n);
          out.setTimer('tick', now + 1_000 + Math.floor(dice.uniform() * 1_000_000));
        } else if (input.kind === 'disconnected' || input.kind === 'refused') {
          out.connect(input.peer);
        }
      },
    };
  };
}

const RING = ['a', 'b', 'c', 'd', 'e'];

function game(options: Partial<WorldOptions<Ball>> = {}, names: readonly string[] = RING) {
  const diary: string[] = [];
  const world = new SimulatedWorld<Ball>({
    seed: 5,
    freeze: true,
    network: { latency: regionMatrix({ pairs: [], default: logNormalSampler(20_000, 50_000) }) },
    disk: { sync_us: logNormalSampler(2_000, 9_000) },
    clock: { offset_us: 17, drift_ppm: 30 },
    faults: [
      { at: SECOND, kind: 'crash', target: 'b', for: SECOND },
      { at: 2 * SECOND, kind: 'partition', groups: [['a', 'b'], ['c']], for: 20 * SECOND },
      { at: 4 * SECOND, kind: 'clockStep', target: 'a', by_us: -300_000 },
      { at: 5 * SECOND, kind: 'pause', target: 'c', for: SECOND },
    ],
    ...options,
  });
  for (const name of names) {
    const index = RING.indexOf(name);
    const next = RING[(index + 1) % 3]!;
    world.addActor({ name, start: player(name, index < 3 ? [next] : [], diary) });
  }
  return { world, diary };
}

/** What one actor saw, but for the numbers that the world gives to connections. */
function pagesOf(diary: readonly string[], name: string): string[] {
  return diary.filter(line => line.split(' ')[1] === name);
}

describe('determinism', () => {
  it('gives the same trace, whichever way the run is cut into pieces', () => {
    const one = game();
    one.world.run(30 * SECOND);
    const two = game();
    for (let t = 1; t <= 300; t++) two.world.run((t * SECOND) / 10);
    const three = game();
    while (three.world.run(30 * SECOND, { maxEvents: 7 }) === 'events');
    expect(one.world.eventsDispatched).toBeGreaterThan(1_000);
    expect(two.diary).toEqual(one.diary);
    expect(three.diary).toEqual(one.diary);
    expect(two.world.traceHash.hex()).toBe(one.world.traceHash.hex());
    expect(three.world.traceHash.hex()).toBe(one.world.traceHash.hex());
    expect(three.world.now).toBe(30 * SECOND);
  });

  it('gives another trace for another seed, another fault, another message', () => {
    const run = (options: Partial<WorldOptions<Ball>>): string => {
      const { world } = game(options);
      world.run(30 * SECOND);
      return world.traceHash.hex();
    };
    const hashes = [{}, { seed: 6 }, { seed: '5x' }, { faults: [] }, { ties: 'keyed' as const }].map(run);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it.each(['fixed', 'keyed'] as const)('is not changed by no-op events (ties %s)', ties => {
    const plain = game({ ties });
    plain.world.run(30 * SECOND);
    const noisy = game({ ties });
    for (let i = 0; i < 5_000; i++) noisy.world.noop((i * 7_919) % (30 * SECOND));
    noisy.world.run(10 * SECOND);
    for (let i = 0; i < 500; i++) noisy.world.noop(10 * SECOND + i * 1_000);
    noisy.world.run(30 * SECOND);
    expect(noisy.world.noopsDispatched).toBe(5_500);
    expect(noisy.diary).toEqual(plain.diary);
    expect(noisy.world.traceHash.hex()).toBe(plain.world.traceHash.hex());
    expect(noisy.world.eventsDispatched).toBe(plain.world.eventsDispatched);
  });

  it.each(['fixed', 'keyed'] as const)(
    'leaves what others see as it was when an actor comes or goes (ties %s)',
    ties => {
      const all = game({ ties });
      all.world.run(30 * SECOND);
      for (const names of [
        ['a', 'b', 'c'],
        ['d', 'a', 'b', 'c'],
      ]) {
        const fewer = game({ ties }, names);
        fewer.world.run(30 * SECOND);
        for (const name of ['a', 'b', 'c']) expect(pagesOf(fewer.diary, name)).toEqual(pagesOf(all.diary, name));
      }
    },
  );

  it('gives a restarted process fresh draws, not those of its former life', () => {
    const rolls: number[] = [];
    const world = new SimulatedWorld<Ball>({ seed: 1 });
    world.addActor({
      name: 'a',
      start: ({ random }) => {
        rolls.push(random('dice').uniform(), random('dice').uniform());
        return { receive() {} };
      },
    });
    world.run(1);
    world.crash('a');
    world.restart('a');
    expect(rolls).toHaveLength(4);
    expect(rolls[0]).toBe(rolls[1]);
    expect(rolls[2]).not.toBe(rolls[0]);
  });

  it('varies the order of one instant with the seed when ties are keyed, and never within a connection', () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const order: string[] = [];
      const world = new SimulatedWorld<Ball>({ seed, ties: 'keyed' });
      world.addActor({
        name: 'sink',
        start: () => ({
          receive(input) {
            if (input.kind === 'message') order.push(`${input.from}${input.message.n}`);
          },
        }),
      });
      for (const name of ['a', 'b', 'c']) {
        world.addActor({
          name,
          start: () => ({
            receive(input, _now, out) {
              if (input.kind === 'recovered') out.connect('sink');
              if (input.kind !== 'connected') return;
              for (let n = 0; n < 5; n++) out.send(input.connection, { from: name, n });
            },
          }),
        });
      }
      world.run(SECOND);
      for (const name of ['a', 'b', 'c']) {
        expect(order.filter(each => each.startsWith(name))).toEqual([0, 1, 2, 3, 4].map(n => `${name}${n}`));
      }
      orders.add(order.join(' '));
    }
    expect(orders.size).toBeGreaterThan(3);
  });

  it('answers reads of the disk in their order, however long each takes', () => {
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
    const answers: [string, number][] = [];
    const world = lone(() => {}, { disk: { read_us: logNormalSampler(1_000, 20_000) } });
    world.addActor({
      name: 'reader',
      start: () => ({
        receive(input, now, out) {
          if (input.kind === 'recovered') for (const key of keys) out.get(key);
          if (input.kind === 'got') answers.push([input.key, now]);
        },
      }),
    });
    world.run(10 * SECOND);
    expect(answers.map(([key]) => key)).toEqual(keys);
    expect(new Set(answers.map(([, at]) => at)).size).toBeGreaterThan(1);
  });

  it('tells where two runs part, by a window over the trace', () => {
    const window = (seed: number) => {
      const { world } = game({ seed });
      world.traceHash.watch(5, 60);
      world.run(30 * SECOND);
      return world.traceHash.lines;
    };
    const lines = window(5);
    expect(lines.map(line => line.index)).toEqual(Array.from({ length: 55 }, (_, i) => i + 5));
    expect(window(5)).toEqual(lines);
    expect(window(6)).not.toEqual(lines);
    expect(lines.some(line => line.text.includes('"kind":"connected"'))).toBe(true);
  });
});

/** A world with one actor that reacts once to being started. */
function lone(react: (input: Input<Ball>, now: number) => void, options: Partial<WorldOptions<Ball>> = {}) {
  const world = new SimulatedWorld<Ball>({ seed: 'lone', ...options });
  world.addActor({ name: 'culprit', start: () => ({ receive: react }) });
  return world;
}

describe('guard rails', () => {
  const touches: { readonly [name: string]: () => unknown } = {
    Date: () => new Date(0),
    'Date ': () => Date.now(),
    'Math.random': () => Math.random(),
    setTimeout: () => setTimeout(() => {}, 0),
    setInterval: () => setInterval(() => {}, 0),
    setImmediate: () => setImmediate(() => {}),
    queueMicrotask: () => queueMicrotask(() => {}),
    performance: () => performance.now(),
    fetch: () => fetch('http://localhost'),
    process: () => process.env,
    crypto: () => crypto.getRandomValues(new Uint8Array(1)),
  };

  it.each(Object.keys(touches))('names the actor that touches %s', name => {
    const world = lone(() => touches[name]!());
    const attempt = (): unknown => world.run(SECOND);
    expect(attempt).toThrow(WorldError);
    expect(attempt).toThrow(new RegExp(`actor culprit touched ${name.trim()}`));
    // Afterwards everything works again.
    expect(Date.now()).toBeGreaterThan(0);
    expect(Math.random()).toBeLessThan(1);
  });

  it('finds a clock of which the actor took hold before', () => {
    const Clock = Date;
    expect(() => lone(() => Clock.now()).run(SECOND)).toThrow(/culprit touched Date.now/);
  });

  it('guards the making of an actor too', () => {
    const world = new SimulatedWorld<Ball>({ seed: 1 });
    world.addActor({
      name: 'maker',
      start: () => {
        Math.random();
        return { receive() {} };
      },
    });
    expect(() => world.run(1)).toThrow(/actor maker failed.*touched Math.random/);
  });

  it('lets the lab use everything: in callbacks, drivers, and programs', () => {
    const seen: unknown[] = [];
    const world = new SimulatedWorld<Ball>({
      seed: 1,
      onObserve: () => seen.push(Date.now()),
      onHalt: () => seen.push(performance.now()),
      onReply: () => seen.push(Math.random()),
      programs: { clock: () => Date.now() },
    });
    world.addActor({
      name: 'a',
      start: () => ({
        receive(input, _now, out) {
          if (input.kind === 'recovered') out.observe('metric', 1);
          if (input.kind === 'recovered') out.ask('q', 'clock', null);
          if (input.kind === 'request') out.reply(input.id, 1);
          if (input.kind === 'answered') {
            seen.push(input.answer);
            expect(input.error).toBe(null);
            out.halt('done');
          }
        },
      }),
    });
    world.request(10, 'a', null);
    world.at(20, 'look at the clock', () => seen.push(Date.now()));
    world.run(SECOND);
    expect(seen).toHaveLength(5);
    expect(seen.every(each => typeof each === 'number')).toBe(true);
  });

  it('catches an actor that changes a message after sending it', () => {
    const world = new SimulatedWorld<{ n: number; list: number[] }>({ seed: 1, freeze: true });
    world.addActor({ name: 'b', start: () => ({ receive() {} }) });
    world.addActor({
      name: 'a',
      start: () => ({
        receive(input, _now, out) {
          if (input.kind === 'recovered') out.connect('b');
          if (input.kind !== 'connected') return;
          const message = { n: 1, list: [1] };
          out.send(input.connection, message);
          message.list.push(2);
        },
      }),
    });
    expect(() => world.run(SECOND)).toThrow(/actor a failed/);
  });

  it('refuses effects out of turn', () => {
    let kept: { observe(metric: string, value: number): void } | null = null;
    const world = new SimulatedWorld<Ball>({ seed: 1 });
    world.addActor({
      name: 'keeper',
      start: () => ({
        receive(_input, _now, out) {
          kept = out;
        },
      }),
    });
    world.run(1);
    expect(() => kept!.observe('later', 1)).toThrow(/keeper used its effects while it was not its turn/);
  });
});

describe('errors', () => {
  it('name the actor, the input, the time, the event and the seed', () => {
    const world = lone(input => {
      if (input.kind === 'request') throw new TypeError('cannot add apples');
    });
    world.request(1_234, 'culprit', { apples: 3n });
    let error: unknown;
    try {
      world.run(SECOND);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(WorldError);
    const failure = error as WorldError;
    expect(failure).toMatchObject({ actor: 'culprit', time: 1_234, seed: 'lone', event: world.eventsDispatched });
    expect(failure.message).toMatch(
      /culprit failed at 1234 us, event \d+, seed lone, given .*"apples":"3n".*cannot add apples/,
    );
    expect((failure.cause as Error).name).toBe('TypeError');
    // A broken world can be looked at, but not be run any further.
    expect(world.now).toBe(1_234);
    expect(() => world.run(2 * SECOND)).toThrow(failure);
  });

  it('refuse wrong use: names, times, nested runs', () => {
    const world = lone(() => {});
    expect(() => world.addActor({ name: 'culprit', start: () => ({ receive() {} }) })).toThrow(/name of its own/);
    expect(() => world.request(0, 'nobody', null)).toThrow(/no participant nobody/);
    world.run(100);
    expect(() => world.run(50)).toThrow(/cannot run until 50/);
    expect(() => world.run(Number.POSITIVE_INFINITY)).toThrow(/cannot run until Infinity/);
    expect(() => world.noop(99)).toThrow(/it is 100 us already/);
    world.at(200, 'nested run', () => world.run(300));
    expect(() => world.run(300)).toThrow(/running already/);
  });

  it('tell clients of requests that nobody will answer', () => {
    const failed: string[] = [];
    const world = lone(() => {}, {
      onRequestFailed: (actor, id, reason, time) => failed.push(`${actor} ${id} ${reason} ${time}`),
    });
    const first = world.request(10, 'culprit', 'never answered');
    world.at(50, 'crash', () => world.crash('culprit'));
    const second = world.request(60, 'culprit', 'nobody there');
    world.run(100);
    expect(failed).toEqual([`culprit ${first} crashed 50`, `culprit ${second} not running 60`]);
  });

  it('stop when asked to', () => {
    const world = lone(() => {});
    world.at(10, 'stop', () => world.stop());
    expect(world.run(100)).toBe('stop');
    expect(world.now).toBe(10);
    expect(world.run(100)).toBe('time');
    expect(world.now).toBe(100);
  });
});
