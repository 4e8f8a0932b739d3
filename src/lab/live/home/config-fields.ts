/**
 * Fields of config.yaml that several roles have. They speak the language of scenario files: the same units, the same
 * distributions. What a file leaves out has a default.
 */
import type { z } from 'zod';
import { isAddress } from '../../../protocol/codec/address.ts';
import { mapOf, matching, oneOf, quantity, shape, text, whole } from '../../scenario/fields.ts';
import { given } from '../../scenario/schema-common.ts';
import { LOG_LEVELS, type LogConfig } from './config-types.ts';
import { endpoint, peer } from './endpoints.ts';

/** Most participants that a configuration may name. */
export const MAX_PEERS = 1_000;

const NAME = 'a name such as alpha or validator-0 (letters, digits, dots, dashes)';
export const participantName = matching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, NAME);
export const account = matching(/^akash1[a-z0-9]{1,80}$/, 'an account such as akash1...').refine(isAddress, {
  error: 'an account whose checksum is right',
});
export const directory = mapOf(peer, participantName, MAX_PEERS, 'names and places');
export const nodes = directory.refine(all => Object.keys(all).length > 0, {
  error: 'at least one node, as a map such as {alpha: akash1...@10.0.0.2:26600}',
});

const log: z.ZodType<LogConfig> = shape({
  level: oneOf(LOG_LEVELS).prefault('info'),
  size: given(quantity('bytes', { positive: true, max: 2 ** 30 }), '8Mi'),
  files: whole(1, 100).prefault(4),
});

/** What every participant is told. */
export const common = {
  name: participantName,
  address: account,
  api: endpoint,
  seed: text(200, 'a seed').nullable().prefault(null),
  log: given(log, {}),
};
