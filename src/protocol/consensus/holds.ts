/**
 * Whether what somebody said carries its speaker's signature.
 *
 * A statement never changes once it is made, and in a process that runs many validators the very same object reaches all
 * of them; so a good verdict is remembered with the object, for the key, chain and scheme that it was found under. A bad
 * one is not: who sends that is dropped.
 */
import { equalBytes } from '../codec/bytes.ts';
import type { SignatureScheme } from '../codec/signature.ts';
import { type Proposal, proposalSignBytes, type Vote, voteSignBytes } from './types.ts';

interface Verdict {
  readonly chainId: string;
  readonly key: Uint8Array;
  readonly scheme: SignatureScheme;
}

const good = new WeakMap<Vote | Proposal, Verdict>();

/** Whether a vote was signed with this key. Throws where the vote has no bytes that could be signed (EncodeError). */
export function voteHolds(vote: Vote, chainId: string, key: Uint8Array, scheme: SignatureScheme): boolean {
  return isKnown(vote, chainId, key, scheme) || judge(vote, voteSignBytes(chainId, vote), chainId, key, scheme);
}

/** Whether a proposal was signed with this key. Throws as `voteHolds`. */
export function proposalHolds(one: Proposal, chainId: string, key: Uint8Array, scheme: SignatureScheme): boolean {
  return isKnown(one, chainId, key, scheme) || judge(one, proposalSignBytes(chainId, one), chainId, key, scheme);
}

function isKnown(one: Vote | Proposal, chainId: string, key: Uint8Array, scheme: SignatureScheme): boolean {
  const known = good.get(one);
  return (
    known !== undefined &&
    known.scheme === scheme &&
    known.chainId === chainId &&
    (known.key === key || equalBytes(known.key, key))
  );
}

function judge(
  one: Vote | Proposal,
  bytes: Uint8Array,
  chainId: string,
  key: Uint8Array,
  scheme: SignatureScheme,
): boolean {
  if (!scheme.verify(key, bytes, one.signature)) return false;
  good.set(one, { chainId, key, scheme });
  return true;
}
