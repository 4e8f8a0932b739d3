import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { WorkloadSpec } from '../../../../src/actors/actor.ts';
import { IdleContainers, NOTHING_RUNS } from '../../../../src/lab/live/daemon/idle-containers.ts';
import { logged } from '../../../../src/lab/live/daemon/logged-containers.ts';
import { timedContainers, type WorkloadTiming } from '../../../../src/lab/live/daemon/timed-containers.ts';
import type { ContainerEvents } from '../../../../src/worlds/live/ports.ts';

const spec: WorkloadSpec = { id: 'l/0#0@0', host: 0, image: 'web', cpu: 1, memory: 1, disk: 1, gpu: 0, service: null };

function listener(): { events: ContainerEvents; told: unknown[] } {
  const told: unknown[] = [];
  const events: ContainerEvents = {
    workload: (id, event) => void told.push([id, event]),
    host: (host, up) => void told.push([host, up]),
    log: (id, lines) => void told.push([id, lines]),
  };
  return { events, told };
}

describe('a backend that runs nothing', () => {
  it('takes everything for started, and says so', async () => {
    const { events, told } = listener();
    const idle = new IdleContainers(events);
    idle.start(spec);
    expect(told).toEqual([]);
    idle.readLog(spec.id, 10);
    idle.readLog('other', 10);
    idle.stop(spec.id);
    idle.readLog(spec.id, 10);
    await turn();
    expect(told).toEqual([
      [spec.id, 'started'],
      [spec.id, [NOTHING_RUNS]],
      ['other', null],
      [spec.id, 'stopped'],
      [spec.id, null],
    ]);
    expect(await idle.list()).toEqual([]);
  });

  it('says nothing after its end', async () => {
    const { events, told } = listener();
    const idle = new IdleContainers(events);
    idle.start(spec);
    await idle.close();
    await turn();
    expect(told).toEqual([]);
  });
});

describe('a backend whose events are logged', () => {
  it('says why a workload does not run, and passes everything on', () => {
    const { events, told } = listener();
    const lines: unknown[] = [];
    const line = (level: string) => (what: string, fields?: object) => void lines.push([level, what, fields]);
    const log = { error: line('error'), warn: line('warn'), info: line('info'), debug: line('debug') };
    const inner = logged(events, log);
    inner.workload('a', 'start-failed', 'found no image web:9', []);
    inner.workload('a', 'started', '', []);
    inner.host(0, false);
    inner.host(0, true);
    inner.log('a', ['one']);
    expect(lines).toEqual([
      ['warn', 'workload', { id: 'a', event: 'start-failed', reason: 'found no image web:9' }],
      ['info', 'workload', { id: 'a', event: 'started' }],
      ['warn', 'host', { host: 0, up: false }],
      ['info', 'host', { host: 0, up: true }],
    ]);
    expect(told).toEqual([
      ['a', 'start-failed'],
      ['a', 'started'],
      [0, false],
      [0, true],
      ['a', ['one']],
    ]);
  });
});

describe('a backend that is timed', () => {
  it('passes everything on, and tells what it took', async () => {
    const { events, told } = listener();
    const timings: WorkloadTiming[] = [];
    let now = 0;
    let inner: ContainerEvents = events;
    const asked: string[] = [];
    const timed = await timedContainers(
      events,
      async given => {
        inner = given;
        return {
          list: async () => ['found'],
          start: ({ id }) => void asked.push(`start ${id}`),
          stop: id => void asked.push(`stop ${id}`),
          readLog: id => void asked.push(`log ${id}`),
          close: async () => void asked.push('close'),
        };
      },
      timing => timings.push(timing),
      () => now,
    );
    timed.start(spec);
    now = 250;
    inner.workload(spec.id, 'started', '', []);
    now = 300;
    timed.stop(spec.id);
    timed.stop('found');
    now = 301.5;
    inner.workload(spec.id, 'stopped', '', []);
    inner.workload('found', 'stopped', '', []);
    timed.start(spec);
    inner.workload(spec.id, 'start-failed', 'no image', []);
    inner.workload(spec.id, 'started', '', []);
    inner.host(0, false);
    inner.log('x', null);
    timed.readLog('x', 1);
    await timed.close();
    expect(await timed.list()).toEqual(['found']);
    expect(timings).toEqual([
      { workload: spec.id, image: 'web', start_us: 250_000, stop_us: null },
      { workload: spec.id, image: 'web', start_us: null, stop_us: 1_500 },
    ]);
    expect(asked).toEqual([`start ${spec.id}`, `stop ${spec.id}`, 'stop found', `start ${spec.id}`, 'log x', 'close']);
    expect(told).toHaveLength(7);
  });
});
