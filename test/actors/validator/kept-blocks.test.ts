/**
 * Which blocks a node keeps over its starts: those that it told others of are served again, those that nobody needs are
 * gone, and no crash leaves a gap, or a block behind for good.
 */
import seedrandom from 'seedrandom';
import { describe, expect, test } from 'vitest';
import type { Effects } from '../../../src/actors/actor.ts';
import { BlockStore, blockKey, heightOfKey, KEPT_KEY } from '../../../src/actors/validator/block-store.ts';
import type { Wire } from '../../../src/actors/wire.ts';
import { type Disk, NodeByHand } from './by-hand.ts';
import { live } from './living.ts';

const SETTINGS = { snapshotEvery: 4, keepBlocks: 6 };

function heightsOn(disk: Disk): number[] {
  return [...disk.store.keys()].flatMap(key => heightOfKey(key) ?? []).sort((left, right) => left - right);
}

function from(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** What a peer is sent for a block of this height. */
function served(hand: NodeByHand, height: number): Wire[] {
  hand.done.length = 0;
  hand.hear(1, { type: 'getBlock', height });
  return hand.done.flatMap(one => (one.effect === 'send' ? [one.message] : []));
}

describe('a node that starts from a snapshot', () => {
  const first = live(new NodeByHand({ node: SETTINGS }).start().meetAll(), 14);
  const again = (disk = first.durableDisk): NodeByHand => new NodeByHand({ disk, node: SETTINGS }).start().meetAll();

  test('serves the blocks below it that it kept, and says from where on', () => {
    const hand = again();
    expect(hand.node.chain.height).toBe(14);
    for (const height of from(9, 14)) expect(served(hand, height)).toMatchObject([{ type: 'block', height, total: 1 }]);
    expect(served(hand, 8)).toEqual([{ type: 'ahead', height: 14, oldest: 9 }]);
  });

  test('drops them when their time comes, over several starts', () => {
    let disk = first.durableDisk;
    for (let life = 0; life < 5; life++) {
      const next = live(again(disk), 3);
      disk = next.durableDisk;
      const newest = next.node.chain.height;
      // Six are kept, those since the snapshot, and one whose turn comes with the next block.
      expect(heightsOn(disk).at(-1)).toBe(newest);
      expect(heightsOn(disk)).toEqual(from(heightsOn(disk)[0]!, newest));
      expect(heightsOn(disk).length).toBeGreaterThanOrEqual(6);
      expect(heightsOn(disk).length).toBeLessThanOrEqual(8);
    }
  });

  test('and whose record of them is damaged halts, with the reason', () => {
    const { durableDisk } = first;
    const store = new Map(durableDisk.store).set(KEPT_KEY, new Uint8Array([1, 2]));
    const hand = new NodeByHand({ disk: { ...durableDisk, store }, node: SETTINGS }).start();
    expect(hand.halts.length).toBe(1);
    expect(hand.halts[0]).toContain(`the store is damaged at ${KEPT_KEY}:`);
  });
});

/** A disk of which a crash loses what is behind a barrier, and of the writes before it any, each by itself. */
class Doubtful {
  readonly durable = new Map<string, Uint8Array>();
  /** Writes between barriers. */
  #pending: (() => void)[][] = [[]];
  readonly effects = {
    put: (key: string, value: Uint8Array): void => void this.#pending.at(-1)!.push(() => this.durable.set(key, value)),
    delete: (key: string): void => void this.#pending.at(-1)!.push(() => this.durable.delete(key)),
    sync: (): void => void this.#pending.push([]),
  } as unknown as Effects<Wire>;

  sync(): void {
    for (const writes of this.#pending) for (const write of writes) write();
    this.#pending = [[]];
  }
  crash(random: () => number): void {
    // Some barriers were reached, and of what follows them some writes were made.
    const reached = Math.floor(random() * this.#pending.length);
    for (const writes of this.#pending.slice(0, reached)) for (const write of writes) write();
    for (const write of this.#pending[reached]!) if (random() < 0.5) write();
    this.#pending = [[]];
  }
  get heights(): number[] {
    return [...this.durable.keys()].flatMap(key => heightOfKey(key) ?? []).sort((left, right) => left - right);
  }
}

describe('the row of kept blocks', () => {
  const commit = { height: 1, round: 0, value: 'a'.repeat(64), signatures: [] };
  const one = { commit, block: new Uint8Array(1) };

  /** Adds blocks, takes snapshots, jumps and crashes as drawn; throws when a start finds what must not be. */
  function run(seed: string): { readonly crashes: number; readonly jumps: number } {
    const random = seedrandom.alea(seed);
    const below = (bound: number): number => Math.floor(random() * bound);
    const keep = [1, 3, 8, 40, 200][below(5)]!;
    const every = [0, 3, 10, 50][below(4)]!;
    const disk = new Doubtful();
    let store = new BlockStore(keep);
    let height = 0;
    /** The durable manifest, and the one that is being written. */
    let snapshot = 0;
    let crashes = 0;
    let jumps = 0;

    const start = (): void => {
      crashes += 1;
      disk.crash(random);
      store = new BlockStore(keep);
      store.restore(disk.durable.get(KEPT_KEY) ?? null);
      // As recovery reads: from the snapshot, else from the first block, as far as blocks go without a gap.
      const floor = Math.max(1, snapshot);
      height = floor - 1;
      while (disk.durable.has(blockKey(height + 1))) height += 1;
      if (snapshot > 0 && height < snapshot) throw new Error(`the block of snapshot ${snapshot} is gone`);
      store.recovered(floor, height, disk.effects);
      if (store.newest !== height || store.oldest > floor) throw new Error(`from ${store.oldest} to ${store.newest}`);
      for (const kept of height === 0 ? [] : from(store.oldest, height))
        if (!disk.durable.has(blockKey(kept)))
          throw new Error(`block ${kept} of ${store.oldest} to ${height} is missing`);
    };

    for (let step = 0; step < 400; step++) {
      const what = below(100);
      if (what < 3) start();
      else if (what < 5 && every > 0) {
        jumps += 1;
        height += 2 + below(100);
        store.jumpTo(height, one, disk.effects);
        if (random() < 0.3) start();
        else {
          disk.sync();
          if (random() < 0.8) snapshot = height;
          else start();
        }
      } else {
        height += 1;
        store.add(height, one, Math.max(1, snapshot), disk.effects);
        if (random() < 0.05) start();
        else {
          disk.sync();
          if (every > 0 && height % every === 0) snapshot = height;
        }
      }
    }
    // Two more blocks and everything is gone that should be.
    const stride = Math.max(1, Math.min(16, keep >> 3));
    for (let i = 0; i < 2; i++) {
      height += 1;
      store.add(height, one, Math.max(1, snapshot), disk.effects);
      disk.sync();
    }
    const oldest = Math.min(height - keep + 1, Math.max(1, snapshot));
    const [first] = disk.heights;
    if (first! > Math.max(1, oldest) && jumps === 0) throw new Error(`only from ${first} on, expected ${oldest}`);
    if (first! < oldest - 2 * stride) throw new Error(`still from ${first} on, expected ${oldest}`);
    const gaps = disk.heights.filter((at, i) => i > 0 && at !== disk.heights[i - 1]! + 1);
    if (gaps.length > 0) throw new Error(`gaps before ${gaps.join()}`);
    return { crashes, jumps };
  }

  test.each([0, 100, 200])('has no gap and no end, whatever a crash loses, seeds from %i', first => {
    let crashes = 0;
    let jumps = 0;
    for (let seed = first; seed < first + 100; seed++) {
      const name = `kept/${seed}`;
      const result = (() => {
        try {
          return run(name);
        } catch (error) {
          throw new Error(`seed ${name}: ${(error as Error).message}`);
        }
      })();
      crashes += result.crashes;
      jumps += result.jumps;
    }
    expect(crashes).toBeGreaterThan(1_000);
    expect(jumps).toBeGreaterThan(300);
  });
});
