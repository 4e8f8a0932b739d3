/** The grammar of a tenant's config.yaml. */
import type { z } from 'zod';
import { oneOf, shape, whole } from '../../scenario/fields.ts';
import { duration, given } from '../../scenario/schema-common.ts';
import { escrow, refill } from '../../scenario/schema-escrow.ts';
import { asSdlWorkload, DEFAULT_TERMS, sdlWorkload, termFields, written } from '../../scenario/schema-sdl.ts';
import { common, nodes } from './config-fields.ts';
import type { TenantConfig } from './config-types.ts';

const { sdlSecondsPerBlock, denominations } = sdlWorkload.shape;
const tenantFields = shape({
  role: oneOf(['tenant']),
  ...common,
  nodes,
  terms: given(shape(termFields), {}),
  escrow: given(escrow, { periods: 2 }),
  refill: refill.nullable().prefault(null),
  waitDuration: whole(0, 100_000).prefault(2),
  openFor: given(duration({ positive: true }), '60s'),
  sdlSecondsPerBlock,
  denominations,
});

export const tenantSchema: z.ZodType<TenantConfig> = tenantFields.transform(
  ({ terms, sdlSecondsPerBlock: seconds, denominations: worth, ...rest }): TenantConfig => ({
    ...rest,
    terms: { ...DEFAULT_TERMS, ...written(terms) },
    conversion: asSdlWorkload({ sdl: '', sdlSecondsPerBlock: seconds, denominations: worth }).conversion,
  }),
);
