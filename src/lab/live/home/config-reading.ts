/**
 * Reads a config.yaml by the grammar of its role: every error at once, each with its line and column, as with scenarios.
 */
import type { z } from 'zod';
import { flatten, isRecord } from '../../scenario/fields.ts';
import { dotted, formatError, InvalidScenario, type ScenarioError, type Step } from '../../scenario/problem.ts';
import { decode, find, locate, locateKey, MAX_FILE_BYTES, parseTree, plain, type Tree } from '../../scenario/tree.ts';
import { show } from '../../scenario/units.ts';
import type { ConfigOf } from './config-types.ts';
import { readLimited, UnusableHome } from './files.ts';
import { ROLES, type Role } from './folder.ts';

/**
 * Reads a configuration file.
 * @throws UnusableHome when it cannot be read or is that of another role; InvalidScenario with everything that is wrong
 */
export function readConfigBy<R extends Role>(schema: z.ZodType<ConfigOf<R>>, role: R, path: string): ConfigOf<R> {
  const text = decode(path, readLimited(path, MAX_FILE_BYTES, `the configuration of a ${role}`));
  return readTree(schema, role, path, parseTree(path, text));
}

/**
 * What a tree says as a configuration.
 * @param path how it is called in errors
 * @throws UnusableHome when it is that of another role; InvalidScenario with everything that is wrong with it
 */
export function readTree<R extends Role>(
  schema: z.ZodType<ConfigOf<R>>,
  role: R,
  path: string,
  tree: Tree,
): ConfigOf<R> {
  const data = plain(tree);
  refuseRole(role, path, data);
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  const errors = flatten(result.error.issues).map(({ path: at, expected, found, atKey }): ScenarioError => {
    const place = atKey ? locateKey(tree, at) : locate(tree, at);
    return { ...place, path: dotted(at), found: found ?? shown(tree, at), expected };
  });
  const seen = new Set<string>();
  throw new InvalidScenario(
    errors
      .filter(error => !seen.has(formatError(error)) && seen.add(formatError(error)))
      .sort((a, b) => a.line - b.line || a.column - b.column),
  );
}

/** The home of somebody else has nearly every field wrong; one error says why. */
function refuseRole(role: Role, path: string, data: unknown): void {
  const found = isRecord(data) ? data.role : undefined;
  if (typeof found !== 'string' || found === role || !ROLES.some(one => one === found)) return;
  throw new UnusableHome(`${path}: found the home of a ${found}, expected that of a ${role}`);
}

function shown(tree: Tree, path: readonly Step[]): string {
  const at = find(tree, path);
  return show(at === null ? undefined : plain(at));
}
