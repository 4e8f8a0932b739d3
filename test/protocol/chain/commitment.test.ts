/** The commitment to state: proofs of rows and of their absence under the app hash, and that it misses no change. */
import { describe, expect, test } from 'vitest';
import { allLeaves } from '../../../src/protocol/chain/commitment.ts';
import { verifyStateProof } from '../../../src/protocol/codec/state-tree.ts';
import { bid } from '../../support/chain-driver.ts';
import { activeLease, addressOfName, deploymentIdOf, hashOfState, market, order } from '../support.ts';

describe('proofs under the app hash', () => {
  test('every row that there is, and nothing else under its key', () => {
    const d = market();
    activeLease(d);
    order(d);
    const root = d.chain.appHash;
    const leaves = [...allLeaves(d.state)];
    expect(leaves.length).toBeGreaterThan(10);
    for (const leaf of leaves) {
      const bytes = d.chain.commitment.leaf(leaf) as Uint8Array;
      const proof = d.chain.commitment.prove(leaf);
      expect(verifyStateProof(root, leaf, bytes, proof)).toBe(true);
      expect(verifyStateProof(root, leaf, null, proof)).toBe(false);
      const changed = bytes.slice();
      changed[0] = (changed[0] as number) ^ 1;
      expect(verifyStateProof(root, leaf, changed, proof)).toBe(false);
      expect(verifyStateProof(root, `${leaf}x`, bytes, proof)).toBe(false);
    }
  });

  test('absence of what there is not', () => {
    const d = market();
    const id = order(d);
    const root = d.chain.appHash;
    for (const leaf of [
      `account/${addressOfName('nobody')}`,
      `provider/${addressOfName('tom')}`,
      'proposal/1',
      `deployment/${id}`,
    ]) {
      expect(d.chain.commitment.leaf(leaf)).toBeNull();
      const proof = d.chain.commitment.prove(leaf);
      expect(verifyStateProof(root, leaf, null, proof)).toBe(true);
      expect(verifyStateProof(root, leaf, new Uint8Array(1), proof)).toBe(false);
    }
  });

  test('a proof holds for its own root only', () => {
    const d = market();
    const leaf = `account/${addressOfName('tom')}`;
    const before = {
      root: d.chain.appHash,
      bytes: d.chain.commitment.leaf(leaf) as Uint8Array,
      proof: d.chain.commitment.prove(leaf),
    };
    d.must('tom', { type: 'Transfer', to: addressOfName('ann'), amount: 1n });
    expect(verifyStateProof(before.root, leaf, before.bytes, before.proof)).toBe(true);
    expect(verifyStateProof(d.chain.appHash, leaf, before.bytes, before.proof)).toBe(false);
    expect(verifyStateProof(before.root, leaf, d.chain.commitment.leaf(leaf), d.chain.commitment.prove(leaf))).toBe(
      false,
    );
  });

  test('one leaf shows a deployment with its orders, bids and leases', () => {
    const d = market();
    const id = order(d, {}, { waitDuration: 50 });
    const leaf = `deployment/${deploymentIdOf(id)}`;
    const sizes = [d.chain.commitment.leaf(leaf)?.length as number];
    d.must('ann', bid(d.order(id), 5n));
    sizes.push(d.chain.commitment.leaf(leaf)?.length as number);
    expect(sizes[1]!).toBeGreaterThan(sizes[0]!);
    expect(verifyStateProof(d.chain.appHash, leaf, d.chain.commitment.leaf(leaf), d.chain.commitment.prove(leaf))).toBe(
      true,
    );
  });
});

describe('the app hash', () => {
  test('is that of the rows at every height, through failures and refused blocks', () => {
    const d = market();
    const hash = () => Buffer.from(d.chain.appHash).toString('hex');
    expect(hash()).toBe(hashOfState(d.state));
    const id = order(d, { persist: true });
    for (let i = 0; i < 30; i++) {
      // A block that is refused empties the driver's queue, so it comes first.
      if (i % 5 === 0)
        expect(() => d.block({ transactions: [d.sign('tom', { type: 'Stake', amount: 1n }, { nonce: 99 })] })).toThrow(
          'nonce',
        );
      if (i === 0) d.send('ann', bid(d.order(id), 5n));
      if (i % 3 === 0) d.send('tom', { type: 'Transfer', to: addressOfName('ann'), amount: 10n ** 15n });
      d.block();
      expect(hash()).toBe(hashOfState(d.state));
    }
    expect(d.events('LeaseBroken')).toHaveLength(1);
  });

  test('sees every field that a rule reads: a change of any is another hash', () => {
    const d = market({ accounts: { tom: { stake: 10n } } });
    activeLease(d);
    const id = order(d, {}, { waitDuration: 50 });
    d.must('bob', bid(d.order(id), 5n));
    d.must('tom', { type: 'SubmitProposal', title: 't', changes: [{ name: 'quorum', value: '1' }] });
    d.must('tom', { type: 'Vote', proposal: 1, choice: 'no' });
    d.must('tom', { type: 'Undelegate', validator: addressOfName('tom'), amount: 3n });
    d.must('tom', {
      type: 'Grant',
      grantee: addressOfName('tim'),
      messages: ['Vote'],
      deployment: '',
      limit: 5n,
      expires: d.time + 10 ** 9,
    });
    const { state } = d;
    const before = hashOfState(state);
    // Handles into the indexes and the journal's mark are bookkeeping; ids are the keys themselves.
    const tables = {
      accounts: state.accounts,
      providers: state.providers,
      deployments: state.deployments,
      orders: state.orders,
      fulfillments: state.fulfillments,
      leases: state.leases,
      candidates: state.candidates,
      delegations: state.delegations,
      unbondings: state.unbondings,
      proposals: state.proposals,
      ballots: state.ballots,
      grants: state.grants,
    };
    const blind: string[] = [];
    for (const [name, table] of Object.entries(tables)) {
      const row = (table.sorted() as readonly object[])[0] as Record<string, unknown>;
      expect([name, row]).not.toEqual([name, undefined]);
      for (const field of Object.keys(row)) {
        const value = row[field];
        const key = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';
        if (!key || field === 'mark') continue;
        row[field] = typeof value === 'number' ? value + 1 : typeof value === 'bigint' ? value + 1n : !value;
        let other: string;
        try {
          other = hashOfState(state);
        } catch {
          other = 'refused';
        }
        row[field] = value;
        if (other === before) blind.push(`${name}.${field}`);
      }
    }
    expect(hashOfState(state)).toBe(before);
    // What is said by the place in the tree, by another field of the leaf, or by the ids.
    expect(blind.sort()).toEqual([...blind].filter(one => DERIVED.has(one)).sort());
  });
});

/** Numbers that follow from an id, or from a field of the same leaf. */
const DERIVED = new Set([
  'orders.group',
  'orders.sequence',
  'leases.group',
  'unbondings.sequence',
  'proposals.id',
  'ballots.proposal',
]);
