/**
 * The commitment to state: which leaf shows which rows, and their bytes. One leaf per deployment, with its orders, bids
 * and leases; accounts and everything else apart. A block costs in proportion to the leaves that it changed.
 */
import { ByteWriter } from '../codec/bytes.ts';
import { type StateProof, StateTree } from '../codec/state-tree.ts';
import { bool, byteString, list, oneOf, struct, text, ubig, uint } from '../codec/struct.ts';
import type { Deployment } from '../model/market-rows.ts';
import { attributes, deploymentInfrastructure, id, MAX_INFRASTRUCTURES, resourceGroups } from '../model/objects.ts';
import { PARAMETER_NAMES, parameterToText } from '../model/params.ts';
import type { State } from '../model/state.ts';

const word = text(256);
const many = 1_000_000;
const elected = list(struct({ address: word, consensusKey: byteString(32), power: uint }), 1_000);

const accountLeaf = struct({ balance: ubig, nonce: uint, bonded: ubig, unbondings: uint });
const providerLeaf = struct({
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
const candidateLeaf = struct({
  sequence: uint,
  consensusKey: byteString(32),
  commission: uint,
  stake: ubig,
  rewardPerStake: ubig,
  rewards: ubig,
  jailed: bool,
});
const delegationLeaf = struct({ amount: ubig, rewardMark: ubig });
const unbondingLeaf = struct({
  account: word,
  source: word,
  target: word,
  height: uint,
  maturesAt: uint,
  amount: ubig,
});
const proposalLeaf = struct({
  proposer: word,
  title: word,
  changes: list(struct({ name: word, value: word }), 64),
  endsAt: uint,
  state: oneOf('voting', 'passed'),
  effectiveAt: uint,
});
const ballotLeaf = struct({ choice: oneOf('yes', 'no', 'abstain') });
const grantLeaf = struct({
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
const deploymentPart = struct({
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
const orderPart = struct({
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
const fulfillmentPart = struct({
  id,
  provider: word,
  resources: resourceGroups,
  total: ubig,
  collateral: ubig,
  height: uint,
  position: uint,
});
const leasePart = struct({
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
const chainwideLeaf = struct({
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
  validators: elected,
  upcoming: elected,
});

function writeDeployment(writer: ByteWriter, state: State, row: Readonly<Deployment>): void {
  deploymentPart.write(writer, row);
  for (const slot of row.slots) {
    if (slot.stands !== 'order') continue;
    const order = state.orders.need(`${row.id}/${slot.group}/${slot.sequence}`);
    orderPart.write(writer, order);
    for (const bid of order.fulfillments) fulfillmentPart.write(writer, state.fulfillments.need(bid));
  }
  for (const key of row.leases) {
    const lease = state.leases.need(key);
    leasePart.write(writer, lease);
    fulfillmentPart.write(writer, state.fulfillments.need(lease.fulfillment));
  }
}

function writeChainwide(writer: ByteWriter, state: State): void {
  chainwideLeaf.write(writer, state.chainwide);
  for (const name of PARAMETER_NAMES) writer.text(parameterToText(state.params[name]), 256);
}

/** A leaf's bytes; null when there is nothing under its key. */
export function leafBytes(state: State, leaf: string, writer: ByteWriter): Uint8Array | null {
  const cut = leaf.indexOf('/');
  const kind = cut < 0 ? leaf : leaf.slice(0, cut);
  const key = leaf.slice(cut + 1);
  writer.reset();
  const write = <T>(codec: { write(w: ByteWriter, value: T): void }, row: T | undefined): Uint8Array | null => {
    if (row === undefined) return null;
    codec.write(writer, row);
    return writer.view();
  };
  switch (kind) {
    case 'account':
      return write(accountLeaf, state.accounts.get(key));
    case 'provider':
      return write(providerLeaf, state.providers.get(key));
    case 'candidate':
      return write(candidateLeaf, state.candidates.get(key));
    case 'delegation':
      return write(delegationLeaf, state.delegations.get(key));
    case 'unbonding':
      return write(unbondingLeaf, state.unbondings.get(`u${key}`));
    case 'proposal':
      return write(proposalLeaf, state.proposals.get(key));
    case 'ballot':
      return write(ballotLeaf, state.ballots.get(key));
    case 'grant':
      return write(grantLeaf, state.grants.get(key));
    case 'deployment': {
      const row = state.deployments.get(key);
      if (row === undefined) return null;
      writeDeployment(writer, state, row);
      return writer.view();
    }
    case 'chainwide':
      writeChainwide(writer, state);
      return writer.view();
    default:
      throw new Error(`unknown leaf ${leaf}`);
  }
}

/** Every leaf that a state has, in no particular order. */
export function* allLeaves(state: State): Generator<string> {
  yield state.chainwide.leaf();
  const tables = [
    state.accounts,
    state.providers,
    state.candidates,
    state.delegations,
    state.unbondings,
    state.proposals,
    state.ballots,
    state.grants,
    state.deployments,
  ];
  for (const table of tables) for (const row of table.unordered()) yield row.leaf();
}

/** Keeps the tree of a state's leaves up to date, from the journal's list of what changed. */
export class Commitment {
  readonly #tree = new StateTree();
  readonly #writer = new ByteWriter(4096);
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  /** The app hash of the state as it is now. */
  root(): Uint8Array {
    const dirty = this.#state.journal.dirty;
    if (dirty === null) throw new Error('no commitment is kept for this state');
    for (const leaf of dirty) {
      const bytes = leafBytes(this.#state, leaf, this.#writer);
      if (bytes === null) this.#tree.delete(leaf);
      else this.#tree.set(leaf, bytes);
    }
    dirty.clear();
    return this.#tree.root();
  }

  /** Proof of a leaf's presence or absence under the newest root. */
  prove(leaf: string): StateProof {
    return this.#tree.prove(leaf);
  }

  /** The bytes of a leaf as they are committed; null when there is none. */
  leaf(leaf: string): Uint8Array | null {
    return leafBytes(this.#state, leaf, this.#writer)?.slice() ?? null;
  }
}

/** The app hash reckoned from nothing but the rows: what the incremental one must equal. */
export function appHashFromScratch(state: State): Uint8Array {
  const tree = new StateTree();
  const writer = new ByteWriter(4096);
  for (const leaf of allLeaves(state)) {
    const bytes = leafBytes(state, leaf, writer);
    if (bytes === null) throw new Error(`leaf ${leaf} of a row has no bytes`);
    tree.set(leaf, bytes);
  }
  return tree.root();
}
