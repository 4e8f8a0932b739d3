/** Events as rows of events.csv: what they are about, and all their fields, with names instead of addresses. */
import type { Event } from '../../protocol/model/events.ts';
import type { Cell } from './types.ts';

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** JSON in the order of the fields; bigints as decimal texts, bytes as hexadecimal, accounts by name where known. */
export function eventJson(event: Event, nameOf: (address: string) => string): string {
  return JSON.stringify(event, (key, value: unknown) => {
    if (key === 'type') return undefined;
    if (typeof value === 'bigint') return value.toString();
    if (value instanceof Uint8Array) return hex(value);
    return typeof value === 'string' && ACCOUNT_FIELDS.has(key) ? nameOf(value) : value;
  });
}

const ACCOUNT_FIELDS = new Set([
  'account',
  'tenant',
  'provider',
  'from',
  'to',
  'validator',
  'source',
  'target',
  'proposer',
  'voter',
  'granter',
  'grantee',
  'candidate',
]);

function subjectOf(event: Event): string {
  if ('order' in event) return event.order;
  if ('lease' in event) return event.lease;
  if ('deployment' in event) return event.deployment;
  if ('object' in event) return event.object;
  return 'proposal' in event ? String(event.proposal) : 'grant' in event ? event.grant : '';
}

function participantOf(event: Event): string {
  if ('provider' in event) return event.provider;
  if ('account' in event) return event.account;
  if ('tenant' in event) return event.tenant;
  if ('validator' in event) return event.validator;
  return 'candidate' in event ? event.candidate : '';
}

/** The cells of a row of events.csv. */
export function storyOf(event: Event, height: number, time: number, nameOf: (address: string) => string): Cell[] {
  const who = participantOf(event);
  return [height, time / 1e6, event.type, subjectOf(event), who === '' ? '' : nameOf(who), eventJson(event, nameOf)];
}
