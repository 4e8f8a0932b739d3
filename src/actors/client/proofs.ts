/** Whether what a node tells of a block is what the next header says of it. */
import { verifyTopic } from '../../protocol/chain/event-commitment.ts';
import { DecodeError, EncodeError } from '../../protocol/codec/errors.ts';
import { verifyStateProof } from '../../protocol/codec/state-proof.ts';
import type { HeaderMessage, ProvenLeaf, TopicBatch } from '../wire.ts';

/**
 * Why a header that is believed does not prove what comes with it of the block before, or null. Each of the topics must
 * be there, if only with the proof that nothing happened in it: so nothing can be withheld.
 * @param account the leaf of the client's own account; no other is wanted
 */
export function faultOfMessage(message: HeaderMessage, topics: readonly string[], account: string): string | null {
  const { header, batches, leaves } = message;
  const parent = header.height - 1;
  for (const one of leaves)
    if (one.leaf !== account || !isLeafProven(header.appHash, one)) return `not the account after ${parent}`;
  // Before the first block there are no events, and no root of them.
  if (parent === 0) return batches.length === 0 ? null : 'events of a block before the first';
  if (batches.length !== topics.length) return `${batches.length} topics of block ${parent}, not ${topics.length}`;
  for (const [at, topic] of topics.entries()) {
    const batch = batches[at] as TopicBatch;
    if (batch.topic !== topic || !isProven(header.events, batch))
      return `not the events of ${topic} in block ${parent}`;
  }
  return null;
}

function isProven(root: Uint8Array, { topic, events, proof }: TopicBatch): boolean {
  try {
    return verifyTopic(root, topic, events, proof);
  } catch (error) {
    // Events that have no bytes, and leaves that are none.
    if (error instanceof EncodeError || error instanceof DecodeError || error instanceof RangeError) return false;
    throw error;
  }
}

/** Whether the state with this root has this leaf, or has none of its name. */
export function isLeafProven(appHash: Uint8Array, { leaf, bytes, proof }: ProvenLeaf): boolean {
  return verifyStateProof(appHash, leaf, bytes, proof);
}
