/** Keeps connections to the nodes that a node was told of: tries again after a while, later after misbehaviour. */
import type { Effects, Input, PeerName, Time, TimerId } from '../actor.ts';
import type { Wire } from '../wire.ts';

const RETRY_US = 2_000_000;
/** A peer that misbehaved is left alone for this long. */
const BAN_US = 60_000_000;
/** Names that are remembered for it; beyond these the oldest are forgiven. */
const MAX_BANNED = 4_096;
const PREFIX = 'dial/';

export class Dialer {
  readonly #names: ReadonlySet<PeerName>;
  /** Until when a peer is not wanted, also when it calls. */
  readonly #banned = new Map<PeerName, Time>();

  constructor(names: readonly PeerName[]) {
    this.#names = new Set(names);
  }

  /** All whom it calls. */
  get names(): Iterable<PeerName> {
    return this.#names;
  }

  start(out: Effects<Wire>): void {
    for (const name of this.#names) out.connect(name);
  }

  ban(name: PeerName, now: Time, out: Effects<Wire>): void {
    // Names that were set first are let in again first.
    for (const [other, until] of this.#banned) {
      if (until > now && this.#banned.size < MAX_BANNED) break;
      this.#banned.delete(other);
    }
    this.#banned.delete(name);
    this.#banned.set(name, now + BAN_US);
    if (this.#names.has(name)) out.setTimer(PREFIX + name, now + BAN_US);
  }

  isBanned(name: PeerName, now: Time): boolean {
    return (this.#banned.get(name) ?? 0) > now;
  }

  /** Looks at every input; says whether it was its own alone. */
  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): boolean {
    if (input.kind === 'refused') this.#retry(input.peer, now, out);
    else if (input.kind === 'disconnected') {
      this.#retry(input.peer, now, out);
      return false;
    } else return input.kind === 'timer' && this.#onTimer(input.id, out);
    return true;
  }

  #onTimer(id: TimerId, out: Effects<Wire>): boolean {
    if (typeof id !== 'string' || !id.startsWith(PREFIX)) return false;
    out.connect(id.slice(PREFIX.length));
    return true;
  }

  #retry(name: PeerName, now: Time, out: Effects<Wire>): void {
    if (this.#names.has(name) && !this.isBanned(name, now)) out.setTimer(PREFIX + name, now + RETRY_US);
  }
}
