/** Own SHA-256 against @noble/hashes, and the bare compression against a derivation from the primes. */

import { sha256 as noble } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytesToWords,
  hashPair,
  sha256,
  sha256Into,
  standardState,
  taggedInto,
  tagState,
  wordsToBytes,
} from '../../../src/protocol/codec/sha256.ts';
import { compressBlock, STANDARD_STATE, stateBytes, tagBytes } from './reference.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function own(bytes: Uint8Array, offset = 0, length = bytes.length): string {
  const out = new Int32Array(11).fill(-1);
  sha256Into(bytes, offset, length, out, 2);
  expect([out[0], out[1], out[10]]).toEqual([-1, -1, -1]);
  return hex(wordsToBytes(out, 2));
}

describe('sha256Into', () => {
  test('has the examples of FIPS 180-2', () => {
    expect(own(new TextEncoder().encode('abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(own(new TextEncoder().encode('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'))).toBe(
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    );
    expect(own(new Uint8Array(1_000_000).fill(0x61))).toBe(
      'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
    );
  });

  test('equals the library at every length around block borders and any offset', () => {
    const bytes = Uint8Array.from({ length: 400 }, (_, i) => (i * 151) ^ (i >> 3));
    for (let length = 0; length < 330; length++) {
      const offset = length % 67;
      expect(own(bytes, offset, length)).toBe(hex(noble(bytes.subarray(offset, offset + length))));
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1000 }), data => {
        expect(own(data)).toBe(hex(noble(data)));
      }),
    );
  });

  test('refuses parts that are not there', () => {
    const out = new Int32Array(8);
    expect(() => sha256Into(new Uint8Array(3), 1, 3, out, 0)).toThrow(RangeError);
    expect(() => sha256Into(new Uint8Array(3), -1, 2, out, 0)).toThrow(RangeError);
    expect(() => sha256Into(new Uint8Array(3), 1, -1, out, 0)).toThrow(RangeError);
  });

  test('in one call gives what the library gives, for every length around the edges of blocks', () => {
    for (let length = 0; length < 300; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff);
      expect(hex(sha256(bytes))).toBe(hex(noble(bytes)));
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), bytes => {
        expect(hex(sha256(bytes))).toBe(hex(noble(bytes)));
      }),
    );
  });
});

describe('hashPair', () => {
  const block = fc.uint8Array({ minLength: 64, maxLength: 64 });

  test('from the standard state, on the block and then on the padding, is standard SHA-256', () => {
    expect([...standardState()].map(word => word >>> 0)).toEqual(STANDARD_STATE);
    const padding = new Int32Array(16);
    padding[0] = 1 << 31;
    padding[15] = 512;
    fc.assert(
      fc.property(block, bytes => {
        const words = new Int32Array(16);
        bytesToWords(bytes, 0, words, 0);
        bytesToWords(bytes, 32, words, 8);
        const state = new Int32Array(8);
        hashPair(standardState(), words, 0, words, 8, state, 0);
        hashPair(state, padding, 0, padding, 8, state, 0);
        expect(hex(wordsToBytes(state, 0))).toBe(hex(noble(bytes)));
      }),
    );
  });

  test('equals the textbook compression from any state, also in place', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), block, (start, bytes) => {
        const iv = new Int32Array(8);
        bytesToWords(start, 0, iv, 0);
        const words = new Int32Array(24);
        bytesToWords(bytes, 0, words, 16);
        bytesToWords(bytes, 32, words, 3);
        hashPair(iv, words, 16, words, 3, words, 4);
        const expected = compressBlock(
          [...iv].map(word => word >>> 0),
          bytes,
        );
        expect(hex(wordsToBytes(words, 4))).toBe(hex(stateBytes(expected)));
      }),
    );
  });

  test('under a tag is neither the SHA-256 of the 64 bytes nor the pair under another tag', () => {
    const words = Int32Array.from({ length: 16 }, (_, i) => i * 0x01010101);
    const bytes = new Uint8Array(64);
    bytes.set(wordsToBytes(words, 0));
    bytes.set(wordsToBytes(words, 8), 32);
    const under = (tag: string) => {
      const out = new Int32Array(8);
      hashPair(tagState(tag), words, 0, words, 8, out, 0);
      return hex(wordsToBytes(out, 0));
    };
    expect(new Set([under('a'), under('b'), hex(noble(bytes))]).size).toBe(3);
  });
});

describe('tagged hashes', () => {
  test('are the standard hash of the block of the tag and the message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.stringMatching(/^[ -~]{1,63}$/), (data, tag) => {
        const out = new Int32Array(8);
        taggedInto(tagState(tag), data, 0, data.length, out, 0);
        expect(hex(wordsToBytes(out, 0))).toBe(hex(noble(Buffer.concat([tagBytes(tag), data]))));
      }),
    );
  });

  test('refuse tags that do not fit or cannot be told apart', () => {
    for (const tag of ['', 'x'.repeat(64), 'a\0', 'é']) expect(() => tagState(tag)).toThrow(RangeError);
  });
});

test('words and bytes convert into each other', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 40, maxLength: 40 }), bytes => {
      const words = new Int32Array(9);
      bytesToWords(bytes, 8, words, 1);
      expect(hex(wordsToBytes(words, 1))).toBe(hex(bytes.subarray(8)));
    }),
  );
});
