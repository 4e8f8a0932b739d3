/**
 * How places in a network are written: `host:port`, and with the account whose key must answer there,
 * `akash1...@host:port`. An IPv6 host stands in brackets: `[::1]:26600`.
 */
import { isIPv6 } from 'node:net';
import { isAddress } from '../../../protocol/codec/address.ts';
import type { PeerAddress } from '../../../worlds/live/ports.ts';
import { field } from '../../scenario/fields.ts';
import { QuantityError, show } from '../../scenario/units.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const MAX_PORT = 65_535;
const ENDPOINT = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)):(\d{1,5})$/;

const EXPECTED_LISTEN = 'host:port such as 127.0.0.1:26600 or [::1]:26600 (port 0: any that is free)';
const EXPECTED_PEER = 'an account and its place, such as akash1...@10.0.0.2:26600';

function split(value: string): Endpoint | null {
  const match = ENDPOINT.exec(value);
  if (match === null) return null;
  const port = Number(match[3]);
  if (port > MAX_PORT || (match[1] !== undefined && !isIPv6(match[1]))) return null;
  return { host: match[1] ?? match[2]!, port };
}

/**
 * `host:port`. Port 0 stands for any that is free.
 * @throws QuantityError
 */
export function parseEndpoint(value: unknown): Endpoint {
  const found = typeof value === 'string' ? split(value) : null;
  if (found === null) throw new QuantityError(show(value), EXPECTED_LISTEN);
  return found;
}

/**
 * `akash1...@host:port`
 * @throws QuantityError
 */
export function parsePeer(value: unknown): PeerAddress {
  const cut = typeof value === 'string' ? value.indexOf('@') : -1;
  const address = cut < 0 ? '' : (value as string).slice(0, cut);
  const place = cut < 0 ? null : split((value as string).slice(cut + 1));
  if (place === null || place.port === 0 || !isAddress(address)) throw new QuantityError(show(value), EXPECTED_PEER);
  return { ...place, address };
}

export function endpointText({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

export function peerText({ address, ...place }: PeerAddress): string {
  return `${address}@${endpointText(place)}`;
}

const TEXT = { type: 'string' };
export const endpoint = field(parseEndpoint, { ...TEXT, description: EXPECTED_LISTEN });
export const peer = field(parsePeer, { ...TEXT, description: EXPECTED_PEER });

/** Whether only this machine can reach a host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.(\d{1,3}\.){2}\d{1,3}$/.test(host);
}
