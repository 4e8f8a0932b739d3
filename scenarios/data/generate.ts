/**
 * Makes the sample of a GPU cluster trace that scenarios and tests use where no real trace is at hand.
 *
 * The two files have the columns of the openb trace (src/lab/scenario/trace.ts explains them) and nothing of its rows:
 * nodes, pods, times and sizes are drawn here, from one seed. Run `node scenarios/data/generate.ts` to write them again;
 * a test holds the files to what this gives.
 */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { randomExponential, randomLogNormal } from 'd3-random';
import seedrandom from 'seedrandom';

const SEED = 'openb-sample-1';
const PODS = 250;
const DAY = 86_400;

/** Kinds of nodes: how many, and what one is. */
const NODE_KINDS = [
  { count: 8, cpu: 64_000, memory: 262_144, gpu: 0, model: '' },
  { count: 12, cpu: 96_000, memory: 393_216, gpu: 2, model: 'T4' },
  { count: 10, cpu: 96_000, memory: 524_288, gpu: 8, model: 'A10' },
  { count: 6, cpu: 128_000, memory: 786_432, gpu: 8, model: 'V100' },
  { count: 4, cpu: 32_000, memory: 131_072, gpu: 1, model: 'P100' },
] as const;

/** Kinds of pods and how often they come, out of 100. */
const POD_KINDS = [
  { weight: 15, gpus: 0, shares: [0] },
  { weight: 55, gpus: 1, shares: [100, 200, 250, 300, 400, 500, 600, 750, 800] },
  { weight: 22, gpus: 1, shares: [1_000] },
  { weight: 4, gpus: 2, shares: [1_000] },
  { weight: 2, gpus: 4, shares: [1_000] },
  { weight: 2, gpus: 8, shares: [1_000] },
] as const;

const CLASSES = ['LS', 'LS', 'BE', 'BE', 'Burstable'];

/** The text of both files. */
export function generateSample(): { nodes: string; pods: string } {
  const uniform = seedrandom.alea(SEED);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(uniform() * values.length)]!;
  const name = (kind: string, i: number): string => `sample-${kind}-${String(i).padStart(4, '0')}`;

  const nodes = NODE_KINDS.flatMap(({ count, ...node }) => Array.from({ length: count }, () => node));
  const nodeRows = nodes.map(({ cpu, memory, gpu, model }, i) => [name('node', i), cpu, memory, gpu, model]);

  const gap = randomExponential.source(uniform)(1 / ((7 * DAY) / PODS));
  const lifetime = randomLogNormal.source(uniform)(Math.log(4 * 3_600), 1.4);
  let now = 0;
  const podRows = Array.from({ length: PODS }, (_, i) => {
    now += gap();
    const created = Math.floor(now);
    let ticket = uniform() * 100;
    const kind = POD_KINDS.find(({ weight }) => (ticket -= weight) < 0) ?? POD_KINDS[1];
    const share = pick(kind.shares);
    const cpu = kind.gpus === 0 ? pick([1, 2, 4, 8, 16]) * 1_000 : Math.max(1, kind.gpus) * pick([2, 4, 6, 8]) * 1_000;
    const models = kind.gpus > 0 && uniform() < 0.2 ? pick(['A10', 'V100', 'A10|V100', 'T4|P100']) : '';
    const unscheduled = uniform() < 0.04;
    const deleted = created + Math.ceil(Math.min(lifetime(), 5 * DAY));
    return [
      name('pod', i),
      cpu,
      (cpu / 1_000) * pick([2_048, 4_096]),
      kind.gpus,
      share,
      models,
      pick(CLASSES),
      unscheduled ? 'Pending' : pick(['Running', 'Running', 'Succeeded', 'Failed']),
      created,
      deleted,
      unscheduled ? '' : created + Math.floor(uniform() * 30),
    ];
  });
  return {
    nodes: csv('sn,cpu_milli,memory_mib,gpu,model', nodeRows),
    pods: csv(
      'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time',
      podRows,
    ),
  };
}

function csv(header: string, rows: readonly (readonly (string | number)[])[]): string {
  return `${[header, ...rows.map(row => row.join(','))].join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { nodes, pods } = generateSample();
  writeFileSync(new URL('openb-sample-nodes.csv', import.meta.url), nodes);
  writeFileSync(new URL('openb-sample-pods.csv', import.meta.url), pods);
}
