/** Ports that are published through a relay, where bridges have no address: what passes, what stays shut, what is left. */
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type Docker from 'dockerode';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Engine } from '../../../../src/worlds/live/docker/engine.ts';
import { networkName, relayName } from '../../../../src/worlds/live/docker/labels.ts';
import {
  ensureLocalImage,
  LOCAL_REPOSITORY,
  removeLocalImage,
  runsThere,
} from '../../../../src/worlds/live/docker/local-image.ts';
import { testEngine } from '../../../support/docker.ts';
import { Bench, MIB, page, serve, until, workload } from './backend-bench.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const engine = await testEngine();
const skip = 'skip' in engine ? engine.skip : null;
const address = 'skip' in engine ? '' : engine.address;
const image = 'skip' in engine ? '' : await engine.image(['CMD ["sleep", "1000"]']);
/** This machine's own Node.js, under a name that nobody else removes. */
const NODE = `${LOCAL_REPOSITORY}:test-${randomBytes(4).toString('hex')}`;

const tcp = (port: number) => ({ port, externalPort: 30_000 + (port % 1_000), protocol: 'TCP' as const });
const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A server in the image of this machine's own Node.js: what is said to it comes back once all of it has been said. */
const ECHO = `require('node:net').createServer({ allowHalfOpen: true }, socket => {
  const parts = [];
  socket.on('error', () => {}).on('data', part => parts.push(part));
  socket.on('end', () => socket.end(Buffer.concat(parts)));
}).listen(7000)`;

/** All that comes after all of `bytes` was said. */
async function answerOf(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.end(bytes);
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

afterAll(async () => {
  if (!('skip' in engine)) await engine.stop();
});

describe.skipIf(skip !== null)(`a port that is published through a relay ${skip ?? ''}`, () => {
  const benches: Bench[] = [];
  let host: Server;
  let hostPort: number;
  const begin = async (
    options: Parameters<Bench['open']>[0] = {},
    owner: Partial<Bench['owner']> = {},
    at = address,
  ): Promise<Bench> => {
    const bench = new Bench(at, owner);
    benches.push(bench);
    await bench.open({ isolation: 'isolated', relayImage: NODE, ...options });
    return bench;
  };
  const relayOf = (bench: Bench, network = 'lease-1/0'): Docker.Container =>
    bench.docker.getContainer(relayName(bench.owner, network));
  const addressOf = (info: Docker.ContainerInspectInfo, bench: Bench, network = 'lease-1/0'): string =>
    info.NetworkSettings.Networks[networkName(bench.owner, network)]!.IPAddress;
  const echo = async (bench: Bench): Promise<number> => {
    const spec = workload('echo', NODE, { command: ['node', '-e', ECHO], ports: [tcp(7_000)] }, { memory: 256 * MIB });
    const told = await bench.run(spec);
    const port = told.addresses[0]!.hostPort;
    await until('the echo', async () => {
      const answer = await answerOf(port, Buffer.from('there?')).catch(() => null);
      return answer?.toString() === 'there?';
    });
    return port;
  };
  /** What a program inside of the relay writes. */
  const inRelay = async (bench: Bench, script: string): Promise<string> => {
    const exec = await relayOf(bench).exec({
      Cmd: ['node', '-e', script],
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
    });
    const stream = await exec.start({ Tty: true, hijack: false });
    let out = '';
    for await (const chunk of stream) out += chunk;
    return out;
  };
  const left = async (bench: Bench): Promise<readonly string[]> => {
    const filters = { label: [`orrery.network=${bench.owner.network}`] };
    const containers = await bench.docker.listContainers({ all: true, filters });
    const networks = await bench.docker.listNetworks({ filters });
    return [...containers.map(one => one.Names[0]!), ...networks.map(one => one.Name)];
  };

  beforeAll(async () => {
    const at = new Engine(address);
    try {
      expect(runsThere(await at.facts())).toBe(true);
      await ensureLocalImage(at, NODE);
    } finally {
      at.close();
    }
    host = createServer((_, answer) => void answer.end('I am the host'));
    await new Promise<void>(resolve => void host.listen(0, '0.0.0.0', resolve));
    hostPort = (host.address() as AddressInfo).port;
  });
  afterEach(async () => {
    for (const bench of benches.splice(0)) await bench.end();
  });
  afterAll(async () => {
    host.close();
    await removeLocalImage(NODE, address);
  });

  it('gives its page, and the engine publishes nothing', async () => {
    const bench = await begin();
    const told = await bench.run(workload('w', image, serve('I am here', 8_080, { ports: [tcp(8_080)] })));
    expect(await page('127.0.0.1', told.addresses[0]!.hostPort)).toBe('I am here\n');
    for (const info of [await bench.inspect('w'), await relayOf(bench).inspect()]) {
      expect(
        Object.values(info.NetworkSettings.Ports ?? {})
          .flat()
          .filter(Boolean),
      ).toEqual([]);
    }
    expect(bench.problems).toEqual([]);
    // A second workload of the lease comes through the same relay.
    const second = serve('I am second', 8_081, { name: 'second', ports: [tcp(8_081)] });
    const other = await bench.run(workload('v', image, second, { host: 1 }));
    expect(await page('127.0.0.1', other.addresses[0]!.hostPort)).toBe('I am second\n');
    expect(await left(bench)).toHaveLength(4);
  });

  it('carries megabytes both ways, many connections at a time, and halves that end by themselves', async () => {
    const bench = await begin();
    const port = await echo(bench);
    const sent = Array.from({ length: 60 }, (_, i) => randomBytes(i === 0 ? 6 * MIB : 50_000 + 1_001 * i));
    const got = await Promise.all(sent.map(bytes => answerOf(port, bytes)));
    expect(got.map(hash)).toEqual(sent.map(hash));
    expect(bench.problems).toEqual([]);
  });

  it('carries datagrams', async () => {
    const bench = await begin();
    const script = `const socket = require('node:dgram').createSocket('udp4');
      socket.on('message', (data, { port, address }) => socket.send(data + '!', port, address)).bind(7000)`;
    const ports = [{ port: 7_000, externalPort: 30_007, protocol: 'UDP' as const }];
    const told = await bench.run(
      workload('w', NODE, { command: ['node', '-e', script], ports }, { memory: 256 * MIB }),
    );
    const client = createSocket('udp4');
    try {
      const heard = once(client, 'message');
      // The first ones may come before anybody listens.
      const again = setInterval(() => client.send('said', told.addresses[0]!.hostPort, '127.0.0.1'), 100);
      expect(String((await heard)[0])).toBe('said!');
      clearInterval(again);
    } finally {
      client.close();
    }
  });

  it('is there again after its relay was killed', async () => {
    const bench = await begin();
    const port = await echo(bench);
    const open: Socket = connect({ host: '127.0.0.1', port });
    await once(open, 'connect');
    open.write('half of it');
    const broken = once(open, 'error');
    const before = (await relayOf(bench).inspect()).Id;
    await relayOf(bench).kill();
    expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET' });
    expect((await answerOf(port, Buffer.from('again'))).toString()).toBe('again');
    expect((await relayOf(bench).inspect()).Id).not.toBe(before);
    expect(bench.problems).toEqual([
      expect.stringMatching(/^the relay of lease-1\/0 is gone, until it is needed again/),
    ]);
    // The workload itself has noticed nothing.
    expect(bench.told.map(told => told.event)).toEqual(['started']);
  });

  it('holds what many write to a workload that does not read, and serves the others', async () => {
    const bench = await begin();
    const script = `const net = require('node:net');
      net.createServer(socket => socket.on('error', () => {}).pause()).listen(7001);
      net.createServer(socket => socket.on('error', () => {}).end('here')).listen(7002)`;
    const ports = [tcp(7_001), tcp(7_002)];
    const told = await bench.run(
      workload('w', NODE, { command: ['node', '-e', script], ports }, { memory: 512 * MIB, cpu: 500 }),
    );
    const [stuck, free] = [7_001, 7_002].map(port => told.addresses.find(one => one.port === port)!.hostPort);
    await until(
      'the workload',
      async () => (await answerOf(free!, Buffer.alloc(0)).catch(() => '')).toString() === 'here',
    );
    const clients = Array.from({ length: 200 }, () => connect({ host: '127.0.0.1', port: stuck! }));
    try {
      const piece = Buffer.alloc(4 * MIB);
      await Promise.all(
        clients.map(async client => {
          client.on('error', () => {});
          await once(client, 'connect');
          client.write(piece);
        }),
      );
      for (let i = 0; i < 20; i += 1) expect((await answerOf(free!, Buffer.alloc(0))).toString()).toBe('here');
      expect(clients.filter(client => client.destroyed)).toEqual([]);
      expect(clients.some(client => client.writableLength > 0)).toBe(true);
    } finally {
      for (const client of clients) client.resetAndDestroy();
    }
    expect(bench.problems).toEqual([]);
  });

  it('is reached where the engine is spoken to over a network, kept apart or not', async () => {
    const far = createTcpServer({ allowHalfOpen: true }, client => {
      const near = connect({ path: address.slice('unix://'.length), allowHalfOpen: true });
      for (const [one, other] of [[client, near] as const, [near, client] as const]) {
        one.on('error', () => other.destroy());
        one.once('close', () => other.destroySoon());
        one.pipe(other);
      }
    });
    far.listen(0, '127.0.0.1');
    await once(far, 'listening');
    try {
      for (const isolation of ['isolated', 'weak'] as const) {
        const bench = await begin({ isolation }, {}, `tcp://127.0.0.1:${(far.address() as AddressInfo).port}`);
        const told = await bench.run(workload('w', image, serve('I am far', 8_080, { ports: [tcp(8_080)] })));
        expect(await page('127.0.0.1', told.addresses[0]!.hostPort)).toBe('I am far\n');
        expect((await relayOf(bench).inspect()).State.Running).toBe(true);
        expect(await bench.end()).toMatchObject({ networks: 1 });
      }
    } finally {
      far.close();
    }
  });

  it('says why when the relay cannot be had, and is refused where there is nothing to make it of', async () => {
    const bench = await begin({ relayImage: image });
    const spec = workload('w', image, serve('I am here', 8_080, { ports: [tcp(8_080)] }));
    bench.containers.start(spec);
    const told = await bench.next('w', 0);
    expect(told).toMatchObject({ event: 'start-failed' });
    expect(told.reason).toMatch(/the relay of lease-1\/0 does not run: .*node/);
    // It has left nothing but a network that goes with the upkeep, or at the next end of a workload there.
    expect(await left(bench)).toEqual([networkName(bench.owner, 'lease-1/0')]);
    const none = await begin({ relayImage: 'nowhere/no-such-image:1' });
    none.containers.start(spec);
    expect((await none.next('w', 0)).reason).toMatch(/no-such-image:1 is not here and nothing is pulled/);
  });

  it('is taken up by whoever comes after its provider, well ended or not', async () => {
    const bench = await begin();
    const port = await echo(bench);
    const before = (await relayOf(bench).inspect()).Id;
    await bench.leave();
    // Nobody is at the other end any more: the engine lets it go by itself.
    await until('its end', async () => (await left(bench)).length === 2);
    await bench.open({ isolation: 'isolated', relayImage: NODE });
    await until('the port', async () => {
      const answer = await answerOf(port, Buffer.from('again')).catch(() => null);
      return answer?.toString() === 'again';
    });
    expect((await relayOf(bench).inspect()).Id).not.toBe(before);
    // A relay that nobody uses goes, and the one that is used stays.
    const labels = (await relayOf(bench).inspect()).Config.Labels;
    const orphan = await bench.docker.createContainer({
      Image: NODE,
      Entrypoint: ['node', '-e', 'setInterval(() => {}, 1000)'],
      Labels: { ...labels, 'orrery.relay': 'lease-9/0' },
      HostConfig: { NetworkMode: 'none' },
    });
    await orphan.start();
    await bench.containers.list();
    await until(
      'its removal',
      async () =>
        await orphan.inspect().then(
          () => false,
          () => true,
        ),
    );
    expect((await answerOf(port, Buffer.from('still'))).toString()).toBe('still');
  });

  it('leaves nothing: the relay and the network go with the last workload', async () => {
    const bench = await begin();
    const port = await echo(bench);
    expect(await left(bench)).toHaveLength(3);
    expect(await bench.stop('echo')).toMatchObject({ event: 'stopped', reason: 'stopped' });
    await until('nothing', async () => (await left(bench)).length === 0);
    await expect(answerOf(port, Buffer.from('gone'))).rejects.toThrow(/ECONNREFUSED/);
    // What was left by a process that was killed, clean-up removes.
    await echo(bench);
    expect(await bench.end()).toMatchObject({ networks: 1, volumes: 0 });
    expect(await left(bench)).toEqual([]);
    expect(bench.problems).toEqual([]);
  });

  it('opens no way for a workload: not to the host, not to another lease, nothing in the relay', async () => {
    const bench = await begin();
    const reaches = async (where: string, from = 'client'): Promise<boolean> => {
      const { out } = await bench.exec(from, `timeout 2 wget -q -O - http://${where}/ || echo failed`);
      return out.includes('I am') && !out.includes('failed');
    };
    await bench.run(workload('web', image, serve('I am web', 8_080, { ports: [tcp(8_080)] })));
    await bench.run(workload('client', image, { name: 'client' }));
    const elsewhere = serve('I am elsewhere', 8_080, { network: 'lease-2/0', name: 'elsewhere', ports: [tcp(8_080)] });
    const told = await bench.run(workload('other', image, elsewhere, { host: 1 }));
    const ip = addressOf(await bench.inspect('other'), bench, 'lease-2/0');
    // The controls: each is there, for whom it is meant.
    await until('the neighbour', () => reaches('web:8080'));
    expect(await page('127.0.0.1', told.addresses[0]!.hostPort)).toBe('I am elsewhere\n');
    expect(await page('127.0.0.1', hostPort)).toBe('I am the host');
    await bench.run(workload('friend', image, { network: 'lease-2/0', name: 'friend' }, { host: 1 }));
    await until('the other lease', () => reaches(`${ip}:8080`, 'friend'));
    expect(await reaches(`${ip}:8080`)).toBe(false);
    const own = Object.values(networkInterfaces()).flatMap(list => list!.filter(one => one.family === 'IPv4'));
    const gateway = (await bench.docker.getNetwork(networkName(bench.owner, 'lease-1/0')).inspect()).IPAM!.Config![0]!;
    const shut = [gateway.Gateway ?? '', ...own.map(one => one.address)].filter(
      at => at !== '' && !at.startsWith('127.'),
    );
    expect(shut.length).toBeGreaterThan(0);
    for (const at of shut) expect(await reaches(`${at}:${hostPort}`), at).toBe(false);
    // The relay listens on nothing, and reaches no more than its neighbours do.
    const relay = addressOf(await relayOf(bench).inspect(), bench);
    const sockets = await inRelay(
      bench,
      `for (const net of ['tcp', 'tcp6']) console.log(require('fs').readFileSync('/proc/net/' + net, 'utf8'))`,
    );
    expect(sockets).toMatch(/local_address/);
    const listening = sockets.split('\n').filter(line => line.trim().split(/\s+/)[3] === '0A');
    // Only the engine's own name service, on the loopback address within.
    expect(listening.filter(line => !line.includes(' 0B00007F:'))).toEqual([]);
    const webSockets = await bench.exec('web', 'cat /proc/net/tcp /proc/net/tcp6');
    expect(webSockets.out.split('\n').some(line => / 0+:1F90 .* 0A /.test(line))).toBe(true);
    const web = addressOf(await bench.inspect('web'), bench);
    const { out } = await bench.exec(
      'client',
      `for at in ${relay}:22 ${relay}:80 ${relay}:2375 ${relay}:7000 ${relay}:8080 ${web}:8080; do
        nc -w 1 "\${at%:*}" "\${at#*:}" </dev/null 2>/dev/null >/dev/null && echo "open $at"; done`,
    );
    expect(out.trim()).toBe(`open ${web}:8080`);
    const dial = (at: string, port: number): string =>
      `require('net').connect(${port}, '${at}').setTimeout(1500, function () { console.log('shut'); process.exit() })
        .on('error', error => console.log('shut', error.code)).on('connect', () => { console.log('open'); process.exit() })`;
    expect(await inRelay(bench, dial(web, 8_080))).toMatch(/open/);
    for (const at of shut) expect(await inRelay(bench, dial(at, hostPort)), at).toMatch(/shut/);
    expect(await inRelay(bench, dial(ip, 8_080))).toMatch(/shut/);
  });

  it('is held by its relay to what a relay may do: no capability, nowhere to write, so much memory and so many threads', async () => {
    const bench = await begin();
    await bench.run(workload('w', image, serve('I am here', 8_080, { ports: [tcp(8_080)] })));
    const status = await inRelay(bench, `console.log(require('fs').readFileSync('/proc/1/status', 'utf8'))`);
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      expect(status).toMatch(new RegExp(`${set}:\\s+0{16}\\b`));
    expect(status).toMatch(/NoNewPrivs:\s+1\b/);
    expect(status).toMatch(/Seccomp:\s+2\b/);
    expect(status).toMatch(/Uid:\s+65534\s/);
    const { Mounts, HostConfig, NetworkSettings } = await relayOf(bench).inspect();
    expect(Mounts).toEqual([]);
    expect(HostConfig).toMatchObject({ Privileged: false, ReadonlyRootfs: true, Binds: null, AutoRemove: true });
    expect(Object.keys(NetworkSettings.Networks)).toEqual([networkName(bench.owner, 'lease-1/0')]);
    const write = `for (const path of ['/x', '/tmp/x', '/dev/shm/x']) {
      try { require('fs').writeFileSync(path, 'x'); console.log('written', path) } catch (error) { console.log(error.code) }
    }`;
    expect(await inRelay(bench, write)).not.toMatch(/written/);
    // What it may not, somebody with more room may: the programs themselves are sound.
    const room = { cpu: 1_000, memory: 1_000 * MIB, host: 1 };
    await bench.run(workload('roomy', NODE, { command: ['node', '-e', 'setInterval(() => {}, 1e6)'] }, room));
    const inRoomy = async (script: string): Promise<string> => (await bench.exec('roomy', ['node', '-e', script])).out;
    const threads = `const { Worker } = require('node:worker_threads'); let made = 0;
      for (let i = 0; i < 40; i += 1) {
        new Worker('setInterval(() => {}, 1000)', { eval: true }).on('online', () => { made += 1 }).on('error', () => {});
      }
      setTimeout(() => { console.log('made ' + made); process.exit() }, 6000)`;
    expect(await inRoomy(threads)).toMatch(/made 40/);
    expect(await inRelay(bench, threads)).not.toMatch(/made 40/);
    const memory = `const kept = []; for (let i = 0; i < 64; i += 1) kept.push(Buffer.alloc(8 << 20, 1)); console.log('held')`;
    expect(await inRoomy(memory)).toMatch(/held/);
    expect(await inRelay(bench, memory)).not.toMatch(/held/);
    // Whoever took it is killed, at worst the relay with him: then the next one is fresh.
    expect(await page('127.0.0.1', bench.told[0]!.addresses[0]!.hostPort)).toBe('I am here\n');
  });
});
