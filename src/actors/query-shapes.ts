/** How questions about the state of a chain travel, and their answers. */
import { address } from '../protocol/codec/address.ts';
import { byteString, list, oneOf, struct, tagged, text, ubig, uint } from '../protocol/codec/struct.ts';
import { id, MAX_INFRASTRUCTURES, resourceGroups } from '../protocol/model/objects.ts';
import { paramsCodec } from '../protocol/model/params-codec.ts';
import { leafName, nullable, provenLeaf } from './light-shapes.ts';

/** Leases or bids of a provider, leases of a deployment. */
const MAX_HELD = 100_000;

export const query = tagged('what', {
  leaf: [1, struct({ leaf: leafName })],
  status: [2, struct({})],
  account: [3, struct({ address })],
  provider: [4, struct({ address })],
  deployment: [5, struct({ id })],
  endpoint: [6, struct({ address })],
} as const);

const status = struct({ chainId: text(64), height: uint, time: uint, params: paramsCodec });
const account = struct({ address, nonce: uint, balance: ubig });
const version = byteString(32);
const leaseState = oneOf('pending', 'active', 'closing');
const lease = struct({
  lease: id,
  state: leaseState,
  resources: resourceGroups,
  collateral: ubig,
  version,
});
const deployment = struct({
  version,
  state: oneOf('open', 'closing'),
  escrow: ubig,
  orders: list(id, MAX_INFRASTRUCTURES),
  leases: list(struct({ lease: id, provider: address, state: leaseState, price: ubig }), MAX_HELD),
});
const provider = struct({
  leases: list(lease, MAX_HELD),
  bids: list(struct({ order: id, resources: resourceGroups }), MAX_HELD),
});

export const answer = tagged('what', {
  leaf: [1, struct({ height: uint, value: provenLeaf })],
  status: [2, struct({ value: status })],
  account: [3, struct({ value: account })],
  provider: [4, struct({ value: provider })],
  deployment: [5, struct({ value: struct({ id, height: uint, view: nullable(deployment) }) })],
  endpoint: [6, struct({ value: struct({ address, endpoint: nullable(text(256)) }) })],
} as const);
