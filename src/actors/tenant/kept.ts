/**
 * A deployment as its tenant keeps it: what was asked for, where it stands, and the record of it that outlasts a restart.
 */
import {
  bool,
  byteString,
  decode,
  encode,
  list,
  optional,
  struct,
  text,
  ubig,
  uint,
} from '../../protocol/codec/struct.ts';
import { deploymentInfrastructure, id, MAX_INFRASTRUCTURES } from '../../protocol/model/objects.ts';
import type { Time } from '../actor.ts';
import type { HeldManifest } from './manifests.ts';
import type { DeployRequest } from './requests.ts';

export interface KeptLease {
  readonly provider: string;
  /** pico-AKASH/s */
  readonly price: bigint;
  active: boolean;
}

/** What was asked for, but for the manifest. */
export type KeptRequest = Omit<DeployRequest, 'manifest' | 'groups'>;

export interface Kept {
  /** Of its record in the outbox; null: nothing of it outlasts a restart. */
  readonly serial: number | null;
  /** Empty until the chain has it. */
  id: string;
  /** Of the transaction that submitted it, as it was sent last; -1: not yet. */
  nonce: number;
  readonly request: KeptRequest;
  /** Whether it was made with a manifest. */
  readonly hasManifest: boolean;
  /** By version in hexadecimal: the one on the chain, and others that may yet take its place. */
  readonly manifests: Map<string, HeldManifest>;
  /** On the chain, as far as is known. */
  version: Uint8Array;
  /** Height of the newest event about it. */
  height: number;
  escrow: bigint;
  readonly leases: Map<string, KeptLease>;
  readonly orders: Set<string>;
  /** Since when it has had its first lease, by this participant's clock; null: it has had none. */
  leasedAt: Time | null;
  served: boolean;
  closing: boolean;
  /** The request that is answered when the chain has it; null: none, or it was answered. */
  reply: number | null;
}

/** A deployment that is about to be submitted. */
export function newKept(request: KeptRequest, hasManifest: boolean, serial: number | null, reply: number | null): Kept {
  return {
    serial,
    id: '',
    nonce: -1,
    request,
    hasManifest,
    manifests: new Map(),
    version: request.version,
    height: 0,
    escrow: request.escrow,
    leases: new Map(),
    orders: new Set(),
    leasedAt: null,
    served: false,
    closing: false,
    reply,
  };
}

/** Fractions of periods stand in their shortest decimal text. */
const decimal = text(32);
const record = struct({
  id,
  nonce: optional(uint),
  hasManifest: bool,
  infrastructure: list(deploymentInfrastructure, MAX_INFRASTRUCTURES),
  waitDuration: uint,
  openFor: uint,
  version: byteString(32),
  escrow: ubig,
  lifetime_us: optional(uint),
  refill: optional(struct({ below: decimal, to: decimal })),
  closePending_us: optional(uint),
  leasedAt: optional(uint),
});

/** The record of a deployment, without its manifests. */
export function encodeKept({ id: deployment, nonce, request, hasManifest, leasedAt, version }: Kept): Uint8Array {
  const { infrastructure, waitDuration, openFor, escrow, lifetime_us, refill, closePending_us } = request;
  return encode(record, {
    id: deployment,
    nonce: nonce < 0 ? undefined : nonce,
    hasManifest,
    infrastructure,
    waitDuration,
    openFor,
    version,
    escrow,
    lifetime_us: lifetime_us ?? undefined,
    refill: refill === null ? undefined : { below: String(refill.below), to: String(refill.to) },
    closePending_us: closePending_us ?? undefined,
    leasedAt: leasedAt ?? undefined,
  });
}

/** The deployment of a record, without its manifests. Throws DecodeError for bytes that are none. */
export function decodeKept(bytes: Uint8Array, serial: number): Kept {
  const { id: deployment, nonce, hasManifest, leasedAt, ...asked } = decode(record, bytes);
  const { lifetime_us, refill, closePending_us, ...rest } = asked;
  const request: KeptRequest = {
    type: 'deploy',
    ...rest,
    lifetime_us: lifetime_us ?? null,
    refill: refill === undefined ? null : { below: Number(refill.below), to: Number(refill.to) },
    closePending_us: closePending_us ?? null,
  };
  const kept = newKept(request, hasManifest, serial, null);
  return { ...kept, id: deployment, nonce: nonce ?? -1, leasedAt: leasedAt ?? null };
}
