/**
 * WebSocket clients and what they listen to. A message is made once and sent to all who subscribed to its topic. Nobody
 * is waited for: a client that does not read fast enough is dropped with a close code that says so.
 */
import type { WebSocket } from '@fastify/websocket';

export interface SubscriberLimits {
  readonly clients: number;
  /** Topics of a client. */
  readonly topics: number;
  /** Requests of a client each second; as many may come at once. */
  readonly requestsPerSecond: number;
  /** Bytes that wait for a client before it is dropped. */
  readonly queue_bytes: number;
  /** A client that leaves a ping unanswered for so long is gone, milliseconds. */
  readonly ping_ms: number;
  /** Time to close in good order, milliseconds. */
  readonly close_ms: number;
}

export const SUBSCRIBER_LIMITS: SubscriberLimits = {
  clients: 128,
  topics: 64,
  requestsPerSecond: 50,
  queue_bytes: 4 << 20,
  ping_ms: 30_000,
  close_ms: 2_000,
};

/** Why a client was dropped, as WebSocket close codes. */
export const CLOSE = {
  /** The server ends. */
  goingAway: 1001,
  /** What it sent is no request. */
  unsupported: 1003,
  /** What it sent is no frame of the protocol. */
  malformed: 1002,
  /** It sends requests faster than it may. */
  hasty: 1008,
  /** There are too many clients. */
  full: 1013,
  /** It does not read as fast as there is to tell. */
  slow: 4001,
} as const;

interface Client {
  readonly socket: WebSocket;
  readonly topics: Set<string>;
  alive: boolean;
  /** Requests that it may send at once, as of `filledAt_ms`. */
  allowance: number;
  filledAt_ms: number;
  /** Told when it is dismissed for what it does. */
  readonly onDismissed: (code: number, reason: string) => void;
}

export class Subscribers {
  readonly #limits: SubscriberLimits;
  readonly #clients = new Set<Client>();
  /** Those who were told to go, until they are gone. */
  readonly #leaving = new Map<WebSocket, NodeJS.Timeout>();
  readonly #knows: (topic: string) => boolean;
  readonly #pings: NodeJS.Timeout;
  #whenEmpty: (() => void) | null = null;
  /** Clients that were dropped because they were slow, since the start. */
  dropped = 0;

  /** @param knows whether there is such a topic */
  constructor(knows: (topic: string) => boolean, limits: SubscriberLimits = SUBSCRIBER_LIMITS) {
    this.#limits = limits;
    this.#knows = knows;
    this.#pings = setInterval(() => this.#ping(), limits.ping_ms);
    this.#pings.unref();
  }

  get size(): number {
    return this.#clients.size;
  }

  /**
   * Takes a client in and answers its requests: `{"subscribe": [topics]}`, `{"unsubscribe": [topics]}`.
   * @param first what it is told at once
   * @param onDismissed told when it is sent away for what it does, with the close code and the reason
   */
  add(
    socket: WebSocket,
    topics: readonly string[],
    first: object,
    onDismissed: (code: number, reason: string) => void = () => undefined,
  ): void {
    const allowance = this.#limits.requestsPerSecond;
    const client: Client = {
      socket,
      topics: new Set(),
      alive: true,
      allowance,
      filledAt_ms: performance.now(),
      onDismissed,
    };
    // Bytes that are no WebSocket frame, or too many: the library says why to the client and closes.
    socket.once('error', error => onDismissed(CLOSE.malformed, error.message));
    socket.on('close', () => this.#forget(client));
    if (this.#clients.size >= this.#limits.clients) {
      this.#dismiss(client, CLOSE.full, `${this.#limits.clients} clients already`);
      return;
    }
    this.#clients.add(client);
    socket.on('pong', () => {
      client.alive = true;
    });
    socket.on('message', (data, isBinary) => this.#onMessage(client, isBinary ? null : String(data)));
    const fault = this.#subscribe(client, topics);
    if (fault === null) this.#send(client, JSON.stringify({ ...first, topics: [...client.topics] }));
    else this.#dismiss(client, CLOSE.unsupported, fault);
  }

  /** The topics that anybody listens to. */
  topics(): Set<string> {
    const all = new Set<string>();
    for (const { topics } of this.#clients) for (const topic of topics) all.add(topic);
    return all;
  }

  send(topic: string, message: object): void {
    let text: string | null = null;
    for (const client of this.#clients) {
      if (!client.topics.has(topic)) continue;
      text ??= JSON.stringify(message);
      this.#send(client, text);
    }
  }

  /** Tells all that the server ends; resolves when they are gone, by themselves or not. */
  close(): Promise<void> {
    clearInterval(this.#pings);
    for (const client of this.#clients) this.#dismiss(client, CLOSE.goingAway, 'the server ends');
    return new Promise(resolve => {
      this.#whenEmpty = resolve;
      this.#lookWhetherEmpty();
    });
  }

  #send(client: Client, text: string): void {
    if (client.socket.readyState !== client.socket.OPEN) return;
    if (client.socket.bufferedAmount > this.#limits.queue_bytes) {
      this.dropped += 1;
      this.#dismiss(client, CLOSE.slow, `more than ${this.#limits.queue_bytes} bytes wait for you`);
      return;
    }
    client.socket.send(text);
  }

  #onMessage(client: Client, text: string | null): void {
    if (!this.#clients.has(client)) return;
    const { requestsPerSecond } = this.#limits;
    if (!isWithinPace(client, requestsPerSecond)) {
      this.#dismiss(client, CLOSE.hasty, `more than ${requestsPerSecond} requests a second`);
      return;
    }
    const fault = this.#request(client, text);
    if (fault !== null) this.#dismiss(client, CLOSE.unsupported, fault);
  }

  /** Does what a client asks; says what is wrong with it, or null. */
  #request(client: Client, text: string | null): string | null {
    const expected = 'expected {"subscribe": [topics]} or {"unsubscribe": [topics]}';
    let request: unknown;
    try {
      request = text === null ? null : JSON.parse(text);
    } catch {
      return `found no JSON, ${expected}`;
    }
    const { subscribe = [], unsubscribe = [] } = (request ?? {}) as Record<string, unknown>;
    const keys = typeof request === 'object' && request !== null ? Object.keys(request) : [];
    const known = keys.length > 0 && keys.every(key => key === 'subscribe' || key === 'unsubscribe');
    if (!known || !isTexts(subscribe) || !isTexts(unsubscribe)) return `found something else, ${expected}`;
    for (const topic of unsubscribe) client.topics.delete(topic);
    const fault = this.#subscribe(client, subscribe);
    if (fault === null) this.#send(client, JSON.stringify({ type: 'subscribed', topics: [...client.topics] }));
    return fault;
  }

  #subscribe(client: Client, topics: readonly string[]): string | null {
    for (const topic of topics) {
      if (!this.#knows(topic)) return `found the topic ${topic.slice(0, 60)}, expected one that there is`;
      client.topics.add(topic);
      if (client.topics.size > this.#limits.topics) return `expected at most ${this.#limits.topics} topics`;
    }
    return null;
  }

  #ping(): void {
    for (const client of this.#clients) {
      if (!client.alive) client.socket.terminate();
      client.alive = false;
      if (client.socket.readyState === client.socket.OPEN) client.socket.ping();
    }
  }

  /** Says why, and goes on without an answer after a while: the message may wait behind all that was not read. */
  #dismiss(client: Client, code: number, reason: string): void {
    const { socket } = client;
    this.#clients.delete(client);
    if (this.#leaving.has(socket)) return;
    if (code !== CLOSE.goingAway) client.onDismissed(code, reason);
    this.#leaving.set(
      socket,
      setTimeout(() => socket.terminate(), this.#limits.close_ms),
    );
    socket.close(code, Buffer.from(reason).subarray(0, MAX_REASON).toString().replaceAll('\uFFFD', ''));
  }

  #forget(client: Client): void {
    this.#clients.delete(client);
    clearTimeout(this.#leaving.get(client.socket));
    this.#leaving.delete(client.socket);
    this.#lookWhetherEmpty();
  }

  #lookWhetherEmpty(): void {
    if (this.#clients.size === 0 && this.#leaving.size === 0) this.#whenEmpty?.();
  }
}

/** Whether a client may send one more request now; counts it if so. */
function isWithinPace(client: Client, requestsPerSecond: number): boolean {
  const now_ms = performance.now();
  const filled = client.allowance + ((now_ms - client.filledAt_ms) * requestsPerSecond) / 1_000;
  client.allowance = Math.min(requestsPerSecond, filled);
  client.filledAt_ms = now_ms;
  if (client.allowance < 1) return false;
  client.allowance -= 1;
  return true;
}

/** Bytes of a close reason, as the protocol has it. */
const MAX_REASON = 123;

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(one => typeof one === 'string');
}
