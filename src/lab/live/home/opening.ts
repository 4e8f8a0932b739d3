/** Opens a home to start from: everything in it is read and held against the rest before anything is begun. */
import type { z } from 'zod';
import type { Genesis } from '../../../protocol/chain/genesis.ts';
import { readConfigBy } from './config-reading.ts';
import type { ConfigOf } from './config-types.ts';
import { UnusableHome } from './files.ts';
import { type HomePaths, type Role, requireHome } from './folder.ts';
import { genesisHash, readGenesisFile } from './genesis-file.ts';
import { type Identity, readKey } from './identity-key.ts';

interface HomeWith<C> {
  readonly paths: HomePaths;
  readonly config: C;
  readonly identity: Identity;
  readonly genesis: Genesis;
  /** SHA-256 of the genesis, 64 hexadecimal digits. */
  readonly genesisHash: string;
}

/** A home as it was read. */
export type OpenHome<R extends Role> = HomeWith<ConfigOf<R>>;

/**
 * Reads a home of a role, by the grammar of that role's configuration.
 * @throws UnusableHome, InvalidScenario
 */
export function openHomeBy<R extends Role>(root: string, role: R, schema: z.ZodType<ConfigOf<R>>): OpenHome<R> {
  const paths = requireHome(root, role);
  const config = readConfigBy(schema, role, paths.config);
  const identity = readKey(paths.key);
  if (identity.address !== config.address) {
    throw new UnusableHome(
      `${paths.key}: found the key of ${identity.address}, expected that of ${config.address}, whose home this is`,
    );
  }
  const genesis = readGenesisFile(paths.genesis);
  return { paths, config, identity, genesis, genesisHash: genesisHash(genesis) };
}
