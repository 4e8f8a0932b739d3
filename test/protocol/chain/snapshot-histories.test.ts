/**
 * Random histories of a market, cut at random heights: a chain restored there from a snapshot lives through the rest
 * as the original did, to the last receipt, event and app hash, and ends with the same snapshot.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBlock, encodeBlock } from '../../../src/protocol/chain/block.ts';
import type { BlockResult, Chain } from '../../../src/protocol/chain/chain.ts';
import { type Snapshot, takeSnapshot } from '../../../src/protocol/chain/snapshot.ts';
import { decodeManifest, encodeManifest } from '../../../src/protocol/chain/snapshot-manifest.ts';
import { DueIndex } from '../../../src/protocol/ledger/due-index.ts';
import { Groups, Table } from '../../../src/protocol/ledger/table.ts';
import { SigningRow } from '../../../src/protocol/model/stake-rows.ts';
import { FuzzRun, PARAMETER_SETS } from '../../properties/fuzz-run.ts';
import { opArbitrary } from '../../properties/market-fuzzer.ts';
import type { ChainDriver } from '../../support/chain-driver.ts';
import { addressOfName, market, SECOND } from '../support.ts';
import { assertSameState, partsOf, restore, type Seen, trustOf } from './snapshot-support.ts';

const OPS_PER_RUN = 700;
/** Heights between one cut and the next. */
const STRIDE = 8;

const seen: Seen = { parts: new Set(), dues: new Set() };

function histories(seed: number): FuzzRun['driver'][] {
  return [...Object.values(PARAMETER_SETS)].flatMap((params, i) =>
    fc
      .sample(fc.array(opArbitrary, { minLength: OPS_PER_RUN, maxLength: OPS_PER_RUN }), {
        numRuns: 1,
        seed: seed + i,
      })
      .map(ops => {
        const run = new FuzzRun(params);
        for (const op of ops) run.step(op);
        return run.driver;
      }),
  );
}

/** Applies the blocks after a chain's height, as bytes bring them; everything must be as it was. */
function liveOn(chain: Chain, driver: ChainDriver, to: number): void {
  for (const [i, block] of driver.blocks.entries()) {
    if (block.header.height <= chain.height || block.header.height > to) continue;
    const original = driver.results[i] as BlockResult;
    const result = chain.apply(decodeBlock(encodeBlock(block)));
    expect({ ...result, events: result.events.length }).toEqual({ ...original, events: original.events.length });
    expect(result.events).toEqual(original.events);
  }
}

function sent(snapshot: Snapshot): Snapshot {
  return { manifest: decodeManifest(encodeManifest(snapshot.manifest)), chunks: snapshot.chunks };
}

function parentOf({ parent }: Chain): object {
  return { ...parent, voters: parent.voters?.hash() ?? null };
}

describe('a chain restored from a snapshot', () => {
  test('goes on as the original did, from any height', { timeout: 120_000 }, () => {
    for (const driver of histories(7_001)) {
      const original = driver.replica();
      let parallel: Chain | null = null;
      for (let height = 0; height <= driver.height; height += STRIDE) {
        liveOn(original, driver, height);
        if (parallel !== null) liveOn(parallel, driver, height);
        const snapshot = takeSnapshot(original);
        const chain = restore(driver, sent(snapshot), trustOf(original));
        assertSameState(chain.state, original.state, seen);
        expect(parentOf(chain)).toEqual(parentOf(original));
        for (const later of [1, 1_000_000, 60_000_000]) {
          expect(chain.facilitationFor(original.time + later)).toEqual(original.facilitationFor(original.time + later));
        }
        expect(takeSnapshot(chain)).toEqual(snapshot);
        // One restored chain after the other lives on, so that some are restored from the restored.
        if (parallel !== null) expect(takeSnapshot(parallel)).toEqual(snapshot);
        parallel = height % (3 * STRIDE) === 0 || parallel === null ? chain : parallel;
      }
      liveOn(original, driver, driver.height);
      liveOn(parallel as Chain, driver, driver.height);
      expect(takeSnapshot(parallel as Chain)).toEqual(takeSnapshot(original));
    }
  });

  test('goes on so to the very end from one height of each history', { timeout: 120_000 }, () => {
    for (const [i, driver] of histories(7_002).entries()) {
      const original = driver.replica();
      liveOn(original, driver, Math.floor((driver.height * (i + 1)) / 6));
      const chain = restore(driver, sent(takeSnapshot(original)), trustOf(original));
      liveOn(original, driver, driver.height);
      liveOn(chain, driver, driver.height);
      assertSameState(chain.state, original.state, seen);
      expect(takeSnapshot(chain)).toEqual(takeSnapshot(original));
    }
  });

  test('rows that come with age and with votes, which those histories lack, come back as well', () => {
    const driver = market({ params: { evidenceMaxAgeBlocks: 20, unbondingPeriod: 80 * SECOND } });
    driver.run(60);
    const row = new SigningRow(addressOfName('validator'), 1_000);
    row.missed = 3;
    row.misses = Uint8Array.from({ length: 125 }, (_, i) => (i < 3 ? 1 << i : 0));
    driver.state.signings.insert(row);
    driver.block();
    expect(driver.state.milestones.size).toBeGreaterThan(10);
    const chain = restore(driver, takeSnapshot(driver.chain), trustOf(driver.chain));
    assertSameState(chain.state, driver.state, seen);
    driver.run(30);
    liveOn(chain, driver, driver.height);
    expect(takeSnapshot(chain)).toEqual(takeSnapshot(driver.chain));
  });

  test('was tried with rows in every table, group and index of the state, and with all that falls due', () => {
    const { state } = market();
    const all = [Table, Groups, DueIndex].flatMap(kind => [...partsOf<object>(state, kind as never).keys()]);
    expect(all.length).toBeGreaterThan(18);
    expect(all.filter(name => !seen.parts.has(name))).toEqual([]);
    expect([...seen.dues].sort()).toEqual([
      'dueAtHeight closed',
      'dueAtHeight expiry',
      'dueAtHeight match',
      'dueAtHeight reset',
      'dueAtHeight stale',
      'dueAtHeight takes_effect',
      'dueAtHeight vote_ends',
      'dueAtTime exhaustion',
      'dueAtTime expiry',
      'dueAtTime matures',
    ]);
  });
});
