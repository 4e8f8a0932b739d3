/** A node that is sound inside and lies to its clients: what it says is distorted, and what it is told may be lost. */
import type { Actor, ConnectionId, Effects, Input, Time } from '../../src/actors/actor.ts';
import type { Wire } from '../../src/actors/wire.ts';

export interface Lies {
  /** What is said instead of a message; null: nothing. */
  readonly says?: (message: Wire, now: Time) => Wire | null;
  /** Whether a message reaches the node at all; what is answered to it otherwise. */
  readonly hears?: (message: Wire) => boolean | Wire;
}

export class LyingNode implements Actor<Wire> {
  readonly #inner: Actor<Wire>;
  readonly #lies: Lies;
  constructor(inner: Actor<Wire>, lies: Lies) {
    this.#inner = inner;
    this.#lies = lies;
  }

  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): void {
    if (input.kind === 'message') {
      const heard = this.#lies.hears?.(input.message) ?? true;
      if (typeof heard !== 'boolean') out.send(input.connection, heard);
      if (heard !== true) return;
    }
    const { says } = this.#lies;
    if (says === undefined) {
      this.#inner.receive(input, now, out);
      return;
    }
    const send = (connection: ConnectionId, message: Wire): void => {
      const said = says(message, now);
      if (said !== null) out.send(connection, said);
    };
    const distorting = new Proxy(out, {
      get: (target, name: keyof Effects<Wire>) => (name === 'send' ? send : target[name].bind(target as never)),
    });
    this.#inner.receive(input, now, distorting);
  }
}
