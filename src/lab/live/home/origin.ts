/**
 * A home as plain data, so that a recording can keep what its actor was made of, and whoever replays it makes the same
 * one. With it goes the key: a recording is as secret as the home that it comes from.
 */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { flatten, oneOf } from '../../scenario/fields.ts';
import { MAX_FILE_BYTES } from '../../scenario/tree.ts';
import { parseConfig } from './config-file.ts';
import { readLimited, UnusableHome } from './files.ts';
import { homePaths, ROLES, type Role } from './folder.ts';
import { genesisHash, genesisText, parseGenesis } from './genesis-file.ts';
import { identityOf } from './identity-key.ts';
import type { OpenHome } from './open-home.ts';

const shape = z.object({
  role: oneOf(ROLES),
  /** Its account. */
  address: z.string(),
  /** The text of config.yaml. */
  config: z.string(),
  /** The seed of its key, 64 hexadecimal digits. */
  key: z.string().regex(/^[0-9a-f]{64}$/),
  /** The text of genesis.json. */
  genesis: z.string(),
  /** SHA-256 of that, 64 hexadecimal digits. */
  genesisHash: z.string(),
  /** Of this package. */
  version: z.string(),
  /** Of the engine. */
  node: z.string(),
});

/** What an actor was made of, and by which code. */
export type Origin = z.output<typeof shape>;

/** What makes the actor of a home. */
export function originOf(
  { paths, config, identity, genesis, genesisHash }: OpenHome<Role>,
  code: Pick<Origin, 'version' | 'node'>,
): Origin {
  const { role, address } = config;
  return {
    role,
    address,
    config: readLimited(paths.config, MAX_FILE_BYTES, `the configuration of a ${role}`).toString('utf8'),
    key: bytesToHex(identity.keys.secretKey),
    genesis: genesisText(genesis),
    genesisHash,
    ...code,
  };
}

/**
 * What stands at the head of a recording.
 * @param place how it is called in errors
 * @throws UnusableHome when it is not what a daemon wrote
 */
export function readOrigin(place: string, found: unknown): Origin {
  const result = shape.safeParse(found);
  if (result.success) return result.data;
  const [issue] = flatten(result.error.issues);
  const where = issue?.path.join('.') || 'its head';
  throw new UnusableHome(`${place}: found no home at ${where}, expected the recording of a daemon`);
}

/**
 * The home of which an actor was made.
 * @param place how it is called in errors
 * @throws UnusableHome, InvalidScenario when this version cannot read it
 */
export function homeOf<R extends Role>(place: string, origin: Origin, role: R): OpenHome<R> {
  const config = parseConfig(role, place, origin.config);
  const genesis = parseGenesis(place, origin.genesis);
  const identity = identityOf(hexToBytes(origin.key));
  return { paths: homePaths(place), config, identity, genesis, genesisHash: genesisHash(genesis) };
}
