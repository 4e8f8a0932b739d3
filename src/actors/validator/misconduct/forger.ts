/** Makes statements in a validator's name that its own node never made: votes, proposals, and blocks to propose. */
import { type Block, contentRoot, decodeBlock, encodeBlock, headerHash } from '../../../protocol/chain/block.ts';
import type { Chain } from '../../../protocol/chain/chain.ts';
import type { KeyPair, SignatureScheme } from '../../../protocol/codec/signature.ts';
import {
  type Proposal,
  proposalSignBytes,
  type ValueId,
  type Vote,
  valueIdOf,
  voteSignBytes,
} from '../../../protocol/consensus/types.ts';
import type { Part } from '../../gossip.ts';
import type { Wire } from '../../wire.ts';
import { cutIntoParts, joinBytes } from '../parts.ts';

export type PartMessage = Extract<Wire, { readonly type: 'part' }>;

/** A proposal and the parts of what it offers. */
export interface Offer {
  readonly proposal: Proposal;
  readonly parts: readonly PartMessage[];
}

export class Forger {
  readonly chainId: string;
  readonly address: string;
  readonly keys: KeyPair;
  readonly scheme: SignatureScheme;

  constructor(chainId: string, address: string, keys: KeyPair, scheme: SignatureScheme) {
    this.chainId = chainId;
    this.address = address;
    this.keys = keys;
    this.scheme = scheme;
  }

  /** A vote with something changed, and a signature that holds (unless its voter was changed). */
  vote(original: Vote, changes: Partial<Vote>): Vote {
    const vote = { ...original, ...changes };
    return { ...vote, signature: this.scheme.sign(this.keys, voteSignBytes(this.chainId, vote)) };
  }

  /** The same of a proposal. */
  proposal(original: Proposal, changes: Partial<Proposal>): Proposal {
    const proposal = { ...original, ...changes };
    return { ...proposal, signature: this.scheme.sign(this.keys, proposalSignBytes(this.chainId, proposal)) };
  }

  /** An offer of these bytes under this name, in the place of a proposal. */
  offer(original: Proposal, value: ValueId, bytes: Uint8Array): Offer {
    const { root, parts } = cutIntoParts(value, bytes);
    return {
      proposal: this.proposal(original, { value, parts: parts.length, partsRoot: root }),
      parts: parts.map((part): PartMessage => ({ type: 'part', height: original.height, value, root, part })),
    };
  }

  /** An offer of another block in the place of a proposal. */
  offerBlock(original: Proposal, block: Block): Offer {
    return this.offer(original, valueIdOf(headerHash(block.header)), encodeBlock(block));
  }
}

/** A message without the statements of a validator; null when nothing is left of it. */
export function withoutStatements(message: Wire, address: string): Wire | null {
  if (message.type === 'proposal') return message.proposal.proposer === address ? null : message;
  if (message.type !== 'votes') return message;
  const votes = message.votes.filter(one => one.validator !== address);
  if (votes.length === message.votes.length) return message;
  return votes.length === 0 ? null : { type: 'votes', votes };
}

/** A block with other content, under a header that says so. */
export function withContent(block: Block, changes: Partial<Pick<Block, 'facilitation' | 'transactions'>>): Block {
  const { facilitation, transactions } = { ...block, ...changes };
  return { ...block, facilitation, transactions, header: withRoot(block, contentRoot(facilitation, transactions)) };
}

function withRoot({ header }: Block, root: Uint8Array): Block['header'] {
  return header.content.every(byte => byte === 0) ? header : { ...header, content: root };
}

/**
 * Another block that may follow the same parent: without the last transaction or, where there is none, in the name of
 * another validator. Null where there is no other.
 */
export function otherBlock(block: Block, chain: Chain): Block | null {
  if (block.transactions.length > 0) return withContent(block, { transactions: block.transactions.slice(0, -1) });
  const other = chain.validators.members.find(({ address }) => address !== block.header.proposer);
  return other === undefined ? null : { ...block, header: { ...block.header, proposer: other.address } };
}

/** The block whose parts these are; they are in order and all there. */
export function blockOfParts(parts: readonly Part[]): Block {
  return decodeBlock(joinBytes(parts.map(part => part.bytes)));
}
