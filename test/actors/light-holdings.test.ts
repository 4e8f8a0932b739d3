/** What a provider learns that it holds, from two nodes of which one may leave things out or make them up. */
import { describe, expect, test } from 'vitest';
import { Holdings } from '../../src/actors/client/holdings.ts';
import { providerViewOf } from '../../src/actors/provider-view.ts';
import type { ProviderView } from '../../src/actors/wire.ts';
import { leafBytes } from '../../src/protocol/chain/leaves.ts';
import { deploymentLeafName } from '../../src/protocol/chain/light-chain.ts';
import { ByteWriter } from '../../src/protocol/codec/bytes.ts';
import { activeLease, market, order, pendingLease } from '../protocol/support.ts';
import { bid, type ChainDriver } from '../support/chain-driver.ts';

const NOTHING: ProviderView = { leases: [], bids: [] };

/** A provider with an active lease, a pending one and an open bid. */
function busy(): { driver: ChainDriver; address: string; truth: ProviderView } {
  const driver = market();
  activeLease(driver);
  const lease = driver.lease(pendingLease(driver));
  const name = driver.name(lease.provider);
  const open = order(driver, {}, { waitDuration: 50 });
  driver.must(name, bid(driver.order(open), 1n));
  const truth = providerViewOf(driver.state, lease.provider);
  expect(truth.leases.map(one => one.state).sort()).toEqual(['active', 'pending']);
  expect(truth.bids).toHaveLength(1);
  return { driver, address: lease.provider, truth };
}

/** Proves what is asked for, as the chain has it. */
function prove(holdings: Holdings, driver: ChainDriver, deployments: readonly string[]): void {
  for (const id of deployments) {
    const bytes = leafBytes(driver.state, deploymentLeafName(id), new ByteWriter(4_096));
    holdings.prove(id, bytes === null ? null : bytes.slice());
  }
}

describe('what a provider holds', () => {
  test('is what its deployments prove', () => {
    const { driver, address, truth } = busy();
    const holdings = new Holdings(address, driver.params, ['a', 'b'], 0);
    const named = holdings.name('a', truth);
    expect(named).toHaveLength(3);
    expect(holdings.name('b', truth)).toEqual([]);
    expect(holdings.view()).toBeNull();
    prove(holdings, driver, named);
    expect(holdings.view()).toEqual(truth);
  });

  test('waits for a second node, and is whole if one of the two leaves everything out', () => {
    const { driver, address, truth } = busy();
    const holdings = new Holdings(address, driver.params, ['liar', 'honest'], 0);
    expect(holdings.name('liar', NOTHING)).toEqual([]);
    expect(holdings.view()).toBeNull();
    expect(holdings.isSilent('honest')).toBe(true);
    prove(holdings, driver, holdings.name('honest', truth));
    expect(holdings.view()).toEqual(truth);
  });

  test('has nothing in it that is made up', () => {
    const { driver, address, truth } = busy();
    const [first] = truth.leases;
    const holdings = new Holdings(address, driver.params, ['liar'], 0);
    // A lease that nobody has, and one that is said to be closing although it is not.
    const leases = [
      { ...first!, lease: `${address}/7/0/0` },
      { ...first!, state: 'closing' as const },
    ];
    prove(holdings, driver, holdings.name('liar', { leases, bids: [] }));
    expect(holdings.view()).toEqual({ leases: [first], bids: [] });
  });

  test('does without a node that is gone', () => {
    const { driver, address, truth } = busy();
    const holdings = new Holdings(address, driver.params, ['a', 'b'], 0);
    prove(holdings, driver, holdings.name('a', truth));
    expect(holdings.view()).toBeNull();
    holdings.forget('b');
    expect(holdings.view()).toEqual(truth);
  });
});
