/** The contract of workloads: start, stop, room, ends, hosts, adoption after a restart. */
import { describe, expect, it } from 'vitest';
import type { WorkloadSpec } from '../../src/actors/actor.ts';
import { only, recording, type Sight, type WorldUnderTest } from './world-under-test.ts';

function spec(id: string, host = 0, cpu = 400): WorkloadSpec {
  return { id, host, image: 'busybox', cpu, memory: 1_000_000, disk: 1_000_000, gpu: 0, service: null };
}

function story(seen: readonly Sight[]): string[] {
  return only(seen, 'workload').map(input => `${input.id} ${input.event}`);
}

export function workloadContract(subject: WorldUnderTest): void {
  describe.skipIf(subject.isSkipped)(`${subject.name}: workloads`, { concurrent: subject.concurrent }, () => {
    it('starts what fits, refuses what does not, and stops, also what was never there', async () => {
      const world = await subject.open({ seed: 61 });
      const seen: Sight[] = [];
      world.add(
        'p',
        recording(seen, (input, out) => {
          if (input.kind === 'recovered') {
            out.startWorkload(spec('one'));
            out.startWorkload(spec('two'));
            out.startWorkload(spec('three'));
            out.startWorkload(spec('elsewhere', 7));
          }
          if (input.kind === 'request') out.stopWorkload(input.request);
        }),
        { hosts: 1 },
      );
      await world.run(1_000);
      expect(story(seen).sort((x, y) => (x < y ? -1 : 1))).toEqual([
        'elsewhere start-failed',
        'one started',
        'three start-failed',
        'two started',
      ]);
      expect(only(seen, 'workload').find(input => input.id === 'three')!.reason).toMatch(/cpu/);
      seen.length = 0;
      world.request('p', 'one');
      world.request('p', 'never there');
      await world.run(1_000);
      expect(story(seen).sort((x, y) => (x < y ? -1 : 1))).toEqual(['never there stopped', 'one stopped']);
      await world.close();
    });

    it('gives the room of an ended workload back', async () => {
      const world = await subject.open({ seed: 62 });
      const seen: Sight[] = [];
      world.add(
        'p',
        recording(seen, (input, out) => {
          if (input.kind === 'recovered') out.startWorkload(spec('first', 0, 900));
          if (input.kind === 'workload' && input.event === 'exited') out.startWorkload(spec('second', 0, 900));
        }),
        { hosts: 1 },
      );
      await world.run(500);
      world.crashWorkload('p', 'first');
      await world.run(500);
      expect(story(seen)).toEqual(['first started', 'first exited', 'second started']);
      await world.close();
    });

    it('keeps workloads over a crash of the process, and names them at `recovered`', async () => {
      const world = await subject.open({ seed: 63 });
      const seen: Sight[] = [];
      world.add(
        'p',
        recording(seen, (input, out) => {
          if (input.kind !== 'recovered') return;
          if (input.incarnation === 0) {
            out.startWorkload(spec('kept'));
            out.startWorkload(spec('ends meanwhile'));
          } else {
            out.startWorkload(spec('kept'));
          }
        }),
        { hosts: 1 },
      );
      await world.run(500);
      world.crash('p');
      world.crashWorkload('p', 'ends meanwhile');
      await world.run(50);
      seen.length = 0;
      world.restart('p');
      await world.run(500);
      expect(only(seen, 'recovered')).toEqual([{ kind: 'recovered', incarnation: 1, workloads: ['kept'] }]);
      // Starting what runs already is answered at once, and does not take room twice.
      expect(story(seen)).toEqual(['kept started']);
      await world.close();
    });

    // An engine is one host: what is lost there is lost to the process as well.
    if (subject.hasHostsOfTheirOwn === false) return;
    it('loses all workloads of a host that goes away, and can use it when it is back', async () => {
      const world = await subject.open({ seed: 64 });
      const seen: Sight[] = [];
      world.add(
        'p',
        recording(seen, (input, out) => {
          if (input.kind === 'recovered') {
            out.startWorkload(spec('on 0', 0));
            out.startWorkload(spec('on 1', 1));
          }
          if (input.kind === 'request') out.startWorkload(spec(input.request, 0));
        }),
        { hosts: 2 },
      );
      await world.run(500);
      seen.length = 0;
      world.hostDown('p', 0);
      await world.run(20);
      world.request('p', 'while down');
      await world.run(100);
      expect(only(seen, 'host')).toEqual([{ kind: 'host', host: 0, up: false }]);
      expect(story(seen)).toEqual(['on 0 lost', 'while down start-failed']);
      world.hostUp('p', 0);
      await world.run(20);
      world.request('p', 'again');
      await world.run(500);
      expect(only(seen, 'host').at(-1)).toEqual({ kind: 'host', host: 0, up: true });
      expect(story(seen).at(-1)).toBe('again started');
      await world.close();
    });
  });
}
