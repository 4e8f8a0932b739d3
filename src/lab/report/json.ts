/**
 * JSON with exact integers. Amounts are bigint here; in files they are plain JSON numbers with all of their digits, so
 * that every reader sees a number. A reader whose numbers are doubles rounds those above 2^53; `parseExact` does not.
 */

/** What parsers hand to a reviver beside key and value. */
interface ReviverContext {
  readonly source?: string;
}
interface ExactJson {
  rawJSON(text: string): unknown;
  parse(text: string, reviver: (key: string, value: unknown, context: ReviverContext) => unknown): unknown;
}
const json = JSON as unknown as ExactJson;

/** Writes a value; bigint by its digits, a number that is not finite as null. */
export function stringify(value: unknown, space = 0): string {
  const text = JSON.stringify(
    value,
    (_, inner: unknown) => (typeof inner === 'bigint' ? json.rawJSON(inner.toString()) : inner),
    space,
  );
  if (text === undefined) throw new Error(`expected a value that JSON can hold, found ${typeof value}`);
  return text;
}

/** Reads JSON; an integer that a double cannot hold exactly becomes a bigint. */
export function parseExact(text: string): unknown {
  return json.parse(text, (_, value, context) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
    return context.source !== undefined && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
  });
}

/** One text for one value, whatever the order in which its keys were written; for hashing. */
export function canonical(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const record = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(record)
    .filter(key => record[key] !== undefined)
    .sort((a, b) => (a < b ? -1 : 1));
  return `{${keys.map(key => `${JSON.stringify(key)}:${canonical(record[key])}`).join(',')}}`;
}
