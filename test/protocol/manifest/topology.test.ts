/** Who may talk to whom: nobody, except where a file says so. */
import { describe, expect, test } from 'vitest';
import { topology } from '../../../src/protocol/manifest/topology.ts';
import type { TopologyLink } from '../../../src/protocol/manifest/types.ts';
import { accepted, changed, type Loose } from './support.ts';

/** The links of the example with other ports of `web`. */
function links(web: Loose, more: Readonly<Record<string, Loose>> = {}): readonly TopologyLink[] {
  return accepted(changed({ 'services/web/expose': web, 'services/db/expose': null, ...more })).topology.links;
}

const link = (over: Partial<TopologyLink>): TopologyLink => ({
  from: 'global',
  to: 'web',
  port: 80,
  as: 80,
  proto: 'TCP',
  hosts: [],
  ip: '',
  entrance: 'shared-http',
  ...over,
});

describe('links', () => {
  test('the example: the world to web, web to the database, and nothing else', () => {
    const { services, links: all } = accepted(changed({})).topology;
    expect(services).toEqual([
      { name: 'db', groups: [{ group: 'east', count: 2 }] },
      { name: 'web', groups: [{ group: 'east', count: 1 }] },
    ]);
    expect(all).toEqual([link({ from: { service: 'web' }, to: 'db', port: 5432, as: 5432, entrance: null }), link({})]);
  });

  test.each<[string, Loose]>([
    ['no ports', null],
    ['a port for nobody', [{ port: 80 }]],
    ['a port for an empty list', [{ port: 80, to: [] }]],
    ['a port for neither a service nor the world', [{ port: 80, to: [{}, { global: false }] }]],
    ['a port for a service that is not there', [{ port: 80, to: [{ service: 'nobody' }] }]],
  ])('none of %s', (_, web) => expect(links(web)).toEqual([]));

  test('the port outside may be another, and decides the entrance', () => {
    expect(links([{ port: 8080, as: 80, to: [{ global: true }] }])).toEqual([link({ port: 8080 })]);
    expect(links([{ port: 80, as: 81, to: [{ global: true }] }])).toEqual([link({ as: 81, entrance: 'random-port' })]);
    expect(links([{ port: 80, proto: 'udp', to: [{ global: true }] }])).toEqual([
      link({ proto: 'UDP', entrance: 'random-port' }),
    ]);
  });

  test('host names lead in from outside, in one order', () => {
    const web = [{ port: 80, accept: ['b.example', 'a.example'], to: [{ global: true }, { service: 'db' }] }];
    expect(links(web)).toEqual([
      link({ hosts: ['a.example', 'b.example'] }),
      link({ from: { service: 'db' }, entrance: null }),
    ]);
  });

  test('a leased IP is one way in more', () => {
    const web = [{ port: 80, to: [{ global: true, ip: 'one' }] }];
    expect(links(web, { endpoints: { one: { kind: 'ip' } } })).toEqual([
      link({}),
      link({ ip: 'one', entrance: 'leased-ip' }),
    ]);
  });

  test('to the world and to a service in one', () => {
    expect(links([{ port: 80, to: [{ service: 'db', global: true }] }])).toEqual([
      link({}),
      link({ from: { service: 'db' }, entrance: null }),
    ]);
  });

  test('a service may be exposed to itself', () => {
    expect(links([{ port: 80, to: [{ service: 'web' }] }])).toEqual([
      link({ from: { service: 'web' }, entrance: null }),
    ]);
  });
});

describe('across groups', () => {
  const file = changed({
    'profiles/placement/west': { pricing: { small: { denom: 'uakt', amount: 1 }, card: { denom: 'uakt', amount: 1 } } },
    'deployment/web': { west: { profile: 'card', count: 3 }, east: { profile: 'card', count: 1 } },
    'deployment/db': { west: { profile: 'small', count: 1 } },
  });

  test('a service in two groups is one service, and its links stand there once', () => {
    const { services, links: all } = accepted(file).topology;
    expect(services).toEqual([
      { name: 'db', groups: [{ group: 'west', count: 1 }] },
      {
        name: 'web',
        groups: [
          { group: 'east', count: 1 },
          { group: 'west', count: 3 },
        ],
      },
    ]);
    expect(all).toEqual([link({ from: { service: 'web' }, to: 'db', port: 5432, as: 5432, entrance: null }), link({})]);
  });

  test('whatever the order of the manifest', () => {
    const { manifest, topology: expected } = accepted(file);
    const turned = manifest.toReversed().map(group => ({ ...group, services: group.services.toReversed() }));
    expect(topology(turned)).toEqual(expected);
  });
});

describe('groups', () => {
  test('services of one profile in one placement share their resources', () => {
    const { groupSpecs, manifest } = accepted(
      changed({
        'deployment/web/east/profile': 'small',
        'services/web/params': { storage: { data: { mount: '/x' } } },
        'services/web/expose': [
          { port: 443, to: [{ global: true }] },
          { port: 80, to: [{ global: true }] },
        ],
        'services/db/expose': [{ port: 80, proto: 'udp', to: [{ global: true }] }],
      }),
    );
    expect(groupSpecs[0]!.resources).toMatchObject([
      {
        id: 1,
        count: 3,
        endpoints: [
          { kind: 0, sequenceNumber: 0 },
          { kind: 1, sequenceNumber: 0 },
          { kind: 1, sequenceNumber: 0 },
        ],
      },
    ]);
    // In the manifest each has its own, as the file has them.
    expect(manifest[0]!.services.map(one => [one.name, one.resources.id, one.resources.endpoints])).toEqual([
      ['db', 1, [{ kind: 1, sequenceNumber: 0 }]],
      [
        'web',
        1,
        [
          { kind: 1, sequenceNumber: 0 },
          { kind: 0, sequenceNumber: 0 },
        ],
      ],
    ]);
  });

  test('leased IPs are numbered by name, a shared one by its last use', () => {
    const ip = (name: string): Loose => [{ global: true, ip: name }];
    const { manifest } = accepted(
      changed({
        endpoints: { alpha: { kind: 'ip' }, beta: { kind: 'ip' } },
        'services/web/expose': [
          { port: 1, to: ip('beta') },
          { port: 2, to: ip('alpha') },
        ],
        'services/db/expose': [{ port: 3, to: ip('alpha') }],
      }),
    );
    const numbers = manifest[0]!.services.flatMap(one =>
      one.expose.map(port => [port.ip, port.endpointSequenceNumber]),
    );
    expect(numbers).toEqual([
      ['alpha', 2],
      ['beta', 3],
      ['alpha', 2],
    ]);
  });

  test('cards, volumes and attributes', () => {
    const { groupSpecs } = accepted(
      changed({
        'services/web/params': { tee: 'cpu-gpu' },
        'profiles/compute/card/resources/gpu/attributes/vendor/nvidia': [{ model: 'h100', interface: 'sxm' }, {}],
        'profiles/compute/card/resources/cpu/attributes': { arch: 'amd64', list: [1, null, [true]], map: {} },
        'profiles/placement/east/attributes': { z: 1, A: 1.5, b: null },
      }),
    );
    expect(groupSpecs[0]!.requirements.attributes).toEqual([
      { key: 'A', value: '1.5' },
      { key: 'b', value: 'null' },
      { key: 'tee/type', value: 'cpu-gpu' },
      { key: 'z', value: '1' },
    ]);
    const [db, web] = groupSpecs[0]!.resources;
    expect(db!.storage).toEqual([
      { name: 'default', bytes: 1n << 30n, attributes: [] },
      {
        name: 'data',
        bytes: 1n << 31n,
        attributes: [
          { key: 'class', value: 'beta3' },
          { key: 'persistent', value: 'true' },
        ],
      },
    ]);
    expect(web!.gpu).toEqual({
      units: 1n,
      text: '1',
      attributes: [
        { key: 'vendor/nvidia/model/h100/interface/sxm', value: 'true' },
        { key: 'vendor/nvidia/model/undefined', value: 'true' },
      ],
    });
    expect(web!.cpu.attributes).toEqual([
      { key: 'arch', value: 'amd64' },
      { key: 'list', value: '1,,true' },
      { key: 'map', value: '[object Object]' },
    ]);
  });
});
