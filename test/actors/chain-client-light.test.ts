import { describe, expect, test } from 'vitest';
import type { HeaderMessage, Wire } from '../../src/actors/wire.ts';
import { headerHash } from '../../src/protocol/chain/block.ts';
import { accountLeaf } from '../../src/protocol/chain/leaf-shapes.ts';
import { keyedHashScheme } from '../../src/protocol/codec/signature.ts';
import { decode, encode } from '../../src/protocol/codec/struct.ts';
import { type Commit, valueIdOf, voteOfCommit, voteSignBytes } from '../../src/protocol/consensus/types.ts';
import type { Lies } from '../support/lying-node.ts';
import { keysOf } from '../support/validator-net.ts';
import { WatchedNet } from '../support/watcher.ts';

const SECOND = 1_000_000;
/** From when on a liar lies: it has been believed until then. */
const FROM = 10 * SECOND;
const LONG = 60 * SECOND;
/** A block that is not proven yet, and one that is on its way. */
const ON_THE_WAY = 3;

/** A lie about headers with events, told from a time on. */
function aboutHeaders(change: (message: HeaderMessage) => Wire | null): Lies {
  return {
    says: (message, now) => {
      const hasEvents = message.type === 'header' && message.batches.some(one => one.events.length > 0);
      return hasEvents && now >= FROM ? change(message) : message;
    },
  };
}

function withoutEvents(message: HeaderMessage): HeaderMessage {
  return { ...message, batches: message.batches.map(one => ({ ...one, events: [] })) };
}

/** A header that says something else, signed by the liar alone. */
function forged(message: HeaderMessage): HeaderMessage {
  const header = { ...message.header, events: new Uint8Array(32).fill(7) };
  const value = valueIdOf(headerHash(header));
  const keys = keysOf('validator-0');
  const commit: Commit = { ...message.commit, value };
  const signatures = commit.signatures.map(one => {
    const bytes = voteSignBytes('net', voteOfCommit({ ...commit, value }, one));
    return { ...one, signature: keyedHashScheme.sign(keys, bytes) };
  });
  return { ...message, header, commit: { ...commit, signatures } };
}

function withNonce(bytes: Uint8Array | null): Uint8Array {
  if (bytes === null) throw new Error('an account that should be there is not');
  const leaf = decode(accountLeaf, bytes);
  return encode(accountLeaf, { ...leaf, nonce: leaf.nonce + 5 });
}

/** Told all there was, once, in order; what it sent stands in blocks; nothing was lost with a liar. */
function expectTheTruth(watched: WatchedNet, from = 1): void {
  const to = watched.height - ON_THE_WAY;
  expect(to).toBeGreaterThan(from + 15);
  expect(watched.toldOf(from, to)).toEqual(watched.truth(from, to));
  expect(watched.refused).toEqual([]);
}

describe('a light client', () => {
  test('is told all that happened in its topics, and nothing else', () => {
    const watched = new WatchedNet({ clients: 'light' }).run(LONG);
    expectTheTruth(watched);
    expect(watched.dropped).toEqual([]);
    expect(watched.metric('client/node-changed')).toEqual([]);
    expect(watched.transfers(watched.height).length).toBeGreaterThan(15);
  });

  test('that starts late skips what was before, and misses nothing from there', () => {
    const watched = new WatchedNet({ clients: 'light', watchFrom: 30 * SECOND }).run(2 * LONG);
    const first = Number(watched.told[0]?.split(' ', 1)[0]);
    expect(first).toBeGreaterThan(10);
    expectTheTruth(watched, first);
    expect(watched.dropped).toEqual([]);
  });

  test('that was down starts from what it trusted last, and takes up its account', () => {
    const faults = [{ kind: 'crash' as const, target: 'watcher', at: 30 * SECOND, for: 20 * SECOND }];
    const watched = new WatchedNet({ clients: 'light', faults }).run(2 * LONG);
    const resumed = Number(watched.told.find(one => Number(one.split(' ', 1)[0]) > 40)?.split(' ', 1)[0]);
    expectTheTruth(watched, resumed);
    expect(watched.ready.length).toBe(2);
  });

  const lies: Record<string, { readonly lies: Lies; readonly reason: RegExp }> = {
    'withholds events': { lies: aboutHeaders(withoutEvents), reason: /^validator-0: not the events of account/ },
    'leaves topics out': {
      lies: aboutHeaders(message => ({ ...message, batches: message.batches.slice(0, 1) })),
      reason: /^validator-0: 1 topics of block \d+, not 3/,
    },
    'withholds the last event of a topic': {
      lies: aboutHeaders(message => ({
        ...message,
        batches: message.batches.map(one => ({ ...one, events: one.events.slice(0, -1) })),
      })),
      reason: /^validator-0: not the events of account/,
    },
    'makes up an event': {
      lies: aboutHeaders(message => ({
        ...message,
        batches: message.batches.map(one => ({
          ...one,
          events: [
            ...one.events,
            { type: 'DeploymentClosed', deployment: '1/1', tenant: 'x', reason: 'tenant' } as const,
          ],
        })),
      })),
      reason: /^validator-0: not the events of account/,
    },
    'forges an account': {
      lies: {
        says: message =>
          message.type === 'answer' && message.answer.what === 'leaf' && message.answer.value.leaf !== 'params'
            ? {
                ...message,
                answer: {
                  ...message.answer,
                  value: { ...message.answer.value, bytes: withNonce(message.answer.value.bytes) },
                },
              }
            : message,
      },
      reason: /^validator-0: not the leaf account/,
    },
    'forges the account after a block': {
      lies: {
        says: (message, now) =>
          message.type === 'header' && now >= FROM
            ? { ...message, leaves: message.leaves.map(one => ({ ...one, bytes: withNonce(one.bytes) })) }
            : message,
      },
      reason: /^validator-0: not the account after/,
    },
    'signs a header alone': { lies: aboutHeaders(forged), reason: /^validator-0: header \d+: the signature of/ },
    'signs a header with too few': {
      lies: aboutHeaders(message => ({
        ...message,
        commit: { ...message.commit, signatures: message.commit.signatures.slice(0, 2) },
      })),
      reason: /^validator-0: header \d+: a power of 20 out of 40 signed/,
    },
    'answers without a proof': {
      lies: {
        says: message =>
          message.type === 'answer'
            ? { type: 'answer', answer: { what: 'account', value: { address: 'x', nonce: 9, balance: 0n } } }
            : message,
      },
      reason: /^validator-0: an answer without proof/,
    },
    'falls silent': {
      lies: { says: (message, now) => (message.type === 'header' && now >= FROM ? null : message) },
      reason: /^validator-0: it tells nothing new/,
    },
    'tells an old chain over and over': {
      lies: {
        says: (() => {
          const old: Wire[] = [];
          return (message: Wire, now: number) => {
            if (message.type !== 'header') return message;
            if (now < FROM) old.push(message);
            return now < FROM ? message : (old[message.header.height % old.length] as Wire);
          };
        })(),
      },
      reason: /^validator-0: it tells nothing new/,
    },
    'never answers': {
      lies: { says: message => (message.type === 'answer' ? null : message) },
      reason: /^validator-0: it does not answer/,
    },
  };
  for (const [what, { lies: first, reason }] of Object.entries(lies)) {
    test(`drops a node that ${what}, and loses nothing`, () => {
      const watched = new WatchedNet({ clients: 'light', lies: { 0: first } }).run(2 * LONG);
      expect(watched.dropped).toHaveLength(1);
      expect(watched.dropped[0]).toMatch(reason);
      expectTheTruth(watched);
      expect(watched.transfers(watched.height).length).toBeGreaterThan(30);
    });
  }

  test('finds with another node the block that its node passes over', () => {
    const passed = aboutHeaders(message => (message.header.height === 14 ? null : message));
    const watched = new WatchedNet({ clients: 'light', lies: { 0: passed } }).run(LONG);
    expect(watched.metric('client/node-changed')).toEqual(['validator-0: it does not know the next block any more']);
    expectTheTruth(watched);
  });

  test('drops a witness that shows another chain than it can prove', () => {
    const says = (message: Wire): Wire =>
      message.type === 'light' && message.block !== null
        ? {
            ...message,
            block: { ...message.block, header: { ...message.block.header, time: message.block.header.time + 1 } },
          }
        : message;
    const watched = new WatchedNet({ clients: 'light', lies: { 1: { says } } }).run(LONG);
    expect(watched.dropped).toHaveLength(1);
    expect(watched.dropped[0]).toMatch(/^validator-1: header \d+: a commit for/);
    expectTheTruth(watched);
  });

  test('goes to another node when its own passes no transaction on', () => {
    const hears = (message: Wire): boolean => message.type !== 'submit';
    const watched = new WatchedNet({ clients: 'light', lies: { 0: { hears } } }).run(2 * LONG);
    expect(watched.metric('client/node-changed')[0]).toMatch(/^validator-0: blocks without a transaction/);
    expectTheTruth(watched);
    expect(watched.transfers(watched.height).length).toBeGreaterThan(30);
  });

  test('hears a second node before it takes a refusal for one', () => {
    const hears = (message: Wire): boolean | Wire => {
      if (message.type !== 'submit') return true;
      const { account, nonce } = message.tx.body;
      return { type: 'refused', account, nonce, code: 'no_fee', detail: 'a lie' };
    };
    const watched = new WatchedNet({ clients: 'light', lies: { 0: { hears } } }).run(2 * LONG);
    expect(watched.metric('client/node-changed')).toEqual(['validator-0: it refused a transaction: no_fee']);
    expectTheTruth(watched);
    expect(watched.transfers(watched.height).length).toBeGreaterThan(30);
  });

  test('gets past two of its nodes that are dead without a word', () => {
    const faults = [0, 1].map(i => ({
      kind: 'crash' as const,
      target: `validator-${i}`,
      at: 20 * SECOND,
      for: LONG,
      silent: true,
    }));
    // The dead have little power, so that the chain goes on without them.
    const watched = new WatchedNet({ clients: 'light', stakes: [1, 1, 10, 10], faults }).run(2 * LONG);
    const inTime = watched.ready.filter(height => height > 20);
    expect(inTime.length).toBeGreaterThan(0);
    expect(watched.told.length).toBeGreaterThan(0);
    expectTheTruth(watched);
    expect(Math.max(...watched.delays)).toBeLessThan(45 * SECOND);
  });

  test('lives through all of its nodes but one lying', () => {
    const watched = new WatchedNet({
      clients: 'light',
      lies: { 0: aboutHeaders(withoutEvents), 1: aboutHeaders(forged), 2: aboutHeaders(withoutEvents) },
    }).run(2 * LONG);
    expect(watched.dropped).toHaveLength(3);
    expectTheTruth(watched);
  });
});

describe('a trusting client', () => {
  test('believes a node that withholds events', () => {
    const says = (message: Wire, now: number): Wire =>
      message.type === 'events' && now >= FROM ? { ...message, events: [] } : message;
    const watched = new WatchedNet({ clients: 'trusting', lies: { 0: { says } } }).run(LONG);
    const to = watched.height - ON_THE_WAY;
    expect(watched.truth(15, to).length).toBeGreaterThan(30);
    expect(watched.toldOf(15, to)).toEqual([]);
  });

  test('believes a node that makes up its nonce, and gets nothing into a block', () => {
    const says = (message: Wire): Wire =>
      message.type === 'answer' && message.answer.what === 'account'
        ? { ...message, answer: { ...message.answer, value: { ...message.answer.value, nonce: 5 } } }
        : message;
    const watched = new WatchedNet({ clients: 'trusting', lies: { 0: { says } } }).run(LONG);
    expect(watched.transfers(watched.height)).toEqual([]);
  });

  test('takes a refusal at its word', () => {
    const hears = (message: Wire): boolean | Wire => {
      if (message.type !== 'submit') return true;
      const { account, nonce } = message.tx.body;
      return { type: 'refused', account, nonce, code: 'no_fee', detail: 'a lie' };
    };
    const watched = new WatchedNet({ clients: 'trusting', lies: { 0: { hears } } }).run(LONG);
    expect(watched.refused.length).toBeGreaterThan(10);
  });
});
