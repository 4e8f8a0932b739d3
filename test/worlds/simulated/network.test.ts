/** What the simulated network adds to the contract: exact times, bandwidth, one-way cuts, clogs, silence. */
import { describe, expect, it } from 'vitest';
import type { Input } from '../../../src/actors/actor.ts';
import { constantLatency, logNormalSampler, regionMatrix } from '../../../src/worlds/simulated/latency.ts';
import { SimulatedWorld, type WorldOptions } from '../../../src/worlds/simulated/world.ts';

interface Packet {
  readonly n: number;
  readonly size: number;
}

const MS = 1_000;
const SECOND = 1_000_000;

interface Visit {
  readonly at: number;
  readonly input: Input<Packet, readonly Packet[]>;
}

/** Two actors; `a` connects to `b` whenever it can, and sends what requests say over its latest connection. */
function pair(options: Partial<WorldOptions<Packet, readonly Packet[]>> = {}, uplink?: number, startAt = 0) {
  const a: Visit[] = [];
  const b: Visit[] = [];
  const world = new SimulatedWorld<Packet, readonly Packet[]>({
    seed: 11,
    network: { latency: constantLatency(10 * MS) },
    sizeOf: packet => packet.size,
    ...options,
  });
  world.addActor({ name: 'b', start: () => ({ receive: (input, at) => void b.push({ at, input }) }) });
  world.addActor({
    name: 'a',
    startAt,
    ...(uplink === undefined ? {} : { uplink_bytes_per_s: uplink }),
    start: () => {
      let connection = -1;
      return {
        receive(input, at, out) {
          a.push({ at, input });
          if (input.kind === 'recovered') out.connect('b');
          if (input.kind === 'connected') connection = input.connection;
          if (input.kind === 'request') for (const packet of input.request) out.send(connection, packet);
        },
      };
    },
  });
  return { world, a, b };
}

function arrivals(visits: readonly Visit[]): [number, number][] {
  return visits.flatMap(({ at, input }) => (input.kind === 'message' ? [[input.message.n, at]] : []));
}

function endings(visits: readonly Visit[]): string[] {
  return visits.flatMap(({ at, input }) =>
    input.kind === 'disconnected' || input.kind === 'refused' ? [`${at / MS} ${input.kind}: ${input.reason}`] : [],
  );
}

const packets = (count: number, size = 1_000): Packet[] => Array.from({ length: count }, (_, n) => ({ n, size }));

describe('simulated network', () => {
  it('connects in a round trip, and delivers after the latency', () => {
    const { world, a, b } = pair();
    world.request(50 * MS, 'a', packets(2));
    world.run(SECOND);
    expect(b.find(each => each.input.kind === 'connected')!.at).toBe(10 * MS);
    expect(a.find(each => each.input.kind === 'connected')!.at).toBe(20 * MS);
    expect(arrivals(b)).toEqual([
      [0, 60 * MS],
      [1, 60 * MS],
    ]);
  });

  it('refuses after a round trip when the peer is down', () => {
    const { world, a } = pair({ faults: [{ at: 0, kind: 'crash', target: 'b' }] });
    world.run(SECOND);
    expect(endings(a)).toEqual(['20 refused: connection refused']);
  });

  it('keeps the order of a connection when later packets draw shorter latencies', () => {
    const { world, b } = pair({
      network: { latency: regionMatrix({ pairs: [], default: logNormalSampler(20 * MS, 200 * MS) }) },
    });
    for (let n = 0; n < 200; n++) world.request(5 * SECOND + n * MS, 'a', [{ n, size: 1 }]);
    world.run(60 * SECOND);
    expect(arrivals(b).map(([n]) => n)).toEqual(Array.from({ length: 200 }, (_, n) => n));
    const times = arrivals(b).map(([, at]) => at);
    expect(times).toEqual(times.toSorted((x, y) => x - y));
    // Head-of-line blocking: some packets waited for one before them.
    expect(new Set(times).size).toBeLessThan(200);
  });

  it('takes the time of the bytes where bandwidth is finite, one message after the other', () => {
    const { world, b } = pair({ network: { latency: constantLatency(10 * MS), bandwidth: () => 1_000_000 } });
    world.request(50 * MS, 'a', packets(3, 5_000));
    world.run(SECOND);
    expect(arrivals(b)).toEqual([
      [0, 65 * MS],
      [1, 70 * MS],
      [2, 75 * MS],
    ]);
  });

  it('shares an uplink between all connections of a node', () => {
    const { world, b } = pair({}, 1_000_000);
    const c: number[] = [];
    world.addActor({
      name: 'c',
      start: () => ({
        receive(input, at, out) {
          if (input.kind === 'recovered') out.connect('a');
          if (input.kind === 'message') c.push(at);
        },
      }),
    });
    world.run(MS);
    // Over two connections of its own, and one that c opened: `a` sends on its latest.
    world.request(19 * MS, 'a', packets(1, 5_000));
    world.request(21 * MS, 'a', packets(2, 5_000));
    world.run(SECOND);
    expect([...arrivals(b).map(([, at]) => at), ...c].toSorted((x, y) => x - y)).toEqual(
      [34, 39, 44].map(at => at * MS),
    );
    expect(c.length).toBeGreaterThan(0);
    expect(arrivals(b).length).toBeGreaterThan(0);
  });

  it('bounds a queue in bytes, and tells when half of it is free again', () => {
    const { world, a, b } = pair({
      network: { latency: constantLatency(10 * MS), bandwidth: () => 1_000_000, queueBytes: 20_000 },
    });
    world.request(50 * MS, 'a', packets(6, 5_000));
    world.run(SECOND);
    expect(arrivals(b).map(([n]) => n)).toEqual([0, 1, 2, 3]);
    const told = a.filter(each => ['queueFull', 'drained'].includes(each.input.kind));
    expect(told.map(each => `${each.at / MS} ${each.input.kind}`)).toEqual(['50 queueFull', '60 drained']);
  });

  it('cuts one way: nothing arrives there, the way back works until the keep-alive runs out', () => {
    const { world, a, b } = pair({
      network: { latency: constantLatency(10 * MS), keepAlive_us: SECOND },
      faults: [{ at: 100 * MS, kind: 'cut', from: 'a', to: 'b', oneWay: true }],
    });
    world.request(200 * MS, 'a', packets(1));
    world.run(10 * SECOND);
    expect(arrivals(b)).toEqual([]);
    expect(endings(a)).toEqual(['1100 disconnected: timed out']);
    expect(endings(b)).toEqual(['1100 disconnected: timed out']);
  });

  it('delivers what was in flight when a cut began', () => {
    const { world, b } = pair({
      faults: [{ at: 105 * MS, kind: 'cut', from: 'a', to: 'b', for: SECOND }],
    });
    world.request(100 * MS, 'a', [{ n: 1, size: 1 }]);
    world.request(110 * MS, 'a', [{ n: 2, size: 1 }]);
    world.run(10 * SECOND);
    expect(arrivals(b)).toEqual([
      [1, 110 * MS],
      [2, 1_115 * MS],
    ]);
  });

  it('clogs: packets wait, nobody is told; with a delay they take longer', () => {
    const { world, a, b } = pair({
      network: { latency: constantLatency(10 * MS), keepAlive_us: SECOND },
      faults: [
        { at: 100 * MS, kind: 'clog', from: 'a', to: 'b', for: 5 * SECOND },
        { at: 6 * SECOND, kind: 'clog', from: 'b', delay_us: 70 * MS, for: SECOND },
      ],
    });
    world.request(200 * MS, 'a', [{ n: 1, size: 1 }]);
    world.request(6_500 * MS, 'a', [{ n: 2, size: 1 }]);
    world.request(7_500 * MS, 'a', [{ n: 3, size: 1 }]);
    world.run(10 * SECOND);
    expect(arrivals(b)).toEqual([
      [1, 5_110 * MS],
      [2, 6_580 * MS],
      [3, 7_510 * MS],
    ]);
    expect([...endings(a), ...endings(b)]).toEqual([]);
  });

  it('hears nothing of a machine that is off, until the keep-alive runs out', () => {
    const { world, a } = pair({
      network: { latency: constantLatency(10 * MS), keepAlive_us: SECOND },
      faults: [{ at: 100 * MS, kind: 'crash', target: 'b', silent: true }],
    });
    world.run(10 * SECOND);
    expect(endings(a)).toEqual(['1100 disconnected: timed out']);
  });

  it('is reset when the machine comes back earlier', () => {
    const { world, a } = pair({
      network: { latency: constantLatency(10 * MS), keepAlive_us: SECOND },
      faults: [{ at: 100 * MS, kind: 'crash', target: 'b', silent: true, for: 300 * MS }],
    });
    world.run(10 * SECOND);
    expect(endings(a)).toEqual(['410 disconnected: connection reset']);
  });

  it('is reset when a machine that was off behind a cut is heard again', () => {
    const { world, a } = pair({
      network: { latency: constantLatency(10 * MS), keepAlive_us: SECOND },
      faults: [
        { at: 100 * MS, kind: 'cut', from: 'a', to: 'b', for: 500 * MS },
        { at: 200 * MS, kind: 'crash', target: 'b', silent: true, for: 100 * MS },
      ],
    });
    world.run(10 * SECOND);
    expect(endings(a)).toEqual(['610 disconnected: connection reset']);
  });

  it('does not get a connection to a paused process before that goes on', () => {
    const { world, a, b } = pair({ faults: [{ at: 0, kind: 'pause', target: 'b', for: 500 * MS }] });
    world.run(10 * SECOND);
    expect(b.find(each => each.input.kind === 'connected')!.at).toBe(500 * MS);
    expect(a.find(each => each.input.kind === 'connected')!.at).toBe(510 * MS);
  });

  it('gives a connect up that nothing answers, and lets one through that a cut held for less', () => {
    const network = { latency: constantLatency(10 * MS), connectTimeout_us: SECOND };
    const long = pair({ network, faults: [{ at: 0, kind: 'cut', from: 'a', to: 'b', for: 3 * SECOND }] });
    long.world.run(10 * SECOND);
    expect(endings(long.a)).toEqual(['1000 refused: timed out']);
    const short = pair(
      { network, faults: [{ at: 0, kind: 'cut', from: 'a', to: 'b', for: SECOND / 2 }] },
      undefined,
      MS,
    );
    short.world.run(10 * SECOND);
    expect(endings(short.a)).toEqual([]);
    expect(short.a.find(each => each.input.kind === 'connected')!.at).toBe(520 * MS);
    // The first packet was on its way when the cut began; the answer had to wait.
    const half = pair({ network, faults: [{ at: MS, kind: 'cut', from: 'a', to: 'b', for: SECOND / 2 }] });
    half.world.run(10 * SECOND);
    expect(endings(half.a)).toEqual([]);
    expect(half.a.find(each => each.input.kind === 'connected')!.at).toBe(511 * MS);
  });

  it('tells a paused process when it goes on that its connection was given up meanwhile', () => {
    const { world, b } = pair({
      network: { latency: constantLatency(10 * MS), keepAlive_us: SECOND },
      faults: [
        { at: 100 * MS, kind: 'cut', from: 'a', to: 'b', for: 2 * SECOND },
        { at: 100 * MS, kind: 'pause', target: 'b', for: 1_500 * MS },
      ],
    });
    world.run(10 * SECOND);
    expect(endings(b)).toEqual(['1600 disconnected: timed out']);
  });

  it('keeps sending what a dead process had queued, and closes behind it', () => {
    const { world, b } = pair({ network: { latency: constantLatency(10 * MS), bandwidth: () => 1_000_000 } });
    world.request(50 * MS, 'a', packets(3, 5_000));
    world.at(51 * MS, 'crash', () => world.crash('a'));
    world.run(SECOND);
    expect(arrivals(b).map(([n]) => n)).toEqual([0, 1, 2]);
    expect(endings(b)).toEqual(['75 disconnected: peer stopped']);
  });

  it('breaks connections: both sides are told, what was in flight and in queues is lost, a new one works', () => {
    const { world, a, b } = pair({
      faults: [{ at: 105 * MS, kind: 'break', from: 'a', to: 'b' }],
    });
    world.request(90 * MS, 'a', [{ n: 1, size: 1 }]);
    world.request(100 * MS, 'a', [{ n: 2, size: 1 }]);
    world.request(120 * MS, 'a', [{ n: 3, size: 1 }]);
    world.run(SECOND);
    expect(arrivals(b)).toEqual([[1, 100 * MS]]);
    expect(endings(a)).toEqual(['105 disconnected: connection reset']);
    expect(endings(b)).toEqual(['105 disconnected: connection reset']);
    world.at(SECOND, 'again', () => world.restart('a'));
    world.crash('a');
    world.run(2 * SECOND);
    world.request(2 * SECOND, 'a', [{ n: 4, size: 1 }]);
    world.run(3 * SECOND);
    expect(arrivals(b)).toHaveLength(2);
  });

  it.each([
    ['lost', ['115 connected 2', '135 message 100 on 2']],
    [
      'late',
      ['115 connected 2', '135 message 100 on 2', '305 message 1 on 1', '305 message 2 on 1', '305 disconnected 1'],
    ],
    [
      'repeated',
      [
        '115 connected 2',
        '135 message 1 on 2',
        '135 message 2 on 2',
        '135 message 100 on 2',
        '305 message 1 on 1',
        '305 message 2 on 1',
        '305 disconnected 1',
      ],
    ],
  ] as const)('what was in flight across a reconnect: %s', (inFlight, expected) => {
    const b: string[] = [];
    let answers = 0;
    const world = new SimulatedWorld<Packet>({
      seed: 12,
      network: { latency: constantLatency(10 * MS) },
      faults: [{ at: 105 * MS, kind: 'break', from: 'a', to: 'b', inFlight, late_us: 200 * MS }],
    });
    world.addActor({
      name: 'b',
      start: () => ({
        receive(input, at, out) {
          if (at < 105 * MS) return;
          const when = Math.floor(at / MS);
          if (input.kind === 'connected') b.push(`${when} connected ${input.connection}`);
          if (input.kind === 'disconnected') b.push(`${when} disconnected ${input.connection}`);
          if (input.kind !== 'message') return;
          b.push(`${when} message ${input.message.n} on ${input.connection}`);
          // Over the broken connection this is said in good faith, and nobody hears it.
          out.send(input.connection, { n: -1, size: 1 });
        },
      }),
    });
    world.addActor({
      name: 'a',
      start: () => {
        let connection = 0;
        return {
          receive(input, _at, out) {
            if (input.kind === 'recovered' || input.kind === 'disconnected') out.connect('b');
            if (input.kind === 'message') answers++;
            if (input.kind === 'timer') for (const n of [1, 2]) out.send(connection, { n, size: 1 });
            if (input.kind !== 'connected') return;
            connection = input.connection;
            if (input.connection === 1) out.setTimer('send', 100 * MS);
            else out.send(input.connection, { n: 100, size: 1 });
          },
        };
      },
    });
    world.run(SECOND);
    const endsOfOld = inFlight === 'lost' ? ['105 disconnected 1'] : [];
    expect(b).toEqual([...endsOfOld, ...expected]);
    expect(answers).toBe(expected.filter(each => each.endsWith('on 2')).length);
  });

  it('repeats nothing of a process that is not there any more', () => {
    const { world, b } = pair({
      faults: [
        { at: 105 * MS, kind: 'break', from: 'a', to: 'b', inFlight: 'repeated', late_us: SECOND },
        { at: 111 * MS, kind: 'restart', target: 'a' },
      ],
    });
    world.request(100 * MS, 'a', [{ n: 1, size: 1 }]);
    world.request(200 * MS, 'a', [{ n: 2, size: 1 }]);
    world.run(3 * SECOND);
    expect(arrivals(b)).toEqual([
      [2, 210 * MS],
      [1, 1_105 * MS],
    ]);
  });

  it('breaks a handshake too: the initiator is refused, or gets its connection when that was not there yet', () => {
    const told: string[] = [];
    for (let at = 0; at < 25; at++) {
      for (const inFlight of ['lost', 'late'] as const) {
        const { world, a } = pair({ faults: [{ at: at * MS, kind: 'break', from: 'b', to: 'a', inFlight }] });
        world.run(5 * SECOND);
        const kinds = a.map(each => each.input.kind).filter(kind => kind !== 'recovered');
        told.push(kinds.join(' '));
      }
    }
    expect([...new Set(told)].toSorted()).toEqual(['connected', 'connected disconnected', 'refused']);
  });

  it('refuses new connections, and keeps those that it has', () => {
    const { world, a, b } = pair({
      faults: [{ at: 50 * MS, kind: 'refuse', target: 'b', for: 100 * MS }],
    });
    const c: Visit[] = [];
    world.addActor({
      name: 'c',
      startAt: 60 * MS,
      start: () => ({
        receive(input, at, out) {
          c.push({ at, input });
          if (input.kind === 'recovered') out.connect('b');
          if (input.kind === 'refused') out.setTimer('again', at + 100 * MS);
          if (input.kind === 'timer') out.connect('b');
        },
      }),
    });
    world.request(70 * MS, 'a', packets(1));
    world.run(SECOND);
    expect(arrivals(b)).toEqual([[0, 80 * MS]]);
    expect(endings(a)).toEqual([]);
    expect(endings(c)).toEqual(['80 refused: connection refused']);
    expect(c.at(-1)).toMatchObject({ at: 200 * MS, input: { kind: 'connected' } });
  });

  /** Everybody talks to everybody; says who heard whom between two times. */
  function talkers(faults: WorldOptions<Packet>['faults'] & object, regions: Readonly<Record<string, string>>) {
    const heard: { readonly at: number; readonly pair: string }[] = [];
    const names = Object.keys(regions);
    const world = new SimulatedWorld<Packet>({ seed: 5, network: { latency: constantLatency(MS) }, faults });
    for (const name of names) {
      world.addActor({
        name,
        region: regions[name]!,
        start: () => {
          const open: number[] = [];
          return {
            receive(input, now, out) {
              if (input.kind === 'recovered') for (const peer of names) if (peer < name) out.connect(peer);
              if (input.kind === 'connected') open.push(input.connection);
              if (input.kind === 'message') heard.push({ at: now, pair: `${input.from}>${name}` });
              if (input.kind === 'timer') for (const each of open) out.send(each, { n: 0, size: 1 });
              if (input.kind === 'recovered' || input.kind === 'timer') out.setTimer('say', now + 10 * MS);
            },
          };
        },
      });
    }
    const between = (from: number, to: number): Set<string> =>
      new Set(heard.filter(({ at }) => at >= from && at < to).map(({ pair: each }) => each));
    return { world, between, all: names.length * (names.length - 1) };
  }

  it('parts groups that are named by region or by participant; whom no group lists sees everybody', () => {
    const { world, between, all } = talkers(
      [{ at: 100 * MS, kind: 'partition', groups: [['region:eu'], ['region:us', 'x']], for: 200 * MS }],
      { a: 'eu', b: 'eu', c: 'us', d: '', x: '' },
    );
    world.run(SECOND);
    expect(between(0, 100 * MS).size).toBe(all);
    const during = between(110 * MS, 300 * MS);
    const parted = ['a>c', 'c>a', 'a>x', 'x>a', 'b>c', 'c>b', 'b>x', 'x>b'];
    expect(parted.filter(each => during.has(each))).toEqual([]);
    expect(during.size).toBe(all - parted.length);
    expect(between(310 * MS, SECOND).size).toBe(all);
  });

  it('clogs between groups one way or both ways, and loses nothing', () => {
    const regions = { a: 'eu', b: 'eu', c: 'us' };
    for (const bothWays of [false, true]) {
      const { world, between } = talkers(
        [{ at: 100 * MS, kind: 'clog', from: 'region:eu', to: ['c'], bothWays, for: 200 * MS }],
        regions,
      );
      world.run(SECOND);
      const during = between(110 * MS, 300 * MS);
      expect([...during].toSorted()).toEqual(bothWays ? ['a>b', 'b>a'] : ['a>b', 'b>a', 'c>a', 'c>b']);
      expect(between(300 * MS, SECOND).size).toBe(6);
    }
  });

  it('swizzles as a fault: a half falls silent one by one, and is heard again in another order', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const regions = Object.fromEntries(names.map(name => [name, 'eu']));
    const swizzled = (seedFault: readonly object[]) => {
      const { world, between } = talkers(
        [{ at: 100 * MS, kind: 'swizzle', of: 'region:eu', for: 900 * MS }, ...(seedFault as [])],
        regions,
      );
      world.run(2 * SECOND);
      const silent: string[] = [];
      for (let at = 100 * MS; at < SECOND; at += 100 * MS) {
        const heard = between(at + 20 * MS, at + 80 * MS);
        silent.push(names.filter(name => ![...heard].some(each => each.startsWith(name))).join(''));
      }
      expect(between(1_010 * MS, 2 * SECOND).size).toBe(56);
      return silent;
    };
    const silent = swizzled([]);
    expect(silent.map(each => each.length)).toEqual([1, 2, 3, 4, 4, 3, 2, 1, 0]);
    // Another fault beside it changes nothing of what it draws.
    expect(swizzled([{ at: 50 * MS, kind: 'bitRot', target: 'a', of: 'log' }])).toEqual(silent);
    expect(swizzled([{ at: 1_900 * MS, kind: 'restart', target: 'a' }])).toEqual(silent);
  });
});
