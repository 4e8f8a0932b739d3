/**
 * Governance: stakers change parameters (paper, section 2.2.1: participation is proportional to stake, as a fraction of
 * the sum of all stakes). A vote weighs what its account has bonded, also with others, when the vote ends.
 */
import { ppmOf } from '../ledger/money.ts';
import { rescheduleLeases } from '../market/leases.ts';
import { rescheduleOrders } from '../market/orders.ts';
import { regridRecords } from '../market/reputation.ts';
import type { MessageOf } from '../model/messages.ts';
import {
  conflictOfParams,
  faultOfPeriods,
  type ParameterValue,
  type Params,
  parameterFromText,
  withParams,
} from '../model/params.ts';
import { Ballot, Proposal } from '../model/stake-rows.ts';
import { type Refusal, refuse, type State } from '../model/state.ts';
import { forgetSignings } from './downtime.ts';

export const DUE_VOTE_ENDS = 'vote_ends';
export const DUE_TAKES_EFFECT = 'takes_effect';

type Changes = MessageOf<'SubmitProposal'>['changes'];

/** The parameters with changes that were each found to fit. */
function changedParams(params: Params, changes: Changes): Params {
  const values: Record<string, ParameterValue> = {};
  for (const { name, value } of changes) values[name] = parameterFromText(name, value) as ParameterValue;
  return withParams(params, values);
}

export function submitProposal(state: State, account: string, msg: MessageOf<'SubmitProposal'>): Refusal | null {
  if ((state.accounts.get(account)?.bonded ?? 0n) === 0n) return refuse('no_stake', 'only stakers may propose');
  if (msg.changes.length === 0) return refuse('bad_proposal', 'nothing is to change');
  const names = new Set<string>();
  for (const { name, value } of msg.changes) {
    if (names.has(name)) return refuse('bad_proposal', `${name} is to change twice`);
    names.add(name);
    if (parameterFromText(name, value) === undefined) return refuse('bad_proposal', `${name} cannot be ${value}`);
  }
  const conflict = faultOfPeriods(changedParams(state.params, msg.changes));
  if (conflict !== null) return refuse('bad_proposal', conflict);
  const chainwide = state.editChainwide();
  const id = chainwide.nextProposal;
  chainwide.nextProposal += 1;
  const endsAt = state.height + state.params.votingPeriod;
  state.proposals.insert(new Proposal(id, account, msg.title, msg.changes, endsAt));
  state.dueAtHeight.add(endsAt, id, DUE_VOTE_ENDS, String(id));
  state.emit({ type: 'ProposalSubmitted', proposal: id, proposer: account, endsAt });
  return null;
}

/** Votes, or votes anew: the last word before the end counts. */
export function vote(state: State, account: string, msg: MessageOf<'Vote'>): Refusal | null {
  const proposal = state.proposals.get(String(msg.proposal));
  if (proposal === undefined || proposal.state !== 'voting') {
    return refuse('no_proposal', `proposal ${msg.proposal} is not being voted on`);
  }
  if ((state.accounts.get(account)?.bonded ?? 0n) === 0n) return refuse('no_stake', 'only stakers may vote');
  const key = Ballot.key(msg.proposal, account);
  if (state.ballots.has(key)) state.ballots.edit(key).choice = msg.choice;
  else {
    state.ballots.insert(new Ballot(msg.proposal, account, msg.choice));
    state.ballotsOf.add(String(msg.proposal), key);
  }
  state.emit({ type: 'Voted', proposal: msg.proposal, voter: account, choice: msg.choice });
  return null;
}

function tally(state: State, proposal: Readonly<Proposal>): string {
  const weights = { yes: 0n, no: 0n, abstain: 0n };
  for (const key of state.ballotsOf.sorted(String(proposal.id))) {
    const ballot = state.ballots.need(key);
    weights[ballot.choice] += state.accounts.get(ballot.voter)?.bonded ?? 0n;
  }
  const voted = weights.yes + weights.no + weights.abstain;
  if (voted === 0n || ppmOf(voted, state.chainwide.totalBonded) < state.params.quorum) return 'no_quorum';
  const decided = weights.yes + weights.no;
  return decided > 0n && weights.yes * 1_000_000n > decided * BigInt(state.params.threshold) ? 'passed' : 'rejected';
}

function removeProposal(state: State, id: string): void {
  for (const key of state.ballotsOf.sorted(id)) {
    state.ballots.remove(key);
    state.ballotsOf.remove(id, key);
  }
  state.proposals.remove(id);
}

function endVote(state: State, id: string): void {
  const proposal = state.proposals.edit(id);
  const outcome = tally(state, proposal);
  const effectiveAt = outcome === 'passed' ? state.height + state.params.changeDelay : 0;
  state.emit({ type: 'ProposalEnded', proposal: proposal.id, outcome, effectiveAt });
  if (outcome !== 'passed') {
    removeProposal(state, id);
    return;
  }
  proposal.state = 'passed';
  proposal.effectiveAt = effectiveAt;
  // At the end of the block before, so that the block of that height runs on the new values already.
  state.dueAtHeight.add(effectiveAt - 1, proposal.id, DUE_TAKES_EFFECT, id);
}

function takeEffect(state: State, id: string): void {
  const proposal = state.proposals.need(id);
  const before = state.params;
  const after = changedParams(before, proposal.changes);
  if (conflictOfParams(after) !== null) {
    // Another proposal took effect in the meantime, and the two do not go together.
    state.emit({ type: 'ProposalEnded', proposal: proposal.id, outcome: 'conflict', effectiveAt: 0 });
    removeProposal(state, id);
    return;
  }
  for (const { name, value } of proposal.changes) {
    state.emit({ type: 'ParameterChanged', proposal: proposal.id, name, value });
  }
  state.setParams(after);
  if (after.downtimeWindow !== before.downtimeWindow) forgetSignings(state);
  if (state.params.reputationHalfLife !== before.reputationHalfLife) regridRecords(state, before.reputationHalfLife);
  if (state.params.matchingRule !== before.matchingRule) rescheduleOrders(state);
  if (state.params.reconfirmationPeriod !== before.reconfirmationPeriod) rescheduleLeases(state);
  removeProposal(state, id);
}

/** At the end of each block: votes end, and passed changes take effect for the next block. */
export function endVotes(state: State): void {
  finish(state, DUE_VOTE_ENDS, endVote);
  finish(state, DUE_TAKES_EFFECT, takeEffect);
}

function finish(state: State, kind: string, end: (state: State, id: string) => void): void {
  for (const item of state.dueAtHeight.peek(state.height)) {
    if (item.kind !== kind) continue;
    state.dueAtHeight.remove(item);
    end(state, item.key);
  }
}
