/** What becomes of workloads when the provider's process, or the engine, goes away and comes back. */

import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { ownerLabels } from '../../../../src/worlds/live/docker/labels.ts';
import { noDockerReason, privateEngine, testEngine } from '../../../support/docker.ts';
import { Bench, MIB, page, serve, shell, until, workload } from './backend-bench.ts';

vi.setConfig({ testTimeout: 180_000 });

const engine = await testEngine();
const skip = 'skip' in engine ? engine.skip : null;
const address = 'skip' in engine ? '' : engine.address;
const image = 'skip' in engine ? '' : await engine.image(['CMD ["sleep", "1000"]']);

afterAll(async () => {
  if (!('skip' in engine)) await engine.stop();
});

describe.skipIf(skip !== null)(`a provider in Docker that restarts ${skip ?? ''}`, () => {
  const benches: Bench[] = [];
  const bench = (owner: Partial<Bench['owner']> = {}): Bench => {
    const made = new Bench(address, owner);
    benches.push(made);
    return made;
  };
  afterEach(async () => {
    for (const one of benches.splice(0)) await one.end();
  });

  it('adopts its own: they are listed, reached on the same ports, hold their room; what ended is not', async () => {
    const one = bench();
    await one.open();
    const ports = [{ port: 8080, externalPort: 30_333, protocol: 'TCP' as const }];
    const spec = workload('kept', image, serve('I am kept', 8080, { ports }), { cpu: 700 });
    const { addresses } = await one.run(spec);
    await one.run(workload('ends meanwhile', image, shell('sleep 1000'), { cpu: 100 }));
    const container = (await one.inspect('kept')).Id;
    await one.leave();
    await expect(fetch(`http://127.0.0.1:${addresses[0]!.hostPort}/`)).rejects.toThrow();
    await one.docker.getContainer((await one.inspect('ends meanwhile')).Id).kill();
    one.told.length = 0;
    await one.open();
    expect(await one.containers.list()).toEqual(['kept']);
    expect(await page('127.0.0.1', addresses[0]!.hostPort)).toBe('I am kept\n');
    expect(await one.run(spec)).toMatchObject({ event: 'started', reason: 'already running', addresses });
    expect((await one.inspect('kept')).Id).toBe(container);
    one.containers.start(workload('no room', image, {}, { cpu: 400 }));
    expect(await one.next('no room', 0)).toMatchObject({ event: 'start-failed' });
    // Nobody told of an end that nobody saw; the log is there all the same.
    expect(one.told.map(told => told.id)).not.toContain('ends meanwhile');
    expect(await one.log('ends meanwhile')).toEqual([]);
    expect(await one.stop('kept')).toMatchObject({ event: 'stopped', reason: 'stopped' });
  });

  it('gives an adopted workload another port when somebody has taken its own', async () => {
    const one = bench();
    await one.open({ portFrom: 30_400, portTo: 30_410 });
    const ports = [{ port: 8080, externalPort: 30_404, protocol: 'TCP' as const }];
    const spec = workload('w', image, serve('I am here', 8080, { ports }));
    expect((await one.run(spec)).addresses[0]!.hostPort).toBe(30_404);
    await one.leave();
    const thief = createServer();
    await new Promise<void>(resolve => void thief.listen(30_404, '127.0.0.1', resolve));
    try {
      await one.open({ portFrom: 30_400, portTo: 30_410 });
      const { hostPort } = (await one.run(spec)).addresses[0]!;
      expect(hostPort).not.toBe(30_404);
      expect(await page('127.0.0.1', hostPort)).toBe('I am here\n');
    } finally {
      thief.close();
    }
  });

  it('leaves alone what is another provider’s, another network’s, or of another run', async () => {
    const one = bench();
    const others = [
      bench({ network: one.owner.network, provider: 'provider-1' }),
      bench({ provider: one.owner.provider }),
      bench({ network: one.owner.network, run: 'run-7' }),
    ];
    await one.open();
    await one.run(workload('w', image));
    for (const other of others) {
      await other.open();
      expect(await other.containers.list()).toEqual([]);
      await other.run(workload('w', image));
    }
    await one.stop('w');
    expect(await one.containers.list()).toEqual([]);
    for (const other of others) expect(await other.containers.list()).toEqual(['w']);
  });

  it('removes orphans: what never started, what no workload claims, what is kept apart in another way', async () => {
    const one = bench();
    await one.open({ isolation: 'weak' });
    await one.run(workload('weak', image));
    await one.leave();
    const labels = ownerLabels(one.owner);
    const apart = { NetworkMode: 'none' };
    const half = await one.docker.createContainer({
      Image: image,
      Labels: {
        ...labels,
        'orrery.workload': 'half',
        'orrery.demands': '{"host":0,"cpu":1,"memory":1,"disk":1,"gpu":0}',
      },
    });
    const unnamed = await one.docker.createContainer({ Image: image, Labels: labels, HostConfig: apart });
    await unnamed.start();
    const foreign = await one.docker.createContainer({ Image: image, HostConfig: apart });
    try {
      await one.open();
      expect(await one.containers.list()).toEqual([]);
      await until('their removal', async () => {
        const filters = { label: [`orrery.network=${one.owner.network}`] };
        return (await one.docker.listContainers({ all: true, filters })).length === 0;
      });
      for (const orphan of [half, unnamed]) await expect(orphan.inspect()).rejects.toThrow(/no such container/i);
      expect((await foreign.inspect()).Id).toBe(foreign.id);
      expect(one.problems.join('\n')).toMatch(/was never started/);
      expect(one.problems.join('\n')).toMatch(/is kept apart otherwise than by firewall\/deny/);
    } finally {
      await foreign.remove();
    }
  });

  it('forgets an ended workload, its network and its volumes, when nobody comes back to it', async () => {
    const one = bench();
    await one.open({ keepEnded_ms: 1_000 });
    const mounts = [{ name: 'm', path: '/m', size: MIB, readOnly: false, persistent: true }];
    await one.run(workload('gone', image, shell('exit 0', { mounts })));
    await one.run(workload('stays', image, { network: 'lease-2/0' }));
    const filters = { label: [`orrery.network=${one.owner.network}`] };
    await until('what is left', async () => {
      const containers = await one.docker.listContainers({ all: true, filters });
      const networks = await one.docker.listNetworks({ filters });
      const { Volumes } = await one.docker.listVolumes({ filters });
      return containers.length === 1 && networks.length === 1 && (Volumes ?? []).length === 0;
    });
    expect(await one.containers.list()).toEqual(['stays']);
    expect(await one.log('gone')).toBeNull();
  });
});

describe.skipIf(noDockerReason() !== null)(`an engine that goes away ${noDockerReason() ?? ''}`, () => {
  it('is a host that is down; back, it is a host that is up', async () => {
    const own = await privateEngine(true);
    const one = new Bench(own.address);
    try {
      const inside = await own.image(['CMD ["sleep", "1000"]']);
      const spec = workload('w', inside);
      await one.open({ isolation: 'isolated', ping_ms: 100, misses: 10 });
      await one.run(spec);
      await one.run(workload('also', inside, {}, { host: 1 }));
      await own.halt();
      await until('both hosts down', () => one.hosts.length === 2);
      expect(one.hosts).toEqual([0, 1].map(host => ({ host, up: false })));
      // The engine ends its containers when it ends well, and may still say so.
      await until(
        'two ends',
        () => new Set(one.told.filter(told => told.event !== 'started').map(told => told.id)).size === 2,
      );
      expect(await one.containers.list()).toEqual([]);
      let from = one.told.length;
      one.containers.start(spec);
      expect(await one.next('w', from)).toMatchObject({ event: 'start-failed', reason: 'host 0 is down' });
      expect(await one.stop('also')).toMatchObject({ event: 'stopped' });
      await own.resume();
      await until('both hosts up', () => one.hosts.length === 4);
      expect(one.hosts.slice(2)).toEqual([0, 1].map(host => ({ host, up: true })));
      from = one.told.length;
      await one.run(spec);
      expect(await one.containers.list()).toEqual(['w']);
      // Events flow again.
      await one.docker.getContainer((await one.inspect('w')).Id).kill();
      await until('its end', () => one.told.slice(from).some(told => told.event === 'exited'));
      await one.run(spec);
      // What was stopped while nobody could is gone by now.
      await until('its removal', async () => {
        const there = await one.docker.listContainers({ all: true });
        return !there.some(info => info.Labels['orrery.workload'] === 'also');
      });
      await one.end();
    } finally {
      await one.leave();
      await own.stop();
    }
  });

  it('is not even missed when its containers outlast a short absence', async () => {
    const own = await privateEngine(true, ['--live-restore']);
    const one = new Bench(own.address);
    try {
      const inside = await own.image(['CMD ["sleep", "1000"]']);
      await one.open({ isolation: 'isolated', ping_ms: 500, misses: 60 });
      await one.run(workload('w', inside));
      await own.halt();
      await pause(1_000);
      await own.resume();
      await until('an answer', async () => (await one.containers.list()).length === 1);
      expect(one.hosts).toEqual([]);
      expect(one.told.map(told => told.event)).toEqual(['started']);
      // Events flow again, also of what was there before.
      await one.docker.getContainer((await one.inspect('w')).Id).kill();
      await until('its end', () => one.told.some(told => told.event === 'exited'));
      await one.end();
    } finally {
      await one.leave();
      await own.stop();
    }
  });

  it('brings back, as lost, what survived a long absence: whoever starts it again finds it running', async () => {
    const own = await privateEngine(true, ['--live-restore']);
    const one = new Bench(own.address);
    try {
      const inside = await own.image(['CMD ["sleep", "1000"]']);
      const spec = workload('w', inside);
      await one.open({ isolation: 'isolated', ping_ms: 100, misses: 3, keepEnded_ms: 4_000 });
      await one.run(spec);
      await one.run(workload('left', inside));
      const container = (await one.inspect('w')).Id;
      await own.halt();
      await until('two losses', () => one.told.filter(told => told.event === 'lost').length === 2);
      await own.resume();
      await until('the hosts', () => one.hosts.some(host => host.up));
      expect(await one.run(spec)).toMatchObject({ reason: 'already running' });
      expect((await one.inspect('w')).Id).toBe(container);
      // Nobody wants the other one: it goes, without a word.
      await until('its removal', async () => (await one.docker.listContainers({ all: true })).length === 1);
      expect(one.told.at(-1)).toMatchObject({ id: 'w', event: 'started' });
      await one.end();
    } finally {
      await one.leave();
      await own.stop();
    }
  });
});
