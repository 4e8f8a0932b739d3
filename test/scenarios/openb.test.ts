/**
 * The real GPU trace, where its two files are: ORRERY_DATA (default: ../shared/data) holds openb-gpu-2023 with
 * openb_pod_list_default.csv and openb_node_list_all_node.csv (cluster-trace-gpu-v2023 of Alibaba's clusterdata).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { metric, runFile, type ScenarioRun } from './run.ts';

const DATA = process.env.ORRERY_DATA ?? join(import.meta.dirname, '../../../shared/data');
const FOLDER = join(DATA, 'openb-gpu-2023');
const PODS = `${FOLDER}/openb_pod_list_default.csv`;
const NODES = `${FOLDER}/openb_node_list_all_node.csv`;
const MISSING = !existsSync(PODS) || !existsSync(NODES);
const WHY = MISSING ? ' (skipped: no openb-gpu-2023 in ORRERY_DATA)' : '';

const FILE = 'scenarios/gpu-cluster.yaml';
const REAL = [`workload.pods=${PODS}`, `workload.nodes=${NODES}`];

function accounted(run: ScenarioRun): number {
  const ends = ['matched', 'expired', 'insufficient_funds', 'tenant_closed', 'removed', 'open'];
  return ends.reduce((sum, end) => sum + metric(run, `orders_${end}`), 0);
}

describe.skipIf(MISSING)(`the real GPU trace${WHY}`, { timeout: 600_000 }, () => {
  test('each of 8,152 pods becomes an order against 1,523 nodes, and each order is accounted for', () => {
    const run = runFile(FILE, { set: REAL });
    expect(run.result.notes.join()).toContain('8152 pods on 1523 nodes with 6212 GPUs');
    expect(metric(run, 'orders')).toBe(8152);
    expect(accounted(run)).toBe(8152);
    expect(metric(run, 'orders_matched')).toBeGreaterThan(8100);
    expect(metric(run, 'leases_active')).toBe(0);
    expect(run.result.expectations.filter(one => !one.holds)).toEqual([]);
  });

  test('played as it happened', () => {
    const run = runFile(FILE, { set: [...REAL, 'workload.timeScale=1'] });
    expect(run.result.notes.join()).toMatch(/compressed 1(\.0+)? times/);
    expect(metric(run, 'orders')).toBe(8152);
    expect(accounted(run)).toBe(8152);
  });
});

describe('the sample of a GPU trace', { timeout: 120_000 }, () => {
  test('timeScale on the command line takes the place of targetLoad', () => {
    const run = runFile(FILE, { set: ['workload.timeScale=1', 'horizon=10d'] });
    expect(run.result.notes.join()).toMatch(/compressed 1(\.0+)? times/);
    expect(metric(run, 'orders')).toBe(250);
  });

  test('orders that accept some models only are served by providers of these', () => {
    const { tables } = runFile(FILE, { set: ['horizon=3d', 'observe.files=[events]'] });
    const wants = new Map<string, string>();
    const has = new Map<string, string>();
    let checked = 0;
    for (const [, , type, subject, who, fields] of tables.get('events') ?? []) {
      const event = JSON.parse(String(fields));
      if (type === 'OrderOpened') wants.set(String(subject), event.infrastructure.attributes['gpu-model'] ?? '');
      if (type !== 'LeaseCreated') continue;
      const models = wants.get(String(subject)) ?? '';
      if (models === '') continue;
      checked += 1;
      // A provider made from the trace has one model: the orders that it serves must have one in common.
      const common = has.get(String(who))?.split('|') ?? models.split('|');
      const left = common.filter(model => models.split('|').includes(model));
      expect(left.length, `${who} served ${models} and ${common.join('|')}`).toBeGreaterThan(0);
      has.set(String(who), left.join('|'));
    }
    expect(checked).toBeGreaterThan(20);
  });
});
