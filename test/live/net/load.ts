/** A load for a live network: transfers, one after the other, sent again until each is in a block. */
import { setTimeout as pause } from 'node:timers/promises';
import { payAndSign, type Transaction } from '../../../src/protocol/chain/transaction.ts';
import { addressOf } from '../../../src/protocol/codec/address.ts';
import type { KeyPair } from '../../../src/protocol/codec/signature.ts';
import { ed25519Scheme } from '../../../src/worlds/live/ed25519.ts';
import type { LiveNet } from './live-net.ts';

/** Transfers that are sent before the first of them is in a block. */
const WINDOW = 20;
const SUBMIT_MS = 2_000;

export interface Account {
  readonly keys: KeyPair;
  readonly address: string;
}

/** The account of a tenant of the scenario. */
export function accountOf(net: LiveNet, name: string): Account {
  for (const { members } of net.plan.population.tenants)
    for (const one of members) if (one.name === name) return { keys: one.keys, address: one.address };
  throw new Error(`found no tenant ${name}, expected one of the scenario`);
}

export function transfer(net: LiveNet, from: Account, nonce: number, to: string, amount: bigint): Transaction {
  const { chainId, params } = net.plan.genesis;
  const message = { type: 'Transfer', to, amount } as const;
  const body = { chainId, account: from.address, nonce, grant: '', message };
  return payAndSign(params, body, from.keys, ed25519Scheme);
}

/** An account that nobody else pays to. */
export function freshAddress(byte: number): string {
  return addressOf(ed25519Scheme.keyPair(new Uint8Array(32).fill(byte)).publicKey);
}

/** Offers a transaction to a node; its answer, or why there was none. */
export async function offer(net: LiveNet, node: string, tx: Transaction): Promise<string> {
  try {
    const body = { transaction: Buffer.from(tx.encode()).toString('hex'), encoding: 'hex' };
    await net.ask(node, '/transactions', 'POST', body, SUBMIT_MS);
    return 'admitted';
  } catch (error) {
    return (error as Error).message;
  }
}

/** Sends transfers of one micro-AKASH each until it is stopped. */
export class Transfers {
  readonly payee: string;
  readonly #net: LiveNet;
  readonly #from: Account;
  readonly #node: () => string | null;
  readonly #signed = new Map<number, Transaction>();
  #isStopped = false;
  readonly #running: Promise<void>;

  /** @param node whom to send the next ones to; null: nobody is there */
  constructor(net: LiveNet, from: Account, payee: string, node: () => string | null) {
    this.#net = net;
    this.#from = from;
    this.payee = payee;
    this.#node = node;
    this.#running = this.#run();
  }

  /** Transfers that are in blocks. */
  get included(): number {
    return this.#net.chain.state.accounts.get(this.#from.address)?.nonce ?? 0;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const first = this.included;
      for (const nonce of this.#signed.keys()) if (nonce < first) this.#signed.delete(nonce);
      const node = this.#node();
      // A node that was killed has forgotten what waited there, so all is offered again; what waits is known, and taken.
      for (let nonce = first; node !== null && nonce < first + WINDOW; nonce++) {
        const tx = this.#signed.get(nonce) ?? transfer(this.#net, this.#from, nonce, this.payee, 1n);
        this.#signed.set(nonce, tx);
        if ((await offer(this.#net, node, tx)) !== 'admitted') break;
      }
      await pause(100);
    }
  }
}
