/**
 * The key of a participant, as it lies in its home: the 32-byte seed of an Ed25519 key (RFC 8032) in hexadecimal. Account,
 * consensus and TLS identity are all this one key. A file that others can read is refused: a key that was seen is lost.
 */
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { addressOf } from '../../../protocol/codec/address.ts';
import { KEY_BYTES, type KeyPair } from '../../../protocol/codec/signature.ts';
import { ed25519Scheme } from '../../../worlds/live/ed25519.ts';
import { readLimited, UnusableHome } from './files.ts';

const MAX_KEY_FILE_BYTES = 1_024;
const OTHERS = 0o077;

/** Who a participant is. */
export interface Identity {
  readonly keys: KeyPair;
  readonly address: string;
}

/** A seed that nobody else has. */
export function newSeed(): Uint8Array {
  return new Uint8Array(randomBytes(KEY_BYTES));
}

/** Throws RangeError unless the seed has 32 bytes. */
export function identityOf(seed: Uint8Array): Identity {
  const keys = ed25519Scheme.keyPair(seed);
  return { keys, address: addressOf(keys.publicKey) };
}

/** A seed as the text of its file. */
export function keyText(seed: Uint8Array): string {
  return `${bytesToHex(seed)}\n`;
}

/**
 * Reads the key of a home.
 * @throws UnusableHome when it is missing, no key, or open to others
 */
export function readKey(path: string): Identity {
  const text = readLimited(path, MAX_KEY_FILE_BYTES, 'the key of this home').toString('latin1').trim();
  refuseOpen(path);
  // The content is not shown, not even when it is wrong: it may be a key with one letter too many.
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new UnusableHome(`${path}: found ${text.length} characters that are no key, expected 64 hexadecimal digits`);
  }
  return identityOf(hexToBytes(text));
}

function refuseOpen(path: string): void {
  const { mode, uid } = statSync(path);
  if ((mode & OTHERS) !== 0) {
    const found = `0${(mode & 0o777).toString(8)}`;
    throw new UnusableHome(
      `${path}: found a key that others may read or change (mode ${found}), expected mode 0600: chmod 600 ${path}`,
    );
  }
  const me = process.getuid?.();
  if (me !== undefined && me !== 0 && uid !== me) {
    throw new UnusableHome(`${path}: found a key of user ${uid}, expected one of user ${me}, who runs this`);
  }
}
