/**
 * MARKET rules, section 2, Facilitation: every block begins with exactly the first min(maxFacilitation, n) of what is
 * due for the parent state, in order of due height, then creation; anything else makes the block invalid.
 */
import { describe, expect, test } from 'vitest';
import { type Block, contentRoot } from '../../../src/protocol/chain/block.ts';
import { InvalidBlock } from '../../../src/protocol/chain/chain.ts';
import { dueFacilitation } from '../../../src/protocol/market/facilitation.ts';
import type { Facilitation } from '../../../src/protocol/model/messages.ts';
import { bid, type ChainDriver, confirmation, infrastructure, UAKT_PER_S } from '../../support/chain-driver.ts';
import {
  activeLease,
  addressOfName,
  closing,
  deploymentIdOf,
  hashOfState,
  leavesOf,
  market,
  order,
  pendingLease,
  SECOND,
} from '../support.ts';

type Doctoring = (due: readonly Facilitation[]) => readonly Facilitation[];

/** The next block with other facilitation, and a content root that fits it. */
function doctored(d: ChainDriver, change: Doctoring): Block {
  const block = d.chain.makeBlock(d.time + SECOND, addressOfName('validator'), []);
  const facilitation = change(block.facilitation);
  return { ...block, facilitation, header: { ...block.header, content: contentRoot(facilitation, []) } };
}

/** Three orders of one deployment, bids by ann (lower) and bob on each: three matches are due in the next block. */
function threeDue(params = {}): [ChainDriver, string[]] {
  const d = market({ params });
  const ids = d.deploy('tom', {
    infrastructure: [infrastructure(), infrastructure(), infrastructure()],
    waitDuration: 2,
  });
  for (const id of ids) {
    d.send('ann', bid(d.order(id), 100n));
    d.send('bob', bid(d.order(id), 200n));
  }
  d.block();
  return [d, ids];
}
const match = (id: string, name: string): Facilitation => ({
  type: 'SubmitLease',
  order: id,
  fulfillment: `${id}/${addressOfName(name)}/0`,
});
const what = (list: readonly Facilitation[]) =>
  list.map(one => ('order' in one ? one.order : 'lease' in one ? one.lease : one.deployment));

describe('2 Facilitation mandatory: exactly what is due', () => {
  const wrong: Record<string, Doctoring> = {
    'one less, from the end': due => due.slice(0, -1),
    'one less, from the beginning': due => due.slice(1),
    none: () => [],
    'one more: the same again': due => [...due, due[2]!],
    'another order': ([first, second, third]) => [second!, first!, third!],
    'a wrong winner': ([first, second, third]) => [
      {
        ...first!,
        fulfillment: (first as { fulfillment: string }).fulfillment.replace(addressOfName('ann'), addressOfName('bob')),
      } as Facilitation,
      second!,
      third!,
    ],
    'a close instead of a match': ([first, second, third]) => [
      { type: 'CloseOrder', order: (first as { order: string }).order, reason: 'expired' },
      second!,
      third!,
    ],
  };
  for (const [name, change] of Object.entries(wrong)) {
    test(`${name}: InvalidBlock, and nothing has happened`, () => {
      const [d] = threeDue();
      const before = hashOfState(d.state);
      const root = d.chain.appHash;
      expect(() => d.apply(doctored(d, change))).toThrow(InvalidBlock);
      expect([hashOfState(d.state), d.height, d.chain.appHash]).toEqual([before, 2, root]);
      d.block();
      expect(d.state.leases.size).toBe(3);
    });
  }

  test('what is due and nothing else is accepted', () => {
    const [d, ids] = threeDue();
    d.apply(doctored(d, () => ids.map(id => match(id, 'ann'))));
    expect(d.state.leases.size).toBe(3);
  });

  test('what is not due yet makes the block invalid', () => {
    const d = market();
    const id = order(d, {}, { waitDuration: 3 });
    d.must('ann', bid(d.order(id), 5n));
    expect(() => d.apply(doctored(d, () => [match(id, 'ann')]))).toThrow(InvalidBlock);
    const lease = activeLease(d);
    expect(() => d.apply(doctored(d, () => [{ type: 'SubmitStaleLease', lease }]))).toThrow(InvalidBlock);
    expect(() => d.apply(doctored(d, () => [{ type: 'CloseExhausted', deployment: deploymentIdOf(lease) }]))).toThrow(
      InvalidBlock,
    );
    d.must('tom', closing(lease));
    expect(() => d.apply(doctored(d, () => [{ type: 'DeploymentClosed', deployment: deploymentIdOf(lease) }]))).toThrow(
      InvalidBlock,
    );
    expect(() => d.apply(doctored(d, () => [{ type: 'ExpireReset', lease }]))).toThrow(InvalidBlock);
  });

  test('a proposer takes no last look: a bid in the block of the match comes too late', () => {
    const [d, ids] = threeDue();
    d.send('cal', bid(d.order(ids[0]!), 1n));
    expect(d.block().receipts.map(one => one.code)).toEqual(['', '', '', 'order_not_open']);
    expect(d.name(d.lease(ids[0]!).provider)).toBe('ann');
  });
});

describe('2 Facilitation: dueFacilitation is a pure function', () => {
  test('it leaves the state as it found it and says the same again', () => {
    const [d] = threeDue();
    const before = leavesOf(d.state);
    const [height, time, journal] = [d.height, d.time, d.state.journal.length];
    const first = dueFacilitation(d.state, height + 1, time + SECOND);
    expect(dueFacilitation(d.state, height + 1, time + SECOND)).toEqual(first);
    expect(first.due).toHaveLength(3);
    dueFacilitation(d.state, height + 500, time + 500 * SECOND);
    expect(leavesOf(d.state)).toEqual(before);
    expect([d.height, d.time, d.state.journal.length]).toEqual([height, time, journal]);
  });
});

describe('2 Facilitation prefix: the proposer may stop early', () => {
  test.each([0, 1, 2, 3])('after %i of 3', count => {
    const [d, ids] = threeDue({ facilitation: 'prefix' });
    d.apply(doctored(d, due => due.slice(0, count)));
    expect(d.state.leases.sorted().map(one => one.id)).toEqual(ids.slice(0, count));
    // What was left is due in the next block still.
    expect(what(d.chain.facilitationFor(d.time + SECOND))).toEqual(ids.slice(count));
  });

  test('but neither leave out, nor reorder, nor add, nor match otherwise', () => {
    const changes: Doctoring[] = [
      due => due.slice(1),
      ([first, second]) => [second!, first!],
      due => [...due, due[0]!],
      ([first]) => [match((first as { order: string }).order, 'bob')],
    ];
    for (const change of changes) {
      const [d] = threeDue({ facilitation: 'prefix' });
      expect(() => d.apply(doctored(d, change))).toThrow(InvalidBlock);
    }
  });

  test('not before an exhausted escrow is closed: nobody overdraws', () => {
    const d = market({ params: { facilitation: 'prefix' } });
    const lease = activeLease(d, { escrow: 8n });
    d.run(3);
    d.must('ann', confirmation(lease));
    d.run(4);
    expect(() => d.apply(doctored(d, () => []))).toThrow(InvalidBlock);
    d.block();
    expect(d.lease(lease).state).toBe('closing');
  });
});

describe('2 Facilitation: maxFacilitation', () => {
  test.each([1, 2, 3, 256])('%i a block of three that are due', maxFacilitation => {
    const [d, ids] = threeDue({ maxFacilitation });
    const counts = d.run(4).map((_, i) => d.blocks.at(i - 4)?.facilitation.length);
    const expected = [0, 1, 2, 3].map(i => Math.max(0, Math.min(maxFacilitation, 3 - i * maxFacilitation)));
    expect(counts).toEqual(expected);
    expect(d.events('LeaseCreated').map(one => one.lease)).toEqual(ids);
  });

  test('an exhausted deployment takes its due matches with it: nothing else of it is facilitated', () => {
    const d = market();
    const infra = [infrastructure(), infrastructure(), infrastructure()];
    const [active, stale, late] = d.deploy('tom', { infrastructure: infra, waitDuration: 2, escrow: 24n });
    for (const id of [active!, stale!]) d.send('ann', bid(d.order(id), UAKT_PER_S));
    d.run(2);
    d.must('ann', confirmation(active!));
    d.must('bob', bid(d.order(late!), UAKT_PER_S));
    // One long block: the escrow is exhausted in the block in which the third order is due to be matched.
    d.block({ after: 60 * SECOND });
    expect(d.blocks.at(-1)?.facilitation).toEqual([{ type: 'CloseExhausted', deployment: deploymentIdOf(late!) }]);
    expect(d.last.receipts.every(one => one.ok)).toBe(true);
    expect(d.balance('bob')).toBe(1_000_000_000n);
  });

  test('a block with more than the limit is invalid, though all of it is due', () => {
    const [d, ids] = threeDue({ maxFacilitation: 2 });
    expect(() => d.apply(doctored(d, () => ids.map(id => match(id, 'ann'))))).toThrow(InvalidBlock);
  });

  test('exhausted escrows come first and do not count: a block that skipped one would overdraw', () => {
    const d = market({ params: { maxFacilitation: 1 } });
    const first = activeLease(d, { escrow: 8n });
    d.must('tom', { type: 'DepositEscrow', deployment: deploymentIdOf(first), amount: 4n });
    d.run(1);
    const [second] = d.deploy('tom', { waitDuration: 2, escrow: 8n });
    d.must('ann', bid(d.order(second!), UAKT_PER_S));
    d.send('ann', confirmation(first));
    d.block();
    d.must('ann', confirmation(second!));
    // The first pays 12 s, the second 8 s: six seconds later and two more, both are at their end.
    d.block({ after: 60 * SECOND });
    expect(d.blocks.at(-1)?.facilitation).toEqual(
      [first, second!].map(id => ({ type: 'CloseExhausted', deployment: deploymentIdOf(id) })),
    );
    expect([first, second!].map(id => d.lease(id).paid)).toEqual([12n, 8n]);
  });
});

describe('2 Facilitation: in order of due height, then creation', () => {
  test('then creation: two that are due at one height', () => {
    const d = market();
    const older = order(d, {}, { waitDuration: 4 });
    const newer = order(d, {}, { waitDuration: 3 });
    d.send('ann', bid(d.order(newer), 5n));
    d.send('ann', bid(d.order(older), 5n));
    d.block();
    d.block();
    expect(what(d.chain.facilitationFor(d.time + SECOND))).toEqual([older, newer]);
  });

  test('due height first, also against creation', () => {
    const d = market({ params: { maxFacilitation: 1 } });
    const [a, b, c] = [5, 3, 3].map(waitDuration => order(d, {}, { waitDuration })) as [string, string, string];
    // a is due at h+5 = 6, b at 2+3 = 5, c at 3+3 = 6, and c is newer than a.
    for (const id of [a, b, c]) d.send('ann', bid(d.order(id), 5n));
    d.run(4);
    expect(d.events('LeaseCreated').map(one => one.lease)).toEqual([b, a, c]);
  });

  test('all kinds in one order: stale, reset, match, deployment closed', () => {
    const d = market({ params: { resetGrace: 2 } });
    const stale = pendingLease(d); // matched at 3: stale at 12
    d.run(3);
    const reset = activeLease(d, { provider: 'bob' }); // 7 to 10
    expect(d.height).toBe(10);
    const id = order(d, {}, { waitDuration: 3 }); // at 11, due at 14
    d.send('tom', closing(reset)); // at 12: missing at 15
    d.block();
    expect(what(d.blocks.at(-1)!.facilitation)).toEqual([stale]);
    d.must('cal', bid(d.order(id), 5n));
    expect(what(dueFacilitation(d.state, 20, d.time + SECOND).due)).toEqual([id, reset]);
  });

  test('an expiry is due from the first height whose time reaches it: a backlog does not push it behind later ones', () => {
    const d = market({ params: { maxFacilitation: 1 } });
    // Three orders, oldest first. `late` will be due for its match at height 6, when nothing older is left but it.
    const [late, expiring, busy] = d.deploy('tom', {
      infrastructure: [infrastructure(), infrastructure(), infrastructure()],
      waitDuration: 5,
      openFor: 4 * SECOND,
    }) as [string, string, string];
    const [other] = d.deploy('tim', { waitDuration: 3 });
    expect(busy).toBeDefined();
    d.send('ann', bid(d.order(late), 5n));
    d.send('ann', bid(d.order(other!), 5n));
    d.run(2);
    // Height 5, 4 s after the orders of height 1: `expiring` and `busy` are due since then, and tim's match as well.
    expect(d.height).toBe(4);
    expect(what(d.chain.facilitationFor(d.time + SECOND))).toHaveLength(1);
    d.run(4);
    // Due at 5: expiring, busy, other. Due at 6: late. By due height, then creation.
    expect(d.blocks.slice(4).flatMap(one => what(one.facilitation))).toEqual([expiring, busy, other, late]);
  });

  test('what fails in its turn leaves its item due and nothing behind', () => {
    // Ann's stale lease jails it in the same block in which it is due to win: the match fails and is decided anew.
    const d = market({ params: { jailAfterBroken: 1 } });
    pendingLease(d); // at 3: stale at 12
    d.run(6);
    const id = order(d, {}, { waitDuration: 2 }); // at 10, due at 12
    d.send('ann', bid(d.order(id), 5n));
    d.send('bob', bid(d.order(id), 9n));
    d.block();
    const { receipts } = d.block();
    expect(d.height).toBe(12);
    expect(receipts.map(one => one.code)).toEqual(['', 'wrong_match']);
    d.block();
    expect(d.events('LeaseCreated').map(one => d.name(one.provider))).toEqual(['ann', 'bob']);
  });
});
