/**
 * A fast 128-bit hash for traces, tables and simulated signatures. NOT cryptographic: whoever wants a collision finds one.
 *
 * The core is MurmurHash3_x86_128 (public domain, Austin Appleby) on four 32-bit lanes, started from lanes of the
 * caller's choice instead of one 32-bit seed. The keyed form starts from the lanes that hashing the key itself gives.
 * Bytes are assembled one by one: the compiler merges that well, and neither alignment nor a DataView is needed.
 */

const C1 = 0x239b961b;
const C2 = 0xab0e9789 | 0;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93 | 0;

/**
 * Hashes bytes `start` to `end` of `data` from the lanes in `lanes` and leaves the result there. Four equal lanes are
 * the seed of the original; feeding a result back in chains hashes.
 */
export function murmur128(lanes: Int32Array, data: Uint8Array, start: number, end: number): void {
  // Out of range, reads would be undefined and silently hash as zeros.
  if (!(start >= 0 && start <= end && end <= data.length)) {
    throw new RangeError(`cannot hash bytes ${start} to ${end} of ${data.length}`);
  }
  let h1 = lanes[0]! | 0;
  let h2 = lanes[1]! | 0;
  let h3 = lanes[2]! | 0;
  let h4 = lanes[3]! | 0;
  const length = end - start;
  let p = start;
  for (const blocks = start + (length & ~15); p < blocks; p += 16) {
    let k1 = data[p]! | (data[p + 1]! << 8) | (data[p + 2]! << 16) | (data[p + 3]! << 24);
    let k2 = data[p + 4]! | (data[p + 5]! << 8) | (data[p + 6]! << 16) | (data[p + 7]! << 24);
    let k3 = data[p + 8]! | (data[p + 9]! << 8) | (data[p + 10]! << 16) | (data[p + 11]! << 24);
    let k4 = data[p + 12]! | (data[p + 13]! << 8) | (data[p + 14]! << 16) | (data[p + 15]! << 24);
    k1 = Math.imul(k1, C1);
    h1 ^= Math.imul((k1 << 15) | (k1 >>> 17), C2);
    h1 = (Math.imul((((h1 << 19) | (h1 >>> 13)) + h2) | 0, 5) + 0x561ccd1b) | 0;
    k2 = Math.imul(k2, C2);
    h2 ^= Math.imul((k2 << 16) | (k2 >>> 16), C3);
    h2 = (Math.imul((((h2 << 17) | (h2 >>> 15)) + h3) | 0, 5) + 0x0bcaa747) | 0;
    k3 = Math.imul(k3, C3);
    h3 ^= Math.imul((k3 << 17) | (k3 >>> 15), C4);
    h3 = (Math.imul((((h3 << 15) | (h3 >>> 17)) + h4) | 0, 5) + 0x96cd1c35) | 0;
    k4 = Math.imul(k4, C4);
    h4 ^= Math.imul((k4 << 18) | (k4 >>> 14), C1);
    h4 = (Math.imul((((h4 << 13) | (h4 >>> 19)) + h1) | 0, 5) + 0x32ac3b17) | 0;
  }
  const rest = end - p;
  if (rest > 0) {
    let k1 = 0;
    let k2 = 0;
    let k3 = 0;
    let k4 = 0;
    for (let i = 0; i < rest; i++) {
      const bits = data[p + i]! << ((i & 3) << 3);
      if (i < 4) k1 |= bits;
      else if (i < 8) k2 |= bits;
      else if (i < 12) k3 |= bits;
      else k4 |= bits;
    }
    // A lane without bytes mixes to zero and so changes nothing, as in the original.
    k4 = Math.imul(k4, C4);
    h4 ^= Math.imul((k4 << 18) | (k4 >>> 14), C1);
    k3 = Math.imul(k3, C3);
    h3 ^= Math.imul((k3 << 17) | (k3 >>> 15), C4);
    k2 = Math.imul(k2, C2);
    h2 ^= Math.imul((k2 << 16) | (k2 >>> 16), C3);
    k1 = Math.imul(k1, C1);
    h1 ^= Math.imul((k1 << 15) | (k1 >>> 17), C2);
  }
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  h1 = avalanche(h1);
  h2 = avalanche(h2);
  h3 = avalanche(h3);
  h4 = avalanche(h4);
  h1 = (h1 + h2 + h3 + h4) | 0;
  lanes[0] = h1;
  lanes[1] = h2 + h1;
  lanes[2] = h3 + h1;
  lanes[3] = h4 + h1;
}

function avalanche(lane: number): number {
  let h = lane;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * The 128-bit hash of bytes `start` to `end` of `data` under a key of any length, into the four words of `out`. Under
 * the empty key it is MurmurHash3_x86_128 with seed 0.
 */
export function keyedHash128(key: Uint8Array, data: Uint8Array, start: number, end: number, out: Int32Array): void {
  out[0] = 0;
  out[1] = 0;
  out[2] = 0;
  out[3] = 0;
  if (key.length > 0) murmur128(out, key, 0, key.length);
  murmur128(out, data, start, end);
}

/** Four words as 16 bytes, little-endian. */
export function lanesToBytes(lanes: Int32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 16; i++) bytes[i] = lanes[i >> 2]! >>> ((i & 3) << 3);
  return bytes;
}

/** Four words as 32 lower-case hexadecimal digits, each word most significant digit first. */
export function lanesToHex(lanes: Int32Array): string {
  let text = '';
  for (let i = 0; i < 4; i++) text += (lanes[i]! >>> 0).toString(16).padStart(8, '0');
  return text;
}
