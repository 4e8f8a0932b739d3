/** Scenarios that deploy folders of SDL files: what is read, what is refused and where, and whose terms hold. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LoadedScenario } from '../../../src/lab/scenario/load.ts';
import { listFolderOfNode } from '../../../src/lab/scenario/load-node.ts';
import { type ClassPlan, planClass } from '../../../src/lab/scenario/sdl-plan.ts';
import { errorsOf, load, variant } from './fixture.ts';

/** A small SDL file with a placement for each name. */
function sdl(placements: readonly string[] = ['here'], changes: (text: string) => string = text => text): string {
  return changes(`version: "2.0"
services:
  web:
    image: nginx:1.29
    expose:
      - port: 80
        to: [{global: true}]
profiles:
  compute:
    small:
      resources: {cpu: {units: 0.5}, memory: {size: 512Mi}, storage: {size: 1Gi}}
  placement:
${placements.map(name => `    ${name}: {pricing: {small: {denom: uakt, amount: 100}}}`).join('\n')}
deployment:
  web: {${placements.map(name => `${name}: {profile: small, count: 2}`).join(', ')}}
`);
}

const BROKEN = sdl(['here'], text => text.replace('image: nginx:1.29', 'image: 3'));
const CHEAP = sdl(['here'], text => text.replace('amount: 100', 'amount: 0.0000000001'));

const SCENARIO = `${variant(['- groups:', 'sdl: {collateral: 2 uakt}'], ['          - {cpu: 1, memory: 2Gi, price: 9 uakt/h}\n', ''])}
workload: {sdl: files}
`;

type Files = Readonly<Record<string, string>>;

const FILES: Files = { 's.yaml': SCENARIO, 'files/a.yaml': sdl(), 'files/b.yml': sdl(['north', 'south']) };

/** A port over folders: names of the files that lie directly in it. */
function listFolder(files: Files): (path: string) => string[] {
  return path => {
    const start = path === '.' ? '' : `${path}/`;
    const names = Object.keys(files).filter(name => name.startsWith(start));
    if (names.length === 0) throw new Error('no such folder');
    return names.map(name => name.slice(start.length)).filter(name => !name.includes('/'));
  };
}

function read(files: Files, overrides: readonly string[] = []): LoadedScenario {
  return load(files, { listFolder: listFolder(files), overrides });
}

function errors(files: Files, overrides: readonly string[] = []): string[] {
  return errorsOf(files, { listFolder: listFolder(files), overrides });
}

function plan(loaded: LoadedScenario): ClassPlan {
  const tenant = loaded.scenario.tenants[0]!;
  return planClass(loaded.sdl!, tenant, loaded.scenario.sdl!.conversion);
}

describe('a scenario with SDL files', () => {
  it('has them in the order of their names, with their hashes, groups and manifests', () => {
    const { scenario, sdl: catalogue, sources } = read(FILES);
    expect(scenario.sdl).toEqual({
      folder: 'files',
      conversion: { sdlBlock_us: 6_117_000, denominations: { uakt: 10n ** 12n, uact: 10n ** 12n } },
    });
    expect(scenario.workload).toBeNull();
    expect(scenario.tenants[0]).toMatchObject({ deployment: [], sdl: { weights: {}, terms: { collateral: 2n } } });
    expect(catalogue?.files).toMatchObject([
      {
        ok: true,
        file: 'a.yaml',
        version: expect.stringMatching(/^[0-9a-f]{64}$/),
        groups: [{ resources: [{ count: 2 }] }],
        manifest: expect.stringMatching(/^\[\{"name":.*"image":"nginx:1.29"/),
      },
      { ok: true, file: 'b.yml', groups: [{ name: 'north' }, { name: 'south' }] },
    ]);
    expect(sources.map(one => [one.path, one.kind])).toEqual([
      ['s.yaml', 'scenario'],
      ['files/a.yaml', 'sdl'],
      ['files/b.yml', 'sdl'],
    ]);
  });

  it('keeps refused files, with what is wrong', () => {
    const { sdl: catalogue } = read({ ...FILES, 'files/bad.yaml': BROKEN, 'files/readme.md': 'no SDL' });
    expect(catalogue?.files.map(one => [one.file, one.ok])).toEqual([
      ['a.yaml', true],
      ['b.yml', true],
      ['bad.yaml', false],
    ]);
    expect(catalogue?.files[2]).toMatchObject({
      stage: 'schema',
      problems: [{ path: '/services/web/image', line: 4 }],
    });
  });

  it('names what the market cannot hold', () => {
    const { plans, unmappable } = plan(read({ ...FILES, 'files/cheap.yaml': CHEAP }));
    expect(plans.map(one => one.file)).toEqual(['a.yaml', 'b.yml']);
    expect(unmappable).toEqual([{ file: 'cheap.yaml', reasons: [expect.stringMatching(/is nothing per second/)] }]);
  });

  it('a name in the file is relative to it, one on the command line to where one stands', () => {
    const files = {
      's.yaml': 'extends: deep/base.yaml\n',
      'deep/base.yaml': SCENARIO,
      'deep/files/a.yaml': sdl(),
      'x/a.yml': sdl(),
    };
    expect(read(files).scenario.sdl?.folder).toBe('deep/files');
    expect(read(files, ['workload.sdl=x']).scenario.sdl?.folder).toBe('x');
  });

  it('prices follow the block and the denominations that it says', () => {
    const set = ['workload.sdlSecondsPerBlock=1s', 'workload.denominations.uakt=0.5'];
    expect(plan(read(FILES)).plans[0]!.infrastructure[0]!.infrastructure.resources[0]!.price).toBe(16_347_882n);
    expect(plan(read(FILES, set)).plans[0]!.infrastructure[0]!.infrastructure.resources[0]!.price).toBe(50_000_000n);
  });

  it.each([
    ['0', 'workload.denominations.uact: found 0'],
    ['-1', 'found -1'],
    ['1e-7', 'found 1e-7, expected micro-AKASH for one, above 0'],
    ['0.1234567890123', 'at most 12 decimals'],
    ['2000000', 'at most a million'],
    ['much', 'found "much"'],
  ])('refuses a rate of %s', (rate, message) => {
    expect(errors(FILES, [`workload.denominations.uact=${rate}`]).join()).toContain(message);
  });

  it('a trace and SDL files go together', () => {
    const both = SCENARIO.replace('{sdl: files}', '{sdl: files, format: openb, pods: p.csv, nodes: n.csv}');
    expect(errors({ ...FILES, 's.yaml': both })).toEqual([
      expect.stringContaining('workload: found a map, expected exactly one of timeScale and targetLoad'),
    ]);
    expect(errors({ ...FILES, 's.yaml': SCENARIO.replace('{sdl: files}', '{sld: files}') })).toEqual([
      expect.stringMatching(/workload\.sld: found the key "sld", expected "sdl" perhaps/),
    ]);
  });

  it('needs a folder, and a class that deploys it', () => {
    const without = SCENARIO.replace('workload: {sdl: files}\n', '');
    expect(errors({ ...FILES, 's.yaml': without })).toEqual([
      expect.stringMatching(/tenants\.web\.deployment\.sdl: .* expected a workload section with the folder/),
    ]);
    const idle = `${variant()}\nworkload: {sdl: files}\n`;
    expect(errors({ ...FILES, 's.yaml': idle })).toEqual([
      expect.stringMatching(/workload\.sdl: found "files", expected a class of tenants with deployment: \{sdl: \{\}\}/),
    ]);
  });

  it.each([
    ['a folder that is not there', 'nowhere', '"nowhere" (no such folder), expected a folder of SDL files'],
    [
      'a folder without SDL files',
      'docs',
      '"docs" (no .yaml or .yml in it), expected a folder of 1 to 10,000 SDL files',
    ],
  ])('refuses %s', (_, folder, message) => {
    const files = { ...FILES, 'docs/readme.md': '' };
    expect(errors(files, [`workload.sdl=${folder}`]).join()).toContain(message);
  });

  it('refuses a folder of which nothing can be deployed', () => {
    const files = { 's.yaml': SCENARIO, 'files/bad.yaml': BROKEN, 'files/cheap.yaml': CHEAP };
    expect(errors(files)).toEqual([
      expect.stringMatching(/tenants\.web\.deployment\.sdl: found 2 files in "files", none of which can be deployed/),
    ]);
    const idle = SCENARIO.replace('{collateral: 2 uakt}', '{weights: {a.yaml: 0, b.yml: 0}}');
    expect(errors({ ...FILES, 's.yaml': idle })).toHaveLength(1);
  });

  it('refuses weights of files that are not there, where they stand', () => {
    const files = { ...FILES, 's.yaml': SCENARIO.replace('{collateral: 2 uakt}', '{weights: {a.yml: 3}}') };
    expect(errors(files)).toEqual([
      expect.stringMatching(
        /^s\.yaml:17:22: .*weights\.a\.yml: found the file "a.yml", expected "b.yml" perhaps|"a.yaml" perhaps/,
      ),
    ]);
  });

  it('says that folders cannot be listed where they cannot', () => {
    expect(errorsOf(FILES)).toEqual([expect.stringContaining('(folders cannot be listed here)')]);
  });

  it('checks the region that a class asks for', () => {
    const files = { ...FILES, 's.yaml': SCENARIO.replace('{collateral: 2 uakt}', '{region: mars}') };
    expect(errors(files)).toEqual([expect.stringMatching(/deployment\.sdl\.region: found the region "mars"/)]);
  });
});

describe('terms', () => {
  const NOTES = `
defaults: {collateral: 3 uakt, openFor: 2m, weight: 4}
files:
  b.yml:
    persist: true
    waitDuration: 9
    reputationAtLeast: 0.25
    placements:
      south: {persist: false, region: [eu, us], datacenters: 2}
`;

  it('hold from the general to the particular', () => {
    const { plans } = plan(read({ ...FILES, 'files/orrery.yaml': NOTES }));
    expect(plans).toMatchObject([
      { file: 'a.yaml', weight: 4, waitDuration: 2, openFor: 120_000_000 },
      { file: 'b.yml', weight: 4, waitDuration: 9, openFor: 120_000_000 },
    ]);
    const terms = plans[1]!.infrastructure.map(
      ({ infrastructure: { persist, reputationAtLeast, resources }, region, copy }) => ({
        persist,
        reputationAtLeast,
        collateral: resources[0]!.collateral,
        region,
        copy,
      }),
    );
    const both = { reputationAtLeast: 250_000, collateral: 3n };
    const region = { kind: 'cycle', regions: ['eu', 'us'] };
    expect(terms).toEqual([
      { ...both, persist: true, region: null, copy: 0 },
      { ...both, persist: false, region, copy: 0 },
      { ...both, persist: false, region, copy: 1 },
    ]);
  });

  it('are those of the class where nothing else is said, with its weights before all others', () => {
    const template = '{collateral: 2 uakt, persist: true, weights: {a.yaml: 7}}';
    const files = { ...FILES, 's.yaml': SCENARIO.replace('{collateral: 2 uakt}', template) };
    const { plans } = plan(read({ ...files, 'files/orrery.yaml': 'defaults: {weight: 2}\n' }));
    expect(plans.map(one => one.weight)).toEqual([7, 2]);
    for (const { infrastructure } of plans.flatMap(one => one.infrastructure)) {
      expect(infrastructure).toMatchObject({ persist: true, resources: [{ collateral: 2n }] });
    }
  });

  it('of more than 32 datacenters are no deployment', () => {
    const { unmappable } = plan(read({ ...FILES, 'files/orrery.yaml': 'files: {b.yml: {datacenters: 17}}\n' }));
    expect(unmappable).toEqual([{ file: 'b.yml', reasons: ['34 infrastructures are more than 32'] }]);
  });

  it.each([
    [
      'an unknown file',
      'files: {c.yaml: {persist: true}}',
      /^files\/orrery\.yaml:1:9: files\.c\.yaml: found the file "c\.yaml", expected/,
    ],
    [
      'an unknown placement',
      'files: {b.yml: {placements: {nort: {}}}}',
      /found the placement "nort", expected "north" perhaps/,
    ],
    [
      'an unknown term',
      'defaults: {persists: true}',
      /defaults\.persists: found the key "persists", expected "persist" perhaps/,
    ],
    [
      'a value of another kind',
      'defaults:\n  collateral: 3\n',
      /^files\/orrery\.yaml:2:15: defaults\.collateral: found 3, expected an amount/,
    ],
    ['a list', '[]', /found an empty list, expected a map of defaults, files/],
  ])('refuses %s, where it stands', (_, notes, message) => {
    expect(errors({ ...FILES, 'files/orrery.yaml': notes })).toEqual([expect.stringMatching(message)]);
  });

  it('of a refused file are not held against its placements', () => {
    const notes = 'files: {bad.yaml: {placements: {anything: {}}}}\n';
    const { sdl: catalogue } = read({ ...FILES, 'files/bad.yaml': BROKEN, 'files/orrery.yaml': notes });
    expect(catalogue?.files).toHaveLength(3);
  });

  it('stand in one file', () => {
    const files = { ...FILES, 'files/orrery.yaml': '{}', 'files/orrery.yml': '{}' };
    expect(errors(files)).toEqual([expect.stringContaining('found orrery.yaml and orrery.yml in one folder')]);
  });
});

describe('folders on a disk', () => {
  it('list their plain files', () => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-sdl-'));
    try {
      writeFileSync(join(folder, 'a.yaml'), '');
      mkdirSync(join(folder, 'b.yaml'));
      expect(listFolderOfNode(folder)).toEqual(['a.yaml']);
      expect(() => listFolderOfNode(join(folder, 'a.yaml'))).toThrow('no folder');
      expect(() => listFolderOfNode(join(folder, 'none'))).toThrow('no such folder');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
