/**
 * MARKET rules, section 2, the envelope: what may stand in a block at all, what a failed message costs, and fees.
 */
import { describe, expect, test } from 'vitest';
import { InvalidBlock } from '../../../src/protocol/chain/chain.ts';
import { minimumFee } from '../../../src/protocol/chain/transaction.ts';
import { MESSAGE_TYPES, type Message, type MessageType, objectsCreated } from '../../../src/protocol/model/messages.ts';
import {
  bid,
  ChainDriver,
  confirmation,
  deployment,
  group,
  hashOf,
  infrastructure,
} from '../../support/chain-driver.ts';
import { candidacy, doubleSign } from '../../support/validators.ts';
import {
  AKASH,
  activeLease,
  addressOfName,
  changedLeaves,
  faultsOfBooks,
  hashOfState,
  leavesOf,
  market,
  order,
  SECOND,
} from '../support.ts';

const transfer = (to: string, amount: bigint): Message => ({ type: 'Transfer', to: addressOfName(to), amount });

function withFees(): ChainDriver {
  return new ChainDriver({
    accounts: { tom: { balance: 10_000n }, tim: { balance: 0n } },
    providers: { ann: {}, bob: {} },
    params: { feeBase: 50n, feePerByte: 1n, feePerObject: 500n, targetBlockInterval: SECOND },
  });
}

describe('2 Transactions: what is not includable', () => {
  const cases: [string, string, (d: ChainDriver) => ReturnType<ChainDriver['sign']>][] = [
    ['a bad signature', 'bad_signature', d => d.sign('tom', transfer('ann', 1n), { signedBy: 'tim' })],
    ['a nonce that was used', 'wrong_nonce', d => d.sign('tom', transfer('ann', 1n), { nonce: 0 })],
    ['a nonce too far ahead', 'wrong_nonce', d => d.sign('tom', transfer('ann', 1n), { nonce: 2 })],
    ['another chain', 'wrong_chain', d => d.sign('tom', transfer('ann', 1n), { chainId: 'other' })],
    ['a fee that cannot be paid', 'no_fee', d => d.sign('tom', transfer('ann', 1n), { fee: 1_000_000n })],
    ['a fee below the minimum', 'low_fee', d => d.sign('tom', transfer('ann', 1n), { fee: 1n })],
  ];
  for (const [name, code, make] of cases) {
    test(name, () => {
      const d = withFees();
      d.must('tom', transfer('ann', 1n));
      const before = hashOfState(d.state);
      const tx = make(d);
      expect(d.chain.faultOfTransaction(tx, 1)?.code).toBe(code);
      expect(() => d.block({ transactions: [tx] })).toThrow(InvalidBlock);
      expect(hashOfState(d.state)).toBe(before);
      expect(d.height).toBe(1);
      // The chain goes on from there.
      d.must('tom', transfer('ann', 1n));
    });
  }

  test('the same nonce twice in one block', () => {
    const d = withFees();
    const [one, two] = [0, 0].map(nonce => d.sign('tom', transfer('ann', 1n), { nonce }));
    expect(() => d.block({ transactions: [one!, two!] })).toThrow('nonce 0, expected 1');
    expect(d.balance('tom')).toBe(10_000n);
  });

  test('fees of earlier transactions of the account count against its balance', () => {
    const d = withFees();
    const tx = d.sign('tom', transfer('ann', 1n), { fee: 6_000n });
    expect(d.chain.faultOfTransaction(tx, 0, 4_000n)).toBeNull();
    expect(d.chain.faultOfTransaction(tx, 0, 4_001n)?.code).toBe('no_fee');
  });

  test('an account that does not exist', () => {
    const d = withFees();
    const tx = d.sign('nobody', transfer('ann', 1n));
    expect(d.chain.faultOfTransaction(tx, 0)?.code).toBe('no_account');
  });

  test('an account that does not exist, where fees are zero: whatever is includable executes', () => {
    const d = market();
    const tx = d.sign('nobody', transfer('ann', 1n));
    if (d.chain.faultOfTransaction(tx, 0) !== null)
      return expect(() => d.block({ transactions: [tx] })).toThrow(InvalidBlock);
    const { receipts } = d.block({ transactions: [tx] });
    expect(receipts.map(one => one.code)).toEqual(['insufficient_funds']);
  });
});

describe('2 Transactions: a failed message uses up the nonce, pays the fee, and changes nothing else', () => {
  const wrong = hashOf('wrong');
  const failing: { readonly [N in MessageType]?: (d: ChainDriver, lease: string, open: string) => [string, Message] } =
    {
      Transfer: () => ['tom', transfer('ann', 10n ** 18n)],
      Stake: () => ['tom', { type: 'Stake', amount: 10n ** 18n }],
      Delegate: () => ['tom', { type: 'Delegate', validator: addressOfName('ann'), amount: 1n }],
      Undelegate: () => ['tom', { type: 'Undelegate', validator: addressOfName('validator'), amount: 1n }],
      Redelegate: () => [
        'tom',
        { type: 'Redelegate', source: addressOfName('ann'), target: addressOfName('validator'), amount: 1n },
      ],
      WithdrawRewards: () => ['tom', { type: 'WithdrawRewards', validator: addressOfName('validator') }],
      RegisterProvider: () => [
        'ann',
        { type: 'RegisterProvider', region: 'eu', attributes: {}, certificate: wrong, endpoint: 'x' },
      ],
      UpdateProvider: () => [
        'tom',
        { type: 'UpdateProvider', region: 'eu', attributes: {}, certificate: wrong, endpoint: 'x' },
      ],
      // The escrow is enough for one period, but above the balance.
      SubmitDeployment: () => ['tom', deployment({ escrow: 10n ** 12n })],
      UpdateDeployment: (_d, lease) => [
        'tom',
        { type: 'UpdateDeployment', deployment: lease.slice(0, -4), version: wrong, add: [], remove: [5], reprice: [] },
      ],
      CloseDeployment: (_d, lease) => ['tim', { type: 'CloseDeployment', deployment: lease.slice(0, -4) }],
      DepositEscrow: (_d, lease) => [
        'tom',
        { type: 'DepositEscrow', deployment: lease.slice(0, -4), amount: 10n ** 18n },
      ],
      SubmitFulfillment: (d, _lease, open) => ['bob', bid(d.order(open), 1_000_001n)],
      CancelFulfillment: (_d, _lease, open) => ['bob', { type: 'CancelFulfillment', order: open }],
      ChooseFulfillment: (_d, _lease, open) => [
        'tom',
        { type: 'ChooseFulfillment', order: open, provider: addressOfName('ann') },
      ],
      SubmitLeaseConfirmation: (_d, lease) => ['ann', confirmation(lease, true)],
      SubmitProposal: () => ['tom', { type: 'SubmitProposal', changes: [{ name: 'quorum', value: '1' }], title: 't' }],
      Vote: () => ['validator', { type: 'Vote', proposal: 9, choice: 'yes' }],
      Grant: () => [
        'tom',
        {
          type: 'Grant',
          grantee: addressOfName('ann'),
          messages: ['Grant'],
          deployment: '',
          limit: 1n,
          expires: 10 ** 15,
        },
      ],
      Revoke: () => ['tom', { type: 'Revoke', grant: 'none' }],
      RegisterCandidate: () => ['tom', candidacy('tom', { commission: 1_000_001 })],
      Unjail: () => ['validator', { type: 'Unjail' }],
      SubmitEvidence: () => ['tom', { type: 'SubmitEvidence', evidence: doubleSign('validator', 10_000) }],
    };

  test.each(MESSAGE_TYPES)('%s', type => {
    const d = market({ params: { feeBase: 50n, feePerByte: 1n, feePerObject: 500n }, accounts: { tom: {}, tim: {} } });
    const lease = activeLease(d);
    const open = order(d, {}, { waitDuration: 1_000 });
    const make = failing[type];
    if (make === undefined) throw new Error(`no failing ${type} in this table`);
    const [sender, message] = make(d, lease, open);
    const before = leavesOf(d.state);
    const [balance, nonce] = [d.balance(sender), d.nonce(sender)];
    const tx = d.send(sender, message);
    const { receipts, events } = d.block();
    expect(receipts.map(one => one.ok)).toEqual([false]);
    const fee = 50n + BigInt(tx.size) + 500n * BigInt(objectsCreated(message));
    // The one validator has only its own stake and no commission: the whole fee is in its rewards.
    const changed = new Set(changedLeaves(before, leavesOf(d.state)));
    const expected = [`account/${addressOfName(sender)}`, `candidate/${addressOfName('validator')}`, 'chainwide'];
    expect([...changed].sort()).toEqual(expected.sort());
    expect(d.balance(sender)).toBe(balance - tx.body.fee);
    expect(tx.body.fee - fee).toBeLessThan(9n); // payAndSign reckons with the longest encoding of the fee
    expect(tx.body.fee - fee).toBeGreaterThanOrEqual(0n);
    expect(d.state.accounts.need(addressOfName(sender)).nonce).toBe(nonce + 1);
    expect(events.map(one => one.type)).toEqual(['TransactionFailed']);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('a message that failed half-way is undone: escrow, orders and events of a deployment that names a bad infrastructure', () => {
    const d = market();
    const bad = deployment({
      infrastructure: [infrastructure(), infrastructure({ resources: [group({ count: 0 })] })],
    });
    expect(d.attempt('tom', bad)).toMatchObject({ ok: false, code: 'bad_deployment' });
    expect([d.state.orders.size, d.state.deployments.size, d.balance('tom')]).toEqual([0, 0, 1_000n * AKASH]);
  });
});

describe('2 Transactions: minimum fee = base + bytes + per object created', () => {
  test('exactly that is accepted, one micro-AKASH less is not', () => {
    const d = withFees();
    const message = deployment({ infrastructure: [infrastructure(), infrastructure()], escrow: 2_000n });
    // A deployment and two orders are three objects: 50 + size + 3 x 500.
    for (const [short, code] of [
      [0n, undefined],
      [1n, 'low_fee'],
    ] as const) {
      const size = d.sign('tom', message, { nonce: 0, fee: 2_000n }).size; // 2,000 and the fee itself take two bytes each
      const tx = d.sign('tom', message, { nonce: 0, fee: 50n + BigInt(size) + 1_500n - short });
      expect(tx.size).toBe(size);
      expect(d.chain.faultOfTransaction(tx, 0)?.code).toBe(code);
    }
  });

  test('counts the objects that prepay their facilitation', () => {
    const resources = [group()];
    const [to, amount] = [addressOfName('ann'), 1n];
    const update = (add: number): Message => ({
      type: 'UpdateDeployment',
      deployment: 'x',
      version: hashOf('v'),
      add: Array.from({ length: add }, () => infrastructure()),
      remove: [],
      reprice: [],
    });
    const counts: [Message, number][] = [
      [deployment(), 2],
      [deployment({ infrastructure: [infrastructure(), infrastructure(), infrastructure()] }), 4],
      [update(0), 0],
      [update(2), 2],
      [{ type: 'SubmitFulfillment', order: 'x', resources }, 1],
      [{ type: 'Grant', grantee: to, messages: ['Vote'], deployment: '', limit: 0n, expires: 1 }, 1],
      [{ type: 'Undelegate', validator: to, amount }, 1],
      [{ type: 'Transfer', to, amount }, 0],
      [confirmation('x'), 0],
    ];
    const { params } = withFees();
    for (const [message, objects] of counts) {
      expect([message.type, objectsCreated(message)]).toEqual([message.type, objects]);
      expect(minimumFee(params, 100, message)).toBe(150n + 500n * BigInt(objects));
    }
  });

  test.each([
    ['feeBase', 0n, 0n],
    ['feeBase', 7n, 7n],
    ['feePerByte', 0n, 0n],
    ['feePerByte', 3n, 300n],
    ['feePerObject', 0n, 0n],
    ['feePerObject', 11n, 22n],
  ] as const)('%s = %i', (name, value, fee) => {
    const { params } = market({ params: { [name]: value } });
    expect(minimumFee(params, 100, deployment())).toBe(fee);
  });
});

describe('2 Transactions: fees go to the validators by stake', () => {
  test('3 : 1, without remainder', () => {
    const d = new ChainDriver({
      accounts: { tom: { balance: 10_000n } },
      validators: { validator: { stake: 3_000n * AKASH }, second: { stake: 1_000n * AKASH } },
    });
    d.must('tom', transfer('tom', 1n), { fee: 4_000n });
    const rewards = (name: string) => d.state.candidates.need(addressOfName(name)).rewards;
    expect([rewards('validator'), rewards('second'), d.state.chainwide.feePool]).toEqual([3_000n, 1_000n, 0n]);
    expect(d.balance('tom')).toBe(6_000n);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('what does not divide stays in the pool for the next block', () => {
    const d = new ChainDriver({
      accounts: { tom: { balance: 10_000n } },
      validators: { validator: { stake: AKASH }, second: { stake: AKASH }, third: { stake: AKASH } },
    });
    d.must('tom', transfer('tom', 1n), { fee: 1_000n });
    // 1,000 / 3 = 333 each, 1 remains.
    expect(d.state.chainwide.feePool).toBe(1n);
    d.must('tom', transfer('tom', 1n), { fee: 1_001n });
    // 1 + 1,001 = 1,002 = 3 x 334.
    expect(d.state.chainwide.feePool).toBe(0n);
    expect(d.state.candidates.need(addressOfName('third')).rewards).toBe(333n + 334n);
  });
});
