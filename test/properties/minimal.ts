/**
 * The smallest part of a failing list that still fails in the same way: halves, quarters, ... are left out while the
 * failure stays what it is. fast-check shrinks values one after the other, which is too slow for lists of hundreds.
 */

/** What distinguishes one failure from another; undefined when nothing failed. */
export type Verdict = string | undefined;

/**
 * @param judge runs a list and names its failure
 * @param budget how many runs may be spent
 */
export function minimalFailing<T>(
  list: readonly T[],
  judge: (part: readonly T[]) => Verdict,
  budget: number,
): readonly T[] {
  const original = judge(list);
  if (original === undefined) throw new Error('the list does not fail');
  let smallest = list;
  let runs = 0;
  for (let size = Math.ceil(smallest.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < smallest.length && runs < budget; ) {
      const part = [...smallest.slice(0, start), ...smallest.slice(start + size)];
      runs += 1;
      if (judge(part) === original) smallest = part;
      else start += size;
    }
  }
  return smallest;
}
