/**
 * What a tenant and a provider say to each other about a lease, over a connection of their own that the tenant opens to
 * the provider's endpoint: who they are, the manifest, how the workloads are, and what they wrote.
 *
 * First both prove their accounts (lease-session.ts). Then, lease by lease: the tenant offers a manifest by its hash; the
 * provider, which knows the hash from the chain, wants it or has it already; the tenant sends it in chunks; the provider
 * answers when it is stored for good, or says why not. From then on it tells how the workloads are whenever that changes.
 */
import type { WorkloadAddress } from './actor.ts';

/** A piece of a manifest: with its envelope it stays below a message's limit. */
export const MANIFEST_CHUNK_BYTES = 128 * 1024;
/** Services that a status tells of; addresses over all of them. */
export const MAX_STATUS_SERVICES = 256;
export const MAX_STATUS_ADDRESSES = 512;
/** Of an answer with log lines: replicas, lines of each, and UTF-16 units over all lines, the newest of each kept. */
export const MAX_LOG_REPLICAS = 32;
export const MAX_LOG_LINES = 1_000;
export const MAX_LOG_UNITS = 48 * 1024;
/** Longest explanation, UTF-16 units. */
export const MAX_DETAIL = 240;

/** Why a session is not opened. `busy` and `not_ready` pass. */
export type SessionRefusal = 'bad_proof' | 'busy' | 'not_ready';

/** What became of a manifest that was offered. */
export type ManifestVerdict =
  /** It is stored, and what it describes is started. */
  | 'accepted'
  /** The provider does not know this lease, or not any more: it may be a block behind. */
  | 'unknown_lease'
  /** The lease is somebody else's. */
  | 'not_tenant'
  /** Another version stands on the chain, as far as the provider has followed it. */
  | 'wrong_version'
  | 'too_large'
  /** The bytes have another hash than was said. */
  | 'wrong_hash'
  /** The bytes are no manifest in its canonical form. */
  | 'malformed'
  /** The manifest does not ask for what the lease holds. */
  | 'mismatch'
  /** Too much is under way already. */
  | 'busy'
  /** The rest of it did not come. */
  | 'timeout';

/** Whether the same manifest may be accepted later. */
export function isPassing(verdict: ManifestVerdict): boolean {
  return verdict === 'unknown_lease' || verdict === 'wrong_version' || verdict === 'busy' || verdict === 'timeout';
}

/** How a service of a lease is. */
export interface ServiceStatus {
  readonly name: string;
  /** Replicas that the manifest asks for, and those that run. */
  readonly wanted: number;
  readonly running: number;
  /** Where its ports are reached from outside, where the world has such. */
  readonly addresses: readonly WorkloadAddress[];
}

export interface LeaseStatus {
  readonly lease: string;
  /** Of the manifest whose workloads these are; null: none has arrived. */
  readonly version: Uint8Array | null;
  /** By name; at most MAX_STATUS_SERVICES. */
  readonly services: readonly ServiceStatus[];
}

export type LogVerdict = 'ok' | 'unknown_lease' | 'unknown_service' | 'busy';

/** What a replica of a service wrote; null: there is nothing to be had. */
export interface ReplicaLog {
  readonly service: string;
  readonly replica: number;
  readonly lines: readonly string[] | null;
}

export type LeaseWire =
  /** First on the connection, from the tenant. */
  | { readonly type: 'tenantHello'; readonly tenant: string; readonly challenge: Uint8Array }
  | {
      readonly type: 'providerHello';
      readonly provider: string;
      readonly challenge: Uint8Array;
      readonly key: Uint8Array;
      readonly signature: Uint8Array;
    }
  | { readonly type: 'tenantProof'; readonly key: Uint8Array; readonly signature: Uint8Array }
  /** The last on a connection, from the provider. */
  | { readonly type: 'sessionRefused'; readonly code: SessionRefusal }
  /** `group`: name of the manifest's group that this lease is for. `bytes`: how many there are. */
  | {
      readonly type: 'manifestOffer';
      readonly lease: string;
      readonly version: Uint8Array;
      readonly group: string;
      readonly bytes: number;
    }
  | { readonly type: 'manifestWanted'; readonly lease: string; readonly version: Uint8Array }
  | {
      readonly type: 'manifestChunk';
      readonly lease: string;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  | {
      readonly type: 'manifestResult';
      readonly lease: string;
      readonly version: Uint8Array;
      readonly code: ManifestVerdict;
      readonly detail: string;
    }
  | { readonly type: 'getLeaseStatus'; readonly lease: string }
  | { readonly type: 'leaseStatus'; readonly status: LeaseStatus }
  /** `service`: empty for all of them. `serial`: the tenant's own, to tell answers apart. */
  | {
      readonly type: 'getLeaseLog';
      readonly serial: number;
      readonly lease: string;
      readonly service: string;
      readonly lines: number;
    }
  | {
      readonly type: 'leaseLog';
      readonly serial: number;
      readonly code: LogVerdict;
      readonly replicas: readonly ReplicaLog[];
    };

const TYPE_DIGEST: { readonly [T in LeaseWire['type']]: number } = {
  tenantHello: 40,
  providerHello: 41,
  tenantProof: 42,
  sessionRefused: 43,
  manifestOffer: 44,
  manifestWanted: 45,
  manifestChunk: 46,
  manifestResult: 47,
  getLeaseStatus: 48,
  leaseStatus: 49,
  getLeaseLog: 50,
  leaseLog: 51,
};

/** Whether a message is one of these. */
export function isLeaseWire<Other extends { readonly type: string }>(message: LeaseWire | Other): message is LeaseWire {
  return Object.hasOwn(TYPE_DIGEST, message.type);
}

/** 32 bits that tell messages apart in a trace, read off what the message carries already. */
export function digestOfLeaseWire(message: LeaseWire): number {
  const base = Math.imul(TYPE_DIGEST[message.type], 0x9e3779b1);
  switch (message.type) {
    case 'tenantHello':
    case 'providerHello':
      return base ^ mixBytes(message.challenge);
    case 'tenantProof':
      return base ^ mixBytes(message.signature);
    case 'manifestOffer':
      return base ^ mixBytes(message.version) ^ message.bytes;
    case 'manifestWanted':
      return base ^ mixBytes(message.version);
    case 'manifestChunk':
      return base ^ Math.imul(message.offset + 1, 0x85ebca6b) ^ message.bytes.length;
    case 'manifestResult':
      return base ^ mixBytes(message.version) ^ Math.imul(message.code.length, 0x85ebca6b);
    case 'leaseStatus': {
      let running = 0;
      for (const one of message.status.services) running += one.running;
      return base ^ Math.imul(running + 1, 0x85ebca6b);
    }
    case 'getLeaseLog':
    case 'leaseLog':
      return base ^ message.serial;
    case 'sessionRefused':
    case 'getLeaseStatus':
      return base;
  }
}

/** Hashes and signatures: their first bytes say enough. */
function mixBytes(bytes: Uint8Array): number {
  return bytes.length < 4 ? bytes.length : bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24);
}
