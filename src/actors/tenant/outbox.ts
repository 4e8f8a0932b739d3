/**
 * What a tenant must not forget: each deployment that it was asked for, with its manifest, from before its transaction is
 * sent until it is closed. A manifest may hold secrets, and nobody else has it.
 *
 * A record is durable under the nonce of its transaction before that is sent, and its manifest with it. So after a restart
 * the chain's account says whether it was included, and if not, it is sent again under the same nonce: two of them cannot
 * get in. What was not durable was not sent; whoever asked for it has been told that it failed, and asks again.
 */
import { decode, encode } from '../../protocol/codec/struct.ts';
import type { Effects } from '../actor.ts';
import type { Wire } from '../wire.ts';
import { decodeKept, encodeKept, type Kept } from './kept.ts';
import { type HeldManifest, heldManifest } from './manifests.ts';

/** Under which all of it stands in the store. */
export const OUTBOX = 'outbox/';
const KEY = /^outbox\/([0-9]{1,15})\/(?:request|manifest\/([0-9a-f]{0,64}))$/;

function requestKey(serial: number): string {
  return `${OUTBOX}${serial}/request`;
}

function manifestKey(serial: number, version: string): string {
  return `${OUTBOX}${serial}/manifest/${version}`;
}

export class Outbox {
  #next = 0;

  /** The number of the next record. */
  take(): number {
    this.#next += 1;
    return this.#next - 1;
  }

  /** Writes a record, without what must be durable being so: that takes a sync. */
  put(kept: Kept, out: Effects<Wire>): void {
    if (kept.serial !== null) out.put(requestKey(kept.serial), encodeKept(kept));
  }

  putManifest({ serial }: Kept, version: string, manifest: HeldManifest, out: Effects<Wire>): void {
    if (serial !== null) out.put(manifestKey(serial, version), encode(heldManifest, manifest));
  }

  dropManifest({ serial }: Kept, version: string, out: Effects<Wire>): void {
    if (serial !== null) out.delete(manifestKey(serial, version));
  }

  /** Forgets a deployment. Should a crash bring it back, the chain says that it is over. */
  drop(kept: Kept, out: Effects<Wire>): void {
    if (kept.serial === null) return;
    for (const version of kept.manifests.keys()) this.dropManifest(kept, version, out);
    out.delete(requestKey(kept.serial));
  }

  /**
   * What a start finds, by serial. What cannot have been sent is swept out: a record without a nonce or without its
   * manifest, and a manifest without a record.
   * @throws DecodeError for a record or a manifest that is none
   */
  recover(entries: readonly (readonly [string, Uint8Array])[], out: Effects<Wire>): Kept[] {
    const found = new Map<number, Kept>();
    const manifests: { readonly key: string; readonly serial: number; readonly version: string; bytes: Uint8Array }[] =
      [];
    for (const [key, bytes] of entries) {
      const match = KEY.exec(key);
      if (match === null) throw new Error(`found ${key} in the outbox, expected a record or a manifest`);
      const serial = Number(match[1]);
      this.#next = Math.max(this.#next, serial + 1);
      const version = match[2];
      if (version === undefined) found.set(serial, decodeKept(bytes, serial));
      else manifests.push({ key, serial, version, bytes });
    }
    for (const { key, serial, version, bytes } of manifests) {
      const kept = found.get(serial);
      if (kept === undefined) out.delete(key);
      else kept.manifests.set(version, decode(heldManifest, bytes));
    }
    for (const [serial, kept] of found) {
      const isWhole = !kept.hasManifest || kept.manifests.has(kept.version.toHex());
      if (kept.id !== '' || (kept.nonce >= 0 && isWhole)) continue;
      found.delete(serial);
      this.drop(kept, out);
    }
    return [...found.values()].sort((a, b) => (a.serial as number) - (b.serial as number));
  }
}
