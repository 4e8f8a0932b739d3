/** SHA-256 by the book: slow, obvious, sharing nothing with the code under test. */

/** The first `bits` bits of the fractional part of the root of n, by bisection in integers. */
function fractionOfRoot(n: bigint, degree: bigint): number {
  // floor(n^(1/degree) * 2^32) modulo 2^32.
  const target = n << (32n * degree);
  let low = 0n;
  let high = 1n << 40n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** degree <= target) low = middle;
    else high = middle;
  }
  return Number(BigInt.asUintN(32, low));
}

function primes(count: number): bigint[] {
  const found: bigint[] = [];
  for (let n = 2n; found.length < count; n++) if (found.every(p => n % p !== 0n)) found.push(n);
  return found;
}

const K = primes(64).map(p => fractionOfRoot(p, 3n));
/** The initial state of standard SHA-256, derived from the primes. */
export const STANDARD_STATE: readonly number[] = primes(8).map(p => fractionOfRoot(p, 2n));

const rotate = (x: number, n: number) => ((x >>> n) | (x << (32 - n))) >>> 0;

/** One compression of a 64-byte block. */
export function compressBlock(state: readonly number[], block: Uint8Array): number[] {
  const view = new DataView(block.buffer, block.byteOffset, 64);
  const w: number[] = [];
  for (let i = 0; i < 16; i++) w.push(view.getUint32(4 * i));
  for (let i = 16; i < 64; i++) {
    const s0 = rotate(w[i - 15]!, 7) ^ rotate(w[i - 15]!, 18) ^ (w[i - 15]! >>> 3);
    const s1 = rotate(w[i - 2]!, 17) ^ rotate(w[i - 2]!, 19) ^ (w[i - 2]! >>> 10);
    w.push((w[i - 16]! + s0 + w[i - 7]! + s1) >>> 0);
  }
  let [a, b, c, d, e, f, g, h] = state as [number, number, number, number, number, number, number, number];
  for (let i = 0; i < 64; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i]! + w[i]!) >>> 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) >>> 0;
    [a, b, c, d, e, f, g, h] = [(t1 + t2) >>> 0, a, b, c, (d + t1) >>> 0, e, f, g];
  }
  return [a, b, c, d, e, f, g, h].map((word, i) => (word + state[i]!) >>> 0);
}

/** A state as 32 bytes. */
export function stateBytes(state: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(32);
  for (const [i, word] of state.entries()) new DataView(bytes.buffer).setUint32(4 * i, word);
  return bytes;
}

/** A tag as a 64-byte block. */
export function tagBytes(tag: string): Uint8Array {
  const block = new Uint8Array(64);
  block.set(new TextEncoder().encode(tag));
  return block;
}
