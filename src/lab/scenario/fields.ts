/**
 * The pieces that the scenario schema is made of: single values with units, maps with known keys, and choices.
 *
 * zod does the walking; what it reports is brought into one form here (`FieldIssue`: where, what was expected, sometimes
 * what was found). Each piece carries the words for its own error, so that no message speaks of schemas. zod's unions
 * report every branch that did not fit; a choice here looks at the key that was written and reports that branch only.
 * For editors each named piece also leaves a JSON Schema definition.
 */

import { z } from 'zod';
import type { Step } from './problem.ts';
import { expectedName } from './problem.ts';
import type { Quantity } from './types.ts';
import {
  BASE_UNITS,
  EXPECTED,
  grouped,
  PATTERNS,
  parseFrequency,
  parseMoney,
  parseQuantity,
  parseRate,
  QuantityError,
  show,
} from './units.ts';

export type JsonSchema = Record<string, unknown>;

/** An error within a value; `found` is given where it is not simply the value at the path. */
export interface FieldIssue {
  readonly path: readonly Step[];
  readonly expected: string;
  readonly found: string | null;
  /** The key at the end of the path is what is wrong, not its value. */
  readonly atKey: boolean;
}

/** JSON Schema definitions by name, made when the schema for editors is written. */
const definitions = new Map<string, () => JsonSchema>();

function define(name: string, make: () => JsonSchema): JsonSchema {
  if (!definitions.has(name)) definitions.set(name, make);
  return { $ref: `#/definitions/${name}` };
}

/** All definitions, those included that only definitions refer to. */
export function jsonDefinitions(): Record<string, JsonSchema> {
  const names = [...definitions.keys()].sort((a, b) => (a < b ? -1 : 1));
  return Object.fromEntries(names.map(name => [name, definitions.get(name)!()]));
}

/** The JSON Schema of the input that a piece takes, without definitions. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-07', unrepresentable: 'any' });
  return rest;
}

/** A value with its own parser, which throws QuantityError. */
export function field<T>(parse: (value: unknown) => T, json: JsonSchema): z.ZodType<T> {
  return z
    .unknown()
    .transform((value, context): T => {
      try {
        return parse(value);
      } catch (error) {
        if (!(error instanceof QuantityError)) throw error;
        context.addIssue({ code: 'custom', message: error.expected, params: { found: error.found } });
        return z.NEVER;
      }
    })
    .meta(json);
}

function unitJson(name: keyof typeof PATTERNS): JsonSchema {
  return define(name, () => ({
    description: EXPECTED[name],
    anyOf: [
      { type: 'string', pattern: PATTERNS[name] },
      { type: 'number', minimum: 0 },
    ],
  }));
}

export interface Bounds {
  /** Zero is refused. */
  readonly positive?: boolean;
  /** Largest value, in the base unit. */
  readonly max?: number;
}

function bounded(value: unknown, parsed: number | bigint, what: string, unit: string, bounds: Bounds): void {
  if (bounds.positive === true && parsed <= 0) throw new QuantityError(show(value), `${what}, above 0`);
  if (bounds.max !== undefined && parsed > bounds.max) {
    throw new QuantityError(show(value), `${what}, at most ${grouped(bounds.max)} ${unit}`.trimEnd());
  }
}

/** A quantity as a number in its base unit. */
export function quantity(name: Quantity, bounds: Bounds = {}): z.ZodType<number> {
  return field(value => {
    const parsed = parseQuantity(name, value);
    bounded(value, parsed, EXPECTED[name], BASE_UNITS[name], bounds);
    return parsed;
  }, unitJson(name));
}

/** An amount of money in micro-AKASH. */
export function money(bounds: Bounds = {}): z.ZodType<bigint> {
  return field(value => {
    const parsed = parseMoney(value);
    bounded(value, parsed, EXPECTED.money, BASE_UNITS.money, bounds);
    return parsed;
  }, unitJson('money'));
}

/** A rate in pico-AKASH per second. */
export function rate(bounds: Bounds = {}): z.ZodType<bigint> {
  return field(value => {
    const parsed = parseRate(value);
    bounded(value, parsed, EXPECTED.rate, BASE_UNITS.rate, bounds);
    return parsed;
  }, unitJson('rate'));
}

/** How often, per second. */
export function frequency(): z.ZodType<number> {
  return field(parseFrequency, unitJson('frequency'));
}

/** A whole number, bounds included. */
export function whole(min: number, max: number): z.ZodType<number> {
  const expected = `a whole number from ${grouped(min)} to ${grouped(max)}`;
  return z
    .number({ error: expected })
    .int({ error: expected })
    .min(min, { error: expected })
    .max(max, { error: expected });
}

/** A number or percentage from 0 to 1. */
export function share(): z.ZodType<number> {
  const expected = 'a number from 0 to 1, such as 0.25 or 25%';
  return field(
    value => {
      let parsed: number;
      try {
        parsed = parseQuantity('number', value);
      } catch (error) {
        throw error instanceof QuantityError ? new QuantityError(error.found, expected) : error;
      }
      if (parsed > 1) throw new QuantityError(show(value), expected);
      return parsed;
    },
    define('share', () => ({
      anyOf: [
        { type: 'number', minimum: 0, maximum: 1 },
        { type: 'string', pattern: PATTERNS.number },
      ],
    })),
  );
}

/** Text of at most so many characters. */
export function text(max: number, what = 'text'): z.ZodType<string> {
  const expected = `${what} of 1 to ${grouped(max)} characters`;
  return z
    .string({ error: `${expected} (quote what looks like a number)` })
    .min(1, { error: expected })
    .max(max, { error: expected });
}

/** Text of a given form. */
export function matching(pattern: RegExp, expected: string): z.ZodType<string> {
  return z.string({ error: expected }).regex(pattern, { error: expected });
}

/** One of a few words. */
export function oneOf<const W extends readonly string[]>(words: W): z.ZodType<W[number]> {
  return z.enum(words as unknown as readonly [string, ...string[]], {
    error: issue => (typeof issue.input === 'string' ? expectedName(issue.input, words) : `one of ${words.join(', ')}`),
  }) as unknown as z.ZodType<W[number]>;
}

export function flag(): z.ZodType<boolean> {
  return z.boolean({ error: 'true or false' });
}

/** A list of at least `min` and at most `max` items. */
export function list<T>(item: z.ZodType<T>, min: number, max: number, what: string): z.ZodType<T[]> {
  const expected = `a list of ${min === max ? grouped(min) : `${grouped(min)} to ${grouped(max)}`} ${what}`;
  return z
    .array(item, { error: expected })
    .min(min, { error: expected, abort: true })
    .max(max, { error: expected, abort: true });
}

/** A map with the given keys and no others. */
export function shape<S extends z.ZodRawShape>(fields: S): z.ZodObject<S, z.core.$strict> {
  const known = Object.keys(fields);
  return z.strictObject(fields, {
    error: issue =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key: string) => expectedName(key, known)).join('\n')
        : `a map of ${known.join(', ')}`,
  });
}

/** A part of a map: keys that stand or are absent together, and what they are read as. */
export interface Part<T> {
  readonly keys: readonly string[];
  readonly schema: z.ZodType<T>;
}

/** A map of several parts, at least one of which must be there; one without any of its keys is null. */
export function together<A, B>(first: Part<A>, second: Part<B>): z.ZodType<readonly [A | null, B | null]> {
  const known = [...first.keys, ...second.keys];
  const read = (value: unknown, context: z.core.$RefinementCtx): readonly [A | null, B | null] => {
    const refuse = ({ path, expected, found, atKey }: FieldIssue): void =>
      context.addIssue({ code: 'custom', message: expected, path: [...path], params: { found, atKey } });
    if (!isRecord(value)) {
      refuse({ path: [], expected: `a map of ${known.join(', ')}`, found: null, atKey: false });
      return z.NEVER;
    }
    const unknown = Object.keys(value).filter(key => !known.includes(key));
    for (const key of unknown) {
      refuse({ path: [key], expected: expectedName(key, known), found: `the key ${show(key)}`, atKey: true });
    }
    const of = <T>({ keys, schema }: Part<T>, wanted: boolean): T | null => {
      const own = Object.entries(value).filter(([key]) => keys.includes(key));
      if (own.length === 0 && !wanted) return null;
      const result = schema.safeParse(Object.fromEntries(own));
      if (result.success) return result.data;
      for (const issue of flatten(result.error.issues)) refuse(issue);
      return null;
    };
    // An empty map lacks the first; behind a misspelt key either may be meant.
    const empty = unknown.length === 0 && !Object.keys(value).some(key => second.keys.includes(key));
    return [of(first, empty), of(second, false)];
  };
  const properties = Object.assign({}, ...[first, second].map(part => jsonSchemaOf(part.schema).properties));
  return z.unknown().transform(read).meta({ type: 'object', properties, additionalProperties: false });
}

/** A map from names of one's own choosing. */
export function mapOf<T>(
  value: z.ZodType<T>,
  key: z.ZodType<string>,
  max: number,
  what: string,
): z.ZodType<Record<string, T>> {
  return z
    .record(key as z.ZodString, value, { error: `a map of ${what}` })
    .refine(map => Object.keys(map).length <= max, { error: `a map of at most ${grouped(max)} ${what}` }) as never;
}

export interface ChoiceOptions<T> {
  /** Choices that are written as a map with one key. */
  readonly tagged: Readonly<Record<string, z.ZodType<T>>>;
  /** Choices that are written as a single word. */
  readonly words?: Readonly<Record<string, T>>;
  /** What any value that is no map is read as (after the words). */
  readonly plain?: z.ZodType<T>;
  /** What a list is read as. */
  readonly list?: z.ZodType<T>;
}

/** A choice, such as `honest`, `{poisson: {every: 5s}}` or a plain value; `name` names its JSON Schema definition. */
export function choice<T>(name: string, what: string, options: ChoiceOptions<T>): z.ZodType<T> {
  const tags = Object.keys(options.tagged);
  const words = Object.keys(options.words ?? {});
  const forms = [...words, ...tags.map(tag => `{${tag}: ...}`)].join(', ');
  const read = (value: unknown, context: z.core.$RefinementCtx): T => {
    const refuse = (found: string | null, expected: string, path: Step[] = [], atKey = false): T => {
      context.addIssue({ code: 'custom', message: expected, path, params: { found, atKey } });
      return z.NEVER;
    };
    const pass = (result: z.ZodSafeParseResult<T>, path: Step[]): T => {
      if (result.success) return result.data;
      for (const issue of flatten(result.error.issues)) {
        refuse(issue.found, issue.expected, [...path, ...issue.path], issue.atKey);
      }
      return z.NEVER;
    };
    if (typeof value === 'string' && Object.hasOwn(options.words ?? {}, value)) return options.words![value]!;
    if (isRecord(value)) {
      const keys = Object.keys(value);
      const unknown = keys.filter(key => !tags.includes(key));
      for (const key of unknown) refuse(`the key ${show(key)}`, expectedName(key, [...tags, ...words]), [key], true);
      if (unknown.length > 0) return z.NEVER;
      if (keys.length !== 1) {
        return refuse(keys.length === 0 ? 'an empty map' : `both ${keys.join(' and ')}`, `${what}: one of ${forms}`);
      }
      return pass(options.tagged[keys[0]!]!.safeParse(value[keys[0]!]), [keys[0]!]);
    }
    if (options.list !== undefined && Array.isArray(value)) return pass(options.list.safeParse(value), []);
    if (options.plain !== undefined && !Array.isArray(value)) return pass(options.plain.safeParse(value), []);
    const near = typeof value === 'string' ? expectedName(value, [...words, ...tags]) : null;
    return refuse(null, near === null ? `${what}: ${forms}` : `${what}: ${near}`);
  };
  return z
    .unknown()
    .transform(read)
    .meta(define(name, () => choiceJson(options)));
}

/** A map whose `kind` says which other keys it has. */
export function byKind<T>(name: string, kinds: Readonly<Record<string, z.ZodType<T>>>): z.ZodType<T> {
  const known = Object.keys(kinds);
  const read = (value: unknown, context: z.core.$RefinementCtx): T => {
    const kind = isRecord(value) ? value.kind : undefined;
    const schema = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
    if (schema === undefined) {
      const message = typeof kind === 'string' ? expectedName(kind, known) : `one of ${known.join(', ')}`;
      context.addIssue(
        isRecord(value)
          ? { code: 'custom', message, path: ['kind'] }
          : { code: 'custom', message: `a map with kind (${message})` },
      );
      return z.NEVER;
    }
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    for (const { path, expected, found, atKey } of flatten(result.error.issues)) {
      context.addIssue({ code: 'custom', message: expected, path: [...path], params: { found, atKey } });
    }
    return z.NEVER;
  };
  const json = define(name, () => ({ anyOf: Object.values(kinds).map(jsonSchemaOf) }));
  return z.unknown().transform(read).meta(json);
}

function choiceJson<T>(options: ChoiceOptions<T>): JsonSchema {
  const words = Object.keys(options.words ?? {});
  return {
    anyOf: [
      ...(words.length > 0 ? [{ enum: words }] : []),
      ...(options.plain === undefined ? [] : [jsonSchemaOf(options.plain)]),
      ...(options.list === undefined ? [] : [jsonSchemaOf(options.list)]),
      ...Object.entries(options.tagged).map(([tag, schema]) => ({
        type: 'object',
        properties: { [tag]: jsonSchemaOf(schema) },
        required: [tag],
        additionalProperties: false,
      })),
    ],
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** zod's issues in our form. */
export function flatten(issues: readonly z.core.$ZodIssue[]): FieldIssue[] {
  return issues.flatMap((issue): FieldIssue[] => {
    const path = issue.path.map(step => (typeof step === 'symbol' ? String(step) : step));
    if (issue.code === 'unrecognized_keys') {
      const expected = issue.message.split('\n');
      return issue.keys.map((key, i) => ({
        path: [...path, key],
        expected: expected[i]!,
        found: `the key ${show(key)}`,
        atKey: true,
      }));
    }
    if (issue.code === 'invalid_key') {
      const key = show(String(path.at(-1)));
      return [{ path, expected: issue.issues[0]?.message ?? issue.message, found: `the key ${key}`, atKey: true }];
    }
    const params = issue.code === 'custom' ? (issue.params ?? {}) : {};
    return [{ path, expected: issue.message, found: params.found ?? null, atKey: params.atKey === true }];
  });
}
