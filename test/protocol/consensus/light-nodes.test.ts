/** The light client among several nodes: those that lie are named, and a chain that splits stops it. */

import { describe, expect, test } from 'vitest';
import { faultOfEvidence, offenceOf } from '../../../src/protocol/consensus/evidence.ts';
import type { LightClient, LightClientOptions } from '../../../src/protocol/consensus/light-client.ts';
import type { ValidatorSet } from '../../../src/protocol/consensus/validator-set.ts';
import { clientOf, follow, genesisOf, honest, NOW, type Node, sliding } from './light-follow.ts';
import {
  CHAIN,
  chainOf,
  type Header,
  idOf,
  lightOf,
  numbered,
  optionsWith,
  scheme,
  setOf,
  validator,
} from './light-support.ts';

describe('a lying node is named', () => {
  const sets = sliding(64, 6, 1);
  const chain = chainOf(sets);
  const mine = numbered([5, 5, 5], 'liar ');
  const lie: Node = height => lightOf(height, mine, mine, { appHash: new Uint8Array(32) });

  test('at once, where its block is bad by itself, and another one can be asked', () => {
    const client = clientOf(genesisOf(sets[0]!));
    client.aimAt(64);
    const { header: head } = chain[63]!;
    const bad = { ...chain[63]!, header: { ...head, appHash: new Uint8Array(32) } };
    expect(client.give('liar', bad, NOW)).toMatchObject({
      outcome: 'refused',
      fault: { node: 'liar', height: 64, fault: 'commit' },
    });
    expect(client.needs()).toEqual([{ height: 64, node: null }]);
    expect(follow(client, 'n', honest(chain)).last?.outcome).toBe('reached');
  });

  test('in the end, where its block comes from a set of its own making', () => {
    const client = clientOf(genesisOf(sets[0]!));
    client.aimAt(64);
    expect(client.give('liar', lie(64), NOW).outcome).toBe('going');
    // An honest node leads down to it.
    const { asked, last } = follow(client, 'n', honest(chain));
    expect(last).toMatchObject({ outcome: 'refused', fault: { node: 'liar', height: 64, fault: 'validators' } });
    expect(asked.at(-1)).toBe(63);
    expect(follow(client, 'n', honest(chain)).last?.outcome).toBe('reached');
    expect(idOf(client.header(64)!)).toBe(idOf(chain[63]!.header));
  });

  test('where all of its blocks do, soon', () => {
    const client = clientOf(genesisOf(sets[0]!));
    client.aimAt(64);
    const { asked, last } = follow(client, 'liar', lie);
    expect(last).toMatchObject({ outcome: 'refused', fault: { node: 'liar', height: 1, fault: 'validators' } });
    expect(asked).toEqual([64, 32, 16, 8, 4, 2, 1]);
    expect(client.latest?.height).toBe(0);
    // Nothing of it is left waiting.
    expect(client.needs()).toEqual([{ height: 64, node: null }]);
  });

  test('and one that answers no more is let go of', () => {
    const client = clientOf(genesisOf(sets[0]!));
    client.aimAt(64);
    client.give('mute', chain[63]!, NOW);
    expect(client.needs()).toEqual([{ height: 32, node: null }]);
    client.drop('mute');
    expect(client.needs()).toEqual([{ height: 64, node: null }]);
  });
});

describe('several nodes', () => {
  const sets = sliding(64, 6, 1);
  const chain = chainOf(sets);
  const mine = numbered([5, 5, 5], 'liar ');

  /** A client that reached height 64 by an honest node, with all it passed on the way. */
  function reached(over: Partial<LightClientOptions<Header>> = {}): LightClient<Header> {
    const client = clientOf(genesisOf(sets[0]!), over);
    client.aimAt(64);
    expect(follow(client, 'first', honest(chain)).last?.outcome).toBe('reached');
    return client;
  }

  test('agree on a header, each counted once', () => {
    const client = reached();
    for (const name of ['second', 'second', 'third']) expect(client.give(name, chain[63]!, NOW).outcome).toBe('agreed');
    expect(client.confirmations(64)).toEqual(['first', 'second', 'third']);
    expect(client.needs()).toEqual([]);
  });

  test('of which one makes up a header: it is examined by its own blocks, and named', () => {
    for (const mode of ['skipping', 'sequential'] as const) {
      const client = reached({ mode });
      const made = lightOf(64, mine, mine);
      expect(client.give('liar', made, NOW).outcome).toBe('going');
      expect(client.needs()).toEqual([{ height: 32, node: 'liar' }]);
      // What others say of that height is not its answer.
      if (client.header(32) !== undefined) expect(client.give('second', chain[31]!, NOW).outcome).toBe('agreed');
      expect(client.needs()).toEqual([{ height: 32, node: 'liar' }]);
      const { last } = follow(client, 'liar', height => (height === 64 ? made : chain[height - 1]!));
      expect(last).toMatchObject({ outcome: 'refused', fault: { node: 'liar', height: 64, fault: 'validators' } });
      expect([client.divergence, client.needs()]).toEqual([null, []]);
      expect(client.confirmations(64)).toEqual(['first']);
    }
  });

  test('of which one has a header that is bad by itself: it is named at once', () => {
    const client = reached();
    const few = lightOf(64, sets[63]!, sets[64]!, { appHash: new Uint8Array(32) }, place => place < 3);
    expect(client.give('liar', few, NOW)).toMatchObject({
      outcome: 'refused',
      fault: { node: 'liar', fault: 'commit' },
    });
    const malformed = { ...chain[63]!, header: { ...chain[63]!.header, appHash: new Uint8Array(1) } };
    expect(client.give('liar', malformed, NOW)).toMatchObject({ outcome: 'refused', fault: { fault: 'malformed' } });
  });

  test('of which one is examined already is not examined twice, and may be dropped', () => {
    const client = reached();
    const made = lightOf(64, mine, mine);
    client.give('liar', made, NOW);
    expect(client.give('liar', made, NOW).outcome).toBe('ignored');
    expect(client.needs()).toHaveLength(1);
    client.drop('liar');
    expect(client.needs()).toEqual([]);
  });

  test('of which many lie at once are examined within bounds', () => {
    const client = reached();
    const made = lightOf(64, mine, mine);
    const outcomes = Array.from({ length: 40 }, (_, i) => client.give(`liar ${i}`, made, NOW).outcome);
    expect(outcomes.filter(one => one === 'going')).toHaveLength(16);
    expect(outcomes.at(-1)).toBe('ignored');
  });

  test('dispute what is too old to be decided', () => {
    const client = reached();
    // Everything that is believed has expired but the newest.
    const now = chain[63]!.header.time + optionsWith().trustingPeriod - 1;
    expect(client.give('other', lightOf(64, mine, mine), now).outcome).toBe('disputed');
    expect(client.divergence).toBeNull();
  });
});

describe('a chain that splits', () => {
  const set = numbered([4, 3, 2, 1]);
  const chain = chainOf(new Array<ValidatorSet>(41).fill(set));
  const other = (round: number) => lightOf(40, set, set, { appHash: new Uint8Array(32) }, () => true, round);

  function reached(): LightClient<Header> {
    const client = clientOf(genesisOf(set));
    client.aimAt(40);
    follow(client, 'first', honest(chain));
    client.give('second', chain[39]!, NOW);
    return client;
  }

  test('stops the client, with both headers and those who signed both', () => {
    const client = reached();
    const theirs = other(0);
    expect(client.give('third', theirs, NOW).outcome).toBe('diverged');
    const found = client.divergence!;
    expect(found).toMatchObject({
      height: 40,
      ours: chain[39]!,
      theirs,
      ourNodes: ['first', 'second'],
      theirNode: 'third',
    });
    expect(found.evidence.map(one => offenceOf(one).validator)).toEqual(set.members.map(one => one.address));
    for (const one of found.evidence) expect(faultOfEvidence(CHAIN, one, set, scheme)).toBeNull();
    client.aimAt(41);
    expect(client.needs()).toEqual([]);
    expect(client.give('first', chain[39]!, NOW).outcome).toBe('diverged');
  });

  test('in different rounds leaves nobody accused', () => {
    const client = reached();
    expect(client.give('third', other(1), NOW).outcome).toBe('diverged');
    expect(client.divergence?.evidence).toEqual([]);
  });

  test('long ago is found by the way of the other, even where we are the deceived', () => {
    // A third and more of the first set signed for a set of their own; the honest chain goes on elsewhere.
    const sets = sliding(64, 6, 1);
    const real = chainOf(sets);
    const bad = ['s4', 's5', 's6'];
    const fake = setOf(Object.fromEntries([...bad, 'x1'].map(name => [name, 1])));
    const fork = lightOf(3, fake, fake, { appHash: new Uint8Array(32) });
    const end = lightOf(64, fake, fake, { appHash: new Uint8Array(32) });
    const client = clientOf(genesisOf(sets[0]!));
    client.aimAt(2);
    follow(client, 'deceiver', honest(real));
    client.aimAt(64);
    const deceiver: Node = height =>
      height === 64 ? end : height === 3 ? fork : lightOf(height, fake, fake, { appHash: new Uint8Array(32) });
    expect(follow(client, 'deceiver', deceiver).last?.outcome).toBe('reached');
    expect(idOf(client.header(64)!)).toBe(idOf(end.header));
    expect(client.give('honest', real[63]!, NOW).outcome).toBe('going');
    expect(follow(client, 'honest', honest(real)).last?.outcome).toBe('diverged');
    expect(client.divergence).toMatchObject({ theirNode: 'honest', ourNodes: ['deceiver'] });
    expect(client.divergence!.height).toBeGreaterThan(2);
    const accused = new Set(client.divergence!.evidence.map(one => offenceOf(one).validator));
    for (const one of accused) expect(bad.map(name => validator(name, 1).address)).toContain(one);
  });
});
