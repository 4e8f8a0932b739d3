/**
 * The trace of a GPU cluster in the openb form (two CSV files, one of nodes and one of pods), as a workload.
 *
 * Nodes become hosts of providers, pods become deployments of tenants. Times in the files are whole seconds from the
 * start of the trace, memory is MiB, processors and shares of a GPU are thousandths. A pod asks either for whole GPUs
 * (`num_gpu` of 1,000 thousandths each) or for a share of one (`num_gpu` 1, `gpu_milli` below 1,000). `gpu_spec` lists
 * the models that it accepts, joined by `|`; empty: any.
 */

import type { CsvRow } from './csv.ts';
import { readCsv } from './csv.ts';
import type { ScenarioError } from './problem.ts';
import { errorAt, InvalidScenario } from './problem.ts';
import { grouped, QuantityError, show } from './units.ts';

/** Largest trace file in bytes. */
export const MAX_TRACE_BYTES = 256 << 20;
/** A reader stops after this many errors: the file is then likely of another kind. */
const MAX_ERRORS = 100;
const SECOND = 1_000_000;
const MIB = 1_048_576;

export const NODE_COLUMNS = ['sn', 'cpu_milli', 'memory_mib', 'gpu', 'model'] as const;
export const POD_COLUMNS =
  'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time'.split(
    ',',
  );

export interface TraceNode {
  readonly name: string;
  /** milli-vCPU */
  readonly cpu: number;
  /** bytes */
  readonly memory: number;
  /** milli-GPU, a multiple of 1,000 */
  readonly gpu: number;
  /** null: no GPU */
  readonly model: string | null;
}

export interface TracePod {
  readonly name: string;
  /** milli-vCPU */
  readonly cpu: number;
  /** bytes */
  readonly memory: number;
  /** milli-GPU in all */
  readonly gpu: number;
  /** Models that will do; empty: any. */
  readonly models: readonly string[];
  /** microseconds since the start of the trace */
  readonly arrival: number;
  /** microseconds, at least a second; null: still there at the end of the trace */
  readonly lifetime: number | null;
}

export interface Trace {
  readonly nodes: readonly TraceNode[];
  /** By arrival, then in the order of the file. */
  readonly pods: readonly TracePod[];
}

/** Nodes of one model that form one provider. */
export interface TraceProvider {
  readonly model: string | null;
  readonly nodes: readonly TraceNode[];
}

/** Reads rows, collecting what is wrong with single fields. */
class RowReader {
  readonly file: string;
  readonly header: readonly string[];
  readonly errors: ScenarioError[] = [];
  readonly names = new Map<string, number>();

  constructor(file: string, header: readonly string[]) {
    this.file = file;
    this.header = header;
  }

  text(row: CsvRow, column: string): string {
    return row.fields[this.header.indexOf(column)]!;
  }

  fault(row: CsvRow, column: string, expected: string): void {
    const index = this.header.indexOf(column);
    const place = { file: this.file, line: row.line, column: row.columns[index]! };
    this.errors.push(errorAt(place, [column], show(row.fields[index]), expected));
    if (this.errors.length >= MAX_ERRORS) throw new InvalidScenario(this.errors);
  }

  whole(row: CsvRow, column: string, min: number, max: number): number {
    const text = this.text(row, column);
    const value = /^\d{1,15}$/.test(text) ? Number(text) : -1;
    if (value < min || value > max) {
      this.fault(row, column, `a whole number from ${grouped(min)} to ${grouped(max)}`);
      return min;
    }
    return value;
  }

  name(row: CsvRow, column: string): string {
    const name = this.text(row, column);
    const before = this.names.get(name);
    if (name === '') this.fault(row, column, 'a name');
    else if (before !== undefined) this.fault(row, column, `a name that is not yet taken (it is, on line ${before})`);
    else this.names.set(name, row.line);
    return name;
  }

  finish(rows: number): void {
    if (this.errors.length > 0) throw new InvalidScenario(this.errors);
    if (rows === 0) {
      throw new InvalidScenario([
        errorAt({ file: this.file, line: 1, column: 1 }, [], 'no rows', 'at least one behind the header'),
      ]);
    }
  }
}

/** A million vCPUs, a pebibyte, a thousand GPUs: no node or pod is larger. */
const MAX_CPU_MILLI = 1_000_000_000;
const MAX_MEMORY_MIB = 1 << 30;
const MAX_GPUS = 1_000;
/** 100 years. */
const MAX_SECONDS = 3_155_760_000;

/**
 * Reads the node file.
 * @throws InvalidScenario with every row that is wrong
 */
export function readNodes(file: string, text: string): TraceNode[] {
  const reader = new RowReader(file, NODE_COLUMNS);
  const nodes: TraceNode[] = [];
  for (const row of readCsv(file, text, NODE_COLUMNS)) {
    const gpus = reader.whole(row, 'gpu', 0, MAX_GPUS);
    const model = reader.text(row, 'model');
    if (gpus > 0 && model === '') reader.fault(row, 'model', 'the model of the GPUs');
    if (gpus === 0 && model !== '') reader.fault(row, 'model', 'nothing on a node without GPUs');
    nodes.push({
      name: reader.name(row, 'sn'),
      cpu: reader.whole(row, 'cpu_milli', 1, MAX_CPU_MILLI),
      memory: reader.whole(row, 'memory_mib', 1, MAX_MEMORY_MIB) * MIB,
      gpu: gpus * 1_000,
      model: model === '' ? null : model,
    });
  }
  reader.finish(nodes.length);
  return nodes;
}

/**
 * Reads the pod file. A pod that was deleted in the second of its creation or before lives for one second; one without a
 * deletion time lives on.
 * @throws InvalidScenario with every row that is wrong
 */
export function readPods(file: string, text: string): TracePod[] {
  const reader = new RowReader(file, POD_COLUMNS);
  const pods: TracePod[] = [];
  for (const row of readCsv(file, text, POD_COLUMNS)) pods.push(readPod(reader, row));
  reader.finish(pods.length);
  // Array.prototype.sort is stable: pods of one second stay in the order of the file.
  return pods.sort((a, b) => a.arrival - b.arrival);
}

function readPod(reader: RowReader, row: CsvRow): TracePod {
  const arrival = reader.whole(row, 'creation_time', 0, MAX_SECONDS);
  const deleted = reader.text(row, 'deletion_time') !== '';
  const deletion = deleted ? reader.whole(row, 'deletion_time', 0, MAX_SECONDS) : null;
  const scheduled = reader.text(row, 'scheduled_time');
  if (scheduled !== '' && !/^\d{1,15}(\.\d{1,9})?$/.test(scheduled)) {
    reader.fault(row, 'scheduled_time', 'seconds, or nothing for a pod that never ran');
  }
  const models = reader.text(row, 'gpu_spec') === '' ? [] : reader.text(row, 'gpu_spec').split('|');
  if (models.includes('')) reader.fault(row, 'gpu_spec', 'models joined by |, or nothing');
  for (const column of ['qos', 'pod_phase']) if (reader.text(row, column) === '') reader.fault(row, column, 'a word');
  return {
    name: reader.name(row, 'name'),
    cpu: reader.whole(row, 'cpu_milli', 0, MAX_CPU_MILLI),
    memory: reader.whole(row, 'memory_mib', 0, MAX_MEMORY_MIB) * MIB,
    gpu: readGpu(reader, row),
    models,
    arrival: arrival * SECOND,
    lifetime: deletion === null ? null : Math.max(1, deletion - arrival) * SECOND,
  };
}

/** Thousandths of a GPU in all: a share of one, or whole ones. */
function readGpu(reader: RowReader, row: CsvRow): number {
  const gpus = reader.whole(row, 'num_gpu', 0, MAX_GPUS);
  const before = reader.errors.length;
  const milli = reader.whole(row, 'gpu_milli', 0, 1_000);
  if (reader.errors.length > before) return 0;
  if (gpus === 0 && milli !== 0) reader.fault(row, 'gpu_milli', '0 for a pod without GPUs');
  if (gpus === 1 && milli === 0) reader.fault(row, 'gpu_milli', 'a whole number from 1 to 1,000 for a share of a GPU');
  if (gpus > 1 && milli !== 1_000) reader.fault(row, 'gpu_milli', '1000 for a pod with several GPUs');
  return gpus === 1 ? milli : gpus * 1_000;
}

/** When the trace ends: the last arrival or deletion in it, microseconds. */
function traceEnd(pods: readonly TracePod[]): number {
  let end = 0;
  for (const pod of pods) end = Math.max(end, pod.arrival + (pod.lifetime ?? 0));
  return end;
}

/** Length of time from the first arrival to the last, microseconds. */
export function arrivalSpan(pods: readonly TracePod[]): number {
  return pods.length === 0 ? 0 : pods.at(-1)!.arrival - pods[0]!.arrival;
}

/**
 * Mean GPU load when gaps between arrivals are divided by `timeScale` and lifetimes are kept:
 *
 *     load = sum over pods of (gpu x lifetime) / (GPUs of all nodes x span / timeScale)
 *
 * with the span from the first arrival to the last. A pod that is never deleted counts until the end of the trace. It is
 * the load that is offered: what the nodes cannot hold counts too, and so does what runs on behind the last arrival.
 */
export function gpuLoad(trace: Trace, timeScale: number): number {
  const end = traceEnd(trace.pods);
  let demand = 0;
  for (const pod of trace.pods) demand += pod.gpu * (pod.lifetime ?? end - pod.arrival);
  const supply = trace.nodes.reduce((sum, node) => sum + node.gpu, 0);
  return demand / ((supply * arrivalSpan(trace.pods)) / timeScale);
}

/**
 * The time scale at which the mean GPU load (see gpuLoad) is the target. The load is proportional to the scale, so this
 * is target / load at scale 1.
 * @throws QuantityError when there is nothing to scale: no GPUs, no demand for them, or all arrivals at once
 */
export function timeScaleFor(trace: Trace, targetLoad: number): number {
  if (!(targetLoad > 0 && Number.isFinite(targetLoad))) {
    throw new QuantityError(`a target load of ${targetLoad}`, 'more than 0');
  }
  const load = gpuLoad(trace, 1);
  if (!(load > 0 && Number.isFinite(load))) {
    throw new QuantityError(
      'a trace without GPUs, demand for them, or time between arrivals',
      'all three, to scale it',
    );
  }
  return targetLoad / load;
}

/**
 * Nodes as providers: those of one model, in the order of the file, in groups of `nodesPerProvider` (the last of a model
 * may be smaller). Models come in the order of their first node.
 */
export function traceProviders(nodes: readonly TraceNode[], nodesPerProvider: number): TraceProvider[] {
  const byModel = new Map<string | null, TraceNode[]>();
  for (const node of nodes) {
    const same = byModel.get(node.model);
    if (same === undefined) byModel.set(node.model, [node]);
    else same.push(node);
  }
  const providers: TraceProvider[] = [];
  for (const [model, same] of byModel) {
    for (let i = 0; i < same.length; i += nodesPerProvider) {
      providers.push({ model, nodes: same.slice(i, i + nodesPerProvider) });
    }
  }
  return providers;
}
