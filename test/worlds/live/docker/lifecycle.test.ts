/** What is told of workloads: start, refusal, room, ends, stop; the same story as in the simulated world. */

import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { testEngine } from '../../../support/docker.ts';
import { Bench, MIB, page, serve, shell, until, workload } from './backend-bench.ts';

// Containers take their time on a machine that has other things to do.
vi.setConfig({ testTimeout: 120_000 });

const engine = await testEngine();
const skip = 'skip' in engine ? engine.skip : null;
const address = 'skip' in engine ? '' : engine.address;
const image = 'skip' in engine ? '' : await engine.image(['CMD ["sleep", "1000"]', 'ENV FROM_IMAGE=yes']);

afterAll(async () => {
  if (!('skip' in engine)) await engine.stop();
});

describe.skipIf(skip !== null)(`workloads in Docker ${skip ?? ''}`, () => {
  let bench: Bench;
  const begin = async (...options: Parameters<Bench['open']>): Promise<Bench> => {
    bench = new Bench(address);
    await bench.open(...options);
    return bench;
  };
  afterEach(async () => void (await bench.end()));

  it('starts what fits, refuses what does not, and stops, also what was never there', async () => {
    await begin();
    for (const id of ['one', 'two', 'three']) bench.containers.start(workload(id, image, {}, { cpu: 400 }));
    bench.containers.start(workload('elsewhere', image, {}, { host: 7 }));
    expect(bench.told).toEqual([]);
    await until('four answers', () => bench.told.length === 4);
    const told = bench.told.map(({ id, event }) => `${id} ${event}`);
    expect(told.toSorted()).toEqual(['elsewhere start-failed', 'one started', 'three start-failed', 'two started']);
    expect(bench.told.find(one => one.id === 'three')!.reason).toMatch(/cpu 400 wanted, 200 free/);
    expect((await bench.containers.list()).toSorted()).toEqual(['one', 'two']);
    expect(await bench.stop('one')).toMatchObject({ event: 'stopped' });
    expect(await bench.stop('never there')).toMatchObject({ event: 'stopped', reason: 'was not running' });
    expect(await bench.containers.list()).toEqual(['two']);
    // The room is free again.
    expect(await bench.run(workload('four', image, {}, { cpu: 600 }))).toMatchObject({ event: 'started' });
  });

  it('tells `started` again of what runs, and takes no more room for it', async () => {
    await begin();
    const spec = workload('w', image, {}, { cpu: 900 });
    await bench.run(spec);
    const before = (await bench.inspect('w')).Id;
    expect(await bench.run(spec)).toMatchObject({ event: 'started', reason: 'already running' });
    expect((await bench.inspect('w')).Id).toBe(before);
    const from = bench.told.length;
    bench.containers.stop('w');
    bench.containers.start(spec);
    await until('both answers', () => bench.told.length === from + 2);
    expect(bench.told.slice(from).map(told => told.event)).toEqual(['start-failed', 'stopped']);
  });

  it('tells an end with its exit code, gives the room back, keeps the log, starts again', async () => {
    await begin();
    const spec = workload('w', image, shell('echo last words; exit 7'), { cpu: 900 });
    const from = bench.told.length;
    bench.containers.start(spec);
    await until('two answers', () => bench.told.length === from + 2);
    expect(bench.told.map(told => told.event)).toEqual(['started', 'exited']);
    expect(bench.told[1]!.reason).toBe('exit code 7');
    expect(await bench.containers.list()).toEqual([]);
    expect(await bench.log('w')).toEqual(['last words']);
    await bench.run(workload('other', image, {}, { cpu: 900 }));
    await bench.stop('other');
    await bench.run(spec);
    expect(await bench.next('w', bench.told.length)).toMatchObject({ event: 'exited', reason: 'exit code 7' });
    await bench.stop('w');
    expect(await bench.log('w')).toBeNull();
  });

  it('tells who is killed for its memory from who ends by itself or is killed by others', async () => {
    await begin();
    const hog = 'x=a; while :; do x=$x$x$x$x; done';
    await bench.run(workload('hog', image, shell(hog), { memory: 16 * MIB }));
    const out = await bench
      .next('hog', 0)
      .then(() => until('its end', () => bench.told.find(one => one.event !== 'started')));
    expect(out).toMatchObject({ id: 'hog', event: 'out-of-memory' });
    expect(out.reason).toMatch(/memory/);
    await bench.run(workload('victim', image));
    const from = bench.told.length;
    await bench.docker.getContainer((await bench.inspect('victim')).Id).kill();
    expect(await bench.next('victim', from)).toMatchObject({ event: 'exited', reason: 'exit code 137' });
  });

  it('tells of a container that somebody removed', async () => {
    await begin();
    await bench.run(workload('w', image));
    const from = bench.told.length;
    await bench.docker.getContainer((await bench.inspect('w')).Id).remove({ force: true });
    expect(await bench.next('w', from)).toMatchObject({ event: 'exited' });
    expect(await bench.containers.list()).toEqual([]);
  });

  it('stops a start that has not come to its end, and tells only that', async () => {
    await begin();
    bench.containers.start(workload('w', image));
    bench.containers.stop('w');
    await until('an answer', () => bench.told.length > 0);
    await bench.run(workload('after', image));
    expect(bench.told.map(({ id, event }) => `${id} ${event}`)).toEqual(['w stopped', 'after started']);
    expect(await bench.containers.list()).toEqual(['after']);
  });

  it('fails a start with the engine’s own reason, and leaves nothing of it behind', async () => {
    await begin();
    const from = bench.told.length;
    const onFile = [{ name: 'm', path: '/bin/busybox', size: MIB, readOnly: false, persistent: false }];
    bench.containers.start(workload('w', image, { mounts: onFile }));
    const told = await bench.next('w', from);
    expect(told).toMatchObject({ event: 'start-failed' });
    expect(told.reason).toMatch(/start w: .*not a directory/i);
    await expect(bench.inspect('w')).rejects.toThrow(/no such container/i);
    bench.containers.start(workload('w', 'not-an-image-here', {}, { host: 1 }));
    expect((await bench.next('w', from + 1)).reason).toMatch(/not-an-image-here:latest is not here/);
    // Room was given back.
    await bench.run(workload('full', image, {}, { cpu: 1_000 }));
  });

  it.each([
    [{ mounts: [{ name: 'm', path: '/proc/x', size: 1, readOnly: false, persistent: false }] }, /mounted at "\/proc/],
    [{ name: 'not a name' }, /label of DNS/],
    [{ env: ['NO VALUE'] }, /NAME=value/],
    [{ ports: [{ port: 0, externalPort: 80, protocol: 'TCP' as const }] }, /from 1 to 65535/],
  ])('refuses %j before anything is done', async (service, reason) => {
    await begin();
    bench.containers.start(workload('w', image, service));
    expect(await bench.next('w', 0)).toMatchObject({ event: 'start-failed', reason: expect.stringMatching(reason) });
  });

  it('runs only images that the operator allows', async () => {
    await begin({ allowedImages: ['allowed/*', image] });
    await bench.run(workload('yes', image));
    bench.containers.start(workload('no', 'allowed/deeper/image'));
    const told = await bench.next('no', 0);
    expect(told).toMatchObject({ event: 'start-failed' });
    expect(told.reason).toMatch(/not among those/);
  });

  it('pulls what is not there, and fails with the registry’s reason after bounded tries', async () => {
    await begin({ pull: 'missing', pullAttempts: 1, pullTimeout_ms: 20_000 });
    bench.containers.start(workload('w', '127.0.0.1:1/nobody/listens:1'));
    const told = await bench.next('w', 0);
    expect(told.event).toBe('start-failed');
    expect(told.reason).toMatch(/pull the image 127\.0\.0\.1:1\/nobody\/listens:1.*refused/);
    // The control: with the same policy, what is there is not pulled.
    await bench.run(workload('here', image));
  });

  it('keeps to command, arguments, environment and mounts of the manifest, and to the image’s where it says nothing', async () => {
    await begin();
    const mounts = [
      { name: 'scratch', path: '/scratch', size: MIB, readOnly: false, persistent: false },
      { name: 'data', path: '/var/data', size: MIB, readOnly: false, persistent: true },
    ];
    const script = 'echo "$0 $1 $FROM_IMAGE $MINE"; touch /var/data/kept; ls /var/data; sleep 100';
    const service = { command: ['sh', '-c', script], args: ['first', 'second'], env: ['MINE=a b=c'], mounts };
    await bench.run(workload('w', image, service));
    const lines = await until('two lines', async () => {
      const log = await bench.log('w');
      return log?.length === 2 && log;
    });
    expect(lines).toEqual(['first second yes a b=c', 'kept']);
    const full = await bench.exec('w', 'dd if=/dev/zero of=/scratch/big bs=1k count=2048 2>&1; ls -l /scratch/big');
    expect(full.out).toMatch(/No space left/);
    // The image's own command.
    await bench.run(workload('own', image));
    expect((await bench.exec('own', 'ps')).out).toMatch(/sleep 1000/);
  });

  it('keeps a persistent mount over an end and a new start, and not beyond the lease', async () => {
    await begin();
    const mounts = [{ name: 'data', path: '/data', size: MIB, readOnly: false, persistent: true }];
    const spec = workload('w', image, shell('ls /data; touch /data/from-before; exit 1', { mounts }));
    await bench.run(spec);
    await until('its end', () => bench.told.some(told => told.event === 'exited'));
    expect(await bench.log('w')).toEqual([]);
    const from = bench.told.length;
    await bench.run(spec);
    await until('its end', () => bench.told.slice(from).some(told => told.event === 'exited'));
    expect(await bench.log('w')).toEqual(['from-before']);
    await bench.stop('w');
    await until('no network, no volume', async () => {
      const { owner, docker } = bench;
      const filters = { label: [`orrery.network=${owner.network}`] };
      const networks = await docker.listNetworks({ filters });
      const { Volumes } = await docker.listVolumes({ filters });
      return networks.length === 0 && (Volumes ?? []).length === 0;
    });
  });

  it('ends who fails the health check of its image', async () => {
    const ill = await (engine as Exclude<typeof engine, { skip: string }>).image([
      'CMD ["sleep", "1000"]',
      'HEALTHCHECK --interval=1s --retries=2 --timeout=2s CMD ["test", "-e", "/tmp/well"]',
    ]);
    await begin();
    const well = shell('touch /tmp/well; sleep 1000');
    await bench.run(workload('well', ill, well));
    await bench.run(workload('ill', ill));
    const told = await until('an end', () => bench.told.find(one => one.event === 'exited'));
    expect(told).toMatchObject({ id: 'ill', reason: 'unhealthy, by its own health check' });
    await until('a verdict of health', async () => (await bench.inspect('well')).State.Health?.Status === 'healthy');
    expect(await bench.containers.list()).toEqual(['well']);
    // So it is when it fell ill while nobody listened.
    await bench.leave();
    await bench.exec('well', 'rm /tmp/well');
    await until('a verdict of illness', async () => (await bench.inspect('well')).State.Health?.Status === 'unhealthy');
    await bench.open();
    await until('its end', () => bench.told.find(one => one.id === 'well' && one.event === 'exited'));
  });

  it('reads a bounded log: both streams, broken UTF-8, long and unended lines', async () => {
    await begin();
    const long = 'yes x | head -n 10000 | while read -r l; do printf x; done; echo';
    const script = `seq 1 500; echo error >&2; printf 'bad \\377 byte\\n'; ${long}; printf unended`;
    await bench.run(workload('w', image, shell(script)));
    const log = await until('the last line', async () => {
      const lines = await bench.log('w', 50);
      return lines?.at(-1) === 'unended' && lines;
    });
    expect(log.length).toBeLessThanOrEqual(50);
    expect(log).toContain('bad \uFFFD byte');
    expect(log).toContain('500');
    expect(log.find(line => line.startsWith('xxxx'))!.length).toBe(8 * 1024);
    expect(await bench.log('w', 0)).toEqual([]);
    expect(await bench.log('never there')).toBeNull();
  });

  it('publishes ports on the port that its users expect, else on another one of the range', async () => {
    await begin({ portFrom: 30_700, portTo: 30_720 });
    const port = { port: 8080, externalPort: 30_705, protocol: 'TCP' as const };
    const first = await bench.run(workload('first', image, serve('I am first', 8080, { ports: [port] })));
    expect(first.addresses).toEqual([{ port: 8080, protocol: 'TCP', host: '127.0.0.1', hostPort: 30_705 }]);
    expect(await page('127.0.0.1', 30_705)).toBe('I am first\n');
    const second = await bench.run(workload('second', image, serve('I am second', 8080, { ports: [port] })));
    const { hostPort } = second.addresses[0]!;
    expect(hostPort).not.toBe(30_705);
    expect(hostPort >= 30_700 && hostPort <= 30_720).toBe(true);
    expect(await page('127.0.0.1', hostPort)).toBe('I am second\n');
    const outside = { ...port, externalPort: 80 };
    const third = await bench.run(workload('third', image, serve('I am third', 8080, { ports: [outside] })));
    expect(third.addresses[0]!.hostPort >= 30_700).toBe(true);
    await bench.stop('first');
    await expect(fetch('http://127.0.0.1:30705/')).rejects.toThrow();
  });
});
