/** Whether services answer, as a live run sees it: a tenant's API and a page, both made here. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { PlannedMember } from '../../../../src/lab/live/run/plan.ts';
import { ServiceWatch, type Sight } from '../../../../src/lab/live/run/service-watch.ts';

const open = new Set<Server>();

afterEach(async () => {
  for (const server of open) await stop(server);
});

async function serve(text: () => string, port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer((_, answer) => answer.end(text()));
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  open.add(server);
  return { server, port: (server.address() as AddressInfo).port };
}

async function stop(server: Server): Promise<void> {
  open.delete(server);
  server.closeAllConnections();
  await new Promise<void>(resolve => server.close(() => resolve()));
}

function deployments(lease: string, port: number, protocol = 'TCP'): string {
  const addresses = [{ port: 80, protocol, host: '127.0.0.1', host_port: port }];
  return JSON.stringify({ deployments: [{ leases: [{ lease, services: [{ service: 'web', addresses }] }] }] });
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !holds(); i++) await pause(50);
  expect(holds()).toBe(true);
}

test('a page that goes and comes back elsewhere is told of, with the time that it was away', async () => {
  let page = await serve(() => 'hello');
  let lease = 'tom/0/0/0';
  const api = await serve(() => deployments(lease, page.port));
  const sights: Sight[] = [];
  const now = (): number => Math.round(performance.now() * 1_000);
  const tenants = [{ name: 'alice-0', role: 'tenant', home: '', address: '', api: api.port } satisfies PlannedMember];
  const watch = new ServiceWatch({ tenants, now, onSight: sight => void sights.push(sight) });
  watch.start();
  try {
    await until(() => sights.length === 1);
    expect(sights[0]).toMatchObject({ sight: 'answers', service: 'web', tenant: 'alice-0', away: null });
    await stop(page.server);
    await until(() => sights.length === 2);
    expect(sights[1]).toMatchObject({ sight: 'silent', url: `http://127.0.0.1:${page.port}/` });
    expect(watch.notes()[0]).toMatch(/web of alice-0 did not answer for .* where the run ended/);
    page = await serve(() => 'hello again');
    lease = 'tom/0/0/1';
    await until(() => sights.length === 3);
    const [, gone, back] = sights as [Sight, Sight, Sight];
    expect(back).toMatchObject({
      sight: 'answers',
      url: `http://127.0.0.1:${page.port}/`,
      away: back.time - gone.time,
    });
    expect(watch.notes()).toHaveLength(1);
    expect(watch.notes()[0]).toMatch(/did not answer for \d+\.\d s from \d+\.\d s on$/);
  } finally {
    watch.close();
  }
});

test('what is published over UDP, and a tenant that is gone, are let be', async () => {
  const api = await serve(() => deployments('tom/0/0/0', 9, 'UDP'));
  const tenants = [{ name: 'alice-0', role: 'tenant', home: '', address: '', api: api.port } satisfies PlannedMember];
  const sights: Sight[] = [];
  const watch = new ServiceWatch({ tenants, now: () => 0, onSight: sight => void sights.push(sight) });
  watch.start();
  await watch.look();
  await stop(api.server);
  await watch.look();
  watch.close();
  expect([sights, watch.notes()]).toEqual([[], []]);
});
