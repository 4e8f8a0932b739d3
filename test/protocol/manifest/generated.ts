/** SDL files at random: whole ones that are right, and what may be done to any. */
import fc from 'fast-check';
import type { Loose, LooseMap } from './support.ts';

const name = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_.-]{0,6}$/);
/** Whatever may stand in a text: words that YAML or JSON might take for something else among them. */
const text = fc.oneof(
  fc.constantFrom(
    'true',
    'null',
    '1e3',
    '0x10',
    '2024-01-01',
    '',
    ' x ',
    'a: b',
    '- a',
    '<&>',
    '#',
    '\u2028',
    '\u{1f600}',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);
const size = fc.stringMatching(/^[1-9][0-9]{0,4}(\.[0-9]{1,3})?[kMGT]i?$/);
const attributes = fc.dictionary(
  name,
  fc.oneof(text, fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true })),
  {
    maxKeys: 3,
  },
);
const some = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const uint = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });

const volumes = fc.uniqueArray(
  fc.record({
    name: fc.stringMatching(/^[a-z]{1,4}$/),
    size,
    attributes: some(
      fc.constantFrom(
        { class: 'ram', persistent: false },
        { class: 'beta2', persistent: true },
        { class: 'default', persistent: 'true' },
        { class: 'own', persistent: 'No' },
      ),
    ),
  }),
  { selector: one => one.name, maxLength: 3 },
);

const gpu = fc.oneof(
  fc.constantFrom({}, { units: 0 }),
  fc.record({
    units: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constantFrom('2', '3 cards', 1.5)),
    attributes: fc.record({
      vendor: fc.record({
        nvidia: fc.option(
          fc.array(
            fc.record(
              {
                model: fc.constantFrom('a100', 'h100'),
                ram: fc.constant('80Gi'),
                interface: fc.constantFrom('sxm', 'pcie'),
              },
              { requiredKeys: [] },
            ),
            { maxLength: 2 },
          ),
        ),
      }),
    }),
  }),
);

const http = fc.record(
  {
    max_body_size: uint(104_857_600),
    read_timeout: uint(60_000),
    send_timeout: uint(60_000),
    next_tries: uint(9),
    next_timeout: uint(9_999),
    proxy_buffer_size: uint(1_048_576),
    next_cases: fc.oneof(fc.constant(['off']), fc.uniqueArray(fc.constantFrom('error', 'timeout', '500', '429'))),
  },
  { requiredKeys: [] },
);

const port = fc.integer({ min: 1, max: 65_535 });

/** Of services with these names; `ports` keeps apart who shares an IP. */
const expose = (services: readonly string[], ips: readonly string[], i: number): fc.Arbitrary<LooseMap> =>
  fc
    .record(
      {
        port,
        as: port,
        proto: fc.constantFrom('TCP', 'UDP', 'tcp', 'udp'),
        accept: fc.array(text, { maxLength: 2 }),
        http_options: http,
        to: fc.array(
          fc.oneof(
            fc.record({ service: fc.constantFrom(...services, 'nobody'), global: fc.boolean() }, { requiredKeys: [] }),
            ...(ips.length === 0 ? [] : [fc.record({ global: fc.constant(true), ip: fc.constantFrom(...ips) })]),
          ),
          { maxLength: 3 },
        ),
      },
      { requiredKeys: ['port'] },
    )
    .map(one => {
      const seen = new Set<string>();
      const to = (one.to ?? []).filter(target => {
        const ip = 'ip' in target ? target.ip : '';
        const fresh = ip === '' || !seen.has(ip);
        seen.add(ip);
        return fresh;
      });
      // Ports of their own, so that nobody has another's on a shared IP.
      return { ...one, as: 1_000 + i, ...(one.to === undefined ? {} : { to }) } as LooseMap;
    });

const service = (services: readonly string[], ips: readonly string[], index: number): fc.Arbitrary<LooseMap> =>
  fc.record(
    {
      image: text.filter(one => one !== ''),
      command: fc.option(fc.array(text, { maxLength: 2 })),
      args: fc.option(fc.array(text, { maxLength: 2 })),
      env: fc.option(fc.array(text, { maxLength: 3 })),
      dependencies: fc.constantFrom([], [{ service: 'a' }, {}]),
      credentials: fc.record(
        {
          host: fc.constant('h'),
          username: fc.constant('u'),
          password: fc.constant('123456'),
          email: fc.constant('a@b.c'),
        },
        { requiredKeys: ['host', 'username', 'password'] },
      ),
      expose: fc.tuple(...[0, 1, 2].map(i => expose(services, ips, 10 * index + i))).chain(all => fc.subarray(all)),
    },
    { requiredKeys: ['image'] },
  ) as fc.Arbitrary<LooseMap>;

const params = fc.record(
  {
    permissions: fc.record({ read: fc.subarray(['deployment', 'logs', 'events']) }, { requiredKeys: [] }),
    tee: fc.constant('cpu'),
  },
  { requiredKeys: [] },
);

/** A whole file that must be accepted. */
export const sdlFile: fc.Arbitrary<LooseMap> = fc
  .record({
    services: fc.uniqueArray(name, { minLength: 1, maxLength: 4 }),
    profiles: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
    placements: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
    ips: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,3}[-_0-9a-z]{1,3}$/), { maxLength: 2 }),
  })
  .chain(names =>
    fc.record({
      names: fc.constant(names),
      services: fc.tuple(...names.services.map((_, i) => service(names.services, names.ips, i))),
      params: fc.tuple(...names.services.map(() => some(params))),
      readOnly: some(fc.boolean()),
      compute: fc.tuple(
        ...names.profiles.map(() =>
          fc.record({
            cpu: fc.record(
              {
                units: fc.oneof(fc.constantFrom('500m', '1.5', 0.1, 1.001, 4), fc.integer({ min: 1, max: 99 })),
                attributes,
              },
              { requiredKeys: ['units'] },
            ),
            memory: fc.record({ size }),
            gpu: some(gpu),
            storage: volumes,
          }),
        ),
      ),
      placement: fc.tuple(
        ...names.placements.map(() =>
          fc.record({
            attributes: some(attributes),
            signedBy: some(
              fc.record(
                { allOf: fc.array(text, { maxLength: 2 }), anyOf: fc.array(text, { maxLength: 2 }) },
                { requiredKeys: [] },
              ),
            ),
            amount: fc.oneof(fc.constantFrom('1', '1.50', 0.05, 1e-7, 10_000), fc.integer({ min: 0, max: 99_999 })),
            denom: fc.constantFrom('uakt', 'uact'),
          }),
        ),
      ),
      where: fc.tuple(
        ...names.services.map(() =>
          fc.record({
            placements: fc.subarray(names.placements, { minLength: 1 }),
            profile: fc.constantFrom(...names.profiles),
            count: fc.integer({ min: 1, max: 9 }),
          }),
        ),
      ),
      version: fc.constantFrom('2.0', '2.1'),
      reclamation: some(fc.constantFrom({ min_window: '24h' }, { min_window: '90s' })),
    }),
  )
  .map(({ names, ...parts }) => {
    const services = keyed(names.services, (_, i) => {
      const { profile } = parts.where[i]!;
      const all = parts.compute[names.profiles.indexOf(profile)]!.storage;
      const storage = keyed(
        all.map(one => one.name),
        one => clean({ mount: `/${one}`, readOnly: parts.readOnly }),
      );
      const own = parts.params[i];
      return clean({
        ...parts.services[i],
        params: own === undefined && all.length === 0 ? undefined : { ...own, storage },
      });
    });
    const used = new Set(JSON.stringify(services).match(/(?<="ip":")[^"]+/g) ?? []);
    return clean({
      version: parts.version,
      services,
      profiles: {
        compute: keyed(names.profiles, (_, i) => ({ resources: clean({ ...parts.compute[i] }) })),
        placement: keyed(names.placements, (_, i) => {
          const { amount, denom, ...rest } = parts.placement[i]!;
          return clean({ ...rest, pricing: keyed(names.profiles, () => ({ amount, denom })) });
        }),
      },
      deployment: keyed(names.services, (_, i) => {
        const { placements, profile, count } = parts.where[i]!;
        return keyed(placements, () => ({ profile, count }));
      }),
      endpoints: keyed(
        names.ips.filter(one => used.has(one)),
        () => ({ kind: 'ip' }),
      ),
      reclamation: parts.reclamation,
    });
  });

function keyed(keys: readonly string[], value: (key: string, i: number) => unknown): LooseMap {
  return Object.fromEntries(keys.map((key, i) => [key, value(key, i)])) as LooseMap;
}

/** Without what is undefined, at every depth. */
function clean(value: unknown): LooseMap {
  return JSON.parse(JSON.stringify(value)) as LooseMap;
}

/** Every path in a value, the empty one first. */
export function pathsIn(value: Loose, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (value === null || typeof value !== 'object') return [path];
  const below = Object.entries(value).flatMap(([key, one]) =>
    pathsIn(one, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return [path, ...below];
}
