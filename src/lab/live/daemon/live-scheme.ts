/** The signatures of the live world: real ones, each checked once in a process. */
import { memoised } from '../../../protocol/codec/signature.ts';
import { ed25519Scheme } from '../../../worlds/live/ed25519.ts';

/** Signatures whose verdict is remembered: those of some hundred blocks of a large set. */
const REMEMBERED_SIGNATURES = 65_536;

export const liveScheme = memoised(ed25519Scheme, REMEMBERED_SIGNATURES);
