/** MARKET rules, section 2: RegisterCandidate and Unjail; a consensus key stands for one candidate, which holds it. */
import { describe, expect, test } from 'vitest';
import { faultOfGenesis } from '../../../src/protocol/chain/genesis.ts';
import { driverGenesis } from '../../support/chain-driver.ts';
import { candidacy, consensusKeysOf } from '../../support/validators.ts';
import { AKASH, faultsOfBooks } from '../support.ts';
import {
  accuse,
  at,
  block,
  codeOf,
  delegate,
  held,
  stake,
  undelegate,
  validating,
  validatorsOf,
} from './stake-support.ts';

describe('2 RegisterCandidate', () => {
  test('own stake of before counts from the registration on, two heights later', () => {
    const d = validatorsOf({ a: 10 });
    d.must('tom', stake(7n * AKASH));
    expect(d.state.candidates.has(at('tom'))).toBe(false);
    d.must('tom', candidacy('tom', { commission: 50_000 }));
    expect(d.state.candidates.need(at('tom'))).toMatchObject({ stake: 7n * AKASH, commission: 50_000, jailed: false });
    expect(d.events('CandidateRegistered')).toEqual([
      {
        type: 'CandidateRegistered',
        candidate: at('tom'),
        consensusKey: consensusKeysOf('tom').publicKey,
        commission: 50_000,
      },
    ]);
    const registered = d.height;
    expect(validating(d)).toEqual([['a', 10]]);
    block(d);
    expect(d.height + 1).toBe(registered + 2);
    expect(validating(d)).toEqual([
      ['a', 10],
      ['tom', 7],
    ]);
    expect(d.events('ValidatorSetChanged')).toEqual([
      { type: 'ValidatorSetChanged', height: registered + 2, size: 2, power: 17 },
    ]);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('earns from then on, and nothing of what others earned before', () => {
    const U = 2n ** 26n; // parts of the reward scale, so that nothing is rounded
    const d = validatorsOf({ a: 1 });
    d.must('a', stake(U - AKASH));
    d.must('tom', stake(U));
    const fee = () => d.must('tim', { type: 'Transfer', to: at('tim'), amount: 1n }, { fee: 1_000n });
    fee();
    d.must('tom', candidacy('tom'));
    d.run(2);
    const before = d.balance('tom');
    d.must('tom', { type: 'WithdrawRewards', validator: at('tom') });
    expect(d.balance('tom')).toBe(before);
    fee();
    d.must('tom', { type: 'WithdrawRewards', validator: at('tom') });
    d.must('a', { type: 'WithdrawRewards', validator: at('a') });
    expect(d.balance('tom')).toBe(before + 500n);
    expect(d.balance('a')).toBe(1_000n * AKASH - (U - AKASH) + 1_500n);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('without stake of its own it is elected by what others delegate', () => {
    const d = validatorsOf({ a: 10 });
    d.must('tom', candidacy('tom'));
    d.run(3);
    expect(validating(d)).toEqual([['a', 10]]);
    d.must('tim', delegate('tom', 3n * AKASH));
    block(d);
    expect(validating(d)).toEqual([
      ['a', 10],
      ['tom', 3],
    ]);
  });

  test.each([
    ['a second time', 'a', candidacy('a', { keyOf: 'other' }), 'registered'],
    ['a commission above the whole', 'tom', candidacy('tom', { commission: 1_000_001 }), 'bad_commission'],
    ['the key of a validator, even with a signature of it', 'tom', candidacy('tom', { keyOf: 'a' }), 'key_taken'],
    ['a key that did not sign', 'tom', candidacy('tom', { keyOf: 'other', signedBy: 'tom' }), 'no_possession'],
    ['a signature made for another account', 'tom', candidacy('tom', { signedFor: 'tim' }), 'no_possession'],
    ['a signature made for another chain', 'tom', candidacy('tom', { chainId: 'other' }), 'no_possession'],
  ])('refused: %s', (_, name, message, code) => {
    const d = validatorsOf({ a: 10 });
    expect(codeOf(d, name, message)).toBe(code);
    expect(d.state.candidates.size).toBe(1);
  });

  test('a commission of everything is none too many', () => {
    expect(codeOf(validatorsOf({ a: 10 }), 'tom', candidacy('tom', { commission: 1_000_000 }))).toBe('');
  });

  test('a key that failed to register is free, one of two in a block is not', () => {
    const d = validatorsOf({ a: 10 });
    expect(codeOf(d, 'tom', candidacy('tom', { keyOf: 'shared', signedFor: 'tim' }))).toBe('no_possession');
    d.send('tim', candidacy('tim', { keyOf: 'shared' }));
    d.send('tom', candidacy('tom', { keyOf: 'shared' }));
    block(d);
    expect(d.last.receipts.map(one => one.code)).toEqual(['', 'key_taken']);
  });

  test('the key of a tombstoned candidate stays taken, and its account registers no other', () => {
    const d = validatorsOf({ a: 10, b: 1 });
    d.run(3);
    expect(accuse(d, 'b', 2)).toBe('');
    expect(codeOf(d, 'tom', candidacy('tom', { keyOf: 'b' }))).toBe('key_taken');
    expect(codeOf(d, 'b', candidacy('b', { keyOf: 'fresh' }))).toBe('registered');
  });

  test('a genesis in which two candidates share a key is refused', () => {
    const genesis = driverGenesis({ validators: { a: {}, b: {} } });
    const [a, b] = genesis.candidates;
    expect(faultOfGenesis(genesis)).toBeNull();
    const shared = { ...genesis, candidates: [a!, { ...b!, consensusKey: a!.consensusKey }] };
    expect(faultOfGenesis(shared)).toContain('has the consensus key of another');
  });
});

describe('5 Unbonding period > evidence age > trusting period', () => {
  const params = (unbondingPeriod: number, evidenceMaxAge: number, trustingPeriod: number) =>
    faultOfGenesis(driverGenesis({ params: { unbondingPeriod, evidenceMaxAge, trustingPeriod } }));

  test('in genesis', () => {
    expect(params(3_000_000, 2_000_000, 1_000_000)).toBeNull();
    expect(params(2_000_000, 2_000_000, 1_000_000)).toContain('unbondingPeriod: found 2000000 us, expected more');
    expect(params(3_000_000, 1_000_000, 1_000_000)).toContain('evidenceMaxAge: found 1000000 us, expected more');
  });

  const propose = (name: string, value: number) =>
    ({ type: 'SubmitProposal', title: 't', changes: [{ name, value: String(value) }] }) as const;

  test('in what is proposed', () => {
    const d = validatorsOf({ a: 10 }, { votingPeriod: 2, changeDelay: 2 });
    expect(d.params).toMatchObject({ unbondingPeriod: 100_000_000, evidenceMaxAge: 50_000_000 });
    expect(codeOf(d, 'a', propose('unbondingPeriod', 50_000_000))).toBe('bad_proposal');
    expect(codeOf(d, 'a', propose('evidenceMaxAge', 100_000_000))).toBe('bad_proposal');
    expect(codeOf(d, 'a', propose('trustingPeriod', 50_000_000))).toBe('bad_proposal');
    expect(codeOf(d, 'a', propose('trustingPeriod', 49_999_999))).toBe('');
  });

  test('and again when it takes effect: of two that do not go together the later one lapses', () => {
    const d = validatorsOf({ a: 10 }, { votingPeriod: 2, changeDelay: 2 });
    d.send('a', propose('unbondingPeriod', 60_000_000));
    d.send('a', propose('evidenceMaxAge', 70_000_000));
    block(d);
    d.send('a', { type: 'Vote', proposal: 1, choice: 'yes' });
    d.send('a', { type: 'Vote', proposal: 2, choice: 'yes' });
    d.run(8);
    expect(d.events('ProposalEnded').map(one => [one.proposal, one.outcome])).toEqual([
      [1, 'passed'],
      [2, 'passed'],
      [2, 'conflict'],
    ]);
    expect(d.params).toMatchObject({ unbondingPeriod: 60_000_000, evidenceMaxAge: 50_000_000 });
    expect(d.state.proposals.size).toBe(0);
  });
});

describe('2 Unjail', () => {
  test('who is no candidate, and who is not jailed, has nothing to come back from', () => {
    const d = validatorsOf({ a: 10 });
    expect(codeOf(d, 'tom', { type: 'Unjail' })).toBe('no_candidate');
    expect(codeOf(d, 'a', { type: 'Unjail' })).toBe('not_jailed');
  });

  test('stake of its own of a whole AKASH is expected, whatever others delegated', () => {
    const d = validatorsOf({ a: 10, b: 2 });
    d.must('tom', delegate('b', 5n * AKASH));
    d.must('b', undelegate('b', AKASH + 1n));
    d.state.candidates.edit(at('b')).jailed = true;
    d.state.journal.forget();
    expect(held(d, 'b', 'b')).toBe(AKASH - 1n);
    expect(codeOf(d, 'b', { type: 'Unjail' })).toBe('insufficient_stake');
    d.must('b', stake(1n));
    expect(codeOf(d, 'b', { type: 'Unjail' })).toBe('');
    expect(d.events('ValidatorUnjailed')).toEqual([{ type: 'ValidatorUnjailed', validator: at('b') }]);
  });
});
