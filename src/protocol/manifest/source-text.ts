/**
 * The bytes of an SDL file as text: how large it may be, and which characters may stand in it.
 *
 * Today's SDL files have some ten thousand bytes at most. A leading byte order mark is dropped, as the official reader
 * does it; a line may end in LF, CR LF or, as it does there, in a lone CR.
 */

import { utf8Length } from '../codec/utf8.ts';
import { grouped, NOWHERE, problem, Unreadable } from './problem.ts';

/** Largest SDL file in bytes. */
export const MAX_SDL_BYTES = 1 << 18;

/**
 * The text of a file.
 * @throws Unreadable
 */
export function decodeSource(source: Uint8Array | string): string {
  // A text has at least as many bytes as units, so that an oversized one need not be gone through to be known.
  if (source.length > MAX_SDL_BYTES) throw tooLarge(source.length);
  const text = (typeof source === 'string' ? checked(source) : decode(source)).replace(/\r(?!\n)/g, '\n');
  const nul = text.indexOf('\0');
  if (nul >= 0) {
    const before = text.slice(0, nul).split('\n');
    const position = { line: before.length, column: before.at(-1)!.length + 1 };
    throw new Unreadable(problem([], position, 'a NUL byte', 'text'));
  }
  return text;
}

function tooLarge(bytes: number): Unreadable {
  const expected = `a file of at most ${grouped(MAX_SDL_BYTES)} bytes`;
  return new Unreadable(problem([], NOWHERE, `${grouped(bytes)} bytes`, expected));
}

/** A text that was decoded elsewhere, without its byte order mark. */
function checked(text: string): string {
  const bytes = utf8Length(text);
  if (bytes > MAX_SDL_BYTES) throw tooLarge(bytes);
  if (bytes < 0) throw new Unreadable(problem([], NOWHERE, 'half of a surrogate pair', 'whole characters'));
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

function decode(bytes: Uint8Array): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw new Unreadable(problem([], { line: 1, column: 1 }, 'UTF-16', 'UTF-8'));
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // The decoder says that, but not where.
    const position = { line: lineOfBadByte(bytes), column: 1 };
    throw new Unreadable(problem([], position, 'bytes that are not UTF-8', 'UTF-8'));
  }
}

/** The first line that does not decode by itself; a line feed is never part of a longer UTF-8 sequence. */
function lineOfBadByte(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  for (let start = 0; start < bytes.length; line += 1) {
    const feed = bytes.indexOf(0x0a, start);
    const end = feed < 0 ? bytes.length : feed + 1;
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch {
      return line;
    }
    start = end;
  }
  return line;
}

/**
 * The first character that YAML does not let stand there, as `U+0007`; null: none.
 * @param inQuotes where only the ASCII control characters are kept out
 */
export function firstUnprintable(text: string, inQuotes: boolean): string | null {
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    const control = unit < 0x20 && unit !== 0x09 && unit !== 0x0a && unit !== 0x0d;
    const wide = (unit >= 0x7f && unit <= 0x9f && unit !== 0x85) || unit >= 0xfffe;
    if (control || (wide && !inQuotes)) return `U+${unit.toString(16).toUpperCase().padStart(4, '0')}`;
  }
  return null;
}
