/**
 * A network of four validators, one of which says two things at once, with a provider and a tenant, all in this process
 * and recorded: replayed as it was, and with something altered so that no checksum tells.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wire } from '../../../../src/actors/wire.ts';
import { wireCodec } from '../../../../src/actors/wire-bytes.ts';
import type { Daemon } from '../../../../src/lab/live/daemon/daemon.ts';
import { startDaemon } from '../../../../src/lab/live/daemon/start.ts';
import { findRecordings } from '../../../../src/lab/live/replay/find-recordings.ts';
import { type JointReplay, replayJointly } from '../../../../src/lab/live/replay/joint-replay.ts';
import { type LivePlan, planLive } from '../../../../src/lab/live/run/plan.ts';
import { checkProtocolParams } from '../../../../src/lab/scenario/chain-params.ts';
import { loadScenario } from '../../../../src/lab/scenario/load.ts';
import type { Vote } from '../../../../src/protocol/consensus/types.ts';
import { ed25519Scheme } from '../../../../src/worlds/live/ed25519.ts';
import type { RecordedEntry } from '../../../../src/worlds/live/record-format.ts';
import { tamper, temporaryFolder } from '../../../support/recordings.ts';

const SCENARIO = `name: recorded
question: Is what was recorded done again?
horizon: 1m
chain:
  blockInterval: 300ms
  validators:
    - {count: 3}
    - {count: 1, behaviour: {equivocate: {of: [votes]}}}
  signatures: ed25519
providers:
  iron:
    count: 1
    region: here
    capacity: {cpu: 4, memory: 4Gi, disk: 16Gi}
    cost: {cpu: 2 uakt/h}
    strategy: {costPlus: {margin: 0.2}}
    stake: 100 akash
    balance: 100 akash
tenants:
  web:
    count: 1
    balance: 100 akash
    arrivals: {at: [1s]}
    deployment:
      - groups:
          - {cpu: 1, memory: 1Gi, price: 90 uakt/h}
`;
/** Blocks that the chain makes at the least. */
const BLOCKS = 8;
const PATIENCE_MS = 60_000;

type Entry = RecordedEntry<Wire, unknown>;
type InputEntry = Extract<Entry, { kind: 'input' }>;

const folder = temporaryFolder();
const original = join(folder.path, 'recordings');
const altered = join(folder.path, 'altered');

/** Makes the homes of the network, of a chain of its own each time. */
function plan(name: string): Promise<LivePlan> {
  const { scenario } = loadScenario('recorded.yaml', { readFile: () => SCENARIO, checkParams: checkProtocolParams });
  return planLive({
    scenario,
    seed: 1,
    scheme: ed25519Scheme,
    folder: join(folder.path, name),
    begins: Date.now() * 1_000,
    containers: { kind: 'none' },
  });
}

async function recordNetwork(): Promise<void> {
  const { members } = await plan('homes');
  let height = 0;
  const onlooker = { executed: (reached: number) => void (height = Math.max(height, reached)) };
  const daemons: Daemon[] = [];
  try {
    for (const { home, role } of members) {
      daemons.push(await startDaemon(home, role, { record: original, ...(role === 'node' ? { onlooker } : {}) }));
    }
    const until = Date.now() + PATIENCE_MS;
    while (height < BLOCKS) {
      if (Date.now() > until) throw new Error(`found ${height} blocks, expected ${BLOCKS}`);
      await pause(50);
    }
  } finally {
    for (const daemon of daemons) await daemon.stop();
  }
}

beforeAll(recordNetwork, 2 * PATIENCE_MS);
afterAll(() => folder.remove());

const replayed = (path: string, judges: 'honest' | 'all' = 'honest'): Promise<JointReplay> =>
  replayJointly(findRecordings([path]), { signal: AbortSignal.timeout(PATIENCE_MS), judges });

/** Replays the network with the recording of one of them changed. */
async function replayedWith(name: string, change: (entries: Entry[]) => readonly Entry[]): Promise<JointReplay> {
  rmSync(altered, { recursive: true, force: true });
  cpSync(original, altered, { recursive: true });
  tamper(join(altered, name), 0, wireCodec, change);
  return await replayed(altered);
}

/** What was found wrong: of whom, and in what words. */
const wrong = ({ recordings }: JointReplay) =>
  recordings
    .filter(one => one.outcome !== 'same')
    .map(({ participant, outcome, problems }) => ({ participant, outcome, problem: problems.join('\n') }));

const isInput = (entry: Entry): entry is InputEntry => entry.kind === 'input';
/** The first vote for a block of a late height that somebody else's message brought. */
function isLateVote(entry: Entry): entry is InputEntry {
  if (!isInput(entry) || entry.input.kind !== 'message' || entry.input.message.type !== 'votes') return false;
  const [vote] = entry.input.message.votes;
  return vote !== undefined && vote.height >= BLOCKS / 2 && entry.input.from !== 'validator-3';
}

/** Whether what follows an input is a timer: its deadline is reckoned from the input's time. */
const setsTimer = (entries: readonly Entry[], input: number): boolean => {
  const next = entries[input + 1];
  return next?.kind === 'effect' && next.effect.kind === 'setTimer';
};

/** Whether two entries are messages of one validator over one connection. */
function isOverSame(entry: Entry, other: Entry | undefined): boolean {
  if (!isInput(entry) || other === undefined || !isInput(other)) return false;
  const [one, next] = [entry.input, other.input];
  if (one.kind !== 'message' || next.kind !== 'message' || one.connection !== next.connection) return false;
  return one.from.startsWith('validator');
}

function withVote(entry: InputEntry, change: (vote: Vote) => Vote): Entry {
  const { input } = entry;
  if (input.kind !== 'message' || input.message.type !== 'votes')
    throw new Error(`found ${input.kind}, expected votes`);
  const [first, ...others] = input.message.votes;
  return { ...entry, input: { ...input, message: { ...input.message, votes: [change(first!), ...others] } } };
}

describe('the recordings of a network', () => {
  it('make fresh actors do the same, byte for byte, with the same state at every height', async () => {
    const result = await replayed(original);
    expect(wrong(result)).toEqual([]);
    expect(result).toMatchObject({ violations: [], nodes: 4, judged: ['validator-0', 'validator-1', 'validator-2'] });
    expect(result.height).toBeGreaterThanOrEqual(BLOCKS);
    expect(result.matched).toBeGreaterThan(50);
    expect(result.recordings.map(one => [one.participant, one.end])).toEqual(
      ['iron-0', 'validator-0', 'validator-1', 'validator-2', 'validator-3', 'web-0'].map(name => [name, 'closed']),
    );
    for (const { participant, heights, inputs, effects } of result.recordings) {
      expect(inputs).toBeGreaterThan(5);
      expect(effects).toBeGreaterThan(3);
      expect(heights !== null).toBe(/^validator/.test(participant));
    }
  });

  it('show who signed two things for one step', async () => {
    const { violations, recordings } = await replayed(original, 'all');
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatch(/^double sign, height \d+: a validator signs one word .*node=validator-3/);
    expect(recordings.every(one => one.outcome === 'same')).toBe(true);
  });

  it('name a vote with one bit changed', async () => {
    let at = -1;
    let height = -1;
    const result = await replayedWith('validator-1', entries => {
      const place = entries.findIndex(isLateVote);
      const entry = entries[place] as InputEntry;
      at = entry.index;
      return entries.with(
        place,
        withVote(entry, vote => {
          height = vote.height;
          const signature = Uint8Array.from(vote.signature);
          signature[7]! ^= 1;
          return { ...vote, signature };
        }),
      );
    });
    expect(wrong(result)).toEqual([{ participant: 'validator-1', outcome: 'unsent', problem: expect.any(String) }]);
    const { problem } = wrong(result)[0]!;
    expect(problem).toMatch(
      new RegExp(`^validator-1, incarnation 0, input ${at} at \\d{4}-.*, after block \\d+: message from`),
    );
    expect(problem).toMatch(new RegExp(`(prevote|precommit) for \\w+, height ${height}, round \\d, by akash1`));
  });

  it('name what differs when an input was removed', async () => {
    let at = -1;
    const result = await replayedWith('validator-0', entries => {
      const place = entries.findIndex(
        (entry, i) => isInput(entry) && entry.input.kind === 'synced' && i > entries.length / 2,
      );
      at = (entries[place] as InputEntry).index;
      const after = entries.slice(place + 1);
      return [...entries.slice(0, place), ...after];
    });
    const found = wrong(result);
    expect(found).toContainEqual({ participant: 'validator-0', outcome: 'differs', problem: expect.any(String) });
    const { problem } = found.find(one => one.participant === 'validator-0')!;
    const named = Number(/input (\d+) at/.exec(problem)![1]);
    // What the removed input led to is now held against the one before it.
    expect(named).toBe(at - 1);
    expect(problem).toMatch(/expected effect \d+: \w+.*\n {2}found: nothing more$/);
  });

  it('name where a message is missing, with all that it led to', async () => {
    let at = -1;
    const result = await replayedWith('validator-0', entries => {
      const inputs = entries.flatMap((entry, i) => (isInput(entry) ? [i] : []));
      const n = inputs.findIndex((place, i) => isOverSame(entries[place]!, entries[inputs[i + 1]!]));
      at = (entries[inputs[n]!] as InputEntry).index;
      return [...entries.slice(0, inputs[n]), ...entries.slice(inputs[n + 1])];
    });
    const { problem } = wrong(result).find(one => one.participant === 'validator-0')!;
    expect(problem).toMatch(
      new RegExp(
        `input ${at} at .*: message from .*\\n {2}expected: message \\d+ that .* sent over this connection\\n`,
      ),
    );
  });

  it('name an answer of the store that is missing', async () => {
    const result = await replayedWith('validator-2', entries =>
      entries.toSpliced(
        entries.findIndex(
          (entry, i) => isInput(entry) && entry.input.kind === 'got' && isInput(entries[i + 1]!) && i > 1,
        ),
        1,
      ),
    );
    const { outcome, problem } = wrong(result).find(one => one.participant === 'validator-2')!;
    expect(outcome).toBe('disorder');
    expect(problem).toMatch(/: stored value of (\S+), none\n {2}expected: the answer of the store to: get (?!\1)/);
  });

  it('name what differs when two inputs changed places, or one came at another time', async () => {
    const swapped = await replayedWith('validator-2', entries => {
      const inputs = entries.flatMap((entry, i) => (isInput(entry) ? [i] : []));
      const place = inputs.findIndex(
        (i, n) => isLateVote(entries[i]!) && n + 1 < inputs.length && entries[inputs[n + 1]!]!.kind === 'input',
      );
      const [left, right] = [inputs[place]!, inputs[place + 1]!];
      const [one, other] = [entries[left] as InputEntry, entries[right] as InputEntry];
      return entries.with(left, { ...one, input: other.input }).with(right, { ...other, input: one.input });
    });
    expect(wrong(swapped).map(one => one.participant)).toContain('validator-2');
    let at = -1;
    const moved = await replayedWith('validator-1', entries => {
      const place = entries.findIndex(entry => isInput(entry) && entry.input.kind === 'recovered');
      const later = entries.findIndex((entry, i) => i > place && isInput(entry) && setsTimer(entries, i));
      const entry = entries[later] as InputEntry;
      at = entry.index;
      return entries.with(later, { ...entry, now: entry.now + 1 });
    });
    const { outcome, problem } = wrong(moved)[0]!;
    expect(outcome).toBe('differs');
    expect(problem).toMatch(new RegExp(`^validator-1, incarnation 0, input ${at} at `));
    expect(problem).toMatch(/expected effect \d+: setTimer [\s\S]*found: setTimer /);
  });

  it('name an effect that was written otherwise, and a state that was another', async () => {
    const sent = await replayedWith('validator-0', entries => {
      const place = entries.findLastIndex(entry => entry.kind === 'effect' && entry.effect.kind === 'put');
      const entry = entries[place] as Extract<Entry, { kind: 'effect' }>;
      if (entry.effect.kind !== 'put') throw new Error('found no put, expected one');
      const value = Uint8Array.from(entry.effect.value);
      value[3]! ^= 0x10;
      return entries.with(place, { ...entry, effect: { ...entry.effect, value } });
    });
    expect(wrong(sent)[0]!.problem).toMatch(/put \S+, \d+ bytes; byte 3 of \d+: 0x\w\w\n {2}found: put .*; byte 3 of/);
    const state = await replayedWith('validator-0', entries => {
      const place = entries.findLastIndex(entry => entry.kind === 'shown');
      const entry = entries[place] as Extract<Entry, { kind: 'shown' }>;
      return entries.with(place, { ...entry, value: { ...(entry.value as object), appHash: new Uint8Array(32) } });
    });
    expect(wrong(state)[0]!.problem).toMatch(
      /execute block \d+ \(\w{12}\), state 000000000000\n {2}found: execute block/,
    );
  });

  it('are never mixed with those of another chain', async () => {
    const [member] = (await plan('others')).members;
    await expect(startDaemon(member!.home, member!.role, { record: original })).rejects.toThrow(
      /validator-0: found recordings of akash1\w+ on another chain or under another key, expected another place/,
    );
    rmSync(altered, { recursive: true, force: true });
    const daemon = await startDaemon(member!.home, member!.role, { record: altered });
    await daemon.stop();
    expect(() => findRecordings([original, altered])).toThrow(/found a recording of another chain than/);
  });

  it('alone are replayed too, without what only others can tell', async () => {
    const result = await replayed(join(original, 'validator-0'));
    expect(wrong(result)).toEqual([]);
    expect(result).toMatchObject({ nodes: 1, judged: [], matched: 0, violations: [] });
  });
});
