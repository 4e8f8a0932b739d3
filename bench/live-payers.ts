/**
 * Who pays on a live chain that is measured: a client of all its validators that sends transfers of many accounts, so
 * many at a time, and some accounts whose transfers are timed one by one.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { wireCodec } from '../src/actors/wire-bytes.ts';
import type { LivePlan } from '../src/lab/live/run/plan.ts';
import { payAndSign, type Transaction } from '../src/protocol/chain/transaction.ts';
import { addressOf } from '../src/protocol/codec/address.ts';
import type { KeyPair } from '../src/protocol/codec/signature.ts';
import { ed25519Scheme } from '../src/worlds/live/ed25519.ts';
import { tlsIdentity } from '../src/worlds/live/identity/identity.ts';
import { LiveTransport } from '../src/worlds/live/transport/transport.ts';

/** The class of tenants whose transfers are timed. */
export const PROBE = 'probe';
/** Transfers that are sent and not in a block yet, at the most. */
const OUTSTANDING = 5_000;
/** Sent between two looks at what is in blocks. */
const BURST = 100;
/** The next one follows within so long. */
const PROBE_WITHIN_MS = 1_000;
const CONNECT_MS = 20_000;
const US_PER_MS = 1_000;

interface Payer {
  readonly keys: KeyPair;
  readonly address: string;
  nonce: number;
}

export class Payers {
  /** From the offer of a probe to the block with it, as its node tells, microseconds. */
  readonly latencies: number[] = [];
  /** Transfers that are in blocks. */
  included = 0;
  readonly #plan: LivePlan;
  readonly #payers: readonly Payer[];
  readonly #probes: readonly Payer[];
  readonly #payee: string;
  /** By the names of validators. */
  readonly #byName = new Map<string, number>();
  #transport: LiveTransport | null = null;
  #events: WebSocket | null = null;
  #sent = 0;
  #isOver = false;
  readonly #running: Promise<void>[] = [];
  /** What waits for a probe's transfer, by the topic under which it is told. */
  readonly #waiting = new Map<string, () => void>();

  private constructor(plan: LivePlan) {
    this.#plan = plan;
    const members = plan.population.tenants.flatMap(group => group.members);
    const payers = members.map(({ name, keys, address }) => ({ name, keys, address, nonce: 0 }));
    this.#payers = payers.filter(one => !one.name.startsWith(PROBE));
    this.#probes = payers.filter(one => one.name.startsWith(PROBE));
    this.#payee = addressOf(ed25519Scheme.keyPair(new Uint8Array(randomBytes(32))).publicKey);
  }

  static async connect(plan: LivePlan): Promise<Payers> {
    const payers = new Payers(plan);
    await payers.#connect();
    await payers.#listen();
    return payers;
  }

  /** Transfers that wait for a block. */
  get outstanding(): number {
    return this.#sent - this.included;
  }

  /** Times transfers from now on, of each of these accounts one after the other. */
  probe(): void {
    for (const one of this.#probes) this.#running.push(this.#timeTransfers(one));
  }

  /** Pays as much as is taken from now on. */
  pay(): void {
    this.#running.push(this.#payOn());
  }

  async close(): Promise<void> {
    this.#isOver = true;
    for (const seen of this.#waiting.values()) seen();
    await Promise.all(this.#running);
    this.#events?.close();
    await this.#transport?.close(true);
  }

  async #connect(): Promise<void> {
    const { nodes } = this.#plan;
    const names = Object.keys(nodes);
    const all = Promise.withResolvers<void>();
    const timer = setTimeout(() => all.reject(new Error(`not connected after ${CONNECT_MS / 1_000} s`)), CONNECT_MS);
    this.#transport = await LiveTransport.open({
      identity: await tlsIdentity(randomBytes(32)),
      events: {
        connected: (connection, peer) => {
          this.#byName.set(peer, connection);
          if (this.#byName.size === names.length) all.resolve();
        },
        refused: (peer, reason) => all.reject(new Error(`${peer}: ${reason}`)),
        disconnected: () => undefined,
        message: (_connection, from, bytes) => this.#onMessage(from, bytes),
        queueFull: () => undefined,
        drained: () => undefined,
        tunnel: () => undefined,
      },
      resolve: name => nodes[name] ?? null,
      nameOf: () => null,
      log: ({ reason }) => console.error(reason),
      listen: null,
      acceptsUnknown: false,
    });
    for (const name of names) this.#transport.connect(name);
    try {
      await all.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** A node answers a client only to refuse, and then nothing that is measured means anything. */
  #onMessage(from: string, bytes: Uint8Array): void {
    const message = wireCodec.decode(bytes);
    if (message.type === 'refused') console.error(`${from} refused a transfer: ${message.code} ${message.detail}`);
  }

  async #listen(): Promise<void> {
    const topics = encodeURIComponent(['blocks', ...this.#probes.map(topicOf)].join(','));
    const api = this.#plan.members[0]?.api;
    const socket = new WebSocket(`ws://127.0.0.1:${api}/events?topics=${topics}`);
    this.#events = socket;
    const isOpen = Promise.withResolvers<void>();
    socket.onopen = () => isOpen.resolve();
    socket.onerror = () => isOpen.reject(new Error(`found no events at port ${api}, expected a WebSocket`));
    socket.onmessage = ({ data }) => {
      const told = JSON.parse(String(data)) as { type: string; topic?: string; block?: { transactions: number } };
      if (told.type === 'block' && told.block !== undefined) this.included += told.block.transactions;
      else if (told.topic !== undefined) this.#waiting.get(told.topic)?.();
    };
    await isOpen.promise;
  }

  #transfer(payer: Payer): Transaction {
    const { chainId, params } = this.#plan.genesis;
    const message = { type: 'Transfer', to: this.#payee, amount: 1n } as const;
    const body = { chainId, account: payer.address, nonce: payer.nonce, grant: '', message };
    payer.nonce += 1;
    this.#sent += 1;
    return payAndSign(params, body, payer.keys, ed25519Scheme);
  }

  #send(tx: Transaction, connection: number): void {
    this.#transport?.send(connection, wireCodec.encode({ type: 'submit', tx }));
  }

  async #payOn(): Promise<void> {
    const connections = [...this.#byName.values()];
    for (let next = 0; !this.#isOver; ) {
      if (this.outstanding + BURST > OUTSTANDING) {
        await pause(2);
        continue;
      }
      for (let i = 0; i < BURST; i++, next++) {
        // An account always sends to the same node, so that its transfers arrive in order.
        const at = next % this.#payers.length;
        const connection = connections[at % connections.length] as number;
        this.#send(this.#transfer(this.#payers[at] as Payer), connection);
      }
      await pause(0);
    }
  }

  /** One after the other, over the first validator, which is also the one that tells. */
  async #timeTransfers(probe: Payer): Promise<void> {
    const connection = this.#byName.get(this.#plan.members[0]?.name as string) as number;
    while (!this.#isOver) {
      const began = performance.now();
      const isIn = new Promise<void>(resolve => this.#waiting.set(topicOf(probe), resolve));
      this.#send(this.#transfer(probe), connection);
      await isIn;
      this.#waiting.delete(topicOf(probe));
      if (!this.#isOver) this.latencies.push((performance.now() - began) * US_PER_MS);
      // At any moment between two blocks, so that the mean wait for the next one is in the figures.
      await pause(Math.random() * PROBE_WITHIN_MS);
    }
  }
}

function topicOf({ address }: Payer): string {
  return `account/${address}`;
}
