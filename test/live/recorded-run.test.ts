/** `orrery live --record` and `orrery replay` as a user runs them, with a validator that is killed in between. */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { recordingName } from '../../src/worlds/live/record-files.ts';
import { cli } from '../cli/support.ts';
import { endRuns, removeResults, startLive } from './support.ts';

afterEach(endRuns);
afterAll(removeResults);

const PARTICIPANTS = ['alice-0', 'north-0', 'south-0', 'validator-0', 'validator-1', 'validator-2', 'validator-3'];
const SETTINGS = [
  'horizon=18s',
  'chain.blockInterval=300ms',
  'tenants.alice.arrivals={at: [1s]}',
  'faults=[{at: 7s, kind: crash, target: validator-1, for: 2s}]',
  'expect=[]',
];

test('each actor of a live run does again what it did; what was altered is named', { timeout: 180_000 }, async () => {
  const settings = SETTINGS.flatMap(one => ['--set', one]);
  const live = startLive(null, 'live-four-validators', '--containers', 'none', '--record', ...settings);
  expect(await live.ended, live.output()).toBe(0);
  expect(live.output()).toMatch(/crash of validator-1[\s\S]*end of crash of validator-1/);
  const recordings = join(live.results, 'recordings');
  expect(readdirSync(recordings).sort()).toEqual(PARTICIPANTS);
  expect(statSync(recordings).mode & 0o777).toBe(0o700);

  const { code, out, err } = await cli(['replay', live.results], null);
  expect({ code, err }, out).toEqual({ code: 0, err: '' });
  expect(Math.max(...out.split('\n').map(line => line.length))).toBeLessThanOrEqual(80);
  expect(out).toMatch(/^ {2}participant +start +inputs +effects +blocks +outcome\n/);
  // A machine that was slow to start may have had no block to commit before the kill.
  expect(out).toMatch(/\n {2}validator-1 +0 +[\d,]+ +[\d,]+ +(-|1-\d+) +same, (killed|torn end)\n/);
  expect(out).toMatch(/\n {2}validator-1 +1 +[\d,]+ +[\d,]+ +1-\d+ +same\n/);
  expect(out).toMatch(
    /the same: 8 recordings, every effect byte for byte\nOne state at each of \d+ heights on 4 nodes/,
  );
  expect(out).toMatch(/No rule of consensus was broken by validator-0, validator-1, validator-2,\nvalidator-3\./);
  const json = JSON.parse((await cli(['replay', recordings, '--json'], null)).out);
  expect(json).toMatchObject({ same: true, nodes: 4, violations: [] });
  expect(json.recordings).toHaveLength(8);

  // One bit, somewhere in the middle of what the second start was given.
  const path = join(recordings, 'validator-1', recordingName(1, 0));
  const bytes = readFileSync(path);
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  writeFileSync(path, bytes);
  const altered = await cli(['replay', live.results], null);
  expect(altered.code).toBe(1);
  expect(altered.out).toMatch(/\n {2}validator-1 +1 +[\d,]+ +[\d,]+ .* DAMAGED\n/);
  expect(altered.out.replace(/\n */g, ' ')).toMatch(/damaged: \S+: found record \d+, at byte \d+, (that|with)/);
  const alone = await cli(['replay', join(recordings, 'validator-1', recordingName(0, 0))], null);
  expect(alone.code, alone.out).toBe(0);

  // Without its recordings nobody can do a live run again.
  rmSync(recordings, { recursive: true });
  const without = await cli(['replay', live.results], null);
  expect(without).toMatchObject({ code: 2, out: '' });
  expect(without.err.replace(/\n */g, ' ')).toContain('found a live run without recordings, expected a simulated one');
});

test('recordings that are none are refused', { timeout: 60_000 }, async () => {
  const empty = await cli(['replay', join(import.meta.dirname, 'no-such-folder', recordingName(0, 0))], null);
  expect(empty).toMatchObject({ code: 2, out: '' });
  expect(empty.err).toMatch(/found no such file or folder, expected results of `orrery live --record`/);
});
