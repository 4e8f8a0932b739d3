/** Whole heights in the life of the validator at place 0 of four, for tests of what becomes of them. */
import { blockKey, decodeCommitted } from '../../../src/actors/validator/block-store.ts';
import { type NodeByHand, offerOf } from './by-hand.ts';

const OTHERS = [1, 2, 3];

/** Lives through whole heights; whoever's turn it is proposes. */
export function live(hand: NodeByHand, heights: number): NodeByHand {
  for (let i = 0; i < heights; i++) {
    hand.begin();
    const proposer = hand.proposer(0);
    const { chain } = hand.node;
    const own = hand.proposals.at(-1);
    let value = own?.value;
    if (proposer !== 0) {
      const offered = offerOf(
        chain.propose(chain.timeAfter(lastCommit(hand)), hand.addresses[proposer]!, [], lastCommit(hand)),
      );
      hand.hearOffer(proposer, 0, offered);
      value = offered.value;
    }
    hand.hearVotes(OTHERS, 'prevote', 0, value!);
    hand.hearVotes(OTHERS, 'precommit', 0, value!);
  }
  return hand;
}

/** The commit of the newest block, as the store has it. */
export function lastCommit(hand: NodeByHand) {
  const bytes = hand.disk.store.get(blockKey(hand.node.chain.height));
  return bytes === undefined ? null : decodeCommitted(bytes).commit;
}
