/** The parts of the Docker backend that need no engine: names, options, rules, lines, addresses. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Book } from '../../../../src/worlds/live/docker/book.ts';
import { containerOptions, specObjection } from '../../../../src/worlds/live/docker/container-config.ts';
import { judge } from '../../../../src/worlds/live/docker/disk-watch.ts';
import { connectionTo, type EngineFacts, findEngine } from '../../../../src/worlds/live/docker/engine.ts';
import { firewallRules, markedRules } from '../../../../src/worlds/live/docker/firewall.ts';
import { fullImageName, globPattern } from '../../../../src/worlds/live/docker/images.ts';
import { engineObjections } from '../../../../src/worlds/live/docker/isolation.ts';
import * as labels from '../../../../src/worlds/live/docker/labels.ts';
import { LogLines, MAX_LOG_BYTES } from '../../../../src/worlds/live/docker/log-reader.ts';
import { bridgeOptions } from '../../../../src/worlds/live/docker/networks.ts';
import { type DockerOptions, GRANTABLE_CAPABILITIES, settle } from '../../../../src/worlds/live/docker/options.ts';
import { isOfTheInternet, isWithin, subnets } from '../../../../src/worlds/live/docker/subnets.ts';
import { pause, Slots, Turns } from '../../../../src/worlds/live/docker/turns.ts';
import { eventOf } from '../../../../src/worlds/live/docker/watch.ts';
import { MIB, workload } from './backend-bench.ts';

const owner = { network: 'orrery-1', provider: 'provider-0', run: null };
const host = { cpu: 1_000, memory: 1_000, disk: 1_000, gpu: 2_000 };
const options: DockerOptions = { owner, hosts: [host] };
const around = {
  settings: settle(options),
  network: 'the-network',
  enginePublishes: false,
  ports: [],
  storageQuota: false,
  volumeQuota: false,
  cgroupVersion: '2',
  imageVolumes: [],
};

describe('names and labels', () => {
  it('fit their places, whatever the market calls things', () => {
    const long = 'x'.repeat(200);
    const big = { network: long, provider: long, run: long };
    for (const name of [
      labels.containerName(big, long),
      labels.networkName(big, long),
      labels.volumeName(big, long, long),
    ]) {
      expect(name).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,62}$/);
    }
    expect(labels.bridgeName(big, long)).toMatch(/^[a-z0-9]{1,15}$/);
    expect(labels.bridgeName(big, long).startsWith(labels.bridgePrefix(big))).toBe(true);
    expect(labels.ruleComment(big).length).toBeLessThan(256);
  });

  it('tell owners and workloads apart, however the parts are cut', () => {
    const owners = [
      owner,
      { ...owner, run: 'r' },
      { ...owner, network: 'orrery-2' },
      { ...owner, network: 'orrery-1p' },
    ];
    expect(new Set(owners.map(one => labels.containerName(one, 'w'))).size).toBe(4);
    expect(labels.volumeName(owner, 'a', 'bc')).not.toBe(labels.volumeName(owner, 'ab', 'c'));
    expect(labels.isOwn(labels.ownerLabels(owner), { ...owner, run: 'r' })).toBe(false);
    expect(labels.isOwn(labels.ownerLabels({ ...owner, run: 'r' }), owner)).toBe(false);
    expect(labels.isOwn(labels.ownerLabels(owner), owner)).toBe(true);
  });

  it('bring a claim back, and none from what somebody else wrote', () => {
    const spec = workload('a/0/1', 'image', { network: 'a/0' });
    const ports = [{ port: 80, externalPort: 8080, protocol: 'UDP' as const, hostPort: 30_000 }];
    const written = labels.workloadLabels(owner, spec, ports);
    const { host, cpu, memory, disk, gpu } = spec;
    expect(labels.claimOf(written)).toEqual({ id: 'a/0/1', host, cpu, memory, disk, gpu, network: 'a/0' });
    expect(labels.portsOf(written)).toEqual(ports);
    expect(labels.claimOf(labels.workloadLabels(owner, workload('w', 'i', null), []))).toMatchObject({ network: null });
    for (const demands of [
      undefined,
      '',
      '{',
      'null',
      '7',
      '{"host":0,"cpu":-1,"memory":0,"disk":0,"gpu":0}',
      '{"host":"0"}',
    ]) {
      expect(labels.claimOf({ ...written, 'orrery.demands': demands! })).toBeNull();
    }
    for (const text of [undefined, '', '{}', '[7]', '[{"port":80}]']) {
      expect(labels.portsOf({ ...written, 'orrery.ports': text! })).toEqual([]);
    }
  });
});

describe('what the engine is asked for', () => {
  it('is never privileged, always limited', () => {
    const asked = containerOptions(
      workload('w', 'image', { args: ['x'] }, { cpu: 250, memory: 64 * MIB, gpu: 1_000 }),
      around,
    );
    expect(asked.HostConfig).toMatchObject({
      Privileged: false,
      CapDrop: ['ALL'],
      CapAdd: [],
      SecurityOpt: ['no-new-privileges'],
      IpcMode: 'private',
      CgroupnsMode: 'private',
      Init: true,
      NanoCpus: 250_000_000,
      Memory: 64 * MIB,
      MemorySwap: 64 * MIB,
      PidsLimit: 512,
      RestartPolicy: { Name: 'no' },
      NetworkMode: 'the-network',
      Dns: ['127.0.0.1'],
      DeviceRequests: [{ Driver: 'nvidia', Count: 1, Capabilities: [['gpu']] }],
      LogConfig: { Type: 'json-file', Config: { 'max-size': String(10 * MIB), 'max-file': '2' } },
    });
    expect(asked.HostConfig).not.toHaveProperty('StorageOpt');
    expect(asked.HostConfig).not.toHaveProperty('Binds');
    expect(asked).not.toHaveProperty('Entrypoint');
    expect(asked.Cmd).toEqual(['x']);
    expect(asked.NetworkingConfig).toEqual({ EndpointsConfig: { 'the-network': { Aliases: ['web'] } } });
  });

  it('has quotas where there are any, and no mount but tmpfs and volumes of its own', () => {
    const mounts = [
      { name: 'a', path: '/a', size: 5, readOnly: true, persistent: true },
      { name: 'b', path: '/b', size: 6, readOnly: false, persistent: false },
    ];
    const spec = workload('w', 'image', { mounts }, { disk: 9 * MIB });
    const quota = { ...around, storageQuota: true, volumeQuota: true, imageVolumes: ['/a', '/c'] };
    const { HostConfig } = containerOptions(spec, quota);
    expect(HostConfig!.StorageOpt).toEqual({ size: String(9 * MIB) });
    expect(HostConfig!.Mounts).toMatchObject([
      { Target: '/a', Type: 'volume', ReadOnly: true, Source: labels.volumeName(owner, 'w', 'a') },
      { Target: '/b', Type: 'tmpfs', TmpfsOptions: { SizeBytes: 6 } },
      {
        Target: '/c',
        Type: 'volume',
        Source: '',
        VolumeOptions: { DriverConfig: { Options: { size: String(9 * MIB) } } },
      },
    ]);
  });

  it('cuts off from all whose manifest is not known', () => {
    const asked = containerOptions(workload('w', 'image', null), { ...around, network: null });
    expect(asked.HostConfig!.NetworkMode).toBe('none');
    expect(asked).not.toHaveProperty('NetworkingConfig');
  });

  it.each(['/', '/proc', '/proc/sys', '/sys/fs', '/dev/shm', 'relative', '/a/../proc', '/a:rw'])(
    'mounts nothing at %s',
    path => {
      const mounts = [{ name: 'm', path, size: 1, readOnly: false, persistent: true }];
      expect(specObjection(workload('w', 'i', { mounts }))).toMatch(/nothing can be mounted/);
      expect(specObjection(workload('w', 'i', { mounts: [{ ...mounts[0]!, path: '/proceeds/dev' }] }))).toBeNull();
    },
  );

  it('hands out whole GPUs only', () => {
    expect(specObjection(workload('w', 'i', {}, { gpu: 500 }))).toMatch(/found 500 milli-GPU/);
    expect(specObjection(workload('w', 'i', {}, { gpu: 2_000 }))).toBeNull();
  });
});

describe('options', () => {
  it.each([
    [{ owner: { ...owner, network: '' } }, /owner\.network/],
    [{ hosts: [{ ...host, cpu: 0.5 }] }, /cpu of host 0/],
    [{ capabilities: ['SYS_ADMIN'] }, /capabilities must be one of/],
    [{ portFrom: 2, portTo: 1 }, /portTo/],
    [{ egress: 'allow' as const }, /dns must name a server/],
    [{ egress: 'allow' as const, dns: ['192.168.1.1'] }, /addresses of the internet, found 192\.168\.1\.1/],
    [{ isolation: 'none' as never }, /isolation must be one of/],
  ])('%j is refused', (wrong, reason) => {
    expect(() => settle({ ...options, ...wrong })).toThrow(reason);
  });

  it('grant nothing that reaches beyond the container', () => {
    for (const name of [
      'NET_ADMIN',
      'NET_RAW',
      'SYS_ADMIN',
      'SYS_PTRACE',
      'SYS_MODULE',
      'MKNOD',
      'DAC_READ_SEARCH',
      'BPF',
    ]) {
      expect(GRANTABLE_CAPABILITIES).not.toContain(name);
    }
  });
});

describe('images', () => {
  it.each([
    ['library/*', 'library/nginx:1.27', true],
    ['library/*', 'library/deep/nginx', false],
    ['library/**', 'library/deep/nginx', true],
    ['*', 'nginx', true],
    ['*', 'evil/nginx', false],
    ['nginx:1.2?', 'nginx:1.27', true],
    ['nginx:1.2?', 'nginx:1.2/', false],
    ['a.b', 'axb', false],
    ['good', 'goodness', false],
  ])('%s over %s', (glob, name, matches) => {
    expect(globPattern(glob).test(name)).toBe(matches);
  });

  it.each([
    ['nginx', 'nginx:latest'],
    ['host:5000/a/b', 'host:5000/a/b:latest'],
    ['host:5000/a/b:1', 'host:5000/a/b:1'],
    ['a@sha256:00', 'a@sha256:00'],
  ])('%s is %s', (name, full) => expect(fullImageName(name)).toBe(full));
});

describe('the firewall', () => {
  it('finds its rules again by any part of their owner, and nobody else’s', () => {
    const line = (of: typeof owner | { network: string; provider: string; run: string }): string =>
      `-A INPUT -i or+ -m comment --comment "${labels.ruleComment(of)}" -j DROP`;
    const other = { ...owner, provider: 'provider-1' };
    const listing = [
      '-P INPUT ACCEPT',
      line(owner),
      line(other),
      '-A INPUT -j ACCEPT',
      line({ ...owner, run: 'r' }),
    ].join('\n');
    expect(markedRules(listing, labels.ruleMarks({ network: owner.network }))).toHaveLength(3);
    expect(markedRules(listing, labels.ruleMarks({ run: 'r' }))).toHaveLength(1);
    expect(markedRules(listing, labels.ruleMarks({ network: 'x' }))).toEqual([]);
    expect(markedRules(listing, labels.ruleMarks(other))).toEqual([
      ['-D', 'INPUT', '-i', 'or+', '-m', 'comment', '--comment', labels.ruleComment(other), '-j', 'DROP'],
    ]);
  });

  it('drops what comes to the host in any case, and of the rest what the operator did not allow', () => {
    for (const egress of ['deny', 'allow'] as const) {
      const input = firewallRules('or', egress).filter(rule => rule.chain === 'INPUT');
      expect(input.map(rule => rule.program)).toEqual(['iptables', 'ip6tables']);
    }
    const whole = firewallRules('or', 'deny').filter(rule => rule.chain === 'FORWARD' && !rule.match.includes('-d'));
    expect(whole.filter(rule => rule.program === 'iptables')).toHaveLength(2);
    expect(firewallRules('or', 'allow').some(rule => rule.match.includes('169.254.0.0/16'))).toBe(true);
  });
});

describe('addresses', () => {
  it('are of the internet or not', () => {
    for (const address of [
      '10.1.2.3',
      '172.31.0.1',
      '192.168.0.1',
      '169.254.169.254',
      '127.0.0.1',
      '100.64.0.1',
      '::1',
      '239.0.0.1',
    ]) {
      expect(isOfTheInternet(address), address).toBe(false);
    }
    for (const address of ['9.9.9.9', '172.32.0.1', '100.128.0.1'])
      expect(isOfTheInternet(address), address).toBe(true);
  });

  it('come in pieces that do not overlap, all of the pool, from anywhere round', () => {
    const found = [...subnets('10.223.0.0/16', 26, 0xffff_fff0, 2_000)];
    expect(new Set(found).size).toBe(1_024);
    for (const piece of found) expect(isWithin(piece.split('/')[0]!, '10.223.0.0/16')).toBe(true);
    expect([...subnets('10.0.0.0/30', 31, 1, 9)]).toEqual(['10.0.0.2/31', '10.0.0.0/31']);
    expect(() => [...subnets('10.0.0.0/24', 16, 0, 1)]).toThrow(/as large/);
    expect(() => [...subnets('10.0.0/24', 26, 0, 1)]).toThrow(/range of addresses/);
  });

  it('lead to an engine', () => {
    expect(findEngine(null, { DOCKER_HOST: 'tcp://there:1' })).toBe('tcp://there:1');
    expect(findEngine('unix:///x', { DOCKER_HOST: 'tcp://there:1' })).toBe('unix:///x');
    expect(findEngine(null, {})).toMatch(/^unix:\/\/.*docker\.sock$/);
    expect(connectionTo('unix:///x', {})).toMatchObject({ socketPath: '/x', host: undefined });
    expect(connectionTo('tcp://there:2375', {})).toMatchObject({ protocol: 'http', host: 'there', port: '2375' });
    expect(connectionTo('there:2376', {})).toMatchObject({ protocol: 'https', host: 'there' });
    expect(connectionTo('ssh://me@there', {})).toMatchObject({ protocol: 'ssh', username: 'me', port: 22 });
    expect(() => connectionTo('npipe:////./pipe/x', {})).toThrow(/must be unix/);
  });
});

describe('isolation', () => {
  const facts: EngineFacts = {
    version: '28.0.0',
    api: 1048,
    platform: 'linux/amd64',
    storageDriver: 'overlay2',
    backingFilesystem: 'extfs',
    securityOptions: ['name=seccomp,profile=builtin', 'name=cgroupns'],
    limits: { memory: true, swap: true, cpu: true, pids: true },
    cgroupVersion: '2',
  };

  it('wants limits and filtered system calls', () => {
    expect(engineObjections(facts)).toEqual([]);
    expect(engineObjections({ ...facts, limits: { ...facts.limits, pids: false } })).toEqual([
      expect.stringMatching(/pids/),
    ]);
    for (const securityOptions of [[], ['name=seccomp,profile=unconfined']]) {
      expect(engineObjections({ ...facts, securityOptions })).toEqual([expect.stringMatching(/seccomp/)]);
    }
  });

  it('leaves a bridge without address, as each engine calls that', () => {
    const gateway = 'com.docker.network.bridge.gateway_mode_ipv4';
    const inhibit = 'com.docker.network.bridge.inhibit_ipv4';
    expect(bridgeOptions('isolated', 'deny', 'b', 1048)).toMatchObject({ [gateway]: 'isolated' });
    expect(bridgeOptions('isolated', 'deny', 'b', 1041)).toMatchObject({ [inhibit]: 'true' });
    expect(bridgeOptions('firewall', 'deny', 'b', 1048)).not.toHaveProperty(gateway);
  });
});

describe('a log', () => {
  const frame = (stream: number, bytes: Buffer): Buffer => {
    const header = Buffer.alloc(8);
    header[0] = stream;
    header.writeUInt32BE(bytes.length, 4);
    return Buffer.concat([header, bytes]);
  };

  it('comes out the same, however it is cut', () => {
    const piece = fc.tuple(fc.constantFrom(1, 2), fc.string({ unit: fc.constantFrom('a', 'é', '\n', '€', 'zz') }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.array(fc.nat({ max: 40 })), (pieces, cuts) => {
        const whole = Buffer.concat(pieces.map(([stream, text]) => frame(stream, Buffer.from(text))));
        const at = new LogLines(1_000);
        at.push(whole);
        const cut = new LogLines(1_000);
        let from = 0;
        for (const length of cuts) cut.push(whole.subarray(from, (from += length)));
        cut.push(whole.subarray(from));
        const lines = at.end();
        expect(cut.end()).toEqual(lines);
        const text = (stream: number): string => pieces.map(([of, part]) => (of === stream ? part : '')).join('');
        const expected = [1, 2].flatMap(stream => {
          const parts = text(stream).split('\n');
          return parts.at(-1) === '' ? parts.slice(0, -1) : parts;
        });
        expect(lines.toSorted()).toEqual(expected.toSorted());
      }),
    );
  });

  it('keeps the newest lines that fit', () => {
    const lines = new LogLines(3);
    lines.push(frame(1, Buffer.from('1\n2\r\n3\n4\n5')));
    expect(lines.end()).toEqual(['3', '4', '5']);
    const big = new LogLines(1_000);
    for (let i = 0; i < 100; i += 1) big.push(frame(1, Buffer.from(`${i} ${'x'.repeat(5_000)}\n`)));
    const kept = big.end();
    expect(kept.at(-1)).toMatch(/^99 /);
    expect(Buffer.byteLength(kept.join('\n'))).toBeLessThanOrEqual(MAX_LOG_BYTES);
    expect(kept.length).toBe(Math.floor(MAX_LOG_BYTES / 5_004));
  });
});

describe('the book', () => {
  it('gives and takes room exactly once, whatever happens', () => {
    const ids = ['a', 'b', 'c'];
    const step = fc.tuple(fc.constantFrom(...ids), fc.constantFrom('enter', 'end', 'remove'));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const book = new Book([host]);
        const claim = (id: string) => ({ id, host: 0, cpu: 300, memory: 1, disk: 1, gpu: 0, network: null });
        for (const [id, what] of steps) {
          const entry = book.get(id);
          if (what === 'enter' && (entry === undefined || entry.state === 'ended'))
            book.enter(claim(id), 'running', [], null);
          if (what === 'end' && entry?.state === 'running') book.end(entry);
          if (what === 'remove' && entry !== undefined) book.remove(entry);
        }
        const used = book.all().filter(entry => entry.state === 'running').length * 300;
        expect(book.refusal(workload('x', 'i', {}, { cpu: 1_000 - used, memory: 1, disk: 1 }))).toBeNull();
        expect(book.refusal(workload('x', 'i', {}, { cpu: 1_001 - used, memory: 1, disk: 1 }))).toMatch(/no room: cpu/);
      }),
    );
  });
});

describe('disks', () => {
  it('of a container are its layer and its image’s volumes; a mount has its own size', () => {
    const mine = labels.workloadLabels(owner, workload('w', 'i', {}, { disk: 100 }), []);
    const of = (size: number, limit?: string) => ({
      Labels: { 'orrery.workload': 'w', ...(limit === undefined ? {} : { 'orrery.size': limit }) },
      UsageData: { Size: size },
    });
    expect([...judge([{ Labels: mine, SizeRw: 60 }], [of(40), of(7, '7'), of(-1)])]).toEqual([]);
    expect(judge([{ Labels: mine, SizeRw: 60 }], [of(41)]).get('w')).toBe('used 101 bytes of disk, leased 100');
    expect(judge([{ Labels: mine, SizeRw: 60 }], [of(8, '7')]).get('w')).toBe('a volume of 7 bytes holds 8');
  });
});

describe('turns and slots', () => {
  it('run one after the other for a key, side by side for others, and go on after a failure', async () => {
    const turns = new Turns();
    const seen: string[] = [];
    const work =
      (name: string, ms: number, fails = false) =>
      async () => {
        seen.push(`${name} begins`);
        await pause(ms);
        seen.push(`${name} ends`);
        if (fails) throw new Error(name);
      };
    const first = turns.run('a', work('a1', 30, true));
    void turns.run('a', work('a2', 1));
    void turns.run('b', work('b1', 1));
    await expect(first).rejects.toThrow('a1');
    await turns.idle();
    expect(seen.filter(one => one.startsWith('a'))).toEqual(['a1 begins', 'a1 ends', 'a2 begins', 'a2 ends']);
    expect(seen.indexOf('b1 ends')).toBeLessThan(seen.indexOf('a1 ends'));
    expect(turns.isBusy('a')).toBe(false);
  });

  it('let so many in at a time, also after failures', async () => {
    const slots = new Slots(2);
    let inside = 0;
    let most = 0;
    const all = Array.from({ length: 9 }, (_, i) =>
      slots.run(async () => {
        most = Math.max(most, (inside += 1));
        await pause(3);
        inside -= 1;
        if (i % 2 === 0) throw new Error('odd');
      }),
    );
    const ends = await Promise.allSettled(all);
    expect(most).toBe(2);
    expect(ends.filter(one => one.status === 'fulfilled')).toHaveLength(4);
  });
});

describe('an event', () => {
  it('is of a container, or nothing', () => {
    const line = '{"Type":"container","Action":"die","Actor":{"ID":"c","Attributes":{"orrery.workload":"w"}}}';
    expect(eventOf(line)).toEqual({ container: 'c', action: 'die', labels: { 'orrery.workload': 'w' } });
    expect(eventOf('{"Type":"image","Action":"pull","Actor":{"ID":"c"}}')).toBeNull();
    expect(eventOf('')).toBeNull();
    expect(() => eventOf('{')).toThrow();
  });
});
