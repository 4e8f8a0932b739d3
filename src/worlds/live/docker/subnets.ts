/**
 * Address arithmetic for the private networks: which piece of the pool a network gets, what is no address of the
 * internet. IPv4 only, as the networks are.
 */
import { isIPv4 } from 'node:net';

/** Addresses of the operator's own networks, this machine's neighbours and the cloud's, and of nobody. */
export const NOT_THE_INTERNET = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/3',
];

function asNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function asAddress(value: number): string {
  return [24, 16, 8, 0].map(shift => Math.floor(value / 2 ** shift) % 256).join('.');
}

function parseRange(range: string): { readonly base: number; readonly bits: number } {
  const [address = '', bits = ''] = range.split('/');
  if (!isIPv4(address) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) {
    throw new RangeError(`a range of addresses must be like 10.223.0.0/16, found ${range}`);
  }
  const size = 2 ** (32 - Number(bits));
  return { base: Math.floor(asNumber(address) / size) * size, bits: Number(bits) };
}

/** Whether an IPv4 address lies within a range such as 10.0.0.0/8. */
export function isWithin(address: string, range: string): boolean {
  const { base, bits } = parseRange(range);
  const value = asNumber(address);
  return value >= base && value < base + 2 ** (32 - bits);
}

/** Whether an IPv4 address is one of the internet's. */
export function isOfTheInternet(address: string): boolean {
  return isIPv4(address) && !NOT_THE_INTERNET.some(range => isWithin(address, range));
}

/**
 * The pieces of a pool, each a range, from a place on that `seed` decides and round: who begins elsewhere seldom meets
 * what another has taken.
 * @param bits of the prefix of a piece
 * @param most how many are given at the most
 */
export function* subnets(pool: string, bits: number, seed: number, most: number): Generator<string> {
  const { base, bits: poolBits } = parseRange(pool);
  if (bits < poolBits) throw new RangeError(`pieces of a pool ${pool} cannot be as large as /${bits}`);
  const count = 2 ** (bits - poolBits);
  const size = 2 ** (32 - bits);
  for (let i = 0; i < Math.min(count, most); i += 1) yield `${asAddress(base + ((seed + i) % count) * size)}/${bits}`;
}
