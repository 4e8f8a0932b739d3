/**
 * Signatures as a port. The protocol knows that a key signs a message and that anybody can check it; which mathematics
 * does so is chosen outside: Ed25519 wherever it must be true, a keyed hash where a simulation only needs the shape.
 *
 * Verification is synchronous and a pure function of its three byte strings, so it may be remembered: in a simulation
 * every validator of a process verifies the same transactions.
 */

import { equalBytes } from './bytes.ts';
import { keyedHash128, lanesToBytes, murmur128 } from './keyed-hash.ts';
import { sha256 } from './sha256.ts';

/** A key pair; both halves are 32 bytes. */
export interface KeyPair {
  readonly publicKey: Uint8Array;
  /** For Ed25519 this is the seed of RFC 8032. */
  readonly secretKey: Uint8Array;
}

/** A way to sign. Implementations are stateless as far as callers can tell. */
export interface SignatureScheme {
  readonly name: 'ed25519' | 'keyed-hash';
  /** The key pair of a 32-byte seed, always the same one. Throws RangeError for other lengths. */
  keyPair(seed: Uint8Array): KeyPair;
  /** The signature of a message: 64 bytes for ed25519, 16 for keyed-hash. Deterministic. */
  sign(pair: KeyPair, message: Uint8Array): Uint8Array;
  /** Whether a signature is good. Malformed keys and signatures are just not good; nothing throws. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** Length of seeds, secret keys and public keys. */
export const KEY_BYTES = 32;

/** Throws RangeError unless a seed has 32 bytes. */
export function checkSeed(seed: Uint8Array): void {
  if (seed.length !== KEY_BYTES) throw new RangeError(`found a seed of ${seed.length} bytes, expected ${KEY_BYTES}`);
}

const PUBLIC_KEY_TAG = Uint8Array.from('orrery/keyed-hash/public-key', c => c.charCodeAt(0));
const scratch = new Int32Array(4);

/**
 * A stand-in for signatures in large simulations, a few hundred times faster than Ed25519. It has NO security: the
 * signature is a hash under the public key, which everybody knows, so everybody can sign for everybody. It still tells
 * honest mistakes apart (another key, another message, a flipped bit), and no simulated actor forges on purpose unless
 * an experiment says so, which must then use ed25519.
 */
export const keyedHashScheme: SignatureScheme = {
  name: 'keyed-hash',
  keyPair(seed) {
    checkSeed(seed);
    const tagged = new Uint8Array(PUBLIC_KEY_TAG.length + KEY_BYTES);
    tagged.set(PUBLIC_KEY_TAG);
    tagged.set(seed, PUBLIC_KEY_TAG.length);
    return { publicKey: sha256(tagged), secretKey: seed.slice() };
  },
  sign(pair, message) {
    keyedHash128(pair.publicKey, message, 0, message.length, scratch);
    return lanesToBytes(scratch);
  },
  verify(publicKey, message, signature) {
    if (publicKey.length !== KEY_BYTES || signature.length !== 16) return false;
    keyedHash128(publicKey, message, 0, message.length, scratch);
    for (let i = 0; i < 16; i++) {
      if (((scratch[i >> 2]! >>> ((i & 3) << 3)) & 0xff) !== signature[i]) return false;
    }
    return true;
  },
};

/** One remembered verification: copies of all three inputs, because callers reuse their buffers. */
interface Verdict {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly good: boolean;
}

const memoisedSchemes = new WeakMap<SignatureScheme, Map<number, SignatureScheme>>();

/**
 * The same scheme with verifications remembered by (key, message, signature), up to `maxEntries` of them. The memory is
 * shared by the whole process: the same scheme and size give the same wrapper. Entries are found by a fast hash and
 * then compared byte for byte, so a hash collision costs time and never a verdict, and a buffer that was changed after
 * it was verified is verified anew.
 */
export function memoised(scheme: SignatureScheme, maxEntries: number): SignatureScheme {
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 2) {
    throw new RangeError(`a memo of ${maxEntries} entries; at least 2 are needed`);
  }
  let sizes = memoisedSchemes.get(scheme);
  if (sizes === undefined) memoisedSchemes.set(scheme, (sizes = new Map()));
  let wrapper = sizes.get(maxEntries);
  if (wrapper === undefined) sizes.set(maxEntries, (wrapper = remembering(scheme, maxEntries)));
  return wrapper;
}

function remembering(scheme: SignatureScheme, maxEntries: number): SignatureScheme {
  // Sets of two places: the recent one and the one before it.
  const sets = Math.floor(maxEntries / 2);
  const places: (Verdict | undefined)[] = new Array<Verdict | undefined>(sets * 2).fill(undefined);
  const lanes = new Int32Array(4);
  return {
    name: scheme.name,
    keyPair: seed => scheme.keyPair(seed),
    sign: (pair, message) => scheme.sign(pair, message),
    verify(publicKey, message, signature) {
      lanes.fill(0);
      murmur128(lanes, publicKey, 0, publicKey.length);
      murmur128(lanes, message, 0, message.length);
      murmur128(lanes, signature, 0, signature.length);
      const at = ((lanes[0]! >>> 0) % sets) * 2;
      const first = places[at];
      if (first !== undefined && matches(first, publicKey, message, signature)) return first.good;
      const second = places[at + 1];
      if (second !== undefined && matches(second, publicKey, message, signature)) {
        places[at] = second;
        places[at + 1] = first;
        return second.good;
      }
      const good = scheme.verify(publicKey, message, signature);
      places[at + 1] = first;
      places[at] = { publicKey: publicKey.slice(), message: message.slice(), signature: signature.slice(), good };
      return good;
    },
  };
}

function matches(v: Verdict, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return equalBytes(v.signature, signature) && equalBytes(v.publicKey, publicKey) && equalBytes(v.message, message);
}
