/**
 * The scenario format: which keys there are, what each takes, what stands where nothing is said.
 *
 * This is the whole grammar of a scenario file but for rules that join several parts of it (those are in checks.ts).
 * What it yields is described in types.ts. Defaults are neutral: what a file does not ask for does not happen (no start
 * delay, no failure, no stake), save where the market needs a value at all.
 */

import { z } from 'zod';
import { distribution } from './distribution-fields.ts';
import { expression } from './expression-field.ts';
import {
  choice,
  flag,
  list,
  mapOf,
  matching,
  money,
  oneOf,
  quantity,
  shape,
  share,
  text,
  together,
  whole,
} from './fields.ts';
import { MAX_CLASSES, MAX_FAULTS, MAX_HORIZON, MAX_VALIDATORS } from './limits.ts';
import { className, duration, given, region, regionName } from './schema-common.ts';
import { delegatorSchema } from './schema-delegators.ts';
import { faultSchema } from './schema-faults.ts';
import { providerSchema } from './schema-providers.ts';
import { asSdlWorkload, SDL_KEYS, sdlWorkload } from './schema-sdl.ts';
import { tenantSchema } from './schema-tenants.ts';
import { timeouts, validatorBehaviour } from './schema-validators.ts';
import type {
  ChainOptions,
  Distribution,
  EveryBlocks,
  NetworkOptions,
  Topology,
  ValidatorClass,
  Workload,
} from './types.ts';
import { OBSERVED_FILES } from './types.ts';

export type * from './types.ts';

const everyBlocks = shape({ every: whole(1, 1_000_000) });
const commitments = choice<EveryBlocks | null>('commitments', 'how often the chain commits to its state', {
  words: { off: null, every_block: { every: 1 } },
  tagged: { every: whole(1, 1_000_000).transform(every => ({ every })) },
});
const invariants = choice<EveryBlocks | null>('invariants', 'how often invariants are recomputed in full', {
  words: { end: null, every_block: { every: 1 } },
  tagged: { every: everyBlocks.shape.every.transform(every => ({ every })) },
});

const paramValue = z.union([text(256), z.number(), z.boolean()], { error: 'a number, text or true/false' });

const validatorClass = shape({
  count: whole(1, MAX_VALIDATORS).prefault(1),
  stake: given(money(), '1000000 akash').describe('own bonded stake of each'),
  commission: given(
    share().transform(part => Math.round(part * 1e6)),
    '10%',
  ),
  region: region.optional(),
  unjail: flag().prefault(true).describe('one that was jailed for missing blocks asks to come back'),
  behaviour: given(validatorBehaviour, 'honest'),
}).transform(({ region: where, ...rest }): ValidatorClass => ({ ...rest, region: where ?? null }));
const validators = choice<readonly ValidatorClass[]>(
  'validators',
  'a number of validators, or a list of classes with count, stake, commission, region, unjail and behaviour',
  {
    tagged: {},
    plain: whole(1, MAX_VALIDATORS).transform(count => [validatorClass.parse({ count })]),
    list: list(validatorClass, 1, MAX_VALIDATORS, 'validator classes'),
  },
);
const topology = choice<Topology>('topology', 'which nodes are connected', {
  words: { mesh: { kind: 'mesh' } },
  tagged: { degree: whole(2, MAX_VALIDATORS).transform(degree => ({ kind: 'partial' as const, degree })) },
});
const chain: z.ZodType<ChainOptions> = shape({
  blockInterval: given(duration({ positive: true }), '6s').describe('time between blocks'),
  validators: given(validators, 1),
  topology: given(topology, 'mesh').describe('connections among validators'),
  timeouts: given(timeouts, {}).describe('how long a round waits for a proposal and for votes'),
  keepBlocks: whole(1, 10_000_000).prefault(200).describe('blocks that a node keeps for others'),
  snapshotEvery: whole(0, 10_000_000).prefault(5_000).describe('blocks between snapshots of the state; 0: none'),
  commitments: commitments.optional().describe('off by default with one validator, else every block'),
  clients: oneOf(['trusting', 'light'])
    .optional()
    .describe('whether clients believe their node, as with one validator by default, or only what is proven'),
  signatures: oneOf(['keyed-hash', 'ed25519']).prefault('keyed-hash'),
  invariants: given(invariants, 'every_block'),
  params: mapOf(paramValue, matching(/^[A-Za-z]\w{0,63}$/, 'a parameter name'), 256, 'parameters').prefault({}),
}).transform(({ commitments: written, clients, ...rest }) => {
  const isAlone = rest.validators.reduce((sum, one) => sum + one.count, 0) === 1;
  // Without a commitment in every block nothing can be proven of it.
  const commitments = written === undefined ? (isAlone && clients !== 'light' ? null : { every: 1 }) : written;
  const canProve = commitments?.every === 1;
  return { ...rest, commitments, clients: clients ?? (isAlone || !canProve ? 'trusting' : 'light') };
});

const link = shape({
  from: regionName,
  to: regionName,
  p50: duration({ positive: true }),
  p90: duration({ positive: true }),
}).refine(({ p50, p90 }) => p90 >= p50, { error: 'a p90 that is not below the p50', path: ['p90'] });

const network: z.ZodType<NetworkOptions> = shape({
  latency: distribution('duration').optional().describe('one-way latency of links that `regions` does not name'),
  regions: list(link, 0, 10_000, 'links')
    .prefault([])
    .describe('round-trip times; symmetric unless both ways are given'),
}).transform(({ latency, regions }, context) => {
  const listed = new Set<string>();
  regions.forEach(({ from, to }, i) => {
    const key = `${from} ${to}`;
    if (listed.has(key)) {
      const params = { found: `the link from ${from} to ${to} a second time` };
      context.addIssue({ code: 'custom', path: ['regions', i], message: 'each link once', params });
    }
    listed.add(key);
  });
  const back = regions.filter(({ from, to }) => from !== to && !listed.has(`${to} ${from}`));
  const otherwise: Distribution<'duration'> = {
    quantity: 'duration',
    kind: 'constant',
    value: regions.length === 0 ? 40_000 : 500,
  };
  return {
    latency: latency ?? otherwise,
    regions: [...regions, ...back.map(one => ({ ...one, from: one.to, to: one.from }))],
  };
});

// ---------------------------------------------------------------- workload, faults, observation

const path = text(1_024, 'a file name');
const traceFields = shape({
  format: oneOf(['openb']),
  pods: path,
  nodes: path,
  timeScale: quantity('number', { positive: true, max: 1e9 })
    .optional()
    .describe('gaps between arrivals are divided by it'),
  targetLoad: quantity('number', { positive: true, max: 100 }).optional().describe('mean GPU load to scale to'),
  nodesPerProvider: whole(1, 100_000).prefault(32),
});
const trace: z.ZodType<Workload> = traceFields
  .refine(({ timeScale, targetLoad }) => (timeScale === undefined) !== (targetLoad === undefined), {
    error: 'exactly one of timeScale and targetLoad',
  })
  .transform(({ timeScale, targetLoad, ...rest }) => ({
    ...rest,
    scale:
      timeScale !== undefined
        ? { kind: 'timeScale' as const, timeScale }
        : { kind: 'targetLoad' as const, targetLoad: targetLoad! },
  }));

/** A trace, a folder of SDL files, or both. */
const workload = together(
  { keys: Object.keys(traceFields.shape), schema: trace },
  { keys: SDL_KEYS, schema: sdlWorkload.transform(asSdlWorkload) },
);

const observe = shape({
  every: given(duration({ positive: true }), '10m').describe('sampling period of series.csv'),
  files: list(oneOf(OBSERVED_FILES), 0, OBSERVED_FILES.length, 'files').prefault([]),
}).refine(({ files }) => new Set(files).size === files.length, { error: 'each file once', path: ['files'] });

const classes = (schema: z.ZodType): z.ZodType => mapOf(schema, className, MAX_CLASSES, 'classes').prefault({});

/** The sections of a scenario file, as they are written. */
export const scenarioFields = shape({
  extends: text(1_024, 'a file name').optional().describe('another scenario, over which this one is laid'),
  name: matching(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a name of lower case letters, digits and dashes, such as spot-market'),
  question: text(500, 'a question'),
  finding: text(2_000).optional().describe('what came out, in two sentences'),
  horizon: quantity('duration', { positive: true, max: MAX_HORIZON }).describe('simulated time'),
  warmup: given(duration(), '0s').describe('left out of the results'),
  chain: given(chain, {}),
  network: given(network, {}),
  providers: classes(providerSchema),
  tenants: classes(tenantSchema),
  delegators: classes(delegatorSchema),
  workload: workload.optional(),
  faults: list(faultSchema, 0, MAX_FAULTS, 'faults').prefault([]),
  observe: given(observe, {}),
  expect: list(expression(null, 'utilisation > 0.4'), 0, 1_000, 'expectations').prefault([]),
});
