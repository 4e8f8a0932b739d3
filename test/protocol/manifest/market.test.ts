/** From placement groups to the market: prices, GPUs, storage, auditors, limits. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encode } from '../../../src/protocol/codec/struct.ts';
import { unitsOfLease } from '../../../src/protocol/manifest/lease-units.ts';
import {
  DEFAULT_CONVERSION,
  infrastructureOf,
  limitPerSecond,
  type MarketTerms,
  type PriceConversion,
  RATE_SCALE,
} from '../../../src/protocol/manifest/market.ts';
import { readManifest } from '../../../src/protocol/manifest/reading.ts';
import type { Attribute, GroupResource, GroupSpec, Price } from '../../../src/protocol/manifest/types.ts';
import { attributesMatch, deploymentInfrastructure } from '../../../src/protocol/model/objects.ts';
import { accepted, DATA, filesIn } from './support.ts';

const TERMS: MarketTerms = { region: 'eu', persist: true, reputationAtLeast: 250_000, collateral: 7n };
const GIB = 2n ** 30n;
const ATTO = 10n ** 18n;

function price(atto: bigint, denom: Price['denom'] = 'uakt'): Price {
  return { denom, amount: String(atto / ATTO), decimal: '', atto };
}

function resource(changes: Partial<GroupResource> = {}): GroupResource {
  return {
    id: 1,
    count: 2,
    price: price(1_000n * ATTO),
    cpu: { milli: 500n, units: '500', attributes: [] },
    memory: { bytes: GIB },
    gpu: { units: 0n, text: '0', attributes: [] },
    storage: [{ name: 'default', bytes: 2n * GIB, attributes: [] }],
    endpoints: [],
    ...changes,
  };
}

function group(resources: readonly GroupResource[], requirements: Partial<GroupSpec['requirements']> = {}): GroupSpec {
  return {
    name: 'dc',
    requirements: { attributes: [], signedBy: { allOf: [], anyOf: [] }, ...requirements },
    resources,
  };
}

function gpus(...keys: string[]): Partial<GroupResource> {
  const attributes = keys.map((key): Attribute => ({ key, value: 'true' }));
  return { gpu: { units: 2n, text: '2', attributes } };
}

function mapped(spec: GroupSpec, conversion: PriceConversion = DEFAULT_CONVERSION) {
  const result = infrastructureOf(spec, TERMS, conversion);
  if (!result.ok) expect.fail(result.reasons.join('; '));
  return result.infrastructure;
}

function reasons(spec: GroupSpec): readonly string[] {
  const result = infrastructureOf(spec, TERMS, DEFAULT_CONVERSION);
  if (result.ok) expect.fail('mapped');
  return result.reasons;
}

describe('prices', () => {
  test('10,000 uakt a block of 6.117 s are 1,634.788294 uakt a second, rounded down', () => {
    expect(limitPerSecond(price(10_000n * ATTO), DEFAULT_CONVERSION)).toBe(1_634_788_294n);
  });

  test('a credit is worth what the table says', () => {
    const half = { ...DEFAULT_CONVERSION, denominations: { uakt: RATE_SCALE, uact: RATE_SCALE / 2n } };
    expect(limitPerSecond(price(10_000n * ATTO, 'uact'), half)).toBe(817_394_147n);
    expect(limitPerSecond(price(10_000n * ATTO, 'uakt'), half)).toBe(1_634_788_294n);
  });

  test('is the largest whole number of pico-AKASH that is not above the price', () => {
    const positive = fc.bigInt({ min: 1n, max: 10n ** 30n });
    const rate = fc.bigInt({ min: 1n, max: 10n ** 18n });
    const block = fc.integer({ min: 1, max: 10 ** 9 });
    fc.assert(
      fc.property(positive, rate, block, (atto, uact, sdlBlock_us) => {
        const conversion = { sdlBlock_us, denominations: { uakt: RATE_SCALE, uact } };
        const limit = limitPerSecond(price(atto, 'uact'), conversion);
        // pico-AKASH a block, in units of 10^-30 uakt x 10^6: cross-multiplied, nothing is divided.
        const exact = atto * uact;
        const unit = ATTO * BigInt(sdlBlock_us);
        expect(limit * unit <= exact && (limit + 1n) * unit > exact).toBe(true);
      }),
    );
  });

  test('a price of less than a pico-AKASH a second is no order', () => {
    expect(reasons(group([resource({ price: price(1n) })]))).toEqual([
      'its price of 0 uakt a block is nothing per second',
    ]);
  });

  test('a block of no time is a mistake of the caller', () => {
    expect(() => limitPerSecond(price(ATTO), { ...DEFAULT_CONVERSION, sdlBlock_us: 0 })).toThrow(RangeError);
  });
});

describe('resources', () => {
  test('become one resource group each, with the terms that SDL lacks', () => {
    const infrastructure = mapped(
      group([resource(), resource({ id: 2, count: 1, cpu: { milli: 4_000n, units: '4000', attributes: [] } })]),
    );
    expect(infrastructure).toEqual({
      region: 'eu',
      persist: true,
      reputationAtLeast: 250_000,
      attributes: {},
      resources: [
        {
          compute: { cpu: 500, memory: 2 ** 30, disk: 2 ** 31, bandwidth: 0, gpu: 0 },
          price: 163_478_829n,
          collateral: 7n,
          count: 2,
        },
        expect.objectContaining({ count: 1, compute: expect.objectContaining({ cpu: 4_000 }) }),
      ],
    });
    expect(encode(deploymentInfrastructure, infrastructure).length).toBeGreaterThan(0);
  });

  test('a volume in memory is memory, all others are disk; what lasts asks for its class', () => {
    const storage = [
      { name: 'default', bytes: GIB, attributes: [] },
      {
        name: 'shm',
        bytes: 3n * GIB,
        attributes: [
          { key: 'class', value: 'ram' },
          { key: 'persistent', value: 'false' },
        ],
      },
      {
        name: 'data',
        bytes: 5n * GIB,
        attributes: [
          { key: 'class', value: 'beta3' },
          { key: 'persistent', value: 'true' },
        ],
      },
    ];
    const { resources, attributes } = mapped(group([resource({ storage })]));
    expect(resources[0]?.compute).toMatchObject({ memory: 4 * 2 ** 30, disk: 6 * 2 ** 30 });
    expect(attributes).toEqual({ 'storage/beta3': 'true' });
  });

  test('a leased IP and kinds of processors become attributes', () => {
    const cpu = { milli: 1_000n, units: '1000', attributes: [{ key: 'arch', value: 'arm64' }] };
    const endpoints = [{ kind: 2 as const, sequenceNumber: 1 }];
    expect(mapped(group([resource({ cpu, endpoints })])).attributes).toEqual({
      'cpu/arch': 'arm64',
      'feat-endpoint-ip': 'true',
    });
    const other = { ...cpu, attributes: [{ key: 'arch', value: 'amd64' }] };
    expect(reasons(group([resource({ cpu }), resource({ cpu: other })]))).toEqual([
      'the attribute cpu/arch has to be arm64 and amd64 at once',
    ]);
  });

  test.each([
    ['instances', { count: 100_001 }, '100001 instances are more than 100000'],
    ['memory', { memory: { bytes: 2n ** 60n } }, `${2n ** 60n} bytes of memory are more than can be counted`],
    ['price', { price: price(10n ** 60n) }, /above all limits/],
  ])('more %s than the market counts are no order', (_, changes, reason) => {
    expect(reasons(group([resource(changes)]))).toEqual([
      typeof reason === 'string' ? reason : expect.stringMatching(reason),
    ]);
  });

  test('more resource groups than an order holds, and every other reason, are said together', () => {
    const many = Array.from({ length: 65 }, () => resource({ price: price(1n) }));
    expect(reasons(group(many))).toEqual([
      'its price of 0 uakt a block is nothing per second',
      '65 resource groups are more than 64',
    ]);
  });
});

describe('attributes and auditors', () => {
  test('stand in the order of their names', () => {
    const attributes = [
      { key: 'z', value: '1' },
      { key: 'host', value: 'akash' },
    ];
    const spec = group([resource()], { attributes, signedBy: { allOf: ['akash1b', 'akash1a'], anyOf: ['akash1c'] } });
    expect(Object.keys(mapped(spec).attributes)).toEqual([
      'host',
      'signed-by/akash1a',
      'signed-by/akash1b',
      'signed-by/akash1c',
      'z',
    ]);
  });

  test('one auditor of several cannot be said, unless one of them is asked for anyway', () => {
    const anyOf = ['akash1a', 'akash1b'];
    expect(reasons(group([resource()], { signedBy: { allOf: [], anyOf } }))).toEqual([
      expect.stringContaining('any of 2 auditors'),
    ]);
    expect(mapped(group([resource()], { signedBy: { allOf: ['akash1b'], anyOf } })).attributes).toEqual({
      'signed-by/akash1b': 'true',
    });
  });

  test('a bar, which the market would read as alternatives, is refused', () => {
    expect(reasons(group([resource()], { attributes: [{ key: 'host', value: 'a|b' }] }))).toHaveLength(1);
  });

  test('words that are too long for the chain are refused, by their bytes', () => {
    const fits = group([resource()], { attributes: [{ key: 'k', value: 'ä'.repeat(64) }] });
    expect(encode(deploymentInfrastructure, mapped(fits)).length).toBeGreaterThan(0);
    const long = group([resource()], { attributes: [{ key: 'k', value: 'ä'.repeat(65) }] });
    expect(reasons(long)).toEqual(['the attribute k is longer than 128 bytes']);
  });

  test('more than the chain knows are refused', () => {
    const attributes = Array.from({ length: 33 }, (_, i) => ({ key: `k${i}`, value: '1' }));
    expect(reasons(group([resource()], { attributes }))).toEqual([
      'it asks for 33 attributes, of which the market knows 32 at most',
    ]);
  });
});

describe('GPUs', () => {
  const N = 'vendor/nvidia/model/';
  test.each([
    ['any model', [`${N}*`], { 'gpu-vendor': 'nvidia' }],
    ['one model', [`${N}a100`], { 'gpu-vendor': 'nvidia', 'gpu-model': 'a100' }],
    ['alternatives', [`${N}h100`, `${N}a100`], { 'gpu-vendor': 'nvidia', 'gpu-model': 'h100|a100' }],
    [
      'an alternative that includes another',
      [`${N}a100/ram/80Gi`, `${N}a100`],
      { 'gpu-vendor': 'nvidia', 'gpu-model': 'a100' },
    ],
    ['the same twice', [`${N}a100`, `${N}a100`], { 'gpu-vendor': 'nvidia', 'gpu-model': 'a100' }],
    [
      'models of one memory and interface',
      [`${N}a100/ram/80Gi/interface/sxm`, `${N}h100/ram/80Gi/interface/sxm`],
      { 'gpu-vendor': 'nvidia', 'gpu-model': 'a100|h100', 'gpu-ram': '80Gi', 'gpu-interface': 'sxm' },
    ],
    [
      'a full product',
      [`${N}a/ram/1Gi`, `${N}a/ram/2Gi`, `${N}b/ram/1Gi`, `${N}b/ram/2Gi`],
      { 'gpu-vendor': 'nvidia', 'gpu-model': 'a|b', 'gpu-ram': '1Gi|2Gi' },
    ],
  ])('%s', (_, keys, attributes) => {
    const infrastructure = mapped(group([resource(gpus(...keys))]));
    expect(infrastructure.attributes).toEqual(attributes);
    expect(infrastructure.resources[0]?.compute.gpu).toBe(2_000);
  });

  test.each([
    [
      'alternatives that are no product',
      [`${N}a100`, `${N}h100/ram/80Gi`],
      'its GPUs, a100/*/* or h100/80Gi/*, are no product',
    ],
    ['an incomplete product', [`${N}a/ram/1Gi`, `${N}b/ram/2Gi`], 'are no product'],
    ['another form', ['capabilities/gpu'], 'is not of a form that the market knows'],
  ])('%s cannot be said', (_, keys, reason) => {
    expect(reasons(group([resource(gpus(...keys))]))).toEqual([expect.stringContaining(reason)]);
  });

  test('of two services must be found in one datacenter', () => {
    const both = group([resource(gpus(`${N}a`, `${N}b`)), resource(gpus(`${N}b`, `${N}c`))]);
    expect(mapped(both).attributes['gpu-model']).toBe('b');
    expect(reasons(group([resource(gpus(`${N}a`)), resource(gpus(`${N}c`))]))).toEqual([
      'it asks for GPUs of several kinds (model), a datacenter has one',
    ]);
  });

  test('a datacenter satisfies what is said if and only if it satisfies the list', () => {
    const part = fc.constantFrom('*', 'x', 'y');
    const triple = fc.tuple(part, part, part);
    const own = fc.tuple(fc.constantFrom('x', 'y', 'z'), fc.constantFrom('x', 'y'), fc.constantFrom('x', 'y'));
    fc.assert(
      fc.property(fc.array(triple, { minLength: 1, maxLength: 4 }), own, (list, [model, ram, slot]) => {
        const key = ([m, r, s]: readonly string[]): string =>
          `${N}${m}${r === '*' ? '' : `/ram/${r}`}${s === '*' ? '' : `/interface/${s}`}`;
        const result = infrastructureOf(group([resource(gpus(...list.map(key)))]), TERMS, DEFAULT_CONVERSION);
        if (!result.ok) return;
        const stated = { 'gpu-vendor': 'nvidia', 'gpu-model': model, 'gpu-ram': ram, 'gpu-interface': slot };
        const wanted = list.some(([m, r, s]) =>
          [
            [m, model],
            [r, ram],
            [s, slot],
          ].every(([a, b]) => a === '*' || a === b),
        );
        expect(attributesMatch(result.infrastructure.attributes, stated)).toBe(wanted);
      }),
      { numRuns: 2_000 },
    );
  });
});

const FOLDER = join(DATA, 'awesome-akash');
const MISSING = !existsSync(FOLDER);

describe.skipIf(MISSING)(
  `the public files of Akash${MISSING ? ` (skipped: none in ${DATA}, set ORRERY_DATA)` : ''}`,
  () => {
    const files = filesIn('awesome-akash').filter(name => /\.ya?ml$/.test(name));

    test('all that are accepted can be encoded for the chain, but for those with a reason', () => {
      const verdicts = filesIn().includes('expected.jsonl')
        ? readFileSync(join(DATA, 'expected.jsonl'), 'utf8')
            .trim()
            .split('\n')
            .map(line => JSON.parse(line))
        : [];
      const good = new Set(verdicts.filter(one => one.ok).map(one => one.file as string));
      const refused: string[] = [];
      let orders = 0;
      for (const file of files.filter(name => good.has(name))) {
        const reading = accepted(readFileSync(join(FOLDER, file)));
        for (const [i, spec] of reading.groupSpecs.entries()) {
          const result = infrastructureOf(spec, TERMS, DEFAULT_CONVERSION);
          if (!result.ok) refused.push(`${file}: ${result.reasons.join('; ')}`);
          else {
            orders += 1;
            expect(encode(deploymentInfrastructure, result.infrastructure).length).toBeLessThan(10_000);
            // What its provider makes of the manifest that belongs to it.
            const manifest = readManifest(new TextEncoder().encode(reading.canonicalManifest));
            if (!manifest.ok) expect.fail(`${file}: ${manifest.reason}`);
            expect(manifest.manifest).toEqual(reading.manifest);
            const units = unitsOfLease(manifest.manifest[i]!, result.infrastructure.resources);
            if (!units.ok) expect.fail(`${file}: ${units.reason}`);
            expect(units.units.length).toBe(result.infrastructure.resources.reduce((sum, one) => sum + one.count, 0));
          }
        }
      }
      expect(orders).toBe(169);
      expect(refused).toEqual([expect.stringMatching(/^Mistral-7B__deploy\.yaml: its GPUs, .* are no product/)]);
    });
  },
);
