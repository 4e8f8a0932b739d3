/** The signature port: both schemes sign and verify, Ed25519 agrees with an independent one, and memory never lies. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyedHashScheme, memoised, type SignatureScheme } from '../../../src/protocol/codec/signature.ts';
import { ed25519Scheme } from '../../../src/worlds/live/ed25519.ts';
import { ed25519NobleScheme } from '../../support/ed25519-noble.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const unhex = (digits: string) => new Uint8Array(Buffer.from(digits, 'hex'));
const seedOf = (n: number) => new Uint8Array(32).fill(n);
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
const messages = fc.uint8Array({ maxLength: 300 });

describe.each([
  ['keyed-hash', keyedHashScheme, 16],
  ['ed25519 of the platform', ed25519Scheme, 64],
  ['ed25519 of the library', ed25519NobleScheme, 64],
  ['keyed-hash, memoised', memoised(keyedHashScheme, 64), 16],
  ['ed25519, memoised', memoised(ed25519Scheme, 64), 64],
] as const)('%s', (_, scheme: SignatureScheme, bytes) => {
  test('verifies what it signed and nothing else', () => {
    fc.assert(
      fc.property(seeds, messages, fc.nat(), (seed, message, where) => {
        const pair = scheme.keyPair(seed);
        expect([pair.publicKey.length, pair.secretKey.length]).toEqual([32, 32]);
        const signature = scheme.sign(pair, message);
        expect(signature.length).toBe(bytes);
        expect(hex(scheme.sign(pair, message))).toBe(hex(signature));
        expect(scheme.verify(pair.publicKey, message, signature)).toBe(true);
        const flipped = signature.slice();
        flipped[(where >> 3) % bytes]! ^= 1 << (where & 7);
        expect(scheme.verify(pair.publicKey, message, flipped)).toBe(false);
        expect(scheme.verify(pair.publicKey, Uint8Array.of(...message, 0), signature)).toBe(false);
        const other = scheme.keyPair(seed.map(byte => byte ^ 1));
        expect(scheme.verify(other.publicKey, message, signature)).toBe(false);
        expect(scheme.verify(pair.publicKey, message, signature)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  test('says no, without throwing, to keys and signatures of any other form', () => {
    const pair = scheme.keyPair(seedOf(1));
    const message = new Uint8Array(10);
    const signature = scheme.sign(pair, message);
    for (const length of [0, 15, 17, 31, 63, 65]) {
      expect(scheme.verify(pair.publicKey, message, new Uint8Array(length))).toBe(false);
      expect(scheme.verify(new Uint8Array(length), message, signature)).toBe(false);
    }
    expect(scheme.verify(new Uint8Array(32).fill(0xff), message, signature)).toBe(false);
    expect(() => scheme.keyPair(new Uint8Array(31))).toThrow(RangeError);
  });

  test('keeps its secrets from later changes to the seed', () => {
    const seed = seedOf(9);
    const pair = scheme.keyPair(seed);
    seed.fill(0);
    expect(hex(pair.publicKey)).toBe(hex(scheme.keyPair(seedOf(9)).publicKey));
    expect(hex(pair.secretKey)).toBe(hex(seedOf(9)));
  });
});

describe('ed25519 of the platform', () => {
  test('has the test vectors of RFC 8032, section 7.1', () => {
    const vectors = [
      [
        '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
        'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
        '',
        'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
      ],
      [
        '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
        '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
        '72',
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
      ],
    ] as const;
    for (const [seed, key, message, signature] of vectors) {
      const pair = ed25519Scheme.keyPair(unhex(seed));
      expect(hex(pair.publicKey)).toBe(key);
      expect(hex(ed25519Scheme.sign(pair, unhex(message)))).toBe(signature);
      expect(ed25519Scheme.verify(pair.publicKey, unhex(message), unhex(signature))).toBe(true);
    }
  });

  test('makes the keys, signatures and verdicts of the independent implementation', () => {
    fc.assert(
      fc.property(seeds, messages, seeds, (seed, message, noise) => {
        const mine = ed25519Scheme.keyPair(seed);
        const theirs = ed25519NobleScheme.keyPair(seed);
        expect(hex(mine.publicKey)).toBe(hex(theirs.publicKey));
        const signature = ed25519Scheme.sign(mine, message);
        expect(hex(signature)).toBe(hex(ed25519NobleScheme.sign(theirs, message)));
        expect(ed25519NobleScheme.verify(mine.publicKey, message, signature)).toBe(true);
        // Any 32 bytes as a key, and any as the second half of a signature.
        expect(ed25519Scheme.verify(noise, message, signature)).toBe(
          ed25519NobleScheme.verify(noise, message, signature),
        );
        signature.set(noise, 32);
        expect(ed25519Scheme.verify(mine.publicKey, message, signature)).toBe(false);
      }),
      { numRuns: 25 },
    );
  });

  test('refuses a signature whose scalar is not reduced', () => {
    const order = (1n << 252n) + 27742317777372353535851937790883648493n;
    const pair = ed25519Scheme.keyPair(seedOf(4));
    const message = Uint8Array.of(1, 2, 3);
    const signature = ed25519Scheme.sign(pair, message);
    let scalar = order;
    for (let i = 31; i >= 0; i--) scalar += BigInt(signature[32 + i]!) << BigInt(8 * i);
    for (let i = 0; i < 32; i++) signature[32 + i] = Number((scalar >> BigInt(8 * i)) & 0xffn);
    expect(ed25519Scheme.verify(pair.publicKey, message, signature)).toBe(false);
  });
});

describe('memoised', () => {
  /** A scheme that counts how often it is really asked. */
  function counting() {
    const counts = { verified: 0 };
    const scheme: SignatureScheme = {
      ...keyedHashScheme,
      verify(publicKey, message, signature) {
        counts.verified++;
        return keyedHashScheme.verify(publicKey, message, signature);
      },
    };
    return { scheme, counts };
  }

  test('asks once for equal bytes, whatever objects hold them, and remembers refusals too', () => {
    const { scheme, counts } = counting();
    const memo = memoised(scheme, 100);
    const pair = memo.keyPair(seedOf(3));
    const message = Uint8Array.of(1, 2, 3);
    const signature = memo.sign(pair, message);
    for (let i = 0; i < 5; i++) {
      expect(memo.verify(pair.publicKey.slice(), message.slice(), signature.slice())).toBe(true);
    }
    expect(counts.verified).toBe(1);
    const bad = signature.map(byte => byte ^ 1);
    for (let i = 0; i < 5; i++) expect(memo.verify(pair.publicKey, message, bad)).toBe(false);
    expect(counts.verified).toBe(2);
  });

  test('looks at the bytes, not at the objects', () => {
    const { scheme } = counting();
    // So small that every look-up meets the entry in question.
    const memo = memoised(scheme, 2);
    const pair = memo.keyPair(seedOf(3));
    const message = Uint8Array.of(1, 2, 3);
    const signature = memo.sign(pair, message);
    expect(memo.verify(pair.publicKey, message, signature)).toBe(true);
    message[0] = 9;
    expect(memo.verify(pair.publicKey, message, signature)).toBe(false);
    message[0] = 1;
    expect(memo.verify(pair.publicKey, message, signature)).toBe(true);
  });

  test('does not confuse triples whose concatenations are equal', () => {
    // Verdicts that depend on where the cuts are, and a memory in which all entries meet.
    const scheme: SignatureScheme = {
      ...keyedHashScheme,
      verify: (publicKey, message, signature) =>
        (publicKey.length + 2 * message.length + 4 * signature.length) % 3 === 0,
    };
    const memo = memoised(scheme, 2);
    const bytes = new Uint8Array(12);
    for (let round = 0; round < 2; round++) {
      for (let a = 0; a <= 12; a++) {
        for (let b = a; b <= 12; b++) {
          const parts = [bytes.subarray(0, a), bytes.subarray(a, b), bytes.subarray(b)] as const;
          expect(memo.verify(...parts)).toBe(scheme.verify(...parts));
          expect(memo.verify(...parts)).toBe(scheme.verify(...parts));
        }
      }
    }
  });

  test('has the right verdict for everything while forgetting most of it', () => {
    const { scheme, counts } = counting();
    const memo = memoised(scheme, 16);
    const pair = memo.keyPair(seedOf(3));
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 500; i++) {
        const message = Uint8Array.of(i, i >> 8);
        const signature = memo.sign(pair, message);
        if (i % 3 === 0) signature[5]! ^= 0x10;
        expect(memo.verify(pair.publicKey, message, signature)).toBe(i % 3 !== 0);
      }
    }
    expect(counts.verified).toBeGreaterThan(1400);
  });

  test('is one memory per process for a scheme and a size', () => {
    const { scheme } = counting();
    expect(memoised(scheme, 100)).toBe(memoised(scheme, 100));
    expect(memoised(scheme, 100)).not.toBe(memoised(scheme, 200));
    expect(memoised(scheme, 100)).not.toBe(memoised(counting().scheme, 100));
    expect(() => memoised(scheme, 1)).toThrow(RangeError);
  });
});
