/** Certificates that no well-behaved participant would make, beside those that one does. */
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  X509Certificate,
  X509CertificateGenerator,
} from '../../../../src/worlds/live/identity/x509.ts';

export const NOW_MS = Date.UTC(2030, 5, 1);
export const DAY_MS = 86_400_000;

/** A key that can sign and be shown. */
export async function freshKeys(kind: 'Ed25519' | 'P-256' = 'Ed25519'): Promise<webcrypto.CryptoKeyPair> {
  const algorithm = kind === 'Ed25519' ? { name: 'Ed25519' } : { name: 'ECDSA', namedCurve: 'P-256' };
  return (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
}

export interface Crafted {
  readonly subject: string;
  readonly issuer: string;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly signer: webcrypto.CryptoKeyPair;
  readonly notBefore_ms?: number;
  readonly notAfter_ms?: number;
  readonly extensions: readonly Extension[];
}

export const asRoot: readonly Extension[] = [
  new BasicConstraintsExtension(true, 0, true),
  new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
];
export const bothEnds = new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth], true);
export const asLeaf: readonly Extension[] = [
  new BasicConstraintsExtension(false, undefined, true),
  new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
  bothEnds,
];

/** A certificate as told, whether it makes sense or not. In DER. */
export async function craft(wanted: Crafted): Promise<Uint8Array> {
  const { subject, issuer, keys, signer } = wanted;
  const algorithm = signer.privateKey.algorithm.name;
  const made = await X509CertificateGenerator.create({
    subject,
    issuer,
    notBefore: new Date(wanted.notBefore_ms ?? NOW_MS - DAY_MS),
    notAfter: new Date(wanted.notAfter_ms ?? NOW_MS + DAY_MS),
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: algorithm === 'ECDSA' ? { name: 'ECDSA', hash: 'SHA-256' } : { name: algorithm },
    extensions: [...wanted.extensions],
  });
  return new Uint8Array(made.rawData);
}

export async function rawPublicKey(keys: webcrypto.CryptoKeyPair): Promise<Uint8Array> {
  return new Uint8Array(await webcrypto.subtle.exportKey('raw', keys.publicKey));
}

export async function keyPem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
}

export function toPem(...certificates: readonly Uint8Array[]): string {
  return certificates.map(der => PemConverter.encode(der, 'CERTIFICATE')).join('\n');
}

/** Certificates of a PEM text, in DER. */
export function fromPem(text: string): Uint8Array[] {
  return PemConverter.decode(text).map(der => new Uint8Array(new X509Certificate(der).rawData));
}
