/**
 * Declarative codecs: the shape of a value, written down once, gives its TypeScript type and its canonical bytes.
 *
 *     const order = struct({ id: text(64), price: ubig, groups: list(group, 16), note: optional(text(80)) });
 *     type Order = CodecType<typeof order>;
 *     decode(order, encode(order, value)) // equal to value, and encodes to the same bytes again
 *
 * Fields are written in the order in which the struct lists them, so the order of properties in a value never matters.
 * There is no schema evolution in the bytes: what may vary is behind a tag or a version that the struct spells out.
 * Reading is total: it returns a value that encodes to exactly the bytes read, or throws DecodeError.
 */

import { ByteReader, ByteWriter } from './bytes.ts';
import { DecodeError, EncodeError, shown } from './errors.ts';
import { compareTexts } from './utf8.ts';

/** How values of one type are written and read. */
export interface Codec<T> {
  /** Appends the canonical bytes of a value. Throws EncodeError if it has none. */
  write(w: ByteWriter, value: T): void;
  /** Reads one value. Throws DecodeError unless the bytes are canonical. */
  read(r: ByteReader): T;
}

/** The type of the values of a codec. */
export type CodecType<C> = C extends Codec<infer T> ? T : never;

type AnyObject = Record<string, unknown>;
type Flat<T> = { [K in keyof T]: T[K] };

/** The object type of a struct with these fields. */
export type StructType<F> = { readonly [K in keyof F]: CodecType<F[K]> };

/** A codec of objects with fixed fields; its parts are public so that unions can put the tag in front of them. */
export interface StructCodec<T> extends Codec<T> {
  /** The names of the fields, in the order in which they are written. */
  readonly names: readonly string[];
  /** The codecs of the fields, in the same order. */
  readonly codecs: readonly Codec<unknown>[];
}

/** A non-negative safe integer. */
export const uint: Codec<number> = {
  write: (w, value) => w.uint(value),
  read: r => r.uint(),
};

/** A non-negative bigint below 2^256. */
export const ubig: Codec<bigint> = {
  write: (w, value) => w.ubig(value),
  read: r => r.ubig(),
};

/** True or false. */
export const bool: Codec<boolean> = {
  write: (w, value) => w.bool(value),
  read: r => r.bool(),
};

/** A non-negative integer of at most `max`. */
export function uintUpTo(max: number): Codec<number> {
  return {
    write: (w, value) => {
      if (value > max) throw new EncodeError(shown(value), `an integer of at most ${max}`);
      w.uint(value);
    },
    read: r => r.uint(max),
  };
}

/** A text of at most `max` UTF-8 bytes. */
export function text(max: number): Codec<string> {
  return { write: (w, value) => w.text(value, max), read: r => r.text(max) };
}

/** At most `max` bytes. */
export function byteString(max: number): Codec<Uint8Array> {
  return { write: (w, value) => w.byteString(value, max), read: r => r.byteString(max) };
}

/** Exactly `length` bytes, written without their number: hashes, keys, signatures. */
export function fixedBytes(length: number): Codec<Uint8Array> {
  return {
    write: (w, value) => {
      if (!(value instanceof Uint8Array) || value.length !== length) {
        throw new EncodeError(shown(value), `${length} bytes`);
      }
      w.raw(value);
    },
    read: r => r.raw(length),
  };
}

/** At most `max` values of one type, in order. */
export function list<T>(codec: Codec<T>, max: number): Codec<readonly T[]> {
  return {
    write: (w, values) => {
      if (!Array.isArray(values) || values.length > max) {
        throw new EncodeError(shown(values), `a list of at most ${max}`);
      }
      w.uint(values.length);
      let i = 0;
      try {
        for (; i < values.length; i++) codec.write(w, values[i]!);
      } catch (error) {
        throw located(error, `[${i}]`);
      }
    },
    read: r => {
      const count = r.uint(max);
      // Grown value by value: a count alone reserves nothing.
      const values: T[] = [];
      try {
        while (values.length < count) values.push(codec.read(r));
      } catch (error) {
        throw located(error, `[${values.length}]`);
      }
      return values;
    },
  };
}

/** A value or undefined. */
export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    write: (w, value) => {
      if (value === undefined) {
        w.byte(0);
      } else {
        w.byte(1);
        codec.write(w, value);
      }
    },
    read: r => {
      const at = r.offset;
      if (!r.bool()) return undefined;
      const value = codec.read(r);
      // An optional optional: undefined has one encoding, and it is the outer one.
      if (value === undefined) throw r.error('an inner undefined', 'a value', at);
      return value;
    },
  };
}

/** One of at most 128 fixed texts, written as its position in the list. */
export function oneOf<const N extends readonly string[]>(...names: N): Codec<N[number]> {
  if (names.length === 0 || names.length > 128 || new Set(names).size !== names.length) {
    throw new TypeError('oneOf needs 1 to 128 different texts');
  }
  const numbers = new Map<string, number>(names.map((name, index) => [name, index]));
  return {
    write: (w, value) => {
      const index = numbers.get(value);
      if (index === undefined) throw new EncodeError(shown(value), `one of ${names.join(', ')}`);
      w.byte(index);
    },
    read: r => {
      const index = r.byte();
      if (index >= names.length) throw r.error(`${index}`, `0 to ${names.length - 1}`, r.offset - 1);
      return names[index]!;
    },
  };
}

/** A codec restricted to the values for which `holds` is true, in both directions; `expected` says so in words. */
export function refine<T>(codec: Codec<T>, expected: string, holds: (value: T) => boolean): Codec<T> {
  return {
    write: (w, value) => {
      if (!holds(value)) throw new EncodeError(shown(value), expected);
      codec.write(w, value);
    },
    read: r => {
      const at = r.offset;
      const value = codec.read(r);
      if (!holds(value)) throw r.error(shown(value), expected, at);
      return value;
    },
  };
}

/**
 * An object used as a map from texts (at most `maxKeyBytes` long) to at most `max` values, written in the byte order of
 * its keys. The reader refuses keys out of order and keys that occur twice, and returns keys in that order as far as
 * objects can (integer-like keys come first).
 */
export function mapOf<T>(codec: Codec<T>, max: number, maxKeyBytes = 256): Codec<Readonly<Record<string, T>>> {
  return {
    write: (w, value) => {
      if (typeof value !== 'object' || value === null) throw new EncodeError(shown(value), 'an object');
      const keys = Object.keys(value).sort(compareTexts);
      if (keys.length > max) throw new EncodeError(`${keys.length} keys`, `at most ${max} keys`);
      w.uint(keys.length);
      for (const key of keys) {
        try {
          w.text(key, maxKeyBytes);
          codec.write(w, value[key]!);
        } catch (error) {
          throw located(error, `[${shown(key)}]`);
        }
      }
    },
    read: r => {
      const count = r.uint(max);
      const value: Record<string, T> = {};
      let last: string | undefined;
      for (let i = 0; i < count; i++) {
        const at = r.offset;
        const key = r.text(maxKeyBytes);
        if (last !== undefined && compareTexts(last, key) >= 0) {
          throw r.error(`key ${shown(key)}`, `a key after ${shown(last)}`, at);
        }
        last = key;
        try {
          const item = codec.read(r);
          // Plain assignment to this one name would replace the prototype instead of adding a key.
          if (key === '__proto__') {
            Object.defineProperty(value, key, { value: item, writable: true, enumerable: true, configurable: true });
          } else value[key] = item;
        } catch (error) {
          throw located(error, `[${shown(key)}]`);
        }
      }
      return value;
    },
  };
}

/** An object with exactly these fields, written one after the other in this order. */
export function struct<const F extends Readonly<Record<string, Codec<unknown>>>>(
  fields: F,
): StructCodec<Flat<StructType<F>>> {
  const names = Object.keys(fields);
  const codecs = names.map(name => (fields as Record<string, Codec<unknown>>)[name]!);
  checkNames(names);
  const create = blank();
  return {
    names,
    codecs,
    write: (w, value) => {
      if (typeof value !== 'object' || value === null) throw new EncodeError(shown(value), 'an object');
      writeFields(w, value as AnyObject, names, codecs);
    },
    read: r => {
      const value = create();
      readFields(r, value, names, codecs);
      return value as Flat<StructType<F>>;
    },
  };
}

type Variants = Readonly<Record<string, readonly [tag: number, codec: StructCodec<unknown>]>>;

/** The union type of `tagged(key, variants)`. */
export type TaggedType<K extends string, V> = {
  [N in keyof V & string]: V[N] extends readonly [number, StructCodec<infer T>]
    ? Flat<{ readonly [P in K]: N } & T>
    : never;
}[keyof V & string];

/**
 * A union of structs told apart by the text in field `key`: the bytes hold the variant's number instead of its name.
 * Numbers are written out by hand because they are forever: a variant that is retired leaves a gap.
 */
export function tagged<const K extends string, const V extends Variants>(key: K, variants: V): Codec<TaggedType<K, V>> {
  interface Variant {
    readonly name: string;
    readonly tag: number;
    readonly names: readonly string[];
    readonly codecs: readonly Codec<unknown>[];
    readonly create: () => AnyObject;
  }
  const byName = new Map<string, Variant>();
  const byTag: (Variant | undefined)[] = [];
  for (const [name, [tag, codec]] of Object.entries(variants)) {
    if (!Number.isInteger(tag) || tag < 0 || tag > 255) throw new TypeError(`the tag of ${name} is not 0 to 255`);
    if (byTag[tag] !== undefined) throw new TypeError(`${name} and ${byTag[tag].name} both have the tag ${tag}`);
    if (codec.names.includes(key)) throw new TypeError(`${name} has a field of its own called ${key}`);
    const variant = { name, tag, names: codec.names, codecs: codec.codecs, create: blank() };
    byName.set(name, variant);
    byTag[tag] = variant;
  }
  return {
    write: (w, value) => {
      if (typeof value !== 'object' || value === null) throw new EncodeError(shown(value), 'an object');
      const name = (value as AnyObject)[key];
      const variant = byName.get(name as string);
      if (variant === undefined) {
        throw new EncodeError(shown(name), `one of ${[...byName.keys()].join(', ')}`).within(key);
      }
      w.uint(variant.tag);
      writeFields(w, value as AnyObject, variant.names, variant.codecs);
    },
    read: r => {
      const at = r.offset;
      const tag = r.uint(255);
      const variant = byTag[tag];
      if (variant === undefined) throw r.error(`tag ${tag}`, `a known tag of ${key}`, at);
      const value = variant.create();
      value[key] = variant.name;
      readFields(r, value, variant.names, variant.codecs);
      return value as TaggedType<K, V>;
    },
  };
}

function checkNames(names: readonly string[]): void {
  for (const name of names) {
    // Integer-like names would be reordered by the engine, `__proto__` would not be a field at all.
    if (/^\d/.test(name) || name === '__proto__') throw new TypeError(`a field cannot be called ${name}`);
  }
}

/**
 * Makes plain objects that the engine keeps apart from those of other structs: each struct has a constructor of its
 * own, so that its objects get room for all their fields at once. They still have Object.prototype.
 */
function blank(): () => AnyObject {
  // biome-ignore lint/complexity/useArrowFunction: an arrow function cannot construct
  const Blank = function () {} as unknown as { new (): AnyObject; prototype: unknown };
  Blank.prototype = Object.prototype;
  return () => new Blank();
}

function writeFields(
  w: ByteWriter,
  value: AnyObject,
  names: readonly string[],
  codecs: readonly Codec<unknown>[],
): void {
  let i = 0;
  try {
    for (; i < names.length; i++) codecs[i]!.write(w, value[names[i]!]);
  } catch (error) {
    throw located(error, names[i]!);
  }
}

function readFields(
  r: ByteReader,
  value: AnyObject,
  names: readonly string[],
  codecs: readonly Codec<unknown>[],
): void {
  let i = 0;
  try {
    for (; i < names.length; i++) value[names[i]!] = codecs[i]!.read(r);
  } catch (error) {
    throw located(error, names[i]!);
  }
}

/** Adds where it happened to an error of ours; any other error passes unchanged. */
function located(error: unknown, step: string): unknown {
  return error instanceof DecodeError || error instanceof EncodeError ? error.within(step) : error;
}

const shared = new ByteWriter(4096);
let sharedInUse = false;

/** The canonical bytes of a value, in an array of their own. Throws EncodeError. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array<ArrayBuffer> {
  // A codec may itself call encode (a part that is stored as bytes): the inner call gets a writer of its own.
  if (sharedInUse) {
    const w = new ByteWriter();
    codec.write(w, value);
    return w.take();
  }
  sharedInUse = true;
  try {
    shared.reset();
    codec.write(shared, value);
    return shared.take();
  } finally {
    sharedInUse = false;
  }
}

/** The value whose canonical bytes these are, all of them. Throws DecodeError. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const r = new ByteReader(bytes);
  const value = codec.read(r);
  r.end();
  return value;
}
