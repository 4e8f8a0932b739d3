/**
 * A small network of validators in a simulated world, with whatever faults a test wants, and what was seen of it: the
 * blocks that each node executed, and every signature that reached anybody.
 */
import type { Actor, Effects, Input, PeerName, Time } from '../../src/actors/actor.ts';
import type { Gossip } from '../../src/actors/gossip.ts';
import { HONEST_VALIDATOR, twinOf, type ValidatorConduct, validatorNode } from '../../src/actors/validator/conduct.ts';
import { DEFAULT_TIMEOUTS, type Timeouts } from '../../src/actors/validator/height.ts';
import { Node, type NodeOptions } from '../../src/actors/validator/node.ts';
import { describeWire, digestOfWire, type Wire } from '../../src/actors/wire.ts';
import { ConsensusWatch } from '../../src/lab/experiment/consensus-watch.ts';
import type { ConsensusFacts } from '../../src/lab/monitors/consensus/consensus-monitor.ts';
import type { Block } from '../../src/protocol/chain/block.ts';
import type { BlockResult, Chain } from '../../src/protocol/chain/chain.ts';
import type { Genesis } from '../../src/protocol/chain/genesis.ts';
import { payAndSign } from '../../src/protocol/chain/transaction.ts';
import { addressOf } from '../../src/protocol/codec/address.ts';
import { sha256 } from '../../src/protocol/codec/sha256.ts';
import { keyedHashScheme } from '../../src/protocol/codec/signature.ts';
import { proposalSignBytes, valueIdOf, voteSignBytes } from '../../src/protocol/consensus/types.ts';
import type { ValidatorSet } from '../../src/protocol/consensus/validator-set.ts';
import { MICRO_PER_AKASH } from '../../src/protocol/ledger/money.ts';
import { defaultParams, type Params, withParams } from '../../src/protocol/model/params.ts';
import type { Fault } from '../../src/worlds/simulated/faults.ts';
import { constantLatency } from '../../src/worlds/simulated/latency.ts';
import { SimulatedWorld } from '../../src/worlds/simulated/world.ts';

const SECOND = 1_000_000;

export interface NetOptions {
  readonly seed?: number | string;
  /** Own stake of each validator, in whole AKASH. */
  readonly stakes: readonly number[];
  /** microseconds */
  readonly blockInterval?: number;
  readonly latency?: number;
  readonly timeouts?: Timeouts;
  readonly keepBlocks?: number;
  readonly snapshotEvery?: number;
  readonly faults?: readonly Fault[];
  readonly params?: Partial<Params>;
  /** Whom node i calls; everybody before it when not given. */
  readonly dials?: (index: number) => readonly number[];
  /** Transfers per second that a client sends to the nodes in turn. */
  readonly load?: number;
  /** Told of every block that a node executes, restarts included. */
  readonly onBlock?: (index: number, block: Block, result: BlockResult) => void;
  /** Puts something between a node and the world. */
  readonly wrap?: (index: number, node: Node) => Actor<Wire>;
  /** How validator i behaves; honestly where not given. Not together with `wrap`. A twin is the last of all nodes. */
  readonly conduct?: (index: number) => ValidatorConduct;
  /** Nodes that begin by fetching a snapshot. */
  readonly stateSync?: (index: number) => boolean;
  /** Nodes that are left out at first: they start at this time. */
  readonly startAt?: (index: number) => Time | undefined;
}

export interface Executed {
  readonly height: number;
  readonly hash: string;
  readonly appHash: string;
}

export function keysOf(name: string) {
  return keyedHashScheme.keyPair(sha256(new TextEncoder().encode(name)));
}

/** A node and what it hears. */
class Heard implements Actor<Wire> {
  readonly #inner: Actor<Wire>;
  readonly #hear: (message: Wire, now: Time) => void;
  constructor(inner: Actor<Wire>, hear: (message: Wire, now: Time) => void) {
    this.#inner = inner;
    this.#hear = hear;
  }
  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): void {
    if (input.kind === 'message') this.#hear(input.message, now);
    this.#inner.receive(input, now, out);
  }
}

/** Sends transfers to the nodes in turn, and never listens. */
class Payer implements Actor<Wire> {
  readonly #options: NetOptions;
  readonly #params: Params;
  readonly #nodes: readonly PeerName[];
  readonly #connections = new Map<PeerName, number>();
  #nonce = 0;
  constructor(options: NetOptions, params: Params, nodes: readonly PeerName[]) {
    this.#options = options;
    this.#params = params;
    this.#nodes = nodes;
  }
  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): void {
    if (input.kind === 'recovered') {
      for (const name of this.#nodes) out.connect(name);
      out.setTimer('pay', now + SECOND);
    } else if (input.kind === 'connected') this.#connections.set(input.peer, input.connection);
    else if (input.kind === 'disconnected') {
      this.#connections.delete(input.peer);
      out.connect(input.peer);
    } else if (input.kind === 'refused') out.setTimer(`again/${input.peer}`, now + SECOND);
    else if (input.kind === 'timer' && input.id === 'pay') this.#pay(now, out);
    else if (input.kind === 'timer') out.connect(String(input.id).slice('again/'.length));
  }
  #pay(now: Time, out: Effects<Wire>): void {
    out.setTimer('pay', now + Math.round(SECOND / (this.#options.load ?? 1)));
    const to = [...this.#connections.values()];
    if (to.length === 0) return;
    const keys = keysOf('payer');
    const account = addressOf(keys.publicKey);
    const message = { type: 'Transfer', to: addressOf(keysOf('payee').publicKey), amount: 1n } as const;
    const body = { chainId: 'net', account, nonce: this.#nonce++, grant: '', message };
    const tx = payAndSign(this.#params, body, keys, keyedHashScheme);
    // To all of them: whoever is down misses it, and a gap in the nonces would be for good.
    for (const connection of to) out.send(connection, { type: 'submit', tx });
  }
}

export class ValidatorNet implements ConsensusFacts {
  readonly chainId = 'net';
  readonly genesis: Genesis;
  readonly world: SimulatedWorld<Wire>;
  readonly names: readonly PeerName[];
  readonly addresses: readonly string[];
  /** What each node executed, in its own order, restarts included. */
  readonly executed: readonly Executed[][];
  /** Metrics and labels that nodes observed. */
  readonly observed: {
    readonly node: string;
    readonly metric: string;
    readonly value: number;
    readonly label: string;
  }[] = [];
  readonly halted: string[] = [];
  /** By voter, height, round and step: the values signed, as seen by receivers. */
  readonly #signed = new Map<string, Set<string>>();
  readonly #sets = new Map<number, ValidatorSet>();
  /** Chain state as the node that executed last left it. */
  #latest: { readonly burned: bigint; readonly jailed: readonly string[] } = { burned: 0n, jailed: [] };
  readonly onMessage: ((node: string, message: Gossip, now: Time) => void)[] = [];
  readonly onBlock: ((node: string, result: BlockResult, chain: Chain) => void)[] = [];
  readonly #byzantine: ReadonlySet<string>;

  constructor(options: NetOptions) {
    const { stakes, blockInterval = SECOND, latency = 50_000 } = options;
    const names = stakes.map((_, i) => `validator-${i}`);
    const conductOf = (i: number): ValidatorConduct => options.conduct?.(i) ?? HONEST_VALIDATOR;
    const isTwin = names.filter((_, i) => conductOf(i).kind === 'twins');
    const owners = [...names, ...isTwin];
    this.names = [...names, ...isTwin.map(twinOf)];
    this.addresses = owners.map(name => addressOf(keysOf(name).publicKey));
    this.executed = owners.map(() => []);
    this.#byzantine = new Set(this.names.filter((_, i) => i >= stakes.length || conductOf(i).kind !== 'honest'));
    const params = withParams(defaultParams(), { targetBlockInterval: blockInterval, ...options.params });
    this.genesis = {
      chainId: 'net',
      time: 0,
      params,
      accounts: [
        ...stakes.map((stake, i) => ({
          address: this.addresses[i]!,
          balance: 1_000n * MICRO_PER_AKASH,
          stake: BigInt(stake) * MICRO_PER_AKASH,
        })),
        { address: addressOf(keysOf('payer').publicKey), balance: 1_000_000n * MICRO_PER_AKASH, stake: 0n },
      ],
      candidates: names.map(name => ({
        address: addressOf(keysOf(name).publicKey),
        consensusKey: keysOf(name).publicKey,
        commission: 0,
      })),
      providers: [],
    };
    // Whoever wraps a node may make anything of it.
    const watch =
      options.wrap !== undefined
        ? null
        : new ConsensusWatch({
            genesis: this.genesis,
            scheme: keyedHashScheme,
            nodes: new Map(names.map((name, i) => [this.addresses[i]!, name])),
            byzantine: this.#byzantine,
          });
    this.world = new SimulatedWorld<Wire>({
      seed: options.seed ?? 1,
      network: { latency: constantLatency(latency) },
      digestOf: digestOfWire,
      describe: describeWire,
      ...(options.faults === undefined ? {} : { faults: options.faults }),
      onObserve: (node, time, metric, value, label) => {
        watch?.onObserve(node, metric, time);
        this.observed.push({ node, metric, value, label: label ?? '' });
      },
      onHalt: (node, time, reason) => this.halted.push(`${node} at ${time}: ${reason}`),
    });
    owners.forEach((owner, i) => {
      const startAt = options.startAt?.(i);
      this.world.addActor({
        name: this.names[i]!,
        ...(startAt === undefined ? {} : { startAt }),
        start: ports => {
          const settings: NodeOptions = {
            chain: { genesis: this.genesis, scheme: keyedHashScheme, commitEvery: 1, requireCommits: true },
            validator: { address: this.addresses[i]!, keys: keysOf(owner) },
            dials: (options.dials?.(i) ?? this.names.slice(0, i).map((__, j) => j)).map(j => this.names[j]!),
            timeouts: options.timeouts ?? DEFAULT_TIMEOUTS,
            mempool: { count: 10_000, bytes: 10 << 20 },
            keepBlocks: options.keepBlocks ?? 1_000,
            snapshotEvery: options.snapshotEvery ?? 7,
            ...(options.stateSync?.(i) === true ? { stateSync: { trust: 'genesis' as const } } : {}),
            watch: (block, result, chain) => {
              options.onBlock?.(i, block, result);
              watch?.onBlock(this.names[i]!, result, chain, this.world.now);
              this.#sets.set(result.height + 1, chain.validators);
              this.executed[i]!.push({
                height: result.height,
                hash: valueIdOf(result.hash),
                appHash: valueIdOf(result.appHash),
              });
              this.#latest = {
                burned: chain.state.chainwide.burned,
                jailed: [...chain.state.candidates.unordered()].filter(one => one.jailed).map(one => one.address),
              };
              for (const one of this.onBlock) one(this.names[i]!, result, chain);
            },
          };
          const inner =
            options.wrap?.(i, new Node(settings)) ?? validatorNode(settings, conductOf(i), ports.random('conduct'));
          const watched = watch?.tapped(this.names[i]!, inner) ?? inner;
          return new Heard(watched, (message, now) => this.#hear(this.names[i]!, message, now));
        },
      });
    });
    if (options.load !== undefined)
      this.world.addActor({ name: 'payer', start: () => new Payer(options, params, this.names) });
  }

  run(until: Time): this {
    this.world.run(until);
    return this;
  }

  get burned(): bigint {
    return this.#latest.burned;
  }
  get jailed(): readonly string[] {
    return this.#latest.jailed;
  }

  setAt(height: number): ValidatorSet | undefined {
    return this.#sets.get(height);
  }
  nodeOf(address: string): string | undefined {
    return this.names[this.addresses.indexOf(address)];
  }
  isByzantine(node: string): boolean {
    return this.#byzantine.has(node);
  }
  /** How often a node distorted something, by what it did. */
  distortions(node: string): Map<string, number> {
    const counts = new Map<string, number>();
    for (const one of this.observed) {
      if (one.node !== node || !one.metric.startsWith('byzantine/')) continue;
      const what = one.metric.slice('byzantine/'.length);
      counts.set(what, (counts.get(what) ?? 0) + one.value);
    }
    return counts;
  }

  /** Height of each node. */
  get heights(): number[] {
    return this.executed.map(list => list.at(-1)?.height ?? 0);
  }

  /** Statements that were signed in two versions: `validator/height/round/step`. */
  get doubleSigned(): string[] {
    return [...this.#signed].filter(([, values]) => values.size > 1).map(([key]) => key);
  }

  /** Heights at which two nodes, or one before and after a restart, had different blocks or states. */
  get disagreements(): number[] {
    const found = new Set<number>();
    const first = new Map<number, Executed>();
    for (const list of this.executed) {
      for (const one of list) {
        const other = first.get(one.height);
        if (other === undefined) first.set(one.height, one);
        else if (other.hash !== one.hash || other.appHash !== one.appHash) found.add(one.height);
      }
    }
    return [...found];
  }

  #hear(node: string, message: Wire, now: Time): void {
    if (message.type === 'votes') {
      for (const vote of message.votes) {
        const { validator, height, round, kind, value, signature } = vote;
        if (this.#isSigned(validator, () => voteSignBytes(this.chainId, vote), signature))
          this.#note(`${validator}/${height}/${round}/${kind}`, value ?? 'nil');
      }
    } else if (message.type === 'proposal') {
      const { proposal } = message;
      const { proposer, height, round, value, signature } = proposal;
      if (this.#isSigned(proposer, () => proposalSignBytes(this.chainId, proposal), signature))
        this.#note(`${proposer}/${height}/${round}/proposal`, value);
    }
    for (const one of this.onMessage) one(node, message as Gossip, now);
  }

  /** Whether a statement is its signer's. Looked at only where somebody may lie. */
  #isSigned(signer: string, bytes: () => Uint8Array, signature: Uint8Array): boolean {
    if (this.#byzantine.size === 0) return true;
    const place = this.addresses.indexOf(signer);
    if (place < 0) return false;
    const owner = this.names[place]!;
    return keyedHashScheme.verify(keysOf(owner).publicKey, bytes(), signature);
  }

  #note(key: string, value: string): void {
    const values = this.#signed.get(key);
    if (values === undefined) this.#signed.set(key, new Set([value]));
    else values.add(value);
  }
}
