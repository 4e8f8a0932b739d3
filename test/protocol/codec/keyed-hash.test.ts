/** The 128-bit hash against published values of MurmurHash3_x86_128, and the properties its users rely on. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyedHash128, lanesToBytes, lanesToHex, murmur128 } from '../../../src/protocol/codec/keyed-hash.ts';

const ascii = (text: string) => new TextEncoder().encode(text);
const empty = new Uint8Array(0);

function keyed(key: Uint8Array, data: Uint8Array, start = 0, end = data.length): string {
  const out = Int32Array.of(1, 2, 3, 4);
  keyedHash128(key, data, start, end, out);
  return lanesToHex(out);
}

describe('under the empty key', () => {
  test('it is MurmurHash3_x86_128 with seed 0', () => {
    expect(keyed(empty, empty)).toBe('0'.repeat(32));
    expect(keyed(empty, ascii("I will not buy this tobacconist's, it is scratched."))).toBe(
      '9b5b7ba2ef3f7866889adeaf00f3f98e',
    );
    expect(keyed(empty, ascii('The quick brown fox jumps over the lazy dog'))).toBe('2f1583c3ecee2c675d7bf66ce5e91d2c');
  });

  test('it passes the verification of SMHasher: all lengths below 256, each with its own seed', () => {
    const hashes = new Uint8Array(256 * 16);
    const data = new Uint8Array(256);
    for (let i = 0; i < 256; i++) {
      data[i] = i;
      const lanes = new Int32Array(4).fill(256 - i);
      murmur128(lanes, data, 0, i);
      hashes.set(lanesToBytes(lanes), 16 * i);
    }
    const last = new Int32Array(4);
    murmur128(last, hashes, 0, hashes.length);
    expect(last[0]! >>> 0).toBe(0xb3ece62a);
  });
});

describe('a key', () => {
  test('changes everything, and so does any bit of the data', () => {
    const data = ascii('the quick brown fox jumps over the lazy dog and comes back again');
    const seen = new Set<string>();
    let distance = 0;
    const reference = keyed(ascii('key'), data);
    for (let bit = 0; bit < data.length * 8; bit++) {
      const flipped = data.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const hash = keyed(ascii('key'), flipped);
      seen.add(hash);
      let bits = BigInt(`0x${hash}`) ^ BigInt(`0x${reference}`);
      for (; bits > 0n; bits &= bits - 1n) distance++;
    }
    expect(seen.size).toBe(data.length * 8);
    // Half of 128 bits on average; the standard error over 512 flips is a quarter of a bit.
    expect(Math.abs(distance / (data.length * 8) - 64)).toBeLessThan(1.5);
    const keys = Array.from({ length: 1000 }, (_, i) => keyed(ascii(`key ${i}`), data));
    expect(new Set(keys).size).toBe(1000);
  });

  test('of any length works, and the part hashed is exactly the one named', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 70 }),
        fc.uint8Array({ maxLength: 100 }),
        fc.nat(20),
        fc.nat(20),
        (key, data, before, after) => {
          const framed = new Uint8Array(before + data.length + after).fill(0x5a);
          framed.set(data, before);
          expect(keyed(key, framed, before, before + data.length)).toBe(keyed(key, data));
        },
      ),
    );
  });

  test('does not help with parts that are not there', () => {
    expect(() => keyed(empty, empty, 0, 1)).toThrow(RangeError);
    expect(() => keyed(empty, ascii('abc'), 2, 1)).toThrow(RangeError);
    expect(() => keyed(empty, ascii('abc'), -1, 1)).toThrow(RangeError);
  });
});

test('lanes become bytes little-endian and digits big-endian', () => {
  const lanes = Int32Array.of(0x01020304, -1, 0, 0x0a);
  expect(Buffer.from(lanesToBytes(lanes)).toString('hex')).toBe('04030201ffffffff000000000a000000');
  expect(lanesToHex(lanes)).toBe('01020304ffffffff000000000000000a');
});
