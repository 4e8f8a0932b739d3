/** Blocks and headers. */

import { address } from '../codec/address.ts';
import { ByteReader, ByteWriter, equalBytes } from '../codec/bytes.ts';
import { merkleRoot } from '../codec/merkle.ts';
import { HASH_WORDS, sha256Into, wordsToBytes } from '../codec/sha256.ts';
import { byteString, type CodecType, encode, list, optional, struct, text, uint } from '../codec/struct.ts';
import { commitHash } from '../consensus/commit.ts';
import { type Commit, commit } from '../consensus/types.ts';
import { type Facilitation, facilitation } from '../model/messages.ts';
import { readTransaction, type Transaction } from './transaction.ts';

const hash = byteString(32);
export const NO_HASH = new Uint8Array(32);

/**
 * What a block commits to. `content` is over its own transactions; `appHash`, `receipts` and `events` are of its
 * parent, because a block is proposed before it is executed. Where commitments are off or skipped they are zero.
 */
export const header = struct({
  chainId: text(64),
  height: uint,
  /** microseconds */
  time: uint,
  parent: hash,
  proposer: address,
  content: hash,
  appHash: hash,
  receipts: hash,
  events: hash,
  /** The validator sets of this height and of the next. */
  validators: hash,
  nextValidators: hash,
  /** The commit of the parent, which this block carries; zero where there is none. */
  lastCommit: hash,
});
export type Header = CodecType<typeof header>;

export interface Block {
  readonly header: Header;
  readonly facilitation: readonly Facilitation[];
  readonly transactions: readonly Transaction[];
  /** Why the parent is the chain's; null at height 1 and on chains that know no consensus. */
  readonly lastCommit: Commit | null;
}

const maybeCommit = optional(commit);

const facilitationList = list(facilitation, 2_000_000);
const MAX_TRANSACTIONS = 1_000_000;
const scratch = new ByteWriter(65_536);
const hashWords = new Int32Array(HASH_WORDS);

const hashes = new WeakMap<Header, Uint8Array>();

/** The hash by which a block is known. Headers never change, so each is hashed once. */
export function headerHash(one: Header): Uint8Array {
  let hash = hashes.get(one);
  if (hash === undefined) hashes.set(one, (hash = hashOf(one)));
  return hash;
}

function hashOf(one: Header): Uint8Array {
  scratch.reset();
  header.write(scratch, one);
  const bytes = scratch.view();
  sha256Into(bytes, 0, bytes.length, hashWords, 0);
  return wordsToBytes(hashWords, 0);
}

/** The root over facilitation and transactions of a block. */
export function contentRoot(facilitated: readonly Facilitation[], transactions: readonly Transaction[]): Uint8Array {
  return merkleRoot([encode(facilitationList, facilitated), ...transactions.map(tx => tx.encode())]);
}

/**
 * Why a block's body is not the one that its header names, or null. Anybody can put another body under a good header:
 * such bytes say something about who sent them and nothing about the block of that name.
 */
export function faultOfBody({
  header: head,
  facilitation: facilitated,
  transactions,
  lastCommit,
}: Block): string | null {
  const named = lastCommit === null ? NO_HASH : commitHash(lastCommit);
  if (!equalBytes(head.lastCommit, named)) return 'its last commit is not the one that its header names';
  if (equalBytes(head.content, NO_HASH)) return null;
  return equalBytes(head.content, contentRoot(facilitated, transactions)) ? null : 'its content root is wrong';
}

export function encodeBlock(block: Block): Uint8Array {
  scratch.reset();
  header.write(scratch, block.header);
  facilitationList.write(scratch, block.facilitation);
  scratch.uint(block.transactions.length);
  for (const tx of block.transactions) tx.write(scratch);
  maybeCommit.write(scratch, block.lastCommit ?? undefined);
  return scratch.take();
}

/** Reads a block from its bytes. Throws DecodeError unless they are canonical. */
export function decodeBlock(bytes: Uint8Array): Block {
  const reader = new ByteReader(bytes);
  const head = header.read(reader);
  const facilitated = facilitationList.read(reader);
  const count = reader.uint(MAX_TRANSACTIONS);
  const transactions: Transaction[] = [];
  for (let i = 0; i < count; i++) transactions.push(readTransaction(reader));
  const lastCommit = maybeCommit.read(reader) ?? null;
  reader.end();
  return { header: head, facilitation: facilitated, transactions, lastCommit };
}
