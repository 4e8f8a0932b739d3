/** The simulated disk against a plain model: what is visible, and what a crash may leave. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedDisk } from '../../../src/worlds/simulated/disk.ts';
import { compareKeys } from '../../../src/worlds/simulated/keys.ts';
import { RandomStreams } from '../../../src/worlds/simulated/streams.ts';

type Step =
  | { readonly do: 'append' | 'sync' | 'crash' }
  | { readonly do: 'truncate'; readonly share: number }
  | { readonly do: 'put' | 'delete'; readonly key: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('append' as const, 'append' as const, 'sync' as const, 'crash' as const) }),
  fc.record({ do: fc.constant('truncate' as const), share: fc.nat(100) }),
  fc.record({ do: fc.constantFrom('put' as const, 'put' as const, 'delete' as const), key: fc.nat(4) }),
);

function disk(seed: number, model = {}): SimulatedDisk {
  return new SimulatedDisk(model, new RandomStreams(seed).stream('disk', 'test'));
}

function logOf(subject: SimulatedDisk): string {
  const { first, entries } = subject.replay();
  return `${first}: ${entries.map(entry => entry.join('.')).join(' ')}`;
}

/** Every state of the log since the last sync. */
class LogModel {
  first = 0;
  entries: number[] = [];
  states: string[] = [];

  text(): string {
    return `${this.first}: ${this.entries.join(' ')}`;
  }

  settle(): void {
    this.states = [this.text()];
  }
}

describe('simulated disk', () => {
  it('is left by a crash in one of the log states since the last sync, and with each key old or one of its new values', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), fc.nat(), (steps, seed) => {
        const subject = disk(seed);
        const log = new LogModel();
        log.settle();
        const store = new Map<string, Set<number | null>>();
        let counter = 0;
        for (const each of steps) {
          counter++;
          if (each.do === 'append') {
            subject.append(Uint8Array.of(counter));
            log.entries.push(counter);
            log.states.push(log.text());
          } else if (each.do === 'truncate') {
            const index = log.first + Math.floor((log.entries.length * each.share) / 100);
            subject.truncate(index);
            log.entries = log.entries.slice(index - log.first);
            log.first = index;
            log.states.push(log.text());
          } else if (each.do === 'put' || each.do === 'delete') {
            const key = `k${each.key}`;
            const value = each.do === 'put' ? counter : null;
            subject.write(key, value === null ? null : Uint8Array.of(value));
            const possible = store.get(key) ?? new Set([null]);
            store.set(key, possible.add(value));
            expect(subject.read(key)?.[0] ?? null).toBe(value);
          } else {
            const before = subject.usedBytes;
            if (each.do === 'sync') expect(subject.commit()).toBe(null);
            else subject.crash(new RandomStreams(seed).stream('crash', String(counter)));
            expect(each.do === 'sync' ? [log.text()] : log.states).toContain(logOf(subject));
            const { first, entries } = subject.replay();
            log.first = first;
            log.entries = entries.map(entry => entry[0]!);
            log.settle();
            for (const [key, possible] of store) {
              const found = subject.read(key)?.[0] ?? null;
              expect([...possible]).toContain(found);
              store.set(key, new Set([found]));
            }
            if (each.do === 'sync') expect(subject.usedBytes).toBe(before);
            expect(subject.dirty).toBe(false);
          }
          expect(logOf(subject)).toBe(log.text());
        }
        const stored = subject.scan('');
        const bytes = subject.replay().entries.length * 17 + stored.length * (2 + 1 + 16);
        expect(subject.usedBytes).toBe(bytes);
      }),
      { numRuns: 300 },
    );
  });

  it('orders keys as their UTF-8 bytes', () => {
    const encoder = new TextEncoder();
    const unit = fc.string({ unit: 'grapheme', maxLength: 6 });
    fc.assert(
      fc.property(unit, unit, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Math.sign(Buffer.compare(encoder.encode(a), encoder.encode(b))));
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps its scans right while keys come and go', () => {
    const subject = disk(1);
    expect(subject.scan('')).toEqual([]);
    for (const key of ['b', 'a', 'c', 'ab']) subject.write(key, new Uint8Array(1));
    subject.write('b', null);
    expect(subject.scan('').map(([key]) => key)).toEqual(['a', 'ab', 'c']);
    expect(subject.scan('a').map(([key]) => key)).toEqual(['a', 'ab']);
  });

  it('refuses what does not fit, and no sync succeeds after that until a restart', () => {
    const subject = disk(1, { capacity_bytes: 100 });
    expect(subject.append(new Uint8Array(60))).toBe(null);
    expect(subject.commit()).toBe(null);
    expect(subject.append(new Uint8Array(60))).toBe('disk full');
    expect(subject.commit()).toBe('disk full');
    expect(subject.truncate(1)).toBe(null);
    expect(subject.commit()).toBe('disk full');
    subject.crash(new RandomStreams(1).stream('crash', 'test'));
    expect(subject.commit()).toBe(null);
  });

  it('takes its time: constant part, transfer, slowness', () => {
    const subject = disk(1, { sync_us: 2_000, read_us: 50, bytes_per_s: 1_000_000 });
    subject.append(new Uint8Array(984));
    expect(subject.syncDuration()).toBe(3_000);
    expect(subject.readDuration(500)).toBe(550);
    subject.setSlow(10, true);
    expect(subject.syncDuration()).toBe(30_000);
    subject.setSlow(10, false);
    expect(subject.syncDuration()).toBe(3_000);
  });

  it('tears entries that lie across sectors in some crashes, and never one within a sector', () => {
    const tornOf = (bytes: number): number => {
      let torn = 0;
      for (let seed = 0; seed < 100; seed++) {
        const subject = disk(seed);
        for (let i = 0; i < 3; i++) subject.append(new Uint8Array(bytes));
        subject.crash(new RandomStreams(seed).stream('crash', 'test'));
        torn += subject.tornEntries;
        // Torn or not begun: it is not there, nor is anything behind it.
        expect(subject.replay().entries.every(entry => entry.length === bytes)).toBe(true);
      }
      return torn;
    };
    expect(tornOf(1)).toBe(0);
    expect(tornOf(600)).toBeGreaterThan(10);
    expect(tornOf(600)).toBeLessThan(90);
  });

  it('fails reads of a damaged value, and scans over it, until it is overwritten or deleted', () => {
    const subject = disk(1);
    for (const key of ['a1', 'a2', 'b1']) subject.write(key, Uint8Array.of(1, 2, 3));
    expect(subject.commit()).toBe(null);
    expect(subject.scanFailure('')).toBe(null);
    subject.rot('store', 1, new RandomStreams(1).stream('rot', 'test'));
    const damaged = ['a1', 'a2', 'b1'].filter(key => subject.readFailure(key) !== null);
    expect(damaged).toHaveLength(1);
    const [key] = damaged as [string];
    expect(subject.readFailure(key)).toBe(`the value of ${key} is damaged: its checksum does not match`);
    expect(subject.scanFailure('')).toBe(subject.readFailure(key));
    expect(subject.scanFailure(key.startsWith('a') ? 'b' : 'a')).toBe(null);
    // An overwriting that a crash undoes leaves the damage where it was.
    let undone = 0;
    for (let seed = 0; seed < 20 && undone === 0; seed++) {
      subject.write(key, Uint8Array.of(9));
      expect(subject.readFailure(key)).toBe(null);
      subject.crash(new RandomStreams(seed).stream('crash', 'test'));
      if (subject.readFailure(key) !== null) undone++;
      else if (subject.read(key)?.[0] === 9) break;
    }
    expect(undone).toBe(1);
    subject.write(key, null);
    expect(subject.readFailure(key)).toBe(null);
    expect(subject.read(key)).toBe(null);
    expect(subject.damagedReads).toBeGreaterThan(3);
  });

  it('names a damaged log entry by its number, and forgets it when the log is cut behind it', () => {
    const subject = disk(1);
    for (let i = 0; i < 5; i++) subject.append(Uint8Array.of(i));
    subject.truncate(2);
    expect(subject.commit()).toBe(null);
    expect(subject.replayFailure()).toBe(null);
    subject.rot('log', 1, new RandomStreams(8).stream('rot', 'test'));
    const failure = subject.replayFailure();
    expect(failure).toMatch(/^log entry [234] is damaged: its checksum does not match$/);
    subject.truncate(Number(/\d/.exec(failure!)![0]) + 1);
    expect(subject.replayFailure()).toBe(null);
    subject.setErroring(true);
    expect(subject.replayFailure()).toBe('the log cannot be read: I/O error');
  });

  it('damages what is stored, and not what the write cache still holds', () => {
    for (let seed = 0; seed < 20; seed++) {
      const subject = disk(seed);
      subject.append(Uint8Array.of(1));
      subject.write('key', Uint8Array.of(1));
      subject.rot('log', 1, new RandomStreams(seed).stream('rot', 'log'));
      subject.rot('store', 1, new RandomStreams(seed).stream('rot', 'store'));
      expect([subject.replayFailure(), subject.readFailure('key')]).not.toContain(null);
      subject.crash(new RandomStreams(seed).stream('crash', 'test'));
      expect([subject.replayFailure(), subject.readFailure('key')]).toEqual([null, null]);
    }
  });

  it('damages as much as there is, and nothing of an empty disk', () => {
    const subject = disk(1);
    const rot = new RandomStreams(1).stream('rot', 'test');
    subject.rot('log', 10, rot);
    subject.rot('store', 10, rot);
    expect(subject.replayFailure()).toBe(null);
    for (let i = 0; i < 4; i++) subject.write(`k${i}`, Uint8Array.of(i));
    subject.rot('store', 10, rot);
    expect([0, 1, 2, 3].filter(i => subject.readFailure(`k${i}`) !== null)).toEqual([0, 1, 2, 3]);
  });

  it('is put back to exactly what was durable when the snapshot was taken, and that is whole', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.array(step, { maxLength: 40 }),
        fc.nat(),
        (before, after, seed) => {
          const subject = disk(seed);
          let counter = 0;
          let durable = '';
          const look = (): string =>
            `${logOf(subject)} | ${subject.scan('').map(([key, value]) => `${key}=${value.join('.')}`)}`;
          const play = (steps: readonly Step[]): void => {
            for (const each of steps) {
              counter++;
              if (each.do === 'append') subject.append(Uint8Array.of(counter));
              else if (each.do === 'truncate') {
                const { first } = subject.replay();
                subject.truncate(first + Math.floor(((subject.logEnd - first) * each.share) / 100));
              } else if (each.do === 'put') subject.write(`k${each.key}`, Uint8Array.of(counter));
              else if (each.do === 'delete') subject.write(`k${each.key}`, null);
              else {
                if (each.do === 'sync') subject.commit();
                else subject.crash(new RandomStreams(seed).stream('crash', String(counter)));
                durable = look();
              }
            }
          };
          durable = look();
          play(before);
          const expected = durable;
          const bytes = subject.usedBytes;
          const dirty = subject.dirty;
          const snapshot = subject.snapshot();
          play(after);
          subject.rot('log', 5, new RandomStreams(seed).stream('rot', 'log'));
          subject.rot('store', 5, new RandomStreams(seed).stream('rot', 'store'));
          subject.restore(snapshot);
          expect(look()).toBe(expected);
          expect(subject.replayFailure()).toBe(null);
          expect(subject.scanFailure('')).toBe(null);
          expect(subject.dirty).toBe(false);
          if (!dirty) expect(subject.usedBytes).toBe(bytes);
        },
      ),
      { numRuns: 200 },
    );
  });
});
