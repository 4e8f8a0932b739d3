/** A lease as its provider learns of it, and as it keeps it. */
import type { ResourceGroup } from '../../protocol/model/objects.ts';
import type { Time } from '../actor.ts';
import type { Reservation } from './capacity.ts';
import type { HeldManifest } from './manifest-shelf.ts';
import { WorkloadSet } from './workload-set.ts';
import type { UnitPlan } from './workload-specs.ts';

/** A lease as its provider learns of it. */
export interface LeaseTerms {
  readonly lease: string;
  readonly resources: readonly ResourceGroup[];
  readonly collateral: bigint;
  /** Of its deployment, on the chain. */
  readonly version: Uint8Array;
}

export interface KeptLease {
  readonly id: string;
  readonly resources: readonly ResourceGroup[];
  readonly collateral: bigint;
  /** Of the deployment, as far as the chain has told. */
  version: Uint8Array;
  /** What its units run by a manifest; null: it has not come, or never will. */
  plan: UnitPlan | null;
  /** The manifest, as long as older workloads stand in the places of its own. */
  held: HeldManifest | null;
  /** When it was won, by this provider's clock; -1 = before a restart. */
  wonAt: Time;
  /** Null while the capacity is not there. */
  reservation: Reservation | null;
  readonly workloads: WorkloadSet;
  /** When it was confirmed last, by this provider's clock; -1 = not yet. */
  confirmedAt: Time;
  stage: 'serving' | 'closing' | 'abandoned';
  /** Whether all of its workloads run, as it was last observed. */
  isThere: boolean;
}

/** What a tenant must match to hand over a manifest. */
export interface LeaseFacts {
  readonly resources: readonly ResourceGroup[];
  readonly version: Uint8Array;
  /** Version of the manifest that is held; null: none. */
  readonly held: Uint8Array | null;
}

/** A lease of which nothing runs yet. */
export function newLease(
  { lease, resources, collateral, version }: LeaseTerms,
  reservation: Reservation | null,
): KeptLease {
  return {
    id: lease,
    resources,
    collateral,
    version,
    plan: null,
    held: null,
    wonAt: -1,
    reservation,
    workloads: new WorkloadSet(),
    confirmedAt: -1,
    stage: 'serving',
    isThere: false,
  };
}
