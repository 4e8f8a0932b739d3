import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { PassThrough } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { watchLifeline } from '../../../../src/lab/live/daemon/lifeline.ts';

/** A lifeline under a test's hand. */
function bench(options: { parent?: number; stdin?: PassThrough } = {}) {
  const signals = new EventEmitter();
  const told: string[] = [];
  const clock = { now: 0 };
  const end = watchLifeline({
    stop: reason => told.push(`stop: ${reason}`),
    abandon: reason => told.push(`abandon: ${reason}`),
    parent: options.parent ?? null,
    stdin: options.stdin ?? null,
    signals: signals as unknown as Pick<NodeJS.EventEmitter, 'on' | 'off'>,
    now_ms: () => clock.now,
  });
  return { signals, told, clock, end };
}

describe('signals', () => {
  it('ask once, and the second time mean it', () => {
    const { signals, told, clock, end } = bench();
    signals.emit('SIGTERM', 'SIGTERM');
    clock.now = 2_000;
    signals.emit('SIGINT', 'SIGINT');
    expect(told).toEqual(['stop: SIGTERM', 'abandon: SIGINT, for the second time']);
    end();
    expect(signals.listenerCount('SIGTERM') + signals.listenerCount('SIGINT')).toBe(0);
  });

  it('that come at once are one: a terminal and npm both pass on a Ctrl-C', () => {
    const { signals, told, clock, end } = bench();
    for (clock.now = 0; clock.now <= 400; clock.now += 100) signals.emit('SIGINT', 'SIGINT');
    expect(told).toEqual(['stop: SIGINT']);
    end();
  });
});

describe('a parent', () => {
  it('that ends takes its daemon along', async () => {
    const parent = spawn('sleep', ['60']);
    const { told, end } = bench({ parent: parent.pid! });
    await wait(700);
    expect(told).toEqual([]);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await wait(1_500);
    expect(told).toEqual([`stop: its parent, process ${parent.pid}, is gone`]);
    end();
  });
});

describe('standard input', () => {
  it('that ends does the same, whatever came before', async () => {
    const stdin = new PassThrough();
    const { told, end } = bench({ stdin });
    stdin.write('hello');
    await wait(20);
    expect(told).toEqual([]);
    stdin.end();
    await once(stdin, 'close');
    expect(told).toEqual(['stop: its standard input was closed']);
    end();
  });
});
