/** Light blocks that were asked for and have not come: nobody is asked for the same one twice. */
import type { Effects } from '../actor.ts';
import type { Wire } from '../wire.ts';
import type { Peer } from './node-pool.ts';

export class HeaderRequests {
  readonly #open = new Set<string>();

  ask({ name, connection }: Peer, height: number, out: Effects<Wire>): void {
    const key = `${name}/${height}`;
    if (connection === null || this.#open.has(key)) return;
    this.#open.add(key);
    out.send(connection, { type: 'getLight', height });
  }

  answered({ name }: Peer, height: number): void {
    this.#open.delete(`${name}/${height}`);
  }

  /** What has not come by now may be asked for again. */
  clear(): void {
    this.#open.clear();
  }
}
