/**
 * Candidates: who offers to validate, and how one that was jailed comes back.
 *
 * A candidate names the key that it will vote with, and proves that it holds it: the key signs the chain id and the
 * account. So nobody can register a key of somebody else's, neither to keep its owner out nor to have the owner's votes
 * count against an account of its own. A key stands for one candidate for ever, also for one that is tombstoned, and a
 * candidate keeps its key.
 *
 * Stake that the account had bonded with itself before counts from the registration on, and earns from then on: its
 * mark of rewards is 0, where the candidate's rewards per stake begin. A candidate may be elected without any stake of
 * its own, by what others delegate; but to come back from jail it must have a whole AKASH at stake itself.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import { address } from '../codec/address.ts';
import type { SignatureScheme } from '../codec/signature.ts';
import { encode, oneOf, struct, text } from '../codec/struct.ts';
import { MICRO_PER_AKASH, PPM } from '../ledger/money.ts';
import type { MessageOf } from '../model/messages.ts';
import { Candidate, Delegation } from '../model/stake-rows.ts';
import { type Refusal, refuse, type State } from '../model/state.ts';

/** Whose chain it is, and how its signatures are checked. */
export interface Signing {
  readonly chainId: string;
  readonly scheme: SignatureScheme;
}

const possession = struct({ domain: oneOf('orrery/candidate/1'), chainId: text(64), account: address });

/** What a consensus key signs to be registered by an account. Throws EncodeError when one of the two has no bytes. */
export function possessionBytes(chainId: string, account: string): Uint8Array {
  return encode(possession, { domain: 'orrery/candidate/1', chainId, account });
}

/** Enters a candidate in the books. The caller has checked that account and key are new among candidates. */
export function addCandidate(state: State, account: string, consensusKey: Uint8Array, commission: number): void {
  const candidate = new Candidate(account, state.nextSequence(), consensusKey, commission);
  // Nobody but the account itself can have bonded with what was no candidate.
  candidate.stake = state.delegations.get(Delegation.key(account, account))?.amount ?? 0n;
  state.candidates.insert(candidate);
  state.candidateOfKey.add(bytesToHex(consensusKey), account);
}

export function registerCandidate(
  state: State,
  signing: Signing,
  account: string,
  msg: MessageOf<'RegisterCandidate'>,
): Refusal | null {
  const { consensusKey, commission } = msg;
  if (state.candidates.has(account)) return refuse('registered', 'the account is a candidate already');
  if (commission > PPM) return refuse('bad_commission', `commission ${commission} ppm, at most ${PPM} are a whole`);
  if (state.candidateOfKey.size(bytesToHex(consensusKey)) > 0)
    return refuse('key_taken', 'the consensus key is, or was, that of another candidate');
  if (!signing.scheme.verify(consensusKey, possessionBytes(signing.chainId, account), msg.possession))
    return refuse('no_possession', 'the consensus key did not sign that it is this account’s on this chain');
  addCandidate(state, account, consensusKey, commission);
  state.emit({ type: 'CandidateRegistered', candidate: account, consensusKey, commission });
  return null;
}

/** Brings a jailed candidate back into elections. */
export function unjail(state: State, account: string): Refusal | null {
  const candidate = state.candidates.get(account);
  if (candidate === undefined) return refuse('no_candidate', 'the account is not a candidate');
  if (candidate.tombstoned)
    return refuse('tombstoned', `it double-signed at height ${candidate.doubleSignedAt} and is out for good`);
  if (!candidate.jailed) return refuse('not_jailed', 'the candidate is not jailed');
  if (state.time < candidate.jailedUntil)
    return refuse('still_jailed', `jailed until ${candidate.jailedUntil} us, it is ${state.time}`);
  const own = state.delegations.get(Delegation.key(account, account))?.amount ?? 0n;
  if (own < MICRO_PER_AKASH)
    return refuse('insufficient_stake', `${own} uakt of its own are staked, ${MICRO_PER_AKASH} are expected`);
  const row = state.candidates.edit(account);
  row.jailed = false;
  row.jailedUntil = 0;
  state.emit({ type: 'ValidatorUnjailed', validator: account });
  return null;
}
