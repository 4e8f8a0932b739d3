/** How questions about the state of a chain travel, and their answers. */
import { address } from '../protocol/codec/address.ts';
import { list, oneOf, struct, tagged, text, ubig, uint } from '../protocol/codec/struct.ts';
import { id, resourceGroups } from '../protocol/model/objects.ts';
import { paramsCodec } from '../protocol/model/params-codec.ts';
import { leafName, provenLeaf } from './light-shapes.ts';

/** Leases or bids of a provider; the limit of a message is met first where they have much in them. */
const MAX_HELD = 10_000;

export const query = tagged('what', {
  leaf: [1, struct({ leaf: leafName })],
  status: [2, struct({})],
  account: [3, struct({ address })],
  provider: [4, struct({ address })],
} as const);

const status = struct({ chainId: text(64), height: uint, time: uint, params: paramsCodec });
const account = struct({ address, nonce: uint, balance: ubig });
const lease = struct({
  lease: id,
  state: oneOf('pending', 'active', 'closing'),
  resources: resourceGroups,
  collateral: ubig,
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
} as const);
