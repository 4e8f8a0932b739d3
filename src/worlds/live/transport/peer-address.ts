/** Names of peers that say all that is needed to call them: `akash1…@host:port`, with IPv6 hosts in brackets. */
import { isAddress } from '../../../protocol/codec/address.ts';
import type { PeerAddress } from '../ports.ts';

/** Longest name of a host (RFC 1035), with brackets to spare. */
const MAX_HOST = 255;

/** Where such a name leads; null when it is not of that form. */
export function parsePeerAddress(name: string): PeerAddress | null {
  const parts = /^(akash1[a-z0-9]+)@(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(name);
  if (parts === null) return null;
  const [, address, bracketed, plain, digits] = parts;
  const host = bracketed ?? plain!;
  const port = Number(digits);
  if (!isAddress(address!) || host.length > MAX_HOST || port < 1 || port > 65_535) return null;
  return { address: address!, host, port };
}

/** The same, written; what `parsePeerAddress` reads. */
export function formatPeerAddress({ address, host, port }: PeerAddress): string {
  return `${address}@${host.includes(':') ? `[${host}]` : host}:${port}`;
}
