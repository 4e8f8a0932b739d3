/**
 * The shapes of the leaves of the state commitment, which are also what a snapshot holds: every field of a row from
 * which the rest of it can be reckoned. What is not here follows from the leaf's key or from other fields of the leaf.
 *
 * When something falls due is here only where nothing else tells it. The place of an expiring order in the index by
 * time, of maturing stake and of the end of a vote follow from fields; that of an exhausted escrow is reckoned anew.
 */
import { bool, byteString, type Codec, list, oneOf, optional, struct, text, ubig, uint } from '../codec/struct.ts';
import { MAX_VALIDATORS } from '../consensus/types.ts';
import { attributes, deploymentInfrastructure, id, MAX_INFRASTRUCTURES, resourceGroups } from '../model/objects.ts';

const word = text(256);
/** A height in an index of what is due; undefined where nothing is. */
export const dueHeight = optional(uint);
const many = 1_000_000;
/** An integer of either sign: twice its size, less one when it is negative. */
const signed: Codec<number> = {
  write: (w, value) => w.uint(value < 0 ? -2 * value - 1 : 2 * value),
  read: r => {
    const folded = r.uint();
    return folded % 2 === 0 ? Math.floor(folded / 2) : -Math.floor((folded + 1) / 2);
  },
};
const validator = { address: word, consensusKey: byteString(32), power: uint };
const seating = struct({ set: uint, priorities: list(signed, MAX_VALIDATORS) });

export const accountLeaf = struct({ balance: ubig, nonce: uint, bonded: ubig, unbondings: uint });
export const providerLeaf = struct({
  sequence: uint,
  region: word,
  attributes,
  certificate: byteString(32),
  endpoint: word,
  jailedUntil: uint,
  kept: ubig,
  broken: ubig,
  recordStep: uint,
  keptLeases: uint,
  brokenLeases: uint,
});
export const candidateLeaf = struct({
  sequence: uint,
  consensusKey: byteString(32),
  commission: uint,
  stake: ubig,
  rewardPerStake: ubig,
  rewards: ubig,
  jailed: bool,
  jailedUntil: uint,
  doubleSignedAt: uint,
});
export const setLeaf = struct({ from: uint, members: list(struct(validator), MAX_VALIDATORS) });
export const milestoneLeaf = struct({ height: uint, time: uint });
/** Bits of the longest window. */
export const signingLeaf = struct({ missed: uint, misses: byteString(1_250) });
export const delegationLeaf = struct({ amount: ubig, rewardMark: ubig });
export const unbondingLeaf = struct({
  account: word,
  source: word,
  target: word,
  height: uint,
  maturesAt: uint,
  amount: ubig,
});
export const proposalLeaf = struct({
  proposer: word,
  title: word,
  changes: list(struct({ name: word, value: word }), 64),
  endsAt: uint,
  state: oneOf('voting', 'passed'),
  effectiveAt: uint,
});
export const ballotLeaf = struct({ choice: oneOf('yes', 'no', 'abstain') });
export const grantLeaf = struct({
  granter: word,
  grantee: word,
  messages: list(word, 32),
  deployment: id,
  expires: uint,
  left: ubig,
});
const slots = list(
  struct({
    group: uint,
    infrastructure: deploymentInfrastructure,
    sequence: uint,
    stands: oneOf('order', 'lease', 'ended'),
  }),
  MAX_INFRASTRUCTURES,
);
export const deploymentPart = struct({
  sequence: uint,
  height: uint,
  version: byteString(32),
  waitDuration: uint,
  openFor: uint,
  escrow: ubig,
  state: oneOf('open', 'closing'),
  reason: word,
  slots,
  nextGroup: uint,
  leases: list(id, many),
});
export const orderPart = struct({
  id,
  sequence: uint,
  infrastructure: deploymentInfrastructure,
  height: uint,
  time: uint,
  matchFrom: uint,
  closesAt: uint,
  collateral: ubig,
  fulfillments: list(id, many),
  withdrawn: list(struct({ provider: word, total: ubig, cancelled: bool }), many),
  lapsed: bool,
  chosen: word,
});
export const fulfillmentPart = struct({
  id,
  provider: word,
  resources: resourceGroups,
  total: ubig,
  collateral: ubig,
  height: uint,
  position: uint,
});
export const leasePart = struct({
  id,
  provider: word,
  fulfillment: id,
  sequence: uint,
  infrastructure: deploymentInfrastructure,
  resources: resourceGroups,
  price: ubig,
  collateral: ubig,
  height: uint,
  time: uint,
  state: oneOf('pending', 'active', 'closing'),
  billingStart: uint,
  paid: ubig,
  vouched: ubig,
  confirmedAt: uint,
  reason: word,
});
export const chainwideLeaf = struct({
  nextSequence: uint,
  nextProposal: uint,
  feePool: ubig,
  genesisSupply: ubig,
  minted: ubig,
  burned: ubig,
  inflationRemainder: ubig,
  totalBalance: ubig,
  totalEscrow: ubig,
  totalCollateral: ubig,
  totalBonded: ubig,
  totalUnbonding: ubig,
  totalRewards: ubig,
  providerStake: ubig,
  evidenceFrom: uint,
  oldestSet: uint,
  nextSet: uint,
  oldestMilestone: uint,
  nextMilestone: uint,
});
/** Members and powers are those of the sets with these numbers, in their order. */
export const seatsLeaf = struct({ validators: seating, upcoming: seating });
