/** The simulated world, as the conformance suite sees it. */
import { constantSampler } from '../../src/worlds/simulated/latency.ts';
import { SimulatedWorld } from '../../src/worlds/simulated/world.ts';
import type { Note, TestWorld, TestWorldOptions, WorldUnderTest } from './world-under-test.ts';

const GIB = 2 ** 30;

export const simulated: WorldUnderTest = {
  name: 'the simulated world',
  storeSurvives: 'each',
  concurrent: false,
  open: async options => open(options),
};

function open(options: TestWorldOptions): TestWorld {
  const replies: { actor: string; answer: unknown }[] = [];
  const halts: { actor: string; reason: string }[] = [];
  const observations: { actor: string; metric: string; value: number }[] = [];
  const { bandwidth } = options;
  const world = new SimulatedWorld<Note, string>({
    seed: options.seed,
    ties: 'keyed',
    freeze: true,
    network: {
      keepAlive_us: (options.keepAlive_ms ?? 1_000) * 1_000,
      connectTimeout_us: (options.connectTimeout_ms ?? 1_000) * 1_000,
      queueMessages: options.queueMessages ?? 1_000,
      ...(bandwidth === undefined ? {} : { bandwidth: () => bandwidth }),
    },
    disk: { sync_us: (options.sync_ms ?? 2) * 1_000 },
    containers: { pull_us: constantSampler(20_000), start_us: constantSampler(5_000), stop_us: constantSampler(5_000) },
    programs: options.programs ?? {},
    sizeOf: note => note.bytes ?? note.text.length,
    onReply: (actor, _id, answer) => replies.push({ actor, answer }),
    onHalt: (actor, _time, reason) => halts.push({ actor, reason }),
    onObserve: (actor, _time, metric, value) => observations.push({ actor, metric, value }),
  });
  return {
    replies,
    halts,
    observations,
    add(name, start, { hosts = 0 } = {}) {
      const spec = { cpu: 1_000, memory: GIB, disk: GIB, gpu: 0 };
      world.addActor({ name, start, hosts: Array.from({ length: hosts }, () => spec) });
    },
    run: async ms => {
      world.run(world.now + ms * 1_000);
    },
    request: (name, request) => {
      world.request(world.now, name, request);
    },
    crash: name => world.crash(name),
    restart: name => world.restart(name),
    pause: name => world.pause(name),
    resume: name => world.resume(name),
    cut: (from, to) => world.cut(from, to),
    heal: (from, to) => world.heal(from, to),
    breakConnections: (from, to) => world.breakConnections(from, to),
    damage: (name, what) => world.rotDisk(name, what, Number.MAX_SAFE_INTEGER),
    failDisk: (name, on) => world.breakDisk(name, on),
    fillDisk: (name, on) => world.fillDisk(name, on),
    crashWorkload: (name, id) => world.crashWorkload(name, id, false),
    hostDown: (name, host) => world.hostDown(name, host),
    hostUp: (name, host) => world.hostUp(name, host),
    close: async () => {},
  };
}
