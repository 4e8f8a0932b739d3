/** The `tenants` section: how a class of tenants is written, what it asks for, and what it is read as. */

import type { z } from 'zod';
import { distribution, laws } from './distribution-fields.ts';
import { PRICE_VARIABLES } from './expression.ts';
import { expression } from './expression-field.ts';
import { choice, flag, list, money, oneOf, quantity, shape, share, whole } from './fields.ts';
import { DAY, MAX_GROUPS, MAX_INFRASTRUCTURES, MAX_MEMBERS } from './limits.ts';
import { anyRegion, attributes, duration, given, rates, region } from './schema-common.ts';
import { escrow, refill } from './schema-escrow.ts';
import { sdlTemplate } from './schema-sdl.ts';
import type {
  Arrivals,
  Distribution,
  GroupTemplate,
  InfrastructureTemplate,
  PriceLimit,
  SdlTemplate,
  TenantBehaviour,
  TenantClass,
} from './types.ts';

const arrivals = choice<Arrivals>('arrivals', 'arrivals', {
  tagged: {
    poisson: shape({ every: duration({ positive: true }) }).transform(a => ({ kind: 'poisson' as const, ...a })),
    diurnal: shape({
      every: duration({ positive: true }),
      amplitude: share(),
      peak: quantity('duration', { max: DAY }).prefault('12h').describe('time of day'),
    }).transform(a => ({ kind: 'diurnal' as const, ...a })),
    every: distribution('duration', { positive: true }).transform(every => ({ kind: 'renewal' as const, every })),
    at: list(duration(), 1, 100_000, 'times')
      .refine(times => times.every((time, i) => i === 0 || time >= times[i - 1]!), {
        error: 'times in ascending order',
      })
      .transform(times => ({ kind: 'at' as const, times })),
    trace: oneOf(['openb']).transform(() => ({ kind: 'trace' as const })),
  },
});

const tenantBehaviour = choice<TenantBehaviour>('tenant-behaviour', 'a behaviour', {
  words: {
    honest: { kind: 'honest' },
    closeWhilePending: { kind: 'closeWhilePending', probability: 1 },
    withholdManifest: { kind: 'withholdManifest' },
  },
  tagged: {
    closeWhilePending: shape({ probability: share() }).transform(b => ({ kind: 'closeWhilePending' as const, ...b })),
    griefer: shape({
      orders: whole(1, 10_000),
      closeAfter: given(distribution('duration'), '0s'),
    }).transform(b => ({ kind: 'griefer' as const, ...b })),
  },
});

const positiveRate = { positive: true } as const;
const asLimit = (law: z.ZodType<Distribution<'rate'>>): z.ZodType<PriceLimit> =>
  law.transform(drawn => ({ kind: 'rate' as const, rate: drawn }));
const price = choice<PriceLimit>('price-limit', 'the highest price of one unit', {
  plain: asLimit(laws('rate', positiveRate).constant!),
  tagged: {
    ...Object.fromEntries(Object.entries(laws('rate', positiveRate)).map(([tag, law]) => [tag, asLimit(law)])),
    perUnit: rates
      .refine(r => Object.values(r).some(one => one.kind !== 'constant' || one.value > 0), { error: 'a price above 0' })
      .transform(r => ({ kind: 'perUnit' as const, rates: r })),
    expression: expression(PRICE_VARIABLES, '3 * cpu + memory').transform(e => ({
      kind: 'expression' as const,
      expression: e,
    })),
  },
});

const groupFields = shape({
  cpu: distribution('cpu', { positive: true }).optional(),
  memory: distribution('bytes', { positive: true }).optional(),
  disk: given(distribution('bytes'), 0),
  gpu: distribution('gpu').optional(),
  bandwidth: given(distribution('bandwidth'), 0).describe('0 = any'),
  count: whole(1, 10_000).prefault(1),
  price: price.describe('the most that a unit may cost'),
  collateral: given(distribution('money'), '0 akash').describe('per unit'),
});

/** Whether a group says for itself what it needs, which only a class with a trace must leave out. */
export const COMPUTE_KEYS = ['cpu', 'memory', 'gpu'] as const;

const group: z.ZodType<GroupTemplate> = groupFields.transform(({ cpu, memory, gpu, ...rest }) => ({
  ...rest,
  cpu: cpu ?? { quantity: 'cpu', kind: 'constant', value: 0 },
  memory: memory ?? { quantity: 'bytes', kind: 'constant', value: 0 },
  gpu: gpu ?? { quantity: 'gpu', kind: 'constant', value: 0 },
}));

const infrastructure: z.ZodType<InfrastructureTemplate> = shape({
  region: given(anyRegion, 'any'),
  persist: flag().prefault(false).describe('order again when a lease breaks'),
  attributes: attributes.prefault({}),
  reputationAtLeast: given(share(), 0),
  groups: list(group, 1, MAX_GROUPS, 'groups'),
});

interface Demand {
  readonly deployment: readonly InfrastructureTemplate[];
  readonly sdl: SdlTemplate | null;
}

/** What a class deploys: infrastructures that the scenario describes, or SDL files. */
const demand = choice<Demand>('deployment', `a list of 1 to ${MAX_INFRASTRUCTURES} infrastructures, or a choice`, {
  tagged: { sdl: sdlTemplate.transform(sdl => ({ deployment: [], sdl })) },
  list: list(infrastructure, 1, MAX_INFRASTRUCTURES, 'infrastructures').transform(deployment => ({
    deployment,
    sdl: null,
  })),
});

const tenantFields = shape({
  count: whole(1, MAX_MEMBERS),
  balance: money(),
  region: region.optional().describe('where the tenant itself sits'),
  arrivals: arrivals.describe('of the whole class; its tenants take turns'),
  first: given(duration(), '0s').describe('no deployment arrives before'),
  last: duration().optional().describe('no deployment arrives from here on; the horizon if not given'),
  lifetime: distribution('duration', { positive: true })
    .optional()
    .describe('until the tenant closes; never if not given'),
  escrow: given(escrow, { periods: 2 }),
  refill: refill.optional().describe('deposit again when the escrow covers fewer than `below` periods, up to `to`'),
  waitDuration: whole(0, 100_000).prefault(2).describe('blocks'),
  openFor: given(duration({ positive: true }), '60s'),
  behaviour: given(tenantBehaviour, 'honest'),
  deployment: demand,
});

/** A class of tenants; `name` is filled in by the loader, from the key, and so is `last` where it is null. */
export const tenantSchema: z.ZodType<Omit<TenantClass, 'name' | 'last'> & { last: number | null }> =
  tenantFields.transform(({ region: place, lifetime, refill, last, deployment, ...rest }) => ({
    ...rest,
    ...deployment,
    region: place ?? null,
    lifetime: lifetime ?? null,
    refill: refill ?? null,
    last: last ?? null,
  }));
