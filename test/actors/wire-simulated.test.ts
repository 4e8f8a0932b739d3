/**
 * The same worlds with every message replaced, as it is sent, by what its bytes say: nothing that anybody relies on is
 * lost in them. Who keeps what it sent, and who hears of it, share no object any more, as between machines.
 */
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { LEASE_MESSAGES } from '../../src/actors/lease-wire-shapes.ts';
import type { Wire } from '../../src/actors/wire.ts';
import { decodeWire, encodeWire } from '../../src/actors/wire-bytes.ts';
import { SimulatedWorld } from '../../src/worlds/simulated/world.ts';
import { metric, type RunSettings, runFile, type ScenarioRun } from '../scenarios/run.ts';
import { ValidatorNet } from '../support/validator-net.ts';
import { WIRE_TYPES, type WireType } from './wire-arbitraries.ts';

const SECOND = 1_000_000;

/** Messages of this test that travelled as bytes, by type. */
const carried = new Map<WireType, number>();
/** Types that travelled in any test. */
const seen = new Set<WireType>();

/** What becomes of a message on its way through bytes. */
function throughBytes(message: unknown): unknown {
  const { type } = message as Wire;
  const bytes = encodeWire(message as Wire);
  carried.set(type, (carried.get(type) ?? 0) + 1);
  seen.add(type);
  return decodeWire(bytes);
}

/** Worlds carry bytes from here on, until the end of the test. */
function carryBytes(carry: (message: unknown) => unknown = throughBytes): void {
  vi.spyOn(SimulatedWorld.prototype, 'admitted').mockImplementation(carry);
}

afterEach(() => {
  vi.restoreAllMocks();
  carried.clear();
});

function messages(): number {
  return [...carried.values()].reduce((sum, count) => sum + count, 0);
}

function compareScenario(path: string, settings: RunSettings): ScenarioRun {
  const plain = runFile(path, settings);
  expect(messages()).toBe(0);
  carryBytes();
  const asBytes = runFile(path, settings);
  expect(messages()).toBeGreaterThan(50);
  expect(asBytes.result.traceHash).toBe(plain.result.traceHash);
  expect(asBytes.result.summary).toEqual(plain.result.summary);
  expect(asBytes.tables).toEqual(plain.tables);
  return asBytes;
}

describe('the same world, message by message', { timeout: 240_000 }, () => {
  test('one node, and clients that trust it', () => {
    const run = compareScenario('scenarios/first-lease.yaml', {});
    expect(run.result.expectations.filter(one => !one.holds)).toEqual([]);
  });

  test('seven validators cut in two, light clients, and a provider that comes back', () => {
    const run = compareScenario('scenarios/partition.yaml', {
      set: [
        'horizon=50m',
        'expect=[]',
        'chain.keepBlocks=40',
        'chain.snapshotEvery=20',
        'faults=[{at: 20m, kind: partition, groups: ["region:eu", "region:asia"], for: 10m},' +
          '{at: 15m, kind: crash, target: european-0, for: 1m},{at: 35m, kind: crash, target: validator-1, for: 1m}]',
      ],
    });
    expect(metric(run, 'european_leases')).toBeGreaterThan(5);
    expect(metric(run, 'heights_apart')).toBe(0);
  });

  test('a validator with a twin in another part of the network', () => {
    const groups =
      '[[validator-0, validator-1, validator-2, validator-3, validator-6], [validator-4, validator-5, validator-6-twin]]';
    const run = compareScenario('scenarios/attacks/twins.yaml', {
      set: [
        'horizon=10m',
        'warmup=0s',
        'expect=[]',
        'tenants.users.last=8m',
        `faults=[{at: 3m, kind: partition, groups: ${groups}, for: 2m}]`,
      ],
    });
    expect(metric(run, 'tombstoned')).toBe(1);
  });

  test('validators that crash, one that comes late, and transactions that nobody takes', () => {
    const made = (): ValidatorNet =>
      new ValidatorNet({
        stakes: [10, 10, 10, 10, 1],
        load: 3,
        keepBlocks: 30,
        snapshotEvery: 15,
        faults: [{ kind: 'crash', target: 'validator-2', at: 20 * SECOND, for: 15 * SECOND }],
        startAt: i => (i === 4 ? 100 * SECOND : undefined),
        stateSync: i => i === 4,
      });
    const plain = made().run(140 * SECOND);
    carryBytes();
    const asBytes = made().run(140 * SECOND);
    expect(asBytes.halted).toEqual([]);
    expect(asBytes.executed).toEqual(plain.executed);
    expect(asBytes.observed).toEqual(plain.observed);
    expect(asBytes.world.traceHash.hex()).toBe(plain.world.traceHash.hex());
    expect(asBytes.observed.some(one => one.metric === 'node/state-synced')).toBe(true);
  });

  test('a codec that loses something would be found out', () => {
    const made = (): ValidatorNet => new ValidatorNet({ stakes: [10, 10, 10, 10], load: 1 });
    const plain = made().run(20 * SECOND);
    carryBytes(message => {
      const read = decodeWire(encodeWire(message as Wire));
      if (read.type !== 'votes') return read;
      return { ...read, votes: read.votes.map(vote => ({ ...vote, time: vote.time + 1 })) };
    });
    const spoiled = made().run(20 * SECOND);
    expect(spoiled.executed).not.toEqual(plain.executed);
  });
});

afterAll(() => {
  // What is in pieces has a test of its own (pieces.test.ts), and leases have none here.
  const isElsewhere = (type: WireType): boolean => type === 'piece' || Object.hasOwn(LEASE_MESSAGES, type);
  expect(WIRE_TYPES.filter(type => !seen.has(type) && !isElsewhere(type))).toEqual([]);
});
