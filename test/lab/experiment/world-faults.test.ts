/** Faults as scenarios write them, down to what the simulated world executes and does. */
import { describe, expect, it } from 'vitest';
import { populate } from '../../../src/lab/experiment/population.ts';
import { worldFaults } from '../../../src/lab/experiment/world-faults.ts';
import { keyedHashScheme } from '../../../src/protocol/codec/signature.ts';
import type { Fault } from '../../../src/worlds/simulated/faults.ts';
import { RandomStreams } from '../../../src/worlds/simulated/streams.ts';
import { SimulatedWorld } from '../../../src/worlds/simulated/world.ts';
import { load, variant } from '../scenario/fixture.ts';

const HOUR = 3_600_000_000;
const TEXT = variant(
  ['    region: eu\n', '    region: [eu, us]\n    hosts: 2\n'],
  ['    count: 20\n', '    count: 3\n    region: us\n'],
);

/** The world's faults for one that is written. */
function faultsOf(text: string): Fault[] {
  const { scenario } = load(`${TEXT}faults: [{at: 1h, ${text}}]\n`);
  const population = populate(scenario, null, new RandomStreams(1), keyedHashScheme);
  return worldFaults(scenario.faults, population).map(({ at, ...rest }) => {
    expect(at).toBe(HOUR);
    return rest as Fault;
  });
}

const us = ['cheap-1', 'cheap-3', 'web-0', 'web-1', 'web-2'];

describe('faults of a scenario', () => {
  it.each<[string, object[]]>([
    [
      'kind: crash, target: validator, for: 1m',
      [{ kind: 'crash', target: 'validator-0', silent: false, for: 60_000_000 }],
    ],
    ['kind: pause, target: "region:us", for: 1s', us.map(target => ({ kind: 'pause', target, for: 1_000_000 }))],
    [
      'kind: partition, target: "region:us"',
      [{ kind: 'partition', groups: [us, ['validator-0', 'cheap-0', 'cheap-2']] }],
    ],
    [
      'kind: partition, groups: ["region:eu", [validator, web-1]], for: 1s',
      [
        {
          kind: 'partition',
          groups: [
            ['cheap-0', 'cheap-2'],
            ['validator-0', 'web-1'],
          ],
          for: 1_000_000,
        },
      ],
    ],
    [
      'kind: cut, target: [cheap-0, web-0], to: validator-0',
      [{ kind: 'cut', from: ['cheap-0', 'web-0'], to: ['validator-0'], oneWay: false }],
    ],
    [
      'kind: clog, target: cheap-0, to: web, by: 1s, for: 1s',
      [
        {
          kind: 'clog',
          from: ['cheap-0'],
          to: ['web-0', 'web-1', 'web-2'],
          bothWays: true,
          delay_us: 1_000_000,
          for: 1_000_000,
        },
      ],
    ],
    ['kind: clog, target: cheap-0, for: 1s', [{ kind: 'clog', from: ['cheap-0'], for: 1_000_000 }]],
    [
      'kind: clog, target: cheap-0, oneWay: true, for: 1s',
      [
        {
          kind: 'clog',
          from: ['cheap-0'],
          to: ['validator-0', 'cheap-0', 'cheap-1', 'cheap-2', 'cheap-3', 'web-0', 'web-1', 'web-2'],
          bothWays: false,
          for: 1_000_000,
        },
      ],
    ],
    [
      'kind: swizzle, target: [web, web-1], for: 1m',
      [{ kind: 'swizzle', of: ['web-0', 'web-1', 'web-2'], for: 60_000_000 }],
    ],
    [
      'kind: break, target: web-0, inFlight: late',
      [{ kind: 'break', from: ['web-0'], inFlight: 'late', late_us: 1_000_000 }],
    ],
    [
      'kind: hostOutage, target: "region:us"',
      ['cheap-1', 'cheap-3'].flatMap(target => [0, 1].map(host => ({ kind: 'hostOutage', target, host }))),
    ],
    ['kind: hostOutage, target: [cheap-0/1]', [{ kind: 'hostOutage', target: 'cheap-0', host: 1 }]],
    [
      'kind: crashLoop, target: "region:eu", for: 1m',
      ['cheap-0', 'cheap-2'].map(target => ({
        kind: 'crashLoop',
        target,
        after_us: 5_000_000,
        outOfMemory: false,
        for: 60_000_000,
      })),
    ],
    ['kind: diskRollback, target: web-0, to: 1m', [{ kind: 'diskRollback', target: 'web-0', to: 60_000_000 }]],
    ['kind: bitRot, target: validator-0', [{ kind: 'bitRot', target: 'validator-0', of: 'store', count: 1 }]],
    ['kind: slowCpu, target: web-0, factor: 9', [{ kind: 'slowCpu', target: 'web-0', factor: 9 }]],
    ['kind: clockDrift, target: web-0, ppm: -9', [{ kind: 'clockDrift', target: 'web-0', ppm: -9 }]],
    ['kind: clockStep, target: web-0, by: 1s, back: true', [{ kind: 'clockStep', target: 'web-0', by_us: -1_000_000 }]],
    ['kind: refuse, target: web-0', [{ kind: 'refuse', target: 'web-0' }]],
    ['kind: workloadCrash, target: cheap-0', [{ kind: 'workloadCrash', target: 'cheap-0', outOfMemory: false }]],
  ])('%s', (text, expected) => {
    expect(faultsOf(text)).toEqual(expected);
    // And a world with these inhabitants takes them.
    const world = new SimulatedWorld({ seed: 1 });
    const host = { cpu: 1, memory: 1, disk: 1, gpu: 0 };
    for (const name of ['validator-0', 'cheap-0', 'cheap-1', 'cheap-2', 'cheap-3', 'web-0', 'web-1', 'web-2']) {
      world.addActor({ name, hosts: name.startsWith('cheap') ? [host, host] : [], start: () => ({ receive() {} }) });
    }
    world.inject(faultsOf(text).map(fault => ({ ...fault, at: HOUR })));
    world.run(2 * HOUR);
    expect(world.now).toBe(2 * HOUR);
  });
});
