/**
 * Orders of names. Which service comes first decides the numbers of resources and so the hash of a manifest.
 *
 * The official tool sorts some lists by UTF-16 code units and others as its runtime sorts words for readers, where `B`
 * comes after `a` and `_` before `-`. That second order is written out here, for it must not depend on a runtime: in full
 * for ASCII and for letters with accents; what is neither (another alphabet, `ø`, `ß`) comes after `z` by code points.
 */

/** By UTF-16 code units. */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Everything in ASCII that counts, from the first to the last; letters of either case rank alike at first. */
const ASCII = '\t\n\v\f\r _-,;:!?.\'"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz';
const RANK: ReadonlyMap<string, number> = new Map(Array.from(ASCII, (one, i) => [one, i + 1]));
/** Letters of other alphabets come after the last of ASCII. */
const BEYOND = 0x100;

/** Order of words for readers: letters first, then accents, then small before capital; code units where all agree. */
export function byWords(a: string, b: string): number {
  if (a === b) return 0;
  const left = ranks(a);
  const right = ranks(b);
  return (
    compareLists(left.letters, right.letters) ||
    compareLists(left.accents, right.accents) ||
    compareLists(left.cases, right.cases) ||
    byCodeUnits(a, b)
  );
}

function ranks(word: string): { letters: number[]; accents: number[]; cases: number[] } {
  const letters: number[] = [];
  const accents: number[] = [];
  const cases: number[] = [];
  for (const one of word.normalize('NFD')) {
    const small = one.toLowerCase();
    const point = small.codePointAt(0)!;
    if (point >= 0x300 && point <= 0x36f) {
      accents[Math.max(0, letters.length - 1)] = point;
      continue;
    }
    const rank = RANK.get(small) ?? (point < 0x80 ? 0 : BEYOND + point);
    // Control characters do not count.
    if (rank === 0) continue;
    letters.push(rank);
    accents[letters.length - 1] = 0;
    cases.push(small === one ? 0 : 1);
  }
  return { letters, accents, cases };
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length && i < b.length; i += 1) {
    if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0);
  }
  return a.length - b.length;
}
