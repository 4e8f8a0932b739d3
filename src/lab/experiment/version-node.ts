/** Which orrery this is, and on which engine: for results, which depend on both, and for whoever asks a daemon. */
import { readFileSync } from 'node:fs';

/** The version of this package. */
export const VERSION: string = readVersion();

function readVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version?: unknown };
  if (typeof version !== 'string') throw new Error('the version of this package is missing in its package.json');
  return version;
}

/** The engine that this process runs on. */
export function engineOf(): { node: string; v8: string } {
  return { node: process.version, v8: process.versions.v8 };
}
