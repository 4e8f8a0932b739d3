/** Manifests from a tenant to the provider of its lease, in a world with a chain: delivery, update, failover, restarts. */
import { describe, expect, test } from 'vitest';
import type { LogsReply, StatusReply, TenantRequest } from '../../../src/actors/tenant/requests.ts';
import type { Fault } from '../../../src/worlds/simulated/faults.ts';
import { accountOf, deployRequest, LeaseNet, type LeaseNetOptions, SECOND, sdlOf } from '../../support/lease-net.ts';

const WEB = sdlOf([{ name: 'web', image: 'nginx:1', count: 2 }]);
const PAIR = sdlOf([
  { name: 'api', image: 'api:1', env: ['KEY=hush'] },
  { name: 'db', image: 'db:1', volume: true },
]);

/** A net whose tenant deploys after a second. */
function deployed(sdl: string, options: LeaseNetOptions = {}, changes: Parameters<typeof deployRequest>[1] = {}) {
  const net = new LeaseNet(options);
  const request = net.request('tenant-0', deployRequest(sdl, changes), SECOND);
  return { net, request };
}

function ask<T>(net: LeaseNet, request: TenantRequest): T {
  const id = net.request('tenant-0', request);
  net.pass(4 * SECOND);
  return net.replies.get(id) as T;
}

describe('delivery', () => {
  test('the provider runs what the manifest says, confirms when it runs, and tells how it is', () => {
    const { net, request } = deployed(PAIR);
    net.run(30 * SECOND);
    const [lease] = net.eventsOf('LeaseCreated');
    expect(net.replies.get(request)).toEqual({ ok: true, deployment: lease!.lease.slice(0, -4) });
    const [api, db] = net.running('provider-0');
    expect(api!.service).toEqual({
      network: lease!.lease,
      name: 'api',
      command: [],
      args: [],
      env: ['KEY=hush'],
      ports: [{ port: 80, externalPort: 80, protocol: 'TCP' }],
      mounts: [],
      credentials: null,
    });
    expect(db!.service!.mounts).toEqual([
      { name: 'db/data', path: '/data', size: 2 * 2 ** 30, readOnly: false, persistent: true },
    ]);
    expect([api!.image, db!.image]).toEqual(['api:1', 'db:1']);
    // Started a second and a half after the manifest came, and confirmed only then.
    expect(net.eventsOf('LeaseActive')).toHaveLength(1);
    const status = ask<StatusReply>(net, { type: 'status', deployment: null });
    expect(status).toMatchObject({
      ok: true,
      deployments: [
        {
          state: 'open',
          openOrders: 0,
          leases: [
            {
              lease: lease!.lease,
              provider: accountOf('provider-0'),
              state: 'active',
              delivery: { state: 'accepted', detail: '' },
              services: [
                { name: 'api', wanted: 1, running: 1, addresses: [] },
                { name: 'db', wanted: 1, running: 1, addresses: [] },
              ],
            },
          ],
        },
      ],
    });
  });

  test('a status says when a service is down, without being asked', () => {
    const { net } = deployed(PAIR);
    net.run(30 * SECOND);
    const before = net.sent('leaseStatus');
    const [api] = net.running('provider-0');
    net.world.containers('provider-0').crash(api!.id, 'exited', 'a test');
    net.pass(900_000);
    expect(net.sent('leaseStatus')).toBe(before + 1);
    expect(net.messages.at(-1)!.message).toMatchObject({
      type: 'leaseStatus',
      status: {
        services: [
          { name: 'api', wanted: 1, running: 0 },
          { name: 'db', running: 1 },
        ],
      },
    });
    net.pass(5 * SECOND);
    expect(net.images('provider-0')).toEqual(['api:1', 'db:1']);
    expect(net.sent('leaseStatus')).toBe(before + 2);
  });

  test('logs of a service, of all, of none that there is', () => {
    const { net } = deployed(PAIR);
    net.run(30 * SECOND);
    const { lease } = net.eventsOf('LeaseCreated')[0]!;
    const logs = (service: string | null, lines = 5, of = lease) =>
      ask<LogsReply>(net, { type: 'logs', lease: of, service, lines });
    expect(logs('db')).toEqual({ ok: true, replicas: [{ service: 'db', replica: 0, lines: [] }] });
    expect(logs(null)).toMatchObject({ ok: true, replicas: [{ service: 'api' }, { service: 'db' }] });
    expect(logs('nobody')).toMatchObject({ ok: false, code: 'unknown_service' });
    expect(logs('db', 0)).toMatchObject({ ok: false, code: 'bad_lines' });
    expect(logs('db', 5, 'nobody/1/0/0')).toMatchObject({ ok: false, code: 'unknown_lease' });
  });

  test('several groups: each lease gets its own', () => {
    // Two placements of the same size: nothing but its name tells a provider which of them a lease is for.
    const both = sdlOf(
      [
        { name: 'west', image: 'west:1' },
        { name: 'east', image: 'east:1' },
      ],
      'apart',
    );
    const { net } = deployed(both);
    net.run(30 * SECOND);
    expect(net.eventsOf('LeaseCreated').map(one => one.lease.slice(-3))).toEqual(['0/0', '1/0']);
    const byLease = net.started.map(({ spec }) => [spec.id.split('#')[0]!.slice(-3), spec.image]);
    expect(byLease.sort()).toEqual([
      ['0/0', 'east:1'],
      ['1/0', 'west:1'],
    ]);
  });

  test('a manifest larger than a message travels in pieces', () => {
    const env = Array.from({ length: 40 }, (_, i) => `V${i}=${'x'.repeat(9_000)}`);
    const { net } = deployed(sdlOf([{ name: 'web', image: 'nginx:1', env: env.slice(0, 27) }]));
    net.run(30 * SECOND);
    expect(net.sent('manifestChunk')).toBe(2);
    expect(net.running('provider-0')[0]!.service!.env).toEqual(env.slice(0, 27));
  });

  test('light clients learn version and endpoint by proof', () => {
    const { net } = deployed(WEB, { nodes: 4 });
    net.run(40 * SECOND);
    expect(net.images('provider-0')).toEqual(['nginx:1', 'nginx:1']);
    expect(net.eventsOf('LeaseActive')).toHaveLength(1);
    // An answer without proof would have been dropped as a lie.
    expect(net.count('client/node-dropped')).toBe(0);
  });
});

describe('a manifest that does not come', () => {
  const PERIOD = 40 * SECOND;

  test('is the loss of its tenant: the provider holds the resources, confirms, and is paid', () => {
    const { net } = deployed(WEB, {}, { manifest: null });
    net.run(3 * PERIOD);
    expect(net.started).toEqual([]);
    expect(net.eventsOf('LeaseActive')).toHaveLength(1);
    expect(net.eventsOf('LeaseBroken')).toEqual([]);
    const paid = net.eventsOf('LeasePaid');
    expect(paid.length).toBeGreaterThan(3);
    expect(paid.reduce((sum, one) => sum + one.amount, 0n)).toBeGreaterThan(0n);
  });

  test('because there is none: without a version the standard unit runs, and nobody is called', () => {
    const { net } = deployed(WEB, {}, { manifest: null, version: new Uint8Array(32) });
    net.run(30 * SECOND);
    expect(net.images('provider-0')).toEqual(['workload', 'workload']);
    expect(net.started[0]!.spec.service).toBeNull();
    expect(net.sent('tenantHello')).toBe(0);
  });

  test('in time: the lease is confirmed without it, and its workloads are started when it comes', () => {
    // The tenant is away from before the match for two periods.
    const faults: Fault[] = [{ kind: 'crash', target: 'tenant-0', at: 2_500_000, for: 2 * PERIOD }];
    const { net } = deployed(WEB, { faults });
    net.run(2 * PERIOD);
    expect(net.eventsOf('LeaseCreated')).toHaveLength(1);
    expect([net.started.length, net.eventsOf('LeaseActive').length]).toEqual([0, 1]);
    net.run(5 * PERIOD);
    expect(net.images('provider-0')).toEqual(['nginx:1', 'nginx:1']);
    expect(net.eventsOf('LeaseBroken')).toEqual([]);
    expect(net.eventsOf('LeasePaid').length).toBeGreaterThan(6);
  });
});

describe('an update', () => {
  const NEW = sdlOf([
    { name: 'api', image: 'api:2' },
    { name: 'db', image: 'db:1', volume: true },
  ]);
  const update = (net: LeaseNet, sdl: string) => {
    const { version, manifest } = deployRequest(sdl);
    const { deployment } = net.eventsOf('DeploymentSubmitted')[0]!;
    return net.request('tenant-0', { type: 'update', deployment, version, manifest: manifest! });
  };

  test('takes the place of what runs, unit by unit; the lease stays', () => {
    const { net } = deployed(PAIR);
    net.run(30 * SECOND);
    const before = net.running('provider-0').map(one => one.id);
    const id = update(net, NEW);
    net.pass(15 * SECOND);
    expect(net.replies.get(id)).toEqual({ ok: true });
    expect(net.images('provider-0')).toEqual(['api:2', 'db:1']);
    // The same names, so that volumes are found again.
    expect(net.running('provider-0').map(one => one.id)).toEqual(before);
    expect(net.eventsOf('LeaseCreated')).toHaveLength(1);
    net.pass(100 * SECOND);
    expect([net.eventsOf('LeaseBroken').length, net.count('overcommitted')]).toEqual([0, 0]);
  });

  test('leaves each unit its service, whatever comes before it in the new manifest', () => {
    const { net } = deployed(
      sdlOf([
        { name: 'db', image: 'db:1' },
        { name: 'web', image: 'web:1', count: 2 },
      ]),
    );
    net.run(30 * SECOND);
    const unitOf = (name: string) => net.running('provider-0').find(one => one.service!.name === name)!.id;
    const before = unitOf('db');
    update(
      net,
      sdlOf([
        { name: 'agent', image: 'agent:1' },
        { name: 'db', image: 'db:2' },
        { name: 'web', image: 'web:1' },
      ]),
    );
    net.pass(15 * SECOND);
    expect(net.images('provider-0')).toEqual(['agent:1', 'db:2', 'web:1']);
    expect(unitOf('db')).toBe(before);
  });

  test('that needs other resources than are leased is refused by the provider, which goes on with the old one', () => {
    const { net } = deployed(PAIR);
    net.run(30 * SECOND);
    const id = update(net, sdlOf([{ name: 'api', image: 'api:2', count: 5 }]));
    net.pass(15 * SECOND);
    expect(net.replies.get(id)).toEqual({ ok: true });
    expect(net.images('provider-0')).toEqual(['api:1', 'db:1']);
    const status = ask<StatusReply>(net, { type: 'status', deployment: null });
    expect(status).toMatchObject({ deployments: [{ leases: [{ delivery: { state: 'mismatch' } }] }] });
    // It was said once, and will not be otherwise by saying it again.
    expect(net.count('manifest_rejected', 'mismatch')).toBe(1);
  });

  test('is refused before anybody sees it, when its bytes are not of its version', () => {
    const { net } = deployed(PAIR);
    net.run(30 * SECOND);
    const { deployment } = net.eventsOf('DeploymentSubmitted')[0]!;
    const { manifest } = deployRequest(NEW);
    const { version } = deployRequest(WEB);
    const reply = ask(net, { type: 'update', deployment, version, manifest: manifest! });
    expect(reply).toMatchObject({ ok: false, code: 'wrong_hash' });
    expect(net.eventsOf('DeploymentUpdated')).toEqual([]);
  });

  test('that was under way when its tenant or the provider went down is done all the same', () => {
    const atUpdate = { messageType: 'submit', from: 'tenant-0', nth: 2, on: 'handled' } as const;
    const atResult = { messageType: 'manifestResult', to: 'tenant-0', nth: 2 } as const;
    const cases: readonly Fault[] = [
      { kind: 'crash', target: 'tenant-0', at: atUpdate, for: 3 * SECOND },
      { kind: 'crash', target: 'provider-0', at: atUpdate, for: 3 * SECOND },
      // Killed behind the barrier: the new manifest is stored, old containers may be stopping, nobody was told.
      { kind: 'crash', target: 'provider-0', at: atResult, for: 3 * SECOND },
      { kind: 'crash', target: 'tenant-0', at: atResult, for: 3 * SECOND },
      { kind: 'crash', target: 'provider-0', at: { actor: 'provider-0', effect: 'stopWorkload' }, for: SECOND },
      {
        kind: 'crash',
        target: 'provider-0',
        at: { actor: 'provider-0', effect: 'startWorkload', nth: 3 },
        for: SECOND,
      },
    ];
    for (const fault of cases) {
      const { net } = deployed(PAIR, { faults: [fault] });
      net.run(30 * SECOND);
      update(net, NEW);
      net.pass(60 * SECOND);
      const what = JSON.stringify(fault);
      expect(net.images('provider-0'), what).toEqual(['api:2', 'db:1']);
      expect(net.running('provider-0')[1]!.service!.env, what).toEqual([]);
      expect(net.eventsOf('LeaseCreated'), what).toHaveLength(1);
    }
  });

  test('that its tenant did not get around to sending is not made, and may be asked for again', () => {
    const at = { actor: 'tenant-0', effect: 'sync', nth: 3, point: 'after' } as const;
    const { net } = deployed(PAIR, { faults: [{ kind: 'crash', target: 'tenant-0', at, for: 3 * SECOND }] });
    net.run(30 * SECOND);
    const lost = update(net, NEW);
    net.pass(20 * SECOND);
    expect([net.failedRequests, net.eventsOf('DeploymentUpdated')]).toEqual([[lost], []]);
    const again = update(net, NEW);
    net.pass(20 * SECOND);
    expect(net.replies.get(again)).toEqual({ ok: true });
    expect(net.images('provider-0')).toEqual(['api:2', 'db:1']);
  });
});

describe('another provider', () => {
  test('that wins the renewed order is handed the manifest', () => {
    const faults: Fault[] = [{ kind: 'crash', target: 'provider-0', at: 20 * SECOND }];
    const { net } = deployed(WEB, { providers: 2, faults }, { persist: true });
    net.run(15 * SECOND);
    expect(net.images('provider-0')).toEqual(['nginx:1', 'nginx:1']);
    net.run(200 * SECOND);
    expect(net.eventsOf('LeaseBroken')).toHaveLength(1);
    expect(net.eventsOf('LeaseCreated').map(one => one.provider)).toEqual(['provider-0', 'provider-1'].map(accountOf));
    expect(net.images('provider-1')).toEqual(['nginx:1', 'nginx:1']);
    expect(net.eventsOf('LeaseActive')).toHaveLength(2);
  });

  test('that comes back after its lease is broken stops what runs for nobody', () => {
    const faults: Fault[] = [{ kind: 'crash', target: 'provider-0', at: 20 * SECOND, for: 150 * SECOND }];
    const { net } = deployed(WEB, { providers: 2, faults }, { persist: true });
    net.run(165 * SECOND);
    expect(net.images('provider-0')).toEqual(['nginx:1', 'nginx:1']);
    net.run(200 * SECOND);
    expect(net.images('provider-0')).toEqual([]);
    expect(net.images('provider-1')).toEqual(['nginx:1', 'nginx:1']);
  });
});

describe('who is not what the chain says', () => {
  test('an endpoint that is a node is not called, whatever a provider registers', () => {
    const { net } = deployed(WEB, { endpoint: () => 'validator-0' });
    net.run(30 * SECOND);
    expect(net.sent('tenantHello')).toBe(0);
    expect(net.count('manifest_retry')).toBeGreaterThan(2);
    // The tenant's own way to the chain is as it was.
    net.request('tenant-0', { type: 'close', deployment: net.eventsOf('DeploymentSubmitted')[0]!.deployment });
    net.pass(10 * SECOND);
    expect(net.eventsOf('DeploymentClosing')).toHaveLength(1);
  });

  test('another provider at the endpoint is told nothing', () => {
    // The cheapest one registers the other's endpoint: whoever answers there is not the provider of the lease.
    const { net } = deployed(WEB, { providers: 2, endpoint: () => 'provider-1' });
    net.run(30 * SECOND);
    expect(net.eventsOf('LeaseCreated')[0]!.provider).toBe(accountOf('provider-0'));
    expect(net.count('manifest_imposter')).toBeGreaterThan(1);
    expect([net.sent('manifestOffer'), net.sent('manifestChunk'), net.sent('tenantProof')]).toEqual([0, 0, 0]);
  });

  test('two providers at one endpoint: the one that is there is served', () => {
    const two = { providers: 2, endpoint: () => 'provider-1', host: { cpu: 1_200, memory: 2 ** 33, disk: 2 ** 34 } };
    const { net } = deployed(WEB, two);
    net.request('tenant-0', deployRequest(sdlOf([{ name: 'other', image: 'other:1', count: 2 }])), 10 * SECOND);
    net.run(40 * SECOND);
    expect(
      net
        .eventsOf('LeaseCreated')
        .map(one => one.provider)
        .sort(),
    ).toEqual(net.providers.map(accountOf).sort());
    expect(net.images('provider-0')).toEqual([]);
    expect(net.images('provider-1')).toHaveLength(2);
  });
});

describe('requests', () => {
  test('are refused with a reason before anything is done', () => {
    const { net } = deployed(WEB);
    net.run(10 * SECOND);
    const deploy = deployRequest(PAIR);
    const cases: readonly (readonly [TenantRequest, string])[] = [
      [{ ...deploy, version: deployRequest(WEB).version }, 'wrong_hash'],
      [{ ...deploy, groups: ['dc', 'dc'] }, 'bad_groups'],
      [{ ...deploy, groups: ['elsewhere'] }, 'bad_groups'],
      [{ type: 'close', deployment: 'nobody/1' }, 'no_deployment'],
      [{ type: 'status', deployment: 'nobody/1' }, 'no_deployment'],
      [
        { type: 'update', deployment: 'nobody/1', version: deploy.version, manifest: deploy.manifest! },
        'no_deployment',
      ],
    ];
    for (const [request, code] of cases) expect(ask(net, request), code).toMatchObject({ ok: false, code });
    expect(net.eventsOf('DeploymentSubmitted')).toHaveLength(1);
  });

  test('a deployment that the chain refuses is told so, and forgotten', () => {
    const { net, request } = deployed(WEB, {}, { escrow: 0n });
    net.run(10 * SECOND);
    expect(net.replies.get(request)).toMatchObject({ ok: false, code: 'insufficient_escrow' });
    expect(ask(net, { type: 'status', deployment: null })).toEqual({ ok: true, deployments: [] });
  });

  test('closing tears everything down, and there is nothing left to bring', () => {
    const { net } = deployed(WEB);
    net.run(20 * SECOND);
    const { deployment } = net.eventsOf('DeploymentSubmitted')[0]!;
    expect(ask(net, { type: 'close', deployment })).toEqual({ ok: true });
    net.pass(10 * SECOND);
    expect(net.images('provider-0')).toEqual([]);
    expect(net.eventsOf('LeaseClosed')[0]).toMatchObject({ resetConfirmed: true });
    expect(ask(net, { type: 'close', deployment })).toMatchObject({ ok: false, code: 'no_deployment' });
    expect(ask(net, { type: 'status', deployment: null })).toEqual({ ok: true, deployments: [] });
  });
});
