/**
 * What a provider holds, as a light client learns it: nodes name the deployments that it has to do with, and each of
 * these is proven as a leaf of the state.
 *
 * No proof says that the list is whole, for the state is not committed to by provider. So two nodes are asked, and what
 * either names counts: one that is honest is enough, and one that makes names up is shown to have done so.
 */
import { restoreDeployment } from '../../protocol/chain/deployment-leaf.ts';
import { ByteReader } from '../../protocol/codec/bytes.ts';
import { deploymentOf } from '../../protocol/model/objects.ts';
import type { Params } from '../../protocol/model/params.ts';
import { State } from '../../protocol/model/state.ts';
import type { PeerName, Time } from '../actor.ts';
import { providerViewOf } from '../provider-view.ts';
import type { ProviderView } from '../wire.ts';

/** Deployments that nodes may name, and characters of a name. */
const MAX_NAMED = 10_000;
const MAX_NAME = 200;

export class Holdings {
  readonly address: string;
  readonly askedAt: Time;
  readonly #params: Params;
  /** Nodes that have not said anything yet. */
  readonly #silent: Set<PeerName>;
  /** By deployment: its leaf; null where there is none, undefined where that is not known yet. */
  readonly #leaves = new Map<string, Uint8Array | null | undefined>();

  /** @param nodes who was asked */
  constructor(address: string, params: Params, nodes: readonly PeerName[], askedAt: Time) {
    this.address = address;
    this.askedAt = askedAt;
    this.#params = params;
    this.#silent = new Set(nodes);
  }

  /** A node has said what it knows; the deployments that are to be proven now. */
  name(node: PeerName, { leases, bids }: ProviderView): string[] {
    if (!this.#silent.delete(node)) return [];
    const added: string[] = [];
    for (const id of [...leases.map(one => one.lease), ...bids.map(one => one.order)]) {
      const deployment = deploymentOf(id);
      if (this.#leaves.has(deployment) || this.#leaves.size >= MAX_NAMED) continue;
      if (deployment.length > MAX_NAME || !deployment.isWellFormed()) continue;
      this.#leaves.set(deployment, undefined);
      added.push(deployment);
    }
    return added;
  }

  /** Does without what this node would have said. */
  forget(node: PeerName): void {
    this.#silent.delete(node);
  }

  isSilent(node: PeerName): boolean {
    return this.#silent.has(node);
  }

  /** A deployment is proven; null: not to exist. */
  prove(deployment: string, leaf: Uint8Array | null): void {
    if (this.#leaves.has(deployment)) this.#leaves.set(deployment, leaf);
  }

  /** What the provider holds, or null as long as something is missing. */
  view(): ProviderView | null {
    if (this.#silent.size > 0) return null;
    const state = new State(this.#params, false);
    for (const [deployment, leaf] of this.#leaves) {
      if (leaf === undefined) return null;
      if (leaf !== null) restoreDeployment(new ByteReader(leaf), state, deployment);
    }
    return providerViewOf(state, this.address);
  }
}
