/**
 * How connections come and go: the handshake, refusals, closing, keep-alive and resets.
 *
 * `connect` takes a round trip. It is refused after one when the peer's process is down, and after a time-out when
 * nothing comes back (a cut link, a machine that is off). A process that ends is noticed by its peers at once, since its
 * machine closes its connections behind all that was sent; a machine that is off says nothing, and its peers find out
 * when their keep-alive runs out, or when it comes back and knows nothing of them.
 */
import type { Input, PeerName } from '../../actors/actor.ts';
import { CALL, END_INPUT, EXPIRED, FINISHED } from './events.ts';
import type { EventHandle } from './kernel.ts';
import { End, ITEM_ACCEPT, ITEM_FINISH, type Link } from './links.ts';
import type { Network } from './network.ts';
import { DEAD, PAUSED, type SimulatedNode } from './node.ts';
import type { Process } from './process.ts';

/** How long a name that does not exist takes to be refused. */
const RESOLVE_US = 1_000;

interface Attempt<Message, Request> {
  readonly process: Process<Message, Request>;
  readonly to: SimulatedNode<Message, Request>;
  readonly link: Link<Message, Request>;
  readonly back: Link<Message, Request>;
  /** The time-out's event; -1 once it has happened. */
  timeout: EventHandle;
  /** The initiator's end, once the acceptor has answered. */
  end: End<Message, Request> | null;
}

/** How a process learns that a connection is over. */
export type Ending = Extract<Input<never>, { readonly kind: 'refused' | 'disconnected' }>;

export class Connections<Message, Request> {
  private readonly network: Network<Message, Request>;
  private readonly nodeNamed: (name: PeerName) => SimulatedNode<Message, Request> | undefined;
  /** By index of a machine that is off: the ends of others that do not know it yet. */
  private readonly orphans = new Map<number, End<Message, Request>[]>();

  constructor(
    network: Network<Message, Request>,
    nodeNamed: (name: PeerName) => SimulatedNode<Message, Request> | undefined,
  ) {
    this.network = network;
    this.nodeNamed = nodeNamed;
  }

  /** Begins a handshake. */
  connect(process: Process<Message, Request>, peer: PeerName): void {
    const to = this.nodeNamed(peer);
    const { agenda } = this.network;
    if (to === undefined) {
      process.tell(agenda.now + RESOLVE_US, { kind: 'refused', peer, reason: 'unknown peer' });
      return;
    }
    const link = this.network.link(process.node, to);
    const back = this.network.link(to, process.node);
    const attempt: Attempt<Message, Request> = { process, to, link, back, timeout: -1, end: null };
    const label = `connection from ${process.node.name} to ${peer} times out`;
    attempt.timeout = agenda.call(agenda.now + this.network.connectTimeout, process.node.channel, label, () =>
      this.timeOut(attempt),
    );
    this.launch(attempt);
  }

  /** The initiator has learnt of its connection. */
  established(end: End<Message, Request>): void {
    this.network.agenda.cancel(end.attempt);
    end.attempt = -1;
    this.network.repeat(end);
  }

  /**
   * Breaks all connections between two nodes. `from` is told at once.
   * @param late_us how much later the other side is told, and what was in flight to it arrives; 0: at once, and all is
   * lost
   * @param repeating what arrives late is sent again over the next connection from `from`
   */
  breakAll(
    from: SimulatedNode<Message, Request>,
    to: SimulatedNode<Message, Request>,
    late_us: number,
    repeating: boolean,
  ): void {
    const ends = new Set<End<Message, Request>>();
    for (const link of [this.network.link(from, to), this.network.link(to, from)]) {
      for (const end of link.ends) ends.add(end).add(end.peer);
    }
    for (const end of ends) {
      const known = end.open && end.attempt === -1 && end.process.node === to;
      if (known && late_us > 0 && end.peer.process.node === from) this.linger(end, late_us, repeating);
      else this.cutOff(end);
    }
  }

  /** Closes an end from its own side; the peer is told after all that was sent before. */
  close(end: End<Message, Request>, reason: string): void {
    this.detach(end);
    if (end.peer.open) {
      this.network.transmitControl(end, { kind: ITEM_FINISH, message: null, reason, size: 0 });
    } else {
      this.discard(end);
    }
  }

  /** The other side is gone. Returns what this end's process is to be told, or null when it closed before. */
  finished(end: End<Message, Request>, reason: string): Ending | null {
    if (!end.open && end.late === 0) return null;
    // An initiator that was never told of its connection has to hear that it got none.
    const established = end.attempt === -1;
    this.detach(end);
    this.discard(end);
    if (!end.peer.open) this.discard(end.peer);
    const peer = end.peerName;
    if (!established) return { kind: 'refused', peer, reason };
    return { kind: 'disconnected', connection: end.id, peer, reason };
  }

  /** The keep-alive of an end ran out: it is given up without a word to the peer. */
  expired(end: End<Message, Request>): void {
    end.expiry = -1;
    const ending = this.finished(end, 'timed out');
    if (ending === null) return;
    end.vanished = true;
    if (end.process.state !== DEAD) end.process.tell(this.network.agenda.now, ending);
  }

  /** Starts the keep-alive of an end whose peer cannot be heard. */
  watch(end: End<Message, Request>): void {
    if (!end.open || end.expiry !== -1) return;
    const { agenda, keepAlive } = this.network;
    end.expiry = agenda.push(agenda.now + keepAlive, end.link.channel, EXPIRED, end, null);
  }

  /** A cut was healed: an end hears its peer again, or hears that there is none. */
  reachable(end: End<Message, Request>): void {
    if (!end.open) return;
    const { peer } = end;
    if (peer.vanished) {
      if (!peer.process.node.dark) this.reset(end);
    } else if (end.expiry !== -1) {
      this.network.agenda.cancel(end.expiry);
      end.expiry = -1;
    }
  }

  /**
   * A process is gone.
   * @param silent its machine is off, so that nobody is told
   */
  processGone(process: Process<Message, Request>, silent: boolean): void {
    const ends = [...process.ends.values()];
    if (!silent) {
      for (const end of ends) this.close(end, 'peer stopped');
      return;
    }
    const orphans = this.orphans.get(process.node.index) ?? [];
    for (const end of ends) {
      end.vanished = true;
      this.detach(end);
      this.discard(end);
      if (!end.peer.open) continue;
      this.watch(end.peer);
      orphans.push(end.peer);
    }
    this.orphans.set(process.node.index, orphans);
  }

  /** A machine is on again: it answers packets of connections that it does not know with a reset. */
  nodeBack(node: SimulatedNode<Message, Request>): void {
    const orphans = this.orphans.get(node.index);
    if (orphans === undefined) return;
    this.orphans.delete(node.index);
    for (const end of orphans) {
      // Over a cut link nothing is heard; healing it will bring the reset.
      if (end.open && end.link.cuts === 0 && end.peer.link.cuts === 0) this.reset(end);
    }
  }

  private launch(attempt: Attempt<Message, Request>): void {
    if (attempt.timeout === -1 || attempt.process.state === DEAD) return;
    const { link, back } = attempt;
    if (link.blocked || back.blocked) {
      const obstacle = link.blocked ? link : back;
      obstacle.waiting.push(() => this.launch(attempt));
      return;
    }
    const { agenda } = this.network;
    const label = `${link.from.name} knocks at ${link.to.name}`;
    agenda.call(agenda.now + link.latency(), link.channel, label, () => this.knock(attempt));
  }

  /** The first packet has come to the acceptor's machine. */
  private knock(attempt: Attempt<Message, Request>): void {
    const { process, to, link, back } = attempt;
    if (attempt.timeout === -1 || process.state === DEAD || to.dark) return;
    const acceptor = to.process;
    const { agenda } = this.network;
    if (acceptor === null || acceptor.state === DEAD || to.refusals > 0) {
      agenda.cancel(attempt.timeout);
      attempt.timeout = -1;
      process.tell(agenda.now + back.latency(), { kind: 'refused', peer: to.name, reason: 'connection refused' });
      return;
    }
    if (acceptor.state === PAUSED) {
      const label = `${link.from.name} knocks at ${to.name}`;
      acceptor.defer(CALL, label, () => this.knock(attempt));
      return;
    }
    const near = new End(process.nextConnection++, process, link);
    const far = new End(acceptor.nextConnection++, acceptor, back);
    this.pair(near, far);
    near.attempt = attempt.timeout;
    attempt.end = near;
    const input = { kind: 'connected', connection: far.id, peer: process.node.name, inbound: true } as const;
    agenda.push(agenda.now, link.channel, END_INPUT, far, input);
    this.network.transmitControl(far, { kind: ITEM_ACCEPT, message: null, reason: '', size: 0 });
    this.network.repeat(far);
  }

  private pair(near: End<Message, Request>, far: End<Message, Request>): void {
    near.peer = far;
    far.peer = near;
    for (const end of [near, far]) {
      end.process.ends.set(end.id, end);
      end.link.ends.add(end);
      this.network.refresh(end);
      if (end.link.cuts > 0) {
        this.watch(near);
        this.watch(far);
      }
    }
  }

  private timeOut(attempt: Attempt<Message, Request>): void {
    attempt.timeout = -1;
    const { process, to, end } = attempt;
    if (end !== null) {
      end.attempt = -1;
      if (!end.open) return;
      this.close(end, 'the peer gave up connecting');
    }
    if (process.state === DEAD) return;
    process.tell(this.network.agenda.now, { kind: 'refused', peer: to.name, reason: 'timed out' });
  }

  /** One side of a broken connection is told of it, unless it gave it up itself. */
  private cutOff(end: End<Message, Request>): void {
    const ending = this.finished(end, 'connection reset');
    if (ending === null) this.discard(end);
    else if (end.process.state !== DEAD) end.process.tell(this.network.agenda.now, ending);
  }

  /** One side of a broken connection goes on in good faith, until what was in flight to it has arrived late. */
  private linger(end: End<Message, Request>, late_us: number, repeating: boolean): void {
    const { agenda } = this.network;
    const { link } = end.peer;
    end.open = false;
    end.late = agenda.now + late_us;
    end.repeating = repeating;
    if (end.expiry !== -1) {
      agenda.cancel(end.expiry);
      end.expiry = -1;
    }
    this.discard(end);
    // Behind the last of it, which may take longer than that.
    const over = Math.max(end.late, end.peer.lastArrival) + 1;
    agenda.push(over, link.channel, FINISHED, end, 'connection reset');
  }

  private reset(end: End<Message, Request>): void {
    const { agenda } = this.network;
    const { link } = end.peer;
    agenda.push(agenda.now + link.latency(), link.channel, FINISHED, end, 'connection reset');
  }

  /** Takes an end out of its process's hands. */
  private detach(end: End<Message, Request>): void {
    end.open = false;
    end.late = 0;
    end.full = false;
    end.process.ends.delete(end.id);
    if (end.expiry !== -1) {
      this.network.agenda.cancel(end.expiry);
      end.expiry = -1;
    }
    if (end.attempt !== -1) {
      this.network.agenda.cancel(end.attempt);
      end.attempt = -1;
    }
  }

  /** Forgets what an end still had to send. */
  private discard(end: End<Message, Request>): void {
    end.queue = [];
    end.queuedBytes = 0;
    end.link.ends.delete(end);
  }
}
