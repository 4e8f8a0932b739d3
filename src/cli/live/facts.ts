/** A few facts, one a line, their names in a column. */
import type { Terminal } from '../terminal.ts';

export function factsText(
  { colours }: Pick<Terminal, 'colours'>,
  facts: readonly (readonly [string, string])[],
): string {
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${colours.dim(name.padEnd(width))}  ${value}\n`).join('');
}

/** An address by its beginning and end, for a table: `akash1qzg5...w3mx`. */
export function shortAddress(address: string): string {
  return address.length <= 20 ? address : `${address.slice(0, 11)}...${address.slice(-4)}`;
}

/** The id of a deployment or lease without its tenant's address, which is the same for all: `3`, `3/0/0`. */
export function withoutTenant(id: string): string {
  return id.slice(id.indexOf('/') + 1);
}
