/** The `providers` section: how a class of providers is written, and what it is read as. */

import type { z } from 'zod';
import { distribution } from './distribution-fields.ts';
import { STRATEGY_VARIABLES } from './expression.ts';
import { expression } from './expression-field.ts';
import { choice, frequency, money, oneOf, quantity, shape, share, text, whole } from './fields.ts';
import { MAX_MEMBERS } from './limits.ts';
import { partialCapacity } from './schema-capacity.ts';
import { attributes, bare, duration, given, rates, region } from './schema-common.ts';
import type { ProviderBehaviour, ProviderClass, ProviderSupply, Strategy } from './types.ts';

const number = (max = Number.MAX_SAFE_INTEGER) => quantity('number', { max });

export const strategy = choice<Strategy>('strategy', 'a strategy', {
  words: { zeroIntelligence: { kind: 'zeroIntelligence' } },
  tagged: {
    costPlus: shape({ margin: distribution('number') }).transform(s => ({ kind: 'costPlus' as const, ...s })),
    utilisation: shape({ base: number(), slope: number(), exponent: given(number(100), 1) }).transform(s => ({
      kind: 'utilisation' as const,
      ...s,
    })),
    undercut: shape({ step: share(), floor: given(number(), 0), start: number() }).transform(s => ({
      kind: 'undercut' as const,
      ...s,
    })),
    fixed: shape({ price: rates }).transform(s => ({ kind: 'fixed' as const, ...s })),
    zeroIntelligence: bare<Strategy>({ kind: 'zeroIntelligence' }),
    bestResponse: shape({ step: share() }).transform(s => ({ kind: 'bestResponse' as const, ...s })),
    sniper: shape({ margin: distribution('number'), lead: duration() }).transform(s => ({
      kind: 'sniper' as const,
      ...s,
    })),
    expression: shape({ price: expression(STRATEGY_VARIABLES, 'cost * (1 + 0.5 * utilization^2)') }).transform(s => ({
      kind: 'expression' as const,
      ...s,
    })),
    ring: shape({ name: text(64), margin: number(), floor: given(number(), 0) }).transform(s => ({
      kind: 'ring' as const,
      ...s,
    })),
  },
});

export const providerBehaviour = choice<ProviderBehaviour>('provider-behaviour', 'a behaviour', {
  words: { honest: { kind: 'honest' }, freeRider: { kind: 'freeRider' }, noShow: { kind: 'noShow' } },
  tagged: {
    defaulter: shape({
      offers: shape({ every: distribution('duration', { positive: true }) }),
      gain: distribution('rate'),
      discount: given(frequency(), 0),
    }).transform(b => ({ kind: 'defaulter' as const, every: b.offers.every, gain: b.gain, discount: b.discount })),
    exitScammer: shape({ after: money() }).transform(b => ({ kind: 'exitScammer' as const, ...b })),
    bidAndCancel: shape({ probability: given(share(), 1), after: given(distribution('duration'), '0s') }).transform(
      b => ({
        kind: 'bidAndCancel' as const,
        ...b,
      }),
    ),
    washTrader: shape({
      every: distribution('duration', { positive: true }),
      lifetime: distribution('duration', { positive: true }),
      price: distribution('rate', { positive: true }),
    }).transform(b => ({ kind: 'washTrader' as const, ...b })),
  },
});

const containers = shape({
  pull: given(distribution('duration'), '0s').describe('time to fetch an image'),
  start: given(distribution('duration'), '0s'),
  failure: given(share(), 0).describe('probability that a start fails'),
  lifetime: distribution('duration', { positive: true }).optional().describe('until a container exits by itself'),
  stop: given(distribution('duration'), '0s'),
}).transform(({ lifetime, ...rest }) => ({ ...rest, lifetime: lifetime ?? null }));

const providerFields = shape({
  count: whole(1, MAX_MEMBERS).optional(),
  fromTrace: oneOf(['openb']).optional().describe("the trace's nodes, instead of count, hosts and capacity"),
  region,
  attributes: attributes.prefault({}),
  hosts: whole(1, 100_000).optional().describe('hosts of each provider, 1 if not given'),
  capacity: partialCapacity.optional().describe('of one host'),
  cost: rates.describe('what a unit costs the provider; drawn once per provider'),
  strategy,
  reserve: oneOf(['bids', 'none']).prefault('bids').describe('whether open bids count as used capacity'),
  bidProbability: given(share(), 1),
  bidDelay: given(distribution('duration'), '0s').describe('time to think before a bid'),
  stake: given(money(), '0 akash').describe('own bonded stake'),
  balance: money(),
  containers: given(containers, {}),
  behaviour: given(providerBehaviour, 'honest'),
});

/** A class of providers; `name` is filled in by the loader, from the key. */
export const providerSchema: z.ZodType<Omit<ProviderClass, 'name'>> = providerFields.transform((fields, context) => {
  const { count, fromTrace, hosts, capacity: host, ...rest } = fields;
  const refuse = (path: string[], message: string): void => {
    context.addIssue({ code: 'custom', path, message });
  };
  let supply: ProviderSupply;
  if (fromTrace !== undefined) {
    for (const key of ['count', 'hosts'] as const) {
      if (fields[key] !== undefined) refuse([key], 'nothing: beside fromTrace the nodes of the trace say it');
    }
    for (const key of ['cpu', 'memory', 'gpu'] as const) {
      if (host?.[key] !== undefined)
        refuse(['capacity', key], 'nothing: beside fromTrace the nodes of the trace say it');
    }
    supply = { kind: 'trace', disk: host?.disk ?? 0, bandwidth: host?.bandwidth ?? 0 };
  } else {
    if (count === undefined) refuse(['count'], `a whole number from 1 to 1,000,000 (or fromTrace)`);
    if (host === undefined) refuse(['capacity'], 'a map of cpu, memory, disk, gpu, bandwidth (or fromTrace)');
    else if (host.cpu === undefined) refuse(['capacity', 'cpu'], 'a number of vCPUs such as 64');
    if (host !== undefined && host.memory === undefined) refuse(['capacity', 'memory'], 'a size such as 256Gi');
    const { cpu = 0, memory = 0, disk = 0, gpu = 0, bandwidth: bits = 0 } = host ?? {};
    supply = {
      kind: 'counted',
      count: count ?? 0,
      hosts: hosts ?? 1,
      capacity: { cpu, memory, disk, gpu, bandwidth: bits },
    };
  }
  return { ...rest, supply };
});
