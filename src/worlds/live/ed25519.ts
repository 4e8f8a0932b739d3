/**
 * Ed25519 (RFC 8032) by node:crypto, behind the signature port of the protocol.
 *
 * The platform wants key objects rather than raw keys, and making one costs about as much as a signature; a bounded
 * number of them is therefore kept, found by the bytes of the key.
 */

import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { BoundedMemo } from '../../protocol/codec/memo.ts';
import { checkSeed, KEY_BYTES, type SignatureScheme } from '../../protocol/codec/signature.ts';

/** The DER forms (RFC 8410) of an Ed25519 key are these bytes followed by the raw key. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const SIGNATURE_BYTES = 64;

const KEPT_KEYS = 16_384;
const privateKeys = new BoundedMemo<string, KeyObject>(KEPT_KEYS);
const publicKeys = new BoundedMemo<string, KeyObject>(KEPT_KEYS);

/** The bytes of a key as a text, one character each, to find it in a map. */
function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

function privateKey(seed: Uint8Array): KeyObject {
  const name = nameOf(seed);
  let key = privateKeys.get(name);
  if (key === undefined) {
    key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' });
    privateKeys.set(name, key);
  }
  return key;
}

function publicKey(raw: Uint8Array): KeyObject {
  const name = nameOf(raw);
  let key = publicKeys.get(name);
  if (key === undefined) {
    key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, raw]), format: 'der', type: 'spki' });
    publicKeys.set(name, key);
  }
  return key;
}

/** Ed25519 signatures of the platform: 64 bytes, deterministic, about 0.1 ms to verify. */
export const ed25519Scheme: SignatureScheme = {
  name: 'ed25519',
  keyPair(seed) {
    checkSeed(seed);
    const der = createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' });
    return { publicKey: new Uint8Array(der.subarray(der.length - KEY_BYTES)), secretKey: seed.slice() };
  },
  sign(pair, message) {
    checkSeed(pair.secretKey);
    return new Uint8Array(sign(null, message, privateKey(pair.secretKey)));
  },
  verify(key, message, signature) {
    // Any 32 bytes make a key object; whether they are a point is found out by the verification, which then says no.
    if (key.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
    return verify(null, message, publicKey(key), signature);
  },
};
