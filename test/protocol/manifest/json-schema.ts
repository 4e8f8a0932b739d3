/**
 * Just enough of JSON Schema (draft 7, and what OpenAPI 3.1 shares with it) to hold values against the official SDL schema
 * and replies against the API's document, written from the specification: a second opinion that shares no code with us.
 */

/** The schema as plain data. */
export type Schema = { readonly [keyword: string]: unknown };
type Keyword = (argument: never, value: unknown, schema: Schema, root: Schema) => boolean;

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isMap,
  array: Array.isArray,
  string: value => typeof value === 'string',
  boolean: value => typeof value === 'boolean',
  null: value => value === null,
  number: isNumber,
  integer: value => isNumber(value) && Number.isInteger(value),
};

/** Keywords that say nothing about whether a value is valid, or are looked at with another. */
const SILENT = new Set([
  '$schema',
  'title',
  'description',
  'default',
  'definitions',
  'then',
  'properties',
  'patternProperties',
]);

const KEYWORDS: Readonly<Record<string, Keyword>> = {
  $ref: (argument: string, value, _, root) => {
    let target: unknown = root;
    for (const step of argument.split('/').slice(1)) target = (target as Schema)[step];
    return valid(target as Schema, value, root);
  },
  type: (argument: string | readonly string[], value) => [argument].flat().some(one => TYPES[one]!(value)),
  enum: (argument: readonly unknown[], value) => argument.includes(value),
  const: (argument: unknown, value) => value === argument,
  minLength: (argument: number, value) => typeof value !== 'string' || Array.from(value).length >= argument,
  pattern: (argument: string, value) => typeof value !== 'string' || new RegExp(argument, 'u').test(value),
  minimum: (argument: number, value) => !isNumber(value) || value >= argument,
  maximum: (argument: number, value) => !isNumber(value) || value <= argument,
  exclusiveMinimum: (argument: number, value) => !isNumber(value) || value > argument,
  minItems: (argument: number, value) => !Array.isArray(value) || value.length >= argument,
  maxItems: (argument: number, value) => !Array.isArray(value) || value.length <= argument,
  items: (argument: Schema, value, _, root) => !Array.isArray(value) || value.every(one => valid(argument, one, root)),
  contains: (argument: Schema, value, _, root) =>
    !Array.isArray(value) || value.some(one => valid(argument, one, root)),
  minProperties: (argument: number, value) => !isMap(value) || Object.keys(value).length >= argument,
  required: (argument: readonly string[], value) => !isMap(value) || argument.every(key => Object.hasOwn(value, key)),
  allOf: (argument: readonly Schema[], value, _, root) => argument.every(one => valid(one, value, root)),
  anyOf: (argument: readonly Schema[], value, _, root) => argument.some(one => valid(one, value, root)),
  propertyNames: (argument: Schema, value, _, root) =>
    !isMap(value) || Object.keys(value).every(key => valid(argument, key, root)),
  maxLength: (argument: number, value) => typeof value !== 'string' || Array.from(value).length <= argument,
  oneOf: (argument: readonly Schema[], value, _, root) => argument.filter(one => valid(one, value, root)).length === 1,
  not: (argument: Schema, value, _, root) => !valid(argument, value, root),
  if: (argument: Schema, value, schema, root) =>
    !valid(argument, value, root) || valid((schema.then ?? {}) as Schema, value, root),
  additionalProperties: () => true,
};

/**
 * Whether a value is valid.
 * @throws Error for a keyword that is not known, so that none is silently left out
 */
export function valid(schema: Schema, value: unknown, root: Schema = schema): boolean {
  for (const [keyword, argument] of Object.entries(schema)) {
    if (SILENT.has(keyword)) continue;
    const check = KEYWORDS[keyword];
    if (check === undefined) throw new Error(`found the keyword ${keyword}, expected one of ${Object.keys(KEYWORDS)}`);
    if (!check(argument as never, value, schema, root)) return false;
  }
  return !isMap(value) || validProperties(schema, value, root);
}

function validProperties(schema: Schema, value: Record<string, unknown>, root: Schema): boolean {
  const properties = (schema.properties ?? {}) as Record<string, Schema>;
  const patterns = Object.entries((schema.patternProperties ?? {}) as Record<string, Schema>);
  return Object.entries(value).every(([key, one]) => {
    const known = Object.hasOwn(properties, key) ? [properties[key]!] : [];
    known.push(...patterns.filter(([pattern]) => new RegExp(pattern, 'u').test(key)).map(([, found]) => found));
    if (known.length > 0) return known.every(found => valid(found, one, root));
    const rest = schema.additionalProperties ?? true;
    return typeof rest === 'boolean' ? rest : valid(rest as Schema, one, root);
  });
}
