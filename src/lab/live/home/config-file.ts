/** Reads the config.yaml of a home. */
import { applyOverride } from '../../scenario/set.ts';
import { decode, MAX_FILE_BYTES, parseTree } from '../../scenario/tree.ts';
import { readTree } from './config-reading.ts';
import { CONFIG_SCHEMAS } from './config-schema.ts';
import type { ConfigOf } from './config-types.ts';
import { readLimited } from './files.ts';
import type { Role } from './folder.ts';

/**
 * Reads a configuration.
 * @throws UnusableHome when there is none; InvalidScenario with everything that is wrong with it
 */
export function readConfig<R extends Role>(role: R, path: string): ConfigOf<R> {
  return parseConfig(role, path, readLimited(path, MAX_FILE_BYTES, `the configuration of a ${role}`));
}

/**
 * Reads the text of a configuration.
 * @param path how it is called in errors
 * @throws InvalidScenario
 */
export function parseConfig<R extends Role>(role: R, path: string, text: Uint8Array | string): ConfigOf<R> {
  return readTree(CONFIG_SCHEMAS[role], role, path, parseTree(path, decode(path, text)));
}

/**
 * A configuration with some of its values replaced.
 * @param text a configuration
 * @param overrides `path=value`, as `--set` has them
 * @throws InvalidScenario
 */
export function overridden<R extends Role>(role: R, text: string, overrides: readonly string[]): ConfigOf<R> {
  const tree = overrides.reduce(applyOverride, parseTree('config.yaml', text));
  return readTree(CONFIG_SCHEMAS[role], role, 'config.yaml', tree);
}
