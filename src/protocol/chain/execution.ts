/**
 * What a block does to state, step by step. Pure execution: which blocks are valid stands in block-rules, which are
 * kept in chain.
 *
 * Order: height and time; who signed the parent; facilitation; marks on orders that outstayed their time; the transactions; what happens by
 * itself at the end (settlement of every lease where the parameter says so, maturing stake, votes, inflation, fees, the
 * validator sets).
 */
import { bool, struct, text } from '../codec/struct.ts';
import type { Commit } from '../consensus/types.ts';
import { facilitate, lapseDueOrders } from '../market/facilitation.ts';
import { settleEveryLease } from '../market/settlement.ts';
import { excerpt } from '../model/events.ts';
import type { Facilitation } from '../model/messages.ts';
import { type Refusal, refuse, type State } from '../model/state.ts';
import type { Signing } from '../stake/candidates.ts';
import { recordSigners } from '../stake/downtime.ts';
import { advanceValidators } from '../stake/election.ts';
import { endVotes } from '../stake/governance.ts';
import { mintInflation } from '../stake/inflation.ts';
import { allotFees } from '../stake/rewards.ts';
import { matureStake } from '../stake/staking.ts';
import { applyMessage } from './apply-message.ts';
import { underGrant } from './grants.ts';
import { minimumFee, type Transaction } from './transaction.ts';

/** What became of one facilitation message or transaction. */
export interface Receipt {
  readonly ok: boolean;
  readonly code: string;
  readonly detail: string;
}

export const receipt = struct({ ok: bool, code: text(64), detail: text(1_024) });
const DONE: Receipt = { ok: true, code: '', detail: '' };

/** Executes one block after another block's state, the transactions by `transact`, which adds their receipts. */
export function executeBlock(
  state: State,
  time: number,
  lastCommit: Commit | null,
  facilitated: readonly Facilitation[],
  transact: (receipts: Receipt[]) => void,
): Receipt[] {
  const elapsed = time - state.time;
  const chainwide = state.editChainwide();
  chainwide.height += 1;
  chainwide.time = time;
  if (lastCommit !== null) {
    const signers = new Set(lastCommit.signatures.map(one => one.validator));
    recordSigners(state, lastCommit.height, address => signers.has(address));
  }
  const receipts: Receipt[] = [];
  for (const one of facilitated) receipts.push(attempt(state, () => facilitate(state, one)));
  lapseDueOrders(state);
  transact(receipts);
  if (state.params.settlement === 'per_block') settleEveryLease(state);
  matureStake(state);
  endVotes(state);
  mintInflation(state, elapsed);
  allotFees(state);
  advanceValidators(state);
  return receipts;
}

/**
 * Why a transaction cannot stand in the next block, or null. A transaction that can be included may still fail; then
 * its nonce is used up and its fee paid.
 * @param nonce the nonce that its account is expected to use next
 * @param reserved fees of the account's transactions that come before it
 */
export function faultOfTransaction(
  state: State,
  signing: Signing,
  tx: Transaction,
  nonce: number,
  reserved: bigint,
): Refusal | null {
  const { body } = tx;
  if (body.chainId !== signing.chainId) return refuse('wrong_chain', `chain ${body.chainId} is not ${signing.chainId}`);
  if (body.nonce !== nonce) return refuse('wrong_nonce', `nonce ${body.nonce}, expected ${nonce}`);
  if (!state.accounts.has(body.account)) return refuse('no_account', `there is no account ${body.account}`);
  const least = minimumFee(state.params, tx.size, body.message);
  if (body.fee < least) return refuse('low_fee', `fee ${body.fee} uakt, at least ${least} are expected`);
  const balance = state.balanceOf(body.account);
  if (balance < reserved + body.fee) return refuse('no_fee', `balance ${balance} uakt, the fee is ${body.fee}`);
  return tx.signatureHolds(signing.scheme) ? null : refuse('bad_signature', 'the signature is not the account’s');
}

/** Why a transaction cannot be the very next to be executed, or null. */
export function faultOfNext(state: State, signing: Signing, tx: Transaction): Refusal | null {
  return faultOfTransaction(state, signing, tx, state.accounts.get(tx.body.account)?.nonce ?? 0, 0n);
}

/** Executes a transaction that is includable. Fee and nonce are gone even when its message fails. */
export function executeTransaction(state: State, signing: Signing, tx: Transaction, position: number): Receipt {
  const { body } = tx;
  state.position = position;
  state.payFee(body.account, body.fee);
  state.accounts.edit(body.account).nonce += 1;
  const done = attempt(state, () =>
    body.grant === ''
      ? applyMessage(state, body.account, String(body.nonce), body.message, signing)
      : underGrant(state, body.account, body.grant, body.message, body.nonce, (account, nonce) =>
          applyMessage(state, account, nonce, body.message, signing),
        ),
  );
  if (!done.ok) {
    const { account, nonce, message } = body;
    const object = subjectOfMessage(message);
    state.emit({
      type: 'TransactionFailed',
      account,
      nonce,
      message: message.type,
      code: done.code,
      detail: done.detail,
      object,
    });
  }
  return done;
}

/** Runs a step; a refusal leaves nothing of it behind. */
function attempt(state: State, step: () => Refusal | null): Receipt {
  const start = state.journal.begin();
  const events = state.events.length;
  const refusal = step();
  if (refusal === null) return DONE;
  state.journal.rollback(start);
  state.events.length = events;
  return { ok: false, code: refusal.code, detail: excerpt(refusal.detail) };
}

/** The object that a message is about, for the record of its failure. */
function subjectOfMessage(message: Transaction['body']['message']): string {
  if ('order' in message) return message.order;
  if ('lease' in message) return message.lease;
  return 'deployment' in message ? message.deployment : '';
}
