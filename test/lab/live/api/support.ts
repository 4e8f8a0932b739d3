/** A node's view over a chain under a test's hand, with real commits, and a small market on it. */
import { Mempool } from '../../../../src/actors/validator/mempool.ts';
import type { BlockListener, NodeStatus, NodeView, Outcome } from '../../../../src/lab/live/api/views.ts';
import type { Block } from '../../../../src/protocol/chain/block.ts';
import type { BlockResult, Chain } from '../../../../src/protocol/chain/chain.ts';
import type { Genesis } from '../../../../src/protocol/chain/genesis.ts';
import type { Transaction } from '../../../../src/protocol/chain/transaction.ts';
import type { Commit } from '../../../../src/protocol/consensus/types.ts';
import type { ComputeUnit } from '../../../../src/protocol/model/objects.ts';
import {
  bid,
  ChainDriver,
  confirmation,
  type DriverOptions,
  group,
  infrastructure,
  UAKT_PER_S,
} from '../../../support/chain-driver.ts';
import { commitWithout } from '../../../support/validators.ts';

/** A chain that is driven by hand, seen as a node sees it. */
export class DrivenNode implements NodeView {
  readonly driver: ChainDriver;
  readonly genesis: Genesis;
  /** Whether listeners are handed the commit of a block at once, as a node that decided it does. */
  tellsCommits = true;
  /** Validators whose precommits are missing from the next commit. */
  absent: readonly string[] = [];
  capacities: Readonly<Record<string, ComputeUnit>> = {};
  knowsNames = true;
  state: Partial<NodeStatus> = {};
  readonly #listeners = new Set<BlockListener>();
  readonly #mempool: Mempool;
  #commit: Commit | null = null;

  constructor(options: DriverOptions = {}) {
    this.driver = new ChainDriver(options);
    this.genesis = this.driver.genesis;
    this.#mempool = new Mempool(() => this.driver.chain, { count: 100, bytes: 1_000_000 });
  }

  get watchers(): number {
    return this.#listeners.size;
  }

  chain(): Chain {
    return this.driver.chain;
  }

  status(): NodeStatus {
    return {
      name: 'validator-0',
      validator: this.genesis.candidates[0]!.address,
      round: 0,
      catchingUp: false,
      peers: [
        { name: 'validator-1', connected: true },
        { name: 'validator-2', connected: false },
      ],
      mempool: { count: this.#mempool.size, bytes: 0 },
      ...this.state,
    };
  }

  async submit(tx: Transaction): Promise<Outcome> {
    const admission = this.#mempool.add(tx, null);
    return admission === 'added' || admission === 'known' ? { ok: true } : { ok: false, ...admission };
  }

  onBlock(listener: BlockListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  nameOf(address: string): string | null {
    const name = this.driver.name(address);
    return !this.knowsNames || name === address ? null : name;
  }

  capacityOf(provider: string): ComputeUnit | null {
    return this.capacities[this.driver.name(provider)] ?? null;
  }

  /** Makes a block of what is queued and what was submitted, and tells of it. */
  block(after?: number): BlockResult {
    const submitted = this.#mempool.pick();
    const result = this.driver.block({
      lastCommit: this.#commit,
      ...(after === undefined ? {} : { after }),
      ...(submitted.length === 0 ? {} : { transactions: submitted }),
    });
    const block = this.driver.blocks.at(-1) as Block;
    this.#mempool.afterBlock(block.transactions);
    this.#commit = commitWithout(this.driver, this.absent);
    const told = this.tellsCommits ? this.#commit : null;
    for (const listener of this.#listeners) listener(block, result, this.driver.chain, told);
    return result;
  }

  run(count: number): void {
    for (let i = 0; i < count; i++) this.block();
  }
}

export const CAPACITY: ComputeUnit = { cpu: 16_000, memory: 64 * 2 ** 30, disk: 2 ** 40, bandwidth: 0, gpu: 0 };

/** What a provider may write about itself to harm whoever looks. */
export const HOSTILE = '<img src=x onerror="document.title=\'broken into\'"><script>document.title=1</script>';

/** Three validators, four providers, one of which writes markup about itself, and two tenants, at height 0. */
export function smallNode(time?: number): DrivenNode {
  return new DrivenNode({
    ...(time === undefined ? {} : { time }),
    params: { targetBlockInterval: 1_000_000, reconfirmationPeriod: 20 },
    validators: { 'validator-0': {}, 'validator-1': {}, 'validator-2': { stake: 500_000_000n } },
    providers: {
      'eu-0': { stake: 200_000_000n, attributes: { tier: 'community', cpu: 'amd' } },
      'eu-1': { stake: 50_000_000n },
      'us-0': { region: 'us' },
      'evil-0': { attributes: { [HOSTILE.slice(0, 60)]: HOSTILE, 'a&b': '"\u2028\'</td>' } },
    },
    accounts: { 'web-0': {}, 'web-1': {} },
  });
}

/** Makes a market on it: an active lease, a pending one, and an open order with bids. Returns the node. */
export function withMarket(node: DrivenNode): DrivenNode {
  const { driver } = node;
  node.run(3);
  const serve = (tenant: string, price: bigint): string => {
    driver.send(tenant, { ...deploymentOf(2) });
    node.block();
    const order = driver.events('OrderOpened').at(-1)!.order;
    driver.send('eu-0', bid(driver.order(order), price));
    driver.send('eu-1', bid(driver.order(order), price + 300_000n));
    node.run(4);
    return order;
  };
  const first = serve('web-0', 400_000n);
  driver.send('eu-0', confirmation(first));
  node.run(2);
  serve('web-1', 500_000n);
  driver.send('web-0', deploymentOf(40));
  node.block();
  const open = driver.events('OrderOpened').at(-1)!.order;
  driver.send('eu-1', bid(driver.order(open), 700_000n));
  driver.send('evil-0', bid(driver.order(open), 650_000n));
  driver.send('eu-0', confirmation(first));
  node.run(2);
  node.capacities = { 'eu-0': CAPACITY, 'eu-1': CAPACITY, 'us-0': CAPACITY };
  return node;
}

function deploymentOf(waitDuration: number) {
  return {
    type: 'SubmitDeployment' as const,
    infrastructure: [infrastructure({ resources: [group({ price: UAKT_PER_S, count: 2 })] })],
    waitDuration,
    openFor: 86_400_000_000,
    version: new Uint8Array(32).fill(7),
    escrow: 50_000_000n,
  };
}
