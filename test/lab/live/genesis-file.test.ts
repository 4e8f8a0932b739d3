import { describe, expect, it } from 'vitest';
import { genesisHash, genesisText, parseGenesis } from '../../../src/lab/live/home/genesis-file.ts';
import type { Genesis } from '../../../src/protocol/chain/genesis.ts';
import { addressOfSeed, testGenesis } from './support.ts';

const genesis: Genesis = {
  ...testGenesis({ params: { maxFulfillments: 7 }, funds: new Map([[addressOfSeed(2), 2n ** 60n + 1n]]) }),
  providers: [
    {
      address: addressOfSeed(2),
      region: 'eu',
      attributes: { tier: 'gold', 'über-name': 'ü' },
      certificate: new Uint8Array(32).fill(171),
      endpoint: 'akash1x@h:1',
    },
  ],
};

const wrong = (change: (data: Record<string, unknown>) => void): string => {
  const data = JSON.parse(genesisText(genesis)) as Record<string, unknown>;
  change(data);
  try {
    parseGenesis('g.json', JSON.stringify(data));
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('found no error, expected one');
};

describe('genesis.json', () => {
  it('is read as it was written, amounts beyond 2^53 included', () => {
    expect(parseGenesis('g.json', genesisText(genesis))).toEqual(genesis);
  });

  it('has one hash, however it is laid out', () => {
    const data = JSON.parse(genesisText(genesis)) as object;
    const other = parseGenesis('g.json', JSON.stringify(Object.fromEntries(Object.entries(data).reverse()), null, 4));
    expect(genesisHash(other)).toBe(genesisHash(genesis));
    expect(genesisHash(genesis)).toMatch(/^[0-9a-f]{64}$/);
    expect(genesisHash({ ...genesis, time: genesis.time + 1 })).not.toBe(genesisHash(genesis));
  });

  it('is refused with the place of what is wrong', () => {
    expect(() => parseGenesis('g.json', '{')).toThrow('g.json: found no JSON');
    expect(() => parseGenesis('g.json', '[]')).toThrow('g.json: found an empty list, expected a map');
    expect(wrong(data => Object.assign(data, { format: 'x' }))).toContain('format: found "x"');
    expect(wrong(data => Object.assign((data.accounts as object[])[1]!, { balance: 5 }))).toBe(
      'g.json: accounts.1.balance: found 5, expected micro-AKASH as text, such as "1000000"',
    );
    expect(wrong(data => Object.assign((data.candidates as object[])[0]!, { consensusKey: 'AB' }))).toContain(
      'candidates.0.consensusKey: found "AB", expected 32 bytes in hexadecimal',
    );
    expect(wrong(data => delete data.time)).toContain('time: found nothing');
    expect(wrong(data => Object.assign(data, { more: 1 }))).toContain('found the key "more"');
    expect(wrong(data => delete (data.params as Record<string, unknown>).quorum)).toContain(
      'without the parameters quorum',
    );
    expect(wrong(data => Object.assign(data.params as object, { quorom: 1 }))).toContain('unknown parameters "quorom"');
    expect(wrong(data => Object.assign(data.params as object, { feeBase: 50 }))).toContain('params.feeBase: found 50');
    expect(wrong(data => Object.assign(data.params as object, { quorum: -1 }))).toContain('quorum: found -1');
    expect(wrong(data => (data.accounts as object[]).pop())).toContain(`provider ${addressOfSeed(2)} has no account`);
  });
});
