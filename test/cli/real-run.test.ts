/** The command line over the real runner, with few events. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type RunRecord, readRun } from '../../src/lab/experiment/results-record.ts';
import { eventRows } from '../../src/lab/report/event-rows.ts';
import { TABLES } from '../../src/lab/report/tables.ts';
import { cli, names, useFolder } from './support.ts';

useFolder();

const REAL = null;
const SHORT = ['--set', 'horizon=3h', '--set', 'warmup=30m', '--set', 'observe.every=10m', '--set', 'expect=[]'];
const ALL = ['--set', 'observe.files=[orders, leases, providers, blocks, validators, payments, events]'];

/** What a run says of itself, but for what the machine had to do with it. */
function withoutMachine({ wallSeconds: _, peakMemoryBytes: __, ...rest }: RunRecord): unknown {
  return rest;
}

describe('results of the real runner', () => {
  it('are the same whatever the number of workers, byte for byte', async () => {
    const args = ['run', 'small.yaml', '--seeds', '1..3', ...SHORT, ...ALL];
    const one = await cli([...args, '--workers', '1', '--out', 'one'], REAL);
    const two = await cli([...args, '--workers', '2', '--out', 'two'], REAL);
    expect(one.err + two.err).toBe('');
    expect([one.code, two.code]).toEqual([0, 0]);
    const files = names('one/small-1');
    expect(files).toEqual(names('two/small-1'));
    expect(readFileSync('one/summary.csv', 'utf8')).toBe(readFileSync('two/summary.csv', 'utf8'));
    for (const seed of [1, 2, 3]) {
      for (const file of files) {
        if (file === 'run.json') continue;
        const path = join(`small-${seed}`, file);
        expect(readFileSync(join('one', path), 'utf8'), path).toBe(readFileSync(join('two', path), 'utf8'));
      }
      const records = ['one', 'two'].map(folder => withoutMachine(readRun(`${folder}/small-${seed}`)));
      expect(records[0]).toEqual(records[1]);
    }
    const hashes = [1, 2, 3].map(seed => readRun(`one/small-${seed}`).traceHash);
    expect(new Set(hashes).size).toBe(3);
  });

  it('have the columns that columns.md explains, and as many rows as run.json says', async () => {
    await cli(['run', 'small.yaml', ...SHORT, ...ALL, '--out', 'r'], REAL);
    const { files } = readRun('r');
    expect(files.map(file => file.name).sort()).toEqual(names('r').sort());
    for (const [table, columns] of Object.entries(TABLES)) {
      // Of SDL files, which this scenario has none of (sdl.test.ts reads it), and of containers, which only a live run has.
      if (table === 'sdl' || table === 'workloads') continue;
      const lines = readFileSync(`r/${table}.csv`, 'utf8').split('\n');
      expect(lines[0]).toBe(columns.map(column => column.name).join(','));
      expect(lines.length - 2).toBe(files.find(file => file.name === `${table}.csv`)!.rows);
      expect(lines.length).toBeGreaterThan(2);
    }
    expect([...eventRows('r/events.csv')].some(row => row.type === 'LeaseCreated')).toBe(true);
  });

  it('can be replayed, compared and explained', async () => {
    await cli(['run', 'small.yaml', ...SHORT, '--out', 'a'], REAL);
    await cli(['run', 'small.yaml', ...SHORT, '--out', 'b', '--set', 'tenants.web.lifetime=50m'], REAL);
    expect((await cli(['replay', 'a'], REAL)).out).toMatch(/^the same: /);
    const diff = await cli(['replay', '--diff', 'a', 'b', '--json'], REAL);
    const { index, before, left, right } = JSON.parse(diff.out) as Record<string, { text: string }[]> & {
      index: number;
    };
    expect(index).toBeGreaterThan(0);
    expect(before).toHaveLength(3);
    expect(left![0]!.text).not.toBe(right![0]!.text);
    const story = await cli(['explain', 'matched:1', '--in', 'a'], REAL);
    expect(story.code).toBe(0);
    for (const part of ['What was asked for', 'The bids (', 'the lowest, it wins.', 'The lease', 'In all, ']) {
      expect(story.out).toContain(part);
    }
    expect(names('a')).not.toContain('events.csv');
  });
});
