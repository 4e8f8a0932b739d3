/** From a manifest to what the backend is asked to run, and to what a tenant is told of it, however large. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_MESSAGE_BYTES } from '../../../src/actors/actor.ts';
import { MAX_STATUS_ADDRESSES, MAX_STATUS_SERVICES } from '../../../src/actors/lease-wire.ts';
import { leaseStatusOf } from '../../../src/actors/provider/lease-status.ts';
import type { Workload } from '../../../src/actors/provider/workload-set.ts';
import {
  assignUnits,
  hasVersion,
  leaseOfWorkload,
  placeOfWorkload,
  specOf,
  workloadId,
} from '../../../src/actors/provider/workload-specs.ts';
import { encodeWire } from '../../../src/actors/wire-bytes.ts';
import { readSdl } from '../../../src/protocol/manifest/sdl.ts';
import type { ManifestService } from '../../../src/protocol/manifest/types.ts';
import type { ResourceGroup } from '../../../src/protocol/model/objects.ts';

const LEASE = 'tom/1/0/0';
const UNIT = { cpu: 1_000, memory: 2, disk: 3, bandwidth: 0, gpu: 0 };

const SDL = `
version: "2.0"
services:
  db:
    image: db:1
    command: [run]
    args: [--fast, "yes"]
    env: [A=1]
    credentials: { host: registry.example, username: tom, password: secret }
    params:
      storage:
        data: { mount: /var/data }
        fast: { mount: /cache, readOnly: true }
    expose:
      - port: 5432
        to: [{ service: web }]
      - port: 8080
        as: 80
        to: [{ global: true }, { service: web }]
      - port: 53
        proto: udp
        to: [{ global: true }]
  web:
    image: web:1
    expose: []
profiles:
  compute:
    stored:
      resources:
        cpu: { units: 1 }
        memory: { size: 1Gi }
        storage:
          - size: 1Gi
          - { name: data, size: 5Gi, attributes: { persistent: true, class: beta3 } }
          - { name: fast, size: 1Gi, attributes: { persistent: false, class: ram } }
    plain: { resources: { cpu: { units: 1 }, memory: { size: 1Gi }, storage: { size: 1Gi } } }
  placement:
    dc: { pricing: { stored: { denom: uakt, amount: 10 }, plain: { denom: uakt, amount: 10 } } }
deployment:
  db: { dc: { profile: stored, count: 1 } }
  web: { dc: { profile: plain, count: 1 } }
`;

function services(): readonly ManifestService[] {
  const reading = readSdl(SDL);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.manifest[0]!.services;
}

describe('a specification', () => {
  test('holds what the manifest says of the service, and of its resources what the lease holds', () => {
    expect(specOf(LEASE, 2, { host: 3, unit: UNIT }, services()[0]!)).toEqual({
      id: 'tom/1/0/0#2@3',
      host: 3,
      image: 'db:1',
      cpu: 1_000,
      memory: 2,
      disk: 3,
      gpu: 0,
      service: {
        network: LEASE,
        name: 'db',
        command: ['run'],
        args: ['--fast', 'yes'],
        env: ['A=1'],
        // What neighbours alone may reach needs no way from outside.
        ports: [
          { port: 53, externalPort: 53, protocol: 'UDP' },
          { port: 8080, externalPort: 80, protocol: 'TCP' },
        ],
        mounts: [
          { name: 'db/data', path: '/var/data', size: 5 * 2 ** 30, readOnly: false, persistent: true },
          { name: 'db/fast', path: '/cache', size: 2 ** 30, readOnly: true, persistent: false },
        ],
        credentials: { host: 'registry.example', username: 'tom', password: 'secret' },
      },
    });
  });

  test('of a lease without a version is a plain unit', () => {
    expect(specOf(LEASE, 0, { host: 0, unit: UNIT }, null)).toMatchObject({ image: 'workload', service: null });
    expect([new Uint8Array(32), new Uint8Array(0), new Uint8Array(32).fill(1, 31)].map(hasVersion)).toEqual([
      false,
      false,
      true,
    ]);
  });

  test('is found again by the name of its workload', () => {
    const id = workloadId(LEASE, 12, 7);
    expect([leaseOfWorkload(id), placeOfWorkload(id)]).toEqual([LEASE, { unit: 12, host: 7 }]);
  });
});

describe('units', () => {
  const named = (names: readonly string[]) => names.map(name => ({ name }) as ManifestService);
  const groups = (...counts: readonly number[]) => counts.map(count => ({ count }) as ResourceGroup);

  test('go on with their service where it has instances left', () => {
    const next = assignUnits(named(['a', 'b', 'b', 'c', 'c']), ['b', 'c', 'b', 'b', 'x'], groups(3, 2));
    expect(next.map(one => one.name)).toEqual(['b', 'a', 'b', 'c', 'c']);
  });

  test('run all of the new services, each group its own, and change none that need not', () => {
    const list = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 6, maxLength: 6 });
    const groupsOf = groups(2, 4);
    fc.assert(
      fc.property(list, list, (after, before) => {
        const assigned = assignUnits(named(after), before, groupsOf).map(one => one.name);
        for (const [from, to] of [
          [0, 2],
          [2, 6],
        ] as const) {
          const [have, want, was] = [assigned, after, before].map(all => all.slice(from, to));
          expect([...have!].sort()).toEqual([...want!].sort());
          // As many stay as there can.
          const common = ['a', 'b', 'c', 'd'].reduce((sum, name) => {
            const [x, y] = [want!, was!].map(all => all.filter(one => one === name).length);
            return sum + Math.min(x!, y!);
          }, 0);
          expect(have!.filter((name, i) => name === was![i]).length).toBe(common);
        }
      }),
    );
  });
});

describe('a status', () => {
  const running = (service: number, addresses: number): Workload =>
    ({
      spec: {},
      started: true,
      running: true,
      failures: 0,
      addresses: Array.from({ length: addresses }, () => ({
        port: 65_535,
        protocol: 'TCP',
        host: `${service}`.padEnd(256, 'h'),
        hostPort: 65_535,
      })),
    }) as unknown as Workload;

  test('with more than a message holds tells of the first ones, and fits', () => {
    const names = Array.from({ length: 400 }, (_, i) => `s${i}`.padEnd(63, 'x'));
    const plan = { version: new Uint8Array(32), services: names.map(name => ({ name }) as ManifestService) };
    const workloads = names.map((_, i) => running(i, 3));
    const status = leaseStatusOf('x'.repeat(200), plan, workloads);
    expect(status.services).toHaveLength(MAX_STATUS_SERVICES);
    const addresses = status.services.flatMap(one => one.addresses);
    expect(addresses).toHaveLength(MAX_STATUS_ADDRESSES);
    expect(encodeWire({ type: 'leaseStatus', status }).length).toBeLessThan(MAX_MESSAGE_BYTES);
  });

  test('counts replicas of a service together; without a manifest there is nothing to tell', () => {
    const plan = { version: new Uint8Array(32), services: ['a', 'b', 'a'].map(name => ({ name }) as ManifestService) };
    const down = { ...running(0, 1), running: false };
    expect(leaseStatusOf(LEASE, plan, [running(0, 1), down]).services).toMatchObject([
      { name: 'a', wanted: 2, running: 1, addresses: [{ port: 65_535 }] },
      { name: 'b', wanted: 1, running: 0, addresses: [] },
    ]);
    expect(leaseStatusOf(LEASE, null, [])).toEqual({ lease: LEASE, version: null, services: [] });
  });
});
