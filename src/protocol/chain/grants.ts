/**
 * Grants: limited authority for another key. Which messages, on which deployment, how much may leave the granter's
 * balance, until when.
 */
import { isAddress } from '../codec/address.ts';
import { MESSAGE_TYPES, type Message, type MessageOf } from '../model/messages.ts';
import { deploymentOf } from '../model/objects.ts';
import { GrantRow } from '../model/stake-rows.ts';
import { type Refusal, refuse, type State } from '../model/state.ts';

/** Authority to hand on authority would have no limit. */
const NOT_GRANTABLE = new Set<string>(['Grant', 'Revoke']);

export function grant(state: State, granter: string, nonce: string, msg: MessageOf<'Grant'>): Refusal | null {
  if (!isAddress(msg.grantee)) return refuse('bad_grant', `${msg.grantee} is not an address`);
  if (msg.grantee === granter) return refuse('bad_grant', 'an account needs no grant from itself');
  if (msg.messages.length === 0) return refuse('bad_grant', 'no messages are granted');
  for (const type of msg.messages) {
    if (!(MESSAGE_TYPES as readonly string[]).includes(type)) return refuse('bad_grant', `unknown message ${type}`);
    if (NOT_GRANTABLE.has(type)) return refuse('bad_grant', `${type} cannot be granted`);
  }
  if (msg.expires <= state.time) return refuse('bad_grant', `expires at ${msg.expires} us, it is ${state.time}`);
  const id = `${granter}/${nonce}`;
  const { grantee, messages, deployment, expires, limit } = msg;
  state.grants.insert(new GrantRow(id, granter, grantee, messages, deployment, expires, limit));
  state.emit({ type: 'Granted', grant: id, granter, grantee });
  return null;
}

export function revoke(state: State, account: string, msg: MessageOf<'Revoke'>): Refusal | null {
  const row = state.grants.get(msg.grant);
  if (row === undefined) return refuse('no_grant', `there is no grant ${msg.grant}`);
  if (row.granter !== account && row.grantee !== account) return refuse('not_owner', `the grant is ${row.granter}'s`);
  state.grants.remove(msg.grant);
  state.emit({ type: 'Revoked', grant: row.id, granter: row.granter, grantee: row.grantee });
  return null;
}

/** The deployment that a message acts on; empty when on none. */
function subjectOf(msg: Message): string {
  if ('deployment' in msg) return msg.deployment;
  if ('order' in msg) return deploymentOf(msg.order);
  return 'lease' in msg ? deploymentOf(msg.lease) : '';
}

/** Does a message on a granter's behalf, within what was granted. */
export function underGrant(
  state: State,
  signer: string,
  grantKey: string,
  msg: Message,
  nonce: number,
  run: (account: string, nonce: string) => Refusal | null,
): Refusal | null {
  const row = state.grants.get(grantKey);
  if (row === undefined) return refuse('no_grant', `there is no grant ${grantKey}`);
  if (row.grantee !== signer) return refuse('no_grant', `the grant is for ${row.grantee}`);
  if (state.time >= row.expires) return refuse('grant_expired', `the grant expired at ${row.expires} us`);
  if (!row.messages.includes(msg.type))
    return refuse('not_granted', `${msg.type} is not among ${row.messages.join(', ')}`);
  if (row.deployment !== '' && subjectOf(msg) !== row.deployment) {
    return refuse('not_granted', `the grant is for deployment ${row.deployment}`);
  }
  const objects = `${row.id.slice(row.granter.length + 1)}.${nonce}`;
  const { value: refusal, spent } = state.countSpending(row.granter, () => run(row.granter, objects));
  if (refusal !== null) return refusal;
  if (spent > row.left) return refuse('grant_limit', `${spent} uakt would be spent, ${row.left} are left of the grant`);
  if (spent > 0n) state.grants.edit(grantKey).left -= spent;
  return null;
}
