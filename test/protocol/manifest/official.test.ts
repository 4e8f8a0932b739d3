/**
 * The official files: what today's tools make of them is what must come out here, byte for byte.
 *
 * The files lie outside of the project (ORRERY_DATA, by default ../shared/data); every file that is found is tried.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { printSdl } from '../../../src/protocol/manifest/print.ts';
import { readSdl } from '../../../src/protocol/manifest/sdl.ts';
import type { GroupSpec, Resources } from '../../../src/protocol/manifest/types.ts';
import { accepted, DATA, filesIn, refused } from './support.ts';

const ABSENT = `skipped: no official SDL files in ${DATA} (set ORRERY_DATA)`;

interface Verdict {
  readonly file: string;
  readonly ok: boolean;
  readonly version: string;
  readonly manifest: string;
  readonly groupSpecs: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

const read = (...path: string[]): Buffer => readFileSync(join(DATA, ...path));

describe('the public files of Akash', () => {
  if (!existsSync(join(DATA, 'expected.jsonl'))) {
    test.skip(ABSENT, () => {});
    return;
  }
  const verdicts = read('expected.jsonl')
    .toString()
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Verdict);
  const good = verdicts.filter(one => one.ok);
  const bad = verdicts.filter(one => !one.ok);

  test(`there are ${good.length} that are accepted and ${bad.length} that are refused`, () => {
    expect(good.length).toBeGreaterThan(0);
    expect(bad.length).toBeGreaterThan(0);
  });

  test.each(good.map(one => [one.file, one] as const))('%s', (file, verdict) => {
    const reading = accepted(read('awesome-akash', file));
    expect(reading.canonicalManifest).toBe(verdict.manifest);
    expect(reading.canonicalGroupSpecs).toBe(verdict.groupSpecs);
    expect(reading.version).toBe(verdict.version);
    const again = accepted(printSdl(reading.sdl));
    expect(again.sdl).toEqual(reading.sdl);
    expect(again.version).toBe(verdict.version);
    expect(again.canonicalGroupSpecs).toBe(verdict.groupSpecs);
  });

  test.each(bad.map(one => [one.file, one] as const))(
    '%s is refused where the official tool refuses it',
    (file, verdict) => {
      const source = read('awesome-akash', file);
      const reading = readSdl(source);
      if (reading.ok) expect.fail('accepted');
      const paths = reading.problems.map(one => one.path);
      for (const { path } of verdict.errors) {
        // Where there are alternatives the official tool also names the whole besides the part that is wrong in it.
        expect(
          paths.some(one => one === path || one.startsWith(`${path}/`)),
          `${path} in ${paths.join(' ')}`,
        ).toBe(true);
      }
      const lines = source.toString().split('\n').length;
      for (const { line, column, message } of reading.problems) {
        expect(line).toBeGreaterThan(0);
        expect(line).toBeLessThanOrEqual(lines);
        expect(column).toBeGreaterThan(0);
        expect(message).toMatch(/^found .+, expected .+/s);
      }
      const places = reading.problems.map(one => [one.line, one.column]);
      expect(places).toEqual(places.toSorted(([a, b], [c, d]) => a! - c! || b! - d!));
    },
  );
});

/** Group specifications as the official Go tool writes them. */
function goGroups(groups: readonly GroupSpec[]): unknown {
  const orNull = <T>(list: readonly T[]): readonly T[] | null => (list.length === 0 ? null : list);
  return groups.map(({ name, requirements, resources }) => ({
    name,
    requirements: {
      signed_by: { all_of: orNull(requirements.signedBy.allOf), any_of: orNull(requirements.signedBy.anyOf) },
      attributes: orNull(requirements.attributes),
    },
    resources: resources.map(one => ({
      resource: goResources(one),
      count: one.count,
      price: { denom: one.price.denom, amount: one.price.decimal },
    })),
  }));
}

function goResources({ id, cpu, memory, storage, gpu, endpoints }: Resources): unknown {
  const attributes = <T>(list: readonly T[]): object => (list.length === 0 ? {} : { attributes: list });
  return {
    id,
    cpu: { units: { val: String(cpu.milli) }, ...attributes(cpu.attributes) },
    memory: { size: { val: String(memory.bytes) } },
    storage: storage.map(one => ({ name: one.name, size: { val: String(one.bytes) }, ...attributes(one.attributes) })),
    gpu: { units: { val: String(gpu.units) }, ...attributes(gpu.attributes) },
    endpoints: endpoints.map(one => ({
      ...(one.kind === 0 ? {} : { kind: one.kind }),
      sequence_number: one.sequenceNumber,
    })),
  };
}

interface GoGroup {
  readonly resources: readonly {
    readonly resource: { readonly endpoints: { kind?: number; sequence_number: number }[] };
  }[];
}

describe('the official examples', () => {
  const names = ['v2.0', 'v2.1'].flatMap(version =>
    filesIn('fixtures', 'input', version).map(name => [`${version}/${name}`] as const),
  );
  if (names.length === 0) {
    test.skip(ABSENT, () => {});
    return;
  }

  test.each(names)('%s has its manifest and its group specifications', name => {
    const reading = accepted(read('fixtures', 'input', name, 'input.yaml'));
    const golden = (file: string): unknown => JSON.parse(read('fixtures', 'output-fixtures', name, file).toString());
    expect(JSON.parse(reading.canonicalManifest)).toEqual(golden('manifest.json'));
    const groups = golden('group-specs.json') as GoGroup[];
    // The Go tool leaves endpoints in the order of services, the tool in TypeScript sorts them by kind and number.
    for (const { resource } of groups.flatMap(one => one.resources)) {
      resource.endpoints.sort((a, b) => (a.kind ?? 0) - (b.kind ?? 0) || a.sequence_number - b.sequence_number);
    }
    expect(goGroups(reading.groupSpecs)).toEqual(groups);
  });

  test.each(filesIn('fixtures', 'input', 'invalid').map(name => [name]))('invalid: %s', name => {
    const reading = readSdl(read('fixtures', 'input', 'invalid', name));
    expect(reading.ok).toBe(false);
  });

  test.each(filesIn('fixtures', 'input', 'schema-only-invalid').map(name => [name]))('against the schema: %s', name => {
    refused(read('fixtures', 'input', 'schema-only-invalid', name), 'schema');
  });

  test(`${names.length} examples; files that are refused are among them`, () => {
    expect(filesIn('fixtures', 'input', 'invalid').length).toBeGreaterThan(0);
    expect(filesIn('fixtures', 'input', 'schema-only-invalid').length).toBeGreaterThan(0);
  });
});

describe('the published version hashes', () => {
  const goldens = join(DATA, 'fixtures', 'manifest_version_golden.json');
  if (!existsSync(goldens)) {
    test.skip(ABSENT, () => {});
    return;
  }
  const published = Object.entries(
    JSON.parse(readFileSync(goldens, 'utf8')) as Record<string, { sha256_hex?: string; canonical_json?: string }>,
  );
  const files = {
    'Basic SDL': 'basic.sdl.yml',
    'Empty Profile': 'empty_profile.sdl.yml',
    Minesweeper: 'minesweeper.sdl.yml',
  };
  test.each(Object.entries(files))('%s', (name, file) => {
    const reading = accepted(read('fixtures', file));
    const [, hash] = published.find(([key]) => key.endsWith(`${name} manifest version`))!;
    expect(reading.version).toBe(hash.sha256_hex);
    const [, text] = published.find(([key]) => key.endsWith(`${name} manifest JSON`)) ?? [];
    if (text !== undefined) expect(reading.canonicalManifest).toBe(text.canonical_json);
  });
});
