/** `orrery live` end to end: a page from a real container, a provider that dies, and nothing left behind. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readCompared } from '../../src/lab/report/compare-node.ts';
import { connectionTo } from '../../src/worlds/live/docker/engine.ts';
import { noDockerReason, type TestEngine, testEngine } from '../support/docker.ts';
import { endRuns, fetched, leftBehind, NOTHING, processesOf, removeResults, shown, startLive } from './support.ts';
import { otherUser, USER_RUNS, type User, whyNotReadable } from './user.ts';

const found = noDockerReason() === null || process.env.CI === 'true' ? await testEngine() : { skip: noDockerReason() };
const why = 'skip' in found ? ` (skipped: ${found.skip})` : '';
const engine = found as TestEngine;

// A test that failed half way must not leave its run to the next.
afterEach(endRuns);

afterAll(async () => {
  removeResults();
  if (why === '') await engine.stop();
});

interface Record {
  readonly world: string;
  readonly notes: readonly string[];
  readonly summary: Readonly<{ [name: string]: number }>;
  readonly expectations: readonly { readonly text: string; readonly holds: boolean; readonly detail: string }[];
}

function recordOf(results: string): Record {
  return JSON.parse(readFileSync(join(results, 'run.json'), 'utf8')) as Record;
}

/** What providers say of their workloads, and what somebody sees who asks for the page, are the same. */
function expectTimeWithoutService(summary: Record['summary'], notes: readonly string[]): void {
  expect(summary).toMatchObject({ outages: 1, lease_gaps: 1 });
  const [, seen] = /web of alice-0 did not answer for ([\d.]+) s from 3\d/.exec(notes.join('; ')) ?? [];
  expect(Math.abs(Number(seen) - summary.outage_max_s!)).toBeLessThan(3);
  // What ten blocks without a word, a wait for bids of two and two starts come to; a busy machine takes longer.
  expect(summary.outage_max_s).toBeGreaterThan(5);
  expect(summary.outage_max_s).toBeLessThan(60);
}

/** Every payment is what the rules give for the block times that this chain had, to the micro-AKASH, as its twin's are. */
function expectTwin(results: string): void {
  const verdict = readCompared(results).verdict!;
  expect(verdict.wrong).toEqual([]);
  expect([verdict.right, verdict.othersRight]).toEqual([verdict.payments, verdict.others]);
  expect(verdict.payments).toBeGreaterThan(5);
  const twin = join(results, '..', 'twin');
  orrery('run', 'live-failover', '--out', twin);
  const text = orrery('compare', twin, results);
  expect(text).toContain('2 orders in both, 2 alike');
  expect(text).toMatch(/A {2}(\d+) of \1 payments, 6 of 6 other amounts/);
  expect(text).toMatch(/B {2}(\d+) of \1 payments, 6 of 6 other amounts/);
  expect(text).toMatch(/Time without service\n.*\n {2}A {8}1 .*\n {2}B {8}1 /);
}

/** What a command prints; throws when it fails. */
function orrery(...words: string[]): string {
  return execFileSync(process.execPath, ['bin/orrery.js', ...words], { encoding: 'utf8', timeout: 120_000 });
}

describe.skipIf(why !== '')(`live runs with containers${why}`, () => {
  beforeAll(async () => {
    expect(await leftBehind(engine.address)).toEqual(NOTHING);
  });

  test('a page from an SDL file is reached over HTTP, and Ctrl-C leaves nothing', { timeout: 240_000 }, async () => {
    const live = startLive(engine.address, 'live-web', '--set', 'horizon=10m');
    const [, url] = await shown(live, /web answers at (http:\S+)/, 150_000);
    expect(await fetched(url!, 10_000)).toBe('Hello from the compute market from web\n');
    const [, page] = await shown(live, /status page: (http:\S+)/, 1_000);
    expect(await fetched(page!, 10_000)).toContain('<title>');
    live.child.kill('SIGINT');
    expect(await live.ended).toBe(0);
    expect(live.output()).toContain('Same block and same state at every height on all nodes');
    expect(await leftBehind(engine.address)).toEqual(NOTHING);
    await expect(fetched(url!, 500)).rejects.toThrow(/does not answer/);
    const { summary } = recordOf(live.results);
    expect(summary.orders_matched).toBe(1);
    const header = readFileSync(join(live.results, 'workloads.csv'), 'utf8').split('\n');
    expect(header[0]).toBe('provider,workload,image,pulled_s,started_s,stopped_s');
    expect(header[1]).toMatch(/^north-0,.*,orrery-live\/node:26,,\d/);
  });

  test('when its provider is killed, the other one serves', { timeout: 300_000 }, async () => {
    const live = startLive(engine.address, 'live-failover');
    const [, first] = await shown(live, /web answers at (http:\S+)/, 150_000);
    expect(await fetched(first!, 10_000)).toContain('Hello');
    await shown(live, /crash of north-0/, 120_000);
    await shown(live, /web answers at[\s\S]*web answers at (http:\S+)/, 120_000);
    expect(await live.ended).toBe(0);
    const { world, summary, expectations, notes } = recordOf(live.results);
    expect(world).toBe('live');
    expect(expectations.filter(one => !one.holds)).toEqual([]);
    expect(summary.forfeited_uakt).toBe(1_000_000);
    expect(await leftBehind(engine.address)).toEqual(NOTHING);
    expectTimeWithoutService(summary, notes);
    expectTwin(live.results);
  });

  test('a launcher that is killed takes its daemons along, and --clean removes the rest', {
    timeout: 240_000,
  }, async () => {
    const live = startLive(engine.address, 'live-web', '--set', 'horizon=10m');
    await shown(live, /web answers at/, 150_000);
    live.child.kill('SIGKILL');
    await live.ended;
    const clean = startLive(engine.address, '--clean');
    expect(await clean.ended).toBe(0);
    const left = await leftBehind(engine.address);
    // Daemons may take some seconds to end by themselves; those that --clean met it has killed.
    expect({ ...left, processes: [] }).toEqual(NOTHING);
    expect(clean.output()).toMatch(/Removed what \d+ runs? left behind/);
  });
});

const whyNot = why === '' ? whyNotReadable() : why;

// Beside the others, not in a file of its own: `--clean` removes the image that all runs here share.
describe.skipIf(whyNot !== null)(`live runs without root${whyNot === null ? '' : ` (skipped: ${whyNot})`}`, () => {
  let user: User;
  /** Containers that are no workloads but the provider's own. */
  const relays = async (): Promise<number> => {
    const docker = new Docker(connectionTo(engine.address));
    return (await docker.listContainers({ filters: { label: ['orrery.run', 'orrery.relay'] } })).length;
  };

  beforeAll(async () => {
    user = await otherUser(engine.address);
  });
  afterAll(async () => {
    await user.close();
  });

  test('a page comes through a relay, and Ctrl-C leaves nothing', { timeout: 240_000 }, async () => {
    const live = user.start('live-web', '--set', 'horizon=10m', '--out', join(user.home, 'results'));
    const [, url] = await shown(live, /web answers at (http:\S+)/, 150_000);
    expect(await fetched(url!, 10_000)).toBe('Hello from the compute market from web\n');
    expect(await relays()).toBe(1);
    live.child.kill('SIGINT');
    expect(await live.ended).toBe(0);
    expect(live.output()).toContain('Same block and same state at every height on all nodes');
    expect(await leftBehind(engine.address)).toEqual(NOTHING);
    expect(processesOf(USER_RUNS)).toEqual([]);
    await expect(fetched(url!, 500)).rejects.toThrow(/does not answer/);
  });

  test('what a killed launcher left, --clean removes, relays too', { timeout: 240_000 }, async () => {
    const live = user.start('live-web', '--set', 'horizon=10m', '--out', join(user.home, 'killed'));
    await shown(live, /web answers at/, 150_000);
    live.child.kill('SIGKILL');
    await live.ended;
    const clean = user.start('--clean');
    expect(await clean.ended, clean.output()).toBe(0);
    expect({ ...(await leftBehind(engine.address)), processes: [] }).toEqual(NOTHING);
    expect(await relays()).toBe(0);
  });
});

describe('live runs without containers', () => {
  test('what only the simulated world can do is refused by name', { timeout: 60_000 }, async () => {
    const live = startLive(null, 'regional-outage', '--containers', 'none');
    expect(await live.ended).toBe(2);
    expect(live.output()).toMatch(/only the simulated world/);
  });

  test('Ctrl-C while it starts leaves nothing, and no results', { timeout: 120_000 }, async () => {
    const live = startLive(null, 'live-web', '--containers', 'none');
    await shown(live, /status page: /, 60_000);
    live.child.kill('SIGINT');
    expect(await live.ended).toBe(130);
    expect(live.output()).toContain('interrupted; nothing unfinished was left behind');
    expect(existsSync(live.results)).toBe(false);
    expect(await leftBehind(null)).toEqual({ processes: [] });
  });

  test('a run that is over before everybody has started ends all the same', { timeout: 120_000 }, async () => {
    const words = ['--containers', 'none', '--set', 'horizon=1ms', '--set', 'expect=[]'];
    const live = startLive(null, 'live-web', ...words, '--set', 'tenants.alice.arrivals={at: [0s]}');
    expect(await live.ended).toBe(0);
    // On a fast machine a node has its first block by then.
    expect(live.output()).toMatch(/It was over before any node had a block|Same block and same state/);
    expect(await leftBehind(null)).toEqual({ processes: [] });
  });

  test('four validators, one killed and one cut off: all agree at every height', { timeout: 300_000 }, async () => {
    // Sooner and for shorter than in the file, which leaves it at that for whoever looks on.
    const faults =
      'faults=[{at: 12s, kind: crash, target: validator-1, for: 12s}, {at: 34s, kind: partition, target: validator-2, for: 12s}]';
    const settings = ['horizon=60s', faults, 'expect=["blocks > 20"]'].flatMap(one => ['--set', one]);
    const live = startLive(null, 'live-four-validators', '--containers', 'none', ...settings);
    expect(await live.ended).toBe(0);
    expect(live.output()).toMatch(/crash of validator-1[\s\S]*end of crash of validator-1[\s\S]*partition/);
    expect(live.output()).toContain('Same block and same state at every height on all nodes');
  });
});
