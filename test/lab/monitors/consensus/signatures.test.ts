/** Where signatures are checked, what a validator did not sign is not held against it, and helps nobody to a quorum. */
import { expect, test } from 'vitest';
import { addressOf } from '../../../../src/protocol/codec/address.ts';
import { keyedHashScheme as scheme } from '../../../../src/protocol/codec/signature.ts';
import {
  type Proposal,
  proposalSignBytes,
  type Vote,
  voteSignBytes,
} from '../../../../src/protocol/consensus/types.ts';
import { ValidatorSet } from '../../../../src/protocol/consensus/validator-set.ts';
import { expectFound, found, precommit, prevote, proposal, Told } from './told.ts';

const KEYS = [0, 1, 2, 3].map(i => scheme.keyPair(new Uint8Array(32).fill(i + 1)));
const ADDRESSES = KEYS.map(({ publicKey }) => addressOf(publicKey));
const SET = new ValidatorSet(
  KEYS.map(({ publicKey }, i) => ({ address: ADDRESSES[i]!, consensusKey: publicKey, power: 1 })),
);
const HEX = 'ab'.repeat(32);

function setting(known: () => number = () => 9) {
  return {
    sets: (height: number) => (height > 0 && height <= known() ? SET : undefined),
    more: { scheme },
    nodeOf: (address: string) => (ADDRESSES.includes(address) ? `n${ADDRESSES.indexOf(address)}` : undefined),
  };
}

/** The word with its validator's address, signed with the key of another or its own. */
function signed<W extends Vote | Proposal>(word: W, key?: number): W {
  const name = 'kind' in word ? word.validator : word.proposer;
  const i = Number(name.slice(1));
  const named = { ...word, ...('kind' in word ? { validator: ADDRESSES[i]! } : { proposer: ADDRESSES[i]! }) };
  const bytes = 'kind' in named ? voteSignBytes('told', named) : proposalSignBytes('told', named as Proposal);
  return { ...named, signature: scheme.sign(KEYS[key ?? i]!, bytes) };
}

test('a forged word is not its speaker’s, and nobody has heard it', () => {
  const of = new Told(setting());
  of.hear(0, signed(prevote(2, 0, null)));
  of.hear(
    1,
    signed(prevote(2, 0, HEX), 1),
    signed(prevote(2, 0, null, { time: 7 }), 3),
    signed(proposal(3, 0, HEX), 2),
  );
  of.hear(1, signed(prevote(0, 0, null), 3), signed(prevote(3, 0, null), 0));
  expectFound(() => of.hear(0, signed(precommit(1, 0, null))), 'polka before precommit', 1, 1, 0);
});

test('a garbled copy does not take the place of the true one', () => {
  const of = new Told(setting());
  const [garbled, right] = [signed(prevote(0, 0, null), 3), signed(prevote(0, 0, null))];
  of.hear(1, garbled, garbled, right, signed(prevote(2, 0, null))).hear(0, signed(precommit(1, 0, null)));
});

test('an honest one that is signed twice', () => {
  const of = new Told(setting());
  of.hear(0, signed(prevote(2, 0, null)));
  expectFound(() => of.hear(1, signed(prevote(2, 0, null, { time: 7 }))), 'double sign', 2, 1, 0);
});

test('what cannot be written as bytes cannot have been signed', () => {
  const of = new Told(setting());
  const validator = ADDRESSES[2]!;
  of.hear(0, prevote(2, -1, null, { validator }), prevote(2, 0, 'no value id', { validator }));
  of.hear(0, proposal(2, 0, 'no value id', -1, { proposer: validator }));
});

test('proposals are checked likewise', () => {
  const of = new Told(setting());
  const turn = ADDRESSES.indexOf([...ADDRESSES].sort((a, b) => (a < b ? -1 : 1))[0]!);
  const other = (turn + 1) % 4;
  of.hear(other, signed(proposal(turn, 0, HEX)));
  expect(found(() => of.hear((turn + 2) % 4, signed(proposal(other, 0, HEX)))).monitor).toBe('proposer schedule');
});

test('a word about a height whose set is not known yet is judged once it is', () => {
  let known = 0;
  const of = new Told(setting(() => known));
  const word = signed(precommit(2, 0, null));
  of.hear([0, 3], word);
  known = 1;
  expectFound(() => of.hear(1, word), 'polka before precommit', 2, 1, 0);
});
