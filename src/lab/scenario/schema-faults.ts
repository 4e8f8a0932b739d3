/** The `faults` section: what goes wrong, when, and to whom. Kinds are those that the simulated world can execute. */

import { z } from 'zod';
import { byKind, field, flag, list, oneOf, quantity, shape, whole } from './fields.ts';
import { duration, given } from './schema-common.ts';
import type { FaultAction, FaultTarget } from './types.ts';
import { parseQuantity, QuantityError, show } from './units.ts';

const TARGET = 'cheap-0 (a participant), cheap (a class), region:eu, or cheap-0/2 (a host), or a list of such';
/** Most items of a list of targets. */
const MAX_TARGETS = 1_000;

/**
 * A fault's target, taken apart. Whether there is such a class, region or host is not looked at.
 * @throws QuantityError
 */
export function parseTarget(value: unknown): FaultTarget {
  if (!Array.isArray(value)) return parseOne(value);
  if (value.length === 0 || value.length > MAX_TARGETS) {
    throw new QuantityError(show(value), `1 to ${MAX_TARGETS} targets such as ${TARGET}`);
  }
  return { kind: 'several', of: value.map(parseOne) };
}

function parseOne(value: unknown): FaultTarget {
  const refuse = (): never => {
    throw new QuantityError(show(value), TARGET);
  };
  if (typeof value !== 'string') return refuse();
  const region = /^region:([A-Za-z][A-Za-z0-9._-]{0,63})$/.exec(value);
  if (region !== null) return { kind: 'region', region: region[1]! };
  const match = /^([a-z][a-z0-9-]{0,31}?)(?:-(\d{1,6}))?(?:\/(\d{1,6}))?$/.exec(value);
  if (match === null) return refuse();
  const [, name, index, host] = match;
  if (index === undefined) return host === undefined ? { kind: 'class', class: name! } : refuse();
  const participant = { class: name!, index: Number(index) };
  if (host === undefined) return { kind: 'participant', ...participant };
  return { kind: 'host', ...participant, host: Number(host) };
}

const target = field(parseTarget, {
  type: ['string', 'array'],
  items: { type: 'string' },
  minItems: 1,
  examples: ['cheap-0', 'cheap', 'region:eu', 'cheap-0/2', 'validator-0'],
});
const positive = { positive: true } as const;

/** A fault as it is written: `for` is undefined where it was not given. */
export type WrittenFault = FaultAction & {
  readonly at: number;
  readonly target: FaultTarget;
  readonly for?: number | undefined;
};

function kind<K extends FaultAction['kind'], S extends z.ZodRawShape>(name: K, fields: S) {
  return shape({ at: duration(), kind: z.literal(name), target, ...fields });
}

const open = { for: duration(positive).optional().describe('until the end of the run if not given') };
const lasting = { for: duration(positive) };

const slowness = field(
  value => {
    const factor = parseQuantity('number', value);
    if (factor < 1 || factor > 1e6) throw new QuantityError(show(value), 'a number from 1 to 1,000,000');
    return factor;
  },
  { type: 'number', minimum: 1, maximum: 1e6 },
);

export const faultSchema: z.ZodType<WrittenFault> = byKind<WrittenFault>('fault', {
  crash: kind('crash', { ...open, silent: flag().prefault(false) }),
  restart: kind('restart', {}),
  pause: kind('pause', lasting),
  diskLoss: kind('diskLoss', open),
  hostOutage: kind('hostOutage', open),
  diskRollback: kind('diskRollback', { ...open, to: duration().describe('the time whose content comes back') }),
  slowCpu: kind('slowCpu', { ...open, factor: slowness }),
  partition: shape({
    at: duration(),
    kind: z.literal('partition'),
    target: target.optional(),
    groups: list(target, 2, MAX_TARGETS, 'groups').optional().describe('cut off from each other'),
    ...open,
  })
    .refine(fault => (fault.target === undefined) !== (fault.groups === undefined), {
      error: 'exactly one of target and groups',
    })
    .transform(({ target: one, groups, ...rest }) =>
      groups === undefined
        ? { ...rest, target: one! }
        : { ...rest, target: { kind: 'several' as const, of: groups }, groups },
    ),
  cut: kind('cut', { ...open, to: target, oneWay: flag().prefault(false) }),
  clog: kind('clog', {
    ...lasting,
    to: target.optional(),
    by: duration(positive).optional().describe('how much longer packets take; without it they wait until it is over'),
    oneWay: flag().optional().describe('only what the target sends'),
  }).transform(({ to, by, ...rest }) => ({ ...rest, to: to ?? null, by: by ?? null })),
  swizzle: kind('swizzle', lasting),
  break: kind('break', {
    to: target.optional(),
    inFlight: oneOf(['lost', 'late', 'repeated']).prefault('lost').describe('what becomes of messages under way'),
    late: given(duration(positive), '1s').describe('how much later the other side is told, and gets them'),
  }).transform(({ to, ...rest }) => ({ ...rest, to: to ?? null })),
  refuse: kind('refuse', open),
  slowDisk: kind('slowDisk', { ...open, factor: quantity('number', { positive: true, max: 1e6 }) }),
  fullDisk: kind('fullDisk', open),
  ioError: kind('ioError', open),
  bitRot: kind('bitRot', {
    of: oneOf(['log', 'store']).prefault('store'),
    count: whole(1, 1_000_000).prefault(1).describe('how many entries or values'),
  }),
  clockStep: kind('clockStep', { ...open, by: duration(positive), back: flag().prefault(false) }).transform(
    ({ by, back, ...rest }) => ({ ...rest, by: back ? -by : by }),
  ),
  clockDrift: kind('clockDrift', { ...open, ppm: whole(-100_000, 100_000).describe('fast; slow if negative') }),
  crashLoop: kind('crashLoop', {
    ...open,
    after: given(duration(positive), '5s').describe('how long each life is'),
    outOfMemory: flag().prefault(false),
  }),
  workloadCrash: kind('workloadCrash', { outOfMemory: flag().prefault(false) }),
});
