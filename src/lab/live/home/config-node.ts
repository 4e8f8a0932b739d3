/** The grammar of a node's config.yaml. */
import type { z } from 'zod';
import type { ValidatorConduct } from '../../../actors/validator/conduct.ts';
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
  whole,
} from '../../scenario/fields.ts';
import { expectedName } from '../../scenario/problem.ts';
import { hostCapacity } from '../../scenario/schema-capacity.ts';
import { given } from '../../scenario/schema-common.ts';
import { behaviours, timeouts } from '../../scenario/schema-validators.ts';
import { show } from '../../scenario/units.ts';
import { account, common, directory, MAX_PEERS, participantName } from './config-fields.ts';
import type { Acquaintance, NodeConfig } from './config-types.ts';
import { endpoint } from './endpoints.ts';

/** Parts per million in a whole. */
const PPM = 1_000_000;

const favoured = list(account, 1, 10_000, 'accounts');
const conduct = choice<ValidatorConduct>('validator-conduct', 'a behaviour', {
  words: behaviours.words,
  tagged: {
    ...behaviours.tagged,
    favour: shape({ accounts: favoured }).transform(b => ({ kind: 'favour' as const, ...b })),
  },
});

const HASH = 'a block hash of 64 hexadecimal digits';
const stateSync = choice<NodeConfig['stateSync']>('state-sync', 'what is trusted', {
  words: { off: null, genesis: 'genesis' },
  tagged: {
    block: shape({ height: whole(1, Number.MAX_SAFE_INTEGER), hash: matching(/^[0-9a-f]{64}$/, HASH) }),
  },
});

const candidate = choice<NodeConfig['candidate']>('candidate', 'what a candidate offers', {
  words: { off: null },
  tagged: {
    offer: shape({
      stake: money({ positive: true }),
      commission: given(
        share().transform(part => Math.round(part * PPM)),
        '10%',
      ),
    }),
  },
});

const acquaintance = shape({ account, capacity: hostCapacity.optional() }).transform(
  ({ account: address, capacity }): Acquaintance => ({
    account: address,
    capacity: capacity === undefined ? null : { ...capacity, gpu: capacity.gpu ?? 0 },
  }),
);

const nodeFields = shape({
  role: oneOf(['node']),
  ...common,
  listen: endpoint,
  peers: directory.prefault({}),
  dials: list(participantName, 0, MAX_PEERS, 'names of peers').nullable().prefault(null),
  votes: flag().prefault(true),
  candidate: given(candidate, 'off'),
  unjail: flag().prefault(true),
  timeouts: given(timeouts, {}),
  keepBlocks: whole(1, 10_000_000).prefault(10_000),
  snapshotEvery: whole(0, 10_000_000).prefault(1_000),
  keepEvents: whole(0, 1_000_000).prefault(1_000),
  stateSync: given(stateSync, 'off'),
  mempool: given(
    shape({
      count: whole(1, 10_000_000).prefault(20_000),
      size: given(quantity('bytes', { positive: true, max: 2 ** 34 }), '64Mi'),
    }),
    {},
  ),
  known: mapOf(acquaintance, participantName, MAX_PEERS, 'names and accounts').prefault({}),
  behaviour: given(conduct, 'honest'),
});

export const nodeSchema: z.ZodType<NodeConfig> = nodeFields.transform(
  ({ mempool, dials, ...rest }, context): NodeConfig => {
    const known = Object.keys(rest.peers);
    dials?.forEach((name, i) => {
      if (known.includes(name)) return;
      const params = { found: show(name) };
      context.addIssue({ code: 'custom', path: ['dials', i], message: expectedName(name, known), params });
    });
    const { count, size } = mempool;
    return { ...rest, dials: dials ?? known, mempool: { count, bytes: size } };
  },
);
