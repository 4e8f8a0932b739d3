/** A complete scenario in memory, and what tests do with variations of it. */

import type { LoadedScenario, LoadOptions } from '../../../src/lab/scenario/load.ts';
import { loadScenario } from '../../../src/lab/scenario/load.ts';
import { InvalidScenario } from '../../../src/lab/scenario/problem.ts';

export const BASE = `name: base
question: Does it load?
horizon: 2d
providers:
  cheap:
    count: 4
    region: eu
    capacity: {cpu: 16, memory: 64Gi, disk: 1Ti, gpu: 2}
    cost: {cpu: 2 uakt/h}
    strategy: {costPlus: {margin: 0.2}}
    balance: 10 akash
tenants:
  web:
    count: 20
    balance: 100 akash
    arrivals: {poisson: {every: 10m}}
    deployment:
      - groups:
          - {cpu: 1, memory: 2Gi, price: 9 uakt/h}
`;

/** A port over texts by name. */
export function portOf(files: Readonly<Record<string, string | Uint8Array>>): LoadOptions['readFile'] {
  return path => {
    const content = Object.hasOwn(files, path) ? files[path] : undefined;
    if (content === undefined) throw new Error('no such file');
    return content;
  };
}

export function load(
  files: string | Readonly<Record<string, string | Uint8Array>>,
  options: Omit<LoadOptions, 'readFile'> = {},
): LoadedScenario {
  const all = typeof files === 'string' ? { 's.yaml': files } : files;
  return loadScenario('s.yaml', { readFile: portOf(all), ...options });
}

/** The lines of errors that loading gives; it must give some. */
export function errorsOf(
  files: string | Readonly<Record<string, string | Uint8Array>>,
  options: Omit<LoadOptions, 'readFile'> = {},
): string[] {
  try {
    load(files, options);
  } catch (error) {
    if (error instanceof InvalidScenario) return error.message.split('\n');
    throw error;
  }
  throw new Error('found a scenario without errors, expected errors');
}

/** The base with lines replaced: each pair is a text that must occur, and what stands in its place. */
export function variant(...changes: readonly (readonly [string, string])[]): string {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the base scenario has no ${JSON.stringify(from)}`);
    return text.replace(from, to);
  }, BASE);
}
