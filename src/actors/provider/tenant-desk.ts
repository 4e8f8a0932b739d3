/**
 * Where a provider's tenants call: each proves its account once for its connection, hands over its manifests, and is told
 * how its workloads are and what they wrote. Who calls may be anybody, so everything that a caller can make the provider
 * hold is bounded.
 */
import type { KeyPair, SignatureScheme } from '../../protocol/codec/signature.ts';
import type { ConnectionId, Effects, Input, RandomStream, Time } from '../actor.ts';
import { CHALLENGE_BYTES, drawChallenge, isProof, type SessionTerms, sessionBytes } from '../lease-session.ts';
import type { LeaseWire, SessionRefusal } from '../lease-wire.ts';
import type { Wire } from '../wire.ts';
import { Deliveries, type DeliveriesHost, tenantOf } from './deliveries.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import { LogDesk } from './log-desk.ts';

/** Callers at a time, and such that have not proven who they are. */
const MAX_SESSIONS = 4_096;
const MAX_STRANGERS = 256;
/** How long a stranger may take to prove who it is. */
const PROOF_US = 10_000_000;
/** Changes of a status are told together, so long after the first. */
const STATUS_US = 500_000;
const PROOF_TIMER = 'proof:';
const STATUS_TIMER = 'status';

export interface TenantDeskOptions {
  readonly address: string;
  readonly keys: KeyPair;
  readonly scheme: SignatureScheme;
  /** For challenges: nobody should foresee it. */
  readonly random: RandomStream;
}

export interface TenantDeskHost {
  /** Null while the chain is out of reach, or leases of before a restart are not taken up yet. */
  readonly chainId: string | null;
  askDeployment(id: string, out: Effects<Wire>): void;
}

interface Session {
  readonly connection: ConnectionId;
  /** Empty until it has said. */
  tenant: string;
  terms: SessionTerms | null;
  isOpen: boolean;
  /** Leases with a manifest, whose status it is told. */
  readonly leases: Set<string>;
}

export class TenantDesk implements DeliveriesHost {
  readonly #options: TenantDeskOptions;
  readonly #keeper: LeaseKeeper;
  readonly #host: TenantDeskHost;
  readonly #deliveries: Deliveries;
  readonly #logs: LogDesk;
  readonly #sessions = new Map<ConnectionId, Session>();
  /** Those that are open, by account: the newest of each. */
  readonly #byTenant = new Map<string, Session>();
  /** Leases whose status has changed since it was told. */
  readonly #changed = new Set<string>();

  constructor(options: TenantDeskOptions, keeper: LeaseKeeper, host: TenantDeskHost) {
    this.#options = options;
    this.#keeper = keeper;
    this.#host = host;
    this.#deliveries = new Deliveries(keeper, this);
    this.#logs = new LogDesk(keeper);
  }

  /** Takes what is the desk's of an input; returns whether the input was. */
  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): boolean {
    switch (input.kind) {
      case 'connected':
        if (input.inbound) this.#called(input.connection, now, out);
        return input.inbound;
      case 'message': {
        const session = this.#sessions.get(input.connection);
        if (session !== undefined) this.#message(session, input.message, now, out);
        return session !== undefined;
      }
      case 'disconnected':
      case 'queueFull': {
        const session = this.#sessions.get(input.connection);
        // What was dropped is not known: the tenant calls again.
        if (session !== undefined) this.#drop(session, out);
        return session !== undefined;
      }
      case 'workloadLog':
        this.#logs.onLog(input.id, input.lines, out);
        return true;
      default:
        return false;
    }
  }

  /** Takes a timer if it is one of these; returns whether it was. */
  onTimer(id: string, out: Effects<Wire>): boolean {
    if (id === STATUS_TIMER) this.#tellStatuses(out);
    else if (id.startsWith(PROOF_TIMER)) {
      const session = this.#sessions.get(Number(id.slice(PROOF_TIMER.length)));
      if (session !== undefined) this.#drop(session, out);
    } else return this.#deliveries.onTimer(id, out) || this.#logs.onTimer(id, out);
    return true;
  }

  /** The chain's version of a deployment that was asked for; null: it has none of that name. */
  onVersion(deployment: string, version: Uint8Array | null, now: Time, out: Effects<Wire>): void {
    this.#deliveries.onVersion(deployment, version, now, out);
  }

  askDeployment(id: string, out: Effects<Wire>): void {
    this.#host.askDeployment(id, out);
  }

  // Who calls.

  #called(connection: ConnectionId, now: Time, out: Effects<Wire>): void {
    const strangers = this.#sessions.size - this.#byTenant.size;
    if (this.#sessions.size >= MAX_SESSIONS || strangers >= MAX_STRANGERS) {
      this.#refuse(connection, 'busy', out);
      return;
    }
    this.#sessions.set(connection, { connection, tenant: '', terms: null, isOpen: false, leases: new Set() });
    out.setTimer(PROOF_TIMER + connection, now + PROOF_US);
  }

  #refuse(connection: ConnectionId, code: SessionRefusal, out: Effects<Wire>): void {
    out.observe('session_refused', 1, code);
    out.send(connection, { type: 'sessionRefused', code });
    out.disconnect(connection);
  }

  #drop(session: Session, out: Effects<Wire>): void {
    this.#forget(session, out);
    out.disconnect(session.connection);
  }

  #forget(session: Session, out: Effects<Wire>): void {
    const { connection, tenant, isOpen } = session;
    this.#sessions.delete(connection);
    if (this.#byTenant.get(tenant) === session) this.#byTenant.delete(tenant);
    this.#deliveries.forget(connection, out);
    this.#logs.forget(connection, out);
    if (!isOpen) out.cancelTimer(PROOF_TIMER + connection);
  }

  #message(session: Session, message: Wire, now: Time, out: Effects<Wire>): void {
    if (session.isOpen) this.#served(session, message, now, out);
    else if (message.type === 'tenantHello' && session.terms === null) this.#greeted(session, message, out);
    else if (message.type === 'tenantProof' && session.terms !== null) this.#proven(session, message, out);
    else this.#drop(session, out);
  }

  #greeted(session: Session, hello: Extract<LeaseWire, { readonly type: 'tenantHello' }>, out: Effects<Wire>): void {
    const { chainId } = this.#host;
    const { address, keys, scheme, random } = this.#options;
    if (chainId === null || hello.challenge.length !== CHALLENGE_BYTES) {
      this.#forget(session, out);
      this.#refuse(session.connection, chainId === null ? 'not_ready' : 'bad_proof', out);
      return;
    }
    session.tenant = hello.tenant;
    session.terms = {
      chainId,
      tenant: hello.tenant,
      provider: address,
      tenantChallenge: hello.challenge,
      providerChallenge: drawChallenge(random),
    };
    out.send(session.connection, {
      type: 'providerHello',
      provider: address,
      challenge: session.terms.providerChallenge,
      key: keys.publicKey,
      signature: scheme.sign(keys, sessionBytes('provider', session.terms)),
    });
  }

  #proven(session: Session, proof: Extract<LeaseWire, { readonly type: 'tenantProof' }>, out: Effects<Wire>): void {
    const { connection, tenant } = session;
    if (!isProof(this.#options.scheme, 'tenant', session.terms as SessionTerms, proof)) {
      this.#forget(session, out);
      this.#refuse(connection, 'bad_proof', out);
      return;
    }
    // A tenant that calls again has given up, or lost, the connection before.
    const older = this.#byTenant.get(tenant);
    if (older !== undefined) this.#drop(older, out);
    session.isOpen = true;
    this.#byTenant.set(tenant, session);
    out.cancelTimer(PROOF_TIMER + connection);
  }

  // What a tenant wants.

  #served(session: Session, message: Wire, now: Time, out: Effects<Wire>): void {
    switch (message.type) {
      case 'manifestOffer':
        this.#deliveries.offer(session, message, now, out);
        return;
      case 'manifestChunk':
        this.#deliveries.chunk(session, message, now, out);
        return;
      case 'getLeaseStatus':
        this.#tellStatus(session, message.lease, out);
        return;
      case 'getLeaseLog':
        this.#logs.ask(session.connection, message, tenantOf(message.lease) === session.tenant, now, out);
        return;
      default:
        this.#drop(session, out);
    }
  }

  onHeld(connection: ConnectionId, lease: string, now: Time, out: Effects<Wire>): void {
    this.#sessions.get(connection)?.leases.add(lease);
    this.onChange(lease, now, out);
  }

  /** The status of a lease has changed: its tenant will be told, if it listens. */
  onChange(lease: string, now: Time, out: Effects<Wire>): void {
    if (this.#byTenant.get(tenantOf(lease))?.leases.has(lease) !== true) return;
    if (this.#changed.size === 0) out.setTimer(STATUS_TIMER, now + STATUS_US);
    this.#changed.add(lease);
  }

  #tellStatuses(out: Effects<Wire>): void {
    for (const lease of this.#changed) {
      const session = this.#byTenant.get(tenantOf(lease));
      if (session?.leases.has(lease) !== true) continue;
      if (this.#keeper.has(lease)) this.#tellStatus(session, lease, out);
      else session.leases.delete(lease);
    }
    this.#changed.clear();
  }

  #tellStatus(session: Session, lease: string, out: Effects<Wire>): void {
    const own = tenantOf(lease) === session.tenant ? this.#keeper.status(lease) : null;
    out.send(session.connection, { type: 'leaseStatus', status: own ?? { lease, version: null, services: [] } });
  }

  /** A lease is over. */
  ended(lease: string): void {
    this.#byTenant.get(tenantOf(lease))?.leases.delete(lease);
  }
}
