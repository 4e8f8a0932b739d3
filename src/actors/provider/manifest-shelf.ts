/**
 * The manifests that a provider holds, one for each lease: in its store before the tenant is told that it has them, and
 * found there again after a restart, so that containers that run already are taken up with what they were started for.
 *
 * With a manifest goes which service each unit runs, and whether workloads of an older manifest may still stand in their
 * places: a container does not show which of the two it was started for.
 */

import { DecodeError } from '../../protocol/codec/errors.ts';
import { bool, byteString, decode, encode, list, struct, text } from '../../protocol/codec/struct.ts';
import { unitsOfLease } from '../../protocol/manifest/lease-units.ts';
import { MAX_GROUP_NAME, MAX_MANIFEST_BYTES, readManifest } from '../../protocol/manifest/reading.ts';
import { MAX_COUNT, MAX_GROUPS, type ResourceGroup } from '../../protocol/model/objects.ts';
import type { Effects, Input } from '../actor.ts';
import type { Wire } from '../wire.ts';
import { assignUnits, type UnitPlan } from './workload-specs.ts';

/** Under which they stand in the store. */
const SHELF = 'manifest/';

export interface HeldManifest {
  readonly version: Uint8Array;
  /** The manifest's group for the lease. */
  readonly group: string;
  readonly bytes: Uint8Array;
  /** Names of services by unit. */
  readonly units: readonly string[];
  /** Workloads of an older manifest may not have been stopped yet. */
  readonly replacing: boolean;
}

const record = struct({
  version: byteString(32),
  group: text(3 * MAX_GROUP_NAME),
  bytes: byteString(MAX_MANIFEST_BYTES),
  units: list(text(64), MAX_GROUPS * MAX_COUNT),
  replacing: bool,
});

export class ManifestShelf {
  /** What a start found, until the leases are taken up; null while the store has not told. */
  #found: Map<string, HeldManifest> | null = new Map();

  /** Whether it is known what there was. */
  get isReady(): boolean {
    return this.#found !== null;
  }

  /** A first start has nothing to find. */
  begin(incarnation: number, out: Effects<Wire>): void {
    if (incarnation === 0) return;
    this.#found = null;
    out.scan(SHELF);
  }

  /** Takes what the store tells; returns whether it was about this. */
  receive(input: Input<Wire>, out: Effects<Wire>): boolean {
    if (input.kind === 'storeFailed') {
      if (this.#found !== null || input.operation !== `scan ${SHELF}`) return false;
      // Tenants have their manifests, and offer them again.
      out.observe('manifests_unreadable', 1, input.reason);
      this.#found = new Map();
      return true;
    }
    if (input.kind !== 'scanned' || input.prefix !== SHELF) return false;
    this.#found = new Map();
    for (const [key, bytes] of input.entries) {
      const held = readRecord(bytes);
      if (held === null) out.observe('manifests_unreadable', 1, key);
      else this.#found.set(key.slice(SHELF.length), held);
    }
    return true;
  }

  /** What was found for a lease, as what its units run; null: nothing, or nothing that is for it. */
  take(
    lease: string,
    resources: readonly ResourceGroup[],
  ): { readonly plan: UnitPlan; readonly held: HeldManifest } | null {
    const held = this.#found?.get(lease);
    if (held === undefined) return null;
    this.#found?.delete(lease);
    const reading = readManifest(held.bytes);
    const group = reading.ok ? reading.manifest.find(one => one.name === held.group) : undefined;
    const units = group === undefined ? null : unitsOfLease(group, resources);
    if (units?.ok !== true) return null;
    return {
      plan: { version: held.version, services: assignUnits(units.units, held.units, resources) },
      held,
    };
  }

  /** All leases have been taken up: what is left is for none. */
  sweep(out: Effects<Wire>): void {
    for (const lease of this.#found?.keys() ?? []) this.drop(lease, out);
    this.#found = new Map();
  }

  /** Holds a manifest for a lease. What follows happens once it is durable. */
  put(lease: string, held: HeldManifest, out: Effects<Wire>): void {
    out.put(SHELF + lease, encode(record, held));
    out.sync();
  }

  /** The last workload of an older manifest has stopped. While this is not durable, a start replaces them once more. */
  replaced(lease: string, held: HeldManifest, out: Effects<Wire>): void {
    this.put(lease, { ...held, replacing: false }, out);
  }

  /** The lease is over. */
  drop(lease: string, out: Effects<Wire>): void {
    out.delete(SHELF + lease);
  }
}

function readRecord(bytes: Uint8Array): HeldManifest | null {
  try {
    return decode(record, bytes);
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}
