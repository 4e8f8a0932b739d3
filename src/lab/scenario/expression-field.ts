/**
 * A field that holds an expression. It stands apart from the other fields because the library that reads expressions is
 * most of what there is to load: a daemon whose configuration has none starts in half the time.
 */
import type { z } from 'zod';
import { checkExpression } from './expression.ts';
import { field } from './fields.ts';
import { QuantityError, show } from './units.ts';

/** An expression over the named variables (null: over any), kept as text. */
export function expression(variables: readonly string[] | null, example: string): z.ZodType<string> {
  return field(
    value => {
      const text = typeof value === 'number' ? String(value) : value;
      if (typeof text !== 'string') throw new QuantityError(show(value), `an expression such as ${show(example)}`);
      return checkExpression(text, variables).text;
    },
    { anyOf: [{ type: 'string', minLength: 1, maxLength: 1000 }, { type: 'number' }], examples: [example] },
  );
}
