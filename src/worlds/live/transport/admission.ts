/**
 * How many strangers are let in, and how fast. Counted are inbound connections in all, from one host, and of one
 * identity, and handshakes at once and in a second, in all and from one host: so neither one host, however slow it is with
 * its handshakes, nor one identity can take the room of all others, and what handshakes cost is bounded.
 */
import { isIPv6 } from 'node:net';
import type { TransportLimits } from './options.ts';

/** Hosts whose pace is remembered. Beyond, whoever was not seen for longest is forgotten: its bucket is full again. */
const MAX_HOSTS = 4_096;

/** A bucket of handshakes: full at first, it holds a second's worth, and fills by that much each second. */
class Bucket {
  #level: number;
  #at_ms: number;

  constructor(perSecond: number, now_ms: number) {
    this.#level = perSecond;
    this.#at_ms = now_ms;
  }

  take(perSecond: number, now_ms: number): boolean {
    this.#level = Math.min(perSecond, this.#level + ((now_ms - this.#at_ms) * perSecond) / 1_000);
    this.#at_ms = now_ms;
    if (this.#level < 1) return false;
    this.#level--;
    return true;
  }
}

/** The place of one inbound connection. */
export interface Ticket {
  /** The greeting is over: it is no handshake any more. */
  greeted(): void;
  /** The connection is gone. */
  leave(): void;
}

export class Admission {
  readonly #limits: TransportLimits;
  readonly #now_ms: () => number;
  readonly #all: Bucket;
  readonly #pace = new Map<string, Bucket>();
  readonly #perHost = new Map<string, number>();
  readonly #handshakesPerHost = new Map<string, number>();
  readonly #perIdentity = new Map<string, number>();
  #inbound = 0;
  #handshakes = 0;

  /** @param now_ms a clock that nobody sets */
  constructor(limits: TransportLimits, now_ms: () => number) {
    this.#limits = limits;
    this.#now_ms = now_ms;
    this.#all = new Bucket(limits.handshakesPerSecond, now_ms());
  }

  /** Inbound connections that are there. */
  get inbound(): number {
    return this.#inbound;
  }

  /** A connection came in from a host: its place, or why there is none. */
  enter(host: string): Ticket | string {
    const limits = this.#limits;
    const here = this.#perHost.get(host) ?? 0;
    if (this.#inbound >= limits.maxInbound) return `there are ${limits.maxInbound} inbound connections already`;
    if (here >= limits.maxInboundPerRemote) return `there are ${here} connections from this host already`;
    if (this.#handshakes >= limits.maxHandshakes) return `there are ${limits.maxHandshakes} handshakes already`;
    const shaking = this.#handshakesPerHost.get(host) ?? 0;
    if (shaking >= limits.maxHandshakesPerRemote) return `there are ${shaking} handshakes of this host already`;
    // The host's own bucket first: what it may not have must not be taken from all.
    if (!this.#bucketOf(host).take(limits.handshakesPerSecondPerRemote, this.#now_ms())) {
      return `more than ${limits.handshakesPerSecondPerRemote} handshakes a second from this host`;
    }
    if (!this.#all.take(limits.handshakesPerSecond, this.#now_ms())) {
      return `more than ${limits.handshakesPerSecond} handshakes a second`;
    }
    this.#inbound++;
    this.#handshakes++;
    this.#perHost.set(host, here + 1);
    this.#handshakesPerHost.set(host, shaking + 1);
    let isShaking = true;
    let isHere = true;
    const greeted = (): void => {
      if (!isShaking) return;
      isShaking = false;
      this.#handshakes--;
      countDown(this.#handshakesPerHost, host);
    };
    const leave = (): void => {
      greeted();
      if (!isHere) return;
      isHere = false;
      this.#inbound--;
      countDown(this.#perHost, host);
    };
    return { greeted, leave };
  }

  /**
   * An identity wants a connection for some use: what to call when it is gone, or why it gets none.
   * @param key the identity's address and the use
   */
  enterIdentity(key: string, most: number): (() => void) | string {
    const present = this.#perIdentity.get(key) ?? 0;
    if (present >= most) return `there are ${present} connections of this identity already`;
    this.#perIdentity.set(key, present + 1);
    return () => countDown(this.#perIdentity, key);
  }

  #bucketOf(host: string): Bucket {
    const bucket = this.#pace.get(host) ?? new Bucket(this.#limits.handshakesPerSecondPerRemote, this.#now_ms());
    // Put last again, so that the first is who was not seen for longest.
    this.#pace.delete(host);
    this.#pace.set(host, bucket);
    if (this.#pace.size > MAX_HOSTS) this.#pace.delete(this.#pace.keys().next().value!);
    return bucket;
  }
}

function countDown(counts: Map<string, number>, key: string): void {
  const left = counts.get(key)! - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}

/**
 * What counts as one host: an IPv4 address, also where it is written as an IPv6 one, and of IPv6 the first 64 bits, for
 * whoever has one address of those has them all.
 */
export function hostOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1]!;
  const [bare] = address.split('%') as [string];
  if (!isIPv6(bare)) return address;
  const [head, tail] = bare.split('::') as [string, string | undefined];
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...new Array<string>(missing).fill('0'), ...right];
  return `${groups
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
