/**
 * Lies to those who trust it for what they do not know: forged blocks to nodes that are behind, heights that nobody has
 * reached, answers and news to clients that are not so.
 */
import { decodeBlock, encodeBlock } from '../../../protocol/chain/block.ts';
import { DecodeError } from '../../../protocol/codec/errors.ts';
import type { Answer, Wire } from '../../wire.ts';
import { decodeCommitted, encodeCommitted } from '../block-store.ts';
import type { Lie } from '../conduct.ts';
import type { Note, Sending, Speech } from './tampered.ts';

type BlockPiece = Extract<Wire, { readonly type: 'block' }>;
type LightAnswer = Extract<Wire, { readonly type: 'light' }>;

/** So many heights are claimed that are not there. */
const CLAIMED = 1_000;

export class Liar implements Speech {
  readonly #about: ReadonlySet<Lie>;
  constructor(about: readonly Lie[]) {
    this.#about = new Set(about);
  }

  distort(said: readonly Sending[], note: Note): readonly Sending[] {
    return said.map(one => {
      const message = this.#lie(one.message);
      if (message === one.message) return one;
      note(`lie/${one.message.type}`);
      return { ...one, message };
    });
  }

  #lie(message: Wire): Wire {
    switch (message.type) {
      case 'hello':
      case 'ahead':
        return this.#about.has('heights') ? { ...message, height: message.height + CLAIMED } : message;
      case 'block':
        return this.#about.has('blocks') ? forgedPiece(message) : message;
      case 'light':
        return this.#about.has('blocks') ? forgedLight(message) : message;
      case 'chunk':
        return this.#about.has('blocks') && message.bytes !== null
          ? { ...message, bytes: flipped(message.bytes) }
          : message;
      case 'answer':
        return this.#about.has('answers') ? { type: 'answer', answer: forgedAnswer(message.answer) } : message;
      case 'events':
        return this.#about.has('answers') && message.events.length > 0 ? { ...message, events: [] } : message;
      default:
        return message;
    }
  }
}

/** Another body under the header and the commit that are the chain's; of a block in several pieces, a bit flipped. */
function forgedPiece(piece: BlockPiece): BlockPiece {
  if (piece.total > 1) return { ...piece, bytes: flipped(piece.bytes) };
  try {
    const { commit, block: bytes } = decodeCommitted(piece.bytes);
    const block = decodeBlock(bytes);
    const facilitation = [...block.facilitation, { type: 'DeploymentClosed' as const, deployment: '1/1' }];
    return { ...piece, bytes: encodeCommitted({ commit, block: encodeBlock({ ...block, facilitation }) }) };
  } catch (error) {
    // What its store gave was no block: it is passed on as it is.
    if (error instanceof DecodeError) return piece;
    throw error;
  }
}

function forgedLight(message: LightAnswer): LightAnswer {
  const { block } = message;
  if (block === null) return message;
  return { ...message, block: { ...block, header: { ...block.header, appHash: flipped(block.header.appHash) } } };
}

function forgedAnswer(answer: Answer): Answer {
  switch (answer.what) {
    case 'status':
      return { ...answer, value: { ...answer.value, height: answer.value.height + CLAIMED } };
    case 'account':
      return { ...answer, value: { ...answer.value, nonce: answer.value.nonce + 1, balance: 0n } };
    case 'provider':
      return { ...answer, value: { leases: [], bids: [] } };
    default:
      return answer;
  }
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  if (copy.length > 0) copy[copy.length >> 1]! ^= 1;
  return copy;
}
