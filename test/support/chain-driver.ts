/**
 * A chain under a test's hand: named accounts instead of keys, transactions that are signed and numbered by themselves,
 * blocks at an even interval, and everything that happened kept for reading.
 *
 *     const chain = new ChainDriver({ providers: { ann: {}, bob: { region: 'eu' } }, accounts: { tom: {} } });
 *     const [order] = chain.deploy('tom', { infrastructure: [infrastructure()], waitDuration: 2 });
 *     chain.send('ann', bid(chain.order(order!), 900n));
 *     chain.run(3);                                    // three blocks; the queued bid goes into the first
 *     chain.events('LeaseCreated');                    // of all blocks; chain.last.events are those of the newest
 *
 * `send` queues a transaction for the next block, `attempt` sends it in a block of its own and returns its receipt, `must`
 * does so and throws unless it succeeded. Fees and nonces are right unless the test asks for other ones.
 */

import type { Block } from '../../src/protocol/chain/block.ts';
import { type BlockResult, Chain } from '../../src/protocol/chain/chain.ts';
import type { Receipt } from '../../src/protocol/chain/execution.ts';
import type { Genesis } from '../../src/protocol/chain/genesis.ts';
import { payAndSign, signTransaction, type Transaction } from '../../src/protocol/chain/transaction.ts';
import { addressOf } from '../../src/protocol/codec/address.ts';
import { sha256 } from '../../src/protocol/codec/sha256.ts';
import { type KeyPair, keyedHashScheme } from '../../src/protocol/codec/signature.ts';
import type { Commit } from '../../src/protocol/consensus/types.ts';
import type { EventOf, EventType } from '../../src/protocol/model/events.ts';
import type { Deployment, Lease, Order, Provider } from '../../src/protocol/model/market-rows.ts';
import type { Message, MessageOf } from '../../src/protocol/model/messages.ts';
import type { Attributes, DeploymentInfrastructure, ResourceGroup } from '../../src/protocol/model/objects.ts';
import { defaultParams, type ParameterValue, type Params, withParams } from '../../src/protocol/model/params.ts';
import type { State } from '../../src/protocol/model/state.ts';

/** micro-AKASH in an AKASH. */
export const AKASH = 1_000_000n;
/** Microseconds in a second. */
export const SECOND = 1_000_000;
/** The price, in pico-AKASH/s, of one micro-AKASH a second: convenient where a test reckons payments by hand. */
export const UAKT_PER_S = 1_000_000n;

/** An account at genesis; amounts in micro-AKASH. */
export interface AccountSetup {
  /** Free to spend; 1,000 AKASH when not given. */
  readonly balance?: bigint;
  /** Bonded with itself; none when not given. */
  readonly stake?: bigint;
}
/** A provider at genesis. */
export interface ProviderSetup extends AccountSetup {
  /** `eu` when not given. */
  readonly region?: string;
  readonly attributes?: Attributes;
}
/** A validator at genesis: 1,000 AKASH of stake when not given. */
export interface ValidatorSetup extends AccountSetup {
  /** parts per million, 0 when not given */
  readonly commission?: number;
}

export interface DriverOptions {
  readonly params?: { readonly [N in keyof Params]?: Params[N] };
  readonly accounts?: Readonly<Record<string, AccountSetup>>;
  readonly providers?: Readonly<Record<string, ProviderSetup>>;
  /** One named `validator` when not given. The first one proposes every block. */
  readonly validators?: Readonly<Record<string, ValidatorSetup>>;
  /** Microseconds between blocks; the parameter `targetBlockInterval` when not given. */
  readonly blockInterval?: number;
  /** Microseconds at genesis; 1,000 seconds when not given, so that no time is 0 by accident. */
  readonly time?: number;
  /** Every how many heights the chain commits to its state; 1 when not given, 0 is never. */
  readonly commitEvery?: number;
}

/** What a block is made of, where it is not the driver's choice. */
export interface BlockOptions {
  readonly after?: number;
  readonly transactions?: readonly Transaction[];
  readonly proposer?: string;
  readonly lastCommit?: Commit | null;
}

/** Departures from what an honest client sends. */
export interface SendOptions {
  /** Id of the grant to act under. */
  readonly grant?: string;
  /** micro-AKASH; the least fee when not given. */
  readonly fee?: bigint;
  /** The account's next free nonce when not given. An explicit nonce leaves the automatic ones as they are. */
  readonly nonce?: number;
  /** Name of the account whose key signs; the sender's own when not given. */
  readonly signedBy?: string;
  readonly chainId?: string;
}

const CHAIN_ID = 'test';
const GENESIS_TIME = 1_000 * SECOND;

/** The key pair of a name: the same in every test. */
export function keysOf(name: string): KeyPair {
  return keyedHashScheme.keyPair(hashOf(name));
}

/** The address of a name: the same in every test. */
export function addressOfName(name: string): string {
  let known = addresses.get(name);
  if (known === undefined) addresses.set(name, (known = addressOf(keysOf(name).publicKey)));
  return known;
}
const addresses = new Map<string, string>();

/** 32 bytes for wherever a hash is expected: certificates, manifest versions. */
export function hashOf(text: string): Uint8Array {
  return sha256(new TextEncoder().encode(text));
}

/** Parameters of a test: where only the unbonding period is given, the periods that must lie below it follow it. */
function driverParams(given: NonNullable<DriverOptions['params']>): Params {
  const { unbondingPeriod } = given;
  const follow =
    unbondingPeriod === undefined
      ? {}
      : { evidenceMaxAge: Math.floor(unbondingPeriod / 2), trustingPeriod: Math.floor(unbondingPeriod / 4) };
  return withParams(defaultParams(), { ...follow, ...given } as Record<string, ParameterValue>);
}

/** The genesis that a driver starts from; also for a second chain that replays its blocks. */
export function driverGenesis(options: DriverOptions = {}): Genesis {
  const validators = options.validators ?? { validator: {} };
  const setups: [string, AccountSetup][] = [
    ...Object.entries(validators).map(([name, v]): [string, AccountSetup] => [name, { stake: 1_000n * AKASH, ...v }]),
    ...Object.entries(options.providers ?? {}),
    ...Object.entries(options.accounts ?? {}),
  ];
  return {
    chainId: CHAIN_ID,
    time: options.time ?? GENESIS_TIME,
    params: driverParams(options.params ?? {}),
    accounts: setups.map(([name, { balance = 1_000n * AKASH, stake = 0n }]) => {
      return { address: addressOfName(name), balance, stake };
    }),
    candidates: Object.entries(validators).map(([name, { commission = 0 }]) => {
      return { address: addressOfName(name), consensusKey: keysOf(`${name}/consensus`).publicKey, commission };
    }),
    providers: Object.entries(options.providers ?? {}).map(([name, { region = 'eu', attributes = {} }]) => {
      return { address: addressOfName(name), region, attributes, certificate: hashOf(name), endpoint: `${name}:8443` };
    }),
  };
}

export class ChainDriver {
  readonly genesis: Genesis;
  readonly chain: Chain;
  readonly blocks: Block[] = [];
  readonly results: BlockResult[] = [];
  readonly blockInterval: number;
  readonly #commitEvery: number;
  readonly #names = new Map<string, string>();
  readonly #proposer: string;
  #queue: Transaction[] = [];
  /** Next nonce of each account, queued transactions included. */
  readonly #nonces = new Map<string, number>();

  constructor(options: DriverOptions = {}) {
    this.genesis = driverGenesis(options);
    this.#commitEvery = options.commitEvery ?? 1;
    this.chain = this.replica();
    this.blockInterval = options.blockInterval ?? this.genesis.params.targetBlockInterval;
    const candidate = this.genesis.candidates[0];
    if (candidate === undefined) throw new Error('a chain driver needs a validator');
    this.#proposer = candidate.address;
    const setups = [options.validators ?? { validator: {} }, options.providers ?? {}, options.accounts ?? {}];
    for (const one of setups) for (const name of Object.keys(one)) this.#names.set(addressOfName(name), name);
  }

  /** A second chain from the same genesis, at height 0. */
  replica(): Chain {
    return new Chain({ genesis: this.genesis, scheme: keyedHashScheme, commitEvery: this.#commitEvery });
  }

  get state(): State {
    return this.chain.state;
  }
  get params(): Params {
    return this.state.params;
  }
  get height(): number {
    return this.chain.height;
  }
  /** Block time of the newest block, microseconds. */
  get time(): number {
    return this.chain.time;
  }
  /** The newest block's result. Throws before the first block. */
  get last(): BlockResult {
    const last = this.results.at(-1);
    if (last === undefined) throw new Error('no block was made yet');
    return last;
  }

  address(name: string): string {
    return addressOfName(name);
  }
  /** The name of an address; the address itself when this driver does not know it. */
  name(address: string): string {
    return this.#names.get(address) ?? address;
  }
  balance(name: string): bigint {
    return this.state.balanceOf(addressOfName(name));
  }
  /** The nonce that the account's next transaction will have. */
  nonce(name: string): number {
    const address = addressOfName(name);
    return this.#nonces.get(address) ?? this.state.accounts.get(address)?.nonce ?? 0;
  }
  provider(name: string): Readonly<Provider> {
    return this.state.providers.need(addressOfName(name));
  }
  deployment(id: string): Readonly<Deployment> {
    return this.state.deployments.need(id);
  }
  order(id: string): Readonly<Order> {
    return this.state.orders.need(id);
  }
  lease(id: string): Readonly<Lease> {
    return this.state.leases.need(id);
  }

  /** A signed transaction that is not queued; uses up an automatic nonce unless one is given. */
  sign(name: string, message: Message, options: SendOptions = {}): Transaction {
    const account = addressOfName(name);
    const nonce = options.nonce ?? this.nonce(name);
    if (options.nonce === undefined) this.#nonces.set(account, nonce + 1);
    const unpaid = { chainId: options.chainId ?? CHAIN_ID, account, nonce, grant: options.grant ?? '', message };
    const keys = keysOf(options.signedBy ?? name);
    if (options.fee === undefined) return payAndSign(this.params, unpaid, keys, keyedHashScheme);
    return signTransaction({ ...unpaid, fee: options.fee }, keys, keyedHashScheme);
  }

  /** Queues a transaction for the next block. */
  send(name: string, message: Message, options: SendOptions = {}): Transaction {
    const tx = this.sign(name, message, options);
    this.#queue.push(tx);
    return tx;
  }

  /**
   * Makes and applies one block.
   * @param options.after microseconds since the newest block; the block interval when not given
   * @param options.transactions instead of the queued ones, which stay queued
   * @param options.proposer address; the first validator of genesis when not given
   * @param options.lastCommit of the newest block; none when not given
   * Throws InvalidBlock when a transaction cannot be included; the queue and automatic nonces start afresh then.
   */
  block(options: BlockOptions = {}): BlockResult {
    const transactions = options.transactions ?? this.#takeQueue();
    try {
      const block = this.chain.makeBlock(
        this.time + (options.after ?? this.blockInterval),
        options.proposer ?? this.#proposer,
        transactions,
        options.lastCommit ?? null,
      );
      return this.apply(block);
    } catch (error) {
      this.#queue = [];
      this.#nonces.clear();
      throw error;
    }
  }

  /** Applies a block made elsewhere, or doctored, and keeps it. Throws InvalidBlock. */
  apply(block: Block): BlockResult {
    const result = this.chain.apply(block);
    this.blocks.push(block);
    this.results.push(result);
    if (this.#queue.length === 0) this.#nonces.clear();
    return result;
  }

  /** Makes `count` blocks, the queue going into the first. Returns all their results. */
  run(count: number): BlockResult[] {
    return Array.from({ length: count }, () => this.block());
  }

  /** Makes blocks until one has an event of this type; returns the event. Throws after `limit` blocks. */
  runUntil<T extends EventType>(type: T, limit = 1_000): EventOf<T> {
    for (let i = 0; i < limit; i++) {
      const found = this.block().events.find(one => one.type === type);
      if (found !== undefined) return found as EventOf<T>;
    }
    throw new Error(`no ${type} in ${limit} blocks up to height ${this.height}`);
  }

  /** Sends one message in a block of its own, after what is queued; returns its receipt. */
  attempt(name: string, message: Message, options: SendOptions = {}): Receipt {
    this.send(name, message, options);
    const receipt = this.block().receipts.at(-1);
    if (receipt === undefined) throw new Error('the block has no receipts');
    return receipt;
  }

  /** Like `attempt`, but throws unless the message succeeded; returns the block's result. */
  must(name: string, message: Message, options: SendOptions = {}): BlockResult {
    const receipt = this.attempt(name, message, options);
    if (!receipt.ok) throw new Error(`${message.type} by ${name} failed: ${receipt.code}: ${receipt.detail}`);
    return this.last;
  }

  /** Submits a deployment in a block of its own; returns the ids of its orders. Throws when it fails. */
  deploy(name: string, changes: Partial<Omit<MessageOf<'SubmitDeployment'>, 'type'>> = {}): string[] {
    const { events } = this.must(name, deployment(changes));
    const tenant = addressOfName(name);
    return events.flatMap(one => (one.type === 'OrderOpened' && one.tenant === tenant ? [one.order] : []));
  }

  /** All events of a type, of all blocks, oldest first. */
  events<T extends EventType>(type: T): EventOf<T>[] {
    return this.results.flatMap(one => one.events.filter(ev => ev.type === type)) as EventOf<T>[];
  }

  /** What fits; what does not stays queued, with all that its account queued after it. */
  #takeQueue(): Transaction[] {
    const fits = this.chain.fitter();
    const stuck = new Set<string>();
    const taken = this.#queue.filter(tx => {
      if (!stuck.has(tx.body.account) && fits(tx)) return true;
      stuck.add(tx.body.account);
      return false;
    });
    this.#queue = this.#queue.filter(tx => !taken.includes(tx));
    return taken;
  }
}

/** A resource group: one vCPU and 1 GiB at no more than one micro-AKASH a second, one AKASH of collateral. */
export function group(changes: Partial<ResourceGroup> = {}): ResourceGroup {
  return {
    compute: { cpu: 1_000, memory: 2 ** 30, disk: 2 ** 30, bandwidth: 0, gpu: 0 },
    price: UAKT_PER_S,
    collateral: AKASH,
    count: 1,
    ...changes,
  };
}

/** An infrastructure of one group in region `eu`, not persistent, without requirements. */
export function infrastructure(changes: Partial<DeploymentInfrastructure> = {}): DeploymentInfrastructure {
  return { region: 'eu', persist: false, resources: [group()], attributes: {}, reputationAtLeast: 0, ...changes };
}

/** SubmitDeployment: one infrastructure, matched 2 blocks after it is ordered, open for a day, 100 AKASH in escrow. */
export function deployment(changes: Partial<Omit<MessageOf<'SubmitDeployment'>, 'type'>> = {}): Message {
  return {
    type: 'SubmitDeployment',
    infrastructure: [infrastructure()],
    waitDuration: 2,
    openFor: 86_400 * SECOND,
    version: hashOf('manifest'),
    escrow: 100n * AKASH,
    ...changes,
  };
}

/** SubmitFulfillment for an order, with these prices (pico-AKASH/s) per group: one for all of them, or one each. */
export function bid(order: Readonly<Order>, prices: bigint | readonly bigint[]): Message {
  const resources = order.infrastructure.resources.map((want, i) => {
    const price = typeof prices === 'bigint' ? prices : prices[i];
    if (price === undefined) throw new Error(`no price for group ${i}`);
    return { ...want, price };
  });
  return { type: 'SubmitFulfillment', order: order.id, resources };
}

/** SubmitLeaseConfirmation; with `reset` the teardown is confirmed. */
export function confirmation(lease: string, reset = false): Message {
  return { type: 'SubmitLeaseConfirmation', lease, reset };
}
