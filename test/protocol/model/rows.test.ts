/** What a roll-back restores: every field of a row that may change, and nothing that may not. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const FOLDER = join(import.meta.dirname, '../../../src/protocol/model');
const SOURCE = ['rows.ts', 'market-rows.ts', 'stake-rows.ts']
  .map(name => readFileSync(join(FOLDER, name), 'utf8'))
  .join('\n');

interface RowClass {
  readonly name: string;
  readonly changing: string[];
  readonly saved: string[];
}

/** The classes of rows as they are written: which fields are not `readonly`, and which `copy` lists. */
function rowClasses(): RowClass[] {
  const parts = SOURCE.split(/^export class /m).slice(1);
  return parts.map(part => {
    const name = /^\w+/.exec(part)?.[0] ?? '';
    const fields = part.slice(0, part.indexOf('constructor('));
    const changing = [...fields.matchAll(/^ {2}(?!readonly )(\w+)(?:: [^=;]+)?(?: = [^;]+)?;$/gm)].map(
      one => one[1] as string,
    );
    const copy = part.slice(part.indexOf('copy(): object {'));
    const saved = [...copy.slice(0, copy.indexOf('\n  }')).matchAll(/(\w+): this\.\w+/g)].map(one => one[1] as string);
    return { name, changing, saved };
  });
}

describe('copies of rows', () => {
  const classes = rowClasses();

  test('there are rows to look at', () => {
    expect(classes.map(one => one.name)).toEqual(
      expect.arrayContaining(['Account', 'Provider', 'Deployment', 'Order', 'Lease', 'Chainwide']),
    );
    expect(classes.find(one => one.name === 'Account')?.changing).toEqual(['balance', 'nonce', 'bonded', 'unbondings']);
  });

  test.each(classes)('$name saves exactly the fields that may change', ({ changing, saved }) => {
    expect([...saved].sort()).toEqual([...changing].sort());
  });
});
