/** How the pieces of what nodes say to each other travel. */
import { address, isAddress } from '../protocol/codec/address.ts';
import { byteString, type Codec, list, oneOf, refine, struct, text, uint, uintUpTo } from '../protocol/codec/struct.ts';
import { MAX_VALIDATORS, proposal, valueId, vote } from '../protocol/consensus/types.ts';
import {
  MAX_PARTS,
  MAX_PROPOSALS_TOLD,
  MAX_VALUES_TOLD,
  MAX_VOTES,
  MAX_VOTES_HELD,
  PART_BYTES,
  type Part,
  type VotesHeld,
} from './gossip.ts';
import { fromMinusOne, hash, nullable } from './light-shapes.ts';

/** Hashes of the proof of a part: the tree over MAX_PARTS has this height. */
const MAX_PART_PROOF = 10;

/** The account of a validator, or nothing for a node that is none. */
export const validatorOrNone = refine(text(64), 'an address or nothing', value => value === '' || isAddress(value));
export const addresses = list(address, MAX_VALIDATORS);
export const votes = list(vote, MAX_VOTES);
export { proposal };

/** Of what stands in at most MAX_PARTS pieces. */
export const pieceCount = uintUpTo(MAX_PARTS);
export const pieceIndex = uintUpTo(MAX_PARTS - 1);
export const pieceBytes = byteString(PART_BYTES);

export const part: Codec<Part> = struct({
  index: pieceIndex,
  total: pieceCount,
  bytes: pieceBytes,
  proof: list(hash, MAX_PART_PROOF),
});

/** NO_ROUND or a round. */
export const roundOrNone = fromMinusOne;
const held: Codec<VotesHeld> = struct({
  round: uint,
  kind: oneOf('prevote', 'precommit'),
  value: nullable(valueId),
  places: byteString(MAX_VALIDATORS / 8),
});
export const votesHeld = list(held, MAX_VOTES_HELD);
export const proposalsTold = list(struct({ round: uint, value: valueId }), MAX_PROPOSALS_TOLD);
export const valuesTold = list(valueId, MAX_VALUES_TOLD);
