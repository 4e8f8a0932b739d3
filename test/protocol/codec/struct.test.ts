/** Codec combinators: what is written reads back equal, what is read writes back byte-equal, and nothing else is read. */

import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { DecodeError, EncodeError } from '../../../src/protocol/codec/bytes.ts';
import {
  bool,
  byteString,
  type Codec,
  type CodecType,
  decode,
  encode,
  fixedBytes,
  list,
  mapOf,
  oneOf,
  optional,
  refine,
  type StructCodec,
  struct,
  tagged,
  text,
  ubig,
  uint,
  uintUpTo,
} from '../../../src/protocol/codec/struct.ts';

const unhex = (digits: string) => new Uint8Array(Buffer.from(digits, 'hex'));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const group = struct({ name: text(32), cpu: uint, tags: list(text(8), 4) });
const message = tagged('type', {
  order: [1, struct({ id: uint, price: ubig, groups: list(group, 8), note: optional(text(40)) })],
  bid: [2, struct({ order: uint, key: fixedBytes(4), open: bool })],
  close: [7, struct({})],
});
type Message = CodecType<typeof message>;

/** A codec together with an arbitrary for its values. */
interface Shape {
  readonly codec: Codec<unknown>;
  readonly values: fc.Arbitrary<unknown>;
}
const shape = <T>(codec: Codec<T>, values: fc.Arbitrary<T>): Shape => ({
  codec: codec as Codec<unknown>,
  values: values as fc.Arbitrary<unknown>,
});

const words = fc.string({ unit: 'grapheme', maxLength: 8 }).filter(value => Buffer.byteLength(value) <= 60);
const keys = fc.oneof(words, fc.constantFrom('__proto__', '10', '9', 'constructor', 'toString', ''));
const bytesUpTo = (maxLength: number) => fc.uint8Array({ maxLength });
const leaves: Shape[] = [
  shape(uint, fc.maxSafeNat()),
  shape(uintUpTo(300), fc.nat(300)),
  shape(ubig, fc.bigInt({ min: 0n, max: (1n << 256n) - 1n })),
  shape(bool, fc.boolean()),
  shape(text(60), words),
  shape(byteString(9), bytesUpTo(9)),
  shape(fixedBytes(5), fc.uint8Array({ minLength: 5, maxLength: 5 })),
  shape(oneOf('a', 'b', 'long name'), fc.constantFrom('a', 'b', 'long name')),
  shape(
    refine(uint, 'an even number', value => value % 2 === 0),
    fc.nat().map(value => value * 2),
  ),
];

/** Objects made by assignment cannot have this key, those made by definition can. */
function withKeys<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  const object: Record<string, T> = {};
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  }
  return object;
}

/** Shapes of any nesting up to a depth. */
function shapes(depth: number): fc.Arbitrary<Shape> {
  const leaf = fc.constantFrom(...leaves);
  if (depth === 0) return leaf;
  const inner = shapes(depth - 1);
  const structs = fc.array(inner, { maxLength: 5 }).map(fields => {
    const named = fields.map((field, i) => [`field${i}`, field] as const);
    return shape(
      struct(Object.fromEntries(named.map(([name, field]) => [name, field.codec]))) as Codec<unknown>,
      fc.record(Object.fromEntries(named.map(([name, field]) => [name, field.values]))),
    );
  });
  return fc.oneof(
    leaf,
    inner.map(item => shape(list(item.codec, 4), fc.array(item.values, { maxLength: 4 }))),
    inner.map(item => shape(optional(item.codec), fc.option(item.values, { nil: undefined }))),
    inner.map(item =>
      shape(
        mapOf(item.codec, 4, 60),
        fc.uniqueArray(fc.tuple(keys, item.values), { maxLength: 4, selector: entry => entry[0] }).map(withKeys),
      ),
    ),
    structs,
    fc.tuple(structs, structs).map(([a, b]) =>
      shape(
        tagged('kind', {
          a: [3, a.codec as StructCodec<Record<string, unknown>>],
          b: [200, b.codec as StructCodec<Record<string, unknown>>],
        }) as Codec<unknown>,
        fc.oneof(
          a.values.map(value => ({ kind: 'a', ...(value as object) })),
          b.values.map(value => ({ kind: 'b', ...(value as object) })),
        ),
      ),
    ),
  );
}

const shapeAndValue = shapes(3).chain(({ codec, values }) => values.map(value => ({ codec, value })));

/** Decoding must give a value with exactly these bytes, or a DecodeError. Returns whether it gave a value. */
function totalOn(codec: Codec<unknown>, bytes: Uint8Array): boolean {
  let value: unknown;
  try {
    value = decode(codec, bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
    expect((error as DecodeError).offset).toBeLessThanOrEqual(bytes.length);
    return false;
  }
  expect(hex(encode(codec, value))).toBe(hex(bytes));
  return true;
}

describe('every combinator', () => {
  test('round trips values', () => {
    fc.assert(
      fc.property(shapeAndValue, ({ codec, value }) => {
        const bytes = encode(codec, value);
        const read = decode(codec, bytes);
        expect(read).toEqual(value);
        expect(hex(encode(codec, read))).toBe(hex(bytes));
      }),
      { numRuns: 1500 },
    );
  });

  test('reads hostile bytes as their one value or not at all', () => {
    fc.assert(
      fc.property(shapes(3), fc.uint8Array({ maxLength: 60, max: 8 }), ({ codec }, bytes) => {
        totalOn(codec, bytes);
      }),
      { numRuns: 1500 },
    );
  });

  test('reads good bytes that were tampered with as their one value or not at all', () => {
    let read = 0;
    let refused = 0;
    fc.assert(
      fc.property(shapeAndValue, fc.nat(), fc.nat(255), fc.nat(3), ({ codec, value }, where, byte, how) => {
        const bytes = encode(codec, value);
        const at = bytes.length === 0 ? 0 : where % bytes.length;
        const parts = [
          [bytes.subarray(0, at), Uint8Array.of(byte), bytes.subarray(at + 1)],
          [bytes.subarray(0, at), Uint8Array.of(byte), bytes.subarray(at)],
          [bytes.subarray(0, at), bytes.subarray(at + 1)],
          [bytes.subarray(0, at)],
        ][how]!;
        if (totalOn(codec, new Uint8Array(Buffer.concat(parts)))) read++;
        else refused++;
      }),
      { numRuns: 2000 },
    );
    // Both outcomes must have been exercised for this to mean anything.
    expect(read).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
  });
});

describe('struct', () => {
  test('writes fields in its own order, whatever the order in the value', () => {
    const codec = struct({ a: uint, b: text(4), c: optional(bool) });
    expect(hex(encode(codec, { a: 5, b: 'xy', c: true }))).toBe('050278790101');
    expect(hex(encode(codec, { c: undefined, b: 'xy', a: 5 }))).toBe('0502787900');
    const read = decode(codec, unhex('0502787900'));
    expect(Object.keys(read)).toEqual(['a', 'b', 'c']);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });

  test('infers the types of its values', () => {
    expectTypeOf<Message>().toEqualTypeOf<
      | {
          readonly type: 'order';
          readonly id: number;
          readonly price: bigint;
          readonly groups: readonly {
            readonly name: string;
            readonly cpu: number;
            readonly tags: readonly string[];
          }[];
          readonly note: string | undefined;
        }
      | { readonly type: 'bid'; readonly order: number; readonly key: Uint8Array; readonly open: boolean }
      | { readonly type: 'close' }
    >();
    const value = decode(message, encode(message, { type: 'close' }));
    // Narrowing by the tag must work for callers.
    expect(value.type === 'order' ? value.price : 'no order').toBe('no order');
  });

  test('says where a value has no encoding', () => {
    const bad = { type: 'order', id: 1, price: 1n, groups: [{ name: 'x', cpu: 1, tags: ['a', 'too long it is'] }] };
    expect(() => encode(message, bad as unknown as Message)).toThrow(/^groups\[0\]\.tags\[1\]: found a text of 14/);
    expect(() => encode(message, { type: 'bid' } as unknown as Message)).toThrow(/^order: found undefined/);
    expect(() => encode(message, undefined as unknown as Message)).toThrow(EncodeError);
    expect(() => encode(group, null as unknown as CodecType<typeof group>)).toThrow(EncodeError);
  });

  test('says where bytes are no value', () => {
    const bytes = encode(message, { type: 'order', id: 1, price: 300n, groups: [], note: 'hello' });
    bytes[bytes.length - 1] = 0xff;
    const thrown = (() => {
      try {
        decode(message, bytes);
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(DecodeError);
    expect(thrown).toMatchObject({ path: 'note', offset: bytes.length - 1 });
    expect((thrown as DecodeError).message).toMatch(/^note: at byte \d+ found malformed UTF-8, expected a text$/);
  });

  test('refuses field names that objects cannot keep in order', () => {
    expect(() => struct({ 1: uint })).toThrow(TypeError);
    expect(() => struct({ ['__proto__']: uint })).toThrow(TypeError);
  });
});

describe('tagged', () => {
  test('writes the number and reads the name', () => {
    expect(hex(encode(message, { type: 'close' }))).toBe('07');
    expect(hex(encode(message, { type: 'bid', order: 3, key: unhex('01020304'), open: true }))).toBe('02030102030401');
    expect(() => decode(message, unhex('03'))).toThrow(/tag 3, expected a known tag of type/);
    expect(() => decode(message, unhex('8701'))).toThrow(DecodeError);
    expect(() => encode(message, { type: 'nothing' } as unknown as Message)).toThrow(/^type: found "nothing"/);
    expect(() => encode(message, { type: 'toString' } as unknown as Message)).toThrow(EncodeError);
  });

  test('refuses to be defined ambiguously', () => {
    const empty = struct({});
    expect(() => tagged('type', { a: [1, empty], b: [1, empty] })).toThrow(TypeError);
    expect(() => tagged('type', { a: [256, empty] })).toThrow(TypeError);
    expect(() => tagged('type', { a: [1.5, empty] })).toThrow(TypeError);
    expect(() => tagged('type', { a: [1, struct({ type: uint })] })).toThrow(TypeError);
  });
});

describe('limits', () => {
  test('of lists and maps hold in both directions', () => {
    const three = list(uint, 3);
    expect(() => encode(three, [1, 2, 3, 4])).toThrow(EncodeError);
    expect(() => encode(three, 'abc' as unknown as number[])).toThrow(EncodeError);
    expect(() => decode(three, unhex('0401020304'))).toThrow(DecodeError);
    const pairs = mapOf(uint, 1);
    expect(() => encode(pairs, { a: 1, b: 2 })).toThrow(EncodeError);
    expect(() => decode(pairs, unhex('02016101016202'))).toThrow(DecodeError);
    expect(() => encode(uintUpTo(9), 10)).toThrow(EncodeError);
    expect(() => decode(uintUpTo(9), unhex('0a'))).toThrow(DecodeError);
  });

  test('mean that a count alone reserves nothing', () => {
    const huge = list(uint, Number.MAX_SAFE_INTEGER);
    const count = encode(uint, 2 ** 52);
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 100; i++) {
      expect(() => decode(huge, count)).toThrow(DecodeError);
      expect(() => decode(mapOf(uint, Number.MAX_SAFE_INTEGER), count)).toThrow(DecodeError);
    }
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 << 20);
  });
});

describe('oneOf, refine, fixedBytes', () => {
  test('refuse what is not theirs', () => {
    const colour = oneOf('red', 'green');
    expectTypeOf<CodecType<typeof colour>>().toEqualTypeOf<'red' | 'green'>();
    expect(hex(encode(colour, 'green'))).toBe('01');
    expect(() => encode(colour, 'blue' as 'red')).toThrow(/found "blue", expected one of red, green/);
    expect(() => decode(colour, unhex('02'))).toThrow(DecodeError);
    expect(() => oneOf('a', 'a')).toThrow(TypeError);
    expect(() => oneOf()).toThrow(TypeError);
    const even = refine(uint, 'an even number', value => value % 2 === 0);
    expect(() => encode(even, 3)).toThrow(/found 3, expected an even number/);
    expect(() => decode(even, unhex('03'))).toThrow(DecodeError);
    expect(() => encode(fixedBytes(3), new Uint8Array(4))).toThrow(EncodeError);
    expect(() => decode(fixedBytes(3), unhex('0102'))).toThrow(DecodeError);
  });
});

describe('optional', () => {
  test('has one encoding of undefined, however deep', () => {
    const twice = optional(optional(uint));
    expect(hex(encode(twice, undefined))).toBe('00');
    expect(hex(encode(twice, 5))).toBe('010105');
    expect(decode(twice, unhex('010105'))).toBe(5);
    expect(() => decode(twice, unhex('0100'))).toThrow(DecodeError);
    expect(() => decode(twice, unhex('02'))).toThrow(DecodeError);
  });
});

describe('mapOf', () => {
  const map = mapOf(uint, 10);

  test('writes keys in byte order, not in the order of insertion or of UTF-16', () => {
    const bytes = encode(map, { '\uffff': 1, '😀': 2, b: 3, a: 4, 10: 5, 9: 6 });
    expect(hex(bytes)).toBe('060231300501390601610401620303efbfbf0104f09f988002');
    expect(hex(encode(map, { 9: 6, a: 4, '😀': 2, 10: 5, b: 3, '\uffff': 1 }))).toBe(hex(bytes));
  });

  test('refuses keys out of order and twice', () => {
    expect(decode(map, unhex('02016101016202'))).toEqual({ a: 1, b: 2 });
    expect(() => decode(map, unhex('02016202016101'))).toThrow(/key "a", expected a key after "b"/);
    expect(() => decode(map, unhex('02016101016101'))).toThrow(DecodeError);
  });

  test('keeps a hostile key from becoming a prototype', () => {
    const inner = mapOf(map, 10);
    const bytes = encode(inner, withKeys([['__proto__', { polluted: 1 }]]));
    const read = decode(inner, bytes);
    expect(Object.keys(read)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect((read as { polluted?: unknown }).polluted).toBeUndefined();
    expect(hex(encode(inner, read))).toBe(hex(bytes));
  });
});

describe('encode', () => {
  test('can be called while encoding', () => {
    const nested: Codec<number> = {
      write: (w, value) => w.byteString(encode(uint, value), 8),
      read: r => decode(uint, r.byteString(8)),
    };
    const codec = struct({ before: uint, nested, after: uint });
    const value = { before: 1, nested: 300, after: 2 };
    expect(hex(encode(codec, value))).toBe('0102ac0202');
    expect(decode(codec, encode(codec, value))).toEqual(value);
  });

  test('works on after a failure', () => {
    expect(() => encode(uint, -1)).toThrow(EncodeError);
    expect(hex(encode(uint, 1))).toBe('01');
  });
});
