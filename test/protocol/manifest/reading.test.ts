/** A manifest from its bytes: the canonical ones and no others; and which service each unit of a lease runs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unitsOfLease } from '../../../src/protocol/manifest/lease-units.ts';
import { DEFAULT_CONVERSION, infrastructureOf } from '../../../src/protocol/manifest/market.ts';
import { MAX_MANIFEST_BYTES, readManifest } from '../../../src/protocol/manifest/reading.ts';
import type { ManifestGroup } from '../../../src/protocol/manifest/types.ts';
import type { ResourceGroup } from '../../../src/protocol/model/objects.ts';
import { accepted } from './support.ts';

const OWN = join(import.meta.dirname, '../../../scenarios/sdl');
const FILES = readdirSync(OWN).filter(name => name.endsWith('.yaml') && name !== 'orrery.yaml');
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const readingOf = (file: string) => accepted(readFileSync(join(OWN, file)));
const TERMS = { region: '', persist: false, reputationAtLeast: 0, collateral: 0n };

function reasonOf(text: string): string {
  const reading = readManifest(bytesOf(text));
  return reading.ok ? 'read' : reading.reason;
}

describe('reading', () => {
  test.each(FILES)('gives back the manifest of %s', file => {
    const { canonicalManifest, manifest } = readingOf(file);
    expect(readManifest(bytesOf(canonicalManifest))).toEqual({ ok: true, manifest });
  });

  const shop = readingOf('web-shop.yaml').canonicalManifest;
  test.each([
    ['no UTF-8', Uint8Array.of(0x5b, 0xff, 0x5d), /not UTF-8/],
    ['a byte order mark', bytesOf(`\ufeff${shop}`), /no JSON/],
    ['no JSON', bytesOf('[{'), /^found no JSON/],
    ['no list', bytesOf('{}'), /expected a list/],
    ['too much', new Uint8Array(MAX_MANIFEST_BYTES + 1), /expected at most 4194304/],
  ])('refuses %s', (_, bytes, reason) => {
    expect(readManifest(bytes)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });

  test.each([
    ['spaces', (text: string) => text.replace('{', '{ '), /other bytes/],
    [
      'another order of keys',
      (text: string) => text.replace(/"args":null,("command":null),/, '$1,"args":null,'),
      /other/,
    ],
    ['a field that there is not', (text: string) => text.replace('{"args"', '{"account":1,"args"'), /other bytes/],
    ['a field twice', (text: string) => text.replace('"name":"api"', '"name":"api","name":"api"'), /other bytes/],
    ['a quantity in other words', (text: string) => text.replace('{"val":"1000"}', '{"val":"1000.0"}'), /other bytes/],
    ['an endless quantity', (text: string) => text.replace('{"val":"1000"}', '{"val":"1e+999"}'), /beyond all numbers/],
    ['a prototype', (text: string) => text.replace('{"args"', '{"__proto__":{},"args"'), /other bytes/],
    ['no such port', (text: string) => text.replace('"port":3000', '"port":70000'), /port: .*from 1 to 65535/],
    ['a port that is a fraction', (text: string) => text.replace('"port":3000', '"port":3.5'), /port/],
    ['a name that is none', (text: string) => text.replace('"name":"api"', '"name":"../api"'), /services\/0\/name/],
    ['a NUL', (text: string) => text.replace('API_URL', 'API\\u0000'), /a NUL/],
    ['a relative mount', (text: string) => text.replace('"mount":"/var', '"mount":"var'), /an absolute path/],
    ['no image', (text: string) => text.replace(/"image":"[^"]*"/, '"image":""'), /the name of an image/],
  ])('refuses %s', (_, change, reason) => {
    expect(change(shop)).not.toBe(shop);
    expect(reasonOf(change(shop))).toMatch(reason);
  });

  test('whatever is changed in its bytes, it is refused or something else, and nothing throws', () => {
    const whole = bytesOf(shop);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.boolean(), (at, byte, cuts) => {
        const changed = cuts ? whole.slice(0, at) : whole.with(at, byte);
        const reading = readManifest(changed);
        const isSame = !cuts && byte === whole[at];
        if (reading.ok && !isSame) expect(reading.manifest).not.toEqual(readingOf('web-shop.yaml').manifest);
        else expect(reading.ok).toBe(isSame);
      }),
      { numRuns: 3_000 },
    );
  });

  test('a deep tree is refused like any other', () => {
    expect(reasonOf('['.repeat(1_000_000))).toMatch(/no JSON/);
    expect(reasonOf(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)).toMatch(/expected/);
  });
});

describe('units of a lease', () => {
  const groupOf = (
    file: string,
    at = 0,
  ): { readonly group: ManifestGroup; readonly resources: readonly ResourceGroup[] } => {
    const reading = readingOf(file);
    const mapped = infrastructureOf(reading.groupSpecs[at]!, TERMS, DEFAULT_CONVERSION);
    if (!mapped.ok) throw new Error(mapped.reasons.join());
    return { group: reading.manifest[at]!, resources: mapped.infrastructure.resources };
  };
  const { group, resources } = groupOf('web-shop.yaml');

  test('run the services of their resources, each as often as it has instances', () => {
    const units = unitsOfLease(group, resources);
    if (!units.ok) expect.fail(units.reason);
    // api and storefront share a profile, and so do cache, queue and worker; the database has its own.
    expect(units.units.map(one => one.name)).toEqual([
      'api',
      'api',
      'storefront',
      'storefront',
      'cache',
      'queue',
      'worker',
      'database',
    ]);
  });

  const first = resources[0]!;
  test.each([
    ['fewer units', [{ ...first, count: 3 }, ...resources.slice(1)], /found 4 instances .* expected 3/],
    [
      'smaller units',
      [{ ...first, compute: { ...first.compute, memory: 5 } }, ...resources.slice(1)],
      /of memory, expected 5/,
    ],
    ['fewer groups', resources.slice(0, 2), /resources 3, expected at most 2/],
    ['more groups', [...resources, first], /found 0 instances with resources 4/],
  ])('%s than the manifest wants are not its lease', (_, leased, reason) => {
    expect(unitsOfLease(group, leased)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });

  test('two services of a name in one network are refused', () => {
    const twice = { ...group, services: [...group.services, group.services[0]!] };
    expect(unitsOfLease(twice, resources)).toEqual({ ok: false, reason: expect.stringMatching(/two services api/) });
  });
});
