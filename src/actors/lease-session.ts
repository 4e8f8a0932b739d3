/**
 * How a tenant and a provider prove to each other who they are, before anything is said that not everybody may hear.
 *
 * Each draws a challenge, and signs both of them together with the chain and both accounts, in words of its own side.
 * So a proof holds for one connection only, whoever hears or stores it; the one side's is not the other's; and it proves
 * an account of the chain, whatever the world calls its participants. That nobody stands between the two is the
 * transport's affair: an endpoint names whose key must answer there.
 */
import { addressOf } from '../protocol/codec/address.ts';
import { KEY_BYTES, type SignatureScheme } from '../protocol/codec/signature.ts';
import { encode, fixedBytes, oneOf, struct, text } from '../protocol/codec/struct.ts';
import type { RandomStream } from './actor.ts';

export const CHALLENGE_BYTES = 32;
const WORD = 2 ** 32;

/** A challenge that nobody can foresee, as far as the stream is such. */
export function drawChallenge(random: RandomStream): Uint8Array {
  const bytes = new Uint8Array(CHALLENGE_BYTES);
  for (let at = 0; at < CHALLENGE_BYTES; at += 4) {
    const word = Math.floor(random.uniform() * WORD);
    for (let i = 0; i < 4; i++) bytes[at + i] = (word >>> (8 * i)) & 0xff;
  }
  return bytes;
}

export interface SessionTerms {
  readonly chainId: string;
  readonly tenant: string;
  readonly provider: string;
  readonly tenantChallenge: Uint8Array;
  readonly providerChallenge: Uint8Array;
}

const challenge = fixedBytes(CHALLENGE_BYTES);
const statement = struct({
  /** No other statement that anybody signs begins so. */
  about: text(64),
  side: oneOf('tenant', 'provider'),
  chainId: text(64),
  tenant: text(128),
  provider: text(128),
  tenantChallenge: challenge,
  providerChallenge: challenge,
});

/** What one side signs. */
export function sessionBytes(side: 'tenant' | 'provider', terms: SessionTerms): Uint8Array {
  return encode(statement, { about: 'orrery/lease-session/1', side, ...terms });
}

/** Whether one side's proof is that of its account. */
export function isProof(
  scheme: SignatureScheme,
  side: 'tenant' | 'provider',
  terms: SessionTerms,
  { key, signature }: { readonly key: Uint8Array; readonly signature: Uint8Array },
): boolean {
  if (key.length !== KEY_BYTES || addressOf(key) !== terms[side]) return false;
  return scheme.verify(key, sessionBytes(side, terms), signature);
}
