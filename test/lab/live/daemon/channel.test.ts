import { describe, expect, it } from 'vitest';
import { Channel } from '../../../../src/lab/live/daemon/channel.ts';
import type { Daemon } from '../../../../src/lab/live/daemon/daemon.ts';
import type { Order, Report } from '../../../../src/lab/live/run/words.ts';

/** A channel with both of its ends in a test's hand. */
function bench() {
  const sent: Report[] = [];
  const done: unknown[] = [];
  const listeners: { message?: (message: unknown) => void; gone?: () => void } = {};
  const channel = new Channel(
    {
      send: message => void sent.push(message as Report),
      onMessage: listener => void (listeners.message = listener),
      onDisconnect: listener => void (listeners.gone = listener),
      disconnect: () => void done.push('disconnect'),
    },
    (reason, stopWorkloads) => void done.push([reason, stopWorkloads]),
  );
  const daemon: Partial<Daemon> = {
    api: { host: '127.0.0.1', port: 1, url: 'http://127.0.0.1:1' },
    shutOut: peers => void done.push([...peers]),
    request: async request => {
      if (request === 'bad') throw new Error('no more');
      return { ok: true, request };
    },
  };
  const order = (one: Order): void => listeners.message!(one);
  return { channel, daemon: daemon as Daemon, sent, done, order, gone: () => listeners.gone!() };
}

describe('the channel to a launcher', () => {
  it('tells what happens, and that the daemon takes part', () => {
    const { channel, daemon, sent } = bench();
    channel.onlooker.observed!('m', 1, null, 5);
    channel.onlooker.observed!('m', 2, 'label', 6);
    channel.onlooker.workload!('w', 'image', 7, null);
    channel.onlooker.executed!(3, new Uint8Array(1), new Uint8Array(2), 8);
    channel.ready(daemon);
    channel.halted('why');
    expect(sent).toEqual([
      { type: 'observed', metric: 'm', value: 1, label: undefined, time: 5 },
      { type: 'observed', metric: 'm', value: 2, label: 'label', time: 6 },
      { type: 'workload', workload: 'w', image: 'image', pull_us: null, start_us: 7, stop_us: null },
      { type: 'executed', height: 3, hash: new Uint8Array(1), appHash: new Uint8Array(2), time: 8 },
      { type: 'ready', api: 'http://127.0.0.1:1' },
      { type: 'halted', reason: 'why' },
    ]);
  });

  it('passes requests on, each answered under its number', async () => {
    const { channel, daemon, sent, order } = bench();
    channel.ready(daemon);
    order({ type: 'request', id: 4, request: { type: 'account' } });
    order({ type: 'request', id: 5, request: 'bad' as never });
    await Promise.resolve();
    await Promise.resolve();
    expect(sent.slice(1)).toEqual([
      { type: 'reply', id: 4, answer: { ok: true, request: { type: 'account' } } },
      { type: 'reply', id: 5, answer: { ok: false, code: 'not_running', detail: 'no more' } },
    ]);
  });

  it('does what came before the daemon was there when it is', () => {
    const { channel, daemon, done, order } = bench();
    order({ type: 'shutOut', peers: ['a'] });
    order({ type: 'breakConnections', peers: ['b'] });
    expect(done).toEqual([]);
    channel.ready(daemon);
    // Connections are broken once; who is shut out stays so.
    expect(done).toEqual([['a'], ['a', 'b'], ['a']]);
  });

  it('ends the daemon when its launcher says so, or is gone', () => {
    const { done, order, gone, channel } = bench();
    order({ type: 'stop' });
    gone();
    channel.close();
    expect(done).toEqual([['its launcher wants it to', true], ['its launcher is gone', true], 'disconnect']);
  });
});
