/**
 * Snapshots: the whole state of a chain at a height, for a restart after a crash, and for nodes that join without living
 * through all of history.
 *
 * A snapshot holds the leaves of the state commitment and nothing else of the state, so that a snapshot whose app hash
 * is known to be true has no byte that could be forged. What is in no leaf (places in due-indexes, groups) is put up
 * again from what is. A restored chain executes every further block as the original does.
 */
import { equalBytes } from '../codec/bytes.ts';
import { sha256 } from '../codec/sha256.ts';
import type { Validator } from '../consensus/types.ts';
import { ValidatorSet } from '../consensus/validator-set.ts';
import { State } from '../model/state.ts';
import { validatorsAt } from '../stake/set-history.ts';
import { headerHash, NO_HASH } from './block.ts';
import { Chain, type ChainOptions, type Parent } from './chain.ts';
import { Commitment } from './commitment.ts';
import { EntryReader, writeEntries } from './snapshot-entries.ts';
import {
  checkManifest,
  checkTrust,
  chunkLength,
  heightOf,
  MAX_CHUNKS,
  type Manifest,
  SNAPSHOT_VERSION,
  SnapshotError,
  type TrustedPoint,
} from './snapshot-manifest.ts';

export interface Snapshot {
  readonly manifest: Manifest;
  readonly chunks: readonly Uint8Array[];
}

/**
 * The state after a chain's newest block. A block that is staged on it is taken back first: take snapshots right after
 * a block was applied. Costs in proportion to the state, and the chain must not go on meanwhile. Throws RangeError when
 * the state is too large for a manifest.
 */
export function takeSnapshot(chain: Chain): Snapshot {
  const { state, parent, chainId } = chain;
  const chunks = writeEntries(state);
  if (chunks.length > MAX_CHUNKS) throw new RangeError(`a state of ${chunks.length} chunks, at most ${MAX_CHUNKS} fit`);
  let size = 0;
  for (const chunk of chunks) size += chunk.length;
  const manifest: Manifest = {
    version: SNAPSHOT_VERSION,
    chainId,
    header: parent.header ?? undefined,
    appHash: parent.appHash,
    receipts: parent.receipts,
    events: parent.events,
    size,
    chunks: chunks.map(chunk => sha256(chunk)),
  };
  return { manifest, chunks };
}

/** Throws SnapshotError unless these bytes are the chunk that the manifest promises. */
export function checkChunk(manifest: Manifest, index: number, bytes: Uint8Array): void {
  const expected = manifest.chunks[index];
  if (expected === undefined)
    throw new SnapshotError('chunk', `there is no chunk ${index} among ${manifest.chunks.length}`);
  const length = chunkLength(manifest, index);
  if (bytes.length !== length)
    throw new SnapshotError('chunk', `chunk ${index} has ${bytes.length} bytes, ${length} are expected`);
  if (!equalBytes(sha256(bytes), expected)) throw new SnapshotError('chunk', `the hash of chunk ${index} is wrong`);
}

/**
 * The chain that a snapshot was taken of. Throws SnapshotError, which says what differs, and has then built nothing.
 * @param options as the original's: genesis and `commitEvery` belong to the chain, not to the node
 * @param trusted what is known of the chain at that height, see `trustedPointOf`; null only for a snapshot that never
 *   left this node, which is then checked against damage but not against forgery
 */
export function restoreChain(options: ChainOptions, snapshot: Snapshot, trusted: TrustedPoint | null): Chain {
  const { manifest, chunks } = snapshot;
  const { genesis, commitEvery } = options;
  checkManifest(manifest);
  if (manifest.chainId !== genesis.chainId)
    throw new SnapshotError('manifest', `chain ${manifest.chainId}, expected ${genesis.chainId}`);
  if (trusted !== null) checkTrust(manifest, trusted);
  if (chunks.length !== manifest.chunks.length)
    throw new SnapshotError('chunk', `${chunks.length} chunks, ${manifest.chunks.length} are expected`);
  chunks.forEach((chunk, index) => {
    checkChunk(manifest, index, chunk);
  });

  const state = new State(genesis.params, commitEvery > 0);
  const reader = new EntryReader(state);
  for (const chunk of chunks) {
    reader.push(chunk);
    // Nothing of this is ever taken back.
    state.journal.forget();
  }
  reader.end();
  const chainwide = state.editChainwide();
  chainwide.height = heightOf(manifest);
  chainwide.time = manifest.header?.time ?? genesis.time;
  state.journal.forget();

  const commitment = commitEvery > 0 ? new Commitment(state) : null;
  checkAppHash(manifest, commitment, commitEvery);
  const voters = votersIn(state, manifest);
  return new Chain(options, { state, commitment, parent: { ...parentOf(manifest), voters } });
}

/** Where the chain commits to its state, the rows must be what it commits to; elsewhere there must be no app hash. */
function checkAppHash(manifest: Manifest, commitment: Commitment | null, commitEvery: number): void {
  const height = heightOf(manifest);
  const root = commitment?.root() ?? NO_HASH;
  const expected = commitEvery > 0 && height % commitEvery === 0 ? root : NO_HASH;
  if (!equalBytes(expected, manifest.appHash))
    throw new SnapshotError('app-hash', `the app hash of its rows is not that of height ${height}`);
}

/** Who voted on the newest block. That block names this set and the next: the state must have both. */
function votersIn(state: State, { header }: Manifest): ValidatorSet | null {
  const { validators, upcoming } = state.seats;
  const next = setOf(validators, 'of the next height');
  setOf(upcoming, 'of the height after the next');
  if (header === undefined) return null;
  const voters = setOf(validatorsAt(state, header.height) ?? [], `of height ${header.height}`);
  if (!equalBytes(voters.hash(), header.validators) || !equalBytes(next.hash(), header.nextValidators))
    throw new SnapshotError('entry', 'the validator sets are not those that the newest block names');
  return voters;
}

function setOf(members: readonly Validator[], which: string): ValidatorSet {
  try {
    return ValidatorSet.of(members);
  } catch (error) {
    if (error instanceof RangeError) throw new SnapshotError('entry', `the set ${which}: ${error.message}`);
    throw error;
  }
}

function parentOf(manifest: Manifest): Omit<Parent, 'voters'> {
  const { header, appHash, receipts, events } = manifest;
  const hash = header === undefined ? NO_HASH : headerHash(header);
  return { header: header ?? null, hash, appHash, receipts, events };
}
