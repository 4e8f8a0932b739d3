/** What holds for every file: the printed one reads the same, style means nothing, and every change of meaning shows. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { printSdl } from '../../../src/protocol/manifest/print.ts';
import { readSdl } from '../../../src/protocol/manifest/sdl.ts';
import { pathsIn, sdlFile } from './generated.ts';
import { type Schema, valid } from './json-schema.ts';
import { accepted, DATA, filesIn, type Loose, type LooseMap } from './support.ts';

/** The same data with keys in another order. */
function shuffled(value: Loose, random: () => number): Loose {
  if (Array.isArray(value)) return value.map(one => shuffled(one, random));
  if (value === null || typeof value !== 'object') return value;
  const keys = Object.keys(value).map((key): [number, string] => [random(), key]);
  return Object.fromEntries(keys.sort(([a], [b]) => a - b).map(([, key]) => [key, shuffled(value[key]!, random)]));
}

/** Numbers from 0 to 1 that depend on the seed. */
function stream(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return ((state >>> 8) % 10_000) / 10_000;
  };
}

/** Ways to write the same data down; as YAML 1.1, which has quotes around dates. */
const STYLES: readonly ((value: Loose) => string)[] = [
  value => JSON.stringify(value),
  value => `# comment\n\n${JSON.stringify(value, null, 3)}\n# comment`,
  value => stringify(value, { lineWidth: 0, version: '1.1' }),
  value =>
    `--- # comment\n${stringify(value, { defaultStringType: 'QUOTE_DOUBLE', lineWidth: 0, version: '1.1' })}...\n`,
  value => `\ufeff${stringify(value, { collectionStyle: 'flow', lineWidth: 0, version: '1.1' })}`,
  value => stringify(value, { indent: 6, lineWidth: 0, version: '1.1' }).replaceAll('\n', '\r\n'),
];

describe('every file', () => {
  test('is read back from what is printed of it', () => {
    fc.assert(
      fc.property(sdlFile, file => {
        const reading = accepted(JSON.stringify(file));
        const printed = printSdl(reading.sdl);
        const again = accepted(printed);
        expect(again.sdl).toEqual(reading.sdl);
        expect(again).toEqual(reading);
        expect(printSdl(again.sdl)).toBe(printed);
        // Another YAML library sees the same texts in it.
        expect(accepted(JSON.stringify(parse(printed))).version).toBe(reading.version);
      }),
      { numRuns: 40 },
    );
  });

  test('means the same in every style and order of keys', () => {
    fc.assert(
      fc.property(sdlFile, fc.integer(), fc.constantFrom(...STYLES), (file, seed, style) => {
        const reading = accepted(JSON.stringify(file));
        const other = accepted(style(shuffled(file, stream(seed))));
        expect(other).toEqual(reading);
      }),
      { numRuns: 80 },
    );
  });
});

/**
 * One change at a path, and where it must show. Pricing, attributes and signers are the chain's business and not the
 * providers', so they show in the group specifications; what nobody deploys shows in the model alone.
 */
const CHANGES: readonly (readonly [
  path: RegExp,
  change: (value: Loose) => Loose | undefined,
  shows: 'version' | 'groups',
])[] = [
  [/^\/services\/[^/]+\/image$/, value => `${value}x`, 'version'],
  [/^\/services\/[^/]+\/(command|args|env)$/, value => [...((value ?? []) as string[]), 'x'], 'version'],
  [/^\/services\/[^/]+\/(command|args|env)\/\d+$/, value => `${value}x`, 'version'],
  [/^\/services\/[^/]+\/credentials\/[a-z]+$/, value => `${value}x`, 'version'],
  [/^\/services\/[^/]+\/credentials$/, () => undefined, 'version'],
  [/^\/services\/[^/]+\/expose\/\d+\/to\/\d+$/, () => ({ service: 'another' }), 'version'],
  [/^\/services\/[^/]+\/params\/storage\/[^/]+\/mount$/, value => `${value}x`, 'version'],
  [/^\/services\/[^/]+\/params\/permissions$/, () => undefined, 'version'],
  [/^\/deployment\/[^/]+\/[^/]+\/count$/, value => Number(value) + 1, 'version'],
  [/^\/profiles\/placement\/[^/]+\/pricing\/[^/]+\/amount$/, value => `7${value}`.replace('e-', ''), 'groups'],
  [/^\/profiles\/placement\/[^/]+\/attributes$/, value => ({ ...(value as LooseMap), zzzzzzzz: 'x' }), 'groups'],
  [/^\/profiles\/placement\/[^/]+\/signedBy$/, () => ({ allOf: ['somebody in particular'] }), 'groups'],
];

describe('every change of meaning', () => {
  test.each(CHANGES)('%s', (pattern, change, shows) => {
    let changes = 0;
    fc.assert(
      fc.property(sdlFile, fc.nat(), (file, choice) => {
        const used = new Set(Object.values(file.deployment as LooseMap).flatMap(one => Object.keys(one as LooseMap)));
        const profiles = new Set(
          Object.values(file.deployment as LooseMap).flatMap(one =>
            Object.entries(one as LooseMap).map(([place, to]) => `${place}/pricing/${(to as LooseMap).profile}`),
          ),
        );
        const paths = pathsIn(file).filter(path => {
          if (!pattern.test(`/${path.join('/')}`)) return false;
          if (path[1] !== 'placement') return true;
          return path[3] === 'pricing' ? profiles.has(path.slice(2, 5).join('/')) : used.has(String(path[2]));
        });
        if (paths.length === 0) return;
        const before = accepted(JSON.stringify(file));
        const copy = structuredClone(file);
        const path = paths[choice % paths.length]!;
        let at = copy as Record<string, Loose>;
        for (const step of path.slice(0, -1)) at = at[step] as Record<string, Loose>;
        const value = change(at[path.at(-1)!]!);
        if (value === undefined) delete at[path.at(-1)!];
        else at[path.at(-1)!] = value;
        // An endpoint that lost its last user is in the way of the change.
        const reading = readSdl(JSON.stringify(copy));
        if (!reading.ok && reading.problems.every(one => one.path.startsWith('/endpoints/'))) return;
        const after = accepted(JSON.stringify(copy));
        changes += 1;
        expect(after.sdl).not.toEqual(before.sdl);
        if (shows === 'version') expect(after.version).not.toBe(before.version);
        else {
          expect(after.canonicalGroupSpecs).not.toBe(before.canonicalGroupSpecs);
          expect(after.version).toBe(before.version);
        }
      }),
      { numRuns: 40 },
    );
    expect(changes).toBeGreaterThan(5);
  });

  test.each<readonly [string, (resources: LooseMap) => void]>([
    ['cpu', one => ((one.cpu as LooseMap).units = '12345m')],
    ['memory', one => ((one.memory as LooseMap).size = '12345Mi')],
    ['gpu', one => (one.gpu = { units: 77, attributes: { vendor: { nvidia: null } } })],
    ['another volume', one => (one.storage as Loose[]).push({ name: 'zz', size: '1Gi' })],
  ])('resources: %s', (_, change) => {
    fc.assert(
      fc.property(sdlFile, file => {
        const before = accepted(JSON.stringify(file));
        const copy = structuredClone(file) as { profiles: { compute: Record<string, { resources: LooseMap }> } };
        for (const { resources } of Object.values(copy.profiles.compute)) change(resources);
        const after = accepted(JSON.stringify(copy));
        expect(after.version).not.toBe(before.version);
        expect(after.canonicalGroupSpecs).not.toBe(before.canonicalGroupSpecs);
      }),
      { numRuns: 30 },
    );
  });
});

describe('the official schema', () => {
  const file = join(DATA, 'official.schema.yaml');
  if (!existsSync(file)) {
    test.skip(`skipped: no official schema in ${DATA} (set ORRERY_DATA)`, () => {});
    return;
  }
  const schema = parse(readFileSync(file, 'utf8')) as Schema;
  const seeds = ['v2.0', 'v2.1'].flatMap(version =>
    filesIn('fixtures', 'input', version).map(
      name => parse(readFileSync(join(DATA, 'fixtures', 'input', version, name, 'input.yaml'), 'utf8')) as LooseMap,
    ),
  );
  const VALUES: readonly Loose[] = [
    ...[
      null,
      true,
      false,
      0,
      1,
      -1,
      1.5,
      80,
      65_535,
      65_536,
      '',
      'a',
      'ab',
      'true',
      'ram',
      'beta3',
      'TCP',
      'udp',
      'off',
    ],
    ...[
      '100m',
      '0',
      '0.0',
      '0m',
      '512Mi',
      '/x',
      '24h',
      '0s',
      'uakt',
      'ip',
      '2.0',
      'cpu',
      'error',
      'sxm',
      'a@b',
      '12345',
    ],
    ...[
      [],
      {},
      ['a'],
      ['off'],
      ['off', 'error'],
      ['error', '500'],
      [{}],
      { a: 1 },
      { global: true, ip: 'x' },
      { ip: 'x' },
    ],
    ...[
      { class: 'ram', persistent: true },
      { class: 'beta2', persistent: 'true' },
      { class: 'default', persistent: false },
    ],
    ...[
      { units: 1 },
      { vendor: {} },
      { vendor: { nvidia: null } },
      { vendor: { amd: [] } },
      { read: ['logs'] },
      { tee: 'x' },
    ],
  ];
  const KEYS = (
    'as proto accept to http_options ip global service params storage permissions tee credentials email attributes ' +
    'persistent class name size units gpu cpu memory vendor nvidia model ram interface signedBy allOf anyOf pricing amount ' +
    'denom count profile endpoints reclamation min_window include dependencies args command env expose next_cases ' +
    'max_body_size read_timeout next_tries proxy_buffer_size next_timeout mount readOnly read kind port image version other'
  ).split(' ');

  test(`${seeds.length} official examples changed at random get the same verdict`, () => {
    const verdicts = { true: 0, false: 0 };
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(
          fc.record({
            where: fc.nat(),
            what: fc.nat(4),
            key: fc.constantFrom(...KEYS),
            value: fc.constantFrom(...VALUES),
          }),
          { minLength: 1, maxLength: 3 },
        ),
        (seed, changes) => {
          const copy = structuredClone(seed);
          for (const { where, what, key, value } of changes) {
            const paths = pathsIn(copy);
            const path = paths[where % paths.length]!;
            let at: Loose = copy;
            for (const step of path.slice(0, -1)) at = (at as Record<string, Loose>)[step]!;
            const last = path.at(-1) ?? '';
            const own = path.length === 0 ? copy : (at as Record<string, Loose>)[last];
            if (what < 2 && path.length > 0) (at as Record<string, Loose>)[last] = structuredClone(value);
            else if (what === 2 && path.length > 0 && !Array.isArray(at)) delete (at as LooseMap)[last];
            else if (Array.isArray(own)) own.push(structuredClone(value));
            else if (own !== null && typeof own === 'object') own[key] = structuredClone(value);
          }
          const reading = readSdl(JSON.stringify(copy));
          const expected = valid(schema, copy);
          verdicts[`${expected}`] += 1;
          const own = reading.ok || reading.stage !== 'schema';
          expect(own, JSON.stringify([copy, reading.ok ? [] : reading.problems])).toBe(expected);
        },
      ),
      { numRuns: 2_000 },
    );
    expect(verdicts.true).toBeGreaterThan(100);
    expect(verdicts.false).toBeGreaterThan(100);
  });
});
