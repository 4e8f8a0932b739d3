import { describe, expect, it } from 'vitest';
import { checkProtocolParams, protocolParams } from '../../../src/lab/scenario/chain-params.ts';
import { defaultParams, withParams } from '../../../src/protocol/model/params.ts';
import { BASE, errorsOf, load } from './fixture.ts';

describe('chain parameters', () => {
  it('are read in the units of the protocol', () => {
    const { values, problems } = protocolParams({
      matchingRule: 'second-price',
      maxFacilitation: 100,
      leaseTax: '0.1%',
      collateralSplit: 250_000,
      feeBase: '50 uakt',
      unbondingPeriod: '21d',
      maxBlockBytes: '1Mi',
    });
    expect(problems).toEqual([]);
    expect(values).toEqual({
      matchingRule: 'second-price',
      maxFacilitation: 100,
      leaseTax: 1_000,
      collateralSplit: 250_000,
      feeBase: 50n,
      unbondingPeriod: 1_814_400_000_000,
      maxBlockBytes: 1_048_576,
    });
    expect(withParams(defaultParams(), values).leaseTax).toBe(1_000);
  });

  it.each([
    ['leaseTx', 1, 'found the parameter "leaseTx", expected "leaseTax" perhaps'],
    ['leaseTax', 1_000_001, 'found 1000001, expected a whole number of ppm from 0 to 1,000,000'],
    ['leaseTax', '0.00005%', 'found "0.00005%", expected a whole number of ppm'],
    ['leaseTax', '5', 'found "5", expected a whole number of ppm'],
    ['leaseTax', -1, 'found -1, expected a whole number of ppm'],
    ['leaseTax', true, 'found true, expected a whole number of ppm'],
    ['matchingRule', 'lowest', 'found "lowest", expected one of lowest-price'],
    ['feeBase', '-5 uakt', 'found "-5 uakt", expected an amount such as 12 akash'],
    ['unbondingPeriod', '21', 'found "21", expected a duration such as 5s'],
    ['reconfirmationPeriod', 1, 'found 1, expected a whole number of blocks from 4'],
  ])('%s: %j is refused', (name, value, message) => {
    const text = `${BASE}chain: {params: {${name}: ${JSON.stringify(value)}}}\n`;
    const lines = errorsOf(text, { checkParams: checkProtocolParams });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`chain.params.${name}: ${message}`);
  });

  it.each([
    [
      { unbondingPeriod: '14d' },
      'unbondingPeriod: found "14d", expected more than the 1,209,600,000,000 us of evidenceM',
    ],
    [
      { evidenceMaxAge: '7d' },
      'evidenceMaxAge: found "7d", expected more than the 604,800,000,000 us of trustingPeriod',
    ],
    [
      { evidenceMaxAge: '22d' },
      'evidenceMaxAge: found "22d", expected less than the 1,814,400,000,000 us of unbondingP',
    ],
    [
      { trustingPeriod: '20d' },
      'trustingPeriod: found "20d", expected less than the 1,209,600,000,000 us of evidenceMa',
    ],
  ])('%j does not go together with the others', (params, message) => {
    const lines = errorsOf(`${BASE}chain: {params: ${JSON.stringify(params)}}\n`, { checkParams: checkProtocolParams });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`chain.params.${message}`);
  });

  it('may be as short as one likes when all three are', () => {
    const params = { unbondingPeriod: '3s', evidenceMaxAge: '2s', trustingPeriod: '1s' };
    expect(checkProtocolParams(params)).toEqual([]);
  });

  it('are taken as they are where nobody checks', () => {
    expect(load(`${BASE}chain: {params: {whatever: 5s}}\n`).scenario.chain.params).toEqual({ whatever: '5s' });
  });
});
