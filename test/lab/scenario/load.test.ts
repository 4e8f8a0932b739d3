import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTrace, providerCount } from '../../../src/lab/scenario/load.ts';
import { loadScenarioFile, readFileOfNode } from '../../../src/lab/scenario/load-node.ts';
import { BASE, errorsOf, load, portOf, variant } from './fixture.ts';

const CHILD = 'extends: base.yaml\nname: child\n';

describe('extends', () => {
  it('lays a file over another, the child winning', () => {
    const { scenario, sources } = load({
      's.yaml': `${CHILD}horizon: 1d\nproviders:\n  cheap:\n    count: 9\n    strategy: {undercut: {step: 0.02, start: 0.5}}\n`,
      'base.yaml': BASE,
    });
    expect(scenario).toMatchObject({ name: 'child', question: 'Does it load?', horizon: 86_400_000_000 });
    expect(scenario.providers[0]).toMatchObject({
      supply: { count: 9, capacity: { gpu: 2_000 } },
      strategy: { kind: 'undercut' },
    });
    expect(sources.map(({ path }) => path)).toEqual(['s.yaml', 'base.yaml']);
  });

  it('takes names from where they are written, over several files', () => {
    const files = {
      's.yaml': 'extends: lib/middle.yaml\nname: top\n',
      'lib/middle.yaml': 'extends: ../other/base.yaml\nhorizon: 1d\n',
      'other/base.yaml': BASE,
    };
    expect(load(files).scenario).toMatchObject({ name: 'top', horizon: 86_400_000_000, question: 'Does it load?' });
  });

  it('an error points into the file in which the value stands', () => {
    const lines = errorsOf({
      's.yaml': `${CHILD}providers: {cheap: {count: none}}\n`,
      'base.yaml': variant(['horizon: 2d', 'horizon: long'], ['cost: {cpu: 2 uakt/h}', 'cots: {}']),
    });
    expect(lines).toEqual([
      expect.stringMatching(/^base\.yaml:3:10: horizon: found "long"/),
      expect.stringMatching(/^base\.yaml:9:5: providers\.cheap\.cots: found the key "cots", expected "cost" perhaps/),
      expect.stringMatching(/^s\.yaml:3:13: providers\.cheap\.cost: found nothing/),
      expect.stringMatching(/^s\.yaml:3:28: providers\.cheap\.count: found "none"/),
    ]);
  });

  it.each([
    [
      'a missing file',
      { 's.yaml': CHILD },
      's.yaml:1:10: extends: found "base.yaml" (no such file), expected a file that can be read',
    ],
    [
      'itself',
      { 's.yaml': 'extends: ./s.yaml\n' },
      's.yaml:1:10: extends: found a circle, s.yaml -> s.yaml, expected a file that does not lead back',
    ],
    [
      'a circle of three',
      {
        's.yaml': 'extends: d/a.yaml\n',
        'd/a.yaml': 'name: a\nextends: b.yaml\n',
        'd/b.yaml': 'extends: ../d/./a.yaml\n',
      },
      'd/b.yaml:1:10: extends: found a circle, d/a.yaml -> d/b.yaml -> d/a.yaml, expected a file that does not lead back',
    ],
    [
      'a list',
      { 's.yaml': 'extends: [a]\n' },
      's.yaml:1:10: extends: found a list, expected a file name such as base.yaml',
    ],
    ['nothing', { 's.yaml': 'extends:\n' }, 's.yaml:1:9: extends: found null, expected a file name such as base.yaml'],
    [
      'a broken file',
      { 's.yaml': CHILD, 'base.yaml': 'a: 1\na: 2\n' },
      'base.yaml:2:1: a: found the key "a" a second time, expected each key once',
    ],
  ])('%s is refused', (_, files, line) => {
    expect(errorsOf(files)).toEqual([line]);
  });

  it('a chain of seventeen files is refused', () => {
    const files = Object.fromEntries(
      Array.from({ length: 18 }, (_, i) => [i === 0 ? 's.yaml' : `${i}.yaml`, `extends: ${i + 1}.yaml\n`]),
    );
    expect(errorsOf(files)).toEqual(['15.yaml:1:10: extends: found a chain of more files, expected at most 16']);
  });
});

describe('overrides', () => {
  const set = (...overrides: string[]) => load(BASE, { overrides }).scenario;
  const refused = (...overrides: string[]) => errorsOf(BASE, { overrides });

  it('replace, add, and reach into lists', () => {
    const scenario = set(
      'providers.cheap.count=10',
      'chain.params.leaseTax=1000',
      'tenants.web.deployment.0.persist=true',
      'tenants.web.deployment.0.groups.0.price={expression: "3 * cpu"}',
      'providers.cheap.strategy={undercut: {step: 0.02, start: 1}}',
      'horizon = 3d',
      'faults=[{at: 1h, kind: restart, target: cheap-9}]',
    );
    expect(scenario.horizon).toBe(259_200_000_000);
    expect(scenario.chain.params).toEqual({ leaseTax: 1000 });
    expect(scenario.providers[0]).toMatchObject({ supply: { count: 10 }, strategy: { kind: 'undercut' } });
    expect(scenario.tenants[0]!.deployment[0]).toMatchObject({
      persist: true,
      groups: [{ price: { kind: 'expression' } }],
    });
    expect(scenario.faults).toHaveLength(1);
  });

  it('the later of two wins, and the file is as it was', () => {
    expect(set('horizon=3d', 'horizon=4d').horizon).toBe(345_600_000_000);
    expect(load(BASE).scenario.horizon).toBe(172_800_000_000);
  });

  it.each([
    [
      'an unknown key',
      'providers.cheap.coutn=3',
      '--set providers.cheap.coutn=3: providers.cheap.coutn: found the key "coutn", expected "count" perhaps',
    ],
    [
      'an unknown section',
      'chian.validators=1',
      '--set chian.validators=1: chian: found the key "chian", expected "chain" perhaps',
    ],
    [
      'an unknown class',
      'providers.cheep.count=3',
      '--set providers.cheep.count=3: providers.cheep.count: found no providers class "cheep", expected "cheap" perhaps (cheap)',
    ],
    [
      'an index behind the end',
      'tenants.web.deployment.1.persist=true',
      '--set tenants.web.deployment.1.persist=true: tenants.web.deployment.1: found "1", expected an index from 0 to 0',
    ],
    [
      'a name as an index',
      'tenants.web.deployment.x.persist=true',
      'tenants.web.deployment.x: found "x", expected an index from 0 to 0',
    ],
    [
      'a step into a value',
      'horizon.days=3',
      '--set horizon.days=3: horizon.days: found "2d" at horizon, expected a map or list to hold "days"',
    ],
    [
      'a bad value',
      'providers.cheap.count=abc',
      '--set providers.cheap.count=abc: providers.cheap.count: found "abc", expected a whole number',
    ],
    ['no value', 'horizon=', '--set horizon=: horizon: found no value, expected path=value'],
    ['no path', '=3', '--set =3: found "=3", expected path=value'],
    ['no sign', 'horizon', '--set horizon: found "horizon", expected path=value'],
    ['an empty step', 'providers..count=3', 'found "providers..count=3", expected path=value'],
    ['broken YAML', 'horizon=[1', 'expected valid YAML 1.2'],
    [
      'another base',
      'extends=x.yaml',
      '--set extends=x.yaml: extends: found an override, expected it in the file itself',
    ],
    ['a prototype', 'chain.params.__proto__=1', 'chain.params.__proto__: found'],
  ])('%s is refused', (_, override, message) => {
    const lines = refused(override);
    expect(lines[0]).toContain(message);
  });

  it('all of them are judged, with the file', () => {
    expect(
      errorsOf(variant(['horizon: 2d', 'horizon: x']), {
        overrides: ['providers.no.count=3', 'providers.cheap.count=x'],
      }),
    ).toHaveLength(3);
  });
});

const NODES = 'sn,cpu_milli,memory_mib,gpu,model\nn0,32000,262144,0,\nn1,96000,393216,2,T4\nn2,96000,393216,2,T4\n';
const HEADER =
  'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n';
const PODS = `${HEADER}p0,1000,1024,1,500,,LS,Running,0,100,0\np1,1000,1024,2,1000,T4,BE,Running,50,150,50\n`;
const TRACED = variant(
  ['    count: 4\n', '    fromTrace: openb\n'],
  ['{cpu: 16, memory: 64Gi, disk: 1Ti, gpu: 2}', '{disk: 1Ti}'],
  ['{poisson: {every: 10m}}', '{trace: openb}'],
  ['{cpu: 1, memory: 2Gi, price: 9 uakt/h}', '{price: 9 uakt/h}'],
  [
    'horizon: 2d',
    'horizon: 2d\nworkload: {format: openb, pods: data/p.csv, nodes: data/n.csv, targetLoad: 0.5, nodesPerProvider: 1}',
  ],
);

describe('traces', () => {
  it('are read beside the file that names them', () => {
    const { scenario, trace, sources } = load({
      's.yaml': 'extends: lib/b.yaml\n',
      'lib/b.yaml': TRACED,
      'lib/data/p.csv': PODS,
      'lib/data/n.csv': NODES,
    });
    expect(scenario.workload).toEqual({
      format: 'openb',
      pods: 'lib/data/p.csv',
      nodes: 'lib/data/n.csv',
      scale: { kind: 'targetLoad', targetLoad: 0.5 },
      nodesPerProvider: 1,
    });
    expect(scenario.providers[0]!.supply).toEqual({ kind: 'trace', disk: 2 ** 40, bandwidth: 0 });
    expect(trace!.pods).toHaveLength(2);
    expect(sources.map(({ path }) => path)).toEqual(['s.yaml', 'lib/b.yaml', 'lib/data/n.csv', 'lib/data/p.csv']);
    expect(providerCount(scenario, 'cheap', trace)).toBe(3);
    expect(() => providerCount(scenario, 'dear', trace)).toThrow('found no class "dear"');
  });

  it('named by an override are read from the working directory', () => {
    const files = {
      's.yaml': 'extends: lib/b.yaml\n',
      'lib/b.yaml': TRACED,
      'lib/data/n.csv': NODES,
      'mine/p.csv': PODS,
    };
    const { scenario, trace } = load(files, { overrides: ['workload.pods=./mine/p.csv'] });
    expect(scenario.workload!.pods).toBe('mine/p.csv');
    expect(loadTrace(structuredClone(scenario.workload!), portOf(files))).toEqual(trace);
  });

  it('an override of the scale takes the place of the other way to say it', () => {
    const files = { 's.yaml': TRACED, 'data/p.csv': PODS, 'data/n.csv': NODES };
    const { scenario } = load(files, { overrides: ['workload.timeScale=3'] });
    expect(scenario.workload!.scale).toEqual({ kind: 'timeScale', timeScale: 3 });
  });

  it('that are missing or broken are reported together', () => {
    expect(errorsOf({ 's.yaml': TRACED })).toEqual([
      's.yaml:4:52: workload.nodes: found "data/n.csv" (no such file), expected a file that can be read',
      's.yaml:4:33: workload.pods: found "data/p.csv" (no such file), expected a file that can be read',
    ]);
    const broken = PODS.replace('p1,1000,1024,2,1000', 'p1,1000,1024,2,500');
    expect(
      errorsOf({ 's.yaml': TRACED, 'data/n.csv': NODES.replace(',2,T4\nn2', ',-2,T4\nn2'), 'data/p.csv': broken }),
    ).toEqual([
      'data/n.csv:3:17: gpu: found "-2", expected a whole number from 0 to 1,000',
      'data/n.csv:3:20: model: found "T4", expected nothing on a node without GPUs',
      'data/p.csv:3:16: gpu_milli: found "500", expected 1000 for a pod with several GPUs',
    ]);
  });

  it('that cannot be scaled are refused', () => {
    const files = { 's.yaml': TRACED, 'data/n.csv': NODES, 'data/p.csv': PODS.replace(',50,150,50', ',0,150,0') };
    expect(errorsOf(files)).toEqual([
      expect.stringContaining('s.yaml:4:76: workload.targetLoad: found a trace without GPUs'),
    ]);
  });
});

describe('parameters', () => {
  it('are held against the table that is handed in', () => {
    const text = `${BASE}chain:\n  params:\n    known: 1\n    odd: 2\n`;
    const lines = errorsOf(text, {
      checkParams: params => {
        expect(params).toEqual({ known: 1, odd: 2 });
        return [
          { name: 'known', expected: 'a whole number of blocks from 4' },
          { name: 'odd', expected: 'known', unknown: true },
        ];
      },
    });
    expect(lines).toEqual([
      's.yaml:22:12: chain.params.known: found 1, expected a whole number of blocks from 4',
      's.yaml:23:5: chain.params.odd: found the parameter "odd", expected known',
    ]);
  });
});

describe('on a disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-scenario-'));
  const file = join(folder, 's.yaml');

  it('loads, with names from the folder of the file', () => {
    writeFileSync(file, CHILD);
    writeFileSync(join(folder, 'base.yaml'), BASE);
    expect(loadScenarioFile(file).scenario.name).toBe('child');
    rmSync(join(folder, 'base.yaml'));
    expect(() => loadScenarioFile(file)).toThrow(
      `${file}:1:10: extends: found ${JSON.stringify(join(folder, 'base.yaml'))} (no such file)`,
    );
  });

  it('says why a file cannot be read', () => {
    expect(() => loadScenarioFile(join(folder, 'none.yaml'))).toThrow(
      'none.yaml: found no such file, expected a file that can be read',
    );
    expect(() => loadScenarioFile(folder)).toThrow('found a folder, expected a file that can be read');
    writeFileSync(file, 'x'.repeat(2_000));
    expect(() => readFileOfNode(file, 1_000)).toThrow('2,000 bytes, at most 1,000 are read');
    writeFileSync(file, `#${'x'.repeat(1 << 20)}`);
    expect(() => loadScenarioFile(file)).toThrow('1,048,577 bytes, at most 1,048,576 are read');
    rmSync(folder, { recursive: true });
  });
});
