/** What a participant shows of itself: the same root every time, fresh leaves, and never its identity key. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { addressOf } from '../../../../src/protocol/codec/address.ts';
import { sha256 } from '../../../../src/protocol/codec/sha256.ts';
import { ed25519Scheme } from '../../../../src/worlds/live/ed25519.ts';
import { checkChain } from '../../../../src/worlds/live/identity/certificate-check.ts';
import { tlsIdentity } from '../../../../src/worlds/live/identity/identity.ts';
import { DAY_MS, fromPem, NOW_MS } from './certificates.ts';

const seed = new Uint8Array(32).fill(7);
const validity = { notBefore_ms: NOW_MS - 1_000, notAfter_ms: NOW_MS + DAY_MS };

describe('an identity', () => {
  it('is the account of its key', async () => {
    const identity = await tlsIdentity(seed);
    const { publicKey } = ed25519Scheme.keyPair(seed);
    expect(identity.publicKey).toEqual(publicKey);
    expect(identity.address).toBe(addressOf(publicKey));
    const root = new X509Certificate(identity.root);
    expect(root.subject).toBe(`CN=${identity.address}`);
    expect(root.issuer).toBe(root.subject);
    expect(root.ca).toBe(true);
    expect(root.verify(root.publicKey)).toBe(true);
  });

  it('has the same root at every start, and another key has another', async () => {
    const [first, again, other] = await Promise.all([
      tlsIdentity(seed),
      tlsIdentity(seed.slice()),
      tlsIdentity(new Uint8Array(32).fill(8)),
    ]);
    expect(again.root).toEqual(first.root);
    expect(again.rootHash).toEqual(sha256(first.root));
    expect(other.rootHash).not.toEqual(first.rootHash);
    expect(other.address).not.toBe(first.address);
  });

  it('issues leaves that differ, each good for its time', async () => {
    const identity = await tlsIdentity(seed);
    const one = await identity.issueLeaf(validity);
    const two = await identity.issueLeaf(validity);
    expect(one.key).not.toBe(two.key);
    for (const credentials of [one, two]) {
      const [leaf, root] = fromPem(credentials.chain);
      expect(root).toEqual(identity.root);
      expect(checkChain(leaf!, root!, NOW_MS, identity.address)).toEqual({ good: true, address: identity.address });
      const certificate = new X509Certificate(leaf!);
      expect(certificate.checkPrivateKey(createPrivateKey(credentials.key))).toBe(true);
      expect(certificate.validToDate.getTime()).toBe(validity.notAfter_ms);
    }
  });

  it('gives TLS the key of the leaf, and never its own', async () => {
    const identity = await tlsIdentity(seed);
    const { key, chain } = await identity.issueLeaf(validity);
    const secretOf = (pem: string): Buffer => createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
    expect(secretOf(key).includes(Buffer.from(seed))).toBe(false);
    // What is looked for would be seen: the leaf's own secret is there.
    const leafSecret = secretOf(key).subarray(-32);
    expect(secretOf(key).includes(leafSecret)).toBe(true);
    expect(Buffer.concat(fromPem(chain)).includes(Buffer.from(seed))).toBe(false);
    expect(JSON.stringify(identity, (_, value) => (value instanceof Uint8Array ? [...value] : value))).not.toContain(
      [...seed].join(','),
    );
  });

  it('refuses seeds of other lengths and times that run backwards', async () => {
    await expect(tlsIdentity(new Uint8Array(31))).rejects.toThrow('found a seed of 31 bytes, expected 32');
    const identity = await tlsIdentity(seed);
    await expect(identity.issueLeaf({ notBefore_ms: 2, notAfter_ms: 2 })).rejects.toThrow('must end after it begins');
  });
});
