/** What the witness of a live run finds, in doctored cases: it must catch what it is there for, and nothing else. */
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addressOf } from '../../../src/protocol/codec/address.ts';
import { type Proposal, proposalSignBytes, type Vote, voteSignBytes } from '../../../src/protocol/consensus/types.ts';
import { ed25519Scheme } from '../../../src/worlds/live/ed25519.ts';
import { type Statement, Statements, Witness, witnessed } from './witness.ts';

const CHAIN = 'chain';
const keys = ed25519Scheme.keyPair(new Uint8Array(32).fill(1));
const validator = addressOf(keys.publicKey);
const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

function vote(more: Partial<Vote> = {}): Statement {
  const unsigned = { kind: 'prevote' as const, height: 3, round: 0, value: A, time: 9, validator, ...more };
  const signature = ed25519Scheme.sign(keys, voteSignBytes(CHAIN, unsigned));
  return { type: 'vote', statement: { signature, ...unsigned } };
}

function proposal(more: Partial<Proposal> = {}): Statement {
  const partsRoot = new Uint8Array(32);
  const unsigned = { height: 3, round: 0, polRound: -1, value: A, parts: 1, partsRoot, proposer: validator, ...more };
  const signature = ed25519Scheme.sign(keys, proposalSignBytes(CHAIN, unsigned));
  return { type: 'proposal', statement: { signature, ...unsigned } };
}

function conflictsOf(...said: readonly Statement[]): readonly string[] {
  const statements = new Statements(CHAIN, ed25519Scheme, new Map([[validator, keys.publicKey]]));
  for (const one of said) statements.add(one);
  return statements.conflicts;
}

describe('a witness', () => {
  it('lets pass what was said once, however often it is heard', () => {
    const steps = [proposal(), vote(), vote({ kind: 'precommit' }), vote({ round: 1, value: B }), vote({ height: 4 })];
    expect(conflictsOf(...steps, ...steps)).toEqual([]);
  });

  it.each([
    ['two values in one step', [vote(), vote({ value: B })], /3\/0\/prevote: signed aaa.* and bbb/],
    ['a value and nil', [vote({ value: null }), vote()], /signed null at 9/],
    ['the same value at two times', [vote(), vote({ time: 10 })], /at 9 .* at 10/],
    ['two proposals of one round', [proposal(), proposal({ value: B })], /3\/0\/proposal: signed/],
    ['another lock for the same value', [proposal(), proposal({ polRound: 0 })], /3\/0\/proposal: signed/],
  ])('catches %s', (_, said, expected) => {
    expect(conflictsOf(...said)).toEqual([expect.stringMatching(expected)]);
  });

  it('catches a signature that does not hold, and a stranger', () => {
    const forged = vote();
    (forged.statement as { signature: Uint8Array }).signature = new Uint8Array(64);
    expect(conflictsOf(forged, vote({ validator: addressOf(new Uint8Array(32)) }))).toHaveLength(2);
  });

  it('knows the last step of each', () => {
    const statements = new Statements(CHAIN, ed25519Scheme, new Map([[validator, keys.publicKey]]));
    const last = vote({ height: 4, round: 2, kind: 'precommit' });
    for (const one of [last, vote({ height: 4, round: 2 }), proposal({ height: 4, round: 2 }), vote()])
      statements.add(one);
    expect(statements.latest.get(validator)).toBe(last);
  });

  it('writes down at once, and reads what a kill has torn up to there', async () => {
    const home = mkdtempSync(join(tmpdir(), 'orrery-witness-'));
    const witness = new Witness(home);
    const said = [proposal(), vote(), vote({ kind: 'precommit' })];
    const votes = said.slice(1).map(one => one.statement as Vote);
    const from = { connection: 1, from: 'peer' } as const;
    const first = said[0]!.statement as Proposal;
    witness.input(0, 0, { kind: 'message', ...from, message: { type: 'proposal', proposal: first } });
    witness.input(1, 0, { kind: 'message', ...from, message: { type: 'votes', votes } });
    const [name] = readdirSync(join(home, 'witness'));
    appendFileSync(join(home, 'witness', name as string), Buffer.from([200, 0, 0, 0, 1]));
    expect([...witnessed(home)]).toEqual(said);
    await witness.close();
    rmSync(home, { recursive: true });
  });
});
