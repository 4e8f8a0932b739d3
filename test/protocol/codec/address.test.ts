/** Addresses against a direct transcription of BIP 173, and the texts that look like one and are none. */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ADDRESS_LENGTH,
  address,
  addressBytes,
  addressFromBytes,
  addressOf,
  addressPayload,
  isAddress,
} from '../../../src/protocol/codec/address.ts';
import { DecodeError, EncodeError } from '../../../src/protocol/codec/bytes.ts';
import { BoundedMemo } from '../../../src/protocol/codec/memo.ts';
import { decode, encode, text } from '../../../src/protocol/codec/struct.ts';

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

function polymod(values: readonly number[]): number {
  let check = 1;
  for (const value of values) {
    const top = check >>> 25;
    check = ((check & 0x1ffffff) << 5) ^ value;
    [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3].forEach((generator, i) => {
      if ((top >> i) & 1) check ^= generator;
    });
  }
  return check;
}

function bech32(prefix: string, payload: Uint8Array, constant = 1): string {
  const bits = [...payload].map(byte => byte.toString(2).padStart(8, '0')).join('');
  const words = bits.match(/.{1,5}/g)!.map(part => Number.parseInt(part.padEnd(5, '0'), 2));
  const codes = [...prefix].map(letter => letter.charCodeAt(0));
  const expanded = [...codes.map(code => code >> 5), 0, ...codes.map(code => code & 31), ...words];
  const check = polymod([...expanded, 0, 0, 0, 0, 0, 0]) ^ constant;
  const checksum = [25, 20, 15, 10, 5, 0].map(shift => (check >>> shift) & 31);
  return `${prefix}1${[...words, ...checksum].map(word => ALPHABET[word]).join('')}`;
}

describe('addresses', () => {
  test('are the bech32 form of the first 20 bytes of the SHA-256 of the key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), key => {
        const payload = createHash('sha256').update(key).digest().subarray(0, 20);
        const expected = bech32('akash', payload);
        expect(addressOf(key)).toBe(expected);
        expect(expected.length).toBe(ADDRESS_LENGTH);
        expect(isAddress(expected)).toBe(true);
        expect(Buffer.from(addressBytes(expected)!).equals(payload)).toBe(true);
        expect(decode(address, encode(address, expected))).toBe(expected);
      }),
    );
  });

  test('need 20 bytes', () => {
    expect(addressFromBytes(new Uint8Array(20))).toBe(bech32('akash', new Uint8Array(20)));
    expect(() => addressFromBytes(new Uint8Array(21))).toThrow(RangeError);
  });

  test('are not any text that merely looks like one', () => {
    const good = bech32('akash', new Uint8Array(20).fill(3));
    expect(isAddress(good)).toBe(true);
    const wrong = [
      '',
      'akash1',
      good.toUpperCase(),
      `${good.slice(0, 10).toUpperCase()}${good.slice(10)}`,
      `${good}q`,
      good.slice(0, -1),
      good.replace('1', '2'),
      ` ${good.slice(1)}`,
      bech32('akash1qq', new Uint8Array(18)),
      bech32('cosmos', new Uint8Array(20)),
      bech32('bkash', new Uint8Array(20)),
      bech32('akash', new Uint8Array(19)),
      bech32('akash', new Uint8Array(21)),
      bech32('akash', new Uint8Array(20), 0x2bc830a3),
    ];
    for (const value of wrong) {
      // Twice: the second verdict comes from memory.
      expect([value, isAddress(value), isAddress(value)]).toEqual([value, false, false]);
      expect(addressBytes(value)).toBeUndefined();
    }
    expect(isAddress(7 as unknown as string)).toBe(false);
    expect(() => encode(address, wrong[2]!)).toThrow(EncodeError);
    expect(() => decode(address, encode(text(60), wrong[2]!))).toThrow(DecodeError);
  });

  test('do not survive the change of any one character', () => {
    const good = bech32('akash', new Uint8Array(20).fill(0xa5));
    for (let i = 6; i < good.length; i++) {
      for (const letter of ALPHABET) {
        if (letter === good[i]) continue;
        expect(isAddress(good.slice(0, i) + letter + good.slice(i + 1))).toBe(false);
      }
    }
  });
});

describe('addresses as the bytes that they stand for', () => {
  test('are those bytes, and come back as text, from memory and not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), payload => {
        const one = bech32('akash', payload);
        for (let time = 0; time < 2; time++) {
          expect(encode(addressPayload, one)).toEqual(payload);
          expect(decode(addressPayload, payload)).toBe(one);
        }
      }),
    );
  });

  test('are not there for what is no address, or too short', () => {
    const good = bech32('akash', new Uint8Array(20));
    for (const value of ['', good.toUpperCase(), bech32('cosmos', new Uint8Array(20)), `${good}q`, 7, undefined]) {
      expect(() => encode(addressPayload, value as string)).toThrow(EncodeError);
    }
    for (const length of [0, 19, 21]) expect(() => decode(addressPayload, new Uint8Array(length))).toThrow(DecodeError);
  });
});

describe('the memo behind them', () => {
  test('stays within its bound, keeps what is asked for, and never lies', () => {
    const memo = new BoundedMemo<number, string>(100);
    memo.set(-1, 'kept');
    for (let i = 0; i < 10_000; i++) {
      memo.set(i, `value ${i}`);
      expect(memo.size).toBeLessThanOrEqual(100);
      expect(memo.get(-1)).toBe('kept');
      expect(memo.get(i - 20)).toBe(i < 20 ? (i === 19 ? 'kept' : undefined) : `value ${i - 20}`);
    }
    expect(memo.get(5)).toBeUndefined();
    memo.set(9999, 'new');
    expect(memo.get(9999)).toBe('new');
    expect(() => new BoundedMemo(1)).toThrow(RangeError);
  });
});
