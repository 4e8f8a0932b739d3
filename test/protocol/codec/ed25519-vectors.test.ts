/** Ed25519 of the platform and of the library against the published Wycheproof vectors. */

import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { memoised, type SignatureScheme } from '../../../src/protocol/codec/signature.ts';
import { ed25519Scheme } from '../../../src/worlds/live/ed25519.ts';
import { ed25519NobleScheme } from '../../support/ed25519-noble.ts';

interface Vectors {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly flags: readonly string[];
      readonly msg: string;
      readonly sig: string;
      readonly result: 'valid' | 'invalid' | 'acceptable';
    }[];
  }[];
}

const file = resolve(
  process.env.ORRERY_DATA ?? resolve(import.meta.dirname, '../../../../shared/data'),
  'consensus/ed25519/ed25519_test.json',
);
const absent = existsSync(file) ? '' : ' (skipped: the data folder has no consensus/ed25519/ed25519_test.json)';
const unhex = (digits: string) => new Uint8Array(Buffer.from(digits, 'hex'));

describe(`the Wycheproof vectors${absent}`, () => {
  test.skipIf(absent !== '').each<[string, SignatureScheme]>([
    ['of the platform', ed25519Scheme],
    ['of the library', ed25519NobleScheme],
    ['remembered', memoised(ed25519Scheme, 64)],
  ])('get their published verdicts from ed25519 %s', (_, scheme) => {
    const { testGroups, numberOfTests } = JSON.parse(readFileSync(file, 'utf8')) as Vectors;
    const ran = { valid: 0, invalid: 0 };
    for (const { publicKey, tests } of testGroups) {
      for (const { tcId, comment, flags, msg, sig, result } of tests) {
        const isGood = scheme.verify(unhex(publicKey.pk), unhex(msg), unhex(sig));
        if (result === 'acceptable') continue;
        ran[result]++;
        expect([tcId, comment, flags, isGood]).toEqual([tcId, comment, flags, result === 'valid']);
      }
    }
    console.log(`Wycheproof: ${ran.valid} valid, ${ran.invalid} invalid, of ${numberOfTests}`);
    expect(ran.valid).toBeGreaterThan(50);
    expect(ran.invalid).toBeGreaterThan(30);
  });
});
