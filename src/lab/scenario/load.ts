/**
 * Loads a scenario: the file, the files that it extends, the overrides of the command line, and the trace that it names.
 *
 * Files come in through a port, so that this runs wherever text can be had from a name. The result holds everything
 * that a run depends on, and the bytes of every file that went into it, for whoever needs to tell two inputs apart.
 */

import type { Place, ScenarioError } from './problem.ts';
import { errorAt, expectedName, InvalidScenario } from './problem.ts';
import { faultOfNames, isSdlName, MAX_SDL_FILES, NOTES_FILES, readCatalogue, type SdlCatalogue } from './sdl-folder.ts';
import { planClass } from './sdl-plan.ts';
import { applyOverride, isOverride } from './set.ts';
import type { Trace } from './trace.ts';
import { MAX_TRACE_BYTES, readNodes, readPods, traceProviders } from './trace.ts';
import type { Tree } from './tree.ts';
import { decode, find, locate, locateKey, MAX_FILE_BYTES, merge, parseTree } from './tree.ts';
import type { Scenario, SdlWorkload, Workload } from './types.ts';
import { grouped, QuantityError, show } from './units.ts';
import type { ParamsCheck } from './validate.ts';
import { validateTree } from './validate.ts';
import { workloadScale } from './workloads.ts';

/** Longest chain of scenarios that extend each other. */
const MAX_EXTENDS = 16;

/**
 * Reads a whole file by name. May throw an Error, whose message then says why (`no such file`); should not read a file
 * that is larger than `maxBytes`.
 */
export type ReadFile = (path: string, maxBytes: number) => Uint8Array | string;

/**
 * Names of the plain files in a folder, in any order. May throw an Error, whose message then says why.
 */
export type ListFolder = (path: string) => readonly string[];

export interface LoadOptions {
  readonly readFile: ReadFile;
  /** Without it no scenario with a folder of SDL files can be loaded. */
  readonly listFolder?: ListFolder;
  /** `path=value`, in order. */
  readonly overrides?: readonly string[];
  /** Checks chain.params; without it any are taken. */
  readonly checkParams?: ParamsCheck;
}

/** A file that went into a scenario. */
export interface Source {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** scenario: the file itself or one that it extends. trace, sdl: what its workload names. */
  readonly kind: 'scenario' | 'trace' | 'sdl';
}

export interface LoadedScenario {
  readonly scenario: Scenario;
  /** What `workload` names. */
  readonly trace: Trace | null;
  /** The files of the folder that `workload.sdl` names. */
  readonly sdl: SdlCatalogue | null;
  /** The scenario file first, then what it extends, then trace files, then SDL files. */
  readonly sources: readonly Source[];
}

/**
 * Loads and checks a scenario.
 * @param path relative to the working directory, or absolute
 * @throws InvalidScenario with every error found
 */
export function loadScenario(path: string, options: LoadOptions): LoadedScenario {
  const files = new Files(options.readFile);
  let tree = readExtended(path, files);
  const refused: ScenarioError[] = [];
  for (const override of options.overrides ?? []) {
    try {
      tree = applyOverride(tree, override);
    } catch (error) {
      if (!(error instanceof InvalidScenario)) throw error;
      refused.push(...error.errors);
    }
  }
  const extended = find(tree, ['extends']);
  if (extended !== null) refused.push(errorAt(extended.place, ['extends'], 'an override', 'it in the file itself'));
  const validation = validateTree(tree, options.checkParams ?? (() => []));
  if (!validation.ok || refused.length > 0) {
    throw new InvalidScenario([...refused, ...(validation.ok ? [] : validation.errors)]);
  }
  const { scenario } = validation;
  const workload = scenario.workload === null ? null : resolved(scenario.workload, tree);
  const trace = workload === null ? null : readTrace(workload, tree, files);
  const sdlWorkload = scenario.sdl === null ? null : resolvedSdl(scenario.sdl, tree);
  const complete: Scenario = Object.freeze({ ...scenario, workload, sdl: sdlWorkload });
  const sdl = sdlWorkload === null ? null : readFolder(complete, sdlWorkload, tree, files, options.listFolder);
  return { scenario: complete, trace, sdl, sources: files.sources };
}

/**
 * Reads the trace that a loaded scenario names, e.g. in a worker that was handed the scenario only.
 * @throws InvalidScenario
 */
export function loadTrace(workload: Workload, readFile: ReadFile): Trace {
  return readTrace(workload, null, new Files(readFile));
}

class Files {
  readonly sources: Source[] = [];
  readonly readFile: ReadFile;

  constructor(readFile: ReadFile) {
    this.readFile = readFile;
  }

  /** The file's content; `blame` is where its name stands. */
  read(path: string, maxBytes: number, blame: Place, dotted: readonly string[], kind: Source['kind']): Uint8Array {
    let content: Uint8Array | string;
    try {
      content = this.readFile(path, maxBytes);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const found = blame.file === path ? error.message : `${show(path)} (${error.message})`;
      throw new InvalidScenario([errorAt(blame, dotted, found, 'a file that can be read')]);
    }
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    if (bytes.length > maxBytes) {
      const found = `${grouped(bytes.length)} bytes in ${show(path)}`;
      throw new InvalidScenario([errorAt(blame, dotted, found, `at most ${grouped(maxBytes)}`)]);
    }
    this.sources.push({ path, bytes, kind });
    return bytes;
  }
}

/** The file's tree laid over those of the files that it extends, without `extends` itself. */
function readExtended(path: string, files: Files): Tree {
  const chain: string[] = [];
  const trees: Tree[] = [];
  let next: string | null = normalised(path);
  let blame: Place = { file: next, line: 0, column: 0 };
  while (next !== null) {
    if (chain.includes(next)) {
      const circle = [...chain.slice(chain.indexOf(next)), next].join(' -> ');
      throw new InvalidScenario([errorAt(blame, ['extends'], `a circle, ${circle}`, 'a file that does not lead back')]);
    }
    if (chain.length >= MAX_EXTENDS) {
      throw new InvalidScenario([errorAt(blame, ['extends'], `a chain of more files`, `at most ${MAX_EXTENDS}`)]);
    }
    chain.push(next);
    const bytes = files.read(next, MAX_FILE_BYTES, blame, chain.length === 1 ? [] : ['extends'], 'scenario');
    const tree = parseTree(next, decode(next, bytes));
    const base: Tree | null = find(tree, ['extends']);
    if (tree.kind === 'map') tree.entries.delete('extends');
    trees.push(tree);
    next = base === null ? null : besides(next, extendedName(base));
    blame = base?.place ?? blame;
  }
  // The child's place in the result also where a base is no map at all: validation then speaks of the child.
  return trees.reduceRight((below, above) => merge(below, above));
}

function extendedName(base: Tree): string {
  if (base.kind === 'scalar' && typeof base.value === 'string' && base.value !== '') return base.value;
  const found = base.kind === 'scalar' ? show(base.value) : `a ${base.kind}`;
  throw new InvalidScenario([errorAt(base.place, ['extends'], found, 'a file name such as base.yaml')]);
}

/** A name as it stands in `file`, from where `file` is named. */
function besides(file: string, name: string): string {
  if (name.startsWith('/')) return normalised(name);
  const slash = file.lastIndexOf('/');
  return normalised(slash < 0 ? name : `${file.slice(0, slash + 1)}${name}`);
}

/** Without `.`, doubled slashes, and `..` behind a name. */
function normalised(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || !path.startsWith('/')) parts.push(part);
  }
  return (path.startsWith('/') ? '/' : '') + parts.join('/');
}

/** The workload with names that lead from the working directory: those in a file are relative to that file. */
function resolved(workload: Workload, tree: Tree): Workload {
  const resolve = (key: 'pods' | 'nodes'): string => {
    const { place } = find(tree, ['workload', key]) ?? tree;
    return isOverride(place) ? normalised(workload[key]) : besides(place.file, workload[key]);
  };
  return Object.freeze({ ...workload, pods: resolve('pods'), nodes: resolve('nodes') });
}

function resolvedSdl(sdl: SdlWorkload, tree: Tree): SdlWorkload {
  const { place } = find(tree, ['workload', 'sdl']) ?? tree;
  const folder = isOverride(place) ? normalised(sdl.folder) : besides(place.file, sdl.folder);
  return Object.freeze({ ...sdl, folder: folder === '' ? '.' : folder });
}

/** Reads the SDL files of a scenario, of which each class that deploys them must be able to deploy one. */
function readFolder(
  scenario: Scenario,
  { folder, conversion }: SdlWorkload,
  tree: Tree,
  files: Files,
  listFolder: ListFolder | undefined,
): SdlCatalogue {
  const path = ['workload', 'sdl'];
  const blame = locate(tree, path);
  const refuse = (found: string, expected: string, at = path, place = blame): never => {
    throw new InvalidScenario([errorAt(place, at, found, expected)]);
  };
  let names: readonly string[] = [];
  try {
    if (listFolder === undefined) throw new Error('folders cannot be listed here');
    names = listFolder(folder);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    refuse(`${show(folder)} (${error.message})`, 'a folder of SDL files');
  }
  const fault = faultOfNames(names);
  if (fault !== null) refuse(`${show(folder)} (${fault})`, `a folder of 1 to ${grouped(MAX_SDL_FILES)} SDL files`);
  const wanted = names.filter(name => isSdlName(name) || NOTES_FILES.includes(name));
  const catalogue = readCatalogue(folder, wanted, file => files.read(file, MAX_FILE_BYTES, blame, path, 'sdl'));
  for (const tenant of scenario.tenants) {
    if (tenant.sdl === null) continue;
    const at = ['tenants', tenant.name, 'deployment', 'sdl'];
    const known = catalogue.files.map(one => one.file);
    for (const name of Object.keys(tenant.sdl.weights)) {
      if (known.includes(name)) continue;
      const where = [...at, 'weights', name];
      refuse(`the file ${show(name)}`, expectedName(name, known), where, locateKey(tree, where));
    }
    const { plans } = planClass(catalogue, tenant, conversion);
    if (plans.some(one => one.weight > 0)) continue;
    const found = `${grouped(catalogue.files.length)} files in ${show(folder)}, none of which can be deployed`;
    refuse(found, 'at least one; `orrery sdl` says what is wrong with them', at, locate(tree, at));
  }
  return catalogue;
}

function readTrace(workload: Workload, tree: Tree | null, files: Files): Trace {
  const errors: ScenarioError[] = [];
  const read = <T>(key: 'pods' | 'nodes', reader: (file: string, text: string) => T[]): T[] => {
    const file = workload[key];
    const blame = tree === null ? { file, line: 0, column: 0 } : locate(tree, ['workload', key]);
    try {
      const bytes = files.read(file, MAX_TRACE_BYTES, blame, ['workload', key], 'trace');
      return reader(file, decode(file, bytes, MAX_TRACE_BYTES));
    } catch (error) {
      if (!(error instanceof InvalidScenario)) throw error;
      errors.push(...error.errors);
      return [];
    }
  };
  const trace: Trace = { nodes: read('nodes', readNodes), pods: read('pods', readPods) };
  if (errors.length > 0) throw new InvalidScenario(errors);
  try {
    workloadScale(workload, trace);
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    const blame =
      tree === null ? { file: workload.pods, line: 0, column: 0 } : locate(tree, ['workload', 'targetLoad']);
    throw new InvalidScenario([errorAt(blame, ['workload', 'targetLoad'], error.found, error.expected)]);
  }
  return trace;
}

/** How many providers a class has, be they counted or made from the trace. */
export function providerCount(scenario: Scenario, name: string, trace: Trace | null): number {
  const supply = scenario.providers.find(one => one.name === name)?.supply;
  if (supply === undefined) throw new Error(`found no class ${show(name)}, expected one of the scenario's providers`);
  if (supply.kind === 'counted') return supply.count;
  if (trace === null || scenario.workload === null) throw new Error(`the class ${show(name)} needs its trace`);
  return traceProviders(trace.nodes, scenario.workload.nodesPerProvider).length;
}
