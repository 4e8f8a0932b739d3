/** What a tenant puts into a deployment's escrow, and when it adds to it. */
import { choice, money, quantity, shape } from './fields.ts';
import { duration } from './schema-common.ts';
import type { Escrow } from './types.ts';

export const escrow = choice<Escrow>('escrow', 'an escrow', {
  tagged: {
    periods: quantity('number', { positive: true, max: 1_000_000 }).transform(periods => ({
      kind: 'periods' as const,
      periods,
    })),
    duration: duration({ positive: true }).transform(d => ({ kind: 'duration' as const, duration: d })),
  },
  plain: money({ positive: true }).transform(amount => ({ kind: 'money' as const, amount })),
});

export const refill = shape({
  below: quantity('number', { positive: true, max: 1_000_000 }),
  to: quantity('number', { positive: true, max: 1_000_000 }),
}).refine(({ below, to }) => to >= below, { error: 'not less than `below`', path: ['to'] });
