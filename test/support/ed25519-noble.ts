/** Ed25519 in plain JavaScript, an implementation independent of node:crypto's: the oracle for the real port. */

import { ed25519 } from '@noble/curves/ed25519.js';
import { checkSeed, type SignatureScheme } from '../../src/protocol/codec/signature.ts';

/** Strict RFC 8032 (not ZIP 215) verification, as OpenSSL does. */
export const ed25519NobleScheme: SignatureScheme = {
  name: 'ed25519',
  keyPair(seed) {
    checkSeed(seed);
    return { publicKey: ed25519.getPublicKey(seed), secretKey: seed.slice() };
  },
  sign: (pair, message) => ed25519.sign(message, pair.secretKey),
  verify(publicKey, message, signature) {
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  },
};
