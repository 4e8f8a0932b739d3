/**
 * What a transport is told when it is made: who it is, whom it knows, where it listens, and how much of anything it
 * takes. Every limit has a default that suits a network of some hundred participants.
 */
import { MAX_MESSAGE_BYTES, type PeerName } from '../../../actors/actor.ts';
import { LEAF_VALIDITY_MS, type TlsIdentity } from '../identity/identity.ts';
import type { PeerAddress, TransportEvents } from '../ports.ts';

/** Kinds of trouble with peers. Each is logged once for each offender, then not again for an hour. */
export type TransportTrouble =
  /** No TLS 1.3 with our protocol: plain text, garbage, old versions, silence, too slow. */
  | 'handshake'
  /** The certificates do not prove who it should be. */
  | 'certificate'
  /** Whom we do not know, where only the known may come. */
  | 'unknown-identity'
  /** Bytes that our protocol does not have. */
  | 'malformed-frame'
  /** A frame, or the greeting, that took too long. */
  | 'too-slow'
  /** More connections or handshakes than it may have. */
  | 'too-many'
  /** Not a peer's doing: a certificate of our own that could not be renewed, a listener that reports an error. */
  | 'own-trouble'
  /** So many offences at once that some were not logged. */
  | 'suppressed';

export interface TransportLogEvent {
  readonly level: 'info' | 'warn' | 'error';
  readonly what: TransportTrouble;
  /** The peer's name, where its certificate has proven who it is, or where we called it by that name. */
  readonly peer?: PeerName;
  /** `address:port` of the other end. */
  readonly remote?: string;
  readonly reason: string;
}

export interface TransportLimits {
  /** From `connect` or `openTunnel` to `connected` or `tunnel`: TCP, TLS and greeting together. */
  readonly connectTimeout_ms: number;
  /** What an inbound connection has for its TLS handshake. */
  readonly handshakeTimeout_ms: number;
  /** What it then has for its greeting. */
  readonly helloTimeout_ms: number;
  /** From the first byte of a frame to its last. */
  readonly partialFrameTimeout_ms: number;
  /** A connection over which nothing came for so long is given up. Two pings are sent in that time. */
  readonly keepAlive_ms: number;
  /** A peer that is there but takes none of our messages for so long is given up. */
  readonly stallTimeout_ms: number;
  /**
   * How long what was sent before a `disconnect` or a `close` may take without progress until it is dropped; twelve times
   * that in all. A refusal has it once.
   */
  readonly lingerTimeout_ms: number;
  /** Messages that a connection may have under way: sent, and not yet taken in by the peer's transport. */
  readonly queueMessages: number;
  /** Their bytes. */
  readonly queueBytes: number;
  /** The same in all: where there are many connections, each has its share of it, but never less than two messages. */
  readonly queueBytesInAll: number;
  /** Frames of one connection that are handled before others have their turn. */
  readonly framesPerTurn: number;
  /** Inbound connections in all, messages and tunnels together, those included that are still shaking hands. */
  readonly maxInbound: number;
  /** The same from one host. All participants of one machine share this. */
  readonly maxInboundPerRemote: number;
  /** Inbound connections for messages of one identity. */
  readonly maxInboundPerIdentity: number;
  /** Inbound tunnels of one identity. */
  readonly maxInboundTunnelsPerIdentity: number;
  /** Inbound connections that have not greeted yet. */
  readonly maxHandshakes: number;
  /** The same from one host: whoever keeps its handshakes open leaves room for others. */
  readonly maxHandshakesPerRemote: number;
  /** Inbound handshakes each second, in all; as many again may come at once. */
  readonly handshakesPerSecond: number;
  /** The same from one host. */
  readonly handshakesPerSecondPerRemote: number;
  /** Calls of our own that have not been answered yet; connections and tunnels. */
  readonly maxCalls: number;
  /** Connections of our own calling. */
  readonly maxOutbound: number;
  /** Tunnels of our own. */
  readonly maxTunnels: number;
  /** How long a leaf certificate of our own is good for; a new one is made halfway. */
  readonly leafValidity_ms: number;
}

export const DEFAULT_LIMITS: TransportLimits = {
  connectTimeout_ms: 10_000,
  handshakeTimeout_ms: 5_000,
  helloTimeout_ms: 5_000,
  partialFrameTimeout_ms: 30_000,
  keepAlive_ms: 15_000,
  stallTimeout_ms: 60_000,
  lingerTimeout_ms: 5_000,
  queueMessages: 4_096,
  queueBytes: 16 * 1024 * 1024,
  queueBytesInAll: 256 * 1024 * 1024,
  framesPerTurn: 256,
  maxInbound: 1_024,
  maxInboundPerRemote: 512,
  maxInboundPerIdentity: 8,
  maxInboundTunnelsPerIdentity: 256,
  maxHandshakes: 128,
  maxHandshakesPerRemote: 64,
  handshakesPerSecond: 200,
  handshakesPerSecondPerRemote: 100,
  maxCalls: 256,
  maxOutbound: 1_024,
  maxTunnels: 1_024,
  leafValidity_ms: LEAF_VALIDITY_MS,
};

export interface LiveTransportOptions {
  readonly identity: TlsIdentity;
  readonly events: TransportEvents;
  /**
   * Where a peer of this name listens and whose key answers there; null for names that nobody bears. Names of the form
   * `akash1…@host:port` say all that themselves and need no answer.
   */
  readonly resolve: (name: PeerName) => PeerAddress | null;
  /** The name under which an account address is known; null when it is not. */
  readonly nameOf: (address: string) => PeerName | null;
  /** Told of trouble with peers, never more than once an hour for each offender and kind. */
  readonly log: (event: TransportLogEvent) => void;
  /** Where to listen; null: only call. `host` is the loopback unless told otherwise, `port` 0 is any that is free. */
  readonly listen: { readonly host?: string; readonly port?: number } | null;
  /** Whether identities without a name may connect; their name is then their address. */
  readonly acceptsUnknown: boolean;
  readonly limits?: Partial<TransportLimits>;
  /** The clock by which certificates are judged and made; milliseconds since 1970. */
  readonly now_ms?: () => number;
}

/** The limits with their defaults. Throws RangeError, naming the limit, for what cannot be one. */
export function limitsOf(given: Partial<TransportLimits> = {}): TransportLimits {
  const limits = { ...DEFAULT_LIMITS, ...given };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${name} must be a positive whole number, found ${value}`);
    }
  }
  if (limits.queueBytes < MAX_MESSAGE_BYTES) {
    throw new RangeError(`queueBytes must hold a message of ${MAX_MESSAGE_BYTES} bytes, found ${limits.queueBytes}`);
  }
  return limits;
}
