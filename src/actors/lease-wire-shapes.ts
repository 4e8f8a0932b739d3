/** How what tenants and providers say to each other about a lease travels as bytes. */
import { address } from '../protocol/codec/address.ts';
import { KEY_BYTES } from '../protocol/codec/signature.ts';
import { byteString, fixedBytes, list, oneOf, struct, text, uint, uintUpTo } from '../protocol/codec/struct.ts';
import { MAX_GROUP_NAME } from '../protocol/manifest/reading.ts';
import { id } from '../protocol/model/objects.ts';
import { CHALLENGE_BYTES } from './lease-session.ts';
import {
  MANIFEST_CHUNK_BYTES,
  MAX_DETAIL,
  MAX_LOG_LINES,
  MAX_LOG_REPLICAS,
  MAX_LOG_UNITS,
  MAX_STATUS_ADDRESSES,
  MAX_STATUS_SERVICES,
} from './lease-wire.ts';
import { nullable } from './light-shapes.ts';

/** A UTF-16 unit takes three bytes at the most. */
const UNIT_BYTES = 3;
const challenge = fixedBytes(CHALLENGE_BYTES);
const proof = { key: fixedBytes(KEY_BYTES), signature: byteString(64) };
const version = byteString(32);
const serviceName = text(64);
const port = uintUpTo(65_535);

const serviceStatus = struct({
  name: serviceName,
  wanted: uint,
  running: uint,
  addresses: list(
    struct({ port, protocol: oneOf('TCP', 'UDP'), host: text(256), hostPort: port }),
    MAX_STATUS_ADDRESSES,
  ),
});
const replicaLog = struct({
  service: serviceName,
  replica: uint,
  lines: nullable(list(text(UNIT_BYTES * MAX_LOG_UNITS), MAX_LOG_LINES)),
});

/** By type: the tag that stands for it, and what follows. Tags are forever. */
export const LEASE_MESSAGES = {
  tenantHello: [40, struct({ tenant: address, challenge })],
  providerHello: [41, struct({ provider: address, challenge, ...proof })],
  tenantProof: [42, struct(proof)],
  sessionRefused: [43, struct({ code: oneOf('bad_proof', 'busy', 'not_ready') })],
  manifestOffer: [44, struct({ lease: id, version, group: text(UNIT_BYTES * MAX_GROUP_NAME), bytes: uint })],
  manifestWanted: [45, struct({ lease: id, version })],
  manifestChunk: [46, struct({ lease: id, offset: uint, bytes: byteString(MANIFEST_CHUNK_BYTES) })],
  manifestResult: [
    47,
    struct({
      lease: id,
      version,
      code: oneOf(
        'accepted',
        'unknown_lease',
        'not_tenant',
        'wrong_version',
        'too_large',
        'wrong_hash',
        'malformed',
        'mismatch',
        'busy',
        'timeout',
      ),
      detail: text(UNIT_BYTES * MAX_DETAIL),
    }),
  ],
  getLeaseStatus: [48, struct({ lease: id })],
  leaseStatus: [
    49,
    struct({
      status: struct({ lease: id, version: nullable(version), services: list(serviceStatus, MAX_STATUS_SERVICES) }),
    }),
  ],
  getLeaseLog: [50, struct({ serial: uint, lease: id, service: serviceName, lines: uintUpTo(MAX_LOG_LINES) })],
  leaseLog: [
    51,
    struct({
      serial: uint,
      code: oneOf('ok', 'unknown_lease', 'unknown_service', 'busy'),
      replicas: list(replicaLog, MAX_LOG_REPLICAS),
    }),
  ],
} as const;
