/** Canonical bytes: every value has one encoding, and the reader takes no other. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ByteReader,
  ByteWriter,
  compareBytes,
  DecodeError,
  EncodeError,
  equalBytes,
} from '../../../src/protocol/codec/bytes.ts';
import { compareTexts, utf8Length } from '../../../src/protocol/codec/utf8.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const unhex = (digits: string) => new Uint8Array(Buffer.from(digits, 'hex'));

function written(put: (w: ByteWriter) => void): Uint8Array {
  const w = new ByteWriter();
  put(w);
  return w.take();
}

function whole<T>(bytes: Uint8Array, get: (r: ByteReader) => T): T {
  const r = new ByteReader(bytes);
  const value = get(r);
  r.end();
  return value;
}

/** Little-endian base 128 by the book, in bigints. */
function leb128(value: bigint): Uint8Array {
  const groups: number[] = [];
  let rest = value;
  do {
    const bits = Number(rest & 0x7fn);
    rest >>= 7n;
    groups.push(rest === 0n ? bits : bits | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(groups);
}

const around = (centre: number) => [centre - 1, centre, centre + 1];
const edges = [7, 14, 21, 28, 31, 32, 35, 42, 49, 52].flatMap(bits => around(2 ** bits)).concat([0, 2 ** 53 - 1]);

describe('varints', () => {
  test('have the bytes of LEB128 at every edge and anywhere else', () => {
    for (const value of edges) {
      const bytes = written(w => w.uint(value));
      expect(hex(bytes)).toBe(hex(leb128(BigInt(value))));
      expect(whole(bytes, r => r.uint())).toBe(value);
    }
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(52), (random, shift) => {
        const value = Math.floor(random / 2 ** shift);
        const bytes = written(w => w.uint(value));
        expect(hex(bytes)).toBe(hex(leb128(BigInt(value))));
        expect(whole(bytes, r => r.uint())).toBe(value);
      }),
    );
  });

  test('of bigints agree with those of numbers and go on to 2^256 - 1', () => {
    const check = (value: bigint) => {
      const bytes = written(w => w.ubig(value));
      expect(hex(bytes)).toBe(hex(leb128(value)));
      expect(whole(bytes, r => r.ubig())).toBe(value);
    };
    for (const value of edges) check(BigInt(value));
    for (let bits = 48n; bits < 256n; bits++) for (const d of [-1n, 0n, 1n]) check((1n << bits) + d);
    check((1n << 256n) - 1n);
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }), check));
  });

  test.each([-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, -(2 ** 40), 2 ** 32 + 0.5])(
    'refuse to write %s',
    value => {
      expect(() => written(w => w.uint(value))).toThrow(EncodeError);
    },
  );

  test('refuse to write what is not a number of theirs', () => {
    expect(() => written(w => w.uint('7' as unknown as number))).toThrow(EncodeError);
    expect(() => written(w => w.uint(undefined as unknown as number))).toThrow(EncodeError);
    expect(() => written(w => w.uint(7n as unknown as number))).toThrow(EncodeError);
    expect(() => written(w => w.ubig(7 as unknown as bigint))).toThrow(EncodeError);
    expect(() => written(w => w.ubig(-1n))).toThrow(EncodeError);
    expect(() => written(w => w.ubig(1n << 256n))).toThrow(EncodeError);
    for (const value of [-1, 256, 0.5]) expect(() => written(w => w.byte(value))).toThrow(EncodeError);
    expect(() => written(w => w.bool(1 as unknown as boolean))).toThrow(EncodeError);
  });

  test.each([
    ['8000', 'padded zero'],
    ['ff00', 'padded 127'],
    ['80808080808000', 'padded far'],
    ['ffffffffffffff10', '2^53'],
    ['ffffffffffffff8f00', 'nine bytes'],
    ['ffffffffffffffffff01', '2^64 - 1'],
    ['', 'nothing'],
    ['80', 'cut off'],
    ['ffffffffffffff', 'cut off later'],
  ])('refuse to read %s (%s) as a number', digits => {
    expect(() => whole(unhex(digits), r => r.uint())).toThrow(DecodeError);
  });

  test.each([
    ['8000', 'padded zero'],
    [`${'80'.repeat(7)}00`, 'padded in the second chunk'],
    [`${'ff'.repeat(36)}10`, '2^256'],
    [`${'ff'.repeat(37)}01`, 'too long'],
    ['', 'nothing'],
    ['ff'.repeat(20), 'cut off'],
  ])('refuse to read %s (%s) as a bigint', digits => {
    expect(() => whole(unhex(digits), r => r.ubig())).toThrow(DecodeError);
  });

  test('respect a limit and say where they were', () => {
    expect(new ByteReader(unhex('05')).uint(5)).toBe(5);
    // No limit of the caller's goes beyond what a number can hold.
    expect(() => new ByteReader(unhex('ffffffffffffff10')).uint(Number.POSITIVE_INFINITY)).toThrow(DecodeError);
    const r = new ByteReader(unhex('000006'));
    r.uint();
    r.uint();
    const error = (() => {
      try {
        r.uint(5);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toMatchObject({ offset: 2, found: '6', expected: 'an integer of at most 5' });
  });
});

describe('texts', () => {
  const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme', maxLength: 200 }));

  test('have the bytes of the platform encoder and round trip', () => {
    fc.assert(
      fc.property(anyText, value => {
        const utf8 = new TextEncoder().encode(value);
        expect(utf8Length(value)).toBe(utf8.length);
        const bytes = written(w => w.text(value, 1000));
        expect(hex(bytes)).toBe(hex(leb128(BigInt(utf8.length))) + hex(utf8));
        expect(whole(bytes, r => r.text(1000))).toBe(value);
      }),
    );
  });

  test('of ASCII round trip at all lengths, and again from the memory of recent texts', () => {
    for (let length = 0; length < 300; length++) {
      const value = 'abcdefghij'.repeat(30).slice(0, length);
      const bytes = written(w => w.text(value, 300));
      expect(whole(bytes, r => r.text(300))).toBe(value);
      expect(whole(bytes, r => r.text(300))).toBe(value);
    }
    const long = 'x'.repeat(100_000);
    expect(
      whole(
        written(w => w.text(long, 100_000)),
        r => r.text(100_000),
      ),
    ).toBe(long);
  });

  test('are decoded exactly where the strict platform decoder does', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    // Bytes around the borders of the UTF-8 grammar.
    const byte = fc.constantFrom(
      ...[0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee],
      ...[0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff],
    );
    let good = 0;
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 5 }), values => {
        const utf8 = Uint8Array.from(values);
        const bytes = written(w => w.byteString(utf8, 10));
        let expected: string | undefined;
        try {
          expected = strict.decode(utf8);
        } catch (error) {
          if (!(error instanceof TypeError)) throw error;
        }
        if (expected === undefined) {
          expect(() => whole(bytes, r => r.text(10))).toThrow(DecodeError);
        } else {
          good++;
          expect(whole(bytes, r => r.text(10))).toBe(expected);
        }
      }),
      { numRuns: 20_000 },
    );
    expect(good).toBeGreaterThan(500);
  });

  test('refuse lone surrogates in any position', () => {
    for (const value of ['\ud800', 'a\udc00', '\ud800a', '\udc00\ud800', 'é\ud83d', '\ud83d\ud83d\ude00']) {
      expect(() => written(w => w.text(value, 100))).toThrow(EncodeError);
    }
  });

  test('are limited in bytes, not characters', () => {
    expect(
      whole(
        written(w => w.text('éé', 4)),
        r => r.text(4),
      ),
    ).toBe('éé');
    expect(() => written(w => w.text('éé', 3))).toThrow(EncodeError);
    expect(() => written(w => w.text('abcd', 3))).toThrow(EncodeError);
    expect(() => whole(unhex('0461626364'), r => r.text(3))).toThrow(DecodeError);
    expect(() => written(w => w.text(5 as unknown as string, 3))).toThrow(EncodeError);
  });

  test('leave nothing behind when refused', () => {
    const w = new ByteWriter();
    w.uint(1);
    expect(() => w.text('a\ud800', 100)).toThrow(EncodeError);
    expect(() => w.text('éé', 3)).toThrow(EncodeError);
    expect(hex(w.view())).toBe('01');
  });

  test('are ordered like their bytes', () => {
    const utf8 = (value: string) => new TextEncoder().encode(value);
    const border = fc.string({
      unit: fc.constantFrom('a', '\u007f', '\u0080', '\ud7ff', '\ue000', '\uffff', '😀', '𐀀'),
    });
    fc.assert(
      fc.property(fc.oneof(border, anyText), fc.oneof(border, anyText), (a, b) => {
        expect(Math.sign(compareTexts(a, b))).toBe(Math.sign(Buffer.compare(utf8(a), utf8(b))));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('byte strings', () => {
  test('round trip, as copies', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), value => {
        const bytes = written(w => w.byteString(value, 300));
        const read = whole(bytes, r => r.byteString(300));
        expect(hex(read)).toBe(hex(value));
        bytes.fill(0xaa);
        expect(hex(read)).toBe(hex(value));
      }),
    );
  });

  test('refuse lengths beyond the limit, and beyond the bytes that are there, without reserving memory', () => {
    expect(() => written(w => w.byteString(new Uint8Array(4), 3))).toThrow(EncodeError);
    expect(() => written(w => w.byteString('abc' as unknown as Uint8Array, 3))).toThrow(EncodeError);
    expect(() => whole(unhex('0401020304'), r => r.byteString(3))).toThrow(DecodeError);
    const hostile = written(w => w.uint(2 ** 52));
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 100; i++) {
      expect(() => whole(hostile, r => r.byteString(2 ** 53 - 1))).toThrow(DecodeError);
      expect(() => whole(hostile, r => r.text(2 ** 53 - 1))).toThrow(DecodeError);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });

  test('compare by their first difference, then by length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4, max: 2 }), fc.uint8Array({ maxLength: 4, max: 2 }), (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Math.sign(Buffer.compare(a, b)));
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
      }),
    );
  });
});

describe('the writer', () => {
  test('grows, resets, truncates, and hands out views and copies', () => {
    const w = new ByteWriter(1);
    for (let i = 0; i < 5000; i++) w.byte(i & 0xff);
    w.raw(new Uint8Array(3000).fill(7));
    expect(w.length).toBe(8000);
    const copy = w.take();
    expect(copy[4999]).toBe(4999 & 0xff);
    expect(copy[7999]).toBe(7);
    w.truncate(2);
    expect(hex(w.view())).toBe('0001');
    expect(() => w.truncate(3)).toThrow(EncodeError);
    w.reset();
    expect(w.length).toBe(0);
    w.byte(9);
    expect(copy[0]).toBe(0);
  });

  test('gives copies of all sizes that never share a byte', () => {
    const w = new ByteWriter();
    const copies: Uint8Array[] = [];
    for (let i = 0; i < 600; i++) {
      w.reset();
      w.raw(new Uint8Array((i * 37) % 1500).fill(i & 0xff));
      copies.push(w.take());
    }
    copies.forEach((copy, i) => {
      expect(copy.length).toBe((i * 37) % 1500);
      expect(copy.every(byte => byte === (i & 0xff))).toBe(true);
      copy.fill(0xee);
    });
  });
});

describe('the reader', () => {
  test('stays within its part and counts offsets from the start of it', () => {
    const r = new ByteReader(unhex('ff0102ff'), 1, 3);
    expect(r.remaining).toBe(2);
    expect([r.byte(), r.byte()]).toEqual([1, 2]);
    expect(r.offset).toBe(2);
    r.end();
    expect(() => r.byte()).toThrow(DecodeError);
    expect(() => r.raw(1)).toThrow(DecodeError);
    expect(() => new ByteReader(new Uint8Array(3), 2, 4)).toThrow(RangeError);
    expect(() => new ByteReader(new Uint8Array(3), 2, 1)).toThrow(RangeError);
  });

  test('refuses trailing bytes and booleans other than 0 and 1', () => {
    expect(() => whole(unhex('0100'), r => r.uint())).toThrow(/1 more bytes, expected the end/);
    expect(whole(unhex('01'), r => r.bool())).toBe(true);
    expect(whole(unhex('00'), r => r.bool())).toBe(false);
    expect(() => whole(unhex('02'), r => r.bool())).toThrow(DecodeError);
  });
});
