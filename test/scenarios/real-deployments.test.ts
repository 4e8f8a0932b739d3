/**
 * Deployments of SDL files from the folder to the lease: every file accounted for, the manifest's hash on the chain, its
 * images at the datacenter; with the public files of Akash where they are (ORRERY_DATA, by default ../shared/data).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { summaryText } from '../../src/lab/experiment/results.ts';
import { SdlBooks } from '../../src/lab/experiment/sdl-books.ts';
import { TABLES } from '../../src/lab/report/tables.ts';
import { loadScenarioFile } from '../../src/lab/scenario/load-node.ts';
import { planClass } from '../../src/lab/scenario/sdl-plan.ts';
import type { Block } from '../../src/protocol/chain/block.ts';
import type { BlockResult } from '../../src/protocol/chain/chain.ts';
import { readSdl } from '../../src/protocol/manifest/sdl.ts';
import type { State } from '../../src/protocol/model/state.ts';
import { metric, runFile, type ScenarioRun } from './run.ts';

const FILE = 'scenarios/real-deployments.yaml';
const OWN = 'scenarios/sdl';
const OWN_FILES = readdirSync(OWN)
  .filter(name => name.endsWith('.yaml') && name !== 'orrery.yaml')
  .sort();
const DATA = process.env.ORRERY_DATA ?? join(import.meta.dirname, '../../../shared/data');
const PUBLIC = join(DATA, 'sdl', 'awesome-akash');
const MISSING = !existsSync(PUBLIC);

type Row = Readonly<Record<string, unknown>>;

/** Rows of sdl.csv by column. */
function rows(run: ScenarioRun): Row[] {
  const names = TABLES.sdl.map(column => column.name);
  return (run.tables.get('sdl') ?? []).map(cells => {
    expect(cells).toHaveLength(names.length);
    return Object.fromEntries(names.map((name, i) => [name, cells[i]]));
  });
}

function total(all: readonly Row[], column: string): number {
  return all.reduce((sum, row) => sum + Number(row[column] ?? 0), 0);
}

describe("the gallery's own SDL files", () => {
  test('are ten or more, each valid, with a header, and another thing', () => {
    expect(OWN_FILES.length).toBeGreaterThanOrEqual(10);
    const versions = OWN_FILES.map(name => {
      const text = readFileSync(join(OWN, name), 'utf8');
      expect(text).toMatch(/^# \S[\s\S]{80}/);
      const reading = readSdl(text);
      if (!reading.ok) expect.fail(`${name}: ${JSON.stringify(reading.problems)}`);
      return reading.version;
    });
    expect(new Set(versions).size).toBe(OWN_FILES.length);
  });

  test('one connects services across placements, which none of the public files does', () => {
    const reading = readSdl(readFileSync(join(OWN, 'edge-and-core.yaml')));
    if (!reading.ok) expect.fail('refused');
    const { services, links } = reading.topology;
    const groupOf = (name: string) => services.find(one => one.name === name)?.groups[0]?.group;
    const across = links.filter(({ from, to }) => from !== 'global' && groupOf(from.service) !== groupOf(to));
    expect(across.map(({ from, to }) => [from, to])).toEqual([
      [{ service: 'edge-eu' }, 'app'],
      [{ service: 'edge-us' }, 'app'],
    ]);
  });
});

describe('the scenario', { timeout: 300_000 }, () => {
  const set = ['horizon=12h', 'expect=[]'];

  test('accounts for every file and every order, and comes out the same again', () => {
    const run = runFile(FILE, { set });
    const all = rows(run);
    expect(all.map(row => row.file)).toEqual(OWN_FILES);
    expect(new Set(all.map(row => row.verdict))).toEqual(new Set(['deployed']));
    expect(total(all, 'deployments')).toBe(metric(run, 'deployments'));
    expect(total(all, 'orders')).toBe(metric(run, 'orders'));
    expect(total(all, 'matched')).toBe(metric(run, 'orders_matched'));
    expect(total(all, 'expired')).toBe(metric(run, 'orders_expired'));
    expect(metric(run, 'sdl_deployed')).toBe(all.length);
    // Every datacenter that won was handed the manifest at once, but for what was matched at the very end.
    expect(metric(run, 'leases') - metric(run, 'manifests_accepted')).toBeLessThan(3);
    expect(metric(run, 'manifests_refused')).toBe(0);
    expect(metric(run, 'manifest_wait_p95_s')).toBeLessThan(1);
    const again = runFile(FILE, { set });
    expect(again.result).toEqual(run.result);
    expect(again.tables).toEqual(run.tables);
    const text = ({ result }: ScenarioRun) => summaryText([{ scenario: 'x', scenarioHash: 'y', result }]);
    expect(text(again)).toBe(text(run));
  });

  test('draws by weight: what has weight 6 comes oftener than what has 1, what has 0 never', () => {
    const weights = 'tenants.authors.deployment.sdl.weights={web-shop.yaml: 0, name-server.yaml: 1000}';
    const byFile = new Map(rows(runFile(FILE, { set: [...set, weights] })).map(row => [row.file, row]));
    expect(byFile.get('web-shop.yaml')).toMatchObject({ verdict: 'not drawn', deployments: 0 });
    expect(Number(byFile.get('name-server.yaml')?.deployments)).toBeGreaterThan(100);
  });

  test('half the worth of a credit halves every limit', () => {
    const limits = (uact: number) =>
      rows(runFile(FILE, { set: ['horizon=10m', 'expect=[]', `workload.denominations.uact=${uact}`] })).map(row =>
        Number(row.maximum_uakt_per_s),
      );
    const [one, half] = [limits(1), limits(0.5)];
    const own = rows(runFile(FILE, { set: ['horizon=10m', 'expect=[]'] })).map(row => row.file);
    own.forEach((file, i) => {
      // The video conference is priced in AKT.
      expect(half[i]).toBeCloseTo(file === 'video-conference.yaml' ? one[i]! : one[i]! / 2, 3);
    });
  });
});

describe('on the chain', () => {
  const { scenario, sdl } = loadScenarioFile(FILE);
  if (sdl === null) throw new Error('the scenario has no SDL files');

  test('a deployment is known by the hash of its manifest and its prices', () => {
    const books = new SdlBooks(scenario, sdl);
    const { plans } = planClass(sdl, scenario.tenants[0]!, scenario.sdl!.conversion);
    const { version, infrastructure } = plans.find(one => one.file === 'edge-and-core.yaml')!;
    const slots = infrastructure.map((one, group) => ({ group, infrastructure: one.infrastructure }));
    const dearer = slots.map(({ infrastructure: one, group }) => ({
      group,
      infrastructure: { ...one, resources: one.resources.map(each => ({ ...each, price: each.price + 1n })) },
    }));
    const deployments: Readonly<Record<string, object>> = {
      't/1': { version: Uint8Array.fromHex(version), slots },
      't/2': { version: new Uint8Array(32), slots },
      't/3': { version: Uint8Array.fromHex(version), slots: dearer },
    };
    const state = { deployments: { get: (id: string) => deployments[id] } } as unknown as State;
    const events = Object.keys(deployments).map(deployment => ({ type: 'DeploymentSubmitted', deployment }));
    books.watch({} as Block, { events } as unknown as BlockResult, state);
    const counts = books.rows().map(cells => [cells[0], cells[8]]);
    expect(counts.filter(([, count]) => count !== 0)).toEqual([['edge-and-core.yaml', 1]]);
  });
});

describe.skipIf(MISSING)(
  `the public files of Akash${MISSING ? ' (skipped: no sdl/awesome-akash in ORRERY_DATA)' : ''}`,
  {
    timeout: 300_000,
  },
  () => {
    const files = MISSING
      ? []
      : readdirSync(PUBLIC)
          .filter(name => /\.ya?ml$/.test(name))
          .sort();

    test('each is deployed, or named with the reason', () => {
      const run = runFile(FILE, { set: [`workload.sdl=${PUBLIC}`, 'horizon=1d'] });
      const all = rows(run);
      expect(all.map(row => row.file)).toEqual(files);
      expect(metric(run, 'sdl_files')).toBe(files.length);
      const notes = run.result.notes.join('\n');
      for (const { file, verdict, reason, stage } of all) {
        if (verdict === 'deployed') continue;
        expect(notes).toContain(file);
        if (verdict === 'not drawn') continue;
        expect(reason).toMatch(/\w{3}/);
        expect(stage === null).toBe(verdict === 'not mapped');
      }
      const verdicts = (which: string) => all.filter(row => row.verdict === which).length;
      expect([verdicts('refused'), verdicts('not mapped')]).toEqual([22, 1]);
      expect(total(all, 'orders')).toBe(metric(run, 'orders'));
      expect(metric(run, 'match_share')).toBeGreaterThan(0.9);
      expect(metric(run, 'manifests_accepted')).toBeGreaterThan(0.99 * metric(run, 'leases'));
      expect(metric(run, 'manifests_refused')).toBe(0);
    });

    test('files that are equal to the market share a row of counts', () => {
      const all = rows(runFile(FILE, { set: [`workload.sdl=${PUBLIC}`, 'horizon=10m', 'expect=[]'] }));
      const shared = all.filter(row => row.same_as !== null);
      expect(shared.length).toBe(4);
      for (const { same_as: same, version } of shared) {
        expect(all.find(row => row.file === same)).toMatchObject({ version, same_as: null });
      }
    });
  },
);
