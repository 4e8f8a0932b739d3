/**
 * UTF-8 without TextEncoder and TextDecoder.
 *
 * The texts of the protocol are short (ids, addresses, attribute names), for which a loop is several times faster than
 * the call into the platform's codecs; and the platform's encoder silently replaces lone surrogates, which would make
 * two different texts equal. Everything here is strict in both directions.
 */

/** Number of UTF-8 bytes of a text, or -1 if it contains a lone surrogate. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit < 0xd800 || unit > 0xdfff) bytes += 3;
    else {
      const next = i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
      if (unit > 0xdbff || next < 0xdc00 || next > 0xdfff) return -1;
      bytes += 4;
      i++;
    }
  }
  return bytes;
}

/** Writes a well-formed text at `at` and returns the offset after it. The buffer must have room (see utf8Length). */
export function encodeUtf8(text: string, buffer: Uint8Array, at: number): number {
  let to = at;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      buffer[to++] = unit;
    } else if (unit < 0x800) {
      buffer[to++] = 0xc0 | (unit >> 6);
      buffer[to++] = 0x80 | (unit & 0x3f);
    } else if (unit < 0xd800 || unit > 0xdfff) {
      buffer[to++] = 0xe0 | (unit >> 12);
      buffer[to++] = 0x80 | ((unit >> 6) & 0x3f);
      buffer[to++] = 0x80 | (unit & 0x3f);
    } else {
      const point = 0x10000 + ((unit - 0xd800) << 10) + (text.charCodeAt(++i) - 0xdc00);
      buffer[to++] = 0xf0 | (point >> 18);
      buffer[to++] = 0x80 | ((point >> 12) & 0x3f);
      buffer[to++] = 0x80 | ((point >> 6) & 0x3f);
      buffer[to++] = 0x80 | (point & 0x3f);
    }
  }
  return to;
}

/** Order of two texts by their UTF-8 bytes, which is the order by code points (and not that of `<` on strings). */
export function compareTexts(a: string, b: string): number {
  const length = a.length < b.length ? a.length : b.length;
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      // Surrogates (code points from 2^16) come after all other units, although their values are smaller than some.
      const wideX = x >= 0xd800 && x <= 0xdfff;
      const wideY = y >= 0xd800 && y <= 0xdfff;
      return wideX === wideY ? x - y : wideX ? 1 : -1;
    }
  }
  return a.length - b.length;
}

/**
 * Recently read short texts, one per slot. The same ids and addresses arrive again and again; a hit allocates nothing
 * and returns a string whose hash the engine already knows. What is returned depends on the bytes only.
 */
const RECENT_SLOTS = 8192;
const RECENT_MAX_LENGTH = 64;
const recent: string[] = new Array<string>(RECENT_SLOTS).fill('');

/** The text in bytes `from` to `to` if all of them are ASCII, else undefined. */
export function readAsciiText(bytes: Uint8Array, from: number, to: number): string | undefined {
  const length = to - from;
  let hash = length;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (byte > 0x7f) return undefined;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  if (length > RECENT_MAX_LENGTH) return asciiText(bytes, from, to);
  const slot = (hash ^ (hash >>> 13)) & (RECENT_SLOTS - 1);
  const known = recent[slot]!;
  if (known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === bytes[from + i]) i++;
    if (i === length) return known;
  }
  return (recent[slot] = asciiText(bytes, from, to));
}

function asciiText(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  // In pieces, since arguments go on the stack.
  for (let at = from; at < to; at += 4096) {
    const piece = bytes.subarray(at, at + 4096 < to ? at + 4096 : to);
    text += String.fromCharCode.apply(null, piece as unknown as number[]);
  }
  return text;
}

/**
 * The text in bytes `from` to `to`, or the offset of the first byte that is not part of well-formed UTF-8 (a stray or
 * missing continuation, an overlong form, a surrogate, a code point above 10FFFF).
 */
export function readUtf8(bytes: Uint8Array, from: number, to: number): string | number {
  let text = '';
  let at = from;
  while (at < to) {
    const lead = bytes[at]!;
    if (lead < 0x80) {
      text += String.fromCharCode(lead);
      at++;
      continue;
    }
    let more: number;
    let point: number;
    // The second byte has a narrower range after some leads: that is what excludes overlong forms and surrogates.
    let low = 0x80;
    let high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
      more = 1;
      point = lead & 0x1f;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2;
      point = lead & 0x0f;
      if (lead === 0xe0) low = 0xa0;
      else if (lead === 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3;
      point = lead & 0x07;
      if (lead === 0xf0) low = 0x90;
      else if (lead === 0xf4) high = 0x8f;
    } else {
      return at;
    }
    for (let i = 1; i <= more; i++) {
      const byte = at + i < to ? bytes[at + i]! : 0;
      if (byte < low || byte > high) return at;
      point = (point << 6) | (byte & 0x3f);
      low = 0x80;
      high = 0xbf;
    }
    text += String.fromCodePoint(point);
    at += more + 1;
  }
  return text;
}
