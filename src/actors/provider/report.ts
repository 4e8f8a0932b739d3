/** How a provider is, for whoever runs it: plain data, made when somebody asks. */
import { type ComputeUnit, totalPrice } from '../../protocol/model/objects.ts';
import type { PeerName, WorkloadAddress } from '../actor.ts';
import type { KeptLease } from './kept-lease.ts';

export interface ProviderReport {
  /** The node that it asks now; empty: none is in reach. */
  readonly node: PeerName;
  /** The newest height that it knows of; 0: none yet. */
  readonly height: number;
  /** Whether the register says of it what it wants said. */
  readonly isRegistered: boolean;
  readonly capacity: ComputeUnit;
  readonly used: ComputeUnit;
  readonly openBids: number;
  readonly leases: readonly LeaseReport[];
}

export interface LeaseReport {
  readonly lease: string;
  readonly state: 'pending' | 'active' | 'closing';
  /** What its resources cost, pico-AKASH per second. */
  readonly price: bigint;
  /** A manifest is there, and all that it asks for runs. */
  readonly isServed: boolean;
  readonly workloads: readonly WorkloadReport[];
}

export interface WorkloadReport {
  readonly id: string;
  readonly image: string;
  readonly host: number;
  readonly state: 'starting' | 'running' | 'stopping' | 'failed';
  readonly addresses: readonly WorkloadAddress[];
}

export function leaseReport({ id, resources, stage, confirmedAt, plan, workloads }: KeptLease): LeaseReport {
  const all = [...workloads.all];
  const isServing = stage === 'serving';
  return {
    lease: id,
    state: !isServing ? 'closing' : confirmedAt < 0 ? 'pending' : 'active',
    price: totalPrice(resources),
    isServed: isServing && plan !== null && all.length > 0 && all.every(one => one.running),
    workloads: all.map(({ spec, running, failures, addresses }) => ({
      id: spec.id,
      image: spec.image,
      host: spec.host,
      state: !isServing ? 'stopping' : running ? 'running' : failures > 0 ? 'failed' : 'starting',
      addresses,
    })),
  };
}
