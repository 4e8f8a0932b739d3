/**
 * Tunnels of the overlay network, as far as participants see them: a connection to the peer for each, proven and kept
 * alive like those for messages but of a protocol of its own. It is open once the peer has welcomed it, and closed when
 * either side ends it or is given up. What flows through tunnels is the tenants' business; here, nothing does yet.
 */
import type { PeerName } from '../../../actors/actor.ts';
import type { PeerAddress } from '../ports.ts';
import type { Call, Caller, CallOutcome } from './caller.ts';
import { TUNNEL_PROTOCOL } from './credentials.ts';
import { BYE_CLOSED, BYE_STOPPING, type Ending, type FramedSocket, type FrameHandler } from './framed-socket.ts';
import type { TransportTrouble } from './options.ts';

interface Tunnel {
  readonly peer: PeerName;
  readonly address: string;
  call: Call | null;
  wire: FramedSocket | null;
}

export interface TunnelsOptions {
  readonly caller: Caller;
  /** Most tunnels of our own. */
  readonly maxTunnels: number;
  readonly tell: (id: string, open: boolean, reason: string) => void;
  readonly blame: (trouble: TransportTrouble, peer: PeerName, remote: string, address: string, reason: string) => void;
}

/** Our own tunnels. */
export class Tunnels {
  readonly #options: TunnelsOptions;
  readonly #tunnels = new Map<string, Tunnel>();

  constructor(options: TunnelsOptions) {
    this.#options = options;
  }

  /** Asks for a tunnel to where the peer is; tells in the end. */
  open(id: string, peer: PeerName, to: PeerAddress): void {
    const { tell, maxTunnels, caller } = this.#options;
    const present = this.#tunnels.get(id);
    if (present !== undefined) {
      if (present.wire !== null) tell(id, true, 'already open');
      return;
    }
    if (this.#tunnels.size >= maxTunnels) {
      tell(id, false, `there are ${maxTunnels} tunnels already`);
      return;
    }
    const tunnel: Tunnel = { peer, address: to.address, call: null, wire: null };
    this.#tunnels.set(id, tunnel);
    const call = caller.call(peer, to, TUNNEL_PROTOCOL, outcome => this.#called(id, tunnel, outcome));
    // A call that ended before it returned is over, and so is its tunnel.
    if (this.#tunnels.get(id) === tunnel && tunnel.wire === null) tunnel.call = call;
  }

  /** Closes a tunnel; tells in any case. */
  close(id: string): void {
    const tunnel = this.#tunnels.get(id);
    if (tunnel === undefined) {
      this.#options.tell(id, false, 'was not open');
      return;
    }
    this.#tunnels.delete(id);
    tunnel.call?.cancel();
    tunnel.wire?.finish(BYE_CLOSED);
    this.#options.tell(id, false, 'closed');
  }

  /** Gives up those that are open and for which this holds. Those that are being called are the caller's. */
  giveUp(isMeant: (peer: PeerName, address: string) => boolean, reason: string): void {
    for (const { peer, address, wire } of [...this.#tunnels.values()]) {
      if (isMeant(peer, address)) wire?.giveUp(reason);
    }
  }

  /** Ends all; nobody is told. */
  end(abruptly: boolean): void {
    for (const { call, wire } of this.#tunnels.values()) {
      call?.cancel();
      if (abruptly) wire?.destroy();
      else wire?.finish(BYE_STOPPING);
    }
    this.#tunnels.clear();
  }

  #called(id: string, tunnel: Tunnel, outcome: CallOutcome): void {
    const { tell, blame } = this.#options;
    tunnel.call = null;
    if (outcome.wire === null) {
      this.#tunnels.delete(id);
      const { trouble, reason, remote } = outcome;
      if (trouble !== null) blame(trouble, tunnel.peer, remote, tunnel.address, reason);
      tell(id, false, reason);
      return;
    }
    const { wire } = outcome;
    tunnel.wire = wire;
    useAsTunnel(wire, ({ reason, trouble }) => {
      this.#tunnels.delete(id);
      if (trouble !== null) blame(trouble, tunnel.peer, wire.remote, tunnel.address, reason);
      tell(id, false, reason);
    });
    tell(id, true, '');
  }
}

/** Keeps a connection as a tunnel, ours or a peer's, until it ends. */
export function useAsTunnel(wire: FramedSocket, ended: (ending: Ending) => void): void {
  const handler: FrameHandler = {
    admits: () => false,
    frame(type) {
      throw new Error(`a tunnel was handed a frame of type ${type}, though it admits none`);
    },
    ended,
    tick() {},
  };
  wire.handler = handler;
  wire.goLive();
}
