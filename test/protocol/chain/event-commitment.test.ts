/** A block's commitment to its events: all events of a topic, or that there are none, provably; a withheld one is a gap. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  EventCommitment,
  eventsByTopic,
  type TopicProof,
  verifyTopic,
} from '../../../src/protocol/chain/event-commitment.ts';
import { merkleRoot } from '../../../src/protocol/codec/merkle.ts';
import { decode, encode } from '../../../src/protocol/codec/struct.ts';
import {
  accountTopic,
  bookTopic,
  type Event,
  event,
  PROVIDERS_TOPIC,
  regionTopic,
  topicsOf,
} from '../../../src/protocol/model/events.ts';
import { bid, confirmation } from '../../support/chain-driver.ts';
import { activeLease, addressOfName, market, order } from '../support.ts';

const transferred = (from: string, to: string, amount: bigint): Event => ({ type: 'Transferred', from, to, amount });
/** Topics account/a, account/b, account/c, account/d; b has two events. */
const events: Event[] = [transferred('a', 'b', 1n), transferred('c', 'd', 2n), transferred('b', 'b', 3n)];
const commitment = new EventCommitment(events);
const root = commitment.root();
const topicsIn = (list: readonly Event[]) => eventsByTopic(list);

describe('inclusion', () => {
  test('all events of a topic are shown to be all', () => {
    for (const [topic, list] of topicsIn(events)) {
      expect(verifyTopic(root, topic, list, commitment.prove(topic))).toBe(true);
    }
    expect(topicsIn(events).get(accountTopic('b'))).toEqual([events[0], events[2]]);
  });

  test('a withheld event is caught', () => {
    const proof = commitment.prove(accountTopic('b'));
    for (const list of [[], [events[0]!], [events[2]!]])
      expect(verifyTopic(root, accountTopic('b'), list, proof)).toBe(false);
  });

  test('an added, changed or reordered event is caught', () => {
    const [first, second] = [events[0]!, events[2]!];
    const proof = commitment.prove(accountTopic('b'));
    for (const list of [
      [first, second, second],
      [second, first],
      [first, transferred('b', 'b', 4n)],
      [first, events[1]!],
    ]) {
      expect(verifyTopic(root, accountTopic('b'), list, proof)).toBe(false);
    }
  });

  test("another topic's proof, another place, another root do not do", () => {
    const list = [events[0]!, events[2]!];
    const proof = commitment.prove(accountTopic('b'));
    expect(verifyTopic(root, accountTopic('b'), list, commitment.prove(accountTopic('a')))).toBe(false);
    expect(verifyTopic(root, accountTopic('a'), list, proof)).toBe(false);
    for (const forged of [
      { ...proof, index: 0 },
      { ...proof, size: 2 },
      { ...proof, path: [] },
      { ...proof, path: proof.path.toReversed() },
    ]) {
      expect(verifyTopic(root, accountTopic('b'), list, forged)).toBe(false);
    }
    expect(verifyTopic(new EventCommitment(events.slice(1)).root(), accountTopic('b'), list, proof)).toBe(false);
  });

  test('events of two blocks cannot be run together, nor an event be split', () => {
    // One topic with two events and two topics with one each have different roots.
    const together = new EventCommitment([transferred('a', 'a', 1n), transferred('a', 'a', 2n)]);
    const apart = new EventCommitment([transferred('a', 'a', 1n), transferred('b', 'b', 2n)]);
    expect(together.root()).not.toEqual(apart.root());
  });
});

describe('absence', () => {
  test.each(['a0', 'account/', 'account/a!', 'account/bb', 'account/c0', 'account/e', 'zzz', ''])('of %j', topic => {
    const proof = commitment.prove(topic);
    expect(verifyTopic(root, topic, [], proof)).toBe(true);
    expect(verifyTopic(root, topic, [events[0]!], proof)).toBe(false);
  });

  test('in a block without events', () => {
    const empty = new EventCommitment([]);
    expect(empty.root()).toEqual(merkleRoot([]));
    expect(verifyTopic(empty.root(), 'account/a', [], empty.prove('account/a'))).toBe(true);
    expect(verifyTopic(root, 'account/a', [], empty.prove('account/a'))).toBe(false);
  });

  test('no proof of another topic’s absence shows that of one that is there', () => {
    const there = ['account/a', 'account/b', 'account/c', 'account/d'];
    for (const other of ['account/', 'account/a!', 'account/b!', 'account/c!', 'account/e']) {
      const proof = commitment.prove(other);
      for (const topic of there) expect(verifyTopic(root, topic, [], proof)).toBe(false);
    }
  });

  test('forged proofs are refused: neighbours that are none, ends that are none, sizes that are wrong', () => {
    const proofs = ['a0', 'account/a!', 'account/b!', 'account/c!', 'zzz'].map(topic => commitment.prove(topic));
    const parts = proofs.flatMap(one => [
      { leaf: one.before, path: one.path },
      { leaf: one.after?.leaf ?? null, path: one.after?.path ?? [] },
    ]);
    let refused = 0;
    for (const topic of ['account/a', 'account/b', 'account/c', 'account/d']) {
      for (const left of parts) {
        for (const right of parts) {
          for (let size = 0; size <= 6; size++) {
            for (let index = -1; index <= 4; index++) {
              const after = right.leaf === null ? null : { leaf: right.leaf, path: right.path };
              const forged: TopicProof = { size, index, before: left.leaf, path: left.path, after };
              expect(verifyTopic(root, topic, [], forged)).toBe(false);
              refused += 1;
            }
          }
        }
      }
    }
    expect(refused).toBe(4 * 10 * 10 * 7 * 6);
  });
});

describe('whatever the block', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'é', '\u{1F600}', '\uFF5E');
  test('every topic has one proof and nobody else’s', () => {
    const some = fc.array(fc.tuple(names, names, fc.bigInt({ min: 0n, max: 9n })), { maxLength: 12 });
    fc.assert(
      fc.property(some, names, (list, name) => {
        const all = list.map(([from, to, amount]) => transferred(from, to, amount));
        const made = new EventCommitment(all);
        const topic = accountTopic(name);
        const mine = all.filter(one => topicsOf(one).includes(topic));
        const proof = made.prove(topic);
        expect(verifyTopic(made.root(), topic, mine, proof)).toBe(true);
        if (mine.length > 0) expect(verifyTopic(made.root(), topic, mine.slice(1), proof)).toBe(false);
        else expect(verifyTopic(made.root(), topic, [transferred(name, name, 1n)], proof)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe('on the chain', () => {
  test('the next header has the root, and a subscriber can check what it was sent', () => {
    const d = market();
    const id = order(d, {}, { waitDuration: 50 });
    d.send('ann', bid(d.order(id), 5n));
    d.send('bob', bid(d.order(id), 6n));
    d.block();
    const list = d.last.events;
    d.block();
    const header = d.blocks.at(-1)!.header;
    const made = new EventCommitment(list);
    expect(header.events).toEqual(made.root());
    expect([...eventsByTopic(list).keys()].sort()).toEqual(
      [accountTopic(addressOfName('ann')), accountTopic(addressOfName('bob')), bookTopic('eu')].sort(),
    );
    expect(verifyTopic(header.events, bookTopic('eu'), list, made.prove(bookTopic('eu')))).toBe(true);
    expect(verifyTopic(header.events, bookTopic('eu'), list.slice(0, 1), made.prove(bookTopic('eu')))).toBe(false);
    expect(verifyTopic(header.events, regionTopic('eu'), [], made.prove(regionTopic('eu')))).toBe(true);
    expect(verifyTopic(header.events, PROVIDERS_TOPIC, [], made.prove(PROVIDERS_TOPIC))).toBe(true);
  });

  test('every event of a market reads back from its bytes, and belongs to the topics of its parties', () => {
    const d = market();
    const lease = activeLease(d);
    d.run(3);
    d.must('ann', confirmation(lease));
    d.run(10);
    const all = d.results.flatMap(one => one.events);
    const types = [
      'DeploymentSubmitted',
      'OrderOpened',
      'FulfillmentPlaced',
      'LeaseCreated',
      'LeaseActive',
      'LeasePaid',
      'LeaseConfirmed',
      'LeaseBroken',
    ];
    expect([...new Set(all.map(one => one.type))]).toEqual(types);
    for (const one of all) {
      expect(decode(event, encode(event, one))).toEqual(one);
      expect(new Set(topicsOf(one)).size).toBe(topicsOf(one).length);
      if ('provider' in one && 'tenant' in one)
        expect(topicsOf(one)).toEqual(expect.arrayContaining([accountTopic(one.provider), accountTopic(one.tenant)]));
    }
  });
});
