/** That limits hold: processor, processes, disk. (Memory: lifecycle.test.ts.) Each beside one whom the limit spares. */

import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { containerName } from '../../../../src/worlds/live/docker/labels.ts';
import { testEngine } from '../../../support/docker.ts';
import { Bench, MIB, shell, until, workload } from './backend-bench.ts';

vi.setConfig({ testTimeout: 120_000 });

const engine = await testEngine();
const skip = 'skip' in engine ? engine.skip : null;
const address = 'skip' in engine ? '' : engine.address;
const image = 'skip' in engine ? '' : await engine.image(['CMD ["sleep", "1000"]']);

afterAll(async () => {
  if (!('skip' in engine)) await engine.stop();
});

interface Usage {
  readonly cpu_stats: {
    readonly cpu_usage: { readonly total_usage: number };
    readonly throttling_data: { readonly throttled_periods: number };
  };
  readonly pids_stats: { readonly current?: number };
}

describe.skipIf(skip !== null)(`limits in Docker ${skip ?? ''}`, () => {
  let bench: Bench;
  const begin = async (options: Parameters<Bench['open']>[0] = {}): Promise<void> => {
    bench = new Bench(address);
    await bench.open(options);
  };
  const usage = async (id: string): Promise<Usage> =>
    (await bench.docker.getContainer(containerName(bench.owner, id)).stats({ stream: false })) as unknown as Usage;
  afterEach(async () => void (await bench.end()));

  it('gives a container the processor time that it leased', async () => {
    await begin();
    const busy = shell('while :; do :; done');
    await bench.run(workload('tenth', image, busy, { cpu: 100 }));
    await bench.run(workload('whole', image, busy, { cpu: 1_000, host: 1 }));
    const read = async (): Promise<readonly Usage['cpu_stats'][]> =>
      (await Promise.all([usage('tenth'), usage('whole')])).map(one => one.cpu_stats);
    const before = await read();
    const from = process.hrtime.bigint();
    await pause(4_000);
    const after = await read();
    const wall = Number(process.hrtime.bigint() - from);
    const [tenth, whole] = after.map((stats, i) => ({
      share: (stats.cpu_usage.total_usage - before[i]!.cpu_usage.total_usage) / wall,
      throttled: stats.throttling_data.throttled_periods - before[i]!.throttling_data.throttled_periods,
    })) as [{ share: number; throttled: number }, { share: number; throttled: number }];
    expect(tenth.share).toBeLessThan(0.15);
    // The control, also on a machine that others use: only the one with the small share is held back.
    expect(tenth.throttled).toBeGreaterThan(0);
    expect(whole.throttled).toBeLessThan(tenth.throttled);
    expect(whole.share).toBeGreaterThan(0);
    expect((await bench.inspect('tenth')).HostConfig.NanoCpus).toBe(100_000_000);
  });

  it('stops a bomb of processes at its limit', async () => {
    const bomb = shell('(for i in $(seq 1 120); do sleep 1000 & done); exec sleep 1000');
    await begin({ pids: 40 });
    await bench.run(workload('bomb', image, bomb));
    await until('many processes', async () => ((await usage('bomb')).pids_stats.current ?? 0) > 30);
    await pause(500);
    expect((await usage('bomb')).pids_stats.current).toBeLessThanOrEqual(40);
    expect((await bench.log('bomb'))!.join()).toMatch(/can't fork/);
    await bench.end();
    await begin({ pids: 200 });
    await bench.run(workload('spared', image, bomb));
    await until('all processes', async () => ((await usage('spared')).pids_stats.current ?? 0) > 120);
  });

  it('holds memory and swap together to what was leased, and gives the engine’s least to who asked for less', async () => {
    await begin();
    await bench.run(workload('w', image, {}, { memory: 20 * MIB }));
    await bench.run(workload('tiny', image, {}, { memory: 1_000, cpu: 0 }));
    expect((await bench.inspect('w')).HostConfig).toMatchObject({ Memory: 20 * MIB, MemorySwap: 20 * MIB });
    expect((await bench.inspect('tiny')).HostConfig).toMatchObject({ Memory: 6 * MIB, NanoCpus: 10_000_000 });
  });

  it('ends who uses more disk than leased, on its own file system or on a volume', async () => {
    await begin({ diskCheck_ms: 500 });
    const { containers, volumes } = bench.containers.enforcesDisk;
    // Where the driver itself holds them to it, writing fails; then there is nothing to measure.
    if (containers && volumes) return;
    const data = [{ name: 'data', path: '/data', size: 4 * MIB, readOnly: false, persistent: true }];
    const write = (path: string) => shell(`dd if=/dev/zero of=${path} bs=1M count=12; sleep 1000`, { mounts: data });
    await bench.run(workload('modest', image, write('/tmp/x'), { disk: 16 * MIB }));
    await bench.run(workload('root', image, write('/tmp/x'), { disk: 8 * MIB }));
    await bench.run(workload('volume', image, write('/data/x'), { disk: 64 * MIB }));
    await until('two ends', () => bench.told.filter(told => told.event === 'exited').length === 2);
    const reasons = new Map(bench.told.filter(told => told.event === 'exited').map(told => [told.id, told.reason]));
    expect(reasons.get('root')).toMatch(/used \d+ bytes of disk, leased 8388608/);
    expect(reasons.get('volume')).toMatch(/a volume of 4194304 bytes holds \d+/);
    await pause(1_500);
    expect(await bench.containers.list()).toEqual(['modest']);
  });

  it('refuses, where the operator says so, what it could not hold to its disk', async () => {
    await begin({ disk: 'enforce' });
    const { containers, volumes } = bench.containers.enforcesDisk;
    bench.containers.start(workload('w', image));
    const told = await bench.next('w', 0);
    if (containers && volumes) expect(told.event).toBe('started');
    else expect(told).toMatchObject({ event: 'start-failed', reason: expect.stringMatching(/cannot hold .* disk/) });
  });
});
