/** Messages as bytes: what is written reads back the same and writes the same again, and nothing else is read. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_MESSAGE_BYTES } from '../../src/actors/actor.ts';
import {
  MAX_PARTS,
  MAX_PROPOSALS_TOLD,
  MAX_VALUES_TOLD,
  MAX_VOTES,
  MAX_VOTES_HELD,
  PART_BYTES,
} from '../../src/actors/gossip.ts';
import type { Wire } from '../../src/actors/wire.ts';
import { decodeWire, encodeWire, wireCodec } from '../../src/actors/wire-bytes.ts';
import type { Header } from '../../src/protocol/chain/block.ts';
import { CHUNK_BYTES, encodeManifest, MAX_CHUNKS } from '../../src/protocol/chain/snapshot-manifest.ts';
import { payAndSign, type Transaction } from '../../src/protocol/chain/transaction.ts';
import { addressFromBytes, addressOf } from '../../src/protocol/codec/address.ts';
import { DecodeError, EncodeError } from '../../src/protocol/codec/errors.ts';
import { sha256 } from '../../src/protocol/codec/sha256.ts';
import { keyedHashScheme } from '../../src/protocol/codec/signature.ts';
import { MAX_VALIDATORS, type Vote } from '../../src/protocol/consensus/types.ts';
import { defaultParams } from '../../src/protocol/model/params.ts';
import type { MessageCodec } from '../../src/worlds/live/ports.ts';
import { message, WIRE_TYPES, type WireType, wire, wireOf } from './wire-arbitraries.ts';

const BIG = Number.MAX_SAFE_INTEGER;
const HASH = new Uint8Array(32).fill(7);
const VALUE = 'ab'.repeat(32);
const SIGNATURE = new Uint8Array(64).fill(9);

/** What becomes of bytes from anywhere: a message that has exactly these bytes, or the codec's own error. */
function readOrRefuse(bytes: Uint8Array): Wire | null {
  let read: Wire;
  try {
    read = decodeWire(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
    return null;
  }
  expect(encodeWire(read)).toEqual(bytes);
  return read;
}

/** A few messages of a type, the same in every run. */
function samples(type: WireType, count: number): Uint8Array[] {
  return fc.sample(wireOf(type), { numRuns: count, seed: 11 }).map(encodeWire);
}

describe('there and back', () => {
  test('what a live world asks of a codec', () => {
    const codec: MessageCodec<Wire> = wireCodec;
    expect(codec.decode(codec.encode({ type: 'getSnapshot' }))).toEqual({ type: 'getSnapshot' });
  });

  test.each(WIRE_TYPES)('%s', type => {
    fc.assert(
      fc.property(wireOf(type), one => {
        const bytes = encodeWire(one);
        const read = decodeWire(bytes);
        expect(read).toEqual(one);
        expect(encodeWire(read)).toEqual(bytes);
      }),
      { numRuns: 60 },
    );
  });

  test('no two messages have the same bytes', () => {
    const known = new Map<string, Wire>();
    for (const one of fc.sample(wire, { numRuns: 2_000, seed: 3 })) {
      const key = encodeWire(one).toHex();
      const other = known.get(key);
      if (other !== undefined) expect(one).toEqual(other);
      known.set(key, one);
    }
    expect(known.size).toBeGreaterThan(1_500);
  });

  test('what was read shares no memory with the bytes that it was read from', () => {
    for (const type of WIRE_TYPES) {
      for (const bytes of samples(type, 5)) {
        const buffer = bytes.slice();
        const read = decodeWire(buffer);
        buffer.fill(0xff);
        expect(encodeWire(read)).toEqual(bytes);
      }
    }
  });
});

describe('a transaction', () => {
  const keys = keyedHashScheme.keyPair(sha256(new Uint8Array([1])));
  const signed = (one: Transaction['body']['message']): Transaction => {
    const account = addressOf(keys.publicKey);
    return payAndSign(
      defaultParams(),
      { chainId: 'c', account, nonce: 4, grant: '', message: one },
      keys,
      keyedHashScheme,
    );
  };

  test('is as good as the original', () => {
    fc.assert(
      fc.property(message, fc.constantFrom('submit', 'relay'), (one, type) => {
        const tx = signed(one);
        const read = decodeWire(encodeWire({ type, tx })) as Extract<Wire, { readonly type: 'submit' }>;
        expect(read.tx).toBeInstanceOf(tx.constructor);
        expect(Object.isFrozen(read.tx)).toBe(true);
        expect(read.tx.fingerprint).toBe(tx.fingerprint);
        expect(read.tx.size).toBe(tx.size);
        expect(read.tx.signedBytes).toEqual(tx.signedBytes);
        expect(read.tx.encode()).toEqual(tx.encode());
        expect(read.tx.signatureHolds(keyedHashScheme)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test('is not taken at its word: a bit more or less and the signature does not hold', () => {
    const tx = signed({ type: 'Transfer', to: addressFromBytes(new Uint8Array(20)), amount: 5n });
    const bytes = encodeWire({ type: 'submit', tx });
    let read = 0;
    for (let bit = 8; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const one = readOrRefuse(flipped);
      if (one?.type !== 'submit') continue;
      expect(one.tx.signatureHolds(keyedHashScheme)).toBe(false);
      read += 1;
    }
    expect(read).toBeGreaterThan(300);
  });
});

describe('bytes from anywhere', () => {
  test.each(WIRE_TYPES)('%s cut off anywhere is no message', type => {
    for (const bytes of samples(type, 4)) {
      for (let length = 0; length < bytes.length; length++) {
        expect(() => decodeWire(bytes.subarray(0, length))).toThrow(DecodeError);
      }
      expect(() => decodeWire(new Uint8Array([...bytes, 0]))).toThrow(DecodeError);
    }
  });

  test.each(WIRE_TYPES)('%s with a bit flipped is another message or none', type => {
    for (const bytes of samples(type, 4)) {
      // Of long ones every seventh bit, so that every position within a byte comes up.
      const step = bytes.length > 200 ? 7 : 1;
      for (let bit = 0; bit < 8 * bytes.length; bit += step) {
        const flipped = bytes.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        readOrRefuse(flipped);
      }
    }
  });

  test('anything at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), bytes => {
        readOrRefuse(bytes);
      }),
      { numRuns: 5_000 },
    );
  });

  test('anything behind a tag', () => {
    const tags = WIRE_TYPES.map(type => samples(type, 1)[0]![0]!);
    fc.assert(
      fc.property(fc.constantFrom(...tags), fc.uint8Array({ maxLength: 300 }), (tag, rest) => {
        readOrRefuse(new Uint8Array([tag, ...rest]));
      }),
      { numRuns: 5_000 },
    );
  });

  test('a piece of one message put into another', () => {
    fc.assert(
      fc.property(wire, wire, fc.nat(), fc.nat(), (left, right, from, at) => {
        const [one, other] = [encodeWire(left), encodeWire(right)];
        readOrRefuse(new Uint8Array([...one.subarray(0, at % one.length), ...other.subarray(from % other.length)]));
      }),
      { numRuns: 2_000 },
    );
  });

  const tagOf = (type: WireType): number => samples(type, 1)[0]![0]!;
  test.each([
    ['nothing', []],
    ['a tag that means nothing', [0]],
    ['another such', [200]],
    ['a tag with padding', [tagOf('getBlock') | 0x80, 0, 5]],
    ['an integer with padding', [tagOf('getBlock'), 0x85, 0]],
    ['an integer beyond 2^53', [tagOf('getBlock'), ...new Array<number>(8).fill(0xff), 1]],
    ['more than a thousand addresses', [tagOf('links'), 0xe9, 0x07]],
    ['more than 500 votes', [tagOf('votes'), 0xf5, 0x03]],
    ['a list that is longer than its message', [tagOf('subscribe'), 0xff, 0x01]],
    ['more than 256 topics', [tagOf('subscribe'), 0x81, 0x02]],
    ['a text that is no UTF-8', [tagOf('subscribe'), 1, 2, 0xc3, 0x28]],
    ['an overlong UTF-8 form', [tagOf('subscribe'), 1, 2, 0xc0, 0xaf]],
    ['a surrogate', [tagOf('subscribe'), 1, 3, 0xed, 0xa0, 0x80]],
    ['a text of petabytes', [tagOf('subscribe'), 1, ...new Array<number>(7).fill(0xff), 0x0f]],
    ['an address that is none', [tagOf('links'), 1, 44, ...new Array<number>(44).fill(0x61)]],
    ['a flag that is neither yes nor no', [tagOf('snapshot'), 2]],
    ['bytes of petabytes', [tagOf('snapshot'), 1, ...new Array<number>(7).fill(0xff), 0x0f]],
    ['a question that nobody asks', [tagOf('query'), 9]],
    ['a part beyond the last that there may be', [tagOf('block'), 1, 0x80, 0x08, 0, 0, 0]],
    ['a larger block than there may be', [tagOf('block'), 1, 0, 0x81, 0x08, 0, 0]],
  ])('%s', (_what, bytes) => {
    expect(() => decodeWire(new Uint8Array(bytes))).toThrow(DecodeError);
  });

  test('as much as fits into a message is read or refused in a moment', () => {
    const full = (start: readonly number[], fill: (i: number) => number): Uint8Array => {
      const bytes = Uint8Array.from({ length: MAX_MESSAGE_BYTES }, (_, i) => fill(i));
      bytes.set(start);
      return bytes;
    };
    const [answer, events, header] = [tagOf('answer'), tagOf('events'), tagOf('header')];
    const hostile = [
      ...WIRE_TYPES.flatMap(type => [0, 1, 0x7f, 0x80, 0xff].map(byte => full([tagOf(type)], () => byte))),
      ...WIRE_TYPES.map(type => full([tagOf(type)], i => (Math.imul(i, 0x9e3779b1) >>> 11) & 0xff)),
      // Empty bids, the smallest events, and empty topics: the most objects for a byte.
      full([answer, 4, 0, 0x90, 0x4e], () => 0),
      full([events, 0, 0, 0, 0x80, 0x80, 0x02], i => (i % 2 === 1 ? 36 : 0)),
      full([header, 0], () => 0),
    ];
    for (const bytes of hostile) {
      const before = process.cpuUsage();
      expect(() => decodeWire(bytes)).toThrow(DecodeError);
      const { user, system } = process.cpuUsage(before);
      expect(user + system).toBeLessThan(500_000);
    }
  });

  test('more than fits into a message is not looked at', () => {
    const bytes = new Uint8Array(MAX_MESSAGE_BYTES + 1);
    bytes.set(encodeWire({ type: 'getSnapshot' }));
    expect(() => decodeWire(bytes)).toThrow(`found ${bytes.length} bytes, expected a message of at most`);
  });
});

describe('size', () => {
  const addresses = Array.from({ length: MAX_VALIDATORS }, (_, i) =>
    addressFromBytes(Uint8Array.from({ length: 20 }, (__, at) => (i >> (8 * (at & 1))) & 0xff)),
  );
  const header: Header = {
    chainId: 'c'.repeat(64),
    height: BIG,
    time: BIG,
    parent: HASH,
    proposer: addresses[0]!,
    content: HASH,
    appHash: HASH,
    receipts: HASH,
    events: HASH,
    validators: HASH,
    nextValidators: HASH,
    lastCommit: HASH,
  };
  const commit = {
    height: BIG,
    round: BIG,
    value: VALUE,
    signatures: addresses.map(validator => ({ validator, forValue: true, time: BIG, signature: SIGNATURE })),
  };
  const validators = addresses.map(address => ({ address, consensusKey: HASH, power: BIG }));
  const vote: Vote = {
    kind: 'prevote',
    height: BIG,
    round: BIG,
    value: VALUE,
    time: BIG,
    validator: addresses[0]!,
    signature: SIGNATURE,
  };
  const many = <T>(length: number, one: T): T[] => new Array<T>(length).fill(one);
  const manifest = encodeManifest({
    version: 1,
    chainId: header.chainId,
    header,
    appHash: HASH,
    receipts: HASH,
    events: HASH,
    size: MAX_CHUNKS * CHUNK_BYTES,
    chunks: many(MAX_CHUNKS, HASH),
  });
  const largest: readonly Wire[] = [
    { type: 'light', height: BIG, block: { header, commit, validators, nextValidators: validators } },
    { type: 'header', serial: BIG, header, commit, nextValidators: validators, batches: [], leaves: [] },
    { type: 'links', lacks: addresses },
    { type: 'votes', votes: many(MAX_VOTES, vote) },
    {
      type: 'inventory',
      height: BIG,
      round: BIG - 1,
      votes: many(MAX_VOTES_HELD, {
        round: BIG,
        kind: 'precommit',
        value: VALUE,
        places: new Uint8Array(MAX_VALIDATORS / 8),
      }),
      proposals: many(MAX_PROPOSALS_TOLD, { round: BIG, value: VALUE }),
      values: many(MAX_VALUES_TOLD, VALUE),
      decided: true,
    },
    {
      type: 'part',
      height: BIG,
      value: VALUE,
      root: HASH,
      part: { index: MAX_PARTS - 1, total: MAX_PARTS, bytes: new Uint8Array(PART_BYTES), proof: many(10, HASH) },
    },
    {
      type: 'block',
      height: BIG,
      index: MAX_PARTS - 1,
      total: MAX_PARTS,
      bytes: new Uint8Array(PART_BYTES),
      newest: BIG,
    },
    { type: 'snapshot', manifest },
    { type: 'chunk', height: BIG, index: MAX_CHUNKS, bytes: new Uint8Array(CHUNK_BYTES) },
  ];

  test.each(largest)('the largest $type fits', one => {
    const bytes = encodeWire(one);
    expect(bytes.length).toBeLessThan(MAX_MESSAGE_BYTES);
    expect(decodeWire(bytes)).toEqual(one);
  });

  test('one vote more than its limit has no bytes', () => {
    expect(() => encodeWire({ type: 'votes', votes: many(MAX_VOTES + 1, vote) })).toThrow(EncodeError);
  });

  test('a message that does not fit has no bytes', () => {
    const fits: Wire = { type: 'snapshot', manifest: new Uint8Array(MAX_MESSAGE_BYTES - 5) };
    expect(encodeWire(fits).length).toBe(MAX_MESSAGE_BYTES);
    const beyond: Wire = { type: 'snapshot', manifest: new Uint8Array(MAX_MESSAGE_BYTES - 4) };
    expect(() => encodeWire(beyond)).toThrow(
      `found snapshot of ${MAX_MESSAGE_BYTES + 1} bytes, expected at most ${MAX_MESSAGE_BYTES} bytes`,
    );
  });
});
