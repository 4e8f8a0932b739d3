/** Every rule of the schema and between the parts of a file, each held and broken. */
import { describe, expect, test } from 'vitest';
import { readSdl } from '../../../src/protocol/manifest/sdl.ts';
import { accepted, changed, type Loose, refused } from './support.ts';

type Changes = Readonly<Record<string, Loose | undefined>>;
const WEB = 'services/web';
const EXPOSE = `${WEB}/expose/0`;
const HTTP = `${EXPOSE}/http_options`;
const TO = `${EXPOSE}/to/0`;
const CARD = 'profiles/compute/card/resources';
const SMALL = 'profiles/compute/small/resources';
const EAST = 'profiles/placement/east';
const LOGIN = { host: 'h', username: 'u', password: '123456' };

test('the example is fine', () => {
  const { groupSpecs, manifest } = accepted(changed({}));
  expect(groupSpecs.map(one => one.name)).toEqual(['east']);
  expect(manifest[0]!.services.map(one => one.name)).toEqual(['db', 'web']);
  expect(groupSpecs[0]!.resources.map(({ id, count, price }) => [id, count, price.atto])).toEqual([
    [1, 2, 100n * 10n ** 18n],
    [2, 1, 25n * 10n ** 17n],
  ]);
});

describe('the schema takes', () => {
  const cases: readonly Changes[] = [
    { version: '2.1' },
    { include: ['a.yaml'] },
    { [`${WEB}/command`]: null, [`${WEB}/args`]: null, [`${WEB}/env`]: null, 'services/db/expose': null },
    { [`${WEB}/credentials`]: LOGIN },
    { [`${WEB}/credentials`]: { ...LOGIN, email: 'a@b.c' } },
    { [`${WEB}/dependencies`]: [{ service: 'db' }, {}] },
    { [`${EXPOSE}/port`]: 1 },
    { [`${EXPOSE}/port`]: 65535, [`${EXPOSE}/as`]: 65535 },
    { [`${EXPOSE}/proto`]: 'udp' },
    { [`${EXPOSE}/accept`]: ['a.example'] },
    { [HTTP]: {} },
    {
      [HTTP]: {
        max_body_size: 104857600,
        read_timeout: 60000,
        send_timeout: 0,
        next_timeout: 0,
        next_tries: 4294967295,
      },
    },
    { [HTTP]: { proxy_buffer_size: 1048576, next_cases: ['off'] } },
    { [HTTP]: { next_cases: [] } },
    { [HTTP]: { next_cases: ['500', '429', 'error', 'timeout'] } },
    { [TO]: {} },
    { [TO]: { service: '' } },
    { [`${WEB}/params`]: {} },
    { [`${WEB}/params`]: { permissions: {}, tee: 'cpu' } },
    { [`${WEB}/params`]: { permissions: { read: ['deployment', 'logs', 'events'] } } },
    { [`${CARD}/cpu/units`]: 0.001 },
    { [`${CARD}/cpu/units`]: '0.0k' },
    { [`${CARD}/cpu/attributes`]: { arch: 'amd64', n: 1.5, b: true, z: null, l: [1, [2, null]], m: {} } },
    { [`${CARD}/gpu/attributes/vendor/nvidia`]: null },
    { [`${CARD}/gpu/attributes/vendor/nvidia`]: [] },
    { [`${CARD}/gpu/attributes/vendor/nvidia`]: [{}, { interface: 'sxm' }, { interface: 'pcie' }] },
    { [`${CARD}/gpu`]: {} },
    { [`${CARD}/gpu`]: { units: 0 } },
    { [`${CARD}/gpu/units`]: '2' },
    { [`${CARD}/storage`]: [] },
    { [`${CARD}/storage/attributes`]: { class: 'ram', persistent: false } },
    { [`${CARD}/storage/attributes`]: { class: 'ram', persistent: 'no' } },
    { [`${EAST}/attributes`]: undefined, [`${EAST}/signedBy`]: {} },
    { [`${EAST}/pricing/small/amount`]: 0 },
    { [`${EAST}/pricing/small/amount`]: '007.50' },
    { [`${EAST}/pricing/small/amount`]: 1e-7 },
    { endpoints: {} },
    { endpoints: { 'my-ip_1': { kind: 'ip' } }, [TO]: { global: true, ip: 'my-ip_1' } },
    { reclamation: { min_window: '24h' } },
    { 'deployment/web/east/count': 4294967295 },
  ];
  test.each(cases.map(one => [JSON.stringify(one), one] as const))('%s', (_, changes) => {
    accepted(changed(changes));
  });
});

describe('the schema refuses', () => {
  const cases: readonly (readonly [path: string, expected: string, changes: Changes])[] = [
    ['', 'no "version"', { version: undefined }],
    ['', 'no "services"', { services: undefined }],
    ['', 'no "profiles"', { profiles: undefined }],
    ['', 'no "deployment"', { deployment: undefined }],
    ['', 'the property "volumes"', { volumes: {} }],
    ['/version', '"3.0"', { version: '3.0' }],
    ['/version', 'the number 2', { version: 2.0 }],
    ['/include/0', 'the number 1', { include: [1] }],
    ['/services', 'an empty list', { services: [] }],
    ['/services/web', 'nothing (null)', { [WEB]: null }],
    ['/services/web', 'no "image"', { [`${WEB}/image`]: undefined }],
    ['/services/web/image', '""', { [`${WEB}/image`]: '' }],
    ['/services/web', 'the property "restart"', { [`${WEB}/restart`]: 'always' }],
    ['/services/web/env/1', 'the number 2', { [`${WEB}/env`]: ['A', 2] }],
    ['/services/web/args', '"a b"', { [`${WEB}/args`]: 'a b' }],
    ['/services/web/command', 'a map', { [`${WEB}/command`]: { a: 1 } }],
    ['/services/web/credentials', 'nothing (null)', { [`${WEB}/credentials`]: null }],
    ['/services/web/credentials', 'no "host"', { [`${WEB}/credentials`]: { username: 'u', password: '123456' } }],
    ['/services/web/credentials', 'no "username"', { [`${WEB}/credentials`]: { host: 'h', password: '123456' } }],
    ['/services/web/credentials', 'no "password"', { [`${WEB}/credentials`]: { host: 'h', username: 'u' } }],
    ['/services/web/credentials/host', '""', { [`${WEB}/credentials`]: { ...LOGIN, host: '' } }],
    ['/services/web/credentials/username', '""', { [`${WEB}/credentials`]: { ...LOGIN, username: '' } }],
    ['/services/web/credentials/email', '"a@b"', { [`${WEB}/credentials`]: { ...LOGIN, email: 'a@b' } }],
    ['/services/web/credentials/email', '"a😀😀b"', { [`${WEB}/credentials`]: { ...LOGIN, email: 'a😀😀b' } }],
    ['/services/web/credentials', 'the property "token"', { [`${WEB}/credentials`]: { ...LOGIN, token: 'x' } }],
    ['/services/web/dependencies/0', 'the property "name"', { [`${WEB}/dependencies`]: [{ name: 'db' }] }],
    ['/services/web/expose', '"80"', { [`${WEB}/expose`]: '80' }],
    ['/services/web/expose/0', 'no "port"', { [`${EXPOSE}/port`]: undefined }],
    ['/services/web/expose/0/port', 'the number 0', { [`${EXPOSE}/port`]: 0 }],
    ['/services/web/expose/0/port', 'the number 65536', { [`${EXPOSE}/port`]: 65536 }],
    ['/services/web/expose/0/port', 'the number 80.5', { [`${EXPOSE}/port`]: 80.5 }],
    ['/services/web/expose/0/port', '"80"', { [`${EXPOSE}/port`]: '80' }],
    ['/services/web/expose/0/as', 'nothing (null)', { [`${EXPOSE}/as`]: null }],
    ['/services/web/expose/0/proto', '"Tcp"', { [`${EXPOSE}/proto`]: 'Tcp' }],
    ['/services/web/expose/0/accept', 'nothing (null)', { [`${EXPOSE}/accept`]: null }],
    ['/services/web/expose/0/to', 'a map', { [`${EXPOSE}/to`]: { global: true } }],
    ['/services/web/expose/0/to/0/global', '"true"', { [TO]: { global: 'true' } }],
    ['/services/web/expose/0/to/0/service', 'nothing (null)', { [TO]: { service: null } }],
    ['/services/web/expose/0/to/0', 'the property "http_options"', { [TO]: { http_options: {} } }],
    ['/services/web/expose/0/to/0/ip', '""', { [TO]: { global: true, ip: '' } }],
    ['/services/web/expose/0/to/0', 'an IP without "global"', { [TO]: { ip: 'x' } }],
    ['/services/web/expose/0/to/0/global', 'false', { [TO]: { ip: 'x', global: false } }],
    [
      '/services/web/expose/0/http_options/max_body_size',
      'the number 104857601',
      { [HTTP]: { max_body_size: 104857601 } },
    ],
    ['/services/web/expose/0/http_options/read_timeout', 'the number 60001', { [HTTP]: { read_timeout: 60001 } }],
    ['/services/web/expose/0/http_options/send_timeout', 'the number -1', { [HTTP]: { send_timeout: -1 } }],
    [
      '/services/web/expose/0/http_options/proxy_buffer_size',
      'the number 1048577',
      { [HTTP]: { proxy_buffer_size: 1048577 } },
    ],
    ['/services/web/expose/0/http_options/next_tries', '"3"', { [HTTP]: { next_tries: '3' } }],
    [
      '/services/web/expose/0/http_options/next_timeout',
      'the number 4294967296',
      { [HTTP]: { next_timeout: 4294967296 } },
    ],
    ['/services/web/expose/0/http_options/next_cases/0', 'the number 500', { [HTTP]: { next_cases: [500] } }],
    [
      '/services/web/expose/0/http_options/next_cases',
      'off and other cases',
      { [HTTP]: { next_cases: ['error', 'off'] } },
    ],
    [
      '/services/web/expose/0/http_options/next_cases',
      'off and other cases',
      { [HTTP]: { next_cases: ['off', 'off'] } },
    ],
    ['/services/web/expose/0/http_options', 'the property "x"', { [HTTP]: { x: 1 } }],
    ['/services/web/params', 'nothing (null)', { [`${WEB}/params`]: null }],
    ['/services/web/params/tee', '"gpu"', { [`${WEB}/params`]: { tee: 'gpu' } }],
    ['/services/web/params/permissions/read/0', '"all"', { [`${WEB}/params`]: { permissions: { read: ['all'] } } }],
    ['/services/db/params/storage/data/mount', '"data"', { 'services/db/params/storage/data/mount': 'data' }],
    ['/services/db/params/storage/data/mount', '""', { 'services/db/params/storage/data/mount': '' }],
    ['/services/db/params/storage/data/readOnly', '"no"', { 'services/db/params/storage/data/readOnly': 'no' }],
    ['/services/db/params/storage/data', 'nothing (null)', { 'services/db/params/storage/data': null }],
    ['/profiles', 'the property "storage"', { 'profiles/storage': {} }],
    ['/profiles', 'no "compute"', { 'profiles/compute': undefined }],
    ['/profiles/compute/card', 'no "resources"', { 'profiles/compute/card': {} }],
    ['/profiles/compute/card/resources', 'no "cpu"', { [`${CARD}/cpu`]: undefined }],
    ['/profiles/compute/card/resources', 'no "storage"', { [`${CARD}/storage`]: undefined }],
    ['/profiles/compute/card/resources/cpu/units', 'the number 0', { [`${CARD}/cpu/units`]: 0 }],
    ['/profiles/compute/card/resources/cpu/units', 'the number -1', { [`${CARD}/cpu/units`]: -1 }],
    ['/profiles/compute/card/resources/cpu/units', '"0"', { [`${CARD}/cpu/units`]: '0' }],
    ['/profiles/compute/card/resources/cpu/units', '"0.00m"', { [`${CARD}/cpu/units`]: '0.00m' }],
    ['/profiles/compute/card/resources/cpu/units', '"-100m"', { [`${CARD}/cpu/units`]: '-100m' }],
    ['/profiles/compute/card/resources/cpu/units', '".5"', { [`${CARD}/cpu/units`]: '.5' }],
    ['/profiles/compute/card/resources/cpu/units', 'true', { [`${CARD}/cpu/units`]: true }],
    ['/profiles/compute/card/resources/cpu/attributes', 'nothing (null)', { [`${CARD}/cpu/attributes`]: null }],
    ['/profiles/compute/card/resources/memory', 'no "size"', { [`${CARD}/memory`]: {} }],
    ['/profiles/compute/card/resources/memory', 'the property "attributes"', { [`${CARD}/memory/attributes`]: {} }],
    ['/profiles/compute/card/resources/memory/size', 'the number 512', { [`${CARD}/memory/size`]: 512 }],
    ['/profiles/compute/card/resources/storage', 'no "size"', { [`${CARD}/storage`]: { name: 'x' } }],
    ['/profiles/compute/small/resources/storage/0', 'no "size"', { [`${SMALL}/storage/0`]: {} }],
    ['/profiles/compute/card/resources/storage/name', 'nothing (null)', { [`${CARD}/storage/name`]: null }],
    [
      '/profiles/compute/card/resources/storage/attributes',
      'no "persistent"',
      { [`${CARD}/storage/attributes`]: { class: 'x' } },
    ],
    [
      '/profiles/compute/card/resources/storage/attributes',
      'no "class"',
      { [`${CARD}/storage/attributes`]: { persistent: false } },
    ],
    [
      '/profiles/compute/card/resources/storage/attributes/persistent',
      'the number 1',
      { [`${CARD}/storage/attributes`]: { class: 'x', persistent: 1 } },
    ],
    [
      '/profiles/compute/card/resources/storage/attributes',
      'persistent RAM',
      { [`${CARD}/storage/attributes`]: { class: 'ram', persistent: 'true' } },
    ],
    [
      '/profiles/compute/card/resources/storage/attributes/persistent',
      'false',
      { [`${CARD}/storage/attributes`]: { class: 'default', persistent: false } },
    ],
    ['/profiles/compute/card/resources/gpu', 'nothing (null)', { [`${CARD}/gpu`]: null }],
    ['/profiles/compute/card/resources/gpu', 'no "attributes"', { [`${CARD}/gpu`]: { units: 1 } }],
    ['/profiles/compute/card/resources/gpu', 'no "attributes"', { [`${CARD}/gpu`]: { units: 'one' } }],
    ['/profiles/compute/card/resources/gpu', 'attributes without "units"', { [`${CARD}/gpu/units`]: undefined }],
    ['/profiles/compute/card/resources/gpu/units', 'the number 0', { [`${CARD}/gpu/units`]: 0 }],
    ['/profiles/compute/card/resources/gpu/units', '"0.0"', { [`${CARD}/gpu/units`]: '0.0' }],
    [
      '/profiles/compute/card/resources/gpu/attributes/vendor',
      'an empty map',
      { [`${CARD}/gpu/attributes/vendor`]: {} },
    ],
    [
      '/profiles/compute/card/resources/gpu/attributes/vendor',
      'the property "amd"',
      { [`${CARD}/gpu/attributes/vendor`]: { amd: [{ model: 'x' }] } },
    ],
    [
      '/profiles/compute/card/resources/gpu/attributes/vendor/nvidia/0/model',
      'the number 4000',
      { [`${CARD}/gpu/attributes/vendor/nvidia/0/model`]: 4000 },
    ],
    [
      '/profiles/compute/card/resources/gpu/attributes/vendor/nvidia/0/interface',
      '"nvlink"',
      { [`${CARD}/gpu/attributes/vendor/nvidia/0/interface`]: 'nvlink' },
    ],
    ['/profiles/placement/east', 'no "pricing"', { [`${EAST}/pricing`]: undefined }],
    ['/profiles/placement/east/attributes', 'nothing (null)', { [`${EAST}/attributes`]: null }],
    ['/profiles/placement/east/signedBy/allOf', '"x"', { [`${EAST}/signedBy`]: { allOf: 'x' } }],
    ['/profiles/placement/east/pricing/small', 'no "denom"', { [`${EAST}/pricing/small`]: { amount: 1 } }],
    ['/profiles/placement/east/pricing/small/denom', '"akt"', { [`${EAST}/pricing/small/denom`]: 'akt' }],
    ['/profiles/placement/east/pricing/small/amount', 'the number -1', { [`${EAST}/pricing/small/amount`]: -1 }],
    ['/profiles/placement/east/pricing/small/amount', '"1."', { [`${EAST}/pricing/small/amount`]: '1.' }],
    ['/profiles/placement/east/pricing/small', 'the property "value"', { [`${EAST}/pricing/small/value`]: 1 }],
    ['/deployment/web', 'nothing (null)', { 'deployment/web': null }],
    ['/deployment/web/east', 'no "profile"', { 'deployment/web/east': { count: 1 } }],
    ['/deployment/web/east', 'no "count"', { 'deployment/web/east': { profile: 'card' } }],
    ['/deployment/web/east/count', 'the number 0', { 'deployment/web/east/count': 0 }],
    ['/deployment/web/east/count', 'the number 4294967296', { 'deployment/web/east/count': 4294967296 }],
    ['/deployment/web/east/count', 'the number 1e+30', { 'deployment/web/east/count': 1e30 }],
    ['/endpoints', 'the name "x"', { endpoints: { x: { kind: 'ip' } } }],
    ['/endpoints', 'the name "Xy"', { endpoints: { Xy: { kind: 'ip' } } }],
    ['/endpoints/xy', 'no "kind"', { endpoints: { xy: {} } }],
    ['/endpoints/xy/kind', '"dns"', { endpoints: { xy: { kind: 'dns' } } }],
    ['/reclamation', 'no "min_window"', { reclamation: {} }],
    ['/reclamation/min_window', '"0s"', { reclamation: { min_window: '0s' } }],
    ['/reclamation/min_window', '"1h30m"', { reclamation: { min_window: '1h30m' } }],
  ];
  test.each(cases)('%s: %s', (path, found, changes) => {
    const problems = refused(changed(changes), 'schema');
    expect(problems.map(one => one.path)).toContain(path);
    const own = problems.filter(one => one.path === path);
    expect(
      own.some(one => one.message.startsWith(`found ${found}, expected `)),
      JSON.stringify(own),
    ).toBe(true);
  });

  test('a password is never told', () => {
    const short = refused(changed({ [`${WEB}/credentials`]: { ...LOGIN, password: 'eheim' } }), 'schema');
    const number = refused(changed({ [`${WEB}/credentials`]: { ...LOGIN, password: 271828 } }), 'schema');
    expect(short).toHaveLength(1);
    expect(JSON.stringify([short, number])).not.toMatch(/eheim|271828/);
  });

  test('dates are attributes in quotes only', () => {
    const file = (date: string): string => changed({ [`${EAST}/attributes/until`]: 'DATE' }).replace('"DATE"', date);
    expect(refused(file('2024-01-01'), 'schema')).toMatchObject([
      { path: '/profiles/placement/east/attributes/until' },
    ]);
    expect(refused(file('[1, {a: 2024-01-01}]'), 'schema')).toMatchObject([
      { path: '/profiles/placement/east/attributes/until/1/a' },
    ]);
    accepted(file('"2024-01-01"'));
  });

  test.each(['[]', 'text', '12', 'true'])('a file that is no map: %s', source => {
    expect(refused(source, 'schema')).toMatchObject([{ path: '', line: 1, column: 1 }]);
  });

  test('everything at once, in the order of the file', () => {
    const problems = refused(
      changed({ version: '9', [`${WEB}/image`]: '', [`${EXPOSE}/port`]: 0, 'deployment/db/east/count': 0 }),
      'schema',
    );
    expect(problems.map(one => one.path)).toEqual([
      '/version',
      '/services/web/image',
      '/services/web/expose/0/port',
      '/deployment/db/east/count',
    ]);
    expect(problems[2]).toMatchObject({ line: 8, column: 19 });
  });
});

describe('the parts agree', () => {
  const TEE = { tee: 'cpu' };
  const ip = { global: true, ip: 'one' };
  const cases: readonly (readonly [path: string, found: RegExp, changes: Changes])[] = [
    ['/deployment', /no service "db"/, { 'deployment/db': undefined }],
    ['/profiles/placement', /no placement "west"/, { 'deployment/db': { west: { profile: 'small', count: 1 } } }],
    ['/profiles/placement/east/pricing', /no price of profile "small"/, { [`${EAST}/pricing/small`]: undefined }],
    ['/profiles/compute', /no profile "small"/, { 'profiles/compute/small': undefined }],
    [
      '/profiles/compute/small/resources/storage',
      /no volume "other"/,
      { 'services/db/params/storage/other': { mount: '/other' } },
    ],
    [
      '/services/db/params/storage/more/mount',
      /the mount "\/data" of volume "data"/,
      { [`${SMALL}/storage/0/name`]: 'more', 'services/db/params/storage/more': { mount: '/data' } },
    ],
    [
      '/services/db/params/storage/b',
      /a second volume without mount besides "a"/,
      {
        [`${SMALL}/storage`]: [
          { name: 'a', size: '1Gi' },
          { name: 'b', size: '1Gi' },
        ],
        'services/db/params/storage': { a: {}, b: { readOnly: true } },
      },
    ],
    [
      '/services/db/params/storage/data',
      /no mount of the persistent volume "data"/,
      { 'services/db/params': undefined },
    ],
    [
      '/services/db/params/storage/data',
      /no mount of the persistent volume/,
      { 'services/db/params/storage/data': {} },
    ],
    [
      '/services/web/params/storage/default',
      /no mount of the persistent volume "default"/,
      { [`${CARD}/storage/attributes`]: { class: 'beta2', persistent: true } },
    ],
    [
      '/services/web/params/storage/default',
      /no mount of the persistent volume "default"/,
      { [`${CARD}/storage/attributes`]: { class: 'own', persistent: 'maybe' } },
    ],
    [
      '/profiles/compute/card/resources/gpu',
      /0 graphics cards without attributes/,
      { [`${CARD}/gpu`]: { units: '0' } },
    ],
    ['/profiles/compute/card/resources/gpu/attributes', /without vendor/, { [`${CARD}/gpu/attributes`]: {} }],
    ['/services/db/params/tee', /cpu-gpu, expected graphics cards/, { 'services/db/params/tee': 'cpu-gpu' }],
    [
      '/services/web/params/tee',
      /cpu-gpu besides cpu in placement "east"/,
      { 'services/db/params/tee': 'cpu', [`${WEB}/params`]: { tee: 'cpu-gpu' } },
    ],
    ['/endpoints/one', /no endpoint "one"/, { [TO]: ip }],
    ['/endpoints/one', /the endpoint "one", which nobody uses/, { endpoints: { one: { kind: 'ip' } } }],
    [
      '/services/web/expose/0/to/0/ip',
      /port 80 \(TCP\) of endpoint "one", which service "db" has/,
      { endpoints: { one: { kind: 'ip' } }, [TO]: ip, 'services/db/expose': [{ port: 5432, as: 80, to: [ip] }] },
    ],
    ['/deployment/ghost', /a deployment of "ghost"/, { 'deployment/ghost': { east: { profile: 'card', count: 1 } } }],
    [
      '/profiles/compute/card/resources/memory/size',
      /"512", expected a size with a unit/,
      { [`${CARD}/memory/size`]: '512' },
    ],
    ['/profiles/compute/card/resources/storage/size', /"1 Gi", expected a size/, { [`${CARD}/storage/size`]: '1 Gi' }],
    ['/profiles/compute/small/resources/storage/1/size', /"x", expected a size/, { [`${SMALL}/storage/1/size`]: 'x' }],
    ['/profiles/compute/card/resources/gpu/units', /"many", expected a number/, { [`${CARD}/gpu/units`]: 'many' }],
    ['/profiles/compute/card/resources/gpu/units', /"-1", expected a number/, { [`${CARD}/gpu/units`]: '-1' }],
    [
      '/profiles/compute/card/resources/cpu/units',
      /more processors than there are numbers/,
      { [`${CARD}/cpu/units`]: '9'.repeat(400) },
    ],
    [
      '/profiles/compute/card/resources/cpu/units',
      /more processors than there are numbers/,
      { [`${CARD}/cpu/units`]: 1e307 },
    ],
  ];
  test.each(cases)('%s: %s', (path, found, changes) => {
    const problems = refused(changed(changes), 'validate').filter(one => one.path === path);
    expect(problems).toHaveLength(1);
    expect(problems[0]!.message).toMatch(found);
    expect(problems[0]!.line).toBeGreaterThan(0);
  });

  test.each<readonly [string, Changes]>([
    [
      'a deployment of a service that is not there, where nobody else is',
      { 'deployment/ghost': { nowhere: { profile: 'x', count: 1 } } },
    ],
    ['a service that is deployed nowhere', { 'deployment/web': {} }],
    [
      'quantities of a profile that nobody uses',
      {
        'profiles/compute/unused': {
          resources: {
            cpu: { units: 1 },
            memory: { size: '?' },
            gpu: { units: 'x', attributes: {} },
            storage: { size: '' },
          },
        },
      },
    ],
    ['a volume without mount', { [`${SMALL}/storage/0/name`]: 'more', 'services/db/params/storage/more': {} }],
    ['one type of tee in each placement', { [`${WEB}/params`]: TEE, 'services/db/params/tee': 'cpu' }],
    [
      'ports of one endpoint that differ in number or protocol',
      {
        endpoints: { one: { kind: 'ip' } },
        [`${WEB}/expose`]: [
          { port: 80, to: [ip] },
          { port: 80, proto: 'UDP', to: [ip] },
          { port: 80, as: 81, to: [ip] },
        ],
      },
    ],
    ['a file at all with a service exposed to one that is not there', { [TO]: { service: 'nobody' } }],
  ])('takes %s', (_, changes) => {
    accepted(changed(changes));
  });

  test('one problem is said once, however often a service is deployed', () => {
    const problems = refused(
      changed({
        'profiles/placement/west': { pricing: { small: { denom: 'uakt', amount: 1 } } },
        'deployment/db/west': { profile: 'small', count: 1 },
        [`${SMALL}/memory/size`]: '1',
      }),
      'validate',
    );
    expect(problems).toMatchObject([{ path: '/profiles/compute/small/resources/memory/size' }]);
  });

  test('names of services may be those of object properties', () => {
    const tree = JSON.parse(
      changed({}).replaceAll('"web"', '"constructor"').replaceAll('"card"', '"toString"'),
    ) as object;
    expect(accepted(JSON.stringify(tree)).manifest[0]!.services.map(one => one.name)).toEqual(['constructor', 'db']);
  });

  test('JSON pointers escape', () => {
    const reading = readSdl(changed({ 'services/a~b': { image: '' } }).replace('"a~b"', '"a~b/c"'));
    expect(!reading.ok && reading.problems[0]!.path).toBe('/services/a~0b~1c/image');
  });
});
