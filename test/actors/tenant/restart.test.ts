/** A tenant or a provider that goes down and comes back: nothing is deployed twice, forgotten, or run for nobody. */
import { describe, expect, test } from 'vitest';
import type { StatusReply } from '../../../src/actors/tenant/requests.ts';
import type { EffectName } from '../../../src/worlds/simulated/effect-codes.ts';
import type { Fault } from '../../../src/worlds/simulated/faults.ts';
import { deployRequest, LeaseNet, type LeaseNetOptions, SECOND, sdlOf } from '../../support/lease-net.ts';

const WEB = sdlOf([{ name: 'web', image: 'nginx:1', count: 2 }]);

function killed(target: string, effect: EffectName, nth: number, point: 'before' | 'after'): Fault {
  return { kind: 'crash', target, at: { actor: target, effect, nth, point }, for: 2 * SECOND };
}

describe('a tenant', () => {
  const submitted = (faults: readonly Fault[], options: LeaseNetOptions = {}) => {
    const net = new LeaseNet({ ...options, faults });
    net.request('tenant-0', deployRequest(WEB), SECOND);
    net.run(60 * SECOND);
    return net;
  };

  test.each(['before', 'after'] as const)(
    'killed %s any of the effects of a deployment, deploys once or not at all',
    point => {
      const outcomes = new Set<number>();
      for (const effect of ['put', 'sync', 'send', 'setTimer', 'connect', 'reply'] as const) {
        for (let nth = 1; nth <= 8; nth++) {
          const net = submitted([killed('tenant-0', effect, nth, point)]);
          const made = net.eventsOf('DeploymentSubmitted').length;
          outcomes.add(made);
          const what = `${point} ${effect} ${nth}`;
          expect(made, what).toBeLessThan(2);
          // Whoever has been told of it, or could have been, finds it done.
          if (net.replies.has(1)) expect(made, what).toBe(1);
          if (made === 1) expect(net.images('provider-0'), what).toEqual(['nginx:1', 'nginx:1']);
          expect(net.halted, what).toEqual([]);
        }
      }
      expect([...outcomes].sort()).toEqual([0, 1]);
    },
  );

  test('that was killed when its record was durable sends it again, under the same nonce', () => {
    const net = submitted([killed('tenant-0', 'sync', 1, 'after')]);
    expect(net.eventsOf('DeploymentSubmitted').map(one => one.deployment.split('/')[1])).toEqual(['0']);
    expect(net.images('provider-0')).toEqual(['nginx:1', 'nginx:1']);
  });

  test('uses up the nonces before one that it sent and is not sure of', () => {
    // It deploys three times at once; the node forgets what it was sent, and so does the tenant but for what it kept.
    const faults: Fault[] = [
      { kind: 'crash', target: 'tenant-0', at: 1_500_000, for: 3 * SECOND },
      { kind: 'crash', target: 'validator-0', at: 1_500_000, for: SECOND },
    ];
    const net = new LeaseNet({ faults });
    const plain = { ...deployRequest(WEB), manifest: null, version: new Uint8Array(32) };
    net.request('tenant-0', plain, 1_400_000);
    net.request('tenant-0', deployRequest(WEB), 1_400_000);
    net.run(60 * SECOND);
    // What it need not remember is gone; what it must is there under the nonce that was synced with it.
    expect(net.eventsOf('DeploymentSubmitted').map(one => one.deployment.split('/')[1])).toEqual(['1']);
    expect(net.images('provider-0')).toEqual(['nginx:1', 'nginx:1']);
  });

  test('goes on with what it deployed: status, lifetime, close', () => {
    const faults: Fault[] = [{ kind: 'crash', target: 'tenant-0', at: 20 * SECOND, for: 5 * SECOND }];
    const net = new LeaseNet({ faults });
    net.request('tenant-0', deployRequest(WEB, { lifetime_us: 60 * SECOND }), SECOND);
    net.run(40 * SECOND);
    const id = net.request('tenant-0', { type: 'status', deployment: null });
    net.pass(4 * SECOND);
    expect(net.replies.get(id) as StatusReply).toMatchObject({
      ok: true,
      deployments: [
        { state: 'open', leases: [{ state: 'active', delivery: { state: 'accepted' }, services: [{ running: 2 }] }] },
      ],
    });
    // The provider has it: nothing was sent again.
    expect(net.sent('manifestWanted')).toBe(1);
    net.run(62 * SECOND);
    expect(net.eventsOf('DeploymentClosing')).toEqual([]);
    net.run(75 * SECOND);
    expect(net.eventsOf('DeploymentClosing')).toHaveLength(1);
    expect(net.images('provider-0')).toEqual([]);
  });

  test('that was away while its deployment ended forgets it, manifest and all', () => {
    const faults: Fault[] = [{ kind: 'crash', target: 'tenant-0', at: 20 * SECOND, for: 120 * SECOND }];
    const net = new LeaseNet({ faults, params: { reconfirmationPeriod: 8 } });
    net.request('tenant-0', deployRequest(WEB, { escrow: 300_000n }), SECOND);
    net.run(180 * SECOND);
    expect(net.eventsOf('DeploymentClosing')).toMatchObject([{ reason: 'insufficient_funds' }]);
    const id = net.request('tenant-0', { type: 'status', deployment: null });
    net.pass(4 * SECOND);
    expect(net.replies.get(id)).toEqual({ ok: true, deployments: [] });
  });

  test('without its outbox stops, rather than to run on without knowing what it has deployed', () => {
    const faults: Fault[] = [
      { kind: 'bitRot', target: 'tenant-0', at: 20 * SECOND, of: 'store', count: 2 },
      { kind: 'restart', target: 'tenant-0', at: 21 * SECOND },
    ];
    const net = submitted(faults);
    expect(net.halted).toEqual([expect.stringMatching(/^tenant-0: the outbox cannot be read/)]);
  });

  test('that was asked for something while it starts answers when it has', () => {
    const faults: Fault[] = [{ kind: 'restart', target: 'tenant-0', at: 20 * SECOND }];
    const net = new LeaseNet({ faults });
    net.request('tenant-0', deployRequest(WEB), SECOND);
    const early = net.request('tenant-0', { type: 'status', deployment: null }, 20 * SECOND + 1);
    net.run(40 * SECOND);
    expect(net.replies.get(early)).toMatchObject({ ok: true, deployments: [{ state: 'open' }] });
  });

  test('that missed what happened while no node was in reach asks how its deployments stand', () => {
    // The node is away with the tenant's connection when the match is made known; who trusts is not told again.
    const cut: Fault = { kind: 'cut', from: ['tenant-0'], to: ['validator-0'], at: 2_500_000, for: 30 * SECOND };
    const net = submitted([cut]);
    expect(net.eventsOf('LeaseCreated')[0]).toBeDefined();
    expect(net.images('provider-0')).toEqual(['nginx:1', 'nginx:1']);
  });
});

describe('a provider', () => {
  test('that comes back takes its containers up with what they were started for, and starts none again', () => {
    const faults: Fault[] = [{ kind: 'crash', target: 'provider-0', at: 20 * SECOND, for: 5 * SECOND }];
    const net = new LeaseNet({ faults });
    net.request('tenant-0', deployRequest(WEB), SECOND);
    net.run(40 * SECOND);
    expect(net.started).toHaveLength(2);
    expect(net.sent('manifestWanted')).toBe(1);
    // One that exits now is started with the same specification: it is known again.
    const [first] = net.running('provider-0');
    net.world.containers('provider-0').crash(first!.id, 'exited', 'a test');
    net.pass(10 * SECOND);
    expect(net.started[2]!.spec).toEqual(first);
    net.pass(100 * SECOND);
    expect(net.eventsOf('LeaseBroken')).toEqual([]);
  });

  test.each(['before', 'after'] as const)(
    'killed %s any of the effects around a delivery runs the manifest in the end',
    point => {
      for (const effect of ['put', 'sync', 'startWorkload', 'send', 'setTimer'] as const) {
        for (let nth = 1; nth <= 12; nth += effect === 'send' ? 1 : 2) {
          const net = new LeaseNet({ faults: [killed('provider-0', effect, nth, point)] });
          net.request('tenant-0', deployRequest(WEB), SECOND);
          net.run(60 * SECOND);
          const what = `${point} ${effect} ${nth}`;
          if (net.eventsOf('LeaseCreated').length === 0) continue;
          expect(net.images('provider-0'), what).toEqual(['nginx:1', 'nginx:1']);
          expect(net.eventsOf('LeaseBroken'), what).toEqual([]);
        }
      }
    },
  );

  test('whose store was damaged is handed the manifest again', () => {
    const faults: Fault[] = [
      { kind: 'bitRot', target: 'provider-0', at: 20 * SECOND, of: 'store', count: 5 },
      { kind: 'restart', target: 'provider-0', at: 21 * SECOND },
    ];
    const net = new LeaseNet({ faults });
    net.request('tenant-0', deployRequest(WEB), SECOND);
    net.run(60 * SECOND);
    expect(net.count('manifests_unreadable')).toBe(1);
    expect(net.sent('manifestWanted')).toBe(2);
    expect(net.images('provider-0')).toEqual(['nginx:1', 'nginx:1']);
  });

  test('that lost its disk stops what it knows nothing about, and is handed the manifest again', () => {
    const faults: Fault[] = [
      { kind: 'diskLoss', target: 'provider-0', at: 20 * SECOND },
      { kind: 'restart', target: 'provider-0', at: 21 * SECOND },
    ];
    const net = new LeaseNet({ faults });
    net.request('tenant-0', deployRequest(WEB), SECOND);
    net.run(60 * SECOND);
    expect(net.sent('manifestWanted')).toBe(2);
    expect(net.images('provider-0')).toEqual(['nginx:1', 'nginx:1']);
    expect(net.started).toHaveLength(4);
  });

  test('that was away while its lease was closed tears it down, and confirms that', () => {
    const faults: Fault[] = [{ kind: 'crash', target: 'provider-0', at: 20 * SECOND, for: 10 * SECOND }];
    const net = new LeaseNet({ faults });
    net.request('tenant-0', deployRequest(WEB, { lifetime_us: 20 * SECOND }), SECOND);
    net.run(60 * SECOND);
    expect(net.eventsOf('LeaseClosed')).toMatchObject([{ resetConfirmed: true }]);
    expect(net.images('provider-0')).toEqual([]);
    expect(net.started).toHaveLength(2);
  });

  test('that missed a match, or a close, while no node was in reach finds out when it is back', () => {
    // Who takes a node at its word is not told again what happened meanwhile.
    const cut = (at: number): Fault => ({
      kind: 'cut',
      from: ['provider-0'],
      to: ['validator-0'],
      at,
      for: 25 * SECOND,
    });
    const matched = new LeaseNet({ faults: [cut(2_500_000)] });
    matched.request('tenant-0', deployRequest(WEB), SECOND);
    matched.run(30 * SECOND);
    expect([matched.eventsOf('LeaseCreated').length, matched.images('provider-0')]).toEqual([1, []]);
    matched.run(60 * SECOND);
    expect(matched.images('provider-0')).toEqual(['nginx:1', 'nginx:1']);
    expect(matched.eventsOf('LeaseActive')).toHaveLength(1);

    const closed = new LeaseNet({ faults: [cut(20 * SECOND)] });
    closed.request('tenant-0', deployRequest(WEB, { lifetime_us: 20 * SECOND }), SECOND);
    closed.run(40 * SECOND);
    expect([closed.eventsOf('LeaseClosing').length, closed.images('provider-0').length]).toEqual([1, 2]);
    closed.run(70 * SECOND);
    expect(closed.images('provider-0')).toEqual([]);
    expect(closed.eventsOf('LeaseClosed')).toMatchObject([{ resetConfirmed: true }]);
  });
});
