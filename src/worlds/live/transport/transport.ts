/**
 * The live transport: mutual TLS 1.3 over TCP, as the contract of src/actors/actor.ts wants connections to be.
 *
 * Who a peer is, its certificate proves: a call is pinned to the account address that the name stands for, and whoever
 * calls us bears the name under which its address is known, never one that it claims. Everything that a peer can make
 * us keep, wait for or compute has a limit (`TransportLimits`); whoever goes beyond is dropped and logged once, and
 * nobody else notices.
 *
 * Attempts are single: whether to call again is the actors' business. After `close` nobody is told anything.
 */
import { type ConnectionId, MAX_MESSAGE_BYTES, type PeerName } from '../../../actors/actor.ts';
import type { PeerAddress, Transport } from '../ports.ts';
import { Caller, type CallOutcome } from './caller.ts';
import { Credentials, MESSAGE_PROTOCOL } from './credentials.ts';
import { BYE_CLOSED, BYE_STOPPING, type FramedSocket, monotonic_ms } from './framed-socket.ts';
import { VERSION, WELCOME } from './frames.ts';
import { type Arrival, admissionOf, Listener } from './listener.ts';
import { MessageConnection, type MessageConnectionEvents } from './message-connection.ts';
import {
  type LiveTransportOptions,
  limitsOf,
  type TransportLimits,
  type TransportLogEvent,
  type TransportTrouble,
} from './options.ts';
import { Outbox } from './outbox.ts';
import { parsePeerAddress } from './peer-address.ts';
import { TroubleLog } from './trouble-log.ts';
import { Tunnels, useAsTunnel } from './tunnels.ts';

const LOOPBACK = '127.0.0.1';

export class LiveTransport implements Transport {
  readonly #options: LiveTransportOptions;
  readonly #limits: TransportLimits;
  readonly #outbox = new Outbox();
  readonly #trouble: TroubleLog<TransportLogEvent>;
  readonly #admission: ReturnType<typeof admissionOf>;
  readonly #credentials: Credentials;
  readonly #caller: Caller;
  readonly #tunnels: Tunnels;
  #listener: Listener | null = null;
  readonly #connections = new Map<ConnectionId, MessageConnection>();
  /** Connections that the participant has closed: it hears no more of them. */
  readonly #muted = new WeakSet<MessageConnection>();
  /** Tunnels of others, and their names. */
  readonly #inboundTunnels = new Map<FramedSocket, { readonly peer: PeerName; readonly address: string }>();
  #shutNames: ReadonlySet<PeerName> = new Set();
  #shutAddresses: ReadonlySet<string> = new Set();
  #nextConnection = 1;
  #held = false;
  /** Done when all is gone; null before `close`. */
  #closing: Promise<void> | null = null;

  readonly #room = (): number => {
    const { queueBytes, queueBytesInAll } = this.#limits;
    const share = Math.floor(queueBytesInAll / Math.max(1, this.#connections.size));
    return Math.min(queueBytes, Math.max(share, 2 * MAX_MESSAGE_BYTES));
  };

  readonly #events: MessageConnectionEvents = {
    message: (connection, bytes) =>
      this.#tell(connection, () => this.#options.events.message(connection.id, connection.peer, bytes)),
    full: connection => this.#tell(connection, () => this.#options.events.queueFull(connection.id, connection.peer)),
    drained: connection => this.#tell(connection, () => this.#options.events.drained(connection.id, connection.peer)),
    ended: (connection, { reason, trouble }) => {
      const { id, peer, address, wire } = connection;
      if (trouble !== null) this.#blame(trouble, peer, wire.remote, address, reason);
      // Until it is told, the participant may still close it, and then hears neither of this nor of what came before.
      this.#tell(connection, () => {
        this.#connections.delete(id);
        this.#options.events.disconnected(id, peer, reason);
      });
    },
  };

  private constructor(
    options: LiveTransportOptions,
    limits: TransportLimits,
    trouble: TroubleLog<TransportLogEvent>,
    credentials: Credentials,
  ) {
    this.#options = options;
    this.#limits = limits;
    this.#trouble = trouble;
    this.#credentials = credentials;
    this.#admission = admissionOf(limits);
    this.#caller = new Caller({ limits, credentials, now_ms: options.now_ms ?? Date.now });
    this.#tunnels = new Tunnels({
      caller: this.#caller,
      maxTunnels: limits.maxTunnels,
      tell: (id, open, reason) => this.#outbox.push(() => options.events.tunnel(id, open, reason)),
      blame: (...told) => this.#blame(...told),
    });
  }

  /**
   * Makes the certificates and listens, if it is to listen. Rejects with the reason when the port cannot be had, and with
   * RangeError for limits that cannot be.
   */
  static async open(options: LiveTransportOptions): Promise<LiveTransport> {
    const limits = limitsOf(options.limits);
    const now_ms = options.now_ms ?? Date.now;
    const trouble = new TroubleLog<TransportLogEvent>(options.log, monotonic_ms);
    const credentials = await Credentials.issue(
      options.identity,
      limits.leafValidity_ms,
      now_ms,
      context => transport.#listener?.renew(context),
      reason => trouble.note('certificate', { level: 'error', what: 'own-trouble', reason }),
    );
    const transport = new LiveTransport(options, limits, trouble, credentials);
    if (options.listen === null) return transport;
    const { host = LOOPBACK, port = 0 } = options.listen;
    try {
      transport.#listener = await Listener.open({
        host,
        port,
        limits,
        context: credentials.contextOptions,
        admission: transport.#admission,
        trouble,
        now_ms,
        arrive: arrival => transport.#arrive(arrival),
      });
    } catch (error) {
      credentials.close();
      throw error;
    }
    return transport;
  }

  get port(): number | null {
    return this.#listener?.port ?? null;
  }

  connect(peer: PeerName): void {
    if (this.#closing !== null) return;
    const to = this.#whereIs(peer);
    if (typeof to === 'string') this.#refused(peer, to);
    else this.#caller.call(peer, to, MESSAGE_PROTOCOL, outcome => this.#called(peer, to, outcome));
  }

  disconnect(id: ConnectionId): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    this.#connections.delete(id);
    this.#muted.add(connection);
    connection.stop();
    connection.wire.finish(BYE_CLOSED);
  }

  send(id: ConnectionId, bytes: Uint8Array): void {
    if (bytes.length > MAX_MESSAGE_BYTES) {
      throw new RangeError(`a message has at most ${MAX_MESSAGE_BYTES} bytes, found ${bytes.length}`);
    }
    this.#connections.get(id)?.send(bytes);
  }

  openTunnel(id: string, peer: PeerName): void {
    if (this.#closing !== null) return;
    const to = this.#whereIs(peer);
    if (typeof to === 'string') this.#outbox.push(() => this.#options.events.tunnel(id, false, to));
    else this.#tunnels.open(id, peer, to);
  }

  closeTunnel(id: string): void {
    if (this.#closing === null) this.#tunnels.close(id);
  }

  shutOut(peers: ReadonlySet<PeerName>): void {
    const addresses = new Set<string>();
    for (const peer of peers) {
      const to = this.#resolve(peer);
      if (to !== null) addresses.add(to.address);
    }
    this.#shutNames = new Set(peers);
    this.#shutAddresses = addresses;
    const isShut = (peer: PeerName, address: string): boolean => this.#isShut(peer, address);
    for (const { peer, address, wire } of [...this.#connections.values()]) {
      if (isShut(peer, address)) wire.giveUp('shut out');
    }
    for (const call of [...this.#caller.calls]) if (isShut(call.peer, call.to.address)) call.fail('shut out');
    this.#tunnels.giveUp(isShut, 'shut out');
    for (const [wire, { peer, address }] of [...this.#inboundTunnels]) {
      if (isShut(peer, address)) wire.giveUp('shut out');
    }
  }

  hold(on: boolean): void {
    this.#held = on;
    for (const connection of this.#connections.values()) connection.hold(on);
  }

  holdConnection(id: ConnectionId, on: boolean): void {
    this.#connections.get(id)?.close(on);
  }

  close(abruptly: boolean): Promise<void> {
    this.#closing ??= this.#close(abruptly);
    return this.#closing;
  }

  async #close(abruptly: boolean): Promise<void> {
    this.#outbox.close();
    this.#credentials.close();
    for (const call of [...this.#caller.calls]) call.cancel();
    const end = (wire: FramedSocket): void => (abruptly ? wire.destroy() : wire.finish(BYE_STOPPING));
    for (const connection of this.#connections.values()) {
      connection.stop();
      end(connection.wire);
    }
    this.#connections.clear();
    this.#tunnels.end(abruptly);
    for (const wire of this.#inboundTunnels.keys()) end(wire);
    this.#inboundTunnels.clear();
    await Promise.all([this.#listener?.close(), this.#caller.gone()]);
  }

  #tell(connection: MessageConnection, tell: () => void): void {
    this.#outbox.push(() => {
      if (!this.#muted.has(connection)) tell();
    });
  }

  #refused(peer: PeerName, reason: string): void {
    this.#outbox.push(() => this.#options.events.refused(peer, reason));
  }

  #resolve(peer: PeerName): PeerAddress | null {
    return this.#options.resolve(peer) ?? parsePeerAddress(peer);
  }

  /** Where to call a peer, or why not to. */
  #whereIs(peer: PeerName): PeerAddress | string {
    const to = this.#resolve(peer);
    if (to === null) return 'unknown peer';
    if (this.#isShut(peer, to.address)) return 'shut out';
    const { maxOutbound } = this.#limits;
    return this.#caller.outbound >= maxOutbound ? `there are ${maxOutbound} outbound connections already` : to;
  }

  #isShut(peer: PeerName, address: string): boolean {
    return this.#shutNames.has(peer) || this.#shutAddresses.has(address);
  }

  #called(peer: PeerName, to: PeerAddress, outcome: CallOutcome): void {
    if (outcome.wire === null) {
      const { reason, trouble, remote } = outcome;
      if (trouble !== null) this.#blame(trouble, peer, remote, to.address, reason);
      this.#refused(peer, reason);
      return;
    }
    this.#establish(outcome.wire, peer, to.address, false);
  }

  /** A caller has greeted: welcomes it, or tells it why not. */
  #arrive({ wire, address, protocol }: Arrival): void {
    const known = this.#options.nameOf(address);
    const peer = known ?? address;
    if (this.#isShut(peer, address)) {
      wire.refuse('shut out');
      return;
    }
    if (known === null && !this.#options.acceptsUnknown) {
      this.#blame('unknown-identity', address, wire.remote, address, 'nobody that we know');
      wire.refuse('your identity is not known here');
      return;
    }
    const forMessages = protocol === MESSAGE_PROTOCOL;
    const { maxInboundPerIdentity, maxInboundTunnelsPerIdentity } = this.#limits;
    const most = forMessages ? maxInboundPerIdentity : maxInboundTunnelsPerIdentity;
    const leave = this.#admission.enterIdentity(`${protocol} ${address}`, most);
    if (typeof leave === 'string') {
      this.#blame('too-many', peer, wire.remote, address, leave);
      wire.refuse(leave);
      return;
    }
    wire.onClosed = leave;
    wire.send(WELCOME, Uint8Array.of(VERSION));
    if (forMessages) {
      this.#establish(wire, peer, address, true);
      return;
    }
    this.#inboundTunnels.set(wire, { peer, address });
    useAsTunnel(wire, ({ reason, trouble }) => {
      this.#inboundTunnels.delete(wire);
      if (trouble !== null) this.#blame(trouble, peer, wire.remote, address, reason);
    });
  }

  #establish(wire: FramedSocket, peer: PeerName, address: string, inbound: boolean): void {
    const id = this.#nextConnection++;
    const connection = new MessageConnection(id, peer, address, wire, this.#limits, this.#room, this.#events);
    if (this.#held) connection.hold(true);
    this.#connections.set(id, connection);
    this.#tell(connection, () => this.#options.events.connected(id, peer, inbound));
  }

  /** Notes what a peer did, once for each peer and kind. */
  #blame(what: TransportTrouble, peer: PeerName, remote: string, address: string, reason: string): void {
    this.#trouble.note(address, { level: 'warn', what, peer, remote, reason });
  }
}
