/**
 * What a container cannot reach, each beside something that it, or somebody else, can: a test whose listener is dead
 * proves nothing.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { bridgeName, networkName, ruleComment } from '../../../../src/worlds/live/docker/labels.ts';
import { testEngine } from '../../../support/docker.ts';
import { Bench, page, serve, until, workload } from './backend-bench.ts';

// What is shut out is waited for, for seconds each time.
vi.setConfig({ testTimeout: 180_000 });

const engine = await testEngine();
const skip = 'skip' in engine ? engine.skip : null;
const address = 'skip' in engine ? '' : engine.address;
const image = 'skip' in engine ? '' : await engine.image(['CMD ["sleep", "1000"]']);

/** Somebody on the other side of a router, with an address of the internet and one of a private network. */
const OUTSIDE = `orrery-${process.pid}`;
const NEAR = `oo${process.pid}a`;
const FAR = `oo${process.pid}b`;
const INTERNET = '203.0.113';
const PRIVATE = '192.168.203';

function system(program: string, ...args: string[]): string {
  return execFileSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  });
}

function rules(): string {
  return ['iptables', 'ip6tables'].map(program => system(program, '-w', '5', '-t', 'mangle', '-S')).join('\n');
}

afterAll(async () => {
  if (!('skip' in engine)) await engine.stop();
});

describe.skipIf(skip !== null)(`a container in Docker ${skip ?? ''}`, () => {
  const benches: Bench[] = [];
  let host: Server;
  let port: number;
  const begin = async (options: Parameters<Bench['open']>[0] = {}, ...owner: [Partial<Bench['owner']>?]) => {
    const bench = new Bench(address, ...owner);
    benches.push(bench);
    await bench.open(options);
    return bench;
  };
  /** Whether a page can be had from inside of a workload. */
  const reaches = async (bench: Bench, id: string, where: string): Promise<boolean> => {
    const { out } = await bench.exec(id, `timeout 2 wget -q -O - http://${where}/ || echo failed`);
    return out.includes('I am') && !out.includes('failed');
  };
  const addressOf = async (bench: Bench, id: string, network = 'lease-1/0'): Promise<string> =>
    (await bench.inspect(id)).NetworkSettings.Networks[networkName(bench.owner, network)]!.IPAddress;

  beforeAll(async () => {
    host = createServer((_, answer) => void answer.end('I am the host'));
    await new Promise<void>(resolve => void host.listen(0, '0.0.0.0', resolve));
    port = (host.address() as AddressInfo).port;
  });
  afterAll(() => void host.close());
  afterEach(async () => {
    for (const bench of benches.splice(0)) await bench.end();
  });

  it('reaches its neighbours by name, and nobody of another lease', async () => {
    const bench = await begin();
    const other = { network: 'lease-2/0' };
    await bench.run(workload('web', image, serve('I am web', 8080)));
    await bench.run(workload('client', image, { name: 'client' }));
    await bench.run(workload('stranger', image, { ...other, name: 'stranger' }));
    await bench.run(workload('null', image, null));
    const ip = await addressOf(bench, 'web');
    await until('the neighbour', () => reaches(bench, 'client', 'web:8080'));
    expect(await reaches(bench, 'client', `${ip}:8080`)).toBe(true);
    expect(await reaches(bench, 'stranger', 'web:8080')).toBe(false);
    expect(await reaches(bench, 'stranger', `${ip}:8080`)).toBe(false);
    expect(await reaches(bench, 'null', `${ip}:8080`)).toBe(false);
    // The control: one in the stranger's own lease is within its reach, so it has a network.
    await bench.run(workload('friend', image, serve('I am friend', 8080, { ...other, name: 'friend' }), { host: 1 }));
    await until('the friend', () => reaches(bench, 'stranger', 'friend:8080'));
    // Nor is there a second way, that no rule here looks at.
    expect((await bench.exec('client', 'cat /proc/net/if_inet6; echo end')).out.trim()).toMatch(
      /^(?:0{31}1 .*\s+)?end$/,
    );
  });

  it('reaches its neighbours by name where bridges have no address, and not the host', async () => {
    const bench = await begin({ isolation: 'isolated' });
    expect(bench.containers.isolation).toBe('isolated');
    await bench.run(workload('web', image, serve('I am web', 8080)));
    await bench.run(workload('client', image, { name: 'client' }));
    await until('the neighbour', () => reaches(bench, 'client', 'web:8080'));
    const gateway = (await bench.inspect('client')).NetworkSettings.Networks[networkName(bench.owner, 'lease-1/0')]!;
    const own = Object.values(networkInterfaces()).flatMap(list => list!.filter(one => one.family === 'IPv4'));
    for (const at of [gateway.Gateway, ...own.map(one => one.address)].filter(one => one && !one.startsWith('127.'))) {
      expect(await reaches(bench, 'client', `${at}:${port}`), at).toBe(false);
    }
    expect(await page('127.0.0.1', port)).toBe('I am the host');
  });

  it('does not reach the host, on any of its addresses; without the rules it would', async () => {
    const bench = await begin();
    await bench.run(workload('w', image));
    const info = (await bench.inspect('w')).NetworkSettings.Networks[networkName(bench.owner, 'lease-1/0')]!;
    const subnet = await bench.docker.getNetwork(networkName(bench.owner, 'lease-1/0')).inspect();
    const gateway = info.Gateway || subnet.IPAM!.Config![0]!.Gateway!;
    const own = Object.values(networkInterfaces()).flatMap(list => list!.filter(one => one.family === 'IPv4'));
    const addresses = [gateway, ...own.map(one => one.address)].filter(one => !one.startsWith('127.'));
    for (const at of addresses) {
      expect(await page(at, port), at).toBe('I am the host');
      expect(await reaches(bench, 'w', `${at}:${port}`), at).toBe(false);
    }
    // The control: what keeps it out is these very rules.
    for (const line of rules().split('\n')) {
      if (!line.includes(ruleComment(bench.owner)) || !line.includes('-A INPUT')) continue;
      const words = line
        .replace(`"${ruleComment(bench.owner)}"`, 'COMMENT')
        .replace('-A', '-D')
        .split(' ');
      const program = line.includes('conntrack') ? 'iptables' : 'ip6tables';
      system(
        program,
        '-w',
        '5',
        '-t',
        'mangle',
        ...words.map(word => (word === 'COMMENT' ? ruleComment(bench.owner) : word)),
      );
    }
    await until('the host', () => reaches(bench, 'w', `${gateway}:${port}`));
    // Every start sets them again, and so does the upkeep.
    await bench.run(workload('next', image));
    expect(await reaches(bench, 'w', `${gateway}:${port}`)).toBe(false);
  });

  it('reaches the internet only when the operator allows it, and the operator’s own networks never', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-outside-'));
    writeFileSync(join(folder, 'index.html'), 'I am outside');
    system('ip', 'netns', 'add', OUTSIDE);
    const server = (() => {
      system('ip', 'link', 'add', NEAR, 'type', 'veth', 'peer', 'name', FAR, 'netns', OUTSIDE);
      for (const net of [INTERNET, PRIVATE]) {
        system('ip', 'address', 'add', `${net}.1/24`, 'dev', NEAR);
        system('ip', '-n', OUTSIDE, 'address', 'add', `${net}.2/24`, 'dev', FAR);
      }
      system('ip', 'link', 'set', NEAR, 'up');
      system('ip', '-n', OUTSIDE, 'link', 'set', FAR, 'up');
      system('ip', '-n', OUTSIDE, 'route', 'add', 'default', 'via', `${INTERNET}.1`);
      const args = ['netns', 'exec', OUTSIDE, 'busybox', 'httpd', '-f', '-p', '8080', '-h', folder];
      return spawn('ip', args, { stdio: 'ignore', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
    })();
    try {
      expect(await page(`${INTERNET}.2`, 8080)).toBe('I am outside');
      expect(await page(`${PRIVATE}.2`, 8080)).toBe('I am outside');
      const closed = await begin();
      await closed.run(workload('w', image));
      expect(await reaches(closed, 'w', `${INTERNET}.2:8080`)).toBe(false);
      const open = await begin({ egress: 'allow', dns: ['9.9.9.9'] });
      await open.run(workload('w', image, serve('I am w', 8080)));
      await open.run(workload('other', image, { network: 'lease-2/0', name: 'other' }));
      await until('the internet', () => reaches(open, 'w', `${INTERNET}.2:8080`));
      expect(await reaches(open, 'w', `${PRIVATE}.2:8080`)).toBe(false);
      // Who may go out may still not come in elsewhere: the host, another lease.
      expect(await reaches(open, 'w', `${INTERNET}.1:${port}`)).toBe(false);
      const ip = await addressOf(open, 'w');
      expect(await page(ip, 8080)).toBe('I am w\n');
      expect(await reaches(open, 'other', `${ip}:8080`)).toBe(false);
    } finally {
      server.kill();
      system('ip', 'netns', 'delete', OUTSIDE);
      rmSync(folder, { recursive: true });
    }
  });

  it('gets no name resolved that is not a neighbour’s, whatever the host would answer', async () => {
    const asked: string[] = [];
    const server = createSocket('udp4', message => void asked.push(message.toString('latin1')));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.bind(53, '127.0.0.1', resolve);
    });
    try {
      const bench = await begin();
      await bench.run(workload('w', image));
      await bench.run(workload('n', image, { name: 'neighbour' }));
      expect((await bench.exec('w', 'nslookup neighbour')).out).toContain(await addressOf(bench, 'n'));
      const { out } = await bench.exec('w', 'timeout 10 nslookup secret.example.org');
      expect(out).not.toMatch(/Name:\s+secret/);
      expect(asked.filter(one => one.includes('secret'))).toEqual([]);
      // The control: who does ask is heard.
      const client = createSocket('udp4');
      client.send('secret', 53, '127.0.0.1', () => client.close());
      await until('a question', () => asked.some(one => one.includes('secret')));
    } finally {
      server.close();
    }
  });

  it('has no socket of the engine, no mount of the host, no privilege; one that the operator grants shows', async () => {
    const bench = await begin();
    await bench.run(workload('w', image));
    expect(
      (await bench.exec('w', 'ls /var/run/docker.sock /run/docker.sock; grep -c docker.sock /proc/mounts')).out,
    ).toMatch(/No such file.*\s+.*No such file.*\s+0/);
    expect(existsSync(address.slice('unix://'.length))).toBe(true);
    const status = async (one: Bench): Promise<string> => (await one.exec('w', 'cat /proc/1/status')).out;
    const plain = await status(bench);
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      expect(plain).toMatch(new RegExp(`${set}:\\s+0{16}\\b`));
    expect(plain).toMatch(/NoNewPrivs:\s+1\b/);
    expect(plain).toMatch(/Seccomp:\s+2\b/);
    expect((await bench.exec('w', 'touch /writable && echo ok')).out).toMatch(/ok/);
    expect((await bench.exec('w', 'mount -t tmpfs none /srv')).code).not.toBe(0);
    const info = await bench.inspect('w');
    expect(info.HostConfig).toMatchObject({ Privileged: false, PidMode: '', IpcMode: 'private', Binds: null });
    const granted = await begin({ capabilities: ['CHOWN', 'SETUID'], readOnlyRoot: true });
    await granted.run(workload('w', image));
    expect(await status(granted)).toMatch(/CapEff:\s+0{14}81\b/);
    expect((await granted.exec('w', 'touch /writable && echo ok')).out).toMatch(/Read-only file system/);
    expect((await granted.exec('w', 'touch /tmp/writable && echo ok')).out).toMatch(/ok/);
  });

  it('refuses to start where it could not keep anything apart', async () => {
    const bench = new Bench(address);
    await expect(bench.open({ isolation: 'isolated', egress: 'allow', dns: ['9.9.9.9'] })).rejects.toThrow(
      /cannot be kept apart here: isolated: .*"weak"/,
    );
    await expect(bench.open({ capabilities: ['NET_RAW'] })).rejects.toThrow(/capabilities must be one of/);
    await expect(new Bench('unix:///nowhere/docker.sock').open()).rejects.toThrow(/engine at unix:\/\/\/nowhere/);
  });

  it('weakly kept apart, is published by the engine and found through the proxy all the same', async () => {
    const bench = await begin({ isolation: 'weak' });
    const ports = [{ port: 8080, externalPort: 30_111, protocol: 'TCP' as const }];
    const told = await bench.run(workload('w', image, serve('I am weak', 8080, { ports })));
    const { hostPort } = told.addresses[0]!;
    expect(await page('127.0.0.1', hostPort)).toBe('I am weak\n');
    const [binding] = (await bench.inspect('w')).NetworkSettings.Ports['8080/tcp']!;
    expect(binding).toMatchObject({ HostIp: '127.0.0.1' });
    expect(Number(binding!.HostPort)).not.toBe(hostPort);
  });

  it('leaves nothing: no container, network, volume, rule, listener', async () => {
    const bench = await begin();
    const ports = [{ port: 8080, externalPort: 30_222, protocol: 'TCP' as const }];
    const mounts = [{ name: 'm', path: '/m', size: 1_000, readOnly: false, persistent: true }];
    const told = await bench.run(workload('w', image, serve('I am here', 8080, { ports, mounts })));
    const { hostPort } = told.addresses[0]!;
    expect(await page('127.0.0.1', hostPort)).toBe('I am here\n');
    const bridge = bridgeName(bench.owner, 'lease-1/0');
    expect(existsSync(`/sys/class/net/${bridge}`)).toBe(true);
    expect(rules()).toContain(ruleComment(bench.owner));
    const neighbour = await begin({}, { network: bench.owner.network, provider: 'provider-1' });
    await neighbour.run(workload('w', image));
    await neighbour.leave();
    expect(await bench.end()).toMatchObject({ containers: 2, networks: 2, volumes: 1 });
    expect(existsSync(`/sys/class/net/${bridge}`)).toBe(false);
    expect(rules()).not.toContain(ruleComment(bench.owner));
    const refused = new Promise(resolve => connect(hostPort, '127.0.0.1').once('error', resolve));
    expect(await refused).toMatchObject({ code: 'ECONNREFUSED' });
    expect(await bench.end()).toEqual({ containers: 0, networks: 0, volumes: 0, rules: 0 });
  });

  it('is guarded as long as it is there, also while its provider is not, and no longer', async () => {
    const bench = await begin();
    await bench.run(workload('w', image));
    await bench.leave();
    expect(rules()).toContain(ruleComment(bench.owner));
    await bench.open();
    await bench.stop('w');
    await bench.leave();
    expect(rules()).not.toContain(ruleComment(bench.owner));
  });
});
