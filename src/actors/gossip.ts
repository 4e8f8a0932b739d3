/**
 * What nodes say to each other: consensus, transactions on their way to a proposer, and the past for whoever missed it.
 *
 * Votes and proposals are pushed once, to every peer, and passed on to those who say that they do not hear their author
 * (`links`). What got lost is pulled: a node that is stuck tells its peers what it holds (`inventory`), and each answers
 * with what is missing there. So a network without trouble carries nothing twice, and one with trouble loses nothing
 * for good.
 */

import type { Header } from '../protocol/chain/block.ts';
import type { Transaction } from '../protocol/chain/transaction.ts';
import type { LightBlock } from '../protocol/consensus/light-block.ts';
import type { Proposal, ValueId, Vote, VoteKind } from '../protocol/consensus/types.ts';

/**
 * Votes that a node holds for one value in one round and step: one bit per place in the validator set. By value, because
 * an equivocator's vote for one value is not its vote for another.
 */
export interface VotesHeld {
  readonly round: number;
  readonly kind: VoteKind;
  readonly value: ValueId | null;
  readonly places: Uint8Array;
}

/** A piece of something larger than a message, with its proof under a Merkle root. */
export interface Part {
  readonly index: number;
  readonly total: number;
  readonly bytes: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

export type Gossip =
  /** First on every connection between nodes, from both ends. `height`: the newest block. */
  | { readonly type: 'hello'; readonly chainId: string; readonly validator: string; readonly height: number }
  /**
   * Validators of the current set with which the sender is not connected, itself left out: what they say reaches it only
   * if somebody passes it on. Said again when it changes; who has not said it lacks nobody.
   */
  | { readonly type: 'links'; readonly lacks: readonly string[] }
  | { readonly type: 'proposal'; readonly proposal: Proposal }
  /** A part of a block. `root`: the one of the proposal, of which there may be several for a value. */
  | {
      readonly type: 'part';
      readonly height: number;
      readonly value: ValueId;
      readonly root: Uint8Array;
      readonly part: Part;
    }
  | { readonly type: 'votes'; readonly votes: readonly Vote[] }
  | {
      readonly type: 'inventory';
      readonly height: number;
      /** NO_ROUND where the height was decided elsewhere before it began here. */
      readonly round: number;
      readonly votes: readonly VotesHeld[];
      /** What it knows to have been proposed, by round. */
      readonly proposals: readonly { readonly round: number; readonly value: ValueId }[];
      /** Values of this height that it holds whole. */
      readonly values: readonly ValueId[];
      /**
       * It has decided this height, and asks only for what others saw of it: an equivocator's statements may have gone
       * to different nodes each.
       */
      readonly decided: boolean;
    }
  /** To a node that asked for something of the past: the newest block here, and the oldest that can be asked for. */
  | { readonly type: 'ahead'; readonly height: number; readonly oldest: number }
  | { readonly type: 'getBlock'; readonly height: number }
  /** A piece of a block with its commit, as `encodeCommitted` writes them. */
  | {
      readonly type: 'block';
      readonly height: number;
      readonly index: number;
      readonly total: number;
      readonly bytes: Uint8Array;
      /** The newest block of who sends this. */
      readonly newest: number;
    }
  /** What a light client needs to know of a height; null: not here, or not any more. Clients may ask this too. */
  | { readonly type: 'getLight'; readonly height: number }
  | { readonly type: 'light'; readonly height: number; readonly block: LightBlock<Header> | null }
  /** The newest snapshot of the state: its encoded manifest. */
  | { readonly type: 'getSnapshot' }
  | { readonly type: 'snapshot'; readonly manifest: Uint8Array | null }
  | { readonly type: 'getChunk'; readonly height: number; readonly index: number }
  | { readonly type: 'chunk'; readonly height: number; readonly index: number; readonly bytes: Uint8Array | null }
  | { readonly type: 'relay'; readonly tx: Transaction };

/** The largest piece: with its envelope it stays below a message's limit. */
export const PART_BYTES = 128 * 1024;
/** Most parts of one block: 128 MiB, twice the largest block's transactions. */
export const MAX_PARTS = 1_024;
/** Votes in one message, each below 256 bytes. */
export const MAX_VOTES = 500;
/**
 * What one inventory tells of at the most, so that it fits into a message whatever was signed: votes by round, step and
 * value (169 bytes each with a thousand validators), proposals, and blocks. Only where many equivocate there is more.
 */
export const MAX_VOTES_HELD = 512;
export const MAX_PROPOSALS_TOLD = 512;
export const MAX_VALUES_TOLD = 1_024;

const TYPE_DIGEST: { readonly [T in Gossip['type']]: number } = {
  hello: 17,
  proposal: 18,
  part: 19,
  votes: 20,
  inventory: 21,
  ahead: 22,
  getBlock: 23,
  block: 24,
  relay: 25,
  getLight: 26,
  light: 27,
  getSnapshot: 28,
  snapshot: 29,
  getChunk: 30,
  chunk: 31,
  links: 32,
};

/** 32 bits that tell messages apart in a trace, read off what the message carries already. */
export function digestOfGossip(message: Gossip): number {
  const base = Math.imul(TYPE_DIGEST[message.type], 0x9e3779b1);
  switch (message.type) {
    case 'proposal':
      return base ^ mixRound(message.proposal.height, message.proposal.round) ^ mixBytes(message.proposal.signature);
    case 'part':
      return base ^ mixRound(message.height, message.part.index) ^ message.part.bytes.length;
    case 'votes': {
      let digest = base ^ message.votes.length;
      for (const { height, round, signature } of message.votes)
        digest = (Math.imul(digest, 31) + (mixRound(height, round) ^ mixBytes(signature))) | 0;
      return digest;
    }
    case 'inventory':
      return base ^ mixRound(message.height, message.round);
    case 'block':
      return base ^ mixRound(message.height, message.index) ^ message.bytes.length;
    case 'relay':
      return base ^ message.tx.fingerprint;
    case 'chunk':
    case 'getChunk':
      return base ^ mixRound(message.height, message.index);
    case 'getSnapshot':
    case 'snapshot':
      return base;
    case 'links': {
      let digest = base ^ message.lacks.length;
      for (const address of message.lacks) digest = (Math.imul(digest, 31) + mixText(address)) | 0;
      return digest;
    }
    default:
      return base ^ Math.imul(message.height, 0x85ebca6b);
  }
}

function mixRound(height: number, round: number): number {
  return Math.imul(height, 0x85ebca6b) ^ Math.imul(round + 1, 0xc2b2ae35);
}

/** Addresses end in a checksum: their last characters say enough. */
function mixText(text: string): number {
  let mixed = text.length;
  for (let i = Math.max(0, text.length - 6); i < text.length; i++)
    mixed = (Math.imul(mixed, 31) + text.charCodeAt(i)) | 0;
  return mixed;
}

/** Signatures are hashes already: their first bytes say enough. */
function mixBytes(bytes: Uint8Array): number {
  return bytes.length < 4 ? bytes.length : bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24);
}
