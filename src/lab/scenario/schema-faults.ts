/** The `faults` section: what goes wrong, when, and to whom. Kinds are those that the simulated world can execute. */

import { z } from 'zod';
import { byKind, field, flag, quantity, shape } from './fields.ts';
import { duration } from './schema-common.ts';
import type { FaultAction, FaultTarget } from './types.ts';
import { QuantityError, show } from './units.ts';

const TARGET = 'cheap-0 (a participant), cheap (a class), region:eu, or cheap-0/2 (a host)';

/**
 * A fault's target, taken apart. Whether there is such a class, region or host is not looked at.
 * @throws QuantityError
 */
export function parseTarget(value: unknown): FaultTarget {
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

const target = field(parseTarget, { type: 'string', examples: ['cheap-0', 'cheap', 'region:eu', 'cheap-0/2'] });
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

export const faultSchema: z.ZodType<WrittenFault> = byKind<WrittenFault>('fault', {
  crash: kind('crash', { ...open, silent: flag().prefault(false) }),
  restart: kind('restart', {}),
  pause: kind('pause', lasting),
  diskLoss: kind('diskLoss', open),
  hostOutage: kind('hostOutage', open),
  partition: kind('partition', open),
  cut: kind('cut', { ...open, to: target, oneWay: flag().prefault(false) }),
  clog: kind('clog', {
    ...lasting,
    to: target.optional(),
    by: duration(positive).optional().describe('how much longer packets take; without it they wait until it is over'),
  }).transform(({ to, by, ...rest }) => ({ ...rest, to: to ?? null, by: by ?? null })),
  slowDisk: kind('slowDisk', { ...open, factor: quantity('number', { positive: true, max: 1e6 }) }),
  fullDisk: kind('fullDisk', open),
  ioError: kind('ioError', open),
  clockStep: kind('clockStep', { ...open, by: duration(positive), back: flag().prefault(false) }).transform(
    ({ by, back, ...rest }) => ({ ...rest, by: back ? -by : by }),
  ),
  workloadCrash: kind('workloadCrash', { outOfMemory: flag().prefault(false) }),
});
