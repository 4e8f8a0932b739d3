/**
 * Nodes that are behind, or new: they fetch blocks or a snapshot from peers that they do not trust, under load, while
 * the others go on deciding.
 */
import { describe, expect, test } from 'vitest';
import type { Node } from '../../../src/actors/validator/node.ts';
import type { Wire } from '../../../src/actors/wire.ts';
import { type Lies, LyingNode } from '../../support/lying-node.ts';
import { type NetOptions, ValidatorNet } from '../../support/validator-net.ts';

const SECOND = 1_000_000;

function expectSound(net: ValidatorNet): void {
  expect(net.halted).toEqual([]);
  expect(net.disagreements).toEqual([]);
  expect(net.doubleSigned).toEqual([]);
}

function metrics(net: ValidatorNet, node: number, metric: string) {
  return net.observed.filter(one => one.node === `validator-${node}` && one.metric === metric);
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[copy.length >> 1]! ^= 1;
  return copy;
}

/** Node `liar` says something else, or hears nothing of a kind. */
function lying(liar: number, lies: Lies): Pick<NetOptions, 'wrap'> {
  return { wrap: (index: number, node: Node) => (index === liar ? new LyingNode(node, lies) : node) };
}

describe('ten thousand heights behind', () => {
  test('one catches up by blocks under load, while another joins by a snapshot', { timeout: 240_000 }, () => {
    const off = 2_050 * SECOND;
    const net = new ValidatorNet({
      stakes: [10, 10, 10, 10, 2, 2],
      blockInterval: SECOND / 10,
      latency: 10_000,
      load: 2,
      keepBlocks: 1_000_000,
      snapshotEvery: 1_000,
      faults: [{ kind: 'crash', target: 'validator-4', at: 5 * SECOND, for: off }],
      startAt: i => (i === 5 ? 5 * SECOND + off : undefined),
      stateSync: i => i === 5,
    });
    net.run(5 * SECOND + off);
    const [there] = net.heights;
    const left = net.heights[4]!;
    expect(there! - left).toBeGreaterThan(10_000);
    net.run(5 * SECOND + off + 60 * SECOND);
    expectSound(net);
    expect(net.heights[0]!).toBeGreaterThan(there! + 100);
    for (const behind of [4, 5]) expect(net.heights[0]! - net.heights[behind]!).toBeLessThanOrEqual(1);
    // One executed all of them, the other only the last few.
    expect(metrics(net, 4, 'node/fetched').length).toBeGreaterThan(10_000);
    expect(net.executed[5]![0]!.height).toBeGreaterThan(there! - 1_000);
    expect(metrics(net, 5, 'node/state-synced').length).toBe(1);
  });
});

describe('peers that lie about blocks', () => {
  const late: Pick<NetOptions, 'stakes' | 'load' | 'startAt'> = {
    stakes: [10, 10, 10, 10],
    load: 3,
    startAt: i => (i === 3 ? 60 * SECOND : undefined),
  };

  test.each([
    ['flipped', (m: Wire) => (m.type === 'block' ? { ...m, bytes: flipped(m.bytes) } : m)],
    ['of nothing', (m: Wire) => (m.type === 'block' ? { ...m, bytes: new Uint8Array(10) } : m)],
    ['out of order', (m: Wire) => (m.type === 'block' ? { ...m, index: m.index + 1 } : m)],
  ])('blocks %s: who sent them is dropped, and the others serve', (_name, says) => {
    const net = new ValidatorNet({ ...late, ...lying(1, { says }) }).run(100 * SECOND);
    expectSound(net);
    expect(metrics(net, 3, 'node/dropped').map(one => one.label.split(':')[0])).toContain('validator-1');
    expect(metrics(net, 3, 'node/dropped').some(one => !one.label.startsWith('validator-1'))).toBe(false);
    expect(Math.max(...net.heights) - Math.min(...net.heights)).toBeLessThanOrEqual(1);
    expect(net.heights[3]!).toBeGreaterThan(40);
    // It votes again.
    expect(metrics(net, 3, 'consensus/proposal').length).toBeGreaterThan(1);
  });

  test('another block than was asked for is no block', () => {
    let first: Uint8Array | null = null;
    const says = (message: Wire): Wire => {
      if (message.type !== 'block') return message;
      first ??= message.bytes;
      return { ...message, bytes: first };
    };
    const net = new ValidatorNet({ ...late, ...lying(1, { says }) }).run(100 * SECOND);
    expectSound(net);
    expect(metrics(net, 3, 'node/dropped').map(one => one.label.split(':')[0])).toContain('validator-1');
    expect(net.heights[3]!).toBeGreaterThan(40);
    // It votes again.
    expect(metrics(net, 3, 'consensus/proposal').length).toBeGreaterThan(1);
  });

  test('one that never answers costs time, not the blocks', () => {
    const net = new ValidatorNet({ ...late, ...lying(1, { hears: m => m.type !== 'getBlock' }) }).run(110 * SECOND);
    expectSound(net);
    expect(Math.max(...net.heights) - Math.min(...net.heights)).toBeLessThanOrEqual(1);
  });

  test('heights that nobody has stop nobody from deciding', () => {
    const says = (m: Wire): Wire => (m.type === 'hello' || m.type === 'ahead' ? { ...m, height: m.height + 1_000 } : m);
    const net = new ValidatorNet({ stakes: [10, 10, 10, 10], load: 2, ...lying(2, { says }) }).run(60 * SECOND);
    expectSound(net);
    expect(Math.min(...net.heights)).toBeGreaterThan(40);
    expect(net.observed.filter(one => one.metric === 'consensus/round')).toEqual([]);
  });

  test('a height is claimed, and the blocks of the truth are served: it catches up with what there is', () => {
    const says = (m: Wire): Wire => (m.type === 'ahead' || m.type === 'hello' ? { ...m, height: m.height + 50 } : m);
    const net = new ValidatorNet({ ...late, ...lying(1, { says }) }).run(110 * SECOND);
    expectSound(net);
    expect(Math.max(...net.heights) - Math.min(...net.heights)).toBeLessThanOrEqual(1);
  });
});

describe('state sync', () => {
  const joining: Pick<NetOptions, 'stakes' | 'load' | 'startAt' | 'stateSync' | 'keepBlocks' | 'snapshotEvery'> = {
    stakes: [10, 10, 10, 10, 1],
    load: 3,
    keepBlocks: 30,
    snapshotEvery: 15,
    startAt: i => (i === 4 ? 120 * SECOND : undefined),
    stateSync: i => i === 4,
  };

  function expectJoined(net: ValidatorNet): void {
    expectSound(net);
    expect(metrics(net, 4, 'node/state-synced').length).toBe(1);
    expect(net.executed[4]![0]!.height).toBeGreaterThan(70);
    expect(Math.max(...net.heights) - Math.min(...net.heights)).toBeLessThanOrEqual(1);
  }

  test('joins, where the first blocks are not kept by anybody any more', () => {
    const net = new ValidatorNet(joining).run(180 * SECOND);
    expectJoined(net);
    expect(metrics(net, 4, 'node/dropped')).toEqual([]);
  });

  test('a wrong chunk costs its sender the connection, and the others serve', () => {
    const says = (m: Wire): Wire => (m.type === 'chunk' && m.bytes !== null ? { ...m, bytes: flipped(m.bytes) } : m);
    // Who is asked first is drawn by turns; with two liars of four one of them is.
    const net = new ValidatorNet({
      ...joining,
      wrap: (i, node) => (i === 1 || i === 2 ? new LyingNode(node, { says }) : node),
    }).run(200 * SECOND);
    expectJoined(net);
    const dropped = metrics(net, 4, 'node/dropped').map(one => one.label);
    expect(dropped.length).toBeGreaterThan(0);
    for (const one of dropped) expect(one).toMatch(/^validator-[12]: chunk/);
  });

  test('a snapshot that is replaced while it is fetched: on with the next', () => {
    let refused = 0;
    // Whoever is asked in the first seconds keeps a newer one by then.
    const says = (m: Wire, now: number): Wire => {
      if (m.type !== 'chunk' || now > 130 * SECOND) return m;
      refused += 1;
      return { ...m, bytes: null };
    };
    const net = new ValidatorNet({ ...joining, wrap: (_, node) => new LyingNode(node, { says }) }).run(200 * SECOND);
    expect(refused).toBeGreaterThan(0);
    expect(metrics(net, 4, 'node/snapshot-refused').length).toBeGreaterThan(0);
    expectJoined(net);
  });

  test('snapshots that change at nearly every block', () => {
    const net = new ValidatorNet({ ...joining, snapshotEvery: 2, latency: 150_000 }).run(220 * SECOND);
    expectJoined(net);
  });

  test('where no snapshot is to be had it goes on with blocks', () => {
    const says = (m: Wire): Wire => (m.type === 'snapshot' ? { ...m, manifest: null } : m);
    const net = new ValidatorNet({
      ...joining,
      keepBlocks: 1_000,
      wrap: (_, node) => new LyingNode(node, { says }),
    }).run(200 * SECOND);
    expectSound(net);
    expect(metrics(net, 4, 'node/state-synced')).toEqual([]);
    expect(net.executed[4]![0]!.height).toBe(1);
    expect(Math.max(...net.heights) - Math.min(...net.heights)).toBeLessThanOrEqual(1);
  });

  test.each([5, 12, 14, 16, 18, 20, 22, 24, 26, 28, 32, 40])('killed while it joins, at effect %i: it joins', nth => {
    const at = { actor: 'validator-4', effect: 'any' as const, nth };
    let starts = 0;
    const net = new ValidatorNet({
      ...joining,
      wrap: (i, node) => {
        starts += i === 4 ? 1 : 0;
        return node;
      },
      faults: [{ kind: 'crash', target: 'validator-4', at, for: SECOND }],
    }).run(200 * SECOND);
    expect(starts).toBe(2);
    expectSound(net);
    expect(net.executed[4]![0]!.height).toBeGreaterThan(70);
    expect(Math.max(...net.heights) - Math.min(...net.heights)).toBeLessThanOrEqual(1);
  });
});
