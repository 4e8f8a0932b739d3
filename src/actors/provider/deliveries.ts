/**
 * Manifests on their way in: offers are held against what the chain says of the lease, chunks are put together within
 * limits, and what is whole is checked before anything is made of it.
 *
 * Nothing here is taken from the tenant's word but what its manifest holds: whose the lease is its name says, its
 * resources and version come from the chain. A version that is not the one that is known may be newer than what is
 * known, so the chain is asked, though not for each offer.
 */
import { equalBytes } from '../../protocol/codec/bytes.ts';
import { sha256 } from '../../protocol/codec/sha256.ts';
import { unitsOfLease } from '../../protocol/manifest/lease-units.ts';
import { MAX_MANIFEST_BYTES, readManifest } from '../../protocol/manifest/reading.ts';
import type { ManifestService } from '../../protocol/manifest/types.ts';
import { deploymentOf } from '../../protocol/model/objects.ts';
import type { ConnectionId, Effects, Time } from '../actor.ts';
import { type LeaseWire, MANIFEST_CHUNK_BYTES, MAX_DETAIL, type ManifestVerdict } from '../lease-wire.ts';
import type { Wire } from '../wire.ts';
import type { LeaseFacts } from './kept-lease.ts';
import type { LeaseKeeper } from './lease-keeper.ts';

/** How long a tenant may take for the next chunk, and the chain for an answer. */
const PATIENCE_US = 30_000_000;
/** The chain is asked about a deployment once in so long. */
const ASK_AGAIN_US = 1_000_000;
/** Manifests that are half there, over all tenants, in bytes. */
const MAX_UNDER_WAY = 64 * 1024 * 1024;
const TIMER = 'delivery:';

type Offer = Extract<LeaseWire, { readonly type: 'manifestOffer' }>;
type Chunk = Extract<LeaseWire, { readonly type: 'manifestChunk' }>;

/** What a tenant's session is to deliveries. */
export interface Sender {
  readonly connection: ConnectionId;
  readonly tenant: string;
}

export interface DeliveriesHost {
  /** Asks the chain about a deployment; ends in `onVersion`, unless the chain gets out of reach. */
  askDeployment(id: string, out: Effects<Wire>): void;
  /** The provider holds what its tenant wants to run for a lease. */
  onHeld(connection: ConnectionId, lease: string, now: Time, out: Effects<Wire>): void;
}

interface Delivery {
  readonly sender: Sender;
  readonly offer: Offer;
  /** `asking`: whether this version is on the chain. */
  stage: 'asking' | 'taking';
  readonly parts: Uint8Array[];
  received: number;
}

/** The account that a lease's deployment belongs to. */
export function tenantOf(lease: string): string {
  return lease.slice(0, lease.indexOf('/'));
}

export class Deliveries {
  readonly #keeper: LeaseKeeper;
  readonly #host: DeliveriesHost;
  /** By connection: one at a time. */
  readonly #open = new Map<ConnectionId, Delivery>();
  #underWay = 0;
  /** When the chain was asked last, by deployment. */
  readonly #askedAt = new Map<string, Time>();

  constructor(keeper: LeaseKeeper, host: DeliveriesHost) {
    this.#keeper = keeper;
    this.#host = host;
  }

  /** Takes the place of whatever else this tenant is delivering. */
  offer(sender: Sender, offer: Offer, now: Time, out: Effects<Wire>): void {
    this.forget(sender.connection, out);
    const { lease, version, bytes } = offer;
    const facts = this.#keeper.facts(lease);
    if (tenantOf(lease) !== sender.tenant) this.#answer(sender, offer, 'not_tenant', '', out);
    else if (facts === null) this.#answer(sender, offer, 'unknown_lease', '', out);
    else if (bytes > MAX_MANIFEST_BYTES) {
      this.#answer(sender, offer, 'too_large', `found ${bytes} bytes, expected at most ${MAX_MANIFEST_BYTES}`, out);
    } else if (bytes < 1) this.#answer(sender, offer, 'malformed', 'found 0 bytes, expected some', out);
    else if (equalBytes(version, facts.version)) this.#want(sender, offer, facts.held, now, out);
    else this.#ask(sender, offer, now, out);
  }

  #ask(sender: Sender, offer: Offer, now: Time, out: Effects<Wire>): void {
    const id = deploymentOf(offer.lease);
    const askedAt = this.#askedAt.get(id);
    if (askedAt !== undefined && now - askedAt < ASK_AGAIN_US) {
      this.#answer(sender, offer, 'wrong_version', 'the chain was asked just now', out);
      return;
    }
    this.#askedAt.set(id, now);
    this.#begin({ sender, offer, stage: 'asking', parts: [], received: 0 }, now, out);
    this.#host.askDeployment(id, out);
  }

  /** The chain's version of a deployment; null: it has none of that name. */
  onVersion(id: string, version: Uint8Array | null, now: Time, out: Effects<Wire>): void {
    this.#askedAt.delete(id);
    if (version !== null) this.#keeper.versionIs(id, version);
    for (const { sender, offer, stage } of [...this.#open.values()]) {
      if (stage !== 'asking' || deploymentOf(offer.lease) !== id) continue;
      this.forget(sender.connection, out);
      const facts = this.#keeper.facts(offer.lease);
      if (facts === null || version === null) this.#answer(sender, offer, 'unknown_lease', '', out);
      else if (equalBytes(offer.version, version)) this.#want(sender, offer, facts.held, now, out);
      else this.#answer(sender, offer, 'wrong_version', `the chain has ${version.toHex()}`, out);
    }
  }

  #want(sender: Sender, offer: Offer, held: Uint8Array | null, now: Time, out: Effects<Wire>): void {
    const { lease, version, bytes } = offer;
    if (held !== null && equalBytes(held, version)) {
      this.#accepted(sender, offer, now, out);
      return;
    }
    if (this.#underWay + bytes > MAX_UNDER_WAY) {
      this.#answer(sender, offer, 'busy', `${this.#underWay} bytes of manifests are under way`, out);
      return;
    }
    this.#underWay += bytes;
    this.#begin({ sender, offer, stage: 'taking', parts: [], received: 0 }, now, out);
    out.send(sender.connection, { type: 'manifestWanted', lease, version });
  }

  #begin(delivery: Delivery, now: Time, out: Effects<Wire>): void {
    const { connection } = delivery.sender;
    this.#open.set(connection, delivery);
    out.setTimer(TIMER + connection, now + PATIENCE_US);
  }

  chunk(sender: Sender, { lease, offset, bytes }: Chunk, now: Time, out: Effects<Wire>): void {
    const delivery = this.#open.get(sender.connection);
    // Of what was given up or offered anew meanwhile.
    if (delivery?.stage !== 'taking' || delivery.offer.lease !== lease) return;
    const { offer, parts, received } = delivery;
    const end = received + bytes.length;
    if (offset !== received || bytes.length < 1 || bytes.length > MANIFEST_CHUNK_BYTES || end > offer.bytes) {
      this.forget(sender.connection, out);
      const found = `found ${bytes.length} bytes at ${offset}, expected the next up to ${offer.bytes} at ${received}`;
      this.#answer(sender, offer, 'malformed', found, out);
      return;
    }
    parts.push(bytes);
    delivery.received = end;
    if (end < offer.bytes) {
      out.setTimer(TIMER + sender.connection, now + PATIENCE_US);
      return;
    }
    this.forget(sender.connection, out);
    this.#whole(sender, offer, joined(parts, end), now, out);
  }

  #whole(sender: Sender, offer: Offer, bytes: Uint8Array, now: Time, out: Effects<Wire>): void {
    const { lease, version, group } = offer;
    // The lease may have ended, or its deployment been updated, while the chunks were coming.
    const facts = this.#keeper.facts(lease);
    const checked = facts === null ? fault('unknown_lease', '') : check(offer, bytes, facts);
    if (!checked.ok) {
      this.#answer(sender, offer, checked.code, checked.detail, out);
      return;
    }
    this.#keeper.accept(lease, { version, group, bytes }, checked.units, now, out);
    this.#accepted(sender, offer, now, out);
  }

  #accepted(sender: Sender, offer: Offer, now: Time, out: Effects<Wire>): void {
    this.#answer(sender, offer, 'accepted', '', out);
    this.#host.onHeld(sender.connection, offer.lease, now, out);
  }

  #answer(
    { connection }: Sender,
    { lease, version }: Offer,
    code: ManifestVerdict,
    detail: string,
    out: Effects<Wire>,
  ): void {
    if (code !== 'accepted') out.observe('manifest_rejected', 1, code);
    const said = detail.slice(0, MAX_DETAIL).toWellFormed();
    out.send(connection, { type: 'manifestResult', lease, version, code, detail: said });
  }

  /** Gives up what comes over a connection. */
  forget(connection: ConnectionId, out: Effects<Wire>): void {
    const delivery = this.#open.get(connection);
    if (delivery === undefined) return;
    this.#open.delete(connection);
    if (delivery.stage === 'taking') this.#underWay -= delivery.offer.bytes;
    out.cancelTimer(TIMER + connection);
  }

  /** Takes a timer if it is one of these; returns whether it was. */
  onTimer(id: string, out: Effects<Wire>): boolean {
    if (!id.startsWith(TIMER)) return false;
    const delivery = this.#open.get(Number(id.slice(TIMER.length)));
    if (delivery === undefined) return true;
    const { sender, offer, stage } = delivery;
    this.forget(sender.connection, out);
    // An answer that never came must not keep the next offer from asking.
    if (stage === 'asking') this.#askedAt.delete(deploymentOf(offer.lease));
    this.#answer(sender, offer, 'timeout', stage === 'asking' ? 'the chain does not answer' : 'no more came', out);
    return true;
  }
}

type Checked =
  | { readonly ok: true; readonly units: readonly ManifestService[] }
  | { readonly ok: false; readonly code: ManifestVerdict; readonly detail: string };

function fault(code: ManifestVerdict, detail: string): Checked {
  return { ok: false, code, detail };
}

/** Whether bytes are the manifest that the chain names, and one for this lease. */
function check({ version, group: name }: Offer, bytes: Uint8Array, facts: LeaseFacts): Checked {
  if (!equalBytes(facts.version, version)) return fault('wrong_version', `the chain has ${facts.version.toHex()}`);
  const hash = sha256(bytes);
  if (!equalBytes(hash, version)) return fault('wrong_hash', `found ${hash.toHex()}`);
  const reading = readManifest(bytes);
  if (!reading.ok) return fault('malformed', reading.reason);
  const group = reading.manifest.find(one => one.name === name);
  if (group === undefined) return fault('mismatch', 'found no such group in the manifest, expected it');
  const units = unitsOfLease(group, facts.resources);
  return units.ok ? units : fault('mismatch', units.reason);
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
