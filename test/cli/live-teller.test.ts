/** What a live run says while it goes on, as a terminal of 80 columns shows it. */
import { expect, test } from 'vitest';
import { Teller } from '../../src/cli/live/teller.ts';
import type { LiveEvent } from '../../src/lab/live/run/launcher.ts';
import type { PlannedMember } from '../../src/lab/live/run/plan.ts';
import { recordingTerminal } from './support.ts';

const S = 1_000_000;
const member = (name: string, role: PlannedMember['role'], api: number): PlannedMember => {
  return { name, role, home: '/h', address: name, api };
};
const web = { type: 'sight', service: 'web', tenant: 'alice-0' } as const;
const url = 'http://127.0.0.1:30000/';

const EVENTS: readonly LiveEvent[] = [
  {
    type: 'planned',
    folder: '/tmp/orrery-live-0/2e16915effae',
    members: [member('validator-0', 'node', 41421), member('north-0', 'provider', 2), member('alice-0', 'tenant', 3)],
  },
  { type: 'ready', name: 'validator-0' },
  { type: 'begun', time: 2 * S },
  { type: 'block', height: 12, time: 13 * S },
  { ...web, sight: 'answers', time: 14 * S, url, away: null },
  { type: 'struck', time: 30 * S, what: 'crash of north-0' },
  { ...web, sight: 'silent', time: 30 * S, url },
  { ...web, sight: 'answers', time: 44 * S, url, away: 14_250_000 },
  { ...web, service: 'db', sight: 'published', time: 45 * S, place: '127.0.0.1:30001' },
  { type: 'refused', tenant: 'alice-0', time: 46 * S, answer: { ok: false, code: 'funds', detail: 'found 1 uakt' } },
  {
    type: 'died',
    time: 2_000 * S,
    why: `validator-0 ended with exit code 1: ${'an error that takes long '.repeat(6).trim()}`,
  },
  { type: 'block', height: 80, time: 90 * S },
];

function told(quiet: boolean): { out: string; states: string[] } {
  const states: string[] = [];
  const terminal = recordingTerminal();
  const kept = { ...terminal, status: (text: string) => void (text === '' ? undefined : states.push(text)) };
  const teller = new Teller(kept, { scenario: 'live-failover', horizon: 90 * S, quiet });
  for (const event of EVENTS) teller.onEvent(event);
  return { out: terminal.text().out, states };
}

test('lines with their times, none beyond the width, and a status line', () => {
  const { out, states } = told(false);
  expect(out).toBe(
    [
      'live-failover, live: 1 node, 1 provider, 1 tenant',
      'status page: http://127.0.0.1:41421/',
      'logs until it ends: /tmp/orrery-live-0/2e16915effae',
      '    2 s  the chain makes blocks; demand arrives from now on',
      `   14 s  web answers at ${url} (alice-0)`,
      '   30 s  crash of north-0',
      '   30 s  web does not answer any more (alice-0)',
      `   44 s  web answers at ${url} again, after 14.3s (alice-0)`,
      '   45 s  db is published at 127.0.0.1:30001 and has no page (alice-0)',
      '   46 s  alice-0 was refused: funds: found 1 uakt',
      ' 2000 s  validator-0 ended with exit code 1: an error that takes long an error',
      '         that takes long an error that takes long an error that takes long an',
      '         error that takes long an error that takes long',
      '',
    ].join('\n'),
  );
  expect(states).toEqual([
    '3 processes are being started',
    '1 of 3 have started',
    '13 s of 90 s, block 12',
    'over; all that was started is being ended',
  ]);
});

test('for machines nothing is told', () => {
  expect(told(true)).toEqual({ out: '', states: [] });
});
