/** How long before its beginning a live run starts its processes. */
import { expect, test } from 'vitest';
import { leadOf } from '../../../../src/lab/live/run/lead.ts';

test('more processes, fewer cores and a slower machine take longer, within bounds', () => {
  expect(leadOf(7, 2_000, 2)).toBe(1_000 + 1_200 * 3.5);
  expect(leadOf(14, 2_000, 2)).toBeGreaterThan(leadOf(7, 2_000, 2));
  expect(leadOf(7, 4_000, 2)).toBeGreaterThan(leadOf(7, 2_000, 2));
  // Where each has a core of its own, they start side by side.
  expect(leadOf(7, 2_000, 64)).toBe(2_200);
  // In a process that has run for an hour the load of the launcher says nothing.
  expect(leadOf(7, 3_600_000, 2)).toBe(leadOf(7, 8_000, 2));
  expect(Number.isSafeInteger(leadOf(3))).toBe(true);
});
