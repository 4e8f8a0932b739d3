/** Every way in which a chain can be wrong, each beside the chain that differs from it in nothing else and is good. */
import { beforeAll, describe, expect, it } from 'vitest';
import { addressOf } from '../../../../src/protocol/codec/address.ts';
import {
  type CertificateFault,
  checkChain,
  MAX_CERTIFICATE_BYTES,
} from '../../../../src/worlds/live/identity/certificate-check.ts';
import { tlsIdentity } from '../../../../src/worlds/live/identity/identity.ts';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
} from '../../../../src/worlds/live/identity/x509.ts';
import {
  asLeaf,
  asRoot,
  bothEnds,
  type Crafted,
  craft,
  DAY_MS,
  freshKeys,
  NOW_MS,
  rawPublicKey,
} from './certificates.ts';

type Keys = Awaited<ReturnType<typeof freshKeys>>;
let identityKeys: Keys;
let leafKeys: Keys;
let otherKeys: Keys;
let address: string;
let name: string;

beforeAll(async () => {
  [identityKeys, leafKeys, otherKeys] = await Promise.all([freshKeys(), freshKeys(), freshKeys()]);
  address = addressOf(await rawPublicKey(identityKeys));
  name = `CN=${address}`;
});

const root = (changes: Partial<Crafted> = {}): Promise<Uint8Array> =>
  craft({ subject: name, issuer: name, keys: identityKeys, signer: identityKeys, extensions: asRoot, ...changes });
const leaf = (changes: Partial<Crafted> = {}): Promise<Uint8Array> =>
  craft({ subject: name, issuer: name, keys: leafKeys, signer: identityKeys, extensions: asLeaf, ...changes });

async function refusal(
  leafChanges: Partial<Crafted>,
  rootChanges: Partial<Crafted>,
  fault: CertificateFault,
): Promise<string> {
  // The positive control: what is not changed is good.
  expect(checkChain(await leaf(), await root(), NOW_MS, address)).toEqual({ good: true, address });
  const verdict = checkChain(await leaf(leafChanges), await root(rootChanges), NOW_MS, address);
  expect(verdict).toMatchObject({ good: false, fault });
  return verdict.good ? '' : verdict.reason;
}

describe('a chain', () => {
  it('is good for whoever is expected, and for anybody', async () => {
    expect(checkChain(await leaf(), await root(), NOW_MS, address)).toEqual({ good: true, address });
    expect(checkChain(await leaf(), await root(), NOW_MS, null)).toEqual({ good: true, address });
  });

  it('of another key is not who was expected', async () => {
    const other = await tlsIdentity(new Uint8Array(32).fill(9));
    const verdict = checkChain(await leaf(), await root(), NOW_MS, other.address);
    expect(verdict).toEqual({
      good: false,
      fault: 'wrong-key',
      reason: `found the key of ${address}, expected that of ${other.address}`,
    });
  });

  it('must be there, with its root', async () => {
    expect(checkChain(null, null, NOW_MS, null)).toMatchObject({
      fault: 'none-shown',
      reason: 'no certificate was shown',
    });
    expect(checkChain(await leaf(), null, NOW_MS, null)).toMatchObject({ fault: 'no-root' });
  });

  it('must be within its time: the leaf', async () => {
    expect(await refusal({ notBefore_ms: NOW_MS + 60_000 }, {}, 'not-yet-valid')).toBe(
      'the leaf certificate is not yet valid: it begins at 2030-06-01T00:01:00.000Z, now is 2030-06-01T00:00:00.000Z',
    );
    expect(await refusal({ notAfter_ms: NOW_MS - 60_000 }, {}, 'expired')).toBe(
      'the leaf certificate has expired: it ended at 2030-05-31T23:59:00.000Z, now is 2030-06-01T00:00:00.000Z',
    );
  });

  it('must be within its time: the root', async () => {
    expect(await refusal({}, { notBefore_ms: NOW_MS + 60_000 }, 'not-yet-valid')).toContain('the root certificate');
    expect(await refusal({}, { notAfter_ms: NOW_MS - 60_000 }, 'expired')).toContain('the root certificate');
  });

  it('is judged by the clock that is handed in, to the second', async () => {
    const [one, two] = [await leaf(), await root()];
    const at = (now_ms: number): boolean => checkChain(one, two, now_ms, null).good;
    expect([NOW_MS - DAY_MS - 1, NOW_MS - DAY_MS, NOW_MS + DAY_MS, NOW_MS + DAY_MS + 1].map(at)).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect([at(Number.NaN), at(Number.MAX_VALUE)]).toEqual([false, false]);
  });

  it('must be signed by its root', async () => {
    expect(await refusal({ signer: otherKeys }, {}, 'not-signed-by-root')).toBe(
      'the leaf certificate is not signed by its root',
    );
    expect(await refusal({ issuer: 'CN=somebody' }, {}, 'not-signed-by-root')).toContain('another issuer: CN=somebody');
  });

  it('must have a root that signed itself and is named after its key', async () => {
    expect(await refusal({}, { signer: otherKeys }, 'root-not-self-signed')).toContain('not signed by itself');
    const stranger = { subject: 'CN=akash1stranger', issuer: 'CN=akash1stranger' };
    expect(await refusal({ issuer: 'CN=akash1stranger' }, stranger, 'wrong-name')).toContain(
      'its key is that of akash1',
    );
  });

  it('must be for what it is used for', async () => {
    const noCa = [new BasicConstraintsExtension(false, undefined, true), asRoot[1]!];
    expect(await refusal({}, { extensions: noCa }, 'wrong-usage')).toContain('may not sign certificates');
    const onlySigns = [asRoot[0]!, new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true)];
    expect(await refusal({}, { extensions: onlySigns }, 'wrong-usage')).toContain('may not sign certificates');
    expect(await refusal({ extensions: [...asRoot, bothEnds] }, {}, 'wrong-usage')).toContain('may sign certificates');
    const oneEnd = [asLeaf[0]!, asLeaf[1]!, new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth], true)];
    expect(await refusal({ extensions: oneEnd }, {}, 'wrong-usage')).toContain('both ends');
    expect(await refusal({ extensions: [] }, {}, 'wrong-usage')).toContain('both ends');
    const unsigned = [asLeaf[0]!, new KeyUsagesExtension(KeyUsageFlags.keyEncipherment, true), bothEnds];
    expect(await refusal({ extensions: unsigned }, {}, 'wrong-usage')).toContain('both ends');
    expect(await refusal({ keys: identityKeys }, {}, 'wrong-usage')).toContain('identity key itself');
  });

  it('must be of Ed25519 keys', async () => {
    const ecdsa = await freshKeys('P-256');
    expect(await refusal({ keys: ecdsa }, {}, 'malformed')).toContain('not Ed25519');
    expect(await refusal({}, { keys: ecdsa, signer: ecdsa }, 'malformed')).toContain('not Ed25519');
  });

  it('must be of certificates that can be read, and not of large ones', async () => {
    const good = await root();
    for (const broken of [new Uint8Array(0), new Uint8Array(300).fill(0x30), good.subarray(0, 100)]) {
      expect(checkChain(broken, good, NOW_MS, null)).toMatchObject({ fault: 'malformed' });
      expect(checkChain(await leaf(), broken, NOW_MS, null)).toMatchObject({ fault: 'malformed' });
    }
    const large = await leaf({ subject: `CN=${'a'.repeat(MAX_CERTIFICATE_BYTES)}` });
    expect(checkChain(large, good, NOW_MS, null)).toMatchObject({
      fault: 'malformed',
      reason: `the leaf certificate has ${large.length} bytes, at most 2048 are read`,
    });
  });

  it('stays bad under any flipped bit', async () => {
    const [one, two] = [await leaf(), await root()];
    for (let bit = 0; bit < one.length * 8; bit += 5) {
      const flipped = one.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(checkChain(flipped, two, NOW_MS, address).good, `bit ${bit} of the leaf`).toBe(false);
    }
    for (let bit = 0; bit < two.length * 8; bit += 5) {
      const flipped = two.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(checkChain(one, flipped, NOW_MS, address).good, `bit ${bit} of the root`).toBe(false);
    }
  });
});
