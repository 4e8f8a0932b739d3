/**
 * Brings manifests to the providers of leases: one connection to each provider for all leases with it, dialled at the
 * endpoint that the chain tells, as often as it takes while a lease stands.
 *
 * Manifests go one after the other. What a provider refuses for good is not offered again; everything else, a connection
 * that breaks above all, is tried again after a while that doubles. After each reconnection everything is offered anew:
 * a provider that still has it says so without being sent it. Over the same connection it tells how its workloads are.
 */

import { equalBytes } from '../../protocol/codec/bytes.ts';
import type { KeyPair, SignatureScheme } from '../../protocol/codec/signature.ts';
import type { ConnectionId, Effects, Input, PeerName, RandomStream, Time } from '../actor.ts';
import { drawChallenge, isProof, sessionBytes } from '../lease-session.ts';
import {
  isPassing,
  type LeaseStatus,
  type LeaseWire,
  MANIFEST_CHUNK_BYTES,
  MAX_STATUS_SERVICES,
  type ServiceStatus,
} from '../lease-wire.ts';
import type { Wire } from '../wire.ts';
import type { Goods } from './manifests.ts';
import type { DeliveryState } from './requests.ts';

const SESSION_TIMER = 'courier/session:';
const PARCEL_TIMER = 'courier/parcel:';
/** First and longest wait before another try. */
const RETRY_FIRST_US = 1_000_000;
const RETRY_LONGEST_US = 60_000_000;
/** How long the chain may take to tell an endpoint, and a provider to answer. It may have to ask the chain itself. */
const LOOK_US = 60_000_000;
const GREETING_US = 20_000_000;
const ANSWER_US = 60_000_000;

export interface CourierOptions {
  readonly address: string;
  readonly keys: KeyPair;
  readonly scheme: SignatureScheme;
  readonly random: RandomStream;
  /** The chain's nodes, which are no endpoints whatever a provider says: connections to them are the chain client's. */
  readonly nodes: readonly PeerName[];
}

export interface CourierHost {
  /** Null while the chain is out of reach. */
  readonly chainId: string | null;
  /** Asks the chain where a provider is reached; ends in `onEndpoint`, unless the chain gets out of reach. */
  askEndpoint(provider: string, out: Effects<Wire>): void;
  onStatus(lease: string, now: Time, out: Effects<Wire>): void;
  onLog(message: Extract<LeaseWire, { readonly type: 'leaseLog' }>, provider: string, out: Effects<Wire>): void;
  /** The connection to a provider is gone, with everything that it was asked. */
  onGone(provider: string, out: Effects<Wire>): void;
}

interface Parcel {
  readonly lease: string;
  readonly provider: string;
  goods: Goods;
  /** `waiting`: for another try; `settled`: accepted, or refused for good. */
  stage: 'ready' | 'offered' | 'waiting' | 'settled';
  state: DeliveryState;
  detail: string;
  failures: number;
  status: LeaseStatus | null;
}

interface Session {
  readonly provider: string;
  endpoint: PeerName;
  /** `resting`: there is nothing to be said; `idle`: until its timer; `asking`: the chain for the endpoint. */
  stage: 'resting' | 'idle' | 'asking' | 'dialing' | 'greeting' | 'open';
  connection: ConnectionId | null;
  challenge: Uint8Array | null;
  failures: number;
  readonly leases: Set<string>;
  /** The lease whose manifest is being delivered. */
  current: string | null;
}

/** The wait before another try, microseconds. */
function backoff(failures: number): number {
  return Math.min(RETRY_FIRST_US * 2 ** Math.min(failures - 1, 16), RETRY_LONGEST_US);
}

export class Courier {
  readonly #options: CourierOptions;
  readonly #host: CourierHost;
  readonly #parcels = new Map<string, Parcel>();
  readonly #sessions = new Map<string, Session>();
  readonly #byConnection = new Map<ConnectionId, Session>();

  constructor(options: CourierOptions, host: CourierHost) {
    this.#options = options;
    this.#host = host;
  }

  /** How far a lease's manifest is; null: there is none to deliver. */
  delivery(lease: string): { readonly state: DeliveryState; readonly detail: string } | null {
    const parcel = this.#parcels.get(lease);
    return parcel === undefined ? null : { state: parcel.state, detail: parcel.detail };
  }

  /** How a lease's services are, as its provider told last; null: it has not. */
  services(lease: string): readonly ServiceStatus[] | null {
    return this.#parcels.get(lease)?.status?.services ?? null;
  }

  /** Sends a question about a lease to its provider; false when there is no connection. */
  ask(
    lease: string,
    question: Extract<Wire, { readonly type: 'getLeaseStatus' | 'getLeaseLog' }>,
    out: Effects<Wire>,
  ): boolean {
    const session = this.#sessions.get(this.#parcels.get(lease)?.provider ?? '');
    if (session?.stage !== 'open' || session.connection === null) return false;
    out.send(session.connection, question);
    return true;
  }

  /** A provider is to have this manifest for a lease; takes the place of an earlier one. */
  want(lease: string, provider: string, goods: Goods, now: Time, out: Effects<Wire>): void {
    const present = this.#parcels.get(lease);
    if (
      present !== undefined &&
      equalBytes(present.goods.version, goods.version) &&
      present.goods.group === goods.group
    )
      return;
    if (present !== undefined) out.cancelTimer(PARCEL_TIMER + lease);
    const status = present?.status ?? null;
    this.#parcels.set(lease, {
      lease,
      provider,
      goods,
      stage: 'ready',
      state: 'connecting',
      detail: '',
      failures: 0,
      status,
    });
    let session = this.#sessions.get(provider);
    if (session === undefined) {
      session = {
        provider,
        endpoint: '',
        stage: 'resting',
        connection: null,
        challenge: null,
        failures: 0,
        leases: new Set(),
        current: null,
      };
      this.#sessions.set(provider, session);
    }
    session.leases.add(lease);
    if (session.stage === 'resting') this.#look(session, now, out);
    // The answer to an older version is not waited for: the new offer takes its place at the provider.
    if (session.current === lease) session.current = null;
    this.#next(session, now, out);
  }

  /** The lease is over: there is nothing to deliver or to hear any more. */
  drop(lease: string, now: Time, out: Effects<Wire>): void {
    const parcel = this.#parcels.get(lease);
    if (parcel === undefined) return;
    this.#parcels.delete(lease);
    if (parcel.stage === 'waiting') out.cancelTimer(PARCEL_TIMER + lease);
    const session = this.#sessions.get(parcel.provider) as Session;
    session.leases.delete(lease);
    if (session.current === lease) session.current = null;
    if (session.leases.size > 0) this.#next(session, now, out);
    // A call that is under way ends first.
    else if (session.stage !== 'dialing') this.#close(session, out);
  }

  /** What the chain says about where a provider is reached. */
  onEndpoint(provider: string, endpoint: string | null, now: Time, out: Effects<Wire>): void {
    const session = this.#sessions.get(provider);
    if (session?.stage !== 'asking') return;
    if (endpoint === null || endpoint === '' || this.#options.nodes.includes(endpoint)) {
      this.#fail(session, `the chain tells no endpoint: ${endpoint}`, now, out);
      return;
    }
    out.cancelTimer(SESSION_TIMER + provider);
    session.endpoint = endpoint;
    session.stage = 'dialing';
    out.connect(endpoint);
  }

  /** Takes what is the courier's of an input; returns whether the input was. */
  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): boolean {
    switch (input.kind) {
      case 'connected':
        return !input.inbound && this.#connected(input.peer, input.connection, now, out);
      case 'refused': {
        const session = this.#dialing(input.peer);
        if (session !== undefined) this.#fail(session, input.reason, now, out);
        return session !== undefined;
      }
      case 'message': {
        const session = this.#byConnection.get(input.connection);
        if (session !== undefined) this.#message(session, input.message, now, out);
        return session !== undefined;
      }
      case 'disconnected': {
        const session = this.#byConnection.get(input.connection);
        if (session !== undefined) this.#fail(session, input.reason, now, out);
        return session !== undefined;
      }
      case 'queueFull': {
        // What was dropped is not known: from the beginning, over a new connection.
        const session = this.#byConnection.get(input.connection);
        if (session !== undefined) this.#fail(session, 'too much is under way', now, out);
        return session !== undefined;
      }
      case 'drained':
        return this.#byConnection.has(input.connection);
      case 'timer':
        return typeof input.id === 'string' && this.#timer(input.id, now, out);
      default:
        return false;
    }
  }

  #timer(id: string, now: Time, out: Effects<Wire>): boolean {
    if (id.startsWith(PARCEL_TIMER)) {
      const parcel = this.#parcels.get(id.slice(PARCEL_TIMER.length));
      const session = this.#sessions.get(parcel?.provider ?? '');
      if (parcel?.stage !== 'waiting' || session === undefined) return true;
      parcel.stage = 'ready';
      this.#next(session, now, out);
      return true;
    }
    if (!id.startsWith(SESSION_TIMER)) return false;
    const session = this.#sessions.get(id.slice(SESSION_TIMER.length));
    if (session === undefined) return true;
    if (session.stage === 'idle') this.#look(session, now, out);
    else this.#fail(session, `no answer while ${session.stage}`, now, out);
    return true;
  }

  #look(session: Session, now: Time, out: Effects<Wire>): void {
    session.stage = 'asking';
    out.setTimer(SESSION_TIMER + session.provider, now + LOOK_US);
    this.#host.askEndpoint(session.provider, out);
  }

  /** The chain is in reach (again): what it was asked before may be lost. */
  onChainReady(now: Time, out: Effects<Wire>): void {
    for (const session of this.#sessions.values()) if (session.stage === 'asking') this.#look(session, now, out);
  }

  #dialing(peer: PeerName): Session | undefined {
    for (const session of this.#sessions.values())
      if (session.stage === 'dialing' && session.endpoint === peer) return session;
    return undefined;
  }

  #connected(peer: PeerName, connection: ConnectionId, now: Time, out: Effects<Wire>): boolean {
    const session = this.#dialing(peer);
    if (session === undefined) return false;
    session.connection = connection;
    if (session.leases.size === 0 || this.#host.chainId === null) {
      this.#fail(session, 'nobody to speak for', now, out);
      return true;
    }
    this.#byConnection.set(connection, session);
    session.stage = 'greeting';
    session.challenge = drawChallenge(this.#options.random);
    out.send(connection, { type: 'tenantHello', tenant: this.#options.address, challenge: session.challenge });
    out.setTimer(SESSION_TIMER + session.provider, now + GREETING_US);
    return true;
  }

  #message(session: Session, message: Wire, now: Time, out: Effects<Wire>): void {
    if (message.type === 'sessionRefused') {
      this.#fail(session, message.code, now, out);
    } else if (session.stage === 'greeting' && message.type === 'providerHello') {
      this.#greeted(session, message, now, out);
    } else if (session.stage === 'open') {
      this.#heard(session, message, now, out);
    } else this.#fail(session, `it sent ${message.type} while ${session.stage}`, now, out);
  }

  #greeted(
    session: Session,
    hello: Extract<LeaseWire, { readonly type: 'providerHello' }>,
    now: Time,
    out: Effects<Wire>,
  ): void {
    const { address, keys, scheme } = this.#options;
    const { provider } = session;
    const chainId = this.#host.chainId;
    if (chainId === null) {
      this.#fail(session, 'the chain is out of reach', now, out);
      return;
    }
    const terms = {
      chainId,
      tenant: address,
      provider,
      tenantChallenge: session.challenge as Uint8Array,
      providerChallenge: hello.challenge,
    };
    // Whoever answers there must be the provider: a manifest may hold secrets.
    if (hello.provider !== provider || !isProof(scheme, 'provider', terms, hello)) {
      out.observe('manifest_imposter', 1, provider);
      this.#fail(session, 'it is not the provider', now, out);
      return;
    }
    const signature = scheme.sign(keys, sessionBytes('tenant', terms));
    out.send(session.connection as ConnectionId, { type: 'tenantProof', key: keys.publicKey, signature });
    session.stage = 'open';
    out.cancelTimer(SESSION_TIMER + provider);
    this.#next(session, now, out);
  }

  /** Offers the next manifest, when none is under way. */
  #next(session: Session, now: Time, out: Effects<Wire>): void {
    if (session.stage !== 'open' || session.current !== null) return;
    for (const lease of session.leases) {
      const parcel = this.#parcels.get(lease) as Parcel;
      if (parcel.stage !== 'ready') continue;
      session.current = lease;
      parcel.stage = 'offered';
      parcel.state = 'delivering';
      const { version, group, bytes } = parcel.goods;
      out.send(session.connection as ConnectionId, {
        type: 'manifestOffer',
        lease,
        version,
        group,
        bytes: bytes.length,
      });
      out.setTimer(SESSION_TIMER + session.provider, now + ANSWER_US);
      return;
    }
    out.cancelTimer(SESSION_TIMER + session.provider);
  }

  #heard(session: Session, message: Wire, now: Time, out: Effects<Wire>): void {
    switch (message.type) {
      case 'manifestWanted':
        this.#send(session, message.lease, message.version, now, out);
        return;
      case 'manifestResult':
        this.#result(session, message, now, out);
        return;
      case 'leaseStatus': {
        const { status } = message;
        const parcel = this.#parcels.get(status.lease);
        if (parcel?.provider !== session.provider || status.services.length > MAX_STATUS_SERVICES) return;
        parcel.status = status;
        this.#host.onStatus(status.lease, now, out);
        return;
      }
      case 'leaseLog':
        this.#host.onLog(message, session.provider, out);
        return;
      default:
        this.#fail(session, `it sent ${message.type}`, now, out);
    }
  }

  /** The parcel that a provider speaks of, unless it speaks of what is past. */
  #current(session: Session, lease: string, version: Uint8Array): Parcel | null {
    const parcel = this.#parcels.get(lease);
    const isIt = session.current === lease && parcel !== undefined && equalBytes(parcel.goods.version, version);
    return isIt ? parcel : null;
  }

  #send(session: Session, lease: string, version: Uint8Array, now: Time, out: Effects<Wire>): void {
    const parcel = this.#current(session, lease, version);
    if (parcel === null) return;
    const { bytes } = parcel.goods;
    for (let offset = 0; offset < bytes.length; offset += MANIFEST_CHUNK_BYTES) {
      const chunk = bytes.slice(offset, offset + MANIFEST_CHUNK_BYTES);
      out.send(session.connection as ConnectionId, { type: 'manifestChunk', lease, offset, bytes: chunk });
    }
    out.setTimer(SESSION_TIMER + session.provider, now + ANSWER_US);
  }

  #result(
    session: Session,
    { lease, version, code, detail }: Extract<LeaseWire, { readonly type: 'manifestResult' }>,
    now: Time,
    out: Effects<Wire>,
  ): void {
    const parcel = this.#current(session, lease, version);
    if (parcel === null) return;
    session.current = null;
    parcel.state = code;
    parcel.detail = detail;
    if (isPassing(code)) {
      parcel.failures += 1;
      parcel.stage = 'waiting';
      out.setTimer(PARCEL_TIMER + lease, now + backoff(parcel.failures));
    } else {
      parcel.stage = 'settled';
      parcel.failures = 0;
      session.failures = 0;
      out.observe(code === 'accepted' ? 'manifest_delivered' : 'manifest_refused', 1, code);
    }
    this.#next(session, now, out);
  }

  /** A way to a provider that leads nowhere for now. */
  #fail(session: Session, reason: string, now: Time, out: Effects<Wire>): void {
    out.observe('manifest_retry', 1, `${session.provider}: ${reason}`);
    this.#hangUp(session, out);
    if (session.leases.size === 0) {
      this.#close(session, out);
      return;
    }
    let isNeeded = false;
    for (const lease of session.leases) {
      const parcel = this.#parcels.get(lease) as Parcel;
      // A provider that was away may have lost what it accepted; what it refused, it would refuse again.
      if (parcel.stage === 'waiting') out.cancelTimer(PARCEL_TIMER + lease);
      if (parcel.stage === 'settled' && parcel.state !== 'accepted') continue;
      parcel.stage = 'ready';
      parcel.state = 'connecting';
      parcel.detail = reason;
      isNeeded = true;
    }
    session.failures += 1;
    session.stage = isNeeded ? 'idle' : 'resting';
    if (isNeeded) out.setTimer(SESSION_TIMER + session.provider, now + backoff(session.failures));
    else out.cancelTimer(SESSION_TIMER + session.provider);
  }

  #hangUp(session: Session, out: Effects<Wire>): void {
    const { connection, provider } = session;
    session.stage = 'idle';
    session.current = null;
    session.challenge = null;
    session.connection = null;
    if (connection === null) return;
    this.#byConnection.delete(connection);
    out.disconnect(connection);
    this.#host.onGone(provider, out);
  }

  #close(session: Session, out: Effects<Wire>): void {
    this.#hangUp(session, out);
    out.cancelTimer(SESSION_TIMER + session.provider);
    this.#sessions.delete(session.provider);
  }
}
