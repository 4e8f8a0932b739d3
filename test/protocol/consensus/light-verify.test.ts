/** Believing one light block because of another: each way to forge one is refused, and for its own reason. */

import { describe, expect, test } from 'vitest';
import {
  type Header as ChainHeader,
  header as chainHeader,
  headerHash,
  NO_HASH,
} from '../../../src/protocol/chain/block.ts';
import { decode, encode } from '../../../src/protocol/codec/struct.ts';
import { commitOf } from '../../../src/protocol/consensus/commit.ts';
import {
  type LightFault,
  lightBlock,
  lightBlockOf,
  type Trusted,
  type Verdict,
  verify,
  verifyRoot,
} from '../../../src/protocol/consensus/light-block.ts';
import { valueIdOf } from '../../../src/protocol/consensus/types.ts';
import { ValidatorSet } from '../../../src/protocol/consensus/validator-set.ts';
import {
  commitFor,
  header,
  idOf,
  keysOf,
  type Light,
  lightOf,
  numbered,
  optionsWith,
  SECOND,
  setOf,
  voteBy,
} from './light-support.ts';

const set = setOf({ a: 4, b: 3, c: 3 });
const other = setOf({ a: 4, b: 3, d: 3 });
const strangers = numbered([5, 4, 3, 2], 'stranger ');
const NOW = 100 * SECOND;
const options = optionsWith();
const trusted: Trusted = {
  height: 10,
  time: 10 * SECOND,
  value: idOf(lightOf(10, set, set).header),
  nextValidators: set,
};

const adjacent = lightOf(11, set, other);
const later = lightOf(20, other, other);

const said = (verdict: Verdict) => (verdict.verdict === 'INVALID' ? verdict.fault : verdict.verdict);
const judge = (block: Light, now = NOW, over = {}, from = trusted) =>
  said(verify(from, block, now, { ...options, ...over }));

/** A block with another header, as signed by its set (or not). */
function forged(base: Light, over: Partial<Light['header']>, isSignedAgain: boolean): Light {
  const changed = { ...base.header, ...over };
  const signers = new ValidatorSet(base.validators);
  return { ...base, header: changed, commit: isSignedAgain ? commitFor(changed, signers) : base.commit };
}

describe('a good block', () => {
  test('is believed, adjacent or further on, and says who signs next', () => {
    for (const block of [adjacent, later]) {
      const verdict = verify(trusted, block, NOW, options);
      expect(verdict).toMatchObject({
        verdict: 'SUCCESS',
        trusted: { height: block.header.height, time: block.header.time, value: idOf(block.header) },
      });
      if (verdict.verdict === 'SUCCESS')
        expect(verdict.trusted.nextValidators.hash()).toEqual(block.header.nextValidators);
    }
  });

  test('is the same from bytes', () => {
    const codec = lightBlock(header);
    for (const block of [adjacent, later]) {
      expect(judge(decode(codec, encode(codec, block)))).toBe('SUCCESS');
      expect(decode(codec, encode(codec, block))).toEqual(block);
    }
    expect(later.nextValidators).toBeUndefined();
    expect(encode(codec, later).length).toBeLessThan(encode(codec, adjacent).length);
  });

  test('may be one of the chain itself', () => {
    const head: ChainHeader = {
      chainId: options.chainId,
      height: 11,
      time: 11 * SECOND,
      parent: NO_HASH,
      proposer: set.members[0]!.address,
      content: NO_HASH,
      appHash: NO_HASH,
      receipts: NO_HASH,
      events: NO_HASH,
      validators: set.hash(),
      nextValidators: set.hash(),
      lastCommit: NO_HASH,
    };
    const idOfChain = (one: ChainHeader) => valueIdOf(headerHash(one));
    const value = idOfChain(head);
    const votes = set.members.map(one => voteBy(one.address, { height: 11, value }));
    const codec = lightBlock(chainHeader);
    const block = decode(codec, encode(codec, lightBlockOf(head, commitOf(votes, set), set, set)));
    expect(verify(trusted, block, NOW, { ...options, idOf: idOfChain })).toMatchObject({
      verdict: 'SUCCESS',
      trusted: { value },
    });
  });

  test('may follow a genesis, at height 1 by its set and later by trust in it', () => {
    const genesis: Trusted = { height: 0, time: 0, value: null, nextValidators: set };
    expect(judge(lightOf(1, set, set), NOW, {}, genesis)).toBe('SUCCESS');
    expect(judge(lightOf(1, other, set), NOW, {}, genesis)).toBe('validators');
    expect(judge(lightOf(50, other, set), NOW, {}, genesis)).toBe('SUCCESS');
  });

  test('of a set that is too different is not believed yet', () => {
    expect(judge(lightOf(20, strangers, strangers))).toBe('NOT_ENOUGH_TRUST');
    // b has 3 of 10 of the trusted power, which is less than a third; a has 4.
    expect(judge(lightOf(20, setOf({ b: 100, x: 1 }), set))).toBe('NOT_ENOUGH_TRUST');
    expect(judge(lightOf(20, setOf({ a: 1, x: 1 }), set))).toBe('SUCCESS');
    expect(judge(lightOf(20, setOf({ a: 1, x: 1 }), set), NOW, { trustLevel: { numerator: 2, denominator: 5 } })).toBe(
      'NOT_ENOUGH_TRUST',
    );
    // A third exactly is not more than a third.
    const three = { ...trusted, nextValidators: numbered([1, 1, 1]) };
    expect(judge(lightOf(20, setOf({ v0: 1, x: 1 }), set), NOW, {}, three)).toBe('NOT_ENOUGH_TRUST');
    expect(judge(lightOf(20, setOf({ v0: 1, v1: 1, x: 1 }), set), NOW, {}, three)).toBe('SUCCESS');
  });
});

describe('a forged block is refused', () => {
  const rows: [string, LightFault, Light][] = [
    ['another chain', 'chain-id', forged(adjacent, { chainId: 'other' }, true)],
    [
      'another chain, under our name',
      'commit',
      { ...adjacent, commit: commitFor({ ...adjacent.header, chainId: 'other' }, set) },
    ],
    ['the trusted height', 'height', forged(adjacent, { height: 10 }, true)],
    ['a lower height', 'height', forged(adjacent, { height: 9 }, true)],
    ['the trusted time', 'time', forged(adjacent, { time: trusted.time }, true)],
    ['an earlier time', 'time', forged(later, { time: trusted.time - 1 }, true)],
    ['a time to come', 'future', forged(adjacent, { time: NOW }, true)],
    ['no height', 'malformed', { ...adjacent, header: { ...adjacent.header, height: Number.NaN } }],
    ['no time', 'malformed', { ...adjacent, header: { ...adjacent.header, time: Number.NaN } }],
    ['no bytes', 'malformed', { ...adjacent, header: { ...adjacent.header, appHash: new Uint8Array(3) } }],
    ['a header that was not signed', 'commit', forged(adjacent, { appHash: new Uint8Array(32) }, false)],
    ['a commit of another height', 'commit', { ...adjacent, commit: { ...adjacent.commit, height: 12 } }],
    ['a commit of another round', 'commit', { ...adjacent, commit: { ...adjacent.commit, round: 1 } }],
    ['a set that the header does not name', 'validators', { ...adjacent, validators: other.members }],
    [
      'a set with more power for one',
      'validators',
      { ...adjacent, validators: set.members.map((one, i) => (i === 0 ? { ...one, power: 90 } : one)) },
    ],
    ['a set with somebody twice', 'validators', { ...adjacent, validators: [...set.members, set.members[0]!] }],
    ['a set of nobody', 'validators', { ...adjacent, validators: [] }],
    [
      'a set with a broken key',
      'validators',
      { ...adjacent, validators: set.members.map(one => ({ ...one, consensusKey: new Uint8Array(31) })) },
    ],
    ['a next set that the header does not name', 'next-validators', { ...adjacent, nextValidators: strangers.members }],
    ['no next set where it is another', 'next-validators', { ...adjacent, nextValidators: undefined }],
    ['a next set of nobody', 'next-validators', { ...adjacent, nextValidators: [] }],
    [
      'a header with another next set',
      'commit',
      { ...forged(adjacent, { nextValidators: strangers.hash() }, false), nextValidators: strangers.members },
    ],
    ['an adjacent set that was not announced', 'validators', lightOf(11, other, other)],
    ['an adjacent set of strangers', 'validators', lightOf(11, strangers, strangers)],
    ['too little power', 'commit', lightOf(11, set, other, {}, (_, one) => one.power === 3)],
    ['too little power, further on', 'commit', lightOf(20, set, other, {}, (_, one) => one.power === 3)],
    ['two thirds exactly', 'commit', lightOf(20, numbered([1, 1, 1]), set, {}, place => place < 2)],
  ];

  test.each(rows)('%s', (_, fault, block) => {
    expect(judge(block)).toBe(fault);
  });

  test('a height or time that is no number, even where the id of a header does not mind', () => {
    const lenient = { idOf: () => idOf(adjacent.header) };
    expect(judge(adjacent, NOW, lenient)).toBe('SUCCESS');
    for (const over of [{ time: Number.NaN }, { height: Number.NaN }, { time: 10.5 * SECOND + 0.5 }]) {
      expect(judge({ ...adjacent, header: { ...adjacent.header, ...over } }, NOW, lenient)).toBe('malformed');
    }
  });

  test('[point 17] signatures swapped between validators', () => {
    for (const base of [adjacent, later]) {
      const [first, second, ...rest] = base.commit.signatures;
      const signatures = [
        { ...first!, signature: second!.signature },
        { ...second!, signature: first!.signature },
        ...rest,
      ];
      expect(judge({ ...base, commit: { ...base.commit, signatures } })).toBe('commit');
    }
  });

  test('a signature counted twice', () => {
    for (const base of [adjacent, later]) {
      const [first, second] = base.commit.signatures;
      expect(judge({ ...base, commit: { ...base.commit, signatures: [first!, first!, second!] } })).toBe('commit');
      expect(judge({ ...base, commit: { ...base.commit, signatures: [first!, second!, first!] } })).toBe('commit');
    }
  });

  test('a signature of somebody who is no member', () => {
    const [x] = strangers.members;
    const { time, signature } = voteBy(x!.address, { height: 20, value: idOf(later.header) });
    const signatures = [...later.commit.signatures, { validator: x!.address, forValue: true, time, signature }];
    expect(judge({ ...later, commit: { ...later.commit, signatures } })).toBe('commit');
  });

  test('the trusted addresses under other keys', () => {
    const fake = new ValidatorSet(
      set.members.map((one, i) => ({ ...one, consensusKey: keysOf(`fake ${i}`).publicKey })),
    );
    const head = { ...later.header, validators: fake.hash(), nextValidators: fake.hash() };
    const signatures = fake.members.map((one, i) => {
      const vote = voteBy(one.address, { height: 20, value: idOf(head) }, undefined, `fake ${i}`);
      return { validator: one.address, forValue: true, time: vote.time, signature: vote.signature };
    });
    const block = lightBlockOf(head, { height: 20, round: 0, value: idOf(head), signatures }, fake, fake);
    expect(judge(block)).toBe('NOT_ENOUGH_TRUST');
    expect(judge(block, NOW, {}, { ...trusted, nextValidators: fake })).toBe('SUCCESS');
  });

  test('a block that is bad by itself, even where trust would not do', () => {
    expect(judge(lightOf(20, strangers, strangers, {}, place => place < 2))).toBe('commit');
    const block = lightOf(20, strangers, strangers);
    const [first, ...rest] = block.commit.signatures;
    expect(judge({ ...block, commit: { ...block.commit, signatures: [{ ...first!, time: 1 }, ...rest] } })).toBe(
      'commit',
    );
  });
});

describe('time', () => {
  test('trust runs out at the age of the trusting period', () => {
    const end = trusted.time + options.trustingPeriod;
    expect([end - 1, end, end + 1].map(now => judge(adjacent, now))).toEqual(['SUCCESS', 'expired', 'expired']);
  });

  test('a header may be ahead by less than the clock drift', () => {
    const at = adjacent.header.time;
    expect([at - 1, at, at + 1].map(now => judge(adjacent, now))).toEqual(['future', 'future', 'SUCCESS']);
    expect([at - 5, at - 4].map(now => judge(adjacent, now, { clockDrift: 5 }))).toEqual(['future', 'SUCCESS']);
  });
});

describe('a root', () => {
  const root = { height: 11, value: idOf(adjacent.header) };
  const judgeRoot = (block: Light, now = NOW, of = root) => said(verifyRoot(of, block, now, options));

  test('is the block of the id, signed, and young enough', () => {
    expect(judgeRoot(adjacent)).toBe('SUCCESS');
    expect(judgeRoot(later)).toBe('height');
    expect(judgeRoot(lightOf(11, set, set))).toBe('root');
    expect(judgeRoot(lightOf(11, strangers, strangers))).toBe('root');
    expect(judgeRoot(forged(adjacent, { appHash: new Uint8Array(32) }, false))).toBe('commit');
    expect(judgeRoot({ ...adjacent, nextValidators: strangers.members })).toBe('next-validators');
    expect(judgeRoot(forged(adjacent, { chainId: 'other' }, true))).toBe('chain-id');
    expect(judgeRoot(forged(adjacent, { time: Number.NaN }, false))).toBe('malformed');
    expect(judgeRoot(adjacent, adjacent.header.time)).toBe('future');
    expect(judgeRoot(adjacent, adjacent.header.time + options.trustingPeriod)).toBe('expired');
    const few = lightOf(11, set, other, {}, place => place === 0);
    expect(judgeRoot(few, NOW, { height: 11, value: idOf(few.header) })).toBe('commit');
  });
});
