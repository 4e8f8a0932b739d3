/** Pieces of the API's schemas that several endpoints use. Units stand at the end of names; amounts are decimal texts. */
import { z } from 'zod';

export const uakt = z.string().regex(/^\d+$/, 'a decimal text').describe('micro-AKASH');
export const paktPerS = z.string().regex(/^\d+$/, 'a decimal text').describe('pico-AKASH per second');
export const us = z.int().min(0).describe('microseconds');
export const ppm = z.int().min(0).max(1_000_000).describe('parts per million');
export const count = z.int().min(0);
export const height = z.int().min(0).describe('number of a block');
export const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits')
  .describe('32 bytes in hexadecimal');
export const hex = z
  .string()
  .regex(/^([0-9a-f]{2})*$/, 'hexadecimal digits')
  .describe('canonical bytes in hexadecimal');
export const address = z.string().max(128).describe('account address');
/** What whoever runs the network calls an account. */
export const name = z.string().nullable().describe('name given by whoever runs the network, if any');
export const id = z.string().max(200);
export const leaseState = z.enum(['pending', 'active', 'closing']);

export const compute = z.strictObject({
  cpu_milli: count.describe('thousandths of a vCPU'),
  memory_bytes: count,
  disk_bytes: count,
  bandwidth_bps: count.describe('0: any'),
  gpu_milli: count.describe('thousandths of a GPU'),
});

export const resources = z.array(z.strictObject({ compute, price_pakt_per_s: paktPerS, collateral_uakt: uakt, count }));

export const infrastructure = z.strictObject({
  region: z.string().describe('empty: any'),
  persist: z.boolean(),
  resources,
  attributes: z.record(z.string(), z.string()),
  reputation_at_least_ppm: ppm,
});

/** A path with one id in it. Slashes in it may be written as they are or as %2F. */
export function pathOf<N extends string>(field: N, what: string, most = 200) {
  return z.object({ [field]: z.string().min(1).max(most, `at most ${most} characters`).describe(what) } as {
    [K in N]: z.ZodString;
  });
}

/** A whole number from 1 up in a query, which is text. */
export function countUpTo(most: number) {
  const words = `a whole number from 1 to ${most}`;
  return z.coerce.number(words).int(words).min(1, words).max(most, words);
}

const SEQUENCE = 'a sequence number';

/** How a long list is read, newest first: a page, and where the next one begins. */
export const page = z.object({
  limit: countUpTo(1_000).default(100).describe('entries of the page'),
  before: z.coerce
    .number(SEQUENCE)
    .int(SEQUENCE)
    .min(0, SEQUENCE)
    .optional()
    .describe('only entries with a lower sequence: `next` of the page before'),
});
export type Page = z.output<typeof page>;

export const next = z.int().nullable().describe('what `before` of the next page is; null: this was the last');
