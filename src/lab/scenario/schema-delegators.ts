/** The `delegators` section: who holds stake, and when it is moved. */

import { z } from 'zod';
import { byKind, field, list, money, shape, whole } from './fields.ts';
import { MAX_MEMBERS } from './limits.ts';
import { duration, region } from './schema-common.ts';
import type { DelegatorClass, StakeStep } from './types.ts';
import { QuantityError, show } from './units.ts';

/** Most steps of a script. */
const MAX_STEPS = 10_000;

/** A validator by name, read as its number. */
const validator = field(
  value => {
    const match = typeof value === 'string' ? /^validator-(0|[1-9]\d{0,5})$/.exec(value) : null;
    if (match === null) throw new QuantityError(show(value), 'a validator such as validator-2');
    return Number(match[1]);
  },
  { type: 'string', pattern: '^validator-(0|[1-9]\\d{0,5})$', examples: ['validator-2'] },
);

function kind<K extends StakeStep['kind'], S extends z.ZodRawShape>(name: K, fields: S) {
  return shape({ at: duration(), kind: z.literal(name), ...fields });
}

const amount = money({ positive: true });

const step: z.ZodType<StakeStep> = byKind<StakeStep>('stake-step', {
  delegate: kind('delegate', { to: validator, amount }),
  undelegate: kind('undelegate', { from: validator, amount }),
  redelegate: kind('redelegate', { from: validator, to: validator, amount }),
  withdraw: kind('withdraw', { from: validator }),
});

/** A class of delegators; `name` is filled in by the loader, from the key. Steps are put in the order of time. */
export const delegatorSchema: z.ZodType<Omit<DelegatorClass, 'name'>> = shape({
  count: whole(1, MAX_MEMBERS).prefault(1).describe('each of them goes through the script'),
  balance: money(),
  region: region.optional(),
  script: list(step, 1, MAX_STEPS, 'steps'),
}).transform(({ region: place, script, ...rest }) => ({
  ...rest,
  region: place ?? null,
  script: [...script].sort((left, right) => left.at - right.at),
}));
