/**
 * Addresses: what accounts are called. An address is the bech32 form (BIP 173), with the prefix `akash`, of the first
 * 20 bytes of the SHA-256 of a public key. Only the lower-case form is an address, so that each account has one name.
 */

import { bech32 } from '@scure/base';
import { EncodeError, shown } from './errors.ts';
import { BoundedMemo } from './memo.ts';
import { sha256 } from './sha256.ts';
import { type Codec, refine, text } from './struct.ts';

/** The human-readable part of every address. */
export const ADDRESS_PREFIX = 'akash';
const PAYLOAD_BYTES = 20;
/** Prefix, separator, 32 characters of five bits each, six of checksum. */
export const ADDRESS_LENGTH = ADDRESS_PREFIX.length + 1 + 32 + 6;

const MEMO_ENTRIES = 65_536;
const verdicts = new BoundedMemo<string, boolean>(MEMO_ENTRIES);

/** The address that belongs to a public key (any bytes). */
export function addressOf(publicKey: Uint8Array): string {
  return addressFromBytes(sha256(publicKey).subarray(0, PAYLOAD_BYTES));
}

/** The address of a 20-byte payload. Throws RangeError for any other length. */
export function addressFromBytes(payload: Uint8Array): string {
  if (payload.length !== PAYLOAD_BYTES)
    throw new RangeError(`found ${payload.length} bytes, expected ${PAYLOAD_BYTES}`);
  return bech32.encode(ADDRESS_PREFIX, bech32.toWords(payload));
}

/** The 20 bytes in an address, or undefined if the text is not an address. */
export function addressBytes(address: string): Uint8Array | undefined {
  // The library also takes upper case; a second separator would make a longer prefix and too short a payload.
  if (address.length !== ADDRESS_LENGTH || !address.startsWith(`${ADDRESS_PREFIX}1`)) return undefined;
  const decoded = bech32.decodeUnsafe(address);
  if (decoded === undefined) return undefined;
  const payload = bech32.fromWordsUnsafe(decoded.words);
  return payload instanceof Uint8Array && payload.length === PAYLOAD_BYTES ? payload : undefined;
}

/** Whether a text is an address. Verdicts are remembered (65,536 of them), since the same accounts recur. */
export function isAddress(value: string): boolean {
  // The cheap test first also bounds what hostile texts can make us remember.
  if (typeof value !== 'string' || value.length !== ADDRESS_LENGTH) return false;
  const known = verdicts.get(value);
  if (known !== undefined) return known;
  const verdict = addressBytes(value) !== undefined;
  verdicts.set(value, verdict);
  return verdict;
}

/** An address in canonical bytes: its text. Reader and writer refuse texts that are no addresses. */
export const address: Codec<string> = refine(text(ADDRESS_LENGTH), 'an address', isAddress);

const payloads = new BoundedMemo<string, Uint8Array>(MEMO_ENTRIES);
const texts = new BoundedMemo<string, string>(MEMO_ENTRIES);

/**
 * An address as the 20 bytes that it stands for, less than half of its text: for messages with one for each validator.
 * Any 20 bytes are an address, so the reader refuses nothing. Both ways are remembered (65,536 addresses each).
 */
export const addressPayload: Codec<string> = {
  write: (w, value) => {
    let payload = typeof value === 'string' ? payloads.get(value) : undefined;
    if (payload === undefined) {
      payload = typeof value === 'string' ? addressBytes(value) : undefined;
      if (payload === undefined) throw new EncodeError(shown(value), 'an address');
      payloads.set(value, payload);
    }
    w.raw(payload);
  },
  read: r => {
    const payload = r.raw(PAYLOAD_BYTES);
    const key = String.fromCharCode(...payload);
    let known = texts.get(key);
    if (known === undefined) texts.set(key, (known = addressFromBytes(payload)));
    return known;
  },
};
