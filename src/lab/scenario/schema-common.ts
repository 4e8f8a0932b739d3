/** Pieces of the scenario format that several of its sections use: names, regions, prices of resources. */

import type { z } from 'zod';
import { distribution, sumsToPositive } from './distribution-fields.ts';
import { choice, list, mapOf, matching, quantity, shape, text } from './fields.ts';
import type { RegionChoice, ResourceRates } from './types.ts';

const CLASS_NAME =
  'a class name such as spot-eu: lower case letters, digits and dashes, a letter first, no number last';
export const className = matching(/^(?!validator$)(?!.*-\d+$)[a-z][a-z0-9-]{0,31}$/, CLASS_NAME);
export const regionName = matching(/^[A-Za-z][A-Za-z0-9._-]{0,63}$/, 'a region such as eu or us-west-2');
export const attributes = mapOf(
  text(256),
  matching(/^[A-Za-z][A-Za-z0-9._/-]{0,127}$/, 'a name'),
  64,
  'attributes, text to text',
);

/** A map whose optional keys, where not given, take what the default says (in the words of the file). */
export function given<T>(schema: z.ZodType<T>, value: unknown): z.ZodType<T> {
  return schema.prefault(value as never) as unknown as z.ZodType<T>;
}

export const duration = (bounds: { positive?: boolean } = {}) => quantity('duration', bounds);

const regionWeights = mapOf(quantity('number'), regionName, 10_000, 'regions and weights')
  .refine(weights => sumsToPositive(Object.values(weights)), { error: 'weights with a sum above 0' })
  .transform(
    (weights): RegionChoice => ({ kind: 'weights', regions: Object.keys(weights), weights: Object.values(weights) }),
  );

const oneRegion = regionName.transform((region): RegionChoice => ({ kind: 'cycle', regions: [region] }));
const regionList = list(regionName, 1, 10_000, 'regions').transform(
  (regions): RegionChoice => ({ kind: 'cycle', regions }),
);

/** A name, a list to go through in turn, or weights to draw by. The list is no choice by key and is told apart first. */
export const region: z.ZodType<RegionChoice> = choice(
  'region',
  'a region, a list of them, or {weights: {eu: 2, us: 1}}',
  {
    tagged: { weights: regionWeights },
    plain: oneRegion,
    list: regionList,
  },
);
export const anyRegion: z.ZodType<RegionChoice | null> = choice<RegionChoice | null>(
  'region-or-any',
  'a region or any',
  {
    words: { any: null },
    tagged: { weights: regionWeights },
    plain: oneRegion,
    list: regionList,
  },
);

export const rates: z.ZodType<ResourceRates> = shape({
  cpu: given(distribution('rate'), 0).describe('per vCPU'),
  memory: given(distribution('rate'), 0).describe('per GiB'),
  disk: given(distribution('rate'), 0).describe('per GiB'),
  gpu: given(distribution('rate'), 0).describe('per GPU'),
});

/** Something that may be written with or without (empty) particulars. */
export function bare<T>(value: T): z.ZodType<T> {
  return shape({}).transform(() => value);
}
