/** The APIs of providers and tenants over views that say what a test wants, and keep what they were asked. */
import { afterEach, describe, expect, it } from 'vitest';
import { startProviderApi } from '../../../../src/lab/live/api/provider-api.ts';
import type { ApiServer } from '../../../../src/lab/live/api/server.ts';
import { startTenantApi } from '../../../../src/lab/live/api/tenant-api.ts';
import type { DeployTerms, Outcome, ProviderView, TenantView } from '../../../../src/lab/live/api/views.ts';
import { ApiClient } from './client.ts';
import { CAPACITY } from './support.ts';

let server: ApiServer;
afterEach(() => server.close());

const VERSION = new Uint8Array(32).fill(0xab);
const LEASE = 'akash1web/3/0/0';
const ADDRESSES = [{ port: 80, protocol: 'TCP' as const, host: '127.0.0.1', hostPort: 32_768 }];

const provider: ProviderView = {
  status: () => ({
    name: 'eu-0',
    address: 'akash1eu',
    region: 'eu',
    height: 7,
    node: 'validator-0',
    capacity: CAPACITY,
    used: { cpu: 4_000, memory: 48 * 2 ** 30, disk: 0, bandwidth: 0, gpu: 0 },
    openBids: 2,
    registered: true,
  }),
  leases: () => [{ lease: LEASE, state: 'active', price: 10n ** 20n, served: true }],
  workloads: () => [
    { id: `${LEASE}/0/0`, lease: LEASE, image: 'nginx', host: 0, state: 'running', addresses: ADDRESSES },
    { id: `${LEASE}/0/1`, lease: LEASE, image: 'nginx', host: 0, state: 'starting', addresses: [] },
  ],
};

describe('a provider', () => {
  it('says how it is, what it has leased, and what runs', async () => {
    server = await startProviderApi(provider, { checkReplies: true });
    const api = await ApiClient.of(server.url);
    expect((await api.get('/status')).body).toMatchObject({
      name: 'eu-0',
      utilisation_ppm: 750_000,
      open_bids: 2,
      leases: 1,
      workloads: 2,
      used: { memory_bytes: 48 * 2 ** 30 },
    });
    expect((await api.get('/leases')).body.leases).toEqual([
      { lease: LEASE, state: 'active', price_pakt_per_s: '100000000000000000000', served: true },
    ]);
    const { workloads } = (await api.get('/workloads')).body;
    expect(workloads[0].addresses).toEqual([{ port: 80, protocol: 'TCP', host: '127.0.0.1', host_port: 32_768 }]);
    const metrics = String((await api.get('/metrics')).body).split('\n');
    expect(metrics).toContain('orrery_utilisation_ratio 0.75');
    expect(metrics).toContain('orrery_workloads{state="running"} 1');
    expect(metrics).toContain('orrery_leases{state="pending"} 0');
    expect([...api.asked.keys()].sort()).toEqual(['leases', 'metrics', 'status', 'workloads']);
    expect((await api.ask('POST', '/leases', {})).status).toBe(404);
  });
});

class FakeTenant implements TenantView {
  readonly asked: unknown[][] = [];
  refusal: Outcome | null = null;
  /** Where it is set, answers wait for it. */
  gate: Promise<void> | null = null;

  status() {
    return { name: 'web-0', address: 'akash1web', balance: 10n ** 21n, height: 9, node: null };
  }
  async #answer<T extends object>(call: unknown[], done: T): Promise<Outcome<T>> {
    this.asked.push(call);
    await this.gate;
    return (this.refusal as Outcome<T> | null) ?? { ok: true, ...done };
  }
  deployments(deployment: string | null) {
    const one = {
      deployment: 'akash1web/3',
      version: VERSION,
      state: 'open' as const,
      escrow: 5n,
      openOrders: 0,
      leases: [
        {
          lease: LEASE,
          provider: 'akash1eu',
          state: 'active' as const,
          price: 7n,
          delivery: { state: 'accepted', detail: '' },
          services: [{ name: 'web', wanted: 1, running: 1, addresses: ADDRESSES }],
        },
      ],
    };
    return this.#answer(['deployments', deployment], { deployments: deployment === 'akash1web/9' ? [] : [one] });
  }
  deploy(sdl: string, terms: DeployTerms) {
    return this.#answer(['deploy', sdl, terms], { deployment: 'akash1web/3', version: VERSION });
  }
  update(deployment: string, sdl: string) {
    return this.#answer(['update', deployment, sdl], { version: VERSION });
  }
  close(deployment: string) {
    return this.#answer(['close', deployment], {});
  }
  logs(lease: string, service: string | null, lines: number) {
    const replicas = [
      { service: 'web', replica: 0, lines: ['one', 'two'] },
      { service: 'web', replica: 1, lines: null },
    ];
    return this.#answer(['logs', lease, service, lines], { replicas });
  }
}

describe('a tenant', () => {
  let tenant: FakeTenant;
  let api: ApiClient;
  async function start(): Promise<void> {
    tenant = new FakeTenant();
    server = await startTenantApi(tenant, { checkReplies: true });
    api = await ApiClient.of(server.url);
  }

  it('deploys, looks, updates, reads logs and closes', async () => {
    await start();
    expect((await api.get('/status')).body).toMatchObject({ name: 'web-0', balance_uakt: '1000000000000000000000' });
    const terms = { escrow_uakt: '5000000', wait_blocks: 2, lifetime_us: 60_000_000 };
    const made = await api.ask('POST', '/deployments', { sdl: 'version: "2.0"', terms });
    expect(made).toMatchObject({ status: 201, body: { deployment: 'akash1web/3', version: 'ab'.repeat(32) } });
    expect(tenant.asked.at(-1)).toEqual([
      'deploy',
      'version: "2.0"',
      { escrow: 5_000_000n, waitDuration: 2, openFor: null, lifetime: 60_000_000 },
    ]);
    await api.ask('POST', '/deployments', { sdl: 'x' });
    expect(tenant.asked.at(-1)?.[2]).toEqual({ escrow: null, waitDuration: null, openFor: null, lifetime: null });
    const { deployments } = (await api.get('/deployments')).body;
    expect(deployments[0].leases[0].services[0].addresses[0].host_port).toBe(32_768);
    expect((await api.get('/deployments/akash1web/3')).body).toEqual(deployments[0]);
    expect((await api.get('/deployments/akash1web/9')).status).toBe(404);
    expect((await api.ask('PUT', '/deployments/akash1web/3', { sdl: 'y' })).body.version).toBe('ab'.repeat(32));
    expect(tenant.asked.at(-1)).toEqual(['update', 'akash1web/3', 'y']);
    const logs = (await api.get(`/leases/${LEASE}/logs?service=web&lines=5`)).body;
    expect(tenant.asked.at(-1)).toEqual(['logs', LEASE, 'web', 5]);
    expect(logs.replicas).toEqual([
      { service: 'web', replica: 0, lines: ['one', 'two'] },
      { service: 'web', replica: 1, lines: null },
    ]);
    expect((await api.ask('DELETE', '/deployments/akash1web%2F3')).body).toEqual({
      deployment: 'akash1web/3',
      closing: true,
    });
    expect(tenant.asked.at(-1)).toEqual(['close', 'akash1web/3']);
    const operations = Object.values(api.document.paths).flatMap(one => Object.values(one).map(two => two.operationId));
    expect([...api.asked.keys()].sort()).toEqual(operations.sort());
  });

  it('passes on why not', async () => {
    await start();
    tenant.refusal = { ok: false, code: 'bad_sdl', detail: 'line 3: found nothing, expected services' };
    expect(await api.ask('POST', '/deployments', { sdl: 'x' })).toMatchObject({
      status: 422,
      body: { error: { code: 'bad_sdl', found: 'line 3: found nothing, expected services' } },
    });
    tenant.refusal = { ok: false, code: 'unknown_lease', detail: 'the provider does not know the lease' };
    expect((await api.get(`/leases/${LEASE}/logs`)).status).toBe(404);
  });

  it.each([
    [{}, 'body.sdl'],
    [{ sdl: '' }, 'body.sdl'],
    [{ sdl: 'x', terms: { escrow_uakt: 5 } }, 'escrow_uakt'],
    [{ sdl: 'x', terms: { escrow_uakt: '-5' } }, 'escrow_uakt'],
    [{ sdl: 'x', terms: { wait_blocks: 1.5 } }, 'wait_blocks'],
    [{ sdl: 'x', price: 1 }, 'body'],
    [{ sdl: 'x'.repeat(300_000) }, 'body.sdl'],
  ])('asks nothing of its agent for %j', async (body, place) => {
    await start();
    const answer = await api.ask('POST', '/deployments', body);
    expect(answer.status).toBe(400);
    expect(answer.body.error.found).toContain(place);
    expect(tenant.asked).toEqual([]);
  });

  it('is asked so many things at a time', async () => {
    await start();
    let open = (): void => undefined;
    tenant.gate = new Promise(resolve => {
      open = resolve;
    });
    const waiting = Array.from({ length: 64 }, () => api.get('/deployments'));
    while (tenant.asked.length < 64) await new Promise(resolve => setTimeout(resolve, 10));
    expect((await api.get('/deployments')).body.error.code).toBe('busy');
    open();
    expect((await Promise.all(waiting)).every(one => one.status === 200)).toBe(true);
    expect((await api.get('/deployments')).status).toBe(200);
  });
});
