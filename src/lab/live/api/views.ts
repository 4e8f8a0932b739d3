/**
 * What the HTTP API knows of a participant: small windows that whoever runs one opens for it. The API never reaches past
 * them, so that it can be tried on a chain without a participant, and a participant can run without an API.
 *
 * Views are called from the event loop, never within an actor's turn. Times are microseconds, amounts bigint.
 */
import type { WorkloadAddress } from '../../../actors/actor.ts';
import type { Block } from '../../../protocol/chain/block.ts';
import type { BlockResult, Chain } from '../../../protocol/chain/chain.ts';
import type { Genesis } from '../../../protocol/chain/genesis.ts';
import type { Transaction } from '../../../protocol/chain/transaction.ts';
import type { Commit } from '../../../protocol/consensus/types.ts';
import type { ComputeUnit } from '../../../protocol/model/objects.ts';

/** Something was done, or why not: `code` is a stable word, `detail` says what was found and what is expected. */
export type Outcome<Done = unknown> =
  | ({ readonly ok: true } & Done)
  | { readonly ok: false; readonly code: string; readonly detail: string };

/** Somebody with whom there is, or should be, a connection. */
export interface PeerStatus {
  readonly name: string;
  readonly connected: boolean;
}

export interface NodeStatus {
  /** The participant's name. */
  readonly name: string;
  /** The account that it validates for; null for a node that only follows. */
  readonly validator: string | null;
  /** Round of the height that is being decided. */
  readonly round: number;
  /** Whether it fetches blocks or a snapshot, because it is behind. */
  readonly catchingUp: boolean;
  readonly peers: readonly PeerStatus[];
  readonly mempool: { readonly count: number; readonly bytes: number };
}

/**
 * A block, once it is executed. `commit`: the one by which the node decided it; null where it has none at hand, as for a
 * block that a start executes again: then the next block carries one.
 */
export type BlockListener = (block: Block, result: BlockResult, chain: Chain, commit: Commit | null) => void;

export interface NodeView {
  readonly genesis: Genesis;
  /** The chain as it is now; another object after the node started over from a snapshot. */
  chain(): Chain;
  status(): NodeStatus;
  /** Hands a transaction to the node as a client would; resolves when it is admitted or refused, not when it is done. */
  submit(tx: Transaction): Promise<Outcome>;
  /** Calls back after each block, blocks that a start executes again among them; returns what ends it. */
  onBlock(listener: BlockListener): () => void;
  /** What whoever runs the network calls an account; null: nothing. The chain knows addresses only. */
  nameOf?(address: string): string | null;
  /** All that a provider has, where whoever runs the network told this node: the chain itself does not know. */
  capacityOf?(provider: string): ComputeUnit | null;
}

export interface ProviderStatus {
  readonly name: string;
  readonly address: string;
  readonly region: string;
  /** Newest height that it knows of; 0: none yet. */
  readonly height: number;
  /** The node that it asks now; null: none. */
  readonly node: string | null;
  readonly capacity: ComputeUnit;
  /** Of the capacity, what leases and, where the operator reserves for them, bids take. */
  readonly used: ComputeUnit;
  readonly openBids: number;
  /** Whether the register says of it what it wants said. */
  readonly registered: boolean;
}

export interface ProviderLease {
  readonly lease: string;
  readonly state: 'pending' | 'active' | 'closing';
  /** pico-AKASH per second */
  readonly price: bigint;
  /** Its services are all running. */
  readonly served: boolean;
}

export interface ProviderWorkload {
  /** `lease/group/replica` */
  readonly id: string;
  readonly lease: string;
  readonly image: string;
  /** Index of the host that it was placed on. */
  readonly host: number;
  readonly state: 'starting' | 'running' | 'stopping' | 'failed';
  /** Where its ports are reached from outside. */
  readonly addresses: readonly WorkloadAddress[];
}

/** A provider, as its operator sees it. */
export interface ProviderView {
  status(): ProviderStatus;
  leases(): readonly ProviderLease[];
  workloads(): readonly ProviderWorkload[];
}

export interface TenantStatus {
  readonly name: string;
  readonly address: string;
  /** micro-AKASH free to spend, as far as it knows; null: not known yet. */
  readonly balance: bigint | null;
  readonly height: number;
  readonly node: string | null;
}

/** Shaped as the tenant's actor answers. */
export interface TenantLease {
  readonly lease: string;
  readonly provider: string;
  readonly state: 'pending' | 'active';
  /** pico-AKASH per second */
  readonly price: bigint;
  /** How far its manifest is on its way to the provider, or what the provider said; null: there is none to deliver. */
  readonly delivery: { readonly state: string; readonly detail: string } | null;
  /** As the provider told last; null: it has not told yet. */
  readonly services:
    | readonly {
        readonly name: string;
        /** Replicas that the manifest asks for, and those that run. */
        readonly wanted: number;
        readonly running: number;
        readonly addresses: readonly WorkloadAddress[];
      }[]
    | null;
}

export interface TenantDeployment {
  readonly deployment: string;
  /** SHA-256 of the manifest, as the chain shows it. */
  readonly version: Uint8Array;
  readonly state: 'open' | 'closing';
  /** micro-AKASH, as far as it knows */
  readonly escrow: bigint;
  readonly openOrders: number;
  readonly leases: readonly TenantLease[];
}

/** What a user says beside an SDL file; what is null is as the tenant's configuration has it. */
export interface DeployTerms {
  /** micro-AKASH put into escrow */
  readonly escrow: bigint | null;
  /** blocks */
  readonly waitDuration: number | null;
  /** microseconds */
  readonly openFor: number | null;
  /** Closed so long after the first lease, microseconds; null: when the user says so. */
  readonly lifetime: number | null;
  /**
   * What SDL has no words for, in those of orrery.yaml: region, persist, reputationAtLeast, collateral, datacenters, all
   * of these by placement under `placements`; and an escrow as in scenarios. Not looked at yet.
   */
  readonly market?: Readonly<Record<string, unknown>>;
}

/** A tenant's agent, as its user sees it. Each call is a request to the actor; its reply resolves the promise. */
export interface TenantView {
  status(): TenantStatus;
  /** Those that it keeps, or the one that is named; code `unknown_deployment` when there is none such. */
  deployments(deployment: string | null): Promise<Outcome<{ readonly deployments: readonly TenantDeployment[] }>>;
  /** Reads the SDL text and submits it; resolves when the deployment is on the chain or refused. */
  deploy(
    sdl: string,
    terms: DeployTerms,
  ): Promise<Outcome<{ readonly deployment: string; readonly version: Uint8Array }>>;
  /** Another SDL text for the same deployment; resolves when the chain shows its version. */
  update(deployment: string, sdl: string): Promise<Outcome<{ readonly version: Uint8Array }>>;
  /** Resolves when the deployment is closing. */
  close(deployment: string): Promise<Outcome>;
  /** The newest lines that each replica wrote, asked of the provider; `service` null: of all services of the lease. */
  logs(
    lease: string,
    service: string | null,
    lines: number,
  ): Promise<Outcome<{ readonly replicas: readonly ReplicaLog[] }>>;
}

export interface ReplicaLog {
  readonly service: string;
  readonly replica: number;
  /** Oldest first; null: there is nothing to be had. */
  readonly lines: readonly string[] | null;
}
