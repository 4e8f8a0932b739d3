/**
 * The relay's program as one address, for whoever runs it has no files of ours: what the files beside this one say, compiled
 * in the package and with their types left out in a checkout, each wrapped up in whoever imports it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withoutTypes } from '../without-types.ts';

/** Linux takes no longer argument, and no longer variable. */
const MAX_BYTES = 128 * 1024 - 256;

/** The variable that holds the address. (Arguments would stand in every list of containers.) */
export const RELAY_VARIABLE = 'ORRERY_RELAY';

/** What `node --input-type=module --eval` is to run, where the variable is set. */
export const RELAY_START = `await (await import(process.env.${RELAY_VARIABLE})).runRelay()`;

const IMPORT = /(?<=^(?:import|export)\b[^;'"]*\bfrom )(['"])\.\/([a-z-]+)\.[jt]s\1/gm;

let address: string | null = null;

/** The address of the program. Throws when it is longer than a variable may be. */
export function relaySource(): string {
  address ??= asUrl('relay-program');
  if (address.length > MAX_BYTES) {
    throw new RangeError(`the program of a relay must have at most ${MAX_BYTES} bytes, found ${address.length}`);
  }
  return address;
}

/** A module as an address that holds all of it, and all that it imports. */
function asUrl(name: string): string {
  const code = javaScriptOf(name).replace(IMPORT, (_, _quote, imported: string) => JSON.stringify(asUrl(imported)));
  return `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`;
}

function javaScriptOf(name: string): string {
  const compiled = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  if (existsSync(compiled)) return readFileSync(compiled, 'utf8');
  return withoutTypes(readFileSync(new URL(`./${name}.ts`, import.meta.url), 'utf8'));
}
