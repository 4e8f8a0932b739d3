/** The light client against the published model-based files: every verdict of every file in the folder. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ONE_THIRD, type Trusted, verify } from '../../../src/protocol/consensus/light-block.ts';
import { LightClient } from '../../../src/protocol/consensus/light-client.ts';
import { idOf, scheme } from './light-support.ts';
import { type LightFile, microseconds, translate, trustedOf } from './tendermint-file.ts';

const folder = resolve(
  process.env.ORRERY_DATA ?? resolve(import.meta.dirname, '../../../../shared/data'),
  'consensus/light-client',
);
const names = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.json')) : [];
const absent = names.length > 0 ? '' : ' (skipped: the data folder has no consensus/light-client/*.json)';
const read = (name: string) => JSON.parse(readFileSync(resolve(folder, name), 'utf8')) as LightFile;

const optionsOf = (file: LightFile) => ({
  chainId: file.initial.signed_header.header.chain_id,
  trustingPeriod: Number(BigInt(file.initial.trusting_period) / 1000n),
  trustLevel: ONE_THIRD,
  clockDrift: 0,
  scheme,
  idOf,
});

describe(`the published light-client files${absent}`, () => {
  test.skipIf(absent !== '').each(names)('%s gets its verdicts', name => {
    const file = read(name);
    let trusted: Trusted = trustedOf(file);
    for (const [i, one] of (file.input ?? []).entries()) {
      const { block, original } = translate(one);
      const said = verify(trusted, block, microseconds(one.now), optionsOf(file));
      expect([i, said.verdict, said]).toEqual([i, one.verdict, said]);
      if (said.verdict === 'SUCCESS') trusted = said.trusted;
      // What the translation rests on: it read the original encoding right, or nothing would be good there.
      if (one.verdict !== 'INVALID') {
        expect(original).toMatchObject({ isHeaderHashed: true, isSetNamed: true, isNextSetNamed: true });
        expect(original.signatures.good).toBeGreaterThan(0);
        expect(original.signatures.bad).toBe(0);
      }
    }
  });

  test.skipIf(absent !== '')('have all three verdicts, and faults of several kinds', () => {
    const seen: Record<string, number> = {};
    for (const name of names) {
      const file = read(name);
      let trusted: Trusted = trustedOf(file);
      for (const one of file.input ?? []) {
        const said = verify(trusted, translate(one).block, microseconds(one.now), optionsOf(file));
        const key = said.verdict === 'INVALID' ? said.fault : said.verdict;
        seen[key] = (seen[key] ?? 0) + 1;
        if (said.verdict === 'SUCCESS') trusted = said.trusted;
      }
    }
    console.log(`light-client files: ${names.length}, ${JSON.stringify(seen)}`);
    expect(Object.keys(seen)).toEqual(expect.arrayContaining(['SUCCESS', 'NOT_ENOUGH_TRUST', 'expired', 'commit']));
  });

  test.skipIf(absent !== '').each(names)('%s: the client reaches what its blocks lead to', name => {
    const file = read(name);
    const client = new LightClient({ ...optionsOf(file) }, trustedOf(file));
    let trusted: Trusted = trustedOf(file);
    for (const one of file.input ?? []) {
      const { block } = translate(one);
      const { height } = block.header;
      // Each block by itself, as the file means it: the aim is its height, and nothing is kept of what waits.
      if (client.block(height) === undefined && height > trusted.height) expect(client.aimAt(height)).toBe(true);
      const before = client.latest;
      const { outcome, fault } = client.give('primary', block, microseconds(one.now));
      client.drop('primary');
      if (one.verdict === 'SUCCESS') {
        expect([outcome, client.latest?.height]).toEqual(['reached', height]);
        trusted = client.latest!;
      } else {
        expect(client.latest).toBe(before);
        if (one.verdict === 'NOT_ENOUGH_TRUST') expect([outcome, fault]).toEqual(['going', null]);
        else expect(['refused', 'expired', 'ignored']).toContain(outcome);
      }
    }
  });
});
