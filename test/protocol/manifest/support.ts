/** What the SDL tests share: where the official files are, a small file to change, and readings that must go one way. */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { readSdl } from '../../../src/protocol/manifest/sdl.ts';
import type { SdlProblem, SdlReading, SdlStage } from '../../../src/protocol/manifest/types.ts';

/** The folder of official files; it is not part of the project. */
export const DATA = join(resolve(import.meta.dirname, '../../..', process.env.ORRERY_DATA ?? '../shared/data'), 'sdl');

/** Names in a folder of it, sorted; none where it is not there. */
export function filesIn(...path: string[]): string[] {
  const folder = join(DATA, ...path);
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

export type Accepted = Extract<SdlReading, { ok: true }>;

/** The reading of a file that must be accepted. */
export function accepted(source: Uint8Array | string): Accepted {
  const reading = readSdl(source);
  if (!reading.ok) expect.fail(`refused: ${JSON.stringify(reading.problems)}`);
  return reading;
}

/** The problems of a file that must be refused, and at that stage. */
export function refused(source: Uint8Array | string, stage: SdlStage): readonly SdlProblem[] {
  const reading = readSdl(source);
  if (reading.ok) expect.fail('accepted');
  expect(reading.stage, JSON.stringify(reading.problems)).toBe(stage);
  expect(reading.problems.length).toBeGreaterThan(0);
  return reading.problems;
}

/** JSON as it may be changed. */
export type Loose = string | number | boolean | null | Loose[] | { [key: string]: Loose };
export type LooseMap = { [key: string]: Loose };

/** A file with two services, as data. */
export function example(): LooseMap {
  return {
    version: '2.0',
    services: {
      web: {
        image: 'nginx',
        expose: [{ port: 80, to: [{ global: true }] }],
      },
      db: {
        image: 'postgres',
        env: ['A=1'],
        expose: [{ port: 5432, to: [{ service: 'web' }] }],
        params: { storage: { data: { mount: '/data' } } },
      },
    },
    profiles: {
      compute: {
        small: {
          resources: {
            cpu: { units: '500m' },
            memory: { size: '512Mi' },
            storage: [{ size: '1Gi' }, { name: 'data', size: '2Gi', attributes: { class: 'beta3', persistent: true } }],
          },
        },
        card: {
          resources: {
            cpu: { units: 2 },
            memory: { size: '1Gi' },
            gpu: { units: 1, attributes: { vendor: { nvidia: [{ model: 'a100', ram: '80Gi' }] } } },
            storage: { size: '1Gi' },
          },
        },
      },
      placement: {
        east: {
          attributes: { region: 'us-east' },
          signedBy: { anyOf: ['akash1'] },
          pricing: { small: { denom: 'uakt', amount: 100 }, card: { denom: 'uact', amount: '2.5' } },
        },
      },
    },
    deployment: { web: { east: { profile: 'card', count: 1 } }, db: { east: { profile: 'small', count: 2 } } },
  };
}

/** What stands at a path such as `services.web.expose.0`; the last step may be new. */
export function change(tree: Loose, path: string, value: Loose | undefined): void {
  const steps = path.split('/');
  const last = steps.pop()!;
  let at = tree as LooseMap;
  for (const step of steps) at = at[step] as LooseMap;
  if (value === undefined) delete at[last];
  else at[last] = value;
}

/** The example with some paths changed, as a file. */
export function changed(changes: Readonly<Record<string, Loose | undefined>>): string {
  const tree = example();
  for (const [path, value] of Object.entries(changes)) change(tree, path, value);
  return JSON.stringify(tree, null, 2);
}
