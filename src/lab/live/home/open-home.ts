/** Opens a home of any role. A daemon, which knows its role, opens its own with less to load (`opening.ts`). */
import { CONFIG_SCHEMAS } from './config-schema.ts';
import type { Role } from './folder.ts';
import { type OpenHome, openHomeBy } from './opening.ts';

export type { OpenHome } from './opening.ts';

/**
 * Reads a home.
 * @throws UnusableHome, InvalidScenario
 */
export function openHome<R extends Role>(root: string, role: R): OpenHome<R> {
  return openHomeBy(root, role, CONFIG_SCHEMAS[role]);
}
