/** Messages that are larger than one may be: cut, put together again, and told to clients of a real chain. */
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Actor, Effects, Input, PeerName, Time } from '../../src/actors/actor.ts';
import { ChainClient, type ChainListener } from '../../src/actors/client/chain-client.ts';
import type { LightOptions } from '../../src/actors/client/light-options.ts';
import { PART_BYTES } from '../../src/actors/gossip.ts';
import { inMessages, type Large, Pieces } from '../../src/actors/pieces.ts';
import { MAX_LARGE_BYTES, MAX_PIECES, type Piece, type Wire } from '../../src/actors/wire.ts';
import { decodeLarge, decodeWire, encodeLarge, encodeWire } from '../../src/actors/wire-bytes.ts';
import { trustedGenesis } from '../../src/protocol/chain/light-chain.ts';
import { addressOf } from '../../src/protocol/codec/address.ts';
import { keyedHashScheme } from '../../src/protocol/codec/signature.ts';
import type { EventOf } from '../../src/protocol/model/events.ts';
import {
  type DeploymentInfrastructure,
  MAX_ATTRIBUTES,
  MAX_COUNT,
  MAX_GROUPS,
  MAX_PRICE,
  type ResourceGroup,
} from '../../src/protocol/model/objects.ts';
import { SimulatedWorld } from '../../src/worlds/simulated/world.ts';
import { deployment } from '../support/chain-driver.ts';
import { keysOf, ValidatorNet } from '../support/validator-net.ts';
import { wireOf } from './wire-arbitraries.ts';

const SECOND = 1_000_000;
const BIG = Number.MAX_SAFE_INTEGER;
const HASH = new Uint8Array(32).fill(7);

const group: ResourceGroup = {
  compute: { cpu: BIG, memory: BIG, disk: BIG, bandwidth: BIG, gpu: BIG },
  price: MAX_PRICE,
  collateral: 10n ** 15n,
  count: MAX_COUNT,
};
const resources = new Array<ResourceGroup>(MAX_GROUPS).fill(group);
const infrastructure: DeploymentInfrastructure = {
  region: 'r'.repeat(128),
  persist: true,
  resources,
  attributes: Object.fromEntries(
    Array.from({ length: MAX_ATTRIBUTES }, (_, i) => [`${i}`.padEnd(256, 'k'), 'v'.repeat(128)]),
  ),
  reputationAtLeast: 1_000_000,
};
/** No event is larger. */
const largest: EventOf<'OrderOpened'> = {
  type: 'OrderOpened',
  order: 'o'.repeat(200),
  tenant: 't'.repeat(128),
  infrastructure,
  matchFrom: BIG,
  closesAt: BIG,
  collateral: (1n << 256n) - 1n,
};
const eventsOf = (count: number): Large => ({
  type: 'events',
  height: BIG,
  time: BIG,
  topic: 't'.repeat(256),
  events: new Array<typeof largest>(count).fill(largest),
  nonce: BIG - 1,
});
const leafOf = (length: number): Large => ({
  type: 'answer',
  answer: {
    what: 'leaf',
    height: BIG,
    value: {
      leaf: 'l'.repeat(256),
      bytes: new Uint8Array(length).fill(3),
      proof: { siblings: new Array<Uint8Array>(256).fill(HASH), other: { keyHash: HASH, valueHash: HASH } },
    },
  },
});
const bidsOf = (count: number): Large => ({
  type: 'answer',
  answer: {
    what: 'provider',
    value: { leases: [], bids: Array.from({ length: count }, () => ({ order: 'o'.repeat(200), resources })) },
  },
});

/** What a client makes of messages that it gets one after the other; the last thing that `take` said, if no message. */
function putTogether(messages: readonly Wire[]): Wire | string | null {
  const pieces = new Pieces();
  let last: Wire | string | null = null;
  for (const message of messages) last = message.type === 'piece' ? pieces.take(message) : message;
  return last;
}

function piecesOf(message: Large): readonly Piece[] {
  const messages = inMessages(message);
  if (messages === null || messages.some(one => one.type !== 'piece')) throw new Error('it should be in pieces');
  return messages as readonly Piece[];
}

describe('cut and put together', () => {
  test.each([
    ['events', eventsOf, [0, 1, 2, 3, 10, 13, 14, 15, 16, 17, 40, 500]],
    ['a leaf', leafOf, [0, 1_000, 245_000, 253_000, 253_300, 253_400, 253_500, 262_144, 262_145, 1_000_000]],
    ['a provider’s bids', bidsOf, [0, 1, 50, 60, 61, 62, 63, 64, 65, 1_000]],
  ])('%s: each message fits, and together they are what was cut', (_what, made, sizes) => {
    let cut = 0;
    for (const size of sizes) {
      const message = made(size);
      const messages = inMessages(message);
      expect(messages).not.toBeNull();
      const carried = messages!.map(one => decodeWire(encodeWire(one)));
      expect(putTogether(carried)).toEqual(message);
      cut += messages!.length > 1 ? 1 : 0;
    }
    // Some go as they are and some do not, or this says nothing.
    expect(cut).toBeGreaterThan(0);
    expect(cut).toBeLessThan(sizes.length);
  });

  test('what fits goes out as it is', () => {
    const small = fc.oneof(wireOf('events'), wireOf('header'), wireOf('answer')) as fc.Arbitrary<Large>;
    fc.assert(
      fc.property(small, message => {
        const messages = inMessages(message)!;
        expect(messages).toHaveLength(1);
        expect(messages[0]).toBe(message);
      }),
      { numRuns: 200 },
    );
  });

  test('a header with events of many topics', () => {
    const [header] = fc.sample(wireOf('header'), { numRuns: 1, seed: 5 }) as [Extract<Large, { type: 'header' }>];
    const batch = (topic: string) => ({
      topic,
      events: [largest, largest],
      proof: { size: 3, index: 1, path: [HASH], before: null, after: null },
    });
    const message: Large = { ...header, batches: Array.from({ length: 200 }, (_, i) => batch(`topic/${i}`)) };
    expect(putTogether(piecesOf(message).map(one => decodeWire(encodeWire(one))))).toEqual(message);
  });

  test('beyond all limits nothing is told', () => {
    const each = (encodeLarge(eventsOf(200)).length - encodeLarge(eventsOf(100)).length) / 100;
    const room = Math.floor((MAX_LARGE_BYTES - 1_000) / each);
    expect(inMessages(eventsOf(room))?.length).toBe(MAX_PIECES);
    expect(inMessages(eventsOf(room + 1)) === null).toBe(true);
    expect(() => decodeLarge(new Uint8Array(MAX_LARGE_BYTES + 1))).toThrow(`at most ${MAX_LARGE_BYTES} bytes`);
  });
});

describe('pieces from anywhere', () => {
  const whole = eventsOf(40);
  const sent = piecesOf(whole);

  test('one that got lost costs this message, and not the next', () => {
    for (let lost = 0; lost < sent.length; lost++) {
      expect(putTogether(sent.filter((_, i) => i !== lost))).toBeNull();
      expect(putTogether([...sent.filter((_, i) => i !== lost), ...sent])).toEqual(whole);
    }
    expect(putTogether([...sent.slice(0, 2), ...sent])).toEqual(whole);
  });

  test('those of two messages are not mixed', () => {
    const other = piecesOf(leafOf(1_000_000));
    expect(other.length).toBeGreaterThan(sent.length);
    expect(putTogether([...sent.slice(0, 3), ...other.slice(3)])).toBeNull();
  });

  test.each([
    ['of a single piece', { index: 0, total: 1, bytes: new Uint8Array(9) }],
    ['of none', { index: 0, total: 0, bytes: new Uint8Array(9) }],
    ['beyond the last', { index: 2, total: 2, bytes: new Uint8Array(9) }],
    ['too small', { index: 0, total: 2, bytes: new Uint8Array(PART_BYTES - 1) }],
    ['empty', { index: 1, total: 2, bytes: new Uint8Array(0) }],
  ])('one %s comes from no honest node', (_what, piece) => {
    expect(new Pieces().take({ type: 'piece', ...piece })).toMatch(/^piece /);
  });

  test('bytes that are no message, and messages that never come in pieces', () => {
    const cut = (bytes: Uint8Array): Piece[] =>
      Array.from({ length: Math.ceil(bytes.length / PART_BYTES) }, (_, index) => ({
        type: 'piece',
        index,
        total: Math.ceil(bytes.length / PART_BYTES),
        bytes: bytes.slice(index * PART_BYTES, (index + 1) * PART_BYTES),
      }));
    expect(putTogether(cut(new Uint8Array(3 * PART_BYTES).fill(4)))).toMatch(/^pieces of no message: /);
    const links: Wire = { type: 'snapshot', manifest: new Uint8Array(PART_BYTES + 5) };
    expect(putTogether(cut(encodeWire(links)))).toBe('snapshot in pieces');
  });
});

/** Orders far more in one block than fits into a message, and writes down which orders it is told of. */
class Tenant implements Actor<Wire>, ChainListener {
  readonly told: string[];
  readonly #chain: ChainClient;
  constructor(nodes: readonly PeerName[], light: LightOptions | undefined, told: string[]) {
    const keys = keysOf('payer');
    this.told = told;
    const address = addressOf(keys.publicKey);
    this.#chain = new ChainClient({ address, keys, scheme: keyedHashScheme, nodes, topics: [], light }, this);
  }
  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): void {
    if (input.kind === 'recovered') out.setTimer('order', now + 8 * SECOND);
    if (this.#chain.receive(input, now, out) || input.kind !== 'timer') return;
    const wide = {
      ...infrastructure,
      region: 'eu',
      resources: [{ ...group, count: 1, collateral: 0n, price: 10n ** 6n }],
    };
    for (let i = 0; i < 12; i++) this.#chain.submit(deployment({ infrastructure: [wide, wide, wide, wide] }), out);
  }
  onReady(): void {}
  onEvent(event: Parameters<ChainListener['onEvent']>[0]): void {
    if (event.type === 'OrderOpened') this.told.push(event.order);
  }
  onRefused(message: { readonly type: string }, code: string): void {
    this.told.push(`refused: ${message.type} ${code}`);
  }
  onAnswer(): void {}
}

describe('clients of a chain', () => {
  afterEach(() => void vi.restoreAllMocks());

  test.each(['light', 'trusting'] as const)('a %s one hears of a block that is full of its orders', clients => {
    let pieces = 0;
    vi.spyOn(SimulatedWorld.prototype, 'admitted').mockImplementation(message => {
      pieces += (message as Wire).type === 'piece' ? 1 : 0;
      return decodeWire(encodeWire(message as Wire));
    });
    const truth: { readonly height: number; readonly order: string }[] = [];
    const net = new ValidatorNet({
      stakes: [10, 10, 10, 10],
      onBlock: (index, { header }, { events }) => {
        for (const one of events)
          if (index === 0 && one.type === 'OrderOpened') truth.push({ height: header.height, order: one.order });
      },
    });
    const { genesis, names, world } = net;
    const root = trustedGenesis(genesis);
    const light = clients === 'light' ? { chainId: 'net', root, params: genesis.params } : undefined;
    const told: string[] = [];
    world.addActor({ name: 'tenant', start: () => new Tenant(names, light, told) });
    net.run(25 * SECOND);
    expect(truth).toHaveLength(48);
    // So many in one block that its events are more than a message holds.
    const heights = Map.groupBy(truth, one => one.height);
    expect(Math.max(...[...heights.values()].map(one => one.length))).toBeGreaterThan(24);
    expect(pieces).toBeGreaterThan(1);
    expect(told).toEqual(truth.map(one => one.order));
    expect(net.observed.filter(one => one.metric === 'client/node-dropped' || one.metric === 'node/too-large')).toEqual(
      [],
    );
  });
});
