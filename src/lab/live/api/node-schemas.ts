/** What a node's endpoints answer with. The OpenAPI document and docs/reference/api.md come from here. */
import { z } from 'zod';
import {
  address,
  compute,
  count,
  countUpTo,
  hash,
  height,
  hex,
  id,
  infrastructure,
  leaseState,
  name,
  next,
  paktPerS,
  ppm,
  resources,
  uakt,
  us,
} from './words.ts';

export const nodeStatus = z.strictObject({
  name: z.string(),
  chain_id: z.string(),
  version: z.string().describe('of orrery'),
  height,
  time_us: us.describe('time of the newest block, microseconds since 1970'),
  now_us: us.describe("this machine's clock, microseconds since 1970"),
  hash: hash.describe('of the newest block; zero before the first'),
  target_block_interval_us: us,
  validator: address.nullable().describe('account that it validates for; null: it only follows'),
  round: count.describe('round of the height that is being decided'),
  proposer: address.nullable().describe('whose turn it is in that round'),
  catching_up: z.boolean(),
  peers: z.array(z.strictObject({ name: z.string(), connected: z.boolean() })),
  mempool: z.strictObject({ transactions: count, size_bytes: count }),
  orders_open: count,
  leases: z.strictObject({ pending: count, active: count, closing: count }),
  providers: count,
  deployments: count,
});

export const params = z.strictObject({
  height,
  params: z.array(
    z.strictObject({
      name: z.string(),
      value: z.union([z.number(), z.string()]).describe('amounts as decimal text'),
      unit: z.string().nullable().describe('null: a choice'),
      about: z.string(),
    }),
  ),
});

export const blockSummary = z.strictObject({
  height,
  time_us: us,
  interval_us: us.nullable().describe('since the block before'),
  hash,
  proposer: address,
  proposer_name: name,
  round: count.nullable().describe('round of its commit; null: not known yet'),
  power_signed_ppm: ppm.nullable().describe('power of its commit for it; null: not known yet'),
  transactions: count,
  failed: count,
  facilitation: count,
  events: count,
});
export const blocks = z.strictObject({
  newest_height: height.nullable(),
  oldest_height: height.nullable().describe('lowest height that this node still tells of here'),
  blocks: z.array(blockSummary),
});

/** An event of the chain: its type, and fields as src/protocol/model/events.ts has them, in snake case with units. */
export const event = z.looseObject({ type: z.string() });
const receipt = { ok: z.boolean(), code: z.string(), detail: z.string() };
export const blockDetail = z.strictObject({
  ...blockSummary.shape,
  parent: hash,
  header_hex: hex,
  app_hash: hash.describe('of the state after it; the header of the next block has it'),
  commit: z
    .strictObject({
      round: count,
      value: hash,
      signatures: z.array(z.strictObject({ validator: address, for_value: z.boolean(), time_us: us })),
    })
    .nullable(),
  facilitation_items: z.array(z.looseObject({ type: z.string(), ...receipt })),
  transaction_items: z.array(
    z.strictObject({
      account: address,
      nonce: count,
      fee_uakt: uakt,
      size_bytes: count,
      message: z.looseObject({ type: z.string() }),
      ...receipt,
    }),
  ),
  names: z.record(z.string(), z.string()).describe('of accounts in the events, by address, where known'),
  event_items: z.array(event),
});

export const validator = z.strictObject({
  address,
  name,
  power: count,
  power_ppm: ppm.describe('share of all voting power'),
  stake_uakt: uakt,
  commission_ppm: ppm,
  vote: z
    .enum(['for', 'nil', 'absent'])
    .nullable()
    .describe('in the newest commit that is known; null: not in that set, or no commit yet'),
  missed_blocks: count.describe('of the newest window'),
  jailed: z.boolean(),
  tombstoned: z.boolean(),
});
export const validators = z.strictObject({
  height: height.describe('the set that votes on the block after this one'),
  vote_height: height.nullable().describe('block that `vote` is about'),
  total_power: count,
  validators: z.array(validator).describe('members by power, then candidates without a place by stake'),
});

const providerFields = {
  address,
  name,
  sequence: count,
  region: z.string(),
  endpoint: z.string(),
  attributes: z.record(z.string(), z.string()),
  reputation_ppm: ppm,
  jailed_until_us: us.nullable().describe('null: not jailed'),
  leases: count,
  used: compute.describe('by leases that are not closed'),
  capacity: compute.nullable().describe('where this node was told; the chain does not know'),
  utilisation_ppm: ppm.nullable(),
};
export const provider = z.strictObject(providerFields);
export const providers = z.strictObject({ height, providers: z.array(provider), next });
export const providerDetail = z.strictObject({
  height,
  ...providerFields,
  certificate: hash.describe('fingerprint of its key, as it is registered'),
  record: z.strictObject({
    kept_uakt: uakt.describe('paid for kept leases, decayed to now'),
    broken_uakt: uakt.describe('weight of broken leases, decayed to now'),
    kept_leases: count,
    broken_leases: count,
    record_ppm: ppm.describe('the record alone: mean of the posterior'),
    own_stake_uakt: uakt,
    stake_weight_ppm: ppm.describe('weight of the stake term in the reputation'),
  }),
  lease_ids: z.array(id).describe('newest first, at most 1000'),
});

export const account = z.strictObject({
  height,
  address,
  name,
  balance_uakt: uakt,
  nonce: count.describe('that its next transaction must have'),
  bonded_uakt: uakt,
  unbondings: count,
});

export const bid = z.strictObject({
  fulfillment: id,
  provider: address,
  provider_name: name,
  total_pakt_per_s: paktPerS,
  collateral_uakt: uakt,
  height,
  position: count.describe('among the transactions of its block'),
  reputation_ppm: ppm.nullable(),
  ineligible: z.string().nullable().describe('why it may not win now; null: it may'),
});

const orderFields = {
  order: id,
  sequence: count,
  deployment: id,
  tenant: address,
  tenant_name: name,
  region: z.string().describe('empty: any'),
  height,
  time_us: us,
  match_from_height: height,
  closes_at_us: us,
  collateral_uakt: uakt,
  maximum_pakt_per_s: paktPerS.describe('the most that the tenant pays for everything'),
  asks: compute.describe('everything together'),
  bids: z.array(bid).describe('in order of placement'),
};
export const order = z.strictObject(orderFields);
export const orders = z.strictObject({ height, orders: z.array(order), next });
export const orderDetail = z.strictObject({ ...orderFields, state_height: height, infrastructure });

const leaseFields = {
  lease: id,
  sequence: count,
  deployment: id,
  tenant: address,
  tenant_name: name,
  provider: address,
  provider_name: name,
  region: z.string().describe("the provider's; empty: it left the register"),
  state: leaseState,
  price_pakt_per_s: paktPerS,
  height,
  time_us: us.describe('of the match'),
  billing_start_us: us.nullable().describe('null: not confirmed yet'),
  paid_uakt: uakt,
  accrued_uakt: uakt.describe('since it was paid last'),
  collateral_uakt: uakt,
  confirmed_at_height: height.describe('of the match or the newest confirmation'),
  confirm_by_height: height.describe('the last at which the next confirmation counts'),
  uses: compute.describe('everything together'),
};
export const lease = z.strictObject(leaseFields);
export const leases = z.strictObject({ height, leases: z.array(lease), next });
export const leaseDetail = z.strictObject({
  ...leaseFields,
  state_height: height,
  fulfillment: id,
  reason: z.string(),
  resources,
  infrastructure,
});

export const deployment = z.strictObject({
  state_height: height,
  deployment: id,
  tenant: address,
  tenant_name: name,
  height,
  version: hash.describe('SHA-256 of its manifest'),
  state: z.enum(['open', 'closing']),
  reason: z.string(),
  escrow_uakt: uakt,
  free_escrow_uakt: uakt.describe('of it, what is not owed to anyone yet'),
  wait_blocks: count,
  open_for_us: us,
  slots: z.array(
    z.strictObject({ group: count, stands: z.enum(['order', 'lease', 'ended']), order: id, infrastructure }),
  ),
  leases: z.array(id),
});

export const proof = z.strictObject({
  leaf: z.string(),
  height: height.describe('of the state that it is a leaf of'),
  leaf_hex: hex.nullable().describe('canonical bytes of the leaf; null: there is none'),
  proof_hex: hex.describe('siblings in the state tree, under `app_hash` of the header'),
  header_hash: hash,
  header_hex: hex.describe('of the next block, whose app hash is of that state'),
  commit_hex: hex.describe('more than two thirds of the power signed that header'),
  light_block_hex: hex.describe('the same header and commit with the validator sets that the header names'),
});

export const admission = z.strictObject({
  admitted: z.literal(true),
  account: address,
  nonce: count,
  message: z.string(),
  fee_uakt: uakt,
  size_bytes: count,
});

export const transaction = z.strictObject({
  transaction: z
    .string()
    .max(2 * 70_000, 'at most 140000 characters')
    .describe('canonical bytes of the signed transaction'),
  encoding: z.enum(['hex', 'base64'], { error: 'hex or base64' }).default('hex'),
});

export const blockLimit = z.object({
  limit: countUpTo(200).default(20).describe('blocks, newest first'),
});
export const heightPath = z.object({
  height: z
    .string()
    .regex(/^\d{1,15}$/, 'the height of a block')
    .transform(Number)
    .describe('number of a block'),
});
