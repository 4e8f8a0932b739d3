/** A provider's daemon with real containers: they outlast it, are taken up again, and end when they are told to. */
import { writeFileSync } from 'node:fs';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectionTo } from '../../src/worlds/live/docker/engine.ts';
import { freePort, Processes, until } from '../cli/live-processes.ts';
import { noDockerReason, type TestEngine, testEngine } from '../support/docker.ts';
import { webSdl } from './net/tenancy.ts';
import { fetched } from './support.ts';

const found = noDockerReason() === null || process.env.CI === 'true' ? await testEngine() : { skip: noDockerReason() };
const why = 'skip' in found ? ` (skipped: ${found.skip})` : '';
const engine = found as TestEngine;
const net = new Processes();

afterAll(async () => {
  await net.close();
  if (why === '') await engine.stop();
});

interface Deployments {
  deployments: {
    leases: {
      state: string;
      services: { running: number; addresses: { host: string; host_port: number }[] }[] | null;
    }[];
  }[];
}

describe.skipIf(why !== '')(`a provider with containers${why}`, () => {
  let docker: Docker;
  let address = '';
  const containers = async (): Promise<string[]> => {
    const filters = { label: [`orrery.provider=${address}`] };
    return (await docker.listContainers({ filters })).map(one => one.Id);
  };

  beforeAll(async () => {
    docker = new Docker(connectionTo(engine.address));
    const place = async (): Promise<string> => `127.0.0.1:${await freePort()}`;
    const chain = ['--block-interval', '500ms', '--listen', await place(), '--api', await place()];
    await net.json('node', 'init', '--home', 'alpha', ...chain);
    await net.start('node', 'alpha');
    const backend = `containers={kind: docker, engine: "${engine.address}", pull: never, stopGrace: 1s}`;
    const made = await net.json<{ address: string }>(
      ...['provider', 'init', '--home', 'iron', '--beside', 'alpha', '--listen', await place(), '--api', await place()],
      ...['--set', backend],
    );
    address = made.address;
    const tenant = await net.json<{ address: string }>(
      ...['tenant', 'init', '--home', 'web', '--beside', 'alpha', '--api', await place()],
    );
    for (const to of [address, tenant.address]) await net.json('node', 'send', to, '1000 akash', '--home', 'alpha');
    await net.start('tenant', 'web');
  }, 240_000);

  test('keeps them over a restart, and ends them when it is told to', { timeout: 300_000 }, async () => {
    let iron = await net.start('provider', 'iron');
    await until(async () => (await net.ask<{ registered: boolean }>('iron', '/status')).registered);
    writeFileSync(net.at('web.yaml'), webSdl(await engine.image(), 'served by a provider'));
    const deploy = await net.orrery('tenant', 'deploy', 'web.yaml', '--home', 'web', '--wait', '--timeout', '90s');
    expect(deploy).toMatchObject({ code: 0, err: '' });
    const url = async (): Promise<string> =>
      until(async () => {
        const { deployments } = await net.ask<Deployments>('web', '/deployments');
        const at = deployments[0]?.leases[0]?.services?.[0]?.addresses[0];
        return at !== undefined && `http://${at.host}:${at.host_port}/`;
      });
    expect(await fetched(await url(), 20_000)).toBe('served by a provider\n');
    const before = await containers();
    expect(before).toHaveLength(1);

    // However it ends, what runs goes on, and is found again.
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await iron.stop(signal);
      expect(await containers()).toEqual(before);
      iron = await net.start('provider', 'iron');
      await until(async () => {
        const { workloads } = await net.ask<{ workloads: { state: string }[] }>('iron', '/workloads');
        return workloads[0]?.state === 'running';
      });
      expect(await containers()).toEqual(before);
      expect(await fetched(await url(), 20_000)).toBe('served by a provider\n');
    }

    await iron.stop();
    iron = await net.start('provider', 'iron', '--stop-workloads');
    expect(await iron.stop()).toMatchObject({ code: 0, err: '' });
    expect(await containers()).toEqual([]);
    // The lease is still there: whoever comes back serves it again.
    iron = await net.start('provider', 'iron');
    expect(await fetched(await url(), 60_000)).toBe('served by a provider\n');
    await net.json('tenant', 'close', '0', '--home', 'web');
    await until(async () => (await containers()).length === 0);
    expect(await iron.stop()).toMatchObject({ code: 0, err: '' });
  });
});
