/**
 * How a scenario, and the orrery.yaml beside SDL files, say what SDL has no words for: terms of the market, how often a
 * file is deployed, and what its prices are worth.
 *
 * Terms are laid over each other from the general to the particular (class of tenants, then in orrery.yaml the folder,
 * the file, the placement), so that a part which is not written must stay apart from one that is written as "none".
 */

import type { z } from 'zod';
import type { PriceConversion } from '../../protocol/manifest/market.ts';
import { DEFAULT_CONVERSION, RATE_SCALE } from '../../protocol/manifest/market.ts';
import { field, flag, mapOf, money, quantity, shape, share, text, whole } from './fields.ts';
import { MAX_INFRASTRUCTURES } from './limits.ts';
import { anyRegion, duration, given } from './schema-common.ts';
import type { SdlTemplate, SdlTerms, SdlWorkload } from './types.ts';
import { QuantityError, show } from './units.ts';

/** Where nothing else is said. */
export const DEFAULT_TERMS: SdlTerms = {
  region: null,
  persist: false,
  reputationAtLeast: 0,
  collateral: 0n,
  datacenters: 1,
};

/** A value of which every part may be absent. */
export type Some<T> = { readonly [K in keyof T]?: T[K] };

/** What a file says beside the terms of its placements. */
export interface SdlHabits {
  /** How often the file is drawn, against the others. */
  readonly weight: number;
  /** blocks */
  readonly waitDuration: number;
  /** microseconds */
  readonly openFor: number;
}

/** orrery.yaml, as it is read. */
export interface SdlNotes {
  readonly defaults: Some<SdlTerms & SdlHabits>;
  readonly files: Readonly<Record<string, SdlFileNotes>>;
}
export interface SdlFileNotes {
  readonly own: Some<SdlTerms & SdlHabits>;
  /** By name of placement. */
  readonly placements: Readonly<Record<string, Some<SdlTerms>>>;
}

/** The terms, each of which may be absent. */
export const termFields = {
  region: anyRegion.optional(),
  persist: flag().optional().describe('order again when a lease breaks'),
  reputationAtLeast: share().optional(),
  collateral: money().optional().describe('per unit'),
  datacenters: whole(1, MAX_INFRASTRUCTURES).optional().describe('how many run the same'),
};

const MAX_WEIGHT = 1_000_000;
const weight = quantity('number', { max: MAX_WEIGHT });
const habitFields = {
  weight: weight.optional().describe('how often, against other files'),
  waitDuration: whole(0, 100_000).optional().describe('blocks'),
  openFor: duration({ positive: true }).optional(),
};

/** Without the keys that were not written: laid over something, they must not hide it. */
export function written<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as never;
}

const fileName = text(255, 'the name of a file');
const MAX_WEIGHTS = 10_000;

/** `deployment: {sdl: ...}` of a class. */
export const sdlTemplate: z.ZodType<SdlTemplate> = shape({
  ...termFields,
  weights: mapOf(weight, fileName, MAX_WEIGHTS, 'files and weights').prefault({}),
}).transform(({ weights, ...terms }) => ({ terms: { ...DEFAULT_TERMS, ...written(terms) }, weights }));

/** The terms of a placement. */
export const sdlTerms = shape(termFields).transform((value): Some<SdlTerms> => written(value));

/** orrery.yaml. */
export const sdlNotes: z.ZodType<SdlNotes> = shape({
  defaults: given(
    shape({ ...termFields, ...habitFields }).transform((value): Some<SdlTerms & SdlHabits> => written(value)),
    {},
  ).describe('for all files of the folder'),
  files: mapOf(
    shape({
      ...termFields,
      ...habitFields,
      placements: mapOf(sdlTerms, text(255, 'the name of a placement'), 1_000, 'placements').prefault({}),
    }).transform(({ placements, ...own }): SdlFileNotes => ({ own: written(own), placements })),
    fileName,
    MAX_WEIGHTS,
    'files',
  ).prefault({}),
});

const RATE_PLACES = 12;
const RATE = 'micro-AKASH for one, above 0, at most a million and with at most 12 decimals, such as 1 or 0.5';
const MAX_RATE = 1_000_000n * RATE_SCALE;

/** A decimal, exactly, in parts of RATE_SCALE. */
function parseRateOf(value: unknown): bigint {
  const digits = typeof value === 'number' ? String(value) : value;
  const match = typeof digits === 'string' ? /^(\d{1,7})(?:\.(\d{1,12}))?$/.exec(digits) : null;
  const rate = match === null ? 0n : BigInt(match[1]! + (match[2] ?? '').padEnd(RATE_PLACES, '0'));
  if (rate === 0n || rate > MAX_RATE) throw new QuantityError(show(value), RATE);
  return rate;
}
const exchangeRate = field(parseRateOf, { description: RATE, type: ['number', 'string'] });

/** Keys of the workload section that belong to SDL. */
export const SDL_KEYS = ['sdl', 'sdlSecondsPerBlock', 'denominations'] as const;

const { sdlBlock_us } = DEFAULT_CONVERSION;

/** The part of the workload section that names a folder of SDL files. */
export const sdlWorkload = shape({
  sdl: text(1_024, 'the name of a folder').describe('a folder of SDL files'),
  sdlSecondsPerBlock: given(duration({ positive: true }), `${sdlBlock_us / 1e6}s`).describe(
    'time of a block in SDL prices',
  ),
  denominations: given(
    shape({ uakt: given(exchangeRate, 1), uact: given(exchangeRate, 1) }).transform(
      (rates): PriceConversion['denominations'] => rates,
    ),
    {},
  ).describe('micro-AKASH for one of each'),
});

export function asSdlWorkload({ sdl, sdlSecondsPerBlock, denominations }: z.output<typeof sdlWorkload>): SdlWorkload {
  return { folder: sdl, conversion: { sdlBlock_us: sdlSecondsPerBlock, denominations } };
}
