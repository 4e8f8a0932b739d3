/**
 * Puts the monitors of consensus on a world with several validators: they see every message that a node takes, and every
 * block that one executes.
 */
import type { Actor, Effects, Input, PeerName, Time } from '../../actors/actor.ts';
import type { Gossip } from '../../actors/gossip.ts';
import type { Wire } from '../../actors/wire.ts';
import type { BlockResult, Chain } from '../../protocol/chain/chain.ts';
import { type Genesis, genesisState } from '../../protocol/chain/genesis.ts';
import type { SignatureScheme } from '../../protocol/codec/signature.ts';
import { valueIdOf } from '../../protocol/consensus/types.ts';
import { ValidatorSet } from '../../protocol/consensus/validator-set.ts';
import { consensusMonitors } from '../monitors/consensus/all-consensus-monitors.ts';
import type { ConsensusFacts, ConsensusMonitor } from '../monitors/consensus/consensus-monitor.ts';

/** Heights whose sets and times are kept: monitors forget sooner. */
const KEPT = 20_000;

export interface ConsensusWatchOptions {
  readonly genesis: Genesis;
  readonly scheme: SignatureScheme;
  /** The node of a validator's address. */
  readonly nodes: ReadonlyMap<string, PeerName>;
  /** Nodes that are declared to misbehave. */
  readonly byzantine: ReadonlySet<PeerName>;
}

export class ConsensusWatch implements ConsensusFacts {
  readonly chainId: string;
  readonly #options: ConsensusWatchOptions;
  readonly #sets = new Map<number, ValidatorSet>();
  readonly #times = new Map<number, number>();
  readonly #monitors: readonly ConsensusMonitor[];

  constructor(options: ConsensusWatchOptions) {
    const { genesis, scheme } = options;
    this.chainId = genesis.chainId;
    this.#options = options;
    const { validators, upcoming } = genesisState(genesis, false).seats;
    this.#sets.set(1, ValidatorSet.of(validators));
    this.#sets.set(2, ValidatorSet.of(upcoming));
    this.#times.set(0, genesis.time);
    this.#monitors = consensusMonitors(this, { scheme, timeOfBlock: height => this.#times.get(height) });
  }

  setAt(height: number): ValidatorSet | undefined {
    return this.#sets.get(height);
  }
  nodeOf(address: string): PeerName | undefined {
    return this.#options.nodes.get(address);
  }
  isByzantine(node: PeerName): boolean {
    return this.#options.byzantine.has(node);
  }

  /** The node, with the monitors listening. */
  tapped(name: PeerName, node: Actor<Wire>): Actor<Wire> {
    return {
      receive: (input: Input<Wire>, now: Time, out: Effects<Wire>): void => {
        this.onInput(name, input, now);
        node.receive(input, now, out);
      },
    };
  }

  /** A node is about to be given something. Throws MonitorViolation when what it hears should not have been said. */
  onInput(name: PeerName, input: Input<Wire>, now: Time): void {
    if (input.kind === 'message') this.#heard(name, input.message, now);
    else if (input.kind === 'recovered') for (const one of this.#monitors) one.onStarted(name, now);
  }

  /** What a node observes of itself: one that took up a snapshot knows no more of what went before than after a start. */
  onObserve(node: PeerName, metric: string, now: Time): void {
    if (metric === 'node/state-synced') for (const one of this.#monitors) one.onStarted(node, now);
  }

  /** A node has executed a block. Throws MonitorViolation when it had no right to. */
  onBlock(node: PeerName, { height, hash, time }: BlockResult, chain: Chain, now: Time): void {
    if (!this.#sets.has(height + 1)) this.#sets.set(height + 1, chain.validators);
    this.#times.set(height, time);
    this.#sets.delete(height - KEPT);
    this.#times.delete(height - KEPT);
    const block = valueIdOf(hash);
    for (const one of this.#monitors) one.onDecided(node, height, block, now);
  }

  #heard(node: PeerName, message: Wire, now: Time): void {
    if (isGossip(message)) for (const one of this.#monitors) one.onReceived(node, message, now);
  }
}

function isGossip(message: Wire): message is Gossip {
  const { type } = message;
  return type === 'votes' || type === 'proposal' || type === 'part' || type === 'block' || type === 'inventory';
}
