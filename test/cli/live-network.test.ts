/** A live network of one validator, as a user would make it: each participant a process, on loopback. */
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort, Processes, type Running, until } from './live-processes.ts';

const LONG_MS = 240_000;
const SDL = readFileSync(new URL('../../scenarios/sdl/web-service.yaml', import.meta.url));
const net = new Processes();
let node: Running;

interface Tenant {
  deployments: { leases: { state: string; services: unknown[] | null }[] }[];
}
const here = (port: number): string => `127.0.0.1:${port}`;
/** A listening place that no other process has. */
const place = async (): Promise<string> => here(await freePort());
const heightOf = async (home = 'alpha') => (await net.ask<{ height: number }>(home, '/status')).height;
/** Waits until a chain has grown by so many blocks. */
async function blocks(count: number, home = 'alpha'): Promise<number> {
  const target = (await heightOf(home)) + count;
  return until(async () => {
    const height = await heightOf(home);
    return height >= target && height;
  });
}

/** Makes a home beside the node; the account. */
async function init(role: string, home: string, ...args: string[]): Promise<string> {
  const listen = role === 'provider' ? ['--listen', await place()] : [];
  const made = await net.json<{ address: string }>(
    ...[role, 'init', '--home', home, '--beside', 'alpha', ...listen, '--api', here(0), ...args],
  );
  return made.address;
}
const send = (to: string, amount: string) => net.json('node', 'send', to, amount, '--home', 'alpha');

beforeAll(async () => {
  const chain = ['--block-interval', '500ms', '--set', 'params.reconfirmationPeriod=60', '--set', 'snapshotEvery=20'];
  await net.json('node', 'init', '--home', 'alpha', '--listen', await place(), '--api', await place(), ...chain);
  node = await net.start('node', 'alpha');
  await blocks(1);
}, LONG_MS);
afterAll(() => net.close());

/** No line is too long for a screen. */
function fits(text: string): string {
  expect(Math.max(...text.split('\n').map(line => line.length))).toBeLessThanOrEqual(80);
  return text;
}

describe('a market', () => {
  const daemons: Running[] = [];
  const start = async (): Promise<void> => {
    daemons.push(...(await Promise.all([net.start('provider', 'iron'), net.start('tenant', 'web')])));
  };
  afterEach(async () => {
    await Promise.all(daemons.splice(0).map(one => one.stop()));
  });

  it(
    'is made of homes: a deployment is leased, served, read, and closed',
    async () => {
      const provider = await init('provider', 'iron', '--set', 'containers={kind: none}', '--set', 'region=eu');
      const tenant = await init('tenant', 'web', '--set', 'terms.region=eu');
      await start();
      const iron = () =>
        net.ask<{ registered: boolean; leases: number; used: { cpu_milli: number } }>('iron', '/status');
      expect(await iron()).toMatchObject({ registered: false, leases: 0, address: provider, region: 'eu' });
      for (const to of [provider, tenant]) {
        expect(await send(to, '1000 akash')).toMatchObject({ to, amount: 1_000_000_000, balance: 1_000_000_000 });
      }
      await until(async () => (await iron()).registered);

      writeFileSync(net.at('shop.yaml'), SDL);
      const deploy = await net.orrery('tenant', 'deploy', 'shop.yaml', '--home', 'web', '--wait', '--timeout', '80s');
      expect(deploy).toMatchObject({ code: 0, err: '' });
      expect(deploy.out).toMatch(/^deployment 0 is on the chain, version [0-9a-f]{64}\n/);
      expect(deploy.out).toMatch(/lease 0\/0\/0 {2}active with akash1.*, manifest accepted\n {4}\w+ {2}2 of 2 running/);
      expect(await iron()).toMatchObject({ leases: 1 });
      expect((await iron()).used.cpu_milli).toBeGreaterThan(0);
      expect(fits((await net.orrery('provider', 'status', '--home', 'iron')).out)).toContain('as its config.yaml says');
      expect(fits((await net.orrery('tenant', 'status', '--home', 'web')).out)).toContain('1 deployment\n');
      expect(fits((await net.orrery('node', 'status', '--home', 'alpha')).out)).toMatch(/1 provider, .*1 lease\n/);

      const logs = await net.orrery('tenant', 'logs', '0', '--home', 'web');
      expect(logs).toMatchObject({ code: 0, err: '' });
      expect(logs.out).toMatch(/^\w+-0 \| nothing runs here/);
      const none = await net.orrery('tenant', 'logs', '0/0/0', '--home', 'web', '--service', 'none');
      expect(none).toMatchObject({ code: 1, out: '', err: expect.stringContaining('unknown_service') });

      // Whoever is away for a moment comes back to what it had.
      for (const end of await Promise.all(daemons.splice(0).map(one => one.stop()))) {
        expect(end).toMatchObject({ code: 0, err: '' });
      }
      expect(existsSync(net.at('iron', 'run.json')) || existsSync(net.at('web', 'run.json'))).toBe(false);
      await start();
      const stands = async () => (await net.ask<Tenant>('web', '/deployments')).deployments;
      const again = await until(async () => (await stands())[0]?.leases.find(one => one.services !== null));
      expect(again).toMatchObject({ state: 'active' });
      await until(async () => (await iron()).leases === 1);

      expect(await net.json('tenant', 'close', '0', '--home', 'web')).toMatchObject({ closing: true });
      await until(async () => (await stands()).length === 0);
      await until(async () => (await iron()).leases === 0);
      expect((await net.orrery('tenant', 'close', '0', '--home', 'web')).err).toContain('found no deployment "0"');
    },
    LONG_MS,
  );

  it(
    'has agents that run only for as long as somebody waits',
    async () => {
      const tenant = await init('tenant', 'visitor');
      await send(tenant, '10 akash');
      writeFileSync(net.at('shop.yaml'), SDL);
      const deploy = ['tenant', 'deploy', 'shop.yaml', '--home', 'visitor', '--wait', '--open-for', '2s'];
      const { code, out, err } = await net.orrery(...deploy, '--region', 'nowhere');
      expect([code, err]).toEqual([1, 'error: the deployment closed: no provider would serve it at its price\n']);
      expect(out).toContain('deployment 0 is on the chain');
      expect(existsSync(net.at('visitor', 'run.json'))).toBe(false);
      const refused = await net.orrery(...deploy, '--region', '5');
      expect(refused.code).toBe(2);
      expect(refused.err).toContain('bad_terms: region: found 5, expected a region');
    },
    LONG_MS,
  );
});

describe('a node', () => {
  it(
    'goes on where it left off, however it ended',
    async () => {
      const before = await heightOf();
      expect(await node.stop('SIGINT')).toMatchObject({ code: 0, err: '' });
      expect(existsSync(net.at('alpha', 'run.json'))).toBe(false);
      node = await net.start('node', 'alpha');
      expect(await blocks(2)).toBeGreaterThan(before + 1);
      node.child.kill('SIGKILL');
      await node.ended;
      const stale = await net.orrery('node', 'status', '--home', 'alpha');
      expect(stale.code).toBe(2);
      expect(stale.err).toMatch(/found a daemon that was killed \(process \d+ is gone\), expected one: npx orrery/);
      node = await net.start('node', 'alpha');
      expect(await blocks(2)).toBeGreaterThan(before + 3);
    },
    LONG_MS,
  );

  it(
    'runs in its home alone, and says who has its port',
    async () => {
      const second = await net.orrery('node', 'start', '--home', 'alpha');
      expect(second).toMatchObject({ code: 2, out: '' });
      expect(second.err).toContain('alpha: found a daemon that runs here already');
      const taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const { port } = taken.address() as { port: number };
      for (const [option, field, other] of [
        ['--listen', 'listen', '--api'],
        ['--api', 'api', '--listen'],
      ] as const) {
        const home = `taken-${field}`;
        await net.json('node', 'init', '--home', home, option, here(port), other, here(0));
        const { code, err } = await net.orrery('node', 'start', '--home', home);
        expect(code).toBe(2);
        expect(err).toContain(`config.yaml: ${field}: found ${here(port)}, where somebody else listens`);
        expect(existsSync(net.at(home, 'run.json'))).toBe(false);
      }
      taken.close();
      // Neither has disturbed the first.
      await blocks(1);
    },
    LONG_MS,
  );

  it(
    'joins a chain, follows it, and becomes a validator when it has the stake',
    async () => {
      interface Validators {
        validators: { address: string; power: number }[];
      }
      const votes = async (home: string) =>
        (await net.ask<Validators>(home, '/validators')).validators
          .filter(one => one.power > 0)
          .map(one => one.address);
      const { address, genesis_hash } = await net.json<{ address: string; genesis_hash: string }>(
        ...['node', 'status', '--home', 'alpha'],
      );
      const peer = ['--peer', `alpha=${address}@${net.listenOf('alpha')}`, '--genesis', 'alpha/genesis.json'];
      const ports = ['--listen', here(0), '--api', here(0)];
      const made = await net.json<{ address: string }>(
        ...['node', 'init', '--home', 'beta', ...peer, ...ports, '--stake', '300000 akash'],
      );
      const beta = await net.start('node', 'beta');
      const target = await heightOf();
      await until(async () => (await heightOf('beta')) >= target);
      expect(await net.json('node', 'status', '--home', 'beta')).toMatchObject({
        genesis_hash,
        peers: [{ name: 'alpha', connected: true }],
      });
      expect(await votes('beta')).toEqual([address]);
      await send(made.address, '300001 akash');
      await until(async () => (await votes('beta')).includes(made.address));
      await blocks(3, 'beta');
      expect(await beta.stop()).toMatchObject({ code: 0, err: '' });
      // More than two thirds of the power are still there.
      await blocks(2);
    },
    LONG_MS,
  );

  it(
    'is no peer of another chain, though that is called the same',
    async () => {
      const { address } = JSON.parse(readFileSync(net.at('alpha', 'run.json'), 'utf8')) as { address: string };
      const peer = `alpha=${address}@${net.listenOf('alpha')}`;
      await net.json('node', 'init', '--home', 'stranger', '--peer', peer, '--listen', here(0), '--api', here(0));
      const stranger = await net.start('node', 'stranger');
      for (const home of ['stranger', 'alpha'])
        await until(() => net.log(home).some(line => line.what === 'node/other-network'));
      expect(await net.ask('stranger', '/status')).toMatchObject({ peers: [{ name: 'alpha', connected: false }] });
      expect(await stranger.stop()).toMatchObject({ code: 0 });
    },
    LONG_MS,
  );
});

describe('whoever started a daemon', () => {
  it(
    'takes it along: by standard input, and by its own end',
    async () => {
      await init('tenant', 'child');
      const byInput = await net.start('tenant', 'child', '--until-eof');
      byInput.child.stdin?.end();
      expect(await byInput.ended).toMatchObject({ code: 0, err: '' });
      expect(net.log('child').findLast(line => line.what === 'stopping')?.reason).toBe('its standard input was closed');
      await init('tenant', 'parent');
      const parent = await net.start('tenant', 'parent');
      const byParent = await net.start('tenant', 'child', '--parent', String(parent.child.pid), '--json');
      expect(JSON.parse(byParent.out)).toMatchObject({ ready: true, role: 'tenant', pid: byParent.child.pid });
      parent.child.kill('SIGKILL');
      expect(await byParent.ended).toMatchObject({ code: 0, err: '' });
      expect(net.log('child').findLast(line => line.what === 'stopping')?.reason).toContain('its parent, process');
    },
    LONG_MS,
  );
});

describe('a provider', () => {
  it(
    'says what it lacks, and starts nothing',
    async () => {
      const engine = 'unix:///nonexistent/docker.sock';
      await init('provider', 'copper', '--set', `containers={kind: docker, engine: "${engine}"}`);
      const { code, err } = await net.orrery('provider', 'start', '--home', 'copper');
      expect(code).toBe(2);
      expect(err).toContain('containers: found none that can be used');
      expect(existsSync(net.at('copper', 'run.json'))).toBe(false);
      await init('provider', 'tin', '--set', 'listen=0.0.0.0:1', '--set', 'containers={kind: none}');
      const open = await net.orrery('provider', 'start', '--home', 'tin');
      expect(open.err).toContain('endpoint: found none beside listen');
    },
    LONG_MS,
  );
});
