/**
 * What the tests of snapshots share: restoring as a node with the same genesis does, forging, and what two states must
 * have in common whatever a later change adds to State: all of its tables, groups and due-indexes are found by looking.
 */
import assert from 'node:assert/strict';
import type { Header } from '../../../src/protocol/chain/block.ts';
import type { Chain } from '../../../src/protocol/chain/chain.ts';
import { restoreChain, type Snapshot } from '../../../src/protocol/chain/snapshot.ts';
import { type TrustedPoint, trustedPointOf } from '../../../src/protocol/chain/snapshot-manifest.ts';
import { sha256 } from '../../../src/protocol/codec/sha256.ts';
import { keyedHashScheme } from '../../../src/protocol/codec/signature.ts';
import { DueIndex, type DueItem } from '../../../src/protocol/ledger/due-index.ts';
import type { Row } from '../../../src/protocol/ledger/journal.ts';
import { Groups, Table } from '../../../src/protocol/ledger/table.ts';
import type { State } from '../../../src/protocol/model/state.ts';
import type { ChainDriver } from '../../support/chain-driver.ts';

/** The header that comes next, as a light client would have verified it. */
export function nextHeader(chain: Chain): Header {
  const proposer = chain.validators.members[0]?.address as string;
  return chain.makeBlock(chain.time + 1, proposer, []).header;
}

export function trustOf(chain: Chain): TrustedPoint {
  return trustedPointOf(nextHeader(chain));
}

/** Restores as a node of the driver's chain. */
export function restore(driver: ChainDriver, snapshot: Snapshot, trusted: TrustedPoint | null, commitEvery = 1): Chain {
  return restoreChain({ genesis: driver.genesis, scheme: keyedHashScheme, commitEvery }, snapshot, trusted);
}

/** The snapshot with other chunks, and a manifest that fits them: what a liar would send. */
export function resealed(snapshot: Snapshot, chunks: readonly Uint8Array[]): Snapshot {
  const size = chunks.reduce((sum, one) => sum + one.length, 0);
  return { manifest: { ...snapshot.manifest, size, chunks: chunks.map(one => sha256(one)) }, chunks };
}

export function flipped(bytes: Uint8Array, at: number, bits = 1): Uint8Array {
  const changed = bytes.slice();
  changed[at] = (changed[at] as number) ^ bits;
  return changed;
}

/** The parts of a state of one kind, by name. */
export function partsOf<T>(state: State, kind: abstract new (...args: never[]) => T): Map<string, T> {
  const parts = new Map<string, T>();
  for (const [name, value] of Object.entries(state)) if (value instanceof kind) parts.set(name, value);
  return parts;
}

function isDue(value: unknown): value is DueItem {
  return typeof value === 'object' && value !== null && 'index' in value && value.index instanceof DueIndex;
}

/** A row without the journal's mark, with handles into due-indexes told by what they say and where they are. */
function plain(state: State, row: object): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) {
    if (name === 'mark') continue;
    if (!isDue(value)) fields[name] = value;
    else fields[name] = { ...item(value), byHeight: value.index === state.dueAtHeight, isIn: value.position >= 0 };
  }
  return fields;
}

function item({ due, sequence, kind, key }: DueItem): object {
  return { due, sequence, kind, key };
}

/** Every text and number in a row, and every two texts as a key: the groups that rows may be in. */
function* groupNames(state: State): Generator<string> {
  for (const table of partsOf(state, Table).values()) {
    for (const row of table.unordered()) {
      const values = Object.values(row).flatMap(value =>
        typeof value === 'string' || typeof value === 'number'
          ? [String(value)]
          : value instanceof Uint8Array
            ? [Buffer.from(value).toString('hex')]
            : [],
      );
      yield* values;
      for (const one of values) for (const other of values) yield `${one}/${other}`;
    }
  }
}

/** What was in the states that were compared: a comparison of nothing shows nothing. */
export interface Seen {
  readonly parts: Set<string>;
  readonly dues: Set<string>;
}

/** All that decides about the future is the same in both. */
export function assertSameState(found: State, expected: State, seen: Seen): void {
  for (const row of ['chainwide', 'seats'] as const)
    assert.deepEqual(plain(found, found[row]), plain(expected, expected[row]), row);
  assert.deepEqual(found.params, expected.params);
  for (const [name, table] of partsOf(expected, Table)) {
    const rows = table.sorted().map(row => plain(expected, row));
    const same = (found[name as keyof State] as unknown as Table<Row>).sorted().map(row => plain(found, row));
    assert.deepEqual(same, rows, name);
    if (rows.length > 0) seen.parts.add(name);
  }
  for (const [name, index] of partsOf(expected, DueIndex)) {
    const all = index.peek(Number.MAX_SAFE_INTEGER);
    const same = (found[name as keyof State] as DueIndex).peek(Number.MAX_SAFE_INTEGER);
    assert.deepEqual(same.map(item), all.map(item), name);
    if (all.length > 0) seen.parts.add(name);
    for (const one of all) seen.dues.add(`${name} ${one.kind}`);
  }
  const names = new Set([...groupNames(expected), ...groupNames(found)]);
  for (const [name, groups] of partsOf(expected, Groups)) {
    const same = found[name as keyof State] as Groups;
    for (const group of names) {
      if (groups.size(group) === 0 && same.size(group) === 0) continue;
      assert.deepEqual(same.sorted(group), groups.sorted(group), `${name} ${group}`);
      seen.parts.add(name);
    }
  }
}
