/** Genesis: what it starts with, and what it cannot be started from. */
import { describe, expect, test } from 'vitest';
import { Chain } from '../../../src/protocol/chain/chain.ts';
import { faultOfGenesis, type Genesis, genesisState } from '../../../src/protocol/chain/genesis.ts';
import { keyedHashScheme } from '../../../src/protocol/codec/signature.ts';
import { driverGenesis } from '../../support/chain-driver.ts';
import { AKASH, addressOfName, faultsOfBooks, hashOfState } from '../support.ts';

const good = driverGenesis({
  accounts: { tom: { balance: 5n, stake: 7n }, tim: { balance: 0n } },
  providers: { ann: { stake: 3n }, bob: {} },
  validators: { validator: { balance: 1n }, second: { stake: 2n * AKASH, commission: 1_000_000 } },
});
type Changes = { readonly [F in keyof Genesis]?: unknown };
const with_ = (changes: Changes) => ({ ...good, ...changes }) as Genesis;
const first = <T>(list: readonly T[], changes: object): T[] => [
  { ...(list[0] as T & object), ...changes } as T,
  ...list.slice(1),
];

describe('a genesis', () => {
  test('makes the state that it says', () => {
    const state = genesisState(good, true);
    expect(faultsOfBooks(state)).toEqual([]);
    expect([state.height, state.time]).toEqual([0, good.time]);
    expect(state.balanceOf(addressOfName('tom'))).toBe(5n);
    expect(state.accounts.need(addressOfName('tom')).bonded).toBe(7n);
    expect(state.chainwide.totalBonded).toBe(7n + 3n + 1_000n * AKASH + 2n * AKASH);
    expect(state.chainwide.providerStake).toBe(3n);
    // 5 + 1,000 AKASH twice (providers) + 1 + 1,000 AKASH (second), and what is bonded.
    expect(state.chainwide.genesisSupply).toBe(5n + 3_000n * AKASH + 1n + 7n + 3n + 1_002n * AKASH);
    for (const set of ['validators', 'upcoming'] as const) {
      expect(state.seats[set].map(one => [one.address, one.power])).toEqual([
        [addressOfName('validator'), 1_000],
        [addressOfName('second'), 2],
      ]);
    }
  });

  test('is the same state every time, and its app hash is in the first header', () => {
    const chain = new Chain({ genesis: good, scheme: keyedHashScheme, commitEvery: 1 });
    expect(hashOfState(chain.state)).toBe(hashOfState(genesisState(good, false)));
    const { header } = chain.makeBlock(good.time + 1, addressOfName('validator'), []);
    expect(Buffer.from(header.appHash).toString('hex')).toBe(hashOfState(chain.state));
    expect(header.height).toBe(1);
  });

  const faults: Record<string, [Changes, string]> = {
    'an account that is no address': [
      { accounts: first(good.accounts, { address: 'tom' }) },
      'account tom is not an address',
    ],
    'an account twice': [{ accounts: [...good.accounts, good.accounts[0]] }, 'stands twice'],
    'a negative balance': [{ accounts: first(good.accounts, { balance: -1n }) }, 'negative amount'],
    'a negative stake': [{ accounts: first(good.accounts, { stake: -1n }) }, 'negative amount'],
    'a candidate without an account': [
      { candidates: first(good.candidates, { address: addressOfName('nobody') }) },
      'has no account',
    ],
    'a candidate twice': [{ candidates: [...good.candidates, good.candidates[0]] }, ''],
    'a commission above the whole': [
      { candidates: first(good.candidates, { commission: 1_000_001 }) },
      'a commission of 1000001',
    ],
    'a negative commission': [{ candidates: first(good.candidates, { commission: -1 }) }, 'a commission of -1'],
    'a commission that is no whole number': [
      { candidates: first(good.candidates, { commission: 0.5 }) },
      'a commission of 0.5',
    ],
    'a consensus key that is no key': [
      { candidates: first(good.candidates, { consensusKey: new Uint8Array(31) }) },
      '',
    ],
    'a provider without an account': [
      { providers: first(good.providers, { address: addressOfName('nobody') }) },
      'has no account',
    ],
    'a provider twice': [{ providers: [...good.providers, good.providers[0]] }, ''],
    'a provider without a region': [{ providers: first(good.providers, { region: '' }) }, 'has no region'],
    'a provider whose region has no bytes in a block': [
      { providers: first(good.providers, { region: 'x'.repeat(300) }) },
      '',
    ],
    'a parameter out of its bounds': [{ params: { ...good.params, quorum: 1_000_001 } }, 'quorum: found 1000001'],
    'a parameter that is missing': [{ params: { ...good.params, quorum: undefined } }, 'quorum: found undefined'],
    'a time that is none': [{ time: -1 }, ''],
    'a time that is no whole number': [{ time: 0.5 }, ''],
    'a chain id that has no bytes in a header': [{ chainId: 'x'.repeat(65) }, ''],
    'nobody who could validate': [{ candidates: [] }, ''],
  };
  for (const [name, [changes, fault]] of Object.entries(faults)) {
    test(`with ${name} is refused, and says so before it starts`, () => {
      expect(() => genesisState(with_(changes), true)).toThrow(/^genesis: /);
      const found = faultOfGenesis(with_(changes));
      expect(found).not.toBeNull();
      expect(found).toContain(fault);
    });
  }

  test('without a fault has none', () => {
    expect(faultOfGenesis(good)).toBeNull();
  });
});
