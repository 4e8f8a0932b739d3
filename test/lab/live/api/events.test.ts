/** The WebSocket: what is told under which topic, and what becomes of clients that misbehave or do not keep up. */
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startNodeApi } from '../../../../src/lab/live/api/node-api.ts';
import type { ApiRefusal, ApiServer } from '../../../../src/lab/live/api/server.ts';
import { SUBSCRIBER_LIMITS, type SubscriberLimits } from '../../../../src/lab/live/api/subscribers.ts';
import { accountTopic, bookTopic } from '../../../../src/protocol/model/events.ts';
import { addressOfName } from '../../../support/chain-driver.ts';
import { type DrivenNode, smallNode, withMarket } from './support.ts';

let node: DrivenNode;
let server: ApiServer;
let refusals: ApiRefusal[] = [];

async function start(limits: Partial<SubscriberLimits> = {}): Promise<void> {
  node = smallNode();
  refusals = [];
  server = await startNodeApi(node, {
    checkReplies: true,
    subscribers: { ...SUBSCRIBER_LIMITS, ...limits },
    onRefused: refusal => refusals.push(refusal),
  });
}
afterEach(() => server.close());

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects.
type Message = any;

/** A client that keeps what it is told. */
class Listener {
  readonly messages: Message[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;
  #wake: () => void = () => undefined;

  constructor(topics: string) {
    this.#socket = new WebSocket(`${server.url.replace('http', 'ws')}/events?topics=${encodeURIComponent(topics)}`);
    this.#socket.onmessage = ({ data }) => {
      this.messages.push(JSON.parse(String(data)));
      this.#wake();
    };
    this.closed = new Promise(resolve => {
      this.#socket.onclose = ({ code, reason }) => resolve({ code, reason });
    });
  }

  /** The first message that fits, now or within five seconds. */
  async until(fits: (message: Message) => boolean): Promise<Message> {
    const end = Date.now() + 5_000;
    for (;;) {
      const found = this.messages.find(fits);
      if (found !== undefined) return found;
      if (Date.now() > end) throw new Error(`no such message among ${JSON.stringify(this.messages).slice(0, 1_000)}`);
      await new Promise<void>(resolve => {
        this.#wake = resolve;
        setTimeout(resolve, 100);
      });
    }
  }

  of(topic: string): Message[] {
    return this.messages.filter(one => one.topic === topic).flatMap(one => one.events);
  }

  send(text: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(text);
  }
  close(): void {
    this.#socket.close();
  }
}

/** Lets the server tell of what has happened until now. */
async function told(listener: Listener): Promise<void> {
  const { height } = node.block();
  await listener.until(one => one.type === 'block' && one.block.height === height);
}

describe('a listener', () => {
  it('is told of blocks and of events by topic, each once and in order', async () => {
    await start();
    const web = accountTopic(addressOfName('web-0'));
    const listener = new Listener(`blocks,orders,leases,payments,${web},${bookTopic('eu')}`);
    expect(await listener.until(one => one.type === 'hello')).toMatchObject({
      chain_id: 'test',
      height: 0,
      topics: ['blocks', 'orders', 'leases', 'payments', web, 'book/eu'],
    });
    withMarket(node);
    await told(listener);
    const blocks = listener.messages.filter(one => one.type === 'block').map(one => one.block);
    expect(blocks.map(one => one.height)).toEqual(Array.from({ length: node.driver.height }, (_, i) => i + 1));
    expect(blocks.at(-1)).toMatchObject({
      hash: node.driver.last.hash.toHex(),
      proposer_name: 'validator-0',
      round: 0,
    });
    const types = (topic: string): string[] => [...new Set(listener.of(topic).map(one => one.type))];
    expect(types('orders')).toEqual(['OrderOpened', 'FulfillmentPlaced', 'FulfillmentClosed']);
    expect(types('leases')).toEqual(['LeaseCreated', 'LeaseActive', 'LeaseConfirmed']);
    expect(types('payments')).toEqual(['LeasePaid']);
    expect(types('book/eu')).toEqual(['FulfillmentPlaced', 'FulfillmentClosed']);
    expect(types(web)).toContain('DeploymentSubmitted');
    expect(listener.of(web).every(one => JSON.stringify(one).includes(addressOfName('web-0')))).toBe(true);
    const paid = node.driver.events('LeasePaid');
    expect(listener.of('payments').map(one => one.amount_uakt)).toEqual(paid.map(one => one.amount.toString()));
    const leased = listener.messages.find(one => one.topic === 'leases');
    expect(leased.names[addressOfName('eu-0')]).toBe('eu-0');
  });

  it('may change its mind', async () => {
    await start();
    const listener = new Listener('blocks');
    await listener.until(one => one.type === 'hello');
    listener.send('{"subscribe":["leases"],"unsubscribe":["blocks"]}');
    expect(await listener.until(one => one.type === 'subscribed')).toMatchObject({ topics: ['leases'] });
    withMarket(node);
    await listener.until(one => one.topic === 'leases');
    expect(listener.messages.some(one => one.type === 'block')).toBe(false);
  });

  it.each([
    ['no JSON', 'subscribe'],
    ['another request', '{"publish":["blocks"]}'],
    ['an empty one', '{}'],
    ['no list', '{"subscribe":"blocks"}'],
    ['an unknown topic', '{"subscribe":["secrets"]}'],
    ['too many topics', JSON.stringify({ subscribe: Array.from({ length: 65 }, (_, i) => `account/${i}`) })],
    ['bytes', new Uint8Array([1, 2, 3])],
  ])('that sends %s is told so and closed', async (_, text) => {
    await start();
    const listener = new Listener('blocks');
    await listener.until(one => one.type === 'hello');
    listener.send(text);
    const { code, reason } = await listener.closed;
    expect(code).toBe(1003);
    expect(reason).toMatch(/expected/);
    expect(refusals).toEqual([
      {
        remote: '127.0.0.1',
        request: 'WebSocket /events',
        code: 'close_1003',
        reason: expect.stringContaining('expected'),
      },
    ]);
    // The others go on.
    const other = new Listener('blocks');
    await other.until(one => one.type === 'hello');
    await told(other);
    other.close();
  });

  it('that sends more than a request has room for is closed', async () => {
    await start();
    const listener = new Listener('blocks');
    await listener.until(one => one.type === 'hello');
    listener.send(JSON.stringify({ subscribe: ['a'.repeat(10_000)] }));
    expect((await listener.closed).code).toBe(1009);
    expect(refusals).toMatchObject([{ code: 'close_1002', reason: 'Max payload size exceeded' }]);
  });

  it('that asks faster than it may is closed; one that keeps to the pace is not', async () => {
    await start({ requestsPerSecond: 20 });
    const [hasty, steady] = [new Listener('blocks'), new Listener('blocks')];
    await Promise.all([hasty, steady].map(one => one.until(message => message.type === 'hello')));
    for (let i = 0; i < 1_000; i++) hasty.send('{"subscribe":["leases"]}');
    for (let i = 0; i < 19; i++) steady.send('{"subscribe":["leases"]}');
    expect(await hasty.closed).toEqual({ code: 1008, reason: 'more than 20 requests a second' });
    expect(hasty.messages.filter(one => one.type === 'subscribed').length).toBeLessThanOrEqual(21);
    // A second after it has been heard it may go on.
    await steady.until(() => steady.messages.filter(one => one.type === 'subscribed').length === 19);
    await new Promise(resolve => setTimeout(resolve, 1_100));
    for (let i = 0; i < 19; i++) steady.send('{"subscribe":["leases"]}');
    await steady.until(() => steady.messages.filter(one => one.type === 'subscribed').length === 38);
    expect(refusals).toMatchObject([{ code: 'close_1008' }]);
  });

  it('beyond the limit is turned away', async () => {
    await start({ clients: 1 });
    const first = new Listener('blocks');
    await first.until(one => one.type === 'hello');
    expect((await new Listener('blocks').closed).code).toBe(1013);
    await told(first);
  });

  it('is told when the server ends', async () => {
    await start();
    const listener = new Listener('blocks');
    await listener.until(one => one.type === 'hello');
    await server.close();
    expect((await listener.closed).code).toBe(1001);
    expect(refusals).toEqual([]);
    expect(node.watchers).toBe(0);
  });

  it('of another origin is refused', async () => {
    await start();
    const headers = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}`;
    const ask = async (more: string): Promise<string> => {
      const socket = connect(server.port, '127.0.0.1');
      socket.write(`GET /events HTTP/1.1\r\n${more}\r\n${headers}\r\n\r\n`);
      const answer = await new Promise<string>(resolve => socket.once('data', chunk => resolve(chunk.toString())));
      socket.destroy();
      return answer;
    };
    expect(await ask('Host: localhost\r\nOrigin: http://evil.example')).toContain('HTTP/1.1 403 ');
    expect(await ask('Host: evil.example')).toContain('HTTP/1.1 421 ');
    expect(await ask('Host: localhost\r\nOrigin: http://localhost')).toContain('HTTP/1.1 101 ');
  });
});

const KEY = 'AAAAAAAAAAAAAAAAAAAAAA==';

describe('a listener that does not read', () => {
  it('is dropped with a code, and holds up nobody', async () => {
    await start({ queue_bytes: 50_000, close_ms: 300 });
    const slow = await deafClient();
    const other = new Listener('blocks');
    await other.until(one => one.type === 'hello');
    const metric = async (name: string): Promise<number> => {
      const text = await (await fetch(`${server.url}/metrics`)).text();
      return Number(new RegExp(`^orrery_${name} (\\d+)$`, 'm').exec(text)?.[1]);
    };
    expect(await metric('event_clients')).toBe(2);
    // The kernel takes what fits its buffers; what is beyond waits here, and that is bounded.
    for (let i = 0; i < 400 && (await metric('event_clients_dropped_total')) === 0; i++) {
      for (let tx = 0; tx < 40; tx++) node.driver.send('web-0', longDeployment());
      node.block();
    }
    expect(await metric('event_clients_dropped_total')).toBe(1);
    await told(other);
    await new Promise(resolve => setTimeout(resolve, 500));
    expect(await metric('event_clients')).toBe(1);
    slow.destroy();
  });
});

/** Says that it listens to everything, and never reads again. */
async function deafClient(): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  const headers = `Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}`;
  socket.write(`GET /events?topics=events HTTP/1.1\r\n${headers}\r\n\r\n`);
  await new Promise(resolve => socket.once('data', resolve));
  socket.pause();
  return socket;
}

/** A transaction that fails and whose event is long. */
function longDeployment() {
  return { type: 'CloseDeployment' as const, deployment: 'x'.repeat(190) };
}
