/** Snapshots: equal for equal states, in chunks that fit a message, and refused whole when any byte of them is not true. */
import { describe, expect, test } from 'vitest';
import { encodeBlock } from '../../../src/protocol/chain/block.ts';
import { LEAF_KINDS } from '../../../src/protocol/chain/leaves.ts';
import { checkChunk, type Snapshot, takeSnapshot } from '../../../src/protocol/chain/snapshot.ts';
import { SnapshotAssembler } from '../../../src/protocol/chain/snapshot-assembler.ts';
import {
  CHUNK_BYTES,
  decodeManifest,
  encodeManifest,
  heightOf,
  MAX_CHUNKS,
  type Manifest,
  SnapshotError,
  type SnapshotFault,
  snapshotId,
  type TrustedPoint,
  trustedPointOf,
} from '../../../src/protocol/chain/snapshot-manifest.ts';
import { bid, type ChainDriver, group, infrastructure } from '../../support/chain-driver.ts';
import { activeLease, addressOfName, market, order } from '../support.ts';
import { flipped, nextHeader, resealed, restore, trustOf } from './snapshot-support.ts';

/** A market with a row of nearly every kind, and the snapshot of it. */
function busyMarket(commitEvery = 1): ChainDriver {
  const d = market({ accounts: { tom: { stake: 10n } }, commitEvery });
  activeLease(d);
  const id = order(d, {}, { waitDuration: 50 });
  d.must('bob', bid(d.order(id), 5n));
  d.must('tom', { type: 'SubmitProposal', title: 't', changes: [{ name: 'quorum', value: '1' }] });
  d.must('tom', { type: 'Vote', proposal: 1, choice: 'no' });
  d.must('tom', { type: 'Undelegate', validator: addressOfName('tom'), amount: 3n });
  return d;
}

/** Ten thousand accounts, and a deployment whose leaf is larger than a chunk. */
function largeMarket(): ChainDriver {
  const accounts = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`a${i}`, { balance: BigInt(i) }]));
  const d = market({ accounts: { ...accounts, tom: { balance: 10n ** 18n } }, params: { maxFulfillments: 200 } });
  const resources = Array.from({ length: 64 }, () => group({ collateral: 0n }));
  const id = order(d, infrastructure({ resources }), { waitDuration: 500, escrow: 10n ** 15n });
  for (let i = 0; i < 180; i++) {
    const name = `a${i + 100}`;
    d.send(name, {
      type: 'RegisterProvider',
      region: 'eu',
      attributes: {},
      certificate: new Uint8Array(32),
      endpoint: '',
    });
    d.send(name, bid(d.order(id), BigInt(i + 1)));
  }
  d.block();
  return d;
}

/** What a failure to restore says. */
function faultOf(action: () => unknown): SnapshotFault | 'none' {
  try {
    action();
    return 'none';
  } catch (error) {
    if (error instanceof SnapshotError) return error.fault;
    throw error;
  }
}

describe('taking a snapshot', () => {
  test('at the same height, nodes that came there on different ways have the same bytes', () => {
    const d = busyMarket();
    const replica = d.replica();
    for (const block of d.blocks) {
      // This node also tried blocks that were not decided.
      replica.propose(block.header.time, block.header.proposer, block.transactions.slice(0, 1), null);
      replica.apply(block);
    }
    const snapshot = takeSnapshot(d.chain);
    const other = takeSnapshot(replica);
    expect(other).toEqual(snapshot);
    expect(snapshotId(other.manifest)).toEqual(snapshotId(snapshot.manifest));
    d.block();
    expect(snapshotId(takeSnapshot(d.chain).manifest)).not.toEqual(snapshotId(snapshot.manifest));
  });

  test('leaves the chain as it was', () => {
    const d = busyMarket();
    const hash = d.chain.appHash;
    takeSnapshot(d.chain);
    expect(d.chain.appHash).toEqual(hash);
    const replica = d.replica();
    d.run(3);
    for (const block of d.blocks) replica.apply(block);
    expect(replica.appHash).toEqual(d.chain.appHash);
  });

  test('a large state is cut into chunks that fit a message, also within an entry', () => {
    const d = largeMarket();
    const leaf = d.chain.commitment.leaf(`deployment/${addressOfName('tom')}/0`) as Uint8Array;
    expect(leaf.length).toBeGreaterThan(CHUNK_BYTES);
    const snapshot = takeSnapshot(d.chain);
    expect(snapshot.chunks.length).toBeGreaterThan(4);
    const last = snapshot.chunks.length - 1;
    snapshot.chunks.forEach((chunk, i) => {
      if (i < last) expect(chunk.length).toBe(CHUNK_BYTES);
      else expect(chunk.length).toBeLessThanOrEqual(CHUNK_BYTES);
    });
    const chain = restore(d, snapshot, trustOf(d.chain));
    expect(takeSnapshot(chain)).toEqual(snapshot);
  });

  test('a manifest of the largest snapshot fits a message of 256 KiB', () => {
    const { manifest } = takeSnapshot(busyMarket().chain);
    const chunks = Array.from({ length: MAX_CHUNKS }, () => new Uint8Array(32));
    const bytes = encodeManifest({ ...manifest, size: MAX_CHUNKS * CHUNK_BYTES, chunks });
    expect(bytes.length).toBeLessThan(256 * 1024 - 1024);
    expect(heightOf(decodeManifest(bytes))).toBe(heightOf(manifest));
  });
});

describe('where a chain can be restored', () => {
  test('at genesis', () => {
    const d = market();
    const snapshot = takeSnapshot(d.chain);
    expect(snapshot.manifest.header).toBeUndefined();
    const chain = restore(d, snapshot, trustOf(d.chain));
    expect([chain.height, chain.time, chain.lastValidators]).toEqual([0, d.chain.time, null]);
    d.run(3);
    for (const block of d.blocks) chain.apply(block);
    expect(takeSnapshot(chain)).toEqual(takeSnapshot(d.chain));
  });

  test('without commitments: checked against damage, and every block as before', () => {
    const d = busyMarket(0);
    const snapshot = takeSnapshot(d.chain);
    expect(snapshot.manifest.appHash).toEqual(new Uint8Array(32));
    expect(faultOf(() => restore(d, snapshot, trustOf(d.chain), 0))).toBe('trust');
    expect(faultOf(() => restore(d, { ...snapshot, chunks: [flipped(snapshot.chunks[0]!, 99)] }, null, 0))).toBe(
      'chunk',
    );
    const chain = restore(d, snapshot, null, 0);
    d.run(120);
    for (const [i, block] of d.blocks.entries()) {
      if (block.header.height > chain.height) expect(chain.apply(block)).toEqual(d.results[i]);
    }
    expect(d.events('LeaseBroken')).toHaveLength(2);
    expect(takeSnapshot(chain)).toEqual(takeSnapshot(d.chain));
  });

  test('between the heights at which the chain commits: by a node that trusts itself only', () => {
    const d = busyMarket(4);
    while (d.height % 4 !== 1) d.block();
    const between = takeSnapshot(d.chain);
    expect(faultOf(() => restore(d, between, trustOf(d.chain), 4))).toBe('trust');
    const chain = restore(d, between, null, 4);
    while (d.height % 4 !== 0) d.block();
    for (const block of d.blocks) if (block.header.height > chain.height) chain.apply(block);
    expect(chain.appHash).toEqual(d.chain.appHash);
    expect(chain.appHash).not.toEqual(new Uint8Array(32));
    expect(restore(d, takeSnapshot(d.chain), trustOf(d.chain), 4).appHash).toEqual(chain.appHash);
  });

  test('not by a node that commits at other heights', () => {
    const d = busyMarket();
    const snapshot = takeSnapshot(d.chain);
    expect(faultOf(() => restore(d, snapshot, null, 0))).toBe('app-hash');
    expect(faultOf(() => restore(d, snapshot, null, d.height + 1))).toBe('app-hash');
    const silent = busyMarket(0);
    expect(faultOf(() => restore(silent, takeSnapshot(silent.chain), null, 1))).toBe('app-hash');
  });

  test('not on another chain', () => {
    const d = busyMarket();
    const snapshot = takeSnapshot(d.chain);
    const chainId = 'another';
    const { header } = snapshot.manifest;
    expect(faultOf(() => restore(d, { ...snapshot, manifest: { ...snapshot.manifest, chainId } }, null))).toBe(
      'manifest',
    );
    const manifest = { ...snapshot.manifest, chainId, header: { ...header!, chainId } };
    expect(faultOf(() => restore(d, { ...snapshot, manifest }, null))).toBe('manifest');
  });
});

describe('what is not true', () => {
  test('every damaged byte of a manifest', () => {
    const d = busyMarket();
    const bytes = encodeManifest(takeSnapshot(d.chain).manifest);
    for (let at = 0; at < bytes.length; at++) {
      for (const bits of [1, 0x80]) expect(faultOf(() => decodeManifest(flipped(bytes, at, bits)))).toBe('manifest');
      expect(faultOf(() => decodeManifest(bytes.subarray(0, at)))).toBe('manifest');
    }
    expect(faultOf(() => decodeManifest(Uint8Array.of(...bytes, 0)))).toBe('manifest');
  });

  test('every field of a manifest that was invented and sealed anew', () => {
    const d = busyMarket();
    const snapshot = takeSnapshot(d.chain);
    const trusted = trustOf(d.chain);
    const hash = new Uint8Array(32).fill(7);
    const { header } = snapshot.manifest;
    const lies: { readonly [N in keyof Manifest]-?: Partial<Manifest>[] } = {
      version: [{ version: snapshot.manifest.version - 1 }, { version: snapshot.manifest.version + 1 }],
      chainId: [{ chainId: 'test2' }],
      header: [
        { header: undefined },
        { header: undefined, receipts: new Uint8Array(32), events: new Uint8Array(32) },
        { header: { ...header!, time: header!.time + 1 } },
        { header: { ...header!, height: header!.height + 1 } },
        { header: { ...header!, validators: hash } },
        { header: { ...header!, nextValidators: hash } },
      ],
      appHash: [{ appHash: hash }],
      receipts: [{ receipts: hash }],
      events: [{ events: hash }],
      size: [{ size: snapshot.manifest.size - 1 }, { size: 0 }, { size: CHUNK_BYTES + 1 }],
      chunks: [{ chunks: [] }, { chunks: [hash] }, { chunks: [...snapshot.manifest.chunks, hash] }],
    };
    expect(faultOf(() => restore(d, snapshot, trusted))).toBe('none');
    for (const lie of Object.values(lies).flat()) {
      const manifest: Manifest = { ...snapshot.manifest, ...lie };
      const found = faultOf(() => restore(d, { ...snapshot, manifest: received(manifest) }, trusted));
      expect([Object.keys(lie), found]).not.toEqual([Object.keys(lie), 'none']);
    }
  });

  test('a true snapshot of another height, block or state than the trusted', () => {
    const d = busyMarket();
    const snapshot = takeSnapshot(d.chain);
    const trusted = trustOf(d.chain);
    const hash = new Uint8Array(32).fill(7);
    for (const change of [{ height: 3 }, { parent: hash }, { appHash: hash }, { receipts: hash }, { events: hash }]) {
      const other: TrustedPoint = { ...trusted, ...change };
      expect(faultOf(() => restore(d, snapshot, other))).toBe('trust');
      expect(faultOf(() => new SnapshotAssembler(snapshot.manifest, other))).toBe('trust');
    }
    d.block();
    expect(faultOf(() => restore(d, snapshot, trustOf(d.chain)))).toBe('trust');
  });

  test('every byte of the rows that was changed and hashed anew', { timeout: 60_000 }, () => {
    const d = busyMarket();
    const snapshot = takeSnapshot(d.chain);
    const trusted = trustOf(d.chain);
    const [chunk] = snapshot.chunks as [Uint8Array];
    const found = new Map<string, number>();
    for (let at = 0; at < chunk.length; at++) {
      const bits = [1, 2, 0x40, 0x80][at % 4] as number;
      const forged = resealed(snapshot, [flipped(chunk, at, bits)]);
      const fault = faultOf(() => restore(d, forged, trusted));
      found.set(fault, (found.get(fault) ?? 0) + 1);
    }
    // Some bytes are no rows any more; those that are have another app hash.
    expect([...found.keys()].sort()).toEqual(['app-hash', 'entry']);
  });

  test('without commitments, rows that contradict each other', () => {
    const d = busyMarket(0);
    const snapshot = takeSnapshot(d.chain);
    const [chunk] = snapshot.chunks as [Uint8Array];
    // An order says when it opened and when it closes on its own; from which height it may match follows.
    const leaf = d.state.orders.sorted()[0]!;
    const forged = d.replica();
    for (const block of d.blocks) forged.apply(block);
    Object.assign(forged.state.orders.edit(leaf.id), { matchFrom: leaf.matchFrom + 1 });
    expect(takeSnapshot(forged).chunks[0]).not.toEqual(chunk);
    expect(faultOf(() => restore(d, takeSnapshot(forged), null, 0))).toBe('entry');
  });

  test('entries that are missing, doubled, or out of order', () => {
    const d = busyMarket();
    const snapshot = takeSnapshot(d.chain);
    const trusted = trustOf(d.chain);
    const entries = entriesOf(snapshot);
    expect(entries.length).toBeGreaterThan(15);
    const faults = (list: readonly Uint8Array[]) =>
      faultOf(() => restore(d, resealed(snapshot, [Buffer.concat(list)]), trusted));
    expect(faults(entries)).toBe('none');
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as Uint8Array;
      const without = entries.filter(one => one !== entry);
      // Without what every state has, or the set that the seats are in, it is no state; else it is another one.
      const isNeeded = ['chainwide', 'params', 'seats', 'set/0'].includes(nameOf(entry));
      expect(faults(without), nameOf(entry)).toBe(isNeeded ? 'entry' : 'app-hash');
      expect(faults([...without.slice(0, i), entry, entry, ...without.slice(i)])).toBe('entry');
      if (i > 0) expect(faults([entry, ...without])).toBe('entry');
      expect(faults([...entries.slice(0, i), entry.subarray(0, entry.length - 1)])).toBe('entry');
    }
    expect(faultOf(() => restore(d, resealed(snapshot, []), trusted))).toBe('manifest');
    expect(faults([...entries, Uint8Array.of(0, 0, 0, 0)])).toBe('entry');
    expect(faults([...entries, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1)])).toBe('entry');
  });

  test('chunks that are missing, doubled, swapped, or cut short', () => {
    const d = largeMarket();
    const snapshot = takeSnapshot(d.chain);
    const trusted = trustOf(d.chain);
    const { chunks } = snapshot;
    const faults = (list: readonly Uint8Array[], of = snapshot) =>
      faultOf(() => restore(d, { ...of, chunks: list }, trusted));
    const [first, second, ...rest] = chunks as [Uint8Array, Uint8Array];
    expect(faults(chunks.slice(1))).toBe('chunk');
    expect(faults(chunks.slice(0, -1))).toBe('chunk');
    expect(faults([first, first, ...rest])).toBe('chunk');
    expect(faults([second, first, ...rest])).toBe('chunk');
    expect(faults([first.subarray(1), second, ...rest])).toBe('chunk');
    expect(faults([...chunks, new Uint8Array(1)])).toBe('chunk');
    // The same with a manifest to match: the entries do not go together, or the manifest is not of chunks cut so.
    expect(faults([second, first, ...rest], resealed(snapshot, [second, first, ...rest]))).toBe('entry');
    expect(faults(chunks.slice(0, -1), resealed(snapshot, chunks.slice(0, -1)))).toBe('entry');
    const cut = [first.subarray(0, 100), first.subarray(100), second, ...rest];
    expect(faultOf(() => restore(d, resealed(snapshot, cut), trusted))).toBe('manifest');
  });

  test('a leaf under a name that it does not have', () => {
    const d = busyMarket();
    const snapshot = takeSnapshot(d.chain);
    const entries = entriesOf(snapshot);
    const others: readonly (readonly [RegExp, string])[] = [
      [/^chainwide$/, 'chainwide/'],
      [/^chainwide$/, 'chainwide/x'],
      [/^account\/.*/, 'account'],
      [/^account\//, 'accounts/'],
      [/^proposal\/1/, 'proposal/01'],
      [/^proposal\/1/, 'proposal/1e0'],
      [/^proposal\/1/, 'proposal/one'],
      [/^unbonding\//, 'unbonding/0'],
      [/^ballot\/1\//, 'ballot/01/'],
      [/^ballot\/1\//, 'ballot/'],
      [/^delegation\/([^/]*)\/.*/, 'delegation/$1'],
      [/^delegation\//, 'delegation/a/'],
      [/^deployment\/.*/, 'deployment/a'],
      [/^deployment\//, 'deployment/a/'],
    ];
    for (const [name, other] of others) {
      const at = entries.findIndex(entry => name.test(nameOf(entry)));
      const forged = entries.with(at, renamed(entries[at] as Uint8Array, nameOf(entries[at]!).replace(name, other)));
      const found = faultOf(() => restore(d, resealed(snapshot, [Buffer.concat(forged)]), null));
      expect([other, found]).toEqual([other, 'entry']);
    }
    const same = entries.map(entry => renamed(entry, nameOf(entry)));
    expect(faultOf(() => restore(d, resealed(snapshot, [Buffer.concat(same)]), null))).toBe('none');
    expect(new Set(LEAF_KINDS.map(one => one.kind)).size).toBe(LEAF_KINDS.length);
  });
});

describe('putting a snapshot together', () => {
  test('from chunks in any order; the first wrong one is found out', () => {
    const d = largeMarket();
    const snapshot = takeSnapshot(d.chain);
    const assembler = new SnapshotAssembler(received(snapshot.manifest), trustedPointOf(nextHeader(d.chain)));
    const { length } = snapshot.chunks;
    expect(assembler.missing()).toEqual(Array.from({ length }, (_, i) => i));
    expect(() => assembler.snapshot()).toThrow(`${length} of ${length} are missing`);
    for (let i = length - 1; i >= 0; i--) {
      const chunk = snapshot.chunks[i] as Uint8Array;
      expect(assembler.isComplete).toBe(false);
      expect(assembler.give(i, flipped(chunk, chunk.length >> 1))).toBe('wrong');
      expect(assembler.give(i, chunk.subarray(1))).toBe('wrong');
      expect(assembler.give(i, snapshot.chunks[(i + 1) % length] as Uint8Array)).toBe('wrong');
      expect(assembler.give(i, chunk)).toBe('accepted');
      expect(assembler.give(i, chunk)).toBe('known');
      expect(assembler.missing()).toHaveLength(i);
    }
    for (const index of [-1, 0.5, length, Number.NaN]) {
      expect(assembler.give(index, snapshot.chunks[0] as Uint8Array)).toBe('wrong');
    }
    expect(assembler.isComplete).toBe(true);
    expect(restore(d, assembler.snapshot(), trustOf(d.chain)).appHash).toEqual(d.chain.appHash);
  });

  test('the reasons say which chunk, and what of it', () => {
    const { manifest, chunks } = takeSnapshot(busyMarket().chain);
    const [chunk] = chunks as [Uint8Array];
    expect(() => checkChunk(manifest, 0, flipped(chunk, 0))).toThrow('the hash of chunk 0 is wrong');
    expect(() => checkChunk(manifest, 0, chunk.subarray(1))).toThrow(`chunk 0 has ${chunk.length - 1} bytes`);
    expect(() => checkChunk(manifest, 1, chunk)).toThrow('there is no chunk 1 among 1');
  });
});

test('a refused snapshot does not keep a true one from being restored', () => {
  const d = busyMarket();
  const snapshot = takeSnapshot(d.chain);
  const [chunk] = snapshot.chunks as [Uint8Array];
  const trusted = trustOf(d.chain);
  expect(faultOf(() => restore(d, resealed(snapshot, [flipped(chunk, chunk.length - 1)]), trusted))).not.toBe('none');
  const chain = restore(d, snapshot, trusted);
  expect(encodeBlock(chain.makeBlock(d.time + 1, addressOfName('validator'), []))).toEqual(
    encodeBlock(d.chain.makeBlock(d.time + 1, addressOfName('validator'), [])),
  );
});

/** As it comes over the wire; a manifest that cannot be read is given as it is, for the next check to find. */
function received(manifest: Manifest): Manifest {
  try {
    return decodeManifest(encodeManifest(manifest));
  } catch (error) {
    if (error instanceof SnapshotError) return manifest;
    throw error;
  }
}

/** The entries of a snapshot, with their lengths before them. */
function entriesOf({ chunks }: Snapshot): Uint8Array[] {
  const bytes = Buffer.concat(chunks);
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    entries.push(bytes.subarray(at, end));
    at = end;
  }
  return entries;
}

function nameOf(entry: Uint8Array): string {
  return Buffer.from(entry.subarray(5, 5 + (entry[4] as number))).toString();
}

/** The entry under another name. */
function renamed(entry: Uint8Array, name: string): Uint8Array {
  const old = entry[4] as number;
  const body = Buffer.concat([Uint8Array.of(name.length), Buffer.from(name), entry.subarray(5 + old)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}
