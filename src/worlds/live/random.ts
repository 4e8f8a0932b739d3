/**
 * Entropy for actors. Every stream is named by what it is for and comes from one seed, so that a recorded incarnation
 * can be had again; and nobody who sees some draws can tell the next ones.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { RandomStream } from '../../actors/actor.ts';

const WORD = 4;

/** A seed that nobody can guess: 32 bytes in hexadecimal digits. */
export function freshSeed(): string {
  return randomBytes(32).toString('hex');
}

/** The stream of a seed for a purpose, from its beginning: 32 bits a draw. */
export function randomStream(seed: string, purpose: string): RandomStream {
  let block = Buffer.alloc(0);
  let at = 0;
  let count = 0;
  return {
    uniform() {
      if (at === block.length) {
        block = createHash('sha256').update(`${seed}/${count++}/${purpose}`).digest();
        at = 0;
      }
      const draw = block.readUInt32LE(at);
      at += WORD;
      return draw / 2 ** 32;
    },
  };
}
