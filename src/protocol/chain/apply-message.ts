/** Which rule does which message. */
import { isAddress } from '../codec/address.ts';
import { closeDeployment, depositEscrow, submitDeployment, updateDeployment } from '../market/deployments.ts';
import { submitLeaseConfirmation } from '../market/leases.ts';
import { cancelFulfillment, chooseFulfillment, submitFulfillment } from '../market/orders.ts';
import { registerProvider, updateProvider } from '../market/providers.ts';
import type { Message, MessageOf } from '../model/messages.ts';
import { type Refusal, refuse, type State } from '../model/state.ts';
import { registerCandidate, type Signing, unjail } from '../stake/candidates.ts';
import { submitProposal, vote } from '../stake/governance.ts';
import { submitEvidence } from '../stake/offences.ts';
import { withdrawRewards } from '../stake/rewards.ts';
import { delegate, redelegate, stake, undelegate } from '../stake/staking.ts';
import { grant, revoke } from './grants.ts';

function transfer(state: State, from: string, msg: MessageOf<'Transfer'>): Refusal | null {
  if (!isAddress(msg.to)) return refuse('bad_address', `${msg.to} is not an address`);
  if (msg.amount === 0n) return refuse('bad_amount', 'an amount above 0 is expected');
  const balance = state.balanceOf(from);
  if (balance < msg.amount)
    return refuse('insufficient_funds', `${msg.amount} uakt are to move, the balance is ${balance}`);
  state.transfer(from, msg.to, msg.amount);
  state.emit({ type: 'Transferred', from, to: msg.to, amount: msg.amount });
  return null;
}

/**
 * Does one message for an account. A refusal may leave traces: the caller rolls them back.
 * @param nonce names the objects that the message creates, together with the account
 * @param signing by which signatures within messages are checked
 */
export function applyMessage(
  state: State,
  account: string,
  nonce: string,
  msg: Message,
  signing: Signing,
): Refusal | null {
  switch (msg.type) {
    case 'Transfer':
      return transfer(state, account, msg);
    case 'Stake':
      return stake(state, account, msg);
    case 'Delegate':
      return delegate(state, account, msg);
    case 'Undelegate':
      return undelegate(state, account, msg);
    case 'Redelegate':
      return redelegate(state, account, msg);
    case 'WithdrawRewards':
      return withdrawRewards(state, account, msg);
    case 'RegisterCandidate':
      return registerCandidate(state, signing, account, msg);
    case 'Unjail':
      return unjail(state, account);
    case 'SubmitEvidence':
      return submitEvidence(state, signing, msg);
    case 'RegisterProvider':
      return registerProvider(state, account, msg);
    case 'UpdateProvider':
      return updateProvider(state, account, msg);
    case 'SubmitDeployment':
      return submitDeployment(state, account, nonce, msg);
    case 'UpdateDeployment':
      return updateDeployment(state, account, msg);
    case 'CloseDeployment':
      return closeDeployment(state, account, msg);
    case 'DepositEscrow':
      return depositEscrow(state, account, msg);
    case 'SubmitFulfillment':
      return submitFulfillment(state, account, msg);
    case 'CancelFulfillment':
      return cancelFulfillment(state, account, msg);
    case 'ChooseFulfillment':
      return chooseFulfillment(state, account, msg);
    case 'SubmitLeaseConfirmation':
      return submitLeaseConfirmation(state, account, msg);
    case 'SubmitProposal':
      return submitProposal(state, account, msg);
    case 'Vote':
      return vote(state, account, msg);
    case 'Grant':
      return grant(state, account, nonce, msg);
    case 'Revoke':
      return revoke(state, account, msg);
  }
}
