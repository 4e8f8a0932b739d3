/** The contract of the log and the store: replay, answers, truncation, what survives a crash, failures. */
import { describe, expect, it } from 'vitest';
import { bytes, kinds, only, recording, type Sight, text, type WorldUnderTest } from './world-under-test.ts';

export function storageContract(subject: WorldUnderTest): void {
  describe(`${subject.name}: log and store`, { concurrent: subject.concurrent }, () => {
    it('replays the log, then says `recovered`, then hands out other inputs', async () => {
      const world = await subject.open({ seed: 21 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out) => {
          if (input.kind !== 'recovered' || input.incarnation > 0) return;
          for (const entry of ['zero', 'one', 'two']) out.append(bytes(entry));
          out.sync(1);
        }),
      );
      await world.run(50);
      world.crash('a');
      seen.length = 0;
      world.restart('a');
      world.request('a', 'afterwards');
      await world.run(50);
      expect(kinds(seen)).toEqual(['logged', 'logged', 'logged', 'recovered', 'request']);
      expect(only(seen, 'logged').map(input => [input.index, text(input.entry)])).toEqual([
        [0, 'zero'],
        [1, 'one'],
        [2, 'two'],
      ]);
      await world.close();
    });

    it('drops log entries by truncation without renumbering', async () => {
      const world = await subject.open({ seed: 22 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out) => {
          if (input.kind !== 'recovered') return;
          if (input.incarnation === 0) {
            for (const entry of ['zero', 'one', 'two']) out.append(bytes(entry));
            out.truncateLog(2);
          }
          if (input.incarnation === 1) out.append(bytes('three'));
          out.sync();
        }),
      );
      for (const expected of [
        [[2, 'two']],
        [
          [2, 'two'],
          [3, 'three'],
        ],
      ]) {
        await world.run(50);
        world.crash('a');
        seen.length = 0;
        world.restart('a');
        await world.run(50);
        expect(only(seen, 'logged').map(input => [input.index, text(input.entry)])).toEqual(expected);
      }
      await world.close();
    });

    it('answers gets and scans with what was written before them, in byte order of keys', async () => {
      const world = await subject.open({ seed: 23 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out) => {
          if (input.kind !== 'recovered') return;
          // U+FF5E sorts after U+1F600 by UTF-16 units, and before it by bytes.
          for (const key of ['k/b', 'k/\u{1F600}', 'k/a', 'other', 'k/\uFF5E']) out.put(key, bytes(key));
          out.put('k/gone', bytes('x'));
          out.delete('k/gone');
          out.get('k/a');
          out.put('k/a', bytes('newer'));
          out.get('k/a');
          out.get('missing');
          out.scan('k/');
          out.scan('nothing');
        }),
      );
      await world.run(100);
      expect(only(seen, 'got').map(input => [input.key, text(input.value)])).toEqual([
        ['k/a', 'k/a'],
        ['k/a', 'newer'],
        ['missing', null],
      ]);
      const scans = only(seen, 'scanned').map(input => [input.prefix, input.entries.map(([key]) => key)]);
      expect(scans).toEqual([
        ['k/', ['k/a', 'k/b', 'k/\uFF5E', 'k/\u{1F600}']],
        ['nothing', []],
      ]);
      await world.close();
    });

    it('keeps its own copy of what is written and of what is read', async () => {
      const world = await subject.open({ seed: 24 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out) => {
          if (input.kind === 'recovered' && input.incarnation === 0) {
            const value = bytes('fresh');
            out.put('key', value);
            out.append(value);
            out.sync();
            // Behind the barrier, where effects wait.
            const second = bytes('second');
            out.append(second);
            out.sync();
            value.fill(0);
            second.fill(0);
            out.get('key');
          }
          if (input.kind !== 'got' || only(seen, 'got').length > 1) return;
          expect(text(input.value)).toBe('fresh');
          input.value!.fill(0);
          out.get('key');
        }),
      );
      await world.run(100);
      expect(only(seen, 'got')).toHaveLength(2);
      expect(text(only(seen, 'got')[1]!.value)).toBe('fresh');
      world.crash('a');
      world.restart('a');
      await world.run(20);
      expect(only(seen, 'logged').map(input => text(input.entry))).toEqual(['fresh', 'second']);
      await world.close();
    });

    it('keeps synced writes at a crash; unsynced ones survive in some runs and not in others, the log as a prefix', async () => {
      const logs = new Set<number>();
      const stores = new Set<string>();
      for (let seed = 0; seed < 40; seed++) {
        const world = await subject.open({ seed: 1_000 + seed, sync_ms: 1 });
        const seen: Sight[] = [];
        world.add(
          'a',
          recording(seen, (input, out) => {
            if (input.kind !== 'recovered') return;
            if (input.incarnation > 0) {
              out.scan('');
              return;
            }
            out.append(bytes('0'));
            out.put('durable', bytes('old'));
            out.sync();
            for (const entry of ['1', '2', '3']) out.append(bytes(entry));
            out.put('durable', bytes('new'));
            out.put('fresh', bytes('new'));
          }),
        );
        await world.run(20);
        world.crash('a');
        seen.length = 0;
        world.restart('a');
        await world.run(20);
        const log = only(seen, 'logged').map(input => text(input.entry));
        expect(log).toEqual(['0', '1', '2', '3'].slice(0, log.length));
        expect(log.length).toBeGreaterThanOrEqual(1);
        logs.add(log.length);
        const store = new Map(only(seen, 'scanned')[0]!.entries.map(([key, value]) => [key, text(value)]));
        expect(['old', 'new']).toContain(store.get('durable'));
        stores.add(`${store.get('durable')} ${store.get('fresh') ?? 'none'}`);
        await world.close();
      }
      expect([...logs].sort((x, y) => x - y)).toEqual([1, 2, 3, 4]);
      const outcomes = [...stores].sort((x, y) => (x < y ? -1 : 1));
      if (subject.storeSurvives === 'each') expect(outcomes).toEqual(['new new', 'new none', 'old new', 'old none']);
      else expect(outcomes.filter(each => each !== 'new new')).toEqual(['old none']);
    });

    it('reports a write that finds no room, fails the next sync, and works again after room is made and a restart', async () => {
      const world = await subject.open({ seed: 25 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out) => {
          if (input.kind !== 'request') return;
          out.put(input.request, bytes('value'));
          if (input.request === 'sync') out.sync(1);
        }),
      );
      await world.run(10);
      world.fillDisk('a', true);
      world.request('a', 'key');
      await world.run(20);
      expect(only(seen, 'storeFailed')).toHaveLength(1);
      expect(only(seen, 'storeFailed')[0]!.operation).toMatch(/put/);
      expect(world.halts).toEqual([]);
      world.fillDisk('a', false);
      world.request('a', 'sync');
      await world.run(50);
      expect(world.halts.map(each => each.actor)).toEqual(['a']);
      world.restart('a');
      await world.run(10);
      world.request('a', 'sync');
      await world.run(50);
      expect(only(seen, 'synced')).toHaveLength(1);
      await world.close();
    });

    it('reports a read that fails, and does not halt for it', async () => {
      const world = await subject.open({ seed: 26 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out) => {
          if (input.kind === 'recovered') {
            out.put('key', bytes('value'));
            out.sync();
          }
          if (input.kind !== 'request') return;
          out.get(input.request);
          out.scan(input.request);
        }),
      );
      await world.run(50);
      world.failDisk('a', true);
      world.request('a', 'key');
      await world.run(20);
      expect(only(seen, 'storeFailed').map(input => input.operation)).toEqual(['get key', 'scan key']);
      expect(world.halts).toEqual([]);
      await world.close();
    });

    it('never takes a damaged value for another: reads fail until it is put again', async () => {
      const world = await subject.open({ seed: 27 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out) => {
          if (input.kind === 'recovered') {
            out.put('key', bytes('value'));
            out.sync();
          }
          if (input.kind !== 'request') return;
          if (input.request === 'mend') out.put('key', bytes('new'));
          out.get('key');
          out.get('missing');
          out.scan('k');
        }),
      );
      await world.run(50);
      world.damage('a', 'store');
      world.request('a', 'read');
      await world.run(50);
      expect(only(seen, 'storeFailed').map(input => input.operation)).toEqual(['get key', 'scan k']);
      for (const { reason } of only(seen, 'storeFailed')) expect(reason).toMatch(/key is damaged/);
      expect(only(seen, 'got').map(input => [input.key, input.value])).toEqual([['missing', null]]);
      expect(world.halts).toEqual([]);
      seen.length = 0;
      world.request('a', 'mend');
      await world.run(50);
      expect(only(seen, 'storeFailed')).toEqual([]);
      expect(only(seen, 'got').map(input => text(input.value))).toEqual(['new', null]);
      expect(only(seen, 'scanned').map(input => input.entries.map(([key]) => key))).toEqual([['key']]);
      await world.close();
    });

    it('halts a start whose log has a damaged entry, and names it; nothing is replayed', async () => {
      const world = await subject.open({ seed: 28 });
      const seen: Sight[] = [];
      world.add(
        'a',
        recording(seen, (input, out) => {
          if (input.kind !== 'recovered') return;
          for (const entry of ['zero', 'one', 'two']) out.append(bytes(entry));
          out.truncateLog(1);
          out.sync();
        }),
      );
      await world.run(50);
      world.crash('a');
      world.damage('a', 'log');
      seen.length = 0;
      world.restart('a');
      world.request('a', 'unheard');
      await world.run(50);
      expect(seen).toEqual([]);
      expect(world.halts.map(each => each.actor)).toEqual(['a']);
      expect(world.halts[0]!.reason).toMatch(/log entry 1 is damaged/);
      await world.close();
    });
  });
}
