/**
 * From the tree of a scenario file to a scenario, or to everything that is wrong with it.
 *
 * Each section, and in it each class and each fault, is read by itself: one that has errors does not keep the others
 * from being read and checked.
 */

import type { z } from 'zod';
import type { Parts, ReadFault, ReadTenant } from './checks.ts';
import { checkParts } from './checks.ts';
import type { FieldIssue } from './fields.ts';
import { flatten, isRecord } from './fields.ts';
import { MAX_CLASSES, MAX_FAULTS } from './limits.ts';
import type { ScenarioError, Step } from './problem.ts';
import { dotted, expectedName, formatError } from './problem.ts';
import { scenarioFields } from './schema.ts';
import { className } from './schema-common.ts';
import { delegatorSchema } from './schema-delegators.ts';
import { faultSchema } from './schema-faults.ts';
import { providerSchema } from './schema-providers.ts';
import { tenantSchema } from './schema-tenants.ts';
import type { Tree } from './tree.ts';
import { locate, locateKey, plain } from './tree.ts';
import type { Fault, ProviderClass, Scenario, SdlWorkload, Workload } from './types.ts';
import { grouped, show } from './units.ts';

/** One thing that a chain parameter check has to say; see ParamsCheck. */
export interface ParamProblem {
  readonly name: string;
  readonly expected: string;
  /** The name itself is unknown. */
  readonly unknown?: boolean;
}

/** Holds the parameters of a scenario against the protocol's own table. */
export type ParamsCheck = (params: Readonly<Record<string, number | string | boolean>>) => readonly ParamProblem[];

export type Validation =
  | { readonly ok: true; readonly scenario: Scenario }
  | { readonly ok: false; readonly errors: readonly ScenarioError[] };

/** Reads and checks a scenario. File names in it are left as they are written. */
export function validateTree(tree: Tree, checkParams: ParamsCheck): Validation {
  const reader = new SectionReader(tree);
  const parts = reader.read();
  reader.issues.push(...checkParts(parts));
  for (const { name, expected, unknown } of parts.chain === undefined ? [] : checkParams(parts.chain.params)) {
    const path = ['chain', 'params', name];
    const found = unknown === true ? `the parameter ${show(name)}` : null;
    reader.issues.push({ path, expected, found, atKey: unknown === true });
  }
  if (reader.issues.length > 0) return { ok: false, errors: located(tree, reader.data, reader.issues) };
  return { ok: true, scenario: assemble(reader, parts) };
}

class SectionReader {
  readonly data: Record<string, unknown>;
  /** Whether the file is a map at all; if not, that is all there is to say. */
  readonly isMap: boolean;
  readonly issues: FieldIssue[] = [];
  readonly sections: Record<string, unknown> = {};

  constructor(tree: Tree) {
    const data = plain(tree);
    this.isMap = isRecord(data);
    this.data = isRecord(data) ? data : {};
    if (!this.isMap) this.issue([], 'a map with name, question, horizon, providers, tenants...', show(data));
  }

  issue(path: readonly Step[], expected: string, found: string | null = null, atKey = false): void {
    this.issues.push({ path, expected, found, atKey });
  }

  part<T>(schema: z.ZodType<T>, value: unknown, path: readonly Step[]): T | undefined {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    for (const issue of flatten(result.error.issues)) this.issues.push({ ...issue, path: [...path, ...issue.path] });
    return undefined;
  }

  read(): Parts {
    const fields: Record<string, z.ZodType> = scenarioFields.shape;
    const known = Object.keys(fields);
    for (const key of Object.keys(this.data)) {
      if (!known.includes(key)) this.issue([key], expectedName(key, known), `the key ${show(key)}`, true);
    }
    for (const [key, schema] of this.isMap ? Object.entries(fields) : []) {
      if (key === 'providers' || key === 'tenants' || key === 'delegators' || key === 'faults') continue;
      this.sections[key] = this.part(schema, this.data[key], [key]);
    }
    const providers = this.classes('providers', providerSchema);
    const tenants = this.classes('tenants', tenantSchema);
    const delegators = this.classes('delegators', delegatorSchema);
    const sections = this.sections as Partial<Scenario>;
    const [trace, sdl] = workloadOf(this.sections, this.data);
    return {
      data: this.data,
      horizon: sections.horizon,
      warmup: sections.warmup,
      chain: sections.chain,
      network: sections.network,
      providers: providers as ProviderClass[],
      tenants: tenants as ReadTenant[],
      delegators,
      providerNames: names(this.data.providers),
      tenantNames: names(this.data.tenants),
      delegatorNames: names(this.data.delegators),
      workload: trace,
      sdl,
      faults: this.faults(),
    };
  }

  classes<T>(section: 'providers' | 'tenants' | 'delegators', schema: z.ZodType<T>): (T & { name: string })[] {
    const map = this.data[section];
    if (map === undefined) return [];
    if (!isRecord(map)) {
      this.issue([section], 'a map of class names and classes');
      return [];
    }
    const entries = Object.entries(map);
    if (entries.length > MAX_CLASSES) this.issue([section], `at most ${grouped(MAX_CLASSES)} classes`);
    return entries.slice(0, MAX_CLASSES).flatMap(([name, value]) => {
      const named = className.safeParse(name);
      if (!named.success) this.issue([section, name], named.error.issues[0]!.message, `the name ${show(name)}`, true);
      const read = this.part(schema, value, [section, name]);
      return read === undefined ? [] : [{ name, ...read }];
    });
  }

  faults(): ReadFault[] {
    const faults = this.data.faults;
    if (faults === undefined) return [];
    if (!Array.isArray(faults) || faults.length > MAX_FAULTS) {
      this.issue(['faults'], `a list of at most ${grouped(MAX_FAULTS)} faults`);
      return [];
    }
    return faults.flatMap((value, index) => {
      const read = this.part(faultSchema, value, ['faults', index]);
      return read === undefined ? [] : [{ ...read, index }];
    });
  }
}

/** The trace and the SDL files of a workload section. */
type ReadWorkload = readonly [Workload | null, SdlWorkload | null] | readonly [undefined, undefined];

/** Absent and faulty look alike in what was read, and mean different things to the checks. */
function workloadOf(
  sections: Readonly<Record<string, unknown>>,
  data: Readonly<Record<string, unknown>>,
): ReadWorkload {
  const read = sections.workload as ReadWorkload | undefined;
  return read ?? (data.workload === undefined ? [null, null] : [undefined, undefined]);
}

function names(section: unknown): string[] {
  return isRecord(section) ? Object.keys(section) : [];
}

function assemble(reader: SectionReader, parts: Parts): Scenario {
  const sections = reader.sections as unknown as Scenario & { finding?: string };
  const horizon = sections.horizon;
  return deepFreeze({
    name: sections.name,
    question: sections.question,
    finding: sections.finding ?? null,
    horizon,
    warmup: sections.warmup,
    chain: sections.chain,
    network: sections.network,
    providers: [...parts.providers],
    tenants: parts.tenants.map(tenant => ({ ...tenant, last: tenant.last ?? horizon })),
    delegators: [...parts.delegators],
    workload: parts.workload ?? null,
    sdl: parts.sdl ?? null,
    faults: sortedFaults(parts.faults),
    observe: sections.observe,
    expect: sections.expect,
  });
}

function sortedFaults(faults: readonly ReadFault[]): Fault[] {
  const ordered = [...faults].sort((a, b) => a.at - b.at || a.index - b.index);
  return ordered.map(({ index: _, ...fault }) => ({ ...fault, for: fault.for ?? null }));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

/** Issues with the places where they stand, in the order of the file, each once. */
function located(tree: Tree, data: unknown, issues: readonly FieldIssue[]): ScenarioError[] {
  const errors = issues.map(({ path, expected, found, atKey }): ScenarioError => {
    const place = atKey ? locateKey(tree, path) : locate(tree, path);
    return { ...place, path: dotted(path), found: found ?? show(valueAt(data, path)), expected };
  });
  const seen = new Set<string>();
  return errors
    .filter(error => {
      const line = formatError(error);
      return !seen.has(line) && seen.add(line);
    })
    .map((error, i) => ({ error, i }))
    .sort((a, b) => comparePlaces(a.error, b.error) || a.i - b.i)
    .map(({ error }) => error);
}

function comparePlaces(a: ScenarioError, b: ScenarioError): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}

function valueAt(data: unknown, path: readonly Step[]): unknown {
  let at = data;
  for (const step of path) {
    if (Array.isArray(at)) at = at[Number(step)];
    else if (isRecord(at) && Object.hasOwn(at, step)) at = at[String(step)];
    else return undefined;
  }
  return at;
}
