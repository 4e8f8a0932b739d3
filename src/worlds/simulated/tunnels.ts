/**
 * Tunnels of the overlay network between workloads, as far as participants see them: asked for by name, open after a
 * round trip when the peer is up and can be reached, and closed when that ends. What flows through them is the tenants'
 * business and is not modelled.
 */
import type { PeerName, Time } from '../../actors/actor.ts';
import type { Agenda } from './agenda.ts';
import type { Network } from './network.ts';
import { DEAD, type SimulatedNode } from './node.ts';
import type { Process } from './process.ts';

interface Tunnel<Message, Request> {
  readonly id: string;
  readonly process: Process<Message, Request>;
  readonly to: SimulatedNode<Message, Request>;
  open: boolean;
  closed: boolean;
}

/** Most tunnels of one process. */
export const MAX_TUNNELS = 100_000;

export class Tunnels<Message, Request> {
  private readonly agenda: Agenda;
  private readonly network: Network<Message, Request>;
  private readonly nodeNamed: (name: PeerName) => SimulatedNode<Message, Request> | undefined;
  /** By owner's process, then by the tunnel's name. */
  private readonly owned = new Map<Process<Message, Request>, Map<string, Tunnel<Message, Request>>>();
  /** By index of the node at the far side. */
  private readonly towards = new Map<number, Set<Tunnel<Message, Request>>>();

  constructor(
    agenda: Agenda,
    network: Network<Message, Request>,
    nodeNamed: (name: PeerName) => SimulatedNode<Message, Request> | undefined,
  ) {
    this.agenda = agenda;
    this.network = network;
    this.nodeNamed = nodeNamed;
  }

  /** Asks for a tunnel; ends in `tunnel`, open or with the reason why not. */
  open(process: Process<Message, Request>, id: string, peer: PeerName): void {
    const own = this.owned.get(process) ?? new Map<string, Tunnel<Message, Request>>();
    const present = own.get(id);
    if (present !== undefined) {
      if (present.open) this.tell(present, this.agenda.now, true, 'already open');
      return;
    }
    const to = this.nodeNamed(peer);
    if (to === undefined || own.size >= MAX_TUNNELS) {
      const reason = to === undefined ? 'unknown peer' : `there are ${MAX_TUNNELS} tunnels already`;
      process.tell(this.agenda.now, { kind: 'tunnel', id, open: false, reason });
      return;
    }
    const tunnel: Tunnel<Message, Request> = { id, process, to, open: false, closed: false };
    own.set(id, tunnel);
    this.owned.set(process, own);
    const roundTrip = this.network.link(process.node, to).latency() + this.network.link(to, process.node).latency();
    this.agenda.call(this.agenda.now + roundTrip, process.node.channel, `tunnel ${id} opens`, () =>
      this.finishOpen(tunnel),
    );
  }

  /** Closes a tunnel; ends in `tunnel`, also when there was none. */
  close(process: Process<Message, Request>, id: string): void {
    const tunnel = this.owned.get(process)?.get(id);
    if (tunnel !== undefined) this.end(tunnel, this.agenda.now, 'closed');
    else process.tell(this.agenda.now, { kind: 'tunnel', id, open: false, reason: 'was not open' });
  }

  /** A process is gone: its own tunnels with it, and those towards its node close. */
  processGone(process: Process<Message, Request>, silent: boolean): void {
    for (const tunnel of this.owned.get(process)?.values() ?? []) this.forget(tunnel);
    this.owned.delete(process);
    for (const tunnel of [...(this.towards.get(process.node.index) ?? [])]) {
      const after = silent ? this.network.keepAlive : this.network.link(process.node, tunnel.process.node).latency();
      this.end(tunnel, this.agenda.now + after, silent ? 'timed out' : 'peer stopped');
    }
  }

  /** A link was cut: after the keep-alive the tunnels over it close, unless it was healed. */
  cut(from: SimulatedNode<Message, Request>, to: SimulatedNode<Message, Request>): void {
    for (const [near, far] of [
      [from, to],
      [to, from],
    ] as const) {
      for (const tunnel of this.towards.get(far.index) ?? []) {
        if (tunnel.process.node !== near) continue;
        this.agenda.call(
          this.agenda.now + this.network.keepAlive,
          near.channel,
          `tunnel ${tunnel.id} is checked`,
          () => {
            if (tunnel.open && !tunnel.closed && this.isCut(tunnel)) this.end(tunnel, this.agenda.now, 'timed out');
          },
        );
      }
    }
  }

  private finishOpen(tunnel: Tunnel<Message, Request>): void {
    if (tunnel.closed || tunnel.process.state === DEAD) return;
    const far = tunnel.to.process;
    if (far === null || far.state === DEAD) {
      this.end(tunnel, this.agenda.now, 'peer is down');
      return;
    }
    if (this.isCut(tunnel)) {
      this.end(tunnel, this.agenda.now + this.network.connectTimeout, 'timed out');
      return;
    }
    tunnel.open = true;
    const set = this.towards.get(tunnel.to.index) ?? new Set();
    this.towards.set(tunnel.to.index, set.add(tunnel));
    this.tell(tunnel, this.agenda.now, true, '');
  }

  private isCut(tunnel: Tunnel<Message, Request>): boolean {
    const near = tunnel.process.node;
    return this.network.link(near, tunnel.to).cuts > 0 || this.network.link(tunnel.to, near).cuts > 0;
  }

  private end(tunnel: Tunnel<Message, Request>, at: Time, reason: string): void {
    if (tunnel.closed) return;
    this.forget(tunnel);
    this.owned.get(tunnel.process)?.delete(tunnel.id);
    this.tell(tunnel, at, false, reason);
  }

  private forget(tunnel: Tunnel<Message, Request>): void {
    tunnel.closed = true;
    this.towards.get(tunnel.to.index)?.delete(tunnel);
  }

  private tell(tunnel: Tunnel<Message, Request>, at: Time, open: boolean, reason: string): void {
    tunnel.process.tell(at, { kind: 'tunnel', id: tunnel.id, open, reason });
  }
}
