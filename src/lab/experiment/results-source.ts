/**
 * Where a run came from, kept so that it can be run again: the scenario's own text with all that it extends, the
 * overrides of the command line, and the hashes of the data files that it names.
 *
 * Scenario files are small and are kept in full; traces may be hundreds of megabytes and SDL files many, so these are
 * read again from where they were, and refused if they changed. What else has come into a folder of SDL files since has
 * no part in a run.
 */
import { createHash } from 'node:crypto';
import { canonical } from '../report/json.ts';
import { checkProtocolParams } from '../scenario/chain-params.ts';
import type { LoadedScenario, Source } from '../scenario/load.ts';
import { loadScenario } from '../scenario/load.ts';
import { loadScenarioFile, readFileOfNode } from '../scenario/load-node.ts';
import type { SdlCatalogue } from '../scenario/sdl-folder.ts';
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
  /** Null where the scenario names no folder of SDL files. */
  readonly sdl: SdlCatalogue | null;
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
    listFolder: folder => namesIn(folder, source.data),
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
  const { scenario, sdl, sources } = from;
  const decoder = new TextDecoder();
  const source: ScenarioSource = {
    path,
    overrides,
    files: sources
      .filter(one => one.kind === 'scenario')
      .map(one => ({ path: one.path, text: decoder.decode(one.bytes) })),
    data: sources.filter(one => one.kind !== 'scenario').map(one => ({ path: one.path, sha256: sha256(one.bytes) })),
  };
  // The catalogue of SDL files goes to workers as it is; traces are read again there.
  const data = sources.filter(one => one.kind === 'trace').map(shared);
  return { scenario, source, data, sdl, hash: hashOf(scenario, source) };
}

/** Names of the files that lay in a folder. */
function namesIn(folder: string, data: ScenarioSource['data']): string[] {
  const start = `${folder}/`;
  const names = data.filter(({ path }) => path.startsWith(start)).map(({ path }) => path.slice(start.length));
  return names.filter(name => !name.includes('/'));
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
  const { workload, sdl } = scenario;
  const placed = {
    ...scenario,
    workload: workload === null ? null : { ...workload, pods: hash(workload.pods), nodes: hash(workload.nodes) },
    sdl:
      sdl === null
        ? null
        : { ...sdl, folder: namesIn(sdl.folder, source.data).map(name => [name, hash(`${sdl.folder}/${name}`)]) },
  };
  return sha256(canonical(placed));
}
