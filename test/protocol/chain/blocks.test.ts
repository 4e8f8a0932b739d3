/** Blocks: their headers, their size with the part that is kept for confirmations, and replaying them from genesis. */
import { describe, expect, test } from 'vitest';
import { type Block, contentRoot, decodeBlock, encodeBlock, type Header } from '../../../src/protocol/chain/block.ts';
import { Chain, InvalidBlock } from '../../../src/protocol/chain/chain.ts';
import { keyedHashScheme } from '../../../src/protocol/codec/signature.ts';
import { bid, ChainDriver, confirmation } from '../../support/chain-driver.ts';
import {
  AKASH,
  activeLease,
  addressOfName,
  closing,
  FREE,
  faultsOfBooks,
  hashOfState,
  market,
  order,
  pendingLease,
  SECOND,
} from '../support.ts';

const transfer = { type: 'Transfer', to: addressOfName('tim'), amount: 1n } as const;

describe('a header', () => {
  const other = new Uint8Array(32).fill(7);
  const wrong: Record<string, (header: Header) => Partial<Header>> = {
    'another chain': () => ({ chainId: 'other' }),
    'the height again': header => ({ height: header.height - 1 }),
    'a height too far': header => ({ height: header.height + 1 }),
    "its parent's time": header => ({ time: header.time - SECOND }),
    'an earlier time': header => ({ time: header.time - SECOND - 1 }),
    'another parent': () => ({ parent: other }),
    'another app hash': () => ({ appHash: other }),
    'other receipts': () => ({ receipts: other }),
    'other events': () => ({ events: other }),
    'other content': () => ({ content: other }),
    'a proposer who is no validator': () => ({ proposer: addressOfName('tom') }),
  };
  for (const [name, change] of Object.entries(wrong)) {
    test(`with ${name} is InvalidBlock, and the chain is as before`, () => {
      const d = market();
      d.must('tom', transfer);
      const block = d.chain.makeBlock(d.time + SECOND, addressOfName('validator'), []);
      const before = hashOfState(d.state);
      expect(() => d.apply({ ...block, header: { ...block.header, ...change(block.header) } })).toThrow(InvalidBlock);
      expect([d.height, hashOfState(d.state)]).toEqual([1, before]);
      d.apply(block);
    });
  }

  test('its content root covers every transaction and facilitation message', () => {
    const d = market();
    const [one, two] = [d.sign('tom', transfer), d.sign('tom', transfer)];
    const block = d.chain.makeBlock(d.time + SECOND, addressOfName('validator'), [one, two]);
    expect(() => d.apply({ ...block, transactions: [one] })).toThrow('content root');
    expect(contentRoot([], [one, two])).not.toEqual(contentRoot([], [two, one]));
  });
});

describe('2 A tenth of each block is reserved for confirmations', () => {
  /** As many transfers as are needed, all of one size. */
  function sized(confirmationReserve = 100_000): { d: ChainDriver; lease: string; size: number } {
    const d = market({ params: { maxBlockBytes: 4_096, confirmationReserve } });
    // Where everything is reserved, nobody could even submit a deployment.
    const lease = confirmationReserve === 1_000_000 ? '' : pendingLease(d);
    return { d, lease, size: d.sign('tim', transfer, { nonce: 0 }).size };
  }
  /** Transfers of one byte more or less fill the block exactly when `amount` is chosen so. */
  const transfers = (d: ChainDriver, count: number) => Array.from({ length: count }, () => d.sign('tim', transfer));

  test('others fill nine tenths, confirmations the rest', () => {
    const { d, lease, size } = sized();
    // 4,096 bytes less floor(409.6) are 3,687.
    const count = Math.floor(3_687 / size);
    expect(count).toBeLessThan(30);
    const full = transfers(d, count + 1);
    expect(() => d.block({ transactions: full })).toThrow(`transaction ${count} exceeds the block's size`);
    d.block({ transactions: [...transfers(d, count), d.sign('ann', confirmation(lease))] });
    expect(d.lease(lease).state).toBe('active');
  });

  test('the confirmation may stand anywhere, and takes nothing from the others', () => {
    const { d, lease, size } = sized();
    const count = Math.floor(3_687 / size);
    d.block({ transactions: [d.sign('ann', confirmation(lease)), ...transfers(d, count)] });
    expect(d.last.receipts.every(one => one.ok)).toBe(true);
  });

  test('confirmations may use all of the block, but no more', () => {
    const { d, lease } = sized();
    const size = d.sign('ann', confirmation(lease), { nonce: d.nonce('ann') }).size;
    const count = Math.floor(4_096 / size);
    const many = (length: number) => Array.from({ length }, () => d.sign('ann', confirmation(lease)));
    expect(() => d.block({ transactions: many(count + 1) })).toThrow("exceeds the block's size");
    expect(d.block({ transactions: many(count) }).receipts).toHaveLength(count);
  });

  test.each([
    [0, 4_096],
    [500_000, 2_048],
    [900_000, 410],
  ])('confirmationReserve %i leaves %i of 4,096 bytes', (confirmationReserve, open) => {
    const { d, size } = sized(confirmationReserve);
    const count = Math.floor(open / size);
    expect(d.block({ transactions: transfers(d, count) }).receipts).toHaveLength(count);
    expect(() => d.block({ transactions: transfers(d, count + 1) })).toThrow("exceeds the block's size");
  });

  test('a fitter takes what fits, counting as a block does', () => {
    const { d, lease, size } = sized();
    const count = Math.floor(3_687 / size);
    const fits = d.chain.fitter();
    expect(transfers(d, count + 2).map(fits)).toEqual([...Array.from({ length: count }, () => true), false, false]);
    expect(fits(d.sign('ann', confirmation(lease)))).toBe(true);
  });

  test('full blocks do not make a provider stale', () => {
    const { d, size } = sized();
    const lease = activeLease(d, { tenant: 'tom', provider: 'bob' });
    const count = Math.floor(3_687 / size);
    for (let i = 0; i < 30; i++) {
      const confirms = i % 7 === 6 ? [d.sign('bob', confirmation(lease))] : [];
      d.block({ transactions: [...transfers(d, count), ...confirms] });
    }
    expect(d.lease(lease)).toMatchObject({ state: 'active', paid: 28n });
  });
});

describe('8.9 Replaying the chain from genesis', () => {
  function eventful(): ChainDriver {
    const d = new ChainDriver({
      accounts: { tom: {}, tim: {} },
      providers: { ann: { stake: 5_000n }, bob: {}, cal: {} },
      validators: { validator: { commission: 50_000 }, second: { stake: 10n * AKASH } },
      params: {
        targetBlockInterval: SECOND,
        reconfirmationPeriod: 8,
        resetGrace: 3,
        inflation: 10_000,
        leaseTax: 1_000,
        votingPeriod: 4,
        changeDelay: 3,
        brokenLeaseStakeSlash: 1_000,
        unbondingPeriod: 9 * SECOND,
      },
    });
    const lease = activeLease(d, { escrow: 20n });
    d.must('tim', closing(activeLease(d, { tenant: 'tim', provider: 'bob' })));
    d.must('tom', { type: 'Delegate', validator: addressOfName('second'), amount: AKASH });
    d.send('validator', { type: 'SubmitProposal', title: 't', changes: [{ name: 'leaseTax', value: '2000' }] });
    d.must('validator', { type: 'Vote', proposal: 1, choice: 'yes' });
    d.must('tom', {
      type: 'Redelegate',
      source: addressOfName('second'),
      target: addressOfName('validator'),
      amount: 1_000n,
    });
    d.must('tom', { type: 'Undelegate', validator: addressOfName('second'), amount: 1_000n });
    d.must('tom', {
      type: 'Grant',
      grantee: addressOfName('tim'),
      messages: ['CloseDeployment'],
      deployment: '',
      limit: 5n,
      expires: d.time + 100 * SECOND,
    });
    d.attempt('ann', closing(lease));
    const id = order(d, { persist: true }, { waitDuration: 4 });
    for (const [name, price] of [
      ['ann', 5n],
      ['bob', 7n],
      ['cal', 6n],
    ] as const)
      d.send(name, bid(d.order(id), price));
    d.run(40);
    return d;
  }

  test('gives the same app hash at every height, equal to that of the rows alone', () => {
    const d = eventful();
    const replica = new Chain({ genesis: d.genesis, scheme: keyedHashScheme, commitEvery: 1 });
    const types = new Set(d.results.flatMap(one => one.events.map(ev => ev.type)));
    for (const type of [
      'LeaseBroken',
      'LeaseClosed',
      'DeploymentClosed',
      'ParameterChanged',
      'StakeReleased',
      'TransactionFailed',
      'FulfillmentClosed',
    ] as const) {
      expect([...types]).toContain(type);
    }
    d.blocks.forEach((block, i) => {
      const copy: Block = decodeBlock(encodeBlock(block));
      const result = replica.apply(copy);
      expect(result).toEqual(d.results[i]);
      expect(Buffer.from(result.appHash).toString('hex')).toBe(hashOfState(replica.state));
      expect(faultsOfBooks(replica.state)).toEqual([]);
    });
  });

  test('without commitments the headers say so, and the same happens', () => {
    const d = market({ commitEvery: 0 });
    const lease = activeLease(d);
    expect(d.lease(lease).state).toBe('active');
    expect(d.blocks.at(-1)?.header).toMatchObject({
      appHash: new Uint8Array(32),
      content: new Uint8Array(32),
      events: new Uint8Array(32),
    });
    expect(() => d.chain.commitment).toThrow('commitments are off');
  });

  test('every third height is committed to', () => {
    const d = market({ commitEvery: 3 });
    d.run(7);
    const zero = new Uint8Array(32);
    // The header of a height has its parent's: of 0, 3 and 6 in blocks 1, 4 and 7.
    expect(d.blocks.map(one => Buffer.compare(one.header.appHash, zero) !== 0)).toEqual([
      true,
      false,
      false,
      true,
      false,
      false,
      true,
    ]);
    expect(d.params).toMatchObject(FREE);
  });
});
