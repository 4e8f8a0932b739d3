/** A tenant's manifests: what it checks before anybody else sees one, and what of it a lease is to run. */
import { equalBytes } from '../../protocol/codec/bytes.ts';
import { sha256 } from '../../protocol/codec/sha256.ts';
import { byteString, list, struct, text } from '../../protocol/codec/struct.ts';
import { MAX_GROUP_NAME, MAX_MANIFEST_BYTES, readManifest } from '../../protocol/manifest/reading.ts';
import { MAX_INFRASTRUCTURES } from '../../protocol/model/objects.ts';
import { type Failure, failure } from './requests.ts';

export interface HeldManifest {
  /** Canonical. */
  readonly bytes: Uint8Array;
  /** For each infrastructure of the deployment, by number, the manifest's group. */
  readonly groups: readonly string[];
}

/** How one is kept. */
export const heldManifest = struct({
  bytes: byteString(MAX_MANIFEST_BYTES),
  groups: list(text(3 * MAX_GROUP_NAME), MAX_INFRASTRUCTURES),
});

type Checked = { readonly ok: true; readonly held: HeldManifest } | Failure;

/**
 * Whether providers can take a manifest under this version for so many infrastructures.
 * @param wanted the group of each; undefined: the groups in the manifest's order
 */
export function checkManifest(
  bytes: Uint8Array,
  version: Uint8Array,
  wanted: readonly string[] | undefined,
  infrastructures: number,
): Checked {
  const hash = sha256(bytes);
  if (!equalBytes(hash, version)) {
    return failure('wrong_hash', `found the hash ${hash.toHex()}, expected the version ${version.toHex()}`);
  }
  const reading = readManifest(bytes);
  if (!reading.ok) return failure('bad_manifest', reading.reason);
  const names = reading.manifest.map(one => one.name);
  const groups = wanted ?? names;
  if (groups.length !== infrastructures) {
    return failure('bad_groups', `found ${groups.length} groups, expected one for each of ${infrastructures}`);
  }
  const unknown = groups.find(name => !names.includes(name));
  if (unknown !== undefined) return failure('bad_groups', `found no group ${unknown} in the manifest, expected it`);
  return { ok: true, held: { bytes, groups } };
}

/** What a lease is to run. */
export interface Goods {
  readonly version: Uint8Array;
  /** The manifest's group for this lease. */
  readonly group: string;
  readonly bytes: Uint8Array;
}

/** What of a deployment's manifest is for a lease; null: the manifest knows no such infrastructure. */
export function goodsOf(
  deployment: string,
  lease: string,
  version: Uint8Array,
  { bytes, groups }: HeldManifest,
): Goods | null {
  const group = groups[Number(lease.slice(deployment.length + 1).split('/')[0])];
  return group === undefined ? null : { version, group, bytes };
}
