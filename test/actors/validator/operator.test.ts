import { describe, expect, it } from 'vitest';
import { Operator } from '../../../src/actors/validator/operator.ts';
import type { Transaction } from '../../../src/protocol/chain/transaction.ts';
import { keyedHashScheme } from '../../../src/protocol/codec/signature.ts';
import { Delegation } from '../../../src/protocol/model/stake-rows.ts';
import { AKASH, addressOfName, ChainDriver, keysOf } from '../../support/chain-driver.ts';

const joins = { stake: 500n * AKASH, commission: 70_000 };
const operator = (offer: typeof joins | null = joins): Operator =>
  new Operator({
    address: addressOfName('ann'),
    keys: keysOf('ann'),
    scheme: keyedHashScheme,
    unjails: true,
    joins: offer,
  });

/** Blocks with what the operator asks for; its messages in order. */
function live(chain: ChainDriver, one: Operator, blocks: number): string[] {
  const asked: string[] = [];
  for (let i = 0; i < blocks; i++) {
    const tx: Transaction | null = one.afterBlock(chain.chain);
    if (tx !== null) asked.push(tx.body.message.type);
    chain.block({ transactions: tx === null ? [] : [tx] });
    expect(chain.last.receipts.every(receipt => receipt.ok)).toBe(true);
  }
  return asked;
}

describe('the operator of an account that is to validate', () => {
  it('registers it, stakes, and asks for nothing more', () => {
    const chain = new ChainDriver({ accounts: { ann: { balance: 600n * AKASH } } });
    expect(live(chain, operator(), 20)).toEqual(['RegisterCandidate', 'Stake']);
    const candidate = chain.state.candidates.need(addressOfName('ann'));
    expect([candidate.stake, candidate.commission]).toEqual([joins.stake, 70_000]);
    expect(chain.chain.validators.members.map(one => one.address)).toContain(addressOfName('ann'));
    // A start later on, it is the same.
    expect(live(chain, operator(), 20)).toEqual([]);
  });

  it('waits for the money, and takes the stake only where it is all there', () => {
    const chain = new ChainDriver({ accounts: { ann: { balance: 499n * AKASH }, tom: {} } });
    const one = operator();
    expect(live(chain, one, 5)).toEqual([]);
    chain.must('tom', { type: 'Transfer', to: addressOfName('ann'), amount: 2n * AKASH });
    expect(live(chain, one, 15)).toEqual(['RegisterCandidate', 'Stake']);
  });

  it('does not make good what was lost', () => {
    const chain = new ChainDriver({ accounts: { ann: { balance: 2_000n * AKASH } } });
    live(chain, operator(), 5);
    chain.must('ann', { type: 'Undelegate', validator: addressOfName('ann'), amount: 100n * AKASH });
    expect(chain.state.delegations.get(Delegation.key(addressOfName('ann'), addressOfName('ann')))?.amount).toBe(
      400n * AKASH,
    );
    expect(live(chain, operator(), 15)).toEqual([]);
  });

  it('asks again when nothing came of it, and not in every block', () => {
    const chain = new ChainDriver({ accounts: { ann: { balance: 600n * AKASH } } });
    const one = operator();
    const asked: number[] = [];
    for (let i = 0; i < 25; i++) {
      if (one.afterBlock(chain.chain) !== null) asked.push(chain.height);
      chain.block();
    }
    expect(asked).toEqual([0, 10, 20]);
  });

  it('does nothing where it was not told to', () => {
    const chain = new ChainDriver({ accounts: { ann: { balance: 600n * AKASH } } });
    expect(live(chain, operator(null), 15)).toEqual([]);
  });
});
