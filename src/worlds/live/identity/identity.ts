/**
 * Who a participant is on the network: one Ed25519 key, the same one that signs its transactions, and the certificates
 * that carry it into TLS.
 *
 * The identity key signs a root certificate of itself, whose name is the account address, and for each start of the
 * process a leaf certificate over a fresh key. Only the leaf's key is given to TLS; the identity key stays with the
 * platform's cryptography, from which it cannot be exported. So a peer checks one thing, whether the root's key hashes to
 * the address that it expects, and needs no authority.
 *
 * The root of a key is always the same bytes: Ed25519 signs deterministically, and serial and validity are fixed. Its
 * hash is what a provider registers on the chain.
 */
import { webcrypto } from 'node:crypto';
import { addressOf } from '../../../protocol/codec/address.ts';
import { sha256 } from '../../../protocol/codec/sha256.ts';
import { checkSeed } from '../../../protocol/codec/signature.ts';
import { ed25519Scheme } from '../ed25519.ts';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  X509CertificateGenerator,
} from './x509.ts';

const { subtle } = webcrypto;

/** The DER form (RFC 8410) of a private Ed25519 key is these bytes followed by its seed. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
/** The same of a public key. */
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** The last instant that X.509 can say: no end that anybody knows (RFC 5280, section 4.1.2.5). */
const NO_END_MS = Date.UTC(9999, 11, 31, 23, 59, 59);
/** Roots are older than every participant, so that a clock that is off does not make them come from the future. */
const ROOT_START_MS = Date.UTC(2000, 0, 1);
const ROOT_SERIAL = '01';

/** How long a leaf certificate is good for, unless told otherwise. A process makes a new one halfway. */
export const LEAF_VALIDITY_MS = 30 * 24 * 3_600_000;
/** A leaf certificate begins so long before it is made: clocks of peers may be behind. */
export const LEAF_BACKDATE_MS = 3_600_000;

/** What TLS is given. */
export interface LeafCredentials {
  /** The leaf certificate and its root, in PEM. */
  readonly chain: string;
  /** The leaf's private key, in PEM. */
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly notBefore_ms: number;
  readonly notAfter_ms: number;
}

/** Milliseconds since 1970, whole seconds after rounding: X.509 knows no finer ones. */
export interface Validity {
  readonly notBefore_ms: number;
  readonly notAfter_ms: number;
}

/** A participant's identity. It can make certificates and tells nobody its key. */
export interface TlsIdentity {
  /** The account address of the identity key. */
  readonly address: string;
  readonly publicKey: Uint8Array;
  /** The root certificate in DER. */
  readonly root: Uint8Array;
  /** SHA-256 of the root certificate: a provider's `certificate` on the register. */
  readonly rootHash: Uint8Array;
  /** A leaf certificate over a fresh key, good for this time. */
  issueLeaf(validity: Validity): Promise<LeafCredentials>;
}

/**
 * The identity of a 32-byte seed. Throws RangeError for other lengths.
 * @param rootValidity since when and until when its root is good; by default from long ago on and without end
 */
export async function tlsIdentity(
  seed: Uint8Array,
  rootValidity: Validity = { notBefore_ms: ROOT_START_MS, notAfter_ms: NO_END_MS },
): Promise<TlsIdentity> {
  checkSeed(seed);
  const { publicKey } = ed25519Scheme.keyPair(seed);
  const address = addressOf(publicKey);
  const secret = Buffer.concat([PRIVATE_PREFIX, seed]);
  const signingKey = await subtle.importKey('pkcs8', secret, 'Ed25519', false, ['sign']);
  secret.fill(0);
  const name = `CN=${address}`;
  const root = await X509CertificateGenerator.create({
    serialNumber: ROOT_SERIAL,
    subject: name,
    issuer: name,
    notBefore: new Date(rootValidity.notBefore_ms),
    notAfter: new Date(rootValidity.notAfter_ms),
    publicKey: Buffer.concat([PUBLIC_PREFIX, publicKey]),
    signingKey,
    signingAlgorithm: { name: 'Ed25519' },
    extensions: [new BasicConstraintsExtension(true, 0, true), new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true)],
  });
  const der = new Uint8Array(root.rawData);

  async function issueLeaf({ notBefore_ms, notAfter_ms }: Validity): Promise<LeafCredentials> {
    if (!(notBefore_ms < notAfter_ms)) {
      throw new RangeError(`a certificate must end after it begins; found ${notBefore_ms} to ${notAfter_ms}`);
    }
    const keys = (await subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
    const leaf = await X509CertificateGenerator.create({
      subject: name,
      issuer: name,
      notBefore: new Date(notBefore_ms),
      notAfter: new Date(notAfter_ms),
      publicKey: keys.publicKey,
      signingKey,
      signingAlgorithm: { name: 'Ed25519' },
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth], true),
      ],
    });
    const key = PemConverter.encode(await subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
    return { chain: `${leaf.toString('pem')}\n${root.toString('pem')}\n`, key, notBefore_ms, notAfter_ms };
  }

  return { address, publicKey, root: der, rootHash: sha256(der), issueLeaf };
}
