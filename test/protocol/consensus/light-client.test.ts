/** The light client as a whole: its ways through changing sets, with honest nodes and against forgers. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ValidatorSet } from '../../../src/protocol/consensus/validator-set.ts';
import { clientOf, follow, genesisOf, honest, NOW, type Node, sliding } from './light-follow.ts';
import { chainOf, idOf, lightOf, numbered, SECOND, setOf } from './light-support.ts';

describe('following', () => {
  test('a set that never changes takes one step', () => {
    const chain = chainOf(new Array<ValidatorSet>(201).fill(numbered([4, 3, 2, 1])));
    const client = clientOf(genesisOf(numbered([4, 3, 2, 1])));
    expect(client.aimAt(200)).toBe(true);
    expect(client.needs()).toEqual([{ height: 200, node: null }]);
    const { asked, last } = follow(client, 'n', honest(chain));
    expect([asked, last?.outcome, last?.headers]).toEqual([[200], 'reached', [chain[199]!.header]]);
    expect([client.latest?.height, client.aim, client.needs()]).toEqual([200, null, []]);
    expect(client.header(200)).toBe(chain[199]!.header);
    expect(client.block(200)).toBe(chain[199]!);
    expect(client.header(199)).toBeUndefined();
    expect(client.confirmations(200)).toEqual(['n']);
  });

  test('a set that changes entirely over time is followed by bisection', () => {
    const sets = sliding(64, 6, 1);
    const chain = chainOf(sets);
    const client = clientOf(genesisOf(sets[0]!));
    client.aimAt(64);
    const { asked, last } = follow(client, 'n', honest(chain));
    expect(last?.outcome).toBe('reached');
    expect(idOf(client.header(64)!)).toBe(idOf(chain[63]!.header));
    expect(asked.slice(0, 6)).toEqual([64, 32, 16, 8, 4, 12]);
    expect(asked.length).toBeLessThan(40);
    // No two consecutive believed headers are further apart than a third of the set stays.
    let before = 0;
    for (let height = 1; height <= 64; height++) {
      if (client.header(height) === undefined) continue;
      expect(height - before).toBeLessThanOrEqual(4);
      before = height;
    }
  });

  test('a set that is another one at each height is followed height by height', () => {
    const sets = sliding(20, 4, 4);
    const client = clientOf(genesisOf(sets[0]!));
    client.aimAt(20);
    const { last } = follow(client, 'n', honest(chainOf(sets)));
    expect(last?.outcome).toBe('reached');
    for (let height = 1; height <= 20; height++) expect(client.header(height)?.height).toBe(height);
  });

  test('in sequence asks for each height once', () => {
    const sets = sliding(20, 4, 1);
    const client = clientOf(genesisOf(sets[0]!), { mode: 'sequential' });
    client.aimAt(20);
    expect(follow(client, 'n', honest(chainOf(sets))).asked).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(client.latest?.height).toBe(20);
  });

  test('begins at a block whose id is known, and does not go below', () => {
    const sets = sliding(30, 6, 1);
    const chain = chainOf(sets);
    const client = clientOf({ height: 10, value: idOf(chain[9]!.header) });
    expect(client.latest).toBeNull();
    expect(client.aimAt(9)).toBe(false);
    expect(client.aimAt(25)).toBe(true);
    expect(client.needs()).toEqual([{ height: 10, node: null }]);
    expect(client.give('liar', lightOf(10, sets[9]!, sets[9]!), NOW)).toMatchObject({
      outcome: 'refused',
      fault: { node: 'liar', fault: 'root' },
    });
    expect(client.give('n', chain[10]!, NOW).outcome).toBe('ignored');
    expect(client.give('n', chain[9]!, 5_000 * SECOND).outcome).toBe('expired');
    const { asked, last } = follow(client, 'n', honest(chain));
    expect([asked[0], asked[1], last?.outcome, client.latest?.height]).toEqual([10, 25, 'reached', 25]);
    expect(client.aimAt(9)).toBe(false);
    expect(client.aimAt(10)).toBe(true);
    expect(client.needs()).toEqual([]);
    const again = clientOf({ height: 10, value: idOf(chain[9]!.header) });
    expect(again.give('n', chain[9]!, NOW).outcome).toBe('reached');
  });

  test('goes back between what it knows, and on from there', () => {
    const sets = sliding(40, 40, 1);
    const chain = chainOf(sets);
    const client = clientOf(genesisOf(sets[0]!));
    for (const height of [20, 10, 15, 40]) {
      expect(client.aimAt(height)).toBe(true);
      const { last } = follow(client, 'n', honest(chain));
      expect([last?.outcome, client.header(height)]).toEqual(['reached', chain[height - 1]!.header]);
    }
    expect(client.latest?.height).toBe(40);
  });

  test('keeps no more headers than it may, and the highest of them', () => {
    const sets = sliding(50, 4, 1);
    const client = clientOf(genesisOf(sets[0]!), { mode: 'sequential', capacity: 7 });
    client.aimAt(50);
    follow(client, 'n', honest(chainOf(sets)));
    const kept = Array.from({ length: 50 }, (_, i) => i + 1).filter(height => client.header(height) !== undefined);
    expect(kept).toEqual([44, 45, 46, 47, 48, 49, 50]);
    expect(client.aimAt(43)).toBe(false);
  });

  test('ends where trust has run out', () => {
    const set = numbered([1, 1, 1]);
    const chain = chainOf(new Array<ValidatorSet>(11).fill(set));
    const client = clientOf(genesisOf(set));
    client.aimAt(10);
    expect(client.give('n', chain[9]!, 1_000 * SECOND)).toMatchObject({ outcome: 'expired', fault: null });
    expect([client.latest?.height, client.aim, client.needs()]).toEqual([0, null, []]);
  });

  test('takes nothing that it did not ask for', () => {
    const set = numbered([1, 1, 1]);
    const chain = chainOf(new Array<ValidatorSet>(11).fill(set));
    const client = clientOf(genesisOf(set));
    expect(client.give('n', chain[4]!, NOW).outcome).toBe('ignored');
    client.aimAt(10);
    expect(client.give('n', chain[4]!, NOW).outcome).toBe('ignored');
    const odd = { ...chain[9]!, header: { ...chain[9]!.header, height: Number.NaN } };
    expect(client.give('n', odd, NOW).outcome).toBe('ignored');
    expect(client.latest?.height).toBe(0);
  });

  test('refuses options that make no sense', () => {
    const root = genesisOf(numbered([1]));
    for (const over of [
      { trustLevel: { numerator: 1, denominator: 4 } },
      { trustLevel: { numerator: 4, denominator: 3 } },
      { trustLevel: { numerator: 1, denominator: 0 } },
      { trustLevel: { numerator: 0.5, denominator: 1 } },
      { trustingPeriod: 0 },
      { clockDrift: -1 },
      { capacity: 1 },
    ]) {
      expect(() => clientOf(root, over)).toThrow(RangeError);
    }
    expect(() => clientOf(root).aimAt(0)).toThrow(RangeError);
    expect(() => clientOf(root).aimAt(1.5)).toThrow(RangeError);
  });
});

describe('any history of sets', () => {
  const change = fc.array(fc.tuple(fc.nat(11), fc.integer({ min: 0, max: 9 })), { maxLength: 3 });
  const history = fc.array(change, { minLength: 1, maxLength: 40 });

  /** Sets that follow from changes of powers; the last member never leaves. */
  function setsOf(changes: readonly (readonly (readonly [number, number])[])[]): ValidatorSet[] {
    const powers = new Map<string, number>([0, 1, 2, 3].map(i => [`h${i}`, 3]));
    const sets = [setOf(Object.fromEntries(powers))];
    for (const some of changes) {
      for (const [who, power] of some) {
        if (power > 0) powers.set(`h${who}`, power);
        else if (powers.size > 1) powers.delete(`h${who}`);
      }
      sets.push(setOf(Object.fromEntries(powers)));
    }
    return sets;
  }

  test('is followed to the true header, in either mode and at any trust level', () => {
    fc.assert(
      fc.property(
        history,
        fc.nat(1_000),
        fc.constantFrom('skipping' as const, 'sequential' as const),
        fc.integer({ min: 4, max: 12 }),
        (changes, at, mode, twelfths) => {
          const sets = setsOf(changes);
          const chain = chainOf(sets);
          const client = clientOf(genesisOf(sets[0]!), { mode, trustLevel: { numerator: twelfths, denominator: 12 } });
          const aims = [1 + (at % chain.length), chain.length];
          for (const aim of aims) {
            client.aimAt(aim);
            const { asked } = follow(client, 'n', honest(chain));
            expect(new Set(asked).size).toBe(asked.length);
            expect(idOf(client.header(aim)!)).toBe(idOf(chain[aim - 1]!.header));
          }
          for (let h = 1; h <= chain.length; h++) {
            const known = client.header(h);
            if (known !== undefined) expect(idOf(known)).toBe(idOf(chain[h - 1]!.header));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('is not left for a forged one by nodes that lie with less than a third, and none but they are named', () => {
    let named = 0;
    fc.assert(
      fc.property(
        history,
        fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
        fc.nat(2),
        (changes, turns, kind) => {
          const sets = setsOf(changes);
          const chain = chainOf(sets);
          const mine = numbered([9, 9], 'liar ');
          /** Forgeries: a set of its own, the true set without its signatures, the true set signed by too few. */
          const lie: Node = height => {
            const true_ = chain[height - 1]!;
            const head = { appHash: new Uint8Array(32), time: true_.header.time };
            if (kind === 0) return lightOf(height, mine, mine, head);
            if (kind === 1) return { ...true_, header: { ...true_.header, ...head } };
            let power = 0;
            const set = sets[height - 1]!;
            return lightOf(height, set, sets[height]!, head, (_, one) => {
              if (3 * (power + one.power) >= set.totalPower) return false;
              power += one.power;
              return true;
            });
          };
          const client = clientOf(genesisOf(sets[0]!));
          client.aimAt(chain.length);
          for (let i = 0; i < 500 && client.aim !== null; i++) {
            const { height } = client.needs()[0]!;
            const isLie = turns[i] ?? false;
            const { fault } = client.give(isLie ? 'liar' : 'n', isLie ? lie(height) : chain[height - 1]!, NOW);
            if (fault === null) continue;
            expect(fault.node).toBe('liar');
            named++;
          }
          expect(client.aim).toBeNull();
          expect(client.divergence).toBeNull();
          for (let h = 1; h <= chain.length; h++) {
            const known = client.header(h);
            if (known !== undefined) expect(idOf(known)).toBe(idOf(chain[h - 1]!.header));
          }
        },
      ),
      { numRuns: 150 },
    );
    expect(named).toBeGreaterThan(50);
  });
});
