/**
 * Whether the certificates that a peer showed prove that it is who it should be. TLS itself has proven only that the peer
 * holds the leaf's private key; that the leaf speaks for an account is decided here, on both sides and by the same rules:
 *
 *  - a leaf and the root that signed it, both Ed25519, neither larger than any of ours could be;
 *  - the root is signed by itself, may sign certificates, and bears the address that its key hashes to;
 *  - the leaf may sign for both ends of TLS, may not sign certificates, and is over another key than the identity key;
 *  - neither asks, as critical, for something that is not looked at here;
 *  - both are within their time;
 *  - the address is the expected one, where one is expected.
 */
import { X509Certificate } from 'node:crypto';
import { addressOf } from '../../../protocol/codec/address.ts';
import { KEY_BYTES } from '../../../protocol/codec/signature.ts';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as ParsedCertificate,
} from './x509.ts';

/** Ours have about 350 bytes; reading more than this of a stranger's is nobody's business. */
export const MAX_CERTIFICATE_BYTES = 2_048;

/** What can be wrong, for those who count. */
export type CertificateFault =
  | 'none-shown'
  | 'malformed'
  | 'no-root'
  | 'not-signed-by-root'
  | 'root-not-self-signed'
  | 'wrong-usage'
  | 'wrong-name'
  | 'wrong-key'
  | 'not-yet-valid'
  | 'expired';

export type CertificateVerdict =
  | { readonly good: true; readonly address: string }
  | { readonly good: false; readonly fault: CertificateFault; readonly reason: string };

type Bad = Extract<CertificateVerdict, { readonly good: false }>;

/** A certificate as the platform and as the library see it: the one knows keys and signatures, the other extensions. */
interface Seen {
  readonly platform: X509Certificate;
  readonly parsed: ParsedCertificate;
}

/**
 * Judges a chain.
 * @param leaf DER of what TLS has shown that the peer holds the key of; null when it showed nothing
 * @param root DER of what the leaf says that it was issued by; null when the peer did not send it
 * @param now_ms milliseconds since 1970
 * @param expected the account address that must be there; null when anybody may be
 */
export function checkChain(
  leaf: Uint8Array | null,
  root: Uint8Array | null,
  now_ms: number,
  expected: string | null,
): CertificateVerdict {
  if (leaf === null) return bad('none-shown', 'no certificate was shown');
  if (root === null) return bad('no-root', 'the certificate came without the root that issued it');
  try {
    return judge(leaf, root, now_ms, expected);
  } catch (error) {
    // Both readers read some parts only when they are asked for, so what is malformed may show anywhere.
    const why = error instanceof Error ? error.message : String(error);
    return bad('malformed', `a certificate cannot be read: ${brief(why)}`);
  }
}

function judge(leaf: Uint8Array, root: Uint8Array, now_ms: number, expected: string | null): CertificateVerdict {
  const leafSeen = read(leaf, 'leaf');
  if ('good' in leafSeen) return leafSeen;
  const rootSeen = read(root, 'root');
  if ('good' in rootSeen) return rootSeen;
  const rootKey = rawKey(rootSeen.platform);
  if (rootKey === null || rawKey(leafSeen.platform) === null) {
    return bad('malformed', 'a certificate is over a key that is not Ed25519');
  }
  const address = addressOf(rootKey);
  return (
    checkRoot(rootSeen, address) ??
    checkLeaf(leafSeen, rootSeen) ??
    (expected !== null && address !== expected
      ? bad('wrong-key', `found the key of ${address}, expected that of ${expected}`)
      : null) ??
    checkTime(rootSeen.parsed, 'root', now_ms) ??
    checkTime(leafSeen.parsed, 'leaf', now_ms) ?? { good: true, address }
  );
}

function bad(fault: CertificateFault, reason: string): Bad {
  return { good: false, fault, reason };
}

function read(der: Uint8Array, which: string): Seen | Bad {
  if (der.length > MAX_CERTIFICATE_BYTES) {
    return bad(
      'malformed',
      `the ${which} certificate has ${der.length} bytes, at most ${MAX_CERTIFICATE_BYTES} are read`,
    );
  }
  const seen = { platform: new X509Certificate(der), parsed: new ParsedCertificate(der) };
  const unknown = seen.parsed.extensions.find(one => one.critical && !isKnown(one));
  if (unknown === undefined) return seen;
  return bad('wrong-usage', `the ${which} certificate has the critical extension ${unknown.type}, which is unknown`);
}

function isKnown(extension: unknown): boolean {
  return (
    extension instanceof BasicConstraintsExtension ||
    extension instanceof KeyUsagesExtension ||
    extension instanceof ExtendedKeyUsageExtension
  );
}

/** The 32 bytes of a certificate's Ed25519 key; null for other kinds. */
function rawKey(certificate: X509Certificate): Uint8Array | null {
  const { publicKey } = certificate;
  if (publicKey.asymmetricKeyType !== 'ed25519') return null;
  const der = publicKey.export({ format: 'der', type: 'spki' });
  return new Uint8Array(der.subarray(der.length - KEY_BYTES));
}

function checkRoot({ platform, parsed }: Seen, address: string): Bad | null {
  if (platform.issuer !== platform.subject || !platform.verify(platform.publicKey)) {
    return bad('root-not-self-signed', 'the root certificate is not signed by itself');
  }
  const usages = parsed.getExtension(KeyUsagesExtension)?.usages ?? 0;
  if (!platform.ca || (usages & KeyUsageFlags.keyCertSign) === 0) {
    return bad('wrong-usage', 'the root certificate may not sign certificates');
  }
  if (parsed.subject !== `CN=${address}`) {
    return bad('wrong-name', `the root certificate is named ${brief(parsed.subject)}, its key is that of ${address}`);
  }
  return null;
}

function checkLeaf(leaf: Seen, root: Seen): Bad | null {
  // Names first: a leaf of somebody else's would also not verify, but that is not what is wrong with it.
  if (leaf.platform.issuer !== root.platform.subject) {
    return bad('not-signed-by-root', `the leaf certificate names another issuer: ${brief(leaf.parsed.issuer)}`);
  }
  if (!leaf.platform.verify(root.platform.publicKey)) {
    return bad('not-signed-by-root', 'the leaf certificate is not signed by its root');
  }
  const usages = leaf.parsed.getExtension(KeyUsagesExtension)?.usages ?? 0;
  const purposes = leaf.parsed.getExtension(ExtendedKeyUsageExtension)?.usages ?? [];
  if (leaf.platform.ca || (usages & KeyUsageFlags.keyCertSign) !== 0) {
    return bad('wrong-usage', 'the leaf certificate may sign certificates');
  }
  if (
    (usages & KeyUsageFlags.digitalSignature) === 0 ||
    !purposes.includes(ExtendedKeyUsage.serverAuth) ||
    !purposes.includes(ExtendedKeyUsage.clientAuth)
  ) {
    return bad('wrong-usage', 'the leaf certificate may not sign for both ends of a connection');
  }
  if (leaf.platform.publicKey.equals(root.platform.publicKey)) {
    return bad('wrong-usage', 'the leaf certificate is over the identity key itself');
  }
  return null;
}

function checkTime({ notBefore, notAfter }: ParsedCertificate, which: string, now_ms: number): Bad | null {
  // Written so that a clock that shows nothing at all is within no time.
  if (!(now_ms >= notBefore.getTime())) {
    return bad(
      'not-yet-valid',
      `the ${which} certificate is not yet valid: it begins at ${when(notBefore.getTime())}, now is ${when(now_ms)}`,
    );
  }
  if (!(now_ms <= notAfter.getTime())) {
    return bad(
      'expired',
      `the ${which} certificate has expired: it ended at ${when(notAfter.getTime())}, now is ${when(now_ms)}`,
    );
  }
  return null;
}

/** A time for people; the clock that was handed in may show anything. */
function when(time_ms: number): string {
  return Math.abs(time_ms) <= 8.64e15 ? new Date(time_ms).toISOString() : String(time_ms);
}

/** A stranger's text, cut and without anything that a log should not hold. */
function brief(text: string): string {
  return text.slice(0, 80).replace(/[^\x20-\x7e]/g, '?');
}
