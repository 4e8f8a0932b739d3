/**
 * Values of the protocol as JSON: amounts as decimal texts, bytes in hexadecimal, names in snake case with their unit at
 * the end, so that no number leaves this place without saying what it counts.
 */
import { bytesToHex } from '@noble/hashes/utils.js';

/** Units of fields, by the names that the protocol gives them. */
const UNITS: Readonly<Record<string, string>> = {
  amount: 'uakt',
  tax: 'uakt',
  paid: 'uakt',
  unpaid: 'uakt',
  escrow: 'uakt',
  refund: 'uakt',
  collateral: 'uakt',
  forfeited: 'uakt',
  toTenant: 'uakt',
  burned: 'uakt',
  stakeSlashed: 'uakt',
  fee: 'uakt',
  limit: 'uakt',
  total: 'pakt_per_s',
  price: 'pakt_per_s',
  prices: 'pakt_per_s',
  maximum: 'pakt_per_s',
  closesAt: 'us',
  until: 'us',
  maturesAt: 'us',
  openFor: 'us',
  endsAt: 'height',
  effectiveAt: 'height',
  matchFrom: 'height',
  waitDuration: 'blocks',
  missed: 'blocks',
  cpu: 'milli',
  gpu: 'milli',
  memory: 'bytes',
  disk: 'bytes',
  bandwidth: 'bps',
  reputationAtLeast: 'ppm',
  commission: 'ppm',
};

/** Fields whose keys are somebody's words and stay as they are. */
const VERBATIM = new Set(['attributes']);

/** `closesAt` as `closes_at_us`. */
export function fieldName(name: string): string {
  const snake = name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
  const unit = Object.hasOwn(UNITS, name) ? UNITS[name] : undefined;
  return unit === undefined ? snake : `${snake}_${unit}`;
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/**
 * A value as JSON holds it.
 * @throws Error for an amount in a field whose unit nobody knows, and for what is no value of the protocol
 */
export function toJson(value: unknown, field = ''): Json {
  if (typeof value === 'bigint') {
    if (!Object.hasOwn(UNITS, field))
      throw new Error(`found an amount in the field ${field}, expected one with a unit`);
    return value.toString();
  }
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof Uint8Array) return bytesToHex(value);
  if (Array.isArray(value)) return value.map(one => toJson(one, field));
  if (typeof value !== 'object') throw new Error(`found a ${typeof value} in the field ${field}, expected a value`);
  if (VERBATIM.has(field)) return { ...(value as Record<string, string>) };
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [fieldName(name), toJson(inner, name)]));
}
