/**
 * What the rule tests share on top of the chain driver: parameters that make hand arithmetic easy, the way from an order
 * to a lease, the books counted from the rows alone, and which leaves of the state differ between two moments.
 */
import { allLeaves, appHashFromScratch, leafBytes } from '../../src/protocol/chain/commitment.ts';
import { ByteWriter } from '../../src/protocol/codec/bytes.ts';
import type { Message, MessageOf } from '../../src/protocol/model/messages.ts';
import type { DeploymentInfrastructure } from '../../src/protocol/model/objects.ts';
import type { State } from '../../src/protocol/model/state.ts';
import {
  AKASH,
  addressOfName,
  bid,
  ChainDriver,
  confirmation,
  type DriverOptions,
  infrastructure,
  SECOND,
} from '../support/chain-driver.ts';

/** No fees, so that every balance in a test is what the rule under test made it. */
export const FREE = { feeBase: 0n, feePerByte: 0n, feePerObject: 0n } as const;

/** Blocks of one second and periods of 8 blocks: 1 micro-AKASH/s costs 1 per block and 8 per period. */
export const CLOCK = { ...FREE, targetBlockInterval: SECOND, reconfirmationPeriod: 8, resetGrace: 5 } as const;

/** Tenant tom, providers ann, bob and cal in `eu`, validator `validator`; no fees; one block a second. */
export function market(options: DriverOptions = {}): ChainDriver {
  return new ChainDriver({
    ...options,
    accounts: { tom: {}, tim: {}, ...options.accounts },
    providers: { ann: {}, bob: {}, cal: {}, ...options.providers },
    params: { ...CLOCK, ...options.params },
  });
}

export interface LeaseSetup extends Partial<Omit<MessageOf<'SubmitDeployment'>, 'type'>> {
  readonly tenant?: string;
  readonly provider?: string;
  /** pico-AKASH/s, per group. */
  readonly price?: bigint;
}

/** Deploys, has one provider bid on every order, and runs to the match: the ids of the leases, all pending. */
export function leases(driver: ChainDriver, setup: LeaseSetup = {}): string[] {
  const { tenant = 'tom', provider = 'ann', price, ...deployment } = setup;
  const orders = driver.deploy(tenant, { waitDuration: 2, ...deployment });
  for (const id of orders) {
    const order = driver.order(id);
    driver.send(provider, bid(order, price ?? (order.infrastructure.resources[0]?.price as bigint)));
  }
  driver.run(2);
  for (const id of orders) if (driver.state.leases.get(id) === undefined) throw new Error(`no lease for ${id}`);
  return orders;
}

/** One pending lease, matched in the newest block. */
export function pendingLease(driver: ChainDriver, setup: LeaseSetup = {}): string {
  return leases(driver, setup)[0] as string;
}

/** One active lease, first confirmed in the newest block. */
export function activeLease(driver: ChainDriver, setup: LeaseSetup = {}): string {
  const lease = pendingLease(driver, setup);
  driver.must(setup.provider ?? 'ann', confirmation(lease));
  return lease;
}

/** Deploys one infrastructure; returns the id of its order. */
export function order(
  driver: ChainDriver,
  changes: Partial<DeploymentInfrastructure> = {},
  deployment: Partial<Omit<MessageOf<'SubmitDeployment'>, 'type'>> = {},
): string {
  return driver.deploy('tom', { infrastructure: [infrastructure(changes)], ...deployment })[0] as string;
}

/** The deployment of an order or lease id. */
export function deploymentIdOf(id: string): string {
  return id.split('/').slice(0, 2).join('/');
}

export function closing(lease: string): Message {
  return { type: 'CloseDeployment', deployment: deploymentIdOf(lease) };
}

/** Every sum of money, counted from the rows alone. */
export function countBooks(state: State): Record<string, bigint> {
  const books = { balance: 0n, escrow: 0n, collateral: 0n, bonded: 0n, unbonding: 0n, rewards: 0n, providerStake: 0n };
  for (const row of state.accounts.unordered()) books.balance += row.balance;
  for (const row of state.deployments.unordered()) books.escrow += row.escrow;
  for (const row of state.orders.unordered()) {
    for (const id of row.fulfillments) books.collateral += state.fulfillments.need(id).collateral;
  }
  for (const row of state.leases.unordered()) books.collateral += row.collateral;
  for (const row of state.delegations.unordered()) {
    books.bonded += row.amount;
    if (row.delegator === row.validator && state.providers.has(row.delegator)) books.providerStake += row.amount;
  }
  for (const row of state.unbondings.unordered()) if (row.target === '') books.unbonding += row.amount;
  for (const row of state.candidates.unordered()) books.rewards += row.rewards;
  return books;
}

/** What is wrong with the books, in words; empty when nothing is (MARKET rules, section 8, invariants 1 and 2). */
export function faultsOfBooks(state: State): string[] {
  const books = countBooks(state);
  const kept: Record<string, bigint> = {
    balance: state.chainwide.totalBalance,
    escrow: state.chainwide.totalEscrow,
    collateral: state.chainwide.totalCollateral,
    bonded: state.chainwide.totalBonded,
    unbonding: state.chainwide.totalUnbonding,
    rewards: state.chainwide.totalRewards,
    providerStake: state.chainwide.providerStake,
  };
  const faults: string[] = [];
  for (const [name, amount] of Object.entries(books)) {
    if (kept[name] !== amount) faults.push(`${name}: the rows hold ${amount}, the total says ${kept[name]}`);
  }
  const { genesisSupply, minted, burned, feePool } = state.chainwide;
  const held = Object.entries(books).reduce(
    (sum, [name, one]) => (name === 'providerStake' ? sum : sum + one),
    feePool,
  );
  if (held !== genesisSupply + minted - burned)
    faults.push(`supply: ${held} held, ${genesisSupply} + ${minted} - ${burned}`);
  for (const row of state.accounts.unordered()) if (row.balance < 0n) faults.push(`${row.address} is negative`);
  return faults;
}

const writer = new ByteWriter();

/** Every leaf of the state with its bytes in hexadecimal. */
export function leavesOf(state: State): Map<string, string> {
  const leaves = new Map<string, string>();
  for (const leaf of allLeaves(state)) {
    leaves.set(leaf, Buffer.from(leafBytes(state, leaf, writer) as Uint8Array).toString('hex'));
  }
  return leaves;
}

/** The keys of the leaves that differ. */
export function changedLeaves(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].filter(key => before.get(key) !== after.get(key)).sort();
}

/** The app hash from nothing but the rows, in hexadecimal. */
export function hashOfState(state: State): string {
  return Buffer.from(appHashFromScratch(state)).toString('hex');
}

/** `tom` of `akash1...` everywhere in a text, so that ids in expectations are readable. */
export function named(driver: ChainDriver, text: string): string {
  return text.replace(/akash1[a-z0-9]{38}/g, address => driver.name(address));
}

export { AKASH, addressOfName, SECOND };
