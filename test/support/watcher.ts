/** A client that sends transfers and writes down what it is told, over a network of validators of which some may lie. */
import type { Actor, Effects, Input, PeerName, Time } from '../../src/actors/actor.ts';
import { ChainClient, type ChainListener } from '../../src/actors/client/chain-client.ts';
import type { LightOptions } from '../../src/actors/client/light-options.ts';
import type { Answer, ChainStatus, Wire } from '../../src/actors/wire.ts';
import { EventCommitment } from '../../src/protocol/chain/event-commitment.ts';
import { trustedGenesis } from '../../src/protocol/chain/light-chain.ts';
import { addressOf } from '../../src/protocol/codec/address.ts';
import { keyedHashScheme } from '../../src/protocol/codec/signature.ts';
import { accountTopic, type Event, GOVERNANCE_TOPIC } from '../../src/protocol/model/events.ts';
import type { Message } from '../../src/protocol/model/messages.ts';
import { type Lies, LyingNode } from './lying-node.ts';
import { keysOf, type NetOptions, ValidatorNet } from './validator-net.ts';

const SECOND = 1_000_000;
const PAYEE = addressOf(keysOf('payee').publicKey);
/** The watcher spends from the account of the last validator, which nobody else uses. */
const OWNER = 'validator-3';
export const OWNER_ADDRESS = addressOf(keysOf(OWNER).publicKey);
/** What it follows, in this order. */
export const TOPICS = [accountTopic(OWNER_ADDRESS), GOVERNANCE_TOPIC, accountTopic(PAYEE)];

/** An event as it was told: which block, and what. */
export type Told = string;

function told(height: number, event: Event): Told {
  return `${height} ${JSON.stringify(event, (_key, value) => (typeof value === 'bigint' ? `${value}n` : value))}`;
}

class Watcher implements Actor<Wire>, ChainListener {
  readonly #chain: ChainClient;
  readonly #seen: WatchedNet;
  constructor(seen: WatchedNet, nodes: readonly PeerName[], light: LightOptions | undefined) {
    this.#seen = seen;
    const keys = keysOf(OWNER);
    const topics = TOPICS.slice(2);
    this.#chain = new ChainClient(
      { address: OWNER_ADDRESS, keys, scheme: keyedHashScheme, nodes, topics, light },
      this,
    );
  }
  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): void {
    if (input.kind === 'recovered') out.setTimer('pay', now + SECOND);
    if (this.#chain.receive(input, now, out)) return;
    if (input.kind === 'timer' && input.id === 'pay') {
      out.setTimer('pay', now + 3 * SECOND);
      this.#chain.submit({ type: 'Transfer', to: PAYEE, amount: BigInt(this.#seen.submitted++) + 1_000n }, out);
    }
  }
  onReady(status: ChainStatus): void {
    this.#seen.ready.push(status.height);
  }
  onEvent(event: Event, height: number, time: Time, now: Time): void {
    this.#seen.told.push(told(height, event));
    this.#seen.delays.push(now - time);
  }
  onRefused(message: Message, code: string): void {
    this.#seen.refused.push(`${message.type} ${code}`);
  }
  onAnswer(_answer: Answer): void {}
}

export interface WatchOptions extends Partial<NetOptions> {
  readonly clients: 'trusting' | 'light';
  /** By number of the node. The client asks them in the order of their numbers. */
  readonly lies?: Readonly<Record<number, Lies>>;
  /** When the client starts. */
  readonly watchFrom?: Time;
}

export class WatchedNet {
  readonly net: ValidatorNet;
  readonly told: Told[] = [];
  readonly ready: number[] = [];
  readonly refused: string[] = [];
  /** From the time of a block to when the client heard of an event in it, microseconds. */
  readonly delays: number[] = [];
  submitted = 0;
  /** What there was to tell, block by block. */
  readonly #truth = new Map<number, Told[]>();

  constructor({ clients, lies = {}, watchFrom, ...options }: WatchOptions) {
    this.net = new ValidatorNet({
      stakes: [10, 10, 10, 10],
      load: 2,
      ...options,
      onBlock: (_index, { header }, { events }) => {
        const commitment = new EventCommitment(events);
        this.#truth.set(
          header.height,
          TOPICS.flatMap(topic => commitment.eventsOf(topic).map(one => told(header.height, one))),
        );
      },
      wrap: (index, node) => (lies[index] === undefined ? node : new LyingNode(node, lies[index])),
    });
    const { genesis, names, world } = this.net;
    const light =
      clients === 'trusting'
        ? undefined
        : { chainId: genesis.chainId, root: trustedGenesis(genesis), params: genesis.params };
    world.addActor({
      name: 'watcher',
      ...(watchFrom === undefined ? {} : { startAt: watchFrom }),
      start: () => new Watcher(this, names, light),
    });
  }

  run(until: Time): this {
    this.net.run(until);
    return this;
  }

  get height(): number {
    return Math.max(...this.net.heights);
  }

  /** All that there was to tell of these blocks. */
  truth(from: number, to: number): Told[] {
    return [...this.#truth].filter(([height]) => height >= from && height <= to).flatMap(([, list]) => list);
  }

  /** What was told of these blocks. */
  toldOf(from: number, to: number): Told[] {
    return this.told.filter(one => Number(one.split(' ', 1)[0]) >= from && Number(one.split(' ', 1)[0]) <= to);
  }

  /** The watcher's transfers that stand in blocks up to this one, by amount. */
  transfers(to: number): string[] {
    return this.truth(1, to).filter(one => one.includes(`"from":"${OWNER_ADDRESS}"`));
  }

  /** Nodes that the client would have no more to do with, with the reason. */
  get dropped(): string[] {
    return this.net.observed
      .filter(one => one.node === 'watcher' && one.metric === 'client/node-dropped')
      .map(one => one.label);
  }

  metric(name: string): string[] {
    return this.net.observed.filter(one => one.node === 'watcher' && one.metric === name).map(one => one.label);
  }
}
