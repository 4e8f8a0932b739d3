import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorFields, FileLog } from '../../../../src/lab/live/daemon/log.ts';
import type { LogConfig } from '../../../../src/lab/live/home/config-types.ts';
import { useFolder } from '../support.ts';

const folder = useFolder();
const config: LogConfig = { level: 'info', size: 1_000, files: 3 };
const lines = (name: string): Record<string, unknown>[] =>
  readFileSync(join(folder(), name), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));

describe('the log of a daemon', () => {
  it('is lines of JSON, for its owner only, without what is less important', () => {
    const log = new FileLog(folder(), config, () => 0);
    log.debug('quiet');
    log.info('started', { height: 5, amount: 2n ** 60n, error: new Error('x').message });
    log.error('broken');
    log.close();
    expect(lines('daemon.log')).toEqual([
      { time: '1970-01-01T00:00:00.000Z', level: 'info', what: 'started', height: 5, amount: 2 ** 60, error: 'x' },
      { time: '1970-01-01T00:00:00.000Z', level: 'error', what: 'broken' },
    ]);
    expect(readFileSync(join(folder(), 'daemon.log'), 'utf8')).toContain((2n ** 60n).toString());
    expect(statSync(join(folder(), 'daemon.log')).mode & 0o777).toBe(0o600);
  });

  it('goes on where it was, and never grows beyond its files', () => {
    for (let start = 0; start < 40; start++) {
      const log = new FileLog(folder(), config);
      for (let i = 0; i < 5; i++) log.warn('something', { start, i, text: 'x'.repeat(100) });
      log.close();
    }
    expect(readdirSync(folder()).sort()).toEqual(['daemon.1.log', 'daemon.2.log', 'daemon.log']);
    for (const name of readdirSync(folder())) expect(statSync(join(folder(), name)).size).toBeLessThanOrEqual(1_000);
    const all = ['daemon.2.log', 'daemon.1.log', 'daemon.log'].flatMap(lines);
    const order = all.map(one => Number(one.start) * 5 + Number(one.i));
    expect(order.at(-1)).toBe(199);
    expect(order).toEqual(order.map((_, i) => 200 - order.length + i));
  });

  it('cuts a line that is too long, and says so', () => {
    const log = new FileLog(folder(), { ...config, size: 1e6 });
    log.info('long', { text: 'y'.repeat(100_000) });
    log.close();
    const [line] = lines('daemon.log');
    expect(line).toMatchObject({ what: 'long', cut: expect.any(Number) });
    expect(readFileSync(join(folder(), 'daemon.log')).length).toBeLessThan(20_000);
  });

  it('that cannot be written any more counts what is lost, and ends nobody', () => {
    const told: string[] = [];
    const log = new FileLog(folder(), { ...config, size: 10 }, Date.now, text => told.push(text));
    log.info('first');
    expect(log.failure).toBeNull();
    rmSync(folder(), { recursive: true });
    log.info('second');
    log.info('third');
    expect(log.failure?.lost).toBe(2);
    expect(log.failure?.error.message).toContain('ENOENT');
    expect(told).toHaveLength(1);
    log.close();
  });

  it('shows an error with what caused it', () => {
    const error = new Error('outer', { cause: new Error('inner') });
    expect(errorFields(error)).toMatchObject({ error: 'outer', stack: expect.stringContaining('outer') });
    expect(String(errorFields(error).cause)).toContain('inner');
    expect(errorFields('word')).toEqual({ error: 'word' });
  });
});
