/**
 * Where a run came from, kept so that it can be run again: the scenario's own text with all that it extends, the
 * overrides of the command line, and the hashes of the data files that it names.
 *
 * Scenario files are small and are kept in full; traces may be hundreds of megabytes, so these are read again from
 * where they were, and refused if they changed.
 */
import { createHash } from 'node:crypto';
import { canonical } from '../report/json.ts';
import { checkProtocolParams } from '../scenario/chain-params.ts';
import type { LoadedScenario, Source } from '../scenario/load.ts';
import { loadScenario } from '../scenario/load.ts';
import { loadScenarioFile, readFileOfNode } from '../scenario/load-node.ts';
import type { Scenario } from '../scenario/types.ts';

export interface ScenarioSource {
  /** As it was given on the command line, or where the gallery has it. */
  readonly path: string;
  /** `--set` values in order. */
  readonly overrides: readonly string[];
  /** The scenario file first, then what it extends. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly data: readonly { readonly path: string; readonly sha256: string }[];
}

/** A scenario that is ready to run, and where it came from. */
export interface Loaded {
  readonly scenario: Scenario;
  readonly source: ScenarioSource;
  /** Trace files, in memory that workers share. */
  readonly data: readonly SharedFile[];
  /** SHA-256 over everything that decides what a run does, but for the seed and the code. */
  readonly hash: string;
}

export interface SharedFile {
  readonly path: string;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

/**
 * Reads a scenario file and all that it names.
 * @throws InvalidScenario
 */
export function loadFromDisk(path: string, overrides: readonly string[]): Loaded {
  return loaded(path, overrides, loadScenarioFile(path, { overrides, checkParams: checkProtocolParams }));
}

/**
 * The scenario of an earlier run.
 * @throws InvalidScenario when it does not pass any more; Error when a data file is missing or changed
 */
export function loadFromSource(source: ScenarioSource): Loaded {
  const texts = new Map(source.files.map(({ path, text }) => [path, text]));
  const again = loadScenario(source.path, {
    overrides: source.overrides,
    checkParams: checkProtocolParams,
    readFile: (path, maxBytes) => texts.get(path) ?? readFileOfNode(path, maxBytes),
  });
  const result = loaded(source.path, source.overrides, again);
  for (const { path, sha256 } of source.data) {
    const found = result.source.data.find(file => file.path === path)?.sha256;
    if (found !== sha256) {
      throw new Error(`${path}: found a file with SHA-256 ${found ?? '(none)'}, expected ${sha256}, as in the run`);
    }
  }
  return result;
}

function loaded(path: string, overrides: readonly string[], from: LoadedScenario): Loaded {
  const { scenario, sources } = from;
  const traces = new Set(scenario.workload === null ? [] : [scenario.workload.pods, scenario.workload.nodes]);
  const data = sources.filter(one => traces.has(one.path));
  const decoder = new TextDecoder();
  const source: ScenarioSource = {
    path,
    overrides,
    files: sources
      .filter(one => !traces.has(one.path))
      .map(one => ({ path: one.path, text: decoder.decode(one.bytes) })),
    data: data.map(one => ({ path: one.path, sha256: sha256(one.bytes) })),
  };
  return { scenario, source, data: data.map(shared), hash: hashOf(scenario, source) };
}

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function shared({ path, bytes }: Source): SharedFile {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return { path, bytes: copy };
}

/** Data files count by what is in them, not by where they are. */
function hashOf(scenario: Scenario, source: ScenarioSource): string {
  const hash = (path: string): string => source.data.find(one => one.path === path)?.sha256 ?? path;
  const { workload } = scenario;
  const placed =
    workload === null
      ? scenario
      : { ...scenario, workload: { ...workload, pods: hash(workload.pods), nodes: hash(workload.nodes) } };
  return sha256(canonical(placed));
}
